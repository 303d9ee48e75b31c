package bot_test

import (
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

// TestCallsOfVersions counts what agents with versions cost: a promotion one look-up
// more when it is first read, for what else may be a manifest beside the one that it
// edits, and nothing afterwards. What was released is read again when the base branch
// has moved, with what is asked then anyway.
func TestCallsOfVersions(t *testing.T) {
	t.Parallel()
	w, err := newWorld(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.gh.Org("acme")
	w.repo = w.gh.Repo("acme/agents", githubtest.Files{
		".github/changegate.yml": strings.ReplaceAll(strings.ReplaceAll(enforced, "prompts", "agents"), "kind: prompt", "kind: agent-version"),
		"agents/a/agent.yaml":    "version: 1.0.0\n", "agents/a/prompt.md": "one\n", "agents/a/tools.json": "{}", "README.md": "hi\n"})
	for login, role := range map[string]string{"dev1": "write", "rev1": "write"} {
		w.gh.User(login)
		w.repo.Role(login, role)
	}
	w.gh.Install("acme")
	if err := w.settle(); err != nil {
		t.Fatal(err)
	}
	open := func(head string, files githubtest.Files) func() {
		return func() {
			w.pull = w.repo.Open("dev1", githubtest.PR{Head: head, Files: files, Title: "Change", Body: described("1.0.0")})
		}
	}
	asked := func() (n int) {
		for _, call := range w.gh.Calls() {
			if strings.Contains(call.Query, "path=") {
				n++
			}
		}
		return n
	}
	w.costs(t, []costing{
		{"a promotion, cold", open("one", githubtest.Files{"agents/a/agent.yaml": "version: 1.1.0\n", "agents/a/prompt.md": "two\n"}), 8, 8, "Waiting for 1 approval"},
		{"review that approves, warm", func() { w.pull.Review("rev1", "APPROVED") }, 4, 4, "Ready"},
		{"another promotion", open("two", githubtest.Files{"agents/a/agent.yaml": "version: 1.2.0\n"}), 5, 5, "Waiting for 1 approval"},
		{"push", func() { w.pull.Push("dev1", githubtest.Files{"agents/a/agent.yaml": "version: 1.3.0\n"}) }, 6, 6, "Waiting for 1 approval"},
	})
	if n := asked(); n != 0 {
		t.Errorf("the history of a manifest was asked for %d times by a push", n)
	}
	w.costs(t, []costing{
		{"no agent", open("three", githubtest.Files{"README.md": "x\n"}), 2, 2, "No governed files changed"},
	})
	if n := asked(); n != 0 {
		t.Errorf("the history of a manifest was asked for %d times where none is governed", n)
	}
}
