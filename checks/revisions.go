package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"changegate/rules"
)

// mostRevisions bounds how many other commits one reading compares with the head. A
// review of a commit beyond it is stale.
const mostRevisions = 5

// revisions finds what the pull request changed at other commits, to be put next to
// what it changes now. What was seen first of a commit stays: the base branch may
// move under it, and what a review saw would then look like something else.
func (g *gathering) revisions(ctx context.Context) error {
	c := &g.out.Change
	now := rules.Revision{Commit: c.Head.Commit, Base: c.Base.Branch, MergeBase: c.MergeBase, Files: slices.Clone(c.Files)}
	g.lists = []rules.Revision{now}
	if first := g.recall(now.Commit); first != nil && first.MergeBase != now.MergeBase && opined(c.Reviews, now.Commit) {
		g.lists = append(g.lists, *first)
	}
	for _, commit := range g.others() {
		r, err := g.revision(ctx, commit)
		if err != nil {
			return err
		}
		if r != nil {
			g.lists = append(g.lists, *r)
		}
	}
	return nil
}

// settle makes the lists comparable and keeps them for later readings.
func (g *gathering) settle(ctx context.Context) error {
	if g.diff == nil {
		return nil
	}
	if err := g.exact(ctx); err != nil {
		return err
	}
	c := &g.out.Change
	now := rules.Revision{Commit: c.Head.Commit, Base: c.Base.Branch, MergeBase: c.MergeBase, Files: c.Files}
	whole := !slices.ContainsFunc(c.Gaps, func(p rules.Gap) bool { return p.What == "files" })
	switch first := g.recall(now.Commit); {
	case first != nil && first.MergeBase != now.MergeBase:
		g.keep(first)
	case whole && (g.pol != nil || len(now.Files) <= comparisonFiles):
		g.keep(&now)
	default:
		g.keep(first)
	}
	return nil
}

// keep brings Known up to date: what is compared now, and the head as it was seen
// first, which a review may be given on.
func (g *gathering) keep(first *rules.Revision) {
	var out []rules.Revision
	for _, r := range g.out.Change.Revisions {
		r.Files = g.worth(r.Files)
		out = append(out, r)
	}
	head := func(r rules.Revision) bool { return r.Commit == g.out.Change.Head.Commit }
	if first != nil && !slices.ContainsFunc(out, head) {
		r := *first
		r.Files = g.worth(r.Files)
		out = append(out, r)
	}
	g.out.Known.Revisions = out
}

// worth is a list as it is kept. A long one is kept as far as the rules compare it:
// what is governed, and change requests.
func (g *gathering) worth(files []rules.File) []rules.File {
	if len(files) <= comparisonFiles {
		return slices.Clone(files)
	}
	var out []rules.File
	for _, f := range files {
		if rules.RequestPath(f.Path) || g.governed(f) {
			out = append(out, f)
		}
	}
	return out
}

// recall returns what was seen of a commit under this base branch; nil if nothing.
func (g *gathering) recall(commit string) *rules.Revision {
	for _, r := range g.known.Revisions {
		if r.Commit == commit && r.Base == g.out.Change.Base.Branch {
			r.Files = slices.Clone(r.Files)
			return &r
		}
	}
	return nil
}

// opinion reports whether a review may count or block.
func opinion(w rules.Review) bool { return w.State == "APPROVED" || w.State == "CHANGES_REQUESTED" }

func opined(reviews []rules.Review, commit string) bool {
	return slices.ContainsFunc(reviews, func(w rules.Review) bool { return opinion(w) && w.Commit == commit })
}

// others returns the commits to compare the head with: those of approvals that may
// count, of people who can write first, because anybody who can read may submit a
// review, and the newest first; then those that show whether merging the base branch
// in changed anything.
func (g *gathering) others() []string {
	var out []string
	add := func(commit string) {
		if commit != "" && commit != g.out.Change.Head.Commit && !slices.Contains(out, commit) && len(out) < mostRevisions {
			out = append(out, commit)
		}
	}
	last := lastOpinions(g.out.Change.Reviews)
	for _, writers := range []bool{true, false} {
		for _, w := range slices.Backward(g.out.Change.Reviews) {
			if w.State == "APPROVED" && !w.By.Bot && !w.At.Before(last[w.By.ID]) && (w.Permission != "") == writers {
				add(w.Commit)
			}
		}
	}
	for _, commit := range rules.UpdateMerges(&g.out.Change) {
		add(commit)
	}
	return out
}

// lastOpinions are when each account said its last word, a dismissed one included.
// What it said before counts no more: whoever looks again after every push, a bot
// above all, takes no place from those who looked once.
func lastOpinions(reviews []rules.Review) map[int64]time.Time {
	last := map[int64]time.Time{}
	for _, w := range reviews {
		if (opinion(w) || w.State == "DISMISSED") && w.At.After(last[w.By.ID]) {
			last[w.By.ID] = w.At
		}
	}
	return last
}

// revision returns what the pull request changed at another commit, nil when that
// cannot be known any more.
func (g *gathering) revision(ctx context.Context, commit string) (*rules.Revision, error) {
	if r := g.recall(commit); r != nil {
		return r, nil
	}
	c := &g.out.Change
	d, err := g.c.compare(ctx, g.out.Place, c.Base.Commit, commit)
	if err == nil {
		r := &rules.Revision{Commit: commit, Base: c.Base.Branch, MergeBase: d.MergeBase, Files: d.rules()}
		if len(d.Files) >= comparisonFiles { // the list may have been cut
			r.Files, err = g.trees.differ(ctx, d.MergeBase, commit)
		}
		if err == nil && !bare(r.Files) {
			return r, nil
		}
	}
	if err == nil || errors.Is(err, ErrGone) || errors.Is(err, errNotWhole) {
		return nil, nil
	}
	return nil, fmt.Errorf("compare reviewed commit %s: %w", commit, err)
}
