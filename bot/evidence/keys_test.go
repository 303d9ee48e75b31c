package evidence_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"changegate/bot/evidence"
)

func TestLoadKeys(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	first := load(t, dir)
	second := load(t, dir)
	if first.KeyID() != second.KeyID() || vkey(t, first) != vkey(t, second) {
		t.Error("the second start has other keys")
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if len(files) != 2 {
		t.Errorf("%d files are left, want 2", len(files))
	}
}

// Two processes that start at once end with the same keys.
func TestLoadKeysAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	got := make([]*evidence.Keys, 8)
	for i := range got {
		wg.Go(func() {
			k, err := evidence.LoadKeys(dir, "changegate.example")
			for err != nil && strings.Contains(err.Error(), "holds one of") { // seen between the two files
				k, err = evidence.LoadKeys(dir, "changegate.example")
			}
			if err != nil {
				t.Error(err)
			}
			got[i] = k
		})
	}
	wg.Wait()
	for _, k := range got {
		if k == nil || k.KeyID() != got[0].KeyID() || vkey(t, k) != vkey(t, got[0]) {
			t.Error("two processes have different keys")
		}
	}
}

func TestLoadKeysRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, words string
		spoil       func(dir string) error
	}{
		{"others can read it", "chmod 600", func(dir string) error { return os.Chmod(filepath.Join(dir, "log.key"), 0o640) }},
		{"one is lost", "restore the other from the backup", func(dir string) error { return os.Remove(filepath.Join(dir, "evidence.key")) }},
		{"empty", "holds no PRIVATE KEY block", func(dir string) error { return os.Truncate(filepath.Join(dir, "log.key"), 0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			load(t, dir)
			if err := c.spoil(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := evidence.LoadKeys(dir, "changegate.example"); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("load keys: %v, want %q", err, c.words)
			}
		})
	}
	for _, origin := range []string{"", "two words", "a+b", "ünïcode", "line\nbreak"} {
		if _, err := evidence.NewKeys(origin, zeros{}); err == nil {
			t.Errorf("origin %q was accepted", origin)
		}
	}
}

func load(t *testing.T, dir string) *evidence.Keys {
	t.Helper()
	k, err := evidence.LoadKeys(dir, "changegate.example")
	if err != nil {
		t.Fatal(err)
	}
	return k
}
