package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/store"
)

// together runs the functions in one commit and returns their errors: it keeps
// the writer busy until all of them are waiting.
func together(t *testing.T, s *store.Store, fns ...func(*store.Tx) error) []error {
	t.Helper()
	errs := make([]error, len(fns))
	held := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = s.Write(t.Context(), func(*store.Tx) error { <-held; return nil })
	})
	synctest.Wait()
	for i, fn := range fns {
		all.Go(func() { errs[i] = s.Write(t.Context(), fn) })
		synctest.Wait() // so that they wait in this order
	}
	close(held)
	all.Wait()
	return errs
}

func tipOf(t *testing.T, tx *store.Tx, branch string) string {
	t.Helper()
	tip, err := tx.Tip(t.Context(), acme.RepoID, branch)
	if err != nil {
		t.Error(err)
	}
	return tip
}

func setTip(t *testing.T, branch string, then error) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		return errors.Join(tx.SetTip(t.Context(), acme.RepoID, branch, "set"), then)
	}
}

// Of many writes in one commit the failing ones fail alone.
func TestOneFailsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		broken := errors.New("broken")
		swallowed := func(tx *store.Tx) error {
			_ = tx.SetTip(t.Context(), acme.RepoID, "swallowed", "set")
			// Invalid for the table: the statement fails, and the function says nothing of it.
			_ = tx.ExecForTest(t.Context(), `INSERT INTO tip (repo_id, branch, commit_id) VALUES (1, NULL, '')`)
			return nil
		}
		early, cancel := context.WithCancel(t.Context())
		cancel()
		inside := false
		errs := together(t, s,
			setTip(t, "a", nil),
			setTip(t, "b", broken),
			swallowed,
			func(tx *store.Tx) error {
				// What the others did is there, but nobody outside sees it before the commit.
				inside = tipOf(t, tx, "a") == "set" && tipOf(t, tx, "b") == ""
				return s.Read(t.Context(), func(out *store.Tx) error {
					if tipOf(t, out, "a") != "" {
						t.Error("a write is seen before its commit")
					}
					return nil
				})
			},
			func(tx *store.Tx) error { return tx.SetTip(early, acme.RepoID, "cancelled", "set") },
			setTip(t, "c", nil),
		)
		if !inside {
			t.Error("the writes did not share a transaction, or one that failed was not undone in it")
		}
		if errs[0] != nil || !errors.Is(errs[1], broken) || errs[2] == nil || errs[3] != nil ||
			!errors.Is(errs[4], context.Canceled) || errs[5] != nil {
			t.Errorf("errors are %v, want those of the second, third and fifth", errs)
		}
		got := map[string]string{}
		read(t, s, func(tx *store.Tx) error {
			for _, branch := range []string{"a", "b", "swallowed", "cancelled", "c"} {
				got[branch] = tipOf(t, tx, branch)
			}
			return nil
		})
		want := map[string]string{"a": "set", "b": "", "swallowed": "", "cancelled": "", "c": "set"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
}

// A panic ends its caller and nobody else.
func TestPanicIsTheCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		var seen any
		done := make(chan struct{})
		held := make(chan struct{})
		go func() { _ = s.Write(t.Context(), func(*store.Tx) error { <-held; return nil }) }()
		synctest.Wait()
		go func() {
			defer close(done)
			defer func() { seen = recover() }()
			_ = s.Write(t.Context(), func(tx *store.Tx) error {
				_ = tx.SetTip(t.Context(), acme.RepoID, "p", "set")
				panic("boom")
			})
		}()
		synctest.Wait()
		other := make(chan error)
		go func() { other <- s.Write(t.Context(), setTip(t, "q", nil)) }()
		synctest.Wait()
		close(held)
		<-done
		if err := <-other; err != nil || seen != "boom" {
			t.Errorf("panic %v, and the other write got %v", seen, err)
		}
		read(t, s, func(tx *store.Tx) error {
			if p, q := tipOf(t, tx, "p"), tipOf(t, tx, "q"); p != "" || q != "set" {
				t.Errorf("tips are %q and %q; only the second should be set", p, q)
			}
			return nil
		})
	})
}

func TestCancelledBeforeItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t)
		held := make(chan struct{})
		go func() { _ = s.Write(t.Context(), func(*store.Tx) error { <-held; return nil }) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error)
		go func() {
			got <- s.Write(ctx, func(*store.Tx) error { t.Error("ran after its context ended"); return nil })
		}()
		synctest.Wait()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("write returned %v, want that it was cancelled", err)
		}
		close(held)
	})
}

func TestTransactionIsOfNoUseAfterwards(t *testing.T) {
	t.Parallel()
	s := open(t)
	var kept []*store.Tx
	keep := func(tx *store.Tx) error { kept = append(kept, tx); return nil }
	write(t, s, keep)
	read(t, s, keep)
	for i, tx := range kept {
		if _, err := tx.Tip(t.Context(), 1, "main"); err == nil {
			t.Errorf("transaction %d reads after its end", i)
		}
		if err := tx.SetTip(t.Context(), 1, "main", "x"); err == nil {
			t.Errorf("transaction %d writes after its end", i)
		}
	}
}

func TestReadOnlyReads(t *testing.T) {
	t.Parallel()
	s := open(t)
	raise(t, s, pull(1), noon)
	read(t, s, func(tx *store.Tx) error {
		if err := tx.SetTip(t.Context(), 1, "main", "x"); err == nil {
			t.Error("a write in Read succeeded")
		}
		// Raising again is one query with RETURNING: only the connection can refuse it.
		if err := tx.Raise(t.Context(), pull(1), "e", noon); err == nil {
			t.Error("a job was raised in Read")
		}
		return nil
	})
	// One snapshot: what is committed meanwhile is not seen.
	read(t, s, func(tx *store.Tx) error {
		before := tipOf(t, tx, "main")
		write(t, s, setTip(t, "main", nil))
		if after := tipOf(t, tx, "main"); after != before {
			t.Errorf("the tip changed from %q to %q within one Read", before, after)
		}
		return nil
	})
}

func TestManyReadersAndWriters(t *testing.T) {
	t.Parallel()
	s := open(t)
	var all sync.WaitGroup
	for c := range 20 {
		all.Go(func() {
			for i := range 5 {
				branch := fmt.Sprint(c, "/", i)
				write(t, s, setTip(t, branch, nil))
				read(t, s, func(tx *store.Tx) error {
					if tipOf(t, tx, branch) != "set" {
						t.Errorf("%s is not there after Write returned", branch)
					}
					return nil
				})
			}
		})
	}
	all.Wait()
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	nothing := func(*store.Tx) error { t.Error("ran on a closed store"); return nil }
	for what, err := range map[string]error{
		"write": s.Write(t.Context(), nothing),
		"read":  s.Read(t.Context(), nothing),
	} {
		if err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s: %v, want that the store is closed", what, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
}
