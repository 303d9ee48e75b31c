package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// TestWritesOfComments: each is one request, to the address and with the body that
// GitHub documents; Describe reads first.
func TestWritesOfComments(t *testing.T) {
	t.Parallel()
	for want, do := range map[string]func(context.Context, *Client) error{
		`POST /repos/acme/agents/issues/comments/5/reactions {"content":"eyes"}`: func(ctx context.Context, c *Client) error { return c.React(ctx, here, 5, "eyes") },
		`POST /repos/acme/agents/issues/4/comments {"body":"hello"}`: func(ctx context.Context, c *Client) error {
			id, err := c.Say(ctx, here, 4, "hello")
			if err == nil && id != 3456789012 {
				return fmt.Errorf("comment %d", id)
			}
			return err
		},
		`PATCH /repos/acme/agents/issues/comments/5 {"body":"other"}`: func(ctx context.Context, c *Client) error { return c.Reword(ctx, here, 5, "other") },
		`GET /repos/acme/agents/pulls/4 , PATCH /repos/acme/agents/pulls/4 {"body":"new"}`: func(ctx context.Context, c *Client) error {
			return c.Describe(ctx, here, 4, "was", "new")
		},
		`POST /repos/acme/agents/pulls/4/requested_reviewers {"reviewers":["rev1"],"team_reviewers":["owners"]}`: func(ctx context.Context, c *Client) error {
			return c.AskReview(ctx, here, 4, []string{"rev1"}, []string{"@acme/owners"})
		},
		``: func(ctx context.Context, c *Client) error { return c.AskReview(ctx, here, 4, nil, nil) },
	} {
		w := &wire{do: func(int, *http.Request, string) (int, string) {
			return 200, `{"id":3456789012,"number":4,"body":"was"}`
		}}
		if err := do(t.Context(), dialled(t, "https://github.com", w)); err != nil {
			t.Errorf("want %s: %v", want, err)
		}
		got := strings.ReplaceAll(strings.Join(trimmed(w.calls), ", "), "https://api.github.com", "")
		if got != want {
			t.Errorf("asked %s\n  want %s", got, want)
		}
	}
}

func trimmed(calls []string) (all []string) {
	for _, c := range calls {
		all = append(all, strings.TrimRight(c, "\n"))
	}
	return all
}

// TestWritesAreClassed: what GitHub refuses for good is told from what is gone and from
// what may work the next time.
func TestWritesAreClassed(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{403: ErrRefused, 422: ErrRefused, 404: ErrGone, 410: ErrGone, 401: ErrGone, 429: nil, 500: nil, 502: nil, 0: nil} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return status, `{"message":"no"}` }}
		c := dialled(t, "https://github.com", w)
		_, said := c.Say(t.Context(), here, 4, "hello")
		for name, err := range map[string]error{
			"React": c.React(t.Context(), here, 5, "+1"), "Say": said, "Reword": c.Reword(t.Context(), here, 5, "x"),
			"Describe": c.Describe(t.Context(), here, 4, "", "x"), "AskReview": c.AskReview(t.Context(), here, 4, []string{"rev1"}, nil),
		} {
			if err == nil || errors.Is(err, ErrRefused) != (want == ErrRefused) || errors.Is(err, ErrGone) != (want == ErrGone) || errors.Is(err, ErrChanged) {
				t.Errorf("%s, status %d: %v, want %v", name, status, err, want)
			}
		}
	}
}

// TestRateLimitIsNoRefusal: GitHub answers 403 for both.
func TestRateLimitIsNoRefusal(t *testing.T) {
	t.Parallel()
	c, err := New(Config{URL: "https://github.com", AppID: 1, Key: testKey(), Transport: spent{}, Cache: forgetful{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.React(t.Context(), here, 5, "+1"); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("out of quota: %v", err)
	}
}

// spent is a GitHub whose quota is used up.
type spent struct{}

func (spent) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.URL.Path, "/access_tokens") {
		return answerOf(q, 201, `{"token":"t","expires_at":"2100-01-01T00:00:00Z"}`), nil
	}
	a := answerOf(q, http.StatusForbidden, `{"message":"API rate limit exceeded"}`)
	a.Header.Set("X-RateLimit-Remaining", "0")
	a.Header.Set("X-RateLimit-Reset", "4102444800")
	return a, nil
}

// TestLongBodies: a comment is cut at what GitHub takes, counted in characters; a
// description, which is somebody else's text, never is.
func TestLongBodies(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		strings.Repeat("x", 70000): longestBody, strings.Repeat("ü", 70000): longestBody,
		strings.Repeat("😀", longestBody): longestBody, strings.Repeat("ü", 40000): 40000,
	} {
		var sent struct{ Body string }
		w := &wire{do: func(_ int, _ *http.Request, body string) (int, string) {
			if err := json.Unmarshal([]byte(body), &sent); body != "" && err != nil {
				return 400, `{}`
			}
			return 201, `{"id":1,"body":""}`
		}}
		c := dialled(t, "https://github.com", w)
		if _, err := c.Say(t.Context(), here, 4, body); err != nil || utf8.RuneCountInString(sent.Body) != want || !strings.HasPrefix(body, sent.Body) {
			t.Errorf("%d characters are sent, %v; want %d", utf8.RuneCountInString(sent.Body), err, want)
		}
		if err := c.Reword(t.Context(), here, 4, body); err != nil || utf8.RuneCountInString(sent.Body) != want {
			t.Errorf("%d characters are sent, %v; want %d", utf8.RuneCountInString(sent.Body), err, want)
		}
		n := len(w.calls)
		if err := c.Describe(t.Context(), here, 4, "", body); errors.Is(err, ErrRefused) != (utf8.RuneCountInString(body) > longestBody) || err != nil && len(w.calls) != n {
			t.Errorf("description of %d characters: %v after %d calls", utf8.RuneCountInString(body), err, len(w.calls)-n)
		}
	}
}

// TestDescribeOverwritesNothing: a description that somebody edited meanwhile stays.
func TestDescribeOverwritesNothing(t *testing.T) {
	t.Parallel()
	for answer, changed := range map[string]bool{`"was"`: false, `"was "`: true, `""`: true, `null`: true} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return 200, `{"number":4,"body":` + answer + `}` }}
		err := dialled(t, "https://github.com", w).Describe(t.Context(), here, 4, "was", "new")
		if errors.Is(err, ErrChanged) != changed || (len(w.calls) == 1) != changed {
			t.Errorf("the description is %s: %v after %d calls", answer, err, len(w.calls))
		}
	}
}

// TestSayWantsAnID: a comment without an id would never be found again.
func TestSayWantsAnID(t *testing.T) {
	t.Parallel()
	w := &wire{do: func(int, *http.Request, string) (int, string) { return 201, `{}` }}
	if _, err := dialled(t, "https://github.com", w).Say(t.Context(), here, 4, "hello"); err == nil {
		t.Error("an answer without an id is taken")
	}
}

// TestSelfIsAskedOnce: by this name the App knows its own comments.
func TestSelfIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := &wire{do: func(n int, q *http.Request, _ string) (int, string) {
		switch {
		case q.URL.Path != "/app":
			return 404, `{}`
		case n == 1:
			return 200, `{"slug":""}`
		}
		return 200, `{"slug":"changegate"}`
	}}
	c := dialled(t, "https://github.com", w)
	if _, err := c.Self(t.Context()); err == nil {
		t.Error("an App without a name is taken")
	}
	for range 3 {
		if login, err := c.Self(t.Context()); err != nil || login != "changegate[bot]" {
			t.Errorf("we are %q, %v", login, err)
		}
	}
	if len(w.calls) != 2 {
		t.Errorf("asked %q", w.calls)
	}
}

// TestOurs: nobody else's comment is taken for ours.
func TestOurs(t *testing.T) {
	t.Parallel()
	for p, want := range map[rules.Person]bool{
		{ID: 1, Login: "changegate[bot]", Bot: true}: true, {ID: 1, Login: "ChangeGate[bot]", Bot: true}: true,
		{ID: 2, Login: "changegate"}: false, {ID: 2, Login: "changegate[bot]"}: false, {ID: 3, Login: "other[bot]", Bot: true}: false, {}: false,
	} {
		if ours(p, "changegate[bot]") != want {
			t.Errorf("%+v is ours: %v", p, !want)
		}
	}
}

// TestWritesAsGitHubTakesThem: what is written is there, known as ours by the next
// reading, and no request or answer is other than GitHub's descriptions have it.
func TestWritesAsGitHubTakesThem(t *testing.T) {
	t.Parallel()
	contract := githubtest.NewContract()
	s := tell(t, "write", githubtest.Options{Contract: contract})
	c, p := s.client(t, http.DefaultTransport), s.open()
	at, ctx := s.wake(p).Place, t.Context()
	asked := p.Comment("lead1", "/change hold")
	id, err := c.Say(ctx, at, p.Number, "was")
	for _, err := range []error{
		err, c.Reword(ctx, at, id, "is"), c.React(ctx, at, asked, "eyes"), c.React(ctx, at, asked, "eyes"), c.React(ctx, at, asked, "+1"),
		c.Describe(ctx, at, p.Number, "", "new"), c.AskReview(ctx, at, p.Number, []string{"lead1"}, []string{"@acme/leads"}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	g, _ := s.read(t, c, p, Known{})
	if len(g.Own) != 1 || g.Own[0].ID != id || g.Own[0].Body != "is" || len(g.Comments) != 1 || g.Comments[0].ID != asked || g.Body != "new" {
		t.Errorf("own %+v, others %+v, description %q", g.Own, g.Comments, g.Body)
	}
	if diff := cmp.Diff([]string{"lead1", "acme/leads"}, p.Requested()); diff != "" {
		t.Errorf("asked for a review (-want +got):\n%s", diff)
	}
	p.DeleteComment("lead1", id)
	for want, err := range map[error]error{
		ErrGone: c.Reword(ctx, at, id, "x"), ErrChanged: c.Describe(ctx, at, p.Number, "", "x"), ErrRefused: c.AskReview(ctx, at, p.Number, []string{"dev1"}, nil),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if v := contract.Violations(); len(v) > 0 {
		t.Errorf("violations %q", v)
	}
}

// What GitHub puts off is not refused for good: an answer to a command would be lost.
func TestPutOffIsNotRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		header  http.Header
		message string
		refused bool
	}{
		"no permission":         {403, nil, "Resource not accessible by integration", true},
		"locked":                {403, nil, "Unable to create comment because issue is locked.", true},
		"invalid":               {422, nil, "Validation Failed", true},
		"come back later":       {403, http.Header{"Retry-After": {"60"}}, "You have exceeded a secondary rate limit", false},
		"come back, no header":  {403, nil, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.", false},
		"created too quickly":   {422, nil, "Validation Failed: was submitted too quickly", false},
		"nothing is left today": {403, http.Header{"X-Ratelimit-Remaining": {"0"}}, "API rate limit exceeded", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := http.NewRequest(http.MethodPost, "https://api.github.com/repos/acme/agents/issues/1/comments", nil)
			if err != nil {
				t.Fatal(err)
			}
			err = writeClassed(&github.ErrorResponse{Message: c.message, Response: &http.Response{StatusCode: c.status, Header: c.header, Request: q}})
			if errors.Is(err, ErrRefused) != c.refused {
				t.Errorf("%v, refused for good: %v", err, !c.refused)
			}
		})
	}
}
