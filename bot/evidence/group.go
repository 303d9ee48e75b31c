package evidence

import (
	"fmt"
	"slices"
	"time"

	"changegate/rules"
)

// GroupJudged is what a merge queue was answered about a group of pull requests.
type GroupJudged struct {
	Header
	Repo   Repo   `json:"repo"`
	Branch string `json:"branch"` // they are to be merged into
	Ref    string `json:"ref"`    // refs/heads/gh-readonly-queue/…
	Base   string `json:"base"`   // commit the group is built on
	Tip    string `json:"head"`
	// Pulls are the pull requests of the group, in the order they are merged.
	Pulls []GroupPull `json:"pulls"`
	// Passed and Shadow are the answer: success, neutral, or failure when both are
	// false. Conclude fills them.
	Passed bool `json:"passed"`
	Shadow bool `json:"shadow"`
	// Why says what else kept the group from passing than the states of its pull
	// requests: commits that none of them explains. Cut after 256 bytes.
	Why string    `json:"why,omitempty"`
	At  time.Time `json:"at"`
}

// A GroupPull is a pull request of a group and the decision it was answered by.
type GroupPull struct {
	Number   int         `json:"number"`
	Decision string      `json:"decision,omitempty"` // index of the record; empty: none was made
	State    rules.State `json:"state,omitempty"`
}

// Conclude sets the answer that follows from the pull requests and Why. A group
// passes when each of its pull requests may be merged; it is answered neutrally when
// the policy blocks none of them, whatever else is wrong.
func (g *GroupJudged) Conclude() {
	g.Passed, g.Shadow = g.Why == "" && len(g.Pulls) > 0, len(g.Pulls) > 0
	for _, p := range g.Pulls {
		g.Passed = g.Passed && passing(p.State)
		g.Shadow = g.Shadow && p.State == rules.Shadow
	}
}

// GroupAnswered makes the record of an answer to a merge queue, which it concludes.
// The same answer about the same group is the same record, whenever it is given; each
// of its pull requests names a decision, so that an answer after another one differs.
func GroupAnswered(host string, g GroupJudged) (Record, error) {
	g.Header, g.Pulls, g.Why = Header{}, slices.Clone(g.Pulls), clip(g.Why)
	g.Conclude()
	same := g
	same.At = time.Time{}
	data, err := canonical(same)
	if err != nil {
		return Record{}, fmt.Errorf("digest answer about %.120s: %w", g.Ref, err)
	}
	g.At = g.At.UTC()
	return Record{
		Key:       fmt.Sprintf("group/%d/%s/%s", g.Repo.ID, g.Tip, hexSHA256(data)),
		Subject:   []Subject{commitSubject(host, g.Repo.Name, g.Ref, g.Tip)},
		Predicate: &g,
	}, nil
}

// Kind implements Predicate.
func (*GroupJudged) Kind() Kind { return KindGroup }

// When implements Predicate.
func (g *GroupJudged) When() time.Time { return g.At }

// Where implements Predicate.
func (g *GroupJudged) Where() Repo { return g.Repo }
