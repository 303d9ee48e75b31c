package store_test

import (
	"testing"
	"time"

	"changegate/bot/store"
	"changegate/checks"
)

const queueBranch = "gh-readonly-queue/main/pr-7-aaaa"

func asked(head string) checks.Wake {
	return checks.Wake{Place: acme, Head: head, Branch: queueBranch, Base: "main", Queued: &checks.Queued{From: "f"}}
}

func group(t *testing.T, s *store.Store) (g *store.Group) {
	t.Helper()
	read(t, s, func(tx *store.Tx) (err error) {
		g, err = tx.Group(t.Context(), acme.RepoID, queueBranch)
		return err
	})
	return g
}

// TestGroups: a merge group is a job from when GitHub asks about it; what is learned of
// it stays until GitHub asks about another one with its branch, and is not mixed with that.
func TestGroups(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, asked("one"), noon)
	j := claim(t, s, noon)
	if j == nil || !j.OfGroup() || j.Branch != queueBranch || j.Base != "main" || j.Number != 0 {
		t.Fatalf("claimed %+v, want the group's job", j)
	}
	old := group(t, s)
	if old == nil || old.Head != "one" || old.From != "f" || !old.Asked.IsZero() {
		t.Fatalf("the group is %+v", old)
	}
	save := func(g *store.Group) (same bool) {
		write(t, s, func(tx *store.Tx) (err error) {
			same, err = tx.SaveGroup(t.Context(), acme.RepoID, g)
			return err
		})
		return same
	}
	old.Asked, old.Pulls, old.Passed = noon, []store.QueuedPull{{Number: 7, Gen: 3}}, true
	if !save(old) || !group(t, s).Passed || group(t, s).Pulls[0].Gen != 3 {
		t.Errorf("saved and read back: %+v", group(t, s))
	}
	raise(t, s, asked("two"), noon.Add(time.Second))
	if now := group(t, s); now.Head != "two" || now.Passed || len(now.Pulls) > 0 || save(old) || group(t, s).Passed {
		t.Errorf("asked about another one: %+v", group(t, s))
	}
	gone := asked("one")
	gone.Queued.Gone = "dequeued"
	if raise(t, s, gone, noon); group(t, s).Gone != "" {
		t.Error("the end of the one before ended this one")
	}
	gone.Head = "two"
	if raise(t, s, gone, noon); group(t, s).Gone != "dequeued" {
		t.Error("it did not end")
	}
}

// TestJudgedRaisesGroups: whatever is judged of a pull request, the groups that wait in
// its repository are answered again; and a group knows from the generation whether it was
// judged since it asked.
func TestJudgedRaisesGroups(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, checks.Wake{Place: acme, Number: 7, Base: "main"}, noon)
	before := claim(t, s, noon)
	raise(t, s, asked("one"), noon)
	g := claim(t, s, noon)
	var want int64
	write(t, s, func(tx *store.Tx) (err error) {
		if want, err = tx.AskAnew(t.Context(), checks.Wake{Place: acme, Number: 7}, "merge_group", noon); err == nil {
			_, err = tx.Finish(t.Context(), g, time.Time{}, noon)
		}
		return err
	})
	judged := func(j *store.Job) (gen int64) {
		write(t, s, func(tx *store.Tx) error {
			if err := tx.Judged(t.Context(), j, noon); err != nil {
				return err
			}
			_, err := tx.Finish(t.Context(), j, time.Time{}, noon)
			return err
		})
		read(t, s, func(tx *store.Tx) (err error) {
			gen, err = tx.JudgedGen(t.Context(), acme.RepoID, 7)
			return err
		})
		return gen
	}
	if got := judged(before); got >= want {
		t.Errorf("a run that began before counts: generation %d, asked for %d", got, want)
	}
	for _, of := range []bool{true, false} { // the group's job, then the pull request's
		j := claim(t, s, noon)
		if j == nil || j.OfGroup() != of {
			t.Fatalf("claimed %+v, want of a group %t", j, of)
		}
		if !of {
			if got := judged(j); got < want {
				t.Errorf("judged generation %d, asked for %d", got, want)
			}
		} else {
			write(t, s, func(tx *store.Tx) error { _, err := tx.Finish(t.Context(), j, time.Time{}, noon); return err })
		}
	}
	if j := claim(t, s, noon); j == nil || !j.OfGroup() {
		t.Errorf("claimed %+v, want the group's job again", j)
	}
}

// TestGroupsAreForgotten a week after GitHub asked, with their jobs.
func TestGroupsAreForgotten(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, asked("one"), noon)
	if err := s.Prune(t.Context(), noon.Add(6*24*time.Hour)); err != nil || group(t, s) == nil {
		t.Fatalf("after 6 days: %v, group %v", err, group(t, s))
	}
	if err := s.Prune(t.Context(), noon.Add(8*24*time.Hour)); err != nil || group(t, s) != nil || claim(t, s, noon) != nil {
		t.Errorf("after 8 days: %v, group %v", err, group(t, s))
	}
}

// TestHasten: what an event raised, or a failure put back, for a time to come is due now;
// timers keep their time.
func TestHasten(t *testing.T) {
	t.Parallel()
	s := open(t)
	tomorrow := noon.Add(24 * time.Hour)
	for n := range 3 {
		raise(t, s, checks.Wake{Place: acme, Number: n + 1, Base: "main"}, noon)
	}
	timer, failed := claim(t, s, noon), claim(t, s, noon)
	write(t, s, func(tx *store.Tx) error { _, err := tx.Finish(t.Context(), timer, tomorrow, noon); return err })
	if err := s.Retry(t.Context(), failed, tomorrow, "no answer"); err != nil {
		t.Fatal(err)
	}
	event := claim(t, s, noon)
	write(t, s, func(tx *store.Tx) error { _, err := tx.Finish(t.Context(), event, time.Time{}, noon); return err })
	raise(t, s, checks.Wake{Place: acme, Number: event.Number}, tomorrow)
	if j := claim(t, s, noon); j != nil {
		t.Fatalf("claimed %s before it is due", j.Key)
	}
	if err := s.Hasten(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	got := map[int]bool{}
	for j := claim(t, s, noon); j != nil; j = claim(t, s, noon) {
		got[j.Number] = true
	}
	if len(got) != 2 || !got[failed.Number] || !got[event.Number] {
		t.Errorf("due after hastening: %v, want the one that failed and the one that was raised", got)
	}
}

// TestPullsOfOneHeadAreFoundByIt: each judgement looks for the others at its head twice.
// Where 10,000 are open into one branch, walking them all took most of its time.
func TestPullsOfOneHeadAreFoundByIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openIn(t, dir)
	db := file(t, dir)
	defer db.Close()
	var id, parent, unused int
	var plan string
	err := db.QueryRow(`EXPLAIN QUERY PLAN SELECT title FROM pull WHERE state = 'open' AND repo_id = $1 AND base = $2 AND head = $3 AND number <> $4
		ORDER BY +repo_id, +number`, 1, "main", "a", 3).Scan(&id, &parent, &unused, &plan)
	if want := "SEARCH pull USING INDEX pull_head (repo_id=? AND head=? AND base=?)"; err != nil || plan != want {
		t.Errorf("planned %q, %v; want %q", plan, err, want)
	}
}
