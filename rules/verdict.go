package rules

import (
	"encoding/json"
	"time"
)

// State is the outcome of a whole change: the table in CONTRACT §5.
type State string

// The states, from the one that asks nothing to the one that asks most.
const (
	Nothing    State = "nothing"     // no governed file changed
	Ready      State = "ready"       // every rule met
	Scheduled  State = "scheduled"   // waits for effective_at
	Frozen     State = "frozen"      // waits for the end of a freeze window
	Waiting    State = "waiting"     // waits for people
	Author     State = "author"      // the author must act
	Failure    State = "failure"     // unreadable, forbidden or refused
	Shadow     State = "shadow"      // would be Would, but the policy never blocks
	BreakGlass State = "break-glass" // allowed without the controls, reviewed after
)

// Outcome is what one rule says.
type Outcome string

// The outcomes of a rule. Unmet needs somebody to act; waiting needs somebody
// else, or the clock; waived is unmet but covered by an exception.
const (
	Met     Outcome = "met"
	Unmet   Outcome = "unmet"
	Pending Outcome = "waiting"
	Waived  Outcome = "waived"
)

// The rules, in the order they are judged and shown.
const (
	RulePolicyFile     = "policy-file"
	RuleChangeRequest  = "change-request"
	RuleApprovals      = "approvals"
	RuleRollbackPlan   = "rollback-plan"
	RuleEffectiveDate  = "effective-date"
	RuleNotice         = "notice"
	RuleFreezeWindow   = "freeze-window"
	RuleRequiredChecks = "required-checks"
	RuleAgentContent   = "agent-content"
)

// A Finding is one rule's outcome for one group.
type Finding struct {
	Group string    `json:"group"` // empty when the finding is about the whole change
	Rule  string    `json:"rule"`
	State Outcome   `json:"state"`
	Code  string    `json:"code"`
	Says  string    `json:"says"`
	Fix   string    `json:"fix"`
	Path  string    `json:"path"`
	Line  int       `json:"line"`
	Until time.Time `json:"until"`
	// Short is the finding in a few words, for a title.
	Short string `json:"-"`
}

// MarshalJSON writes the form of CONTRACT §6, in which a finding without an end
// has until: null.
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding
	return json.Marshal(struct {
		plain
		Until *time.Time `json:"until"`
	}{plain(f), instant(f.Until)})
}

// MarshalJSON writes the form of CONTRACT §6, in which a verdict that only an
// event can change has next: null.
func (v Verdict) MarshalJSON() ([]byte, error) {
	type plain Verdict
	if v.Findings == nil {
		v.Findings = []Finding{}
	}
	return json.Marshal(struct {
		plain
		Next *time.Time `json:"next"`
	}{plain(v), instant(v.Next)})
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// A Verdict is what the rules say of a change at one instant. Its JSON is the
// form of `changegate check --json` (CONTRACT §6).
type Verdict struct {
	State    State     `json:"state"`
	Title    string    `json:"title"` // at most 80 characters
	Findings []Finding `json:"findings"`
	// Next is the first instant at which the verdict may differ with no new
	// event; zero if never.
	Next   time.Time `json:"next"`
	Policy string    `json:"policy"` // commit:path
	Head   string    `json:"head"`

	// Would is the state an enforcing policy would have given; it differs from
	// State only in shadow mode.
	Would State `json:"-"`
	// Turned are the reviews that do not count, each with its reason.
	Turned []Turned `json:"-"`
	// Approvals are the reviews that count.
	Approvals []Approved `json:"-"`
	// Undoes is the change of the past that this one is the rollback of; nil when it is
	// none.
	Undoes *Undo `json:"-"`
	// Governed are the files of the change that a group governs.
	Governed []Governed `json:"-"`
}

// Turned is a review that does not count.
type Turned struct {
	By   Person
	Code string
	Why  string
}

// Approved is a review that counts, and for which group.
type Approved struct {
	Group  string
	By     Person
	Commit string
	At     time.Time
}

// Governed is a file of the change and the groups that govern it.
type Governed struct {
	Path   string
	Groups []string
}

// Blocks reports whether a check run in this state must keep the pull request
// from merging.
func (s State) Blocks() bool {
	switch s {
	case Nothing, Ready, Shadow, BreakGlass:
		return false
	}
	return true
}
