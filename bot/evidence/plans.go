package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"changegate/rules"
)

// A numbered change is a merge by its number, with what became of it.
type numbered struct {
	index int64
	*ChangeMerged
	undone    *numbered   // the last that rolls it back
	replanned []replanned // in order
}

// number takes in a merge that has a number: the first, where it was given twice, which
// Verify refuses.
func (s *selection) number(index int64, m *ChangeMerged) {
	if m.ChangeNumber == 0 || s.numbered[m.ChangeNumber] != nil {
		return
	}
	n := &numbered{index: index, ChangeMerged: m}
	s.numbered[m.ChangeNumber] = n
	if m.RollbackOf == nil {
		return
	}
	if was := s.numbered[m.RollbackOf.Change]; was != nil && was != n {
		was.undone = n
	}
}

// replan takes in that a plan stands otherwise. What was approved stands in the facts of
// the decision on its change, whenever that was made.
func (s *selection) replan(index int64, p *PlanChanged) {
	at := replanned{index, p}
	s.replanned = append(s.replanned, at)
	c := s.numbered[p.Change]
	if c == nil {
		return
	}
	c.replanned = append(c.replanned, at)
	if s.picked[index] {
		s.pickDecision(c.ChangeMerged)
	}
}

// settleChange says of a merge which change rolls it back: that may be merged after the
// period, and what shows that it is one comes with it.
func (s *selection) settleChange(r *row) {
	if m := s.numbered[r.change]; m != nil && m.undone != nil {
		r.RolledBackBy = rules.ChangeID(m.undone.ChangeNumber)
		s.pickDecision(m.undone.ChangeMerged)
	}
}

// seconds is how long it took from the incident to what stood before it.
func (u *RollbackOf) seconds() int64 { return int64(u.Restored.Sub(u.Reported) / time.Second) }

var planColumns = []string{"change", "repo_id", "repo", "branch", "number", "merge_commit", "merged_at", "to", "form", "commit", "files",
	"verified", "state", "code", "says", "tip", "since", "rolled_back_by", "merge_record", "plan_record", "approved"}

// plans lists the ways back that the period knows: of its changes, and of those whose
// plan changed in it.
func (s *selection) plans() (rows [][]string) {
	for n := range len(s.numbered) {
		m := s.numbered[n+1]
		if m == nil || m.Plan == nil {
			continue
		}
		listed := func(p replanned) bool { return s.picked[p.index] }
		if s.picked[m.index] || slices.ContainsFunc(m.replanned, listed) {
			rows = append(rows, m.planCells())
		}
	}
	return rows
}

// planCells says how a plan stood at the end of the log.
func (m *numbered) planCells() []string {
	p, now, undone, record := m.Plan, m.standing(), "", ""
	tip, since := "", m.MergedAt
	if k := len(m.replanned); k > 0 {
		last := m.replanned[k-1]
		tip, since, record = last.Tip, last.At, fmt.Sprint(last.index)
	}
	if m.undone != nil {
		undone = rules.ChangeID(m.undone.ChangeNumber)
	}
	return []string{
		rules.ChangeID(m.ChangeNumber), fmt.Sprint(m.Repo.ID), m.Repo.Name, m.Branch, strconv.Itoa(m.Number), m.Commit, stamp(m.MergedAt),
		p.To, p.Form, p.Commit, p.Files, strconv.FormatBool(p.Verified), now.State, now.Code, now.Says, tip, stamp(since), undone,
		fmt.Sprint(m.index), record, strconv.FormatBool(p.Approved),
	}
}

// standing is how the plan of a change stands after the records so far.
func (m *numbered) standing() PlanChanged {
	if k := len(m.replanned); k > 0 {
		return *m.replanned[k-1].PlanChanged
	}
	if m.Plan != nil && m.Plan.Verified {
		return PlanChanged{State: PlanVerified}
	}
	return PlanChanged{}
}
