package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

// TestPagesOfOne judges a pull request whose every list has many pages. Whoever is
// on the last page counts as much as whoever is on the first: here the last commit
// is the approver's own.
func TestPagesOfOne(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1} {
		w, err := newWorldOf(t.TempDir(), githubtest.Options{PageSize: size})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.close)
		w.gh.Org("acme")
		w.repo = w.gh.Repo("acme/agents", githubtest.Files{".github/changegate.yml": enforced, "prompts/a.md": "one\n"})
		for _, login := range []string{"dev1", "rev1", "rev2", "rev3"} {
			w.gh.User(login)
			w.repo.Role(login, "write")
		}
		w.gh.Install("acme")
		w.pull = w.repo.Open("dev1", githubtest.PR{Body: described("revert"), Files: githubtest.Files{"prompts/a.md": "two\n"}})
		for i := range 4 {
			w.pull.Push("dev1", githubtest.Files{fmt.Sprintf("prompts/%d.md", i): "new\n"})
		}
		w.pull.Push("rev1", githubtest.Files{"prompts/last.md": "the approver's own\n"})
		for _, login := range []string{"rev2", "rev3"} {
			w.pull.Review(login, "COMMENTED")
		}
		w.pull.Review("rev1", "APPROVED")
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		c, _ := w.check()
		if c.Title != "Waiting for 1 approval - from write access" || !strings.Contains(c.Summary, "`rev1`: contributed to the change") {
			t.Errorf("pages of %d: the check is %q\n%s", size, c.Title, c.Summary)
		}
		w.pull.Review("rev2", "APPROVED")
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		if c, _ := w.check(); c.Conclusion != "success" {
			t.Errorf("pages of %d: the check is %s %q", size, c.Conclusion, c.Title)
		}
	}
}

// TestMoreFilesThanAComparisonLists: a comparison stops at 300 files without a word.
// The governed one is behind them.
func TestMoreFilesThanAComparisonLists(t *testing.T) {
	t.Parallel()
	w, err := newWorld(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	w.gh.Org("acme")
	w.repo = w.gh.Repo("acme/agents", githubtest.Files{".github/changegate.yml": enforced, "prompts/a.md": "one\n"})
	w.gh.User("dev1")
	w.repo.Role("dev1", "write")
	w.gh.Install("acme")
	files := githubtest.Files{"prompts/a.md": "two\n"}
	for i := range 320 {
		files[fmt.Sprintf("data/%03d.txt", i)] = "x\n"
	}
	w.pull = w.repo.Open("dev1", githubtest.PR{Body: described("revert"), Files: files})
	if err := w.settle(); err != nil {
		t.Fatal(err)
	}
	if c, _ := w.check(); c.Title != "Waiting for 1 approval - from write access" {
		t.Errorf("the check is %s %q", c.Conclusion, c.Title)
	}
}
