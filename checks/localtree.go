package checks

import (
	"fmt"
	"sort"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// maxFiles bounds the list of one change. Trees can name the same subtree twice
// on every level, so that a few kilobytes of git spell out billions of files.
const maxFiles = 100_000

// A treeDiff lists what differs between two trees. Subtrees with the same id are
// the same and are not read, and no blob is.
type treeDiff struct {
	// entries are those of a tree, of which there are none for the zero id.
	entries func(id plumbing.Hash) ([]object.TreeEntry, error)
	files   []rules.File
	full    bool // maxFiles was reached
}

// folder compares two trees; dir is empty or ends with a slash. Either may be
// zero.
func (d *treeDiff) folder(dir string, was, is plumbing.Hash) error {
	if was == is || d.full {
		return nil
	}
	before, err := d.entries(was)
	if err != nil {
		return err
	}
	after, err := d.entries(is)
	if err != nil {
		return err
	}
	for _, p := range differing(before, after) {
		if err := d.entry(dir, p.was, p.is); err != nil {
			return err
		}
	}
	return nil
}

type pair struct{ was, is object.TreeEntry }

// differing pairs the entries of two trees by name and drops those that are the
// same. A zero entry stands for none.
func differing(before, after []object.TreeEntry) []pair {
	old := make(map[string]object.TreeEntry, len(before))
	for _, e := range before {
		old[e.Name] = e
	}
	var out []pair
	for _, e := range after {
		was := old[e.Name]
		delete(old, e.Name)
		if was != e {
			out = append(out, pair{was, e})
		}
	}
	for _, e := range old {
		out = append(out, pair{was: e})
	}
	sort.Slice(out, func(a, b int) bool { return out[a].name() < out[b].name() })
	return out
}

func (p pair) name() string {
	if p.is.Name != "" {
		return p.is.Name
	}
	return p.was.Name
}

// entry compares one name. A file that became a folder is a deleted file and
// added ones.
func (d *treeDiff) entry(dir string, was, is object.TreeEntry) error {
	path := dir + pair{was, is}.name()
	wasFile, wasTree := split(was)
	isFile, isTree := split(is)
	if wasFile.Mode != filemode.Empty || isFile.Mode != filemode.Empty {
		d.add(change(path, wasFile, isFile))
	}
	return d.folder(path+"/", wasTree, isTree)
}

// split returns an entry as a file or as a tree, the other one zero.
func split(e object.TreeEntry) (object.TreeEntry, plumbing.Hash) {
	if e.Mode == filemode.Dir {
		return object.TreeEntry{}, e.Hash
	}
	return e, plumbing.ZeroHash
}

func (d *treeDiff) add(f rules.File) {
	if len(d.files) == maxFiles {
		d.full = true
		return
	}
	d.files = append(d.files, f)
}

func change(path string, was, is object.TreeEntry) rules.File {
	f := rules.File{Path: path, Old: id(was.Hash), New: id(is.Hash), OldMode: octal(was.Mode), NewMode: octal(is.Mode)}
	switch {
	case f.OldMode == "":
		f.Status = "added"
	case f.NewMode == "":
		f.Status = "deleted"
	case f.Old == f.New:
		f.Status = "changed" // its mode: a file became executable, or a link
	default:
		f.Status = "modified"
	}
	return f
}

// octal is a mode as git writes it; empty for none.
func octal(m filemode.FileMode) string {
	if m == filemode.Empty {
		return ""
	}
	return fmt.Sprintf("%06o", uint32(m))
}

// renames joins each deleted file with an added one of the same content. Nothing
// is guessed from similarity: two tools would disagree, and a verdict must not
// depend on a threshold. Files come in path order, so the pairing is always the same.
func renames(files []rules.File) []rules.File {
	gone := map[string][]int{}
	for i, f := range files {
		if f.Status == "deleted" {
			gone[f.Old] = append(gone[f.Old], i)
		}
	}
	joined := map[int]bool{}
	for i := range files {
		f := &files[i]
		from := gone[f.New]
		if f.Status != "added" || len(from) == 0 {
			continue
		}
		old := files[from[0]]
		gone[f.New] = from[1:]
		joined[from[0]] = true
		f.Status, f.OldPath, f.Old, f.OldMode = "renamed", old.Path, old.Old, old.OldMode
	}
	var out []rules.File
	for i, f := range files {
		if !joined[i] {
			out = append(out, f)
		}
	}
	return out
}
