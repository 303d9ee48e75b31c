package rules

import (
	"slices"
	"strings"
	"time"
)

// emergency are the findings that a break-glass waives: what takes time. What says
// what the change is, how to take it back and who is behind it stands, as do a
// request for changes and a hold.
var emergency = []string{CodeApprovals, CodeStale, CodeWorkflowEdit, CodeScheduled, CodeNotice, CodeNoticeWait, CodeFreeze, CodeCheckPending, CodeCheckFailed}

// breakGlass admits that the head commit passes without what emergency lists.
func (a *admission) breakGlass() Admitted {
	if no := a.exceptional(); no.Refused() {
		return no
	}
	e := a.BreakGlass
	if wrong, fix := a.contributor(e.Who); wrong != "" {
		return refused(wrong, fix)
	}
	as := a.named(e.Who)
	if as == "" {
		return a.outsider(e.Who, "break the glass", "`break_glass.who`")
	}
	x := a.exception(KindBreakGlass, as)
	x.Expires = a.at.Add(e.Expires)
	if !a.now.Before(x.Expires) {
		return refused("this was written "+clock(a.at, a.Zone)+", and a break-glass lasts "+spell(e.Expires), "write it again if it is still needed")
	}
	if !slices.ContainsFunc(a.findings, func(f Finding) bool { return a.covers(x, &f) }) {
		return a.pointless()
	}
	return a.opened(x)
}

// waive admits that the head commit passes in the freezes that are active now.
func (a *admission) waive() Admitted {
	if no := a.exceptional(); no.Refused() {
		return no
	}
	from := a.reviewers()
	if wrong, fix := a.contributor(from); wrong != "" {
		return refused(wrong, fix)
	}
	if no := a.thawed(); no.Refused() {
		return no
	}
	var best *Exception
	for _, as := range from {
		if a.named([]string{as}) == "" {
			continue
		}
		// Each freeze of a group is for its approvers to waive, where the policy
		// names no others: whoever may waive most does.
		if x := a.waiver(as); best == nil || len(x.Freezes) > len(best.Freezes) {
			best = x
		}
	}
	if best == nil || len(best.Freezes) == 0 {
		return a.outsider(from, "waive this freeze", "`break_glass.reviewers`")
	}
	return a.opened(best)
}

// waiver is the exception from every active freeze that somebody as that may waive.
func (a *admission) waiver(as string) *Exception {
	x := a.exception(KindWaiver, as)
	for i := range a.findings {
		f := &a.findings[i]
		if f.Code != CodeFreeze || f.State != Pending || !a.waivable(f) || !a.waives(x, f.Group) {
			continue
		}
		if end := a.thaws(a.at, f.Short); a.now.Before(end) {
			x.Freezes = append(x.Freezes, f.Short)
			x.Expires = later(x.Expires, end)
		}
	}
	x.Freezes = distinct(x.Freezes)
	return x
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// thawed refuses to waive where no freeze is in the way, or none that may be waived.
func (a *admission) thawed() Admitted {
	active, waived, began := "", false, false
	for i := range a.findings {
		switch f := &a.findings[i]; {
		case f.Code != CodeFreeze:
		case f.State == Waived:
			waived = true
		case !a.waivable(f):
			active = f.Short
		case a.now.Before(a.thaws(a.at, f.Short)):
			return Admitted{}
		default:
			began = true
		}
	}
	switch {
	case began:
		return refused("the freeze began after this was written", "write it again if it is still needed")
	case active != "" && strings.HasPrefix(active, orgPrefix):
		return refused("freeze "+code(active)+" is the organisation's, and its policy has no break_glass", "wait until it ends, or have "+code(PolicyPath)+" of "+floorHome(a.c)+" say who may")
	case active != "":
		return refused("freeze "+code(active)+" holds a change of the files that say who approves, and for those it cannot be waived", "wait until it ends, or leave those files out")
	case waived:
		return refused("the freeze is waived already", code("/change status")+" says what this change waits for")
	}
	return refused("no freeze is active for this change", code("/change status")+" says what it waits for")
}

// exceptional refuses every exception where there can be none.
func (a *admission) exceptional() Admitted {
	const again = "look at it, then write the command again"
	switch {
	case a.Mode == "shadow":
		return refused("in shadow mode this check blocks nothing, so there is nothing to make an exception from", "merge, if nothing else on GitHub blocks")
	case a.BreakGlass == nil:
		return refused("the policy on "+code(a.c.Base.Branch)+" has no break_glass, so nobody may make an exception", "add to "+code(PolicyPath)+" there\n```yaml\n"+emergencyLines+"```")
	case len(a.groups) == 0:
		return refused("no governed file is changed, so there is nothing to make an exception from", "merge, if nothing else on GitHub blocks")
	case a.c.Draft:
		return refused("a draft cannot be merged, and an exception does not last", "press Ready for review first")
	case a.by.HeadSince.After(a.at):
		return refused("commit "+code(short(a.c.Head.Commit))+" was pushed after this was written, so it is not what you looked at", again)
	case a.c.UnknownPush != "" && a.c.UnknownPush == a.c.Head.Commit:
		return refused("nobody is known to have pushed commit "+code(short(a.c.Head.Commit))+", nor whether that was before this was written", again)
	case !a.c.Retargeted.IsZero() && !a.c.Retargeted.Before(a.at): // both are whole seconds
		return refused("the base branch was changed to "+code(a.c.Base.Branch)+" after this was written", again)
	}
	return Admitted{}
}

// emergencyLines are what a policy without them needs, with the least that is safe.
const emergencyLines = `break_glass:
  who: [maintain]          # who may break the glass: teams, logins or a permission
  reviewers: [admin]       # who reviews it afterwards, and waives freezes
  expires: 1h
  review_within: 24h
`

func (a *admission) exception(kind, as string) *Exception {
	return &Exception{Kind: kind, By: a.by.Person, As: as, At: a.at, Head: a.c.Head.Commit, Base: a.c.Base.Branch,
		Reason: a.cmd.Reason, Incident: a.cmd.Incident, Due: a.at.Add(a.BreakGlass.ReviewWithin)}
}

// pointless says why a break-glass would waive nothing.
func (a *admission) pointless() Admitted {
	switch v := a.verdict(); {
	case a.broken != nil && a.broken.Number == 0:
		return refused("this comment breaks the glass already, and once is enough", "merge before it ends")
	case a.broken != nil:
		return refused(a.broken.ID()+" waives the same until "+clock(a.broken.Expires, a.Zone), "merge before it ends")
	case !v.State.Blocks():
		return refused("nothing blocks this change", "merge it")
	default:
		return refused("what blocks this change cannot be waived: "+code(v.Title), code("/change status")+" says what is to be done")
	}
}

// opened admits an exception, and tells what blocks all the same.
func (a *admission) opened(x *Exception) Admitted {
	out := Admitted{Exception: x}
	with := *a.c
	out.Apply(&with)
	if v := a.Policy.Decide(&with, a.now); v.State.Blocks() && !x.Late(a.now) {
		out.Note = "it does not cover everything: " + code(v.Title)
	}
	return out
}

// review admits the review of an exception afterwards.
func (a *admission) review() Admitted {
	i := slices.IndexFunc(a.c.Exceptions, func(x Exception) bool { return x.ID() == a.cmd.ID })
	if i < 0 {
		return refused(code(a.cmd.ID)+" is no exception of this pull request", a.others())
	}
	x := &a.c.Exceptions[i]
	from := a.reviewers()
	wrong, fix := a.contributor(from)
	switch {
	case x.Closed != nil:
		return refused(x.ID()+" was reviewed by "+code(x.Closed.By.Login)+" on "+clock(x.Closed.At, a.Zone), "nothing is left to do")
	case a.by.same(x.By):
		return refused(a.login()+" opened "+x.ID()+", and somebody else has to review it", "ask "+whom(from)+"; nobody who contributed counts")
	case wrong != "":
		return refused(wrong, fix)
	case x.Base != a.c.Base.Branch:
		// By that branch's policy: anybody may make one whose policy names whom they like.
		return refused(x.ID()+" is of base branch "+code(x.Base)+", whose policy says who reviews it", "change the base branch back to it first")
	}
	as := a.named(from)
	if as == "" {
		return a.outsider(from, "review exceptions", "`break_glass.reviewers`")
	}
	return Admitted{Number: x.Number, Closing: &Closing{By: a.by.Person, As: as, At: a.at, Outcome: a.cmd.Outcome}}
}

// others lists the exceptions that wait for a review here.
func (a *admission) others() string {
	var ids []string
	for i := range a.c.Exceptions {
		if x := &a.c.Exceptions[i]; x.Closed == nil && x.Number != 0 {
			ids = append(ids, x.ID())
		}
	}
	if len(ids) == 0 {
		return "none waits for a review here; write it on the pull request that the exception is of"
	}
	return "waiting for a review here: " + and(few(ids))
}
