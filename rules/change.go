package rules

import "time"

// A Change is everything the rules may know of one pull request. It is plain
// data, stable as JSON, so that a recorded decision can be performed again from
// the record alone. Whoever fills it must say in Gaps what could not be read
// whole: a shortened list is never silent.
type Change struct {
	// Edition says which facts were looked for. What an older one did not look for is
	// judged as it was then, so that old records are decided again as they were.
	Edition int `json:"edition,omitempty"`
	Ref
	State string `json:"state"` // open, closed or merged
	Draft bool   `json:"draft,omitempty"`

	Base      Point  `json:"base"`
	Head      Point  `json:"head"`
	MergeBase string `json:"merge_base,omitempty"` // commit the files below are compared with

	// DefaultBranch is the repository's: the only governed branch of a policy
	// that lists none.
	DefaultBranch string `json:"default_branch"`

	Author Person `json:"author"`
	// Assignees are the humans an agent's pull request is attributed to, those it
	// was attributed to before included: unassigning oneself undoes nothing. They
	// matter only when Author is a bot.
	Assignees []Person `json:"assignees,omitempty"`
	// Requester is the account that requested_by of the change request names. It
	// is nil when nothing is named or it was not looked up, and has no ID when
	// GitHub knows nobody by that login.
	Requester *Person `json:"requester,omitempty"`
	// Initiators are the accounts that earlier versions of the change request
	// named: editing requested_by makes nobody independent.
	Initiators []Person `json:"initiators,omitempty"`
	Commits    []Commit `json:"commits,omitempty"`
	// Pushes moved the pull request's head, each by whom GitHub authenticated.
	Pushes []Push `json:"pushes,omitempty"`
	// UnknownPush is a commit that became the head in a push nobody is known to
	// have made; empty if every push since the branch left the base is known.
	UnknownPush string `json:"unknown_push,omitempty"`

	// Files are all files that differ between MergeBase and Head.
	Files []File `json:"files,omitempty"`
	// Revisions hold the same list as it was at earlier commits on which a
	// review was given, so that a review can be compared with the head.
	Revisions []Revision `json:"revisions,omitempty"`

	Reviews []Review `json:"reviews,omitempty"`
	// Retargeted is when the base branch was last changed; zero if never.
	Retargeted time.Time `json:"retargeted,omitzero"`
	Checks     []Check   `json:"checks,omitempty"`

	// Requests are the texts in which the author declares the change: at most
	// one from the description and any number of files under .changes/.
	Requests []RequestText `json:"requests,omitempty"`
	// RequestSince is when the change request in force was first seen. Dates
	// that lay in the past then were backdated.
	RequestSince time.Time `json:"request_since,omitzero"`

	// Target says how rollback.to of the change request resolved; nil when it
	// was not looked up because nothing asked for it.
	Target *Target `json:"target,omitempty"`
	// Suggested is the last version that was itself released through the gate, with what
	// a rollback to it would leave; nil when there is none or it was not looked up.
	Suggested *Target `json:"suggested,omitempty"`
	// Undoes are the changes of the past that this one may be the rollback of.
	Undoes []Undo `json:"undoes,omitempty"`
	// Manifests are those that govern a file of the change, by path.
	Manifests []Manifest `json:"manifests,omitempty"`

	// NewPolicy is the policy file as the pull request would leave it; nil when
	// the pull request does not touch it.
	NewPolicy *PolicyText `json:"new_policy,omitempty"`

	// Floor is the organisation's policy, which adds to the repository's; nil when
	// there is none.
	Floor *PolicyText `json:"floor,omitempty"`
	// Owners is the CODEOWNERS file on the base branch; nil when there is none or
	// no rule asks for it.
	Owners *PolicyText `json:"owners,omitempty"`
	// Accounts say which account each login of the policy stood for when that
	// version of the policy was first read: logins are renamed and reused.
	Accounts []Account `json:"accounts,omitempty"`

	// Replaced lists teams, as @org/slug, whose name is another team's than when the
	// text that asks for them was first read.
	Replaced []string `json:"replaced,omitempty"`
	// Unknown lists teams and logins named by the policy that GitHub does not
	// know or does not show to the App.
	Unknown []string `json:"unknown,omitempty"`

	// Holds are those in force, oldest first, one a person.
	Holds []Hold `json:"holds,omitempty"`
	// Exceptions are those opened on this pull request, by number.
	Exceptions []Exception `json:"exceptions,omitempty"`

	// Offline is set on a change read from a local clone, where reviews, roles
	// and checks cannot be known: the rules about them wait.
	Offline bool `json:"offline,omitempty"`

	Gaps []Gap `json:"gaps,omitempty"`
}

// Edition is the edition of the facts that are gathered now. 1 came with what a rollback
// leaves at every file, and with the versions of agents.
const Edition = 1

// A Ref names a pull request. The repository's numeric id survives renames and
// transfers; its name is for people.
type Ref struct {
	RepoID int64  `json:"repo_id,string"`
	Repo   string `json:"repo"` // owner/name
	Number int    `json:"number"`
}

// A Point is a branch and the commit it pointed at when it was read.
type Point struct {
	Branch string `json:"branch"`
	Commit string `json:"commit"`
}

// A Person is an account as GitHub authenticated it. Identity is the numeric id:
// logins are renamed and reused. ID 0 means GitHub could not name anybody.
type Person struct {
	ID    int64  `json:"id,string,omitempty"`
	Login string `json:"login,omitempty"`
	Bot   bool   `json:"bot,omitempty"`
}

// An Account is whom a login names.
type Account struct {
	Login string `json:"login"` // in lower case, as the policy has it
	ID    int64  `json:"id,string"`
}

// A Push moved a branch. Before is empty or all zeros when the push made the
// branch.
type Push struct {
	By     Person `json:"by"`
	Before string `json:"before,omitempty"`
	After  string `json:"after"`
	Forced bool   `json:"forced,omitempty"`
}

// A Commit is one commit of base..head, second parents included.
type Commit struct {
	ID        string   `json:"id"`
	Parents   []string `json:"parents,omitempty"`
	Author    Person   `json:"author"`
	Committer Person   `json:"committer"`
	CoAuthors []Person `json:"co_authors,omitempty"`
	// WebFlow is set when GitHub itself made the commit on somebody's behalf
	// and signed it, so that the nameless committer is GitHub.
	WebFlow bool `json:"web_flow,omitempty"`
}

// A File is one changed path. Old and New are blob ids; an empty Old means the
// file was added, an empty New that it was deleted.
type File struct {
	Path    string `json:"path"`
	OldPath string `json:"old_path,omitempty"` // set when renamed or copied
	Status  string `json:"status"`             // added, modified, deleted, renamed, copied, changed
	Old     string `json:"old,omitempty"`
	New     string `json:"new,omitempty"`
	OldMode string `json:"old_mode,omitempty"` // git's octal mode, where the source gives it
	NewMode string `json:"new_mode,omitempty"`
	// Diff is the digest of the textual difference, where the source gives the
	// difference but not the old blob.
	Diff string `json:"diff,omitempty"`
}

// A Revision is what the pull request changed at an earlier head. Base is the
// branch it was compared with then, MergeBase the commit at which it had left it.
// Files may be those alone that are governed or declare the change.
type Revision struct {
	Commit    string `json:"commit"`
	Base      string `json:"base"`
	MergeBase string `json:"merge_base,omitempty"`
	Files     []File `json:"files,omitempty"`
}

// A Review is one submitted pull-request review, with the roles its author held
// when it was read.
type Review struct {
	ID     int64     `json:"id,string"`
	By     Person    `json:"by"`
	State  string    `json:"state"` // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED
	Commit string    `json:"commit"`
	At     time.Time `json:"at"`
	// Permission is none, read, triage, write, maintain or admin; empty if it
	// was not asked.
	Permission string `json:"permission,omitempty"`
	// Teams are the policy's teams the author belongs to, as @org/slug in lower case.
	Teams []string `json:"teams,omitempty"`
	// Request is the digest of the change request in force when the review was given.
	Request string `json:"request,omitempty"`
}

// A Check is the newest result of one name from one App on the head commit.
type Check struct {
	Name       string `json:"name"`
	App        string `json:"app"` // the App's slug
	Status     string `json:"status"`
	Conclusion string `json:"conclusion,omitempty"`
}

// A RequestText is a candidate change request as found, before parsing.
type RequestText struct {
	Path string `json:"path,omitempty"` // empty for the pull request's description
	Line int    `json:"line"`           // line of the source on which Text begins, from 1
	Text string `json:"text"`
}

// A PolicyText is the policy file as found in a commit.
type PolicyText struct {
	Commit  string `json:"commit,omitempty"`
	Path    string `json:"path"`
	Blob    string `json:"blob,omitempty"`
	Data    []byte `json:"data,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	// Idle are the groups of this policy that govern no file of the repository as
	// it would be: a path that is misspelt governs nothing, silently.
	Idle []string `json:"idle,omitempty"`
	// Unknown are the teams and logins of this policy that GitHub does not know or
	// does not show to the App, as far as they were looked up.
	Unknown []string `json:"unknown,omitempty"`
}

// A Gap is something that could not be read whole.
type Gap struct {
	What string `json:"what"` // files, commits, reviews, checks, roles, …
	Says string `json:"says"` // what was listed and what was expected
}
