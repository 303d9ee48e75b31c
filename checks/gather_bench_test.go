package checks

import (
	"fmt"
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

// BenchmarkGather reads pull requests at and beyond GitHub's limits, an approval of
// an earlier commit included. GitHub's answers are recorded first: time and memory
// are those of the reading alone.
func BenchmarkGather(b *testing.B) {
	for name, open := range map[string]func(*story) *githubtest.Pull{
		"3001 files": func(s *story) *githubtest.Pull {
			return s.repo.Open("dev1", githubtest.PR{Files: docs(3001)})
		},
		"300 commits": func(s *story) *githubtest.Pull {
			p := s.open()
			p.PushAll("dev1", 299, func(i int) (githubtest.Files, githubtest.Commit) {
				return githubtest.Files{"README.md": fmt.Sprint(i)}, githubtest.Commit{}
			})
			return p
		},
		"5 MB prompt": func(s *story) *githubtest.Pull {
			long := strings.Repeat("Be kind and brief. ", 5<<20/19)
			return s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/refund.md": long, ".changes/brief.yml": storyRequest}})
		},
	} {
		for _, warm := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/warm=%v", name, warm), func(b *testing.B) {
				s := tell(b, "maintain")
				p := open(s)
				p.Review("lead1", "APPROVED")
				p.Push("dev1", githubtest.Files{"LICENSE": "y\n"})
				read := func(c *Client, known Known) Known {
					g, err := c.Gather(b.Context(), s.wake(p), known)
					if err != nil || len(g.Change.Gaps) > 0 {
						b.Fatalf("%v, gaps %v", err, g.Change.Gaps)
					}
					return g.Known
				}
				c := s.client(b, &remembering{had: map[string][]byte{}})
				c.Cache = kept{}
				known := read(c, Known{})
				c.calls.Store(0)
				for b.Loop() {
					if !warm {
						c.Cache, known = kept{}, Known{}
					}
					known = read(c, known)
				}
				b.ReportMetric(float64(c.Calls())/float64(b.N), "calls/op")
			})
		}
	}
}
