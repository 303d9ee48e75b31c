package checks

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage"
	"github.com/go-git/go-git/v5/storage/memory"

	"changegate/rules"
)

// promptsOfBench is how many files the change of the benchmark edits.
const promptsOfBench = 50

// longHistory is a packed repository of n commits on main, a fifth of them merges, and a
// branch feature that edits 50 prompts, as main has done since, elsewhere in each file.
// Tags v1 (after a tenth of the history) and fork (where feature left) name commits.
func longHistory(tb testing.TB, n int) *fixture {
	tb.Helper()
	f := newFixture(tb, true)
	disk := f.store
	f.store = memory.NewStorage()
	readme, policy := 0, f.tree(files{"changegate.yml": onePolicy})
	tree := func(prompts plumbing.Hash) plumbing.Hash {
		readme++
		return f.rawTree([]object.TreeEntry{
			{Name: ".github", Mode: filemode.Dir, Hash: policy},
			{Name: "README.md", Mode: filemode.Regular, Hash: f.blob(fmt.Sprint(readme))},
			{Name: "prompts", Mode: filemode.Dir, Hash: prompts},
		})
	}
	old, fork := f.prompts("old", "first"), f.prompts("first", "last")
	tip, prompts := f.commitTree(tree(old), "begin"), old
	for i := 1; i < n-2; i++ {
		parents := []plumbing.Hash{tip}
		if i%5 == 0 {
			parents = append(parents, f.commitTree(tree(prompts), "side", tip))
		}
		if i == n/10 {
			f.tag(disk, "v1", tip)
			prompts = fork
		}
		tip = f.commitTree(tree(prompts), "step", parents...)
	}
	f.tag(disk, "fork", tip)
	head := f.commitTree(tree(f.prompts("first", "LAST")), "feature", tip)
	main := f.commitTree(tree(f.prompts("FIRST", "last")), "base moves", tip)
	must(tb, disk.SetReference(plumbing.NewHashReference("refs/heads/main", main)))
	must(tb, disk.SetReference(plumbing.NewHashReference("refs/heads/feature", head)))
	pack(tb, f.store.(*memory.Storage), disk)
	f.store = disk
	return f
}

func (f *fixture) tag(on storage.Storer, name string, h plumbing.Hash) {
	must(f.t, on.SetReference(plumbing.NewHashReference(plumbing.NewTagReferenceName(name), h)))
}

// prompts is a folder of files whose first and last lines are given, twenty lines apart.
func (f *fixture) prompts(first, last string) plumbing.Hash {
	fs := files{}
	for i := range promptsOfBench {
		fs[fmt.Sprintf("p%02d.md", i)] = benchPrompt(first, i, last)
	}
	return f.tree(fs)
}

func benchPrompt(first string, i int, last string) string {
	return fmt.Sprintf("%s %d\n%s%s\n", first, i, strings.Repeat("Be kind.\n", 20), last)
}

// pack moves all objects into one pack file, as a clone has them.
func pack(tb testing.TB, from *memory.Storage, to storage.Storer) {
	tb.Helper()
	var ids []plumbing.Hash
	for id := range from.Objects {
		ids = append(ids, id)
	}
	var b bytes.Buffer
	_, err := packfile.NewEncoder(&b, from, false).Encode(ids, 0)
	must(tb, err)
	must(tb, packfile.UpdateObjectStorage(to.(storer.Storer), &b))
}

// benched are the plans of the benchmark and what each restores.
var benched = []struct{ name, to, first, last string }{
	{"commit", "", "old", "first"},
	{"tag", "v1", "old", "first"},
	{"path", "prompts@v1", "old", "first"},
	{"recent tag", "fork", "first", "last"},
	{"revert", "revert", "FIRST", "last"},
}

// BenchmarkVerify works out the plan of a change of 50 files on a history of 50,000
// commits, every file edited on the base branch since, so that each has to be merged: in
// a clone as it comes, and after git gc has written its commit-graph. whole-ms is what
// opening the clone and reading all of the change takes, once.
func BenchmarkVerify(b *testing.B) {
	f := longHistory(b, 50_000)
	b.Run("cloned", f.benchVerify)
	f.writeGraph()
	b.Run("graph", f.benchVerify)
}

func (f *fixture) benchVerify(b *testing.B) {
	for _, plan := range benched {
		b.Run(plan.name, func(b *testing.B) {
			begun := time.Now()
			c, g := f.opened(b, plan.to)
			whole := time.Since(begun)
			pol, _ := rules.Load(g.Policy.Data, nil)
			b.ReportAllocs()
			for b.Loop() {
				verified(b, c.target(&g.Change, pol, g.Change.Target.To), plan.first, plan.last)
			}
			b.ReportMetric(float64(whole.Milliseconds()), "whole-ms")
		})
	}
}

// TestVerifyOfManyFiles is the benchmark on a short history.
func TestVerifyOfManyFiles(t *testing.T) {
	t.Parallel()
	f := longHistory(t, 300)
	for _, plan := range benched {
		t.Run(plan.name, func(t *testing.T) {
			t.Parallel()
			_, g := f.opened(t, plan.to)
			verified(t, g.Change.Target, plan.first, plan.last)
		})
	}
}

// opened reads the change with a plan; an empty one is the commit of v1.
func (f *fixture) opened(tb testing.TB, to string) (*Clone, *Gathered) {
	tb.Helper()
	c, err := OpenClone(f.dir)
	must(tb, err)
	tb.Cleanup(func() { must(tb, c.Close()) })
	resolve := func(name string) plumbing.Hash {
		commit, _, err := c.resolve(name)
		must(tb, err)
		return commit
	}
	if to == "" {
		to = resolve("v1").String()
	}
	g, err := c.gather(tb.Context(), span{base: resolve("main"), head: resolve("feature"), branch: "main", body: wayBack(to)})
	must(tb, err)
	return c, g
}

// verified holds a target to what the history was made of.
func verified(tb testing.TB, t *rules.Target, first, last string) {
	tb.Helper()
	if t.Unknown != "" || !t.InBase || len(t.Files) != promptsOfBench {
		tb.Fatalf("%d files, in base %v, unknown %q", len(t.Files), t.InBase, t.Unknown)
	}
	seven := t.Files[7]
	text := func(first, last string) string {
		return plumbing.ComputeHash(plumbing.BlobObject, []byte(benchPrompt(first, 7, last))).String()
	}
	if seven.Wrong != "" || seven.Landed.Blob != text("FIRST", "LAST") || seven.Back.Blob != text(first, last) {
		tb.Fatalf("%+v, want back %s", seven, text(first, last))
	}
}
