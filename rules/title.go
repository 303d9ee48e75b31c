package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// title makes one line of at most 80 characters: what GitHub's merge box shows.
func title(s string) string { return clip(visible(s), 80) }

// title says the state and the one fact that matters (CONTRACT §5).
func (j *judgement) title(s State) string {
	var all []*Finding // those that made the state
	for i := range j.findings {
		if f := &j.findings[i]; f.state() == s && f.State != Met && f.State != Waived {
			all = append(all, f)
		}
	}
	switch s {
	case Ready:
		return j.readyTitle()
	case BreakGlass:
		return j.glassTitle()
	case Scheduled:
		return j.scheduledTitle(latest(all))
	case Frozen:
		f := latest(all)
		return "Frozen until " + brief(f.Until, j.Zone) + " - " + inline(f.Short)
	case Waiting:
		return j.waitingTitle(all)
	case Author:
		return authorTitle(all)
	}
	return j.failureTitle(all[0])
}

// latest is the finding that ends last: until then the change waits.
func latest(all []*Finding) *Finding {
	last := all[0]
	for _, f := range all {
		if f.Until.After(last.Until) {
			last = f
		}
	}
	return last
}

// scheduledTitle always has both times. A zone whose name leaves no room is written as
// its abbreviation there: beside UTC it is no guess.
func (j *judgement) scheduledTitle(f *Finding) string {
	utc := inUTC(f.Until, j.Zone)
	t := "Scheduled - effective " + brief(f.Until, j.Zone) + utc
	if len(t) > 80 {
		t = "Scheduled - effective " + local(f.Until, j.Zone).Format("Mon 2 Jan 2006 15:04 MST") + utc
	}
	return t
}

// authorTitle names the first thing to do and counts different ones: three groups
// that miss one plan are one thing.
func authorTitle(all []*Finding) string {
	var acts []string
	for _, f := range all {
		c, _ := Explain(f.Code)
		acts = append(acts, c.act)
	}
	acts = distinct(acts)
	if len(acts) > 1 {
		return fmt.Sprintf("Author: %s (1 of %d things)", acts[0], len(acts))
	}
	return "Author: " + acts[0]
}

func (j *judgement) failureTitle(f *Finding) string {
	switch f.Code {
	case CodeBadRequest, CodeTwoRequests:
		return "Cannot read the change request" + atLine(f.Line)
	case CodeNewPolicy:
		return "Cannot read " + PolicyPath + " in this PR" + atLine(f.Line)
	case CodeChangesRequested:
		return "Changes requested by " + inline(f.Short)
	case CodeReplacedTeam:
		return "Cannot read the policy - a team it names was replaced by another"
	case CodeUnknownName:
		return "Cannot read the policy - it names somebody GitHub does not know"
	}
	return "ChangeGate could not finish - part of the change was not readable"
}

func atLine(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" - line %d", line)
}

func (j *judgement) readyTitle() string {
	if j.undoes != nil {
		return "Ready - rollback of " + j.undoes.ID() + ", " + count(len(j.voices()), "approval")
	}
	waived, plan, date := "", "", "effective on merge"
	if j.waived != nil {
		waived = "freeze waived (" + j.waived.ID() + "), "
	}
	if q := j.request; q != nil && q.Rollback != nil && q.Rollback.To != "" {
		plan = ", rollback " + q.Rollback.named(j.c.Edition)
	}
	if q := j.request; q != nil && !q.EffectiveAt.IsZero() {
		date = "effective " + q.EffectiveAt.UTC().Format("2006-01-02 15:04 UTC")
	}
	t := "Ready - " + waived + count(len(j.voices()), "approval")
	if len(t+plan+", "+date) > 80 {
		plan = ""
	}
	return t + plan + ", " + date
}

// voices are the people whose approvals count.
func (j *judgement) voices() map[Person]bool {
	people := map[Person]bool{}
	for i := range j.groups {
		for _, a := range j.groups[i].counted {
			people[a.By.who()] = true
		}
	}
	return people
}

// glassTitle keeps room for when the review afterwards is due, however long an incident
// is named.
func (j *judgement) glassTitle() string {
	x := j.broken
	end := " - review due " + x.Due.UTC().Format("2006-01-02 15:04 UTC")
	if x.Closed != nil {
		end = " - reviewed by " + inline(x.Closed.By.Login)
	}
	begin := "BREAK-GLASS by " + clip(inline(x.By.Login), 24)
	return begin + " (" + clip(inline(x.Incident), max(80-utf8.RuneCountInString(begin+end)-3, 1)) + ")" + end
}

// heldTitle names who holds the change, or which exception waits for its review.
func heldTitle(all []*Finding) string {
	var who, overdue []string
	for _, f := range all {
		switch f.Code {
		case CodeHold:
			who = append(who, inline(f.Short))
		case CodeOverdue:
			overdue = append(overdue, f.Short)
		}
	}
	switch {
	case len(who) == 1:
		return "Waiting for " + who[0] + " to lift the hold"
	case len(who) > 1:
		return "Waiting for " + and(who) + " to lift their holds"
	case len(overdue) > 0:
		return "Waiting for the review of " + and(overdue) + ", which is overdue"
	}
	return ""
}

func (j *judgement) waitingTitle(all []*Finding) string {
	if t := heldTitle(all); t != "" {
		return t
	}
	var from []string
	missing := 0
	for i := range j.groups {
		g := &j.groups[i]
		if g.missing == 0 || g.spare {
			continue
		}
		if g.stale != nil {
			return "Approvals stale - " + j.staleness(g)
		}
		missing += g.missing
		for _, f := range g.from {
			from = append(from, spelled(f))
		}
	}
	switch {
	case missing > 0:
		of := ""
		if j.undoes != nil {
			of = "rollback of " + j.undoes.ID() + ", "
		}
		return "Waiting for " + count(missing, "approval") + " - " + of + "from " + strings.Join(distinct(from), ", ")
	case all[0].Code == CodeWorkflowEdit:
		return "Waiting for 1 approval - from maintain access, as a workflow is edited"
	}
	return "Waiting for required checks"
}

func (j *judgement) staleness(g *judged) string {
	by, commit := inline(g.stale.By.Login), inline(short(g.stale.Commit))
	switch g.because {
	case CodeOldBase:
		return "the base branch changed after " + by + " approved"
	case CodeOldRequest:
		return "the change request was edited after " + by + " approved"
	}
	if g.stale.Commit == j.c.Head.Commit {
		return "the base branch moved back after " + by + " approved"
	}
	return by + " approved " + commit + ", head is " + inline(short(j.c.Head.Commit))
}
