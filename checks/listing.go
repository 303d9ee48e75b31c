package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// mostFolders bounds how many folders one query asks for. Beyond it git trees are
// compared, and a rollback is not verified.
const mostFolders = 100

// A folder is a directory of a commit; the root has no name.
type folder struct{ commit, dir string }

// above is the folder that this one is in, and its name there.
func (f folder) above() (folder, string) {
	dir, name := path.Split(f.dir)
	return folder{f.commit, strings.TrimSuffix(dir, "/")}, name
}

type folderEntry struct {
	Name string
	Oid  string
	Mode int64
}

// mode is git's octal mode, which GraphQL gives as a number.
func (e folderEntry) mode() string { return fmt.Sprintf("%06o", e.Mode) }

// A listing is what one folder holds. Its entries come to the id that the answer gave
// it (byName): one with a hole is none.
type listing struct {
	Tree    string
	Entries []folderEntry
	names   map[string]folderEntry
}

// listings are the folders that one reading asked for, and the trees of commits.
type listings struct {
	c     *Client
	place Place
	trees map[string]string // the id of a commit's root
	found map[folder]*listing
}

func (c *Client) listings(p Place) *listings {
	return &listings{c: c, place: p, trees: map[string]string{}, found: map[folder]*listing{}}
}

func (l *listings) key(f folder) string {
	// Under folder/ stand answers of a version that did not prove them.
	return fmt.Sprintf("listing/%d/%s/%s", l.place.RepoID, f.commit, f.dir)
}

// recall takes a folder, or the tree of a commit, from the cache.
func (l *listings) recall(ctx context.Context, f folder) bool {
	if l.found[f] != nil {
		return true
	}
	data, ok := l.c.Cache.Get(ctx, l.key(f))
	var had listing
	if !ok || json.Unmarshal(data, &had) != nil || !had.proven() {
		return false
	}
	l.found[f] = &had
	return true
}

func (l *listings) recallTree(ctx context.Context, commit string) bool {
	if data, ok := l.c.Cache.Get(ctx, "tree/"+commit); ok && l.trees[commit] == "" {
		l.trees[commit] = string(data)
	}
	return l.trees[commit] != ""
}

// want adds one folder, which is asked for once ever where its commit is a whole id.
// What is not there, or says less than it should, is left out.
func (l *listings) want(ctx context.Context, q *lookup, f folder) {
	if l.recall(ctx, f) {
		return
	}
	q.parts = append(q.parts, part{
		alias:  fmt.Sprintf("folder%d", len(q.parts)),
		field:  "object(expression: %s) { oid ... on Tree { entries { name oid mode } } }",
		values: []string{f.commit + ":" + f.dir},
		take: func(a partAnswer) error {
			var tree struct {
				Oid     string
				Entries []folderEntry
			}
			if _, err := a.read(&tree); err != nil {
				return err
			}
			if got := (&listing{Tree: tree.Oid, Entries: tree.Entries}); got.proven() {
				l.found[f] = got
				l.keep(ctx, f)
			}
			return nil
		},
	})
}

// keep caches a folder. What a name stands for may be another thing tomorrow.
func (l *listings) keep(ctx context.Context, f folder) {
	if data, err := json.Marshal(l.found[f]); err == nil && objectID.MatchString(f.commit) {
		l.c.Cache.Put(ctx, l.key(f), data)
	}
}

// proven reports whether the entries come to the folder's id, and files them by name.
func (l *listing) proven() bool {
	l.names = make(map[string]folderEntry, len(l.Entries))
	var entries []object.TreeEntry
	for _, e := range l.Entries {
		if e.Name == "" || e.Mode == 0 || !plumbing.IsHash(e.Oid) {
			return false
		}
		l.names[e.Name] = e
		entries = append(entries, object.TreeEntry{Name: e.Name, Mode: filemode.FileMode(e.Mode), Hash: plumbing.NewHash(e.Oid)})
	}
	return treeID(entries).String() == l.Tree
}

// wantTree adds the root of a commit that is named by its whole id.
func (l *listings) wantTree(ctx context.Context, q *lookup, commit string) {
	if l.recallTree(ctx, commit) {
		return
	}
	q.parts = append(q.parts, part{
		alias: fmt.Sprintf("tree%d", len(q.parts)), field: "object(expression: %s) { oid ... on Commit { tree { oid } } }", values: []string{commit},
		take: func(a partAnswer) error {
			var k treed
			if _, err := a.read(&k); err != nil || k.Oid != commit || k.Tree.Oid == "" {
				return err
			}
			l.plant(ctx, commit, k.Tree.Oid)
			return nil
		},
	})
}

// plant keeps the tree of a commit.
func (l *listings) plant(ctx context.Context, commit, tree string) {
	l.trees[commit] = tree
	l.c.Cache.Put(ctx, "tree/"+commit, []byte(tree))
}

// wantPaths adds what proves what paths below these folders, the root first, are at a
// revision: only the list of the folder above proves that one is not there. The tree of
// a revision that is no whole id is the caller's to plant.
func (l *listings) wantPaths(ctx context.Context, q *lookup, rev string, dirs []string) {
	if objectID.MatchString(rev) {
		l.wantTree(ctx, q, rev)
	}
	for _, f := range l.lacks(ctx, rev, dirs) {
		l.want(ctx, q, f)
	}
}

// lacks are those folders of a revision of which it is not known what they hold.
func (l *listings) lacks(ctx context.Context, rev string, dirs []string) (out []folder) {
	l.recallTree(ctx, rev)
	for _, dir := range dirs {
		f := folder{rev, dir}
		l.recall(ctx, f)
		if _, known := l.at(rev, path.Join(dir, "x")); !known {
			out = append(out, f)
		}
	}
	return out
}

// foldersOf are the folders on the way to paths, the root first.
func foldersOf(paths []string) []string {
	dirs := []string{""}
	for _, p := range paths {
		for i, r := range p {
			if r == '/' {
				dirs = append(dirs, p[:i])
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// rename files what was asked for under a name under the commit that it stands for, as
// far as it is of that commit's tree.
func (l *listings) rename(ctx context.Context, rev, commit, tree string) {
	l.plant(ctx, commit, tree)
	l.trees[rev] = tree
	for f, got := range maps.Clone(l.found) {
		if f.commit == rev && l.held(f) != nil {
			f.commit = commit
			l.found[f] = got
			l.keep(ctx, f)
		}
	}
}

// held is a folder that is proven to be the commit's: the folder above has its id, and
// so on to the commit's tree. Nil when it is not.
func (l *listings) held(f folder) *listing {
	got := l.found[f]
	if got == nil {
		return nil
	}
	if f.dir == "" {
		if got.Tree != l.trees[f.commit] {
			return nil
		}
		return got
	}
	up, name := f.above()
	if parent := l.held(up); parent == nil || parent.names[name].Oid != got.Tree {
		return nil
	}
	return got
}

// at is what a commit has at a path: a zero Entry where there is no file. What lies
// below a submodule or a link is that. ok is false when it is not known.
func (l *listings) at(commit, file string) (e rules.Entry, ok bool) {
	dir, name := path.Split(file)
	f := folder{commit, strings.TrimSuffix(dir, "/")}
	if got := l.held(f); got != nil {
		return got.names[name].file(), true
	}
	if f.dir == "" {
		return rules.Entry{}, false
	}
	up, known := l.at(commit, f.dir)
	if !known || l.isFolder(f) {
		return rules.Entry{}, false
	}
	if up.Mode == "120000" || up.Mode == "160000" {
		return up, true
	}
	return rules.Entry{}, true
}

// has reports whether a commit has a file or folder at a path, as far as is known.
func (l *listings) has(commit, at string) bool {
	e, _ := l.at(commit, at)
	return e != (rules.Entry{}) || l.isFolder(folder{commit, at})
}

// isFolder reports whether the folder above is known to have this one.
func (l *listings) isFolder(f folder) bool {
	up, name := f.above()
	parent := l.held(up)
	return parent != nil && filemode.FileMode(parent.names[name].Mode) == filemode.Dir
}

// file is the entry as rules have it; a folder is no file.
func (e folderEntry) file() rules.Entry {
	if e.Oid == "" || filemode.FileMode(e.Mode) == filemode.Dir {
		return rules.Entry{}
	}
	return rules.Entry{Blob: e.Oid, Mode: e.mode()}
}
