package githubtest

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Files maps paths to contents.
type Files map[string]string

// An entry is a file in a commit: git's octal mode and the blob's id.
type entry struct{ mode, id string }

// A snapshot is every file of a commit by path.
type snapshot map[string]entry

// An object is a stored git object other than a commit.
type object struct {
	kind string // blob, tree or tag
	data []byte
}

// A signature is the author or committer of a commit.
type signature struct {
	name, email string
	when        time.Time
}

func (s signature) String() string {
	return fmt.Sprintf("%s <%s> %d %s", s.name, s.email, s.when.Unix(), s.when.Format("-0700"))
}

type commit struct {
	id, tree          string
	parents           []string
	author, committer signature
	message           string
	webFlow           bool // made and signed by GitHub itself
	files             snapshot
}

// A store holds the git objects of one repository and its forks.
type store struct {
	objects map[string]object
	commits map[string]*commit
}

func newStore() *store {
	return &store{objects: map[string]object{}, commits: map[string]*commit{}}
}

// objectID is git's name of an object.
func objectID(kind string, data []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

func (s *store) put(kind string, data []byte) string {
	id := objectID(kind, data)
	s.objects[id] = object{kind, data}
	return id
}

func (s *store) blob(id string) []byte { return s.objects[id].data }

// putTree stores the trees of files and returns the root's id.
func (s *store) putTree(files snapshot) string {
	entries := snapshot{}
	below := map[string]snapshot{}
	for path, e := range files {
		dir, rest, nested := strings.Cut(path, "/")
		if !nested {
			entries[path] = e
			continue
		}
		if below[dir] == nil {
			below[dir] = snapshot{}
		}
		below[dir][rest] = e
	}
	for dir, sub := range below {
		entries[dir] = entry{"40000", s.putTree(sub)}
	}
	return s.put("tree", encodeTree(entries))
}

func encodeTree(entries snapshot) []byte {
	var out bytes.Buffer
	for _, name := range treeOrder(entries) {
		e := entries[name]
		raw, err := hex.DecodeString(e.id)
		if err != nil || len(raw) != sha1.Size {
			panic(fmt.Sprintf("githubtest: %s: %q is no object id", name, e.id))
		}
		fmt.Fprintf(&out, "%s %s\x00", e.mode, name)
		out.Write(raw)
	}
	return out.Bytes()
}

// treeOrder sorts names as git does: a directory as if it ended in a slash.
func treeOrder(entries snapshot) []string {
	key := func(name string) string {
		if entries[name].mode == "40000" {
			return name + "/"
		}
		return name
	}
	return slices.SortedFunc(maps.Keys(entries), func(a, b string) int { return strings.Compare(key(a), key(b)) })
}

// A treeEntry is one line of a tree object.
type treeEntry struct {
	name string
	entry
}

// kind is the type of object the entry points at.
func (e entry) kind() string {
	switch e.mode {
	case "40000":
		return "tree"
	case "160000":
		return "commit"
	}
	return "blob"
}

func (s *store) treeEntries(id string) []treeEntry {
	var list []treeEntry
	for data := s.objects[id].data; len(data) > 0; {
		head, rest, _ := bytes.Cut(data, []byte{0})
		mode, name, _ := strings.Cut(string(head), " ")
		list = append(list, treeEntry{name, entry{mode, hex.EncodeToString(rest[:sha1.Size])}})
		data = rest[sha1.Size:]
	}
	return list
}

// lookup finds the object at path below a commit; an empty path is the root tree.
func (s *store) lookup(c *commit, path string) (entry, bool) {
	at := entry{"40000", c.tree}
	for name := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if name == "" {
			continue
		}
		if at.kind() != "tree" {
			return entry{}, false
		}
		entries := s.treeEntries(at.id)
		i := slices.IndexFunc(entries, func(e treeEntry) bool { return e.name == name })
		if i < 0 {
			return entry{}, false
		}
		at = entries[i].entry
	}
	return at, true
}

// putCommit names the commit as git does and stores it.
func (s *store) putCommit(c *commit) *commit {
	c.tree = s.putTree(c.files)
	c.id = objectID("commit", c.encode())
	s.commits[c.id] = c
	return c
}

func (c *commit) encode() []byte {
	plain := c.encodeSigned("")
	if !c.webFlow {
		return plain
	}
	return c.encodeSigned(armor(plain))
}

func (c *commit) encodeSigned(sig string) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "tree %s\n", c.tree)
	for _, p := range c.parents {
		fmt.Fprintf(&out, "parent %s\n", p)
	}
	fmt.Fprintf(&out, "author %s\ncommitter %s\n", c.author, c.committer)
	if sig != "" {
		fmt.Fprintf(&out, "gpgsig %s\n", strings.ReplaceAll(strings.TrimSuffix(sig, "\n"), "\n", "\n "))
	}
	fmt.Fprintf(&out, "\n%s", c.message)
	return out.Bytes()
}

// armor stands in for GitHub's signature: its place and form are right, so that
// ids come out as git's would, but nobody's key made it.
func armor(signed []byte) string {
	sum := sha1.Sum(signed)
	return "-----BEGIN PGP SIGNATURE-----\n\n" + base64.StdEncoding.EncodeToString(sum[:]) + "\n-----END PGP SIGNATURE-----\n"
}

// encodeTag is the content of an annotated tag on a commit.
func encodeTag(name, target, kind, message string, by signature) []byte {
	return fmt.Appendf(nil, "object %s\ntype %s\ntag %s\ntagger %s\n\n%s", target, kind, name, by, message)
}

// tagTarget reads back what an annotated tag points at.
func (s *store) tagTarget(id string) string {
	line, _, _ := strings.Cut(string(s.objects[id].data), "\n")
	return strings.TrimPrefix(line, "object ")
}

func (s *store) tagMessage(id string) string {
	_, message, _ := strings.Cut(string(s.objects[id].data), "\n\n")
	return message
}

// peel follows an annotated tag to its commit.
func (s *store) peel(id string) *commit {
	for s.objects[id].kind == "tag" {
		id = s.tagTarget(id)
	}
	return s.commits[id]
}

// binary is git's test: a NUL in the first 8000 bytes.
func binary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0
}
