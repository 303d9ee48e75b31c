package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks/githubtest"
	"changegate/rules"
)

// walked pushes files to the main branch and lets the bot explain it.
func (w *world) walked(t *testing.T, files githubtest.Files) {
	t.Helper()
	w.repo.Push("rev2", "main", files)
	w.waited(t)
}

// waited lets enough time pass that a commit is known to be of no pull request.
func (w *world) waited(t *testing.T) {
	t.Helper()
	w.works(t)
	w.clock.to(w.clock.now().Add(2 * time.Minute))
	w.works(t)
}

// released merges the pull request of the world with a way back.
func (w *world) released(t *testing.T, to string) {
	t.Helper()
	w.pull.Edit("dev1", described(to))
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	w.later()
	w.pull.Merge("rev2", "squash")
	w.waited(t)
}

func (w *world) changeNumber(t *testing.T, n int) (c *store.Change) {
	t.Helper()
	err := w.st.Read(t.Context(), func(tx *store.Tx) (err error) {
		c, err = tx.Change(t.Context(), w.orgID(), n)
		return err
	})
	if err != nil || c == nil {
		t.Fatalf("CHG-%d is %+v, %v", n, c, err)
	}
	return c
}

// TestCallsOfKeptPlans counts what keeping plans true costs: nothing for a push that
// touches no file of a revert and while no tag is named, whatever else is there.
func TestCallsOfKeptPlans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, to string
		push     githubtest.Files
		more     int
	}{
		{"a revert, not touched", "revert", githubtest.Files{"README.md": "1\n", "prompts/z.md": "1\n"}, 0},
		{"a revert, touched", "revert", githubtest.Files{"prompts/a.md": "1\n"}, 4}, // folder, texts; the comment and the reading it is made in
		{"a commit, touched", "", githubtest.Files{"prompts/a.md": "1\n"}, 0},
		{"a tag, not touched", "v1", githubtest.Files{"README.md": "1\n"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cost := func(to string) int {
				w := gated(t, strings.Replace(enforced, "mode: enforce", "mode: enforce\ncomment: off", 1), "rev1", "rev2")
				w.repo.Tag("v1", w.first)
				if to == "" {
					to = w.first[:7]
				}
				if to == "none" {
					w.pull.Close("dev1")
				} else {
					w.released(t, to)
				}
				w.walked(t, githubtest.Files{"docs/x.md": "warm\n"})
				w.gh.ResetCalls()
				w.walked(t, c.push)
				return w.calls()
			}
			if without, with := cost("none"), cost(c.to); with-without != c.more {
				t.Errorf("%d calls with the plan, %d without; want %d more", with, without, c.more)
			}
		})
	}
}

// TestKilledWhileItKeepsTrue: whenever the server dies, what was found of a plan is
// recorded once and said once.
func TestKilledWhileItKeepsTrue(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 14; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, after %v", n, after), func(t *testing.T) {
				t.Parallel()
				w := gated(t, enforced, "rev1", "rev2")
				w.released(t, "revert")
				w.repo.Push("rev2", "main", githubtest.Files{"prompts/a.md": "three\n"})
				w.works(t)
				w.clock.to(w.clock.now().Add(2 * time.Minute))
				if !w.dies(t, n, after) && n < 7 {
					t.Errorf("there are fewer requests than %d", n)
				}
				w.waited(t)
				w.waited(t)
				w.records(t, evidence.KindPlan, 1)
				w.answered(t, 1, "The way back of CHG-1 would no longer work")
				if c := w.changeNumber(t, 1); c.State != evidence.PlanBroken || c.Code != rules.CodeConflict {
					t.Errorf("the plan stands %+v", c.PlanStanding)
				}
			})
		}
	}
}

// TestKilledWhileItNumbers: a merge has one number and one record, and no number is lost.
func TestKilledWhileItNumbers(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 9; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, after %v", n, after), func(t *testing.T) {
				t.Parallel()
				w := gated(t, enforced, "rev1", "rev2")
				w.later()
				w.pull.Review("rev1", "APPROVED")
				w.works(t)
				w.later()
				w.pull.Merge("rev2", "squash")
				w.dies(t, n, after)
				w.waited(t)
				w.records(t, evidence.KindMerged, 1)
				if c := w.changeNumber(t, 1); c.Pull != 1 || c.Plan == nil || c.State != evidence.PlanVerified {
					t.Errorf("the change is %+v", c)
				}
				if sticky, _ := w.ours(); len(sticky) != 1 || !strings.Contains(sticky[0].Body, "Recorded as CHG-1") {
					t.Errorf("the sticky comment says %+v", sticky)
				}
			})
		}
	}
}

// TestManyPlansAfterARewrite: a walk verifies the newest plans, the next ones the rest:
// none is left out, and no repository takes the quota at once.
func TestManyPlansAfterARewrite(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	w.walked(t, githubtest.Files{"README.md": "ho\n"})
	const all = 60
	err := w.st.Write(t.Context(), func(tx *store.Tx) error {
		for n := range all {
			path := fmt.Sprintf("prompts/%d.md", n)
			back := rules.Entry{Blob: strings.Repeat("a", 40), Mode: "100644"}
			_, err := tx.AddChange(t.Context(), &store.Change{
				OrgID: w.orgID(), RepoID: w.repo.ID(), Branch: "main", Pull: 100 + n, MergedAt: w.clock.now().Add(time.Duration(n) * time.Second), Paths: []string{path},
				Plan:         &rules.Plan{To: w.first, Form: rules.FormCommit, Commit: w.first, Files: []rules.Restored{{Path: path, Back: back}}},
				PlanStanding: store.PlanStanding{State: evidence.PlanVerified, Tip: "old"},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	verified := func() (n, oldest int) {
		oldest = all + 1
		for i := 1; i <= all; i++ {
			if c := w.changeNumber(t, i); c.Tip != "old" {
				n, oldest = n+1, min(oldest, i)
			}
		}
		return n, oldest
	}
	w.repo.ForcePush("rev2", "main", w.first, githubtest.Files{"README.md": "other\n"})
	w.waited(t)
	if n, oldest := verified(); n != 50 || oldest != 11 {
		t.Errorf("%d plans were verified, the oldest CHG-%d; want 50, CHG-11", n, oldest)
	}
	w.waited(t)
	if n, _ := verified(); n != all {
		t.Errorf("%d plans were verified in the end, want %d", n, all)
	}
	w.records(t, evidence.KindPlan, 0)
}
