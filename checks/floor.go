package checks

import (
	"context"
	"fmt"

	"changegate/rules"
)

// floorRepo is the repository that keeps its organisation's policy, where others
// keep their own (CONTRACT §1).
const floorRepo = ".github"

type floorAnswer struct {
	DatabaseID       int64 `json:"databaseId"`
	DefaultBranchRef *refAnswer
	Object           *blobAnswer
}

// whole reports whether the answer says which repository it is of, and at which
// commit a file was found.
func (f *floorAnswer) whole() bool {
	if f.DefaultBranchRef == nil {
		return f.DatabaseID != 0 && f.Object == nil // a repository with no commit yet
	}
	return f.DatabaseID != 0 && f.DefaultBranchRef.Target.Oid != ""
}

// floorHidden sorts the errors of a reading: that the organisation's repository is
// not there, or not shown to the App, is an answer; others are not.
func floorHidden(errs []graphError) (hidden bool, others int) {
	for _, e := range errs {
		if len(e.Path) == 1 && e.Path[0] == "floor" {
			hidden = true
		} else {
			others++
		}
	}
	return hidden, others
}

// floor tells the three outcomes of reading the organisation's policy apart. The
// repository that keeps it has no other policy beside its own: that of its base
// branch.
func (g *gathering) floor(ctx context.Context) error {
	f, p, k := g.pr.Floor, &g.out.Floor, &g.out.Known
	home := owner(g.pr.NameWithOwner) + "/" + floorRepo
	p.Path = PolicyPath
	switch {
	case f == nil && k.Floored:
		p.State, p.Why = PolicyUnreadable, home+" is not shown to the App any more: install the App on it"
	case f == nil || f.DatabaseID == g.pr.DatabaseID:
	default:
		at := g.out.Place
		at.RepoID, at.Repo = f.DatabaseID, home
		var err error
		if *p, err = g.c.policyOf(ctx, at, f.Object); err != nil {
			return fmt.Errorf("organisation's: %w", err)
		}
		if p.State != PolicyAbsent {
			p.Commit = f.DefaultBranchRef.Target.Oid
		}
		k.Floored = p.State != PolicyAbsent
	}
	switch p.State {
	case PolicyRead:
		g.out.Change.Floor = &rules.PolicyText{Commit: p.Commit, Path: p.Path, Blob: p.Blob, Data: p.Data}
	case PolicyUnreadable:
		g.gap(rules.GapFloor, p.Why)
	}
	return nil
}
