package checks

import (
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage"
)

// A fixture writes a repository object by object, so that a test can have any
// history and any tree, sound or not.
type fixture struct {
	t     testing.TB
	dir   string
	store storage.Storer
	clock time.Time
}

func newFixture(t testing.TB, bare bool) *fixture {
	t.Helper()
	dir := t.TempDir()
	repo, err := git.PlainInit(dir, bare)
	must(t, err)
	f := &fixture{t: t, dir: dir, store: repo.Storer, clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	must(t, f.store.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/main")))
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// files is a tree's content by path. A content that begins with "mode 120000 "
// and the like sets the mode; of a submodule the rest is the commit.
type files map[string]string

func (f *fixture) object(kind plumbing.ObjectType, encode func(plumbing.EncodedObject) error) plumbing.Hash {
	f.t.Helper()
	return store(f.t, f.store, kind, encode)
}

func store(t testing.TB, s storer.EncodedObjectStorer, kind plumbing.ObjectType, encode func(plumbing.EncodedObject) error) plumbing.Hash {
	t.Helper()
	o := s.NewEncodedObject()
	o.SetType(kind)
	must(t, encode(o))
	h, err := s.SetEncodedObject(o)
	must(t, err)
	return h
}

func (f *fixture) blob(content string) plumbing.Hash {
	return f.object(plumbing.BlobObject, func(o plumbing.EncodedObject) error {
		w, err := o.Writer()
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, content)
		return err
	})
}

func (f *fixture) tree(fs files) plumbing.Hash {
	below := map[string]files{}
	var es []object.TreeEntry
	for path, content := range fs {
		if dir, rest, ok := strings.Cut(path, "/"); ok {
			if below[dir] == nil {
				below[dir] = files{}
			}
			below[dir][rest] = content
			continue
		}
		es = append(es, f.entry(path, content))
	}
	for dir, fs := range below {
		es = append(es, object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: f.tree(fs)})
	}
	return f.rawTree(es)
}

func (f *fixture) entry(name, content string) object.TreeEntry {
	e := object.TreeEntry{Name: name, Mode: filemode.Regular}
	if mode, rest, ok := strings.Cut(strings.TrimPrefix(content, "mode "), " "); ok && strings.HasPrefix(content, "mode ") {
		m, err := filemode.New(mode)
		must(f.t, err)
		e.Mode, content = m, rest
	}
	if e.Mode == filemode.Submodule {
		e.Hash = plumbing.NewHash(content)
	} else {
		e.Hash = f.blob(content)
	}
	return e
}

func (f *fixture) rawTree(es []object.TreeEntry) plumbing.Hash {
	sort.Sort(object.TreeEntrySorter(es))
	return f.object(plumbing.TreeObject, (&object.Tree{Entries: es}).Encode)
}

func (f *fixture) commit(fs files, parents ...plumbing.Hash) plumbing.Hash {
	return f.commitTree(f.tree(fs), "a commit", parents...)
}

func (f *fixture) commitTree(tree plumbing.Hash, message string, parents ...plumbing.Hash) plumbing.Hash {
	f.clock = f.clock.Add(time.Hour) // no two commits are the same object
	who := object.Signature{Name: "Dev", Email: "dev@example.com", When: f.clock}
	c := &object.Commit{Author: who, Committer: who, Message: message, TreeHash: tree, ParentHashes: parents}
	return f.object(plumbing.CommitObject, c.Encode)
}

func (f *fixture) ref(name string, h plumbing.Hash) {
	must(f.t, f.store.SetReference(plumbing.NewHashReference(plumbing.ReferenceName(name), h)))
}

// annotated writes a tag object; of a commit, or of another tag.
func (f *fixture) annotated(name string, kind plumbing.ObjectType, of plumbing.Hash) plumbing.Hash {
	tag := &object.Tag{Name: name, Message: "a tag", TargetType: kind, Target: of,
		Tagger: object.Signature{Name: "Dev", Email: "dev@example.com", When: f.clock}}
	h := f.object(plumbing.TagObject, tag.Encode)
	f.ref("refs/tags/"+name, h)
	return h
}

// read reads the change of branch feature into main.
func (f *fixture) read(body string) *Gathered {
	f.t.Helper()
	g, err := Local(f.t.Context(), LocalOptions{Repo: f.dir, Base: "main", Head: "feature", Body: body})
	must(f.t, err)
	return g
}

func (f *fixture) write(path, content string) {
	must(f.t, os.MkdirAll(filepath.Dir(filepath.Join(f.dir, path)), 0o755))
	must(f.t, os.WriteFile(filepath.Join(f.dir, path), []byte(content), 0o644))
}
