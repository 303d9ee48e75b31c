package checks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
)

func (s *story) place() Place {
	return Place{Installation: s.install, Org: "acme", RepoID: s.repo.ID(), Repo: s.repo.Name()}
}

// TestWalkExplainsEachWayToLand: merged, squashed and pushed.
func TestWalkExplainsEachWayToLand(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	before := s.repo.Head("main")
	for _, method := range []string{"merge", "squash"} {
		p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{method: "1"}})
		p.Push("dev1", githubtest.Files{method: "2"})
		p.Merge("lead1", method)
	}
	direct := s.repo.Push("dev1", "main", githubtest.Files{"prompts/refund.md": "Be rude.\n"})
	w, err := s.client(t, http.DefaultTransport).Walk(t.Context(), s.place(), "main", before, direct)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range w.Commits {
		got = append(got, fmt.Sprintf("#%d %v", k.Pull, k.Merged))
	}
	want := []string{"#1 true", "#2 true", "#0 false"}
	if diff := cmp.Diff(want, got); diff != "" || w.Rewritten || w.Cut {
		t.Errorf("walked (-want +got):\n%s%+v", diff, w)
	}
	files, cut, err := s.client(t, http.DefaultTransport).Changed(t.Context(), s.place(), direct)
	if err != nil || cut || len(files) != 1 || files[0].Path != "prompts/refund.md" {
		t.Errorf("the direct push changed %+v, %v %v", files, cut, err)
	}
}

// TestNoHoleHidesADirectPush leaves out every place of every answer about a branch
// onto which somebody pushed: an error, a walk that says it is not whole, or the
// very commit with no pull request.
func TestNoHoleHidesADirectPush(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	before := s.repo.Head("main")
	s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}}).Merge("lead1", "merge")
	direct := s.repo.Push("dev1", "main", githubtest.Files{"prompts/refund.md": "Be rude.\n"})
	s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"b": "1"}}).Merge("lead1", "squash")
	after := s.repo.Head("main")
	answers := map[int][]byte{}
	x := &tampering{next: &remembering{had: map[string][]byte{}}, saw: func(n int, body []byte) { answers[n] = body }}
	c := s.client(t, x)
	seen := func() string {
		w, err := c.Walk(t.Context(), s.place(), "main", before, after)
		switch {
		case err != nil:
			return "error"
		case w.Cut || w.Rewritten:
			return "not whole"
		case slices.ContainsFunc(w.Commits, func(k Landed) bool { return k.ID == direct && k.Pull == 0 }):
			return "direct"
		}
		return fmt.Sprintf("hidden: %+v", w)
	}
	if got := seen(); got != "direct" {
		t.Fatalf("read whole: %s", got)
	}
	x.saw = nil
	tried := 0
	for n, body := range answers {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		places(v, nil, func(at []any, less ...any) {
			for _, with := range less {
				tried++
				x.seen, x.answer, x.change = 0, n, func(v any) any { return replaced(v, at, with) }
				if got := seen(); strings.HasPrefix(got, "hidden") {
					t.Errorf("answer %d, %T at %v: %s", n, with, at, got)
				}
			}
		})
	}
	if tried < 100 {
		t.Errorf("only %d holes tried", tried)
	}
}

// TestOldPullRequestsExplainNothingNew: a commit counts as rebased only where its
// pull request's merge follows at once. One that lay in a squashed pull request and
// is brought onto the branch later, under a merge made by hand, was never approved
// to stand there.
func TestOldPullRequestsExplainNothingNew(t *testing.T) {
	t.Parallel()
	chain := []Landed{
		{ID: "r1", Pull: 4}, {ID: "r2", Pull: 4}, {ID: "r3", Pull: 4, Merged: true}, // rebased
		{ID: "old", Pull: 5}, {ID: "by hand"}, // from a pull request that was squashed before
		{ID: "x", Pull: 6}, {ID: "s", Pull: 7, Merged: true}, // another's merge explains nothing
		{ID: "last", Pull: 8},
	}
	explained(chain)
	var got []int
	for _, k := range chain {
		got = append(got, k.Pull)
	}
	if want := []int{4, 4, 4, 0, 0, 0, 7, 0}; !slices.Equal(got, want) {
		t.Errorf("pull requests %v, want %v", got, want)
	}
}

// TestSweepListsEverything: one installation whose token is refused does not hide
// the repositories of the others.
func TestSweepListsEverything(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	s.gh.Org("other")
	s.gh.Repo("other/agents", githubtest.Files{"a": "1"})
	s.gh.Install("other")
	for i := range 3 {
		s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{fmt.Sprint(i): "1"}})
	}
	names := func(c *Client) (out []string) {
		places, err := c.Repos(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, p := range places {
			out = append(out, p.Repo)
		}
		slices.Sort(out)
		return out
	}
	if got := names(s.client(t, http.DefaultTransport)); !slices.Equal(got, []string{"acme/agents", "other/agents"}) {
		t.Errorf("repositories %q", got)
	}
	refuse := refusing(fmt.Sprintf("/app/installations/%d/access_tokens", s.install))
	if got := names(s.client(t, refuse)); !slices.Equal(got, []string{"other/agents"}) {
		t.Errorf("with one installation refused: repositories %q", got)
	}
	if _, err := s.client(t, refusing("/access_tokens")).Repos(t.Context()); err == nil {
		t.Error("every installation is refused and nothing is said")
	}
	if got, err := s.client(t, http.DefaultTransport).OpenPulls(t.Context(), s.place()); err != nil || len(got) != 3 {
		t.Errorf("open pull requests %v, %v", got, err)
	}
}

// refusing answers 403 to paths that end like this.
type refusing string

func (r refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.URL.Path, string(r)) {
		return answerOf(q, http.StatusForbidden, `{"message":"This installation has been suspended"}`), nil
	}
	return http.DefaultTransport.RoundTrip(q)
}
