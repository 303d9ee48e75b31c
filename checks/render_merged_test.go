package checks

import (
	"strings"
	"testing"

	"changegate/rules"
)

// TestRenderPlan: what is said of a merged change names it, how its way back stands and
// what to do, and nothing that people wrote becomes markup in it.
func TestRenderPlan(t *testing.T) {
	t.Parallel()
	plan := &rules.Plan{To: "v1|<img src=x> @everyone \u202e", Commit: "9f3c2ab0000000000000000000000000000000000", Files: make([]rules.Restored, 2)}
	for name, c := range map[string]struct {
		view         PlanView
		sticky, says []string
	}{
		"verified": {PlanView{Explained: true, Plan: plan, Known: true},
			[]string{"Recorded as CHG-12", "through the gate", "2 files, verified |", "`/change rollback`", "`changegate rollback CHG-12`"}, []string{"CHG-12 works, verified on `main` as it is now (`0123456`)"}},
		"broken": {PlanView{Explained: true, Plan: plan, Known: true, Broken: true, Says: "`main` has changed the same lines"},
			[]string{"WOULD NO LONGER WORK. `main` has changed the same lines. |"}, []string{"CHG-12 would no longer work**", "`main` has changed the same lines.", "by hand"}},
		"moved": {PlanView{Plan: plan, Known: true, Says: "the tag moved"},
			[]string{"an exception", "verified. The tag moved. |"}, []string{"still works", "The tag moved.", "restores `9f3c2ab`"}},
		"not known":   {PlanView{Plan: plan}, []string{"not verified yet for what was merged"}, nil},
		"rolled back": {PlanView{Plan: plan, Known: true, UndoneBy: "CHG-13", Undoes: "CHG-11"}, []string{"Next:** nothing to do.\n", "| Rollback of | CHG-11 |", "| Rolled back by | CHG-13 |"}, nil},
		"no plan":     {PlanView{}, []string{"Next:** nothing to do.\n", "| Rollback | none was verified with this change |"}, nil},
	} {
		v := c.view
		v.Ref, v.Change, v.Branch, v.Tip, v.DetailsURL = rules.Ref{RepoID: 7, Number: 3}, "CHG-12", "main", "0123456789", "https://cg.example/r"
		texts := map[string]string{"sticky": StickyMerged(v)}
		contains(t, name, texts["sticky"], append(c.sticky, StickyMarker(7, 3), "[details](https://cg.example/r)"))
		if c.says != nil {
			texts["comment"] = PlanChanged(v)
			contains(t, name, texts["comment"], append(c.says, "[details](https://cg.example/r)"))
		}
		for what, text := range texts {
			if bare := strings.ReplaceAll(text, "`v1\\|<img src=x> @everyone U+202E`", ""); strings.Contains(bare, "<img") || strings.Contains(bare, "\u202e") {
				t.Errorf("%s: the %s has markup of others:\n%s", name, what, text)
			}
		}
	}
}

func contains(t *testing.T, name, text string, all []string) {
	t.Helper()
	for _, s := range all {
		if !strings.Contains(text, s) {
			t.Errorf("%s: no %q in:\n%s", name, s, text)
		}
	}
}
