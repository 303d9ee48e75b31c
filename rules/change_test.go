package rules

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	headCommit = "e55a2101111111111111111111111111111111aa"
	oldCommit  = "7c1d0fe2222222222222222222222222222222bb"
	mergeBase  = "9f3c2ab3333333333333333333333333333333cc"
)

// The instant at which the tests judge: a Tuesday.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

var (
	dev1  = Person{ID: 1, Login: "dev1"}
	dev2  = Person{ID: 2, Login: "dev2"}
	rev1  = Person{ID: 11, Login: "rev1"}
	rev2  = Person{ID: 12, Login: "rev2"}
	rev3  = Person{ID: 13, Login: "rev3"}
	agent = Person{ID: 90, Login: "agent[bot]", Bot: true}
)

const prompts = `
version: 1
mode: enforce
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
`

func parse(t testing.TB, text string) *Policy {
	t.Helper()
	p, problems := ParsePolicy([]byte(text))
	if problems != nil {
		t.Fatalf("policy does not load:\n%v", problems)
	}
	return p
}

const request = "change:\n  why: refunds above 200 EUR go to a human\n  rollback:\n    to: v1\n"

// A change is ready by the policy prompts once somebody with write approves it.
func change(opts ...func(*Change)) *Change {
	c := &Change{
		Edition: Edition, Ref: Ref{RepoID: 7, Repo: "acme/agents", Number: 482},
		State: "open", DefaultBranch: "main", MergeBase: mergeBase,
		Base: Point{"main", mergeBase}, Head: Point{"fix", headCommit},
		Author:       dev1,
		Commits:      []Commit{{ID: headCommit, Author: dev1, Committer: dev1}},
		Files:        []File{{Path: "prompts/refund.md", Status: "modified", Old: "a1", New: "b1"}},
		RequestSince: noon.Add(-48 * time.Hour),
		Target:       &Target{To: "v1", Commit: mergeBase, InBase: true, Form: "tag"},
		Requests:     []RequestText{{Line: 4, Text: request}},
	}
	for _, opt := range opts {
		opt(c)
	}
	if c.Target != nil && c.Target.Files == nil {
		restorable(c)
	}
	return c
}

// restorable lets the target of a change restore every file.
func restorable(c *Change) {
	c.Target.Files = []Restored{}
	for _, f := range c.Files {
		for _, path := range []string{f.Path, f.OldPath} {
			if path != "" {
				c.Target.Files = append(c.Target.Files, Restored{Path: path, Landed: entry644(f.New), Back: entry644("back"), Text: loads(path)})
			}
		}
	}
}

func asks(text string) func(*Change) {
	return func(c *Change) { c.Requests = []RequestText{{Line: 4, Text: text}} }
}

func touching(files ...File) func(*Change) { return func(c *Change) { c.Files = files } }

// reviewed adds reviews in the order given, an hour after each other. They cover
// the head and the change request as it is when reviewed is applied.
func reviewed(reviews ...Review) func(*Change) {
	return func(c *Change) {
		q, _ := ReadRequest(c.Requests, nil)
		for _, w := range reviews {
			w.ID = int64(100 + len(c.Reviews))
			if w.At.IsZero() {
				w.At = noon.Add(time.Duration(len(c.Reviews)-24) * time.Hour)
			}
			if w.Request == "" {
				w.Request = q.Digest()
			}
			c.Reviews = append(c.Reviews, w)
		}
	}
}

func review(by Person, opts ...func(*Review)) Review {
	w := Review{By: by, State: approved, Commit: headCommit, Permission: "write"}
	for _, opt := range opts {
		opt(&w)
	}
	return w
}

func state(s string) func(*Review)    { return func(w *Review) { w.State = s } }
func of(commit string) func(*Review)  { return func(w *Review) { w.Commit = commit } }
func role(p string) func(*Review)     { return func(w *Review) { w.Permission = p } }
func team(ts ...string) func(*Review) { return func(w *Review) { w.Teams = ts } }
func on(t time.Time) func(*Review)    { return func(w *Review) { w.At = t } }
func digest(d string) func(*Review)   { return func(w *Review) { w.Request = d } }
func commits(ks ...Commit) func(*Change) {
	return func(c *Change) { c.Commits = ks }
}

// codesOf are the codes of the findings that are not met.
func codesOf(v Verdict) []string {
	var out []string
	for _, f := range v.Findings {
		if f.State != Met {
			out = append(out, f.Code)
		}
	}
	return out
}

// turnedOf are the reviews that do not count, as "login code".
func turnedOf(v Verdict) []string {
	var out []string
	for _, t := range v.Turned {
		out = append(out, t.By.Login+" "+t.Code)
	}
	return out
}

func finding(v Verdict, code string) Finding {
	for _, f := range v.Findings {
		if f.Code == code {
			return f
		}
	}
	return Finding{}
}

// want checks state and title; a title that ends in … is a beginning.
func want(t *testing.T, v Verdict, s State, title string) {
	t.Helper()
	begin, open := strings.CutSuffix(title, "…")
	if v.State != s || v.Title != title && !(open && strings.HasPrefix(v.Title, begin)) {
		t.Errorf("got %s %q, want %s %q\n%s", v.State, v.Title, s, title, sayings(v))
	}
}

func sayings(v Verdict) string {
	var b strings.Builder
	for _, f := range v.Findings {
		fmt.Fprintf(&b, "%s %s %s %s: %s\n", f.Group, f.Rule, f.State, f.Code, f.Says)
	}
	return b.String()
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    effective_at: required\n")
	c := change(asks(request+"  effective_at: 2026-12-01T10:00+01:00\n"), reviewed(review(rev1)))
	v := p.Decide(c, noon)
	want(t, v, Scheduled, "Scheduled - effective Tue 1 Dec 2026 09:00 UTC")

	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		State, Title, Head, Policy string
		Next                       *string
		Findings                   []map[string]any
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got.State != "scheduled" || got.Next == nil || *got.Next != "2026-12-01T09:00:00Z" || got.Head != headCommit {
		t.Errorf("%s", data)
	}
	for _, f := range got.Findings {
		if until, has := f["until"]; !has || (until == nil) == (f["code"] == CodeScheduled) {
			t.Errorf("until of %v is %v", f["code"], until)
		}
	}

	data, _ = json.Marshal(Verdict{State: Nothing})
	if !strings.Contains(string(data), `"findings":[]`) || !strings.Contains(string(data), `"next":null`) {
		t.Errorf("an empty verdict is %s", data)
	}
}

// loads is what a parser takes of a file, where one reads it.
func loads(path string) []byte {
	if path == PolicyPath {
		return []byte(prompts)
	}
	return nil
}
