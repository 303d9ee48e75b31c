package rules

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCode(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"prompts/a.md":           "`prompts/a.md`",
		"":                       "(empty)",
		"a`b":                    "`a'b`",
		"a\nb\tc":                "`a b c`",
		"a\u202egnp.exe":         "`aU+202Egnp.exe`",
		"a\x00\x1b[31m":          "`aU+0000U+001B[31m`",
		"\xff":                   "`\ufffd`",
		"\u2028":                 "`U+2028`",
		"grüße 日本":               "`grüße 日本`",
		strings.Repeat("é", 100): "`" + strings.Repeat("é", 79) + "…`",
	} {
		if got := code(s); got != want {
			t.Errorf("%q is %s, want %s", s, got, want)
		}
	}
	if got := inline("see <img> @everyone [x](y) `z` | \u202e"); got != "see 'img> 'everyone 'x](y) 'z' ' U+202E" {
		t.Error(got)
	}
}

func TestFew(t *testing.T) {
	t.Parallel()
	words := strings.Fields("a b c d e f g h i j")
	same(t, few(words[:9]), words[:9])
	same(t, and(few(words)), "a, b, c, d, e, f, g, h and 2 more")
}

// hostile draws what a pull request may be full of.
var hostile = rapid.OneOf(
	rapid.String(),
	rapid.SampledFrom([]string{"", "`", "``` \n# x", "\n\n<script>alert(1)</script>", "@everyone", "@acme/owners", "</td></details><img src=x>", "\u202egnp", "\u2028", "\x00",
		"\xff\xfe", "[x](javascript:y)", "a|b", "-->", "\u200b", "{{x}}", "%s%n", "\\", strings.Repeat("A", 5000), "\r\n- x", "&lt;"}),
)

// overwritten is a change of which every text is hostile, and yet every rule has
// something to say.
func overwritten(t *rapid.T) *Change {
	h := func(label string) string { return hostile.Draw(t, label) }
	by := func(id int64) Person { return Person{ID: id, Login: h("login")} }
	c := drawChange(t)
	c.Repo, c.Base, c.Head = h("repo"), Point{h("branch"), h("commit")}, Point{h("branch"), h("commit")}
	c.MergeBase, c.Author = h("commit"), Person{ID: 1, Login: h("login"), Bot: rapid.Bool().Draw(t, "bot")}
	c.Commits = append(c.Commits, Commit{ID: h("id")}, Commit{ID: h("id"), Author: by(2)})
	c.Files = append(c.Files, File{Path: "prompts/" + h("path"), OldPath: h("old path"), Status: h("status"), New: "1"}, File{Path: PolicyPath, New: "2"})
	for i := range c.Reviews {
		c.Reviews[i].By.Login, c.Reviews[i].Commit = h("login"), rapid.SampledFrom([]string{c.Head.Commit, h("commit")}).Draw(t, "of")
	}
	c.Checks = append(c.Checks, Check{"evals", "github-actions", h("status"), h("conclusion")})
	c.Target = &Target{To: h("to"), Commit: h("commit"), InBase: rapid.Bool().Draw(t, "in base")}
	if rapid.Bool().Draw(t, "other request") {
		c.Requests = append(c.Requests, RequestText{Path: ".changes/" + h("path") + ".yml", Line: 1, Text: drawText(t)})
	}
	c.NewPolicy = &PolicyText{Path: PolicyPath, Data: []byte(drawText(t))}
	c.Unknown = append(c.Unknown, h("unknown"))
	if rapid.Bool().Draw(t, "gap") {
		c.Gaps = append(c.Gaps, Gap{h("what"), h("says")})
	}
	return c
}

// drawText is nearly a policy or a change request, with hostile keys and values.
func drawText(t *rapid.T) string {
	keys := rapid.SampledFrom([]string{"change", "why", "risk", "effective_at", "rollback", "to", "version", "mode", "timezone", "governed", "name", "kind", "paths", "approvals", "from", "freezes", "start", "lasts", "requested_by", "owner"})
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "version: 1\ngoverned:\n- name: x\n  kind: prompt\n  paths: [a]\n  ", "change:\n  ", "change:\n  rollback:\n    "}).Draw(t, "head"))
	indent := strings.Repeat(" ", len(b.String())-strings.LastIndexByte(b.String(), '\n')-1)
	for range rapid.IntRange(1, 4).Draw(t, "lines") {
		value := rapid.SampledFrom([]string{"%s", "[%s]", "{x: %s}", "\"%s\""}).Draw(t, "form")
		key := rapid.OneOf(keys, keys, hostile).Draw(t, "key")
		b.WriteString(key + ": " + strings.Replace(value, "%s", hostile.Draw(t, "value"), 1) + "\n" + indent)
	}
	return b.String()
}

const hostilePolicy = `version: 1
mode: enforce
governed:
  - {name: g0, kind: policy, paths: ["**"], notice: 1h, require_checks: [{name: evals, app: github-actions}, {name: "<b>` + "`" + `@x\u202e\n", app: "<i>"}], approvals: [{count: 2, from: ["@acme/a", codeowners]}]}
freezes:
  - {name: "` + "`" + `<b>@everyone\u202e\n", reason: "` + "```" + `\n<script>@x", from: 2026-11-20T00:00Z, until: 2026-11-26T00:00Z}
`

// Nothing a pull request contains is echoed as markup, calls anybody, hides
// anything or breaks a line.
func TestNothingIsEchoedRaw(t *testing.T) {
	t.Parallel()
	strict := parse(t, hostilePolicy)
	rapid.Check(t, func(t *rapid.T) {
		c := overwritten(t)
		for _, v := range []Verdict{strict.Decide(c, noon), Evaluate([]byte(drawText(t)), c, noon)} {
			clean(t, v)
		}
		c.Gaps, c.Unknown, c.Requests = nil, nil, nil
		clean(t, strict.Decide(c, noon))
		c.Commits, c.NewPolicy, c.Files, c.Author = nil, nil, []File{{Path: "a", New: "1"}}, dev1
		asks("change:\n  why: x\n  rollback: {to: revert}\n  effective_at: on-merge\n")(c)
		clean(t, strict.Decide(c, noon))
		clean(t, strict.Decide(c, noon.Add(100*24*time.Hour)))
	})
}

func clean(t *rapid.T, v Verdict) {
	harmless(t, "title", v.Title, "")
	if utf8.RuneCountInString(v.Title) > 80 || v.Title == "" || strings.ContainsRune(v.Title, '`') {
		t.Fatalf("title %q", v.Title)
	}
	for _, f := range v.Findings {
		harmless(t, "says", f.Says, "")
		harmless(t, "fix", f.Fix, "\n")
		if (f.State == Unmet || f.State == Pending) && (f.Says == "" || f.Fix == "" || f.Code == "") {
			t.Fatalf("a finding that blocks says %q, fix %q, code %q", f.Says, f.Fix, f.Code)
		}
		if c, ok := Explain(f.Code); f.State != Met && (!ok || c.State == "") {
			t.Fatalf("%s makes no state", f.Code)
		}
		if f.Rule == "" || f.Line < 0 {
			t.Fatalf("%+v", f)
		}
	}
	for _, turned := range v.Turned {
		harmless(t, "why", turned.Why, "")
		if c, ok := Explain(turned.Code); !ok || c.State != "" {
			t.Fatalf("%s is no reason of the reference", turned.Code)
		}
	}
}

var spans = regexp.MustCompile("(?s)```yaml\n.*?\n```|`[^`\n]+`")

func harmless(t *rapid.T, what, s, allowed string) {
	for _, r := range s {
		if (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029') && !strings.ContainsRune(allowed, r) {
			t.Fatalf("%s has a raw %U: %q", what, r, s)
		}
	}
	rest := spans.ReplaceAllString(s, "")
	if what == "title" { // a team of the policy is named as it is
		rest = strings.ReplaceAll(rest, "@acme/a", "")
	}
	if strings.ContainsAny(rest, "`<@") {
		t.Fatalf("%s has markup: %q", what, s)
	}
}
