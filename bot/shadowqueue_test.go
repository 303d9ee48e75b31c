package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

// TestShadowModeEndsInTheQueue: behind the pull request that ends shadow mode nothing is
// let through for having been judged in it.
func TestShadowModeEndsInTheQueue(t *testing.T) {
	t.Parallel()
	shadow := strings.Replace(enforced, "mode: enforce", "mode: shadow", 1)
	within(t, shadow, 0, func(s *span) {
		ends := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{".github/changegate.yml": enforced}, Title: "Enforce", Body: described(s.first[:7])})
		s.pull = s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/a.md": "two\n"}, Title: "Change"})
		time.Sleep(5 * time.Second)
		s.is("neutral", "[Shadow]")
		s.repo.Queue("main", githubtest.Queue{Checks: []string{s.checkName()}, Also: []string{"ci"}})
		ends.Enqueue("dev1")
		s.pull.Enqueue("dev1")
		behind, _ := s.pull.Group()
		time.Sleep(10 * time.Second)
		first, _ := ends.Group()
		if got := conclusions(s.repo.Checks(first)); got != "neutral" {
			t.Errorf("the first group's checks are %q, want neutral", got)
		}
		if got := conclusions(s.repo.Checks(behind)); got != "failure" {
			t.Errorf("the second group's checks are %q, want failure", got)
		}
	})
}
