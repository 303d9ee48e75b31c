package bot_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

// Whoever breaks the glass has looked at one commit, on its way into one branch. What
// the pull request was moved to before the command was read is not covered, whichever
// way it got there.
func TestBreakGlassOfWhatNobodySaw(t *testing.T) {
	t.Parallel()
	const evil = "no limit at all\n"
	for name, c := range map[string]struct {
		before, between func(t *testing.T, w *world)
	}{
		"pushed back while webhooks came": {
			func(t *testing.T, w *world) { w.away(t, evil) },
			func(t *testing.T, w *world) { w.pull.Rewind("dev1", w.marks["evil"]) },
		},
		"pushed back while webhooks were lost": {
			func(t *testing.T, w *world) { w.away(t, evil) },
			func(t *testing.T, w *world) { w.deaf(func() { w.pull.Rewind("dev1", w.marks["evil"]) }) },
		},
		"pushed while webhooks were lost": {
			func(t *testing.T, w *world) {},
			func(t *testing.T, w *world) {
				w.deaf(func() { w.pull.Push("dev1", githubtest.Files{"prompts/a.md": evil}) })
			},
		},
		"retargeted": {
			func(t *testing.T, w *world) {
				w.repo.Branch("release", "main")
				w.pull.Retarget("dev1", "release")
				w.works(t)
			},
			func(t *testing.T, w *world) { w.pull.Retarget("dev1", "main") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, strings.Replace(emergencies, "governed:", "branches: [main, release]\ngoverned:", 1), "rev1", "lead1", "boss1")
			for team, who := range map[string]string{"acme/owners": "rev1", "acme/commanders": "lead1", "acme/managers": "boss1"} {
				w.gh.Team(team, who)
				w.repo.TeamRole(team, "write")
			}
			w.works(t)
			c.before(t, w)
			w.later()
			id := w.pull.Comment("lead1", breakGlass)
			w.later()
			c.between(t, w)
			w.works(t)
			w.shows(t, "Waiting for 1 approval")
			w.reacted(t, id, "eyes", "confused")
			w.records(t, evidence.KindOpened, 0)
			w.says(t, "lead1", breakGlass) // what is there now was looked at
			w.shows(t, "BREAK-GLASS")
		})
	}
}

// away pushes a commit and goes back to the one before it.
func (w *world) away(t *testing.T, text string) {
	t.Helper()
	was := w.pull.Head()
	w.marks["evil"] = w.pull.Push("dev1", githubtest.Files{"prompts/a.md": text})
	w.works(t)
	w.later()
	w.pull.Rewind("dev1", was)
	w.works(t)
}

// Of a private fork no list of activity tells who pushed: the webhook alone does, and it
// may come after the comment was read.
func TestBreakGlassOfAForkBeforeItsPushIsHeard(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.gh.User("stranger")
	fork := w.repo.Fork("stranger")
	fork.Push("stranger", "patch", githubtest.Files{"prompts/f.md": "f\n"})
	w.pull = w.repo.Open("stranger", githubtest.PR{Fork: true, Head: "patch", Title: "Patch", Body: described(w.first[:7])})
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	w.later()
	w.pull.Comment("lead1", breakGlass)
	w.gh.Fault(githubtest.Fault{Path: "/activity", Kind: "404"})
	n := len(w.gh.Deliveries())
	lost := httptest.NewServer(http.NotFoundHandler())
	defer lost.Close()
	w.gh.Hook(lost.URL)
	w.pull.Push("stranger", githubtest.Files{"prompts/f.md": "no limit\n"})
	w.gh.Hook(w.server.URL + "/webhook")
	w.works(t)
	for _, d := range w.gh.Deliveries()[n:] {
		if d.Event == "pull_request" {
			w.gh.Send(d.Event, d.Payload)
		}
	}
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	w.records(t, evidence.KindOpened, 0)
}

// An approval belongs to the base branch that it was given for, and so does what stands
// in its place (CONTRACT §4).
func TestBreakGlassOfAnotherBase(t *testing.T) {
	t.Parallel()
	w := gated(t, strings.Replace(emergencies, "governed:", "branches: [main, release]\ngoverned:", 1), "rev1", "lead1", "boss1")
	for team, who := range map[string]string{"acme/owners": "rev1", "acme/commanders": "lead1", "acme/managers": "boss1"} {
		w.gh.Team(team, who)
		w.repo.TeamRole(team, "write")
	}
	w.repo.Branch("release", "main")
	w.pull.Retarget("dev1", "release")
	w.works(t)
	w.says(t, "lead1", breakGlass)
	w.shows(t, "BREAK-GLASS")
	w.later()
	w.pull.Retarget("dev1", "main")
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
}
