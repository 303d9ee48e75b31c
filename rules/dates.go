package rules

import "time"

// judgeEffectiveDate checks that a required date is declared, was not backdated,
// and has come. A date that passes while approvals are missing is no error:
// planned and actual time are both recorded.
func judgeEffectiveDate(j *judgement, g *judged) {
	if g.fast {
		j.free(g, RuleEffectiveDate, "an effective date")
		return
	}
	q := j.request
	f := Finding{Group: g.Name, Rule: RuleEffectiveDate, State: Unmet}
	if q != nil && q.path != "" {
		f.Path, f.Line = q.path, q.dateLine
	}
	switch {
	case len(j.unreadable.Problems) > 0:
		return
	case q == nil || !q.OnMerge && q.EffectiveAt.IsZero():
		if !g.EffectiveAt {
			j.met(g.Name, RuleEffectiveDate, "on merge (none declared)")
			return
		}
		f.Code, f.Says = CodeEffectiveDate, "group "+code(g.Name)+" requires effective_at and none is declared"
		f.Fix = "add to the change request, inside `change:`\n```yaml\n  effective_at: on-merge\n```\nor an instant such as `2026-11-30T09:00+01:00`"
	case q.OnMerge:
		j.met(g.Name, RuleEffectiveDate, "on merge")
		return
	case !j.c.RequestSince.IsZero() && q.EffectiveAt.Before(j.c.RequestSince):
		f.Code = CodeBackdated
		f.Says = "effective_at " + clock(q.EffectiveAt, j.Zone) + " lay in the past when it was declared on " + clock(j.c.RequestSince, j.Zone)
		f.Fix = "write a later instant, or `effective_at: on-merge`"
	case j.now.Before(q.EffectiveAt):
		f.State, f.Code, f.Until = Pending, CodeScheduled, q.EffectiveAt
		f.Says = "effective " + clock(q.EffectiveAt, j.Zone)
		f.Fix = "nothing to do: the check turns green by itself then"
		j.at(q.EffectiveAt)
	default:
		j.met(g.Name, RuleEffectiveDate, "since "+clock(q.EffectiveAt, j.Zone))
		return
	}
	j.add(f)
}

// judgeNotice checks the least time between the last approval and the effective
// date. It is silent while approvals are missing: the time runs from the last.
func judgeNotice(j *judgement, g *judged) {
	if g.fast && g.Notice > 0 {
		j.free(g, RuleNotice, "a notice")
		return
	}
	q := j.request
	if g.Notice == 0 || q == nil || g.missing > 0 || len(j.unreadable.Problems) > 0 {
		return
	}
	due := g.last.Add(g.Notice)
	f := Finding{Group: g.Name, Rule: RuleNotice}
	f.Says = spell(g.Notice) + " of notice after the last approval end " + clock(due, j.Zone)
	switch {
	case !q.EffectiveAt.IsZero() && q.EffectiveAt.Before(due):
		f.State, f.Code = Unmet, CodeNotice
		if q.path != "" {
			f.Path, f.Line = q.path, q.dateLine
		}
		f.Says += ", after effective_at " + clock(q.EffectiveAt, j.Zone)
		f.Fix = j.noticeFix(g, due)
	case q.EffectiveAt.IsZero() && j.now.Before(due):
		f.State, f.Code, f.Until = Pending, CodeNoticeWait, due
		f.Fix = "nothing to do: the check turns green by itself then"
		j.at(due)
	default:
		f.State = Met
	}
	j.add(f)
}

// noticeFix says which date would leave enough notice. Writing it makes the approvals
// stale, so what counts is the approval that is still to come: a date is named as long
// as one given by due leaves enough before it. After that only on-merge is, with which
// the notice runs from whichever approval comes last; a date far enough from now would
// be another one every minute.
func (j *judgement) noticeFix(g *judged, due time.Time) string {
	onMerge := "write `effective_at: " + OnMerge + "` and have it approved again: the notice then runs from the approval"
	if !j.now.Before(due) {
		return onMerge + ", and after it nobody has to do anything"
	}
	j.at(due)
	return "write `effective_at: " + stamp(due.Add(g.Notice), j.Zone) + "` or later and have it approved again by " + clock(due, j.Zone) + "; or " + onMerge
}
