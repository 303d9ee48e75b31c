package checks

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

const (
	headID = "1111111111111111111111111111111111111111"
	baseID = "2222222222222222222222222222222222222222"
)

// pullAnswer is GitHub's answer about a small enrolled pull request.
const pullAnswer = `{"data":{"repository":{"databaseId":7,"nameWithOwner":"acme/agents","defaultBranchRef":{"name":"main"},
"base":{"target":{"oid":"` + baseID + `"}},
"basePolicy":{"__typename":"Blob","oid":"23965d0feb5ba288b7741679005f24843b466664","text":"version: 1\nmode: enforce\ngoverned: [{name: p, kind: prompt, paths: [\"prompts/**\"]}]\n","byteSize":80,"isBinary":false},
"pullRequest":{"title":"t","body":"","state":"OPEN","createdAt":"2026-11-24T08:00:00Z","changedFiles":%CHANGED%,
"baseRefName":"main","baseRefOid":"` + baseID + `","isCrossRepository":false,"headRepository":{"nameWithOwner":"acme/agents"},"headRefName":"x","headRefOid":"` + headID + `",
"author":{"__typename":"User","login":"dev1","databaseId":1},
"files":{"totalCount":1,"nodes":[{"path":"prompts/a.md","changeType":"MODIFIED"}]},
"commits":{"totalCount":%COMMITS%,"pageInfo":{},"nodes":[{"commit":{"oid":"` + headID + `","message":"m","parents":{"totalCount":1,"nodes":[{"oid":"` + baseID + `"}]},"author":{"user":{"login":"dev1","databaseId":1}},"committer":{"user":{"login":"dev1","databaseId":1}}}}]},
"reviews":{"totalCount":%REVIEWS%,"pageInfo":{},"nodes":[{"databaseId":9,"state":"APPROVED","submittedAt":"2026-11-24T09:00:00Z","authorCanPushToRepository":true,"commit":{"oid":"` + headID + `"},"author":{"__typename":"User","login":"rev1","databaseId":2}}]},
"comments":{"pageInfo":{"hasPreviousPage":false},"nodes":[]},
"timelineItems":{"filteredCount":0,"nodes":[]}}}},
"errors":[{"type":"NOT_FOUND","path":["floor"],"message":"Could not resolve to a Repository with the name 'acme/.github'."}]}`

const compareAnswer = `{"status":"ahead","base_commit":{"sha":"` + baseID + `"},"merge_base_commit":{"sha":"` + baseID + `"},
"files":[{"sha":"f","filename":"prompts/a.md","status":"modified","patch":"@@ -1 +1 @@\n-a\n+b"}],"total_commits":1,"commits":[]}`

// gathered reads the pull request above with its totals replaced.
func gathered(t *testing.T, changed, commits, reviews int) (*Gathered, error) {
	t.Helper()
	pull := strings.NewReplacer("%CHANGED%", fmt.Sprint(changed), "%COMMITS%", fmt.Sprint(commits), "%REVIEWS%", fmt.Sprint(reviews)).Replace(pullAnswer)
	w := &wire{do: func(_ int, q *http.Request, body string) (int, string) {
		switch {
		case strings.Contains(body, "query Trees"):
			return 200, `{"data":{"repository":{"c0":null,"c1":null}}}`
		case strings.HasSuffix(q.URL.Path, "/graphql"):
			return 200, pull
		case strings.Contains(q.URL.Path, "/compare/"):
			return 200, compareAnswer
		case strings.HasSuffix(q.URL.Path, "/files"):
			return 200, `[{"sha":"f","filename":"prompts/a.md","status":"modified"}]`
		}
		return 200, `{"head":{"sha":"` + headID + `"}}`
	}}
	return dialled(t, "https://github.com", w).Gather(t.Context(), Wake{Place: here, Number: 1, Base: "main"}, Known{})
}

// TestShortListsAreGaps: a list that is shorter than GitHub says it is never passes
// for whole, and a verdict on it is never green.
func TestShortListsAreGaps(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ changed, commits, reviews int }{
		"": {1, 1, 1}, "files": {2, 1, 1}, "commits": {1, 2, 1}, "reviews": {1, 1, 2},
	}
	for what, n := range tests {
		g, err := gathered(t, n.changed, n.commits, n.reviews)
		if err != nil {
			t.Fatalf("%q: %v", what, err)
		}
		got := ""
		for _, gap := range g.Change.Gaps {
			got += gap.What
		}
		if got != what {
			t.Errorf("gaps %q, want %q", got, what)
		}
		v := rules.Evaluate(g.Policy.Data, &g.Change, g.EditedAt)
		if what != "" && v.State != rules.Failure {
			t.Errorf("with a gap in %s the verdict is %s %q", what, v.State, v.Title)
		}
	}
}

// TestGatherReadsOnlyWhatWasAsked: a name that another repository has now, and a
// policy that is there but not readable, are no absent policy.
func TestGatherReadsOnlyWhatWasAsked(t *testing.T) {
	t.Parallel()
	other := here
	other.RepoID = 8
	w := &wire{do: func(int, *http.Request, string) (int, string) {
		return 200, strings.NewReplacer("%CHANGED%", "1", "%COMMITS%", "1", "%REVIEWS%", "1").Replace(pullAnswer)
	}}
	if _, err := dialled(t, "https://github.com", w).Gather(t.Context(), Wake{Place: other, Number: 1, Base: "main"}, Known{}); !errors.Is(err, ErrGone) {
		t.Errorf("another repository's pull request is read: %v", err)
	}
	text, binary := "x", true
	for name, tt := range map[string]struct {
		blob *blobAnswer
		want PolicyState
	}{
		"nothing":   {nil, PolicyAbsent},
		"text":      {&blobAnswer{Type: "Blob", Text: &text}, PolicyRead},
		"a folder":  {&blobAnswer{Type: "Tree"}, PolicyUnreadable},
		"binary":    {&blobAnswer{Type: "Blob", IsBinary: &binary}, PolicyUnreadable},
		"no text":   {&blobAnswer{Type: "Blob"}, PolicyUnreadable},
		"truncated": {&blobAnswer{Type: "Blob", Text: &text, IsTruncated: true}, PolicyUnreadable},
		"too large": {&blobAnswer{Type: "Blob", Text: &text, ByteSize: rules.MaxPolicy + 1}, PolicyUnreadable},
	} {
		if got := tt.blob.policy(); got.State != tt.want || got.State == PolicyUnreadable && got.Why == "" {
			t.Errorf("%s: state %d %q, want %d", name, got.State, got.Why, tt.want)
		}
	}
}

// TestRetargetByGitHub: what went into a branch that was merged and deleted goes into
// another without anybody having changed it and with no event. Approvals from before
// are for the other branch all the same, and stay so.
func TestRetargetByGitHub(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		event bool
		want  time.Duration // after the approval
	}{"by GitHub": {false, 2 * time.Hour}, "by a person": {true, time.Hour}} {
		s := tell(t, "maintain")
		s.repo.Branch("part1", "main")
		p := s.repo.Open("dev1", githubtest.PR{Base: "part1", Files: githubtest.Files{"prompts/refund.md": "Be brief.\n", ".changes/brief.yml": storyRequest}})
		s.repo.Report("github-actions", p.Head(), "evals", "success")
		x := &tampering{next: http.DefaultTransport}
		c := s.client(t, x)
		var known Known
		read := func() (*Gathered, rules.State) {
			t.Helper()
			x.seen, x.answer = 0, 1
			x.change = func(v any) any {
				if tt.event {
					return v
				}
				return replaced(v, []any{"data", "repository", "pullRequest", "timelineItems"}, map[string]any{"filteredCount": 0, "nodes": []any{}})
			}
			g, err := c.Gather(t.Context(), s.wake(p), known)
			if err != nil {
				t.Fatal(err)
			}
			known = g.Known
			return g, outcome(g).State
		}
		p.Review("lead1", "APPROVED")
		approved := s.now()
		if g, _ := read(); !g.Change.Retargeted.IsZero() {
			t.Errorf("%s: retargeted at %v before it was", name, g.Change.Retargeted)
		}
		s.later(time.Hour)
		p.Retarget("dev1", "main")
		s.later(time.Hour)
		for range 2 {
			if g, state := read(); state != rules.Waiting || g.Change.Retargeted.Sub(approved) != tt.want {
				t.Errorf("%s: %s, retargeted at %v", name, state, g.Change.Retargeted)
			}
			s.later(time.Hour)
		}
		p.Review("lead1", "APPROVED")
		if g, state := read(); state != rules.Ready {
			t.Errorf("%s: approved again: %s, retargeted at %v", name, state, g.Change.Retargeted)
		}
	}
}

// TestEveryPageIsRead: the same story in pages of one entry and in GitHub's own.
func TestEveryPageIsRead(t *testing.T) {
	t.Parallel()
	read := func(page int) rules.Change {
		s := tell(t, "maintain", githubtest.Options{PageSize: page})
		p := s.open()
		p.Review("lead1", "APPROVED")
		p.Review("lead2", "COMMENTED")
		p.Push("dev1", githubtest.Files{"README.md": "y\n"})
		p.Push("lead2", githubtest.Files{"README.md": "z\n"})
		p.Review("lead1", "CHANGES_REQUESTED")
		for _, name := range []string{"evals", "lint", "build"} {
			s.repo.Report("github-actions", p.Head(), name, "success")
		}
		g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
		if err != nil {
			t.Fatal(err)
		}
		return g.Change
	}
	one, all := read(1), read(0)
	if len(all.Commits) != 3 || len(all.Reviews) != 3 || len(all.Checks) != 3 || len(all.Files) != 3 || len(all.Gaps) > 0 {
		t.Fatalf("read whole: %+v", all)
	}
	byOrder := cmp.FilterPath(func(p cmp.Path) bool {
		return slices.Contains([]string{"ID", "Commit", "Parents", "RepoID", "MergeBase"}, p.Last().String()[1:])
	}, cmp.Ignore())
	if diff := cmp.Diff(all, one, byOrder); diff != "" {
		t.Errorf("in pages of one (-whole +pages):\n%s", diff)
	}
}

// TestWideIDs: the ids of reviews and comments on github.com do not fit GraphQL's Int, and an
// older Enterprise Server refuses a query for the field that they fit.
func TestWideIDs(t *testing.T) {
	t.Parallel()
	pull := strings.NewReplacer("%CHANGED%", "1", "%COMMITS%", "1", "%REVIEWS%", "1").Replace(pullAnswer)
	for url, test := range map[string]struct {
		field, answer string
		want          int64
	}{
		"https://github.com":     {" fullDatabaseId ", `"databaseId":null,"fullDatabaseId":"3456789012"`, 3456789012},
		"https://github.example": {" databaseId ", `"databaseId":9`, 9},
	} {
		w := &wire{do: func(_ int, q *http.Request, body string) (int, string) {
			switch {
			case strings.Contains(body, "query Pull") && (!strings.Contains(body, "nodes {"+test.field+"state submittedAt") || !strings.Contains(body, "nodes {"+test.field+"createdAt")):
				return 200, `{"errors":[{"message":"Field doesn't exist on type 'PullRequestReview'"}]}`
			case strings.HasSuffix(q.URL.Path, "/graphql"):
				said := `"nodes":[{` + test.answer + `,"createdAt":"1970-01-01T00:00:00Z","lastEditedAt":null,"body":"hello","author":null}]}`
				return 200, strings.NewReplacer(`"databaseId":9`, test.answer, `"hasPreviousPage":false},"nodes":[]}`, `"hasPreviousPage":false},`+said).Replace(pull)
			}
			return 200, compareAnswer
		}}
		g, err := dialled(t, url, w).Gather(t.Context(), Wake{Place: here, Number: 1, Base: "main"}, Known{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if got := g.Change.Reviews[0].ID; got != test.want || len(g.Comments) != 1 || g.Comments[0].ID != test.want || g.Read != test.want {
			t.Errorf("%s: the review is number %d, the comments are %+v; want %d", url, got, g.Comments, test.want)
		}
	}
}
