package evidencetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"changegate/bot/evidence"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/sumdb/tlog"
)

// TestStorage is the contract of evidence.Storage. Open returns an empty store
// that the test may use until it ends.
func TestStorage(t *testing.T, open func(*testing.T) evidence.Storage) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, evidence.Storage)
	}{
		{"empty", testEmpty},
		{"round trip", testRoundTrip},
		{"append only at the end", testGap},
		{"a key once", testDuplicate},
		{"all or nothing", testRollback},
		{"views only read", testView},
		{"hashes in the order asked", testHashes},
		{"many writers", testWriters},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}

func testEmpty(t *testing.T, st evidence.Storage) {
	if got := size(t, st, "1"); got != 0 {
		t.Errorf("size of a log never written is %d, want 0", got)
	}
	if got := entries(t, st, "1", 0, 10); len(got) != 0 {
		t.Errorf("entries of a log never written: %d, want none", len(got))
	}
}

func testRoundTrip(t *testing.T, st evidence.Storage) {
	want := []evidence.Entry{sample(0), sample(1), sample(2)}
	want[1].Side, want[1].Salt = nil, nil
	for _, e := range want {
		put(t, st, "1", e)
	}
	put(t, st, "2", sample(7))
	if diff := cmp.Diff(want, entries(t, st, "1", 0, 99), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("entries differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:2], entries(t, st, "1", 1, 2), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("range [1,2) differs (-want +got):\n%s", diff)
	}
	if got := size(t, st, "2"); got != 1 {
		t.Errorf("the other log has %d entries, want 1", got)
	}
}

func testGap(t *testing.T, st evidence.Storage) {
	put(t, st, "1", sample(0))
	for _, n := range []int64{0, 2} {
		err := st.Update(t.Context(), func(tx evidence.Tx) error {
			_, err := tx.Append(t.Context(), "1", n, sample(5), hashesFor(t, tx, "1", 1, sample(5)))
			return err
		})
		if err == nil || errors.Is(err, evidence.ErrDuplicate) {
			t.Errorf("append as number %d to a log of 1: %v, want an error", n, err)
		}
	}
	if got := size(t, st, "1"); got != 1 {
		t.Errorf("size is %d after refused appends, want 1", got)
	}
}

func testDuplicate(t *testing.T, st evidence.Storage) {
	put(t, st, "1", sample(0))
	put(t, st, "1", sample(1))
	err := st.Update(t.Context(), func(tx evidence.Tx) error {
		again := sample(2)
		again.Key = sample(0).Key
		i, err := tx.Append(t.Context(), "1", 2, again, hashesFor(t, tx, "1", 2, again))
		if i != 0 || !errors.Is(err, evidence.ErrDuplicate) {
			t.Errorf("second append of a key: %d, %v; want 0, ErrDuplicate", i, err)
		}
		// The transaction is still good for other records.
		_, err = tx.Append(t.Context(), "1", 2, sample(3), hashesFor(t, tx, "1", 2, sample(3)))
		return err
	})
	if err != nil {
		t.Fatalf("append after a duplicate: %v", err)
	}
	put(t, st, "2", sample(0)) // the same key in another log is another record
	if got := size(t, st, "1"); got != 3 {
		t.Errorf("size is %d, want 3", got)
	}
}

func testRollback(t *testing.T, st evidence.Storage) {
	put(t, st, "1", sample(0))
	stop := errors.New("stop")
	err := st.Update(t.Context(), func(tx evidence.Tx) error {
		if _, err := tx.Append(t.Context(), "1", 1, sample(1), hashesFor(t, tx, "1", 1, sample(1))); err != nil {
			return err
		}
		if n, err := tx.Size(t.Context(), "1"); n != 2 || err != nil {
			t.Errorf("size within the transaction: %d, %v; want 2", n, err)
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Errorf("update returned %v, want the function's own error", err)
	}
	if got := size(t, st, "1"); got != 1 {
		t.Errorf("size is %d after a rollback, want 1", got)
	}
	put(t, st, "1", sample(1)) // neither key nor number was used up
}

func testView(t *testing.T, st evidence.Storage) {
	err := st.View(t.Context(), func(tx evidence.Tx) error {
		_, err := tx.Append(t.Context(), "1", 0, sample(0), []tlog.Hash{tlog.RecordHash(sample(0).Leaf)})
		return err
	})
	if err == nil {
		t.Error("append in a view succeeded")
	}
	if got := size(t, st, "1"); got != 0 {
		t.Errorf("size is %d after an append in a view, want 0", got)
	}
}

func testHashes(t *testing.T, st evidence.Storage) {
	for i := range 5 {
		put(t, st, "1", sample(i))
	}
	ask := []int64{7, 0, 3, 0}
	err := st.View(t.Context(), func(tx evidence.Tx) error {
		got, err := tx.Hashes(t.Context(), "1", ask)
		if err != nil {
			return err
		}
		leaf := func(i int) tlog.Hash { return tlog.RecordHash(sample(i).Leaf) }
		want := []tlog.Hash{leaf(4), leaf(0), leaf(2), leaf(0)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("hashes %v differ (-want +got):\n%s", ask, diff)
		}
		if _, err := tx.Hashes(t.Context(), "1", []int64{99}); err == nil {
			t.Error("a hash that is not there was given")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func testWriters(t *testing.T, st evidence.Storage) {
	const writers, each = 4, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				put(t, st, "1", sample(w*each+i))
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for i, e := range entries(t, st, "1", 0, writers*each+1) {
		if e.Index != int64(i) {
			t.Errorf("entry number %d has index %d", i, e.Index)
		}
		seen[e.Key] = true
	}
	if len(seen) != writers*each {
		t.Errorf("%d different records are stored, want %d", len(seen), writers*each)
	}
}

// sample is an entry that differs for each i and holds bytes of every value.
func sample(i int) evidence.Entry {
	all := make([]byte, 256)
	for b := range all {
		all[b] = byte(b)
	}
	return evidence.Entry{
		Index: int64(i), Key: fmt.Sprint("key/", i),
		Leaf: fmt.Appendf(nil, "leaf %d", i), Side: fmt.Appendf(nil, "%s%d", all, i), Salt: all[:32],
	}
}

// put appends an entry at the end, whatever its index says.
func put(t *testing.T, st evidence.Storage, log string, e evidence.Entry) {
	t.Helper()
	err := st.Update(t.Context(), func(tx evidence.Tx) error {
		n, err := tx.Size(t.Context(), log)
		if err != nil {
			return err
		}
		got, err := tx.Append(t.Context(), log, n, e, hashesFor(t, tx, log, n, e))
		if err == nil && got != n {
			t.Errorf("appended as number %d, want %d", got, n)
		}
		return err
	})
	if err != nil {
		t.Errorf("append %s to log %s: %v", e.Key, log, err)
	}
}

func hashesFor(t *testing.T, tx evidence.Tx, log string, n int64, e evidence.Entry) []tlog.Hash {
	t.Helper()
	read := tlog.HashReaderFunc(func(x []int64) ([]tlog.Hash, error) {
		if len(x) == 0 {
			return nil, nil
		}
		return tx.Hashes(t.Context(), log, x)
	})
	hashes, err := tlog.StoredHashesForRecordHash(n, tlog.RecordHash(e.Leaf), read)
	if err != nil {
		t.Errorf("hashes for entry %d of log %s: %v", n, log, err)
	}
	return hashes
}

func size(t *testing.T, st evidence.Storage, log string) (n int64) {
	t.Helper()
	view(t, st, func(ctx context.Context, tx evidence.Tx) (err error) {
		n, err = tx.Size(ctx, log)
		return err
	})
	return n
}

func entries(t *testing.T, st evidence.Storage, log string, from, to int64) (out []evidence.Entry) {
	t.Helper()
	view(t, st, func(ctx context.Context, tx evidence.Tx) error {
		for e, err := range tx.Entries(ctx, log, from, to) {
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out
}

func view(t *testing.T, st evidence.Storage, fn func(context.Context, evidence.Tx) error) {
	t.Helper()
	if err := st.View(t.Context(), func(tx evidence.Tx) error { return fn(t.Context(), tx) }); err != nil {
		t.Errorf("view: %v", err)
	}
}
