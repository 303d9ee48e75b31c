package checks

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

func never([]rules.Push) bool { return false }

// TestPushers: who pushed is whom GitHub authenticated, whatever the commits say, in
// the repository and in a fork, in one page and in many.
func TestPushers(t *testing.T) {
	t.Parallel()
	for _, page := range []int{0, 1} {
		for _, fork := range []bool{false, true} {
			s := tell(t, "maintain", githubtest.Options{PageSize: page})
			s.repo.Public()
			p := s.repo.Open("dev1", githubtest.PR{Fork: fork, Files: githubtest.Files{"prompts/refund.md": "a\n"}})
			first := p.Head()
			second := p.Push("lead1", githubtest.Files{"prompts/refund.md": "b\n"}, githubtest.Commit{Author: "dev1", Committer: "dev1"})
			third := p.ForcePush("lead2", githubtest.Files{"prompts/refund.md": "c\n"})
			g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.client(t, http.DefaultTransport).Pushers(t.Context(), s.place(), g.HeadRepo, g.Change.Head.Branch, never)
			if err != nil {
				t.Fatal(err)
			}
			var pushes []string
			for _, p := range got {
				pushes = append(pushes, p.By.Login+" "+map[bool]string{true: "forced "}[p.Forced]+p.Before+" "+p.After)
			}
			want := []string{"lead2 forced " + second + " " + third, "lead1 " + first + " " + second, "dev1 " + strings.Repeat("0", 40) + " " + first}
			if diff := cmp.Diff(want, pushes); diff != "" {
				t.Errorf("pages of %d, fork %v (-want +got):\n%s", page, fork, diff)
			}
			c := s.client(t, http.DefaultTransport)
			if got, _ := c.Pushers(t.Context(), s.place(), g.HeadRepo, g.Change.Head.Branch, func(p []rules.Push) bool { return p[0].After == third }); page == 1 && len(got) != 1 {
				t.Errorf("it had enough after one: %d", len(got))
			}
		}
	}
}

// TestPushersOfWhatIsGone: a fork that was deleted or is private is told from a fault.
func TestPushersOfWhatIsGone(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	_, err := s.client(t, http.DefaultTransport).Pushers(t.Context(), s.place(), "dev1/agents", "x", never)
	if !errors.Is(err, ErrGone) {
		t.Errorf("no such fork: %v", err)
	}
	s.gh.DeleteUser("lead2")
	s.repo.Push("lead1", "x", githubtest.Files{"a": "1"})
	s.gh.DeleteUser("lead1")
	got, err := s.client(t, http.DefaultTransport).Pushers(t.Context(), s.place(), s.repo.Name(), "x", never)
	if err != nil || len(got) != 1 || got[0].By != (rules.Person{}) {
		t.Errorf("pushed by a deleted account: %+v, %v", got, err)
	}
}

// TestHolesInActivityHidePushesFromNobody: whatever is missing in the answer, the
// pushes that are left say that one is unknown, or there is an error.
func TestHolesInActivityHidePushesFromNobody(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	p := s.open()
	head := p.Push("lead1", githubtest.Files{"prompts/refund.md": "b\n"})
	var whole []byte
	x := &tampering{next: &remembering{had: map[string][]byte{}}, saw: func(_ int, body []byte) { whole = body }}
	c := s.client(t, x)
	commits := []rules.Commit{{ID: head}}
	g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
	if err != nil {
		t.Fatal(err)
	}
	commits = g.Change.Commits
	seen := func() (known bool) {
		heard, err := c.Pushers(t.Context(), s.place(), s.repo.Name(), g.Change.Head.Branch, never)
		pushes, unknown := rules.Chain(head, commits, heard)
		by := map[int64]bool{}
		for _, p := range pushes {
			by[p.By.ID] = true
		}
		return err != nil || unknown != "" || by[0] || len(by) == 2
	}
	if !seen() {
		t.Fatal("read whole, and somebody is missing")
	}
	x.saw = nil
	var v any
	if err := json.Unmarshal(whole, &v); err != nil {
		t.Fatal(err)
	}
	places(v, nil, func(at []any, less ...any) {
		for _, with := range less {
			x.seen, x.answer, x.change = 0, 1, func(v any) any { return replaced(v, at, with) }
			if !seen() {
				t.Errorf("%T at %v: a pusher is hidden", with, at)
			}
		}
	})
}
