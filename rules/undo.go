package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The fast path: a pull request that puts back, byte for byte, what was approved as the
// way back from a change, while that change is still what is in effect. The content was
// looked at when the plan was approved, and an incident is no time to look again.

// UndoneBy returns the change of the past that c rolls back by the fast path, and whether
// there is one. It is when the governed paths of c are those of the plan, each with the
// content and mode that the plan restores, the plan was approved, the change is what is in
// effect, and the base branch has at each path what it left there. Of several the newest
// is meant.
func (p *Policy) UndoneBy(c *Change) (*Undo, bool) {
	u, _, _ := p.undone(c)
	return u, u != nil
}

// RollbackOf returns the change of the past whose recorded target c restores, byte for
// byte, and whether there is one. That is the one of UndoneBy; but one that was never
// approved is rolled back just the same when that comes through the gate like every other
// change; and so is one that was changed again since, where the pull request was opened
// for it, which its branch says (RollbackBranch). A revert keeps what was changed since, so
// that its target is then what it makes of the base branch. Of several the newest is meant.
func (p *Policy) RollbackOf(c *Change) (*Undo, bool) {
	u, _, _ := p.undone(c)
	if u != nil || len(c.Undoes) == 0 {
		return u, u != nil
	}
	sides := p.sides(c)
	for i := range c.Undoes {
		v := &c.Undoes[i]
		meant := v.InEffect || v.UndoneBy == 0 && IsRollbackBranch(c.Head.Branch, v.Change)
		if v.Change > 0 && meant && v.ofPaths(sides) && (v.unlike(sides) == "" || v.reverts(sides)) && (u == nil || v.Change > u.Change) {
			u = v
		}
	}
	return u, u != nil
}

// RollbackBranch is what the n-th branch is called from which a change is rolled back; the
// first of them has no number.
func RollbackBranch(change, n int) string {
	name := "changegate/rollback-" + strings.ToLower(ChangeID(change))
	if n > 1 {
		name += "-" + strconv.Itoa(n)
	}
	return name
}

// IsRollbackBranch reports whether a branch is called like one from which a change is
// rolled back.
func IsRollbackBranch(name string, change int) bool {
	first := RollbackBranch(change, 1)
	return name == first || strings.HasPrefix(name, first+"-")
}

// Approved reports whether people approved a change, and its way back with it: every group
// that asks for approvals had them. An exception waives them, and shadow mode does without;
// neither is somebody who looked. Of a rollback, which passes by fewer, the way back was
// approved before if it leads to what the change that it rolls back had left: were any
// other enough, whoever is asked for one approval could choose the next target.
func (p *Policy) Approved(c *Change, now time.Time) bool {
	slow := *c
	slow.Undoes = nil
	if p.approved(&slow, now) {
		return true
	}
	u, fast := p.UndoneBy(c)
	if !fast || c.Target == nil || !p.approved(c, now) {
		return false
	}
	left := map[string]Entry{}
	for _, f := range u.Files {
		left[f.Path] = f.Landed
	}
	for _, f := range c.Target.Files {
		if was, of := left[f.Path]; !of || was != f.Back {
			return false
		}
		delete(left, f.Path)
	}
	return len(left) == 0 // of what is not known, nothing was approved
}

// approved reports whether the approvals of every group are met, and not waived.
func (p *Policy) approved(c *Change, now time.Time) bool {
	asked := false
	for _, f := range p.Decide(c, now).Findings {
		if f.Rule != RuleApprovals {
			continue
		}
		if asked = true; f.State != Met {
			return false
		}
	}
	return asked
}

// undone finds that change. Where there is none, near is one of the same paths, and
// differs says of its first file why this is not its rollback.
func (p *Policy) undone(c *Change) (exact, near *Undo, differs string) {
	if len(c.Undoes) == 0 {
		return nil, nil, ""
	}
	sides := p.sides(c)
	for i := range c.Undoes {
		u := &c.Undoes[i]
		if u.Change <= 0 || !u.ofPaths(sides) {
			continue
		}
		why := u.differs(c, sides)
		switch {
		case why == "" && (exact == nil || u.Change > exact.Change):
			exact = u
		case why != "" && (near == nil || u.Change > near.Change):
			near, differs = u, why
		}
	}
	if exact != nil {
		return exact, nil, ""
	}
	return nil, near, differs
}

// A side is what a change finds at a path and what it leaves there.
type side struct{ was, is Entry }

// notKnown is content that nobody knows; it is equal to none.
var notKnown = Entry{Blob: "not known"}

// sides are those of every governed path of a change.
func (p *Policy) sides(c *Change) map[string]side {
	out := map[string]side{}
	for _, path := range p.GovernedPaths(c.Files) {
		out[path] = side{}
	}
	set := func(path string, into func(*side)) {
		if s, governed := out[path]; governed {
			into(&s)
			out[path] = s
		}
	}
	for i := range c.Files {
		f := &c.Files[i]
		if f.Status != "deleted" {
			set(f.Path, func(s *side) { s.is = sideOf(f.New, f.NewMode) })
		}
		switch {
		case f.Status == "added" || f.Status == "copied":
		case f.OldPath != "":
			set(f.OldPath, func(s *side) { s.was = sideOf(f.Old, f.OldMode) })
		default:
			set(f.Path, func(s *side) { s.was = sideOf(f.Old, f.OldMode) })
		}
	}
	return out
}

func sideOf(blob, mode string) Entry {
	if blob == "" {
		return notKnown
	}
	return Entry{blob, mode}
}

// ofPaths reports whether a plan is of these paths, no more and no fewer.
func (p *Plan) ofPaths(sides map[string]side) bool {
	seen := map[string]bool{}
	for _, f := range p.Files {
		if _, of := sides[f.Path]; !of {
			return false
		}
		seen[f.Path] = true
	}
	return len(seen) == len(sides) && len(seen) == len(p.Files) && len(seen) > 0
}

// differs says why the change is not rolled back by the fast path; nothing when it is.
func (u *Undo) differs(c *Change, sides map[string]side) string {
	if why := u.unlike(sides); why != "" {
		return why
	}
	if !u.InEffect {
		return "it is not what is in effect on " + code(c.Base.Branch) + " any more"
	}
	for _, f := range u.byPath() {
		s, base := sides[f.Path], u.Base[f.Path]
		if fork, known := u.Fork[f.Path]; known && (s.was == notKnown || s.was.Mode == "" && s.was.Blob == fork.Blob) {
			s.was = fork // GitHub's comparison does not say what a file was, nor the mode of one that is deleted
		}
		switch path := code(f.Path); {
		case base != f.Landed:
			return path + " was changed on " + code(c.Base.Branch) + " after it"
		case s.was.Blob != f.Landed.Blob || s.was.Mode != f.Landed.Mode && (s.was.Mode != "" || c.MergeBase != c.Base.Commit):
			// A merge goes by what changed since the merge base. From an older one it
			// may leave something else than the head has.
			return "this branch does not have " + path + " as it left it; merge " + code(c.Base.Branch) + " in"
		}
	}
	if !u.Approved {
		return "nobody approved its way back"
	}
	return ""
}

// unlike says of the first file that is not as the plan restores it what is wrong; nothing
// when every one is.
func (u *Undo) unlike(sides map[string]side) string {
	for _, f := range u.byPath() {
		s := sides[f.Path]
		head, headKnown := u.Head[f.Path]
		_, baseKnown := u.Base[f.Path]
		switch path := code(f.Path); {
		case f.Wrong != "" || !headKnown || !baseKnown:
			return "what it would restore of " + path + " is not known"
		case head != f.Back || s.is.Blob != f.Back.Blob || s.is.Mode != "" && s.is.Mode != f.Back.Mode:
			return path + " is not, byte for byte, what was approved with it"
		}
	}
	return ""
}

// reverts reports whether every file is as the revert of the change makes it by now.
func (u *Undo) reverts(sides map[string]side) bool {
	for _, f := range u.Files {
		back, known := u.Reverted[f.Path]
		head, headKnown := u.Head[f.Path]
		if s := sides[f.Path]; !known || !headKnown || head != back || s.is.Blob != back.Blob || s.is.Mode != "" && s.is.Mode != back.Mode {
			return false
		}
	}
	return len(u.Files) > 0
}

func (u *Undo) byPath() []Restored {
	return slices.SortedFunc(slices.Values(u.Files), func(a, b Restored) int { return cmp.Compare(a.Path, b.Path) })
}

// hasten finds out what the change is the rollback of. The files that say who approves
// always ask for all approvals: whoever may bring back an old policy by a lesser rule
// may bring back one that lets them in.
func (j *judgement) hasten() {
	j.undoes, j.nearly, j.differs = j.Policy.undone(j.c)
	for i := range j.groups {
		j.groups[i].fast = j.undoes != nil && !j.groups[i].gate
	}
}

// fewer is what a group asks of a rollback: fewer approvals, by anybody whom one of its
// entries names.
func (j *judgement) fewer(g *Group) []entry {
	least := Approval{Count: min(j.RollbackApprovals, slots(g.Approvals)), From: sources(g.Approvals), Line: g.Line}
	return []entry{{Approval: least, accounts: j.accounts}}
}

// onUndo says in the approvals of a group what its rollback is, or why it is none.
func (j *judgement) onUndo(g *judged) string {
	switch {
	case g.fast:
		return "; rollback of " + j.undoes.ID() + ": the content is, byte for byte, what was approved with it"
	case j.undoes != nil:
		return "; rollback of " + j.undoes.ID() + ", but of a file that says who approves, which asks for all approvals"
	case j.nearly != nil:
		return "; not taken for the rollback of " + j.nearly.ID() + ": " + j.differs
	}
	return ""
}

// free meets a rule that does not hold a rollback back.
func (j *judgement) free(g *judged, rule, what string) {
	j.add(Finding{Group: g.Name, Rule: rule, State: Met, Code: CodeUndo, Says: "rollback of " + j.undoes.ID() + ": " + what + " does not hold it back"})
}
