package rules

import "testing"

const toBase = "write `rollback.to: 9f3c2ab`, the version before this change"

// aimed is a change that declares a plan, and what that comes to.
func aimed(rollback string, t *Target) []func(*Change) {
	return opt(asks("change:\n  why: x\n  rollback: "+rollback+"\n"), func(c *Change) { c.Target = t })
}

func TestRollbackPlan(t *testing.T) {
	t.Parallel()
	at := func(to string, edits ...func(*Target)) *Target {
		out := &Target{To: to, Form: FormTag, Commit: mergeBase, InBase: true}
		for _, edit := range edits {
			edit(out)
		}
		return out
	}
	form := func(f string) func(*Target) { return func(t *Target) { t.Form = f } }
	unknown := func(t *Target) { t.Unknown = "the clone is `shallow`" }
	suggested := func(edits ...func(*Target)) func(*Change) {
		return func(c *Change) {
			c.Suggested = at(oldCommit, edits...)
			c.Suggested.Commit = oldCommit
			c.Suggested.Files = []Restored{{Path: refundMD, Landed: entry644("b1"), Back: entry644("a0")}}
		}
	}
	for _, tt := range []struct {
		name, rule string
		opts       []func(*Change)
		title      string
		says, fix  string
	}{
		{"resolved", "required", aimed("{to: v1}", at("v1")), "Waiting…", "`v1` (`9f3c2ab`) on `main`, verified: restores 1 file", ""},
		{"a commit", "required", aimed("{to: 9F3C2AB3}", at("9F3C2AB3")), "Waiting…", "`9F3C2AB3` on `main`, verified: restores 1 file", ""},
		{"path at commit", "required", aimed("{to: prompts/refund@v1}", at("prompts/refund@v1", form(FormPath))), "Waiting…", "`prompts/refund@v1` (`9f3c2ab`) on `main`, verified: restores 1 file", ""},
		{"a version", "required", aimed("{to: 3.4.0}", at("3.4.0", form(FormVersion))), "Waiting…", "`3.4.0` (`9f3c2ab`) on `main`, verified: restores 1 file", ""},
		{"revert", "required", aimed("{to: revert}", at("revert", form(FormRevert))), "Waiting…", "revert of this pull request, verified against `main`: restores 1 file", ""},
		{"revert not looked up", "required", aimed("{to: revert}", nil), "Author: fix the rollback target", "rollback.to `revert` names nothing on `main`", toBase},
		{"none", "required", opt(asks("change: {why: x}")), "Author: add a rollback plan", "group `prompts` requires a rollback plan and none is declared",
			"add to the change request, inside `change:`\n```yaml\n  rollback:\n    to: 9f3c2ab\n```"},
		{"only how", "required", aimed("{how: call bob}", nil), "Author: add a rollback plan", "group `prompts` requires a rollback plan, and the one declared has no `rollback.to`", toBase},
		{"unknown", "required", aimed("{to: v2}", at("v2", func(t *Target) { t.Commit = "" })), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", toBase},
		{"the base branch", "required", aimed("{to: main}", &Target{To: "main"}), "Author: fix the rollback target", "rollback.to `main` is a branch, which moves on", toBase},
		{"not looked up", "required", aimed("{to: v2}", nil), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", toBase},
		{"another was looked up", "required", aimed("{to: v2}", at("v1")), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", toBase},
		{"elsewhere", "required", aimed("{to: v1}", at("v1", func(t *Target) { t.Commit, t.InBase = oldCommit, false })), "Author: fix the rollback target", "rollback.to `v1` is not in the history of `main`", toBase},
		{"tag moved while it was open", "required", aimed("{to: v1}", at("v1", func(t *Target) { t.Form, t.Was = FormTag, oldCommit })), "Author: name the commit: the rollback tag was moved", "the tag of rollback.to `v1` was on `" + short(oldCommit) + "` when it was first read here, and is on `" + short(mergeBase) + "` now: approvals may be for either", "write `rollback.to: " + short(oldCommit) + "` for what it was, or `rollback.to: " + short(mergeBase) + "` for what it is now"},
		{"two things", "required", aimed("{to: 9f3c2ab}", &Target{To: "9f3c2ab", Ambiguous: true}), "Author: say which rollback target is meant", "rollback.to `9f3c2ab` names more than one thing", "write `rollback.to: " + mergeBase + "`, the version before this change"},
		{"two commits, as GitHub has it", "required", aimed("{to: 9F3C2AB}", &Target{To: "9F3C2AB"}), "Author: fix the rollback target", "rollback.to `9F3C2AB` names nothing on `main`, or more than one commit begins with it", "write `rollback.to: " + mergeBase + "`, the version before this change"},
		{"the version before does not do", "required", aimed("{to: v1}", at("v1", func(t *Target) {
			t.Files = []Restored{{Path: refundMD, Landed: entry644("b1"), Back: entry644("b1")}}
		})), "Author: name a rollback target that undoes this", "rollback.to `v1` leaves `prompts/refund.md` as this change does, so that it would not undo it",
			"take what cannot be restored out of this change, or name another version: none is known here that would do"},
		{"another id that is not there", "required", aimed("{to: 9f3c2ac}", &Target{To: "9f3c2ac"}), "Author: fix the rollback target", "rollback.to `9f3c2ac` names nothing on `main`, or more than one commit begins with it", "write `rollback.to: " + mergeBase + "`, the version before this change"},
		{"not known", "required", aimed("{to: v1}", at("v1", unknown)), "Author: name a rollback target that can be verified", "whether rollback.to `v1` would undo this change is not known: the clone is 'shallow'",
			"put that right and check again; where it is too much for one plan, split the change"},
		{"commits not known", "required", append(aimed("{to: v2}", nil), func(c *Change) { c.MergeBase, c.Base.Commit = "", "" }), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", "write `rollback.to: revert`, which takes this change out of what is there then"},
		{"released through the gate", "required", append(aimed("{to: v2}", nil), suggested()), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", "write `rollback.to: 7c1d0fe`, the last version that was released through the gate"},
		{"released, and would not do", "required", append(aimed("{to: v2}", nil), suggested(unknown)), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", toBase},
		{"released, and not in the history", "required", append(aimed("{to: v2}", nil), suggested(func(t *Target) { t.InBase = false })), "Author: fix the rollback target", "rollback.to `v2` names nothing on `main`", toBase},
		{"optional and none", "optional", opt(asks("change: {why: x}")), "Waiting…", "optional, none declared", ""},
		{"optional and only how", "optional", aimed("{how: call bob}", nil), "Waiting…", "optional; the plan declared has no `rollback.to`, so nothing was verified", ""},
		{"optional and wrong", "optional", aimed("{to: v1}", at("v1", func(t *Target) { t.Commit, t.InBase = oldCommit, false })), "Author: fix the rollback target", "rollback.to `v1` is not in the history of `main`", toBase},

		{"template how", "required", aimed("{to: v1, how: '- [ ] Revert the merge commit.'}", at("v1")), "Author: replace the template text in the rollback plan",
			"`rollback.how` is `- [ ] Revert the merge commit.`, which is template text and no plan", "leave `rollback.how` out, as `rollback.to` says what comes back, or write what else whoever is on call has to do"},
		{"template how alone", "required", aimed("{how: N/A}", nil), "Author: replace the template text in the rollback plan", "group `prompts` requires a rollback plan, and what is declared, `N/A`, is template text", toBase},
		{"template how, optional", "optional", aimed("{how: none}", nil), "Waiting…", "optional; the plan declared has no `rollback.to`, so nothing was verified", ""},
		{"template to", "required", aimed("{to: n/a}", &Target{To: "n/a"}), "Author: replace the template text in the rollback plan", "rollback.to `n/a` is template text and names no version", toBase},
		{"template to that is a tag", "required", aimed("{to: standard}", at("standard")), "Waiting…", "`standard` (`9f3c2ab`) on `main`, verified: restores 1 file", ""},
		{"revert in capitals", "required", aimed("{to: Revert}", &Target{To: "Revert"}), "Author: replace the template text in the rollback plan", "rollback.to `Revert` is template text and names no version", toBase},
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
