package checks

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"changegate/rules"
)

// A Clone is a git repository on this machine, read only. It is not safe for
// concurrent use. Its memory is bounded by the object cache (96 MiB), the pack
// indexes and about 100 bytes a commit.
type Clone struct {
	store *filesystem.Storage
	repo  *git.Repository
	name  string
	bare  bool
	past  *history
}

// OpenClone opens the repository that holds dir: a work tree or a folder in one,
// a linked work tree, or a bare repository. Close gives its files back.
func OpenClone(dir string) (*Clone, error) {
	found, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		// A folder inside a work tree. Looked for second: the search for .git upwards
		// passes a bare repository by.
		found, err = git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	}
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	plain, ok := found.Storer.(*filesystem.Storage)
	if !ok {
		return nil, fmt.Errorf("open repository %s: it is not stored in files", dir)
	}
	// Opened a second time so that pack files stay open: opening one for every
	// object makes a walk over a history ten times as long.
	// Objects may lie in another clone, wherever that is (git help clone, --reference).
	store := filesystem.NewStorageWithOptions(plain.Filesystem(), cache.NewObjectLRUDefault(),
		filesystem.Options{KeepDescriptors: true, AlternatesFS: osfs.New("/")})
	repo, err := git.Open(store, nil)
	if err != nil {
		return nil, fmt.Errorf("open repository %s: %w", dir, err)
	}
	cut, err := store.Shallow()
	if err != nil {
		return nil, fmt.Errorf("read where the clone is cut: %w", err)
	}
	work, err := found.Worktree()
	c := &Clone{store: store, repo: repo, bare: errors.Is(err, git.ErrIsBareRepository)}
	c.past = newHistory(store, cut)
	if len(cut) == 0 { // as git: a graph from before it was cut knows parents that are missing
		c.past.graph = graphOf(store.Filesystem())
	}
	if err == nil {
		dir = work.Filesystem.Root() // and not the folder in it that the command was run in
	}
	c.name = c.nameIn(dir)
	return c, nil
}

// Close closes the repository's files.
func (c *Clone) Close() error { return c.store.Close() }

// Name is owner/name as the remote origin has it, else the folder's name.
func (c *Clone) Name() string { return c.name }

func (c *Clone) nameIn(dir string) string {
	if cfg, err := c.repo.Config(); err == nil {
		if r := cfg.Remotes["origin"]; r != nil && len(r.URLs) > 0 {
			if n := ownerAndName(r.URLs[0]); n != "" {
				return n
			}
		}
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

// ownerAndName takes the last two parts of a remote's address, and no more: the
// rest may hold a password.
func ownerAndName(url string) string {
	parts := strings.FieldsFunc(strings.TrimSuffix(strings.TrimRight(url, "/"), ".git"), func(r rune) bool {
		return r == '/' || r == ':' || r == '\\'
	})
	if len(parts) < 2 || strings.Contains(parts[len(parts)-2], "@") {
		return ""
	}
	return strings.Join(parts[len(parts)-2:], "/")
}

// defaultBranch is the remote's, or a bare repository's own. Where neither is
// known it is the branch that was asked for: judging too much is the safe error.
func (c *Clone) defaultBranch(asked string) string {
	if r, err := c.repo.Reference("refs/remotes/origin/HEAD", false); err == nil {
		if name, ok := strings.CutPrefix(r.Target().String(), "refs/remotes/origin/"); ok {
			return name
		}
	}
	if c.bare {
		if r, err := c.repo.Reference(plumbing.HEAD, false); err == nil && r.Target().IsBranch() {
			return r.Target().Short()
		}
	}
	return asked
}

// resolve finds the commit a person means, and the branch it was named by.
// Branches come before tags: a pull request is between branches. The remote's
// branch stands in for one that was never checked out here.
func (c *Clone) resolve(name string) (commit plumbing.Hash, branch string, err error) {
	if name == "" || strings.HasPrefix(name, "-") {
		return plumbing.ZeroHash, "", errors.New("a branch, tag or commit is wanted")
	}
	for _, prefix := range []string{"refs/heads/", "refs/remotes/origin/", "refs/remotes/", "refs/tags/", ""} {
		full := plumbing.ReferenceName(prefix + name)
		if prefix == "" && full != plumbing.HEAD && !strings.HasPrefix(name, "refs/") || full.Validate() != nil {
			continue
		}
		r, err := c.repo.Reference(full, true)
		if err != nil {
			continue
		}
		commit, err = c.peel(r.Hash())
		return commit, branchOf(r.Name()), err
	}
	ids, err := c.commitsWithPrefix(name)
	switch {
	case err != nil:
		return plumbing.ZeroHash, "", err
	case len(ids) == 1:
		return ids[0], "", nil
	case len(ids) > 1:
		return plumbing.ZeroHash, "", fmt.Errorf("%d commits begin with it", len(ids))
	}
	if strings.ContainsAny(name, "~^") {
		h, err := c.repo.ResolveRevision(plumbing.Revision(name))
		if err == nil {
			return *h, "", nil
		}
	}
	return plumbing.ZeroHash, "", errors.New("no branch, tag or commit of this clone has that name; a branch of the remote is fetched by `git fetch origin NAME:NAME`")
}

func branchOf(n plumbing.ReferenceName) string {
	for _, prefix := range []string{"refs/heads/", "refs/remotes/origin/"} {
		if b, ok := strings.CutPrefix(n.String(), prefix); ok {
			return b
		}
	}
	return ""
}

// tag returns the commit of a tag, or zero when no tag of that name is a commit.
func (c *Clone) tag(name string) (plumbing.Hash, error) {
	full, ok := tagRef(name)
	if !ok {
		return plumbing.ZeroHash, nil
	}
	r, err := c.repo.Reference(plumbing.ReferenceName(full), true)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read tag: %w", err)
	}
	commit, err := c.peel(r.Hash())
	if errors.Is(err, errNoCommit) {
		return plumbing.ZeroHash, nil
	}
	return commit, err
}

// errNoCommit says that a name stands for something else, such as a signing key that
// somebody tagged.
var errNoCommit = errors.New("it is no commit")

// peel follows annotated tags to their commit. Tags can name tags.
func (c *Clone) peel(h plumbing.Hash) (plumbing.Hash, error) {
	for range mostTags {
		t, err := object.GetTag(c.store, h)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			_, err := object.GetCommit(c.store, h)
			if err != nil && c.store.HasEncodedObject(h) == nil {
				err = errNoCommit
			}
			if err != nil {
				return plumbing.ZeroHash, fmt.Errorf("read commit %s: %w", h, err)
			}
			return h, nil
		}
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("read tag %s: %w", h, err)
		}
		h = t.Target
	}
	return plumbing.ZeroHash, fmt.Errorf("read tag %s: it is on %d other tags: %w", h, mostTags-1, errNoCommit)
}

// commitsWithPrefix lists the commits whose id begins with prefix.
func (c *Clone) commitsWithPrefix(prefix string) ([]plumbing.Hash, error) {
	if !hexadecimal(prefix) {
		return nil, nil
	}
	prefix = strings.ToLower(prefix)
	if h := plumbing.NewHash(prefix); len(prefix) == 2*len(h) {
		// A whole id needs no look through all that the packs hold.
		_, err := c.store.EncodedObject(plumbing.CommitObject, h)
		switch {
		case errors.Is(err, plumbing.ErrObjectNotFound):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("read commit %s: %w", h, err)
		}
		return []plumbing.Hash{h}, nil
	}
	whole, err := hex.DecodeString(prefix[:len(prefix)&^1])
	if err != nil {
		return nil, fmt.Errorf("read commit id: %w", err) // unreachable: hexadecimal said so
	}
	all, err := c.store.HashesWithPrefix(whole)
	if err != nil {
		return nil, fmt.Errorf("look up commit id: %w", err)
	}
	var out []plumbing.Hash
	for _, h := range all {
		if !strings.HasPrefix(h.String(), prefix) || slices.Contains(out, h) {
			continue
		}
		if _, err := c.store.EncodedObject(plumbing.CommitObject, h); err == nil {
			out = append(out, h)
		}
	}
	return out, nil
}

// treeOf returns the tree of a commit; zero for the zero commit, which stands
// for "nothing was there yet".
func (c *Clone) treeOf(commit plumbing.Hash) (plumbing.Hash, error) {
	if commit.IsZero() {
		return plumbing.ZeroHash, nil
	}
	o, err := object.GetCommit(c.store, commit)
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("read commit %s: %w", commit, err)
	}
	return o.TreeHash, nil
}

// entries lists a tree; the zero tree is empty.
func (c *Clone) entries(tree plumbing.Hash) ([]object.TreeEntry, error) {
	if tree.IsZero() {
		return nil, nil
	}
	t, err := object.GetTree(c.store, tree)
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", tree, err)
	}
	return t.Entries, nil
}

// find looks a path up in a tree.
func (c *Clone) find(tree plumbing.Hash, path string) (object.TreeEntry, bool, error) {
	name, rest, deeper := strings.Cut(path, "/")
	all, err := c.entries(tree)
	if err != nil {
		return object.TreeEntry{}, false, err
	}
	for _, e := range all {
		switch {
		case e.Name != name:
		case !deeper:
			return e, true, nil
		case e.Mode == filemode.Dir:
			return c.find(e.Hash, rest)
		}
	}
	return object.TreeEntry{}, false, nil
}

// text reads a regular file of at most limit bytes. The size is asked before the
// content is read: a pull request can bring gigabytes. A symbolic link is refused,
// because what it points at is not what was reviewed.
func (c *Clone) text(e object.TreeEntry, limit int64) ([]byte, error) {
	if e.Mode != filemode.Regular && e.Mode != filemode.Executable && e.Mode != filemode.Deprecated {
		return nil, fmt.Errorf("it is %s, not a regular file", modeName(e.Mode))
	}
	size, err := c.store.EncodedObjectSize(e.Hash)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", e.Hash, err)
	}
	if size > limit {
		return nil, fmt.Errorf("it is %d bytes long, at most %d are read", size, limit)
	}
	b, err := object.GetBlob(c.store, e.Hash)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", e.Hash, err)
	}
	r, err := b.Reader()
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", e.Hash, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", e.Hash, err)
	}
	return data, nil
}

func modeName(m filemode.FileMode) string {
	switch m {
	case filemode.Dir:
		return "a folder"
	case filemode.Symlink:
		return "a symbolic link"
	case filemode.Submodule:
		return "a submodule"
	}
	return "of mode " + octal(m)
}

// entryOf is the new side of a changed file as an entry of its tree.
func entryOf(f rules.File) object.TreeEntry {
	mode, err := filemode.New(f.NewMode)
	if err != nil {
		mode = filemode.Empty // read by nobody: text refuses it
	}
	return object.TreeEntry{Name: f.Path, Mode: mode, Hash: plumbing.NewHash(f.New)}
}
