package bot_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"changegate/checks/githubtest"
)

// before is what the tables of version 2 lack, and how that version remembered a
// comparison: without its commits.
var before = []string{
	`DROP TABLE heard`, `DROP TABLE account`, `DROP TABLE floor`, `DROP INDEX delivery_at`,
	`ALTER TABLE pull DROP COLUMN known`, `ALTER TABLE pull DROP COLUMN roles`,
	`DELETE FROM goose_db_version WHERE version_id > 2`,
	`DELETE FROM cache WHERE key NOT LIKE 'compar%'`,
	`UPDATE cache SET key = 'compare/' || substr(key, instr(key, '/') + 1),
		value = CAST(json_remove(json_set(CAST(value AS TEXT), '$.Total', 1), '$.Commits', '$.Ahead') AS BLOB)`,
}

// TestUpgrade: pull requests that are open while the server is replaced by this
// version go on as they were, an agent's too, and no approval is lost.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	w := gatedOf(t, githubtest.Options{Limits: githubtest.Limits{GraphQLCommits: 1}}, enforced, "rev1", "rev2")
	w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n"})
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	one := w.pull
	w.gh.Bot("agent[bot]")
	w.repo.Role("agent[bot]", "write")
	w.repo.Push("agent[bot]", "made", githubtest.Files{"prompts/b.md": "two\n"})
	w.pull = w.repo.Open("agent[bot]", githubtest.PR{Head: "made", Title: "Change", Body: described(w.first[:7]), Assignees: []string{"dev1"}})
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	agents := w.pull

	w.older(t)
	w.later()
	for _, p := range []*githubtest.Pull{one, agents} {
		w.pull = p
		p.Review("rev2", "APPROVED")
		w.works(t)
		w.shows(t, "Ready")
	}
	w.later()
	agents.Merge("rev2", "squash")
	w.works(t)
	w.excepted(t, 1, "")
}

// older puts the database back to how version 2 left it, and starts the bot again.
func (w *world) older(t *testing.T) {
	t.Helper()
	data := filepath.Join(w.dir, ".data")
	w.server.Close()
	if err := w.st.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(data, "changegate.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range before {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.start(data); err != nil {
		t.Fatal(err)
	}
}
