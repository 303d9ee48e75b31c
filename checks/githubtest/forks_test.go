package githubtest_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// get reads any REST path as the installation.
func get(t *testing.T, c *github.Client, path string, into any) *http.Response {
	t.Helper()
	req, err := c.NewRequest("GET", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(context.Background(), req, into)
	if res == nil {
		t.Fatal(err)
	}
	return res.Response
}

// troubled asks GraphQL for what has no whole answer, and returns the errors as
// type, path and message.
func troubled(t *testing.T, c *github.Client, text string) (data map[string]any, problems []string) {
	t.Helper()
	req, err := c.NewRequest("POST", "../graphql", map[string]any{"query": text})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data   map[string]any
		Errors []struct {
			Type, Message string
			Path          []any
		}
	}
	if _, err := c.Do(context.Background(), req, &answer); err != nil {
		t.Fatal(err)
	}
	for _, e := range answer.Errors {
		problems = append(problems, fmt.Sprintf("%s %v %s", e.Type, e.Path, e.Message))
	}
	return answer.Data, problems
}

// TestDeletedFork: the pull request stays open without a head repository, and its
// commits can still be read in the base repository.
func TestDeletedFork(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	s.User("outsider")
	c, ctx := client(t, s, install), context.Background()
	p := r.Open("outsider", githubtest.PR{Fork: true, Head: "patch", Files: githubtest.Files{"c": "1\n"}})
	const text = `{ repository(owner: "acme", name: "agents") { pullRequest(number: 1) {
		state isCrossRepository headRefName headRef { name } headRepository { nameWithOwner isFork } headRepositoryOwner { login } } } }`
	want := map[string]any{
		"state": "OPEN", "isCrossRepository": true, "headRefName": "patch", "headRef": map[string]any{"name": "patch"},
		"headRepository":      map[string]any{"nameWithOwner": "outsider/agents", "isFork": true},
		"headRepositoryOwner": map[string]any{"login": "outsider"},
	}
	if diff := cmp.Diff(want, at(query(t, c, text, nil), "repository", "pullRequest")); diff != "" {
		t.Errorf("with its fork (-want +got):\n%s", diff)
	}
	r.DeleteFork("outsider")
	want["headRef"], want["headRepository"], want["headRepositoryOwner"] = nil, nil, nil
	if diff := cmp.Diff(want, at(query(t, c, text, nil), "repository", "pullRequest")); diff != "" {
		t.Errorf("without it (-want +got):\n%s", diff)
	}
	pull, _, err := c.PullRequests.Get(ctx, "acme", "agents", p.Number)
	if err != nil || pull.GetHead().Repo != nil || pull.GetHead().GetUser().GetLogin() != "outsider" || pull.GetState() != "open" {
		t.Errorf("REST gives the head %v, state %s, %v", pull.GetHead(), pull.GetState(), err)
	}
	if list, _, err := c.PullRequests.List(ctx, "acme", "agents", nil); err != nil || len(list) != 1 || list[0].GetHead().Repo != nil {
		t.Errorf("REST lists %v, %v", list, err)
	}
	compare, _, err := c.Repositories.CompareCommits(ctx, "acme", "agents", "main", p.Head(), nil)
	if err != nil || len(compare.Files) != 1 || compare.Files[0].GetFilename() != "c" {
		t.Errorf("compare gives %v, %v", compare, err)
	}
	tree, _, err := c.Git.GetTree(ctx, "acme", "agents", "refs/pull/1/head", true)
	if err != nil || !slices.ContainsFunc(tree.Entries, func(e *github.TreeEntry) bool { return e.GetPath() == "c" }) {
		t.Errorf("its tree is %v, %v", tree, err)
	}
	object := query(t, c, `query($oid: String!) { repository(owner: "acme", name: "agents") { object(expression: $oid) { oid } } }`, map[string]any{"oid": p.Head()})
	if got := at(object, "repository", "object", "oid"); got != p.Head() {
		t.Errorf("object %v, want %s", got, p.Head())
	}
	s.DeleteUser("outsider")
	if pull, _, err := c.PullRequests.Get(ctx, "acme", "agents", p.Number); err != nil || pull.GetHead().User != nil {
		t.Errorf("without its owner REST gives the head %v, %v", pull.GetHead(), err)
	}
}

// TestForksAreRepositories: a public one can be read by an installation elsewhere,
// a private one is not there for it, and none can be written to.
func TestForksAreRepositories(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c := client(t, s, install)
	p := r.Open("dev1", githubtest.PR{Fork: true, Head: "patch", Files: githubtest.Files{"c": "1\n"}})
	p.Push("dev1", githubtest.Files{"c": "2\n"})
	const text = `{ repository(owner: "dev1", name: "agents") { ref(qualifiedName: "patch") { target { oid } } } }`
	if res := get(t, c, "repos/dev1/agents/activity", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("private: status %d", res.StatusCode)
	}
	if _, problems := troubled(t, c, text); !slices.Equal(problems, []string{"NOT_FOUND [repository] Could not resolve to a Repository with the name 'dev1/agents'."}) {
		t.Errorf("private: errors %q", problems)
	}
	r.Public()
	var list []struct {
		Type string `json:"activity_type"`
	}
	if res := get(t, c, "repos/dev1/agents/activity?ref=patch", &list); res.StatusCode != http.StatusOK || len(list) != 2 || list[1].Type != "branch_creation" {
		t.Errorf("public: status %d, %v", res.StatusCode, list)
	}
	if got := at(query(t, c, text, nil), "repository", "ref", "target", "oid"); got != p.Head() {
		t.Errorf("public: its branch is at %v, want %s", got, p.Head())
	}
	_, res, _ := c.Checks.CreateCheckRun(context.Background(), "dev1", "agents", github.CreateCheckRunOptions{Name: "gate", HeadSHA: p.Head()})
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("writing to it: status %d", res.StatusCode)
	}
	fork := r.Fork("dev1")
	fork.DeleteBranch("dev1", "patch")
	if pull, _, err := c.PullRequests.Get(context.Background(), "acme", "agents", p.Number); err != nil || pull.GetState() != "closed" {
		t.Errorf("its branch deleted, the pull request is %s, %v", pull.GetState(), err)
	}
}

// TestActivityListsEveryMove of every branch: made, pushed, force pushed, merged
// into and deleted, with who did it, whoever the commits name.
func TestActivityListsEveryMove(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c := client(t, s, install)
	p := r.Open("dev1", githubtest.PR{Head: "topic", Files: githubtest.Files{"c": "1\n"}})
	made := p.Head()
	p.Push("dev2", githubtest.Files{"c": "2\n"}, githubtest.Commit{Author: "dev1", Committer: "dev1"})
	p.Rewind("boss", made)
	p.Merge("boss", "squash")
	r.DeleteBranch("dev1", "topic")
	r.Tag("v1", "main")
	var list []struct {
		ID                 int64
		Ref, Before, After string
		Kind               string                  `json:"activity_type"`
		Actor              *struct{ Login string } `json:"actor"`
	}
	get(t, c, "repos/acme/agents/activity", &list)
	var got []string
	for i, a := range list {
		if i > 0 && a.Ref == "refs/heads/topic" && list[i-1].Ref == a.Ref && list[i-1].Before != a.After {
			t.Errorf("%s does not continue %s", list[i-1].Before, a.After)
		}
		got = append(got, a.Kind+" "+strings.TrimPrefix(a.Ref, "refs/heads/")+" "+a.Actor.Login)
	}
	want := []string{"branch_deletion topic dev1", "pr_merge main boss", "force_push topic boss", "push topic dev2", "branch_creation topic dev1", "branch_creation main acme"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("activity (-want +got):\n%s", diff)
	}
	s.DeleteUser("dev2")
	get(t, c, "repos/acme/agents/activity?ref=refs/heads/topic&activity_type=push", &list)
	if len(list) != 1 || list[0].Actor != nil {
		t.Errorf("after the pusher's account was deleted: %v", list)
	}
}

// TestActivityPages follows the cursors of the Link header to the end and one back.
func TestActivityPages(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c := client(t, s, install)
	for i := range 5 {
		r.Push("dev1", "topic", githubtest.Files{"c": fmt.Sprint(i)})
	}
	type item struct{ ID int64 }
	var pages [][]item
	at, prev := "repos/acme/agents/activity?ref=topic&per_page=2&direction=asc", ""
	for at != "" {
		var list []item
		res := get(t, c, at, &list)
		pages = append(pages, list)
		at, prev = "", ""
		for link := range strings.SplitSeq(res.Header.Get("Link"), ", ") {
			address, rel, _ := strings.Cut(link, ">; rel=")
			address = strings.TrimPrefix(address, "<"+s.URL()+"/api/v3/")
			switch rel {
			case `"next"`:
				at = address
			case `"prev"`:
				prev = address
			}
		}
	}
	ordered := slices.IsSortedFunc(slices.Concat(pages...), func(a, b item) int { return int(a.ID - b.ID) })
	if len(pages) != 3 || len(pages[2]) != 1 || !ordered {
		t.Errorf("pages %v", pages)
	}
	var back []item
	get(t, c, prev, &back)
	if diff := cmp.Diff(pages[1], back); diff != "" {
		t.Errorf("the page before the last (-want +got):\n%s", diff)
	}
}

// TestBasesDeleted: what goes into a branch that was merged follows it without a
// webhook; what goes into a branch that was not is closed.
func TestBasesDeleted(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	below := r.Open("dev1", githubtest.PR{Head: "below", Files: githubtest.Files{"c": "1"}})
	above := r.Open("dev1", githubtest.PR{Base: "below", Files: githubtest.Files{"d": "1"}})
	r.Branch("lost", "main")
	lost := r.Open("dev1", githubtest.PR{Base: "lost", Files: githubtest.Files{"e": "1"}})
	below.Merge("boss", "squash")
	h := listen(t, s)
	r.DeleteBranch("dev1", "below")
	r.DeleteBranch("dev1", "lost")
	if want := []string{"push", "push", "pull_request closed"}; !slices.Equal(h.events, want) {
		t.Errorf("events %q, want %q", h.events, want)
	}
	data := query(t, client(t, s, install), fmt.Sprintf(`{ repository(owner: "acme", name: "agents") {
		above: pullRequest(number: %d) { state baseRefName timelineItems(first: 5) { nodes { __typename ... on AutomaticBaseChangeSucceededEvent { oldBase newBase } } } }
		lost: pullRequest(number: %d) { state }
	} }`, above.Number, lost.Number), nil)
	want := map[string]any{
		"above": map[string]any{"state": "OPEN", "baseRefName": "main", "timelineItems": map[string]any{"nodes": []any{
			map[string]any{"__typename": "AutomaticBaseChangeSucceededEvent", "oldBase": "below", "newBase": "main"},
		}}},
		"lost": map[string]any{"state": "CLOSED"},
	}
	if diff := cmp.Diff(want, data["repository"]); diff != "" {
		t.Errorf("pull requests (-want +got):\n%s", diff)
	}
}

// TestOrganisationsOwnRepository is asked for beside the first, under an alias.
func TestOrganisationsOwnRepository(t *testing.T) {
	t.Parallel()
	const text = `{ repository(owner: "acme", name: "agents") { name } floor: repository(owner: "acme", name: ".github") { object(expression: "HEAD:changegate.yml") { ... on Blob { text } } } }`
	floor := githubtest.Files{"changegate.yml": "version: 1\n"}
	missing := []string{"NOT_FOUND [floor] Could not resolve to a Repository with the name 'acme/.github'."}
	for name, tt := range map[string]struct {
		tell func(*githubtest.Server)
		want []string
	}{
		"absent":        {func(s *githubtest.Server) {}, missing},
		"installed":     {func(s *githubtest.Server) { s.Repo("acme/.github", floor) }, nil},
		"not installed": {func(s *githubtest.Server) { s.Repo("acme/.github", floor); s.Install("acme", "acme/agents") }, missing},
		"public":        {func(s *githubtest.Server) { s.Repo("acme/.github", floor).Public(); s.Install("acme", "acme/agents") }, nil},
	} {
		s := start(t, githubtest.Options{})
		_, install := acme(s)
		tt.tell(s)
		if name != "absent" && name != "installed" {
			install = s.Install("acme", "acme/agents")
		}
		data, problems := troubled(t, client(t, s, install), text)
		if diff := cmp.Diff(tt.want, problems); diff != "" || at(data, "repository", "name") != "agents" {
			t.Errorf("%s: %v, errors (-want +got):\n%s", name, data, diff)
		}
		if found, isNull := data["floor"], data["floor"] == nil; isNull != (tt.want != nil) || !isNull && at(found, "object", "text") != "version: 1\n" {
			t.Errorf("%s: the floor is %v", name, found)
		}
	}
}

// TestDeletedAndReusedAccounts: reviews and commits of a deleted account are
// nobody's, a login that became free is another account's.
func TestDeletedAndReusedAccounts(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c := client(t, s, install)
	p := r.Open("dev2", githubtest.PR{Files: githubtest.Files{"c": "1"}})
	p.Review("rev1", "APPROVED")
	p.Review("dev1", "COMMENTED")
	s.DeleteUser("rev1")
	s.DeleteUser("dev2")
	s.Rename("dev1", "dev9")
	again := s.User("dev1")
	data := query(t, c, `{ user(login: "dev1") { databaseId } repository(owner: "acme", name: "agents") { pullRequest(number: 1) {
		author { login } reviews(first: 5) { nodes { author { login } authorCanPushToRepository } }
		commits(first: 1) { nodes { commit { author { email user { login } } } } } } } }`, nil)
	pull := at(data, "repository", "pullRequest")
	want := []any{
		map[string]any{"author": nil, "authorCanPushToRepository": false},
		map[string]any{"author": map[string]any{"login": "dev9"}, "authorCanPushToRepository": true},
	}
	if diff := cmp.Diff(want, at(pull, "reviews", "nodes")); diff != "" {
		t.Errorf("reviews (-want +got):\n%s", diff)
	}
	commit := at(at(pull, "commits", "nodes").([]any)[0], "commit")
	if at(pull, "author") != nil || at(commit, "author", "user") != nil || at(data, "user", "databaseId") != float64(again) {
		t.Errorf("pull request by %v, commit by %v, dev1 is %v", at(pull, "author"), at(commit, "author"), at(data, "user"))
	}
	reviews, _, err := c.PullRequests.ListReviews(context.Background(), "acme", "agents", p.Number, nil)
	if err != nil || len(reviews) != 2 || reviews[0].User != nil || reviews[1].GetUser().GetLogin() != "dev9" {
		t.Errorf("REST: reviews %v, %v", reviews, err)
	}
	if pull, _, err := c.PullRequests.Get(context.Background(), "acme", "agents", p.Number); err != nil || pull.GetUser().GetLogin() != "ghost" {
		t.Errorf("REST: pull request by %v, %v", pull.GetUser(), err)
	}
}

// TestPeopleOfACommit: the author first, then the trailers' people by any of their
// addresses, and null for whom nobody knows. A bot is no user.
func TestPeopleOfACommit(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	s.Bot("agent[bot]")
	s.Email("rev1", "rev@home.example")
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"c": "1"}, Commit: githubtest.Commit{
		Author: "agent[bot]", Committer: "dev2", CoAuthors: []string{"Rev <REV@home.example>", "dev2", "Ghost <ghost@example.com>"}}})
	c := client(t, s, install)
	data, problems := troubled(t, c, fmt.Sprintf(`{ bot: user(login: "agent[bot]") { databaseId } rev: user(login: "REV1") { databaseId login }
		repository(owner: "acme", name: "agents") { object(oid: "%s") { ... on Commit {
			parents(first: 2) { totalCount nodes { oid } } committer { user { login } }
			authors(first: 3) { totalCount nodes { email user { login databaseId } } } } } } }`, p.Head()))
	if !slices.Equal(problems, []string{"NOT_FOUND [bot] Could not resolve to a User with the login of 'agent[bot]'."}) || at(data, "rev", "login") != "rev1" {
		t.Errorf("users %v and %v, errors %q", data["bot"], data["rev"], problems)
	}
	commit := at(data, "repository", "object")
	if diff := cmp.Diff(map[string]any{"totalCount": float64(1), "nodes": []any{map[string]any{"oid": r.Head("main")}}}, at(commit, "parents")); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
	var people []any
	for _, a := range at(commit, "authors", "nodes").([]any) {
		people = append(people, at(a, "user").(map[string]any)["login"])
	}
	want := []any{"agent[bot]", "rev1", "dev2"}
	if diff := cmp.Diff(want, people); diff != "" || at(commit, "authors", "totalCount") != float64(4) || at(commit, "committer", "user", "login") != "dev2" {
		t.Errorf("%v of %v committed by %v, authors (-want +got):\n%s", len(people), at(commit, "authors", "totalCount"), at(commit, "committer"), diff)
	}
}

// TestTrees reads modes, kinds and what is cut off behind a limit.
func TestTrees(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{Limits: githubtest.Limits{TreeEntries: 7}})
	r, install := acme(s)
	module := strings.Repeat("ab", 20)
	id := r.Push("dev1", "main", githubtest.Files{"prompts/run": "#!\n", "prompts/link": "a.md", "module": module}, githubtest.Commit{
		Modes: map[string]string{"prompts/run": "100755", "prompts/link": "120000", "module": "160000"}})
	c, ctx := client(t, s, install), context.Background()
	tree, _, err := c.Git.GetTree(ctx, "acme", "agents", id, true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range tree.Entries {
		got = append(got, fmt.Sprintf("%s %s %s %d", e.GetMode(), e.GetType(), e.GetPath(), e.GetSize()))
	}
	want := []string{
		"100644 blob README.md 7", "160000 commit module 0", "040000 tree prompts 0",
		"100644 blob prompts/a.md 9", "120000 blob prompts/link 4", "100755 blob prompts/run 3",
	}
	if diff := cmp.Diff(want, got); diff != "" || tree.GetTruncated() || tree.GetSHA() != id || tree.Entries[1].GetSHA() != module {
		t.Errorf("tree %s, truncated %t (-want +got):\n%s", tree.GetSHA(), tree.GetTruncated(), diff)
	}
	below, _, err := c.Git.GetTree(ctx, "acme", "agents", tree.Entries[2].GetSHA(), false)
	if err != nil || len(below.Entries) != 3 || below.GetSHA() != tree.Entries[2].GetSHA() {
		t.Errorf("prompts holds %v, %v", below, err)
	}
	r.Push("dev1", "main", nil, githubtest.Commit{Modes: map[string]string{"README.md": "100755"}})
	compare, _, err := c.Repositories.CompareCommits(ctx, "acme", "agents", id, "main", nil)
	if err != nil || len(compare.Files) != 1 || compare.Files[0].GetStatus() != "modified" || compare.Files[0].GetChanges() != 0 {
		t.Errorf("a changed mode compares as %v, %v", compare.Files, err)
	}
	r.Push("dev1", "main", githubtest.Files{"x": "1", "y": "2"})
	if tree, _, err := c.Git.GetTree(ctx, "acme", "agents", "main", true); err != nil || !tree.GetTruncated() || len(tree.Entries) != 7 {
		t.Errorf("beyond the limit: %d entries, truncated %t, %v", len(tree.Entries), tree.GetTruncated(), err)
	}
}
