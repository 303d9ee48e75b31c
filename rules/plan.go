package rules

// judgeRollback checks that the way back is declared and that its target was in
// the history of the base branch: anything else was never in production.
func judgeRollback(j *judgement, g *Group) {
	if len(j.reqWrong.Problems) > 0 {
		return // the change request's own finding says what to do
	}
	q := j.request
	if q == nil || q.Rollback == nil || q.Rollback.To == "" {
		j.noPlan(g)
		return
	}
	f := Finding{Group: g.Name, Rule: RuleRollbackPlan, State: Unmet, Path: q.path, Line: q.planLine}
	if q.path == "" {
		f.Line = 0
	}
	to, t := code(q.Rollback.To), j.c.Target
	switch {
	case q.Rollback.revision() == "":
		j.met(g.Name, RuleRollbackPlan, "revert of this pull request")
		return
	case t == nil || t.To != q.Rollback.revision() || t.Commit == "":
		f.Code, f.Says = CodeNoTarget, "rollback.to "+to+" names nothing on "+code(j.c.Base.Branch)
	case !t.InBase:
		f.Code, f.Says = CodeOutsideBase, "rollback.to "+to+" is not in the history of "+code(j.c.Base.Branch)
	default:
		j.met(g.Name, RuleRollbackPlan, to+" is on "+code(j.c.Base.Branch)+" ("+code(short(t.Commit))+")")
		return
	}
	f.Fix = "write `rollback.to: " + j.suggestion() + "`, the version before this change"
	j.add(f)
}

func (j *judgement) noPlan(g *Group) {
	if !g.Rollback {
		j.met(g.Name, RuleRollbackPlan, "optional, none declared")
		return
	}
	path := ""
	for _, gov := range j.governed {
		if contains(gov.Groups, g.Name) {
			path = gov.Path
			break
		}
	}
	j.add(Finding{Group: g.Name, Rule: RuleRollbackPlan, State: Unmet, Code: CodeRollback, Path: path, Line: 1,
		Says: "group " + code(g.Name) + " requires a rollback plan and none is declared",
		Fix:  "add to the change request, inside `change:`\n```yaml\n  rollback:\n    to: " + j.suggestion() + "\n```"})
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}
