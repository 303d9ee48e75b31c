package checks

import (
	"context"
	"fmt"
	"slices"

	"changegate/rules"
)

// suggesting reports whether a finding will ask for another way back: none is declared
// where one must be, or the one declared does not hold.
func (g *gathering) suggesting(paths []string) bool {
	if t := g.out.Change.Target; t != nil {
		return !undoesAll(t, paths)
	}
	for _, f := range g.out.Change.Files {
		groups := g.pol.GroupsOf(f)
		required := func(of rules.Group) bool { return of.Rollback && slices.Contains(groups, of.Name) }
		if slices.ContainsFunc(g.pol.Groups, required) {
			return true
		}
	}
	return false
}

// undoesAll reports whether a target would undo the change at every path, as far as facts
// tell: the rules may still refuse what a parser says of it.
func undoesAll(t *rules.Target, paths []string) bool {
	return t.InBase && t.Unknown == "" && len(t.Files) == len(paths) &&
		!slices.ContainsFunc(t.Files, func(r rules.Restored) bool { return r.Wrong != "" || r.Back == r.Landed })
}

// suggest works out the version that is suggested: the last one that was itself released
// through the gate. It costs a call, once, where the plan that was declared does not hold.
func (g *gathering) suggest(ctx context.Context) error {
	if g.released == nil || !g.suggesting(g.released.all) {
		return nil
	}
	q := &lookup{place: g.out.Place}
	g.wantSides(ctx, q, g.released)
	if err := q.send(ctx, g.c); err != nil {
		return fmt.Errorf("read the version to be suggested: %w", err)
	}
	k := treed{Oid: g.released.rev}
	if k.Tree.Oid = g.folders.trees[k.Oid]; k.Tree.Oid == "" {
		return nil // it is gone: the branch was pushed over
	}
	g.released.found = []meant{{rules.FormCommit, k}}
	t, err := g.pointed(ctx, g.released)
	g.out.Change.Suggested = t
	return err
}
