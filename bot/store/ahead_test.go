package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/store"
	"changegate/checks"
)

func scheduled(t *testing.T, s *store.Store, number int, at time.Time, paths ...string) {
	t.Helper()
	write(t, s, func(tx *store.Tx) error { return tx.SaveAhead(t.Context(), 33, number, at, paths) })
}

func opened(t *testing.T, s *store.Store, number int, base, state string) {
	t.Helper()
	write(t, s, func(tx *store.Tx) error {
		return tx.SavePull(t.Context(), &store.Pull{Place: checks.Place{OrgID: 22, RepoID: 33, Repo: "acme/agents"}, Number: number, Base: base, State: state})
	})
}

func aheadOf(t *testing.T, s *store.Store, number int, now time.Time) (all []checks.Scheduled) {
	t.Helper()
	read(t, s, func(tx *store.Tx) (err error) {
		all, err = tx.Ahead(t.Context(), 33, number, "main", now)
		return err
	})
	return all
}

func TestAhead(t *testing.T) {
	t.Parallel()
	s := open(t)
	for number, at := range map[int]struct{ base, state string }{
		1: {"main", "open"}, 2: {"main", "open"}, 3: {"main", "open"}, 4: {"release", "open"}, 5: {"main", "closed"},
	} {
		opened(t, s, number, at.base, at.state)
	}
	scheduled(t, s, 1, noon, "a", "b", "c")
	scheduled(t, s, 2, noon.Add(2*time.Hour), "c", "a", "d")
	scheduled(t, s, 3, noon.Add(time.Hour), "b")
	scheduled(t, s, 4, noon.Add(time.Hour), "a") // into another branch
	scheduled(t, s, 5, noon.Add(time.Hour), "a") // closed since
	second := checks.Scheduled{Number: 2, At: noon.Add(2 * time.Hour), Paths: []string{"a", "c"}}
	third := checks.Scheduled{Number: 3, At: noon.Add(time.Hour), Paths: []string{"b"}}
	if d := cmp.Diff([]checks.Scheduled{third, second}, aheadOf(t, s, 1, noon.Add(-time.Hour))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff([]checks.Scheduled{second}, aheadOf(t, s, 1, noon.Add(time.Hour))); d != "" {
		t.Errorf("at the date of the third (-want +got):\n%s", d)
	}
	scheduled(t, s, 2, time.Time{})
	if d := cmp.Diff([]checks.Scheduled{third}, aheadOf(t, s, 1, noon.Add(-time.Hour))); d != "" {
		t.Errorf("when the second waits no more (-want +got):\n%s", d)
	}
	if got := aheadOf(t, s, 2, noon.Add(-time.Hour)); got != nil {
		t.Errorf("one that waits for no date is told of %+v", got)
	}
}

// Of many only the first few are named, each with its files.
func TestAheadIsBounded(t *testing.T) {
	t.Parallel()
	s := open(t)
	var want []int
	for n := 1; n <= 9; n++ {
		opened(t, s, n, "main", "open")
		scheduled(t, s, n, noon.Add(time.Duration(10-n)*time.Hour), "a", fmt.Sprint(n))
	}
	for n := 9; n > 4; n-- {
		want = append(want, n)
	}
	var got []int
	for _, x := range aheadOf(t, s, 1, noon) {
		got = append(got, x.Number)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
