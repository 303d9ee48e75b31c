package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/rules"
)

const (
	maxSteps    = 3 // things to mend at a time
	maxWays     = 5 // of going on
	maxRows     = 100
	maxItems    = 20
	maxListed   = 5 // files named in one line
	maxSiblings = 50
)

// Bytes that each part of the summary leaves to those after it, so that a long
// part never costs a later one.
const (
	keepForSteps   = 40_000 // three blocks of blockLimit characters
	keepForReviews = 20_000
	keepForCovers  = 12_000
)

// summary says, in this order: the state and who must act, what exactly to do,
// every rule with its result, whose review counts and whose does not, and what it
// was judged by.
func summary(v View, notAnnotated int) string {
	foot := footer(v, true)
	p := newPage(len(foot))
	s, ok := strictest(v.Siblings)
	overruled := ok && rules.Worse(s.State, v.Verdict.State)
	if overruled {
		p.add(fmt.Sprintf("**PR %d decides this check: it is %s.** %s\n\nThis pull request by itself:\n\n", s.Number, stateWord(s.State), siblings(v)))
	}
	p.add(lead(v) + "\n\n")
	p.add(late(v))
	idle(p, v)
	clocks(p, v)
	holds(p, v)
	nextSteps(p, v)
	also(p, v)
	exceptions(p, v)
	impact(p, v)
	ruleTable(p, v)
	reviews(p, v)
	if c := covers(v); c != "" {
		p.add(c + "\n\n")
	}
	if ok && !overruled {
		p.add(siblings(v) + "\n\n")
	}
	if notAnnotated > 0 {
		p.add(fmt.Sprintf("%s not marked in the files (GitHub shows %d), see %s\n\n", plural(notAnnotated, "more place"), maxAnnotations, v.details()))
	}
	return p.b.String() + foot
}

// effective is the state the policy would give if it blocked.
func effective(v View) rules.State {
	if v.Verdict.State == rules.Shadow {
		return v.Verdict.Would
	}
	return v.Verdict.State
}

// siblings names the other pull requests with this commit; the first few with
// their titles.
func siblings(v View) string {
	var names []string
	for i, s := range v.Siblings[:min(len(v.Siblings), maxSiblings)] {
		s = s.judged()
		name := fmt.Sprintf("PR %d, which is **%s**", s.Number, stateWord(s.State))
		if i < maxListed && s.Title != "" {
			name += " (" + code(s.Title) + ")"
		}
		names = append(names, name)
	}
	if more := len(v.Siblings) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("This commit is also the head of %s, into %s. GitHub shows one result per commit, so all show the strictest. "+
		"To separate them, push an empty commit to one of them.", strings.Join(names, " and of "), code(v.Change.Base.Branch))
}

func stateWord(s rules.State) string {
	switch s {
	case rules.Nothing:
		return "not governed"
	case rules.Author:
		return "waiting for its author"
	case rules.Failure:
		return "failed"
	case rules.Ready, rules.Scheduled, rules.Frozen, rules.Waiting, rules.Shadow, rules.BreakGlass:
		return string(s)
	}
	return "unknown"
}

// resultWord carries the meaning of a row without colour or symbol.
func resultWord(f rules.Finding) string {
	switch f.State {
	case rules.Met:
		return "PASS"
	case rules.Pending:
		return "WAIT"
	case rules.Waived:
		return "SKIP"
	}
	if refuses(f) {
		return "FAIL"
	}
	return "ACT"
}

// refuses reports whether a finding is one that the author cannot mend by adding
// what is missing.
func refuses(f rules.Finding) bool {
	c, known := rules.Explain(f.Code)
	return f.State == rules.Unmet && (!known || c.State == rules.Failure)
}

var resultRank = map[string]int{"PASS": 0, "SKIP": 1, "WAIT": 2, "ACT": 3, "FAIL": 4}

// A ruleRow is what one rule says of one group.
type ruleRow struct {
	group, rule, result string
	details             []string
	problems            int // lines listed above the table
}

// ruleRows merges the findings of one rule and group: the worst of them is the
// result.
func ruleRows(fs []rules.Finding) []*ruleRow {
	var out []*ruleRow
	at := map[[2]string]*ruleRow{}
	for _, f := range fs {
		key := [2]string{f.Group, f.Rule}
		r := at[key]
		if r == nil {
			r = &ruleRow{group: f.Group, rule: f.Rule, result: "PASS"}
			at[key] = r
			out = append(out, r)
		}
		if w := resultWord(f); resultRank[w] > resultRank[r.result] {
			r.result = w
		}
		if problem(f) {
			r.problems++
			continue
		}
		says := prose(f.Says)
		if f.State != rules.Met && f.Code != "" {
			says += " (" + prose(f.Code) + ")"
		}
		r.details = append(r.details, says)
	}
	return out
}

// ruleTable shows the group only when there are several: one column less to read.
func ruleTable(p *page, v View) {
	all := ruleRows(v.Verdict.Findings)
	if len(all) == 0 {
		return
	}
	groups := map[string]bool{}
	for _, r := range all {
		if r.group != "" {
			groups[r.group] = true
		}
	}
	head := "| Rule | Result | Detail |\n|---|---|---|\n"
	if len(groups) > 1 {
		head = "| Group | Rule | Result | Detail |\n|---|---|---|---|\n"
	}
	var lines []string
	for _, r := range all {
		lines = append(lines, r.line(len(groups) > 1))
	}
	p.add(head)
	p.list(lines, maxRows, keepForReviews, v.rowsLeft)
	p.add("\n")
}

func (r *ruleRow) line(grouped bool) string {
	cells := []string{prose(ruleName(r.rule)), r.result, r.told(" listed above")}
	switch {
	case grouped && r.group == "":
		cells = append([]string{"all"}, cells...)
	case grouped:
		cells = append([]string{code(r.group)}, cells...)
	}
	for i, c := range cells {
		cells[i] = cell(c)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// told is what the rule says; problems of a text are told elsewhere.
func (r *ruleRow) told(problems string) string {
	all := r.details
	if r.problems > 0 {
		all = append(slices.Clone(all), plural(r.problems, "problem")+problems)
	}
	return some(all, 3)
}

// some joins the first n of a list and counts the rest.
func some(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, "; ")
	}
	return strings.Join(all[:n], "; ") + fmt.Sprintf("; and %d more", len(all)-n)
}

// reviews lists the approvals that count, and every other review with its reason:
// the first question of whoever approved and sees the check still waiting.
func reviews(p *page, v View) {
	var counts, not []string
	at := map[string]int{}
	for _, a := range v.Verdict.Approvals {
		key := fmt.Sprint(a.By.ID, a.By.Login, a.Commit)
		if i, ok := at[key]; ok {
			counts[i] = strings.TrimSuffix(counts[i], "\n") + ", " + code(a.Group) + "\n"
			continue
		}
		at[key] = len(counts)
		counts = append(counts, fmt.Sprintf("- %s approved %s on %s, for %s\n", personName(a.By), code(shortID(a.Commit)), stampUTC(a.At), code(a.Group)))
	}
	for _, t := range v.Verdict.Turned {
		not = append(not, fmt.Sprintf("- %s: %s (%s)\n", personName(t.By), prose(t.Why), prose(t.Code)))
	}
	for _, part := range []struct {
		title string
		lines []string
	}{{"Reviews that count", counts}, {"Reviews that do not count, and why", not}} {
		if len(part.lines) > 0 && p.add("**"+part.title+"**\n\n") {
			p.list(part.lines, maxItems, keepForCovers, v.itemsLeft)
			p.add("\n")
		}
	}
}

func personName(by rules.Person) string {
	if by.Login == "" {
		return "a deleted account"
	}
	return code(by.Login)
}

// covers says what an approval of this pull request is an approval of.
func covers(v View) string {
	g := v.Verdict.Governed
	if len(g) == 0 {
		return ""
	}
	var names []string
	for _, f := range g {
		names = append(names, code(f.Path))
	}
	return fmt.Sprintf("**What approvals cover**: head %s into %s, %s (%s), and the change request. They stay valid while these stay the same; "+
		"`why` and `ticket` may be edited.", code(shortID(v.Change.Head.Commit)), code(v.Change.Base.Branch), plural(len(g), "governed file"), firstFew(names))
}

// firstFew names the first files of a list.
func firstFew(names []string) string {
	if len(names) <= maxListed {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:maxListed], ", ") + fmt.Sprintf(" and %d more", len(names)-maxListed)
}

// footer says by what, when and under which number it was judged. What was not
// judged has no number.
func footer(v View, judged bool) string {
	var parts []string
	if v.PolicyRef != "" {
		parts = append(parts, "Policy "+code(v.PolicyRef))
	}
	at := v.At.UTC().Format("2006-01-02 15:04:05 UTC")
	if judged {
		parts = append(parts, "evaluated "+at)
	} else {
		parts = append(parts, "tried "+at)
	}
	if judged && v.Record >= 0 {
		parts = append(parts, fmt.Sprintf("evidence entry %d", v.Record))
	}
	if d := v.details(); d != "details" {
		parts = append(parts, d)
	}
	return "<sub>" + strings.Join(parts, " - ") + "</sub>\n"
}

func unfinishedSummary(v View, cause string, until time.Time, final bool) string {
	steps := "1. It is retried by itself until " + ShowTime(until, v.Zone) + ".\n" +
		"2. Author and reviewers: nothing to do. " + agentsIdle + "\n"
	if final {
		steps = "1. Retrying has ended. Press **Re-evaluate** above, or push, review or edit: each starts a new evaluation.\n" +
			"2. If it stays like this, give an administrator the reference below.\n"
	}
	holds := "Reviews given so far are kept. Nothing is let through while this lasts."
	if v.Shadow {
		holds = "Reviews given so far are kept. In shadow mode this does not block."
	}
	return "**ChangeGate could not finish. This is not caused by your change.** " + sentence(prose(cause)) +
		"\n\n### What happens next\n" + steps + "\n" + holds + "\n\nReference: " + code(logReference(v)) + "\n\n" + footer(v, false)
}

func logReference(v View) string {
	if v.Reference != "" {
		return v.Reference
	}
	return fmt.Sprintf("%s/pull/%d head %s at %s", v.Change.Repo, v.Change.Number, shortID(v.Change.Head.Commit), v.At.UTC().Format(time.RFC3339))
}
