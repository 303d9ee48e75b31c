package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

// TestWhatIsMergedBeforeTheGroup: where it is enough that the last group passes, one holds
// what is before it as well. Once that is merged, the rest is still judged: it fails when
// a freeze begins.
func TestWhatIsMergedBeforeTheGroup(t *testing.T) {
	t.Parallel()
	within(t, frozenFor, 0, func(s *span) {
		begin := time.Date(2026, 11, 25, 9, 20, 0, 0, time.UTC)
		s.scheduled(time.Time{})
		first := s.pull
		second := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/b.md": "two\n"}, Title: "Other", Body: described(s.first[:7])})
		time.Sleep(5 * time.Second)
		second.Review("rev1", "APPROVED")
		time.Sleep(5 * time.Second)
		s.repo.Queue("main", githubtest.Queue{Checks: []string{s.checkName()}, Also: []string{"ci"}, HeadGreen: true})
		first.Enqueue("dev1")
		second.Enqueue("dev1")
		time.Sleep(10 * time.Second)
		one, _ := first.Group()
		two, _ := second.Group()
		if got := conclusions(s.repo.Checks(two)); got != "success" {
			t.Fatalf("the second group's checks are %q, want success", got)
		}
		s.repo.Report("github-actions", one, "ci", "success")
		time.Sleep(10 * time.Second)
		if _, queued := second.Group(); !first.Merged() || !queued {
			t.Fatalf("the first is merged: %t, the second is queued: %t", first.Merged(), queued)
		}
		time.Sleep(time.Until(begin) + time.Minute)
		if got := conclusions(s.repo.Checks(two)); !strings.HasSuffix(got, " failure") {
			t.Errorf("a minute into the freeze the second group's checks are %q, want failure at last", got)
		}
		s.repo.Report("github-actions", two, "ci", "success")
		if time.Sleep(time.Minute); second.Merged() {
			t.Error("it was merged in the freeze")
		}
	})
}
