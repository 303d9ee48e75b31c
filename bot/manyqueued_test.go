package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

// TestSeveralAreMergedAtOnce: however a queue merges, what it merges together is answered
// together, and each merge is explained by the decision on its own pull request.
func TestSeveralAreMergedAtOnce(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		for _, headGreen := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the last is enough %t", method, headGreen), func(t *testing.T) {
				t.Parallel()
				within(t, enforced, 0, func(s *span) {
					var pulls []*githubtest.Pull
					for i := range 3 {
						p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{fmt.Sprintf("prompts/%d.md", i): "one\n"}, Title: "Change", Body: described(s.first[:7])})
						p.Push("dev1", githubtest.Files{fmt.Sprintf("prompts/%d.md", i): "two\n", fmt.Sprintf("docs/%d.md", i): "two\n"})
						pulls = append(pulls, p)
					}
					time.Sleep(5 * time.Second)
					for _, p := range pulls {
						p.Review("rev1", "APPROVED")
					}
					time.Sleep(5 * time.Second)
					s.repo.Queue("main", githubtest.Queue{Checks: []string{"changegate: main"}, Method: method, Least: 3, HeadGreen: headGreen})
					for _, p := range pulls {
						p.Enqueue("dev1")
					}
					time.Sleep(time.Minute)
					for _, p := range pulls {
						if !p.Merged() {
							head, queued := p.Group()
							t.Errorf("%d is not merged, queued: %t, checks of the group %q", p.Number, queued, conclusions(s.repo.Checks(head)))
						}
					}
					for name, want := range map[string]int{"population.csv": 3, "exceptions.csv": 0} {
						csv, err := s.bundled(name)
						if n := strings.Count(strings.TrimSpace(csv), "\n"); err != nil || n != want {
							t.Errorf("%s has %d rows, want %d: %v\n%s", name, n, want, err, csv)
						}
					}
				})
			})
		}
	}
}
