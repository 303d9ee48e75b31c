package checks

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// oid is an object id of one letter.
func oid(letter string) string { return strings.Repeat(letter, 40) }

// queued is a GitHub with the branch main at b, and on it, each on the one before:
// number 4, squashed as c; number 5, rebased as d and e; number 6, merged as f with its
// own commit a.
func queued(strategy, entries string) func(int, *http.Request, string) (int, string) {
	commit := func(id string, parents ...string) string {
		var all []string
		for _, p := range parents {
			all = append(all, fmt.Sprintf(`{"sha":%q}`, oid(p)))
		}
		return fmt.Sprintf(`{"sha":%q,"commit":{"message":"m"},"parents":[%s]}`, oid(id), strings.Join(all, ","))
	}
	chain := []string{commit("c", "b"), commit("d", "c"), commit("e", "d"), commit("a", "b"), commit("f", "e", "a")}
	return func(_ int, q *http.Request, body string) (int, string) {
		if strings.HasSuffix(q.URL.Path, "/graphql") {
			return 200, `{"data":{"repository":{"mergeQueue":{"configuration":{"mergingStrategy":` + strategy + `},"entries":{"nodes":[` + entries + `]}}}}}`
		}
		_, ends, _ := strings.Cut(q.URL.Path, "/compare/")
		from, _, _ := strings.Cut(ends, "...")
		at := map[string]int{"refs/heads/main": 0, oid("b"): 0, oid("c"): 1, oid("e"): 3, oid("f"): 5}[from]
		base := map[int]string{0: oid("b"), 1: oid("c"), 3: oid("e"), 5: oid("f")}[at]
		return 200, fmt.Sprintf(`{"status":"ahead","base_commit":{"sha":%[1]q},"merge_base_commit":{"sha":%[1]q},"total_commits":%d,"commits":[%s],
			"files":[{"sha":"1","filename":"prompts/a.md","status":"modified","patch":"x"}]}`, base, len(chain)-at, strings.Join(chain[at:], ","))
	}
}

func queueEntry(head, base string, number int) string {
	b := "null"
	if base != "" {
		b = fmt.Sprintf(`{"oid":%q}`, oid(base))
	}
	return fmt.Sprintf(`{"headCommit":{"oid":%q},"baseCommit":%s,"pullRequest":{"number":%d,"baseRefName":"main"}}`, oid(head), b, number)
}

// TestGroup: which pull requests would be merged with a group, by what GitHub's queue
// says of its commits. Where a failed entry is merged together with one that passes,
// those before count too.
func TestGroup(t *testing.T) {
	t.Parallel()
	four, five, six := queueEntry("c", "b", 4), queueEntry("e", "c", 5), queueEntry("f", "e", 6)
	all := strings.Join([]string{four, five, six}, ",")
	other := strings.Replace(five, `"main"`, `"release"`, 1)
	for name, tt := range map[string]struct {
		strategy, entries, from string
		want                    Group
	}{
		"each has to pass":          {`"ALLGREEN"`, all, "e", Group{From: oid("e"), Pulls: []int{6}, Whole: true}},
		"the last has to pass":      {`"HEADGREEN"`, all, "e", Group{From: oid("b"), Pulls: []int{4, 5, 6}, Whole: true}},
		"who has to pass is hidden": {`null`, all, "e", Group{From: oid("b"), Pulls: []int{4, 5, 6}, Whole: true}},
		"several on the branch":     {`"ALLGREEN"`, all, "b", Group{From: oid("b"), Pulls: []int{4, 5, 6}, Whole: true}},
		"one left the queue":        {`"HEADGREEN"`, four + "," + six, "e", Group{From: oid("b"), Pulls: []int{4, 6}, Unknown: []string{oid("d"), oid("e")}, Whole: true}},
		"one is of another branch":  {`"HEADGREEN"`, four + "," + other + "," + six, "e", Group{From: oid("b"), Pulls: []int{4, 6}, Unknown: []string{oid("d"), oid("e")}, Whole: true}},
		"nobody is in the queue":    {`"ALLGREEN"`, ``, "e", Group{From: oid("e"), Unknown: []string{oid("f")}, Whole: true}},
		"holes":                     {`"ALLGREEN"`, `null,{},{"headCommit":{"oid":"` + oid("f") + `"},"pullRequest":null}`, "e", Group{From: oid("e"), Unknown: []string{oid("f")}, Whole: true}},
		"what one was built on is hidden": {`"ALLGREEN"`, four + "," + queueEntry("e", "", 5) + "," + six, "b",
			Group{From: oid("b"), Pulls: []int{4, 5, 6}, Unknown: []string{oid("d")}, Whole: true}},
		"nothing": {`"ALLGREEN"`, all, "f", Group{From: oid("f")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{do: queued(tt.strategy, tt.entries)}
			g, err := dialled(t, "https://github.com", w).Group(t.Context(), here, "main", oid(tt.from), oid("f"), 0)
			if diff := cmp.Diff(tt.want, g, cmpopts.IgnoreFields(Group{}, "Files")); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if len(g.Files) != 1 || g.Files[0].Path != "prompts/a.md" || len(w.calls) != 2 {
				t.Errorf("files %+v after %d calls", g.Files, len(w.calls))
			}
		})
	}
}

// TestGroupMergedMeanwhile: once the branch has all of it, it is what it was.
func TestGroupMergedMeanwhile(t *testing.T) {
	t.Parallel()
	answer := queued(`"HEADGREEN"`, queueEntry("f", "e", 6))
	w := &wire{do: func(n int, q *http.Request, body string) (int, string) {
		if strings.Contains(q.URL.Path, "/compare/refs/heads/main...") {
			q.URL = &url.URL{Path: strings.Replace(q.URL.Path, "refs/heads/main", oid("f"), 1)}
		}
		return answer(n, q, body)
	}}
	g, err := dialled(t, "https://github.com", w).Group(t.Context(), here, "main", oid("e"), oid("f"), 0)
	if err != nil || !cmp.Equal(g.Pulls, []int{6}) || g.From != oid("e") || !g.Whole {
		t.Errorf("%+v, %v", g, err)
	}
}

// TestGroupIsCut: a group of which GitHub does not list everything says so.
func TestGroupIsCut(t *testing.T) {
	t.Parallel()
	answer := queued(`"ALLGREEN"`, queueEntry("f", "e", 6))
	for name, change := range map[string]func(string) string{
		"commits": func(s string) string { return strings.Replace(s, `"total_commits":2`, `"total_commits":3`, 1) },
		"a commit without parents": func(s string) string {
			return strings.Replace(s, `"parents":[{"sha":"`+oid("e")+`"},{"sha":"`+oid("a")+`"}]`, `"parents":[{"sha":""}]`, 1)
		},
	} {
		w := &wire{do: func(n int, q *http.Request, body string) (int, string) {
			status, s := answer(n, q, body)
			return status, change(s)
		}}
		if g, err := dialled(t, "https://github.com", w).Group(t.Context(), here, "main", oid("e"), oid("f"), 0); err != nil || g.Whole {
			t.Errorf("%s: %+v, %v", name, g, err)
		}
	}
	w := &wire{do: func(_ int, q *http.Request, _ string) (int, string) {
		if strings.HasSuffix(q.URL.Path, "/graphql") {
			return 200, `{"data":{"repository":null}}`
		}
		return 404, `{}`
	}}
	if _, err := dialled(t, "https://github.com", w).Group(t.Context(), here, "main", oid("e"), oid("f"), 0); !errors.Is(err, ErrGone) {
		t.Errorf("a repository that is not there: %v", err)
	}
}

// TestGroupWithoutAQueue: a server that does not list merge queues is taken at its word
// about the one pull request that the group's branch names, and about nothing before it.
func TestGroupWithoutAQueue(t *testing.T) {
	t.Parallel()
	listed := queued("null", "")
	for name, tt := range map[string]struct {
		errors, from string
		named        int
		want         Group
		fails        bool
	}{
		"alone":           {`{"message":"Field 'mergeQueue' doesn't exist on type 'Repository'"}`, "b", 6, Group{From: oid("b"), Pulls: []int{6}, Whole: true}, false},
		"behind another":  {`{"message":"Field 'mergeQueue' doesn't exist on type 'Repository'"}`, "e", 6, Group{From: oid("b"), Pulls: []int{6}, Unknown: []string{oid("c"), oid("d"), oid("e")}, Whole: true}, false},
		"nobody is named": {`{"message":"Field 'mergeQueue' doesn't exist on type 'Repository'"}`, "b", 0, Group{}, true},
		"it is forbidden": {`{"type":"FORBIDDEN","message":"mergeQueue: Resource not accessible by integration"}`, "b", 6, Group{}, true},
		"another fault":   {`{"message":"Something went wrong while executing your query"}`, "b", 6, Group{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{do: func(n int, q *http.Request, body string) (int, string) {
				if strings.HasSuffix(q.URL.Path, "/graphql") {
					return 200, `{"errors":[` + tt.errors + `]}`
				}
				return listed(n, q, body)
			}}
			g, err := dialled(t, "https://github.com", w).Group(t.Context(), here, "main", oid(tt.from), oid("f"), tt.named)
			if diff := cmp.Diff(tt.want, g, cmpopts.IgnoreFields(Group{}, "Files")); diff != "" || (err != nil) != tt.fails {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
