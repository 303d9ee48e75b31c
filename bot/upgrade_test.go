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
	`INSERT INTO cache (key, seq, value, size) SELECT 'base/' || repo_id || '/' || number || '/' || b.key, 1000000 + 10 * number + b.key,
		CAST(json_object('Branch', b.value ->> '$.branch', 'Since', coalesce(b.value ->> '$.since', '0001-01-01T00:00:00Z')) AS BLOB), 60
		FROM pull, json_each(CAST(known AS TEXT), '$.bases') b`,
	`DROP TABLE rollback_asked`, `DROP TABLE change`, `DROP TABLE change_path`, `DROP TABLE exception`, `DROP TABLE saying`, `DROP TABLE press`, `DROP TABLE ahead`,
	`DROP INDEX pull_head`, `CREATE INDEX pull_head ON pull (repo_id, head) WHERE state = 'open'`,
	`DROP TABLE merge_group`, `ALTER TABLE pull DROP COLUMN judged_gen`,
	`ALTER TABLE pull DROP COLUMN sticky_id`, `ALTER TABLE pull DROP COLUMN sticky_hash`, `ALTER TABLE pull DROP COLUMN sticky_at`,
	`DROP TABLE heard`, `DROP TABLE account`, `DROP TABLE floor`, `DROP INDEX delivery_at`,
	`ALTER TABLE pull DROP COLUMN known`, `ALTER TABLE pull DROP COLUMN roles`,
	`DELETE FROM goose_db_version WHERE version_id > 2`,
	`DELETE FROM cache WHERE key NOT LIKE 'compar%' AND key NOT LIKE 'base/%'`,
	`UPDATE cache SET key = 'compare/' || substr(key, instr(key, '/') + 1),
		value = CAST(json_remove(json_set(CAST(value AS TEXT), '$.Total', 1), '$.Commits', '$.Ahead') AS BLOB)
		WHERE key LIKE 'compar%'`,
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

	w.older(t, func() {})
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

// TestUpgradeAfterARetarget: GitHub moved a pull request to another base branch by
// itself, before the upgrade or while the server was off. No event tells it.
func TestUpgradeAfterARetarget(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"before": true, "while the server was off": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, "version: 1\nmode: enforce\nbranches: [main, release]\ngoverned:\n  - {name: prompts, kind: prompt, paths: [\"prompts/**\"]}\n", "rev1", "boss1")
			w.repo.Role("boss1", "admin")
			w.repo.Branch("release", "main")
			w.repo.Push("dev1", "release", githubtest.Files{"README.md": "release\n"})
			below := w.repo.Open("dev1", githubtest.PR{Head: "release", Title: "Release", Body: described(w.first[:7])})
			w.repo.Push("dev1", "high", githubtest.Files{"prompts/b.md": "two\n"})
			w.pull = w.repo.Open("dev1", githubtest.PR{Head: "high", Base: "release", Title: "Change", Body: described(w.first[:7])})
			w.works(t)
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			below.Merge("boss1", "merge")
			w.works(t)
			w.later()
			move := func() { w.repo.DeleteBranch("boss1", "release") }
			if before {
				move()
				w.works(t)
				w.shows(t, "Approvals stale")
			}
			w.older(t, func() {
				if !before {
					w.deaf(move)
				}
			})
			w.later()
			if err := w.bot.SweepOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.works(t)
			w.shows(t, "Approvals stale")
		})
	}
}

// older puts the database back to how version 2 left it, and starts the bot again. Off
// is what happens while it is off.
func (w *world) older(t *testing.T, off func()) {
	t.Helper()
	data := filepath.Join(w.dir, ".data")
	w.server.Close()
	if err := w.st.Close(); err != nil {
		t.Fatal(err)
	}
	off()
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
