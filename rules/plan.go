package rules

// judgeRollback checks that the way back is declared and that its target was in
// the history of the base branch: anything else was never in production.
func judgeRollback(j *judgement, g *judged) {
	if len(j.unreadable.Problems) > 0 {
		return // the change request's own finding says what to do
	}
	q := j.request
	if q == nil || q.Rollback == nil || q.Rollback.To == "" {
		j.noPlan(g)
		return
	}
	f := Finding{Group: g.Name, Rule: RuleRollbackPlan, State: Unmet}
	if q.path != "" {
		f.Path, f.Line = q.path, q.planLine
	}
	to, revision, t := code(q.Rollback.To), q.Rollback.revision(), j.c.Target
	switch {
	case revision == "":
		j.met(g.Name, RuleRollbackPlan, "revert of this pull request")
		return
	case t == nil || t.To != q.Rollback.To || t.Commit == "":
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

func (j *judgement) noPlan(g *judged) {
	how := j.request != nil && j.request.Rollback != nil
	if !g.Rollback {
		says := "optional, none declared"
		if how {
			says = "optional; the plan declared has no `rollback.to`, so nothing was verified"
		}
		j.met(g.Name, RuleRollbackPlan, says)
		return
	}
	f := Finding{Group: g.Name, Rule: RuleRollbackPlan, State: Unmet, Code: CodeRollback, Path: g.first, Line: 1,
		Says: "group " + code(g.Name) + " requires a rollback plan and none is declared",
		Fix:  "add to the change request, inside `change:`\n```yaml\n  rollback:\n    to: " + j.suggestion() + "\n```"}
	if how {
		f.Says = "group " + code(g.Name) + " requires a rollback plan, and the one declared has no `rollback.to`"
		f.Fix = "write `rollback.to: " + j.suggestion() + "`, the version before this change"
	}
	j.add(f)
}
