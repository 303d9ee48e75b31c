package bot

import (
	"path/filepath"
	"testing"
	"time"

	"changegate/bot/store"
	"changegate/checks"
)

// TestForgottenHoldsNobodyBack: a pull request that GitHub no longer has, such as one
// of an account that was suspended, must not hold back for ever another one that has
// the same commit.
func TestForgottenHoldsNobodyBack(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	b := &Bot{Config: Config{Store: st, Now: func() time.Time { return now }}, metrics: newMetrics(nil)}
	place := checks.Place{Installation: 1, OrgID: 2, Org: "acme", RepoID: 3, Repo: "acme/agents"}
	if err := st.Write(t.Context(), func(tx *store.Tx) error {
		for n := 4; n <= 5; n++ {
			p := &store.Pull{Place: place, Number: n, Base: "main", Head: "h", State: "open", Record: -1, MergeRecord: -1,
				Run: checks.Written{ID: 9, Status: "in_progress"}, RunHash: "x"}
			if err := tx.SavePull(t.Context(), p); err != nil {
				return err
			}
		}
		return tx.Raise(t.Context(), checks.Wake{Place: place, Number: 4, Base: "main"}, "test", now)
	}); err != nil {
		t.Fatal(err)
	}
	claim := func() *store.Job {
		j, err := st.Claim(t.Context(), now, lease)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	if err := b.forget(t.Context(), claim()); err != nil {
		t.Fatal(err)
	}
	if j := claim(); j == nil || j.Number != 5 {
		t.Errorf("the next job is %+v, want that of number 5", j)
	}
	if err := st.Read(t.Context(), func(tx *store.Tx) error {
		left, err := tx.Siblings(t.Context(), place.RepoID, "main", "h", 0)
		if len(left) != 1 || left[0].Number != 5 || left[0].Run.Status != "completed" || left[0].RunHash != "" {
			t.Errorf("%d pull requests at the commit, the first %+v; want number 5, to go on in another run", len(left), left[0])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
