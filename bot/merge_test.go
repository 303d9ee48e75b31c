package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

// TestMergedContent: what a merge leaves on the branch must be what was approved
// (APPROVALS R12), by whatever method it was merged.
func TestMergedContent(t *testing.T) {
	t.Parallel()
	const differs = "merged content differs from what was approved"
	none := func(*world) {}
	for name, c := range map[string]struct {
		before func(w *world)
		method string
		more   []githubtest.Files // what the merge leaves instead
		why    string
	}{
		"merged":                          {none, "merge", nil, ""},
		"squashed":                        {none, "squash", nil, ""},
		"rebased":                         {none, "rebase", nil, ""},
		"merged, other files meanwhile":   {other, "merge", nil, ""},
		"squashed, other files meanwhile": {other, "squash", nil, ""},
		"rebased, other files meanwhile":  {other, "rebase", nil, ""},
		"rebased, the base merged in":     {func(w *world) { other(w); w.pull.UpdateBranch("dev1") }, "rebase", nil, ""},
		"a file nobody governs differs":   {none, "merge", []githubtest.Files{{"README.md": "ho\n"}}, ""},
		"a merge with another prompt":     {none, "merge", []githubtest.Files{{"prompts/a.md": "evil\n"}}, differs},
		"a squash with another prompt":    {none, "squash", []githubtest.Files{{"prompts/a.md": "evil\n"}}, differs},
		"a rebase with another prompt":    {none, "rebase", []githubtest.Files{{"prompts/a.md": "evil\n"}}, differs},
		"a merge with one prompt more":    {none, "merge", []githubtest.Files{{"prompts/b.md": "evil\n"}}, differs},
		"a rebase with one prompt more":   {none, "rebase", []githubtest.Files{{"prompts/b.md": "evil\n"}}, differs},
		"a merge that undoes the change":  {none, "merge", []githubtest.Files{{"prompts/a.md": "one\n"}}, differs},
		"the file named":                  {none, "squash", []githubtest.Files{{"prompts/a.md": "evil\n"}}, differs + ": prompts/a.md,,"},
		"both changed the file":           {both, "squash", []githubtest.Files{{"prompts/a.md": "one\ntwo\n"}}, differs + ": prompts/a.md (changed on the branch as well since the pull request left it),,"},
		"both, and one more":              {both, "merge", []githubtest.Files{{"prompts/a.md": "one\ntwo\n", "prompts/z.md": "evil\n"}}, differs + `: prompts/a.md, prompts/z.md`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1", "rev2")
			w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n", "prompts/c.md": "new\n"})
			w.pull.Push("dev1", githubtest.Files{"prompts/c.md": "newer\n", "notes.md": "x\n"}) // a rebase of three
			c.before(w)
			w.works(t)
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			w.later()
			w.pull.Merge("rev2", c.method, c.more...)
			w.works(t)
			w.excepted(t, 1, c.why)
		})
	}
}

// TestPlanOfAnotherMergeIsReadAgain: one answer that is lost, whichever, does not cost a
// merge that left something else than was approved its way back.
func TestPlanOfAnotherMergeIsReadAgain(t *testing.T) {
	t.Parallel()
	for skip := range 12 {
		t.Run(fmt.Sprint(skip), func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1", "rev2")
			w.pull.Push("dev1", githubtest.Files{"prompts/a.md": "three\n"})
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			w.later()
			w.gh.Fault(githubtest.Fault{Path: "/graphql$", Kind: "close", Skip: skip, Count: 1})
			w.pull.Merge("rev2", "squash", githubtest.Files{"prompts/a.md": "four\n"})
			w.works(t)
			for range 3 {
				w.waited(t)
			}
			if c := w.changeNumber(t, 1); c == nil || c.Explained || c.Plan == nil {
				t.Errorf("the merge is recorded as %+v, want it with its plan", c)
			}
		})
	}
}

// both makes the change of a file of the pull request on the base branch, too.
func both(w *world) { w.repo.Push("rev2", "main", githubtest.Files{"prompts/a.md": "three\n"}) }

// other puts files on the base branch that the pull request does not touch.
func other(w *world) { w.repo.Push("rev2", "main", githubtest.Files{"docs/x.md": "x\n"}) }

// TestMergeOfWhatStood: a file that another pull request changed in the same way before is
// no difference, by whatever method this one is merged; anything else that did not land as
// approved is one.
func TestMergeOfWhatStood(t *testing.T) {
	t.Parallel()
	const differs = "merged content differs from what was approved: "
	type files = githubtest.Files
	same, evil := files{"prompts/shared.md": "new\n", "prompts/z.md": "theirs\n"}, []files{{"prompts/z.md": "evil\n"}}
	three := []files{{"prompts/a.md": "1\n", "prompts/z.md": "theirs\n"}, {"prompts/z.md": "old\n"}, {"prompts/a.md": "3\n"}}
	docs := []files{{"docs/x.md": "1\n"}, {"docs/x.md": "2\n"}}
	for name, c := range map[string]struct {
		first  files   // what the other pull request leaves
		mode   string  // of shared.md in this one
		more   []files // that this one pushes
		method string
		other  []files // what the merge leaves instead
		why    string
	}{
		"merged":                           {first: same, method: "merge"},
		"squashed":                         {first: same, method: "squash"},
		"rebased":                          {first: same, method: "rebase"},
		"of three commits, merged":         {first: same, more: docs, method: "merge"},
		"of three commits, squashed":       {first: same, more: docs, method: "squash"},
		"of three commits, rebased":        {first: same, more: docs, method: "rebase"},
		"the branch has other content":     {first: files{"prompts/shared.md": "theirs\n"}, method: "squash", other: []files{{"prompts/shared.md": "theirs\n"}}, why: differs + "prompts/shared.md (changed"},
		"of three, it has other content":   {first: files{"prompts/shared.md": "theirs\n"}, more: docs, method: "merge", other: []files{{"prompts/shared.md": "theirs\n"}}, why: differs + "prompts/shared.md (changed"},
		"the branch has what was before":   {first: files{"prompts/z.md": "theirs\n"}, method: "squash", other: []files{{"prompts/shared.md": "old\n"}}, why: differs + "prompts/shared.md,"},
		"the branch has another mode":      {first: same, mode: "100755", method: "squash", other: []files{{"prompts/shared.md": "new\n"}}, why: differs + "prompts/shared.md (changed"},
		"the merge takes it back":          {first: same, method: "squash", other: []files{{"prompts/shared.md": "old\n"}}, why: differs + "prompts/shared.md (changed"},
		"one file more":                    {first: same, method: "squash", other: evil, why: differs + "prompts/shared.md, prompts/z.md"},
		"another file is other":            {first: same, method: "squash", other: []files{{"prompts/a.md": "evil\n"}}, why: differs + "prompts/a.md, prompts/shared.md"},
		"of three, rebased, one file more": {first: same, more: docs, method: "rebase", other: evil, why: differs},
		// The second of the copies takes back on the branch what the first found there.
		"a rebase that takes another back": {first: same, more: three, method: "rebase", why: differs},
		"a squash of the same":             {first: same, more: three, method: "squash"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1", "rev2")
			w.repo.Push("rev2", "main", files{"prompts/shared.md": "old\n", "prompts/z.md": "old\n"})
			body := described("revert")
			how := githubtest.Commit{}
			if c.mode != "" {
				how.Modes = map[string]string{"prompts/shared.md": c.mode}
			}
			other := w.repo.Open("dev1", githubtest.PR{Head: "other", Title: "Other", Body: body, Files: c.first})
			w.pull = w.repo.Open("dev1", githubtest.PR{Head: "mine", Title: "Mine", Body: body, Commit: how, Files: files{"prompts/a.md": "mine\n", "prompts/shared.md": "new\n"}})
			for _, f := range c.more {
				w.pull.Push("dev1", f)
			}
			w.works(t)
			w.later()
			other.Review("rev1", "APPROVED")
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			w.later()
			other.Merge("rev2", "squash")
			w.pull.Merge("rev2", c.method, c.other...)
			w.works(t)
			exceptions, err := w.bundled("exceptions.csv")
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(exceptions, "change.merged"); got != (c.why != "") || !strings.Contains(exceptions, c.why) {
				t.Errorf("the exceptions are, want %q:\n%s", c.why, exceptions)
			}
		})
	}
}

// TestMergeOfNothingGoverned: a pull request that changes nothing governed is no
// member of the population, unless its merge does.
func TestMergeOfNothingGoverned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		more    []githubtest.Files
		members int
		why     string
	}{
		{nil, 0, ""},
		{[]githubtest.Files{{"prompts/a.md": "evil\n"}}, 1, "merged content differs from what was approved"},
	} {
		w := gated(t, enforced, "rev2")
		w.pull = w.repo.Open("dev1", githubtest.PR{Title: "Docs", Files: githubtest.Files{"README.md": "ho\n"}})
		w.works(t)
		w.shows(t, "No governed files changed")
		w.pull.Merge("rev2", "merge", c.more...)
		w.works(t)
		w.excepted(t, c.members, c.why)
	}
}

// TestMergeOfManyFiles: a comparison stops at 300 files. What a merge left beyond
// them is compared all the same: neither is an approved one an exception, nor hides
// another prompt behind the others.
func TestMergeOfManyFiles(t *testing.T) {
	t.Parallel()
	for _, n := range []int{299, 300, 301} {
		for _, c := range []struct {
			more []githubtest.Files
			why  string
		}{{nil, ""}, {[]githubtest.Files{{"prompts/z.md": "evil\n"}}, "merged content differs from what was approved"}} {
			w := gated(t, enforced, "rev1", "rev2")
			files := githubtest.Files{}
			for i := range n - 1 {
				files[fmt.Sprintf("docs/%d", i)] = "x\n"
			}
			w.pull.Push("dev1", files)
			w.works(t)
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			w.later()
			w.pull.Merge("rev2", "squash", c.more...)
			w.works(t)
			w.excepted(t, 1, c.why)
		}
	}
}

// excepted fails the test unless the population has so many members, the last of
// them an exception for this reason, or none when it is empty.
func (w *world) excepted(t *testing.T, members int, why string) {
	t.Helper()
	population, err := w.bundled("population.csv")
	if err != nil {
		t.Fatal(err)
	}
	exceptions, err := w.bundled("exceptions.csv")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(population, "\n") - 1; n != members {
		t.Errorf("the population has %d members, want %d:\n%s", n, members, population)
	}
	if n := strings.Count(exceptions, "\n") - 1; why == "" && n != 0 || why != "" && !strings.Contains(exceptions, why) {
		t.Errorf("the exceptions are, want %q:\n%s", why, exceptions)
	}
}

// TestTakenBack: a pull request that takes back on a branch what is governed there
// changes nothing governed until that branch is merged. Then it is judged again; one
// merged faster than that is an exception.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen func(w *world, t *testing.T)
		why  string
	}{
		"at once": {func(*world, *testing.T) {}, "merged content differs from what was approved: prompts/a.md"},
		"judged again": {func(w *world, t *testing.T) {
			w.works(t)
			w.shows(t, "Author:")
		}, "merged while author"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1", "rev2")
			w.repo.Branch("back", w.pull.Head())
			w.repo.Push("rev2", "back", githubtest.Files{"prompts/a.md": "one\n", "README.md": "ho\n"})
			back := w.repo.Open("rev2", githubtest.PR{Head: "back", Title: "Readme"})
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			first := w.pull
			w.pull = back
			w.shows(t, "No governed files changed")
			w.later()
			first.Merge("rev2", "merge")
			c.seen(w, t)
			w.later()
			back.Merge("rev2", "merge")
			w.works(t)
			w.excepted(t, 2, c.why)
		})
	}
}
