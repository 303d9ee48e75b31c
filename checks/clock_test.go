package checks

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pgregory.net/rapid"

	"changegate/checks/githubtest"
)

// TestClock: whatever the machine's clock is set to, after the next answer of GitHub the
// clock is ahead of GitHub's by no more than the second that GitHub leaves out and the way
// there, and behind it by no more than that and what the answer took. One that is right is
// left alone.
func TestClock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		github := time.Unix(1_800_000_000, 0)
		var ahead time.Duration // the machine's
		right := true           // until now
		c := &clock{machine: func() time.Time { return github.Add(ahead) }}
		span := func(most time.Duration, what string) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, what))
		}
		for range rapid.IntRange(1, 8).Draw(t, "answers") {
			github = github.Add(span(time.Hour, "pause"))
			if rapid.Bool().Draw(t, "set") {
				ahead = time.Duration(rapid.Int64Range(int64(-48*time.Hour), int64(48*time.Hour)).Draw(t, "ahead"))
			} else if rapid.Bool().Draw(t, "nearly right") {
				ahead = span(8*time.Second, "ahead") - 4*time.Second
			}
			right = right && ahead == 0
			going, coming := span(20*time.Second, "going"), span(20*time.Second, "coming")
			github = github.Add(going)
			date := github.Truncate(time.Second)
			github = github.Add(coming)
			c.learn(date, going+coming)
			if off := c.now().Sub(github); off > time.Second+going || off < -time.Second-coming-going {
				t.Fatalf("machine %s ahead, %s going, %s coming: the clock is off by %s", ahead, going, coming, off)
			}
			if right && c.apart() != 0 {
				t.Fatalf("machine right: corrected by %s", c.apart())
			}
		}
	})
}

// TestCallsWithAWrongClock: neither a signature nor a token is of use when the machine
// does not know the time. GitHub's refusal tells it, and the next try goes through.
func TestCallsWithAWrongClock(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-48 * time.Hour, -time.Hour, 0, time.Hour, 48 * time.Hour} {
		// What is signed is signed by this machine's clock, which a test cannot set.
		s := tell(t, "maintain", githubtest.Options{Keys: func() time.Time { return time.Now().Add(-ahead) }})
		c := s.client(t, http.DefaultTransport)
		c.clock.machine = func() time.Time { return s.now().Add(ahead) }
		for _, token := range []string{"none", "revoked"} {
			if _, err := c.OpenPulls(t.Context(), s.place()); err != nil {
				if _, again := c.OpenPulls(t.Context(), s.place()); again != nil || errors.Is(err, ErrGone) && token == "none" {
					t.Errorf("%s ahead, token %s: %v, then %v", ahead, token, err, again)
				}
			}
			s.gh.RevokeTokens()
		}
		if off := c.Skew() + ahead; off.Abs() > time.Second {
			t.Errorf("%s ahead: taken for %s", ahead, -c.Skew())
		}
	}
}

// TestAskTime: a refusal by GitHub tells the time, an answer that is not GitHub's does
// not, and where no answer says it nothing is asked again.
func TestAskTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status    int
		id        string
		learned   bool
		askedWell bool
	}{
		"GitHub":                       {200, "0A1B", true, true},
		"GitHub refuses":               {401, "0A1B", true, true},
		"a proxy has no way to GitHub": {502, "", false, false},
		"a proxy takes it out":         {200, "", false, true},
	} {
		s := tell(t, "maintain", githubtest.Options{})
		k := s.client(t, answering(func(q *http.Request) *http.Response {
			w := httptest.NewRecorder()
			w.Header().Set("Date", s.now().Add(time.Hour).UTC().Format(http.TimeFormat))
			if c.id != "" {
				w.Header().Set("X-GitHub-Request-Id", c.id)
			}
			w.WriteHeader(c.status)
			w.WriteString("{}")
			return w.Result()
		}))
		k.clock.machine = s.now
		if err := k.AskTime(t.Context()); (err == nil) != c.askedWell {
			t.Errorf("%s: %v", name, err)
		}
		if learned := k.Skew() != 0; learned != c.learned {
			t.Errorf("%s: GitHub's clock is taken to be %s ahead", name, k.Skew())
		}
	}
}

type answering func(*http.Request) *http.Response

func (a answering) RoundTrip(q *http.Request) (*http.Response, error) { return a(q), nil }
