package evidence

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

// An emergency is an exception somebody asked for, with what the log says of it:
// the first record of each kind.
type emergency struct {
	opened, closed, overdue *exceptionAt
	merge                   *merge // of its head, nil when that was not merged
}

// An exceptionAt is a record of an exception and its place in the log.
type exceptionAt struct {
	index int64
	*ExceptionRecord
	// contributors are, at a review, those of the newest decision before it.
	contributors []rules.Person
}

// records are those there are.
func (e *emergency) records() []*exceptionAt {
	return slices.DeleteFunc([]*exceptionAt{e.opened, e.closed, e.overdue}, func(a *exceptionAt) bool { return a == nil })
}

func (s *selection) addException(index int64, p *ExceptionRecord) {
	a := &exceptionAt{index, p, nil}
	s.asked = append(s.asked, a)
	e := s.emergencies[p.Exception.Number]
	if e == nil {
		e = &emergency{}
		s.emergencies[p.Exception.Number] = e
	}
	switch p.kind {
	case KindOpened:
		e.opened = cmp.Or(e.opened, a)
	case KindClosed:
		a.contributors = s.contributors[pull{p.Repo.ID, p.Number}]
		if p.Exception.Closed != nil { // else Verify refuses it
			e.closed = cmp.Or(e.closed, a)
		}
	case KindOverdue:
		e.overdue = cmp.Or(e.overdue, a)
	}
}

// settle comes after the last record. It says of the merges whether the exceptions
// that they rest on were reviewed, as far as the log and the export's time reach:
// the review may be done after the period. Of each exception that the period knows
// it lists every record.
func (s *selection) settle(created time.Time) {
	s.asOf = created
	if s.last.After(created) { // the clock stepped back, or the manifest flatters
		s.asOf = s.last
	}
	for i := range s.population {
		if r := &s.population[i]; r.Kind == KindMerged {
			s.settleRow(r)
			s.settleChange(r)
		}
	}
	landed := map[pull]*merge{}
	for i, m := range s.merges {
		landed[pull{m.Repo.ID, m.Number}] = &s.merges[i]
	}
	for _, e := range s.emergencies {
		if a := e.opened; a != nil {
			if m := landed[pull{a.Repo.ID, a.Number}]; m != nil && m.Tip == a.Exception.Head {
				e.merge = m
			}
		}
		all := e.records()
		if slices.ContainsFunc(all, func(a *exceptionAt) bool { return s.picked[a.index] }) {
			for _, a := range all {
				s.picked[a.index] = true
			}
		}
	}
}

// settleRow names the exceptions a merge rests on. One that was not reviewed in
// time explains nothing; one that still may be does, and the row says so.
func (s *selection) settleRow(r *row) {
	index, err := strconv.ParseInt(r.Decision, 10, 64)
	d := s.decisions[index]
	if err != nil || d == nil {
		return
	}
	for _, n := range d.Exceptions {
		r.Exceptions = append(r.Exceptions, fmt.Sprint("EX-", n))
		if e := s.emergencies[n]; e != nil && e.opened != nil {
			s.picked[e.opened.index] = true
		}
	}
	if r.Explained {
		r.Why, r.unreviewed = s.unreviewed(index, d)
		r.Explained = !r.unreviewed
	}
}

// unreviewed says why the exceptions of a decision do not explain a merge, or, when
// they do, which of them is still to be reviewed.
func (s *selection) unreviewed(index int64, d *PolicyEvaluated) (why string, bad bool) {
	if len(d.Exceptions) == 0 && (d.Verdict.State == rules.BreakGlass || d.Verdict.Would == rules.BreakGlass) {
		return "break-glass with no exception on record", true
	}
	for _, n := range d.Exceptions {
		e := s.emergencies[n]
		if e == nil || e.opened == nil || e.opened.index > index || !e.opened.covers(d) {
			return fmt.Sprintf("EX-%d was not on record for this commit", n), true
		}
		x := &e.opened.Exception
		about, due := x.Kind+" "+x.ID(), stamp(x.Due)
		switch e.review(s.asOf) {
		case reviewOverdue:
			return about + " not reviewed in time (due " + due + ")", true
		case reviewLate:
			return about + " reviewed late (" + stamp(e.closed.When()) + ", due " + due + ")", true
		case reviewOpen:
			why = about + ": review still open (due " + due + ")"
		}
	}
	return why, false
}

// covers reports whether an exception is of the commit that was decided on.
func (a *exceptionAt) covers(d *PolicyEvaluated) bool {
	return a.Repo.ID == d.Repo.ID && a.Number == d.Number && a.Exception.Head == d.Tip.Commit
}

// How far the review of an exception has come.
const (
	reviewInTime  = "in time"
	reviewLate    = "late"
	reviewOpen    = "open"
	reviewOverdue = "overdue"
)

func (e *emergency) review(asOf time.Time) string {
	switch {
	case e.closed != nil && e.closed.isLate():
		return reviewLate
	case e.closed != nil:
		return reviewInTime
	case e.opened.Exception.Late(asOf):
		return reviewOverdue
	}
	return reviewOpen
}

var emergencyColumns = []string{"exception", "kind", "repo_id", "repo", "number", "by", "by_id", "as", "at", "reason", "incident",
	"head", "freezes", "expires", "due", "review", "closed_by", "closed_by_id", "closed_as", "closed_at", "outcome",
	"merged_at", "merge_record", "opened_record", "closed_record", "overdue_record"}

// listed are the numbers of the exceptions that the period knows.
func (s *selection) listed() []int {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.emergencies)), func(n int) bool {
		a := s.emergencies[n].opened
		return a == nil || !s.picked[a.index]
	})
}

func (e *emergency) cells(asOf time.Time) []string {
	a, x := e.opened, &e.opened.Exception
	cells := []string{
		x.ID(), x.Kind, fmt.Sprint(a.Repo.ID), a.Repo.Name, strconv.Itoa(a.Number), x.By.Login, fmt.Sprint(x.By.ID), x.As, stamp(x.At),
		x.Reason, x.Incident, x.Head, strings.Join(x.Freezes, " "), stamp(x.Expires), stamp(x.Due), e.review(asOf),
	}
	if e.closed != nil {
		c := e.closed.Exception.Closed
		cells = append(cells, c.By.Login, fmt.Sprint(c.By.ID), c.As, stamp(c.At), c.Outcome)
	} else {
		cells = append(cells, "", "", "", "", "")
	}
	if e.merge != nil {
		cells = append(cells, stamp(e.merge.MergedAt), fmt.Sprint(e.merge.index))
	} else {
		cells = append(cells, "", "")
	}
	return append(cells, place(e.opened), place(e.closed), place(e.overdue))
}

func place(a *exceptionAt) string {
	if a == nil {
		return ""
	}
	return fmt.Sprint(a.index)
}

// stamp writes a time, or nothing when there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
