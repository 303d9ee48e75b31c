package checks

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"changegate/rules"
)

const agentsOnly = "version: 1\nmode: enforce\ngoverned:\n- {name: agents, kind: agent-version, paths: ['agents/**']}\n"

func agentAt(version string) files {
	return files{PolicyPath: agentsOnly, "agents/a/agent.yaml": "version: " + version + "\n", "agents/a/prompt.md": "of " + version + "\n", "agents/a/other.yaml": "kind: x\n", "README.md": "x"}
}

// The versions are those that the manifest had, each with the newest commit that had it.
func TestLocalManifests(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	first := f.commit(agentAt("1.0.0"))
	later := agentAt("1.0.0")
	later["README.md"] = "y"
	fixed := f.commit(later, first)
	second := f.commit(agentAt("1.1.0"), fixed)
	later = agentAt("1.1.0")
	later["README.md"] = "y"
	last := f.commit(later, second)
	back := f.commit(agentAt("1.0.0"), last)
	third := f.commit(agentAt("2.0.0-rc.1"), back)
	later = agentAt("2.0.0-rc.1")
	later["README.md"] = "z"
	tip := f.commit(later, third)
	head := agentAt("2.0.0")
	feature := f.commit(head, tip)
	f.ref("refs/heads/main", tip)
	f.ref("refs/heads/feature", feature)
	got := f.read("").Change
	blob := func(v string) string { return f.blob(agentAt(v)["agents/a/agent.yaml"]).String() }
	want := []rules.Manifest{{Path: "agents/a/agent.yaml", Base: []byte("version: 2.0.0-rc.1\n"), Head: []byte("version: 2.0.0\n"), Released: []rules.Release{
		{Version: "2.0.0-rc.1", Commit: tip.String(), Since: third.String(), Blob: blob("2.0.0-rc.1")},
		{Version: "1.0.0", Commit: back.String(), Since: first.String(), Blob: blob("1.0.0")},
		{Version: "1.1.0", Commit: last.String(), Since: second.String(), Blob: blob("1.1.0")},
	}}}
	if diff := cmp.Diff(want, got.Manifests); diff != "" || len(got.Gaps) > 0 {
		t.Errorf("gaps %v, manifests (-want +got):\n%s", got.Gaps, diff)
	}
}

// A manifest that the change brings, takes away, moves or makes a link.
func TestLocalManifestOfTheChange(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(files)
		want []string // path, base, head
	}{
		"only a prompt":     {func(a files) { a["agents/a/prompt.md"] = "x" }, []string{"agents/a/agent.yaml", "version: 1.0.0\n", "version: 1.0.0\n"}},
		"a prompt below":    {func(a files) { a["agents/a/b/c.md"] = "x" }, []string{"agents/a/agent.yaml", "version: 1.0.0\n", "version: 1.0.0\n"}},
		"nothing governed":  {func(a files) { a["README.md"] = "2" }, nil},
		"another file":      {func(a files) { a["agents/b/x.md"] = "2" }, nil},
		"deleted":           {func(a files) { delete(a, "agents/a/agent.yaml") }, []string{"agents/a/agent.yaml", "version: 1.0.0\n", "<nil>"}},
		"a second, new one": {func(a files) { a["agents/b/agent.json"] = `{"version": "1.0.0"}` }, []string{"agents/b/agent.json", "<nil>", `{"version": "1.0.0"}`}},
		"moved": {func(a files) { a["agents/b/agent.yaml"] = a["agents/a/agent.yaml"]; delete(a, "agents/a/agent.yaml") },
			[]string{"agents/a/agent.yaml", "version: 1.0.0\n", "<nil>", "agents/b/agent.yaml", "<nil>", "version: 1.0.0\n"}},
		"a link":    {func(a files) { a["agents/a/agent.yaml"] = "mode 120000 other.yaml" }, []string{"agents/a/agent.yaml", "version: 1.0.0\n", "other.yaml"}},
		"too large": {func(a files) { a["agents/a/agent.yaml"] = "version: 2.0.0\n#" + strings.Repeat("x", rules.MaxManifest) }, []string{"agents/a/agent.yaml", "version: 1.0.0\n", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := agentAt("1.0.0")
			tt.edit(changed)
			f, _, _ := two(t, agentAt("1.0.0"), changed)
			ch := f.read("").Change
			var got []string
			for _, m := range ch.Manifests {
				got = append(got, m.Path)
				for _, text := range [][]byte{m.Base, m.Head} {
					if got = append(got, string(text)); text == nil {
						got[len(got)-1] = "<nil>"
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || len(ch.Gaps) > 0 {
				t.Errorf("gaps %v, manifests (-want +got):\n%s", ch.Gaps, diff)
			}
		})
	}
}

// What a shallow clone cannot know keeps the change from passing.
func TestLocalManifestsOfAShallowClone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	first := f.commit(agentAt("1.0.0"))
	main := f.commit(agentAt("1.1.0"), first)
	f.ref("refs/heads/main", main)
	f.ref("refs/heads/feature", f.commit(agentAt("1.2.0"), main))
	must(t, f.store.SetShallow([]plumbing.Hash{main}))
	ch := f.read("").Change
	if len(ch.Gaps) != 1 || ch.Gaps[0].What != gapVersions || !strings.Contains(ch.Gaps[0].Says, "git fetch --unshallow") {
		t.Errorf("gaps %+v", ch.Gaps)
	}
}

// Whatever shape a history has, the commits found for a path are those of git log.
func TestEditionsAreThoseOfGitLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	rapid.Check(t, func(rt *rapid.T) {
		var all []plumbing.Hash
		for i := range rapid.IntRange(1, 14).Draw(rt, "commits") {
			fs := files{"x": fmt.Sprint(rapid.IntRange(0, 3).Draw(rt, "other"))}
			if v := rapid.IntRange(0, 3).Draw(rt, "version"); v > 0 {
				fs["agents/a/agent.yaml"] = fmt.Sprintf("version: %d.0.0\n", v)
			}
			var parents []plumbing.Hash
			if i > 0 {
				parents = rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, min(2, len(all)), rapid.ID[plumbing.Hash]).Draw(rt, "parents")
			}
			all = append(all, f.commit(fs, parents...))
		}
		tip := all[len(all)-1]
		c, err := OpenClone(f.dir)
		must(t, err)
		defer c.Close()
		got, cut, err := c.editions(tip, "agents/a/agent.yaml")
		if err != nil || cut {
			rt.Fatal(cut, err)
		}
		out, err := exec.Command("git", "-C", f.dir, "log", "--first-parent", "--format=%H", tip.String(), "--", "agents/a/agent.yaml").Output()
		must(t, err)
		ids := []string{}
		for _, e := range got {
			ids = append(ids, e.Commit)
		}
		if diff := cmp.Diff(strings.Fields(string(out)), ids); diff != "" {
			rt.Errorf("commits (-git +ours):\n%s", diff)
		}
	})
}

// BenchmarkEditions finds what changed one file in a history of 50,000 commits, most of
// which changed another one. Nothing is remembered from one run to the next.
func BenchmarkEditions(b *testing.B) {
	f := longHistory(b, 50_000)
	main, err := f.store.Reference("refs/heads/main")
	must(b, err)
	for b.Loop() {
		c, err := OpenClone(f.dir)
		must(b, err)
		all, cut, err := c.editions(main.Hash(), "prompts/p07.md")
		if err != nil || cut || len(all) < 2 {
			b.Fatal(len(all), cut, err)
		}
		must(b, c.Close())
	}
}
