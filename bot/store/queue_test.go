package store_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/store"
	"changegate/checks"
)

func TestClaimSaysWhatWasRaised(t *testing.T) {
	t.Parallel()
	s := open(t)
	d := store.Delivery{ID: "d1", Event: "pull_request", Action: "opened", At: noon}
	if fresh, err := s.Receive(t.Context(), d, []checks.Wake{pull(7)}, noon); !fresh || err != nil {
		t.Fatalf("receive: fresh %v, %v", fresh, err)
	}
	want := &store.Job{
		Key: "pull/33/7", Place: acme, Number: 7, Base: "main", Gen: 1, Token: 1,
		Event: "pull_request.opened", Claimed: noon,
	}
	if diff := cmp.Diff(want, claim(t, s, noon)); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	if j := claim(t, s, noon); j != nil {
		t.Errorf("claimed %s twice", j.Key)
	}
	read(t, s, func(tx *store.Tx) error {
		p, err := tx.Pull(t.Context(), acme.RepoID, 7)
		want := &store.Pull{Place: acme, Number: 7, Base: "main", State: "open", Record: -1, MergeRecord: -1}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("pull request (-want +got):\n%s", diff)
		}
		return err
	})
}

func TestDuplicateDeliveryDoesNothing(t *testing.T) {
	t.Parallel()
	s := open(t)
	d := store.Delivery{ID: "d1", Event: "push", At: noon}
	for i, want := range []bool{true, false, false} {
		fresh, err := s.Receive(t.Context(), d, []checks.Wake{pull(7)}, noon)
		if fresh != want || err != nil {
			t.Errorf("receive %d: fresh %v, %v; want %v", i, fresh, err, want)
		}
	}
	if j := mustClaim(t, s, noon); j.Gen != 1 || j.Event != "push" {
		t.Errorf("generation %d of %q, want 1 of push", j.Gen, j.Event)
	}
}

// A delivery whose wakes cannot be raised must be taken when it comes again.
func TestDeliveryIsStoredWithItsJobsOrNotAtAll(t *testing.T) {
	t.Parallel()
	s := open(t)
	d := store.Delivery{ID: "d1", Event: "push", At: noon}
	if fresh, err := s.Receive(t.Context(), d, []checks.Wake{pull(7), {Number: 8}}, noon); fresh || err == nil {
		t.Errorf("a wake with no repository: fresh %v, error %v", fresh, err)
	}
	if j := claim(t, s, noon); j != nil {
		t.Errorf("job %s of the refused delivery stayed", j.Key)
	}
	if fresh, err := s.Receive(t.Context(), d, []checks.Wake{pull(7)}, noon); !fresh || err != nil {
		t.Errorf("the same delivery again: fresh %v, %v; want it to be taken", fresh, err)
	}
	if _, err := s.Receive(t.Context(), store.Delivery{Event: "push"}, nil, noon); err == nil {
		t.Error("a delivery with no id was taken")
	}
}

func TestBurstIsOneJob(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range 20 {
		raise(t, s, pull(7), noon.Add(time.Duration(i)*time.Second))
	}
	if j := mustClaim(t, s, noon); j.Gen != 20 {
		t.Errorf("generation %d, want 20", j.Gen)
	}
	if j := claim(t, s, noon.Add(lease-time.Second)); j != nil {
		t.Errorf("a second job of the burst: %+v", j)
	}
}

func TestFinish(t *testing.T) {
	t.Parallel()
	later := noon.Add(time.Hour)
	for _, c := range []struct {
		name   string
		during bool // an event arrives while the job runs
		next   time.Time
		due    time.Time // zero when idle
		event  string
	}{
		{"idle", false, time.Time{}, time.Time{}, ""},
		{"at a time", false, later, later, store.Timer},
		{"an event during the run makes an idle job due", true, time.Time{}, noon.Add(time.Second), "test.raised"},
		{"an event during the run beats the timer", true, later, noon.Add(time.Second), "test.raised"},
		{"never before its instant", false, later.Add(time.Microsecond), later.Add(time.Millisecond), store.Timer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			raise(t, s, pull(7), noon)
			j := mustClaim(t, s, noon)
			if c.during {
				raise(t, s, pull(7), noon.Add(time.Millisecond))
			}
			if !finish(t, s, j, c.next, noon.Add(time.Second)) {
				t.Error("finish says the job is not ours")
			}
			due, err := s.NextDue(t.Context())
			if !due.Equal(c.due) || err != nil {
				t.Errorf("due %v, %v; want %v", due, err, c.due)
			}
			if c.due.IsZero() {
				return
			}
			if early := claim(t, s, c.due.Add(-time.Millisecond)); early != nil {
				t.Error("claimed a millisecond early")
			}
			if again := mustClaim(t, s, c.due); again.Event != c.event || again.Token != 2 {
				t.Errorf("again for %q with token %d, want %q with 2", again.Event, again.Token, c.event)
			}
		})
	}
}

func TestRaiseKeepsTheEarlierDueTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ first, second, due time.Duration }{
		{0, time.Hour, 0},
		{time.Hour, 0, 0},
		{time.Hour, time.Hour, time.Hour},
	} {
		s := open(t)
		raise(t, s, pull(7), noon.Add(c.first))
		raise(t, s, pull(7), noon.Add(c.second))
		if due, err := s.NextDue(t.Context()); !due.Equal(noon.Add(c.due)) || err != nil {
			t.Errorf("raised at %v and %v: due %v, %v; want %v", c.first, c.second, due, err, noon.Add(c.due))
		}
	}
}

func TestIdleJobIsRaisedAgainWithAHigherToken(t *testing.T) {
	t.Parallel()
	s := open(t)
	for token := int64(1); token <= 3; token++ {
		raise(t, s, pull(7), noon)
		j := mustClaim(t, s, noon)
		if j.Token != token {
			t.Errorf("token %d, want %d: a paused process could pass for its successor", j.Token, token)
		}
		finish(t, s, j, time.Time{}, noon)
	}
}

// A process that is paused past its lease must find every door shut.
func TestZombie(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, pull(7), noon)
	old := mustClaim(t, s, noon)
	if j := claim(t, s, noon.Add(lease-time.Millisecond)); j != nil {
		t.Fatalf("claimed under a live lease: %+v", j)
	}
	after := noon.Add(lease)
	heir := mustClaim(t, s, after)
	for name, ask := range map[string]func() (bool, error){
		"hold":   func() (bool, error) { return s.Holds(t.Context(), old, after) },
		"extend": func() (bool, error) { return s.Extend(t.Context(), old, after, time.Hour) },
		"finish": func() (bool, error) { return finish(t, s, old, time.Time{}, after), nil },
		"retry": func() (bool, error) {
			err := s.Retry(t.Context(), old, after, "late")
			held, _ := s.Holds(t.Context(), heir, after)
			return !held, err
		},
	} {
		if held, err := ask(); held || err != nil {
			t.Errorf("%s by the zombie: %v, %v; want a refusal", name, held, err)
		}
	}
	if held, err := s.Holds(t.Context(), heir, after); !held || err != nil {
		t.Errorf("the heir holds the job: %v, %v", held, err)
	}
	if !finish(t, s, heir, time.Time{}, after) {
		t.Error("the heir cannot finish")
	}
	if finish(t, s, heir, noon, after) {
		t.Error("a job was finished twice")
	}
}

func TestExtend(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, pull(7), noon)
	j := mustClaim(t, s, noon)
	half := noon.Add(lease / 2)
	if held, err := s.Extend(t.Context(), j, half, lease); !held || err != nil {
		t.Fatalf("extend: %v, %v", held, err)
	}
	for _, c := range []struct {
		at    time.Time
		holds bool
	}{{noon.Add(lease), true}, {half.Add(lease), false}} {
		if holds, err := s.Holds(t.Context(), j, c.at); holds != c.holds || err != nil {
			t.Errorf("holds at %v: %v, %v; want %v", c.at, holds, err, c.holds)
		}
	}
	if due, err := s.NextDue(t.Context()); !due.Equal(half.Add(lease)) || err != nil {
		t.Errorf("next due %v, %v; want the end of the lease", due, err)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, pull(7), noon)
	at := noon
	for attempt := range 3 {
		j := mustClaim(t, s, at)
		first := noon
		if attempt == 0 {
			first = time.Time{}
		}
		if j.Attempts != attempt || !j.FirstFailed.Equal(first) || j.Event != "test.raised" {
			t.Errorf("attempts %d, first failed %v, event %q; want %d, %v, test.raised", j.Attempts, j.FirstFailed, j.Event, attempt, first)
		}
		at = at.Add(time.Minute)
		if err := s.Retry(t.Context(), j, at, strings.Repeat("é", 400)); err != nil {
			t.Fatal(err)
		}
		if early := claim(t, s, at.Add(-time.Millisecond)); early != nil {
			t.Error("claimed before the time of the retry")
		}
	}
	raise(t, s, pull(7), at.Add(-time.Second))
	j := mustClaim(t, s, at.Add(-time.Second))
	if j.Attempts != 3 {
		t.Errorf("a new event made the attempts %d, want 3", j.Attempts)
	}
	finish(t, s, j, at, at)
	if j = mustClaim(t, s, at); j.Attempts != 0 || !j.FirstFailed.IsZero() {
		t.Errorf("after a run that did not fail: %d attempts since %v", j.Attempts, j.FirstFailed)
	}
}

func TestRetryKeepsAShortCause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cause string
		bytes int
	}{{"", 0}, {"no route", 8}, {strings.Repeat("x", 501), 500}, {"x" + strings.Repeat("é", 300), 499}, {"\xff", 0}} {
		if got := store.Short(c.cause); len(got) != c.bytes || !utf8.ValidString(got) {
			t.Errorf("%.20q… became %d bytes, want %d of UTF-8", c.cause, len(got), c.bytes)
		}
	}
}

func TestWakes(t *testing.T) {
	t.Parallel()
	other := acme
	other.RepoID, other.Repo = 44, "acme/other"
	org := checks.Place{Installation: 11, OrgID: 22, Org: "acme"}
	for _, c := range []struct {
		name string
		wake checks.Wake
		want []int
	}{
		{"by head", checks.Wake{Place: acme, Head: "aaa"}, []int{1, 2}},
		{"by head nobody has", checks.Wake{Place: acme, Head: "eee"}, nil},
		{"by branch", checks.Wake{Place: acme, Branch: "main"}, []int{1, 3}},
		{"pushed branch", checks.Wake{Place: acme, Branch: "main", Pushed: &checks.Push{After: "fff"}}, []int{0, 1, 3}},
		{"repository", checks.Wake{Place: acme}, []int{1, 2, 3}},
		{"organisation", checks.Wake{Place: org}, []int{1, 2, 3, 5}},
		{"number", pull(3), []int{3}},
		{"closed, by number", pull(4), []int{4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			known(t, s, 1, "main", "aaa")
			known(t, s, 2, "next", "aaa")
			known(t, s, 3, "main", "bbb")
			savePull(t, s, &store.Pull{Place: acme, Number: 4, Base: "main", Head: "aaa", State: "closed"})
			savePull(t, s, &store.Pull{Place: other, Number: 5, Base: "main", Head: "aaa", State: "open"})
			raise(t, s, c.wake, noon)
			if diff := cmp.Diff(c.want, numbers(t, s, noon)); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBranchJob(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, checks.Wake{Place: acme, Branch: "release/1", Pushed: &checks.Push{Before: "b1", After: "a1"}}, noon)
	raise(t, s, checks.Wake{Place: acme, Branch: "release/1", Pushed: &checks.Push{Before: "a1", After: "a2"}}, noon)
	raise(t, s, checks.Wake{Place: acme, Branch: "made", Pushed: &checks.Push{Before: strings.Repeat("0", 40), After: "a1"}}, noon.Add(time.Hour))
	want := &store.Job{
		Key: "branch/33/release/1", Place: acme, Branch: "release/1", Gen: 2, Token: 1, Event: "test.raised", Claimed: noon,
	}
	if diff := cmp.Diff(want, claim(t, s, noon)); diff != "" {
		t.Errorf("job (-want +got):\n%s", diff)
	}
	read(t, s, func(tx *store.Tx) error {
		tip, err := tx.Tip(t.Context(), acme.RepoID, "release/1")
		if tip != "b1" {
			t.Errorf("the walk begins at %q, want b1: what the first push brought must be explained too", tip)
		}
		if made, err := tx.Tip(t.Context(), acme.RepoID, "made"); made != "" || err != nil {
			t.Errorf("the walk of a branch just made begins at %q, %v: git's zero id is no commit", made, err)
		}
		return err
	})
}

// The row of a pull request that is being judged may name an old head or base;
// an event for the new one must not be lost.
func TestEventWhileTheRowIsOld(t *testing.T) {
	t.Parallel()
	for _, w := range []checks.Wake{{Place: acme, Head: "new"}, {Place: acme, Branch: "new"}} {
		s := open(t)
		known(t, s, 1, "old", "old")
		known(t, s, 2, "old", "old") // not running: must not be woken
		raise(t, s, pull(1), noon)
		j := mustClaim(t, s, noon)
		raise(t, s, w, noon.Add(time.Second))
		finish(t, s, j, time.Time{}, noon.Add(2*time.Second))
		if diff := cmp.Diff([]int{1}, numbers(t, s, noon.Add(2*time.Second))); diff != "" {
			t.Errorf("woken by %+v (-want +got):\n%s", w, diff)
		}
	}
}

func TestWakeWithoutAPlaceIsRefused(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, w := range []checks.Wake{
		{}, {Number: 1}, {Head: "aaa"}, {Branch: "main"}, {Place: checks.Place{OrgID: 22}, Branch: "main"},
	} {
		if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.Raise(t.Context(), w, "e", noon) }); err == nil {
			t.Errorf("wake %+v was raised", w)
		}
	}
}

func TestWaitIsSignalledAfterTheCommit(t *testing.T) {
	t.Parallel()
	s := open(t)
	quiet := func(when string) {
		select {
		case <-s.Wait():
			t.Errorf("signalled %s", when)
		default:
		}
	}
	known(t, s, 1, "main", "aaa")
	quiet("with no job")
	_ = s.Write(t.Context(), func(tx *store.Tx) error {
		_ = tx.Raise(t.Context(), pull(1), "e", noon)
		return context.Canceled
	})
	quiet("by a transaction that failed")
	raise(t, s, pull(1), noon)
	raise(t, s, pull(2), noon)
	<-s.Wait()
	quiet("twice for what one worker finds")
}

// A server claimed a job while its clock was a day fast, and died. The lease of tomorrow
// holds up nobody; one that another server has just given does.
func TestALeaseOfTomorrowIsNone(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, pull(7), noon)
	if j, err := s.Claim(t.Context(), noon.Add(24*time.Hour), lease); err != nil || j == nil {
		t.Fatal(j, err)
	}
	raise(t, s, pull(7), noon)
	if j, err := s.Claim(t.Context(), noon, lease); err != nil || j == nil {
		t.Fatalf("claimed %v, %v", j, err)
	}
	if j, err := s.Claim(t.Context(), noon.Add(-lease), lease); err != nil || j != nil {
		t.Errorf("claimed %v, %v from a server that is a minute ahead", j, err)
	}
}
