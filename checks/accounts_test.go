package checks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// kept is a cache that forgets nothing.
type kept map[string][]byte

func (k kept) Get(_ context.Context, key string) ([]byte, bool) { v, ok := k[key]; return v, ok }

func (k kept) Put(_ context.Context, key string, value []byte) {
	if _, ok := k[key]; !ok {
		k[key] = value
	}
}

// TestLoginsArePinned: whom a login names is asked once for a version of the policy.
// Whoever gets the login afterwards is not named by it, and whoever registers one
// that nobody had names nobody.
func TestLoginsArePinned(t *testing.T) {
	t.Parallel()
	s := tell(t, "Lead1, missing")
	c := s.client(t, http.DefaultTransport)
	c.Cache = kept{}
	p := s.open()
	want := rules.Change{Accounts: []rules.Account{{Login: "lead1", ID: s.gh.User("lead1")}}, Unknown: []string{"missing"}}
	same := func(when string, lookups int) {
		t.Helper()
		g, n := s.read(t, c, p, Known{})
		if n != lookups {
			t.Errorf("%s: %d look-ups, want %d", when, n, lookups)
		}
		if diff := cmp.Diff(want, rules.Change{Accounts: g.Change.Accounts, Unknown: g.Change.Unknown}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	same("cold", 1)
	same("warm", 0)
	s.gh.Rename("lead1", "lead-one")
	s.gh.User("lead1", "missing")
	same("taken by others", 0)
	policy, _ := s.repo.Read("main", PolicyPath)
	s.repo.Push("dev1", "main", githubtest.Files{PolicyPath: policy + "# read again\n"})
	want.Accounts = []rules.Account{{Login: "lead1", ID: s.gh.User("lead1")}, {Login: "missing", ID: s.gh.User("missing")}}
	want.Unknown = nil
	same("a new version of the policy", 1)
}

// written is an account memory that can fail, as one in a database can.
type written struct {
	kept map[string]int64
	err  error
}

func (w written) Account(_ context.Context, _ int64, blob, login string) (int64, bool, error) {
	id, ok := w.kept[blob+" "+login]
	return id, ok, w.err
}

func (w written) SaveAccount(_ context.Context, _ int64, blob, login string, id int64) error {
	w.kept[blob+" "+login] = id
	return nil
}

// TestAccountsAreKeptWhereTheyAreGiven: a durable memory is asked before GitHub, and
// when it fails nobody is named.
func TestAccountsAreKeptWhereTheyAreGiven(t *testing.T) {
	t.Parallel()
	s := tell(t, "lead1")
	c := s.client(t, http.DefaultTransport)
	memory := written{kept: map[string]int64{}}
	c.Accounts = memory
	p := s.open()
	cold, n := s.read(t, c, p, Known{})
	warm, m := s.read(t, c, p, Known{})
	if n != 1 || m != 0 || len(memory.kept) != 1 || len(cold.Change.Accounts) != 1 || !cmp.Equal(cold.Change.Accounts, warm.Change.Accounts) {
		t.Errorf("%d and %d look-ups, kept %v, accounts %v and %v", n, m, memory.kept, cold.Change.Accounts, warm.Change.Accounts)
	}
	memory.err = errors.New("the database is gone")
	c.Accounts = memory
	if _, err := c.Gather(t.Context(), s.wake(p), Known{}); !errors.Is(err, memory.err) {
		t.Errorf("a memory that fails: %v", err)
	}
}

// TestALoginThatWasNotRead is not one that nobody has: that would be remembered.
func TestALoginThatWasNotRead(t *testing.T) {
	t.Parallel()
	s := tell(t, "lead1")
	p := s.open()
	for _, with := range []any{nil, map[string]any{}, map[string]any{"login": "lead1"}} {
		x := &tampering{next: http.DefaultTransport, answer: 3, change: func(v any) any { return replaced(v, []any{"data", "user0"}, with) }}
		c := s.client(t, x)
		memory := written{kept: map[string]int64{}}
		c.Accounts = memory
		if g, err := c.Gather(t.Context(), s.wake(p), Known{}); err == nil || len(memory.kept) > 0 {
			t.Errorf("%v: %+v, kept %v", with, g, memory.kept)
		}
	}
}

// TestLoginsOfUntouchedGroups name nobody who could approve here, but are pinned all
// the same, in the first look-up: by the time such a group is touched somebody else
// may have the login.
func TestLoginsOfUntouchedGroups(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	group := "  - {name: evals, kind: eval, paths: [\"evals/**\"], approvals: [{count: 1, from: [missing, lead1]}]}\n"
	policy, _ := s.repo.Read("main", PolicyPath)
	s.repo.Push("dev1", "main", githubtest.Files{PolicyPath: strings.Replace(policy, "governed:\n", "governed:\n"+group, 1)})
	c := s.client(t, http.DefaultTransport)
	c.Cache = kept{}
	p := s.open()
	for i, lookups := range []int{1, 0} {
		if g, n := s.read(t, c, p, Known{}); n != lookups || len(g.Change.Unknown) > 0 || len(g.Change.Accounts) > 0 {
			t.Errorf("reading %d: %d look-ups, unknown %v, accounts %v", i+1, n, g.Change.Unknown, g.Change.Accounts)
		}
	}
	meant := s.gh.User("lead1")
	s.gh.Rename("lead1", "lead-one")
	s.gh.User("lead1", "missing")
	p = s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"evals/a.md": "x\n"}, Body: storyRequest})
	g, n := s.read(t, c, p, Known{})
	want := []rules.Account{{Login: "lead1", ID: meant}}
	if n != 0 || !slices.Equal(g.Change.Accounts, want) || !slices.Contains(g.Change.Unknown, "missing") {
		t.Errorf("%d look-ups, accounts %v, want %v; unknown %v", n, g.Change.Accounts, want, g.Change.Unknown)
	}
}

// TestLoginsOfTheFloorAreOfAllRepositories: whom one names does not depend on which
// repository was read first.
func TestLoginsOfTheFloorAreOfAllRepositories(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.gh.Repo("acme/.github", githubtest.Files{PolicyPath: strings.Replace(floorText, "maintain", "lead1", 1)})
	other := s.gh.Repo("acme/bots", githubtest.Files{PolicyPath: fmt.Sprintf(storyPolicy, "write"), "prompts/refund.md": "Be kind.\n"})
	c := s.client(t, http.DefaultTransport)
	c.Cache = kept{}
	want := []rules.Account{{Login: "lead1", ID: s.gh.User("lead1")}}
	for i, lookups := range []int{1, 0} {
		if g, n := s.read(t, c, s.open(), Known{}); n != lookups || !slices.Equal(g.Change.Accounts, want) {
			t.Errorf("in %s: %d look-ups, want %d; accounts %v, want %v", g.Place.Repo, n, lookups, g.Change.Accounts, want)
		}
		if i == 0 {
			s.gh.Rename("lead1", "lead-one")
			s.gh.User("lead1")
			s.repo = other
		}
	}
}

// TestTeamsArePinned: a team's name is free again when the team is deleted, and
// whoever may create teams could take it. A new version of the policy means the team
// of today.
func TestTeamsArePinned(t *testing.T) {
	t.Parallel()
	s := tell(t, `"@acme/owners"`)
	c := s.client(t, http.DefaultTransport)
	c.Cache = kept{}
	p := s.open()
	s.gh.Team("acme/owners", "lead1")
	s.gh.User("rev1")
	s.repo.Role("rev1", "write")
	p.Review("rev1", "APPROVED")
	replaced := func(when string, want ...string) {
		t.Helper()
		g, _ := s.read(t, c, p, Known{})
		if !slices.Equal(g.Change.Replaced, want) || !slices.Equal(g.Known.Roles.Replaced, want) {
			t.Errorf("%s: replaced %q, want %q", when, g.Change.Replaced, want)
		}
		if held := len(g.Change.Reviews[0].Teams) > 0; held && len(want) > 0 {
			t.Errorf("%s: the reviewer is taken for a member of the team that was meant", when)
		}
	}
	replaced("first")
	s.gh.DeleteTeam("acme/owners")
	s.gh.Team("acme/owners", "rev1")
	replaced("the name was taken", "@acme/owners")
	policy, _ := s.repo.Read("main", PolicyPath)
	s.repo.Push("dev1", "main", githubtest.Files{PolicyPath: policy + "# the new team is meant\n"})
	replaced("a new version of the policy")
}

// TestManyLoginsOfUntouchedGroups are pinned some at a time.
func TestManyLoginsOfUntouchedGroups(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	group := ""
	for i := range mostPinned/10 + 2 {
		var from []string
		for k := range 10 {
			from = append(from, fmt.Sprintf("somebody-%d-%d", i, k))
		}
		group += fmt.Sprintf("  - {name: evals-%d, kind: eval, paths: [\"evals/%d/**\"], approvals: [{count: 1, from: [%s]}]}\n", i, i, strings.Join(from, ", "))
	}
	policy, _ := s.repo.Read("main", PolicyPath)
	s.repo.Push("dev1", "main", githubtest.Files{PolicyPath: strings.Replace(policy, "governed:\n", "governed:\n"+group, 1)})
	c, p := s.client(t, http.DefaultTransport), s.open()
	memory := written{kept: map[string]int64{}}
	c.Accounts = memory
	for _, want := range []int{mostPinned, mostPinned + 20, mostPinned + 20} {
		if s.read(t, c, p, Known{}); len(memory.kept) != want {
			t.Errorf("%d logins are pinned, want %d", len(memory.kept), want)
		}
	}
}
