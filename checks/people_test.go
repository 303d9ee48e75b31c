package checks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

func TestCoAuthors(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Fix\n\nCo-authored-by: Dev Two <1234+dev2@users.noreply.github.com>":                  "1234 dev2;0",
		"Fix\n\nco-authored-by: Dev <dev2@users.noreply.github.com>\r\nSigned-off-by: x <y@z>": "0 dev2;0",
		"Fix\n\nCo-authored-by: a bot <5+agent[bot]@users.noreply.github.com>":                 "5 agent[bot];0",
		"Fix\n\nCo-authored-by: Dev <6+dev2@USERS.noreply.ghes.example>":                       "6 dev2;0",
		"Fix\n\nCo-authored-by: Dev <7+dev2_acme@users.noreply.github.com>":                    "7 dev2_acme;0",
		"Fix\n\nCo-authored-by: Assistant <noreply@vendor.example>":                            ";1",
		"Fix\n\nCo-authored-by: Dev <6+dev2@users.noreply.other.example>":                      ";1",
		"Co-authored-by: Dev <9+dev2@users.noreply.github.com>\n\nnot the last paragraph":      ";0",
		"Fix\n\nCo-authored-by: Dev <9+dev2@users.noreply.github.com.evil.example>":            ";1",
		"Fix\n\nCo-authored-by: Dev <99999999999999999999+dev2@users.noreply.github.com>":      ";1",
		"Fix\n\nCo-authored-by: Dev without an address":                                        ";0",
		"Fix\n\nCo-authored-by: <>": ";0",
		"Fix\n\nCo-authored-by: " + strings.Repeat("x", maxTrailer) + " <a@b>": ";0",
	} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return 500, "" }}
		found := dialled(t, "https://ghes.example:8443", w).coAuthors(message)
		got := ""
		for _, p := range found.named {
			got += fmt.Sprintf("%d %s", p.ID, p.Login)
		}
		if got += fmt.Sprintf(";%d", found.others); got != want {
			t.Errorf("%.200q names %q, want %q", message, got, want)
		}
	}
}

// sharedBy lists a commit's co-authors.
func sharedBy(k rules.Commit) (out []string) {
	for _, p := range k.CoAuthors {
		out = append(out, p.Login)
	}
	return out
}

// TestCoAuthorsByAnyAddress: GitHub is asked whose it is, once for a commit. One that
// belongs to no account names nobody.
func TestCoAuthorsByAnyAddress(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.gh.Email("lead1", "lead.one@acme.example")
	assistant := "Assistant <noreply@vendor.example>"
	for name, tt := range map[string]struct {
		coAuthors []string
		want      []string
		lookups   int
	}{
		"noreply":        {[]string{"lead2"}, []string{"lead2"}, 0},
		"another":        {[]string{"Lead <lead.one@acme.example>"}, []string{"lead1"}, 1},
		"an assistant":   {[]string{assistant}, nil, 1},
		"all of them":    {[]string{"lead2", assistant, "Lead <lead.one@acme.example>"}, []string{"lead2", "lead1"}, 1},
		"the same twice": {[]string{"lead1", "Lead <lead.one@acme.example>"}, []string{"lead1"}, 1},
		"the author":     {[]string{"dev1", assistant}, []string{"dev1"}, 1},
	} {
		c := s.client(t, http.DefaultTransport)
		c.Cache = kept{}
		p := s.repo.Open("dev1", githubtest.PR{Head: strings.ReplaceAll(name, " ", "-"), Files: githubtest.Files{"prompts/refund.md": name}, Commit: githubtest.Commit{CoAuthors: tt.coAuthors}})
		for i, lookups := range []int{tt.lookups, 0} {
			g, n := s.read(t, c, p, Known{})
			if got := sharedBy(g.Change.Commits[0]); n != lookups || !slices.Equal(got, tt.want) || len(g.Change.Gaps) > 0 {
				t.Errorf("%s, reading %d: %v in %d look-ups, want %v in %d; gaps %v", name, i+1, got, n, tt.want, lookups, g.Change.Gaps)
			}
		}
	}
}

// TestCoAuthorsThatCannotBeRead are gaps: too many, a list that is cut, a server that
// knows no authors of a commit. What else is asked is answered all the same.
func TestCoAuthorsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := tell(t, `"@acme/leads"`)
	crowd := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("Somebody <nobody%d@acme.example>", i))
		}
		return all
	}
	authors := []any{"data", "repository", "coauthors1", "authors"}
	for name, tt := range map[string]struct {
		coAuthors int
		change    func(any) any
		gap       string
		lookups   int
	}{
		"20 of them": {20, nil, "", 1},
		"21 of them": {21, nil, "names 21 co-authors, at most 20 are looked up", 1},
		"thousands":  {3000, nil, "names 3000 co-authors, at most 20 are looked up", 1},
		"one cut off": {1, func(v any) any { return replaced(v, append(authors, "nodes", 1), missing{}) },
			"1 of the 2 authors of commit", 1},
		"one null": {1, func(v any) any { return replaced(v, append(authors, "nodes", 1), nil) }, "1 of the 2 authors of commit", 1},
		"an old server": {1, func(any) any {
			return map[string]any{"errors": []any{map[string]any{"message": "Field 'authors' doesn't exist on type 'Commit'"}}}
		}, "this GitHub server cannot say", 2},
	} {
		x := &tampering{next: http.DefaultTransport, change: tt.change}
		if tt.change != nil {
			x.answer = 3
		}
		c := s.client(t, x)
		p := s.repo.Open("dev1", githubtest.PR{Head: strings.ReplaceAll(name, " ", "-"), Files: githubtest.Files{"prompts/refund.md": name}, Commit: githubtest.Commit{CoAuthors: crowd(tt.coAuthors)}})
		p.Review("lead1", "APPROVED")
		g, n := s.read(t, c, p, Known{})
		gaps := ""
		for _, gap := range g.Change.Gaps {
			gaps += gap.Says
		}
		if !strings.Contains(gaps, tt.gap) || (gaps == "") != (tt.gap == "") || n != tt.lookups || !slices.Contains(g.Change.Reviews[0].Teams, "@acme/leads") {
			t.Errorf("%s: gaps %q, want %q; %d look-ups, want %d; %+v", name, gaps, tt.gap, n, tt.lookups, g.Change.Reviews[0])
		}
	}
	x := &tampering{next: http.DefaultTransport, answer: 3, change: func(v any) any { return replaced(v, authors, nil) }}
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/refund.md": "x"}, Commit: githubtest.Commit{CoAuthors: crowd(1)}})
	if _, err := s.client(t, x).Gather(t.Context(), s.wake(p), Known{}); err == nil {
		t.Error("authors that are null are taken for none")
	}
}

// TestCoAuthorsOfManyCommits are asked in queries of a hundred.
func TestCoAuthorsOfManyCommits(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.gh.Email("lead1", "lead.one@acme.example")
	p := s.open()
	for i := range 105 {
		p.Push("dev1", githubtest.Files{"prompts/refund.md": fmt.Sprint(i)}, githubtest.Commit{CoAuthors: []string{"Lead <lead.one@acme.example>"}})
	}
	g, n := s.read(t, s.client(t, http.DefaultTransport), p, Known{})
	have := 0
	for _, k := range g.Change.Commits {
		have += len(sharedBy(k))
	}
	if n != 2 || have != 105 || len(g.Change.Gaps) > 0 {
		t.Errorf("%d co-authors in %d look-ups, gaps %v", have, n, g.Change.Gaps)
	}
}

// asked is a change request of an agent.
func asked(by string) string {
	return "```yaml\nchange:\n  why: a reason\n  requested_by: " + by + "\n```\n"
}

// TestRequesterIsAnAccount: whom requested_by names is asked once, and stays an
// initiator when the text is edited or the login goes to somebody else.
func TestRequesterIsAnAccount(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.gh.Bot("agent[bot]")
	c := s.client(t, http.DefaultTransport)
	lead1, lead2 := rules.Person{ID: s.gh.User("lead1"), Login: "lead1"}, rules.Person{ID: s.gh.User("lead2"), Login: "lead2"}
	p := s.repo.Open("agent[bot]", githubtest.PR{Body: asked("Lead1"), Files: githubtest.Files{"prompts/refund.md": "Be brief.\n"}})
	var known Known
	step := func(when string, lookups int, now *rules.Person, ever ...rules.Person) {
		t.Helper()
		g, n := s.read(t, c, p, known)
		if diff := cmp.Diff(now, g.Change.Requester) + cmp.Diff(ever, g.Change.Initiators); n != lookups || diff != "" {
			t.Errorf("%s: %d look-ups, want %d (-want +got):\n%s", when, n, lookups, diff)
		}
		known = durable(t, g.Known)
	}
	step("first", 1, &lead1, lead1)
	step("again", 0, &lead1, lead1)
	s.gh.Rename("lead1", "lead-one")
	s.gh.User("lead1")
	step("the login is somebody else's", 0, &lead1, lead1)
	p.Edit("dev1", asked("lead2"))
	step("edited", 1, &lead2, lead1, lead2)
	p.Edit("dev1", "nobody asked")
	step("removed", 0, nil, lead1, lead2)
	for range 2 {
		p.Edit("dev1", asked("nobody-at-all"))
		step("nobody", 1, &rules.Person{Login: "nobody-at-all"}, lead1, lead2)
	}
}

// TestRequesterInALongFile: whom it names is known only after it is read.
func TestRequesterInALongFile(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/refund.md": "Be brief.\n", ".changes/x.yml": "change:\n  why: a reason\n  requested_by: lead1\n"}})
	x := &tampering{next: http.DefaultTransport, answer: 2, change: func(v any) any { return replaced(v, []any{"files", 0, "patch"}, nil) }}
	g, n := s.read(t, s.client(t, x), p, Known{})
	if n != 2 || g.Change.Requester == nil || g.Change.Requester.ID != s.gh.User("lead1") {
		t.Errorf("%d look-ups, requester %v", n, g.Change.Requester)
	}
}

// TestAssigneesStay on an agent's pull request, and a list that is cut is a gap.
func TestAssigneesStay(t *testing.T) {
	t.Parallel()
	assignees := []any{"data", "repository", "pullRequest", "assignees"}
	unassign := func(v any) any {
		return replaced(v, assignees, map[string]any{"totalCount": 0, "nodes": []any{}})
	}
	for author, tt := range map[string]struct {
		stay int
		gap  bool
	}{"agent[bot]": {1, true}, "dev1": {0, false}} {
		s := tell(t, "write")
		s.gh.Bot("agent[bot]")
		x := &tampering{next: http.DefaultTransport}
		c := s.client(t, x)
		p := s.repo.Open(author, githubtest.PR{Assignees: []string{"lead1"}, Files: githubtest.Files{"prompts/refund.md": "Be brief.\n"}})
		first, _ := s.read(t, c, p, Known{})
		x.seen, x.answer, x.change = 0, 1, unassign
		if g, _ := s.read(t, c, p, durable(t, first.Known)); len(first.Change.Assignees) != 1 || len(g.Change.Assignees) != tt.stay || len(g.Change.Gaps) > 0 {
			t.Errorf("%s: assigned to %v, then to %v; gaps %v", author, first.Change.Assignees, g.Change.Assignees, g.Change.Gaps)
		}
		x.seen, x.change = 0, func(v any) any { return replaced(v, append(assignees, "nodes", 0), nil) }
		if g, _ := s.read(t, c, p, Known{}); (len(g.Change.Gaps) > 0) != tt.gap {
			t.Errorf("%s: an assignee that is null: gaps %v", author, g.Change.Gaps)
		}
	}
}

// TestWhoAnswersForAnAgentIsHuman: GitHub is asked, once for an account. A bot without
// the usual end of its login, an address of nobody, one with another account's id and
// whoever comes after twenty others are none.
func TestWhoAnswersForAnAgentIsHuman(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.gh.Bot("agent[bot]")
	s.gh.Bot("Copilot")
	s.gh.Email("lead1", "lead.one@acme.example")
	forged := fmt.Sprintf("Lead <%d+lead1@users.noreply.github.com>", s.gh.User("lead2"))
	crowd := []string{}
	for i := range mostHumans {
		crowd = append(crowd, fmt.Sprintf("Nobody <%d+nobody%d@users.noreply.github.com>", 9000000+i, i))
	}
	c := s.client(t, http.DefaultTransport)
	for name, tt := range map[string]struct {
		coAuthors []string
		assignee  string
		humans    []string
		lookups   []int
	}{
		"human":         {[]string{"lead2"}, "", []string{"lead2"}, []int{1, 0}},
		"other address": {[]string{"Lead <lead.one@acme.example>"}, "", []string{"lead1"}, []int{2, 0}},
		"bot":           {[]string{"Copilot"}, "", nil, []int{1, 0}},
		"assigned bot":  {nil, "Copilot", nil, []int{1, 0}},
		"forged id":     {[]string{forged}, "", nil, []int{1, 0}},
		"crowd":         {crowd, "lead1", []string{"lead1"}, []int{1, 0}},
	} {
		p := s.repo.Open("agent[bot]", githubtest.PR{Head: strings.ReplaceAll(name, " ", "-"), Assignees: slices.DeleteFunc([]string{tt.assignee}, func(l string) bool { return l == "" }),
			Files: githubtest.Files{"prompts/refund.md": name}, Commit: githubtest.Commit{CoAuthors: tt.coAuthors}})
		c.Cache = kept{}
		for i, lookups := range tt.lookups {
			g, n := s.read(t, c, p, Known{})
			var humans []string
			for _, p := range slices.Concat(g.Change.Assignees, g.Change.Commits[0].CoAuthors) {
				if !p.Bot {
					humans = append(humans, p.Login)
				}
			}
			if n != lookups || !slices.Equal(humans, tt.humans) || len(g.Change.Gaps) > 0 {
				t.Errorf("%s, reading %d: %v in %d look-ups, want %v in %d; gaps %v", name, i+1, humans, n, tt.humans, lookups, g.Change.Gaps)
			}
		}
	}
}
