// Package evidence keeps the record of every decision so that somebody who does
// not trust us can check it: signed statements in an append-only Merkle log, one
// log per organisation, exported as a bundle that is verified offline.
//
// It knows nothing of GitHub, of SQL or of HTTP. Storage is the database as it
// sees it; the rules are imported only to perform a recorded decision again.
//
// The formats are other people's, so that their tools verify what we export: a
// leaf is the exact bytes of a DSSE envelope holding an in-toto Statement; the
// log is a tlog-tiles log with a tlog-checkpoint and tlog-proof files (C2SP). We
// sequence it ourselves, inside the application's own transaction, because a
// decision and its record must be stored together or not at all; a second log
// server could not promise that.
//
// Reading order: keys.go, canonical.go (bytes that are signed), predicate.go,
// exception.go, group.go, change.go, decision.go and digest.go (what a record says), log.go (how it gets in),
// export.go (how it gets out), verify.go (why anybody should believe it).
package evidence

import "time"

// A Kind names what a record says; its predicate type is urn:changegate:<kind>:v1.
type Kind string

// The kinds of records. The population of an audit is made of the second and the
// third: changes to governed branches with a pull request and without one.
const (
	KindDecision Kind = "policy.evaluated"
	KindMerged   Kind = "change.merged"
	KindBypass   Kind = "bypass.detected"
	KindSweep    Kind = "coverage.sweep"
	KindOpened   Kind = "exception.opened"
	KindClosed   Kind = "exception.closed"
	KindOverdue  Kind = "exception.overdue"
	KindGroup    Kind = "group.judged"
	KindPlan     Kind = "plan.changed"
)

// Limits, in bytes. MaxLeaf is what one entry of a tile may hold (65,535) with
// room to spare; MaxSide bounds what a reader must hold in memory at once.
const (
	MaxLeaf = 48 << 10
	MaxSide = 64 << 20
	maxKey  = 256
)

// A Record is what is to be appended to a log.
type Record struct {
	// Key makes the append happen once; at most 256 bytes. It is part of the leaf
	// and therefore seen by auditors.
	Key       string
	Subject   []Subject
	Predicate Predicate
	// Side is larger data the leaf only commits to; at most MaxSide. Nil: none.
	Side []byte
}

// A Subject is what a statement is about, by digest.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

// A Predicate is one of *PolicyEvaluated, *ChangeMerged, *BypassDetected,
// *CoverageSweep, *ExceptionRecord, *GroupJudged and *PlanChanged.
type Predicate interface {
	Kind() Kind
	// When is the instant the record is about, not the one it was recorded at.
	When() time.Time
	// Where is the repository it is about.
	Where() Repo
	// Head is what every predicate has.
	Head() *Header
}

// A Header is what every predicate has. Append fills it.
type Header struct {
	Schema int    `json:"schema"` // 1
	Org    string `json:"org"`
	Key    string `json:"key"`
	// RecordedAt never decreases along a log, whatever the clock does.
	RecordedAt time.Time `json:"recordedAt"`
	Inputs     *Inputs   `json:"inputs,omitempty"`
}

// Inputs commit to a record's side data without disclosing it: the digest is of a
// prefix, a random salt and the data, so that a short secret cannot be guessed
// from the leaf and deleting data and salt is erasure.
type Inputs struct {
	Alg    string `json:"alg"`
	Digest string `json:"digest"`
	Size   int    `json:"size"`
}

// A Repo is a repository: its number for machines, its name then for people.
type Repo struct {
	ID   int64  `json:"id,string"`
	Name string `json:"name"`
}
