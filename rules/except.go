package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// waivable reports whether any exception may waive a finding of that group. The files
// that say who approves are never let through the emergency door: whoever changed them
// there could leave it open. What the organisation asks is waived only by whom its own
// policy names: the repository's could otherwise take away from it.
func (j *judgement) waivable(f *Finding) bool {
	asks := f.Group
	if f.Code == CodeFreeze {
		asks = f.Short // one of the repository holds the organisation's groups too, and is the repository's to waive
	}
	if strings.HasPrefix(asks, orgPrefix) && (j.floor == nil || j.floor.BreakGlass == nil) {
		return false
	}
	i := slices.IndexFunc(j.groups, func(g judged) bool { return g.Name == f.Group })
	return i >= 0 && !j.groups[i].gate
}

// covers reports whether an exception that is in force waives a finding.
func (j *judgement) covers(x *Exception, f *Finding) bool {
	switch {
	case f.State == Met || f.State == Waived || !j.waivable(f):
		return false
	case x.Kind == KindBreakGlass:
		return slices.Contains(emergency, f.Code)
	}
	return f.Code == CodeFreeze && slices.Contains(x.Freezes, f.Short) && j.waives(x, f.Group) && j.now.Before(j.thaws(x.At, f.Short))
}

// waives reports whether the opener of a waiver may waive a freeze of the group.
func (j *judgement) waives(x *Exception, group string) bool {
	if len(j.BreakGlass.Reviewers) > 0 {
		return slices.Contains(j.BreakGlass.Reviewers, x.As)
	}
	return slices.ContainsFunc(j.groups, func(g judged) bool { return g.Name == group && slices.Contains(sources(g.Approvals), x.As) })
}

// thaws is the end of the freeze's window that was active when a waiver was opened:
// next week's is another. Zero if none was.
func (j *judgement) thaws(opened time.Time, name string) (end time.Time) {
	for i := range j.Freezes {
		if f := &j.Freezes[i]; f.Name == name {
			if w, ok := f.window(opened); ok && !opened.Before(w.from) {
				end = later(end, w.until)
			}
		}
	}
	return end
}

// except lets the exceptions waive what they cover, waivers first, and says of each
// what it does and whether it was reviewed.
func (j *judgement) except() {
	all := slices.Clone(j.c.Exceptions)
	slices.SortStableFunc(all, func(a, b Exception) int {
		// In words, waiver comes behind break-glass.
		return cmp.Or(-strings.Compare(a.Kind, b.Kind), cmp.Compare(a.Number, b.Number), a.At.Compare(b.At), byWho(a.By, b.By))
	})
	for i := range all {
		x := &all[i]
		f := Finding{Rule: RuleApprovals, State: Met, Code: CodeVoid, Short: x.ID(), Fix: j.reviewFix(x)}
		if why := j.void(x); why != "" {
			f.Says = x.told() + " covers nothing any more: " + why
		} else {
			f.Code, f.Says = CodeBreakGlass, x.told()+" "+j.exempt(x)+" until "+clock(x.Expires, j.Zone)
			if x.Kind == KindWaiver {
				f.Code, f.Rule = CodeWaiver, RuleFreezeWindow
			}
		}
		f.Says += "; " + j.reviewed(x)
		j.add(f)
		j.overdue(x)
	}
}

// told names an exception, who opened it and for what.
func (x *Exception) told() string {
	if x.Kind == KindWaiver {
		return x.ID() + ", a waiver by " + code(x.By.Login)
	}
	return x.ID() + ", a break-glass by " + code(x.By.Login) + " for " + code(x.Incident)
}

// void says why an exception does not cover the change; nothing while it does. It
// is of one commit: a push closes the glass, whoever pushes.
func (j *judgement) void(x *Exception) string {
	switch {
	case x.Kind != KindBreakGlass && x.Kind != KindWaiver:
		return "it is of a kind that is not known"
	case j.BreakGlass == nil:
		return "the policy has no break_glass any more"
	case x.Head != j.c.Head.Commit || x.Head == "":
		return "it was for commit " + code(short(x.Head)) + ", and the head is " + code(short(j.c.Head.Commit))
	case x.Base != j.c.Base.Branch:
		return "it was for base branch " + code(x.Base) + ", and the base is " + code(j.c.Base.Branch)
	case !x.By.human():
		return "no person opened it"
	case j.contributed(x.By):
		return code(x.By.Login) + " contributed to the change"
	case x.Kind == KindBreakGlass && !slices.Contains(j.BreakGlass.Who, x.As), x.Kind == KindWaiver && !slices.Contains(j.reviewers(), x.As):
		return "the policy does not name " + names([]string{x.As}) + " for it any more"
	case j.now.Before(x.At):
		j.at(x.At)
		return "it was opened later"
	case !j.now.Before(x.Expires):
		return "it ended " + clock(x.Expires, j.Zone)
	}
	return ""
}

// exempt waives what the exception covers.
func (j *judgement) exempt(x *Exception) string {
	j.at(x.Expires)
	n := 0
	for i := range j.findings {
		f := &j.findings[i]
		if !j.covers(x, f) {
			continue
		}
		n++
		end := x.Expires
		if x.Kind == KindWaiver {
			end = j.thaws(x.At, f.Short)
			j.at(end)
		}
		f.State = Waived
		f.Says += "; waived by " + x.ID() + " until " + clock(end, j.Zone)
		j.relieve(f)
	}
	switch {
	case n == 0:
		return "waives nothing now, and would"
	case x.Kind == KindBreakGlass && j.broken == nil:
		j.broken = x
	case x.Kind == KindWaiver && j.waived == nil:
		j.waived = x
	}
	return "waives " + count(n, "finding")
}

// relieve notes that nobody has to approve for a group any more.
func (j *judgement) relieve(f *Finding) {
	for i := range j.groups {
		if g := &j.groups[i]; g.Name == f.Group && (f.Code == CodeApprovals || f.Code == CodeStale) {
			g.spare = true
		}
	}
}

// reviewed says how far the review afterwards is.
func (j *judgement) reviewed(x *Exception) string {
	switch c := x.Closed; {
	case c == nil && x.Late(j.now):
		return "its review is overdue"
	case c == nil:
		j.at(x.Due)
		return "its review is due " + clock(x.Due, j.Zone)
	case x.Late(j.now):
		return "reviewed by " + code(c.By.Login) + " on " + clock(c.At, j.Zone) + ", after it was due"
	default:
		return "reviewed by " + code(c.By.Login) + " on " + clock(c.At, j.Zone)
	}
}

func (j *judgement) reviewFix(x *Exception) string {
	if x.Closed != nil {
		return ""
	}
	return "ask " + whom(j.reviewers()) + " to look at it and write " + code("/change ack "+x.ID()+" outcome: what the review found") + "; neither " + code(x.By.Login) + " nor anybody who contributed counts"
}

// overdue holds the change back until somebody reviews the exception, and tells of a
// review that came late.
func (j *judgement) overdue(x *Exception) {
	switch {
	case !x.Late(j.now):
	case x.Closed != nil:
		j.add(Finding{Rule: RuleApprovals, State: Met, Code: CodeLate,
			Says: fmt.Sprintf("%s was reviewed on %s, and was due %s", x.ID(), clock(x.Closed.At, j.Zone), clock(x.Due, j.Zone))})
	default:
		j.add(Finding{Rule: RuleApprovals, State: Pending, Code: CodeOverdue, Short: x.ID(), Fix: j.reviewFix(x),
			Says: x.told() + " was to be reviewed by " + clock(x.Due, j.Zone)})
	}
}
