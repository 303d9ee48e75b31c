package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// sampleException has another value in every field but the number.
func sampleException(pull int, comment int64) store.Exception {
	return store.Exception{
		Exception: rules.Exception{
			Kind: rules.KindBreakGlass, By: rules.Person{ID: 7, Login: "lead1"}, As: "@acme/incident", At: noon, Head: "h",
			Reason: "Ünïcode <b>\u202e", Incident: "INC-881", Expires: noon.Add(time.Hour), Freezes: []string{"year-end"}, Due: noon.Add(24 * time.Hour),
		},
		OrgID: 22, RepoID: 33, Pull: pull, Comment: comment, Line: 3,
	}
}

func add(t *testing.T, s *store.Store, x store.Exception) (store.Exception, bool) {
	t.Helper()
	var fresh bool
	write(t, s, func(tx *store.Tx) (err error) {
		fresh, err = tx.AddException(t.Context(), &x)
		return err
	})
	return x, fresh
}

func exceptions(t *testing.T, s *store.Store, pull int) (all []store.Exception) {
	t.Helper()
	read(t, s, func(tx *store.Tx) (err error) {
		all, err = tx.Exceptions(t.Context(), 33, pull)
		return err
	})
	return all
}

func TestException(t *testing.T) {
	t.Parallel()
	s := open(t)
	first, _ := add(t, s, sampleException(1, 100))
	elsewhere := sampleException(9, 100)
	elsewhere.OrgID, elsewhere.RepoID = 23, 34
	if other, _ := add(t, s, elsewhere); other.Number != 1 {
		t.Errorf("the first of another organisation is EX-%d, want EX-1", other.Number)
	}
	second, _ := add(t, s, sampleException(1, 101))
	if again, fresh := add(t, s, sampleException(1, 100)); fresh || again.Number != 1 {
		t.Errorf("the same line again is EX-%d, fresh %v; want EX-1, false", again.Number, fresh)
	}
	first.Closed = &rules.Closing{By: rules.Person{ID: 8, Login: "rev1"}, As: "write", At: noon, Outcome: "fine"}
	first.Told = 2
	write(t, s, func(tx *store.Tx) error { return tx.SaveException(t.Context(), &first) })
	if diff := cmp.Diff([]store.Exception{first, second}, exceptions(t, s, 1)); diff != "" || second.Number != 2 {
		t.Errorf("exceptions (-want +got):\n%s", diff)
	}
}

// Numbers have no gap, whatever fails and however many are opened at once: an auditor
// takes a missing one for one that was hidden.
func TestExceptionsAreNumberedWithoutAGap(t *testing.T) {
	t.Parallel()
	s := open(t)
	broken := errors.New("broken")
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			x := sampleException(i%7+1, int64(i))
			err := s.Write(t.Context(), func(tx *store.Tx) error {
				_, err := tx.AddException(t.Context(), &x)
				if i%4 == 0 {
					return broken
				}
				return err
			})
			if want := i%4 == 0; errors.Is(err, broken) != want || !want && err != nil {
				t.Errorf("opening number %d: %v", i, err)
			}
		})
	}
	all.Wait()
	seen := map[int]bool{}
	for pull := range 8 {
		for _, x := range exceptions(t, s, pull) {
			seen[x.Number] = true
		}
	}
	for n := 1; n <= 30; n++ {
		if !seen[n] {
			t.Errorf("EX-%d is missing", n)
		}
	}
	if len(seen) != 30 {
		t.Errorf("%d numbers, want 30", len(seen))
	}
}

func TestSaying(t *testing.T) {
	t.Parallel()
	s := open(t)
	all := []store.Saying{
		{Mark: "z", Reaction: "+1", Comment: 100, Since: noon},
		{Mark: "a", Body: "Hello\n", Since: noon.Add(time.Second)},
		{Mark: "m", Body: "comment", Since: noon},
	}
	say := func(number int, v store.Saying) {
		write(t, s, func(tx *store.Tx) error { return tx.AddSaying(t.Context(), 33, number, v) })
	}
	for _, v := range all {
		say(1, v)
	}
	say(1, store.Saying{Mark: "a", Body: "another"}) // waits already
	say(2, store.Saying{Mark: "a", Body: "elsewhere"})
	check := func(want ...store.Saying) {
		t.Helper()
		read(t, s, func(tx *store.Tx) error {
			got, err := tx.Sayings(t.Context(), 33, 1)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("to be said (-want +got):\n%s", diff)
			}
			return err
		})
	}
	check(all...)
	write(t, s, func(tx *store.Tx) error { return tx.DropSaying(t.Context(), 33, 1, "a") })
	check(all[0], all[2])
}

// A button pressed on a check run is of every open pull request with that head, once
// however often the delivery comes.
func TestPress(t *testing.T) {
	t.Parallel()
	s := open(t)
	known(t, s, 1, "main", "aaa")
	known(t, s, 2, "next", "aaa")
	known(t, s, 3, "main", "bbb")
	savePull(t, s, &store.Pull{Place: acme, Number: 4, Base: "main", Head: "aaa", State: "closed"})
	by := rules.Person{ID: 7, Login: "dev1", Bot: true}
	receive := func(id, button string, at time.Time) {
		w := checks.Wake{Place: acme, Head: "aaa", Press: button, By: by}
		if _, err := s.Receive(t.Context(), store.Delivery{ID: id, Event: "check_run", At: at}, []checks.Wake{w}, at); err != nil {
			t.Fatal(err)
		}
	}
	presses := func(number int) (all []store.Press) {
		read(t, s, func(tx *store.Tx) (err error) {
			all, err = tx.Presses(t.Context(), 33, number)
			return err
		})
		return all
	}
	receive("d1", checks.PressTemplate, noon)
	receive("d2", checks.PressReevaluate, noon) // asks for nothing but to be judged
	if diff := cmp.Diff([]int{1, 2}, numbers(t, s, noon)); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	first := store.Press{Button: checks.PressTemplate, By: by, At: noon}
	for n, want := range map[int][]store.Press{1: {first}, 2: {first}, 3: nil, 4: nil} {
		if diff := cmp.Diff(want, presses(n)); diff != "" {
			t.Errorf("pressed on %d (-want +got):\n%s", n, diff)
		}
	}
	receive("d3", checks.PressTemplate, noon.Add(time.Second))
	drop := func(p store.Press) {
		write(t, s, func(tx *store.Tx) error { return tx.DropPress(t.Context(), 33, 1, p) })
	}
	drop(first)
	second := store.Press{Button: checks.PressTemplate, By: by, At: noon.Add(time.Second)}
	if diff := cmp.Diff([]store.Press{second}, presses(1)); diff != "" {
		t.Errorf("pressed since (-want +got):\n%s", diff)
	}
	drop(second)
	if all := presses(1); len(all) != 0 {
		t.Errorf("still pressed: %+v", all)
	}
}

func TestHeardAt(t *testing.T) {
	t.Parallel()
	s := open(t)
	push := func(branch string, number int, before, after string) checks.Heard {
		return checks.Heard{RepoID: 33, Branch: branch, Number: number, Push: rules.Push{By: rules.Person{ID: 1}, Before: before, After: after}}
	}
	for i, p := range []checks.Heard{push("topic", 0, "c", "b"), push("topic", 0, "c", "b"), push("other", 0, "d", "b"), push("", 5, "e", "b")} {
		write(t, s, func(tx *store.Tx) error {
			return tx.Hear(t.Context(), []checks.Heard{p}, noon.Add(time.Duration(i)*time.Minute))
		})
	}
	for _, c := range []struct {
		branch string
		number int
		commit string
		want   time.Time
	}{
		{"topic", 4, "b", noon.Add(time.Minute)},
		{"topic", 5, "b", noon.Add(3 * time.Minute)},
		{"", 5, "b", noon.Add(3 * time.Minute)},
		{"", 4, "b", time.Time{}},
		{"topic", 4, "a", time.Time{}},
	} {
		read(t, s, func(tx *store.Tx) error {
			at, err := tx.HeardAt(t.Context(), 33, c.branch, c.number, c.commit)
			if !at.Equal(c.want) {
				t.Errorf("%+v: heard at %s", c, at)
			}
			return err
		})
	}
}
