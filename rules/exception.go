package rules

import (
	"fmt"
	"time"
)

// The kinds of exception.
const (
	KindBreakGlass = "break-glass" // the glass was broken: /change break-glass
	KindWaiver     = "waiver"      // a freeze was waived: /change waive freeze
)

// An Exception lets one commit pass without some of the controls, for a while, and
// is reviewed afterwards by somebody else (SOC 2 CC8.1, emergency changes). Who may
// open one is decided when the command is read (Admit); what it covers each time the
// change is judged.
type Exception struct {
	Number int    `json:"number"` // EX-n of the organisation
	Kind   string `json:"kind"`
	By     Person `json:"by"`
	// As is what of the policy let them: a team, login or permission.
	As string `json:"as"`
	// At is when the comment was made, on GitHub's clock; Head the commit that was
	// the pull request's then, and the only one that is covered.
	At   time.Time `json:"at"`
	Head string    `json:"head"`
	// Base is the branch that the pull request was to go into then: what may pass
	// there may not pass elsewhere, as with an approval (CONTRACT §4).
	Base     string `json:"base"`
	Reason   string `json:"reason"`
	Incident string `json:"incident,omitempty"`
	// Expires ends what it covers, half-open. Of a waiver it is the latest end of the
	// freeze windows that it waived; each is waived until its own.
	Expires time.Time `json:"expires,omitzero"`
	// Freezes are the names of the freezes that a waiver covers, each for the window
	// that was active at At.
	Freezes []string `json:"freezes,omitempty"`
	// Due is when the review afterwards has to be done.
	Due    time.Time `json:"due"`
	Closed *Closing  `json:"closed,omitempty"`
}

// A Closing is the review of an exception.
type Closing struct {
	By      Person    `json:"by"`
	As      string    `json:"as"`
	At      time.Time `json:"at"`
	Outcome string    `json:"outcome"`
}

// ID is the exception's number as people write it.
func (x *Exception) ID() string { return fmt.Sprintf("EX-%d", x.Number) }

// Late reports whether the review was done after it was due, or is not done then.
func (x *Exception) Late(now time.Time) bool {
	if x.Closed != nil {
		return x.Closed.At.After(x.Due)
	}
	return !now.Before(x.Due)
}

// A Hold blocks a change until somebody of the same role lifts it.
type Hold struct {
	By     Person    `json:"by"`
	As     string    `json:"as"` // what of the policy let them
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
}

// A Speaker is whoever gave a command, with the roles held when it was read.
type Speaker struct {
	Person
	Permission string   // none, read, triage, write, maintain or admin
	Teams      []string // of CommandSources, as @org/slug in lower case
	// Accounts are whom the logins of CommandSources stand for: a login that was
	// taken over gives no commands.
	Accounts []Account
	// At is when the comment was made, on GitHub's clock.
	At time.Time
	// HeadSince is when the push that made the head was heard of; zero if it was not.
	// Whoever wrote the comment before it had another commit before their eyes.
	HeadSince time.Time
}
