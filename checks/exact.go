package checks

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"changegate/rules"
)

// wantFolders adds the directories from which lists of changed files become
// comparable. REST gives no modes, and not what a file held before: a file that
// became executable, or a link with the same bytes, would look as it did to a
// reviewer. Both are filled in for governed files, in the list of the head and in
// those it is compared with; nothing is asked when there is none.
func (g *gathering) wantFolders(ctx context.Context, q *lookup) (settled bool, err error) {
	if len(g.lists) < 2 {
		return true, nil
	}
	wanted := map[folder]bool{}
	for i := range g.lists {
		for k := range g.lists[i].Files {
			for _, e := range g.ends(&g.lists[i], &g.lists[i].Files[k]) {
				wanted[e.folder] = true
			}
		}
	}
	if len(wanted) > mostFolders {
		return true, nil
	}
	for f := range wanted {
		g.folders.want(ctx, q, f)
	}
	return true, nil
}

// exact fills in what was found. A list that needs more is read again from git
// trees; a revision that is not there either is left out, and reviews of it are
// stale. Without the head's own list there is nothing to compare.
func (g *gathering) exact(ctx context.Context) error {
	if len(g.lists) < 2 {
		return nil
	}
	var whole []rules.Revision
	for i := range g.lists {
		r := g.lists[i]
		if !g.fill(&r) {
			files, err := g.trees.differ(ctx, r.MergeBase, r.Commit)
			lost := errors.Is(err, ErrGone) || errors.Is(err, errNotWhole)
			switch {
			case lost && i == 0:
				return nil
			case lost:
				continue
			case err != nil:
				return fmt.Errorf("read modes at %s: %w", r.Commit, err)
			}
			r.Files = files
		}
		whole = append(whole, r)
	}
	g.alike(whole)
	g.out.Change.Files, g.out.Change.Revisions = whole[0].Files, whole[1:]
	return nil
}

// An end is one side of a file's change: where it is found, and what is to be known
// of it.
type end struct {
	folder
	name     string
	id, mode *string
}

// ends are the sides of a governed file of which something is not known.
func (g *gathering) ends(r *rules.Revision, f *rules.File) []end {
	if !g.governed(*f) {
		return nil
	}
	var out []end
	add := func(commit, at string, id, mode *string) {
		dir, name := path.Split(at)
		out = append(out, end{folder{commit, strings.TrimSuffix(dir, "/")}, name, id, mode})
	}
	if f.Status != "deleted" && (f.New == "" || f.NewMode == "") {
		add(r.Commit, f.Path, &f.New, &f.NewMode)
	}
	was := f.Path
	if f.OldPath != "" {
		was = f.OldPath
	}
	if f.Status != "added" && (f.Old == "" || f.OldMode == "") {
		add(r.MergeBase, was, &f.Old, &f.OldMode)
	}
	return out
}

// fill writes what was found into the governed files of a list. The digest of the
// difference then says nothing more: git trees, with which the list may have to be
// compared, do not give it. It reports whether everything was found, and was what
// the comparison said.
func (g *gathering) fill(r *rules.Revision) bool {
	for i := range r.Files {
		f := &r.Files[i]
		for _, s := range g.ends(r, f) {
			var e folderEntry
			if got := g.folders.found[s.folder]; got != nil {
				e = got.names[s.name]
			}
			if e.Oid == "" || *s.id != "" && *s.id != e.Oid {
				return false
			}
			*s.id, *s.mode = e.Oid, e.mode()
		}
		if g.governed(*f) {
			f.Diff = ""
		}
	}
	return true
}

// alike splits renames where the lists disagree on them: one that comes from git
// trees has none, and the same content must look the same in both.
func (g *gathering) alike(all []rules.Revision) {
	moved := func(r *rules.Revision) (out []string) {
		for _, f := range r.Files {
			if f.OldPath != "" && g.governed(f) {
				out = append(out, f.OldPath+"\x00"+f.Path)
			}
		}
		slices.Sort(out)
		return out
	}
	first := moved(&all[0])
	if !slices.ContainsFunc(all, func(r rules.Revision) bool { return !slices.Equal(moved(&r), first) }) {
		return
	}
	for i := range all {
		all[i].Files = g.split(all[i].Files)
	}
}

// split makes a deleted and an added file of each governed one that was renamed. A
// copy deletes nothing.
func (g *gathering) split(files []rules.File) []rules.File {
	var out []rules.File
	for _, f := range files {
		if f.OldPath == "" || !g.governed(f) {
			out = append(out, f)
			continue
		}
		if f.Status != "copied" {
			out = append(out, rules.File{Path: f.OldPath, Status: "deleted", Old: f.Old, OldMode: f.OldMode})
		}
		out = append(out, rules.File{Path: f.Path, Status: "added", New: f.New, NewMode: f.NewMode})
	}
	sortFiles(out)
	return out
}
