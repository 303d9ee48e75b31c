package rules

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Evaluate parses a policy and decides by it. A policy that does not load is
// itself the verdict: nothing passes by a file nobody can read.
func Evaluate(policy []byte, c *Change, now time.Time) Verdict {
	p, problems := ParsePolicy(policy)
	if len(problems) > 0 {
		return broken(problems, c)
	}
	return p.Decide(c, now)
}

func broken(problems Problems, c *Change) Verdict {
	v := Verdict{State: Failure, Would: Failure, Head: c.Head.Commit}
	for _, p := range problems {
		v.Findings = append(v.Findings, Finding{
			Rule: RulePolicyFile, State: Unmet, Code: CodePolicyBroken, Says: place(p) + p.Says,
			Fix: p.Fix + " on " + code(c.Base.Branch), Path: PolicyPath, Line: p.Line,
		})
	}
	v.Title = fmt.Sprintf("Cannot read the policy on %s - line %d", c.Base.Branch, problems[0].Line)
	v.Title = clip(visible(v.Title), 80)
	return v
}

func place(p Problem) string {
	if p.Line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d: ", p.Line)
}

// judgement is one call of Decide: what every rule sees.
type judgement struct {
	*Policy
	c        *Change
	now      time.Time
	groups   []Group // those that govern a file of the change
	governed []Governed
	request  *Request
	reqWrong sourced
	found    map[string]*approvalResult // by group

	findings []Finding
	next     time.Time
}

// The rules, in the order they are judged and shown. This table is the product's
// table of contents; a rule about the whole change has no group.
var table = []struct {
	name  string
	whole func(*judgement)
	group func(*judgement, *Group)
}{
	{RulePolicyFile, judgePolicyFile, nil},
	{RuleChangeRequest, judgeRequest, nil},
	{RuleApprovals, judgeContributors, judgeApprovals},
	{RuleRollbackPlan, nil, judgeRollback},
	{RuleEffectiveDate, nil, judgeEffectiveDate},
	{RuleNotice, nil, judgeNotice},
	{RuleFreezeWindow, nil, judgeFreeze},
	{RuleRequiredChecks, nil, judgeChecks},
}

// Decide judges a change by the policy at one instant. It is pure and total: the
// same arguments give the same verdict for ever, whatever they hold.
func (p *Policy) Decide(c *Change, now time.Time) Verdict {
	j := &judgement{Policy: p, c: c, now: now, found: map[string]*approvalResult{}}
	j.govern()
	if len(j.governed) == 0 && len(c.Gaps) == 0 {
		return p.shadow(Verdict{
			State: Nothing, Would: Nothing, Head: c.Head.Commit, Findings: []Finding{},
			Title: "No governed files changed - nothing to approve",
		})
	}
	j.request, j.reqWrong = readRequest(c.Requests, p.Zone)
	j.gaps()
	for _, rule := range table {
		if rule.whole != nil {
			rule.whole(j)
		}
		if rule.group == nil {
			continue
		}
		for i := range j.groups {
			rule.group(j, &j.groups[i])
		}
	}
	return p.shadow(j.verdict())
}

// govern finds which groups govern which files.
func (j *judgement) govern() {
	hit := map[string]bool{}
	for _, f := range j.c.Files {
		names := j.GroupsOf(f)
		for _, n := range names {
			hit[n] = true
		}
		if len(names) > 0 {
			j.governed = append(j.governed, Governed{f.Path, names})
		}
	}
	for _, g := range j.all() {
		if hit[g.Name] {
			j.groups = append(j.groups, g)
		}
	}
}

// gaps turns what could not be read whole into findings: a verdict on half a file
// list would pass whatever stands in the other half.
func (j *judgement) gaps() {
	for _, g := range j.c.Gaps {
		j.add(Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeGap,
			Says: inline(g.What) + ": " + inline(g.Says),
			Fix:  "split the change into smaller pull requests, or re-run the check if GitHub had a fault"})
	}
}

func (j *judgement) add(f Finding) { j.findings = append(j.findings, f) }

func (j *judgement) met(group, rule, says string) {
	j.add(Finding{Group: group, Rule: rule, State: Met, Says: says})
}

// at notes an instant at which the verdict may change by itself.
func (j *judgement) at(t time.Time) {
	if t.After(j.now) && (j.next.IsZero() || t.Before(j.next)) {
		j.next = t
	}
}

func (j *judgement) verdict() Verdict {
	v := Verdict{Findings: j.findings, Next: j.next, Head: j.c.Head.Commit, Governed: j.governed}
	for i := range j.groups {
		if r := j.found[j.groups[i].Name]; r != nil {
			v.Approvals = append(v.Approvals, r.counted...)
			v.Turned = append(v.Turned, r.turned...)
		}
	}
	v.Turned = once(v.Turned, v.Approvals)
	v.State = Ready
	for _, f := range j.findings {
		if s := f.state(); severity(s) > severity(v.State) {
			v.State = s
		}
	}
	v.Would = v.State
	v.Title = clip(visible(j.title(v)), 80)
	return v
}

// once drops reviews turned away by one group that count for another, and
// repetitions.
func once(turned []Turned, counted []Approved) []Turned {
	seen := map[string]bool{}
	for _, a := range counted {
		seen[a.By.key()] = true
	}
	var out []Turned
	for _, t := range turned {
		key := t.By.key()
		if t.Code != CodeComment && t.Code != CodeSuperseded && seen[key] || seen[key+t.Code] {
			continue
		}
		seen[key+t.Code] = true
		out = append(out, t)
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].By.key() < out[b].By.key() })
	return out
}

// state is what a finding makes of the change.
func (f Finding) state() State {
	if f.State == Met || f.State == Waived {
		return Ready
	}
	if c, ok := Explain(f.Code); ok && c.State != "" {
		return c.State
	}
	return Failure // unreachable: every code used in a finding has a state
}

// severity orders states from the one that asks least.
func severity(s State) int {
	for i, x := range []State{Nothing, Ready, BreakGlass, Shadow, Scheduled, Frozen, Waiting, Author, Failure} {
		if x == s {
			return i
		}
	}
	return len(s) + 100 // unreachable: an unknown state is worse than any
}

// Worse reports whether a asks more than b. Of several pull requests with one
// head commit the worst verdict is published.
func Worse(a, b State) bool { return severity(a) > severity(b) }

// shadow turns a verdict into one that never blocks, when the policy says so.
func (p *Policy) shadow(v Verdict) Verdict {
	if p.Mode != "shadow" {
		return v
	}
	would := "pass"
	if v.Would.Blocks() {
		would = "block"
	}
	v.State = Shadow
	v.Title = clip("[Shadow] Would "+would+": "+v.Title, 80)
	return v
}

func (j *judgement) title(v Verdict) string {
	var first Finding
	n := 0
	for _, f := range j.findings {
		if f.state() == v.State && f.State != Met {
			if n == 0 {
				first = f
			}
			n++
		}
	}
	switch v.State {
	case Ready:
		return j.readyTitle()
	case Scheduled:
		return "Scheduled - effective " + brief(first.Until, j.Zone) + first.Until.UTC().Format(" (15:04 UTC)")
	case Frozen:
		return "Frozen until " + brief(first.Until, j.Zone) + " - " + first.Short
	case Waiting:
		return j.waitingTitle()
	case Author:
		return authorTitle(first, n)
	}
	return j.failureTitle(first)
}

func authorTitle(first Finding, n int) string {
	c, _ := Explain(first.Code)
	t := "Author: " + c.act
	if n > 1 {
		return fmt.Sprintf("%s (1 of %d things)", t, n)
	}
	return t
}

func (j *judgement) failureTitle(f Finding) string {
	switch f.Code {
	case CodeBadRequest, CodeTwoRequests:
		return fmt.Sprintf("Cannot read the change request - line %d", f.Line)
	case CodeNewPolicy:
		return fmt.Sprintf("Cannot read %s in this PR - line %d", PolicyPath, f.Line)
	case CodeChangesRequested:
		return "Changes requested by " + f.Short
	case CodeUnknownName:
		return "Cannot read the policy - it names somebody GitHub does not know"
	case CodeGap:
		return "ChangeGate could not finish - part of the change was not readable"
	}
	return f.Says
}

func (j *judgement) readyTitle() string {
	n, plan, date := 0, "", "effective on merge"
	seen := map[string]bool{}
	for _, r := range j.found {
		for _, a := range r.counted {
			if !seen[a.By.key()] {
				seen[a.By.key()] = true
				n++
			}
		}
	}
	if q := j.request; q != nil && q.Rollback != nil && q.Rollback.To != "" {
		plan = ", rollback to " + clip(q.Rollback.To, 24)
	}
	if q := j.request; q != nil && !q.EffectiveAt.IsZero() {
		date = "effective " + q.EffectiveAt.UTC().Format("2006-01-02 15:04 UTC")
	}
	return "Ready - " + count(n, "approval") + plan + ", " + date
}

func (j *judgement) waitingTitle() string {
	var from []string
	missing, stale := 0, ""
	for i := range j.groups {
		r := j.found[j.groups[i].Name]
		if r == nil || r.missing == 0 {
			continue
		}
		missing += r.missing
		if r.stale != nil && stale == "" {
			stale = fmt.Sprintf("Approvals stale - %s approved %s, head is %s", r.stale.By.Login, short(r.stale.Commit), short(j.c.Head.Commit))
			if r.stale.Commit == j.c.Head.Commit {
				stale = fmt.Sprintf("Approvals stale - the change request was edited after %s approved", r.stale.By.Login)
			}
		}
		from = append(from, r.from...)
	}
	switch {
	case stale != "":
		return stale
	case missing > 0:
		return "Waiting for " + count(missing, "approval") + " - from " + strings.Join(distinct(from), ", ")
	}
	return "Waiting for required checks"
}

func distinct(words []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}
