package evidence

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

// A Query says which records an export lists.
type Query struct {
	From, To time.Time // half-open, in UTC
	// Repo limits the export to one repository, by number or by name as recorded;
	// one that was renamed is asked for by its number. Empty: all.
	Repo      string
	Now       time.Time
	Generator string // name and version of the program
	Text      string // the question as it was asked, for the manifest
}

// A selection is what a query makes of a log. Export and Verify fill it from the
// same leaves and must come to the same tables.
type selection struct {
	format     format
	from, to   time.Time
	repo       string
	population []row
	sweeps     []sweep // all of the log: a chain has no period
	picked     map[int64]bool
	facts      map[int64]bool // of all records: there is side data
	decisions  map[int64]*PolicyEvaluated
	newest     map[pull][]int64 // decisions by pull request, in order
	merges     []merge
	groups     []group
	numbered   map[int]*numbered // changes, by number
	replanned  []replanned

	asked        []*exceptionAt // records of exceptions, of all of the log
	emergencies  map[int]*emergency
	contributors map[pull][]rules.Person // of the newest decision
	last         time.Time               // the newest record was recorded at
	asOf         time.Time               // reviews are judged
}

type pull struct {
	repo   int64
	number int
}

type merge struct {
	index int64
	*ChangeMerged
}

type group struct {
	index int64
	*GroupJudged
}

type replanned struct {
	index int64
	*PlanChanged
}

type sweep struct {
	index int64
	*CoverageSweep
}

func newSelection(f format, from, to time.Time, repo string) *selection {
	return &selection{
		format: f, from: from, to: to, repo: repo, picked: map[int64]bool{}, facts: map[int64]bool{},
		decisions: map[int64]*PolicyEvaluated{}, newest: map[pull][]int64{},
		emergencies: map[int]*emergency{}, contributors: map[pull][]rules.Person{}, numbered: map[int]*numbered{},
	}
}

// covers reports whether a record falls under the query.
func (s *selection) covers(p Predicate) bool {
	if r := p.Where(); s.repo != "" && s.repo != strconv.FormatInt(r.ID, 10) && !strings.EqualFold(s.repo, r.Name) {
		return false
	}
	at := p.When()
	return !at.Before(s.from) && at.Before(s.to)
}

// take adds the next record of the log. Settle comes after the last.
func (s *selection) take(index int64, p Predicate) {
	covered := s.covers(p)
	s.last = p.Head().RecordedAt
	if covered {
		s.picked[index] = true
	}
	if p.Head().Inputs != nil {
		s.facts[index] = true
	}
	switch p := p.(type) {
	case *PolicyEvaluated:
		s.addDecision(index, p)
	case *ChangeMerged:
		s.merges = append(s.merges, merge{index, p})
		s.number(index, p)
		if covered {
			s.addMerge(index, p)
		}
	case *BypassDetected:
		if covered {
			s.population = append(s.population, bypassRow(index, p))
		}
	case *CoverageSweep:
		s.sweeps = append(s.sweeps, sweep{index, p})
	case *ExceptionRecord:
		s.addException(index, p)
	case *GroupJudged:
		s.groups = append(s.groups, group{index, p})
	case *PlanChanged:
		s.replan(index, p)
	}
}

// addDecision keeps of a decision what merges are judged by, not its lists: a
// large log has many.
func (s *selection) addDecision(index int64, p *PolicyEvaluated) {
	key := pull{p.Repo.ID, p.Number}
	s.newest[key] = append(s.newest[key], index)
	s.contributors[key] = p.People.Contributors
	s.decisions[index] = &PolicyEvaluated{
		Repo: p.Repo, Number: p.Number, Base: p.Base, Tip: p.Tip, DecidedAt: p.DecidedAt, EffectiveAt: p.EffectiveAt,
		Exceptions: p.Exceptions, Verdict: Verdict{State: p.Verdict.State, Would: p.Verdict.Would},
	}
}

// addMerge lists a merge and the decision it rests on, whenever that was made.
func (s *selection) addMerge(index int64, p *ChangeMerged) {
	s.population = append(s.population, mergeRow(index, p))
	s.pickDecision(p)
}

// pickDecision takes the decision that a merge rests on into the export.
func (s *selection) pickDecision(m *ChangeMerged) {
	if i, err := strconv.ParseInt(m.Decision, 10, 64); err == nil && s.decisions[i] != nil {
		s.picked[i] = true
	}
}

// inForce is the decision that a merge should name; -1 when there is none.
func (s *selection) inForce(m merge) (int64, *PolicyEvaluated) {
	all := s.newest[pull{m.Repo.ID, m.Number}]
	for _, i := range slices.Backward(all) {
		if i < m.index && InForce(s.decisions[i], m.ChangeMerged) {
			return i, s.decisions[i]
		}
	}
	return -1, nil
}

// back yields the decisions of a pull request from number index on, newest first.
func (s *selection) back(key pull, index int64) iter.Seq[*PolicyEvaluated] {
	return func(yield func(*PolicyEvaluated) bool) {
		for _, i := range slices.Backward(s.newest[key]) {
			if i <= index && !yield(s.decisions[i]) {
				return
			}
		}
	}
}

// chosen lists the records of the export, in order.
func (s *selection) chosen() []int64 { return slices.Sorted(maps.Keys(s.picked)) }

// counts is complete when every record was added.
func (s *selection) counts() Counts {
	c := Counts{Population: len(s.population), Emergencies: len(s.listed()), Records: len(s.picked)}
	for _, r := range s.population {
		if !r.Explained {
			c.Exceptions++
		}
	}
	for i := range s.picked {
		if s.decisions[i] != nil {
			c.Decisions++
		}
	}
	for _, w := range s.sweeps {
		if s.picked[w.index] {
			c.Sweeps++
		}
	}
	return c
}

// A row is one member of the population. Its JSON is population.jsonl.
type row struct {
	Record     int64     `json:"record,string"`
	Kind       Kind      `json:"kind"`
	RepoID     int64     `json:"repo_id,string"`
	Repo       string    `json:"repo"`
	Branch     string    `json:"branch"`
	Number     int       `json:"number,omitempty"` // of the pull request
	Commit     string    `json:"commit"`
	Head       string    `json:"head,omitempty"`
	By         string    `json:"by"`
	ByID       int64     `json:"by_id,string"`
	At         time.Time `json:"at"`
	RecordedAt time.Time `json:"recorded_at"`
	Decision   string    `json:"decision,omitempty"`
	State      string    `json:"state,omitempty"`
	Explained  bool      `json:"explained"`
	Governed   int       `json:"governed_files"`
	// Why it is an exception; or, of one that is explained, what is still to be done.
	Why string `json:"why,omitempty"`
	// PlannedAt and ReadyAt are when a merge was to be, and might be.
	PlannedAt  time.Time `json:"planned_at,omitzero"`
	ReadyAt    time.Time `json:"ready_at,omitzero"`
	Exceptions []string  `json:"exceptions,omitempty"` // the merge rests on
	Change     string    `json:"change,omitempty"`     // CHG-n
	// RollbackOf is the change that this one rolls back, asked for at ReportedAt and
	// restored RestoredIn seconds later, when it was merged; RolledBackBy the change that
	// rolls this one back.
	RollbackOf   string    `json:"rollback_of,omitempty"`
	ReportedAt   time.Time `json:"reported_at,omitzero"`
	RestoredIn   int64     `json:"restored_in_s,omitempty"`
	RolledBackBy string    `json:"rolled_back_by,omitempty"`

	unreviewed bool // one of them was not reviewed in time
	change     int
}

func mergeRow(index int64, p *ChangeMerged) row {
	r := row{
		Record: index, Kind: KindMerged, RepoID: p.Repo.ID, Repo: p.Repo.Name, Branch: p.Branch, Number: p.Number,
		Commit: p.Commit, Head: p.Tip, By: p.MergedBy.Login, ByID: p.MergedBy.ID, At: p.MergedAt, RecordedAt: p.RecordedAt,
		Decision: p.Decision, State: string(p.State), Explained: p.Explained, Governed: p.Governed, Why: p.unexplained(),
		PlannedAt: p.EffectiveAt, ReadyAt: p.ReadyAt,
	}
	if p.ChangeNumber != 0 {
		r.Change, r.change = rules.ChangeID(p.ChangeNumber), p.ChangeNumber
	}
	if u := p.RollbackOf; u != nil {
		r.RollbackOf, r.ReportedAt, r.RestoredIn = rules.ChangeID(u.Change), u.Reported, u.seconds()
	}
	return r
}

// unexplained says why a merge is an exception.
func (m *ChangeMerged) unexplained() string {
	switch {
	case m.Explained:
		return ""
	case m.Differs != "":
		return m.Differs
	case m.Ended != "":
		return m.Ended
	case m.Decision == "":
		return "merged with no decision in force"
	case passing(m.State):
		return "decision " + m.Decision + " was for another head or branch"
	case m.State == rules.Shadow:
		return "merged in shadow mode while " + string(m.Would)
	}
	return "merged while " + string(m.State)
}

func bypassRow(index int64, p *BypassDetected) row {
	return row{
		Record: index, Kind: KindBypass, RepoID: p.Repo.ID, Repo: p.Repo.Name, Branch: p.Branch, Commit: p.Commit,
		By: p.PushedBy.Login, ByID: p.PushedBy.ID, At: p.At, RecordedAt: p.RecordedAt, Governed: p.Governed, Why: p.Why,
	}
}

func (r row) cells() []string {
	number, restored := "", ""
	if r.Number != 0 {
		number = strconv.Itoa(r.Number)
	}
	if r.RollbackOf != "" {
		restored = fmt.Sprint(r.RestoredIn)
	}
	return []string{
		fmt.Sprint(r.Record), string(r.Kind), fmt.Sprint(r.RepoID), r.Repo, r.Branch, number, r.Commit, r.Head, r.By, fmt.Sprint(r.ByID),
		r.At.Format(time.RFC3339Nano), r.RecordedAt.Format(time.RFC3339Nano), r.Decision, r.State, strconv.FormatBool(r.Explained),
		strconv.Itoa(r.Governed), r.Why, stamp(r.PlannedAt), stamp(r.ReadyAt), strings.Join(r.Exceptions, " "),
		r.Change, r.RollbackOf, stamp(r.ReportedAt), restored, r.RolledBackBy,
	}
}

func (w sweep) cells() []string {
	return []string{
		fmt.Sprint(w.index), fmt.Sprint(w.Repo.ID), w.Repo.Name, w.Ref, w.From, w.To, strconv.Itoa(w.Commits),
		strconv.Itoa(w.Attributed), strconv.Itoa(w.Unattributed), strconv.Itoa(w.Governed),
		w.At.Format(time.RFC3339Nano), w.RecordedAt.Format(time.RFC3339Nano),
	}
}
