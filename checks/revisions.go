package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"changegate/rules"
)

func (g *gathering) revisionKey(commit string) string {
	return fmt.Sprintf("revision/%d/%s/%s", g.out.Place.RepoID, g.out.Change.Base.Branch, commit)
}

// remember keeps what the pull request changed at this head: a review of it will
// be compared with later heads.
func (g *gathering) remember(ctx context.Context) {
	c := &g.out.Change
	if len(c.Files) != g.pr.PullRequest.ChangedFiles {
		return
	}
	if data, err := json.Marshal(rules.Revision{Commit: c.Head.Commit, Base: c.Base.Branch, Files: c.Files}); err == nil {
		g.c.Cache.Put(ctx, g.revisionKey(c.Head.Commit), data)
	}
}

// mostRevisions bounds how many old commits one reading compares. A review of a
// commit beyond it is stale.
const mostRevisions = 5

// reviewed returns the commits of opinions that are not of the head: those of
// people who can write first, because anybody who can read may submit a review,
// and the newest first.
func (g *gathering) reviewed() []string {
	var out []string
	for _, writers := range []bool{true, false} {
		for _, w := range slices.Backward(g.out.Change.Reviews) {
			if (w.State == "APPROVED" || w.State == "CHANGES_REQUESTED") && (w.Permission != "") == writers &&
				w.Commit != "" && w.Commit != g.out.Change.Head.Commit && !slices.Contains(out, w.Commit) && len(out) < mostRevisions {
				out = append(out, w.Commit)
			}
		}
	}
	return out
}

// revision returns what the pull request changed at an earlier commit, nil when
// that cannot be known any more.
func (g *gathering) revision(ctx context.Context, commit string) (*rules.Revision, error) {
	if data, ok := g.c.Cache.Get(ctx, g.revisionKey(commit)); ok {
		var r rules.Revision
		if json.Unmarshal(data, &r) == nil {
			return &r, nil
		}
	}
	d, err := g.c.compare(ctx, g.out.Place, g.out.Change.Base.Commit, commit)
	switch {
	case errors.Is(err, ErrGone):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("compare reviewed commit %s: %w", commit, err)
	case d.Total >= comparisonFiles:
		return nil, nil // the list may have been cut
	}
	files := d.rules()
	if bare(files) {
		return nil, nil
	}
	return &rules.Revision{Commit: commit, Base: g.out.Change.Base.Branch, Files: files}, nil
}
