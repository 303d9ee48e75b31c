package portal

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"changegate/rules"
)

func page() *Page {
	return &Page{
		Repo: "acme/agents", Number: 7, Title: `</p><script>alert(1)</script>`, URL: "https://github.example/acme/agents/pull/7",
		Base: "main", Policy: "main@b1f2e90", Evaluated: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), Record: 12, Log: "cg.example/log/1",
		Verdict: rules.Verdict{
			State: rules.Author, Title: "Author: add a rollback plan", Head: "e55a210", Policy: "b1f2e90:.github/changegate.yml",
			Findings: []rules.Finding{
				{Group: "prompts", Rule: rules.RuleApprovals, State: rules.Met, Says: "1 of 1: `rev1`"},
				{Group: "prompts", Rule: rules.RuleRollbackPlan, State: rules.Unmet, Code: rules.CodeRollback,
					Says: "none is declared in `<img src=x>`", Fix: "add\n```yaml\n  rollback:\n    to: 9f3c2ab\n```", Path: "prompts/a.md", Line: 1},
			},
		},
	}
}

// exceptional is the page of a pull request with one exception, seen at an instant.
func exceptional(closed *rules.Closing, now time.Time) *Page {
	p := page()
	due := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	p.Now, p.Exceptions = now, []rules.Exception{{Number: 17, Kind: rules.KindBreakGlass, By: rules.Person{Login: "lead1"}, As: "@acme/commanders",
		At: due.Add(-24 * time.Hour), Head: "e55a210", Reason: "<b>refunds</b> @octocat\u202e", Incident: "INC-881", Expires: due.Add(-23 * time.Hour), Due: due, Closed: closed}}
	return p
}

func TestPageShowsExceptions(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	by := func(at time.Time) *rules.Closing {
		return &rules.Closing{By: rules.Person{Login: "mgr1"}, At: at, Outcome: "<i>fine</i>"}
	}
	for word, p := range map[string]*Page{
		"OPEN":        exceptional(nil, due.Add(-time.Second)),
		"OVERDUE":     exceptional(nil, due),
		"CLOSED":      exceptional(by(due), due.Add(time.Hour)),
		"CLOSED LATE": exceptional(by(due.Add(time.Second)), due.Add(time.Hour)),
	} {
		w := httptest.NewRecorder()
		Handler(func(context.Context, string, int, string) (*Page, error) { return p, nil }).
			ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/r/acme/agents/pull/7?t=x", nil))
		body := w.Body.String()
		for _, want := range []string{`<span class="word">` + word + "</span>", "EX-17", "INC-881", "&lt;b&gt;refunds&lt;/b&gt; @octocatU&#43;202E", "2026-11-25 08:00:00 UTC"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %q in:\n%s", word, want, body)
			}
		}
		if p.Exceptions[0].Closed != nil && !strings.Contains(body, "&lt;i&gt;fine&lt;/i&gt; <code>mgr1</code>") {
			t.Errorf("%s: no outcome in:\n%s", word, body)
		}
	}
}

// The page says what the change is called, what brings it back and whether that works.
func TestPageShowsTheChange(t *testing.T) {
	t.Parallel()
	plan := &rules.Plan{To: "<b>v1</b>\u202e", Commit: "9f3c2ab", Files: []rules.Restored{
		{Path: "prompts/<i>.md", Back: rules.Entry{Blob: "b10b", Mode: "100644"}}, {Path: "prompts/new.md"}}}
	for name, c := range map[string]struct {
		change Change
		want   []string
	}{
		"verified":    {Change{Plan: plan, State: "verified", Explained: true}, []string{">VERIFIED<", "through the gate", "&lt;b&gt;v1&lt;/b&gt;U&#43;202E", "prompts/&lt;i&gt;.md", "restores <code>b10b</code> (100644)", "deletes it"}},
		"broken":      {Change{Plan: plan, State: "broken", Code: "CG209", Says: "the same `lines`", Tip: "c75df0e"}, []string{">BROKEN<", "the same <code>lines</code> <code>CG209</code>", "at <code>c75df0e</code>", "not explained by a decision"}},
		"not known":   {Change{Plan: plan}, []string{">NOT VERIFIED<"}},
		"no plan":     {Change{}, []string{"none was verified with this change"}},
		"rolled back": {Change{Undoes: "CHG-11", UndoneBy: "CHG-13"}, []string{"<td>CHG-11</td>", "<td>CHG-13</td>"}},
	} {
		p := page()
		c.change.ID = "CHG-12"
		p.Change = &c.change
		w := httptest.NewRecorder()
		Handler(func(context.Context, string, int, string) (*Page, error) { return p, nil }).
			ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/r/acme/agents/pull/7?t=x", nil))
		for _, want := range append(c.want, "<caption>CHG-12</caption>") {
			if body := w.Body.String(); !strings.Contains(body, want) {
				t.Errorf("%s: no %q in:\n%s", name, want, body)
			}
		}
	}
}

func get(t *testing.T, path string, answer error) *http.Response {
	t.Helper()
	h := Handler(func(_ context.Context, repo string, number int, token string) (*Page, error) {
		if answer != nil {
			return nil, answer
		}
		if repo != "acme/agents" || number != 7 || token != "secret" {
			return nil, ErrNotFound
		}
		return page(), nil
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Result()
}

func TestPageShowsWhatIsMissingAndEscapesTheRest(t *testing.T) {
	t.Parallel()
	w := get(t, "/r/acme/agents/pull/7?t=secret", nil)
	body := read(t, w)
	for _, want := range []string{
		"<h1>Author: add a rollback plan</h1>", `<span class="word">ACT</span>`, `<span class="word">PASS</span>`,
		"<pre>  rollback:\n    to: 9f3c2ab</pre>", "Evidence entry 12", "&lt;script&gt;", "&lt;img src=x&gt;",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "<img") {
		t.Errorf("text of the pull request became markup:\n%s", body)
	}
	if got := w.Header.Get("Referrer-Policy"); got != "no-referrer" {
		t.Errorf("Referrer-Policy is %q: the token in the address would leak to the pull request's site", got)
	}
}

func TestPageAsJSONIsTheVerdict(t *testing.T) {
	t.Parallel()
	var got map[string]any
	if err := json.Unmarshal([]byte(read(t, get(t, "/r/acme/agents/pull/7?t=secret&format=json", nil))), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"state", "title", "findings", "next", "policy", "head"} {
		if _, ok := got[key]; !ok {
			t.Errorf("the JSON lacks %q of CONTRACT §6: %v", key, got)
		}
	}
}

func TestNobodyElseReadsThePage(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/r/acme/agents/pull/7":             404,
		"/r/acme/agents/pull/7?t=guess":     404,
		"/r/acme/agents/pull/8?t=secret":    404,
		"/r/acme/agents/pull/-7?t=secret":   404,
		"/r/acme/agents/pull/0x7?t=secret":  404,
		"/r/acme/agents/issues/7?t=secret":  404,
		"/r/acme/../agents/pull/7?t=secret": 307, // net/http cleans the path, then 404
		"/":                                 200,
	} {
		if got := get(t, path, nil).StatusCode; got != want {
			t.Errorf("GET %s is %d, want %d", path, got, want)
		}
	}
	if got := get(t, "/r/acme/agents/pull/7?t=secret", errors.New("disk")).StatusCode; got != 503 {
		t.Errorf("a page that cannot be read is %d, want 503", got)
	}
}

func read(t *testing.T, w *http.Response) string {
	t.Helper()
	var b strings.Builder
	if err := w.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "\r\n\r\n")
	return body
}
