package bot_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"changegate/bot/store"
	"changegate/checks/githubtest"
)

// A span is a world whose time is virtual and in which the server itself runs, its
// workers and its sweep: nobody tells it when to look.
type span struct {
	*world
	t *testing.T
	// off is what the machine's clock is ahead of GitHub's, in nanoseconds.
	off    *atomic.Int64
	looked atomic.Int64 // how often the server looked at the clock
	stop   func()
}

// within runs a test in a bubble of testing/synctest, at Tuesday 24 November 2026,
// 08:00 UTC by GitHub's clock.
func within(t *testing.T, policy string, ahead time.Duration, test func(s *span)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)))
		s := &span{world: &world{dir: t.TempDir(), clock: &clock{}, unwired: true}, t: t, off: &atomic.Int64{}}
		s.off.Store(int64(ahead))
		s.now = func() time.Time {
			s.looked.Add(1)
			return time.Now().Round(0).Add(time.Duration(s.off.Load()))
		}
		o := githubtest.Options{Now: time.Now, Receiver: s.world}
		// What is signed is signed by the machine's clock, which a bubble cannot set.
		o.Keys = func() time.Time { return time.Now().Add(-time.Duration(s.off.Load())) }
		if err := s.begin(o); err != nil {
			t.Fatal(err)
		}
		s.serve(true)
		t.Cleanup(func() {
			s.stop()
			time.Sleep(time.Minute) // what waits for an answer gives up
			s.clock.to(time.Now())
			s.close()
		})
		s.inhabit(policy)
		test(s)
	})
}

// serve does what cmd/changegate does.
func (s *span) serve(sweep bool) {
	ctx, cancel := context.WithCancel(s.t.Context())
	var work sync.WaitGroup
	work.Go(func() { s.bot.Run(ctx, 2) })
	if sweep {
		work.Go(func() { s.bot.Sweep(ctx, s.dir+"/checkpoints") })
	}
	s.stop = func() {
		cancel()
		work.Wait()
	}
}

// restart ends the server, lets time pass and starts another on the same data.
func (s *span) restart(off time.Duration) {
	s.stop()
	s.gh.Hook("") // webhooks are lost
	if err := s.st.Close(); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(off)
	if err := s.start(s.dir + "/.data"); err != nil {
		s.t.Fatal(err)
	}
	s.serve(true)
}

func (s *span) inhabit(policy string) {
	s.gh.Org("acme")
	s.repo = s.gh.Repo("acme/agents", githubtest.Files{".github/changegate.yml": policy, "prompts/a.md": "one\n", "README.md": "hi\n"})
	s.first = s.repo.Head("main")
	for _, login := range []string{"dev1", "rev1", "rev2"} {
		s.gh.User(login)
		s.repo.Role(login, "write")
	}
	s.gh.Install("acme")
}

// scheduled opens an approved pull request for a date, none when that is zero.
func (s *span) scheduled(at time.Time) {
	body := described(s.first[:7])
	if !at.IsZero() {
		body = strings.Replace(body, "\n  rollback:", "\n  effective_at: "+at.Format(time.RFC3339)+"\n  rollback:", 1)
	}
	s.pull = s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/a.md": "two\n"}, Title: "Change", Body: body})
	time.Sleep(5 * time.Second)
	s.pull.Review("rev1", "APPROVED")
	time.Sleep(5 * time.Second)
}

// is fails the test unless the check is in this state and its title begins so.
func (s *span) is(state, title string) {
	s.t.Helper()
	synctest.Wait()
	c, _ := s.check()
	if got := stateOf(c); got != state || !strings.HasPrefix(c.Title, title) {
		s.t.Errorf("at %s the check is %s %q, want %s %q", time.Now().UTC().Format(time.RFC3339), got, c.Title, state, title)
	}
}

func stateOf(c githubtest.CheckRun) string {
	if c.Status == "completed" {
		return c.Conclusion
	}
	return c.Status
}

// until waits second by second for a state, so long at most, and returns how long it
// took. It fails when there was another than was and the one waited for.
func (s *span) until(was, state string, most time.Duration) time.Duration {
	s.t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Second) {
		synctest.Wait()
		c, _ := s.check()
		switch got := stateOf(c); {
		case got == state:
			return time.Since(begun)
		case got != was:
			s.t.Fatalf("at %s the check is %s %q, want %s until it is %s", time.Now().UTC(), got, c.Title, was, state)
		case time.Since(begun) > most:
			s.t.Fatalf("the check is still %s %q after %s, want %s", got, c.Title, most, state)
		}
	}
}

// in returns an instant so long after now, in whole seconds.
func in(d time.Duration) time.Time { return time.Now().Add(d).UTC().Truncate(time.Second) }

// TestADatePasses: the check turns green by the clock alone, with no event, within a
// minute: while the server runs, over a restart, and after it was off at the instant.
func TestADatePasses(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(s *span, at time.Time){
		"running":                              func(s *span, at time.Time) { time.Sleep(time.Until(at) - time.Second) },
		"restarted while waiting":              func(s *span, at time.Time) { s.restart(time.Minute); time.Sleep(time.Until(at) - time.Second) },
		"killed and restarted right before it": func(s *span, at time.Time) { s.restart(time.Until(at) - time.Second) },
		"off over the instant":                 func(s *span, at time.Time) { s.restart(time.Until(at) + 24*time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, enforced, 0, func(s *span) {
				at := in(5*time.Hour + 7*time.Minute)
				s.scheduled(at)
				s.is("in_progress", "Scheduled")
				between(s, at)
				from := max(0, time.Until(at))
				took := s.until("in_progress", "success", time.Minute+time.Second) - from
				if time.Now().Before(at) {
					t.Errorf("green at %s, before %s", time.Now().UTC(), at)
				}
				t.Logf("released %s after the instant, or after the server came back", took)
			})
		})
	}
}

// frozenFor begins and ends between two hourly sweeps, which would notice too.
const frozenFor = enforced + `freezes:
  - {name: audit, reason: auditors are here, from: "2026-11-25T09:20Z", until: "2026-11-26T17:30Z"}
`

// TestAFreezeBeginsAndEnds: what was approved and green before a freeze is not while
// it lasts, and is again when it is over, by the clock alone. A completed run does not
// go back to waiting, so each is a new one.
func TestAFreezeBeginsAndEnds(t *testing.T) {
	t.Parallel()
	within(t, frozenFor, 0, func(s *span) {
		begin, end := time.Date(2026, 11, 25, 9, 20, 0, 0, time.UTC), time.Date(2026, 11, 26, 17, 30, 0, 0, time.UTC)
		s.scheduled(time.Time{})
		s.is("success", "Ready")
		time.Sleep(time.Until(begin) - time.Second)
		s.is("success", "Ready")
		s.until("success", "in_progress", time.Minute)
		s.is("in_progress", "Frozen until")
		time.Sleep(time.Until(end) - time.Second)
		s.is("in_progress", "Frozen until")
		s.until("in_progress", "success", time.Minute)
		s.is("success", "Ready")
		if n := len(s.pull.Checks()); n != 2 {
			t.Errorf("%d check runs on the head, want the green one and the one that waited", n)
		}
	})
}

// TestThirtyDaysOfWaiting: GitHub calls a run stale that is incomplete for 14 days, so
// a new one of the same name is made before day 10 (CONTRACT §5). No sweep helps.
func TestThirtyDaysOfWaiting(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		s.scheduled(in(31 * 24 * time.Hour))
		s.stop()
		s.serve(false)
		for day := range 30 {
			time.Sleep(24 * time.Hour)
			s.is("in_progress", "Scheduled")
			c, _ := s.check()
			if age := time.Since(c.StartedAt); age >= 10*24*time.Hour {
				t.Errorf("on day %d the newest run is %s old", day+1, age)
			}
		}
		if n := len(s.pull.Checks()); n != 4 {
			t.Errorf("%d check runs, want the first and those of days 9, 18 and 27", n)
		}
	})
}

// TestTheClockIsSet: whatever is done to the machine's clock while a pull request is
// scheduled, it is green from the instant on by GitHub's clock, within a minute, and
// not before; and nothing asks GitHub over and over.
func TestTheClockIsSet(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	type step struct {
		before time.Duration // the instant
		ahead  time.Duration // the machine's clock, from then on
	}
	for name, c := range map[string]struct {
		ahead time.Duration // when the server starts
		steps []step
	}{
		"right":                                {},
		"a second and a half fast":             {ahead: 1500 * time.Millisecond},
		"set back a day":                       {steps: []step{{2 * time.Hour, -day}}},
		"set back a day and right again":       {steps: []step{{2 * time.Hour, -day}, {time.Hour, 0}}},
		"set forward a day":                    {steps: []step{{2 * time.Hour, day}}},
		"set forward a day and right again":    {steps: []step{{2 * time.Hour, day}, {time.Hour, 0}}},
		"set forward over the instant":         {steps: []step{{2 * time.Hour, 3 * time.Hour}}},
		"set back right before the instant":    {steps: []step{{2 * time.Second, -day}}},
		"set forward right before the instant": {steps: []step{{40 * time.Second, day}}},
		"a minute slow from the start":         {ahead: -time.Minute},
		"a minute fast from the start":         {ahead: time.Minute},
		"a day slow, put right":                {ahead: -day, steps: []step{{time.Hour, 0}}},
		"a day fast, put right":                {ahead: day, steps: []step{{time.Hour, 0}}},
		"back and forth": {steps: []step{
			{2 * time.Hour, day}, {119 * time.Minute, -day}, {time.Hour, day}, {59 * time.Minute, -day}, {time.Minute, 0},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			within(t, enforced, c.ahead, func(s *span) {
				time.Sleep(time.Minute)
				at := in(3 * time.Hour)
				s.scheduled(at)
				s.is("in_progress", "Scheduled")
				s.gh.ResetCalls()
				for _, p := range c.steps {
					time.Sleep(time.Until(at) - p.before)
					s.is("in_progress", "Scheduled")
					s.off.Store(int64(p.ahead))
				}
				s.until("in_progress", "success", time.Until(at)+time.Minute)
				if time.Now().Before(at) {
					t.Errorf("green at %s, before %s", time.Now().UTC(), at)
				}
				// Three hourly sweeps, an answer to each step, two judgements: no more.
				if n := s.calls(); n > 30 {
					t.Errorf("%d calls in three hours, want at most 30:\n%s", n, s.callList())
				}
				t.Logf("green %s after the instant, %d calls", time.Since(at), s.calls())
			})
		})
	}
}

// TestNothingWaitsForAClockThatWasWrong: what happens while the clock is a day fast is
// put into the queue for tomorrow, and is looked at all the same once it is right.
func TestNothingWaitsForAClockThatWasWrong(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		s.scheduled(time.Time{})
		s.is("success", "Ready")
		s.gh.Fault(githubtest.Fault{Kind: "close"}) // GitHub does not say what time it is
		s.off.Store(int64(24 * time.Hour))
		s.pull.Review("rev1", "CHANGES_REQUESTED")
		time.Sleep(time.Minute)
		s.off.Store(0)
		s.gh.ClearFaults()
		s.until("success", "failure", time.Minute)
		s.is("failure", "Changes requested")
	})
}

// TestASlowMachineThatCannotAsk: a machine a day slow starts while GitHub is not to be
// reached, so that nothing tells it the time. It is asked again before the next sweep.
func TestASlowMachineThatCannotAsk(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		at := in(30 * time.Minute)
		s.scheduled(at)
		s.is("in_progress", "Scheduled")
		s.gh.Fault(githubtest.Fault{Kind: "close"})
		s.off.Store(-int64(24 * time.Hour))
		s.restart(time.Minute)
		time.Sleep(5 * time.Minute)
		s.gh.ClearFaults()
		s.until("in_progress", "success", time.Until(at)+time.Minute)
	})
}

// TestASweepThatCouldNotBegin: what was missed while the server was off is found a few
// minutes after GitHub answers again, and not an hour later.
func TestASweepThatCouldNotBegin(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		s.pull = s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/a.md": "two\n"}, Title: "Change", Body: described(s.first[:7])})
		time.Sleep(time.Minute)
		s.is("in_progress", "Waiting for 1 approval")
		s.gh.Fault(githubtest.Fault{Kind: "close"})
		s.restart(time.Minute)
		s.pull.Review("rev1", "APPROVED") // of which no webhook tells
		time.Sleep(2 * time.Minute)
		s.gh.ClearFaults()
		s.until("in_progress", "success", 10*time.Minute)
	})
}

// A proxy answers in the place of a GitHub that is away, five hours ahead.
type proxy struct {
	next http.RoundTripper
	away *atomic.Bool
}

func (p proxy) RoundTrip(q *http.Request) (*http.Response, error) {
	if !p.away.Load() {
		return p.next.RoundTrip(q)
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().Add(5*time.Hour).UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusBadGateway)
	return w.Result(), nil
}

// TestAProxyIsNotGitHub: a proxy that answers in GitHub's place when GitHub is away has a
// clock of its own, which releases nothing.
func TestAProxyIsNotGitHub(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		s.scheduled(in(3 * time.Hour))
		var away atomic.Bool
		s.wire = proxy{s.gh.Transport(), &away}
		s.restart(time.Second)
		s.is("in_progress", "Scheduled")
		away.Store(true)
		s.pull.Comment("dev1", "/change recheck")
		time.Sleep(2 * time.Minute)
		if got := s.bot.GitHub.Skew(); got != 0 {
			t.Errorf("the proxy's clock was taken, %s ahead", got)
		}
		away.Store(false)
		time.Sleep(2 * time.Minute)
		s.is("in_progress", "Scheduled")
	})
}

// TestNothingIsForgottenByAWrongClock: who pushed is kept for 400 days, and a server that
// starts on a machine 500 days fast still knows it.
func TestNothingIsForgottenByAWrongClock(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		s.pull = s.repo.Open("dev1", githubtest.PR{Fork: true, Files: githubtest.Files{"prompts/a.md": "two\n"}, Body: described(s.first[:7])})
		time.Sleep(5 * time.Second)
		s.pull.Push("rev2", githubtest.Files{"prompts/a.md": "three\n"})
		time.Sleep(5 * time.Second)
		s.off.Store(int64(500 * 24 * time.Hour))
		s.restart(time.Minute)
		time.Sleep(2 * time.Minute)
		err := s.st.Read(s.t.Context(), func(tx *store.Tx) error {
			at, err := tx.HeardAt(s.t.Context(), s.repo.ID(), "", s.pull.Number, s.pull.Head())
			if at.IsZero() {
				t.Errorf("the push of %s is forgotten", s.pull.Head())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestAClockAtTheEdge: GitHub tells whole seconds, so a machine that is off by little more
// than is taken for right looks now right, now wrong. That is not complained of each time.
func TestAClockAtTheEdge(t *testing.T) {
	t.Parallel()
	within(t, enforced, -2500*time.Millisecond, func(s *span) {
		s.scheduled(in(3 * time.Hour))
		for range 60 {
			time.Sleep(61370 * time.Millisecond)
			s.pull.Review("rev2", "COMMENTED")
		}
		s.is("in_progress", "Scheduled")
		s.stop()
		if n := strings.Count(s.logs.String(), "GitHub's clock is taken"); n < 1 || n > 2 {
			t.Errorf("the clock is complained of %d times in an hour, want 1 or 2", n)
		}
	})
}
