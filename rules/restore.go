package rules

import (
	"fmt"
	"strings"
	"time"
)

// The forms of rollback.to (CONTRACT §3).
const (
	FormCommit  = "commit"  // a commit id, short or whole
	FormTag     = "tag"     // a tag
	FormPath    = "path"    // path@commit: one file, or everything below one folder
	FormVersion = "version" // an earlier version of an agent
	FormRevert  = "revert"  // what the change did is taken out of what is there
)

// A Target is what rollback.to of a change request comes to: how every governed file
// of the change would be after the rollback.
type Target struct {
	To   string `json:"to"`             // as it was asked
	Form string `json:"form,omitempty"` // empty when To names nothing
	// Commit is the one commit that To stands for; of a revert the tip of the base
	// branch that it was worked out against. It is empty when there is nothing by that
	// name, or more than one thing.
	Commit    string `json:"commit,omitempty"`
	Ambiguous bool   `json:"ambiguous,omitempty"` // more than one thing
	InBase    bool   `json:"in_base,omitempty"`   // Commit is in the base branch's history
	// Was is the commit that the tag was on when To was first read on this pull request;
	// empty while it is there. Whoever approved may have looked at that.
	Was string `json:"was,omitempty"`
	// Moved is set where a recorded plan is verified again: its tag stands for another
	// commit by now, or for none. Commit is what was approved.
	Moved bool `json:"moved,omitempty"`
	// Files are what the rollback leaves, by path: of every path of the change that a
	// group governs, both ends of a rename. Of path@commit only those it covers.
	Files []Restored `json:"files,omitempty"`
	// Unknown says what could not be read of this, and so cannot be verified; empty
	// when Files is whole.
	Unknown string `json:"unknown,omitempty"`
}

// A Restored is one path of a rollback: what stands there with the change, and what
// the rollback would leave.
type Restored struct {
	Path string `json:"path"`
	// Landed is what the change leaves there once it is merged, into the base branch
	// as it is now; Back is what the rollback leaves. A zero Entry is no file.
	Landed Entry `json:"landed,omitzero"`
	Back   Entry `json:"back,omitzero"`
	// Same says that Back has the very content that the change brings to the path, in
	// another mode or merged with what the base branch has by now.
	Same bool `json:"same,omitempty"`
	// Wrong says why Back cannot be had: one of the Wrong values; empty when it can.
	Wrong    string    `json:"wrong,omitempty"`
	Conflict *Conflict `json:"conflict,omitempty"` // with WrongConflict, of two texts
	// Text is what Back holds where a parser reads it before the change may pass: a
	// policy file, or an agent's manifest.
	Text []byte `json:"text,omitempty"`
	// Data is what Back holds where a reverse merge made it, so that no commit has it.
	Data []byte `json:"-"`
}

// Why a file cannot be restored, or is not known to be restorable.
const (
	WrongConflict  = "conflict"   // the same lines were changed since
	WrongKind      = "kind"       // a submodule or a symbolic link
	WrongLarge     = "large"      // too large to be merged: more than MaxMerged bytes
	WrongBinary    = "binary"     // not text, and changed on both sides
	WrongUnread    = "unread"     // the content could not be read
	WrongFolder    = "folder"     // the path is a folder at that commit
	WrongInTheWay  = "in-the-way" // a folder is there now, or a file where its folder was
	WrongElsewhere = "elsewhere"  // the path names nothing at that commit where something must be
)

// MaxMerged is the largest file that a reverse merge reads, in bytes.
const MaxMerged = 1 << 20

// An Entry is what a commit has at a path.
type Entry struct {
	Blob string `json:"blob,omitempty"` // git object id
	Mode string `json:"mode,omitempty"` // git's octal mode: 100644, 100755, 120000, 160000
}

// A Conflict is where a reverse merge cannot be made: lines that the change wrote and
// that were changed again since.
type Conflict struct {
	Line   int    `json:"line"`   // of what is there now, from 1
	Wrote  string `json:"wrote"`  // what the change wrote, at most 10 lines
	Now    string `json:"now"`    // what is there now
	Before string `json:"before"` // what was there before the change
}

// A Plan is the way back as it was approved with a change and recorded at its merge.
type Plan struct {
	Change int    `json:"change"` // CHG-n of the organisation
	To     string `json:"to"`
	Form   string `json:"form"`
	// Commit is what To stood for when it was approved. A tag may have been moved
	// since: this is what is restored.
	Commit string     `json:"commit,omitempty"`
	Merge  string     `json:"merge"`            // the commit that the merge left on the branch
	Parent string     `json:"parent,omitempty"` // what stood there before
	Files  []Restored `json:"files"`            // Landed by the merge, Back as approved
	// Approved says that people approved the change, with this as its way back (Policy.Approved).
	Approved bool `json:"approved,omitempty"`
}

// ID is the change's number as people write it.
func (p *Plan) ID() string { return ChangeID(p.Change) }

// Paths are those that the plan restores.
func (p *Plan) Paths() (paths []string) {
	for _, f := range p.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// Tag is the name of the tag that the plan was approved for; empty where it names a
// commit, a version or nothing.
func (p *Plan) Tag() string { return tagOf(p.To, p.Form, p.Commit) }

// Tag is the name of the tag that the target names; empty where it names something else.
func (t *Target) Tag() string { return tagOf(t.To, t.Form, t.Commit) }

func tagOf(to, form, commit string) string {
	l := LookFor(to)
	if form == FormTag && l.Path != "" {
		return to // a name with an @
	}
	if form != FormTag && form != FormPath || l.ID != "" && strings.HasPrefix(commit, l.ID) {
		return ""
	}
	return l.Name
}

// ChangeID is a change's number as people write it.
func ChangeID(n int) string { return fmt.Sprintf("CHG-%d", n) }

// An Undo is a change of the past that a pull request may be the rollback of. Whether
// it is one is decided from these facts: every governed file of the pull request is,
// byte for byte, what the plan restores, and what it replaces is still what that change
// left there.
type Undo struct {
	Plan
	Number int `json:"number"` // the pull request of that change
	// InEffect says that the change is what is in effect at every path of its plan: no
	// other was merged after it there, but for some that were all rolled back again.
	InEffect bool `json:"in_effect,omitempty"`
	// UndoneBy is the change that rolled it back already, 0 when none did or when that
	// was itself rolled back.
	UndoneBy int `json:"undone_by,omitempty"`
	// Reported is when the rollback was asked for: by command, or else when the pull
	// request was opened.
	Reported time.Time `json:"reported"`
	// Head and Base are what stands at the paths of the plan at the pull request's head
	// and on the base branch as it is now; Fork, at its merge base.
	Head map[string]Entry `json:"head,omitempty"`
	Base map[string]Entry `json:"base,omitempty"`
	Fork map[string]Entry `json:"fork,omitempty"`
	// Reverted is what a plan to revert makes of the base branch as it is now, where that
	// was changed since. Only a pull request that was opened for it is looked at so.
	Reverted map[string]Entry `json:"reverted,omitempty"`
}

// A Manifest is a file that gives an agent its version: a YAML or JSON file governed by
// a group of kind agent-version, with version at the top level.
type Manifest struct {
	Path string `json:"path"`
	// Base and Head are its content on the base branch and at the head; nil where there
	// is none.
	Base []byte `json:"base,omitempty"`
	Head []byte `json:"head,omitempty"`
	// Stay is what is left in its folder at the head, where the change deletes it: files,
	// and folders with a slash at the end.
	Stay []string `json:"stay,omitempty"`
	// Released are the versions it had on the base branch, newest first; Cut is set when
	// older ones were not read.
	Released []Release `json:"released,omitempty"`
	Cut      bool      `json:"cut,omitempty"`
}

// A Release is a version as it stood on the base branch.
type Release struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`          // the newest commit of the base branch that is known to have had it
	Since   string `json:"since,omitempty"` // the oldest of those that were read: it released the version
	Blob    string `json:"blob"`            // of the manifest at Commit
}
