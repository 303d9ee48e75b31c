package checks

import (
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// stickyLimit keeps the sticky comment short, in bytes: it is the third place that
// says the same, after the merge box and the check run.
const stickyLimit = 8 << 10

// StickyMarker is the first line of a pull request's sticky comment, invisible. Anybody
// can write it into a comment of their own, so it finds ours only together with who
// wrote it.
func StickyMarker(repoID int64, number int) string {
	return fmt.Sprintf("<!-- changegate:sticky v1 repo=%d pr=%d -->", repoID, number)
}

// Sticky is the one comment on a pull request that is kept up to date (PRODUCT A6): the
// state, what happens next, and what the change is. It says nothing of when it was
// written, so that the same state is the same text and costs no call.
func Sticky(v View) string {
	end := stickyEnd(v)
	p := &page{room: stickyLimit - len(end)}
	_, title := v.headline()
	p.add("### Change control: " + prose(title) + "\n\n")
	next(p, v)
	p.add("\n| | |\n|---|---|\n")
	p.list(stickyRows(v), maxItems, 0, v.rowsLeft)
	return StickyMarker(v.Change.RepoID, v.Change.Number) + "\n" + p.b.String() + end
}

// next says what to do, or what happens with nobody doing anything.
func next(p *page, v View) {
	var says string
	switch effective(v) {
	case rules.Nothing:
		says = "nothing to do."
	case rules.Ready:
		says = "merge it, or turn on **Enable auto-merge** in the merge box."
	case rules.BreakGlass:
		says = "merge it while the exception lasts; somebody else reviews it afterwards."
	case rules.Scheduled, rules.Frozen:
		says = "nothing to do. " + opens(v) + " With **Enable auto-merge** in the merge box, GitHub merges it then."
	case rules.Waiting:
		says = "the author has nothing to do."
	case rules.Author:
		says = "your turn, " + personName(v.Change.Author) + "."
	default:
		says = "see " + v.details() + "."
	}
	p.add("**Next:** " + says + "\n")
	switch effective(v) {
	case rules.Waiting, rules.Author, rules.Failure:
		nextFew(p, v)
	}
}

// nextFew lists the first steps, as far as they fit.
func nextFew(p *page, v View) {
	steps := deeds(v)
	if n := len(problemRows(v)); n > 0 {
		steps = append([]string{"Correct " + plural(n, "problem") + " listed in " + v.details() + ".\n"}, steps...)
	}
	for i, s := range steps {
		if i == 0 {
			s = "\n1. " + s
		} else {
			s = fmt.Sprintf("%d. ", i+1) + s
		}
		if i == maxSteps || len(s) > p.room-2<<10 {
			p.add("\n" + plural(len(steps)-i, "more step") + ", see " + v.details() + "\n")
			return
		}
		p.add(s)
	}
}

// stickyRows are what people ask first of a change. Rules that nobody asks about have
// a row only while they are not met.
func stickyRows(v View) []string {
	rows := []string{}
	add := func(name, says string) {
		if says != "" {
			rows = append(rows, "| "+name+" | "+cell(says)+" |\n")
		}
	}
	said := wholeRules(v.Verdict.Findings)
	why := ""
	if q, _ := rules.ReadRequest(v.Change.Requests, v.Zone); q != nil && q.Why != "" {
		why = "; " + quote(q.Why)
	}
	add("Change", said[rules.RuleChangeRequest].says()+why)
	add("Files", stickyFiles(v))
	for _, rule := range []string{rules.RulePolicyFile, rules.RuleNotice, rules.RuleFreezeWindow, rules.RuleRequiredChecks, rules.RuleAgentContent} {
		if r := said[rule]; r != nil && r.result != "PASS" {
			add(ruleName(rule), r.says())
		}
	}
	add("Effective", said[rules.RuleEffectiveDate].says())
	add("Rollback", said[rules.RuleRollbackPlan].says())
	add("Approvals", said[rules.RuleApprovals].says())
	for i := range v.Change.Exceptions {
		x := &v.Change.Exceptions[i]
		add(x.ID(), x.Kind+" by "+personName(x.By)+"; review "+reviewState(x, v))
	}
	return rows
}

// wholeRules merges what each rule says of every group. What is told of exceptions has
// rows of its own.
func wholeRules(fs []rules.Finding) map[string]*ruleRow {
	fs = slices.DeleteFunc(slices.Clone(fs), func(f rules.Finding) bool { return f.State == rules.Met && ofException(f) })
	for i := range fs {
		fs[i].Group = ""
	}
	out := map[string]*ruleRow{}
	for _, r := range ruleRows(fs) {
		r.details = slices.Compact(r.details)
		out[r.rule] = r
	}
	return out
}

func (r *ruleRow) says() string {
	if r == nil {
		return ""
	}
	return r.result + " " + r.told("")
}

// stickyFiles names the first governed files with how many words changed.
func stickyFiles(v View) string {
	d := &differ{pairs: maxPairs}
	var names []string
	for _, g := range v.Verdict.Governed {
		name := code(g.Path)
		if patch := v.Patches[g.Path]; patch != "" && len(names) < maxListed {
			words := d.file(patch)
			name += fmt.Sprintf(" (+%d -%d words)", words.ins, words.del)
		}
		names = append(names, name)
	}
	return firstFew(names)
}

func stickyEnd(v View) string {
	var names []string
	for _, name := range rules.CommandNames() {
		if offered(v, name) {
			names = append(names, code("/change "+name))
		}
	}
	return "\n<details><summary>Commands</summary>\n\n" + strings.Join(names, " ") + "\n\n" +
		"Each stands at the beginning of a line of a new comment. " + code("/change help") + " says what they do and which are yours. " +
		"Approvals are given in **Files changed > Review changes**.\n</details>\n\n" +
		"<sub>This comment is kept up to date - " + v.details() + "</sub>\n"
}

// offered reports whether a command can do anything on this pull request, whoever
// gives it.
func offered(v View, name string) bool {
	switch name {
	case "rollback":
		return v.Change.State == "merged"
	case "waive":
		return v.Policy != nil && v.Policy.BreakGlass != nil && len(v.Policy.Freezes) > 0
	case "break-glass":
		return v.Policy != nil && v.Policy.BreakGlass != nil
	case "ack":
		return slices.ContainsFunc(v.Change.Exceptions, func(x rules.Exception) bool { return x.Closed == nil })
	}
	return true
}
