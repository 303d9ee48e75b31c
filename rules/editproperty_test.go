package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawBody is a description around zero to two change requests, in any dress: other
// line endings, indentation, comments, quotes, braces, what hides an example, and
// what never ends.
func drawBody(t *rapid.T) string {
	around := func() string {
		return strings.Join(some(t, "pieces", 2, func(int) string {
			return pick(t, "piece", "Text.\n", "Text", "\n", "- item\n", "> quote\n", "<!-- hidden\n", "-->\n", "````\n", "# Title\n", "<details>\n", "\tcode\n",
				"```yaml\nchanges:\n  why: no\n```\n", "\n"+drawBlock(t))
		}), "")
	}
	body := around()
	if usually(t, "asked") {
		body += "\n" + drawBlock(t) + around()
	}
	if rapid.Bool().Draw(t, "cut") {
		body = strings.TrimSuffix(body, "\n")
	}
	return strings.ReplaceAll(body, "\n", pick(t, "ending", "\n", "\n", "\r\n", "\r"))
}

func drawBlock(t *rapid.T) string {
	entries := some(t, "entries", 5, func(int) string {
		return pick(t, "entry", "why: x", "why: |\n    ü # y\n\n    z", "why: \"a\n    # b\"", "why:", "why: >-\n    folded", "# note\n  ticket: 1", "ticket: '1' # t", "risk: high", "\n",
			"effective_at: on-merge", "effective_at: 2026-11-30", "effective_at: \"2026-11-30 09:00 Europe/Berlin\" # when", "effective_at:", "effective_at: |\n    on-merge",
			"rollback:\n    to: v1", "rollback:\n   # how\n   how: x\n", "rollback: {to: v1}", "rollback:", "requested_by: dev2", "typo: 1")
	})
	block := "change: " + pick(t, "after", "", "", "# c") + "\n  " + strings.Join(entries, "\n  ") + "\n"
	if pick(t, "shape", "lines", "lines", "lines", "braces") == "braces" {
		block = "change: {why: x, effective_at: on-merge}\n"
	}
	fence := pick(t, "fence", "```", "~~~", "````")
	indent := pick(t, "indent", "", "", " ", "   ")
	lines := strings.SplitAfter(fence+pick(t, "language", "yaml", "yml  ", "YAML")+"\n"+block+fence, "\n")
	return indent + strings.Join(lines, indent) + "\n"
}

func drawKeys(t *rapid.T) []string {
	return some(t, "keys", 4, func(int) string { return form[rapid.IntRange(0, len(form)-1).Draw(t, "key")].key })
}

// declared is what the one change request of a description says, and whether it can
// be read.
func declared(body string) (q *Request, readable bool) {
	q, problems := ReadRequest(RequestsIn(body), nil)
	return q, problems == nil && q != nil
}

// checkSetEffectiveAt fails when an edit does more or less than it says.
func checkSetEffectiveAt(t interface{ Fatalf(string, ...any) }, body, value string) bool {
	out, wrong, fix := SetEffectiveAt(body, value)
	if (wrong == "") != (fix == "") || (wrong == "") == (out == "") {
		t.Fatalf("%q: %q, %q, %q", body, out, wrong, fix)
	}
	if wrong != "" {
		return false
	}
	got, readable := declared(out)
	was, before := declared(body)
	if !readable {
		t.Fatalf("%q is not readable any more: %q", body, out)
	}
	at, _, _ := ParseTime(value, nil)
	if got.OnMerge != strings.EqualFold(value, OnMerge) || !got.EffectiveAt.Equal(at) {
		t.Fatalf("%q: %q has %v", value, out, got.EffectiveAt)
	}
	if before {
		got.OnMerge, got.EffectiveAt = was.OnMerge, was.EffectiveAt
		if !got.says(was) {
			t.Fatalf("%q says something else: %q", body, out)
		}
	}
	if len(RequestsIn(out)) != 1 {
		t.Fatalf("%q: %q", body, out)
	}
	oneLine(t, body, out)
	if again, _, _ := SetEffectiveAt(out, value); again != out {
		t.Fatalf("once more %q is %q", out, again)
	}
	return true
}

// oneLine fails when more than a part of one line is new.
func oneLine(t interface{ Fatalf(string, ...any) }, body, out string) {
	from := 0
	for from < len(body) && from < len(out) && body[from] == out[from] {
		from++
	}
	to := 0
	for to < len(body)-from && to < len(out)-from && body[len(body)-1-to] == out[len(out)-1-to] {
		to++
	}
	if strings.ContainsAny(body[from:len(body)-to], "\r\n") {
		t.Fatalf("%q loses a line: %q", body, out)
	}
	if n := len(linesOf(out)) - len(linesOf(body)); n < 0 || n > 1 {
		t.Fatalf("%q has %d lines more: %q", body, n, out)
	}
}

func TestSetEffectiveAtProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := pick(t, "value", OnMerge, "On-Merge", monday, "2026-11-30T09:00+01:00", "2026-11-30", "x: y")
		checkSetEffectiveAt(t, drawBody(t), value)
	})
}

// checkComplete fails when lines to fill in do more than stand there.
func checkComplete(t interface{ Fatalf(string, ...any) }, body string, keys []string) bool {
	out, wrong, fix := Complete(body, keys)
	if (wrong == "") != (fix == "") || wrong != "" && out != "" {
		t.Fatalf("%q: %q, %q, %q", body, out, wrong, fix)
	}
	if wrong != "" {
		return false
	}
	if !without(t, body, out) {
		t.Fatalf("%q loses something: %q", body, out)
	}
	if again, wrong, _ := Complete(out, keys); again != out || wrong != "" {
		t.Fatalf("once more %q is %q (%s)", out, again, wrong)
	}
	was, before := declared(body)
	got, after := declared(out)
	switch {
	case len(keys) > 0 && !after:
		t.Fatalf("%q is not readable: %q", body, out)
	case before && !got.says(was):
		t.Fatalf("%q says something else: %q", body, out)
	case !before && after && !got.says(&Request{}):
		t.Fatalf("%q says something: %q", body, out)
	}
	return true
}

// without reports whether dropping the added lines from out gives body. Of a text
// whose last line does not end, its ending is added too.
func without(t interface{ Fatalf(string, ...any) }, body, out string) bool {
	rest := linesOf(body)
	for _, line := range linesOf(out) {
		switch {
		case len(rest) > 0 && (line == rest[0] || len(rest) == 1 && bare(line) == rest[0]):
			rest = rest[1:]
		case !slices.ContainsFunc(form, func(f struct{ key, hint string }) bool { return strings.HasSuffix(bare(line), ": # "+f.hint) }) &&
			!slices.Contains([]string{"```yaml", "change:", "rollback:", "```", ""}, strings.Trim(line, " \t\r\n")):
			t.Fatalf("%q is added to %q", line, body)
		}
	}
	return len(rest) == 0
}

func TestCompleteProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		checkComplete(t, drawBody(t), drawKeys(t))
	})
}

// The properties are worth something only if most draws are edited, and if every
// way to refuse is met.
func TestDrawsAreEdited(t *testing.T) {
	t.Parallel()
	draw := rapid.Custom(func(t *rapid.T) [2]string {
		return [2]string{drawBody(t), form[rapid.IntRange(0, 8).Draw(t, "key")].key}
	})
	edited, completed, whys := 0, 0, map[string]int{}
	for seed := range 500 {
		d := draw.Example(seed)
		if checkSetEffectiveAt(t, d[0], monday) {
			edited++
		}
		if checkComplete(t, d[0], []string{d[1]}) {
			completed++
		}
		_, wrong, _ := SetEffectiveAt(d[0], monday)
		whys[strings.Trim(wrong, "0123456789")]++
	}
	if edited < 50 || completed < 150 || whys["`effective_at` cannot be written without changing more of the description"] < 2 {
		t.Errorf("of 500 descriptions %d got a date and %d what lacked: %v", edited, completed, whys)
	}
}

// What Complete adds is for the author to fill in: as long as nobody does, the
// verdict asks for what it asked for before.
func TestCompleteSatisfiesNothing(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    effective_at: required\n    rollback: required\n")
	var all []string
	for _, f := range form {
		all = append(all, f.key)
	}
	for body, keys := range map[string][]string{
		"": all, "Text": {"why"}, "```yaml\nchange:\n```\n": all, "```yaml\nchange:\n  why:\n```\n": all, "```yaml\nchange:\n  rollback:\n    owner: dev1\n```\n": {"why", "effective_at", "rollback.to"},
	} {
		out, wrong, _ := Complete(body, keys)
		if wrong != "" {
			t.Fatal(wrong)
		}
		before, after := askedOf(p, body), askedOf(p, out)
		if after.State != Author || ruled(after, RuleChangeRequest).Code != CodeWhy {
			t.Errorf("%q: %s\n%s", out, after.Title, sayings(after))
		}
		for _, rule := range []string{RuleRollbackPlan, RuleEffectiveDate} {
			if d := cmp.Diff(ruled(before, rule), ruled(after, rule)); d != "" {
				t.Errorf("%q: %s", out, d)
			}
		}
	}
	// Filled in before the hint, or instead of it, every line is read.
	out, _, _ := Complete("", all)
	for key, value := range map[string]string{"why": "x", "risk": "high", "effective_at": monday, "to": "v1", "how": "y", "owner": "\"@acme/a\"", "tested": "https://a", "ticket": "T-1", "requested_by": "dev2"} {
		out = strings.Replace(out, " "+key+": #", " "+key+": "+value+" #", 1)
	}
	got, readable := declared(out)
	want := Request{Why: "x", Risk: "high", EffectiveAt: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC), Ticket: "T-1", RequestedBy: "dev2",
		Rollback: &Rollback{"v1", "y", "@acme/a", "https://a"}}
	if !readable || !got.says(&want) {
		_, problems := ReadRequest(RequestsIn(out), nil)
		t.Errorf("%q: %v %+v", out, problems, got)
	}
}

// askedOf judges an approved change whose description is body.
func askedOf(p *Policy, body string) Verdict {
	return p.Decide(change(func(c *Change) { c.Requests = RequestsIn(body) }, reviewed(review(rev1))), noon)
}
