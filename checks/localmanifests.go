package checks

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// mostCommits bounds the history that is searched for the versions of an agent.
const mostCommits = 200_000

// manifests fills in what gives the agents of a change their versions. Nothing is read
// where no group of kind agent-version governs a file of the change.
func (c *Clone) manifests(ch *rules.Change, pol *rules.Policy) {
	if pol == nil {
		return
	}
	if err := c.findManifests(ch, pol); err != nil {
		ch.Gaps = append(ch.Gaps, rules.Gap{What: gapVersions, Says: c.lacks(err).Error()})
	}
}

func (c *Clone) findManifests(ch *rules.Change, pol *rules.Policy) error {
	paths := pol.Versioned(ch.Files)
	if len(paths) == 0 {
		return nil
	}
	w := &walker{c: c, parsed: map[plumbing.Hash]map[string]object.TreeEntry{}}
	base := plumbing.NewHash(ch.Base.Commit)
	found, err := w.candidates(base, paths, pol)
	if err != nil {
		return err
	}
	if len(found) > mostManifests {
		return unknown(fmt.Sprintf("%d files may give an agent its version, at most %d are read", len(found), mostManifests))
	}
	var all []rules.Manifest
	for file, e := range found {
		m := rules.Manifest{Path: file}
		if m.Base, err = c.manifest(e); err != nil {
			return err
		}
		m.Head = m.Base
		if blob, touched := headOf(ch, file); touched {
			if m.Head, err = c.manifest(object.TreeEntry{Hash: plumbing.NewHash(blob), Mode: filemode.Regular}); err != nil {
				return err
			}
		}
		all = append(all, m)
	}
	ch.Manifests = pol.Covering(ch.Files, all)
	for i := range ch.Manifests {
		m := &ch.Manifests[i]
		editions, cut, err := c.editions(base, m.Path)
		if err != nil {
			return err
		}
		m.Released, m.Cut = releases(ch.Base.Commit, editions), cut
		if gone(ch, m.Path) {
			if m.Stay, err = w.staying(ch.Head.Commit, m.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// candidates are the files that may be a manifest of one of the paths: those of the
// change, and those on the base branch in the folders on the way to it.
func (w *walker) candidates(base plumbing.Hash, paths []string, pol *rules.Policy) (map[string]object.TreeEntry, error) {
	root, err := w.c.treeOf(base)
	if err != nil {
		return nil, err
	}
	out := map[string]object.TreeEntry{}
	for _, file := range paths {
		if pol.MayVersion(file) {
			out[file] = object.TreeEntry{}
		}
	}
	for _, dir := range foldersOf(paths) {
		at := object.TreeEntry{Hash: root, Mode: filemode.Dir}
		if dir != "" {
			if at, err = w.find(root, dir); err != nil {
				return nil, err
			}
		}
		if at.Mode != filemode.Dir {
			continue
		}
		entries, err := w.entries(at.Hash)
		if err != nil {
			return nil, err
		}
		for name, e := range entries {
			if file := path.Join(dir, name); e.Mode != filemode.Dir && pol.MayVersion(file) {
				out[file] = e
			}
		}
	}
	return out, nil
}

// staying is what a commit has in the folder of a file.
func (w *walker) staying(commit, file string) (stay []string, err error) {
	at := object.TreeEntry{Mode: filemode.Dir}
	if at.Hash, err = w.c.treeOf(plumbing.NewHash(commit)); err != nil {
		return nil, err
	}
	if dir := path.Dir(file); dir != "." {
		if at, err = w.find(at.Hash, dir); err != nil || at.Mode != filemode.Dir {
			return nil, err
		}
	}
	entries, err := w.entries(at.Hash)
	for name, e := range entries {
		stay = append(stay, standing(name, e.Mode))
	}
	slices.Sort(stay)
	return stay, err
}

// manifest is a file's text, nil where there is no file. What is too large for a manifest,
// or is no file, is one that says nothing.
func (c *Clone) manifest(e object.TreeEntry) ([]byte, error) {
	if e.Hash.IsZero() {
		return nil, nil
	}
	if e.Mode != filemode.Regular && e.Mode != filemode.Executable && e.Mode != filemode.Deprecated {
		return []byte{}, nil
	}
	text, err := c.text(e, rules.MaxManifest)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, err
	}
	if err != nil {
		return []byte{}, nil
	}
	return manifestText(text), nil
}

// An ancestor is a commit of which the manifest was looked up.
type ancestor struct {
	id      plumbing.Hash
	parents []plumbing.Hash
	cut     bool // the clone ends here
	at      object.TreeEntry
}

// A tracing follows one path through a history.
type tracing struct {
	c     *Clone
	steps []string // of the path
	// known is what the folders on the way hold there; all commits have another root,
	// and most have the same folders below it.
	known map[stage]object.TreeEntry
}

// A stage is a folder that the path leads through at one of its steps.
type stage struct {
	tree plumbing.Hash
	step int
}

// editions are the changes of a file on the base branch, newest first: along the first
// parents of its commits, because only those stood there. What a branch that was merged
// had on the way never did. Only trees are compared; go-git's own Log with a path takes a
// hundred times as long.
func (c *Clone) editions(tip plumbing.Hash, file string) (all []edition, cut bool, err error) {
	t := &tracing{c: c, steps: strings.Split(file, "/"), known: map[stage]object.TreeEntry{}}
	if tip.IsZero() {
		return nil, false, nil
	}
	n, err := t.look(tip)
	for seen := 1; err == nil && n != nil; seen++ {
		if seen > mostCommits {
			return all, true, nil
		}
		if n.cut {
			return nil, false, unknown("the clone is shallow and does not hold every version that was released; " + unshallow)
		}
		before := &ancestor{}
		if len(n.parents) > 0 {
			if before, err = t.look(n.parents[0]); err != nil {
				break
			}
		}
		if before.at != n.at {
			if len(all) == mostEditions {
				return all, true, nil
			}
			e, err := t.edition(n, before)
			if err != nil {
				return nil, false, err
			}
			all = append(all, e)
		}
		if n = before; len(n.id) == 0 || n.id.IsZero() {
			break
		}
	}
	return all, false, err
}

// edition is what a commit made of the file.
func (t *tracing) edition(n, before *ancestor) (edition, error) {
	e := edition{Commit: n.id.String(), Blob: id(n.at.Hash), Was: id(before.at.Hash)}
	if !before.id.IsZero() {
		e.Parent = before.id.String()
	}
	text, err := t.c.manifest(n.at)
	e.Version = rules.ManifestVersion(text)
	return e, err
}

// look reads a commit.
func (t *tracing) look(id plumbing.Hash) (*ancestor, error) {
	k, err := t.c.past.outline(id)
	if err != nil {
		return nil, err
	}
	n := &ancestor{id: id, parents: k.parents, cut: t.c.past.cut[id]}
	n.at, err = t.find(k.tree, 0)
	return n, err
}

// find looks the path up from one of its folders on.
func (t *tracing) find(tree plumbing.Hash, step int) (out object.TreeEntry, err error) {
	if at, ok := t.known[stage{tree, step}]; ok {
		return at, nil
	}
	entries, err := t.c.entries(tree)
	if err != nil {
		return out, err
	}
	i := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == t.steps[step] })
	switch {
	case i < 0:
	case step < len(t.steps)-1 && entries[i].Mode == filemode.Dir:
		out, err = t.find(entries[i].Hash, step+1)
	case step == len(t.steps)-1 && entries[i].Mode != filemode.Dir:
		out = object.TreeEntry{Mode: entries[i].Mode, Hash: entries[i].Hash}
	}
	if step > 0 && err == nil {
		t.known[stage{tree, step}] = out
	}
	return out, err
}
