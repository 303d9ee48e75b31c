package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/store"
	"changegate/checks"
)

// samplePull has another value in every field.
func samplePull(number int) *store.Pull {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	return &store.Pull{
		Place: acme, Number: number, Base: "main", BaseCommit: "b0", Head: "h0", State: "open",
		Title: "Ünïcode \x00 title", URL: "https://github.example/1",
		Verdict: []byte(`{"state":"ready"}`), VerdictState: "ready", Digest: "d0",
		Record: 4, RecordAt: at(1), MergeRecord: 5,
		Run:     checks.Written{ID: 6, Name: "changegate: main", Head: "h1", Status: "completed", Conclusion: "success", At: at(2)},
		RunHash: "r0", RunCreated: at(3), Page: []byte(`{}`), Sticky: store.Sticky{ID: 7, Hash: "s0", At: at(4)},
	}
}

func TestSavePull(t *testing.T) {
	t.Parallel()
	s := open(t)
	empty := &store.Pull{Place: acme, Number: 1, Record: -1, MergeRecord: -1}
	for _, want := range []*store.Pull{samplePull(1), empty, samplePull(1)} {
		savePull(t, s, want)
		read(t, s, func(tx *store.Tx) error {
			got, err := tx.Pull(t.Context(), acme.RepoID, 1)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pull request (-want +got):\n%s", diff)
			}
			return err
		})
	}
	read(t, s, func(tx *store.Tx) error {
		if p, err := tx.Pull(t.Context(), acme.RepoID, 2); p != nil || err != nil {
			t.Errorf("an unknown pull request: %+v, %v; want nil", p, err)
		}
		return nil
	})
}

func TestFindPulls(t *testing.T) {
	t.Parallel()
	s := open(t)
	known(t, s, 1, "main", "aaa")
	known(t, s, 2, "main", "aaa")
	known(t, s, 3, "next", "aaa")
	known(t, s, 4, "main", "bbb")
	savePull(t, s, &store.Pull{Place: acme, Number: 5, Base: "main", Head: "aaa", State: "merged"})
	other := checks.Place{RepoID: 99, Repo: "Other/Repo", OrgID: 77, Org: "Other"}
	savePull(t, s, &store.Pull{Place: other, Number: 6, Base: "main", Head: "aaa", State: "open"})
	read(t, s, func(tx *store.Tx) error {
		for name, c := range map[string]struct {
			want []int
			find func() ([]*store.Pull, error)
		}{
			"siblings of 1": {[]int{2}, func() ([]*store.Pull, error) { return tx.Siblings(t.Context(), 33, "main", "aaa", 1) }},
			"at a head":     {[]int{1, 2}, func() ([]*store.Pull, error) { return tx.Siblings(t.Context(), 33, "main", "aaa", 0) }},
			"into a branch": {[]int{1, 2, 4}, func() ([]*store.Pull, error) { return tx.OpenPulls(t.Context(), 33, "main") }},
			"open":          {[]int{1, 2, 3, 4}, func() ([]*store.Pull, error) { return tx.OpenPulls(t.Context(), 33, "") }},
			"named": {[]int{6}, func() ([]*store.Pull, error) {
				p, err := tx.PullNamed(t.Context(), "other/REPO", 6)
				return []*store.Pull{p}, err
			}},
		} {
			all, err := c.find()
			var got []int
			for _, p := range all {
				got = append(got, p.Number)
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
			}
		}
		if id, err := tx.OrgNamed(t.Context(), "oTHER"); id != 77 || err != nil {
			t.Errorf("organisation %d, %v; want 77", id, err)
		}
		return nil
	})
}

func TestSightings(t *testing.T) {
	t.Parallel()
	s := open(t)
	// Seen in an order that their times do not tell.
	want := []store.Sighting{
		{Digest: "a", Since: noon, EditedAt: noon.Add(-time.Hour)},
		{Digest: "b", Since: noon},
		{Digest: "a", Since: noon.Add(-time.Minute)},
	}
	for _, v := range want {
		write(t, s, func(tx *store.Tx) error { return tx.AddSighting(t.Context(), 33, 1, v) })
	}
	write(t, s, func(tx *store.Tx) error { return tx.AddSighting(t.Context(), 33, 2, store.Sighting{Digest: "c"}) })
	read(t, s, func(tx *store.Tx) error {
		got, err := tx.Sightings(t.Context(), 33, 1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sightings (-want +got):\n%s", diff)
		}
		return err
	})
}

func TestTips(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, set := range [][2]string{{"main", "a"}, {"next", "b"}, {"main", "c"}} {
		write(t, s, func(tx *store.Tx) error { return tx.SetTip(t.Context(), 33, set[0], set[1]) })
	}
	read(t, s, func(tx *store.Tx) error {
		for branch, want := range map[string]string{"main": "c", "next": "b", "never": ""} {
			if got, err := tx.Tip(t.Context(), 33, branch); got != want || err != nil {
				t.Errorf("tip of %s is %q, %v; want %q", branch, got, err, want)
			}
		}
		all, err := tx.Tips(t.Context(), 33)
		if diff := cmp.Diff([]string{"main", "next"}, all); diff != "" {
			t.Errorf("walked branches (-want +got):\n%s", diff)
		}
		return err
	})
}
