package evidence

import (
	"time"

	"changegate/rules"
)

// outcome is what a verdict decided: who let what pass, by which rule, until when.
// Its JSON is hashed, so a field here is part of every digest ever recorded. Text
// for people is not: a message may be put in better words, and a local time shown by
// another edition of the time-zone database, without anything being decided
// otherwise. People are ids, because logins are renamed.
type outcome struct {
	State, Would rules.State
	Policy, Head string
	Next         time.Time
	Findings     []outcomeFinding
	Approvals    []outcomeApproval
	Turned       []outcomeTurned
	Governed     []outcomeFile
	// Undoes is the number of the change that is rolled back. Left out where there is
	// none: verdicts before there were any keep their digest.
	Undoes int `json:",omitempty"`
}

type outcomeFinding struct {
	Group, Rule string
	State       rules.Outcome
	Code, Path  string
	Line        int
	Until       time.Time
}

type outcomeApproval struct {
	Group  string
	By     int64 `json:",string"`
	Commit string
	At     time.Time
}

type outcomeTurned struct {
	By   int64 `json:",string"`
	Code string
}

type outcomeFile struct {
	Path   string
	Groups []string
}

// VerdictDigest is the SHA-256, in hex, of what a verdict decided, as canonical
// JSON. Wording does not count, and times count as instants, whatever zone they are
// shown in.
func VerdictDigest(v rules.Verdict) (string, error) {
	o := outcome{State: v.State, Would: v.Would, Policy: v.Policy, Head: v.Head, Next: v.Next.UTC()}
	for _, f := range v.Findings {
		o.Findings = append(o.Findings, outcomeFinding{f.Group, f.Rule, f.State, f.Code, f.Path, f.Line, f.Until.UTC()})
	}
	for _, a := range v.Approvals {
		o.Approvals = append(o.Approvals, outcomeApproval{a.Group, a.By.ID, a.Commit, a.At.UTC()})
	}
	for _, t := range v.Turned {
		o.Turned = append(o.Turned, outcomeTurned{t.By.ID, t.Code})
	}
	for _, g := range v.Governed {
		o.Governed = append(o.Governed, outcomeFile{g.Path, g.Groups})
	}
	if v.Undoes != nil {
		o.Undoes = v.Undoes.Change
	}
	data, err := canonical(o)
	if err != nil {
		return "", err
	}
	return hexSHA256(data), nil
}
