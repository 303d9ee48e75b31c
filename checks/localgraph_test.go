package checks

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestMergeBaseAsGoGit compares with go-git's own walk on random histories with random
// clocks: dates must not matter, nor whether all of the history was read before.
func TestMergeBaseAsGoGit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := memory.NewStorage()
		tree := store(t, s, plumbing.TreeObject, (&object.Tree{}).Encode)
		var all []plumbing.Hash
		for i := range rapid.IntRange(1, 14).Draw(rt, "commits") {
			c := &object.Commit{TreeHash: tree, Message: fmt.Sprint(i)}
			c.Committer.When = time.Unix(rapid.Int64Range(0, 5).Draw(rt, "clock"), 0)
			for range rapid.IntRange(0, min(i, 3)).Draw(rt, "parents") {
				if p := rapid.SampledFrom(all).Draw(rt, "parent"); !slices.Contains(c.ParentHashes, p) {
					c.ParentHashes = append(c.ParentHashes, p)
				}
			}
			all = append(all, store(t, s, plumbing.CommitObject, c.Encode))
		}
		a, b := rapid.SampledFrom(all).Draw(rt, "a"), rapid.SampledFrom(all).Draw(rt, "b")
		h := newHistory(s, nil)
		if rapid.Bool().Draw(rt, "read before") {
			_, err := h.node(a)
			must(t, err)
			_, err = h.node(b)
			must(t, err)
		}
		got, cut, err := h.mergeBases(a, b)
		if err != nil || cut {
			rt.Fatalf("merge bases: cut %v, %v", cut, err)
		}
		ca, err := object.GetCommit(s, a)
		must(t, err)
		cb, err := object.GetCommit(s, b)
		must(t, err)
		theirs, err := ca.MergeBase(cb)
		must(t, err)
		var want []plumbing.Hash
		for _, c := range theirs {
			want = append(want, c.Hash)
		}
		if d := cmp.Diff(sorted(want), sorted(got)); d != "" {
			rt.Fatalf("merge bases (-go-git +ours):\n%s", d)
		}
		found, _, err := h.reaches(a, b)
		must(t, err)
		theirsFound, err := cb.IsAncestor(ca)
		must(t, err)
		if found != theirsFound {
			rt.Fatalf("reaches %v, go-git says %v", found, theirsFound)
		}
	})
}

func sorted(hs []plumbing.Hash) []string {
	out := []string{}
	for _, h := range hs {
		out = append(out, h.String())
	}
	slices.Sort(out)
	return out
}

// TestCutBelowAMergeBaseDoesNotMatter: a shallow clone that holds the fork is as
// good as a whole one; a clone cut between fork and tip is not.
func TestCutBelowAMergeBaseDoesNotMatter(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	missing := plumbing.NewHash("1212121212121212121212121212121212121212")
	fork := f.commit(files{"a": "1"}, missing)
	left := f.commit(files{"a": "2"}, fork)
	right := f.commit(files{"a": "3"}, fork)
	bases, cut, err := newHistory(f.store, []plumbing.Hash{fork}).mergeBases(left, right)
	if err != nil || cut || len(bases) != 1 || bases[0] != fork {
		t.Errorf("cut at the fork: %v, cut %v, %v", bases, cut, err)
	}
	_, cut, err = newHistory(f.store, []plumbing.Hash{left, fork}).mergeBases(left, right)
	if err != nil || !cut {
		t.Errorf("cut above the fork: cut %v, %v", cut, err)
	}
	if _, _, err := newHistory(f.store, nil).mergeBases(left, right); err == nil {
		t.Error("a missing commit of a whole clone was not reported")
	}
}

// TestCutBelowIsIgnoredWhileTheWalkGoesOn: the walk takes up the cut commit below
// the fork before it is done, and must not report it.
func TestCutBelowIsIgnoredWhileTheWalkGoesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	older := f.commit(files{"a": "0"}, plumbing.NewHash("1212121212121212121212121212121212121212"))
	fork := f.commit(files{"a": "1"}, older)
	other := f.commit(files{"b": "1"})
	for other.String() < older.String() { // equal depths are taken up by rising id
		other = f.commit(files{"b": "1"})
	}
	left := f.commit(files{"a": "2"}, fork, other)
	right := f.commit(files{"a": "3"}, fork)
	bases, cut, err := newHistory(f.store, []plumbing.Hash{older}).mergeBases(left, right)
	if err != nil || cut || len(bases) != 1 || bases[0] != fork {
		t.Errorf("%v, cut %v, %v; want %s", bases, cut, err, fork)
	}
}

// TestMergeBaseThroughAMergeWithAnOldCommit: a merge is deeper than the deepest
// of its parents, whichever of them comes last.
func TestMergeBaseThroughAMergeWithAnOldCommit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	root := f.commit(files{"a": "0"})
	tip := root
	for range 4 {
		tip = f.commit(files{"a": "1"}, tip)
	}
	head := f.commit(files{"a": "3"}, f.commit(files{"a": "2"}, tip, root))
	bases, _, err := newHistory(f.store, nil).mergeBases(head, tip)
	if err != nil || len(bases) != 1 || bases[0] != tip {
		t.Errorf("%v, %v; want %s", bases, err, tip)
	}
}
