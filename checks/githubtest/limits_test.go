package githubtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// manyFiles are n files of one line.
func manyFiles(n int) githubtest.Files {
	files := githubtest.Files{}
	for i := range n {
		files[fmt.Sprintf("f/%02d/%04d", i%40, i)] = fmt.Sprintln(i)
	}
	return files
}

// editLog makes the i-th of many commits to one file.
func editLog(i int) (githubtest.Files, githubtest.Commit) {
	return githubtest.Files{"log": fmt.Sprintln(i)}, githubtest.Commit{Message: fmt.Sprint(i)}
}

// TestLargePullsAreMadeFast: stories beyond GitHub's limits have to stay cheap.
func TestLargePullsAreMadeFast(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	h := listen(t, s)
	r, _ := acme(s)
	begun := time.Now()
	p := r.Open("dev1", githubtest.PR{Head: "wide", Files: manyFiles(3001)})
	ids := r.PushAll("dev1", "deep", 300, editLog)
	deep := r.Open("dev1", githubtest.PR{Head: "deep"})
	if spent := time.Since(begun); spent > 5*time.Second { // a fraction of a second on an idle machine
		t.Errorf("made in %v", spent)
	}
	if len(ids) != 300 || deep.Head() != ids[299] || p.Number != 1 {
		t.Errorf("%d commits, head %s", len(ids), deep.Head())
	}
	if got := strings.Join(h.events[len(h.events)-4:], ", "); got != "push, pull_request opened, push, pull_request opened" {
		t.Errorf("events %s", got)
	}
}

// TestLimits: each list ends where Limits says, and the counts beside it do not.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{Limits: githubtest.Limits{
		PullFiles: 5, PullCommits: 3, CompareFiles: 2, CompareCommits: 2, GraphQLFiles: 6, GraphQLCommits: 4,
	}})
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: manyFiles(7)})
	ids := p.PushAll("dev2", 4, editLog)
	c, ctx := client(t, s, install), context.Background()
	data := query(t, c, `{ repository(owner: "acme", name: "agents") { pullRequest(number: 1) { changedFiles
		files(first: 100) { totalCount nodes { path } pageInfo { hasNextPage } } commits(first: 100) { totalCount nodes { commit { oid } } pageInfo { hasNextPage } } } } }`, nil)
	pull := at(data, "repository", "pullRequest")
	got := map[string]any{
		"changed": at(pull, "changedFiles"), "files": at(pull, "files", "totalCount"), "file nodes": float64(len(at(pull, "files", "nodes").([]any))),
		"commits": at(pull, "commits", "totalCount"), "commit nodes": float64(len(at(pull, "commits", "nodes").([]any))),
		"more files": at(pull, "files", "pageInfo", "hasNextPage"), "more commits": at(pull, "commits", "pageInfo", "hasNextPage"),
	}
	want := map[string]any{
		"changed": 8.0, "files": 8.0, "file nodes": 6.0, "commits": 5.0, "commit nodes": 4.0, "more files": false, "more commits": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("GraphQL (-want +got):\n%s", diff)
	}
	files, _, err := c.PullRequests.ListFiles(ctx, "acme", "agents", 1, nil)
	if err != nil || len(files) != 5 {
		t.Errorf("REST: %d files, %v", len(files), err)
	}
	commits, _, err := c.PullRequests.ListCommits(ctx, "acme", "agents", 1, nil)
	if err != nil || len(commits) != 3 {
		t.Errorf("REST: %d commits, %v", len(commits), err)
	}
	once, _, err := c.Repositories.CompareCommits(ctx, "acme", "agents", "main", p.Head(), nil)
	if err != nil || len(once.Files) != 2 || len(once.Commits) != 2 || once.Commits[1].GetSHA() != ids[3] || once.GetTotalCommits() != 5 {
		t.Errorf("compared at once: %d files, commits %v, %v", len(once.Files), once.Commits, err)
	}
	var paged []string
	for opts := (&github.ListOptions{PerPage: 2}); ; {
		page, res, err := c.Repositories.CompareCommits(ctx, "acme", "agents", "main", p.Head(), opts)
		if err != nil || len(page.Files) > 0 != (opts.Page == 0) {
			t.Fatalf("page %d: %d files, %v", opts.Page, len(page.Files), err)
		}
		for _, commit := range page.Commits {
			paged = append(paged, commit.GetSHA())
		}
		if opts.Page = res.NextPage; opts.Page == 0 {
			break
		}
	}
	if diff := cmp.Diff(ids, paged[1:]); diff != "" {
		t.Errorf("compared in pages (-want +got):\n%s", diff)
	}
}

// payloads are those delivered of one event, as far as into says.
func payloads[T any](t *testing.T, s *githubtest.Server, event string) []T {
	t.Helper()
	var list []T
	for _, d := range s.Deliveries() {
		if strings.TrimSpace(d.Event+" "+d.Action) == event {
			var payload T
			if err := json.Unmarshal(d.Payload, &payload); err != nil {
				t.Fatal(err)
			}
			list = append(list, payload)
		}
	}
	return list
}

// TestPushesSayWhoPushed, whoever the commits name, and what moved where.
func TestPushesSayWhoPushed(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	r, _ := acme(s)
	p := r.Open("dev1", githubtest.PR{Head: "topic", Files: githubtest.Files{"c": "1"}})
	first := p.Head()
	second := p.Push("dev2", githubtest.Files{"c": "2"}, githubtest.Commit{Author: "rev1", Committer: "Ghost <ghost@example.com>"})
	p.Rewind("boss", first)
	r.DeleteBranch("dev1", "topic")
	var got []string
	for _, e := range payloads[github.PushEvent](t, s, "push") {
		author := "nobody"
		if e.HeadCommit != nil {
			author = e.GetHeadCommit().GetAuthor().GetName()
		}
		got = append(got, fmt.Sprintf("%s %.7s..%.7s created %t deleted %t forced %t by %s (%s), written by %s, default %s", e.GetRef(), e.GetBefore(), e.GetAfter(),
			e.GetCreated(), e.GetDeleted(), e.GetForced(), e.GetPusher().GetName(), e.GetSender().GetLogin(), author, e.GetRepo().GetDefaultBranch()))
	}
	line := "refs/heads/topic %.7s..%.7s created %t deleted %t forced %t by %[6]s (%[6]s), written by %[7]s, default main"
	zero := strings.Repeat("0", 40)
	want := []string{
		fmt.Sprintf(line, zero, first, true, false, false, "dev1", "dev1"), fmt.Sprintf(line, first, second, false, false, false, "dev2", "rev1"),
		fmt.Sprintf(line, second, first, false, false, true, "boss", "dev1"), fmt.Sprintf(line, first, zero, false, true, false, "dev1", "nobody"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
	moves := payloads[github.PullRequestEvent](t, s, "pull_request synchronize")
	if len(moves) != 2 || moves[0].GetBefore() != first || moves[0].GetAfter() != second || moves[0].GetSender().GetLogin() != "dev2" || moves[1].GetSender().GetLogin() != "boss" {
		t.Errorf("synchronized by %v", moves)
	}
}

// TestForksTellOfPullsOnly: their pushes are not delivered, what was opened is.
func TestForksTellOfPullsOnly(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	r, _ := acme(s)
	s.User("outsider")
	p := r.Open("outsider", githubtest.PR{Fork: true, Head: "patch", Files: githubtest.Files{"c": "1"}})
	opened := payloads[github.PullRequestEvent](t, s, "pull_request opened")
	if len(opened) != 1 || len(payloads[github.PushEvent](t, s, "push")) != 0 {
		t.Fatalf("opened %v", opened)
	}
	head := opened[0].GetPullRequest().GetHead()
	if head.GetSHA() != p.Head() || !head.GetRepo().GetFork() || head.GetRepo().GetFullName() != "outsider/agents" || opened[0].GetSender().GetLogin() != "outsider" ||
		opened[0].GetRepo().GetFullName() != "acme/agents" {
		t.Errorf("opened with the head %v by %s", head, opened[0].GetSender().GetLogin())
	}
}

// TestGraphQLListsAllCommits beyond the 250 at which REST stops.
func TestGraphQLListsAllCommits(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	r.PushAll("dev1", "deep", 300, editLog)
	p := r.Open("dev1", githubtest.PR{Head: "deep"})
	data := query(t, client(t, s, install), `{ repository(owner: "acme", name: "agents") { pullRequest(number: 1) { commits(last: 1) { totalCount nodes { commit { oid } } } } } }`, nil)
	commits := at(data, "repository", "pullRequest", "commits")
	if last := at(commits, "nodes").([]any)[0]; at(commits, "totalCount") != 300.0 || at(last, "commit", "oid") != p.Head() {
		t.Errorf("commits %v", commits)
	}
}
