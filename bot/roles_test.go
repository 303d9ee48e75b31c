package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

// owned is a gated world whose policy asks for two of acme/owners.
func owned(t *testing.T) *world {
	t.Helper()
	w := gated(t, enforcedByOwners, "rev1", "rev2", "rev3")
	w.gh.Team("acme/owners", "rev1", "rev2", "rev3")
	w.repo.TeamRole("acme/owners", "write")
	w.works(t)
	w.later()
	return w
}

// deaf makes what happens unheard, as when webhooks are lost.
func (w *world) deaf(happens func()) {
	w.gh.Hook("")
	happens()
	w.gh.Hook(w.server.URL + "/webhook")
}

// TestGreenRestsOnRolesAskedNow: a membership that was lost with no webhook must not
// let the last approval turn a verdict green, and is found within an hour when it
// already was.
func TestGreenRestsOnRolesAskedNow(t *testing.T) {
	t.Parallel()
	t.Run("before it turns green", func(t *testing.T) {
		t.Parallel()
		w := owned(t)
		w.pull.Review("rev1", "APPROVED")
		last := w.pull.Review("rev2", "CHANGES_REQUESTED")
		w.works(t)
		w.deaf(func() { w.gh.LeaveTeam("acme/owners", "rev1") })
		w.later()
		w.pull.Review("rev2", "APPROVED") // both are known: their roles are remembered
		w.works(t)
		w.shows(t, "Waiting for 1 approval")
		if last == 0 {
			t.Error("there was no review")
		}
	})
	t.Run("while it is green", func(t *testing.T) {
		t.Parallel()
		w := owned(t)
		w.pull.Review("rev1", "APPROVED")
		w.pull.Review("rev2", "APPROVED")
		w.works(t)
		w.shows(t, "Ready")
		w.deaf(func() { w.gh.LeaveTeam("acme/owners", "rev1") })
		w.clock.to(w.clock.now().Add(59 * time.Minute))
		w.pull.Retitle("dev1", "A better title")
		w.works(t)
		w.shows(t, "Ready") // remembered for an hour
		w.clock.to(w.clock.now().Add(2 * time.Minute))
		if err := w.bot.SweepOnce(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.works(t)
		w.shows(t, "Waiting for 1 approval")
	})
}

// TestAMembershipJudgesWhomItConcerns: of two pull requests that wait for one team,
// only the one on which the member gave an opinion is judged again.
func TestAMembershipJudgesWhomItConcerns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(w *world)
		judged  int // pull requests
	}{
		"of an approver":        {func(w *world) { w.gh.LeaveTeam("acme/owners", "rev1") }, 1},
		"of somebody else":      {func(w *world) { w.gh.LeaveTeam("acme/owners", "rev3") }, 0},
		"an approver is gone":   {func(w *world) { w.gh.LeaveOrg("acme", "rev1") }, 1},
		"a permission":          {func(w *world) { w.repo.Role("rev2", "maintain") }, 1},
		"the team is dissolved": {func(w *world) { w.gh.DeleteTeam("acme/owners") }, 2},
		"labels":                {func(w *world) { w.pull.Label("dev1", "x"); w.pull.Unlabel("dev1", "x") }, 0},
		"a draft":               {func(w *world) { w.pull.Draft("dev1") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := owned(t)
			w.pull.Review("rev1", "APPROVED")
			w.repo.Push("dev1", "other", githubtest.Files{"prompts/b.md": "b\n"})
			w.pull = w.repo.Open("dev1", githubtest.PR{Head: "other", Title: "Other", Body: described(w.first[:7])})
			w.later()
			w.pull.Review("rev2", "APPROVED")
			w.works(t)
			w.gh.ResetCalls()
			c.happens(w)
			w.works(t)
			if n := strings.Count(w.callList(), " Pull "); n != c.judged {
				t.Errorf("%d pull requests were read, want %d:\n%s", n, c.judged, w.callList())
			}
		})
	}
}
