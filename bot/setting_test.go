package bot_test

import (
	"cmp"
	"context"
	"maps"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"changegate/checks/githubtest"
)

// cmdRepository makes the story's repository. Folders are laid over each other.
func cmdRepository(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "repository OWNER/NAME FOLDER ...")
	owner, _, _ := strings.Cut(args[0], "/")
	w.gh.Org(owner)
	w.repo = w.gh.Repo(args[0], laid(ts, w, args[1:]))
	w.first = w.repo.Head("main")
	w.gh.Install(owner)
	ts.Check(w.settle())
}

func laid(ts *testscript.TestScript, w *world, folders []string) githubtest.Files {
	all := githubtest.Files{}
	for _, folder := range folders {
		files, err := w.files(folder)
		ts.Check(err)
		maps.Copy(all, files)
	}
	return all
}

// cmdFloor gives the organisation a .github repository, or the next version of it.
func cmdFloor(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "floor BY FOLDER")
	files := laid(ts, w, args[1:])
	if w.floor == nil {
		w.floor = w.gh.Repo("acme/.github", files)
		return
	}
	happens(ts, w, func() { w.floor.Push(args[0], "main", files) })
}

// cmdPeople gives people a role, or another one.
func cmdPeople(ts *testscript.TestScript, w *world, args []string) {
	happens(ts, w, func() {
		for _, a := range args {
			login, role, ok := strings.Cut(a, ":")
			if !ok {
				ts.Fatalf("usage: people LOGIN:ROLE ...")
			}
			w.gh.User(login)
			w.repo.Role(login, role)
		}
	})
}

func cmdBot(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "bot LOGIN:ROLE")
	login, role, _ := strings.Cut(args[0], ":")
	w.gh.Bot(login)
	happens(ts, w, func() { w.repo.Role(login, role) })
}

// cmdTeam makes a team, or lets people join it, and gives it a role in the
// repository.
func cmdTeam(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 1, "team ORG/SLUG LOGIN ... [role=ROLE]")
	happens(ts, w, func() {
		w.gh.Team(args[0], args[1:]...)
		w.repo.TeamRole(args[0], cmp.Or(named["role"], "write"))
	})
}

// cmdInvite asks somebody to join a team; the team command says that they did.
func cmdInvite(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "invite ORG/SLUG LOGIN")
	happens(ts, w, func() { w.gh.Invite(args[0], args[1]) })
}

// cmdChild puts a team below another.
func cmdChild(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "child PARENT TEAM")
	happens(ts, w, func() { w.gh.ChildTeam(args[0], args[1]) })
}

// cmdLeave takes somebody out of a team, or out of the organisation.
func cmdLeave(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "leave ORG/SLUG|ORG LOGIN")
	happens(ts, w, func() {
		if strings.Contains(args[0], "/") {
			w.gh.LeaveTeam(args[0], args[1])
		} else {
			w.gh.LeaveOrg(args[0], args[1])
		}
	})
}

// cmdDissolve deletes a team.
func cmdDissolve(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "dissolve ORG/SLUG")
	happens(ts, w, func() { w.gh.DeleteTeam(args[0]) })
}

// cmdAccount changes what an account is: its login, the addresses its commits may
// carry, or that it exists.
func cmdAccount(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "account LOGIN renamed NEW | has ADDRESS | deleted")
	happens(ts, w, func() {
		switch word := args[1]; {
		case word == "deleted":
			w.gh.DeleteUser(args[0])
		case word == "renamed" && len(args) == 3:
			w.gh.Rename(args[0], args[2])
		case word == "has" && len(args) == 3:
			w.gh.Email(args[0], args[2])
		default:
			ts.Fatalf("nothing known of %q", args)
		}
	})
}

// cmdGone deletes somebody's fork, or a branch of the repository.
func cmdGone(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 3, "gone BY fork|branch LOGIN|BRANCH")
	happens(ts, w, func() {
		if args[1] == "fork" {
			w.repo.DeleteFork(args[2])
		} else {
			w.repo.DeleteBranch(args[0], args[2])
		}
	})
}

// cmdServer stops the server, so that webhooks are lost and nothing is done on time,
// or starts it again on the same folder, when it looks at everything as
// cmd/changegate does.
func cmdServer(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "server off|on")
	if args[0] == "off" {
		w.gh.Hook("")
		w.off = true
		return
	}
	w.server.Close()
	ts.Check(w.st.Close())
	ts.Check(w.start(w.data))
	w.off = false
	happens(ts, w, func() { ts.Check(w.bot.SweepOnce(context.Background())) })
}
