package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

const brokenByRev2 = enforced + `break_glass:
  who: [rev2]
  reviewers: [rev1]
  expires: 1h
  review_within: 24h
`

// TestBrokenGlassExpires: what an emergency lets pass it lets pass for an hour, and the
// review it owes is told to be overdue after a day, all with no event.
func TestBrokenGlassExpires(t *testing.T) {
	t.Parallel()
	within(t, brokenByRev2, 0, func(s *span) {
		s.pull = s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/a.md": "two\n"}, Title: "Change", Body: described(s.first[:7])})
		time.Sleep(5 * time.Second)
		s.is("in_progress", "Waiting for 1 approval")
		s.pull.Comment("rev2", "/change break-glass reason: refunds without limit incident: INC-881")
		broken := time.Now()
		s.until("in_progress", "neutral", 10*time.Second)
		s.is("neutral", "BREAK-GLASS")
		time.Sleep(time.Until(broken.Add(time.Hour)) - 2*time.Second)
		s.is("neutral", "BREAK-GLASS")
		s.until("neutral", "in_progress", time.Minute)
		s.is("in_progress", "Waiting for 1 approval")
		time.Sleep(time.Until(broken.Add(24*time.Hour + time.Minute)))
		if n, err := s.count("exception.overdue"); err != nil || n != 1 {
			t.Errorf("%d records say that the review is overdue, %v; want 1", n, err)
		}
	})
}

// TestAFreezeBeginsWhileQueued: within a minute of its first instant the group that had
// passed has failed, and GitHub has dropped it.
func TestAFreezeBeginsWhileQueued(t *testing.T) {
	t.Parallel()
	within(t, frozenFor, 0, func(s *span) {
		begin := time.Date(2026, 11, 25, 9, 20, 0, 0, time.UTC)
		s.scheduled(time.Time{})
		s.repo.Queue("main", githubtest.Queue{Checks: []string{s.checkName()}, Also: []string{"ci"}})
		s.pull.Enqueue("dev1")
		time.Sleep(10 * time.Second)
		head, _ := s.pull.Group()
		if got := conclusions(s.repo.Checks(head)); got != "success" {
			t.Fatalf("the group's checks are %q, want success", got)
		}
		time.Sleep(time.Until(begin) - time.Second)
		if _, queued := s.pull.Group(); !queued {
			t.Fatal("it is not queued before the freeze")
		}
		time.Sleep(time.Minute + time.Second)
		if _, queued := s.pull.Group(); queued || s.pull.Merged() || conclusions(s.repo.Checks(head)) != "success failure" {
			t.Errorf("a minute into the freeze: queued %t, merged %t, the group's checks are %q", queued, s.pull.Merged(), conclusions(s.repo.Checks(head)))
		}
	})
}

func conclusions(runs []githubtest.CheckRun) string {
	var all []string
	for _, r := range runs {
		all = append(all, stateOf(r))
	}
	return strings.Join(all, " ")
}

// TestAQueueOfWhatIsNotGoverned is not answered: nobody who removed the policy, or never
// had one, is to wait for a check of ours.
func TestAQueueOfWhatIsNotGoverned(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		s.repo.Branch("elsewhere", "main")
		s.pull = s.repo.Open("dev1", githubtest.PR{Base: "elsewhere", Files: githubtest.Files{"prompts/a.md": "two\n"}, Title: "Change", Body: described(s.first[:7])})
		s.repo.Queue("elsewhere", githubtest.Queue{Also: []string{"ci"}})
		s.pull.Enqueue("dev1")
		time.Sleep(10 * time.Minute)
		head, queued := s.pull.Group()
		if got := conclusions(s.repo.Checks(head)); !queued || got != "" {
			t.Errorf("queued %t, the group's checks are %q, want none", queued, got)
		}
	})
}

// TestNothingIsPolled: while nothing is due for hours the server looks at the clock less
// than once a second, and asks GitHub for what the hourly sweep takes.
func TestNothingIsPolled(t *testing.T) {
	t.Parallel()
	within(t, enforced, 0, func(s *span) {
		s.scheduled(in(48 * time.Hour))
		time.Sleep(time.Minute)
		s.gh.ResetCalls()
		s.looked.Store(0)
		time.Sleep(10 * time.Hour)
		if n := s.looked.Load(); n > 36_000 {
			t.Errorf("looked at the clock %d times in ten hours", n)
		} else {
			t.Logf("%.2f looks a second, %d calls in ten hours", float64(n)/36_000, s.calls())
		}
		if n := s.calls(); n > 60 {
			t.Errorf("%d calls in ten hours, want at most 60:\n%s", n, s.callList())
		}
	})
}
