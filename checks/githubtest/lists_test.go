package githubtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// query asks GraphQL through go-github, as the client under test does.
func query(t *testing.T, c *github.Client, text string, variables map[string]any) map[string]any {
	t.Helper()
	req, err := c.NewRequest("POST", "../graphql", map[string]any{"query": text, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data   map[string]any
		Errors []json.RawMessage
	}
	if _, err := c.Do(context.Background(), req, &answer); err != nil || len(answer.Errors) > 0 {
		t.Fatalf("%v, errors %s", err, answer.Errors)
	}
	return answer.Data
}

// at follows a path of object keys.
func at(value any, path ...string) any {
	for _, key := range path {
		value = value.(map[string]any)[key]
	}
	return value
}

// TestGraphQLPages walks a connection forwards by cursor and takes its end.
func TestGraphQLPages(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{PageSize: 2})
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"f": "0"}, Commit: githubtest.Commit{Message: "0"}})
	for i := range 4 {
		p.Push("dev1", githubtest.Files{"f": fmt.Sprint(i + 1)}, githubtest.Commit{Message: fmt.Sprint(i + 1)})
	}
	c := client(t, s, install)
	const text = `query Commits($after: String) { repository(owner: "acme", name: "agents") { pullRequest(number: 1) {
		commits(first: 100, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { commit { message } } }
		newest: commits(last: 1) { nodes { commit { message } } }
	} } }`
	var messages []string
	var after any
	for more := true; more; {
		pull := at(query(t, c, text, map[string]any{"after": after}), "repository", "pullRequest")
		for _, n := range at(pull, "commits", "nodes").([]any) {
			messages = append(messages, at(n, "commit", "message").(string))
		}
		if total := at(pull, "commits", "totalCount"); total != float64(5) {
			t.Fatalf("total %v, want 5", total)
		}
		if newest := at(pull, "newest", "nodes").([]any); len(newest) != 1 || at(newest[0], "commit", "message") != "4" {
			t.Fatalf("newest %v", newest)
		}
		more = at(pull, "commits", "pageInfo", "hasNextPage").(bool)
		after = at(pull, "commits", "pageInfo", "endCursor")
	}
	if !slices.Equal(messages, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("messages %q", messages)
	}
}

// TestGraphQLSelections opens fragments, obeys directives, filters and aliases.
func TestGraphQLSelections(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	r.Branch("release", "main")
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"f": "0"}})
	p.ForcePush("dev1", githubtest.Files{"f": "1"})
	p.Retarget("dev1", "release")
	p.Review("rev1", "APPROVED")
	r.Report("ci", p.Head(), "test", "failure")
	data := query(t, client(t, s, install), `query($no: Boolean!) { repository(owner: "acme", name: "agents") {
		name @skip(if: $no) hidden: name @include(if: $no)
		people: collaborators(first: 5, query: "rev") { edges { permission node { login } } }
		one: collaborators(first: 5, login: "dev1") { edges { permission } }
		pullRequest(number: 1) {
			mergeable
			events: timelineItems(last: 5, itemTypes: [BASE_REF_CHANGED_EVENT]) { filteredCount nodes { ... on BaseRefChangedEvent { previousRefName currentRefName } } }
			none: reviews(first: 5, states: [CHANGES_REQUESTED]) { totalCount }
			reviews(first: 5) { nodes { ...verdict } }
		}
		head: object(expression: "refs/pull/1/head") { ... on Commit { checkSuites(first: 1) { nodes { app { slug } conclusion } } statusCheckRollup { state } } }
	} }
	fragment verdict on PullRequestReview { state authorCanPushToRepository }`, map[string]any{"no": true})
	want := map[string]any{
		"hidden": "agents",
		"people": map[string]any{"edges": []any{map[string]any{"permission": "MAINTAIN", "node": map[string]any{"login": "rev1"}}}},
		"one":    map[string]any{"edges": []any{map[string]any{"permission": "WRITE"}}},
		"pullRequest": map[string]any{
			"mergeable": "MERGEABLE",
			"events":    map[string]any{"filteredCount": float64(1), "nodes": []any{map[string]any{"previousRefName": "main", "currentRefName": "release"}}},
			"none":      map[string]any{"totalCount": float64(0)},
			"reviews":   map[string]any{"nodes": []any{map[string]any{"state": "APPROVED", "authorCanPushToRepository": true}}},
		},
		"head": map[string]any{
			"checkSuites":       map[string]any{"nodes": []any{map[string]any{"app": map[string]any{"slug": "ci"}, "conclusion": "FAILURE"}}},
			"statusCheckRollup": map[string]any{"state": "FAILURE"},
		},
	}
	if diff := cmp.Diff(want, data["repository"]); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// TestCompareStatus: every way two revisions can stand to each other.
func TestCompareStatus(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	r.Branch("old", "main")
	r.Push("dev1", "topic", githubtest.Files{"a": "1"})
	r.Push("dev1", "main", githubtest.Files{"b": "1"})
	c := client(t, s, install)
	for _, tt := range []struct {
		base, head, want string
		ahead, behind    int
	}{
		{"main", "main", "identical", 0, 0}, {"old", "main", "ahead", 1, 0}, {"main", "old", "behind", 0, 1}, {"main", "topic", "diverged", 1, 1},
	} {
		got, _, err := c.Repositories.CompareCommits(context.Background(), "acme", "agents", tt.base, tt.head, nil)
		if err != nil || got.GetStatus() != tt.want || got.GetAheadBy() != tt.ahead || got.GetBehindBy() != tt.behind {
			t.Errorf("%s...%s is %s by %d and %d, want %s, %v", tt.base, tt.head, got.GetStatus(), got.GetAheadBy(), got.GetBehindBy(), tt.want, err)
		}
	}
	r.Merge("dev1", "topic", "main")
	if got, _, err := c.Repositories.CompareCommits(context.Background(), "acme", "agents", "main", "topic", nil); err != nil || got.GetStatus() != "ahead" || got.GetTotalCommits() != 2 {
		t.Errorf("after merging main into topic: %s by %d, %v", got.GetStatus(), got.GetTotalCommits(), err)
	}
}

// TestAppSeesItsInstallations asks as the App for where it is installed.
func TestAppSeesItsInstallations(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{PageSize: 1})
	_, first := acme(s)
	s.Org("rival")
	s.Repo("rival/a", githubtest.Files{"a": "1"})
	s.Repo("rival/b", githubtest.Files{"a": "1"})
	second := s.Install("rival", "rival/b")
	c, ctx := appClient(t, s), context.Background()
	var ids []int64
	opts := &github.ListOptions{}
	for {
		list, res, err := c.Apps.ListInstallations(ctx, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range list {
			ids = append(ids, in.GetID())
		}
		if opts.Page = res.NextPage; opts.Page == 0 {
			break
		}
	}
	if !slices.Equal(ids, []int64{first, second}) {
		t.Errorf("installations %v, want %d and %d", ids, first, second)
	}
	for name, find := range map[string]func() (*github.Installation, *github.Response, error){
		"by id": func() (*github.Installation, *github.Response, error) { return c.Apps.GetInstallation(ctx, second) },
		"by organisation": func() (*github.Installation, *github.Response, error) {
			return c.Apps.FindOrganizationInstallation(ctx, "rival")
		},
		"by repository": func() (*github.Installation, *github.Response, error) {
			return c.Apps.FindRepositoryInstallation(ctx, "rival", "b")
		},
	} {
		if in, _, err := find(); err != nil || in.GetID() != second || in.GetRepositorySelection() != "selected" {
			t.Errorf("%s: installation %d, %v", name, in.GetID(), err)
		}
	}
	if _, res, _ := c.Apps.FindRepositoryInstallation(ctx, "rival", "a"); res.StatusCode != 404 {
		t.Errorf("a repository left out: status %d", res.StatusCode)
	}
	repos, _, err := client(t, s, second).Apps.ListRepos(ctx, nil)
	if err != nil || repos.GetTotalCount() != 1 || repos.Repositories[0].GetName() != "b" {
		t.Errorf("repositories %v, %v", repos, err)
	}
}

// TestAnnotationsAreAppended: an update adds to what is there.
func TestAnnotationsAreAppended(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c, ctx := client(t, s, install), context.Background()
	output := func(message string) *github.CheckRunOutput {
		return &github.CheckRunOutput{Title: github.String("t"), Summary: github.String("s"), Annotations: []*github.CheckRunAnnotation{{
			Path: github.String("README.md"), StartLine: github.Int(1), EndLine: github.Int(1), AnnotationLevel: github.String("failure"), Message: &message,
		}}}
	}
	run, _, err := c.Checks.CreateCheckRun(ctx, "acme", "agents", github.CreateCheckRunOptions{Name: "gate", HeadSHA: r.Head("main"), Output: output("one")})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Checks.UpdateCheckRun(ctx, "acme", "agents", run.GetID(), github.UpdateCheckRunOptions{Name: "gate", Output: output("two")}); err != nil {
		t.Fatal(err)
	}
	list, _, err := c.Checks.ListCheckRunAnnotations(ctx, "acme", "agents", run.GetID(), nil)
	if err != nil || len(list) != 2 || list[0].GetMessage() != "one" || list[1].GetMessage() != "two" {
		t.Errorf("annotations %v, %v", list, err)
	}
}

// TestImpossibleStoriesPanic: a mistake in the story is not an outcome.
func TestImpossibleStoriesPanic(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, _ := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"README.md": "mine\n"}})
	r.Push("dev2", "main", githubtest.Files{"README.md": "theirs\n"})
	r.Queue("main", githubtest.Queue{Checks: []string{"gate"}})
	queued := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	queued.Enqueue("dev1")
	r.Branch("release", "main")
	other := r.Open("dev1", githubtest.PR{Base: "release", Files: githubtest.Files{"a": "1"}})
	for name, step := range map[string]func(){
		"nobody":                           func() { r.Push("ghost", "main", githubtest.Files{"a": "1"}) },
		"role":                             func() { r.Role("dev1", "owner") },
		"revision":                         func() { r.Tag("v1", "nowhere") },
		"conflict":                         func() { p.Merge("boss", "squash") },
		"review":                           func() { p.Review("rev1", "LGTM") },
		"comment":                          func() { p.EditComment("dev1", 1, "x") },
		"reviewer":                         func() { p.AskReview("dev2", "dev1") },
		"no queue":                         func() { other.Enqueue("dev1") },
		"queued":                           func() { queued.Enqueue("dev1") },
		"unqueued":                         func() { p.Dequeue("dev1") },
		"conflict with the queue's branch": func() { p.Enqueue("dev1") },
		"auto-merge of what passes":        func() { other.AutoMerge("dev1", "squash") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			step()
		}()
	}
	if got, _ := r.Read("main", "README.md"); got != "theirs\n" { // and the server still answers
		t.Errorf("main holds %q", got)
	}
}
