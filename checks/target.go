package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	unknown string
}

// meant is one thing that the name in rollback.to stands for.
type meant struct {
	form string
	treed
}

// treed is a commit and its tree, which only a commit has.
type treed struct {
	Oid  string
	Tree struct{ Oid string }
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
// head.
func (g *gathering) wantTarget(ctx context.Context, q *lookup) (settled bool, err error) {
	c := &g.out.Change
	if g.unread > 0 || g.pol == nil {
		return g.unread == 0, nil
	}
	paths, to := g.pol.GovernedPaths(c.Files), rules.RollbackTarget(c.Requests)
	if to == "" || len(paths) == 0 {
		return true, nil
	}
	c.Target = &rules.Target{To: to}
	if g.to = pointAt(to, paths); g.to == nil {
		return true, nil
	}
	if g.to.look.Revert {
		g.to.rev, g.to.found = c.Base.Commit, []meant{{rules.FormRevert, treed{Oid: c.Base.Commit}}}
	} else {
		g.wantCommit(ctx, q)
		g.wantTag(q)
	}
	g.wantSides(ctx, q, g.to, g.to.rev)
	return true, nil
}

// wantSides adds the folders in which the paths of a rollback are.
func (g *gathering) wantSides(ctx context.Context, q *lookup, a *pointer, rev string) {
	c, dirs := &g.out.Change, foldersOf(a.paths)
	revs := []string{c.MergeBase, c.Base.Commit, c.Head.Commit, rev}
	slices.Sort(revs)
	revs = slices.DeleteFunc(slices.Compact(revs), func(rev string) bool { return rev == "" })
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
// tag of that name before a short id: what it answers has to begin with it.
func (g *gathering) wantCommit(ctx context.Context, q *lookup) {
	a := g.to
	if a.look.ID == "" {
		return
	}
	a.rev = a.look.ID
	key := fmt.Sprintf("revision/%d/%s", g.out.Place.RepoID, a.look.ID)
	if data, ok := g.c.Cache.Get(ctx, key); ok && g.folders.recallTree(ctx, string(data)) {
		k := treed{Oid: string(data)}
		k.Tree.Oid = g.folders.trees[k.Oid]
		a.rev, a.found = k.Oid, append(a.found, meant{rules.FormCommit, k})
		return
	}
	q.parts = append(q.parts, part{
		alias: "target", field: "object(expression: %s) { oid ... on Commit { tree { oid } } }", values: []string{a.look.ID},
		take: func(p partAnswer) error {
			var k treed
			if _, err := p.read(&k); err != nil || k.Tree.Oid == "" || !objectID.MatchString(k.Oid) || !strings.HasPrefix(k.Oid, a.look.ID) {
				return err
			}
			a.found = append(a.found, meant{rules.FormCommit, k})
			// It can only become ambiguous, which GitHub would refuse.
			g.c.Cache.Put(ctx, key, []byte(k.Oid))
			return nil
		},
	})
}

// tagFields is a tag and the commit that it leads to, through at most three tags of
// tags.
const (
	onCommit  = "oid ... on Commit { tree { oid } }"
	tagFields = "name prefix target { " + onCommit + " ... on Tag { target { " + onCommit + " ... on Tag { target { " + onCommit +
		" ... on Tag { target { " + onCommit + " } } } } } } }"
)

// A tagAnswer is a ref as GitHub found it by the name that it completed itself.
type tagAnswer struct {
	Name, Prefix string
	Target       *peeled
}

// peeled is a commit, or a tag and what it is on.
type peeled struct {
	treed
	Target *peeled
}

// commit is what a tag stands for; nil when it leads to no commit, or when the ref is
// another one.
func (t *tagAnswer) commit(name string) *treed {
	if t == nil || t.Prefix != "refs/tags/" || t.Name != name {
		return nil
	}
	for p := t.Target; p != nil; p = p.Target {
		if p.Tree.Oid != "" && objectID.MatchString(p.Oid) {
			return &p.treed
		}
	}
	return nil
}

// wantTag adds the tag by the name in rollback.to, if it did not come with the pull
// request. A tag may be moved at any time, and it is read every time; a branch of that
// name is never looked for, because it is something else after the merge.
func (g *gathering) wantTag(q *lookup) {
	a := g.to
	ref, ok := tagRef(a.look.Name)
	if g.out.Known.Tag = ""; !ok {
		return
	}
	g.out.Known.Tag = a.look.Name
	if a.rev == "" {
		a.rev = ref
	}
	take := func(t *tagAnswer) {
		if k := t.commit(a.look.Name); k != nil {
			a.found = append(a.found, meant{rules.FormTag, *k})
		}
	}
	if g.known.Tag == a.look.Name {
		take(g.pr.Tag)
		return
	}
	q.parts = append(q.parts, part{
		alias: "tag", field: "ref(qualifiedName: %s) { " + tagFields + " }", values: []string{ref},
		take: func(p partAnswer) error {
			var t *tagAnswer
			_, err := p.read(&t)
			take(t)
			return err
		},
	})
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

// target says what rollback.to comes to.
func (g *gathering) target(ctx context.Context) error {
	if g.to == nil {
		return nil
	}
	t, err := g.pointed(ctx, g.to)
	g.out.Change.Target = t
	return err
}

// pointed resolves one target and what it leaves.
func (g *gathering) pointed(ctx context.Context, a *pointer) (*rules.Target, error) {
	t := &rules.Target{To: a.to, Unknown: a.unknown}
	m := a.one()
	if m == nil {
		t.Ambiguous = len(a.found) > 0
		return t, nil
	}
	t.Form, t.Commit = m.form, m.Oid
	var err error
	if t.InBase, err = g.inBase(ctx, m.Oid); err != nil {
		return nil, fmt.Errorf("ask whether rollback target %s is on the base branch: %w", m.Oid, err)
	}
	if t.Unknown != "" || !t.InBase {
		return t, nil
	}
	if a.rev != m.Oid {
		g.folders.rename(ctx, a.rev, m.Oid, m.Tree.Oid)
	}
	// What was asked for under a name may be of something else that has it as well.
	q := &lookup{place: g.out.Place}
	g.wantSides(ctx, q, a, m.Oid)
	if err := q.send(ctx, g.c); err != nil {
		return nil, fmt.Errorf("read what a rollback leaves: %w", err)
	}
	return t, g.restore(ctx, t, a)
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
		if in, err := g.below(ctx, commit, later); in || err != nil {
			return in, err
		}
	}
	return false, nil
}

// unlisted is what Target.Unknown says of folders that GitHub did not give.
const unlisted = "GitHub did not give whole what the folder of %s holds at %.7s"

// restore fills in the files of a target.
func (g *gathering) restore(ctx context.Context, t *rules.Target, a *pointer) error {
	c := &g.out.Change
	elsewhere := a.look.Path != "" && !g.folders.has(t.Commit, a.look.Path)
	for _, p := range a.paths {
		var s sides
		for _, at := range []struct {
			commit string
			e      *rules.Entry
		}{{c.MergeBase, &s.fork}, {c.Base.Commit, &s.tip}, {c.Head.Commit, &s.head}, {t.Commit, &s.target}} {
			var known bool
			if *at.e, known = g.folders.at(at.commit, p); !known {
				t.Files, t.Unknown = nil, fmt.Sprintf(unlisted, p, at.commit)
				return nil
			}
		}
		r, unknown := s.restored(p, a.look.Revert)
		if unknown != "" {
			t.Files, t.Unknown = nil, unknown
			return nil
		}
		if elsewhere && s.tip != (rules.Entry{}) {
			r.Wrong = rules.WrongElsewhere
		}
		t.Files = append(t.Files, r)
	}
	return g.parsed(ctx, t)
}

// restored is one path of the rollback, as far as that takes no merge of contents.
func (s sides) restored(path string, revert bool) (r rules.Restored, unknown string) {
	r, err := s.back(path, revert, func(string) ([]byte, error) { return nil, errMerge })
	if err != nil {
		return r, "the base branch has changed `" + path + "` too"
	}
	return r, ""
}

// errMerge says that contents have to be merged.
var errMerge = errors.New("not read")

// parsed fills in what a parser reads before the change may pass.
func (g *gathering) parsed(ctx context.Context, t *rules.Target) error {
	var sources []Source
	for i := range t.Files {
		r := &t.Files[i]
		switch {
		case !g.isParsed(r.Path) || r.Back.Blob == "" || r.Wrong != "":
		case r.Path == PolicyPath && r.Back.Blob == g.out.Policy.Blob && g.out.Policy.State == PolicyRead:
			r.Text = g.out.Policy.Data
		default:
			sources = append(sources, Source{t.Commit, r.Path, r.Back.Blob})
		}
	}
	if len(sources) == 0 {
		return nil
	}
	texts, err := g.c.Contents(ctx, g.out.Place, sources)
	if err != nil {
		return fmt.Errorf("read what a rollback leaves: %w", err)
	}
	for i := range t.Files {
		r := &t.Files[i]
		if !slices.ContainsFunc(sources, func(s Source) bool { return s.Path == r.Path }) {
			continue
		}
		var ok bool
		if r.Text, ok = texts[r.Back.Blob]; !ok || len(r.Text) > rules.MaxPolicy {
			r.Text, r.Wrong = nil, rules.WrongUnread
		}
	}
	return nil
}

// isParsed reports whether a parser reads a file before the change may pass.
func (g *gathering) isParsed(path string) bool { return path == PolicyPath }
