package evidence

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"changegate/rules"
)

const (
	typePrefix = "urn:changegate:"
	typeSuffix = ":v1"
)

func newPredicate(predicateType string) (Predicate, error) {
	kind, _ := strings.CutPrefix(predicateType, typePrefix)
	kind, ok := strings.CutSuffix(kind, typeSuffix)
	switch {
	case !ok:
	case Kind(kind) == KindDecision:
		return &PolicyEvaluated{}, nil
	case Kind(kind) == KindMerged:
		return &ChangeMerged{}, nil
	case Kind(kind) == KindBypass:
		return &BypassDetected{}, nil
	case Kind(kind) == KindSweep:
		return &CoverageSweep{}, nil
	case Kind(kind) == KindOpened || Kind(kind) == KindClosed || Kind(kind) == KindOverdue:
		return &ExceptionRecord{kind: Kind(kind)}, nil
	case Kind(kind) == KindGroup:
		return &GroupJudged{}, nil
	case Kind(kind) == KindPlan:
		return &PlanChanged{}, nil
	}
	return nil, fmt.Errorf("predicate type %.80q is none this version knows", predicateType)
}

// PolicyEvaluated is one decision. The facts it rests on are its side data, so
// that an auditor can decide again (Reperform).
type PolicyEvaluated struct {
	Header
	Repo   Repo        `json:"repo"`
	Number int         `json:"number"`
	Base   rules.Point `json:"base"`
	Tip    rules.Point `json:"head"`
	Policy PolicyRef   `json:"policy"`
	// Floor is the organisation's policy, which added to it; nil when there was none.
	Floor *PolicyRef `json:"floor,omitempty"`

	Verdict Verdict `json:"verdict"`
	People  People  `json:"people"`

	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
	// Rollback is the declared way back, as written, cut after 256 bytes.
	Rollback string `json:"rollback,omitempty"`
	// Request is the digest of the change request; empty when there is none.
	Request string `json:"request,omitempty"`
	// Exceptions are the numbers of those without which the verdict would be another.
	Exceptions []int `json:"exceptions,omitempty"`

	DecidedAt time.Time `json:"decidedAt"`
	Trigger   string    `json:"trigger"` // the event or timer that asked
	Engine    string    `json:"engine"`  // version of the rules that decided
	// Governed is how many files of the change a group governs, Listed how many of
	// them the subjects list before the leaf was full.
	Governed int `json:"governed"`
	Listed   int `json:"listed"`
}

// A PolicyRef says which policy file decided.
type PolicyRef struct {
	Path   string `json:"path"`
	Commit string `json:"commit"`
	Blob   string `json:"blob"`
	SHA256 string `json:"sha256"`
}

// A Verdict is a rules.Verdict in the few words that fit a leaf. Digest covers
// all that was decided (VerdictDigest); Title is what people were shown.
type Verdict struct {
	State    rules.State `json:"state"`
	Would    rules.State `json:"would"`
	Title    string      `json:"title"`
	Findings []Finding   `json:"findings"`
	Omitted  int         `json:"omitted,omitempty"` // findings that did not fit
	Digest   string      `json:"digest"`
}

// A Finding is a rules.Finding without its prose.
type Finding struct {
	Group string        `json:"group,omitempty"`
	Rule  string        `json:"rule"`
	State rules.Outcome `json:"state"`
	Code  string        `json:"code,omitempty"`
}

// People are who made the change and who let it pass.
type People struct {
	Author       rules.Person   `json:"author"`
	Contributors []rules.Person `json:"contributors"`
	Approvers    []Approver     `json:"approvers"`
	Omitted      int            `json:"omitted,omitempty"` // people that did not fit
}

// An Approver is a review that counted, and the commit it looked at.
type Approver struct {
	rules.Person
	Group  string    `json:"group"`
	Commit string    `json:"commit"`
	At     time.Time `json:"at"`
}

// ChangeMerged is a pull request that reached a governed branch.
type ChangeMerged struct {
	Header
	Repo   Repo   `json:"repo"`
	Number int    `json:"number"`
	Branch string `json:"branch"`
	// Commit is what stands on the branch now, Tip the head that was merged,
	// Before the branch's tip beforehand if known.
	Commit   string       `json:"commit"`
	Tip      string       `json:"head"`
	Before   string       `json:"before,omitempty"`
	Method   string       `json:"method,omitempty"`
	MergedBy rules.Person `json:"mergedBy"`
	MergedAt time.Time    `json:"mergedAt"`
	// EffectiveAt is when the change was planned for, zero if for no time; Explain
	// takes it from the decision in force. ReadyAt is since when it might be merged
	// without a break (ReadySince), zero if it might not. Records of earlier
	// versions have neither.
	EffectiveAt time.Time `json:"effectiveAt,omitzero"`
	ReadyAt     time.Time `json:"readyAt,omitzero"`
	// Decision is the index of the decision in force, empty when there was none;
	// State and Would are its outcome. Explain fills the four of them.
	Decision  string      `json:"decision,omitempty"`
	State     rules.State `json:"state,omitempty"`
	Would     rules.State `json:"would,omitempty"`
	Explained bool        `json:"explained"`
	// Differs says why what stands on the branch is not what the decision in force
	// was about; empty when it is, or nothing else explains the merge anyway.
	Differs string `json:"differs,omitempty"`
	// Ended says why the decision in force let nothing pass any more (Outlived); empty
	// when it did, or nothing else explains the merge anyway.
	Ended    string `json:"ended,omitempty"`
	Governed int    `json:"governed"`
	Listed   int    `json:"listed"`
	// ChangeNumber is n of CHG-n, without a gap along an organisation's log. Records
	// of earlier versions have none. Recall fills the other two: the way back that was
	// verified with the change, and which change it rolls back.
	ChangeNumber int         `json:"change,omitempty"`
	Plan         *PlanRef    `json:"plan,omitempty"`
	RollbackOf   *RollbackOf `json:"rollbackOf,omitempty"`
}

// BypassDetected is a commit on a governed branch that no pull request explains.
type BypassDetected struct {
	Header
	Repo     Repo         `json:"repo"`
	Branch   string       `json:"branch"`
	Commit   string       `json:"commit"`
	PushedBy rules.Person `json:"pushedBy"`
	At       time.Time    `json:"at"`
	Why      string       `json:"why"` // direct push, merged while waiting, …; cut after 256 bytes
	Governed int          `json:"governed"`
	Listed   int          `json:"listed"`
}

// CoverageSweep says that every commit from (exclusive) to (inclusive) on the
// first-parent chain of a branch was attributed to a change, or was not. The next
// sweep of the branch begins where this one ended.
type CoverageSweep struct {
	Header
	Repo         Repo      `json:"repo"`
	Ref          string    `json:"ref"` // refs/heads/main
	From         string    `json:"from"`
	To           string    `json:"to"`
	Commits      int       `json:"firstParentCommits"`
	Attributed   int       `json:"attributed"`
	Unattributed int       `json:"unattributed"`
	Governed     int       `json:"governed"` // commits that touch a governed file
	At           time.Time `json:"at"`
}

// Kind implements Predicate.
func (*PolicyEvaluated) Kind() Kind { return KindDecision }

// Kind implements Predicate.
func (*ChangeMerged) Kind() Kind { return KindMerged }

// Kind implements Predicate.
func (*BypassDetected) Kind() Kind { return KindBypass }

// Kind implements Predicate.
func (*CoverageSweep) Kind() Kind { return KindSweep }

// When implements Predicate.
func (p *PolicyEvaluated) When() time.Time { return p.DecidedAt }

// When implements Predicate.
func (p *ChangeMerged) When() time.Time { return p.MergedAt }

// When implements Predicate.
func (p *BypassDetected) When() time.Time { return p.At }

// When implements Predicate.
func (p *CoverageSweep) When() time.Time { return p.At }

// Where implements Predicate.
func (p *PolicyEvaluated) Where() Repo { return p.Repo }

// Where implements Predicate.
func (p *ChangeMerged) Where() Repo { return p.Repo }

// Where implements Predicate.
func (p *BypassDetected) Where() Repo { return p.Repo }

// Where implements Predicate.
func (p *CoverageSweep) Where() Repo { return p.Repo }

// Head implements Predicate.
func (h *Header) Head() *Header { return h }

// InForce reports whether d is a decision on m's pull request made before it was
// merged. GitHub cuts its times to seconds, so ours are cut likewise.
func InForce(d *PolicyEvaluated, m *ChangeMerged) bool {
	return d.Repo.ID == m.Repo.ID && d.Number == m.Number &&
		!d.DecidedAt.Truncate(time.Second).After(m.MergedAt)
}

// Explain records which decision was in force when m was merged, and whether it
// explains the merge: every rule was met for exactly that head and branch, or waived
// by an exception, no clock had ended that, and the content that was approved is what was merged. Whether the
// exceptions were reviewed is not known yet; the population says it (unreviewed). The
// decision in force is the newest that is InForce, whatever it said; d is nil
// when there is none. Verify finds any other choice.
func (m *ChangeMerged) Explain(index int64, d *PolicyEvaluated) {
	m.Decision, m.State, m.Would, m.Explained, m.EffectiveAt = "", "", "", false, time.Time{}
	if d == nil {
		return
	}
	m.Decision, m.State, m.Would, m.EffectiveAt = fmt.Sprint(index), d.Verdict.State, d.Verdict.Would, d.EffectiveAt
	m.Explained = m.Differs == "" && m.Ended == "" && d.passes() && InForce(d, m) && m.is(d)
}

// is reports whether d is about what m merged, and where.
func (m *ChangeMerged) is(d *PolicyEvaluated) bool {
	return d.Tip.Commit == m.Tip && d.Base.Branch == m.Branch
}

// ReadySince returns since when m might be merged without a break: when the first
// of the latest decisions was made that all let this head pass. They come newest
// first, beginning with the one in force. It is zero when that one does not.
func ReadySince(m *ChangeMerged, decisions iter.Seq[*PolicyEvaluated]) (at time.Time) {
	for d := range decisions {
		if !d.passes() || !m.is(d) {
			break
		}
		at = d.DecidedAt
	}
	return at
}

// passes reports whether an enforced policy would let a pull request be merged.
func (d *PolicyEvaluated) passes() bool { return passing(enforced(d.Verdict.State, d.Verdict.Would)) }

// enforced is the state without shadow mode.
func enforced(is, would rules.State) rules.State {
	if is == rules.Shadow {
		return would
	}
	return is
}

// passing reports whether a pull request in this state may be merged.
func passing(s rules.State) bool {
	return s == rules.Ready || s == rules.Nothing || s == rules.BreakGlass
}
