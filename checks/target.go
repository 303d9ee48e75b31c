package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/rules"
)

// A pointer is what rollback.to points at, in one reading.
type pointer struct {
	to   string
	look rules.Lookup
	// all are the paths that a rollback of the change has to restore, and paths those
	// of them that this one covers.
	all, paths []string
	// rev is what its folders are asked for under: the commit's id, or else the name
	// that GitHub resolves in the same query.
	rev     string
	found   []meant
	tagged  *treed // what the tag of the name is on, not followed yet
	other   *treed // what a tag is on that has all of rollback.to as its name, with the @
	both    bool   // path@commit and that tag are both there
	unknown string
}

// meant is one thing that the name in rollback.to stands for.
type meant struct {
	form string
	treed
}

// treed is a git object, and the tree that only a commit has.
type treed struct {
	Type string `json:"__typename"`
	Oid  string
	Tree struct{ Oid string }
}

// whole refuses an answer that does not say what it is about.
func (k *treed) whole() error {
	if k.Type == "" || !objectID.MatchString(k.Oid) || k.Type == "Commit" && k.Tree.Oid == "" {
		return fmt.Errorf("the answer does not say what rollback.to names")
	}
	return nil
}

// pointAt is nil when nothing can be there by that name. What people wrote goes to GitHub
// only where it is what a commit's id or a tag's name may be: everything else is syntax
// that GitHub would follow elsewhere.
func pointAt(to string, all []string) *pointer {
	a := &pointer{to: to, look: rules.LookFor(to), all: all, paths: all}
	if a.look.Path == "" {
		return a
	}
	at, ok := treePath(a.look.Path)
	if !ok {
		return nil
	}
	a.look.Path, a.paths = at, nil
	for _, p := range all {
		if within(at, p) {
			a.paths = append(a.paths, p)
		}
	}
	return a
}

// wantTarget adds what rollback.to stands for, and what the governed paths of the change
// are there, where the change left the base branch, on the base branch now, and at the
// head. Where a way back is missing it is the version to be suggested instead.
func (g *gathering) wantTarget(ctx context.Context, q *lookup) (settled bool, err error) {
	c := &g.out.Change
	if g.unread > 0 || g.pol == nil {
		return g.unread == 0, nil
	}
	paths, to := g.pol.GovernedPaths(c.Files), rules.RollbackTarget(c.Requests)
	if len(paths) == 0 {
		return true, nil
	}
	id := ""
	if g.known.Released != nil {
		if id, err = g.known.Released(ctx, c.Base.Branch, paths); err != nil {
			return false, err
		}
	}
	if objectID.MatchString(id) {
		g.released = pointAt(id, paths)
		g.released.rev = id
	}
	if to != "" {
		c.Target = &rules.Target{To: to}
		g.to = pointAt(to, paths)
		return true, g.wantPointed(ctx, q)
	} else if g.released != nil && g.suggesting(paths) {
		g.wantSides(ctx, q, g.released)
	}
	return true, nil
}

// wantPointed adds what rollback.to stands for.
func (g *gathering) wantPointed(ctx context.Context, q *lookup) error {
	c := &g.out.Change
	switch {
	case g.to == nil:
		return nil
	case g.to.look.Revert:
		g.to.rev, g.to.found = c.Base.Commit, []meant{{rules.FormRevert, treed{Oid: c.Base.Commit}}}
	default:
		g.wantCommit(ctx, q)
		if err := g.wantTag(ctx, q); err != nil {
			return err
		}
	}
	if g.to.rev != "" {
		g.wantSides(ctx, q, g.to)
	}
	return nil
}

// wantSides adds the folders in which the paths of a rollback are.
func (g *gathering) wantSides(ctx context.Context, q *lookup, a *pointer) {
	c, dirs := &g.out.Change, foldersOf(a.paths)
	revs := []string{c.MergeBase, c.Base.Commit, c.Head.Commit, a.rev}
	slices.Sort(revs)
	revs = slices.Compact(revs)
	n := 0
	for _, rev := range revs {
		n += len(g.folders.lacks(ctx, rev, dirs))
	}
	if n > mostFolders {
		a.unknown = fmt.Sprintf("its files are in too many folders: %d would have to be read, at most %d are", n, mostFolders)
		return
	}
	for _, rev := range revs {
		g.folders.wantPaths(ctx, q, rev, dirs)
	}
}

// wantCommit adds the commit by the id that rollback.to may be. GitHub takes a branch or
// tag of that name before a short id, but not where it ends what git describe would print
// (gitrevisions, "describeOutput"). Whatever it answers has to begin with the id.
func (g *gathering) wantCommit(ctx context.Context, q *lookup) {
	a := g.to
	if a.look.ID == "" {
		return
	}
	a.rev = a.look.ID
	if data, ok := g.c.Cache.Get(ctx, g.revisionKey(a.look.ID)); ok && g.folders.recallTree(ctx, string(data)) {
		k := treed{Type: "Commit", Oid: string(data)}
		k.Tree.Oid = g.folders.trees[k.Oid]
		a.rev, a.found = k.Oid, append(a.found, meant{rules.FormCommit, k})
		return
	}
	for i, rev := range []string{a.look.ID, "commit-g" + a.look.ID} {
		q.parts = append(q.parts, part{
			alias: fmt.Sprintf("commit%d", i), field: "object(expression: %s) { " + onCommit + " }", values: []string{rev},
			take: func(p partAnswer) error {
				var k treed
				found, err := p.read(&k)
				if err == nil && found {
					err = k.whole()
				}
				if err == nil && k.Type == "Commit" && strings.HasPrefix(k.Oid, a.look.ID) {
					a.found = append(a.found, meant{rules.FormCommit, k})
				}
				return err
			},
		})
	}
}

// revisionKey is where it is kept what a commit id in rollback.to stands for: of a short
// one for a day, as another commit may come that begins with it.
func (g *gathering) revisionKey(id string) string {
	key := fmt.Sprintf("revision/%d/%s", g.out.Place.RepoID, id)
	if objectID.MatchString(id) {
		return key
	}
	return key + "/" + g.c.Now().UTC().Format(time.DateOnly)
}

// tagFields is a ref and what it is on: of an annotated tag an object of its own, which
// peel follows.
const (
	onCommit  = "__typename oid ... on Commit { tree { oid } }"
	tagFields = "name prefix target { " + onCommit + " }"
)

// wantTag adds the tag by the name in rollback.to, if it did not come with the pull
// request. A tag may be moved at any time, and it is read every time; a branch of that
// name is never looked for, because it is something else after the merge.
func (g *gathering) wantTag(ctx context.Context, q *lookup) error {
	a := g.to
	if ref, ok := tagRef(a.to); ok && a.look.Path != "" {
		q.tag(ref, func(t *tagAnswer) (err error) {
			a.other, err = t.on(a.to)
			return err
		})
	}
	ref, ok := tagRef(a.look.Name)
	if g.out.Known.Tag = ""; !ok {
		return nil
	}
	g.out.Known.Tag = a.look.Name
	if a.rev == "" {
		a.rev = ref
	}
	if g.known.Tag != a.look.Name {
		q.tag(ref, func(t *tagAnswer) (err error) {
			a.tagged, err = t.on(a.look.Name)
			return err
		})
		return nil
	}
	var err error
	if a.tagged, err = g.pr.Tag.on(a.look.Name); err != nil {
		return err
	}
	if err := g.peelTag(ctx, a); err != nil {
		return err
	}
	if a.rev != ref {
		return nil
	}
	if a.rev = ""; len(a.found) > 0 {
		k := a.found[0]
		g.folders.plant(ctx, k.Oid, k.Tree.Oid)
		a.rev = k.Oid
	}
	return nil
}

// peelTag adds the commit that the tag of the name stands for to what is found.
func (g *gathering) peelTag(ctx context.Context, a *pointer) error {
	k, err := g.c.peel(ctx, g.out.Place, a.tagged)
	if a.tagged = nil; k != nil {
		a.found = append(a.found, meant{rules.FormTag, *k})
	}
	return err
}

// asTag lets rollback.to be the name of a tag with an @ in it, as in support@3.4.0. Where
// path@commit names files of the change both may be meant, and neither is.
func (g *gathering) asTag(ctx context.Context, a *pointer) error {
	k, err := g.c.peel(ctx, g.out.Place, a.other)
	switch {
	case err != nil || k == nil:
		return err
	case len(a.found) > 0 && len(a.paths) > 0:
		a.both = true
		return nil
	}
	a.look, a.paths, a.unknown = rules.Lookup{Name: a.to}, a.all, ""
	a.found = []meant{{rules.FormTag, *k}}
	return nil
}

// one is the only thing that is meant, however many names it has; nil when it is nothing
// or more than one.
func (a *pointer) one() *meant {
	for i := range a.found {
		if a.found[i].Oid != a.found[0].Oid {
			return nil
		}
	}
	if len(a.found) == 0 {
		return nil
	}
	m := a.found[0]
	if a.look.Path != "" {
		m.form = rules.FormPath
	}
	return &m
}

// target says what rollback.to comes to, and what is suggested where that does not hold.
func (g *gathering) target(ctx context.Context) error {
	if g.to != nil {
		t, err := g.pointed(ctx, g.to)
		if err != nil {
			return err
		}
		g.out.Change.Target = t
	}
	return g.suggest(ctx)
}

// pointed resolves one target and what it leaves.
func (g *gathering) pointed(ctx context.Context, a *pointer) (*rules.Target, error) {
	if err := g.peelTag(ctx, a); err != nil {
		return nil, err
	}
	if err := g.asTag(ctx, a); err != nil {
		return nil, err
	}
	if err := g.asVersion(ctx, a); err != nil {
		return nil, err
	}
	t := &rules.Target{To: a.to, Unknown: a.unknown}
	m := a.one()
	if m == nil || a.both {
		t.Ambiguous = len(a.found) > 0
		return t, nil
	}
	t.Form, t.Commit = m.form, m.Oid
	g.settleOn(ctx, a, m)
	var err error
	if m.form == rules.FormVersion {
		t.InBase = true // it was found in that history
	} else if t.InBase, err = g.inBase(ctx, m.Oid); err != nil {
		return nil, fmt.Errorf("ask whether rollback target %s is on the base branch: %w", m.Oid, err)
	}
	if t.Unknown != "" || !t.InBase {
		return t, nil
	}
	// What was asked for under a name may be of something else that has it as well.
	q := &lookup{place: g.out.Place}
	g.wantSides(ctx, q, a)
	if err := q.send(ctx, g.c); err != nil {
		return nil, fmt.Errorf("read what a rollback leaves: %w", err)
	}
	return t, g.restore(ctx, t, a)
}

// settleOn files what was asked for under a name under the commit that it stands for.
func (g *gathering) settleOn(ctx context.Context, a *pointer, m *meant) {
	if a.rev != m.Oid {
		g.folders.rename(ctx, a.rev, m.Oid, m.Tree.Oid)
		a.rev = m.Oid
	}
	if a.look.ID != "" && strings.HasPrefix(m.Oid, a.look.ID) {
		g.c.Cache.Put(ctx, g.revisionKey(a.look.ID), []byte(m.Oid))
	}
}

// inBase reports whether a commit is in the base branch's history. What is below the
// commit at which the change left the branch stays so when the branch moves.
func (g *gathering) inBase(ctx context.Context, commit string) (bool, error) {
	c := &g.out.Change
	for _, later := range slices.Compact([]string{c.MergeBase, c.Base.Commit}) {
		if commit == later {
			return true, nil
		}
	}
	for _, later := range slices.Compact([]string{c.MergeBase, c.Base.Commit}) {
		if in, err := g.c.below(ctx, g.out.Place, commit, later); in || err != nil {
			return in, err
		}
	}
	return false, nil
}
