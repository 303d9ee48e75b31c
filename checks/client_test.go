package checks

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestInstallationsShareNothing: tokens of different installations are fetched at
// the same time. What they share would be written by both; run with -race.
func TestInstallationsShareNothing(t *testing.T) {
	t.Parallel()
	w := &wire{do: func(int, *http.Request, string) (int, string) { return 200, `{}` }}
	c := dialled(t, "https://ghes.example", w)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			p := here
			p.Installation = int64(i + 1)
			if _, err := c.get(t.Context(), p, "repos/x", &struct{}{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := c.Calls(); n != 8 {
		t.Errorf("%d calls counted, want 8", n)
	}
}

// TestTokenStaysAtHome: every request of a client gets its token, so a redirect to
// another host would carry the token there.
func TestTokenStaysAtHome(t *testing.T) {
	t.Parallel()
	for to, followed := range map[string]bool{
		"https://api.github.com/repositories/7": true, // how GitHub answers for a renamed repository
		"https://evil.example/repositories/7":   false,
		"http://api.github.com/repositories/7":  false,
	} {
		w := &redirecting{to: to}
		c, err := New(Config{URL: "https://github.com", AppID: 1, Key: testKey(), Transport: w, Cache: forgetful{}, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.get(t.Context(), here, "repos/acme/old", &struct{}{})
		if reached := w.reached; reached != followed || (err == nil) != followed {
			t.Errorf("redirect to %s: followed %v, %v", to, reached, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret-token") {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

// redirecting answers everything but the token request with a redirect.
type redirecting struct {
	to      string
	reached bool
}

func (r *redirecting) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.URL.Path, "/access_tokens") {
		return answerOf(q, 201, `{"token":"secret-token","expires_at":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`), nil
	}
	if q.URL.String() == r.to {
		r.reached = true
		return answerOf(q, 200, `{}`), nil
	}
	a := answerOf(q, http.StatusMovedPermanently, "")
	a.Header.Set("Location", r.to)
	return a, nil
}

// TestErrorsAreClassed: what is gone is told from what may work the next time.
func TestErrorsAreClassed(t *testing.T) {
	t.Parallel()
	for status, gone := range map[int]bool{404: true, 410: true, 401: true, 403: false, 429: false, 500: false, 502: false, 503: false, 0: false} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return status, `{"message":"no"}` }}
		_, err := dialled(t, "https://github.com", w).get(t.Context(), here, "repos/x", &struct{}{})
		if err == nil || errors.Is(err, ErrGone) != gone {
			t.Errorf("status %d: %v, want gone %v", status, err, gone)
		}
	}
}

// TestRetriesHaveTheirBody: the rate limiter sends the same request again, whose body
// was read already.
func TestRetriesHaveTheirBody(t *testing.T) {
	t.Parallel()
	var bodies []string
	w := &limiting{bodies: &bodies}
	c, err := New(Config{URL: "https://github.com", AppID: 1, Key: testKey(), Transport: w, Cache: forgetful{}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Ok bool }
	if _, err := c.graph(t.Context(), here, "query{x}", nil, &out); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 || bodies[0] == "" || bodies[0] != bodies[1] || !out.Ok {
		t.Errorf("bodies %q", bodies)
	}
}

// limiting answers the first request with a secondary rate limit.
type limiting struct{ bodies *[]string }

func (l *limiting) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.URL.Path, "/access_tokens") {
		return answerOf(q, 201, `{"token":"t","expires_at":"`+time.Now().Add(time.Hour).Format(time.RFC3339)+`"}`), nil
	}
	body := make([]byte, q.ContentLength)
	n, _ := q.Body.Read(body)
	*l.bodies = append(*l.bodies, string(body[:n]))
	if len(*l.bodies) > 1 {
		return answerOf(q, 200, `{"data":{"ok":true}}`), nil
	}
	a := answerOf(q, http.StatusForbidden, `{"message":"You have exceeded a secondary rate limit.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`)
	a.Header.Set("Retry-After", "1")
	return a, nil
}
