package bot_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

// stuck is what the one sticky comment says, and how often it was written since the
// calls were reset; nothing if there is none.
func (w *world) stuck(t *testing.T) (says string, writes int) {
	t.Helper()
	all, _ := w.ours()
	if len(all) > 1 {
		t.Errorf("%d sticky comments, want at most 1", len(all))
	}
	for _, c := range all {
		says = c.Body
	}
	for _, c := range w.gh.Calls() {
		if strings.HasSuffix(c.Path, "/issues/1/comments") && c.Method == http.MethodPost || strings.Contains(c.Path, "/issues/comments/") && c.Method == http.MethodPatch {
			writes++
		}
	}
	w.gh.ResetCalls()
	return says, writes
}

// One comment follows the verdict, and is not written when it would say the same.
func TestSticky(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1", "rev2")
	step := func(happens func(), says string, writes int) {
		t.Helper()
		w.later()
		happens()
		w.works(t)
		got, n := w.stuck(t)
		if !strings.Contains(got, says) || n != writes {
			t.Errorf("written %d times, want %d and %q:\n%s", n, writes, says, got)
		}
	}
	step(func() {}, "Waiting for 1 approval", 1)
	step(func() { w.pull.Label("dev1", "urgent") }, "Waiting for 1 approval", 0)
	step(func() { w.pull.Review("rev1", "APPROVED") }, "Ready", 1)
	step(func() { w.pull.Review("rev2", "COMMENTED") }, "Ready", 0)
	step(func() {
		w.pull.DeleteComment("rev2", w.stickyID(t))
		w.pull.Review("rev2", "CHANGES_REQUESTED")
	}, "Changes requested", 2) // the one that is gone, and another
}

func (w *world) stickyID(t *testing.T) int64 {
	t.Helper()
	all, _ := w.ours()
	if len(all) != 1 {
		t.Fatalf("%d sticky comments, want 1", len(all))
	}
	return all[0].ID
}

// A burst of events ends in one write, 10 s after the one before.
func TestStickyIsWrittenAtMostEvery10Seconds(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	w.later()
	w.stuck(t)
	for range 2 {
		id := w.pull.Review("rev1", "APPROVED")
		w.works(t)
		w.pull.Dismiss("dev1", id)
		w.works(t)
	}
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	if says, n := w.stuck(t); n != 1 || !strings.Contains(says, "Ready") {
		t.Errorf("written %d times in 5 s, want once:\n%s", n, says)
	}
	w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n"})
	w.works(t)
	if says, n := w.stuck(t); n != 0 || !strings.Contains(says, "Ready") {
		t.Errorf("written %d times 6 s after, want 0", n)
	}
	w.clock.to(w.clock.now().Add(4 * time.Second))
	w.works(t) // no event
	if says, n := w.stuck(t); n != 1 || !strings.Contains(says, "Approvals stale") {
		t.Errorf("written %d times after 10 s, want once:\n%s", n, says)
	}
}

// Where nothing is governed, in shadow mode, and where the policy wants none, there is
// no comment; with on_action there is one from when somebody has to act.
func TestWhereThereIsNoSticky(t *testing.T) {
	t.Parallel()
	scheduled := strings.Replace(described("revert"), "  why:", "  effective_at: 2026-11-25T09:00Z\n  why:", 1)
	for name, c := range map[string]struct {
		policy, body string
		files        githubtest.Files
		want         string
	}{
		"nothing governed":       {enforced, "", githubtest.Files{"README.md": "x\n"}, ""},
		"off":                    {enforced + "comment: off\n", "", githubtest.Files{"prompts/a.md": "x\n"}, ""},
		"shadow":                 {strings.Replace(enforced, "enforce", "shadow", 1), "", githubtest.Files{"prompts/a.md": "x\n"}, ""},
		"shadow with a comment":  {strings.Replace(enforced, "enforce", "shadow", 1) + "comment: sticky\n", "", githubtest.Files{"prompts/a.md": "x\n"}, "[Shadow]"},
		"on action":              {enforced + "comment: on_action\n", "", githubtest.Files{"prompts/a.md": "x\n"}, "Author:"},
		"on action, none needed": {enforced + "comment: on_action\n", scheduled, githubtest.Files{"prompts/a.md": "x\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, c.policy, "rev1")
			w.gh.Hook("")
			w.pull = w.repo.Open("dev1", githubtest.PR{Title: "Another", Body: c.body, Files: c.files})
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.sweepOnly(t)
			all, _ := w.ours()
			if (len(all) == 1) != (c.want != "") || len(all) > 0 && !strings.Contains(all[0].Body, c.want) {
				t.Errorf("want %q, got %+v", c.want, all)
			}
		})
	}
}

func (w *world) sweepOnly(t *testing.T) {
	t.Helper()
	if err := w.bot.SweepOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.works(t)
}

// What goes wrong with the comment leaves the verdict alone; it is written when
// GitHub takes it again.
func TestStickyThatGitHubDoesNotTake(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	w.later()
	w.gh.Fault(githubtest.Fault{Path: "/issues/comments/", Kind: "502"})
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	w.gh.ClearFaults()
	w.clock.to(w.clock.now().Add(5 * time.Minute))
	w.works(t)
	if says, _ := w.stuck(t); !strings.Contains(says, "Ready") {
		t.Errorf("the comment says\n%s", says)
	}
}

// A comment that somebody made of our mark is theirs.
func TestStickyIsNotSomebodyElses(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	forged := w.pull.Comment("dev1", "<!-- changegate:sticky v1 repo=1 pr=1 -->\n### Change control: Ready\n")
	w.later()
	w.pull.DeleteComment("rev1", w.stickyID(t))
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	for _, c := range w.pull.Comments() {
		if c.ID == forged && !c.Edited.IsZero() {
			t.Error("somebody else's comment was written over")
		}
	}
	if says, _ := w.stuck(t); !strings.Contains(says, "Ready") {
		t.Errorf("the comment says\n%s", says)
	}
}

// Whoever may push may edit our comment. What they wrote does not outlive the next
// reading.
func TestStickyCommentEditedBySomebody(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.later()
	w.works(t)
	sticky := func() (id int64, body string) {
		for _, c := range w.pull.Comments() {
			if strings.HasPrefix(c.Body, "<!-- changegate:sticky") {
				id, body = c.ID, c.Body
			}
		}
		return id, body
	}
	id, was := sticky()
	w.pull.EditComment("dev1", id, strings.Replace(was, "aiting for 1 approval", "pproved by everybody", 1))
	w.later()
	w.pull.Review("rev2", "COMMENTED")
	w.works(t)
	if now, body := sticky(); now != id || body != was {
		t.Errorf("the sticky comment %d says:\n%s\nwant of %d:\n%s", now, body, id, was)
	}
	w.gh.ResetCalls()
	patched := func() (n int) {
		for _, c := range w.gh.Calls() {
			if c.Method == "PATCH" && strings.Contains(c.Path, "/comments/") {
				n++
			}
		}
		return n
	}
	w.says(t, "rev2", "good")
	w.pull.Review("rev2", "COMMENTED")
	w.works(t)
	if n := patched(); n != 0 {
		t.Errorf("it is written again, %d times", n)
	}
	w.gh.Fault(githubtest.Fault{Method: "PATCH", Path: "/comments/", Kind: "403"})
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	for range 3 {
		w.later()
		w.pull.Review("rev2", "COMMENTED")
		w.works(t)
	}
	if n := patched(); n != 1 {
		t.Errorf("GitHub was asked %d times for what it refuses, want once", n)
	}
}
