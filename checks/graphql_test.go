package checks

import (
	"errors"
	"net/http"
	"testing"

	"changegate/checks/githubtest"
)

// TestPagesOfDifferentMoments do not belong together: the pull request is read once
// more from the beginning, and if that does not help it is not judged.
func TestPagesOfDifferentMoments(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"commits", "reviews"} {
		s := tell(t, "write", githubtest.Options{PageSize: 1})
		p := s.open()
		p.Push("dev1", githubtest.Files{"README.md": "y\n"})
		p.Review("lead1", "APPROVED")
		total := []any{"data", "repository", "pullRequest", list, "totalCount"}
		once := &tampering{next: http.DefaultTransport, answer: 2, change: func(v any) any { return replaced(v, total, 7) }}
		g, err := s.client(t, once).Gather(t.Context(), s.wake(p), Known{})
		if err != nil || len(g.Change.Commits) != 2 || len(g.Change.Reviews) != 1 || len(g.Change.Gaps) > 0 {
			t.Errorf("%s changed once: %+v, %v", list, g, err)
		}
		always := &tampering{next: http.DefaultTransport, change: once.change}
		always.saw = func(n int, _ []byte) {
			if n%2 == 0 {
				always.answer = n // the second page, whichever try it is of
			}
		}
		if g, err := s.client(t, always).Gather(t.Context(), s.wake(p), Known{}); !errors.Is(err, errMoved) {
			t.Errorf("%s change all the time: %+v, %v", list, g, err)
		}
		if always.seen != 4 {
			t.Errorf("%s: %d answers, want two pages twice", list, always.seen)
		}
	}
}

// TestReviewIDsAreWhole: they have outgrown the 32 bits of GraphQL's Int.
func TestReviewIDsAreWhole(t *testing.T) {
	t.Parallel()
	for want, r := range map[int64]reviewAnswer{
		3_000_000_001: {FullID: "3000000001"}, 9: {DatabaseID: 9}, 10: {DatabaseID: 9, FullID: "10"}, 0: {FullID: "nine"},
	} {
		if got := r.id(); got != want {
			t.Errorf("%+v: id %d, want %d", r, got, want)
		}
	}
}
