package rules

import (
	"slices"
	"strings"
)

// Finding codes are stable: documents, dashboards and `changegate explain` refer
// to them. CG1xx approvals and checks, CG2xx change request and rollback, CG3xx
// policy file, CG4xx time, CG5xx exceptions, CG6xx agent-file content, CG9xx ours.
const (
	CodeApprovals        = "CG101"
	CodeStale            = "CG102"
	CodeChangesRequested = "CG103"
	CodeUnattributed     = "CG104"
	CodeNoInitiator      = "CG105"
	CodeOffline          = "CG106"
	CodeUnknownPush      = "CG107"
	CodeNoRequester      = "CG108"
	CodeNoOwner          = "CG109"
	CodeOwnersLine       = "CG110"

	// Reasons why a review does not count.
	CodeByAuthor      = "CG111"
	CodeByContributor = "CG112"
	CodeByBot         = "CG113"
	CodeNotAllowed    = "CG114"
	CodeOldContent    = "CG115"
	CodeOldRequest    = "CG116"
	CodeOldBase       = "CG117"
	CodeDismissed     = "CG118"
	CodeComment       = "CG119"
	CodeSuperseded    = "CG120"
	CodeNobody        = "CG121"
	CodeNamesake      = "CG122"
	CodePartial       = "CG123"

	CodeCheckPending  = "CG131"
	CodeCheckFailed   = "CG132"
	CodeWorkflowEdit  = "CG133"
	CodeNoRequest     = "CG200"
	CodeRollback      = "CG201"
	CodeBadRequest    = "CG202"
	CodeWhy           = "CG203"
	CodeTwoRequests   = "CG204"
	CodeNoTarget      = "CG205"
	CodeOutsideBase   = "CG206"
	CodeAmbiguous     = "CG207"
	CodeSameTarget    = "CG208"
	CodeConflict      = "CG209"
	CodeNotRestorable = "CG210"
	CodeBoilerplate   = "CG211"
	CodePartTarget    = "CG212"
	CodeUnverified    = "CG213"
	CodeUndo          = "CG214"
	CodeTagWas        = "CG215"
	CodeTagMoved      = "CG219"
	CodePolicyBroken  = "CG301"
	CodeNewPolicy     = "CG302"
	CodeUnknownName   = "CG303"
	CodeFloorBroken   = "CG304"
	CodeIdle          = "CG305"
	CodeReplacedTeam  = "CG306"
	CodeSyntax        = "CG310"
	CodeUnknownKey    = "CG311"
	CodeDuplicate     = "CG312"
	CodeValue         = "CG313"
	CodeGlob          = "CG314"
	CodeEmpty         = "CG315"
	CodeEffectiveDate = "CG401"
	CodeTime          = "CG402"
	CodeScheduled     = "CG403"
	CodeBackdated     = "CG404"
	CodeNotice        = "CG405"
	CodeFreeze        = "CG406"
	CodeNoticeWait    = "CG407"
	CodeHold          = "CG501"
	CodeWaiver        = "CG502"
	CodeBreakGlass    = "CG503"
	CodeOverdue       = "CG504"
	CodeVoid          = "CG505"
	CodeLate          = "CG506"
	CodeManifest      = "CG601"
	CodeVersionForm   = "CG602"
	CodeVersionStays  = "CG603"
	CodeVersionUsed   = "CG604"
	CodeVersionFalls  = "CG605"
	CodeReplaces      = "CG606"
	CodeVersionGone   = "CG607"
	CodeNoRelease     = "CG608"
	CodeGap           = "CG901"
	CodeUnfinished    = "CG902"
)

// A Code is a finding code's meaning.
type Code struct {
	ID    string `json:"code"`
	Name  string `json:"name"`
	State State  `json:"state,omitempty"` // what an unmet finding makes of the change
	Help  string `json:"help"`
	act   string // what the author does, for the title
}

// Codes returns every finding code in order. The table is the reference that
// `changegate explain` prints.
func Codes() []Code { return slices.Clone(codes) }

// Explain returns the meaning of a code.
func Explain(id string) (Code, bool) {
	i, ok := slices.BinarySearchFunc(codes, id, func(c Code, id string) int { return strings.Compare(c.ID, id) })
	if !ok {
		return Code{}, false
	}
	return codes[i], true
}

// codes are in order of ID.
var codes = []Code{
	{CodeApprovals, "approvals missing", Waiting, "The group's rule asks for approvals that were not given yet. An approval is a GitHub review (Files changed > Review changes > Approve) by a human the rule allows, who did not contribute to the change.", ""},
	{CodeStale, "approvals stale", Waiting, "An approval was given, but the governed content, the change request or the base branch changed since. The same person, or another allowed one, looks at the difference and approves again.", ""},
	{CodeChangesRequested, "changes requested", Failure, "Somebody the rule allows asked for changes. It blocks until that person approves or the review is dismissed.", ""},
	{CodeUnattributed, "commit of unknown origin", Author, "GitHub cannot name the author or committer of a commit, who pushed it, or the author of the pull request, so nobody can say whether an approver wrote it. Add the e-mail address to a GitHub account, or amend the commit with a known one and push again.", "name who wrote each commit"},
	{CodeNoInitiator, "nobody answers for an agent's pull request", Author, "A bot opened the pull request and nothing says for whom. Assign a human, or write `requested_by: login` in the change request: that person's approval then does not count.", "name who asked for this change"},
	{CodeOffline, "not known locally", Waiting, "Reviews, roles and checks live on GitHub; a local clone does not have them.", ""},
	{CodeUnknownPush, "push of unknown origin", Author, "A commit became the head of the pull request in a push nobody is known to have made, so nobody can say whether an approver pushed it. Push the commits to a new branch and open the pull request from there.", "push the commits to a new branch"},
	{CodeNoRequester, "requested_by names nobody GitHub knows", Author, "requested_by of the change request is no login of an account, so whoever is meant could approve their own change. Write the login of a person.", "name a known login in requested_by"},
	{CodeNoOwner, "no code owner", Author, "The group's rule asks for the code owners, and CODEOWNERS on the base branch gives a changed file none: no line matches it, the last line that matches names nobody, or there is no such file. Add a line to CODEOWNERS on the base branch, or name a team beside codeowners in the policy.", "give every governed file a code owner"},
	{CodeOwnersLine, "CODEOWNERS line not understood", Author, "The line would decide who owns a changed file, and it cannot be followed: its form is not GitHub's, or an owner is an e-mail address or a team GitHub does not know. Correct it on the base branch. Such lines about other files are listed and block nothing.", "mend CODEOWNERS"},
	{CodeByAuthor, "review by the author", "", "Separation of duties: the author's own review does not count.", ""},
	{CodeByContributor, "review by a contributor", "", "Separation of duties: whoever wrote, committed, co-authored, pushed or asked for any commit of the change is a contributor and cannot approve it.", ""},
	{CodeByBot, "review by a bot", "", "Only humans approve.", ""},
	{CodeNotAllowed, "review by somebody the rule does not name", "", "The reviewer is in none of the rule's teams, is not named by login, and has less than the named permission.", ""},
	{CodeOldContent, "review of older content", "", "The governed content changed after the commit that was reviewed, or the base branch was moved back so that the pull request changes more than was seen.", ""},
	{CodeOldRequest, "review before the change request was edited", "", "A key of the change request other than why and ticket changed after the review.", ""},
	{CodeOldBase, "review for another base branch", "", "The pull request was retargeted after the review.", ""},
	{CodeDismissed, "review dismissed", "", "A dismissed review counts for nothing and does not revive an older one.", ""},
	{CodeComment, "comment only", "", "A review that only comments changes nothing.", ""},
	{CodeSuperseded, "superseded review", "", "The same person's later review wins.", ""},
	{CodeNobody, "review by a deleted account", "", "GitHub no longer names the reviewer, so nobody can say whether they may approve.", ""},
	{CodeNamesake, "the login names another account now", "", "The rule names a login, and whoever had it when the policy was read has renamed or deleted the account. A login can be taken by anybody then, so its new owner does not count. The renamed account still does. Otherwise write the login of the person who is meant in the policy: each version of it names whoever has the login when it is first read.", ""},
	{CodePartial, "review known in part", "", "GitHub does not say when the review was given, or for which commit. A new review by the same person counts.", ""},
	{CodeCheckPending, "required check not finished", Waiting, "A check that the group requires has not reported success on the head commit from the named App.", ""},
	{CodeCheckFailed, "required check failed", Author, "A check that the group requires ended without success on the head commit.", "get the required checks green"},
	{CodeWorkflowEdit, "workflow edited", Waiting, "The pull request edits a workflow, so it can write its own result: a check from github-actions then needs one approval from maintain beside it.", ""},
	{CodeNoRequest, "change request missing", Author, "A governed change declares itself: a fenced yaml block with a top-level change: key in the description, or one file .changes/<slug>.yml.", "add a change request"},
	{CodeRollback, "rollback plan missing", Author, "The group requires a rollback plan: rollback.to names what production goes back to (a commit or tag on the base branch, path@commit, or revert).", "add a rollback plan"},
	{CodeBadRequest, "change request unreadable", Failure, "The change request is not in the form that the reference gives. Every problem is listed with its line and what to write instead.", ""},
	{CodeWhy, "why is missing", Author, "The change request says in one sentence why the change is made.", "say why"},
	{CodeTwoRequests, "two change requests disagree", Failure, "The description and a file under .changes/, or two files, declare different things. Keep one.", ""},
	{CodeNoTarget, "rollback target unknown", Author, "rollback.to names nothing in the repository, or more than one thing. Name a commit or tag of the base branch, path@commit, or revert.", "fix the rollback target"},
	{CodeOutsideBase, "rollback target not on the base branch", Author, "rollback.to must be in the history of the base branch: anything else was never in production.", "fix the rollback target"},
	{CodeAmbiguous, "rollback target ambiguous", Author, "rollback.to names more than one thing: a short commit id that several commits begin with, or a name that is both a tag and a commit's id. Write the whole id of the commit.", "say which rollback target is meant"},
	{CodeSameTarget, "rollback target undoes nothing", Author, "At the target a governed file is what this change leaves anyway, so that a rollback to it would not take the change back. Name the version before the change.", "name a rollback target that undoes this"},
	{CodeConflict, "revert conflicts", Author, "Taking the change out of the base branch as it is now conflicts: the base branch has changed the same lines. Merge the base branch into the pull request's branch, so that it is clear what the change does, and the plan is verified again.", "merge the base branch: a rollback would conflict"},
	{CodeNotRestorable, "rollback target not restorable", Author, "What the target has at a governed path cannot be restored or read: a submodule or symbolic link, a file that would have to be merged and is binary or above 1 MiB, or a policy or agent's manifest that does not load there.", "name a rollback target that can be restored"},
	{CodeBoilerplate, "template text is no rollback plan", Author, "rollback.how or rollback.to is what a template or habit puts there (revert, n/a, tbd, as above). Nobody on call can act by it. rollback.to alone is a plan: it is verified and can be carried out.", "replace the template text in the rollback plan"},
	{CodePartTarget, "rollback target covers a part", Author, "path@commit restores one file, or what is below one folder, and the change has governed files beside it. Name the commit alone, which covers every file of the change.", "cover every file by the rollback target"},
	{CodeUnverified, "rollback target not verified", Author, "Part of what verifies the target could not be read, such as the history that a shallow clone lacks. A plan of which that is not known is not taken for one that works.", "name a rollback target that can be verified"},
	{CodeUndo, "rollback of an earlier change", "", "Every governed file of the pull request is, byte for byte, what the rollback plan of an earlier change restores, and the base branch still has what that change left. So each group asks for no more than `rollback_approvals` of the policy (default 1), and no effective date, notice or freeze holds it back. Everything else stands, and the files that say who approves ask for all their approvals.", ""},
	{CodeTagWas, "tag of the rollback target moved", Author, "The tag that rollback.to names was moved while the pull request was open. Whoever approved may have looked at what it stood for then, and the plan would be another one. Name the commit: that changes the change request, so approvals are given anew for it. A tag that is moved back is as it was.", "name the commit: the rollback tag was moved"},
	{CodeTagMoved, "tag of a rollback plan moved", "", "The tag that a merged change's rollback plan names was moved or deleted after the merge. What is restored is the commit that it was on when the plan was approved, which is recorded: the plan still works.", ""},
	{CodePolicyBroken, "policy does not load", Failure, "The policy file on the base branch has errors, so nothing can be judged by it. A maintainer repairs it on the base branch.", ""},
	{CodeNewPolicy, "new policy does not load", Failure, "The pull request changes the policy file and the new version has errors.", ""},
	{CodeUnknownName, "unknown team or login", Failure, "The policy names a team or login that GitHub does not know or does not show to the App.", ""},
	{CodeFloorBroken, "organisation policy does not load", Failure, "The organisation's policy, .github/changegate.yml in its .github repository, has errors. It adds to the policy of every repository, so nothing can be judged until whoever maintains it repairs it there.", ""},
	{CodeIdle, "group governs no file", "", "The new policy has a group whose paths match no file of the repository: a misspelt path governs nothing, silently. It does not block, because the files may come later; look at it before approving the policy.", ""},
	{CodeReplacedTeam, "team replaced", Failure, "The policy or CODEOWNERS names a team, and the team of that name is another one than when that text was first read: names are free again when a team is deleted or renamed, and members may often create teams. If the new team is meant, merge a new version of the text that names it.", ""},
	{CodeSyntax, "not readable YAML", "", "The text is not YAML of the plain kind used here: one document, UTF-8, no anchors, aliases or tags.", ""},
	{CodeUnknownKey, "unknown key", "", "Keys are those of the reference; a misspelt key would otherwise be a rule that silently does not exist.", ""},
	{CodeDuplicate, "written twice", "", "A key or name stands twice; which one was meant cannot be known.", ""},
	{CodeValue, "value not understood", "", "The value is not of the form that the key takes.", ""},
	{CodeGlob, "path pattern not understood", "", "Patterns are anchored at the repository's root; ** crosses folders, ! excludes, case is ignored.", ""},
	{CodeEmpty, "nothing there", "", "A policy needs at least one group, a group at least one path and one approval; an empty list would be a rule that lets nobody or everybody through.", ""},
	{CodeEffectiveDate, "effective date missing", Author, "The group requires effective_at in the change request: an instant with zone, or on-merge.", "add an effective date"},
	{CodeTime, "time not understood", "", "Times are RFC 3339 with an offset, or local time and IANA zone (2026-11-30 09:00 Europe/Berlin), or on-merge. No zone, a bare date, an abbreviation, or a local time that a clock change skips or repeats would be a guess.", ""},
	{CodeScheduled, "waiting for the effective date", Scheduled, "Approved and complete; the check turns green by itself at effective_at.", ""},
	{CodeBackdated, "effective date in the past", Author, "effective_at lay in the past when it was declared. Write a later instant, or on-merge.", "set a later effective date"},
	{CodeNotice, "notice too short", Author, "The group asks for a least time between the last approval and effective_at. Write a later effective_at and have it approved again.", "set a later effective date"},
	{CodeFreeze, "freeze window", Frozen, "A freeze window covers the group now; the check goes on by itself when it ends.", ""},
	{CodeNoticeWait, "waiting for the notice to pass", Scheduled, "With effective_at: on-merge, the notice runs from the last approval.", ""},
	{CodeHold, "on hold", Waiting, "Somebody whom an approvals rule of the change allows wrote `/change hold`. It waits until they, or somebody of the same team or permission who did not contribute, write `/change unhold`. No exception waives it.", ""},
	{CodeWaiver, "freeze waived", "", "An exception: `/change waive freeze` lets one commit pass in the freezes that were active when it was written, until they end. It is reviewed afterwards like every exception.", ""},
	{CodeBreakGlass, "break-glass", "", "An exception: `/change break-glass` lets one commit pass for a while without approvals, dates, freezes and required checks. What says what the change is, how to take it back and who is behind it stays required, as do the approvals for the policy file and CODEOWNERS. Somebody else reviews it afterwards with `/change ack`.", ""},
	{CodeOverdue, "exception not reviewed in time", Waiting, "An exception of this pull request was due for its review. Until somebody who may writes `/change ack EX-n outcome: what the review found`, the pull request waits.", ""},
	{CodeVoid, "exception covers nothing any more", "", "An exception is of one commit and for a while. It ends by itself, with any push, when whoever opened it becomes a contributor, and when the policy no longer names what let them open it. Its review afterwards is due all the same.", ""},
	{CodeLate, "exception reviewed late", "", "The review of an exception came after it was due. The pull request is not held back by that any more; the record keeps both times.", ""},
	{CodeManifest, "agent manifest unreadable", Author, "A file of a group of kind agent-version has, or may have, the version of an agent, and it cannot be read: more than one document, a key twice, an anchor or a tag, or no YAML or JSON at all. Mend the file; if it is no manifest, exclude its path from the group.", "mend the agent's manifest"},
	{CodeVersionForm, "version of no known form", Author, "A version is MAJOR.MINOR.PATCH, with -prerelease and +build where wanted (semver.org 2.0.0): 3.5.0, not v3.5.0, 3.5 or 03.5.0, which different programs take for different versions.", "write the version as MAJOR.MINOR.PATCH"},
	{CodeVersionStays, "released version changed", Author, "A version that stood on the base branch is released, and what was released under a number stays as it is. A change to any governed file of the agent, its manifest included, comes with a higher version.", "raise the agent's version"},
	{CodeVersionUsed, "version used before", Author, "The version stood on the base branch before, with other content. Two agents of one number cannot be told apart in an incident: write one above every version released so far. To have the earlier version back as it was, roll back the change that replaced it.", "write a version that was not used"},
	{CodeVersionFalls, "version lowered", Author, "Versions rise: each is above every one released before it, those that were rolled back included. Numbers may be skipped. To have an earlier version back, roll back the change that replaced it: its exact content passes.", "write a higher version"},
	{CodeReplaces, "what the version replaces is not said, or is wrong", Author, "A new version names the one on the base branch that it replaces: with replaces: in the manifest, or as rollback.to in the change request. A first version replaces nothing.", "name the version that is replaced"},
	{CodeVersionGone, "version removed", Author, "The manifest lost its version, or was deleted while files that it gave a version to remain. They would be changed under no number.", "keep the agent's version"},
	{CodeNoRelease, "rollback target is no earlier release", Author, "The change releases a version of an agent, and rollback.to would not bring back one that was released before. Name the version on the base branch, or a commit, tag or path@commit that has an earlier one.", "fix the rollback target"},
	{CodeGap, "not read whole", Failure, "Part of the change could not be read completely. A verdict on part of a change is never green.", ""},
	{CodeUnfinished, "could not finish", Failure, "ChangeGate or GitHub had a fault. It is not caused by the change and is retried.", ""},
}
