package bot_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks/githubtest"
)

const emergencies = `version: 1
mode: enforce
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals: [{from: ["@acme/owners"]}]
break_glass:
  who: ["@acme/commanders"]
  reviewers: ["@acme/managers"]
`

const (
	breakGlass = "/change break-glass reason: Agent refunds without limit incident: INC-881"
	ackOne     = "/change ack EX-1 outcome: the limit is back"
)

// emergency is a world whose policy has a break-glass: rev1 owns the prompts, lead1 and
// lead2 may break the glass, boss1 reviews it.
func emergency(t *testing.T) *world {
	t.Helper()
	w := gated(t, emergencies, "rev1", "rev2", "lead1", "lead2", "boss1", "boss2")
	w.gh.Team("acme/owners", "rev1")
	w.gh.Team("acme/commanders", "lead1", "lead2")
	w.gh.Team("acme/managers", "boss1", "boss2", "lead2", "dev1")
	for _, team := range []string{"acme/owners", "acme/commanders", "acme/managers"} {
		w.repo.TeamRole(team, "write")
	}
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	return w
}

// says writes a comment and lets the bot work.
func (w *world) says(t *testing.T, by, body string) (id int64) {
	t.Helper()
	w.later()
	id = w.pull.Comment(by, body)
	w.works(t)
	return id
}

// reactions are those the App put on a comment.
func (w *world) reactions(id int64) (all []string) {
	for _, c := range w.pull.Comments() {
		if c.ID == id {
			for _, r := range c.Reactions {
				all = append(all, r.Content)
			}
		}
	}
	return all
}

// answers are the comments of the App but the sticky one.
func (w *world) answers() (all []string) {
	for _, c := range w.pull.Comments() {
		if strings.HasSuffix(c.By, "[bot]") && strings.HasPrefix(c.Body, "<!-- changegate:") && !strings.HasPrefix(c.Body, "<!-- changegate:sticky") {
			all = append(all, c.Body)
		}
	}
	return all
}

// answered fails the test unless the newest answer says so and there are n.
func (w *world) answered(t *testing.T, n int, says ...string) {
	t.Helper()
	all := w.answers()
	if len(all) != n {
		t.Fatalf("%d answers, want %d:\n%s", len(all), n, strings.Join(all, "\n---\n"))
	}
	for _, s := range says {
		if !strings.Contains(all[n-1], s) {
			t.Errorf("the answer does not say %q:\n%s", s, all[n-1])
		}
	}
}

func (w *world) reacted(t *testing.T, id int64, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.reactions(id)); diff != "" {
		t.Errorf("reactions (-want +got):\n%s", diff)
	}
}

func (w *world) records(t *testing.T, kind evidence.Kind, want int) {
	t.Helper()
	if n, err := w.count(kind); n != want || err != nil {
		t.Errorf("%d records %s, %v; want %d", n, kind, err, want)
	}
}

func (w *world) exceptions(t *testing.T) (all []store.Exception) {
	t.Helper()
	err := w.st.Read(t.Context(), func(tx *store.Tx) (err error) {
		for n := range 10 {
			some, err := tx.Exceptions(t.Context(), w.repo.ID(), n)
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBreakGlassIsOpenedAndReviewed(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	id := w.says(t, "lead1", breakGlass)
	w.shows(t, "BREAK-GLASS by lead1 (INC-881)")
	w.reacted(t, id, "eyes", "+1")
	w.answered(t, 1, "EX-1", "Agent refunds without limit", "@acme/managers")
	w.records(t, evidence.KindOpened, 1)
	w.pull.Merge("dev1", "squash")
	w.works(t)
	for by, says := range map[string]string{
		"lead1": "opened EX-1, and somebody else has to review it", "dev1": "author of this change", "rev2": "may not review exceptions",
	} {
		n := len(w.answers())
		w.reacted(t, w.says(t, by, ackOne), "eyes", "confused")
		w.answered(t, n+1, says)
	}
	n := len(w.answers())
	w.gh.Bot("build-bot")
	w.reacted(t, w.says(t, "build-bot", ackOne))
	w.answered(t, n)
	w.records(t, evidence.KindClosed, 0)
	w.reacted(t, w.says(t, "boss1", ackOne), "eyes", "+1")
	w.records(t, evidence.KindClosed, 1)
	w.reacted(t, w.says(t, "boss2", ackOne), "eyes", "confused") // the second
	w.records(t, evidence.KindClosed, 1)
	w.records(t, evidence.KindOverdue, 0)
	x := w.exceptions(t)[0]
	if x.Closed == nil || x.Closed.By.Login != "boss1" || x.Late(w.clock.now()) {
		t.Errorf("closed is %+v", x.Closed)
	}
}

// Whoever owes the review is reminded, then the exception is overdue, on record and in
// a comment, each once; a late review closes it as late.
func TestReminders(t *testing.T) {
	t.Parallel()
	for name, merged := range map[string]bool{"open": false, "merged": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := emergency(t)
			w.says(t, "lead1", breakGlass)
			at := w.exceptions(t)[0].At
			if merged {
				w.pull.Merge("dev1", "squash")
			}
			w.works(t)
			for _, step := range []struct {
				after   time.Duration
				answers int
			}{{11 * time.Hour, 1}, {12*time.Hour + time.Second, 2}, {19 * time.Hour, 2}, {20*time.Hour + time.Second, 3}, {24*time.Hour - 2*time.Second, 3}, {24*time.Hour + time.Second, 4}, {30 * time.Hour, 4}} {
				w.clock.to(at.Add(step.after - time.Second))
				w.works(t)
				if n := len(w.answers()); n != step.answers {
					t.Errorf("after %s %d comments, want %d", step.after, n, step.answers)
				}
			}
			w.answered(t, 4, "EX-1 is overdue", "@acme/managers")
			w.records(t, evidence.KindOverdue, 1)
			w.reacted(t, w.says(t, "boss1", ackOne), "eyes", "+1")
			w.records(t, evidence.KindClosed, 1)
			if x := w.exceptions(t)[0]; !x.Late(w.clock.now()) {
				t.Error("a late review does not count as late")
			}
		})
	}
}

// Reminders that nobody could give are not given all at once.
func TestRemindersAfterAnOutage(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "lead1", breakGlass)
	w.clock.to(w.clock.now().Add(72 * time.Hour))
	w.works(t)
	w.answered(t, 2, "EX-1 is overdue")
	w.records(t, evidence.KindOverdue, 1)
}

// A review that was written in time is in time, whenever it is read.
func TestReviewReadLate(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "lead1", breakGlass)
	w.pull.Merge("dev1", "squash")
	w.works(t)
	w.clock.to(w.clock.now().Add(23 * time.Hour))
	w.gh.Hook("")
	w.pull.Comment("boss1", ackOne)
	w.gh.Hook(w.server.URL + "/webhook")
	w.clock.to(w.clock.now().Add(72 * time.Hour))
	w.works(t)
	w.records(t, evidence.KindOverdue, 0)
	w.records(t, evidence.KindClosed, 1)
	if x := w.exceptions(t)[0]; x.Late(w.clock.now()) {
		t.Errorf("closed late: %+v", x.Closed)
	}
}

// What a push leaves behind is no longer covered; its review is owed all the same.
func TestBreakGlassCoversOneCommit(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "lead1", breakGlass)
	covered := w.pull.Head()
	w.later()
	w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "worse\n"})
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	w.clock.to(w.clock.now().Add(2 * time.Hour)) // the glass is closed again
	w.works(t)
	w.gh.Hook("") // and nobody has seen yet that somebody goes back there
	w.pull.Rewind("dev1", covered)
	if c, _ := w.check(); c.Conclusion == "neutral" {
		t.Errorf("the commit that was covered passes by %q", c.Title)
	}
	w.gh.Hook(w.server.URL + "/webhook")
	w.clock.to(w.clock.now().Add(24 * time.Hour))
	w.works(t)
	w.records(t, evidence.KindOverdue, 1)
}

func TestHolds(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	w.reacted(t, w.says(t, "rev2", "/change hold"), "eyes", "confused")
	w.shows(t, "Ready")
	w.reacted(t, w.says(t, "rev1", "/change hold wait for the\u202e <b>@acme/everybody</b>"), "eyes", "+1")
	w.shows(t, "Waiting for")
	w.pull.Push("dev1", githubtest.Files{"README.md": "more\n"})
	w.works(t)
	w.shows(t, "Waiting for")
	w.reacted(t, w.says(t, "dev1", "/change unhold"), "eyes", "confused")
	w.shows(t, "Waiting for")
	w.reacted(t, w.says(t, "rev1", "/change unhold"), "eyes", "+1")
	w.shows(t, "Ready")
}

// Words that are no command, or not given as one, do nothing and cost nothing.
func TestNoCommand(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"in a quote":      "> /change hold\n",
		"in a code fence": "```\n/change hold\n```\n",
		"in a list":       "- /change hold\n",
		"in a sentence":   "please /change hold\n",
		"indented":        "    /change hold\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := emergency(t)
			w.reacted(t, w.says(t, "rev1", body))
			w.answered(t, 0)
			w.shows(t, "Waiting for 1 approval")
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by, body  string
		reactions []string
		says      []string // one answer that says this; none if empty
	}{
		"help":         {"rev2", "/change help", []string{"eyes", "+1"}, []string{"/change hold", "break-glass"}},
		"status":       {"rev2", "/change status", []string{"eyes", "+1"}, []string{"Waiting for 1 approval"}},
		"recheck":      {"rev2", "/change recheck", []string{"eyes", "+1"}, nil},
		"misspelt":     {"rev2", "/change aproove", []string{"eyes", "confused"}, []string{"Review changes"}},
		"two commands": {"rev1", "/change hold\n/change brake-glass", []string{"eyes", "+1", "confused"}, []string{"break-glass"}},
		"many":         {"rev1", strings.Repeat("/change nonsense\n", 30), []string{"eyes", "confused"}, []string{"More than 9 commands"}},
		"a long reason": {"lead1", "/change break-glass reason: " + strings.Repeat("@acme/owners <img src=x> ", 2400) + " incident: X",
			[]string{"eyes", "confused"}, []string{"at most 500 are kept"}},
		"mentions": {"rev2", "/change @acme/owners", []string{"eyes", "confused"}, []string{"`/change @acme/owners`"}},
		"rollback": {"rev1", "/change rollback", []string{"eyes", "confused"}, []string{"This pull request is open, so there is nothing to take back"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := emergency(t)
			id := w.says(t, c.by, c.body)
			w.reacted(t, id, c.reactions...)
			if len(c.says) == 0 {
				w.answered(t, 0)
			} else {
				w.answered(t, 1, c.says...)
			}
			w.records(t, evidence.KindOpened, 0)
			w.sweeps(t)
			w.reacted(t, id, c.reactions...)
		})
	}
}

// sweeps reads everything again, as the hourly sweep does.
func (w *world) sweeps(t *testing.T) {
	t.Helper()
	n := len(w.pull.Comments())
	if err := w.bot.SweepOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.works(t)
	if now := len(w.pull.Comments()); now != n {
		t.Errorf("%d comments after a sweep, want %d", now, n)
	}
}

func TestRecheckIsBounded(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.reacted(t, w.says(t, "rev2", "/change recheck"), "eyes", "+1")
	w.reacted(t, w.says(t, "rev1", "/change recheck"), "eyes", "confused")
	w.answered(t, 1, "Again from")
	w.clock.to(w.clock.now().Add(30 * time.Second))
	w.reacted(t, w.says(t, "rev2", "/change recheck"), "eyes", "+1")
}

// A membership that changed while no webhook told is what recheck is for.
func TestRecheckAsksForRolesAgain(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.pull.Review("rev2", "APPROVED")
	w.works(t)
	w.shows(t, "Waiting for 1 approval")
	w.gh.Hook("")
	w.gh.Team("acme/owners", "rev2")
	w.gh.Hook(w.server.URL + "/webhook")
	w.says(t, "dev1", "/change recheck")
	w.shows(t, "Ready")
}

// Edited into validity, given by a bot or an account that is gone, deleted before it
// was read: none of them has an effect.
func TestCommandsThatCountForNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens   func(w *world) int64
		reactions []string
		answers   int
	}{
		"edited before it was read": {func(w *world) int64 {
			id := w.pull.Comment("rev1", "hold on\n")
			w.pull.EditComment("rev1", id, "/change hold")
			w.pull.Review("rev2", "COMMENTED")
			return id
		}, []string{"confused"}, 1},
		"edited after it was read": {func(w *world) int64 {
			id := w.pull.Comment("rev1", "/change status")
			return id
		}, []string{"eyes", "+1"}, 1},
		"deleted before it was read": {func(w *world) int64 {
			id := w.pull.Comment("rev1", "/change hold")
			w.pull.DeleteComment("rev1", id)
			return id
		}, nil, 0},
		"by a bot": {func(w *world) int64 {
			w.gh.Bot("rev1-bot")
			return w.pull.Comment("rev1-bot", "/change hold")
		}, nil, 0},
		"by an account that is gone": {func(w *world) int64 {
			id := w.pull.Comment("rev1", "/change hold")
			w.gh.DeleteUser("rev1")
			return id
		}, nil, 0},
		"a membership lost in between": {func(w *world) int64 {
			id := w.pull.Comment("rev1", "/change hold")
			w.gh.LeaveTeam("acme/owners", "rev1")
			return id
		}, []string{"eyes", "confused"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := emergency(t)
			w.later()
			id := c.happens(w)
			w.works(t)
			if strings.HasPrefix(name, "edited after") {
				w.later()
				w.pull.EditComment("rev1", id, "/change hold")
				w.pull.Review("rev2", "COMMENTED")
				w.works(t)
			}
			w.reacted(t, id, c.reactions...)
			w.answered(t, c.answers)
			w.shows(t, "Waiting for 1 approval")
			w.sweeps(t)
		})
	}
}

// A webhook that comes twice, and a sweep, carry nothing out again.
func TestCommandsAreCarriedOutOnce(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	id := w.says(t, "lead1", breakGlass)
	for _, d := range w.gh.Deliveries() {
		if d.Event == "issue_comment" {
			w.gh.Send(d.Event, d.Payload)
			w.works(t)
		}
	}
	w.sweeps(t)
	w.reacted(t, id, "eyes", "+1")
	w.answered(t, 1)
	w.records(t, evidence.KindOpened, 1)
}

// Our own answers quote commands. They are nobody's.
func TestNoLoops(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "rev2", "/change help")
	for range 3 {
		w.sweeps(t)
	}
	w.answered(t, 1)
}

// Another pull request with the same head has exceptions of its own.
func TestBreakGlassOfASibling(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	first := w.pull
	w.repo.Branch("twin", first.Head())
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "twin", Title: "The same", Body: described(w.first[:7])})
	w.works(t)
	w.says(t, "lead1", breakGlass)
	w.shows(t, "Waiting for 1 approval") // the strictest is shown for the commit
	w.pull = first
	w.says(t, "lead1", breakGlass)
	w.shows(t, "BREAK-GLASS by lead1")
	var numbers []int
	for _, x := range w.exceptions(t) {
		numbers = append(numbers, x.Number)
	}
	slices.Sort(numbers)
	if diff := cmp.Diff([]int{1, 2}, numbers); diff != "" {
		t.Errorf("exceptions (-want +got):\n%s", diff)
	}
}

// What GitHub does not take is tried again, and holds up nothing.
func TestAnswersGitHubDoesNotTake(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.gh.Fault(githubtest.Fault{Method: "POST", Path: "/comments$", Kind: "502", Count: 20})
	w.gh.Fault(githubtest.Fault{Method: "POST", Path: "/reactions$", Kind: "502", Count: 20})
	id := w.says(t, "lead1", breakGlass)
	w.shows(t, "BREAK-GLASS")
	w.answered(t, 0)
	w.gh.ClearFaults()
	w.clock.to(w.clock.now().Add(time.Minute))
	w.works(t)
	w.answered(t, 1, "EX-1")
	w.reacted(t, id, "+1")
}

// A conversation that is locked, or an App without the permission, is not asked for ever.
func TestAnswersGitHubRefuses(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.gh.Fault(githubtest.Fault{Method: "POST", Path: "/comments$|/reactions$", Kind: "403"})
	w.says(t, "lead1", breakGlass)
	w.shows(t, "BREAK-GLASS")
	w.gh.ClearFaults()
	w.gh.ResetCalls()
	w.clock.to(w.clock.now().Add(30 * time.Minute))
	w.works(t)
	w.answered(t, 0)
	if n := w.calls(); n != 0 {
		t.Errorf("%d calls afterwards, want 0:\n%s", n, w.callList())
	}
}

// The review of an exception is owed also where the pull request is gone.
func TestOverdueThoughThePullRequestIsGone(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "lead1", breakGlass)
	at := w.clock.now()
	w.gh.Fault(githubtest.Fault{Path: "/graphql$", Kind: "404"})
	for day := range 5 {
		w.clock.to(at.Add(time.Duration(day) * 24 * time.Hour))
		w.works(t)
	}
	w.gh.ClearFaults()
	w.records(t, evidence.KindOverdue, 1)
	w.clock.to(at.Add(200 * time.Hour))
	w.works(t)
	w.records(t, evidence.KindOverdue, 1)
}

// A mute GitHub does not answer requests that contain a text.
type mute struct {
	next http.RoundTripper
	text string
}

func (m mute) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.GetBody != nil {
		body, err := q.GetBody()
		if err != nil {
			return nil, err
		}
		if data, _ := io.ReadAll(body); bytes.Contains(data, []byte(m.text)) {
			return nil, errors.New("no answer")
		}
	}
	return m.next.RoundTrip(q)
}

// Roles that GitHub does not tell hold the verdict up for a while, then the command is
// refused: nobody's comment keeps a pull request from being judged.
func TestRolesGitHubDoesNotTell(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.later()
	w.restart(t, mute{newTransport(), "query Lookup"})
	id := w.pull.Comment("lead1", breakGlass)
	for range 5 {
		w.clock.to(w.clock.now().Add(10 * time.Second))
		w.works(t)
	}
	w.reacted(t, id, "eyes", "confused")
	w.shows(t, "Waiting for 1 approval")
	w.records(t, evidence.KindOpened, 0)
}

// request-review asks whoever may still approve, and nobody about a draft.
func TestRequestReview(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.pull.Draft("dev1")
	w.works(t)
	w.reacted(t, w.says(t, "dev1", "/change request-review"), "eyes", "confused")
	w.pull.Ready("dev1")
	w.works(t)
	w.reacted(t, w.says(t, "dev1", "/change request-review"), "eyes", "+1")
	if diff := cmp.Diff([]string{"acme/owners"}, w.pull.Requested()); diff != "" {
		t.Errorf("asked for a review (-want +got):\n%s", diff)
	}
	w.gh.Fault(githubtest.Fault{Path: "/requested_reviewers$", Kind: "422"})
	w.reacted(t, w.says(t, "dev1", "/change request-review"), "eyes", "confused")
	w.answered(t, 2, "GitHub did not take the request")
}

// Where the policy does not load nobody may do anything but ask.
func TestCommandsWithoutAPolicy(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.repo.Push("dev1", "main", githubtest.Files{".github/changegate.yml": "version: 2\n"})
	w.works(t)
	w.reacted(t, w.says(t, "lead1", breakGlass), "eyes", "confused")
	w.answered(t, 1, "does not load")
	w.reacted(t, w.says(t, "lead1", "/change help\n/change status"), "eyes", "+1")
	w.shows(t, "Cannot read")
	w.records(t, evidence.KindOpened, 0)
}

// Where there is no policy at all, nobody is answered.
func TestCommandsWhereNobodyEnrolled(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	w.repo.Push("dev1", "main", githubtest.Files{}, githubtest.Commit{Remove: []string{".github/changegate.yml"}})
	w.works(t)
	w.reacted(t, w.says(t, "rev1", "/change help"))
	w.answered(t, 0)
}

// Exceptions of pull requests that are worked on at once are numbered without a gap.
func TestExceptionsOfManyPullRequests(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	const pulls = 6
	var opened []*githubtest.Pull
	for i := range pulls {
		p := w.repo.Open("dev1", githubtest.PR{Title: "Many", Body: described(w.first[:7]), Files: githubtest.Files{"prompts/a.md": strings.Repeat("x\n", i+2)}})
		opened = append(opened, p)
	}
	w.works(t)
	w.later()
	w.gh.Hook("")
	for _, p := range opened {
		p.Comment("lead1", breakGlass)
	}
	w.gh.Hook(w.server.URL + "/webhook")
	if err := w.bot.SweepOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clock.to(w.clock.now().Add(time.Second))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := w.bot.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.records(t, evidence.KindOpened, pulls)
	var numbers []int
	for _, x := range w.exceptions(t) {
		numbers = append(numbers, x.Number)
	}
	slices.Sort(numbers)
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6}, numbers); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}
