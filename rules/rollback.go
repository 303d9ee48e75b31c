package rules

import "time"

// rollback admits that a pull request is opened which takes this change back. It is a
// request and no more: what it asks for is judged like any change, and needs somebody
// else's approval. Whether there is a way back is the caller's to say (Undoable).
func (a *admission) rollback() Admitted {
	switch {
	case a.c.State != "merged":
		return refused("this pull request is "+inline(a.c.State)+", so there is nothing to take back", "close it, if it is not to be merged")
	case !a.mayRollBack():
		out := a.outsider(distinct(append([]string{"maintain"}, a.approvers()...)), "roll back this change", "")
		out.Fix = "ask one of them"
		return out
	}
	return Admitted{}
}

// mayRollBack reports whether the speaker may ask for the way back: whoever answers for
// the change, maintains the repository, or could have approved it. The App writes a
// branch for it, so an author who has left does not get one written any more.
func (a *admission) mayRollBack() bool {
	return a.answers() && a.has("write") || a.has("maintain") || a.named(a.approvers()) != ""
}

// Undoable says why a change of the past cannot be taken back by its plan, and what to
// do instead; nothing when it can. n is its number, 0 when it has none, and undoneBy
// that of the change that took it back, 0 when none did.
func Undoable(n int, plan *Plan, undoneBy int) (wrong, fix string) {
	const byHand = "press Revert on the merged pull request, and say in the change request of the new one what it goes back to"
	switch {
	case n == 0:
		return "this pull request has no change number: it changed no governed file, or its merge was not recorded yet", "wait a minute and write it again; if nothing changes, " + byHand
	case undoneBy != 0:
		return ChangeID(n) + " was rolled back already, by " + ChangeID(undoneBy), "roll back " + ChangeID(undoneBy) + " on its own pull request, if " + ChangeID(n) + " is wanted again"
	case plan == nil:
		return ChangeID(n) + " was merged without a rollback plan that was verified", byHand
	}
	return "", ""
}

// Prospect says in one sentence what the rollback of a plan will be asked for. Since are
// the files that were changed again after the change; inEffect says that it is what is in
// effect. Where anything stands against the fast path it is judged like every other change.
func (p *Policy) Prospect(c *Change, plan *Plan, since []string, inEffect bool) string {
	next := Change{Ref: c.Ref, Base: c.Base, DefaultBranch: c.DefaultBranch, Owners: c.Owners}
	for _, f := range plan.Files {
		next.Files = append(next.Files, File{Path: f.Path, Status: "modified", Old: f.Landed.Blob, New: f.Back.Blob})
	}
	j := p.judge(&next, time.Time{})
	most, from := 0, []string{}
	for i := range j.groups {
		g := &j.groups[i]
		if g.gate {
			return "It asks for all approvals, because it changes a file that says who approves."
		}
		most, from = max(most, min(p.RollbackApprovals, slots(g.Approvals))), append(from, sources(g.Approvals)...)
	}
	const like = "It is judged like any other change, because "
	switch {
	case len(since) > 0:
		return like + and(few(quoted(since))) + " was changed on " + code(c.Base.Branch) + " after " + plan.ID() + "."
	case !inEffect:
		return like + plan.ID() + " is not what is in effect on " + code(c.Base.Branch) + " any more."
	case !plan.Approved:
		return like + "nobody approved the way back of " + plan.ID() + "."
	case len(p.GovernedPaths(next.Files)) != len(plan.Files):
		return like + "the policy does not govern every file of " + plan.ID() + " any more."
	case most == 0:
		return "Its content was approved with " + plan.ID() + ", so the policy asks for no approval of it, and no date, notice or freeze holds it back."
	}
	are := " is"
	if most > 1 {
		are = " are"
	}
	return "Its content was approved with " + plan.ID() + ", so " + count(most, "approval") + are + " enough, by " + whom(distinct(from)) +
		" without a hand in it; no date, notice or freeze holds it back."
}
