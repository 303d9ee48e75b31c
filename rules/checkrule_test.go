package rules

import (
	"testing"
	"time"
)

func TestRequiredChecks(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    require_checks: [{name: evals, app: github-actions}]\n")
	green := Check{"evals", "github-actions", "completed", "success"}
	workflow := touching(File{Path: "prompts/a.md", New: "1"}, File{Path: ".github/workflows/evals.yml", New: "2"})
	has := func(cs ...Check) func(*Change) { return func(c *Change) { c.Checks = cs } }
	ended := func(conclusion string) func(*Change) {
		return has(Check{"evals", "github-actions", "completed", conclusion})
	}
	writer, maintainer := reviewed(review(rev1)), reviewed(review(rev1), review(rev2, role("maintain")))
	for _, tt := range []struct {
		name  string
		opts  []func(*Change)
		state State
		title string
		says  string
	}{
		{"success", opt(has(green), writer), Ready, "Ready…", "`evals` of `github-actions` passed"},
		{"none", opt(writer), Waiting, "Waiting for required checks", "`evals` of `github-actions` has not reported on `e55a210`"},
		{"another App", opt(has(Check{"evals", "evil", "completed", "success"}), writer), Waiting, "Waiting for required checks", "`evals` of `github-actions` has not reported on `e55a210`"},
		{"another name", opt(has(Check{"Evals", "github-actions", "completed", "success"}), writer), Waiting, "Waiting for required checks", "`evals` of `github-actions` has not reported on `e55a210`"},
		{"running", opt(has(Check{"evals", "github-actions", "in_progress", ""}), writer), Waiting, "Waiting for required checks", "`evals` of `github-actions` is `in_progress`"},
		{"failure", opt(ended("failure"), writer), Author, "Author: get the required checks green", "`evals` of `github-actions` ended as `failure`"},
		{"skipped", opt(ended("skipped"), writer), Author, "Author: get the required checks green", "`evals` of `github-actions` ended as `skipped`"},
		{"neutral", opt(ended("neutral"), writer), Author, "Author: get the required checks green", "`evals` of `github-actions` ended as `neutral`"},
		{"no conclusion", opt(ended(""), writer), Author, "Author: get the required checks green", "`evals` of `github-actions` ended as (empty)"},
		{"success and failure", opt(has(green, Check{"evals", "github-actions", "completed", "failure"}), writer), Author, "Author: get the required checks green", "`evals` of `github-actions` ended as `failure`"},

		{"workflow edited", opt(workflow, has(green), writer), Waiting, "Waiting for 1 approval - from maintain access, as a workflow is edited", "`evals` of `github-actions` passed, but the change edits `.github/workflows`, so it can write its own result"},
		{"workflow moved away", opt(touching(File{Path: "prompts/a.md", New: "1"}, File{Path: "x", OldPath: ".github/Workflows/evals.yml"}), has(green), writer), Waiting, "Waiting for 1 approval - from maintain access…", "`evals` of `github-actions` passed, but the change edits `.github/workflows`, so it can write its own result"},
		{"workflow edited, maintainer approved", opt(workflow, has(green), maintainer), Ready, "Ready - 2 approvals…", "`evals` of `github-actions` passed"},
		{"workflow edited, maintainer approved another commit", opt(workflow, has(green), writer, reviewed(review(rev2, role("maintain"), of(oldCommit)))), Waiting, "Waiting for 1 approval - from maintain access…", "`evals` of `github-actions` passed, but the change edits `.github/workflows`, so it can write its own result"},
		{"workflow edited by the maintainer", opt(workflow, has(green), maintainer, commits(Commit{ID: "c", Author: rev2, Committer: dev1})), Waiting, "Waiting for 1 approval - from maintain access…", "`evals` of `github-actions` passed, but the change edits `.github/workflows`, so it can write its own result"},
		{"workflow edited, retargeted since", opt(workflow, has(green), writer, reviewed(review(rev2, role("maintain"), on(noon.Add(-40*time.Hour)))), func(c *Change) { c.Retargeted = noon.Add(-30 * time.Hour) }), Waiting, "Waiting for 1 approval - from maintain access…", "`evals` of `github-actions` passed, but the change edits `.github/workflows`, so it can write its own result"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := p.Decide(change(tt.opts...), noon)
			want(t, v, tt.state, tt.title)
			f := ruled(v, RuleRequiredChecks)
			same(t, f.Says, tt.says)
			if (f.State != Met) != (f.Fix != "") {
				t.Errorf("fix is %q", f.Fix)
			}
		})
	}
}
