// Package checks is the only door to GitHub and to git: it reads a pull request
// into a rules.Change and writes a rules.Verdict back as a check run.
//
// It decides nothing. A webhook payload is a doorbell: Refs says which pull
// requests it concerns, and Gather reads the facts from the API. What cannot be
// read whole becomes a rules.Gap, never a shorter list.
//
// Budget: an event that can change a verdict costs at most four calls (one
// GraphQL read, one comparison, one look-up, one write), two when nothing but
// reviews changed and everybody's roles are known, one more to confirm them before
// green, and one for the sticky comment when the verdict is another. CODEOWNERS read
// for the first time, and a change request in a file too long for the comparison, take
// a second look-up. What rollback.to names is in the look-up, with the folders of the
// commits that the rollback is made of; one comparison more, once ever, is made for a
// target older than the commit at which the change left the base branch, and one look-up
// where the base branch changed the same files, where the declared plan does not hold, or
// where a policy would be restored that is not the one in force. Comments come with the
// pull request; one page more is read when more than 30 are new. A command costs what it
// does: one call for what its author may do, and one for each thing that is written.
// Things named by a git object id never change and are cached for ever; reviews, and the
// tag that a plan names, are read fresh.
package checks

import (
	"context"
	"time"

	"changegate/rules"
)

// PolicyPath is where a repository keeps its policy (CONTRACT §1).
const PolicyPath = ".github/changegate.yml"

// A Place says which App installation may speak about which repository.
type Place struct {
	Installation int64
	OrgID        int64
	Org          string // login of the account that owns the repository
	RepoID       int64
	Repo         string // owner/name
}

// A Wake asks for pull requests to be judged again. With Number it is that one;
// with Head every known open one with that head commit; with Branch every known
// open one into that branch; with none of them every known open one of the
// repository (RepoID set) or of the organisation (RepoID zero).
type Wake struct {
	Place
	Number int
	Head   string
	Branch string
	// Base is what the payload says the base branch is: a hint that saves a
	// call when it is right and costs one when it is wrong.
	Base string
	// Pushed is set when Branch itself moved, so that its new commits have to be
	// explained by merged pull requests.
	Pushed *Push
	// Check, when not empty, narrows a wake by Head to pull requests whose policy
	// requires a check of this name.
	Check string
	// Member, when not 0, narrows a wake of a repository or organisation to pull
	// requests on which this account gave an opinion.
	Member int64
	// Team, as @org/slug in lower case, narrows one to pull requests whose policy
	// asks for it.
	Team string
	// Reviewed narrows one to pull requests on which anybody gave an opinion.
	Reviewed bool
	// Press is the button of a check run on Head that was pressed, and By who did.
	Press string
	By    rules.Person
	// Queued, when not nil, is a merge group whose head is Head: Branch is its own
	// branch and Base the one it goes into.
	Queued *Queued
}

// Queued says what becomes of a merge group.
type Queued struct {
	From string // the commit it is built on
	Gone string // why it is no more: merged, invalidated or dequeued; empty while it waits
}

// A Comment is one on the pull request's conversation.
type Comment struct {
	ID     int64
	By     rules.Person // ID 0: a deleted account
	At     time.Time
	Edited bool // since it was made, by anybody
	Body   string
}

// The buttons, as a check run's actions name them.
const (
	PressTemplate   = "add-template"
	PressReevaluate = "re-evaluate"
)

// A Push is a branch that moved.
type Push struct {
	Before, After string
	Forced        bool
}

// Gathered is one reading of a pull request.
type Gathered struct {
	Change rules.Change
	Policy Policy
	// Place as GitHub names it now: repositories are renamed and transferred.
	Place Place
	Title string
	Body  string
	URL   string
	// EditedAt is when the description was last edited, or the pull request
	// opened if never, and OpenedAt is when it was opened.
	EditedAt, OpenedAt time.Time
	Merge              *Merge
	// HeadRepo is the repository the head branch is in, empty when it was deleted;
	// Fork is set when it is not the base branch's.
	HeadRepo string
	Fork     bool
	// Comments are those made since Known.Comment by others than the App, oldest
	// first; at a first reading those of the last day. When 80 or more were made
	// meanwhile only the newest were read: Unread is set, and whoever gave a command
	// before them has to give it again.
	Comments []Comment
	Unread   bool
	// Read is the id of the newest comment there was. It becomes Known.Comment when
	// what the commands of Comments come to is kept, in the same transaction: Gather
	// leaves Known.Comment as it was, or a crash in between would lose commands.
	Read int64
	// Own are the App's own comments among the newest, oldest first.
	Own []Comment
	// Now is GitHub's clock when the reading began, from the Date header, in whole
	// seconds; zero if it did not say.
	Now time.Time
	// Remembered is set when the roles in Change come from Known and were not asked
	// in this reading. Before a verdict turns green they have to be confirmed.
	Remembered bool
	Known      Known
	// Floor is the organisation's policy as it was found.
	Floor Policy
	ask   asking   // whose roles the change needs
	came  []string // the permission that came with each review
	// floorID is the repository that keeps the organisation's policy.
	floorID int64
	// Patches are unified diffs of governed text files by path, as far as
	// GitHub gives them. For display only.
	Patches map[string]string
}

// Known is what a caller remembers of one pull request from one reading to the
// next. Gather gets it, and returns it brought up to date in Gathered.Known. It
// decides verdicts, so it must be kept as durably as the pull request itself; what
// merely saves a call is in the Cache. The zero Known is that of a first reading.
type Known struct {
	// Roles are the memberships and permissions of the people who gave an opinion,
	// as GitHub told them last; nil asks GitHub again. Whoever learns that a
	// membership changed sets it to nil.
	Roles *Roles `json:"roles,omitempty"`
	// Revisions are what the pull request changed at earlier heads on which an
	// opinion was given, and at the newest head.
	Revisions []rules.Revision `json:"revisions,omitempty"`
	// Bases are the base branches the pull request was seen to go into, in order.
	Bases []SeenBase `json:"bases,omitempty"`
	// Initiators are the accounts an agent's pull request was ever attributed to:
	// by assignment or by requested_by.
	Assignees  []rules.Person `json:"assignees,omitempty"`
	Initiators []rules.Person `json:"initiators,omitempty"`
	// Floored is set once the organisation's policy was seen: its repository
	// disappearing afterwards is unreadable, not absent.
	Floored bool `json:"floored,omitempty"`
	// Comment is the id of the newest comment whose commands were carried out: each is
	// read once, so that an edit of an older one gives no command. See Gathered.Read.
	Comment int64 `json:"comment,omitempty"`
	// FloorBranch is the default branch of that repository: a hint that saves a
	// call when it is right and costs one when it is wrong.
	FloorBranch string `json:"floor_branch,omitempty"`
	// Tag is the name that rollback.to had, where it may be a tag's: a hint that saves a
	// call when it is right and costs one when it is wrong.
	Tag string `json:"tag,omitempty"`
	// Released returns the commit that the newest change released through the gate left
	// on a branch, of those that touched one of the paths, empty when there is none: what
	// is suggested where the way back is missing or does not hold. The caller fills it
	// before each reading; nil suggests nothing.
	Released func(ctx context.Context, branch string, paths []string) (commit string, err error) `json:"-"`
}

// Roles are answers to who holds which role, given at one instant.
type Roles struct {
	At    time.Time `json:"at"`
	Asked string    `json:"asked"` // identifies the teams and permissions asked about
	// Teams are those asked about, as @org/slug; unknown ones included.
	Teams   []string `json:"teams,omitempty"`
	Unknown []string `json:"unknown,omitempty"` // teams GitHub does not know or show
	// Replaced are teams that are others than when the text that asks for them was
	// first read.
	Replaced []string `json:"replaced,omitempty"`
	Holders  []Holder `json:"holders,omitempty"`
}

// A Holder is what one person holds of what was asked.
type Holder struct {
	ID         int64    `json:"id,string"`
	Permission string   `json:"permission,omitempty"`
	Teams      []string `json:"teams,omitempty"`
}

// A SeenBase is a base branch and since when the pull request is known to go into
// it; the zero time for the first.
type SeenBase struct {
	Branch string    `json:"branch"`
	Since  time.Time `json:"since,omitzero"`
}

// An Impact is what a new policy would make of another open pull request, as far
// as its last reading tells. Number 0 stands for what was not looked at.
type Impact struct {
	Number    int
	Title     string // of the pull request
	Now, Then rules.State
	Says      string // the title its check would have
}

// PolicyState tells the three outcomes of reading a policy apart.
type PolicyState int

// A repository without a policy is not enrolled and is left alone; one whose
// policy exists but cannot be read is never green.
const (
	PolicyAbsent PolicyState = iota
	PolicyRead
	PolicyUnreadable
)

// A Policy is the policy file on the base branch as it is now.
type Policy struct {
	State PolicyState
	rules.PolicyText
	Why string // when unreadable
}

// A Merge is how a pull request was merged.
type Merge struct {
	Commit string
	Parent string // the commit's first parent
	By     rules.Person
	At     time.Time
}

// Accounts keeps whom a login of a policy named when that version of the policy was
// first read, so that a login which is renamed and taken by somebody else names the
// first still. It must be as durable as the policy's own effect.
type Accounts interface {
	// Account returns what was saved; ok is false when nothing was. Id 0 says that
	// nobody had the login.
	Account(ctx context.Context, repoID int64, blob, login string) (id int64, ok bool, err error)
	// SaveAccount keeps an answer for ever. A second one for the same login of the
	// same blob changes nothing.
	SaveAccount(ctx context.Context, repoID int64, blob, login string, id int64) error
}

// Cache keeps facts that never change, by key. Both methods may forget.
type Cache interface {
	Get(ctx context.Context, key string) ([]byte, bool)
	Put(ctx context.Context, key string, value []byte)
}

// A Run is a check run to be written.
type Run struct {
	Name       string // changegate: <base branch>
	Head       string
	Status     string // queued, in_progress or completed
	Conclusion string // only with completed
	ExternalID string
	DetailsURL string
	StartedAt  time.Time
	Output     Output
	Actions    []Action
}

// Output is what a check run shows.
type Output struct {
	Title       string
	Summary     string
	Text        string
	Annotations []Annotation
}

// An Annotation points at lines of a changed file.
type Annotation struct {
	Path     string
	From, To int
	Level    string // notice, warning or failure
	Title    string
	Message  string
}

// An Action is a button. GitHub allows three, with at most 20, 40 and 20
// characters of label, description and identifier.
type Action struct {
	Label, Description, ID string
}

// Written is a check run as GitHub has it.
type Written struct {
	ID         int64
	Name       string
	Head       string
	Status     string
	Conclusion string
	At         time.Time // when it was created
}
