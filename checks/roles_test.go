package checks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// read gathers a pull request and says how many look-ups that took.
func (s *story) read(t *testing.T, c *Client, p *githubtest.Pull, known Known) (g *Gathered, lookups int) {
	t.Helper()
	s.gh.ResetCalls()
	g, err := c.Gather(t.Context(), s.wake(p), known)
	if err != nil {
		t.Fatal(err)
	}
	return g, s.lookups()
}

func (s *story) lookups() (n int) {
	for _, call := range s.gh.Calls() {
		if call.Operation == "Lookup" {
			n++
		}
	}
	return n
}

// durable is what the store makes of what is known: it goes through JSON.
func durable(t *testing.T, k Known) (out Known) {
	t.Helper()
	data, err := json.Marshal(k)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRolesAreRememberedUntilConfirmed: warm, the roles of known people cost no call.
// Confirm asks them once, and then says what is so now.
func TestRolesAreRememberedUntilConfirmed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from string
		lose func(*story)
	}{
		"a team":       {`"@acme/leads"`, func(s *story) { s.gh.LeaveTeam("acme/leads", "lead1"); s.repo.Role("lead1", "write") }},
		"a permission": {"maintain", func(s *story) { s.gh.LeaveTeam("acme/leads", "lead1"); s.repo.Role("lead1", "write") }},
		"no such team": {`"@acme/leads"`, func(s *story) { s.gh.DeleteTeam("acme/leads"); s.repo.Role("lead1", "write") }},
	} {
		s := tell(t, tt.from)
		c := s.client(t, http.DefaultTransport)
		p := s.open()
		p.Review("lead1", "APPROVED")
		cold, n := s.read(t, c, p, Known{})
		if n != 1 || cold.Remembered || outcome(cold).State != rules.Ready {
			t.Errorf("%s, cold: %d look-ups, remembered %v, %s", name, n, cold.Remembered, outcome(cold).State)
		}
		warm, n := s.read(t, c, p, durable(t, cold.Known))
		if n != 0 || !warm.Remembered || outcome(warm).State != rules.Ready {
			t.Errorf("%s, warm: %d look-ups, remembered %v, %s", name, n, warm.Remembered, outcome(warm).State)
		}
		if diff := cmp.Diff(cold.Change, warm.Change); diff != "" {
			t.Errorf("%s: remembered is not what was asked (-cold +warm):\n%s", name, diff)
		}
		tt.lose(s)
		lost, _ := s.read(t, c, p, durable(t, warm.Known))
		s.gh.ResetCalls()
		for range 2 { // the second time there is nothing to confirm
			if err := c.Confirm(t.Context(), lost); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.lookups(); n != 1 || lost.Remembered || outcome(lost).State == rules.Ready {
			t.Errorf("%s, lost: %d look-ups, remembered %v, %s", name, n, lost.Remembered, outcome(lost).State)
		}
		live, _ := s.read(t, c, p, Known{})
		outcome(live)
		if diff := cmp.Diff(live.Change, lost.Change); diff != "" {
			t.Errorf("%s: confirmed is not what is asked live (-live +confirmed):\n%s", name, diff)
		}
		if diff := cmp.Diff(live.Known.Roles, lost.Known.Roles); diff != "" {
			t.Errorf("%s: what is known then (-live +confirmed):\n%s", name, diff)
		}
	}
}

// TestConfirmTakesAway what was remembered and is not held any more: a role lost in
// the moment before the verdict turns green.
func TestConfirmTakesAway(t *testing.T) {
	t.Parallel()
	for _, from := range []string{`"@acme/leads"`, "maintain"} {
		s := tell(t, from)
		c := s.client(t, http.DefaultTransport)
		p := s.open()
		p.Review("lead1", "APPROVED")
		first, _ := s.read(t, c, p, Known{})
		g, _ := s.read(t, c, p, durable(t, first.Known))
		s.gh.LeaveTeam("acme/leads", "lead1")
		if before := outcome(g).State; !g.Remembered || before != rules.Ready {
			t.Fatalf("%s: remembered %v, %s", from, g.Remembered, before)
		}
		if err := c.Confirm(t.Context(), g); err != nil || outcome(g).State == rules.Ready {
			t.Errorf("%s: %s, %+v, %v", from, outcome(g).State, g.Change.Reviews, err)
		}
	}
}

// TestConfirmThatFails leaves the reading as it was: remembered, so that it is not
// taken for confirmed.
func TestConfirmThatFails(t *testing.T) {
	t.Parallel()
	s := tell(t, `"@acme/leads"`)
	c := s.client(t, http.DefaultTransport)
	p := s.open()
	p.Review("lead1", "APPROVED")
	first, _ := s.read(t, c, p, Known{})
	g, _ := s.read(t, c, p, durable(t, first.Known))
	s.gh.Fault(githubtest.Fault{Path: "graphql", Kind: "502"})
	if err := c.Confirm(t.Context(), g); err == nil || !g.Remembered || !cmp.Equal(first.Change, g.Change) {
		t.Errorf("remembered %v, %v", g.Remembered, err)
	}
}

// TestRolesAreAskedAgain when the memory does not answer everything: somebody new,
// another question, a write permission that the reviews say is another one now.
func TestRolesAreAskedAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from    string
		change  func(*story, *githubtest.Pull)
		lookups int
	}{
		"nothing changed":         {"maintain", func(*story, *githubtest.Pull) {}, 0},
		"a comment":               {"maintain", func(_ *story, p *githubtest.Pull) { p.Review("lead2", "COMMENTED") }, 0},
		"somebody new":            {"maintain", func(_ *story, p *githubtest.Pull) { p.Review("lead2", "APPROVED") }, 1},
		"write was taken away":    {"maintain", func(s *story, _ *githubtest.Pull) { s.repo.TeamRole("acme/leads", "read") }, 1},
		"maintain was taken away": {"maintain", func(s *story, _ *githubtest.Pull) { s.repo.TeamRole("acme/leads", "write") }, 0}, // an event tells, and Confirm
		"another question": {`"@acme/leads"`, func(s *story, _ *githubtest.Pull) {
			policy, _ := s.repo.Read("main", PolicyPath)
			s.repo.Push("dev1", "main", githubtest.Files{PolicyPath: strings.Replace(policy, "@acme/leads", "@acme/others", 1)})
		}, 1},
	} {
		s := tell(t, tt.from)
		c := s.client(t, http.DefaultTransport)
		p := s.open()
		p.Review("lead1", "APPROVED")
		first, _ := s.read(t, c, p, Known{})
		tt.change(s, p)
		if g, n := s.read(t, c, p, durable(t, first.Known)); n != tt.lookups || g.Remembered != (tt.lookups == 0) {
			t.Errorf("%s: %d look-ups, want %d; remembered %v", name, n, tt.lookups, g.Remembered)
		}
	}
}

// TestWriteCostsNothing: it comes with the review, so there is nothing to look up,
// nothing to remember and nothing to confirm. Who gave an opinion is known all the
// same: what becomes of their permissions concerns the pull request.
func TestWriteCostsNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.repo.Push("dev1", "main", githubtest.Files{PolicyPath: strings.ReplaceAll(strings.Split(storyPolicy, "    require_checks")[0], "%s", "write")})
	c := s.client(t, http.DefaultTransport)
	p := s.open()
	p.Review("lead1", "APPROVED")
	g, n := s.read(t, c, p, Known{})
	if err := c.Confirm(t.Context(), g); err != nil || n+s.lookups() != 0 || g.Remembered || outcome(g).State != rules.Ready {
		t.Errorf("%d look-ups, remembered %v, %s, %v", n+s.lookups(), g.Remembered, outcome(g).State, err)
	}
	if r := g.Known.Roles; r == nil || len(r.Holders) != 1 || r.Holders[0].ID != g.Change.Reviews[0].By.ID {
		t.Errorf("known: %+v", r)
	}
	s.repo.TeamRole("acme/leads", "read")
	if g, n := s.read(t, c, p, durable(t, g.Known)); n != 0 || outcome(g).State == rules.Ready {
		t.Errorf("write was taken away: %d look-ups, %s", n, outcome(g).State)
	}
}

// TestAnAnswerWithAGapIsNotRemembered: a membership that GitHub did not tell stays
// to be asked.
func TestAnAnswerWithAGapIsNotRemembered(t *testing.T) {
	t.Parallel()
	s := tell(t, `"@acme/leads"`)
	x := &tampering{next: http.DefaultTransport, answer: 3, change: func(v any) any {
		return replaced(v, []any{"data", "team0", "team", "voter0"}, nil)
	}}
	c := s.client(t, x)
	p := s.open()
	p.Review("lead1", "APPROVED")
	g, _ := s.read(t, c, p, Known{})
	if !slices.ContainsFunc(g.Change.Gaps, func(g rules.Gap) bool { return g.What == "roles" }) {
		t.Fatalf("gaps %v", g.Change.Gaps)
	}
	x.answer = 0
	if g, n := s.read(t, c, p, durable(t, g.Known)); n != 1 || g.Remembered || len(g.Change.Gaps) > 0 {
		t.Errorf("asked again in %d look-ups, remembered %v, gaps %v", n, g.Remembered, g.Change.Gaps)
	}
}

// TestALoginThatIsPartOfManyOthers is not among the first hundred that GitHub finds: the
// very account is asked about, whether it is a member, was one, or never was anything.
func TestALoginThatIsPartOfManyOthers(t *testing.T) {
	t.Parallel()
	for _, from := range []string{`"@acme/leads"`, "maintain"} {
		s := tell(t, from)
		for i := range 101 {
			s.gh.User(fmt.Sprintf("peer%03d", i))
			s.gh.Team("acme/leads", fmt.Sprintf("peer%03d", i))
		}
		s.gh.User("e", "p")
		s.gh.Team("acme/leads", "e")
		p := s.open()
		p.Review("p", "APPROVED")
		p.Review("e", "APPROVED")
		c := s.client(t, http.DefaultTransport)
		g, n := s.read(t, c, p, Known{})
		if v := outcome(g); n != 1 || v.State != rules.Ready || len(g.Change.Gaps) > 0 {
			t.Errorf("%s: %d look-ups, %s %q, gaps %v", from, n, v.State, v.Title, g.Change.Gaps)
		}
		s.gh.LeaveTeam("acme/leads", "e")
		s.repo.Role("e", "write")
		if err := c.Confirm(t.Context(), remembered(g)); err != nil || outcome(g).State != rules.Waiting || len(g.Change.Gaps) > 0 {
			t.Errorf("%s, lost: %s, gaps %v, %v", from, outcome(g).State, g.Change.Gaps, err)
		}
	}
}

// remembered makes a reading one whose roles were not asked in it.
func remembered(g *Gathered) *Gathered {
	g.Remembered = true
	return g
}
