package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// P10, P11 (and whatever else makes a rule that nobody has to meet): a policy of
// random keys with the values that templates, slips and attackers leave either does
// not load, or asks somebody for every file that it governs.
func TestNoPolicyAsksNobody(t *testing.T) {
	t.Parallel()
	values := []string{"", "~", "[]", "{}", "[~]", "[[]]", "[{}]", "''", "0", "1", "[1]", "false", "x", "[x]", "['!x']", "['!x', x]", "[x, x]"}
	entries := append([]string{"[{count: 0}]", "[{count: ~}]", "[{count: -1}]", "[{from: []}]", "[{from: ~}]", "[{from: [~]}]", "[{from: ['']}]", "[{count: 1, from: [x]}, {}]", "[{count: 1, from: [write]}, ~]"}, values...)
	loaded := 0
	odd := func(t *rapid.T, key, plain string, values ...string) string {
		if usually(t, key+" is plain") {
			return plain
		}
		return pick(t, key, values...)
	}
	draw := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		fmt.Fprintf(&b, "version: %s\n", odd(t, "version", "1", values...))
		if usually(t, "governed is plain") {
			b.WriteString("governed:\n")
			for i := range rapid.IntRange(1, 2).Draw(t, "groups") {
				fmt.Fprintf(&b, "- {name: %s, kind: other, paths: %s, approvals: %s}\n", odd(t, "name", fmt.Sprint("g", i), "g0", "", "~"),
					odd(t, "paths", "[a, x]", values...), pick(t, "approvals", entries...))
			}
		} else {
			fmt.Fprintf(&b, "governed: %s\n", pick(t, "value", values...))
		}
		return b.String()
	})
	for seed := range 5000 {
		text := draw.Example(seed)
		p, problems := ParsePolicy([]byte(text))
		if (p == nil) == (problems == nil) {
			t.Fatal("policy and problems, or neither")
		}
		if p == nil {
			continue
		}
		loaded++
		names := map[string]bool{}
		for _, g := range p.judged {
			if names[g.Name] || g.Name == "" || len(g.Approvals) == 0 {
				t.Fatalf("group %q of\n%s", g.Name, text)
			}
			names[g.Name] = true
			for _, a := range g.Approvals {
				if a.Count < 1 || len(a.From) == 0 {
					t.Fatalf("%+v asks nobody in\n%s", a, text)
				}
			}
		}
		v := p.Decide(change(touching(File{Path: "x", New: "1"}, File{Path: "a", New: "1"}, File{Path: PolicyPath, New: "1"})), noon)
		if !v.Would.Blocks() || len(v.Governed) == 0 {
			t.Fatalf("nobody approved: %s by\n%s", v.Title, text)
		}
	}
	if loaded < 200 || loaded > 4500 {
		t.Errorf("%d of 5000 policies load", loaded)
	}
}

// P10, P11: the two probes as they were, each with its innocent twin.
func TestEmptyAndDoubleRules(t *testing.T) {
	t.Parallel()
	const group = "version: 1\ngoverned:\n- {name: a, kind: eval, paths: [a]"
	for text, loads := range map[string]bool{
		group + ", approvals: []}":                false,
		group + ", approvals: {}}":                false,
		group + ", approvals: [{from: [write]}]}": true,
		group + "}":                   true, // 1 from write
		"{}":                          false,
		"version: 1\ngoverned: {}":    false,
		"version: 1\ngoverned: ~":     false,
		"version: 1\ngoverned: [~]":   false,
		"version: 1\ngoverned: [{}]":  false,
		"version: 1\ngoverned: [[a]]": false,
		group + "}\n- {name: a, kind: eval, paths: [b], approvals: [{count: 2}]}":             false,
		group + "}\n- {name: b, kind: eval, paths: [a], approvals: [{count: 2}]}":             true,
		group + "}\n- {name: A, kind: eval, paths: [b]}":                                      false,
		"version: 1\ngoverned:\n- {name: a, kind: eval, paths: []}":                           false,
		"version: 1\ngoverned:\n- {name: a, kind: eval, paths: ['!a', '!b']}":                 false,
		"version: 1\ngoverned:\n- {name: a, kind: eval, paths: ['!a', b]}":                    true,
		"version: 1\ngoverned:\n- {name: a, kind: eval, paths: [b], approvals: [{count: 0}]}": false,
	} {
		p, problems := ParsePolicy([]byte(text))
		if (p != nil) != loads {
			t.Errorf("%s\nloads: %v, want %v\n%v", text, p != nil, loads, problems)
		}
		if v := Evaluate([]byte(text), change(), noon); !loads && (v.State != Failure || v.Would != Failure) {
			t.Errorf("%s\n%s %s", text, v.State, v.Title)
		}
	}
}

// P14: patterns are anchored at both ends, so a folder deeper down or a longer
// name is another file.
func TestPatternsAreAnchored(t *testing.T) {
	t.Parallel()
	p := parse(t, "version: 1\nmode: enforce\ngoverned:\n- {name: code, kind: other, paths: ['**', '!docs/**', '!*.md']}\n")
	for path, governed := range map[string]bool{
		"docs/x.md": false, "README.md": false, // the innocent twins
		"src/evil.go/docs/x.md": true, "src/docs/x": true, "docsx/y": true, "xdocs/y": true, "a/README.md": true, "README.md.go": true,
	} {
		v := p.Decide(change(touching(File{Path: path, Status: "added", New: "1"})), noon)
		if (v.State != Nothing) != governed || v.State.Blocks() != governed {
			t.Errorf("%s: %s %s", path, v.State, v.Title)
		}
	}
}

// P15: a rule whose path is misspelt is seen by whoever approves it, before it is
// one. It does not block: the files may come later.
func TestIdle(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"  - {name: tools, kind: eval, paths: ['tools/**', '!tools/README.md']}\n  - {name: none, kind: eval, paths: [x/*]}\n")
	idle, known := p.Idle(slices.Values([]string{"Prompts/a.md", "tools/readme.md", "x/y/z"}))
	if !known || !slices.Equal(idle, []string{"tools", "none"}) {
		t.Errorf("idle are %q, known %t", idle, known)
	}
}

// slowPolicy is a policy as large as one may be whose paths nothing matches, and as many
// folders that are nearly called so.
func slowPolicy() (policy string, idle []string, files []File) {
	var b strings.Builder
	b.WriteString("version: 1\nmode: enforce\ngoverned:\n")
	for i := range 200 {
		idle = append(idle, fmt.Sprint("g", i))
		fmt.Fprintf(&b, "- {name: g%d, kind: other, paths: [", i)
		for k := range 20 {
			fmt.Fprintf(&b, "%s%d-%d/*,", strings.Repeat("q", 40), i, k)
		}
		b.WriteString("]}\n")
	}
	for i := range 3000 {
		files = append(files, File{Path: fmt.Sprintf("%s%d/x", strings.Repeat("w", 42), i), Status: "added", New: "1"})
	}
	return b.String(), idle, files
}

// TestPolicyMadeToBeSlow: whoever may open a pull request may bring a policy. What is
// said about it beside its problems must not keep everybody else waiting: without a
// bound the suggestions alone take minutes.
func TestPolicyMadeToBeSlow(t *testing.T) {
	t.Parallel()
	text, idle, files := slowPolicy()
	if _, known := parse(t, text).Idle(func(yield func(string) bool) {
		for range 100_000 {
			if !yield("docs/a.md") {
				return
			}
		}
	}); known {
		t.Error("4,000 patterns were tried on 100,000 paths")
	}
	c := change(touching(append(files, File{Path: PolicyPath, Status: "modified", Old: "1", New: "2"})...))
	c.NewPolicy = &PolicyText{Path: PolicyPath, Data: []byte(text), Idle: idle}
	began := time.Now()
	v := parse(t, prompts).Decide(c, noon)
	if took := time.Since(began); took > 10*time.Second || finding(v, CodeIdle).Code == "" {
		t.Errorf("it takes %s:\n%s", took, v.Title)
	}
}

func TestIdleGroupIsShown(t *testing.T) {
	t.Parallel()
	now := prompts + "  - {name: tools, kind: eval, paths: ['tools/**', 'src/*.md']}\n"
	then := now + `  - {name: secret, kind: prompt, paths: ["promts/secret/**"]}
  - {name: later, kind: prompt, paths: ["agents/**", "!agents/README.md", "x@y/*"]}
`
	edit := File{Path: PolicyPath, Status: "modified", Old: "1", New: "2"}
	idle := func(names ...string) func(*Change) {
		return func(c *Change) { c.NewPolicy = &PolicyText{Path: PolicyPath, Data: []byte(then), Idle: names} }
	}
	v := parse(t, now).Decide(change(touching(edit), idle("secret", "later", "gone"), reviewed(review(rev1, role("maintain")))), noon)
	want(t, v, Ready, "Ready…")
	var got []Finding
	for _, f := range v.Findings {
		if f.Code == CodeIdle {
			got = append(got, f)
		}
	}
	fix := "correct the paths, unless the files come later"
	same(t, got, []Finding{
		{Rule: RulePolicyFile, State: Met, Code: CodeIdle, Path: PolicyPath, Line: 9, Fix: fix,
			Says: "group `secret` governs no file of this repository: `promts/secret/**`; did you mean `prompts/secret/**`?"},
		{Rule: RulePolicyFile, State: Met, Code: CodeIdle, Path: PolicyPath, Line: 10, Fix: fix,
			Says: "group `later` governs no file of this repository: `agents/**`, `!agents/README.md`, `x@y/*`"},
	})
	if v := parse(t, now).Decide(change(touching(edit), idle()), noon); finding(v, CodeIdle).Code != "" {
		t.Errorf("no group is idle:\n%s", sayings(v))
	}
	// A policy that does not load says so, and nothing of its groups.
	then = "version: 1\ngoverned: [{name: secret}]\n"
	if v := parse(t, now).Decide(change(touching(edit), idle("secret")), noon); finding(v, CodeIdle).Code != "" || v.State != Failure {
		t.Errorf("%s\n%s", v.Title, sayings(v))
	}
}
