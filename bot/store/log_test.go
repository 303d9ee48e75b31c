package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"changegate/bot/evidence"
	"changegate/bot/evidence/evidencetest"
	"changegate/bot/store"
)

func TestEvidenceStorage(t *testing.T) {
	t.Parallel()
	evidencetest.TestStorage(t, func(t *testing.T) evidence.Storage { return open(t) })
}

// grow appends n leaves to a log.
func grow(t *testing.T, s *store.Store, log string, n int) {
	t.Helper()
	write(t, s, func(tx *store.Tx) error {
		size, err := tx.Size(t.Context(), log)
		for i := size; i < size+int64(n) && err == nil; i++ {
			err = appendLeaf(t.Context(), tx, log, i)
		}
		return err
	})
}

func appendLeaf(ctx context.Context, tx *store.Tx, log string, n int64) error {
	leaf := fmt.Appendf(nil, "leaf %d", n)
	hashes, err := tlog.StoredHashesForRecordHash(n, tlog.RecordHash(leaf), hashReader(ctx, tx, log))
	if err != nil {
		return err
	}
	_, err = tx.Append(ctx, log, n, evidence.Entry{
		Key: fmt.Sprint("key ", n), Leaf: leaf, Side: []byte("side"), Salt: []byte("salt"),
	}, hashes)
	return err
}

func hashReader(ctx context.Context, tx *store.Tx, log string) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return tx.Hashes(ctx, log, indexes) })
}

// Hundreds of leaves need several pages of entries and several parts of hashes;
// the tree they give must be the one tlog computes from the leaves alone.
func TestLogMatchesTlog(t *testing.T) {
	t.Parallel()
	const n = 300
	s := open(t)
	grow(t, s, "1", n)
	read(t, s, func(tx *store.Tx) error {
		var own []tlog.Hash
		reader := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
			for _, i := range indexes {
				out = append(out, own[i])
			}
			return out, nil
		})
		for e, err := range tx.Entries(t.Context(), "1", 0, n) {
			if err != nil {
				return err
			}
			more, err := tlog.StoredHashes(e.Index, e.Leaf, reader)
			if err != nil {
				return err
			}
			own = append(own, more...)
		}
		all := make([]int64, len(own))
		for i := range all {
			all[i] = int64(len(own) - 1 - i)
		}
		got, err := tx.Hashes(t.Context(), "1", all)
		for i, at := range all {
			if err == nil && got[i] != own[at] {
				t.Errorf("hash %d differs", at)
			}
		}
		return err
	})
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	hash := make([]tlog.Hash, 1)
	for name, try := range map[string]func(*store.Tx) error{
		"too many hashes": func(tx *store.Tx) error {
			_, err := tx.Append(t.Context(), "1", 0, evidence.Entry{Key: "k"}, make([]tlog.Hash, 2))
			return err
		},
		"too few hashes": func(tx *store.Tx) error {
			_, err := tx.Append(t.Context(), "1", 1, evidence.Entry{Key: "k"}, hash)
			return err
		},
		"a negative number": func(tx *store.Tx) error {
			_, err := tx.Append(t.Context(), "1", -1, evidence.Entry{Key: "k"}, hash)
			return err
		},
		"no key": func(tx *store.Tx) error {
			_, err := tx.Append(t.Context(), "1", 0, evidence.Entry{Leaf: []byte("x")}, hash)
			return err
		},
		"no log": func(tx *store.Tx) error {
			_, err := tx.Append(t.Context(), "", 0, evidence.Entry{Key: "k", Leaf: []byte("x")}, hash)
			return err
		},
	} {
		if err := s.Write(t.Context(), try); err == nil {
			t.Errorf("%s: appended", name)
		}
	}
}

func TestEvidenceIsAppendOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	grow(t, s, "1", 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE leaf SET leaf = x'00' WHERE n = 1`,
		`UPDATE leaf SET leaf = NULL`,
		`UPDATE leaf SET key = 'other' WHERE n = 1`,
		`UPDATE leaf SET n = 9 WHERE n = 2`,
		`UPDATE leaf SET log = '2'`,
		`UPDATE leaf SET side = x'00'`,
		`UPDATE leaf SET salt = x'00'`,
		`DELETE FROM leaf WHERE n = 2`,
		`UPDATE hash SET hash = x'00'`,
		`DELETE FROM hash`,
		`UPDATE head SET size = 2`,
		`UPDATE head SET size = 5`,
		`UPDATE head SET log = '2', size = 4`,
		`DELETE FROM head`,
	} {
		err := tamper(t, dir, statement)
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v, want that the log is append-only", statement, err)
		}
	}
	if err := tamper(t, dir, `UPDATE leaf SET side = NULL, salt = NULL WHERE n = 1`); err != nil {
		t.Errorf("what lies beside a leaf cannot be forgotten: %v", err)
	}
	s = openIn(t, dir)
	read(t, s, func(tx *store.Tx) error {
		for e, err := range tx.Entries(t.Context(), "1", 0, 3) {
			if err != nil {
				return err
			}
			if forgotten := e.Side == nil && e.Salt == nil; forgotten != (e.Index == 1) || string(e.Leaf) != fmt.Sprint("leaf ", e.Index) {
				t.Errorf("entry %d is %q beside %q", e.Index, e.Leaf, e.Side)
			}
		}
		return nil
	})
}

// The triggers stop mistakes; somebody with the file can drop them. What such a
// hand, or a copy made in the middle of a write, leaves is refused at the start.
func TestOpenRefusesATruncatedLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, statement string }{
		{"last leaf gone", `DELETE FROM leaf WHERE log = '1' AND n = 4`},
		{"all leaves gone", `DELETE FROM leaf WHERE log = '1'`},
		{"last hash gone", `DELETE FROM hash WHERE log = '1' AND idx = (SELECT MAX(idx) FROM hash WHERE log = '1')`},
		{"head gone", `DELETE FROM head WHERE log = '1'`},
		{"head behind", `UPDATE head SET size = 4 WHERE log = '1'`},
		{"head ahead", `UPDATE head SET size = 6 WHERE log = '1'`},
		{"leaf of no log", `INSERT INTO leaf (log, n, key, leaf) VALUES ('3', 0, 'k', x'00')`},
		{"hash of no log", `INSERT INTO hash (log, idx, hash) VALUES ('3', 0, x'00')`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			s := openIn(t, dir)
			grow(t, s, "1", 5)
			grow(t, s, "2", 1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := tamper(t, dir, `DROP TRIGGER leaf_delete`, `DROP TRIGGER hash_delete`, `DROP TRIGGER head_delete`,
				`DROP TRIGGER head_update`, c.statement); err != nil {
				t.Fatal(err)
			}
			for how, open := range map[string]func(context.Context, string) (*store.Store, error){
				"Open": store.Open, "OpenReader": store.OpenReader,
			} {
				s, err := open(t.Context(), dir)
				if err == nil {
					t.Errorf("%s took it", how)
					_ = s.Close()
				} else if !strings.Contains(err.Error(), "truncated or restored in part") {
					t.Errorf("%s refused with %q, which does not say why", how, err)
				}
			}
		})
	}
}

// A leaf missing in the middle is found by whoever reads it, never skipped.
func TestEntriesSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	grow(t, s, "1", 50)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tamper(t, dir, `DROP TRIGGER leaf_delete`, `DELETE FROM leaf WHERE n = 40`); err != nil {
		t.Fatal(err)
	}
	s = openIn(t, dir)
	for _, c := range []struct {
		from, to int64
		whole    bool
	}{{0, 40, true}, {0, 50, false}, {40, 41, false}, {41, 50, true}, {30, 41, false}, {-5, 3, true}, {45, 99, true}} {
		err := s.View(t.Context(), func(tx evidence.Tx) error {
			for _, err := range tx.Entries(t.Context(), "1", c.from, c.to) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if (err == nil) != c.whole || err != nil && !strings.Contains(err.Error(), "entry 40 is not there") {
			t.Errorf("entries [%d,%d): %v; whole is %v", c.from, c.to, err, c.whole)
		}
	}
}
