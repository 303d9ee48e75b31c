package bot_test

import (
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"changegate/checks/githubtest"
)

// happens makes an event happen and lets the bot react to it.
func happens(ts *testscript.TestScript, w *world, event func()) {
	w.gh.ResetCalls()
	event()
	ts.Check(w.settle())
}

// cmdBranch pushes to a branch that is of no pull request yet. A new one begins on
// the default branch, or where from= says; without a FOLDER that is all.
func cmdBranch(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 2, "branch NAME BY [FOLDER] [from=BRANCH] "+howUsage)
	files := laid(ts, w, args[2:])
	happens(ts, w, func() {
		if from := named["from"]; from != "" {
			w.repo.Branch(args[0], from)
		}
		if len(args) > 2 {
			w.repo.Push(args[1], args[0], files, how(named))
		}
	})
}

func cmdOpen(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 3, "open BY FOLDER|- BODY [effective_at=TIME] [head=BRANCH] [base=BRANCH] [fork=yes] [draft=yes] [assign=LOGIN] "+howUsage)
	pr := githubtest.PR{
		Head: named["head"], Base: named["base"], Title: "Lower the refund limit", Commit: how(named),
		Fork: named["fork"] != "", Draft: named["draft"] != "",
	}
	if args[1] != "-" { // the head branch as it is
		pr.Files = laid(ts, w, args[1:2])
	}
	if login := named["assign"]; login != "" {
		pr.Assignees = []string{login}
	}
	var err error
	pr.Body, err = w.body(args[2])
	ts.Check(err)
	pr.Body = dated(pr.Body, named)
	happens(ts, w, func() { w.pull = w.repo.Open(args[0], pr) })
	w.pulls = append(w.pulls, w.pull)
}

// cmdPull lets the story go on with a pull request by its number.
func cmdPull(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "pull NUMBER")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	if w.pull = w.repo.Pull(n); w.pull == nil {
		ts.Fatalf("there is no pull request %d", n)
	}
}

// cmdTwin opens a second pull request for the same head and base.
func cmdTwin(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "twin BY BODY")
	body, err := w.body(args[1])
	ts.Check(err)
	w.before = w.pull
	w.repo.Branch("twin", w.pull.Head())
	happens(ts, w, func() {
		w.pull = w.repo.Open(args[0], githubtest.PR{Head: "twin", Base: w.pull.Base(), Title: "The same again", Body: body})
	})
	w.pulls = append(w.pulls, w.pull)
}

const howUsage = "[author=WHO] [committer=WHO] [coauthor=WHO] [web=yes] [rename=OLD:NEW] [remove=PATH] [mode=PATH:MODE]"

// how reads how a commit is made. WHO is a login, "Name <mail>", or unknown: an
// address that is nobody's. web=yes is GitHub's own editor, which signs.
func how(named map[string]string) githubtest.Commit {
	const unknown = "Somebody <somebody@nowhere.invalid>"
	c := githubtest.Commit{Message: "Change the prompt", Author: named["author"], Committer: named["committer"], WebFlow: named["web"] != ""}
	if c.Author == "unknown" {
		c.Author, c.Committer = unknown, unknown
	}
	if who := named["coauthor"]; who != "" {
		c.CoAuthors = []string{who}
	}
	if old, to, ok := strings.Cut(named["rename"], ":"); ok {
		c.Move = map[string]string{old: to}
	}
	if path := named["remove"]; path != "" {
		c.Remove = []string{path}
	}
	if path, mode, ok := strings.Cut(named["mode"], ":"); ok {
		c.Modes = map[string]string{path: mode}
	}
	return c
}

func cmdPush(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 1, "push BY [FOLDER] "+howUsage)
	files := laid(ts, w, args[1:])
	happens(ts, w, func() { w.pull.Push(args[0], files, how(named)) })
}

// cmdForcePush replaces the commits of the pull request by one on top of the base
// branch as it is now, which is also what a rebase comes to.
func cmdForcePush(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 2, "forcepush BY FOLDER "+howUsage)
	files := laid(ts, w, args[1:])
	happens(ts, w, func() { w.pull.ForcePush(args[0], files, how(named)) })
}

// cmdMark gives the head a name, for moveto and review at=NAME.
func cmdMark(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "mark NAME")
	w.marks[args[0]] = w.pull.Head()
}

// marked is the commit a story gave a name.
func (w *world) marked(ts *testscript.TestScript, name string) string {
	if w.marks[name] == "" {
		ts.Fatalf("no commit is marked %q", name)
	}
	return w.marks[name]
}

// cmdMoveTo force pushes the head to a marked commit or to a branch.
func cmdMoveTo(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "moveto BY MARK|BRANCH")
	to := w.marks[args[1]]
	if to == "" {
		to = w.repo.Head(args[1])
	}
	happens(ts, w, func() { w.pull.Rewind(args[0], to) })
}

// cmdJoin merges one branch into another on somebody's machine and pushes it.
func cmdJoin(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 3, "join BY FROM INTO [committer=WHO]")
	happens(ts, w, func() {
		w.repo.Merge(args[0], args[2], args[1], githubtest.Commit{Committer: named["committer"]})
	})
}

// cmdMergeIn merges a branch of the repository into the head on somebody's machine.
// FOLDER is laid over what the merge comes to.
func cmdMergeIn(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 2, "mergein BY BRANCH [FOLDER] "+howUsage)
	files := laid(ts, w, args[2:])
	happens(ts, w, func() { w.pull.MergeIn(args[0], args[1], files, how(named)) })
}

// cmdUpdate presses GitHub's button that merges the base branch into the head. With
// a FOLDER it is GitHub's editor for conflicts, where somebody wrote those files.
func cmdUpdate(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "update BY [FOLDER]")
	files := laid(ts, w, args[1:])
	happens(ts, w, func() { w.pull.ResolveOnWeb(args[0], files) })
}

func cmdEdit(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 2, "edit BY BODY [effective_at=TIME] [to=TARGET]")
	body, err := w.body(args[1])
	ts.Check(err)
	body = strings.ReplaceAll(body, "$TO", w.commits(named["to"]))
	happens(ts, w, func() { w.pull.Edit(args[0], dated(body, named)) })
}

// dated is a description whose change request declares a time as well.
func dated(body string, named map[string]string) string {
	if at := named["effective_at"]; at != "" {
		return strings.Replace(body, "\n  rollback:", "\n  effective_at: "+at+"\n  rollback:", 1)
	}
	return body
}

// cmdPaste replaces words of the description by what the check suggests to write
// instead, as it stands there.
func cmdPaste(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 3, "paste BY OLD NEW")
	if c, _ := w.check(); !strings.Contains(c.Summary, args[2]) {
		ts.Fatalf("the check does not suggest %q:\n%s", args[2], c.Summary)
	}
	body := w.pull.Body()
	if strings.Count(body, args[1]) != 1 {
		ts.Fatalf("%q does not stand once in the description:\n%s", args[1], body)
	}
	happens(ts, w, func() { w.pull.Edit(args[0], strings.Replace(body, args[1], args[2], 1)) })
}

// cmdDraft makes the pull request a draft, cmdReady ends that.
func cmdDraft(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "draft BY")
	happens(ts, w, func() { w.pull.Draft(args[0]) })
}

func cmdReady(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "ready BY")
	happens(ts, w, func() { w.pull.Ready(args[0]) })
}

func cmdAssign(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "assign BY LOGIN")
	happens(ts, w, func() { w.pull.Assign(args[0], args[1]) })
}

func cmdUnassign(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "unassign BY LOGIN")
	happens(ts, w, func() { w.pull.Unassign(args[0], args[1]) })
}

func cmdLabel(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "label BY NAME")
	happens(ts, w, func() { w.pull.Label(args[0], args[1]) })
}

func cmdUnlabel(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "unlabel BY NAME")
	happens(ts, w, func() { w.pull.Unlabel(args[0], args[1]) })
}

func cmdRetarget(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "retarget BY BRANCH")
	happens(ts, w, func() { w.pull.Retarget(args[0], args[1]) })
}

func cmdReview(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 2, "review BY approve|request-changes|comment [TEXT] [at=NAME]")
	state := map[string]string{"approve": "APPROVED", "request-changes": "CHANGES_REQUESTED", "comment": "COMMENTED"}[args[1]]
	commit := ""
	if at := named["at"]; at != "" {
		commit = w.marked(ts, at)
	}
	happens(ts, w, func() { w.reviews[args[0]] = w.pull.ReviewAt(args[0], state, commit, args[2:]...) })
}

// cmdReword edits the text of somebody's newest review.
func cmdReword(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "reword BY TEXT")
	happens(ts, w, func() { w.pull.EditReview(args[0], w.reviews[args[0]], args[1]) })
}

func cmdDismiss(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "dismiss BY REVIEWER")
	happens(ts, w, func() { w.pull.Dismiss(args[0], w.reviews[args[1]]) })
}

func cmdMerge(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "merge BY [METHOD]")
	method := "squash"
	if len(args) > 1 {
		method = args[1]
	}
	happens(ts, w, func() { w.pull.Merge(args[0], method) })
}

func cmdDirect(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 2, "direct BY FOLDER "+howUsage)
	files := laid(ts, w, args[1:])
	happens(ts, w, func() { w.repo.Push(args[0], "main", files, how(named)) })
}

// cmdRewrite makes main end in one new commit on top of its first.
func cmdRewrite(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "rewrite BY FOLDER")
	files, err := w.files(args[1])
	ts.Check(err)
	happens(ts, w, func() { w.repo.ForcePush(args[0], "main", w.first, files) })
}

func cmdReport(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 3, "report APP NAME CONCLUSION [on=BRANCH|group]")
	commit := w.pull.Head()
	switch branch := named["on"]; branch {
	case "":
	case "group":
		commit = w.group(ts)
	default:
		commit = w.repo.Head(branch)
	}
	happens(ts, w, func() { w.repo.Report(args[0], commit, args[1], args[2]) })
}

// cmdFault makes GitHub fail: graphql, compare or checks; a status, truncate or close.
func cmdFault(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 3, "fault WHERE KIND COUNT")
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	path := map[string]string{"graphql": "/graphql$", "compare": "/compare/", "checks": "/check-runs", "comments": "/comments$"}[args[0]]
	if path == "" {
		ts.Fatalf("no fault at %q", args[0])
	}
	w.gh.Fault(githubtest.Fault{Path: path, Kind: args[1], Count: n})
}

// cmdClose closes the pull request; of a twin the story goes on with the one before.
func cmdClose(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "close BY")
	happens(ts, w, func() { w.pull.Close(args[0]) })
	if w.before != nil {
		w.pull = w.before
	}
}

func cmdReopen(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "reopen BY")
	happens(ts, w, func() { w.pull.Reopen(args[0]) })
}
