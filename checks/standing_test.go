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

// glass is a policy whose glass a team, a login and one that nobody has may break.
const glass = `version: 1
mode: enforce
governed:
  - {name: prompts, kind: prompt, paths: ["prompts/**"], rollback: optional, approvals: [{count: 1, from: [maintain]}]}
break_glass:
  who: ["@acme/leads", lead2, nobody-yet]
`

// commanding is a story under that policy, a reading of its pull request, and what has
// to be known of whoever gives a command there.
func commanding(t *testing.T, through http.RoundTripper) (s *story, c *Client, g *Gathered, asked rules.Sources) {
	t.Helper()
	s = tell(t, "maintain")
	s.repo.Push("dev1", "main", githubtest.Files{PolicyPath: glass})
	c = s.client(t, through)
	c.Cache = kept{}
	g, _ = s.read(t, c, s.open(), Known{})
	p, problems := rules.Load(g.Policy.Data, g.Change.Floor)
	if p == nil {
		t.Fatal(problems)
	}
	return s, c, g, p.CommandSources(&g.Change)
}

func (s *story) person(login string) rules.Person {
	return rules.Person{ID: s.gh.User(login), Login: login}
}

// TestStanding: what somebody holds is asked in one call and is that of the moment, and
// asking it changes nothing of the reading.
func TestStanding(t *testing.T) {
	t.Parallel()
	s, c, g, asked := commanding(t, http.DefaultTransport)
	s.gh.User("guest1")
	lead1, was := s.person("lead1"), *g
	was.Change.Reviews = slices.Clone(g.Change.Reviews)
	accounts := []rules.Account{{Login: "lead2", ID: s.gh.User("lead2")}, {Login: "nobody-yet"}}
	stands := func(who rules.Person, permission string, teams ...string) {
		t.Helper()
		s.gh.ResetCalls()
		by, err := c.Standing(t.Context(), g, who, asked)
		want := rules.Speaker{Person: who, Permission: permission, Teams: teams, Accounts: accounts}
		if diff := cmp.Diff(want, by); err != nil || diff != "" {
			t.Errorf("%s, %v (-want +got):\n%s", who.Login, err, diff)
		}
		if n := len(s.gh.Calls()); n != 1 {
			t.Errorf("%s: %d calls", who.Login, n)
		}
	}
	stands(lead1, "maintain", "@acme/leads")
	stands(s.person("dev1"), "write")
	stands(s.person("guest1"), "none")
	s.gh.LeaveTeam("acme/leads", "lead1")
	stands(lead1, "none")
	// Whoever takes a login over is not whom the policy meant, and whoever registers
	// one that nobody had is not either.
	s.gh.Rename("lead2", "lead-two")
	s.gh.User("lead2", "nobody-yet")
	stands(s.person("lead2"), "none")
	// A team that is made again under the old name is another one.
	s.gh.DeleteTeam("acme/leads")
	stands(lead1, "none")
	s.gh.Team("acme/leads", "lead1")
	stands(lead1, "none")
	if diff := cmp.Diff(was.Change, g.Change); diff != "" || g.Known.Roles != was.Known.Roles {
		t.Errorf("the reading is another (-was +is):\n%s", diff)
	}
}

// TestNobodyStandsNowhere: bots and deleted accounts hold nothing, at no cost.
func TestNobodyStandsNowhere(t *testing.T) {
	t.Parallel()
	s, c, g, asked := commanding(t, http.DefaultTransport)
	s.gh.ResetCalls()
	for _, who := range []rules.Person{{}, {ID: s.gh.User("lead1"), Login: "lead1", Bot: true}} {
		by, err := c.Standing(t.Context(), g, who, asked)
		if err != nil || by.Permission != "none" || len(by.Teams)+len(s.gh.Calls()) > 0 {
			t.Errorf("%+v: %+v, %v after %d calls", who, by, err, len(s.gh.Calls()))
		}
	}
}

// TestHolesInStanding: whatever is missing in GitHub's answer, nobody comes to hold more
// than they do, and what is not said is an error.
func TestHolesInStanding(t *testing.T) {
	t.Parallel()
	x := &tampering{next: http.DefaultTransport}
	s, c, g, asked := commanding(t, x)
	var whole any
	x.saw = func(_ int, body []byte) { json.Unmarshal(body, &whole) }
	c.Cache = forgetful{}
	who := s.person("dev1")
	want, err := c.Standing(t.Context(), g, who, asked)
	if err != nil || len(want.Accounts) != 2 {
		t.Fatalf("%+v, %v", want, err)
	}
	x.saw = nil
	tried := 0
	places(whole, nil, func(at []any, less ...any) {
		for _, with := range less {
			tried++
			x.seen, x.answer, x.change = 0, 1, func(v any) any { return replaced(v, at, with) }
			by, err := c.Standing(t.Context(), g, who, asked)
			place := strings.Trim(fmt.Sprint(at), "[]")
			if err == nil && strings.HasPrefix(place, "data team0 team ") && with == nil {
				t.Errorf("nil at %s is an answer: %+v", place, by)
			}
			if err != nil || honest(at, with) {
				continue
			}
			// A search that found nobody says that somebody holds less; all else is known.
			if by.Permission != want.Permission && by.Permission != "none" || len(by.Teams) > 0 || !cmp.Equal(by.Accounts, want.Accounts) {
				t.Errorf("%T at %v: %+v", with, at, by)
			}
		}
	})
	if tried < 30 {
		t.Errorf("only %d holes tried", tried)
	}
}
