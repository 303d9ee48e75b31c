package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

const floored = `version: 1
mode: enforce
governed:
  - name: notes
    kind: other
    paths: ["notes/**"]
    approvals:
      - {count: 2, from: [write]}
`

// TestTheOrganisationsPolicy follows it through its life: written, changed, asked of
// pull requests and of the branch alike, and gone.
func TestTheOrganisationsPolicy(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	home := w.gh.Repo("acme/.github", githubtest.Files{"README.md": "rules\n"})
	home.Role("rev1", "write")
	w.repo.Push("dev1", "notes", githubtest.Files{"notes/n.md": "n\n"})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "notes", Title: "Notes", Body: described(w.first[:7])})
	w.works(t)
	w.shows(t, "No governed files changed")

	home.Push("rev1", "main", githubtest.Files{".github/changegate.yml": floored})
	w.works(t)
	w.shows(t, "Waiting for 2 approvals") // with no event of its own

	w.repo.Push("rev1", "main", githubtest.Files{"notes/direct.md": "x\n"})
	w.works(t)
	w.clock.to(w.clock.now().Add(2 * time.Minute))
	w.works(t)
	w.excepted(t, 1, "direct push")

	// A pull request of that repository says nothing of the others' policy.
	w.pull = home.Open("rev1", githubtest.PR{Title: "Readme", Files: githubtest.Files{"README.md": "more\n"}})
	w.works(t)

	// The App loses sight of it. One that was never read before is not green either.
	w.gh.Install("acme", "acme/agents")
	w.repo.Push("dev1", "late", githubtest.Files{"prompts/late.md": "n\n"})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "late", Title: "Late", Body: described(w.first[:7])})
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	if c, _ := w.check(); c.Conclusion == "success" {
		t.Errorf("the check is green without the organisation's policy: %q", c.Title)
	}
}

// TestTheOrganisationsDefaultBranch has the policy: another one has another.
func TestTheOrganisationsDefaultBranch(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	home := w.gh.Repo("acme/.github", githubtest.Files{"README.md": "rules\n"})
	home.Role("rev1", "write")
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	home.Push("rev1", "strict", githubtest.Files{".github/changegate.yml": strings.ReplaceAll(floored, "notes", "prompts")})
	w.works(t)
	w.shows(t, "Ready")
	home.DefaultBranch("strict")
	w.works(t)
	w.shows(t, "Waiting for 1 approval") // of two
}

// TestABranchThatOnlyTheOrganisationWatches is walked like the repository's own.
func TestABranchThatOnlyTheOrganisationWatches(t *testing.T) {
	t.Parallel()
	for branch, members := range map[string]int{"release": 1, "topic2": 0} {
		w := gated(t, enforced, "rev1")
		home := w.gh.Repo("acme/.github", githubtest.Files{".github/changegate.yml": strings.Replace(floored, "mode: enforce", "mode: enforce\nbranches: [release]", 1)})
		home.Role("rev1", "write")
		sister := w.gh.Repo("acme/sister", githubtest.Files{".github/changegate.yml": enforced})
		sister.Role("rev1", "write")
		sister.Open("rev1", githubtest.PR{Title: "Read", Files: githubtest.Files{"x": "x\n"}}) // and the organisation's policy with it
		w.works(t)
		w.gh.ResetCalls()
		w.repo.Push("rev1", branch, githubtest.Files{"notes/n.md": "x\n"})
		w.works(t)
		w.clock.to(w.clock.now().Add(2 * time.Minute))
		w.works(t)
		w.excepted(t, members, map[int]string{1: "direct push"}[members])
		if n := w.calls(); members == 0 && n != 0 {
			t.Errorf("a push to a topic branch costs %d calls, want 0:\n%s", n, w.callList())
		}
	}
}
