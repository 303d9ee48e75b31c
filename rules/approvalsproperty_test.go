package rules

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var webFlow = Person{ID: 19864447, Login: "web-flow"}

// drawWho draws a policy and a change of which only approvals decide: nothing has
// to be rolled back, dated or checked.
func drawWho(t *rapid.T) (string, *Change) {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nmode: enforce\napprovals_cover: %s\ngoverned:\n", pick(t, "cover", "content", "content", "content", "head"))
	for i, path := range []string{"prompts/**", "tools/**"}[:rapid.IntRange(1, 2).Draw(t, "groups")] {
		entries := []string{fmt.Sprintf("{count: %d, from: [%s]}", rapid.IntRange(1, 2).Draw(t, "count"), pick(t, "many", "write", "'@acme/a'", "'@acme/b', Rev1"))}
		entries = append(entries, some(t, "entries", 1, func(int) string {
			return "{from: [" + pick(t, "one", "rev1", "REV2", "maintain", "'@acme/b'", "rev3, '@acme/a'") + "]}"
		})...)
		fmt.Fprintf(&b, "- {name: g%d, kind: other, paths: [%s], approvals: [%s]}\n", i, path, strings.Join(entries, ", "))
	}
	c := change()
	c.Author = pick(t, "author", dev1, dev1, dev1, agent)
	drawAsked(t, c)
	drawHistory(t, c)
	drawOpinions(t, c)
	restorable(c)
	return b.String(), c
}

// drawAsked draws on whose behalf the change is.
func drawAsked(t *rapid.T, c *Change) {
	c.Assignees = []Person{pick(t, "assignee", dev2, dev2, dev2, rev1, agent)}
	c.Initiators = some(t, "initiators", 1, func(int) Person { return pick(t, "initiator", dev1, dev2, dev2, rev3, Person{Login: "Rev2"}) })
	if !usually(t, "for nobody") {
		who := pick(t, "for", dev2, rev1, rev3)
		asks(request + "  requested_by: " + who.Login + "\n")(c)
		if c.Requester = &who; !usually(t, "known") {
			c.Requester = &Person{Login: who.Login}
		}
	}
	if usually(t, "accounts") {
		c.Accounts = []Account{{"rev1", pick(t, "account", rev1.ID, rev1.ID, 66)}, {"rev2", rev2.ID}, {"rev3", rev3.ID}}
	}
}

// drawHistory draws a commit, one merged into it, and a head on top, often GitHub's
// merge of the base branch; what they changed, and who pushed them.
func drawHistory(t *rapid.T, c *Change) {
	writer := func(label string) Person {
		return pick(t, label, dev1, dev1, dev1, dev1, dev1, dev2, dev2, rev3, rev1, Person{})
	}
	c.Commits = []Commit{{ID: oldCommit, Author: writer("wrote"), Committer: dev1, Parents: []string{mergeBase},
		CoAuthors: some(t, "co-authors", 1, func(int) Person { return pick(t, "co-author", dev2, dev2, agent, rev2, Person{Login: "Rev1"}) })}}
	c.Commits = append(c.Commits, some(t, "side", 1, func(int) Commit {
		return Commit{ID: "side", Author: writer("wrote aside"), Committer: dev2, Parents: []string{mergeBase}}
	})...)
	head := Commit{ID: headCommit, Author: dev1, Committer: dev1, Parents: []string{oldCommit}}
	if rapid.Bool().Draw(t, "merge") {
		head = Commit{ID: headCommit, Author: pick(t, "merged", rev1, rev2, dev1), WebFlow: usually(t, "on GitHub"), Committer: webFlow,
			Parents: []string{oldCommit, pick(t, "merges", "base2", "base2", "side")}}
	}
	c.Commits = append(c.Commits, head)
	c.Pushes = []Push{{By: writer("pushed"), After: oldCommit},
		{By: pick(t, "pushed the head", head.Author, head.Author, dev1, rev2), Before: pick(t, "onto", oldCommit, oldCommit, oldCommit, mergeBase), After: headCommit}}
	if !usually(t, "pushes known") {
		c.UnknownPush = pick(t, "unknown", "", "", oldCommit)
	}
	c.Files = drawGoverned(t)
	c.Revisions = []Revision{{Commit: oldCommit, Base: pick(t, "on", "main", "main", "main", "release"), Files: c.Files}}
	if !usually(t, "as before") {
		c.Revisions[0].Files = drawGoverned(t)
	}
	if !usually(t, "head not recorded") {
		c.Revisions = append(c.Revisions, Revision{Commit: headCommit, Base: "main", Files: drawGoverned(t)})
	}
}

func drawGoverned(t *rapid.T) []File {
	files := []File{{Path: "prompts/a.md", Status: "modified", Old: "0", New: pick(t, "blob", "1", "1", "2")}}
	for _, path := range []string{"README.md", "tools/a.md"} {
		if rapid.Bool().Draw(t, path) {
			files = append(files, File{Path: path, Status: "modified", Old: "0", New: pick(t, "blob", "1", "1", "2")})
		}
	}
	return files
}

func drawOpinions(t *rapid.T, c *Change) {
	q, _ := ReadRequest(c.Requests, nil)
	of := []string{headCommit, headCommit, oldCommit}
	for i, by := range []Person{rev1, rev2, rev3} {
		if usually(t, by.Login) {
			c.Reviews = append(c.Reviews, Review{ID: int64(10 + i), By: by, State: approved, Commit: pick(t, "of", of...), At: noon.Add(-time.Hour),
				Permission: pick(t, "role", "maintain", "write"), Teams: []string{"@acme/a", "@acme/b"}, Request: q.Digest()})
		}
	}
	c.Reviews = append(c.Reviews, some(t, "reviews", 2, func(i int) Review {
		return Review{ID: int64(20 + i), By: pick(t, "by", rev1, rev2, rev3, dev1, dev2, agent, Person{ID: 66, Login: "REV1"}, Person{Login: "ghost"}),
			State:  pick(t, "state", approved, approved, approved, "COMMENTED", dismissed, changesRequested),
			Commit: pick(t, "of", headCommit, headCommit, oldCommit, ""), At: noon.Add(time.Duration(-rapid.IntRange(0, 2).Draw(t, "hours")) * time.Hour),
			Permission: pick(t, "role", "write", "read", "maintain"), Teams: some(t, "team", 1, func(int) string { return pick(t, "of team", "@acme/a", "@acme/b") }),
			Request: pick(t, "request", q.Digest(), q.Digest(), q.Digest(), "")}
	})...)
}

func judgeWho(t *rapid.T) (*Policy, *Change, Verdict) {
	text, c := drawWho(t)
	p, problems := ParsePolicy([]byte(text))
	if problems != nil {
		t.Fatal(problems)
	}
	return p, c, p.Decide(c, noon)
}

// The properties below are worth something only if both outcomes are common, and
// every reason is met.
func TestWhoIsDrawnEitherWay(t *testing.T) {
	t.Parallel()
	type drawn struct {
		c *Change
		v Verdict
	}
	draw := rapid.Custom(func(t *rapid.T) drawn {
		_, c, v := judgeWho(t)
		return drawn{c, v}
	})
	seen, passed, merged := map[string]int{}, 0, 0
	for seed := range 1000 {
		d := draw.Example(seed)
		for _, code := range codesOf(d.v) {
			seen[code]++
		}
		for _, turned := range d.v.Turned {
			seen[turned.Code]++
		}
		if !green(d.v) {
			continue
		}
		passed++
		head := d.c.Commits[len(d.c.Commits)-1]
		if slices.ContainsFunc(d.v.Approvals, func(a Approved) bool { return a.By == head.Author }) {
			merged++
		}
	}
	if passed < 150 || passed > 850 || merged < 5 {
		t.Errorf("%d of 1000 pass, %d of them by whoever merged the base branch in", passed, merged)
	}
	for _, code := range []string{CodeApprovals, CodeStale, CodeChangesRequested, CodeUnattributed, CodeUnknownPush, CodeNoRequester, CodeByAuthor, CodeByContributor,
		CodeByBot, CodeNotAllowed, CodeOldContent, CodeOldRequest, CodeDismissed, CodeComment, CodeSuperseded, CodeNobody, CodeNamesake, CodePartial} {
		if seen[code] < 5 {
			t.Errorf("%s is met %d times", code, seen[code])
		}
	}
}

// One more contributor, one approval less, or content nobody reviewed never helps.
func TestWhoIsNeverGreener(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := judgeWho(t)
		worse := func(what string, change func(*Change)) {
			d := *c
			change(&d)
			if got := p.Decide(&d, noon); green(got) && !green(v) {
				t.Fatalf("%s turns %q into %q", what, v.Title, got.Title)
			}
		}
		who := pick(t, "who", dev1, dev2, rev1, rev2, rev3, agent, Person{Login: "REV2"})
		add := func(k Commit) func(*Change) {
			return func(c *Change) { c.Commits = append(slices.Clone(c.Commits), k) }
		}
		worse("an author", add(Commit{ID: "new", Author: who, Committer: dev1}))
		worse("a committer", add(Commit{ID: "new", Author: dev1, Committer: who, WebFlow: true}))
		worse("a merge", add(Commit{ID: "new", Author: who, Committer: webFlow, WebFlow: true, Parents: []string{headCommit, "base3"}}))
		worse("a commit of the branch merged in", add(Commit{ID: "base2", Author: who, Committer: who}))
		worse("an initiator", func(c *Change) { c.Initiators = append(slices.Clone(c.Initiators), who) })
		worse("a push", func(c *Change) {
			c.Pushes = append(slices.Clone(c.Pushes), Push{By: who, Before: pick(t, "from", oldCommit, headCommit, ""), After: pick(t, "to", oldCommit, headCommit)})
		})
		worse("a push of unknown origin", func(c *Change) { c.UnknownPush = "new" })
		if finding(v, CodeNoInitiator).Code == "" { // a co-author answers for an agent's pull request
			worse("a co-author", func(c *Change) {
				c.Commits = slices.Clone(c.Commits)
				c.Commits[0].CoAuthors = append(slices.Clone(c.Commits[0].CoAuthors), who)
			})
		}
		worse("a refusal", func(c *Change) {
			c.Reviews = append(slices.Clone(c.Reviews), Review{ID: 99, By: who, State: changesRequested, Commit: headCommit, At: noon, Permission: "maintain", Teams: []string{"@acme/a", "@acme/b"}})
		})
		for i := range c.Reviews {
			if c.Reviews[i].State == approved {
				worse("dismissing an approval", func(c *Change) {
					c.Reviews = slices.Clone(c.Reviews)
					c.Reviews[i].State = dismissed
				})
			}
		}
		worse("a push of governed content", func(c *Change) {
			c.Head.Commit = "new"
			add(Commit{ID: "new", Author: who, Committer: dev1, Parents: []string{headCommit}})(c)
			c.Files = append(slices.Clone(c.Files), File{Path: "prompts/z.md", Status: "added", New: "never reviewed"})
		})
		worse("a base branch moved back", func(c *Change) {
			c.Revisions = append(slices.Clone(c.Revisions), Revision{Commit: headCommit, Base: "main", Files: c.Files})
			c.Files = append(slices.Clone(c.Files), File{Path: "prompts/z.md", Status: "added", New: "never reviewed"})
		})
	})
}

func TestWhoIsOfNoOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := judgeWho(t)
		rnd := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		contributed := p.Contributors(c)
		shuffle(rnd, c.Reviews)
		shuffle(rnd, c.Commits)
		shuffle(rnd, c.Pushes)
		shuffle(rnd, c.Files)
		shuffle(rnd, c.Revisions)
		shuffle(rnd, c.Accounts)
		shuffle(rnd, c.Initiators)
		equal(t, "another order", p.Decide(c, noon), v)
		if d := cmp.Diff(contributed, p.Contributors(c)); d != "" {
			t.Fatal("another order, other contributors:\n" + d)
		}
		shuffle(rnd, p.judged)
		for i := range p.judged {
			p.judged[i].Approvals = slices.Clone(p.judged[i].Approvals)
			shuffle(rnd, p.judged[i].Approvals)
		}
		if got := p.Decide(c, noon); got.State != v.State || len(got.Approvals) != len(v.Approvals) {
			t.Fatalf("another order of groups and entries: %q, not %q", got.Title, v.Title)
		}
	})
}

// Logins compare without case, in the policy and in the facts, for whoever is known
// by login alone too.
func TestWhoIsOfNoCase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, c := drawWho(t)
		if rapid.Bool().Draw(t, "logins alone") {
			c.Accounts = nil
			for i := range c.Commits {
				for k := range c.Commits[i].CoAuthors {
					c.Commits[i].CoAuthors[k].ID = 0
				}
			}
			for i := range c.Initiators {
				c.Initiators[i].ID = 0
			}
		}
		v := parseWho(t, text).Decide(c, noon)
		change := pick(t, "case", strings.ToUpper, strings.ToLower)
		for _, login := range []string{"rev1", "Rev1", "REV2", "rev3", "@acme/a", "@acme/b"} {
			text = strings.ReplaceAll(text, login, change(login))
		}
		for i := range c.Reviews {
			c.Reviews[i].By.Login = change(c.Reviews[i].By.Login)
		}
		for i := range c.Commits {
			for k := range c.Commits[i].CoAuthors {
				c.Commits[i].CoAuthors[k].Login = change(c.Commits[i].CoAuthors[k].Login)
			}
		}
		for i := range c.Initiators {
			c.Initiators[i].Login = change(c.Initiators[i].Login)
		}
		for i := range c.Accounts {
			c.Accounts[i].Login = change(c.Accounts[i].Login)
		}
		got := parseWho(t, text).Decide(c, noon)
		if got.State != v.State || cmp.Diff(codesOf(got), codesOf(v)) != "" || !strings.EqualFold(fmt.Sprint(turnedOf(got)), fmt.Sprint(turnedOf(v))) {
			t.Fatalf("the case of logins turns %q into %q", v.Title, got.Title)
		}
	})
}

func parseWho(t *rapid.T, text string) *Policy {
	p, problems := ParsePolicy([]byte(text))
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}

// Nobody who had a hand in the change is among its approvers, and no bot. The hands
// are counted here one by one, and a merge of the base branch forgives only whoever
// made it, and only what every recording of its content shows.
func TestNobodyApprovesTheirOwn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := judgeWho(t)
		for _, a := range v.Approvals {
			by := a.By
			if by.Bot || by.ID == 0 || by.same(c.Author) || c.Requester != nil && by.same(*c.Requester) || slices.ContainsFunc(c.Initiators, by.same) ||
				c.Author.Bot && slices.ContainsFunc(c.Assignees, by.same) || slices.ContainsFunc(p.Contributors(c), by.same) {
				t.Fatalf("%v approves", by)
			}
			for _, k := range c.Commits {
				if slices.ContainsFunc(k.CoAuthors, by.same) || by.same(k.Committer) || by.same(k.Author) && !unchanged(p, c, k) {
					t.Fatalf("%v approves and made %s", by, k.ID)
				}
			}
			for _, k := range c.Pushes {
				if by.same(k.By) && (k.After != headCommit || k.Before != oldCommit || !unchanged(p, c, c.Commits[len(c.Commits)-1])) {
					t.Fatalf("%v approves and pushed %s", by, k.After)
				}
			}
		}
	})
}

// unchanged says of the head whether it is GitHub's merge of the base branch and
// holds what its first parent held.
func unchanged(p *Policy, c *Change, k Commit) bool {
	if k.ID != headCommit || !k.WebFlow || len(k.Parents) != 2 || slices.ContainsFunc(c.Commits, func(o Commit) bool { return o.ID == k.Parents[1] }) || c.Revisions[0].Base != "main" {
		return false
	}
	governed := func(files []File) map[string]string {
		out := map[string]string{}
		for _, f := range files {
			if len(p.GroupsOf(f)) > 0 {
				out[f.Path] = f.New
			}
		}
		return out
	}
	return cmp.Equal(governed(c.Revisions[0].Files), governed(c.Files))
}
