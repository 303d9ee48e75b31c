package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// mostTreeCalls bounds how many trees one reading asks for. GitHub lists a whole
// tree in one answer up to 100,000 entries or 7 MB (GitHub REST, "Get a tree").
const mostTreeCalls = 200

// errNotWhole says that git trees could not be read whole.
var errNotWhole = errors.New("GitHub does not give the git trees whole")

// A forest holds trees of one repository. Each is filed under the id that its own
// entries come to, so that a list which was cut or has a hole is filed where nobody
// looks, and never stands for the tree that was asked for.
type forest struct {
	c     *Client
	place Place
	calls int
	trees map[plumbing.Hash][]object.TreeEntry
}

func (c *Client) forest() *forest {
	return &forest{c: c, trees: map[plumbing.Hash][]object.TreeEntry{}}
}

// treeItem is an entry of a tree as REST gives it, its path from the tree that was
// asked for.
type treeItem struct{ Path, Mode, SHA string }

// list asks for a tree, or a commit's. cut is set when GitHub says it left some out.
func (f *forest) list(ctx context.Context, id, query string) (items []treeItem, cut bool, err error) {
	var answer struct {
		Tree      []treeItem
		Truncated *bool
	}
	f.calls++
	if _, err := f.c.get(ctx, f.place, fmt.Sprintf("repos/%s/git/trees/%s%s", f.place.Repo, id, query), &answer); err != nil {
		return nil, false, fmt.Errorf("read tree %s: %w", id, err)
	}
	return answer.Tree, answer.Truncated == nil || *answer.Truncated, nil
}

// entries are those of one tree. The answer for a large tree is cut, but what it
// holds whole is used: only the tree itself is then asked for alone.
func (f *forest) entries(ctx context.Context, id plumbing.Hash) ([]object.TreeEntry, error) {
	if id.IsZero() {
		return nil, nil
	}
	for _, query := range []string{"?recursive=1", ""} {
		if list, ok := f.trees[id]; ok {
			return list, nil
		}
		if f.calls >= mostTreeCalls {
			return nil, errNotWhole
		}
		items, _, err := f.list(ctx, id.String(), query)
		if err != nil {
			return nil, err
		}
		f.plant(items)
	}
	if list, ok := f.trees[id]; ok {
		return list, nil
	}
	return nil, errNotWhole
}

// plant files every folder of an answer.
func (f *forest) plant(items []treeItem) {
	folders := map[string][]object.TreeEntry{"": nil}
	for _, e := range items {
		mode, err := filemode.New(e.Mode)
		if err != nil || !plumbing.IsHash(e.SHA) {
			continue
		}
		dir, name := path.Split(e.Path)
		folders[dir] = append(folders[dir], object.TreeEntry{Name: name, Mode: mode, Hash: plumbing.NewHash(e.SHA)})
	}
	for _, entries := range folders {
		f.trees[treeID(entries)] = entries
	}
}

// treeID is git's id of a tree with these entries, which it sorts.
func treeID(entries []object.TreeEntry) plumbing.Hash {
	sort.Sort(object.TreeEntrySorter(entries))
	var out bytes.Buffer
	for i := range entries {
		fmt.Fprintf(&out, "%o %s\x00", uint32(entries[i].Mode), entries[i].Name)
		out.Write(entries[i].Hash[:])
	}
	return plumbing.ComputeHash(plumbing.TreeObject, out.Bytes())
}

// differ lists what differs between two commits. A rename is a deleted file and an
// added one: GitHub's rename detection is a guess. ErrGone when a commit is not
// there, errNotWhole when the list would not be whole.
func (f *forest) differ(ctx context.Context, was, is string) ([]rules.File, error) {
	roots, err := f.c.roots(ctx, f.place, was, is)
	if err != nil {
		return nil, fmt.Errorf("find the trees of %s and %s: %w", was, is, err)
	}
	key := fmt.Sprintf("trees/%s/%s", roots[0], roots[1])
	var files []rules.File
	if data, ok := f.c.Cache.Get(ctx, key); ok && json.Unmarshal(data, &files) == nil {
		return files, nil
	}
	d := treeDiff{entries: func(id plumbing.Hash) ([]object.TreeEntry, error) { return f.entries(ctx, id) }}
	if err := d.folder("", roots[0], roots[1]); err != nil {
		return nil, err
	}
	if d.full {
		return nil, errNotWhole
	}
	sortFiles(d.files)
	if data, err := json.Marshal(d.files); err == nil {
		f.c.Cache.Put(ctx, key, data)
	}
	return d.files, nil
}

// roots returns the trees of two commits, which never change.
func (c *Client) roots(ctx context.Context, p Place, commits ...string) ([]plumbing.Hash, error) {
	out := make([]plumbing.Hash, len(commits))
	missing := false
	for i, commit := range commits {
		if data, ok := c.Cache.Get(ctx, "tree/"+commit); ok {
			out[i] = plumbing.NewHash(string(data))
		}
		missing = missing || out[i].IsZero()
	}
	if !missing {
		return out, nil
	}
	return out, c.askRoots(ctx, p, commits, out)
}

// askRoots asks for the trees of commits in one call.
func (c *Client) askRoots(ctx context.Context, p Place, commits []string, out []plumbing.Hash) error {
	owner, name, _ := strings.Cut(p.Repo, "/")
	variables := map[string]any{"owner": owner, "name": name}
	var declare, body strings.Builder
	for i, commit := range commits {
		fmt.Fprintf(&declare, ", $c%d: GitObjectID!", i)
		fmt.Fprintf(&body, " c%d: object(oid: $c%d) { ... on Commit { oid tree { oid } } }", i, i)
		variables[fmt.Sprintf("c%d", i)] = commit
	}
	var answer struct{ Repository aliases }
	query := fmt.Sprintf("query Trees($owner: String!, $name: String!%s) { repository(owner: $owner, name: $name) {%s } }", &declare, &body)
	if _, err := c.graph(ctx, p, query, variables, &answer); err != nil {
		return err
	}
	for i, commit := range commits {
		var k struct {
			Oid  string
			Tree struct{ Oid string }
		}
		found, err := partAnswer{raw: answer.Repository[fmt.Sprintf("c%d", i)]}.read(&k)
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("%w: commit %s", ErrGone, commit)
		case k.Oid != commit || !plumbing.IsHash(k.Tree.Oid):
			return fmt.Errorf("the answer does not name the tree of commit %s", commit)
		}
		out[i] = plumbing.NewHash(k.Tree.Oid)
		c.Cache.Put(ctx, "tree/"+commit, []byte(k.Tree.Oid))
	}
	return nil
}
