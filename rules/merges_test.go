package rules

import "testing"

const updated = "beef0002222222222222222222222222222222dd" // the head that the button Update branch makes

// merged makes the head a merge of the base branch that rev1 made on GitHub and
// pushed, of oldCommit, which dev1 wrote. What oldCommit changed is known.
func merged(opts ...func(*Change)) *Change {
	c := change(
		commits(Commit{ID: oldCommit, Author: dev1, Committer: dev1, Parents: []string{mergeBase}},
			Commit{ID: updated, Author: rev1, WebFlow: true, Committer: Person{ID: 19864447, Login: "web-flow"}, Parents: []string{oldCommit, "base2"}}),
		pushes(Push{By: dev1, After: oldCommit}, Push{By: rev1, Before: oldCommit, After: updated}),
		revision(oldCommit, "main", refund),
		reviewed(review(rev1, of(updated))))
	c.Head.Commit = updated
	for _, opt := range opts {
		opt(c)
	}
	return c
}

func merge(edit func(*Commit)) func(*Change) { return func(c *Change) { edit(&c.Commits[1]) } }

func TestBaseMerges(t *testing.T) {
	t.Parallel()
	other := refund
	other.New = "conflict edited"
	for _, tt := range []struct {
		name  string
		opts  []func(*Change)
		state State
		asks  []string // the revisions that would prove it
	}{
		{"clean", nil, Ready, nil},
		{"clean, with other files", opt(touching(refund, File{Path: "README.md", New: "x"})), Ready, nil},
		{"made elsewhere", opt(merge(func(k *Commit) { k.WebFlow = false })), Waiting, nil},
		{"committed by somebody else", opt(merge(func(k *Commit) { k.Committer = rev1 })), Waiting, nil},
		{"co-authored", opt(merge(func(k *Commit) { k.CoAuthors = []Person{rev1} })), Waiting, nil},
		{"conflict edited", opt(touching(other)), Waiting, nil},
		{"one more governed file", opt(touching(refund, File{Path: "prompts/b.md", New: "x"})), Waiting, nil},
		{"one governed file less", opt(touching(refund), revision(oldCommit, "main", refund, File{Path: "prompts/b.md", New: "x"})), Waiting, nil},
		{"another group's file", opt(touching(refund, File{Path: PolicyPath, New: "x"}), func(c *Change) { c.NewPolicy = &PolicyText{Data: []byte(prompts)} }), Waiting, nil},
		{"content nobody knows", opt(touching(File{Path: "prompts/refund.md"}), func(c *Change) { c.Revisions[0].Files = c.Files }), Waiting, nil},
		{"first parent not known", opt(func(c *Change) { c.Revisions = nil }), Waiting, []string{oldCommit}},
		{"first parent known for another base", opt(func(c *Change) { c.Revisions[0].Base = "release" }), Waiting, []string{oldCommit}},
		{"recorded twice, once otherwise", opt(revision(oldCommit, "main", other)), Waiting, nil},
		// P2: a branch of the reviewer's own, merged in.
		{"of a side branch", opt(func(c *Change) { c.Commits = append(c.Commits, Commit{ID: "base2", Author: dev1, Committer: dev1}) }), Waiting, nil},
		// P3: the base first, the branch second.
		{"the wrong way round", opt(merge(func(k *Commit) { k.Parents[0], k.Parents[1] = k.Parents[1], k.Parents[0] })), Waiting, nil},
		{"one parent", opt(merge(func(k *Commit) { k.Parents = k.Parents[:1] })), Waiting, nil},
		{"three parents", opt(merge(func(k *Commit) { k.Parents = append(k.Parents, "base3") })), Waiting, nil},
		{"of nothing but the base", opt(merge(func(k *Commit) { k.Parents[0] = "base1" }), func(c *Change) { c.Commits = c.Commits[1:] }), Waiting, nil},
		{"pushed with other commits", opt(func(c *Change) { c.Pushes[1].Before = mergeBase }), Waiting, nil},
		{"pushed as a new branch", opt(func(c *Change) { c.Pushes[1].Before = "" }), Waiting, nil},
		{"pushed twice", opt(func(c *Change) {
			c.Pushes = append(c.Pushes, Push{By: rev1, Before: updated, After: updated, Forced: true})
		}), Waiting, nil},
		{"made by another", opt(merge(func(k *Commit) { k.Author = dev2 })), Ready, nil},
		{"author nobody knows", opt(merge(func(k *Commit) { k.Author = Person{} })), Author, nil},
		{"wrote a commit as well", opt(func(c *Change) { c.Commits[0].Author, c.Revisions = rev1, nil }), Waiting, nil},
		{"not approved", opt(func(c *Change) { c.Reviews[0].State, c.Revisions = "COMMENTED", nil }), Waiting, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := merged(tt.opts...)
			restorable(c)
			same(t, UpdateMerges(c), tt.asks)
			p := parse(t, prompts)
			v := p.Decide(c, noon)
			if v.State != tt.state {
				t.Errorf("got %s, want %s\n%s", v.State, tt.state, sayings(v))
			}
			for _, a := range v.Approvals {
				for _, k := range p.Contributors(c) {
					if a.By.same(k) {
						t.Errorf("%s approved and contributed", k.Login)
					}
				}
			}
		})
	}
}

// A merge further back needs what was changed before and after it; however many
// there are, a reading asks for few.
func TestUpdateMerges(t *testing.T) {
	t.Parallel()
	c := merged()
	c.Head.Commit, c.Revisions = headCommit, nil
	c.Commits = append(c.Commits, Commit{ID: headCommit, Author: dev1, Committer: dev1, Parents: []string{updated}})
	c.Pushes = append(c.Pushes, Push{By: dev1, Before: updated, After: headCommit})
	same(t, UpdateMerges(c), []string{oldCommit, updated})
	revision(updated, "main", refund)(c)
	same(t, UpdateMerges(c), []string{oldCommit})
	revision(oldCommit, "main", refund)(c)
	same(t, UpdateMerges(c), []string(nil))

	c.Commits, c.Pushes = nil, nil
	for i := range 50 {
		first := string(rune('a' + i))
		c.Commits = append(c.Commits, Commit{ID: first, Author: dev1, Committer: dev1},
			Commit{ID: "m" + first, Author: rev1, WebFlow: true, Parents: []string{first, "base"}})
	}
	if got := UpdateMerges(c); len(got) != 6 || got[0] != "a" || got[1] != "ma" {
		t.Errorf("%q", got)
	}
}
