package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"changegate/rules"
)

// floorRepo is the repository that keeps its organisation's policy, where others
// keep their own (CONTRACT §1).
const floorRepo = ".github"

type floorAnswer struct {
	DatabaseID       int64 `json:"databaseId"`
	DefaultBranchRef *struct {
		Name string
		refAnswer
	}
	Object *blobAnswer // on the branch that was asked for
}

// floorBranch is where the organisation's policy is believed to stand. Most
// organisations call the default branches of all their repositories alike.
func (g *gathering) floorBranch() string { return cmp.Or(g.known.FloorBranch, g.w.Base, "main") }

// whole reports whether the answer says which repository it is of, and at which
// commit a file was found.
func (f *floorAnswer) whole() bool {
	if f.DefaultBranchRef == nil {
		return f.DatabaseID != 0 && f.Object == nil // a repository with no commit yet
	}
	return f.DatabaseID != 0 && f.DefaultBranchRef.Name != "" && f.DefaultBranchRef.Target.Oid != ""
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
		err := g.floorMoved(ctx, at)
		if err != nil {
			return err
		}
		g.out.floorID = f.DatabaseID
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

// floorMoved reads the policy of the organisation's default branch if another one
// was asked for. The name HEAD would save this, were it not one that a branch or a
// server may give another meaning.
func (g *gathering) floorMoved(ctx context.Context, at Place) (err error) {
	f := g.pr.Floor
	if f.DefaultBranchRef == nil || f.DefaultBranchRef.Name == g.floorBranch() {
		return nil
	}
	branch := f.DefaultBranchRef.Name
	var tip *refAnswer
	f.Object, tip, err = g.c.policyBlob(ctx, at, branch)
	switch {
	case errors.Is(err, ErrGone) || err == nil && tip == nil:
		return errMoved // it was there a moment ago; the pull request itself still is
	case err != nil:
		return fmt.Errorf("organisation's, on %s: %w", branch, err)
	}
	f.DefaultBranchRef.Target.Oid = tip.Target.Oid
	g.out.Known.FloorBranch = branch
	return nil
}
