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

// planned numbers changes of an organisation as if they had been merged, each of a file of
// its own with such a plan.
func (w *world) planned(t *testing.T, orgID int64, many int, plan rules.Plan, back rules.Restored, s store.PlanStanding) {
	t.Helper()
	err := w.st.Write(t.Context(), func(tx *store.Tx) error {
		for n := range many {
			p, f := plan, back
			f.Path = fmt.Sprintf("prompts/%d.md", n)
			p.Files = []rules.Restored{f}
			_, err := tx.AddChange(t.Context(), &store.Change{
				OrgID: orgID, RepoID: w.repo.ID(), Branch: "main", Pull: 100 + n, MergedAt: w.clock.now().Add(time.Duration(n) * time.Second),
				Paths: []string{f.Path}, Plan: &p, PlanStanding: s,
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
}

// TestCallsOfBrokenPlans: however many plans are broken, a push that has to do with none of
// them costs what it costs without. One that may bring back into the history what a
// rewrite took out of it asks once for each commit.
func TestCallsOfBrokenPlans(t *testing.T) {
	t.Parallel()
	gone := strings.Repeat("a", 40)
	back := rules.Restored{Back: rules.Entry{Blob: gone, Mode: "100644"}}
	broken := func(code string) store.PlanStanding {
		return store.PlanStanding{State: evidence.PlanBroken, Code: code, Says: "x", Tip: "old"}
	}
	for _, c := range []struct {
		name string
		plan rules.Plan
		code string
		join bool
		more int
	}{
		{"tags, of what cannot be restored", rules.Plan{To: "v1", Form: rules.FormTag, Commit: gone}, rules.CodeNotRestorable, false, 0},
		{"tags, out of the history", rules.Plan{To: "v1", Form: rules.FormTag, Commit: gone}, rules.CodeOutsideBase, false, 0},
		{"commits, out of the history", rules.Plan{To: gone, Form: rules.FormCommit, Commit: gone}, rules.CodeOutsideBase, false, 0},
		{"tags, out of the history, another branch is merged", rules.Plan{To: "v1", Form: rules.FormTag, Commit: gone}, rules.CodeOutsideBase, true, 2}, // tag, history; the pull request has read the folder
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cost := func(many int) int {
				w := gated(t, enforced, "rev1", "rev2")
				w.walked(t, githubtest.Files{"README.md": "ho\n"})
				w.repo.Branch("side", "main")
				w.repo.Push("rev2", "side", githubtest.Files{"docs/side.md": "side\n"})
				w.repo.Tag("v1", w.first)
				w.planned(t, w.orgID(), many, c.plan, back, broken(c.code))
				w.works(t)
				w.gh.ResetCalls()
				if c.join {
					w.repo.Merge("rev2", "main", "side")
				} else {
					w.repo.Push("rev2", "main", githubtest.Files{"README.md": "no\n"})
				}
				w.waited(t)
				for n := range many {
					if now := w.changeNumber(t, n+1); now.State != evidence.PlanBroken || now.Code != c.code {
						t.Errorf("CHG-%d stands %+v", n+1, now.PlanStanding)
					}
				}
				return w.calls()
			}
			if without, with := cost(0), cost(45); with-without != c.more {
				t.Errorf("%d calls with 45 broken plans, %d without; want %d more", with, without, c.more)
			}
		})
	}
}

// TestPlansOfAnotherOrganisation: a repository that changed hands brings the plans of its
// old organisation along. What is pushed now is nothing for the log of that one.
func TestPlansOfAnotherOrganisation(t *testing.T) {
	t.Parallel()
	const old = 4242
	w := gated(t, enforced, "rev1", "rev2")
	w.walked(t, githubtest.Files{"prompts/0.md": "of the old\n"})
	was := w.repo.Head("main")
	w.walked(t, githubtest.Files{"prompts/0.md": "B\n"})
	with := w.repo.Head("main")
	verified := store.PlanStanding{State: evidence.PlanVerified, Tip: with}
	w.repo.Tag("v1", was)
	w.planned(t, old, 1, rules.Plan{To: "v1", Form: rules.FormTag, Commit: was, Merge: with, Parent: was}, rules.Restored{}, verified)
	w.repo.Tag("v1", with)
	w.walked(t, githubtest.Files{"prompts/0.md": "secret of the new\n"})
	w.repo.ForcePush("rev2", "main", w.first, githubtest.Files{"prompts/0.md": "secret of the new\n"})
	w.waited(t)
	err := w.st.Read(t.Context(), func(tx *store.Tx) error {
		for s, err := range evidence.NewLog(w.keys, fmt.Sprint(old)).Records(t.Context(), tx, 0, 1) {
			if err != nil {
				return err
			}
			t.Errorf("in the log of the old organisation is %T %s", s.Predicate, s.Side)
		}
		c, err := tx.Change(t.Context(), old, 1)
		if err == nil && c.PlanStanding != verified {
			t.Errorf("its plan stands %+v", c.PlanStanding)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.records(t, evidence.KindPlan, 0)
}

// TestCallsOfKeptPlans counts what keeping plans true costs: nothing for a push that
// touches no file of a plan and while no tag is named, whatever else is there.
func TestCallsOfKeptPlans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, to string
		push     githubtest.Files
		more     int
	}{
		{"a revert, not touched", "revert", githubtest.Files{"README.md": "1\n", "prompts/z.md": "1\n"}, 0},
		{"a revert, touched", "revert", githubtest.Files{"prompts/a.md": "1\n"}, 4}, // folder, texts; the comment and the reading it is made in
		{"a commit, not touched", "", githubtest.Files{"README.md": "1\n"}, 0},
		{"a commit, touched", "", githubtest.Files{"prompts/a.md": "1\n"}, 1}, // folder
		{"a tag, touched", "v1", githubtest.Files{"prompts/a.md": "1\n"}, 2},  // folder, tag
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

// TestRecordedLate: what the walk of a branch finds before a merge is on record counts for
// its way back all the same.
func TestRecordedLate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to   string // empty for the commit before the merge
		push func(*world)
		code string
	}{
		"nothing since": {"", func(*world) {}, ""},
		"another push": {"revert", func(w *world) {
			w.repo.Push("rev2", "main", githubtest.Files{"prompts/a.md": "three\n"})
		}, rules.CodeConflict},
		"the branch is pushed over": {"", func(w *world) {
			w.repo.ForcePush("rev2", "main", w.first, githubtest.Files{"prompts/a.md": "three\n"})
		}, rules.CodeOutsideBase},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1", "rev2")
			w.walked(t, githubtest.Files{"README.md": "ho\n"})
			before := w.repo.Head("main")
			if c.to == "" {
				c.to = before
			}
			w.pull.Edit("dev1", described(c.to))
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			w.later()
			w.pull.Merge("rev2", "squash")
			merge := w.repo.Head("main")
			w.gh.ResetCalls()
			c.push(w)
			if c.code != "" { // else the walk asks the same
				w.gh.Fault(githubtest.Fault{Path: "/compare/" + before + `\.\.\.` + merge, Kind: "500"})
			}
			w.waited(t)
			w.waited(t)
			w.gh.ClearFaults()
			for range 5 {
				w.waited(t)
			}
			if list := w.callList(); strings.Contains(list, "/compare/"+merge+"...") != (c.code != "") {
				t.Errorf("how far the branch was walked is asked where that is in question, and only there:\n%s", list)
			}
			now := w.changeNumber(t, 1)
			if now.Code != c.code || (now.State == evidence.PlanBroken) != (c.code != "") {
				t.Errorf("the plan stands %+v", now.PlanStanding)
			}
		})
	}
}

// TestDroppedAndPushedAgain: a commit that was dropped from the branch is pushed again as
// it was, which is no rewrite. What names it works again.
func TestDroppedAndPushedAgain(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	w.walked(t, githubtest.Files{"README.md": "ho\n"})
	w.released(t, w.repo.Head("main"))
	all := w.repo.Head("main")
	for _, c := range []struct {
		at, state, code string
	}{
		{w.first, evidence.PlanBroken, rules.CodeOutsideBase},
		{all, evidence.PlanVerified, ""},
	} {
		w.repo.Branch("main", c.at)
		w.waited(t)
		if now := w.changeNumber(t, 1); now.State != c.state || now.Code != c.code {
			t.Errorf("with main at %s the plan stands %+v", c.at, now.PlanStanding)
		}
	}
	w.records(t, evidence.KindPlan, 2)
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
	w.planned(t, w.orgID(), all, rules.Plan{To: w.first, Form: rules.FormCommit, Commit: w.first},
		rules.Restored{Back: rules.Entry{Blob: strings.Repeat("a", 40), Mode: "100644"}}, store.PlanStanding{State: evidence.PlanVerified, Tip: "old"})
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
