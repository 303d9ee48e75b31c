package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

const undoablePolicy = "version: 1\nmode: enforce\ngoverned: [{name: prompts, kind: prompt, paths: [\"prompts/**\"]}]\n"

// released is a world whose pull request was merged through the gate, with a revert for
// a plan, and whose App may write.
func released(t *testing.T) *world {
	t.Helper()
	w := gated(t, undoablePolicy, "rev1", "rev2", "boss1")
	w.gh.Grant("acme", "contents", "write")
	w.pull.Edit("dev1", "```yaml\nchange:\n  why: Try two\n  rollback:\n    to: revert\n```\n")
	w.works(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	return w
}

// TestKilledWhileItRollsBack: whenever the server dies, at each request before it is
// made and after it took effect, one pull request is opened, and it is answered once;
// also where the merge is read with the command, and recorded first.
func TestKilledWhileItRollsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		merged func(w *world, t *testing.T)
		most   int // more requests than it takes to answer
	}{
		"of a merge that was recorded": {func(w *world, t *testing.T) { w.works(t); w.later() }, 16},
		"of one read with it":          {func(w *world, _ *testing.T) { w.later() }, 23},
	} {
		for n := 1; n <= c.most; n++ {
			for _, after := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, request %d, after %v", name, n, after), func(t *testing.T) {
					t.Parallel()
					w := released(t)
					w.pull.Merge("boss1", "squash")
					c.merged(w, t)
					id := w.pull.Comment("rev1", "/change rollback reason: two is wrong")
					w.dies(t, n, after)
					if n == c.most {
						w.answered(t, 1)
					}
					w.works(t)
					w.later()
					w.works(t)
					w.reacted(t, id, "eyes", "+1")
					w.answered(t, 1, "#2 ", "rolls back CHG-1")
					w.records(t, evidence.KindMerged, 1)
					if p := w.repo.Pull(2); p == nil || w.repo.Pull(3) != nil {
						t.Errorf("pull request 2 is %v, and there is a third: %v", p, w.repo.Pull(3))
					}
					if got := w.repo.Branches(); slices.ContainsFunc(got, func(name string) bool { return strings.HasPrefix(name, "changegate/rollback-chg-1-") }) {
						t.Errorf("branches %q", got)
					}
				})
			}
		}
	}
}

// TestOpenedRollbackIsJudged: the pull request that a command opens is judged though the
// webhook of its opening is lost.
func TestOpenedRollbackIsJudged(t *testing.T) {
	t.Parallel()
	w := released(t)
	w.pull.Merge("boss1", "squash")
	w.works(t)
	w.later()
	w.pull.Comment("rev1", "/change rollback")
	w.gh.Hook("")
	w.works(t)
	run, there := w.repo.Pull(2).Check("changegate: main")
	if !there || !strings.Contains(run.Title, "rollback of CHG-1") {
		t.Errorf("the check is there: %v, %q", there, run.Title)
	}
}

// TestOthersPayNothing: a pull request that edits the files of an earlier change, and is
// not its rollback, costs no call more than the first one.
func TestOthersPayNothing(t *testing.T) {
	t.Parallel()
	w := released(t)
	w.pull.Merge("boss1", "squash")
	w.works(t)
	open := func(head, content string) int {
		w.gh.ResetCalls()
		w.pull = w.repo.Open("dev1", githubtest.PR{Head: head, Files: githubtest.Files{"prompts/a.md": content}, Body: "```yaml\nchange:\n  why: x\n  rollback: {to: revert}\n```\n"})
		w.works(t)
		return w.calls()
	}
	if other, undo := open("other", "three\n"), open("undo", "one\n"); other > 5 || undo < other {
		t.Errorf("an edit costs %d calls, want at most 5, as the first did; the rollback %d", other, undo)
	}
}
