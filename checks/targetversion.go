package checks

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// asVersion lets rollback.to stand for the newest commit of the base branch that had the
// version of an agent that it names. A tag of that name is the same thing only if it has
// the same content; otherwise both stay, and neither is meant.
func (g *gathering) asVersion(ctx context.Context, a *pointer) error {
	c := &g.out.Change
	var meanings []meant
	for _, commit := range versioned(c, a.look) {
		meanings = append(meanings, meant{rules.FormVersion, treed{Oid: commit}})
	}
	if len(meanings) == 0 {
		return nil
	}
	first := meanings[0]
	a.found = append(meanings, a.found...)
	q := &lookup{place: g.out.Place}
	for _, m := range a.found {
		at := *a
		at.rev = m.Oid
		g.wantSides(ctx, q, &at)
		a.unknown = cmp.Or(a.unknown, at.unknown)
	}
	if err := q.send(ctx, g.c); err != nil {
		return fmt.Errorf("read what version %s was: %w", a.look.Name, err)
	}
	for _, m := range a.found {
		for _, p := range a.paths {
			was, _ := g.folders.at(first.Oid, p)
			if is, known := g.folders.at(m.Oid, p); m.Oid != first.Oid && (!known || is != was) {
				return nil
			}
		}
	}
	a.found, a.rev = []meant{first}, first.Oid
	return nil
}

// versioned are the commits that a target stands for when it is a version of an agent of
// the change.
func versioned(c *rules.Change, to rules.Lookup) []string {
	if to.Path != "" || to.Revert || !rules.IsVersion(to.Name) {
		return nil
	}
	return released(c, to.Name)
}

// version is asVersion on a clone. The zero commit is no version, or an ambiguous one.
func (a *aim) version(byTag plumbing.Hash) (plumbing.Hash, error) {
	commits := versioned(a.ch, a.look)
	if len(commits) == 0 {
		return plumbing.ZeroHash, nil
	}
	first := commits[0]
	if !byTag.IsZero() {
		commits = append(commits, byTag.String())
	}
	w := &walker{c: a.c, parsed: map[plumbing.Hash]map[string]object.TreeEntry{}}
	was, err := w.at(first, a.paths)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	for _, commit := range slices.Compact(commits[1:]) {
		is, err := w.at(commit, a.paths)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if !maps.Equal(is, was) {
			a.out.Ambiguous = true
			return plumbing.ZeroHash, nil
		}
	}
	return plumbing.NewHash(first), nil
}
