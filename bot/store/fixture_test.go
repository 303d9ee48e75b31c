package store_test

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"changegate/bot/store"
	"changegate/checks"
)

// TestMain lets the test binary also be the other process of crash_test.go.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// noon is when the tests begin.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const lease = 10 * time.Second

var acme = checks.Place{Installation: 11, OrgID: 22, Org: "acme", RepoID: 33, Repo: "acme/agents"}

func open(t testing.TB) *store.Store {
	t.Helper()
	return openIn(t, filepath.Join(t.TempDir(), "data"))
}

func openIn(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// file opens a store's file as somebody with the file could.
func file(t *testing.T, dir string) *sql.DB {
	t.Helper()
	name := (&url.URL{Path: filepath.ToSlash(filepath.Join(dir, "changegate.db"))}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+name+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// tamper runs statements on a closed store's file until one fails.
func tamper(t *testing.T, dir string, statements ...string) error {
	t.Helper()
	db := file(t, dir)
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			return err
		}
	}
	return nil
}

func count(t *testing.T, dir, table string) (n int) {
	t.Helper()
	db := file(t, dir)
	defer db.Close()
	if err := db.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func write(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, s *store.Store, fn func(*store.Tx) error) {
	t.Helper()
	if err := s.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func raise(t testing.TB, s *store.Store, w checks.Wake, at time.Time) {
	t.Helper()
	write(t, s, func(tx *store.Tx) error { return tx.Raise(t.Context(), w, "test.raised", at) })
}

func claim(t testing.TB, s *store.Store, now time.Time) *store.Job {
	t.Helper()
	j, err := s.Claim(t.Context(), now, lease)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func mustClaim(t testing.TB, s *store.Store, now time.Time) *store.Job {
	t.Helper()
	j := claim(t, s, now)
	if j == nil {
		t.Fatalf("nothing to claim at %s", now.Format(time.TimeOnly))
	}
	return j
}

func finish(t testing.TB, s *store.Store, j *store.Job, next, now time.Time) (held bool) {
	t.Helper()
	write(t, s, func(tx *store.Tx) (err error) {
		held, err = tx.Finish(t.Context(), j, next, now)
		return err
	})
	return held
}

func pull(number int) checks.Wake { return checks.Wake{Place: acme, Number: number, Base: "main"} }

// known makes an open pull request known and its job idle.
func known(t testing.TB, s *store.Store, number int, base, head string) {
	t.Helper()
	savePull(t, s, &store.Pull{Place: acme, Number: number, Base: base, Head: head, State: "open", Record: -1, MergeRecord: -1})
}

func savePull(t testing.TB, s *store.Store, p *store.Pull) {
	t.Helper()
	write(t, s, func(tx *store.Tx) error { return tx.SavePull(t.Context(), p) })
}

// numbers claims everything that is due and returns the pull requests' numbers
// (0 for a branch) in that order. Every job is finished.
func numbers(t testing.TB, s *store.Store, now time.Time) (all []int) {
	t.Helper()
	for j := claim(t, s, now); j != nil; j = claim(t, s, now) {
		all = append(all, j.Number)
		finish(t, s, j, time.Time{}, now)
	}
	return all
}
