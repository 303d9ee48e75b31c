package rules

import (
	"fmt"
	"strings"
	"testing"
)

func TestReadRequest(t *testing.T) {
	t.Parallel()
	q, problems := ReadRequest([]RequestText{{Path: ".changes/refund.yml", Line: 1, Text: `change:
  why: Refunds above 200 EUR must go to a human      # required
  risk: high
  effective_at: 2026-11-30T09:00+01:00
  rollback:
    to: prompts/refund@9f3c2ab
    how: redeploy support-agent 3.4.0
    owner: "@acme/ops"
    tested: https://example.invalid/1
  ticket: SUP-2214
  requested_by: "@Some-Login"
`}}, nil)
	if problems != nil {
		t.Fatal(problems)
	}
	same(t, fmt.Sprintln(q.Source, q.Why, q.Risk, q.OnMerge, q.EffectiveAt.UTC(), *q.Rollback, q.Ticket, q.RequestedBy),
		"`.changes/refund.yml` Refunds above 200 EUR must go to a human high false 2026-11-30 08:00:00 +0000 UTC "+
			"{prompts/refund@9f3c2ab redeploy support-agent 3.4.0 @acme/ops https://example.invalid/1} SUP-2214 some-login\n")
}

// A value is what was written: YAML's numbers and booleans are not ours.
func TestRollbackToAsWritten(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"9e3", "0123456", "1e5", "1234567", "0x1f", "on", "1.10", "v1.2.3", "revert", "release/2026", "prompts/refund@9f3c2ab", ".github/x@v1", "1_000_000", "2026-01-01", "0o17", "+inf"[1:]} {
		q, problems := ReadRequest([]RequestText{{Line: 1, Text: "change:\n  rollback:\n    to: " + to + "\n"}}, nil)
		if problems != nil || q.Rollback.To != to {
			t.Errorf("%s: %+v %v", to, q, problems)
		}
	}
	for _, to := range []string{"-x", "--upload-pack=x", "a..b", "a b", "'a\nb'", "../x", "HEAD~1", "a:b", "@", "a@", "a@@b", "$(x)", "`x`", "x@../y", "[a]", "{a: b}", strings.Repeat("a", 300)} {
		q, problems := ReadRequest([]RequestText{{Line: 1, Text: "change:\n  rollback:\n    to: " + to + "\n"}}, nil)
		if q != nil || len(problems) != 1 {
			t.Errorf("%s: %+v %v", to, q, problems)
		}
	}
	for _, to := range []string{"revert", "v1", "prompts/refund@9f3c2ab"} {
		if got := RollbackTarget(change(asks("change: {rollback: {to: " + to + "}}")).Requests); got != to {
			t.Errorf("%s is read as %q", to, got)
		}
	}
	if got := RollbackTarget(nil); got != "" {
		t.Errorf("nothing is read as %q", got)
	}
}

// A template's empty lines are as if they were not there.
func TestRequestTemplate(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"change:",
		"change: ~",
		"change: {}",
		"change:\n  why: # one sentence\n  risk: ''\n  effective_at: null\n  rollback:\n  ticket: ~\n  requested_by: \"\"\n",
		"change:\n  rollback:\n    to:\n    how: ''\n",
	} {
		q, problems := ReadRequest([]RequestText{{Line: 1, Text: text}}, nil)
		if problems != nil || *q != (Request{Source: "the description", planLine: q.planLine}) {
			t.Errorf("%q: %+v %v", text, q, problems)
		}
	}
}

func TestRequestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, problem string }{
		{"change: now", "10:9: CG313 change is `now`. Fix: a mapping with `why`, `risk`, `effective_at`, `rollback`, `ticket`, `requested_by`"},
		{"changes: {}", "10:1: CG311 `changes` is not a key of the change request. Fix: `change`"},
		{"{}", "10:1: CG313 the top-level key change is missing. Fix: `change:`"},
		{"change:\n  wy: x", "11:3: CG311 `wy` is not a key of change. Fix: `why`"},
		{"change:\n  why: x\n  why: y", "12:3: CG312 `why` is written twice in change. Fix: keep one"},
		{"change: {}\nchange: {}", "11:1: CG312 `change` is written twice in the change request. Fix: keep one"},
		{"change:\n  why: [x]", "11:8: CG313 why is a list. Fix: a single value"},
		{"change:\n  risk: HIGH", "11:9: CG313 risk is `HIGH`. Fix: one of low, medium, high"},
		{"change:\n  effective_at: 2026-11-30 09:00", "11:17: CG402 effective_at: `2026-11-30 09:00` has no time zone. Fix: `2026-11-30T09:00+01:00` or add a zone such as `Europe/Berlin`"},
		{"change:\n  effective_at: [x]", "11:17: CG313 effective_at is a list. Fix: for example `2026-11-30T09:00+01:00`"},
		{"change:\n  requested_by: a b", "11:17: CG313 requested_by is `a b`. Fix: one GitHub login"},
		{"change:\n  rollback: {owner: 'the team'}", "11:21: CG313 rollback.owner is `the team`. Fix: a login or `@org/team`"},
		{"change: {}\n---\nchange: {}", "10:1: CG310 expected single document, found multiple. Fix: one document, without --- lines"},
	} {
		q, problems := ReadRequest([]RequestText{{Line: 10, Text: tt.text}}, berlin)
		if got := problems.Error(); q != nil || got != tt.problem {
			t.Errorf("%q\n got %s\nwant %s", tt.text, got, tt.problem)
		}
	}
}

func TestTwoRequests(t *testing.T) {
	t.Parallel()
	file := RequestText{Path: ".changes/a.yml", Line: 1, Text: request}
	body := RequestText{Line: 4, Text: request}
	for _, tt := range []struct {
		name   string
		texts  []RequestText
		source string
		says   string
	}{
		{"none", nil, "", ""},
		{"description", []RequestText{body}, "the description", ""},
		{"file", []RequestText{file}, "`.changes/a.yml`", ""},
		{"both the same", []RequestText{body, file}, "`.changes/a.yml`", ""},
		{"both the same, written otherwise", []RequestText{file, {Line: 4, Text: "change: {rollback: {to: 'v1'}, why: 'refunds above 200 EUR go to a human'}"}}, "`.changes/a.yml`", ""},
		{"two blocks the same", []RequestText{body, body}, "the description", ""},
		{"two blocks that differ", []RequestText{body, {Line: 20, Text: request + "  risk: low\n"}}, "", "the description and the description declare different things"},
		{"file and description differ", []RequestText{{Line: 4, Text: "change: {why: other}"}, file}, "", "`.changes/a.yml` and the description declare different things"},
		{"only why differs", []RequestText{body, {Path: ".changes/a.yml", Line: 1, Text: strings.Replace(request, "200", "300", 1)}}, "", "`.changes/a.yml` and the description declare different things"},
		{"two files the same", []RequestText{{Path: ".changes/b.yml", Line: 1, Text: request}, file}, "`.changes/a.yml`", ""},
		{"an unreadable one beside", []RequestText{file, {Line: 4, Text: "change: ["}}, "", "did not find expected node content"},
		{"too many", make([]RequestText, 3000), "", "3000 change requests are too many"},
	} {
		for range 2 { // in either order
			q, problems := ReadRequest(tt.texts, nil)
			switch {
			case tt.says != "":
				if q != nil || len(problems) != 1 || problems[0].Says != tt.says {
					t.Errorf("%s: %+v %v", tt.name, q, problems)
				}
			case problems != nil || (q == nil) != (tt.source == "") || q != nil && q.Source != tt.source:
				t.Errorf("%s: %+v %v", tt.name, q, problems)
			}
			if len(tt.texts) == 2 {
				tt.texts[0], tt.texts[1] = tt.texts[1], tt.texts[0]
			}
		}
	}
}

// CONTRACT §3: why and ticket keep approvals, anything else makes them stale.
func TestDigest(t *testing.T) {
	t.Parallel()
	read := func(text string) string {
		q, problems := ReadRequest([]RequestText{{Line: 1, Text: text}}, nil)
		if problems != nil {
			t.Fatal(problems)
		}
		return q.Digest()
	}
	const base = "change: {why: x, ticket: T-1, effective_at: '2026-11-30T09:00+01:00', rollback: {to: v1}"
	first := read(base + "}")
	for _, text := range []string{
		strings.Replace(base, "why: x", "why: y", 1) + "}",
		strings.Replace(base, "ticket: T-1", "ticket: T-2", 1) + "}",
		strings.Replace(base, "09:00+01:00", "08:00Z", 1) + "}",
		strings.Replace(base, "2026-11-30T09:00+01:00", "2026-11-30 09:00 Europe/Berlin", 1) + ", risk: }",
	} {
		if read(text) != first {
			t.Errorf("%s makes approvals stale", text)
		}
	}
	for _, text := range []string{
		base + ", risk: low}", base + ", requested_by: bob}",
		strings.Replace(base, "v1", "v2", 1) + "}",
		strings.Replace(base, "v1", "v1, how: y", 1) + "}",
		strings.Replace(base, "v1", "v1, owner: bob", 1) + "}",
		strings.Replace(base, "v1", "v1, tested: y", 1) + "}",
		strings.Replace(base, "'2026-11-30T09:00+01:00'", "on-merge", 1) + "}",
		strings.Replace(base, "09:00+01:00", "09:00:00.001+01:00", 1) + "}",
		"change: {}", "change: {rollback: {owner: bob}}", "change: {rollback: {how: bob}}",
	} {
		if read(text) == first || read(text) == (*Request)(nil).Digest() {
			t.Errorf("%s keeps approvals", text)
		}
	}
	if read("change: {rollback: {owner: bob}}") == read("change: {}") {
		t.Error("the owner of a plan without a target may change under an approval")
	}
}

func TestRequestPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		".changes/a.yml": true, ".changes/a.yaml": true, ".changes/a/b.yml": false, ".changes/a.md": false, "x/.changes/a.yml": false, ".changes": false, "": false,
	} {
		if RequestPath(path) != want {
			t.Errorf("%q is %v", path, !want)
		}
	}
}

func TestRequestsIn(t *testing.T) {
	t.Parallel()
	const block = "```yaml\nchange:\n  why: x\n```\n"
	for _, tt := range []struct {
		name, body string
		lines      []int
	}{
		{"none", "Fixes a typo.", nil},
		{"one", "Text.\n\n" + block, []int{4}},
		{"first line", block, []int{2}},
		{"yml, tildes, capitals, info", "~~~ YML title=x\nchange: {}\n~~~\n", []int{2}},
		{"CRLF", strings.ReplaceAll("Text.\n\n"+block, "\n", "\r\n"), []int{4}},
		{"indented by two", "  ```yaml\n  change:\n    why: x\n  ```\n", []int{2}},
		{"quoted key", "```yaml\n\"change\": {}\n```\n", []int{2}},
		{"after other keys", "```yaml\na: 1\nchange: {}\n```\n", []int{2}},
		{"never closed", "```yaml\nchange: {}\n", []int{2}},
		{"two", block + "\n" + block, []int{2, 7}},
		{"no key", "```yaml\nchanges: {}\n```\n", nil},
		{"nested key", "```yaml\nx:\n  change: {}\n```\n", nil},
		{"other language", "```json\nchange: {}\n```\n", nil},
		{"no language", "```\nchange: {}\n```\n", nil},
		{"empty", "```yaml\n```\n", nil},
		{"in a comment", "<!--\n" + block + "-->\n", nil},
		{"after a comment", "<!-- template -->\n" + block, []int{3}},
		{"in a quote", "> ```yaml\n> change: {}\n> ```\n", nil},
		{"after a quote", "> hello\n" + block, []int{3}},
		{"after a quote in a quote", "> > ```\n" + block, []int{3}},
		{"in a list", "- ```yaml\n  change: {}\n  ```\n", nil},
		{"in a list in a list", "- - ```yaml\n    change: {}\n    ```\n", nil},
		{"in an item, after text", "- text\n\n  ```yaml\n  change: {}\n  ```\n", nil},
		{"after a list", "- a\n- b\n  - c\n\n" + block, []int{6}},
		{"after an open fence in a list in a list", "- - ```\n\n" + block, []int{4}},
		{"in a longer fence", "````md\n" + block + "````\n", nil},
		{"in another fence", "~~~\n" + block + "~~~\n", nil},
		{"indented code", "    ```yaml\n    change: {}\n    ```\n", nil},
		{"in details", "<details>\n\n" + block + "\n</details>\n", []int{4}},
		{"in raw HTML", "<pre>\n" + block + "</pre>\n", nil},
		// A lone carriage return ends a line on GitHub, so this is a comment there.
		{"in a comment behind a carriage return", "text\r<!--\n" + block + "-->\n", nil},
	} {
		var got []int
		for _, r := range RequestsIn(tt.body) {
			if !strings.Contains(r.Text, "change") || r.Path != "" {
				t.Errorf("%s: %+v", tt.name, r)
			}
			got = append(got, r.Line)
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.lines) {
			t.Errorf("%s: lines %v, want %v", tt.name, got, tt.lines)
		}
	}
	if got := RequestsIn("  ```yaml\n  change:\n    why: x\n  ```\n")[0].Text; got != "change:\n  why: x\n" {
		t.Errorf("%q", got)
	}
}

// A body longer than GitHub takes is refused whole: cut short, it would hide the
// second request behind padding.
func TestRequestsInLongBody(t *testing.T) {
	t.Parallel()
	const block = "\n```yaml\nchange: {why: x}\n```\n"
	pad := strings.Repeat("😀", 65_000)
	if got := RequestsIn(block + pad + block); len(got) != 2 {
		t.Errorf("%d requests around the longest body", len(got))
	}
	q, problems := ReadRequest(RequestsIn(block+pad+pad), nil)
	if q != nil || len(problems) != 1 || !strings.Contains(problems[0].Says, "bytes long") {
		t.Errorf("%+v %v", q, problems)
	}
}

func TestHostileDescription(t *testing.T) {
	n := maxBody
	for name, body := range map[string]string{
		"quotes":       strings.Repeat(">", n),
		"quoted lines": strings.Repeat(">>>>>>>>>>>>>>>>>>>> a\n", n/23),
		"lists":        strings.Repeat("+ ", n/2-1) + "a",
		"numbers":      strings.Repeat("1. ", n/3-1) + "a",
		"mixed":        strings.Repeat("+ > * 1. ", n/9),
		"deep, blank":  strings.Repeat("+ ", 1000) + "a\n" + strings.Repeat("\n", n/2),
		"deep, fence":  strings.Repeat("+ ", 1000) + "```\n" + strings.Repeat("\n", n/2),
		"brackets":     strings.Repeat("[", n),
		"stars":        strings.Repeat("*a **a ", n/7),
		"references":   strings.Repeat("[a]: b\n", n/7),
		"headings":     strings.Repeat("a\n=\n", n/4),
		"items":        strings.Repeat("* a\n", n/4),
		"requests":     strings.Repeat("```yaml\nchange: {}\n```\n", n/24),
		"comments":     strings.Repeat("<!-- ", n/5),
		"open":         "```yaml\n" + strings.Repeat("change:\n", n/8-1),
	} {
		within(t, name, func() { ReadRequest(RequestsIn(body), nil) })
	}
}
