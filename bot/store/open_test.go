package store_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/store"
	"changegate/checks"
)

func TestSecondOpenIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	refused(t, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	openIn(t, dir)
}

func TestFilesAreNobodyElses(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("file modes are of Unix")
	}
	dir := filepath.Join(t.TempDir(), "a", "data")
	s := openIn(t, dir)
	raise(t, s, pull(1), noon)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) < 4 {
		t.Fatalf("files are %v, %v; want the lock, the database and what is beside it", files, err)
	}
	for _, name := range append(files, dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o077 != 0 {
			t.Errorf("%s has mode %v: others may read it", name, info.Mode())
		}
	}
}

func TestNamesThatAreNotURLs(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such names")
	}
	dir := filepath.Join(t.TempDir(), "50% ?mode=memory#x")
	s := openIn(t, dir)
	raise(t, s, pull(1), noon)
	if _, err := os.Stat(filepath.Join(dir, "changegate.db")); err != nil {
		t.Errorf("the database is somewhere else: %v", err)
	}
	if n := count(t, dir, "job"); n != 1 {
		t.Errorf("%d jobs in the file, want 1", n)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := openIn(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if err := tamper(t, dir, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	if s, err := store.Open(t.Context(), dir); err == nil {
		t.Error("a database of a newer program was opened")
		_ = s.Close()
	} else if !strings.Contains(err.Error(), "run the newer program") {
		t.Errorf("refused with %q, which does not say why", err)
	}
	if s, err := store.OpenReader(t.Context(), dir); err == nil {
		t.Error("a database of a newer program was opened for reading")
		_ = s.Close()
	}
}

func TestDamagedFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "changegate.db"), []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second shows that the first let go of the directory
		if s, err := store.Open(t.Context(), dir); err == nil {
			t.Error("a file that is no database was opened")
			_ = s.Close()
		} else if strings.Contains(err.Error(), "another ChangeGate") {
			t.Errorf("refused with %q", err)
		}
	}
}

func TestReopenKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	if _, err := s.Receive(t.Context(), store.Delivery{ID: "d"}, []checks.Wake{pull(1)}, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	raise(t, s, pull(2), noon)
	running := mustClaim(t, s, noon)
	want := samplePull(3)
	savePull(t, s, want)
	grow(t, s, "1", 3)
	s.Cache().Put(t.Context(), "k", []byte("v"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openIn(t, dir)
	if fresh, err := s.Receive(t.Context(), store.Delivery{ID: "d"}, nil, noon); fresh || err != nil {
		t.Errorf("the delivery is new again: %v, %v", fresh, err)
	}
	if v, ok := s.Cache().Get(t.Context(), "k"); string(v) != "v" || !ok {
		t.Errorf("cached %q, %v; want v", v, ok)
	}
	// The holder of the lease is gone, and nobody else can have it: no waiting.
	if j := mustClaim(t, s, noon); j.Number != 2 || j.Token != running.Token+1 {
		t.Errorf("claimed %d with token %d, want the interrupted job with %d", j.Number, j.Token, running.Token+1)
	}
	if due, err := s.NextDue(t.Context()); !due.Equal(noon.Add(lease)) || err != nil {
		t.Errorf("next due %v, %v; want %v", due, err, noon.Add(lease))
	}
	read(t, s, func(tx *store.Tx) error {
		got, err := tx.Pull(t.Context(), acme.RepoID, 3)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pull request (-want +got):\n%s", diff)
		}
		if size, err := tx.Size(t.Context(), "1"); size != 3 || err != nil {
			t.Errorf("the log has %d leaves, %v; want 3", size, err)
		}
		return err
	})
}

// An export reads while the server writes, and changes nothing.
func TestReaderBesideTheServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if r, err := store.OpenReader(t.Context(), dir); err == nil {
		t.Error("a directory that is not there was opened for reading")
		_ = r.Close()
	}
	s := openIn(t, dir)
	grow(t, s, "1", 3)
	r, err := store.OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	grow(t, s, "1", 1)
	read(t, r, func(tx *store.Tx) error {
		size, err := tx.Size(t.Context(), "1")
		if size != 4 {
			t.Errorf("the reader sees %d leaves, want 4", size)
		}
		return err
	})
	if err := r.Write(t.Context(), func(*store.Tx) error { return nil }); err == nil {
		t.Error("the reader could write")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	grow(t, s, "1", 1)
}
