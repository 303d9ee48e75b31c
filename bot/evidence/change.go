package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"changegate/rules"
)

// A PlanRef is the way back of a change in the few words that fit a leaf: what was
// declared, what that stood for when it was approved, and a digest of what it restores.
type PlanRef struct {
	To     string `json:"to"` // as it was asked, cut after 256 bytes
	Form   string `json:"form"`
	Commit string `json:"commit,omitempty"`
	Files  string `json:"files"` // PlanDigest
	// Verified is set when the decision in force had verified it for exactly what was
	// merged, Approved when people had approved that (rules.Policy.Approved).
	Verified bool `json:"verified"`
	Approved bool `json:"approved"`
}

// A RollbackOf says that a merge rolled an earlier change back.
type RollbackOf struct {
	Change int `json:"change"` // number of CHG-n
	// Reported is when the rollback was asked for, Restored when it was merged: from the
	// incident to what stood before it.
	Reported time.Time `json:"reported"`
	Restored time.Time `json:"restored"`
}

// How a plan stands.
const (
	PlanVerified = "verified"
	PlanBroken   = "broken"
)

// PlanChanged says that the way back of a change in effect would no longer work as it
// was verified, or would again: the branch moved since.
type PlanChanged struct {
	Header
	Repo   Repo   `json:"repo"`
	Branch string `json:"branch"`
	Number int    `json:"number"` // of the pull request
	Change int    `json:"change"`
	Tip    string `json:"tip"` // of the branch, against which it was verified
	// State is PlanVerified or PlanBroken; Code and Says what is to be said of it, also
	// of one that still works: a tag that was moved. Says is cut after 256 bytes.
	State string    `json:"state"`
	Code  string    `json:"code,omitempty"`
	Says  string    `json:"says,omitempty"`
	At    time.Time `json:"at"`
}

// Stands says how a plan stands of which this was found (rules.Target.Standing).
func Stands(branch string, t *rules.Target) (state, code, says string) {
	broken, code, says := t.Standing(branch)
	if broken {
		return PlanBroken, code, says
	}
	return PlanVerified, code, says
}

// Replanned makes the record of a plan that stands otherwise than before. What it was
// verified by is the side data.
func Replanned(host string, p PlanChanged, by *rules.Target) (Record, error) {
	side, err := canonical(by)
	if err != nil {
		return Record{}, fmt.Errorf("write what the plan of %s restores: %w", rules.ChangeID(p.Change), err)
	}
	p.At, p.Says = p.At.UTC(), clip(p.Says)
	return Record{
		Key:       fmt.Sprintf("plan/%s/%s/%d", rules.ChangeID(p.Change), p.Tip, p.At.UnixMilli()),
		Subject:   []Subject{commitSubject(host, p.Repo.Name, "refs/heads/"+p.Branch, p.Tip)},
		Predicate: &p, Side: side,
	}, nil
}

// Kind implements Predicate.
func (*PlanChanged) Kind() Kind { return KindPlan }

// When implements Predicate.
func (p *PlanChanged) When() time.Time { return p.At }

// Where implements Predicate.
func (p *PlanChanged) Where() Repo { return p.Repo }

// PlanDigest identifies what a plan restores: every path, with what the change left
// there and what the rollback leaves.
func PlanDigest(files []rules.Restored) (string, error) {
	type end struct {
		Path   string      `json:"path"`
		Landed rules.Entry `json:"landed"`
		Back   rules.Entry `json:"back"`
	}
	ends := make([]end, 0, len(files))
	for _, f := range files {
		ends = append(ends, end{f.Path, f.Landed, f.Back})
	}
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(a.Path, b.Path) })
	data, err := canonical(ends)
	if err != nil {
		return "", err
	}
	return hexSHA256(data), nil
}

// Summarize is a plan as the record of its merge has it. Whether it was Verified is
// not known from it, only that one that was Approved had been.
func Summarize(p *rules.Plan) (*PlanRef, error) {
	digest, err := PlanDigest(p.Files)
	if err != nil {
		return nil, fmt.Errorf("digest plan %.80q: %w", p.To, err)
	}
	return &PlanRef{To: clip(p.To), Form: p.Form, Commit: p.Commit, Files: digest, Verified: p.Approved, Approved: p.Approved}, nil
}

// Recall says of m what the facts of the decision in force, d, give: the way back that
// was verified with it, nil when there is none, and which change it rolls back. Explain
// comes first. Facts about another head than was merged give nothing. The plan says of
// each file what was to land. Only of a merge that is explained is it known that this
// did; of any other, landed is the digest of a plan that says what really did, and empty
// until that is known: then m has no plan yet. What landed as it was decided on rolls
// back what it was to, by whatever way it came.
func (m *ChangeMerged) Recall(d *PolicyEvaluated, facts []byte, landed string) (*rules.Plan, error) {
	m.Plan, m.RollbackOf = nil, nil
	if d == nil || !m.is(d) {
		return nil, nil
	}
	var s side
	if err := strict(facts, &s); err != nil || s.Change == nil {
		return nil, errors.Join(errors.New("read facts"), err)
	}
	policy, _ := rules.Load(s.Policy, s.Change.Floor)
	if policy == nil {
		return nil, nil
	}
	u, undoes := policy.RollbackOf(s.Change)
	if undoes && m.Explained {
		m.undo(u)
	}
	t := s.Change.Target
	if !verified(policy, s.Change) {
		return nil, nil
	}
	plan := &rules.Plan{Change: m.ChangeNumber, To: t.To, Form: t.Form, Commit: t.Commit, Merge: m.Commit, Files: slices.Clone(t.Files)}
	plan.Approved = m.Explained && policy.Approved(s.Change, d.DecidedAt)
	ref, err := Summarize(plan)
	switch {
	case err != nil:
		return nil, err
	case m.Explained:
		ref.Verified, m.Plan = true, ref
	case landed != "":
		if undoes && landed == ref.Files && restores(plan, u) {
			m.undo(u)
		}
		ref.Files, m.Plan = landed, ref
	}
	return plan, nil
}

func (m *ChangeMerged) undo(u *rules.Undo) {
	m.RollbackOf = &RollbackOf{Change: u.Change, Reported: u.Reported.UTC(), Restored: m.MergedAt.UTC()}
}

// restores reports whether a plan says that what u restores landed.
func restores(plan *rules.Plan, u *rules.Undo) bool {
	landed := map[string]rules.Entry{}
	for _, f := range plan.Files {
		landed[f.Path] = f.Landed
	}
	return !slices.ContainsFunc(u.Files, func(f rules.Restored) bool {
		is, of := landed[f.Path]
		return !of || is != f.Back
	})
}

// verified reports whether the facts verify the declared way back, of every governed
// path of the change and no other.
func verified(policy *rules.Policy, c *rules.Change) bool {
	t, paths := c.Target, policy.GovernedPaths(c.Files)
	if t == nil || t.To != rules.RollbackTarget(c.Requests) || len(paths) == 0 || len(t.Files) != len(paths) {
		return false
	}
	code, _ := t.Flaw(c.Base.Branch, paths)
	return code == ""
}
