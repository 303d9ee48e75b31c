package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// remember claims the pull request, saves m for it and gives the job back.
func remember(t *testing.T, s *store.Store, number int, m store.Memory) {
	t.Helper()
	raise(t, s, pull(number), noon)
	j := mustClaim(t, s, noon)
	write(t, s, func(tx *store.Tx) error { return tx.SaveMemory(t.Context(), j, acme.RepoID, m) })
	finish(t, s, j, time.Time{}, noon)
}

func memory(t *testing.T, s *store.Store, number int) (m store.Memory) {
	t.Helper()
	read(t, s, func(tx *store.Tx) (err error) {
		m, err = tx.Memory(t.Context(), acme.RepoID, number)
		return err
	})
	return m
}

func holders(team string, ids ...int64) store.Memory {
	r := &checks.Roles{At: noon, Asked: "x", Teams: []string{team}}
	for _, id := range ids {
		r.Holders = append(r.Holders, checks.Holder{ID: id, Permission: "write"})
	}
	return store.Memory{Known: checks.Known{Roles: r}}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	s := open(t)
	want := holders("@acme/owners", 7)
	want.Revisions = []rules.Revision{{Commit: "c", Base: "main", Files: []rules.File{{Path: "a", New: "b"}}}}
	want.Bases = []checks.SeenBase{{Branch: "main"}, {Branch: "next", Since: noon}}
	want.Reviewed, want.EditedAt = map[int64]string{5: "d", 6: ""}, noon
	want.Requires = []string{"evals"}
	want.Comment, want.Rechecked = 8, noon
	want.Holds = []rules.Hold{{By: rules.Person{ID: 7, Login: "rev1"}, As: "write", At: noon, Reason: "look"}}
	want.Green = "main@h"
	want.Asked = store.Asked{Head: "h", At: noon}
	for _, m := range []store.Memory{want, {}, want} {
		remember(t, s, 1, m)
		if diff := cmp.Diff(m, memory(t, s, 1)); diff != "" {
			t.Errorf("remembered (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(store.Memory{}, memory(t, s, 2)); diff != "" {
		t.Errorf("of an unknown pull request (-want +got):\n%s", diff)
	}
}

// A membership that changes while a pull request is being judged takes the roles
// away for good: the run that asked them before must not bring them back.
func TestRolesTakenAwayDuringARunStayAway(t *testing.T) {
	t.Parallel()
	s := open(t)
	remember(t, s, 1, holders("@acme/owners", 7))
	raise(t, s, pull(1), noon)
	j := mustClaim(t, s, noon)
	raise(t, s, checks.Wake{Place: acme, Member: 7}, noon)
	write(t, s, func(tx *store.Tx) error {
		return tx.SaveMemory(t.Context(), j, acme.RepoID, holders("@acme/owners", 7))
	})
	finish(t, s, j, time.Time{}, noon)
	if m := memory(t, s, 1); m.Roles != nil {
		t.Errorf("the roles are %+v, want none", m.Roles)
	}
	if diff := cmp.Diff([]int{1}, numbers(t, s, noon)); diff != "" {
		t.Errorf("judged again (-want +got):\n%s", diff)
	}
}

func TestNarrowWakes(t *testing.T) {
	t.Parallel()
	org := checks.Place{Installation: 11, OrgID: 22, Org: "acme"}
	elsewhere := checks.Place{Installation: 12, OrgID: 23, Org: "other"}
	for name, c := range map[string]struct {
		wake checks.Wake
		want []int
	}{
		"by member":               {checks.Wake{Place: org, Member: 7}, []int{1, 3}},
		"by member of nothing":    {checks.Wake{Place: org, Member: 9}, nil},
		"by collaborator":         {checks.Wake{Place: acme, Member: 8}, []int{1}},
		"by member, everywhere":   {checks.Wake{Place: org, Member: 8}, []int{1, 6}},
		"by team":                 {checks.Wake{Place: org, Team: "@acme/owners"}, []int{1, 2, 6}},
		"by a team nobody knew":   {checks.Wake{Place: org, Team: "@acme/gone"}, []int{3}},
		"by what a team may do":   {checks.Wake{Place: acme, Reviewed: true}, []int{1, 3}},
		"by a team nobody asks":   {checks.Wake{Place: org, Team: "@acme/own"}, nil},
		"in another organisation": {checks.Wake{Place: elsewhere, Member: 7}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			remember(t, s, 1, holders("@acme/owners", 7, 8))
			remember(t, s, 2, holders("@acme/owners"))
			gone := holders("@acme/others", 7)
			gone.Roles.Unknown = []string{"@acme/gone"}
			remember(t, s, 3, gone)
			remember(t, s, 4, store.Memory{}) // nothing was asked: the next reading asks
			remember(t, s, 5, holders("@acme/owners", 7))
			savePull(t, s, &store.Pull{Place: acme, Number: 5, State: "closed", Record: -1, MergeRecord: -1})
			other := acme // of the same organisation
			other.RepoID, other.Repo = 44, "acme/other"
			raise(t, s, checks.Wake{Place: other, Number: 6}, noon)
			j := mustClaim(t, s, noon)
			write(t, s, func(tx *store.Tx) error {
				return tx.SaveMemory(t.Context(), j, other.RepoID, holders("@acme/owners", 8))
			})
			finish(t, s, j, time.Time{}, noon)
			raise(t, s, c.wake, noon)
			if diff := cmp.Diff(c.want, numbers(t, s, noon)); diff != "" {
				t.Errorf("woken (-want +got):\n%s", diff)
			}
			for n := 1; n <= 3; n++ {
				if asked := memory(t, s, n).Roles == nil; asked != has(c.want, n) {
					t.Errorf("pull request %d is asked for its roles again: %v", n, asked)
				}
			}
		})
	}
}

// A check that ended wakes the pull requests whose policy requires one of its name.
func TestCheckWakes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]int{"evals": {1, 3}, "lint": {3}} {
		s := open(t)
		for n := 1; n <= 3; n++ {
			known(t, s, n, "main", "aaa")
		}
		known(t, s, 4, "main", "bbb")
		remember(t, s, 1, store.Memory{Requires: []string{"evals", "other"}})
		remember(t, s, 2, store.Memory{Requires: []string{"other"}}) // 3 was not read yet
		remember(t, s, 4, store.Memory{Requires: []string{"evals"}})
		raise(t, s, checks.Wake{Place: acme, Head: "aaa", Check: name}, noon)
		if diff := cmp.Diff(want, numbers(t, s, noon)); diff != "" {
			t.Errorf("woken by %s (-want +got):\n%s", name, diff)
		}
	}
}

func has(all []int, n int) bool {
	for _, x := range all {
		if x == n {
			return true
		}
	}
	return false
}

func TestHeard(t *testing.T) {
	t.Parallel()
	s := open(t)
	dev, bot := rules.Person{ID: 1, Login: "dev"}, rules.Person{ID: 2, Login: "bot[bot]", Bot: true}
	told := func(branch string, number int, by rules.Person, before, after string, forced bool) checks.Heard {
		return checks.Heard{RepoID: 33, Branch: branch, Number: number, Push: rules.Push{By: by, Before: before, After: after, Forced: forced}}
	}
	all := []checks.Heard{
		told("topic", 0, dev, "", "a", false),
		told("topic", 0, bot, "a", "b", true),
		told("", 4, dev, "a", "b", true), // the same, told by number
		told("", 4, dev, "b", "c", true), // not told by branch
		told("topic", 0, dev, "b", noCommit, false),
		told("topic", 0, rules.Person{}, "b", "d", false),
		told("other", 0, dev, "x", "y", false),
		told("", 5, dev, "p", "q", true),
		told("", 5, dev, "p", "q", false), // GitHub says it was not forced
		told("", 5, dev, "p", "q", true),
	}
	for i := range 2 { // a redelivery adds nothing
		d := store.Delivery{ID: "d" + string(rune('0'+i)), Event: "push", At: noon, Pushes: all}
		if _, err := s.Receive(t.Context(), d, nil, noon); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		branch string
		number int
		want   []rules.Push
	}{
		{"topic", 4, []rules.Push{{By: dev, After: "a"}, {By: bot, Before: "a", After: "b", Forced: true}, {By: dev, Before: "b", After: "c", Forced: true}}},
		{"", 4, []rules.Push{{By: dev, Before: "a", After: "b", Forced: true}, {By: dev, Before: "b", After: "c", Forced: true}}},
		{"", 5, []rules.Push{{By: dev, Before: "p", After: "q"}}},
		{"other", 0, []rules.Push{{By: dev, Before: "x", After: "y"}}},
		{"", 0, nil},
	} {
		read(t, s, func(tx *store.Tx) error {
			got, err := tx.Heard(t.Context(), 33, c.branch, c.number)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("heard of %q and %d (-want +got):\n%s", c.branch, c.number, diff)
			}
			return err
		})
	}
}

const noCommit = "0000000000000000000000000000000000000000"

// A push is kept with its delivery or not at all.
func TestPushesAreStoredWithTheirDelivery(t *testing.T) {
	t.Parallel()
	s := open(t)
	push := checks.Heard{RepoID: 33, Branch: "topic", Push: rules.Push{By: rules.Person{ID: 1}, After: "a"}}
	d := store.Delivery{ID: "d", Event: "push", At: noon, Pushes: []checks.Heard{push}}
	if _, err := s.Receive(t.Context(), d, []checks.Wake{{Number: 8}}, noon); err == nil {
		t.Fatal("a wake with no repository was raised")
	}
	heard := func() (n int) {
		read(t, s, func(tx *store.Tx) error {
			all, err := tx.Heard(t.Context(), 33, "topic", 0)
			n = len(all)
			return err
		})
		return n
	}
	if n := heard(); n != 0 {
		t.Errorf("%d pushes of the refused delivery stayed", n)
	}
	if _, err := s.Receive(t.Context(), d, nil, noon); err != nil || heard() != 1 {
		t.Errorf("received with %d pushes, %v; want 1", heard(), err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	s := open(t)
	day := 24 * time.Hour
	receive := func(id string, at time.Time) (fresh bool) {
		push := checks.Heard{RepoID: 33, Branch: id, Push: rules.Push{By: rules.Person{ID: 1}, After: "a"}}
		fresh, err := s.Receive(t.Context(), store.Delivery{ID: id, Event: "push", At: at, Pushes: []checks.Heard{push}}, nil, at)
		if err != nil {
			t.Fatal(err)
		}
		return fresh
	}
	receive("old", noon.Add(-401*day))
	receive("month", noon.Add(-31*day))
	receive("new", noon.Add(-29*day))
	if err := s.Prune(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	for branch, want := range map[string]int{"old": 0, "month": 1, "new": 1} {
		read(t, s, func(tx *store.Tx) error {
			all, err := tx.Heard(t.Context(), 33, branch, 0)
			if len(all) != want {
				t.Errorf("%s: %d pushes, want %d", branch, len(all), want)
			}
			return err
		})
	}
	if !receive("month", noon) || receive("new", noon) {
		t.Error("want the delivery of a month ago forgotten and the newer one known")
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	s := open(t)
	if _, ok, err := s.Account(t.Context(), 33, "v1", "rev"); ok || err != nil {
		t.Errorf("an account nobody saved: %v, %v", ok, err)
	}
	for _, c := range []struct {
		blob, login string
		id, want    int64
	}{
		{"v1", "rev", 1, 1},
		{"v1", "rev", 9, 1}, // the login was taken by somebody else
		{"v1", "nobody", 0, 0},
		{"v1", "nobody", 9, 0}, // and registered by somebody after
		{"v2", "rev", 9, 9},
	} {
		if err := s.SaveAccount(t.Context(), 33, c.blob, c.login, c.id); err != nil {
			t.Fatal(err)
		}
		if id, ok, err := s.Account(t.Context(), 33, c.blob, c.login); id != c.want || !ok || err != nil {
			t.Errorf("%s of %s is %d, %v, %v; want %d", c.login, c.blob, id, ok, err, c.want)
		}
	}
}

func TestFloor(t *testing.T) {
	t.Parallel()
	s := open(t)
	one := checks.Policy{State: checks.PolicyRead, PolicyText: rules.PolicyText{Commit: "c", Path: checks.PolicyPath, Blob: "b", Data: []byte("version: 1\n")}}
	for _, want := range []checks.Policy{{}, one, {State: checks.PolicyAbsent, Why: "w"}, one} {
		write(t, s, func(tx *store.Tx) error { return tx.SaveFloor(t.Context(), 22, want) })
		read(t, s, func(tx *store.Tx) error {
			got, err := tx.Floor(t.Context(), 22)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("policy (-want +got):\n%s", diff)
			}
			if got, err := tx.Floor(t.Context(), 23); err != nil || got.State != checks.PolicyAbsent {
				t.Errorf("of another organisation: %+v, %v", got, err)
			}
			return err
		})
	}
}
