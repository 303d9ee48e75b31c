package rules

import "strings"

// judgeChecks checks the results a group requires: from the named App only,
// because any App and any workflow can report any name.
func judgeChecks(j *judgement, g *judged) {
	for _, want := range g.Checks {
		f := Finding{Group: g.Name, Rule: RuleRequiredChecks, State: Pending, Code: CodeCheckPending}
		name := code(want.Name) + " of " + code(want.App)
		f.Fix = "wait for " + name + ", or start it"
		got, ok := j.check(want)
		switch {
		case j.c.Offline:
			f.Code, f.Says = CodeOffline, name+" is not known locally"
		case !ok:
			f.Says = name + " has not reported on " + code(short(j.c.Head.Commit))
		case got.Status != "completed":
			f.Says = name + " is " + code(got.Status)
		case got.Conclusion != "success":
			f.State, f.Code = Unmet, CodeCheckFailed
			f.Says, f.Fix = name+" ended as "+code(got.Conclusion), "fix what it reports and push"
		case want.App == "github-actions" && j.editsWorkflows() && !j.maintained():
			f.Code = CodeWorkflowEdit
			f.Says = name + " passed, but the change edits `.github/workflows`, so it can write its own result"
			f.Fix = "ask somebody with maintain access to approve " + code(short(j.c.Head.Commit)) + " as well"
		default:
			j.met(g.Name, RuleRequiredChecks, name+" passed")
			continue
		}
		j.add(f)
	}
}

// check is the result of a required check; of several by one name and App, as no
// source should give, the one that is not success.
func (j *judgement) check(want RequiredCheck) (got Check, found bool) {
	for _, c := range j.c.Checks {
		if c.Name != want.Name || !strings.EqualFold(c.App, want.App) {
			continue
		}
		if !found || got.Status == "completed" && got.Conclusion == "success" {
			got, found = c, true
		}
	}
	return got, found
}

func (j *judgement) editsWorkflows() bool {
	const dir = ".github/workflows/"
	for _, f := range j.c.Files {
		if strings.HasPrefix(strings.ToLower(f.Path), dir) || strings.HasPrefix(strings.ToLower(f.OldPath), dir) {
			return true
		}
	}
	return false
}

// maintained reports whether somebody with maintain approved what is at head,
// workflows included: no group need govern those, so the review must be of the
// head commit itself.
func (j *judgement) maintained() bool {
	for _, w := range j.opinions {
		if w.State == approved && rank(w.Permission) >= rank("maintain") && w.Commit == j.c.Head.Commit &&
			j.unfit(w).Code == "" && !j.beforeRetarget(w) && w.Request == j.digest {
			return true
		}
	}
	return false
}
