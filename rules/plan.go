package rules

import (
	"fmt"
	"slices"
	"strings"
)

// judgeRollback checks that a way back is declared and that it would work: every path
// that the group governs is there, is readable, and is not what the change leaves. A
// plan is verified where it is optional, too.
func judgeRollback(j *judgement, g *judged) {
	if len(j.unreadable.Problems) > 0 {
		return // the change request's own finding says what to do
	}
	q := j.request
	if q == nil || q.Rollback == nil || q.Rollback.To == "" {
		j.noPlan(g)
		return
	}
	if j.c.Edition < 1 {
		j.resolved(g)
		return
	}
	if boilerplate(q.Rollback.How) {
		j.unplanned(g, flaw{code: CodeBoilerplate, says: "`rollback.how` is " + code(q.Rollback.How) + ", which is template text and no plan",
			fix: "leave `rollback.how` out, as `rollback.to` says what comes back, or write what else whoever is on call has to do"})
		return
	}
	paths := j.files.restored(g.Group)
	if f := j.target().flaw(q.Rollback.To, paths); f != nil {
		j.unplanned(g, *f)
		return
	}
	if len(j.unreleased(g)) == 0 { // else that is said instead
		j.met(g.Name, RuleRollbackPlan, j.proven(paths))
	}
}

// resolved judges a plan by facts of before it was verified what a rollback leaves: that
// its commit is in the history, and of a revert nothing.
func (j *judgement) resolved(g *judged) {
	t, to := j.c.Target, j.request.Rollback.To
	switch look := LookFor(to); {
	case look.Revert:
		j.met(g.Name, RuleRollbackPlan, "revert of this pull request")
	case t == nil || t.To != look.Name || t.Commit == "":
		j.unplanned(g, flaw{code: CodeNoTarget, says: "rollback.to " + code(to) + " names nothing on " + code(j.c.Base.Branch)})
	case !t.InBase:
		j.unplanned(g, flaw{code: CodeOutsideBase, says: "rollback.to " + code(to) + " is not in the history of " + code(j.c.Base.Branch)})
	default:
		j.met(g.Name, RuleRollbackPlan, code(to)+" is on "+code(j.c.Base.Branch)+" ("+code(short(t.Commit))+")")
	}
}

// unplanned refuses a plan for a reason.
func (j *judgement) unplanned(g *judged, why flaw) {
	f := Finding{Group: g.Name, Rule: RuleRollbackPlan, State: Unmet, Code: why.code, Says: why.says, Fix: why.fix}
	if why.path != "" {
		f.Path, f.Line = why.path, 1
	}
	if q := j.request; q.path != "" {
		f.Path, f.Line = q.path, q.planLine
	}
	if f.Fix == "" {
		f.Fix = j.retarget(why.code == CodeAmbiguous)
	}
	j.add(f)
}

// proven says what a plan that was verified leaves at some paths.
func (j *judgement) proven(paths []string) string {
	t, base := j.c.Target, code(j.c.Base.Branch)
	restores, deletes := 0, 0
	at := j.target()
	for _, path := range paths {
		if at.files[path].Back == (Entry{}) {
			deletes++
		} else {
			restores++
		}
	}
	if t.Form == FormRevert {
		// Not at which commit: each push there would write every such check anew.
		return "revert of this pull request, verified against " + base + ": " + leaves(restores, deletes)
	}
	says := code(t.To)
	if !strings.HasPrefix(strings.ToLower(t.To), short(t.Commit)) {
		says += " (" + code(short(t.Commit)) + ")"
	}
	return says + " on " + base + ", verified: " + leaves(restores, deletes)
}

func leaves(restores, deletes int) string {
	switch {
	case deletes == 0:
		return "restores " + count(restores, "file")
	case restores == 0:
		return "deletes " + count(deletes, "file")
	}
	return fmt.Sprintf("restores %s, deletes %d", count(restores, "file"), deletes)
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
		Says: "group " + code(g.Name) + " requires a rollback plan and none is declared", Fix: j.retarget(false)}
	to, _ := j.suggestion(false)
	switch {
	case how && j.c.Edition > 0 && boilerplate(j.request.Rollback.How):
		f.Code, f.Says = CodeBoilerplate, "group "+code(g.Name)+" requires a rollback plan, and what is declared, "+code(j.request.Rollback.How)+", is template text"
	case how:
		f.Says = "group " + code(g.Name) + " requires a rollback plan, and the one declared has no `rollback.to`"
	case to != "":
		f.Fix = "add to the change request, inside `change:`\n```yaml\n  rollback:\n    to: " + to + "\n```"
	}
	j.add(f)
}

// retarget is the fix of a plan without a target, or with one that does not do.
func (j *judgement) retarget(whole bool) string {
	to, what := j.suggestion(whole)
	if to == "" {
		return "take what cannot be restored out of this change, or name another version: none is known here that would do"
	}
	return "write `rollback.to: " + to + "`, " + what
}

// suggestion is a target that would be verified when it is pasted, and what it is: the
// last version that was itself released through the gate, else the version before the
// change. It is empty when nothing is known that would do. A whole id is asked for where
// a short one was ambiguous, or where nothing was found by it.
func (j *judgement) suggestion(whole bool) (to, what string) {
	written := func(commit string) string {
		if whole || j.vain() {
			return commit
		}
		return short(commit)
	}
	if s := j.c.Suggested; s != nil && hexadecimal.MatchString(s.Commit) && j.proofOf(s).flaw(s.To, j.GovernedPaths(j.c.Files)) == nil {
		return written(s.Commit), "the last version that was released through the gate"
	}
	if j.odd() {
		return "", ""
	}
	known := false
	for _, commit := range []string{j.c.MergeBase, j.c.Base.Commit} {
		if !hexadecimal.MatchString(commit) {
			continue
		}
		if known = true; !j.tried(commit) {
			return written(commit), "the version before this change"
		}
	}
	if known {
		return "", "" // a revert leaves what the base branch has
	}
	return FormRevert, "which takes this change out of what is there then"
}

// tried reports whether a commit is the target that is declared, which did not do.
func (j *judgement) tried(commit string) bool {
	t, q := j.c.Target, j.request
	return t != nil && t.Commit == commit && t.Form != FormPath && t.Form != FormRevert &&
		q != nil && q.Rollback != nil && q.Rollback.To == t.To
}

// vain reports whether nothing was found by a short id, of which GitHub does not say whether
// more than one commit begins with it.
func (j *judgement) vain() bool {
	t, q := j.c.Target, j.request
	return q != nil && q.Rollback != nil && t != nil && t.Commit == "" && shortID(q.Rollback.To)
}

// odd reports whether the change has to do with a submodule or a symbolic link, which no
// target restores.
func (j *judgement) odd() bool {
	for _, r := range j.target().files {
		if noFile(r.Landed.Mode) {
			return true
		}
	}
	return slices.ContainsFunc(j.files, func(f listed) bool {
		return (noFile(f.OldMode) || noFile(f.NewMode)) && slices.ContainsFunc(j.groups, func(g judged) bool { return g.touches(&f) })
	})
}
