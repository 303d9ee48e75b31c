package bot_test

import (
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

// gated is a world with a repository under a policy, in which everybody named may
// write, and one open pull request by dev1.
func gated(t *testing.T, policy string, people ...string) *world {
	t.Helper()
	return gatedOf(t, githubtest.Options{}, policy, people...)
}

// gatedOf is gated at a GitHub of other bounds.
func gatedOf(t *testing.T, o githubtest.Options, policy string, people ...string) *world {
	t.Helper()
	w, err := newWorldOf(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.gh.Org("acme")
	w.repo = w.gh.Repo("acme/agents", githubtest.Files{".github/changegate.yml": policy, "prompts/a.md": "one\n", "README.md": "hi\n"})
	w.first = w.repo.Head("main")
	for _, login := range append(people, "dev1") {
		w.gh.User(login)
		w.repo.Role(login, "write")
	}
	w.gh.Install("acme")
	w.repo.Push("dev1", "topic", githubtest.Files{"prompts/a.md": "two\n"})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "topic", Title: "Change", Body: described(w.first[:7])})
	w.works(t)
	return w
}

func (w *world) works(t *testing.T) {
	t.Helper()
	if err := w.settle(); err != nil {
		t.Fatal(err)
	}
}

// later lets time pass with nobody looking.
func (w *world) later() { w.clock.to(w.clock.now().Add(10 * time.Second)) }

// shows fails the test unless the check's title begins so.
func (w *world) shows(t *testing.T, title string) {
	t.Helper()
	if c, ok := w.check(); !ok || !strings.HasPrefix(c.Title, title) {
		t.Errorf("the check is %q, want %q", c.Title, title)
	}
}

// TestRequestsNobodyLookedAt: what a review saw is settled when it is first read,
// because GitHub keeps no history of a description.
func TestRequestsNobodyLookedAt(t *testing.T) {
	t.Parallel()
	const other = "```yaml\nchange:\n  why: Something else\n  rollback:\n    to: revert\n```\n"
	for name, c := range map[string]struct {
		happens func(t *testing.T, w *world, first string)
		want    string
	}{
		"edited away, approved, edited back, unseen": {func(_ *testing.T, w *world, first string) {
			w.pull.Edit("dev1", other)
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.later()
			w.pull.Edit("dev1", first)
		}, "Approvals stale"},
		"approved, edited away and back, unseen": {func(_ *testing.T, w *world, first string) {
			w.pull.Review("rev1", "APPROVED")
			w.later()
			w.pull.Edit("dev1", other)
			w.later()
			w.pull.Edit("dev1", first)
		}, "Approvals stale"}, // nobody can tell it from the one above
		"approved and seen, then only the reason edited": {func(t *testing.T, w *world, first string) {
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.later()
			w.pull.Edit("dev1", strings.Replace(first, "Refunds", "All refunds", 1))
		}, "Ready"},
		"approved and seen, edited away and back, unseen": {func(t *testing.T, w *world, first string) {
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.later()
			w.pull.Edit("dev1", other)
			w.later()
			w.pull.Edit("dev1", first)
		}, "Ready"},
		"approved beside a file that says otherwise, which is then removed, unseen": {func(_ *testing.T, w *world, _ string) {
			w.pull.Push("dev1", githubtest.Files{".changes/a.yml": "change:\n  why: Something else\n  rollback:\n    to: revert\n"})
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.later()
			w.pull.Push("dev1", nil, githubtest.Commit{Message: "x", Remove: []string{".changes/a.yml"}})
		}, "Approvals stale"},
		"approved beside no file, and one added and removed, unseen": {func(_ *testing.T, w *world, _ string) {
			w.pull.Review("rev1", "APPROVED")
			w.later()
			w.pull.Push("dev1", githubtest.Files{".changes/a.yml": "change:\n  why: Something else\n  rollback:\n    to: revert\n"})
			w.later()
			w.pull.Push("dev1", nil, githubtest.Commit{Message: "x", Remove: []string{".changes/a.yml"}})
		}, "Ready"},
		"edited, then approved, unseen": {func(_ *testing.T, w *world, _ string) {
			w.pull.Edit("dev1", other)
			w.later()
			w.pull.Review("rev1", "APPROVED")
		}, "Ready"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1")
			w.later()
			c.happens(t, w, described(w.first[:7]))
			w.works(t)
			w.shows(t, c.want)
		})
	}
}
