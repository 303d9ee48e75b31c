package rules

import (
	"fmt"
	"slices"
	"time"
)

// Evaluate loads the repository's policy with the organisation's (c.Floor) and
// decides by them. A policy that was not read or does not load is itself the verdict,
// in shadow mode too: nothing passes by a file nobody can read. A repository without
// one is not enrolled, and nobody asks.
func Evaluate(policy []byte, c *Change, now time.Time) Verdict {
	for _, g := range c.Gaps {
		if g.What == GapPolicy || g.What == GapFloor {
			return unread(g.What, c)
		}
	}
	p, own, org := load(policy, c.Floor)
	if p == nil {
		return broken(own, org, c)
	}
	return p.Decide(c, now)
}

// unread is the verdict when GitHub did not give a policy that it has. What an
// empty text lacks would be no help to anybody.
func unread(what string, c *Change) Verdict {
	j := &judgement{c: c}
	j.gaps()
	whose := "the policy on " + inline(c.Base.Branch)
	if what == GapFloor {
		whose = "the organisation's policy"
	}
	return Verdict{State: Failure, Would: Failure, Head: c.Head.Commit, Findings: j.findings,
		Title: title("ChangeGate could not finish - " + whose + " was not readable")}
}

// broken is the verdict by a policy that does not load. The organisation's is in
// another repository, so its findings have no path in this one.
func broken(own, org Problems, c *Change) Verdict {
	v := Verdict{State: Failure, Would: Failure, Head: c.Head.Commit}
	for _, p := range own {
		v.Findings = append(v.Findings, Finding{
			Rule: RulePolicyFile, State: Unmet, Code: CodePolicyBroken, Says: place(p) + p.Says,
			Fix: p.Fix + " (on " + code(c.Base.Branch) + ")", Path: PolicyPath, Line: p.Line,
		})
	}
	for _, p := range org {
		v.Findings = append(v.Findings, Finding{
			Rule: RulePolicyFile, State: Unmet, Code: CodeFloorBroken, Says: place(p) + p.Says,
			Fix: p.Fix + " (in " + code(PolicyPath) + " of " + floorHome(c) + ")", Line: p.Line,
		})
	}
	v.Title = title("Cannot read the organisation's policy" + atLine(v.Findings[0].Line))
	if len(own) > 0 {
		v.Title = title("Cannot read the policy on " + inline(c.Base.Branch) + atLine(own[0].Line))
	}
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
	c      *Change
	now    time.Time
	groups []judged // those that govern a file of the change

	files        listing
	revisions    []listing // of c.Revisions, each when it is first needed
	governed     []Governed
	contributors []Person
	accounts     map[string]int64
	opinions     []*Review // each person's latest, oldest first
	turned       []Turned  // reviews that count for no group
	request      *Request
	digest       string // of request
	unreadable   sourced
	owners       *Owners     // nil when no group of the change asks for code owners
	skipped      Problems    // of owners
	windows      []window    // of each freeze: the one that covers now, or the next
	changed      listing     // files without what copies were made from; where a group asks for versions
	agents       []agentFile // whose versions the change may touch

	proof *proof // of the rollback target

	findings []Finding
	next     time.Time
	broken   *Exception // the break-glass that waived something
	waived   *Exception // the waiver that did

	undoes  *Undo  // the change that this is the rollback of
	nearly  *Undo  // the one that it would be, if it did not differ
	differs string // from nearly
}

// judged is a group, what the change does to it, and what its reviews came to.
type judged struct {
	*Group
	first string          // the first governed path
	same  map[string]bool // by reviewed commit: is the content what it is at head
	owned *ownership      // nil when the group does not ask for code owners
	gate  bool            // a governed path is of the policy, or of CODEOWNERS where a rule asks it
	spare bool            // an exception waives its approvals
	fast  bool            // an exact rollback of a change of the past
	approvals
}

// The rules, in the order they are judged and shown. This table is the product's
// table of contents; a rule about the whole change has no group.
var table = []struct {
	name  string
	whole func(*judgement)
	group func(*judgement, *judged)
	since int // the edition of the facts that it goes by
}{
	{name: RulePolicyFile, whole: judgePolicyFile},
	{name: RuleChangeRequest, whole: judgeRequest},
	{name: RuleApprovals, whole: judgeOwners},
	{name: RuleApprovals, whole: judgeContributors, group: judgeApprovals},
	{name: RuleApprovals, whole: judgeHolds},
	{name: RuleRollbackPlan, group: judgeRollback},
	{name: RuleRollbackPlan, group: judgeEarlier, since: 1},
	{name: RuleEffectiveDate, group: judgeEffectiveDate},
	{name: RuleNotice, group: judgeNotice},
	{name: RuleFreezeWindow, group: judgeFreeze},
	{name: RuleRequiredChecks, group: judgeChecks},
	{name: RuleAgentContent, group: judgeVersions, since: 1},
}

// Decide judges a change by the policy at one instant. It is pure and total: the
// same arguments give the same verdict for ever, whatever they hold.
func (p *Policy) Decide(c *Change, now time.Time) Verdict {
	j := p.judge(c, now)
	if len(j.groups) == 0 {
		return p.shadow(j.ungoverned())
	}
	return p.shadow(j.verdict())
}

// judge is what every rule says of the change.
func (p *Policy) judge(c *Change, now time.Time) *judgement {
	j := &judgement{Policy: p, c: c, now: now, findings: make([]Finding, 0, 16)}
	j.govern()
	j.gaps()
	j.request, j.unreadable = readRequest(c.Requests, p.Zone)
	j.digest = j.request.Digest()
	j.contributors = contributors(c, j.request, j.clean())
	j.accounts = whose(c.Accounts)
	if len(j.groups) == 0 {
		return j
	}
	j.hasten()
	j.own()
	j.findAgents()
	j.opine()
	j.frozen()
	for _, rule := range table {
		if rule.whole != nil {
			rule.whole(j)
		}
		if rule.group == nil || rule.since > c.Edition {
			continue
		}
		for i := range j.groups {
			rule.group(j, &j.groups[i])
		}
	}
	j.except()
	return j
}

// ungoverned is the verdict on a change that touches nothing governed: nothing to
// approve, unless part of it could not be read.
func (j *judgement) ungoverned() Verdict {
	if len(j.findings) > 0 {
		return j.verdict()
	}
	return Verdict{
		State: Nothing, Would: Nothing, Head: j.c.Head.Commit, Findings: []Finding{},
		Title: "No governed files changed - nothing to approve",
	}
}

// govern finds which groups govern which files.
func (j *judgement) govern() {
	j.files = list(j.c.Files)
	j.revisions = make([]listing, len(j.c.Revisions))
	groups := make([]judged, len(j.Policy.judged))
	j.governed = make([]Governed, 0, len(j.files))
	var sets [][]string // most files belong to the same few sets of groups
	var set []string
	for i := range j.files {
		f := &j.files[i]
		set = set[:0]
		for k := range groups {
			g := &j.Policy.judged[k]
			if !g.touches(f) {
				continue
			}
			set = append(set, g.Name)
			if groups[k].Group == nil {
				groups[k] = judged{Group: g, first: f.Path, same: map[string]bool{}}
			}
			groups[k].gate = groups[k].gate || slices.ContainsFunc([]string{f.path, f.old}, j.saysWho)
		}
		if len(set) == 0 {
			continue
		}
		at := slices.IndexFunc(sets, func(s []string) bool { return slices.Equal(s, set) })
		if at < 0 {
			at, sets = len(sets), append(sets, slices.Clone(set))
		}
		j.governed = append(j.governed, Governed{f.Path, sets[at]})
	}
	j.groups = slices.DeleteFunc(groups, func(g judged) bool { return g.Group == nil })
}

// gaps turns what could not be read whole into findings: a verdict on half a file
// list would pass whatever stands in the other half.
func (j *judgement) gaps() {
	for _, g := range j.c.Gaps {
		j.add(Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeGap,
			Says: inline(g.What) + ": " + inline(g.Says), Fix: j.gapFix(g.What)})
	}
}

func (j *judgement) gapFix(what string) string {
	const again = "re-run the check if GitHub had a fault"
	switch what {
	case GapPolicy:
		return "make " + code(PolicyPath) + " on " + code(j.c.Base.Branch) + " an ordinary file of UTF-8 text, or " + again
	case GapFloor:
		return "let the App read " + floorHome(j.c) + ", make " + code(PolicyPath) + " there an ordinary file of UTF-8 text, or " + again
	case GapBases:
		return "merge " + code(j.c.Base.Branch) + " into the pull request's branch, from where there is one merge base again, or open another pull request from a branch without merges"
	case "reviews":
		return "re-run the check; if it says the same, close this pull request and open another one for the branch: reviews stay with the one they were given on"
	}
	// A count that disagrees with the list is nearly always one that GitHub has not
	// made anew since the base branch moved.
	return "re-run the check; if it says the same, push a commit, which has GitHub compare again, or split a very large change"
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
	v := Verdict{State: Ready, Findings: j.findings, Next: j.next, Head: j.c.Head.Commit, Governed: j.governed, Undoes: j.undoes}
	v.Turned = j.turned
	for i := range j.groups {
		v.Approvals = append(v.Approvals, j.groups[i].counted...)
		v.Turned = append(v.Turned, j.groups[i].turned...)
	}
	v.Turned = once(v.Turned, v.Approvals)
	for i := range j.findings {
		if s := j.findings[i].state(); Worse(s, v.State) {
			v.State = s
		}
	}
	if v.State == Ready && j.broken != nil {
		v.State = BreakGlass
	}
	v.Would = v.State
	v.Title = title(j.title(v.State))
	return v
}

// once drops repetitions, and reviewers one group does not name whose review
// counts for another.
func once(turned []Turned, counted []Approved) []Turned {
	type reason struct {
		who  Person
		code string
	}
	seen := map[reason]bool{}
	for _, a := range counted {
		seen[reason{a.By.who(), CodeNotAllowed}] = true
	}
	var out []Turned
	for _, t := range turned {
		if r := (reason{t.By.who(), t.Code}); !seen[r] {
			seen[r] = true
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b Turned) int { return byWho(a.By, b.By) })
	return out
}

// state is what a finding makes of the change.
func (f *Finding) state() State {
	if f.State == Met || f.State == Waived {
		return Ready
	}
	if c, ok := Explain(f.Code); ok && c.State != "" {
		return c.State
	}
	return Failure // unreachable: every code used in a finding has a state
}

// severity orders states from the one that asks least; an unknown one asks most.
func severity(s State) int {
	switch s {
	case Nothing:
		return 0
	case Ready:
		return 1
	case BreakGlass:
		return 2
	case Shadow:
		return 3
	case Scheduled:
		return 4
	case Frozen:
		return 5
	case Waiting:
		return 6
	case Author:
		return 7
	case Failure:
		return 8
	}
	return 9
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
	v.Title = title("[Shadow] Would " + would + ": " + v.Title)
	return v
}
