package bot_test

import (
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

// TestReplacedTeamOfThePolicy: a team that is asked to approve the policy cannot be put
// right by a new version of it that passes, so the check must not ask for one.
func TestReplacedTeamOfThePolicy(t *testing.T) {
	t.Parallel()
	const policy = "version: 1\nmode: enforce\ngoverned:\n  - name: gate\n    kind: other\n    paths: [\".github/changegate.yml\"]\n    approvals:\n      - {count: 1, from: [\"@acme/owners\"]}\n"
	w := gated(t, policy, "rev1", "lead")
	w.repo.Role("lead", "admin")
	w.gh.Team("acme/owners", "rev1")
	w.repo.TeamRole("acme/owners", "write")
	w.works(t)
	w.repo.Push("dev1", "pol", githubtest.Files{".github/changegate.yml": policy + "    risk: high\n"})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "pol", Title: "Policy", Body: described(w.first[:7])})
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	w.gh.DeleteTeam("acme/owners")
	w.works(t)
	w.gh.Team("acme/owners", "rev1")
	w.repo.TeamRole("acme/owners", "write")
	w.works(t)
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	if c, _ := w.check(); !strings.Contains(c.Summary, "an administrator has to merge a new version of `.github/changegate.yml` past this check") {
		t.Errorf("the check does not say the way out:\n%s", c.Summary)
	}
}
