package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"changegate/bot/store"
	"changegate/rules"
)

// sampleChange has another value in every field but the number. Its plan is of the form
// given, none when that is empty.
func sampleChange(pull int, form string, paths ...string) store.Change {
	c := store.Change{
		OrgID: 22, RepoID: 33, Branch: "main", Pull: pull, Merge: "m" + string(rune('0'+pull)), MergedAt: noon.Add(time.Duration(pull) * time.Second),
		Explained: true, Paths: paths,
	}
	if form == "" {
		return c
	}
	c.PlanStanding = store.PlanStanding{State: "verified", Code: "CG200", Says: "Ünïcode <b>\u202e", Tip: "t"}
	c.Plan = &rules.Plan{To: "v1", Form: form, Commit: "c", Merge: c.Merge, Parent: "p"}
	for _, path := range paths {
		c.Plan.Files = append(c.Plan.Files, rules.Restored{Path: path, Landed: rules.Entry{Blob: "b2", Mode: "100644"}, Back: rules.Entry{Blob: "b1", Mode: "100755"}})
	}
	return c
}

func addChange(t *testing.T, s *store.Store, c store.Change) (store.Change, bool) {
	t.Helper()
	var fresh bool
	write(t, s, func(tx *store.Tx) (err error) {
		fresh, err = tx.AddChange(t.Context(), &c)
		return err
	})
	return c, fresh
}

func changeAt(t *testing.T, s *store.Store, n int) (c *store.Change) {
	t.Helper()
	read(t, s, func(tx *store.Tx) (err error) {
		c, err = tx.Change(t.Context(), 22, n)
		return err
	})
	return c
}

// numbersOf are the numbers of changes, in order.
func numbersOf(all []*store.Change) (n []int) {
	for _, c := range all {
		n = append(n, c.Number)
	}
	return n
}

func TestChange(t *testing.T) {
	t.Parallel()
	s := open(t)
	first, _ := addChange(t, s, sampleChange(1, rules.FormTag, "prompts/a.md", "prompts/b.md"))
	elsewhere := sampleChange(9, "", "prompts/a.md")
	elsewhere.OrgID, elsewhere.RepoID = 23, 34
	if other, _ := addChange(t, s, elsewhere); other.Number != 1 {
		t.Errorf("the first of another organisation is %s, want CHG-1", other.ID())
	}
	undo := sampleChange(2, "", "prompts/b.md", "prompts/a.md")
	undo.Undoes, undo.Explained = 1, false
	second, _ := addChange(t, s, undo)
	again, fresh := addChange(t, s, sampleChange(1, "", "prompts/c.md"))
	if fresh || again.Number != 1 || again.Plan == nil {
		t.Errorf("the same pull request again is %s, fresh %v, with plan %+v", again.ID(), fresh, again.Plan)
	}
	first.Paths, second.Paths, first.UndoneBy = nil, nil, 2
	if first.Plan.Change != 1 || second.Number != 2 {
		t.Errorf("numbers are %d and %d", first.Plan.Change, second.Number)
	}
	if diff := cmp.Diff(&first, changeAt(t, s, 1)); diff != "" {
		t.Errorf("CHG-1 (-want +got):\n%s", diff)
	}
	read(t, s, func(tx *store.Tx) error {
		got, err := tx.ChangeOfPull(t.Context(), 33, 2)
		if diff := cmp.Diff(&second, got); diff != "" {
			t.Errorf("change of pull request 2 (-want +got):\n%s", diff)
		}
		return err
	})
	if c := changeAt(t, s, 3); c != nil {
		t.Errorf("CHG-3 is %+v", c)
	}
}

// Numbers have no gap, whatever fails, however many are merged at once and in how many
// organisations: an auditor takes a missing one for one that was hidden.
func TestChangesAreNumberedWithoutAGap(t *testing.T) {
	t.Parallel()
	s := open(t)
	broken := errors.New("broken")
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			c := sampleChange(i, rules.FormRevert, "prompts/a.md")
			c.OrgID, c.RepoID = int64(i%3), int64(i%3+100)
			err := s.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.AddChange(t.Context(), &c)
				if i%4 == 0 {
					return broken
				}
				return err
			})
			if want := i%4 == 0; errors.Is(err, broken) != want || !want && err != nil {
				t.Errorf("merging number %d: %v", i, err)
			}
		})
	}
	all.Wait()
	for org := range int64(3) {
		pulls := map[int]bool{}
		read(t, s, func(tx *store.Tx) error {
			for n := 1; n <= 16; n++ {
				c, err := tx.Change(t.Context(), org, n)
				if (c == nil) != (n == 16) || err != nil {
					t.Errorf("%s of organisation %d: %+v, %v", rules.ChangeID(n), org, c, err)
				}
				if c != nil {
					pulls[c.Pull] = true
				}
			}
			return nil
		})
		if len(pulls) != 15 {
			t.Errorf("organisation %d numbered %d pull requests, want 15", org, len(pulls))
		}
	}
}

// TestChangesByPath records merges in any order and asks who changed a path last, as a
// plain list of them says it.
func TestChangesByPath(t *testing.T) {
	t.Parallel()
	s := open(t)
	repo := int64(1000)
	rapid.Check(t, func(rt *rapid.T) {
		repo++ // of this run alone
		path := rapid.SampledFrom([]string{"a", "b", "c"})
		var model []store.Change // in the order in which they were merged
		for i := range rapid.IntRange(1, 8).Draw(rt, "merges") {
			form := rapid.SampledFrom([]string{"", rules.FormRevert, rules.FormTag, rules.FormCommit}).Draw(rt, "form")
			c := sampleChange(i+1, form, rapid.SliceOfNDistinct(path, 1, 3, rapid.ID).Draw(rt, "paths")...)
			c.OrgID, c.RepoID, c.Explained = repo, repo, rapid.Bool().Draw(rt, "explained")
			model = append(model, c)
		}
		order := make([]int, len(model))
		for i := range order {
			order[i] = i
		}
		var recorded []int
		for _, i := range rapid.Permutation(order).Draw(rt, "recorded") {
			for _, before := range recorded { // only what has a number is rolled back
				if before < i && slices.Equal(slices.Sorted(slices.Values(model[before].Paths)), slices.Sorted(slices.Values(model[i].Paths))) && rapid.Bool().Draw(rt, "rolls back") {
					model[i].Undoes = model[before].Number
				}
			}
			model[i], _ = addChange(t, s, model[i])
			recorded = append(recorded, i)
		}
		asked := rapid.SliceOfNDistinct(path, 1, 3, rapid.ID).Draw(rt, "asked")
		read(t, s, func(tx *store.Tx) error {
			var now []int
			for _, c := range model {
				in, err := tx.InEffect(t.Context(), &c)
				if err != nil {
					return err
				}
				if in {
					now = append(now, c.Number)
				}
			}
			if diff := cmp.Diff(current(model), now); diff != "" {
				rt.Errorf("in effect of %+v (-want +got):\n%s", model, diff)
			}
			same, err := tx.ChangesOf(t.Context(), repo, "main", asked)
			if diff := cmp.Diff(exactly(model, asked), numbersOf(same)); diff != "" || err != nil {
				rt.Errorf("of %v (-want +got), %v:\n%s", asked, err, diff)
			}
			commit, err := tx.ReleasedBefore(t.Context(), repo, "main", asked)
			if want := released(model, asked); commit != want || err != nil {
				rt.Errorf("released before %v: %q, %v; want %q", asked, commit, err, want)
			}
			return nil
		})
	})
}

// current replays the merges path by path: what a change does ends what was in effect, and
// a rollback puts back what was in effect before the change that it undoes.
func current(model []store.Change) (n []int) {
	in := map[string][]int{}             // by path
	before := map[string]map[int][]int{} // what was in effect before a change, by path
	for _, c := range model {
		for _, path := range c.Paths {
			if before[path] == nil {
				before[path] = map[int][]int{}
			}
			before[path][c.Number] = in[path]
			in[path] = append([]int{c.Number}, before[path][c.Undoes]...)
		}
	}
	for _, c := range model {
		if !slices.ContainsFunc(c.Paths, func(path string) bool { return !slices.Contains(in[path], c.Number) }) {
			n = append(n, c.Number)
		}
	}
	return n
}

func exactly(model []store.Change, paths []string) (n []int) {
	want := slices.Sorted(slices.Values(paths))
	for _, c := range slices.Backward(model) {
		if c.Plan != nil && slices.Equal(slices.Sorted(slices.Values(c.Paths)), want) {
			n = append(n, c.Number)
		}
	}
	return n
}

func released(model []store.Change, paths []string) string {
	for _, c := range slices.Backward(model) {
		if c.Explained && slices.ContainsFunc(c.Paths, func(p string) bool { return slices.Contains(paths, p) }) {
			return c.Merge
		}
	}
	return ""
}

// TestStalePlans: a push has those plans verified again, and only those, that it may
// have broken.
func TestStalePlans(t *testing.T) {
	t.Parallel()
	s := open(t)
	addChange(t, s, sampleChange(1, rules.FormRevert, "a", "b")) // in effect for b
	addChange(t, s, sampleChange(2, rules.FormRevert, "a"))      // undone in part by 3
	addChange(t, s, sampleChange(3, rules.FormTag, "a", "c"))
	addChange(t, s, sampleChange(4, rules.FormRevert, "d"))
	unknown := sampleChange(5, rules.FormCommit, "e")
	unknown.State = ""
	addChange(t, s, unknown)
	left := sampleChange(6, rules.FormRevert, "f") // before the repository came to this organisation
	left.OrgID = 23
	addChange(t, s, left)
	stale := func(want ...int) []*store.StalePlan { t.Helper(); return staleOf(t, s, 22, want...) }
	touch := func(except int, paths ...string) {
		t.Helper()
		write(t, s, func(tx *store.Tx) error { return tx.Unsettle(t.Context(), 33, "main", paths, 22, except) })
	}
	settle := func(all []*store.StalePlan, code string) {
		for _, p := range all {
			p.PlanStanding = store.PlanStanding{State: "broken", Code: code, Says: "no", Tip: "t2"}
			write(t, s, func(tx *store.Tx) error { return tx.SaveStanding(t.Context(), p) })
		}
	}
	settle(stale(5), "CG210") // its merge left something else than what was verified
	touch(0, "nothing")
	touch(4, "d")
	stale()
	touch(0, "a") // by way of a path that is no longer its own
	touch(0, "d", "e")
	seen := stale(5, 4, 3, 1)
	touch(0, "d")
	settle(seen, "CG210")
	settle(stale(4), "CG210") // it was touched while it was verified
	if c := changeAt(t, s, 4); c.State != "broken" || c.Tip != "t2" {
		t.Errorf("CHG-4 stands %+v", c.PlanStanding)
	}
	touch(1, "f") // CHG-1 here is another change than CHG-1 there
	stale()
	staleOf(t, s, 23, 1)
	write(t, s, func(tx *store.Tx) error { return tx.UnsettleAll(t.Context(), 33, "main", true) })
	all := stale(5, 4, 3, 1)
	write(t, s, func(tx *store.Tx) error { return tx.UnsettleAll(t.Context(), 33, "main", false) })
	if all = stale(5, 4, 3, 1); !all[0].Forced || seen[0].Forced {
		t.Errorf("forced is %v after a rewrite, %v before", all[0].Forced, seen[0].Forced)
	}
	read(t, s, func(tx *store.Tx) error {
		few, more, err := tx.StalePlans(t.Context(), 22, 33, "main", 3)
		if len(few) != 3 || more != 1 {
			t.Errorf("%d and %d more, want 3 and 1", len(few), more)
		}
		return err
	})
	settle(all[:2], rules.CodeOutsideBase)
	settle(all[2:], "CG210")
	back := func(all bool, commits ...string) {
		write(t, s, func(tx *store.Tx) error { return tx.UnsettleOutside(t.Context(), 33, "main", all, commits) })
	}
	back(false, "other")
	stale()
	back(false, "other", "c")
	settle(stale(5, 4), rules.CodeOutsideBase)
	back(true)
	stale(5, 4)
	undo := sampleChange(7, "", "a", "c") // by which CHG-2 is in effect again
	undo.Undoes = 3
	addChange(t, s, undo)
	if all = stale(5, 4, 2); !all[2].Forced {
		t.Error("it is not known of CHG-2 that the branch was rewritten while it was not in effect")
	}
}

// staleOf reads the plans of an organisation that are to be verified again.
func staleOf(t *testing.T, s *store.Store, orgID int64, want ...int) (all []*store.StalePlan) {
	t.Helper()
	var got []int
	read(t, s, func(tx *store.Tx) (err error) {
		all, _, err = tx.StalePlans(t.Context(), orgID, 33, "main", 50)
		return err
	})
	for _, p := range all {
		got = append(got, p.Number)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("to be verified (-want +got):\n%s", diff)
	}
	return all
}

// TestTaggedPlans: only plans that name a tag, are in effect and in the state asked for.
func TestTaggedPlans(t *testing.T) {
	t.Parallel()
	s := open(t)
	addChange(t, s, sampleChange(1, rules.FormTag, "a"))
	addChange(t, s, sampleChange(2, rules.FormTag, "a", "b"))
	addChange(t, s, sampleChange(3, rules.FormPath, "c")) // at a tag
	addChange(t, s, sampleChange(4, rules.FormCommit, "d"))
	broken := sampleChange(5, rules.FormTag, "e")
	broken.State = "broken"
	addChange(t, s, broken)
	for state, want := range map[string][]int{"verified": {3, 2}, "broken": {5}} {
		var got []int
		read(t, s, func(tx *store.Tx) error {
			all, err := tx.TaggedPlans(t.Context(), 22, 33, "main", state)
			for _, p := range all {
				got = append(got, p.Number)
			}
			return err
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", state, diff)
		}
	}
	read(t, s, func(tx *store.Tx) error {
		for branch, want := range map[string]bool{"main": true, "other": false} {
			if some, err := tx.SomePlan(t.Context(), 33, branch); some != want || err != nil {
				t.Errorf("some plan on %s: %v, %v", branch, some, err)
			}
		}
		return nil
	})
}
