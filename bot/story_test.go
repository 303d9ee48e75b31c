package bot_test

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"changegate/checks/githubtest"
)

// newTransport gives every story connections of its own.
func newTransport() http.RoundTripper {
	return http.DefaultTransport.(*http.Transport).Clone()
}

// happens makes an event happen and lets the bot react to it.
func happens(ts *testscript.TestScript, w *world, event func()) {
	w.gh.ResetCalls()
	event()
	ts.Check(w.settle())
}

func cmdRepository(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "repository OWNER/NAME FOLDER")
	files, err := w.files(args[1])
	ts.Check(err)
	owner, _, _ := strings.Cut(args[0], "/")
	w.gh.Org(owner)
	w.repo = w.gh.Repo(args[0], files)
	w.first = w.repo.Head("main")
	w.gh.Install(owner)
	ts.Check(w.settle())
}

func cmdPeople(ts *testscript.TestScript, w *world, args []string) {
	for _, a := range args {
		login, role, ok := strings.Cut(a, ":")
		if !ok {
			ts.Fatalf("usage: people LOGIN:ROLE ...")
		}
		w.gh.User(login)
		w.repo.Role(login, role)
	}
}

func cmdBot(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "bot LOGIN:ROLE")
	login, role, _ := strings.Cut(args[0], ":")
	w.gh.Bot(login)
	w.repo.Role(login, role)
}

func cmdTeam(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "team ORG/SLUG LOGIN ...")
	w.gh.Team(args[0], args[1:]...)
	w.repo.TeamRole(args[0], "write")
}

func cmdBranch(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 3, "branch NAME BY FOLDER")
	files, err := w.files(args[2])
	ts.Check(err)
	happens(ts, w, func() { w.repo.Push(args[1], args[0], files) })
}

func cmdOpen(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 3, "open BY FOLDER BODY [base=BRANCH] [rename=OLD:NEW]")
	files, err := w.files(args[1])
	ts.Check(err)
	body, err := w.body(args[2])
	ts.Check(err)
	pr := githubtest.PR{Base: named["base"], Title: "Lower the refund limit", Body: body, Files: files}
	if old, to, ok := strings.Cut(named["rename"], ":"); ok {
		pr.Commit.Move = map[string]string{old: to}
	}
	happens(ts, w, func() { w.pull = w.repo.Open(args[0], pr) })
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
}

// commit reads how a push is made: author=unknown, coauthor=LOGIN.
func commit(named map[string]string) []githubtest.Commit {
	c := githubtest.Commit{Message: "Change the prompt"}
	if named["author"] == "unknown" {
		c.Author, c.Committer = "Somebody <somebody@nowhere.invalid>", "Somebody <somebody@nowhere.invalid>"
	}
	if login := named["coauthor"]; login != "" {
		c.CoAuthors = []string{login}
	}
	return []githubtest.Commit{c}
}

func cmdPush(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 2, "push BY FOLDER [author=unknown] [coauthor=LOGIN]")
	files, err := w.files(args[1])
	ts.Check(err)
	happens(ts, w, func() { w.pull.Push(args[0], files, commit(named)...) })
}

func cmdForcePush(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "forcepush BY FOLDER")
	files, err := w.files(args[1])
	ts.Check(err)
	happens(ts, w, func() { w.pull.ForcePush(args[0], files) })
}

func cmdEdit(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "edit BY BODY")
	body, err := w.body(args[1])
	ts.Check(err)
	happens(ts, w, func() { w.pull.Edit(args[0], body) })
}

func cmdRetarget(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "retarget BY BRANCH")
	happens(ts, w, func() { w.pull.Retarget(args[0], args[1]) })
}

func cmdReview(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "review BY approve|request-changes|comment [TEXT]")
	state := map[string]string{"approve": "APPROVED", "request-changes": "CHANGES_REQUESTED", "comment": "COMMENTED"}[args[1]]
	happens(ts, w, func() { w.reviews[args[0]] = w.pull.Review(args[0], state, args[2:]...) })
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
	want(ts, args, 2, "direct BY FOLDER [remove=PATH]")
	files, err := w.files(args[1])
	ts.Check(err)
	how := githubtest.Commit{Message: "Push past the gate"}
	if path := named["remove"]; path != "" {
		how.Remove = []string{path}
	}
	happens(ts, w, func() { w.repo.Push(args[0], "main", files, how) })
}

// cmdRewrite makes main end in one new commit on top of its first.
func cmdRewrite(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "rewrite BY FOLDER")
	files, err := w.files(args[1])
	ts.Check(err)
	happens(ts, w, func() { w.repo.ForcePush(args[0], "main", w.first, files) })
}

func cmdReport(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 3, "report APP NAME CONCLUSION")
	happens(ts, w, func() { w.repo.Report(args[0], w.pull.Head(), args[1], args[2]) })
}

// cmdFault makes GitHub fail: graphql, compare or checks; a status, truncate or close.
func cmdFault(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 3, "fault WHERE KIND COUNT")
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	path := map[string]string{"graphql": "/graphql$", "compare": "/compare/", "checks": "/check-runs"}[args[0]]
	if path == "" {
		ts.Fatalf("no fault at %q", args[0])
	}
	w.gh.Fault(githubtest.Fault{Path: path, Kind: args[1], Count: n})
}

// cmdClose closes the newest pull request; the story goes on with the one before.
func cmdClose(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "close BY")
	happens(ts, w, func() { w.pull.Close(args[0]) })
	w.pull = w.before
}
