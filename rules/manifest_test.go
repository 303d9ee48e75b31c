package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
	"pgregory.net/rapid"
)

const agentsPolicy = `
version: 1
mode: enforce
governed:
  - {name: agents, kind: agent-version, paths: ["agents/**"], rollback: optional}
`

const supportManifest = "agents/support/agent.yaml"

// promotion is a change of one agent's manifest, which had these versions on main.
func promotion(base, head string, released ...string) *Change {
	m := Manifest{Path: supportManifest, Base: body(base), Head: body(head)}
	for i, v := range released {
		m.Released = append(m.Released, Release{Version: v, Commit: fmt.Sprintf("c%d00000", i), Since: fmt.Sprintf("c%d99999", i), Blob: "b" + v})
	}
	status := map[bool]string{base == "": "added", head == "": "deleted"}[true]
	return change(asks("change: {why: x}"), touching(File{Path: supportManifest, Status: status}), func(c *Change) {
		c.Manifests = []Manifest{m}
	})
}

func body(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func says(c *Change, wrong ...func(*Change)) func(t testing.TB) Verdict {
	return func(t testing.TB) Verdict {
		t.Helper()
		for _, w := range wrong {
			w(c)
		}
		return parse(t, agentsPolicy).Decide(c, noon)
	}
}

func also(files ...File) func(*Change) {
	return func(c *Change) { c.Files = append(c.Files, files...) }
}

// stays is what the folder of the manifest still has at the head.
func stays(names ...string) func(*Change) { return func(c *Change) { c.Manifests[0].Stay = names } }

func TestVersions(t *testing.T) {
	t.Parallel()
	prompt := File{Path: "agents/support/prompt.md", Status: "modified"}
	onlyPrompt := func(c *Change) { c.Files = []File{prompt}; c.Manifests[0].Head = c.Manifests[0].Base }
	for _, tt := range []struct {
		name string
		c    *Change
		opts []func(*Change)
		code string // empty when it passes
		says string
	}{
		{"first", promotion("", "version: 1.0.0"), nil, "", "begins with version `1.0.0`"},
		{"first and replaces", promotion("", "version: 1.0.0\nreplaces: 0.9.0"), nil, CodeReplaces, "replaces `0.9.0`, and it has no version on `main`"},
		{"rises", promotion("version: 3.4.0", "version: 3.4.1\nreplaces: 3.4.0", "3.4.0", "3.3.0"), nil, "", "goes from `3.4.0` to `3.4.1`, above 2 versions released on `main`"},
		{"JSON", promotion(`{"version": "3.4.0"}`, `{"version": "3.4.1", "replaces": "3.4.0"}`, "3.4.0"), nil, "", "goes from"},
		{"JSON with tabs", promotion("{\n\t\"version\": \"3.4.0\"\n}", "{\n\t\"version\": \"3.4.1\",\n\t\"replaces\": \"3.4.0\"\n}", "3.4.0"), nil, "", "goes from"},
		{"with a byte order mark", promotion("version: 3.4.0", "\ufeffversion: 3.4.1\nreplaces: 3.4.0"), nil, "", "goes from"},
		{"skipped", promotion("version: 3.4.0", "version: 3.6.0\nreplaces: 3.4.0", "3.4.0"), nil, "", "goes from `3.4.0` to `3.6.0`"},
		{"older ones not read", promotion("version: 3.4.0", "version: 3.6.0\nreplaces: 3.4.0", "3.4.0"), opt(func(c *Change) { c.Manifests[0].Cut = true }), "", "(the newest; older ones were not read)"},
		{"stays", promotion("version: 3.4.0\na: 1", "version: 3.4.0\na: 2", "3.4.0"), nil, CodeVersionStays, "version `3.4.0` of `agents/support/agent.yaml` is released"},
		{"prompt under it", promotion("version: 3.4.0", "x", "3.4.0"), opt(onlyPrompt), CodeVersionStays, "would alter `agents/support/prompt.md` under that number"},
		{"used", promotion("version: 3.4.0", "version: 3.3.0\nreplaces: 3.4.0", "3.4.0", "3.3.0"), nil, CodeVersionUsed, "was released before, by commit `c199999`"},
		{"used, the newest", promotion("version: 3.3.0", "version: 3.4.0\nreplaces: 3.3.0", "3.4.0", "3.3.0"), nil, CodeVersionUsed, "was released before, by commit `c099999`"},
		{"used and rolled back since", promotion("version: 3.3.0", "version: 3.4.0\nreplaces: 3.3.0", "3.3.0", "3.4.0"), nil, CodeVersionUsed, "commit `c199999`"},
		{"lowered", promotion("version: 3.4.0", "version: 3.3.5\nreplaces: 3.4.0", "3.4.0", "3.3.0"), nil, CodeVersionFalls, "is not above `3.4.0`, which was released by commit `c099999`"},
		{"below one that was rolled back", promotion("version: 3.3.0", "version: 3.3.1\nreplaces: 3.3.0", "3.3.0", "3.4.0"), nil, CodeVersionFalls, "is not above `3.4.0`"},
		{"below the base of which no history was read", promotion("version: 3.4.0", "version: 3.3.1\nreplaces: 3.4.0"), nil, CodeVersionFalls, "is not above `3.4.0`"},
		{"a prerelease of what was released", promotion("version: 3.4.0", "version: 3.4.0-rc.1\nreplaces: 3.4.0", "3.4.0"), nil, CodeVersionFalls, "is not above `3.4.0`"},
		{"the release of a prerelease", promotion("version: 3.4.0-rc.1", "version: 3.4.0\nreplaces: 3.4.0-rc.1", "3.4.0-rc.1"), nil, "", "to `3.4.0`"},
		{"prereleases by number", promotion("version: 3.4.0-rc.9", "version: 3.4.0-rc.10\nreplaces: 3.4.0-rc.9", "3.4.0-rc.9"), nil, "", "to `3.4.0-rc.10`"},
		{"another build is no other version", promotion("version: 3.4.0", "version: 3.4.0+2\nreplaces: 3.4.0", "3.4.0"), nil, CodeVersionFalls, "is not above"},
		{"with a v", promotion("version: 3.4.0", "version: v3.5.0\nreplaces: 3.4.0"), nil, CodeVersionForm, "has version `v3.5.0`, which is not MAJOR.MINOR.PATCH"},
		{"a number", promotion("version: 3.4.0", "version: 3.5\nreplaces: 3.4.0"), nil, CodeVersionForm, "`3.5`"},
		{"a leading zero", promotion("version: 3.4.0", "version: 3.05.0\nreplaces: 3.4.0"), nil, CodeVersionForm, "`3.05.0`"},
		{"of 300 digits", promotion("version: 3.4.0", "version: "+strings.Repeat("9", 300)+".0.0"), nil, CodeVersionForm, "…"},
		{"above a version of no form", promotion(`version: "3"`, "version: 4.0.0\nreplaces: \"3\""), nil, "", "from `3` to `4.0.0`"},
		{"of a schema", promotion("version: 2\na: 1", "version: 2\na: 2"), nil, "", "no manifest with a `version` covers"},
		{"no version at all", promotion("a: 1", "a: 2"), nil, "", "no manifest with a `version` covers"},
		{"a list", promotion("[version]", "[version, a]"), nil, "", "no manifest with a `version` covers"},
		{"version removed", promotion("version: 3.4.0", "versoin: 3.4.0"), nil, CodeVersionGone, "has no `version` any more, and on `main` it is `3.4.0`"},
		{"version emptied", promotion("version: 3.4.0", "version:"), nil, CodeVersionGone, "no `version` any more"},
		{"agent deleted", promotion("version: 3.4.0", "", "3.4.0"), opt(also(File{Path: "agents/support/prompt.md", Status: "deleted"})), "", "is deleted with what it covers"},
		{"manifest deleted", promotion("version: 3.4.0", "", "3.4.0"), opt(also(prompt)), CodeVersionGone, "gives `agents/support/prompt.md` its version"},
		{"manifest deleted alone", promotion("version: 3.4.0", "", "3.4.0"), opt(stays("prompt.md")), CodeVersionGone, "gives `agents/support/prompt.md` its version, is deleted"},
		{"manifest deleted above a folder", promotion("version: 3.4.0", "", "3.4.0"), opt(stays("tools/")), CodeVersionGone, "gives `agents/support/tools/` its version, is deleted"},
		{"manifest renamed in its folder", promotion("version: 3.4.0", "", "3.4.0"), opt(stays("agent.yml", "prompt.md"), func(c *Change) {
			c.Files[0] = File{Path: "agents/support/agent.yml", OldPath: supportManifest, Status: "renamed"}
			c.Manifests = append(c.Manifests, Manifest{Path: "agents/support/agent.yml", Head: []byte("version: 3.4.0\nmodel: other\n")})
		}), CodeVersionGone, "gives `agents/support/agent.yml` and `agents/support/prompt.md` its version"},
		{"a manifest in a nearer folder", promotion("version: 3.4.0", "x", "3.4.0"), opt(onlyPrompt, func(c *Change) {
			c.Files = []File{{Path: "agents/support/a/p.md", Status: "modified"}, {Path: "agents/support/a/m.json", Status: "added"}}
			c.Manifests = append(c.Manifests, Manifest{Path: "agents/support/a/m.json", Head: []byte(`{"version": "0.0.1"}`)})
		}), CodeVersionStays, "would alter `agents/support/a/p.md` under that number"},
		{"an agent in a folder below", promotion("version: 3.4.0", "x", "3.4.0"), opt(onlyPrompt, func(c *Change) {
			c.Files = []File{{Path: "agents/support/a/p.md", Status: "added"}, {Path: "agents/support/a/m.json", Status: "added"}}
			c.Manifests = append(c.Manifests, Manifest{Path: "agents/support/a/m.json", Head: []byte(`{"version": "0.0.1"}`)})
		}), "", "`agents/support/a/m.json` begins with version `0.0.1`"},
		{"the largest number", promotion("version: 3.4.0", "version: 3.4.9007199254740992\nreplaces: 3.4.0", "3.4.0"), nil, "", "to `3.4.9007199254740992`"},
		{"too large a number", promotion("version: 3.4.0", "version: 3.4.9007199254740993\nreplaces: 3.4.0", "3.4.0"), nil, CodeVersionForm, "…"},
		{"after the largest number", promotion("version: 3.4.9007199254740992", "version: 3.4.9007199254740992\na: 2", "3.4.9007199254740992"), nil, CodeVersionStays, "is released"},
		{"after what has no number after it", promotion("version: 3.4.18446744073709551615", "version: 3.4.18446744073709551615\na: 2", "3.4.18446744073709551615"), nil, "", "no manifest with a `version` covers"},
		{"names nothing replaced", promotion("version: 3.4.0", "version: 3.5.0", "3.4.0"), nil, CodeReplaces, "does not say which version `3.5.0` replaces"},
		{"names another one", promotion("version: 3.4.0", "version: 3.5.0\nreplaces: 3.3.0", "3.4.0", "3.3.0"), nil, CodeReplaces, "replaces `3.3.0`, and the version on `main` is `3.4.0`"},
		{"by rollback.to", promotion("version: 3.4.0", "version: 3.5.0", "3.4.0"), opt(asks("change: {why: x, rollback: {to: 3.4.0}}")), "", "to `3.5.0`"},
		{"rollback.to and another name", promotion("version: 3.4.0", "version: 3.5.0\nreplaces: 3.3.0", "3.4.0"), opt(asks("change: {why: x, rollback: {to: 3.4.0}}")), CodeReplaces, "replaces `3.3.0`"},
		{"twice", promotion("version: 3.4.0", "version: 3.5.0\nversion: 3.6.0"), nil, CodeManifest, "line 2: `version` is written twice"},
		{"twice in JSON", promotion(`{"version": "3.4.0"}`, `{"version": "3.5.0", "version": "3.4.0"}`), nil, CodeManifest, "written twice"},
		{"an anchor", promotion("version: 3.4.0", "version: &v 3.5.0\nx: *v"), nil, CodeManifest, "anchors and aliases are not used here"},
		{"a tag", promotion("version: 3.4.0", "version: !!str 3.5.0"), nil, CodeManifest, "is not used here"},
		{"two documents", promotion("version: 3.4.0", "version: 3.5.0\n---\nversion: 3.6.0"), nil, CodeManifest, "multiple"},
		{"UTF-16", promotion("version: 3.4.0", "\xff\xfev\x00e\x00r\x00"), nil, CodeVersionGone, "no `version` any more"},
		{"not YAML, and a version", promotion("", "{{ helm }}\nversion: ["), nil, CodeManifest, "cannot be read for the agent's version: line 2"},
		{"not YAML, and no version", promotion("{{ helm", "{{ helm }} x: ["), nil, "", "no manifest with a `version` covers"},
		{"unreadable before", promotion("a: &a version", "version: 1.0.0"), nil, "", "begins with version `1.0.0`"},
		{"in a folder below", promotion("version: 3.4.0", "x", "3.4.0"), opt(onlyPrompt, func(c *Change) { c.Files[0].Path = "agents/support/tools/refund.json" }), CodeVersionStays, "`agents/support/tools/refund.json`"},
		{"in a folder beside", promotion("version: 3.4.0", "x", "3.4.0"), opt(onlyPrompt, func(c *Change) { c.Files[0].Path = "agents/support2/a.md" }), "", "covers `agents/support2/a.md`"},
		{"copied", promotion("version: 3.4.0", "x", "3.4.0"), opt(onlyPrompt, func(c *Change) {
			c.Files = []File{{Path: "docs/prompt.md", OldPath: "agents/support/prompt.md", Status: "copied"}}
		}), "", ""},
		{"moved away", promotion("version: 3.4.0", "x", "3.4.0"), opt(onlyPrompt, func(c *Change) {
			c.Files = []File{{Path: "docs/prompt.md", OldPath: "agents/support/prompt.md", Status: "renamed"}}
		}), CodeVersionStays, "`agents/support/prompt.md`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := says(tt.c, tt.opts...)(t)
			f := ruled(v, RuleAgentContent)
			if f.Code != tt.code || tt.says != "…" && !strings.Contains(f.Says, tt.says) {
				t.Errorf("%s %q, want %s %q", f.Code, f.Says, tt.code, tt.says)
			}
			if tt.code != "" && (v.State != Author || f.Fix == "" || f.Path != supportManifest || f.Line < 1) {
				t.Errorf("state %s, at %s:%d: %q", v.State, f.Path, f.Line, f.Fix)
			}
		})
	}
}

// The exact content of an earlier change passes under its own number; one byte more is
// a version that was used before.
func TestVersionRolledBack(t *testing.T) {
	t.Parallel()
	lowered := func() *Change {
		return promotion("version: 3.4.0", "version: 3.3.0\nreplaces: 3.2.0", "3.4.0", "3.3.0")
	}
	exact := func(c *Change) { c.Files[0].Old, c.Files[0].New, c.Files[0].Status = "a1", "b1", "modified" }
	f := ruled(says(lowered(), exact, undoing(12))(t), RuleAgentContent)
	same(t, []string{string(f.State), f.Says}, []string{string(Met), "rollback of CHG-12: its versions come back as they were"})
	f = ruled(says(lowered(), exact, undoing(12), undo(func(u *Undo) { u.Head[supportManifest] = entry644("b2") }))(t), RuleAgentContent)
	same(t, f.Code, CodeVersionUsed)
}

// The nearest manifest gives a file its version; of two in one folder both do.
func TestCovering(t *testing.T) {
	t.Parallel()
	p := parse(t, `
version: 1
governed:
  - {name: agents, kind: agent-version, paths: ["**", "!vendor/**"]}
  - {name: others, kind: prompt, paths: ["vendor/**"]}
`)
	all := []Manifest{}
	for _, path := range []string{"package.json", "agents/a.yaml", "agents/b.yml", "agents/c/agent.yaml", "vendor/agent.yaml", "a/agent.json", "agents/c/deep/agent.yml", "agents/c/tools.yaml"} {
		all = append(all, Manifest{Path: path, Base: []byte("version: 1.0.0"), Head: []byte("version: 1.0.0")})
	}
	all = append(all, Manifest{Path: "agents/compose.yaml", Base: []byte("version: 3"), Head: []byte("version: 3")})
	for file, want := range map[string][]string{
		"README.md":              {"package.json"},
		"a/x.md":                 {"a/agent.json"},
		"agents/shared.md":       {"agents/a.yaml", "agents/b.yml"},
		"agents/a.yaml":          {"agents/a.yaml"},
		"agents/c/deep/er.md":    {"agents/c/deep/agent.yml"},
		"agents/c/more/deep.md":  {"agents/c/agent.yaml", "agents/c/tools.yaml"},
		"agents/cc/x.md":         {"agents/a.yaml", "agents/b.yml"},
		"agents/c/agent.yaml":    {"agents/c/agent.yaml"},
		"vendor/prompts/x.md":    nil,
		"agents/compose.yaml":    {"agents/a.yaml", "agents/b.yml"},
		"agents/c/compose.yaml.": {"agents/c/agent.yaml", "agents/c/tools.yaml"},
	} {
		var got []string
		for _, m := range p.Covering([]File{{Path: file, Status: "modified"}}, all) {
			got = append(got, m.Path)
		}
		same(t, got, want)
	}
	same(t, p.Versioned([]File{{Path: "b", OldPath: "a"}, {Path: "vendor/x"}}), []string{"a", "b"})
	for path, want := range map[string]bool{"a.yaml": true, "x/A.YML": true, "a.json": true, "a.md": false, "vendor/a.yaml": false, "a.yaml.bak": false} {
		if p.MayVersion(path) != want {
			t.Errorf("MayVersion(%q) is %v", path, !want)
		}
	}
}

// Where a change raises a version its way back leads to an earlier one.
func TestWayBackOfAVersion(t *testing.T) {
	t.Parallel()
	const base, head = "version: 3.4.0", "version: 3.5.0\nreplaces: 3.4.0"
	for _, tt := range []struct {
		name string
		c    *Change
		back Restored
		cut  bool
		want string // empty when it passes
	}{
		{"the one before", promotion(base, head, "3.4.0", "3.3.0"), Restored{Back: Entry{Blob: "b3.4.0"}}, false, ""},
		{"an older one", promotion(base, head, "3.4.0", "3.3.0"), Restored{Text: []byte("version: 3.3.0\na: 1")}, false, ""},
		{"the new one", promotion(base, head, "3.4.0"), Restored{Text: []byte("version: 3.5.0")}, false, "brings back version `3.5.0` of `agents/support/agent.yaml`, which is the one this change releases"},
		{"one that never was", promotion(base, head, "3.4.0"), Restored{Text: []byte("version: 2.0.0")}, false, "brings back version `2.0.0` of `agents/support/agent.yaml`, which was never released"},
		{"one that was not read", promotion(base, head, "3.4.0"), Restored{Text: []byte("version: 2.0.0")}, true, "which is none of the newest 1 that were released"},
		{"no version", promotion(base, head, "3.4.0"), Restored{Text: []byte("a: 1")}, false, "brings back no version of `agents/support/agent.yaml`"},
		{"nothing", promotion(base, head, "3.4.0"), Restored{}, false, "brings back no version of `agents/support/agent.yaml`"},
		{"of a new agent nothing", promotion("", "version: 1.0.0"), Restored{}, false, ""},
		{"not known", promotion(base, head, "3.4.0"), Restored{Back: Entry{Blob: "other"}}, false, "which version that is was not read"},
		{"that cannot be had", promotion(base, head, "3.4.0"), Restored{Wrong: WrongConflict}, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.back.Path = supportManifest
			v := says(tt.c, asks("change: {why: x, rollback: {to: v1}}"), func(c *Change) {
				c.Manifests[0].Cut = tt.cut
				c.Target.Files = []Restored{tt.back}
			})(t)
			f := finding(v, CodeNoRelease)
			if f.Rule == RuleRollbackPlan != (tt.want != "") || !strings.Contains(f.Says, tt.want) {
				t.Errorf("%q, want %q", f.Says, tt.want)
			}
			if tt.want != "" && f.Fix != "write `rollback.to: 3.4.0`, the version before this change" {
				t.Errorf("fix %q", f.Fix)
			}
		})
	}
}

// What was unreadable on the base branch is mended with any way back; what is readable
// there is not made unreadable by one.
func TestManifestMended(t *testing.T) {
	t.Parallel()
	const broken, mended = "version: 1.0.0\n---\nversion: 2.0.0", "version: 1.0.1"
	for _, tt := range []struct{ base, code string }{{broken, ""}, {"version: 1.0.0", CodeNotRestorable}} {
		c := promotion(tt.base, mended+"\nreplaces: 1.0.0")
		if tt.code == "" {
			c.Manifests[0].Head = []byte(mended)
		}
		v := says(c, asks("change: {why: x, rollback: {to: v1}}"), func(c *Change) {
			c.Target.Files = []Restored{{Path: supportManifest, Back: entry644("b"), Landed: entry644("l"), Text: []byte(broken)}}
		})(t)
		f := ruled(v, RuleRollbackPlan)
		same(t, []string{f.Code, string(ruled(v, RuleAgentContent).State)}, []string{tt.code, string(Met)})
	}
}

// Whatever was released in whatever order, the next version passes if and only if it
// is above all of them.
func TestNextVersion(t *testing.T) {
	t.Parallel()
	version := rapid.Custom(func(t *rapid.T) string {
		n := rapid.IntRange(0, 2)
		return fmt.Sprintf("%d.%d.%d%s", n.Draw(t, "major"), n.Draw(t, "minor"), n.Draw(t, "patch"),
			rapid.SampledFrom([]string{"", "", "", "-rc.1", "-rc.2", "-rc.10", "-alpha", "+b1"}).Draw(t, "rest"))
	})
	p := parse(t, agentsPolicy)
	rapid.Check(t, func(t *rapid.T) {
		past := rapid.SliceOfNDistinct(version, 1, 6, rapid.ID[string]).Draw(t, "released")
		next := version.Draw(t, "next")
		above := true
		for _, v := range past {
			above = above && semver.MustParse(next).GreaterThan(semver.MustParse(v))
		}
		f := ruled(p.Decide(promotion("version: "+past[0], "version: "+next+"\nreplaces: "+past[0], past...), noon), RuleAgentContent)
		if (f.State == Met) != above {
			t.Fatalf("%s after %v: %s %q", next, past, f.Code, f.Says)
		}
		// What a refusal says to write passes.
		if _, rest, ok := strings.Cut(f.Fix, "`version: "); ok {
			next, _, _ = strings.Cut(rest, "`")
			if f := ruled(p.Decide(promotion("version: "+past[0], "version: "+next+"\nreplaces: "+past[0], past...), noon), RuleAgentContent); f.State != Met {
				t.Fatalf("%s, as was suggested, after %v: %s %q", next, past, f.Code, f.Says)
			}
		}
	})
}

// No text makes reading a manifest panic, and what is read is a version or none.
func FuzzManifest(f *testing.F) {
	seeds(f)
	for _, s := range []string{"version: 3.4.0\nreplaces: 3.3.0\n", `{"version": "1.0.0-rc.1+b"}`, "version: [1]", "version: 1\nversion: 2", "? version\n: 1.0.0"} {
		f.Add([]byte(s))
	}
	p, _ := ParsePolicy([]byte(agentsPolicy))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v := ManifestVersion(data); v != "" && !IsVersion(v) {
			t.Errorf("version %q", v)
		}
		placed(t, readClaim(data).wrong, strings.Count(string(data), "\n")+1)
		c := promotion("version: 3.4.0", "x", "3.4.0")
		c.Manifests[0].Head = data
		if v := p.Decide(c, noon); v.State == Ready || strings.ContainsAny(v.Title, "\n`@") {
			t.Errorf("%s %q", v.State, v.Title)
		}
	})
}
