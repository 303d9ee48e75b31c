package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/rules"
)

const agentsIdle = "Automated agents: nothing to fix, do not push or poll."

// lead is the first thing read: the state, and who must act.
func lead(v View) string {
	if v.Verdict.State != rules.Shadow {
		return stateLead(v, v.Verdict.State)
	}
	would := "let this pass"
	if v.Verdict.Would.Blocks() {
		would = "hold this back"
	}
	return "**Shadow mode: this check never blocks.** In enforce mode it would " + would + ":\n\n" + stateLead(v, v.Verdict.Would)
}

func stateLead(v View, s rules.State) string {
	base := code(v.Change.Base.Branch)
	switch s {
	case rules.Nothing:
		return nothingLead(v)
	case rules.Ready:
		if offered(v, "ack") {
			return "**Ready to merge.** An exception is still to be reviewed, before or after the merge."
		}
		return "**Ready to merge.** Nothing more is needed from anybody."
	case rules.Scheduled:
		return "**Approved and complete. Waiting for the clock only.** Nobody has to do anything. " + agentsIdle
	case rules.Frozen:
		return "**Merging this into " + base + " is frozen.** Everything else about this change is fine. " + agentsIdle
	case rules.Waiting:
		return waitingLead(v)
	case rules.Author:
		n := len(deeds(v))
		return fmt.Sprintf("**Your turn, %s: %s missing.**%s", personName(v.Change.Author), isAre(n), approveAgain(v))
	case rules.BreakGlass:
		return "**Merging is allowed without the normal controls.** This is an exception and will be shown to the auditor."
	}
	return failureLead(v)
}

func isAre(n int) string {
	if n == 1 {
		return "1 thing is"
	}
	return fmt.Sprintf("%d things are", n)
}

func nothingLead(v View) string {
	s := "**No governed file changed, so there is nothing to approve.**"
	if len(v.Globs) == 0 {
		return s
	}
	globs := codes(v.Globs[:min(len(v.Globs), maxItems)])
	if more := len(v.Globs) - len(globs); more > 0 {
		globs = append(globs, fmt.Sprintf("%d more", more))
	}
	return s + " Governed on " + code(v.Change.Base.Branch) + ": " + strings.Join(globs, ", ") + "."
}

func waitingLead(v View) string {
	has := pendingCodes(v)
	what := "Waiting for required checks."
	switch {
	case has[rules.CodeHold]:
		what = "Held by somebody who may approve it."
	case has[rules.CodeOverdue]:
		what = "Waiting for the review of an exception, which is overdue."
	case has[rules.CodeStale]:
		what = "Waiting for a fresh approval."
	case has[rules.CodeApprovals] || has[rules.CodeWorkflowEdit]:
		what = "Waiting for reviewers."
	}
	return "**" + what + "** Author: nothing to do. " + agentsIdle
}

// inRequest are the rules whose findings are mended in the change request.
var inRequest = []string{rules.RuleChangeRequest, rules.RuleRollbackPlan, rules.RuleEffectiveDate, rules.RuleNotice}

// approveAgain says what is lost, because that is what people fear.
func approveAgain(v View) string {
	if len(v.Verdict.Approvals) == 0 {
		return ""
	}
	push := false
	for _, f := range v.Verdict.Findings {
		if f.State != rules.Unmet || f.Code == rules.CodeWhy {
			continue
		}
		switch {
		case f.Code == rules.CodeUnknownPush:
			return " Approvals count on the pull request they were given on, so those given so far have to be given again on the new one."
		case f.Code == rules.CodeNoInitiator:
			return " Assigning the person keeps the approvals given so far; an edited change request makes them stale."
		case f.Code == rules.CodeNoRequester, slices.Contains(inRequest, f.Rule):
			return " Approvals cover the change request, so those given so far have to be given again afterwards."
		}
		push = push || f.Code == rules.CodeCheckFailed || f.Code == rules.CodeUnattributed
	}
	if push {
		return " A push that changes what was approved makes the approvals given so far stale."
	}
	return " Approvals given so far stay valid."
}

// failureLead speaks of the first finding that refuses.
func failureLead(v View) string {
	var first rules.Finding
	for _, f := range v.Verdict.Findings {
		if refuses(f) {
			first = f
			break
		}
	}
	base := code(v.Change.Base.Branch)
	switch first.Code {
	case rules.CodeNewPolicy:
		return "**This PR changes the policy file and the new file does not load.** Other pull requests into " + base +
			" are unaffected: they still use " + code(v.PolicyRef) + "."
	case rules.CodePolicyBroken:
		return "**The policy on " + base + " does not load, so nothing can be judged by it.** Not caused by this change; a maintainer repairs it on " + base + "."
	case rules.CodeFloorBroken:
		return "**The organisation's policy does not load, so nothing can be judged.** Not caused by this change; whoever maintains the organisation's " +
			code(".github") + " repository repairs it there."
	case rules.CodeBadRequest:
		return "**The change request cannot be read.** " + personName(v.Change.Author) + " corrects it as below."
	case rules.CodeTwoRequests:
		return "**There are two change requests and they disagree.** " + sentence(prose(first.Says))
	case rules.CodeChangesRequested:
		return "**Changes requested.** " + sentence(prose(first.Says))
	case rules.CodeReplacedTeam:
		return "**A team that the policy names was replaced by another of that name.** " + sentence(prose(first.Says))
	case rules.CodeUnknownName:
		return "**The policy names somebody GitHub does not know.** " + sentence(prose(first.Says))
	case rules.CodeGap:
		return "**Part of this change was not readable, so it is not judged.** " + sentence(prose(first.Says))
	case "":
		return "**This change cannot pass as it is.**"
	}
	return "**This change cannot pass as it is.** " + sentence(prose(first.Says))
}

// nextSteps says exactly what to do, or what happens with nobody doing anything.
func nextSteps(p *page, v View) {
	steps, heading, problems := deeds(v), "### Do this\n", problemRows(v)
	switch effective(v) {
	case rules.Nothing, rules.Ready, rules.BreakGlass:
		return
	case rules.Waiting, rules.Scheduled, rules.Frozen:
		heading = "### What happens next\n"
	}
	if len(steps)+len(problems) == 0 {
		return
	}
	p.add(heading)
	if len(problems) > 0 {
		p.add("\n| Line | Problem | Write instead |\n|---|---|---|\n")
		p.list(problems, maxItems, keepForSteps, v.rowsLeft)
		if len(steps) > 0 {
			p.add("\n")
		}
	}
	limit := maxSteps
	if effective(v) != rules.Author && effective(v) != rules.Failure {
		limit = maxWays
	}
	for i, s := range steps[:min(len(steps), limit)] {
		p.add(fmt.Sprintf("%d. ", i+1) + s)
	}
	if more := len(steps) - limit; more > 0 {
		p.add(fmt.Sprintf("\n%s in the table below.\n", plural(more, "more step")))
	}
	p.add("\n" + afterwards(v))
}

// deeds are the steps of the state: what the author or a maintainer must do if
// there is anything, otherwise what others and the clock do.
func deeds(v View) []string {
	switch effective(v) {
	case rules.Scheduled, rules.Frozen:
		return clockSteps(v)
	case rules.Waiting:
		return waitingSteps(v)
	}
	skip := map[string]bool{}
	for _, f := range v.Verdict.Findings {
		if f.Code == rules.CodeNoRequest {
			// Its template holds the rollback plan and the date already.
			skip[rules.CodeRollback], skip[rules.CodeEffectiveDate] = true, true
		}
	}
	refused := effective(v) == rules.Failure
	return fixes(v, func(f rules.Finding) bool {
		return f.State == rules.Unmet && !skip[f.Code] && !problem(f) && refuses(f) == refused
	})
}

// fixes are the distinct fixes of the findings that match, most of them the same
// for several groups.
func fixes(v View, match func(rules.Finding) bool) []string {
	var out []string
	seen := map[string]bool{}
	for _, f := range v.Verdict.Findings {
		if f.Fix == "" || !match(f) || seen[f.Fix] {
			continue
		}
		seen[f.Fix] = true
		out = append(out, fixStep(f.Fix))
	}
	return out
}

func waitingSteps(v View) []string {
	steps := fixes(v, func(f rules.Finding) bool { return f.State == rules.Pending && f.Until.IsZero() })
	if until := lastUntil(v); !until.IsZero() {
		steps = append(steps, "After that it waits for the clock, until "+ShowTime(until, v.Zone)+".\n")
	}
	return steps
}

// lastUntil is when the last of the clocks that are waited for is over.
func lastUntil(v View) time.Time {
	var last time.Time
	for _, f := range v.Verdict.Findings {
		if f.State == rules.Pending && f.Until.After(last) {
			last = f.Until
		}
	}
	return last
}

// afterwards says when it is looked at again.
func afterwards(v View) string {
	switch effective(v) {
	case rules.Waiting:
		return "This check is re-evaluated within seconds of a review.\n\n"
	case rules.Scheduled, rules.Frozen:
		return "Any push, review or edit is judged at once.\n\n"
	}
	for _, f := range v.Verdict.Findings {
		if f.Code == rules.CodeNewPolicy && f.State == rules.Unmet {
			return "Try it locally: " + code("changegate validate "+PolicyPath) + ". This check is re-evaluated on every push.\n\n"
		}
	}
	const again = "This check is re-evaluated on every push, review and edit of the description.\n\n"
	if templated(v) {
		return "Or press **Add template** above: it changes nothing else.\n\n" + again
	}
	return again
}

// fixStep shows a fix: sentences as prose, and what is to be pasted as a block of
// its own inside the numbered item, where the copy button is.
func fixStep(fix string) string {
	var b strings.Builder
	for i, part := range fixParts(fix) {
		if part.block {
			b.WriteString("\n" + indent(fence(part.language(), clipEnd(visibleLines(part.text), blockLimit))))
			continue
		}
		text := prose(part.sentence())
		if i > 0 {
			text = "\n   " + text
		}
		b.WriteString(text + "\n")
	}
	return b.String()
}

func indent(block string) string {
	return "   " + strings.ReplaceAll(strings.TrimSuffix(block, "\n"), "\n", "\n   ") + "\n"
}

type fixPart struct {
	text  string
	block bool
	opens bool // a block follows
	plain bool // a block that is to be read, not pasted
}

func (p fixPart) language() string {
	if p.plain {
		return "text"
	}
	return "yaml"
}

// sentence ends with a colon where what it speaks of follows.
func (p fixPart) sentence() string {
	s := sentence(strings.TrimSpace(p.text))
	if p.opens && strings.HasSuffix(s, ".") {
		s = strings.TrimSuffix(s, ".") + ":"
	}
	return s
}

// fixParts splits a fix into its sentences and its fenced blocks. A fence that is
// not closed holds the rest.
func fixParts(fix string) []fixPart {
	var out []fixPart
	for _, l := range strings.Split(fix, "\n") {
		last := len(out) - 1
		in := last >= 0 && out[last].block
		switch {
		case strings.HasPrefix(strings.TrimSpace(l), "```"):
			out = append(out, fixPart{block: !in, plain: strings.TrimSpace(l) == "```text"})
		case last < 0:
			out = append(out, fixPart{text: l})
		default:
			out[last].text += l + "\n"
		}
	}
	return nonEmpty(out)
}

func nonEmpty(in []fixPart) []fixPart {
	var out []fixPart
	for i, p := range in {
		if strings.TrimSpace(p.text) != "" {
			p.opens = !p.block && i+1 < len(in) && in[i+1].block
			out = append(out, p)
		}
	}
	return out
}

// problem reports whether a finding is one line of a text that cannot be read.
func problem(f rules.Finding) bool { return refuses(f) && f.Line > 0 }

func problemRows(v View) []string {
	var out []string
	for _, f := range v.Verdict.Findings {
		if !problem(f) {
			continue
		}
		says := strings.TrimPrefix(f.Says, fmt.Sprintf("line %d: ", f.Line))
		where := fmt.Sprint(f.Line)
		switch {
		case f.Code == rules.CodeFloorBroken:
			where += " of the organisation's policy"
		case f.Path == "":
			where += " of the description"
		case f.Path != PolicyPath:
			where += " of " + code(f.Path)
		}
		out = append(out, "| "+cell(where)+" | "+cell(prose(says))+" | "+cell(prose(f.Fix))+" |\n")
	}
	return out
}
