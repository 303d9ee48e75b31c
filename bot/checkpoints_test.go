package bot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

// TestARestoredDatabaseDoesNotStart copies the database, records more, keeps the
// checkpoint, and puts the copy back, as a restore from a backup would.
func TestARestoredDatabaseDoesNotStart(t *testing.T) {
	t.Parallel()
	w, err := newWorld(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.end() }()
	w.gh.Org("acme")
	w.repo = w.gh.Repo("acme/agents", githubtest.Files{".github/changegate.yml": enforced, "prompts/a.md": "one\n"})
	w.gh.User("dev1")
	w.repo.Role("dev1", "write")
	w.gh.Install("acme")
	checkpoints, data := filepath.Join(w.dir, "checkpoints"), filepath.Join(w.dir, ".data")
	open := func(content string) {
		w.pull = w.repo.Open("dev1", githubtest.PR{Body: described("revert"), Files: githubtest.Files{"prompts/a.md": content}})
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
	}
	restart := func(change func()) error {
		keys := w.keys
		w.server.Close()
		if err := w.st.Close(); err != nil {
			t.Fatal(err)
		}
		change()
		if err := w.start(data); err != nil {
			t.Fatal(err)
		}
		w.keys, w.bot.Keys = keys, keys
		return w.bot.GuardLogs(context.Background(), checkpoints)
	}
	open("two\n")
	backup := map[string][]byte{}
	if err := restart(func() { backup = read(t, data) }); err != nil {
		t.Fatalf("an untouched database is refused: %v", err)
	}
	open("three\n")
	if err := w.bot.KeepCheckpoints(context.Background(), checkpoints); err != nil {
		t.Fatal(err)
	}
	if err := restart(func() {}); err != nil {
		t.Fatalf("the newest database is refused: %v", err)
	}
	err = restart(func() {
		for name, content := range backup {
			if err := os.WriteFile(filepath.Join(data, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "restore the newest database") {
		t.Errorf("a database from a backup is accepted: %v", err)
	}
}

// read returns the files of a closed database.
func read(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range []string{"changegate.db", "changegate.db-wal", "changegate.db-shm"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err == nil {
			out[name] = content
		}
	}
	return out
}
