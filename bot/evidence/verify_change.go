package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"changegate/rules"
)

// changes checks of every merge in the log, of whatever period, that changes are
// numbered without a gap or a double, and what it says of the way back.
func (v *verifier) changes() (Result, string, error) {
	last, of := 0, map[pull]int{}
	for _, m := range v.selected.merges {
		switch {
		case m.ChangeNumber == 0 && last == 0:
			if m.Plan != nil || m.RollbackOf != nil {
				return "", "", fmt.Errorf("record %d says of a way back and has no number", m.index)
			}
			continue // of an earlier version
		case m.ChangeNumber != last+1:
			return "", "", fmt.Errorf("record %d is %s, expected %s: changes are numbered without a gap or a double",
				m.index, rules.ChangeID(m.ChangeNumber), rules.ChangeID(last+1))
		}
		last = m.ChangeNumber
		key := pull{m.Repo.ID, m.Number}
		if n := of[key]; n != 0 {
			return "", "", fmt.Errorf("record %d is %s of pull request %d, which is %s already", m.index, rules.ChangeID(last), m.Number, rules.ChangeID(n))
		}
		of[key] = last
		if err := v.recalled(m); err != nil {
			return "", "", fmt.Errorf("record %d: %w", m.index, err)
		}
	}
	if err := v.replanned(); err != nil {
		return "", "", err
	}
	if last == 0 {
		return Pass, "no change has a number", nil
	}
	return Pass, fmt.Sprintf("%s changes, numbered without a gap; %s rolled back", thousands(last), thousands(v.selected.undone())), nil
}

// undone counts the changes that were rolled back.
func (s *selection) undone() (n int) {
	for _, m := range s.numbered {
		if m.undone != nil {
			n++
		}
	}
	return n
}

// recalled checks what a merge says of its way back and of the change it rolls back:
// against the facts of the decision in force where they are in the bundle, and against
// the records before it.
func (v *verifier) recalled(m merge) error {
	if u := m.RollbackOf; u != nil {
		was := v.selected.numbered[u.Change]
		if was == nil || was.index >= m.index || was.Repo.ID != m.Repo.ID || was.Branch != m.Branch || was.Plan == nil {
			return fmt.Errorf("it rolls back %s, which no record before it says of that branch", rules.ChangeID(u.Change))
		}
		if !u.Restored.Equal(m.MergedAt) || u.Reported.After(u.Restored) || u.Reported.Before(was.MergedAt) {
			return fmt.Errorf("it restored %s, merged at %s, at %s, asked for at %s; it was merged at %s",
				rules.ChangeID(u.Change), stamp(was.MergedAt), stamp(u.Restored), stamp(u.Reported), stamp(m.MergedAt))
		}
	}
	index, d := v.selected.inForce(m)
	var facts []byte
	if d != nil && m.is(d) {
		if !v.selected.picked[index] {
			return nil // of another period
		}
		var err error
		if facts, err = v.read(sideFile(index), MaxSide); err != nil {
			return err
		}
	}
	want, landed := *m.ChangeMerged, ""
	if m.Plan != nil {
		landed = m.Plan.Files
	}
	if _, err := want.Recall(d, facts, landed); err != nil {
		return err
	}
	return m.sameWay(&want)
}

// sameWay compares what is said of the way back.
func (m *ChangeMerged) sameWay(want *ChangeMerged) error {
	type way struct {
		Plan       *PlanRef
		RollbackOf *RollbackOf
	}
	was, errWas := canonical(way{m.Plan, m.RollbackOf})
	is, errIs := canonical(way{want.Plan, want.RollbackOf})
	if err := errors.Join(errWas, errIs); err != nil || !bytes.Equal(was, is) {
		return errors.Join(errors.New("the facts of its decision give another way back"+firstDifference(was, is)), err)
	}
	return nil
}

// replanned checks every record of a plan that stands otherwise: that a change before
// it has that plan, and that it stood otherwise.
func (v *verifier) replanned() error {
	before := map[int64]string{} // how the plan stood, by record
	for _, c := range v.selected.numbered {
		all := c.replanned
		c.replanned = nil
		for _, p := range all {
			was := c.standing()
			before[p.index] = was.State
			if p.State == was.State && p.Code == was.Code {
				return fmt.Errorf("record %d says that the plan of %s is %.40q, which the record before it says", p.index, rules.ChangeID(p.Change), p.State)
			}
			c.replanned = append(c.replanned, p)
		}
	}
	for _, p := range v.selected.replanned {
		c := v.selected.numbered[p.Change]
		if c == nil || c.index >= p.index || c.Repo.ID != p.Repo.ID || c.Branch != p.Branch || c.Number != p.Number || c.Plan == nil {
			return fmt.Errorf("record %d is of the plan of %s, which no record before it has", p.index, rules.ChangeID(p.Change))
		}
		if err := v.stands(p, c, before[p.index]); err != nil {
			return fmt.Errorf("record %d: %w", p.index, err)
		}
	}
	return nil
}

// pasts checks that the changes which a decision may be the rollback of are those of
// the records before it: an invented one would let its content pass by fewer approvals.
func (s *selection) pasts(index int64, d *PolicyEvaluated, facts []byte) error {
	var f struct {
		Change struct{ Undoes []rules.Undo }
	}
	if err := json.Unmarshal(facts, &f); err != nil {
		return fmt.Errorf("read changes of the past: %w", err)
	}
	for _, u := range f.Change.Undoes {
		was := s.numbered[u.Change]
		ref, err := Summarize(&u.Plan)
		if err != nil {
			return err
		}
		if was == nil || was.index > index || was.Repo.ID != d.Repo.ID || was.Branch != d.Base.Branch || was.Number != u.Number ||
			was.Commit != u.Merge || was.Plan == nil || was.Plan.To != ref.To || was.Plan.Form != ref.Form ||
			was.Plan.Commit != ref.Commit || was.Plan.Files != ref.Files || was.Plan.Approved != ref.Approved {
			return fmt.Errorf("it was decided with the plan of %s, which is not what a record before it says", u.ID())
		}
		if u.InEffect && s.overturned(u.Change, index, d.DecidedAt) {
			return fmt.Errorf("it was decided as if %s were in effect, which was rolled back before", u.ID())
		}
	}
	return nil
}

// stillRead is for how long after a merge was recorded a decision may rest on what was read
// before.
const stillRead = time.Minute

// overturned reports whether a change was rolled back when a decision was made, and not put
// back since.
func (s *selection) overturned(n int, index int64, at time.Time) bool {
	undone := func(known func(m *numbered) bool) bool {
		by := map[int]int{}
		for k := 1; k <= len(s.numbered); k++ {
			m := s.numbered[k]
			if m == nil || m.RollbackOf == nil || !known(m) {
				continue
			}
			of := m.RollbackOf.Change
			for other, undoer := range by {
				if undoer == of {
					delete(by, other)
				}
			}
			by[of] = k
		}
		return by[n] != 0
	}
	return undone(func(m *numbered) bool { return m.index < index }) &&
		undone(func(m *numbered) bool { return m.RecordedAt.Before(at.Add(-stillRead)) })
}

// stands judges again what a plan was found to leave, where that is in the bundle.
func (v *verifier) stands(p replanned, c *numbered, before string) error {
	if p.Inputs == nil {
		return errors.New("how a plan stands without what it was verified by cannot be judged again")
	}
	if !v.selected.picked[p.index] {
		return nil
	}
	data, err := v.read(sideFile(p.index), MaxSide)
	if err != nil {
		return err
	}
	var t rules.Target
	if err := strict(data, &t); err != nil {
		return fmt.Errorf("read what the plan of %s restores: %w", rules.ChangeID(p.Change), err)
	}
	state, code, _ := Stands(p.Branch, &t)
	if plan := c.Plan; state != p.State || code != p.Code || clip(t.To) != plan.To || plan.Form != rules.FormRevert && t.Commit != plan.Commit {
		return fmt.Errorf("it says that the plan of %s, %.80q, is %.20q (%.20s); what was found of %.80q gives %q (%s)",
			rules.ChangeID(p.Change), plan.To, p.State, p.Code, t.To, state, code)
	}
	return v.ofPlan(p, c, &t, before)
}

// ofPlan checks that what a plan was verified by are the files that were approved. No
// files were looked at where a tag alone was: that leaves a plan as it stood.
func (v *verifier) ofPlan(p replanned, c *numbered, t *rules.Target, before string) error {
	id := rules.ChangeID(p.Change)
	if len(t.Files) == 0 {
		if p.State == PlanVerified && before != PlanVerified {
			return fmt.Errorf("it says that the plan of %s is verified, and nothing that it restores was looked at", id)
		}
		return nil
	}
	index, d := v.selected.inForce(merge{c.index, c.ChangeMerged})
	if d == nil {
		return fmt.Errorf("the plan of %s was approved by no decision", id)
	}
	facts, err := v.read(sideFile(index), MaxSide)
	if err != nil {
		return err
	}
	m := *c.ChangeMerged
	plan, err := m.Recall(d, facts, "")
	if err != nil || plan == nil {
		return errors.Join(fmt.Errorf("the decision on %s has no plan", id), err)
	}
	approved := map[string]rules.Entry{}
	for _, f := range plan.Files {
		approved[f.Path] = f.Back
	}
	for _, f := range t.Files {
		back, of := approved[f.Path]
		if delete(approved, f.Path); !of || p.State == PlanVerified && plan.Form != rules.FormRevert && f.Back != back {
			return fmt.Errorf("the plan of %s was verified by %.80q, which it does not restore so", id, f.Path)
		}
	}
	if len(approved) > 0 {
		return fmt.Errorf("the plan of %s restores %d files more than were looked at", id, len(approved))
	}
	return nil
}
