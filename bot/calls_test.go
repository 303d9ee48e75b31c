package bot_test

import (
	"testing"

	"changegate/checks/githubtest"
)

const enforced = `version: 1
mode: enforce
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
`

// described is a change request whose rollback target has to be looked up: the
// most that an ordinary pull request asks of GitHub.
func described(to string) string {
	return "```yaml\nchange:\n  why: Refunds above 200 EUR must go to a human\n  rollback:\n    to: " + to + "\n```\n"
}

// TestCallsPerEvent counts what each event costs in API calls: the quota is the
// real limit of an App. Budget (DESIGN): never above 4, 2 when nothing but reviews
// changed, 0 for events that cannot matter, no write when nothing changed. Leaving a
// green head costs one more: its check is taken back. So does every verdict that is
// another than before: the sticky comment says so too, where the policy wants one.
func TestCallsPerEvent(t *testing.T) {
	t.Parallel()
	w, err := newWorld(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.gh.Org("acme")
	w.repo = w.gh.Repo("acme/agents", githubtest.Files{".github/changegate.yml": enforced, "prompts/a.md": "one\n", "README.md": "hi\n"})
	for login, role := range map[string]string{"dev1": "write", "rev1": "write", "rev2": "write"} {
		w.gh.User(login)
		w.repo.Role(login, role)
	}
	w.gh.Install("acme")
	if err := w.settle(); err != nil {
		t.Fatal(err)
	}
	base := w.repo.Head("main")
	branch := func(name string) func() {
		return func() { w.repo.Push("dev1", name, githubtest.Files{"prompts/a.md": "changed in " + name + "\n"}) }
	}
	open := func(head string) func() {
		return func() {
			w.pull = w.repo.Open("dev1", githubtest.PR{Head: head, Title: "Change", Body: described(base[:7])})
		}
	}
	w.costs(t, []costing{
		{"push of a topic branch, cold", branch("one"), 1, 1, ""},
		{"open, cold", open("one"), 5, 5, "Waiting for 1 approval"},
		{"push of a topic branch, warm", branch("two"), 0, 0, "Waiting for 1 approval"},
		{"open, warm", open("two"), 5, 5, "Waiting for 1 approval"},
		// Once for a server: whose comments are its own.
		{"push", func() { w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n"}) }, 6, 6, "Waiting for 1 approval"},
		{"review that approves, warm", func() { w.pull.Review("rev1", "APPROVED") }, 3, 3, "Ready"},
		{"review that only comments", func() { w.pull.Review("rev2", "COMMENTED") }, 2, 2, "Ready"},
		{"the same description again", func() { w.pull.Edit("dev1", described(base[:7])+"\n") }, 2, 1, "Ready"},
		{"title edited", func() { w.pull.Retitle("dev1", "A better title") }, 2, 1, "Ready"},
		{"push of a tag", func() { w.repo.Tag("v1", "main") }, 0, 0, "Ready"},
		{"push that leaves a green head", func() { w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "four\n"}) }, 6, 6, "Approvals stale"},
	})
}

// TestCallsOfAPlan counts what it costs to work out what a rollback leaves. The folders
// that it takes are in the look-up; a review asks nothing of it again, the tag that it
// names is read with the pull request, and a push to the base branch has every open pull
// request judged again, against the branch as it is now.
func TestCallsOfAPlan(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	w.repo.Tag("v1", "main")
	to := func(to string) func() { return func() { w.pull.Edit("dev1", described(to)) } }
	base := func(file, text string) func() {
		return func() { w.repo.Push("rev1", "main", githubtest.Files{file: text}) }
	}
	w.costs(t, []costing{
		{"description with a tag", to("v1"), 5, 5, "Waiting for 1 approval"},
		{"the same description again", func() { w.pull.Edit("dev1", described("v1")+"\n") }, 2, 1, "Waiting for 1 approval"},
		{"comment in a review", func() { w.pull.Review("rev2", "COMMENTED") }, 2, 2, "Waiting for 1 approval"},
		{"description with a revert", to("revert"), 3, 3, "Waiting for 1 approval"},
		{"comment in a review, of a revert", func() { w.pull.Review("rev2", "COMMENTED") }, 2, 2, "Waiting for 1 approval"},
		{"push to the base branch beside it", base("README.md", "more\n"), 8, 8, "Waiting for 1 approval"},
		{"comment in a review, after the push", func() { w.pull.Review("rev2", "COMMENTED") }, 2, 2, "Waiting for 1 approval"},
		{"push to the base branch of the same file", base("prompts/a.md", "other\n"), 10, 10, ""},
		{"comment in a review, after that", func() { w.pull.Review("rev2", "COMMENTED") }, 2, 2, ""},
	})
}

// A costing is an event and what it may cost.
type costing struct {
	event   string
	do      func()
	most    int
	want    int // exactly, when not negative
	verdict string
}

func (w *world) costs(t *testing.T, steps []costing) {
	t.Helper()
	for _, s := range steps {
		w.later()
		w.gh.ResetCalls()
		s.do()
		w.works(t)
		n := w.calls()
		t.Logf("%-42s %d calls", s.event, n)
		if n > s.most || s.want >= 0 && n != s.want {
			t.Errorf("%s costs %d calls, want at most %d:\n%s", s.event, n, s.most, w.callList())
		}
		if s.verdict != "" {
			w.shows(t, s.verdict)
		}
	}
}

const enforcedByOwners = `version: 1
mode: enforce
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals:
      - {count: 2, from: ["@acme/owners"]}
`

// TestCallsOfATeam counts what an event costs under a policy that asks for a team:
// memberships are remembered from one reading to the next, asked for somebody new,
// asked once more right before a verdict turns green, and again after an event that
// changed one. Pushes that webhooks told of cost nothing more.
func TestCallsOfATeam(t *testing.T) {
	t.Parallel()
	w := gated(t, enforcedByOwners, "rev1", "rev2", "rev3")
	w.shows(t, "Cannot")
	w.gh.Team("acme/owners", "rev1", "rev2", "rev3")
	w.gh.Team("acme/others", "dev1")
	w.repo.TeamRole("acme/owners", "write")
	w.works(t)
	w.shows(t, "Waiting for 2 approvals") // the team that was missing is there
	var review int64
	w.costs(t, []costing{
		{"first approval, by somebody new", func() { review = w.pull.Review("rev1", "APPROVED") }, 4, 4, "Waiting for 1 approval"},
		{"changes requested by somebody known", func() { review = w.pull.Review("rev1", "CHANGES_REQUESTED") }, 3, 3, "Changes requested"},
		{"dismissal by somebody known", func() { w.pull.Dismiss("rev1", review) }, 3, 3, "Waiting for 2 approvals"},
		{"approval by somebody known", func() { w.pull.Review("rev1", "APPROVED") }, 4, -1, "Waiting for 1 approval"},
		{"second approval, by somebody new", func() { review = w.pull.Review("rev2", "APPROVED") }, 4, 4, "Ready"},
		{"dismissal", func() { w.pull.Dismiss("rev1", review) }, 3, 3, "Waiting for 1 approval"},
		{"approval that turns it green, by somebody known", func() { w.pull.Review("rev2", "APPROVED") }, 4, 4, "Ready"},
		{"comment in a review", func() { w.pull.Review("rev1", "COMMENTED") }, 2, 2, "Ready"},
		{"label", func() { w.pull.Label("dev1", "urgent") }, 0, 0, "Ready"},
		{"comment", func() { w.pull.Comment("rev1", "looks good") }, 0, 0, "Ready"},
		{"a check nobody requires turns red", func() { w.repo.Report("lint", w.pull.Head(), "lint", "failure") }, 0, 0, "Ready"},
		{"push of a topic branch", func() { w.repo.Push("dev1", "elsewhere", githubtest.Files{"prompts/z.md": "z\n"}) }, 0, 0, "Ready"},
		{"somebody leaves a team nobody asks for", func() { w.gh.LeaveTeam("acme/others", "dev1") }, 0, 0, "Ready"},
		{"somebody without an opinion leaves the team", func() { w.gh.LeaveTeam("acme/owners", "rev3") }, 0, 0, "Ready"},
		{"an approver leaves the team", func() { w.gh.LeaveTeam("acme/owners", "rev2") }, 4, 4, "Waiting for 1 approval"},
		{"converted to a draft", func() { w.pull.Draft("dev1") }, 2, -1, "Waiting for 1 approval"},
	})
}

// TestManyComments: of the conversation one page more than usual is read, once, it is
// said that there was more, and comments in files, each a review of its own, are passed over where there are many.
// Nobody can hold a pull request back, or use up the quota, by writing.
func TestManyComments(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	w.gh.Hook("") // nobody counts what these cost: what follows them is counted
	for range 10_000 {
		w.pull.Comment("rev2", "what about this?")
	}
	for range 2_000 {
		w.pull.Review("rev2", "COMMENTED")
	}
	refused := w.pull.Review("rev2", "CHANGES_REQUESTED")
	w.gh.Hook(w.server.URL + "/webhook")
	w.costs(t, []costing{
		{"approval among 12,000 comments", func() { w.pull.Review("rev1", "APPROVED") }, 6, 6, "Changes requested"},
		{"dismissal among 2,000 comments", func() { w.pull.Dismiss("rev1", refused) }, 5, 5, "Ready"},
		{"one comment more", func() { w.pull.Review("rev2", "COMMENTED") }, 2, 2, "Ready"},
	})
}

// TestCallsOfCommands counts what a command costs beside its verdict: two reactions,
// what its author may do, and a comment where it is answered in one. Words that are no
// command cost nothing.
func TestCallsOfCommands(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	say := func(by, body string) func() { return func() { w.pull.Comment(by, body) } }
	w.costs(t, []costing{
		{"status, the first command", say("rev2", "/change status"), 5, 5, "Waiting for 1 approval"}, // asks once which App we are
		{"status", say("rev2", "/change status"), 4, 4, "Waiting for 1 approval"},
		{"misspelt", say("rev2", "/change hodl"), 4, 4, "Waiting for 1 approval"},
		{"help", say("rev2", "/change help"), 5, 5, "Waiting for 1 approval"},
		{"a hold that is refused", say("rev2", "/change hold"), 5, 5, "Waiting for 1 approval"},
		{"hold, with check and sticky comment", say("rev1", "/change hold"), 6, 6, "Waiting for"},
		{"unhold", say("rev1", "/change unhold"), 6, 6, "Waiting for 1 approval"},
		{"recheck, which reads twice", say("rev2", "/change recheck"), 5, 5, "Waiting for 1 approval"},
		{"break-glass", say("lead1", breakGlass), 7, 7, "BREAK-GLASS"},
		{"quoted", say("rev2", "> /change hold"), 0, 0, "BREAK-GLASS"},
	})
}
