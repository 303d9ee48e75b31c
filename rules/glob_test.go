package rules

import (
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"pgregory.net/rapid"
)

func TestGoverns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		globs string
		path  string
		want  bool
	}{
		{"prompts/**", "prompts/a.md", true},
		{"prompts/**", "prompts/a/b.md", true},
		{"prompts/**", "prompts", true}, // the folder replaced by a file
		{"prompts/**", "promptsx/a.md", false},
		{"prompts/**", "src/prompts/a.md", false}, // P14: anchored
		{"prompts/*", "prompts/a/b.md", false},
		{"**/prompts/**", "src/prompts/a.md", true},
		{"prompts/**", "Prompts/A.MD", true},
		{"PROMPTS/**", "prompts/a.md", true},
		{"prompts/** !prompts/README.md", "prompts/readme.md", false},
		{"!prompts/README.md prompts/**", "prompts/README.md", false},
		{"!prompts/README.md", "prompts/a.md", false}, // exclusions alone govern nothing
		{"{a,b}/*.md", "b/x.md", true},
		{"prompts/**", "promptſ/a.md", true},
		{"PROMPTſ/**", "prompts/a.md", true},
		{"straße/Ω*", "STRAẞE/\u2126.md", true}, // ẞ, and the Ohm sign
		{"i/*", "ı/a", false},
		{"a?.md", "ab.md", true},
		{"[ab].md", "B.md", true},
		{"prompts/**", "prompts/a\nb", true},
		{"prompts/**", "prompts/\xff", true},
		{"**", ".github/changegate.yml", true},
		{"", "a", false},
	} {
		if got := newMatcher(strings.Fields(tt.globs)).governs(fold(tt.path)); got != tt.want {
			t.Errorf("%s governs %q is %v", tt.globs, tt.path, got)
		}
	}
}

// The short cuts of pattern.matches agree with the library.
func TestPatternIsDoublestar(t *testing.T) {
	t.Parallel()
	piece := rapid.StringMatching(`[ab/*?.]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		glob, path := piece.Draw(t, "glob")+rapid.SampledFrom([]string{"", "**", "/**", "/**/"}).Draw(t, "tail"), rapid.StringMatching(`[ab/.]{0,6}`).Draw(t, "path")
		if wrong, _ := badGlob(glob); wrong != "" {
			return
		}
		p := newMatcher([]string{glob})[0]
		if want, _ := doublestar.Match(glob, path); p.matches(path) != want {
			t.Fatalf("%q matches %q is %v", glob, path, !want)
		}
	})
}

func TestGlobProblems(t *testing.T) {
	t.Parallel()
	for glob, fix := range map[string]string{
		"/prompts/**":            "`prompts/**`",
		"./.github/workflows/*":  "`.github/workflows/*`",
		"//./a":                  "`a`",
		"!/a":                    "`!a`",
		"!!a":                    "`!a`",
		"prompts/":               "`prompts/**`",
		`prompts\*`:              "forward slashes",
		"a/../b":                 "the path as the repository lists it",
		"a/./b":                  "the path as the repository lists it",
		"a//b":                   "the path as the repository lists it",
		"..":                     "the path as the repository lists it",
		"[a":                     "close every [ and {",
		"{a,b":                   "close every [ and {",
		"!":                      "a path such as `prompts/**`",
		strings.Repeat("a", 257): "several shorter patterns",

		strings.Repeat("{a,b}", 8):                        "several shorter patterns",
		"{a,b,c,d,e,f}{a,b,c,d,e,f}{a,b,c,d,e,f}":         "several shorter patterns",
		"{a,[}],b,c,d,e}{a,[}],b,c,d,e}{a,[}],b,c,d,e,f}": "several shorter patterns",
	} {
		wrong, got := badGlob(glob)
		if wrong == "" || got != fix {
			t.Errorf("%q is %q: write %s, want %s", glob, wrong, got, fix)
		}
		if suggested := strings.Trim(got, "`"); len(suggested) == len(got)-2 {
			if wrong, _ := badGlob(suggested); wrong != "" {
				t.Errorf("%q, suggested for %q, %s", suggested, glob, wrong)
			}
		}
	}
	for _, glob := range []string{".github/**", "**", "a b/*.md", "*", "..a/b", "ünïcode/**", "!prompts/README.md",
		"prompts/**/*.{md,txt,yml,yaml,json,j2}", "{agents,bots,prompts}/**/*.{md,txt,yml,yaml,json,j2}"} {
		if wrong, _ := badGlob(glob); wrong != "" {
			t.Errorf("%q %s", glob, wrong)
		}
	}
}

// The policy file is always governed: no pattern lets it out.
func TestImplicitGroup(t *testing.T) {
	t.Parallel()
	const head = "version: 1\ngoverned:\n- {name: g, kind: eval, paths: "
	for paths, want := range map[string]string{
		`["prompts/**"]`:                                        "changegate",
		`["**"]`:                                                "g changegate",
		`["**", "!.github/**"]`:                                 "changegate",
		`["**", "!.github/changegate.yml"]`:                     "changegate",
		`[".github/*.yml"]`:                                     "g changegate",
		`[".github/changegate.yml"]`:                            "g",
		`[".GitHub/ChangeGate.yml"]`:                            "g",
		`[".github/changegate.yml", "!.github/**"]`:             "changegate",
		`[".github/changegate.yml", "!.github/changegate.yml"]`: "changegate",
	} {
		p := parse(t, head+paths+"}\n")
		for _, path := range []string{PolicyPath, ".github/CHANGEGATE.yml"} {
			if got := strings.Join(p.GroupsOf(File{Path: path}), " "); got != want {
				t.Errorf("%s: %s belongs to %q, want %q", paths, path, got, want)
			}
		}
		if got := p.GroupsOf(File{Path: "attic/x", OldPath: PolicyPath}); len(got) == 0 {
			t.Errorf("%s: the policy moved away is not governed", paths)
		}
	}
}

// Where code owners approve, CODEOWNERS says who approves: it is governed too, in
// each place in which GitHub looks, and the organisation's group for it stays where
// the repository's holds less.
func TestOwnersAreGoverned(t *testing.T) {
	t.Parallel()
	const head = "version: 1\ngoverned:\n- {name: g, kind: eval, paths: "
	const owners = ", approvals: [{count: 1, from: [codeowners]}]"
	for policy, want := range map[string][3]string{
		`["prompts/**"]`:                                  {"", "", ""},
		`["prompts/**"]` + owners:                         {"changegate-owners", "changegate-owners", "changegate-owners"},
		`["**"]` + owners:                                 {"g changegate-owners", "g changegate-owners", "g changegate-owners"},
		`[".github/codeowners"]` + owners:                 {"g", "changegate-owners", "changegate-owners"},
		`["**", "CODEOWNERS", "!.github/**"]` + owners:    {"changegate-owners", "g", "g changegate-owners"},
		`["docs/CODEOWNERS", "!docs/**", "x/*"]` + owners: {"changegate-owners", "changegate-owners", "changegate-owners"},
	} {
		p := parse(t, head+policy+"}\n")
		for i, path := range OwnersPaths() {
			if got := strings.Join(p.GroupsOf(File{Path: path}), " "); got != want[i] {
				t.Errorf("%s: %s belongs to %q, want %q", policy, path, got, want[i])
			}
			if got := p.GroupsOf(File{Path: "attic/x", OldPath: path}); want[i] != "" && len(got) == 0 {
				t.Errorf("%s: %s moved away is not governed", policy, path)
			}
		}
	}
	floor := parse(t, head+`["prompts/**"]`+owners+"}\n")
	for policy, want := range map[string]string{
		`["prompts/**"]` + owners:         "changegate-owners",
		`[".github/CODEOWNERS"]` + owners: "g org/changegate-owners",
		`["prompts/**"]`:                  "org/changegate-owners",
	} {
		p := parse(t, head+policy+"}\n").With(floor)
		if got := strings.Join(p.GroupsOf(File{Path: ".github/CODEOWNERS"}), " "); got != want {
			t.Errorf("%s under the organisation's policy: CODEOWNERS belongs to %q, want %q", policy, got, want)
		}
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts)
	for _, f := range []File{
		{Path: "attic/refund.md", OldPath: "prompts/refund.md", Status: "renamed", New: "b"},
		{Path: "prompts/refund.md", OldPath: "attic/refund.md", Status: "renamed", New: "b"},
		{Path: "prompts/refund.md", Status: "deleted", Old: "b"},
	} {
		v := p.Decide(change(touching(f)), noon)
		want(t, v, Waiting, "Waiting for 1 approval - from write access")
		same(t, v.Governed, []Governed{{f.Path, []string{"prompts"}}})
	}
	want(t, p.Decide(change(touching(File{Path: "attic/b", OldPath: "attic/a"})), noon), Nothing, "No governed files changed - nothing to approve")
}
