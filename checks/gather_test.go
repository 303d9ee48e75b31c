package checks

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"changegate/rules"
)

const (
	headID = "1111111111111111111111111111111111111111"
	baseID = "2222222222222222222222222222222222222222"
)

// pullAnswer is GitHub's answer about a small enrolled pull request.
const pullAnswer = `{"data":{"repository":{"databaseId":7,"nameWithOwner":"acme/agents","defaultBranchRef":{"name":"main"},
"base":{"target":{"oid":"` + baseID + `"}},
"basePolicy":{"__typename":"Blob","oid":"b","text":"version: 1\nmode: enforce\ngoverned: [{name: p, kind: prompt, paths: [\"prompts/**\"]}]\n","byteSize":80,"isBinary":false},
"pullRequest":{"title":"t","body":"","state":"OPEN","createdAt":"2026-11-24T08:00:00Z","changedFiles":%CHANGED%,
"baseRefName":"main","baseRefOid":"` + baseID + `","headRefName":"x","headRefOid":"` + headID + `",
"author":{"__typename":"User","login":"dev1","databaseId":1},
"files":{"totalCount":1,"nodes":[{"path":"prompts/a.md","changeType":"MODIFIED"}]},
"commits":{"totalCount":%COMMITS%,"pageInfo":{},"nodes":[{"commit":{"oid":"` + headID + `","message":"m","author":{"user":{"login":"dev1","databaseId":1}},"committer":{"user":{"login":"dev1","databaseId":1}}}}]},
"reviews":{"totalCount":%REVIEWS%,"pageInfo":{},"nodes":[{"databaseId":9,"state":"APPROVED","submittedAt":"2026-11-24T09:00:00Z","authorCanPushToRepository":true,"commit":{"oid":"` + headID + `"},"author":{"__typename":"User","login":"rev1","databaseId":2}}]},
"timelineItems":{"filteredCount":0,"nodes":[]}}}}}`

const compareAnswer = `{"status":"ahead","base_commit":{"sha":"` + baseID + `"},"merge_base_commit":{"sha":"` + baseID + `"},
"files":[{"sha":"f","filename":"prompts/a.md","status":"modified","patch":"@@ -1 +1 @@\n-a\n+b"}],"commits":[]}`

// gathered reads the pull request above with its totals replaced.
func gathered(t *testing.T, changed, commits, reviews int) (*Gathered, error) {
	t.Helper()
	pull := strings.NewReplacer("%CHANGED%", fmt.Sprint(changed), "%COMMITS%", fmt.Sprint(commits), "%REVIEWS%", fmt.Sprint(reviews)).Replace(pullAnswer)
	w := &wire{do: func(_ int, q *http.Request, _ string) (int, string) {
		switch {
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
