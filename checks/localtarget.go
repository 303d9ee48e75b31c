package checks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// An aim is the working out of one rollback.to on a clone.
type aim struct {
	c    *Clone
	ch   *rules.Change
	look rules.Lookup
	out  rules.Target

	all    []string // the paths of the change
	paths  []string // those of them that it covers
	merged int      // bytes read to be merged
}

// unknown says why a target cannot be worked out here: not that it is wrong, but that
// this clone does not hold what would show it.
type unknown string

func (u unknown) Error() string { return string(u) }

const unshallow = "run `git fetch --unshallow --tags`"

// target works out rollback.to with the facts that the server reads from GitHub's API:
// trees are walked at the fork, at the tip of the base branch, at the head and at what
// the target names, and no file is read unless a merge or a parser needs it. What this
// clone lacks is said in Unknown, and then no file is listed: half a plan is none.
func (c *Clone) target(ch *rules.Change, pol *rules.Policy, to string) *rules.Target {
	if pol == nil {
		return nil // what does not load governs nothing that anybody knows
	}
	paths := pol.GovernedPaths(ch.Files)
	if len(paths) == 0 {
		return nil
	}
	a := &aim{c: c, ch: ch, look: rules.LookFor(to), out: rules.Target{To: to}, all: slices.Clone(paths)}
	if a.look.Path != "" {
		at, ok := treePath(a.look.Path)
		if !ok {
			return &a.out
		}
		a.look.Path = at
		paths = slices.DeleteFunc(paths, func(path string) bool { return !within(at, path) })
	}
	a.paths = paths
	if err := a.resolve(); err != nil {
		return &rules.Target{To: to, Unknown: c.lacks(err).Error()}
	}
	if !a.out.InBase {
		return &a.out
	}
	if err := a.restore(a.paths); err != nil {
		a.out.Files, a.out.Unknown = nil, c.lacks(err).Error()
	}
	return &a.out
}

// resolve finds the one commit that is named, and whether the base branch has it.
func (a *aim) resolve() error {
	base := plumbing.NewHash(a.ch.Base.Commit)
	if a.look.Revert {
		a.out.Form, a.out.Commit, a.out.InBase = rules.FormRevert, a.ch.Base.Commit, !base.IsZero()
		return nil
	}
	commit, form, err := a.named()
	if err != nil {
		return err
	}
	if commit, form, err = a.asTag(commit, form); err != nil || commit.IsZero() {
		return err
	}
	if a.look.Path != "" {
		form = rules.FormPath
	}
	a.out.Form, a.out.Commit = form, commit.String()
	if base.IsZero() {
		return nil // a first commit: there is no history yet
	}
	in, cut, err := a.c.past.reaches(base, commit)
	switch {
	case err != nil:
		return err
	case cut:
		return unknown("the clone is shallow, so the history of the base branch is not known; " + unshallow)
	}
	a.out.InBase = in
	return nil
}

// asTag is asTag of the server: where a tag has all of rollback.to as its name, it is that.
func (a *aim) asTag(commit plumbing.Hash, form string) (plumbing.Hash, string, error) {
	if a.look.Path == "" {
		return commit, form, nil
	}
	other, err := a.c.tag(a.out.To)
	switch {
	case err != nil || other.IsZero():
		return commit, form, err
	case (!commit.IsZero() || a.out.Ambiguous) && len(a.paths) > 0:
		a.out.Ambiguous = true
		return plumbing.ZeroHash, "", nil
	}
	a.look, a.paths, a.out.Ambiguous = rules.Lookup{Name: a.out.To}, a.all, false
	return other, rules.FormTag, nil
}

// named returns the one commit that a tag or a commit id names; zero when there is
// none, or more than one.
func (a *aim) named() (commit plumbing.Hash, form string, err error) {
	byTag, err := a.c.tag(a.look.Name)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	byID, err := a.c.commitsWithPrefix(a.look.ID)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	version, err := a.version(byTag)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	shallow := len(a.c.past.cut) > 0
	switch {
	case !version.IsZero() || a.out.Ambiguous:
		return version, rules.FormVersion, nil
	case len(byID) > 1, len(byID) == 1 && !byTag.IsZero() && byTag != byID[0]:
		a.out.Ambiguous = true
		return plumbing.ZeroHash, "", nil
	case len(byID) == 0 && byTag.IsZero() && shallow:
		return plumbing.ZeroHash, "", unknown("the clone is shallow and does not hold it; " + unshallow)
	case len(byID) == 0 && byTag.IsZero() && a.c.tagless():
		return plumbing.ZeroHash, "", unknown("the clone was made without tags and has no such commit; run `git fetch --tags`")
	case len(byID) == 1 && len(a.look.ID) < 40 && shallow:
		return plumbing.ZeroHash, "", unknown("the clone is shallow, so it does not show whether other commits begin like this; write all 40 digits, or " + unshallow)
	case len(byID) == 1:
		return byID[0], rules.FormCommit, nil
	}
	return byTag, rules.FormTag, nil
}

// tagless reports a clone that never fetches tags (git clone --no-tags).
func (c *Clone) tagless() bool {
	cfg, err := c.repo.Config()
	if err != nil || cfg.Raw == nil {
		return false
	}
	return cfg.Raw.Section("remote").Subsection("origin").Option("tagopt") == "--no-tags"
}

// lacks adds to an error that comes from an object that is not there the command that
// fetches it.
func (c *Clone) lacks(err error) error {
	switch {
	case !errors.Is(err, plumbing.ErrObjectNotFound):
		return err
	case c.partial():
		return fmt.Errorf("%w: the clone is partial; run `git fetch --refetch --no-filter`", err)
	case len(c.past.cut) > 0:
		return fmt.Errorf("%w: the clone is shallow; %s", err, unshallow)
	}
	return fmt.Errorf("%w: the clone is damaged; run `git fetch --refetch`", err)
}

// partial reports a clone that leaves objects at its remote (git clone --filter).
func (c *Clone) partial() bool {
	cfg, err := c.repo.Config()
	if err != nil || cfg.Raw == nil {
		return false
	}
	for _, r := range cfg.Raw.Section("remote").Subsections {
		if r.Option("promisor") == "true" || r.HasOption("partialclonefilter") {
			return true
		}
	}
	return false
}

// restore lists what the rollback leaves at the paths.
func (a *aim) restore(paths []string) error {
	for _, g := range a.ch.Gaps {
		if g.What == "files" || g.What == "history" {
			return unknown(g.Says)
		}
	}
	at, err := a.standing(paths)
	if err != nil {
		return err
	}
	elsewhere, err := a.elsewhere()
	if err != nil {
		return err
	}
	for _, path := range paths {
		s := sides{fork: at[0][path], tip: at[1][path], head: at[2][path]}
		if !a.look.Revert {
			s.target = at[3][path]
		}
		r, err := a.restored(path, s)
		if err != nil {
			return err
		}
		if elsewhere && s.tip != (rules.Entry{}) {
			r.Wrong = rules.WrongElsewhere
		} else if !a.look.Revert && s.target == (rules.Entry{}) {
			folder, err := a.isFolder(path)
			if err != nil {
				return err
			}
			if folder {
				r.Wrong = rules.WrongFolder
			}
		}
		a.out.Files = append(a.out.Files, r)
	}
	return nil
}

// standing reads what is at the paths at the fork, on the base branch, at the head
// and, unless the change itself is reverted, at the target.
func (a *aim) standing(paths []string) (at []map[string]rules.Entry, err error) {
	commits := []string{a.ch.MergeBase, a.ch.Base.Commit, a.ch.Head.Commit}
	if !a.look.Revert {
		commits = append(commits, a.out.Commit)
	}
	w := &walker{c: a.c, parsed: map[plumbing.Hash]map[string]object.TreeEntry{}}
	for _, commit := range commits {
		found, err := w.at(commit, paths)
		if err != nil {
			return nil, err
		}
		at = append(at, found)
	}
	return at, nil
}

// elsewhere reports a path@commit whose path that commit does not have at all: a slip
// of the pen, where a whole commit without the file would be its history.
func (a *aim) elsewhere() (bool, error) {
	if a.look.Path == "" {
		return false, nil
	}
	tree, err := a.c.treeOf(plumbing.NewHash(a.out.Commit))
	if err != nil {
		return false, err
	}
	_, ok, err := a.c.find(tree, a.look.Path)
	return !ok, err
}

// isFolder reports whether the target has a folder at a path.
func (a *aim) isFolder(path string) (bool, error) {
	tree, err := a.c.treeOf(plumbing.NewHash(a.out.Commit))
	if err != nil {
		return false, err
	}
	e, ok, err := a.c.find(tree, path)
	return ok && e.Mode == filemode.Dir, err
}

// restored is one path of the rollback.
func (a *aim) restored(path string, s sides) (rules.Restored, error) {
	read, err := a.reader(path, s)
	if err != nil {
		return rules.Restored{}, err
	}
	r, err := s.back(path, a.look.Revert, read)
	if errors.Is(err, unknown(tooLong)) {
		return r, unknown(tooLong) // it is not about this file
	}
	if err != nil || !isParsed(a.ch, path) || r.Back.Blob == "" || r.Wrong != "" {
		return r, err
	}
	text, err := a.c.text(treeEntry(r.Back), rules.MaxPolicy)
	switch {
	case errors.Is(err, plumbing.ErrObjectNotFound):
		return r, err
	case err != nil:
		r.Wrong = rules.WrongUnread
	}
	r.Text = text
	return r, nil
}

// mergeable reads what a merge is to be made of, as long as all that is merged is not too
// long.
func (a *aim) mergeable(blob string) ([]byte, error) {
	data, err := a.c.mergeable(blob)
	if a.merged += len(data); a.merged > mostMergedBytes {
		return nil, unknown(tooLong)
	}
	return data, err
}

func (c *Clone) mergeable(blob string) ([]byte, error) {
	h := plumbing.NewHash(blob)
	size, err := c.store.EncodedObjectSize(h)
	if err != nil {
		return nil, err
	}
	if size > rules.MaxMerged {
		return nil, errLarge
	}
	return c.text(object.TreeEntry{Mode: filemode.Regular, Hash: h}, rules.MaxMerged)
}

func treeEntry(e rules.Entry) object.TreeEntry {
	return entryOf(rules.File{New: e.Blob, NewMode: e.Mode})
}

// A walker looks many paths up in the trees of several commits. No tree is read twice:
// commits share most of theirs.
type walker struct {
	c      *Clone
	parsed map[plumbing.Hash]map[string]object.TreeEntry
}

// at returns what a commit has at the paths: only files, links and submodules; a
// folder is no file. The zero commit has nothing.
func (w *walker) at(commit string, paths []string) (map[string]rules.Entry, error) {
	root, err := w.c.treeOf(plumbing.NewHash(commit))
	if err != nil {
		return nil, err
	}
	out := map[string]rules.Entry{}
	for _, path := range paths {
		e, err := w.find(root, path)
		if err != nil {
			return nil, fmt.Errorf("look up %s at %s: %w", path, commit, err)
		}
		if e.Mode != filemode.Empty && e.Mode != filemode.Dir {
			out[path] = rules.Entry{Blob: e.Hash.String(), Mode: octal(e.Mode)}
		}
	}
	return out, nil
}

// find looks a path up. What lies below a link or a submodule is that: the path leads
// out of this tree.
func (w *walker) find(tree plumbing.Hash, path string) (object.TreeEntry, error) {
	for {
		entries, err := w.entries(tree)
		if err != nil {
			return object.TreeEntry{}, err
		}
		name, rest, deeper := strings.Cut(path, "/")
		e := entries[name]
		switch {
		case deeper && e.Mode == filemode.Dir:
			tree, path = e.Hash, rest
		case deeper && e.Mode != filemode.Symlink && e.Mode != filemode.Submodule:
			return object.TreeEntry{}, nil
		default:
			return e, nil
		}
	}
}

func (w *walker) entries(tree plumbing.Hash) (map[string]object.TreeEntry, error) {
	if known, ok := w.parsed[tree]; ok {
		return known, nil
	}
	list, err := w.c.entries(tree)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]object.TreeEntry, len(list))
	for _, e := range list {
		byName[e.Name] = e
	}
	w.parsed[tree] = byName
	return byName, nil
}
