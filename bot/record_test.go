package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

// TestOtherFilesMakeNoRecord: a record holds all facts, code owners included, and
// stays for ever. A push that leaves every text as it was adds none to each of the
// open pull requests, and writes no check.
func TestOtherFilesMakeNoRecord(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced+"    approvals:\n      - {count: 1, from: [codeowners]}\n", "rev1")
	w.floor = w.gh.Repo("acme/.github", githubtest.Files{".github/changegate.yml": enforced})
	w.repo.Push("dev1", "main", githubtest.Files{".github/CODEOWNERS": "prompts/ @rev1\n"})
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	records := func() int {
		n, err := w.count(evidence.KindDecision)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n, check := records(), w.pull.Checks()
	for name, repo := range map[string]*githubtest.Repo{"the base branch": w.repo, "the organisation's repository": w.floor} {
		repo.Push("dev1", "main", githubtest.Files{"README.md": "other\n"})
		w.later()
		w.works(t)
		if m := records(); m != n {
			t.Errorf("%d records after a push to %s that changes nothing, want %d", m, name, n)
		}
	}
	if now := w.pull.Checks(); len(now) != len(check) || now[len(now)-1].Summary != check[len(check)-1].Summary {
		t.Errorf("the check was written again:\n%s", now[len(now)-1].Summary)
	}
	w.repo.Push("dev1", "main", githubtest.Files{".github/CODEOWNERS": "prompts/ @dev1\n"})
	w.works(t)
	if records() == n {
		t.Error("other code owners make no record")
	}
}

// TestBackToWhatWasRecorded: a head that could not be judged in between leaves the
// pull request with the verdict of the head it went back to. Another one with that
// head would wait for it for ever.
func TestBackToWhatWasRecorded(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	first := w.pull.Head()
	w.gh.Fault(githubtest.Fault{Path: "/activity$", Kind: "500", Count: 1})
	w.deaf(func() { w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n"}) })
	w.pull.Draft("dev1") // wakes it
	w.works(t)
	w.deaf(func() { w.pull.Rewind("dev1", first) })
	w.pull.Ready("dev1")
	w.clock.to(w.clock.now().Add(time.Hour))
	w.works(t)
	w.shows(t, "Ready")
	w.repo.Branch("twin", first)
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "twin", Title: "Again", Body: described(w.first[:7])})
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.pull.Edit("dev1", "And so on.\n\n"+strings.Replace(described(w.first[:7]), "Refunds", "All refunds", 1))
	w.works(t)
	w.shows(t, "Ready")
}
