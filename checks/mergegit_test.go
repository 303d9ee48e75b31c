package checks

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"changegate/rules"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

const (
	histories = 5000
	reverts   = 300 // of them are reverted by git revert itself, in a work tree
)

// TestMergeAgreesWithGit makes 5,000 histories of a change and of what happened
// afterwards, always the same ones, and takes the change out again: here, by git's merge
// of whole trees, by git's merge of single files, and of some by git revert in a work
// tree. And it merges the change as if the rest had happened on the base branch, and
// takes it out of that. Clean or not, every byte and every mode have to be the same; the
// exceptions are named in mayRefuse, and are conflicts here.
func TestMergeAgreesWithGit(t *testing.T) {
	t.Parallel()
	all := makeHistories(histories)
	g := newGit(t)
	g.load(all)
	g.mergeTrees(all)
	g.mergeTexts(all)
	var wait sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		wait.Go(func() { g.revert(all[:reverts], part, runtime.GOMAXPROCS(0)) })
	}
	wait.Wait()

	n := map[string]int{}
	for i := range all {
		h := &all[i]
		got := h.undone(t)
		n[got.kind(h)]++
		for _, what := range h.what {
			n["with "+what]++
		}
		h.compare(t, "undoAfter", got, h.gitTree)
		if h.reverted {
			n["git revert"]++
			h.compare(t, "undoAfter (git revert)", got, h.revertTree)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(n)) {
		t.Logf("%5d %s", n[k], k)
	}
	for _, k := range []string{"clean", "conflict", "git revert", "with rename", "with delete", "with mode", "with line ends", "with taken back in part"} {
		if n[k] < 100 {
			t.Errorf("%s: only %d histories", k, n[k])
		}
	}
	g.undoBefore(all)
}

// compare fails the test when git's tree is not the one got, or only one of them is a
// conflict (an empty tree id).
func (h *gitHistory) compare(t *testing.T, what string, got outcomeOfMerge, want string) {
	t.Helper()
	switch {
	case got.tree == want:
	case got.tree == "" && h.mayRefuse(got):
	default:
		t.Errorf("history %d (%s), %s: tree %q, want git's %q; wrong at %v\n%s",
			h.number, strings.Join(h.what, ", "), what, got.tree, want, got.wrong, h)
	}
}

// mayRefuse reports whether it is right to say conflict where git is clean: the file is
// no longer there, and git may have found where it was moved to; or the change added it
// and it was changed since, and git may have found where the change moved it from; or
// git's two ways of telling texts apart come to two results.
func (h *gitHistory) mayRefuse(got outcomeOfMerge) bool {
	for _, path := range got.wrong {
		_, before := h.before[path]
		_, landed := h.landed[path]
		_, now := h.now[path]
		if landed && (!before || !now) || h.doubtful[path] {
			return true
		}
	}
	return false
}

// An outcomeOfMerge is what a merge came to: the tree it leaves, or where it cannot be
// made.
type outcomeOfMerge struct {
	tree  string
	wrong []string
}

func (o outcomeOfMerge) kind(h *gitHistory) string {
	switch {
	case o.tree == "" && h.gitTree == "":
		return "conflict"
	case o.tree == "":
		for _, path := range o.wrong {
			if h.doubtful[path] {
				return "conflict here, clean in git: two ways, two results"
			}
		}
		return "conflict here, clean in git: moved or deleted"
	}
	return "clean"
}

// undone takes the change of a history out of what is there now.
func (h *gitHistory) undone(t *testing.T) outcomeOfMerge {
	read := h.reader()
	return h.apply(t, h.now, func(path string) (rules.Restored, error) {
		return undoAfter(path, h.landed.entry(path), h.before.entry(path), h.now.entry(path), read)
	})
}

// apply restores every path of the change in a tree.
func (h *gitHistory) apply(t *testing.T, in gitTree, restore func(path string) (rules.Restored, error)) outcomeOfMerge {
	t.Helper()
	tree := in.entries()
	var out outcomeOfMerge
	for _, path := range h.paths() {
		r, err := restore(path)
		if err != nil {
			t.Fatalf("history %d: %s: %v", h.number, path, err)
		}
		if r.Wrong != "" {
			out.wrong = append(out.wrong, path)
		}
		if r.Data != nil && r.Back.Blob != blobID(40, string(r.Data)) {
			t.Errorf("history %d: %s: Back is not what Data is", h.number, path)
		}
		delete(tree, path)
		if r.Back != (rules.Entry{}) {
			tree[path] = r.Back
		}
	}
	if out.wrong == nil {
		out.tree = treeOf(tree)
	}
	return out
}

// treeOf is git's id of a tree of files.
func treeOf(entries map[string]rules.Entry) string {
	var list []object.TreeEntry
	for name, e := range entries {
		mode := filemode.Regular
		if e.Mode == "100755" {
			mode = filemode.Executable
		}
		list = append(list, object.TreeEntry{Name: name, Mode: mode, Hash: plumbing.NewHash(e.Blob)})
	}
	return treeID(list).String()
}

// The commits of a history: the change is the second, now comes after it, and again is
// the tree before the change as a commit after it, because git merge-tree takes no base.
const (
	commitBefore = iota
	commitLanded
	commitNow
	commitAgain
	commitsEach
)

func (h *gitHistory) mark(commit int) int { return h.number*commitsEach + commit + 1 }

// load writes all histories into the repository.
func (g *gitUnderTest) load(all []gitHistory) {
	var b bytes.Buffer
	for i := range all {
		h := &all[i]
		fmt.Fprintf(&b, "reset refs/heads/x\n\n")
		h.before.commit(&b, h.mark(commitBefore), 0)
		h.landed.commit(&b, h.mark(commitLanded), h.mark(commitBefore))
		h.now.commit(&b, h.mark(commitNow), h.mark(commitLanded))
		h.before.commit(&b, h.mark(commitAgain), h.mark(commitLanded))
	}
	commits := g.fastImport(&b)
	for i := range all {
		h := &all[i]
		for c := range commitsEach {
			h.commits[c] = commits[h.mark(c)]
		}
	}
}

// mergeTrees takes every change out again, by git's merge of whole trees.
func (g *gitUnderTest) mergeTrees(all []gitHistory) {
	var pairs [][2]string
	for i := range all {
		pairs = append(pairs, [2]string{all[i].commits[commitNow], all[i].commits[commitAgain]})
	}
	for i, tree := range g.mergeTree(pairs) {
		all[i].gitTree = tree
	}
}

// mergeTexts finds out where `git merge-file` and git's merge of trees disagree. Files
// that both sides changed are put into an index as a merge that is not finished, and git
// checkout merges them all at once, as git merge-file does.
func (g *gitUnderTest) mergeTexts(all []gitHistory) {
	const unfinished = "%s %s %d\t%d/%s\n"
	var index bytes.Buffer
	for i := range all {
		h := &all[i]
		for _, path := range h.allThree() {
			for stage, tree := range []gitTree{h.landed, h.now, h.before} {
				fmt.Fprintf(&index, unfinished, "100644", tree.entry(path).Blob, stage+1, i, path)
			}
		}
	}
	g.run(&index, "update-index", "--index-info")
	g.run(nil, "checkout", "--merge", "-q", "--", ".")
	for i := range all {
		h := &all[i]
		h.doubtful = map[string]bool{}
		for _, path := range h.allThree() {
			data, err := os.ReadFile(filepath.Join(g.dir, fmt.Sprint(i), path))
			if err != nil {
				g.t.Fatal(err)
			}
			h.mergedAlone(g.t, path, data)
		}
	}
	g.run(nil, "read-tree", "--empty")
}

// mergedAlone compares merge3 with what git's merge of single files came to, and
// remembers where git's two ways of telling texts apart come to two results.
func (h *gitHistory) mergedAlone(t testing.TB, path string, git []byte) {
	t.Helper()
	texts := [][]byte{[]byte(h.landed[path].data), []byte(h.now[path].data), []byte(h.before[path].data)}
	alone, clash := newMerger(texts[0], texts[1], texts[2]).merge(histogram)
	conflicts := bytes.Contains(git, []byte("<<<<<<< "))
	one := !conflicts && clash == nil && bytes.Equal(git, alone)
	h.doubtful[path] = clash == nil && !one
	short, other := newMerger(texts[0], texts[1], texts[2]).merge(myers)
	if conflicts != (other != nil) || !conflicts && !bytes.Equal(git, short) {
		t.Errorf("history %d: %s: by the shortest difference it is %q, git merge-file comes to\n%s%s", h.number, path, short, git, h)
	}
	merged, c := merge3(texts[0], texts[1], texts[2])
	if c == nil && (conflicts || !bytes.Equal(merged, git)) {
		t.Errorf("history %d: %s: merge3 is clean, git merge-file comes to\n%s%s", h.number, path, git, h)
	}
	if c != nil && one {
		t.Errorf("history %d: %s: merge3 conflicts, git does not%s", h.number, path, h)
	}
}

// revert takes the change out of its part of the histories with git revert, in a work
// tree of its own.
func (g *gitUnderTest) revert(all []gitHistory, part, parts int) {
	w := &gitUnderTest{g.t, filepath.Join(g.t.TempDir(), "tree")}
	g.run(nil, "worktree", "add", "-q", "--no-checkout", "--detach", w.dir, all[0].commits[commitNow])
	for i := part; i < len(all); i += parts {
		h := &all[i]
		w.run(nil, "checkout", "-q", "-f", "--detach", h.commits[commitNow])
		var exit *exec.ExitError
		_, err := w.try(nil, "revert", "--no-edit", h.commits[commitLanded])
		switch {
		case err == nil:
			h.revertTree = strings.TrimSpace(w.run(nil, "rev-parse", "HEAD^{tree}"))
		case errors.As(err, &exit) && exit.ExitCode() == 1 && w.run(nil, "status", "--porcelain") == "":
			// Nothing is left to be reverted: git makes no empty commit.
			h.revertTree = strings.TrimSpace(w.run(nil, "rev-parse", "HEAD^{tree}"))
			w.run(nil, "revert", "--quit")
		default:
			w.run(nil, "reset", "-q", "--hard")
		}
		h.reverted = true
	}
}

// undoBefore works out the plan revert as if the change were not merged yet: what is now
// is the base branch, landed the merge base, before the head. What it says the merge
// leaves is what git's merge leaves; and git's merge of that with the change taken out
// again is what it says is left then.
func (g *gitUnderTest) undoBefore(all []gitHistory) {
	type reverse struct {
		h    *gitHistory
		back outcomeOfMerge
	}
	var b bytes.Buffer
	var list []reverse
	n := map[string]int{}
	for i := range all {
		h := &all[i]
		read := h.reader()
		landed := gitTree(maps.Clone(h.now))
		clash := false
		back := h.apply(g.t.(*testing.T), h.now, func(path string) (rules.Restored, error) {
			o, tip, head := h.landed.entry(path), h.now.entry(path), h.before.entry(path)
			r, err := undoBefore(path, o, tip, head, read)
			there, errThere := mergeEntry(o, tip, head, read)
			clash = clash || there.wrong != ""
			delete(landed, path)
			if there.Blob != "" && r.Landed == there.Entry {
				data, errRead := there.orRead(read)(there.Blob)
				landed[path] = gitFile{there.Mode, string(data)}
				err = errors.Join(err, errRead)
			}
			return r, errors.Join(err, errThere)
		})
		switch {
		case clash:
			n["the merge conflicts"]++
			continue // compared as undoAfter is
		case h.gitTree != treeOf(landed.entries()):
			g.t.Errorf("history %d (%s): the merge leaves %s, git's %q%s", h.number, h.what, treeOf(landed.entries()), h.gitTree, h)
			continue
		case back.tree == "":
			n["the reverse merge conflicts"]++
		case back.tree != treeOf(h.now.entries()):
			g.t.Errorf("history %d: the rollback does not leave what was there", h.number)
		default:
			n["verified"]++
		}
		fmt.Fprintf(&b, "reset refs/heads/x\n\n")
		h.before.commit(&b, h.mark(commitBefore), 0)
		landed.commit(&b, h.mark(commitNow), h.mark(commitBefore))
		h.landed.commit(&b, h.mark(commitAgain), h.mark(commitBefore))
		list = append(list, reverse{h, back})
	}
	commits := g.fastImport(&b)
	var pairs [][2]string
	for _, r := range list {
		pairs = append(pairs, [2]string{commits[r.h.mark(commitNow)], commits[r.h.mark(commitAgain)]})
	}
	for i, tree := range g.mergeTree(pairs) {
		h, got := list[i].h, list[i].back
		switch {
		case got.tree == "" && tree != treeOf(h.now.entries()): // git conflicts, or takes more out than the change brought
		case got.tree == "" && h.mayRefuse(got):
			n["the reverse merge conflicts here, clean in git"]++
		case got.tree != tree:
			g.t.Errorf("history %d (%s): the reverse merge leaves %q, git's %q; wrong at %v%s", h.number, h.what, got.tree, tree, got.wrong, h)
		}
	}
	g.t.Logf("undoBefore: %v", n)
	if n["verified"] < histories/4 || n["the reverse merge conflicts"] < 100 {
		g.t.Errorf("too few of one kind: %v", n)
	}
}
