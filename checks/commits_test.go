package checks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// TestCommitsAreTheSameFromBothAPIs: what GraphQL leaves out comes from REST, and
// nobody can be hidden by which of the two named a commit.
func TestCommitsAreTheSameFromBothAPIs(t *testing.T) {
	t.Parallel()
	read := func(l githubtest.Limits) *Gathered {
		s := tell(t, "maintain", githubtest.Options{Limits: l})
		s.gh.Email("lead2", "second@example.com")
		p := s.open()
		for i, how := range []githubtest.Commit{
			{Author: "lead1"}, {Committer: "lead2"}, {Author: "Nobody <nobody@example.com>"}, {WebFlow: true},
			{CoAuthors: []string{"lead1", "X <second@example.com>"}}, {WebFlow: true, Author: "lead2"},
			{Author: "Me <noreply@github.com>", Committer: "GitHub <noreply@github.com>"},
		} {
			p.Push("dev1", githubtest.Files{"README.md": fmt.Sprint(i)}, how)
		}
		s.repo.Push("dev1", "main", githubtest.Files{"docs": "x\n"})
		p.UpdateBranch("lead1")
		g, _ := s.reader(t, p).read()
		return g
	}
	all := read(githubtest.Limits{})
	if len(all.Change.Commits) != 9 || len(all.Change.Gaps) > 0 {
		t.Fatalf("%d commits, gaps %v", len(all.Change.Commits), all.Change.Gaps)
	}
	for n := range 9 {
		part := read(githubtest.Limits{GraphQLCommits: n + 1, CompareCommits: 2})
		if diff := cmp.Diff(all.Change.Commits, part.Change.Commits); diff != "" || len(part.Change.Gaps) > 0 {
			t.Errorf("%d commits from GraphQL, the others from REST: gaps %v (-want +got):\n%s", n+1, part.Change.Gaps, diff)
		}
	}
}

// TestCommitsBeyondEveryLimitAreAGap: 1,000 commits are read and no more, and a
// count that disagrees is never explained away.
func TestCommitsBeyondEveryLimitAreAGap(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ graph, rest, pages int }{
		"more than are read": {5000, 5000, 100}, "GraphQL counts more": {3, 2, 1}, "REST counts more": {1, 3, 1},
	} {
		w := &endless{graph: tt.graph, rest: tt.rest, pages: tt.pages}
		c, err := New(Config{URL: "https://github.com", AppID: 1, Key: testKey(), Transport: w, Cache: kept{}, Now: (&story{}).now})
		if err != nil {
			t.Fatal(err)
		}
		g, err := c.Gather(t.Context(), Wake{Place: here, Number: 1, Base: "main"}, Known{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if gaps := g.Change.Gaps; len(gaps) != 1 || gaps[0].What != "commits" {
			t.Errorf("%s: gaps %v", name, gaps)
		}
		if v := rules.Evaluate(g.Policy.Data, &g.Change, g.EditedAt); v.State != rules.Failure {
			t.Errorf("%s: %s %s", name, v.State, v.Title)
		}
		if n := len(g.Change.Commits); n > maxCommits+250 || w.compared > maxCommits/100+1 {
			t.Errorf("%s: %d commits in %d comparisons", name, n, w.compared)
		}
	}
}

// endless answers with a page of commits and says that there is another.
type endless struct{ graph, rest, pages, compared int }

func (e *endless) RoundTrip(q *http.Request) (*http.Response, error) {
	switch path := q.URL.Path; {
	case strings.HasSuffix(path, "/access_tokens"):
		return answerOf(q, 201, `{"token":"t","expires_at":"2099-01-01T00:00:00Z"}`), nil
	case strings.HasSuffix(path, "/graphql"):
		return answerOf(q, 200, strings.NewReplacer("%CHANGED%", "1", "%COMMITS%", fmt.Sprint(e.graph), "%REVIEWS%", "1").Replace(pullAnswer)), nil
	}
	e.compared++
	var commits []string
	for i := range min(100, e.rest) {
		id := fmt.Sprintf("%020d%020d", e.compared, i)
		if i == 0 {
			id = headID
		}
		commits = append(commits, `{"sha":"`+id+`","parents":[],"author":null,"committer":null,"commit":{"message":"m"}}`)
	}
	if e.rest < 4 {
		commits = commits[:1]
	}
	answer := strings.Replace(compareAnswer, `"total_commits":1,"commits":[]`, fmt.Sprintf(`"total_commits":%d,"commits":[%s]`, e.rest, strings.Join(commits, ",")), 1)
	r := answerOf(q, 200, answer)
	if e.pages > 1 {
		r.Header.Set("Link", fmt.Sprintf(`<https://api.github.com/x?page=%d>; rel="next"`, e.compared+1))
	}
	return r, nil
}

// TestGitHubsOwnCommits: anybody can write GitHub's name into a commit. REST names
// web-flow by the address alone; only the signature tells.
func TestGitHubsOwnCommits(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{
		`{"committer":{"id":9,"login":"web-flow"},"commit":{"message":"","verification":{"verified":true}}}`:  true,
		`{"committer":{"id":9,"login":"web-flow"},"commit":{"message":"","verification":{"verified":false}}}`: false,
		`{"committer":{"id":9,"login":"web-flow"},"commit":{"message":"","verification":null}}`:               false,
		`{"committer":{"id":2,"login":"dev1"},"commit":{"message":"","verification":{"verified":true}}}`:      false,
		`{"committer":null,"commit":{"message":"","verification":{"verified":true}}}`:                         false,
	} {
		var k restCommit
		if err := json.Unmarshal([]byte(answer), &k); err != nil {
			t.Fatal(err)
		}
		if got := k.listed().WebFlow; got != want {
			t.Errorf("%s: %v", answer, got)
		}
	}
}
