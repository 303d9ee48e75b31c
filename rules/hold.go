package rules

import "slices"

// hold admits that the change waits until somebody lets it go on. Anybody may who
// could approve it: they could as well ask for changes.
func (a *admission) hold() Admitted {
	from := a.approvers()
	switch {
	case len(a.groups) == 0:
		return refused("no governed file is changed, so there is nothing to hold", "ask for changes in Files changed > Review changes")
	case a.by.same(a.c.Author):
		return refused(a.login()+" is the author of this change", "convert it to a draft, or write a later `effective_at`")
	}
	as := a.named(from)
	if as == "" {
		return a.outsider(from, "hold this change", "the approvals of its groups")
	}
	out := Admitted{Hold: &Hold{By: a.by.Person, As: as, At: a.at, Reason: a.cmd.Reason}}
	for _, h := range a.c.Holds {
		if a.by.same(h.By) {
			out.Lift = append(out.Lift, h) // one a person: the newest reason stands
		}
	}
	return out
}

// unhold lifts every hold that the speaker may lift.
func (a *admission) unhold() Admitted {
	if len(a.c.Holds) == 0 {
		return refused("nothing holds this change", code("/change status")+" says what it waits for")
	}
	var out Admitted
	var who, as []string
	for _, h := range a.c.Holds {
		if a.lifts(h) {
			out.Lift = append(out.Lift, h)
			continue
		}
		who, as = append(who, code(h.By.Login)), append(as, h.As)
	}
	ask := "ask " + and(few(distinct(who))) + ", or " + whom(distinct(as)) + " without a hand in the change"
	switch {
	case len(out.Lift) == 0:
		return refused(a.login()+" may not lift the hold of "+and(few(distinct(who))), ask)
	case len(who) > 0:
		out.Note = "held by " + and(few(distinct(who))) + " all the same; " + ask
	}
	return out
}

// lifts reports whether the speaker may lift a hold: their own, or as somebody
// whom the same of the policy means who did not contribute. When no rule names that
// any more, anybody who may approve takes the place: a hold must not outlive
// everybody who could lift it.
func (a *admission) lifts(h Hold) bool {
	switch from := a.approvers(); {
	case a.by.same(h.By):
		return true
	case a.contributed(a.by.Person):
		return false
	case slices.Contains(from, h.As):
		return a.named([]string{h.As}) != ""
	default:
		return a.named(from) != ""
	}
}

// judgeHolds waits for whoever holds the change. No exception waives a hold: it was
// put there by somebody who looked at this very change.
func judgeHolds(j *judgement) {
	holds := slices.Clone(j.c.Holds)
	slices.SortStableFunc(holds, func(a, b Hold) int {
		if n := a.At.Compare(b.At); n != 0 {
			return n
		}
		return byWho(a.By, b.By)
	})
	for _, h := range holds {
		says := code(h.By.Login) + " holds this change since " + clock(h.At, j.Zone)
		if h.Reason != "" {
			says += ": " + code(h.Reason)
		}
		j.add(Finding{Rule: RuleApprovals, State: Pending, Code: CodeHold, Short: h.By.Login, Says: says,
			Fix: "ask " + code(h.By.Login) + ", or " + whom([]string{h.As}) + ", to write `/change unhold` when it may go on"})
	}
}
