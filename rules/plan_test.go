package rules

import "testing"

func TestRollbackPlan(t *testing.T) {
	t.Parallel()
	to := func(text string, target *Target) []func(*Change) {
		return opt(asks("change:\n  why: x\n  rollback: "+text+"\n"), func(c *Change) { c.Target = target })
	}
	resolved := &Target{To: "v1", Commit: mergeBase, InBase: true}
	for _, tt := range []struct {
		name, rule string
		opts       []func(*Change)
		title      string
		says, fix  string
	}{
		{"resolved", "required", to("{to: v1}", resolved), "Waiting…", "`v1` is on `main` (`9f3c2ab`)", ""},
		{"path at commit", "required", to("{to: prompts/refund@v1}", &Target{To: "prompts/refund@v1", Commit: mergeBase, InBase: true}), "Waiting…", "`prompts/refund@v1` is on `main` (`9f3c2ab`)", ""},
		{"revert", "required", to("{to: revert}", nil), "Waiting…", "revert of this pull request", ""},
		{"none", "required", opt(asks("change: {why: x}")), "Author: add a rollback plan", "group `prompts` requires a rollback plan and none is declared",
			"add to the change request, inside `change:`\n```yaml\n  rollback:\n    to: 9f3c2ab\n```"},
		{"only how", "required", to("{how: call bob}", nil), "Author: add a rollback plan", "group `prompts` requires a rollback plan, and the one declared has no `rollback.to`",
			"write `rollback.to: 9f3c2ab`, the version before this change"},
		{"unknown", "required", to("{to: v2}", &Target{To: "v2"}), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", "write `rollback.to: 9f3c2ab`, the version before this change"},
		{"not looked up", "required", to("{to: v2}", nil), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", "write `rollback.to: 9f3c2ab`, the version before this change"},
		{"another was looked up", "required", to("{to: v2}", resolved), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", "write `rollback.to: 9f3c2ab`, the version before this change"},
		{"elsewhere", "required", to("{to: v1}", &Target{To: "v1", Commit: oldCommit}), "Author: fix the rollback target", "rollback.to `v1` is not in the history of `main`", "write `rollback.to: 9f3c2ab`, the version before this change"},
		{"optional and none", "optional", opt(asks("change: {why: x}")), "Waiting…", "optional, none declared", ""},
		{"optional and only how", "optional", to("{how: call bob}", nil), "Waiting…", "optional; the plan declared has no `rollback.to`, so nothing was verified", ""},
		{"optional and wrong", "optional", to("{to: v1}", &Target{To: "v1", Commit: oldCommit}), "Author: fix the rollback target", "rollback.to `v1` is not in the history of `main`", "write `rollback.to: 9f3c2ab`, the version before this change"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := parse(t, prompts+"    rollback: "+tt.rule+"\n").Decide(change(tt.opts...), noon)
			state := Author
			if tt.fix == "" {
				state = Waiting
			}
			want(t, v, state, tt.title)
			f := ruled(v, RuleRollbackPlan)
			same(t, []string{f.Says, f.Fix}, []string{tt.says, tt.fix})
		})
	}
}

func ruled(v Verdict, rule string) Finding {
	for _, f := range v.Findings {
		if f.Rule == rule {
			return f
		}
	}
	return Finding{}
}

// Three groups that miss one plan are one thing to do; in a file it has a line.
func TestRollbackOfSeveralGroups(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"  - {name: all, kind: prompt, paths: ['**']}\n")
	v := p.Decide(change(asks("change: {why: x}")), noon)
	want(t, v, Author, "Author: add a rollback plan")
	same(t, codesOf(v), []string{CodeApprovals, CodeApprovals, CodeRollback, CodeRollback})

	c := change(func(c *Change) {
		c.Requests = []RequestText{{Path: ".changes/a.yml", Line: 1, Text: "change:\n  why: x\n  rollback:\n    to: gone\n"}}
	})
	if f := finding(p.Decide(c, noon), CodeNoTarget); f.Path != ".changes/a.yml" || f.Line != 4 {
		t.Errorf("%s:%d", f.Path, f.Line)
	}
}
