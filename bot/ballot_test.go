package bot

import (
	"path/filepath"
	"strings"
	"testing"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// TestWhatNoDecisionIsAbout: a group passes only with the content that was approved.
// Git joins lines that two pull requests changed, and nobody has seen the result.
func TestWhatNoDecisionIsAbout(t *testing.T) {
	t.Parallel()
	changed := func(path, blob string) rules.File { return rules.File{Path: path, New: blob, Status: "modified"} }
	for name, c := range map[string]struct {
		group    store.Group
		approved [][]rules.File // of each pull request, in order
		unread   []int
		want     string // begins the reason; empty for none
	}{
		"what was approved":            {store.Group{Governed: []rules.File{changed("p/a", "1")}}, [][]rules.File{{changed("p/a", "1"), changed("x", "9")}}, nil, ""},
		"the later of two":             {store.Group{Governed: []rules.File{changed("p/a", "2")}}, [][]rules.File{{changed("p/a", "1")}, {changed("p/a", "2")}}, nil, ""},
		"lines of two joined":          {store.Group{Governed: []rules.File{changed("p/a", "3")}}, [][]rules.File{{changed("p/a", "1")}, {changed("p/a", "2")}}, nil, "something else would be merged than was approved: p/a"},
		"what the branch has already":  {store.Group{}, [][]rules.File{{changed("p/a", "1")}}, nil, ""},
		"deleted":                      {store.Group{Governed: []rules.File{changed("p/a", "")}}, [][]rules.File{{{Path: "p/a", Old: "1", Status: "removed"}}}, nil, ""},
		"deleted by nobody":            {store.Group{Governed: []rules.File{changed("p/a", "")}}, [][]rules.File{{changed("p/b", "1")}}, nil, "something else"},
		"renamed":                      {store.Group{Governed: []rules.File{changed("p/a", ""), changed("p/b", "1")}}, [][]rules.File{{{Path: "p/b", OldPath: "p/a", New: "1", Status: "renamed"}}}, nil, ""},
		"copied, the first is gone":    {store.Group{Governed: []rules.File{changed("p/a", ""), changed("p/b", "1")}}, [][]rules.File{{{Path: "p/b", OldPath: "p/a", New: "1", Status: "copied"}}}, nil, "something else"},
		"a commit of nobody":           {store.Group{Unknown: []string{"c0ffee1234"}, Governed: []rules.File{changed("p/a", "1"), changed("p/b", "1")}}, [][]rules.File{{changed("p/a", "1")}}, nil, "commit c0ffee1 is of no pull request of the queue, and p/b"},
		"a commit of nobody elsewhere": {store.Group{Unknown: []string{"c0ffee1234"}, Governed: []rules.File{changed("p/a", "1")}}, [][]rules.File{{changed("p/a", "1")}}, nil, ""},
		"not the whole list":           {store.Group{Partial: true, Governed: []rules.File{changed("p/a", "1")}}, [][]rules.File{{changed("p/a", "1")}}, nil, "GitHub does not list everything"},
		"not read":                     {store.Group{}, nil, []int{7}, "ChangeGate could not finish"},
	} {
		a := (&Bot{}).newBallot(&store.Job{}, &c.group)
		for i, files := range c.approved {
			a.add(checks.Sibling{Number: i + 1, State: rules.Ready}, "1")
			a.approved.lay(files)
		}
		a.unread = c.unread
		a.judge(&c.group)
		a.Conclude()
		if !strings.HasPrefix(a.Why, c.want) || c.want == "" && a.Why != "" || a.Passed != (c.want == "") {
			t.Errorf("%s: passed %t because of %q, want %q", name, a.Passed, a.Why, c.want)
		}
	}
}

// TestAGroupWaitsForItsPullRequests: what was decided before the group was asked about
// does not count, and after the wait it is no success.
func TestAGroupWaitsForItsPullRequests(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	place := checks.Place{Installation: 1, OrgID: 2, Org: "acme", RepoID: 3, Repo: "acme/agents"}
	b := &Bot{Config: Config{Store: st}}
	for _, state := range []rules.State{rules.Ready, rules.Shadow} {
		err := st.Write(t.Context(), func(tx *store.Tx) error {
			return tx.SavePull(t.Context(), &store.Pull{Place: place, Number: 7, Base: "main", State: "open", VerdictState: string(state), Record: 0, MergeRecord: -1})
		})
		if err != nil {
			t.Fatal(err)
		}
		g := &store.Group{Base: "main", Head: "h", Pulls: []store.QueuedPull{{Number: 7, Gen: 1}}}
		a, err := b.ballot(t.Context(), &store.Job{Place: place}, g)
		if err != nil || len(a.unread) != 1 || a.moot {
			t.Fatalf("%s: %v, %+v", state, err, a)
		}
		if a.Conclude(); a.Passed || a.Shadow != (state == rules.Shadow) {
			t.Errorf("%s and not judged since: passed %t, shadow %t", state, a.Passed, a.Shadow)
		}
	}
}

// TestGovernedBy: what a list of files leaves at governed paths; a policy that does not
// load governs all.
func TestGovernedBy(t *testing.T) {
	t.Parallel()
	policy := func(text string) checks.Policy {
		return checks.Policy{State: checks.PolicyRead, PolicyText: rules.PolicyText{Path: checks.PolicyPath, Data: []byte(text)}}
	}
	files := []rules.File{{Path: "docs/a", OldPath: "p/a", New: "1", Status: "renamed"}, {Path: "x", New: "2", Status: "added"}}
	for text, want := range map[string]int{
		"version: 1\ngoverned:\n  - {name: p, kind: prompt, paths: [\"p/**\"]}\n": 1,
		"version: 2\n": 3,
	} {
		if got := governedBy(policy(text), checks.Policy{}, files); len(got) != want {
			t.Errorf("policy %q governs %v, want %d files", text, got, want)
		}
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	for branch, want := range map[string]int{
		"gh-readonly-queue/main/pr-7-0123456789abcdef0123456789abcdef01234567":        2,
		"gh-readonly-queue/main/pr-3-0123456789abcdef0123456789abcdef01234567":        1,
		"gh-readonly-queue/release/pr-1-ab/pr-7-0123456789abcdef0123456789abcdef0123": 2,
		"gh-readonly-queue/main/pr-99999999999999999999-ab":                           1,
		"elsewhere": 1,
	} {
		if got := entries(branch, []int{3}); len(got) != want {
			t.Errorf("%s: %v, want %d", branch, got, want)
		}
	}
}
