package rules

import (
	"regexp"
	"slices"
	"strings"
)

// judgePolicyFile checks the new version of a policy that the change edits, and
// that everybody the policy names exists.
func judgePolicyFile(j *judgement) {
	for _, name := range j.c.Unknown {
		if j.owners != nil && !j.names(name) {
			continue // an owner: judgeOwners says so
		}
		f := Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeUnknownName, Path: PolicyPath,
			Says: "the policy names " + code(name) + ", which GitHub does not know or does not show to ChangeGate",
			Fix:  "correct the name in " + code(PolicyPath) + " on " + code(j.c.Base.Branch) + ", or let the App see the team"}
		if j.floor != nil && j.floor.names(name) {
			// That file is in another repository: none of this one is to be mended.
			f.Path, f.Says = "", "the organisation's "+strings.TrimPrefix(f.Says, "the ")
			f.Fix = "correct the name in " + code(PolicyPath) + " of " + floorHome(j.c) + ", or let the App see the team"
		}
		j.add(f)
	}
	for _, team := range j.c.Replaced {
		j.add(Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeReplacedTeam,
			Says: code(team) + " is another team than when the rule that asks for it was first read",
			Fix:  j.confirmTeam(team)})
	}
	n, edited := j.c.NewPolicy, j.writesPolicy()
	switch {
	case n == nil && edited:
		j.add(Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeGap,
			Says: "the new version of " + code(PolicyPath) + " was not read", Fix: "re-run the check"})
	case n == nil:
	case n.Deleted:
		j.met("", RulePolicyFile, "deletes the policy: after the merge this repository is no longer gated")
	default:
		j.newPolicy(n)
	}
}

// confirmTeam is the way on for a team that was replaced. Where it is asked to approve
// the very text that names it, no version of that passes.
func (j *judgement) confirmTeam(team string) string {
	text := j.textNaming(team)
	for i := range j.groups {
		if g := j.groups[i].Group; g.match.governs(strings.ToLower(text)) && slices.Contains(sources(g.Approvals), team) {
			return "if this team is meant, an administrator has to merge a new version of " + code(text) + " past this check, which goes on record as an exception"
		}
	}
	return "if this team is meant, merge a new version of " + code(text) + "; its approval covers the team"
}

// textNaming is the file in which a rule asks for a team.
func (j *judgement) textNaming(team string) string {
	switch {
	case j.floor != nil && j.floor.names(team):
		return floorHome(j.c) + "/" + PolicyPath
	case j.owners != nil && !j.names(team):
		return j.ownersPath()
	}
	return PolicyPath
}

// names reports whether any group of the policy names a team or login.
func (p *Policy) names(name string) bool {
	return slices.ContainsFunc(p.judged, func(g Group) bool {
		return slices.Contains(sources(g.Approvals), strings.ToLower(name))
	})
}

// lineOf is the line of the first entry that names a team or login, 0 if none does.
func (p *Policy) lineOf(name string) int {
	for i := range p.judged {
		for _, a := range p.judged[i].Approvals {
			if slices.Contains(a.From, strings.ToLower(name)) {
				return a.Line
			}
		}
	}
	if slices.Contains(p.BreakGlass.names(), strings.ToLower(name)) {
		return p.BreakGlass.Line
	}
	return 0
}

// writesPolicy reports whether the change leaves another version of the policy.
func (j *judgement) writesPolicy() bool {
	for _, f := range j.c.Files {
		if f.Path == PolicyPath && f.Status != "deleted" {
			return true
		}
	}
	return false
}

// newPolicy holds a pull request's own version of the policy to the parser that
// will enforce it. The pull request itself is judged by the base branch's
// version: otherwise it could lower its own bar.
func (j *judgement) newPolicy(n *PolicyText) {
	p, problems := ParsePolicy(n.Data)
	for _, p := range problems {
		j.add(Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeNewPolicy, Path: PolicyPath, Line: p.Line,
			Says: place(p) + p.Says, Fix: p.Fix})
	}
	if p == nil {
		return
	}
	for _, name := range n.Unknown {
		j.add(Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeNewPolicy, Path: PolicyPath, Line: p.lineOf(name),
			Says: "the new policy names " + code(name) + ", which GitHub does not know or does not show to ChangeGate",
			Fix:  "correct the name, or let the App see the team and re-run the check"})
	}
	if len(n.Unknown) > 0 {
		return
	}
	j.met("", RulePolicyFile, "the new policy loads; this pull request is judged by the one on "+code(j.c.Base.Branch))
	folders := j.folders()
	for i := range p.Groups {
		if slices.Contains(n.Idle, p.Groups[i].Name) {
			j.idle(&p.Groups[i], folders)
		}
	}
}

// Comparing words takes microseconds, and a hostile policy may have thousands of
// paths for thousands of files: a suggestion is looked for with the first of each.
const (
	mostMeant   = 3   // paths of a group
	mostFolders = 100 // top folders
)

// idle shows a group of the new policy that governs nothing to those who approve it:
// a misspelt path is a rule that silently does not exist. It does not block, because
// the files may come later.
func (j *judgement) idle(g *Group, folders []string) {
	says := "group " + code(g.Name) + " governs no file of this repository: " + strings.Join(few(quoted(g.Paths)), ", ")
	for _, path := range g.Paths[:min(len(g.Paths), mostMeant)] {
		top, rest := topFolder(path)
		if near := Nearest(top, folders); near != "" && near != top {
			says += "; did you mean " + code(near+rest) + "?"
			break
		}
	}
	j.add(Finding{Rule: RulePolicyFile, State: Met, Code: CodeIdle, Path: PolicyPath, Line: g.Line, Says: says,
		Fix: "correct the paths, unless the files come later"})
}

// folders are top folders that the policy in force and the change name.
func (j *judgement) folders() []string {
	var out []string
	add := func(path string) {
		if top, _ := topFolder(path); top != "" && len(out) < mostFolders && !slices.Contains(out, top) {
			out = append(out, top)
		}
	}
	for i := range j.Policy.judged {
		for _, path := range j.Policy.judged[i].Paths {
			add(path)
		}
	}
	for i := range j.c.Files {
		add(j.c.Files[i].Path)
	}
	return out
}

// topFolder cuts a path or pattern behind its first folder; top is empty where
// there is none, or it is a wildcard or excluded.
func topFolder(path string) (top, rest string) {
	i := strings.IndexByte(path, '/')
	if i < 0 || strings.ContainsAny(path[:i], "*?[{!") {
		return "", ""
	}
	return path[:i], path[i:]
}

// judgeRequest checks that the change declares itself.
func judgeRequest(j *judgement) {
	path := j.unreadable.path
	for _, p := range j.unreadable.Problems {
		c := CodeBadRequest
		if p.Code == CodeTwoRequests {
			c = CodeTwoRequests
		}
		j.add(Finding{Rule: RuleChangeRequest, State: Unmet, Code: c, Path: path, Line: p.Line,
			Says: place(p) + p.Says, Fix: p.Fix})
	}
	switch q := j.request; {
	case len(j.unreadable.Problems) > 0:
	case q == nil:
		j.add(Finding{Rule: RuleChangeRequest, State: Unmet, Code: CodeNoRequest,
			Says: "the change does not declare itself",
			Fix:  "add this to the pull request's description:\n" + j.template()})
	case q.Why == "":
		j.add(Finding{Rule: RuleChangeRequest, State: Unmet, Code: CodeWhy, Path: q.path,
			Says: "why is missing in " + q.Source, Fix: "write `why: ` and one sentence"})
	default:
		says := "why is given in " + q.Source
		if risk := j.risk(); risk != "" {
			says += "; risk " + risk
		}
		j.met("", RuleChangeRequest, says)
	}
}

// template is the change request the policy asks for, ready to paste.
func (j *judgement) template() string {
	lines := []string{"```yaml", "change:", "  why: # one sentence: what changes, and for what reason"}
	plan, date := false, false
	for _, g := range j.groups {
		plan, date = plan || g.Rollback, date || g.EffectiveAt
	}
	if date {
		lines = append(lines, "  effective_at: on-merge")
	}
	if plan {
		to, _ := j.suggestion(false)
		lines = append(lines, "  rollback:", "    to: "+to)
	}
	return strings.Join(append(lines, "```"), "\n")
}

var hexadecimal = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// risk is the highest of the policy's floors and the declared one.
func (j *judgement) risk() string {
	levels := []string{"", "low", "medium", "high"}
	at := 0
	raise := func(level string) {
		for i, l := range levels {
			if l == level && i > at {
				at = i
			}
		}
	}
	raise(j.request.Risk)
	for _, g := range j.groups {
		raise(g.Risk)
	}
	return levels[at]
}
