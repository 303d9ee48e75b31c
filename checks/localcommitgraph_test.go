package checks

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// writeGraph makes git write the commit-graph of what it reaches, as git gc does.
func (f *fixture) writeGraph() {
	f.t.Helper()
	out, err := exec.Command("git", "-C", f.dir, "commit-graph", "write", "--reachable").CombinedOutput()
	if err != nil {
		f.t.Fatalf("git commit-graph write: %v\n%s", err, out)
	}
}

func (f *fixture) graphFile() string { return filepath.Join(f.dir, "objects/info/commit-graph") }

// TestOutlineIsThatOfTheCommits compares what git's commit-graph says with the commits,
// of octopus merges too, and of those that are younger than the graph.
func TestOutlineIsThatOfTheCommits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	var all []plumbing.Hash
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 6).Draw(rt, "commits") {
			var parents []plumbing.Hash
			if len(all) > 0 {
				parents = rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, min(4, len(all)), rapid.ID[plumbing.Hash]).Draw(rt, "parents")
			}
			all = append(all, f.commit(files{"x": "y"}, parents...))
		}
		f.ref("refs/heads/"+all[len(all)-1].String(), all[len(all)-1])
		if rapid.IntRange(0, 9).Draw(rt, "written") == 0 {
			f.writeGraph()
		}
	})
	f.writeGraph()
	written := len(all)
	all = append(all, f.commit(files{"x": "young"}, all[written-1]))

	c, err := OpenClone(f.dir)
	must(t, err)
	defer c.Close()
	read := newHistory(f.store, nil)
	known := 0
	for _, id := range all {
		got, err := c.past.outline(id)
		must(t, err)
		want, err := read.outline(id)
		must(t, err)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(outline{}), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-commit +graph):\n%s", id, d)
		}
		if _, err := c.past.graph.GetIndexByHash(id); err == nil {
			known++
		}
	}
	if known == 0 || known == len(all) {
		t.Errorf("the graph knows %d of %d commits, want some and not all", known, len(all))
	}
}

// TestGraphThatIsNotUsed: one that is damaged, cut off or older than where the clone was
// cut would answer something else than the commits.
func TestGraphThatIsNotUsed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	tip := f.commit(files{"x": "2"}, f.commit(files{"x": "1"}))
	f.ref("refs/heads/main", tip)
	f.writeGraph()
	sound, err := os.ReadFile(f.graphFile())
	must(t, err)
	opened := func() *Clone {
		c, err := OpenClone(f.dir)
		must(t, err)
		t.Cleanup(func() { must(t, c.Close()) })
		return c
	}
	if opened().past.graph == nil {
		t.Fatal("a sound graph is not used")
	}
	put := func(data []byte) {
		must(t, os.Chmod(f.graphFile(), 0o600))
		must(t, os.WriteFile(f.graphFile(), data, 0o600))
	}
	for i := range sound {
		bad := append([]byte(nil), sound...)
		bad[i] ^= 1
		put(bad)
		if opened().past.graph != nil {
			t.Fatalf("byte %d is another, and the graph is used", i)
		}
	}
	for _, n := range []int{0, 19, 20, len(sound) - 1} {
		put(sound[:n])
		if opened().past.graph != nil {
			t.Errorf("of %d bytes %d are there, and the graph is used", len(sound), n)
		}
	}
	put(sound)
	must(t, os.WriteFile(filepath.Join(f.dir, "shallow"), []byte(tip.String()+"\n"), 0o600))
	if opened().past.graph != nil {
		t.Error("the clone is shallow, and the graph is used")
	}
}
