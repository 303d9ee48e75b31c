package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

func (w *world) asked(path string) (n int) {
	for _, c := range w.gh.Calls() {
		if strings.HasSuffix(c.Path, path) {
			n++
		}
	}
	return n
}

// TestPushersAreAskedForOnce: what webhooks told costs no call; what they did not is
// asked of GitHub's list of activity once, and remembered.
func TestPushersAreAskedForOnce(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	w.later()
	w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n"})
	w.works(t)
	if n := w.asked("/activity"); n != 0 {
		t.Fatalf("the activity was asked for %d times though every push was heard:\n%s", n, w.callList())
	}
	// rev1 pushes a commit that claims to be dev1's, and no webhook tells.
	w.deaf(func() {
		w.repo.Push("rev1", "topic", githubtest.Files{"prompts/a.md": "four\n"}, githubtest.Commit{Message: "x", Author: "dev1", Committer: "dev1"})
	})
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	if n := w.asked("/activity"); n != 1 {
		t.Errorf("the activity was asked for %d times, want once:\n%s", n, w.callList())
	}
	w.later()
	w.pull.Review("rev2", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	if n := w.asked("/activity"); n != 1 {
		t.Errorf("what it said was asked for again: %d times", n)
	}
}

// TestUnknownPushIsAskedAboutHourly: a head that nobody is known to have pushed stays
// without a green check, and does not cost a call with every event.
func TestUnknownPushIsAskedAboutHourly(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	w.gh.User("stranger")
	fork := w.repo.Fork("stranger")
	w.deaf(func() {
		fork.Push("stranger", "patch", githubtest.Files{"prompts/f.md": "f\n"})
		w.pull = w.repo.Open("stranger", githubtest.PR{Fork: true, Head: "patch", Title: "Patch", Body: described(w.first[:7])})
	})
	for i, want := range []int{1, 1, 1, 2} { // calls for activity so far
		if i == 3 {
			w.clock.to(w.clock.now().Add(time.Hour))
		}
		w.later()
		w.pull.Review("rev1", "APPROVED")
		w.works(t)
		w.shows(t, "Author:")
		if n := w.asked("/activity"); n != want {
			t.Errorf("event %d: the activity was asked for %d times, want %d", i, n, want)
		}
	}
}

// TestAForksPushersAreHeard: of a fork only the pull request's own events tell.
func TestAForksPushersAreHeard(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	w.gh.User("stranger")
	fork := w.repo.Fork("stranger")
	fork.Push("stranger", "patch", githubtest.Files{"prompts/f.md": "f\n"})
	w.pull = w.repo.Open("stranger", githubtest.PR{Fork: true, Head: "patch", Title: "Patch", Body: described(w.first[:7])})
	w.works(t)
	w.pull.Push("rev1", githubtest.Files{"prompts/f.md": "g\n"}, githubtest.Commit{Message: "x", Author: "stranger", Committer: "stranger"})
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	w.later()
	w.pull.Review("rev2", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	if n := w.asked("/activity"); n != 1 {
		t.Errorf("the activity was asked for %d times, want once, when it was opened:\n%s", n, w.callList())
	}
}

// TestSomebodyElsesPrivateFork: GitHub does not tell the App who pushed, and whoever
// opened the pull request cannot vouch for it.
func TestSomebodyElsesPrivateFork(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	fork := w.repo.Fork("rev1")
	fork.Push("rev1", "patch", githubtest.Files{"prompts/f.md": "f\n"}, githubtest.Commit{Message: "x", Author: "dev1", Committer: "dev1"})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "rev1:patch", Title: "Patch", Body: described(w.first[:7])})
	w.works(t)
	w.later()
	w.pull.Review("rev2", "APPROVED")
	w.works(t)
	w.shows(t, "Author: push the commits to a new branch")
	w.repo.DeleteFork("rev1")
	w.later()
	w.pull.Review("rev2", "APPROVED")
	w.works(t)
	w.shows(t, "Author: push the commits to a new branch")
}

// TestAForksPushersBeforeItWasOpened: whoever opens a pull request from somebody
// else's fork has not pushed what is on it. GitHub's list of activity says who did.
func TestAForksPushersBeforeItWasOpened(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	fork := w.repo.Fork("rev1")
	fork.Push("rev1", "patch", githubtest.Files{"prompts/f.md": "f\n"}, githubtest.Commit{Message: "x", Author: "dev1", Committer: "dev1"})
	w.repo.Public()
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "rev1:patch", Title: "Patch", Body: described(w.first[:7])})
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	w.later()
	w.pull.Review("rev2", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	if n := w.asked("/activity"); n != 1 {
		t.Errorf("the activity was asked for %d times, want once:\n%s", n, w.callList())
	}
}
