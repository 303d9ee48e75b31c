package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

// elsewhere is emergencies, of another branch.
var elsewhere = strings.Replace(emergencies, "governed:", "branches: [release]\ngoverned:", 1)

// The review of an exception is owed, reminded of and given also where the branch is
// not governed any more.
func TestReviewWhereNothingIsGovernedAnyMore(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(w *world){
		"other branches": func(w *world) {
			w.repo.Push("dev1", "main", githubtest.Files{".github/changegate.yml": elsewhere})
		},
		"no policy": func(w *world) {
			w.repo.Push("dev1", "main", githubtest.Files{}, githubtest.Commit{Remove: []string{".github/changegate.yml"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := emergency(t)
			w.says(t, "lead1", breakGlass)
			w.pull.Merge("dev1", "squash")
			w.works(t)
			happens(w)
			w.works(t)
			w.reacted(t, w.says(t, "rev2", ackOne), "eyes", "confused")
			w.reacted(t, w.says(t, "boss1", ackOne), "eyes", "+1")
			w.records(t, evidence.KindClosed, 1)
			w.reacted(t, w.says(t, "boss1", ackOne), "eyes", "confused") // it was merged through the gate, so whoever asks is told
		})
	}
}

// Whoever contributed reviews no exception, also where the branch is not governed any more.
func TestReviewByAPusherWhereNothingIsGoverned(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.pull.Push("boss1", githubtest.Files{"prompts/a.md": "three\n"}, githubtest.Commit{Message: "x", Author: "dev1", Committer: "dev1"})
	w.works(t)
	w.says(t, "lead1", breakGlass)
	w.pull.Merge("dev1", "squash")
	w.works(t)
	w.repo.Push("dev1", "main", githubtest.Files{".github/changegate.yml": elsewhere})
	w.works(t)
	w.reacted(t, w.says(t, "boss1", ackOne), "eyes", "confused")
	w.records(t, evidence.KindClosed, 0)
}

func TestHoldOutlivesReopening(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.pull.Review("rev1", "APPROVED")
	w.says(t, "rev1", "/change hold")
	w.pull.Close("dev1")
	w.works(t)
	w.pull.Reopen("dev1")
	w.works(t)
	w.shows(t, "Waiting for rev1 to lift the hold")
}

func TestGlassIsBrokenOnceInAComment(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "lead1", breakGlass+"\n"+breakGlass+" again\n/change ack EX-1 outcome: fine")
	w.records(t, evidence.KindOpened, 1)
	for _, a := range w.answers() {
		if strings.Contains(a, "EX-0") {
			t.Errorf("an answer names an exception that there is not:\n%s", a)
		}
	}
}

// One person's flood of commands costs what ten comments do, and one answer says so.
func TestFloodOfCommands(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.later()
	w.deaf(func() {
		for range 79 {
			w.pull.Comment("rev2", strings.Repeat("/change status\n", 9))
		}
	})
	w.gh.ResetCalls()
	w.pull.Comment("lead1", breakGlass)
	w.works(t)
	w.shows(t, "BREAK-GLASS")
	t.Logf("%d calls", w.calls())
	if n := w.calls(); n > 60 {
		t.Errorf("%d calls, want at most 60", n)
	}
}

// Who reviews an exception is what the policy says by which it was opened: a branch that
// somebody made, with a policy that names a friend, is not where it is closed.
func TestReviewOnABranchOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "lead1", breakGlass)
	w.repo.Branch("mine", "main")
	own := strings.NewReplacer("governed:", "branches: [main, mine]\ngoverned:", "@acme/managers", "rev2").Replace(emergencies)
	w.repo.Push("dev1", "mine", githubtest.Files{".github/changegate.yml": own})
	w.pull.Retarget("dev1", "mine")
	w.works(t)
	w.reacted(t, w.says(t, "rev2", ackOne), "eyes", "confused")
	w.answered(t, 2, "is of base branch `main`")
	w.records(t, evidence.KindClosed, 0)
	w.pull.Retarget("dev1", "main")
	w.works(t)
	w.reacted(t, w.says(t, "boss1", ackOne), "eyes", "+1")
}

// A branch that a release came from is deleted afterwards; the review is still given.
func TestReviewThoughTheBaseBranchIsGone(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.repo.Push("dev1", "main", githubtest.Files{".github/changegate.yml": strings.Replace(emergencies, "governed:", "branches: [main, release]\ngoverned:", 1)})
	w.repo.Branch("release", "main")
	w.pull.Retarget("dev1", "release")
	w.works(t)
	w.says(t, "lead1", breakGlass)
	w.shows(t, "BREAK-GLASS")
	w.pull.Merge("dev1", "squash")
	w.works(t)
	w.repo.DeleteBranch("dev1", "release")
	w.works(t)
	w.reacted(t, w.says(t, "boss1", ackOne), "eyes", "+1")
	w.records(t, evidence.KindClosed, 1)
}

// A merge that cannot be recorded, because GitHub does not compare what it left, holds
// up nobody's review; and it is recorded once it can be.
func TestReviewThoughTheMergeCannotBeRecorded(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.says(t, "lead1", breakGlass)
	w.shows(t, "BREAK-GLASS")
	w.pull.Merge("dev1", "squash")
	w.gh.Fault(githubtest.Fault{Path: "/compare/.*" + w.repo.Head("main"), Kind: "500"})
	id := w.pull.Comment("boss1", ackOne)
	for range 5 {
		w.works(t)
		w.clock.to(w.clock.now().Add(time.Minute))
	}
	w.reacted(t, id, "eyes", "+1")
	w.records(t, evidence.KindClosed, 1)
	w.records(t, evidence.KindMerged, 0)
	w.gh.ClearFaults()
	w.works(t)
	w.records(t, evidence.KindMerged, 1)
}

// The first comment on a pull request is read however long the server was off: only
// what was said before its first reading asks nothing.
func TestFirstCommentOfAnOutage(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced+"comment: off\n", "rev1")
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	w.deaf(func() { w.pull.Comment("rev1", "/change hold") })
	w.clock.to(w.clock.now().Add(60 * time.Hour))
	if err := w.bot.SweepOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.works(t)
	w.shows(t, "Waiting for rev1 to lift the hold")
}
