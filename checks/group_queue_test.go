package checks

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
)

// TestGroupOfEveryMethod: however a queue merges, each group holds the pull request it
// was built for; where the last one is enough, those before it too.
func TestGroupOfEveryMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		for strategy, want := range map[string][][]int{"ALLGREEN": {{1}, {2}, {3}}, "HEADGREEN": {{1}, {1, 2}, {1, 2, 3}}} {
			t.Run(method+" "+strategy, func(t *testing.T) {
				t.Parallel()
				s := tell(t, "write")
				s.repo.Queue("main", githubtest.Queue{Method: method, HeadGreen: strategy == "HEADGREEN", Checks: []string{"evals"}})
				c := s.client(t, http.DefaultTransport)
				var pulls []*githubtest.Pull
				for i := range 3 {
					p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{fmt.Sprintf("prompts/%d.md", i+1): "one\n"}})
					p.Push("dev1", githubtest.Files{fmt.Sprintf("prompts/%d.md", i+1): "two\n"})
					p.Enqueue("dev1")
					pulls = append(pulls, p)
				}
				from := s.repo.Head("main")
				for i, p := range pulls {
					head, _ := p.Group()
					before := c.Calls()
					g, err := c.Group(t.Context(), s.wake(p).Place, "main", from, head, p.Number)
					if diff := cmp.Diff(want[i], g.Pulls); err != nil || diff != "" || !g.Whole || len(g.Unknown) > 0 || c.Calls()-before != 2 {
						t.Errorf("group of %d: %+v, %v after %d calls (-want +got):\n%s", p.Number, g, err, c.Calls()-before, diff)
					}
					var paths, touched []string
					for _, f := range g.Files {
						paths = append(paths, f.Path)
					}
					for _, n := range want[i] {
						touched = append(touched, fmt.Sprintf("prompts/%d.md", n))
					}
					if slices.Sort(paths); !slices.Equal(paths, touched) {
						t.Errorf("group of %d changes %v, want %v", p.Number, paths, touched)
					}
					from = head
				}
				pulls[1].Dequeue("dev1")
				if g, err := c.Group(t.Context(), s.wake(pulls[1]).Place, "main", s.repo.Head("main"), from, pulls[1].Number); err == nil && g.Whole && len(g.Unknown) == 0 {
					t.Errorf("a group that was torn down: %+v", g)
				}
			})
		}
	}
}

// TestWaiting: the groups of a queue are found as GitHub's webhooks name them, and there
// are none on a branch without one.
func TestWaiting(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.repo.Queue("main", githubtest.Queue{Checks: []string{"evals"}})
	c := s.client(t, http.DefaultTransport)
	var want []Wake
	from := s.repo.Head("main")
	for i := range 2 {
		p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{fmt.Sprintf("prompts/%d.md", i+1): "one\n"}})
		p.Enqueue("dev1")
		head, _ := p.Group()
		branch := fmt.Sprintf("gh-readonly-queue/main/pr-%d-%s", p.Number, from)
		want = append(want, Wake{Place: s.place(), Head: head, Branch: branch, Base: "main", Queued: &Queued{From: from}})
		from = head
	}
	got, err := c.Waiting(t.Context(), s.place(), "main")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := c.Waiting(t.Context(), s.place(), "release"); err != nil || len(got) != 0 {
		t.Errorf("no queue: %v, %v", got, err)
	}
}
