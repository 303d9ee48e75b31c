package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// seeds are the examples of the README and the refusals of the other tests.
func seeds(f *testing.F) {
	files, _ := filepath.Glob("../testdata/policies/*.yml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add([]byte("Text.\n\n```yaml\n" + string(data) + "```\n"))
	}
	for _, s := range []string{contract, prompts, hostilePolicy, request, "change: [", "a: &a [*a]", "\xff", "\x00", "\ufeffversion: 1\n", "? [x]\n: 1\n", "<<: {}\n",
		"a: |\n  b\n", "%YAML 1.1\n---\n", "--- !!map\n", "\"\\ud83d\"", "{a: {b: {c: [[[]]]}}}", "- + * 1. > ```yaml\nchange:\n", "<!--\n```yaml\nchange: {}\n```\n-->"} {
		f.Add([]byte(s))
	}
}

// placed checks that every problem has a code of the reference, a place in the
// text, something to say and something to write.
func placed(t *testing.T, problems Problems, lines int) {
	t.Helper()
	for _, p := range problems {
		if _, ok := Explain(p.Code); !ok || p.Says == "" || p.Fix == "" || p.Line < 0 || p.Column < 0 || p.Line > lines+1 {
			t.Errorf("of %d lines: %+v", lines, p)
		}
		if strings.ContainsAny(p.Says, "\n\x00\u202e") || len(problems) > enough+1 {
			t.Errorf("%d problems, %q", len(problems), p.Says)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		p, problems := ParsePolicy(data)
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		if (p == nil) == (problems == nil) {
			t.Fatal("policy and problems, or neither")
		}
		placed(t, problems, 1+strings.Count(string(data), "\n"))
		if p == nil {
			return
		}
		if len(p.Groups) == 0 || len(p.GroupsOf(File{Path: PolicyPath})) == 0 {
			t.Error("nothing is governed, or not the policy itself")
		}
		for i := range p.Groups {
			c := change(touching(File{Path: strings.Trim(p.Groups[i].Paths[0], "*!"), New: "1"}))
			if v := p.Decide(c, noon); !v.State.Blocks() && v.State != Shadow && v.State != Nothing {
				t.Errorf("nobody approved: %s", v.Title)
			}
		}
	})
}

func FuzzReadRequest(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := 1 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r")
		found := RequestsIn(string(data))
		for _, r := range append([]RequestText{{Path: ".changes/x.yml", Line: 1, Text: string(data)}}, found...) {
			if r.Line < 1 || r.Line > lines {
				t.Errorf("line %d of %d", r.Line, lines)
			}
			q, problems := ReadRequest([]RequestText{r}, berlin)
			if (q == nil) == (problems == nil) {
				t.Fatal("request and problems, or neither")
			}
			placed(t, problems, lines)
			if q != nil && (len(q.Digest()) != 64 || !q.EffectiveAt.IsZero() && q.OnMerge) {
				t.Errorf("%+v", q)
			}
		}
		v := parse(t, prompts).Decide(change(func(c *Change) { c.Requests = found }, reviewed(review(rev1))), noon)
		if len(found) == 0 && v.State != Author {
			t.Errorf("nothing is declared: %s", v.Title)
		}
	})
}

func FuzzSetEffectiveAt(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		checkSetEffectiveAt(t, string(body), monday)
		checkSetEffectiveAt(t, string(body), OnMerge)
	})
}

func FuzzComplete(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, keys := range [][]string{nil, {"why"}, {"why", "effective_at", "rollback.to"}, {"rollback.how", "ticket"}} {
			checkComplete(t, string(body), keys)
		}
	})
}
