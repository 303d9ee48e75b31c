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
// changed, 0 for events that cannot matter, no write when nothing changed.
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
	steps := []struct {
		event   string
		do      func()
		most    int
		want    int // exactly, when not negative
		verdict string
	}{
		{"push of a topic branch, cold", branch("one"), 1, 1, ""},
		{"open, cold", open("one"), 4, 4, "Waiting for 1 approval"},
		{"push of a topic branch, warm", branch("two"), 0, 0, "Waiting for 1 approval"},
		{"open, warm", open("two"), 4, 3, "Waiting for 1 approval"},
		{"push", func() { w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n"}) }, 4, 3, "Waiting for 1 approval"},
		{"review that approves, warm", func() { w.pull.Review("rev1", "APPROVED") }, 2, 2, "Ready"},
		{"review that only comments", func() { w.pull.Review("rev2", "COMMENTED") }, 2, 2, "Ready"},
		{"the same description again", func() { w.pull.Edit("dev1", described(base[:7])+"\n") }, 2, 1, "Ready"},
		{"title edited", func() { w.pull.Retitle("dev1", "A better title") }, 2, 1, "Ready"},
		{"push of a tag", func() { w.repo.Tag("v1", "main") }, 0, 0, "Ready"},
	}
	for _, s := range steps {
		w.gh.ResetCalls()
		s.do()
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		n := w.calls()
		t.Logf("%-36s %d calls", s.event, n)
		if n > s.most || s.want >= 0 && n != s.want {
			t.Errorf("%s costs %d calls, want at most %d:\n%s", s.event, n, s.most, w.callList())
		}
		if s.verdict == "" {
			continue
		}
		if c, ok := w.check(); !ok || len(c.Title) < len(s.verdict) || c.Title[:len(s.verdict)] != s.verdict {
			t.Errorf("%s: the check is %q, want %q", s.event, c.Title, s.verdict)
		}
	}
}
