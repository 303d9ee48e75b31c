package githubtest_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// TestComments: what people and the App write, reword and delete is listed, by whom
// and since when, and each of it is told of once.
func TestComments(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	s := start(t, githubtest.Options{Now: func() time.Time { return at }})
	listen(t, s)
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	c, ctx := client(t, s, install), context.Background()
	first, doomed := p.Comment("dev2", "one"), p.Comment("rev1", "two")
	at = at.Add(time.Minute)
	p.EditComment("dev2", first, "uno")
	p.EditComment("dev2", first, "uno") // says so already
	ours, res, err := c.Issues.CreateComment(ctx, "acme", "agents", 1, &github.IssueComment{Body: github.String("three")})
	if err != nil || ours.GetUser().GetLogin() != "changegate[bot]" || ours.GetUser().GetType() != "Bot" {
		t.Fatalf("written by %v, %v", ours.GetUser(), err)
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err != nil || !date.Equal(at) {
		t.Errorf("dated %v, %v; want the story's %v", date, err, at)
	}
	if _, _, err := c.Issues.EditComment(ctx, "acme", "agents", ours.GetID(), &github.IssueComment{Body: github.String("tres")}); err != nil {
		t.Error(err)
	}
	p.DeleteComment("rev1", doomed)
	s.DeleteUser("dev2")
	s.Settle()
	list, _, err := c.Issues.ListComments(ctx, "acme", "agents", 1, &github.IssueListCommentsOptions{Since: &at})
	var got []string
	for _, one := range list {
		got = append(got, one.GetUser().GetLogin()+" "+one.GetBody())
	}
	if diff := cmp.Diff([]string{"ghost uno", "changegate[bot] tres"}, got); diff != "" || err != nil {
		t.Errorf("comments (-want +got), %v:\n%s", err, diff)
	}
	all := p.Comments()
	if len(all) != 2 || all[0].ID != first || all[0].By != "ghost" || !all[0].Edited.Equal(at) || all[1].Body != "tres" {
		t.Errorf("comments %+v", all)
	}
	var told []string
	for _, d := range s.Deliveries() {
		if d.Event == "issue_comment" {
			told = append(told, d.Action)
		}
	}
	if diff := cmp.Diff([]string{"created", "created", "edited", "created", "edited", "deleted"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if res, err := c.Issues.DeleteComment(ctx, "acme", "agents", ours.GetID()); err != nil || res.StatusCode != 204 || len(p.Comments()) != 1 {
		t.Errorf("deleted: %v", err)
	}
	if _, _, err := c.Issues.GetComment(ctx, "acme", "agents", ours.GetID()); status(err) != 404 {
		t.Errorf("a deleted comment: %v", err)
	}
}

// TestCommentsRefused tries GitHub's bounds at their edge and one above.
func TestCommentsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	c, ctx := client(t, s, install), context.Background()
	for body, want := range map[string]int{
		"": 422, "x": 0, strings.Repeat("ü", 65536): 0, strings.Repeat("ü", 65537): 422,
	} {
		if _, _, err := c.Issues.CreateComment(ctx, "acme", "agents", 1, &github.IssueComment{Body: &body}); status(err) != want {
			t.Errorf("comment of %d bytes: %v, want %d", len(body), err, want)
		}
		if body == "" {
			continue // a description may be
		}
		if _, _, err := c.PullRequests.Edit(ctx, "acme", "agents", 1, &github.PullRequest{Body: &body}); status(err) != want {
			t.Errorf("description of %d bytes: %v, want %d", len(body), err, want)
		}
	}
	if _, _, err := c.Issues.CreateComment(ctx, "acme", "agents", 2, &github.IssueComment{Body: github.String("x")}); status(err) != 404 {
		t.Errorf("comment on nothing: %v", err)
	}
	id := p.Comment("dev1", "x")
	if _, _, err := c.Reactions.CreateIssueCommentReaction(ctx, "acme", "agents", id, "thumb"); status(err) != 422 {
		t.Errorf("reaction: %v", err)
	}
}

// status is the status of a refusal; 0 if there was none.
func status(err error) int {
	e, ok := err.(*github.ErrorResponse)
	if !ok {
		return 0
	}
	return e.Response.StatusCode
}

// TestReactions: one of a kind of everybody, and the second time is told from the
// first.
func TestReactions(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	id := p.Comment("dev1", "x")
	p.React("dev2", id, "eyes")
	c, ctx := client(t, s, install), context.Background()
	for _, want := range []int{201, 200} {
		v, res, err := c.Reactions.CreateIssueCommentReaction(ctx, "acme", "agents", id, "eyes")
		if err != nil || res.StatusCode != want || v.GetContent() != "eyes" || v.GetUser().GetLogin() != "changegate[bot]" {
			t.Errorf("reaction %v, status %v, %v; want %d", v, res, err, want)
		}
	}
	list, _, err := c.Reactions.ListIssueCommentReactions(ctx, "acme", "agents", id, nil)
	if err != nil || len(list) != 2 {
		t.Errorf("reactions %v, %v", list, err)
	}
	want := []githubtest.Reaction{{By: "dev2", Content: "eyes"}, {By: "changegate[bot]", Content: "eyes"}}
	if diff := cmp.Diff(want, p.Comments()[0].Reactions); diff != "" {
		t.Errorf("reactions (-want +got):\n%s", diff)
	}
	one, _, err := c.Issues.GetComment(ctx, "acme", "agents", id)
	if err != nil || one.GetReactions().GetEyes() != 2 || one.GetReactions().GetTotalCount() != 2 || one.GetReactions().GetPlusOne() != 0 {
		t.Errorf("counted %v, %v", one.GetReactions(), err)
	}
}

// TestDescriptionByTheApp: it stands as it was sent, and the App hears itself.
func TestDescriptionByTheApp(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}, Body: "was\r\n"})
	c, ctx := client(t, s, install), context.Background()
	for range 2 {
		got, _, err := c.PullRequests.Edit(ctx, "acme", "agents", 1, &github.PullRequest{Body: github.String("is\r\n")})
		if err != nil || got.GetBody() != "is\r\n" || p.Body() != "is\r\n" {
			t.Errorf("description %q, %v", got.GetBody(), err)
		}
	}
	s.Settle()
	type edit struct {
		Sender  github.User
		Changes struct{ Body struct{ From string } }
	}
	told := payloads[edit](t, s, "pull_request edited")
	if len(told) != 1 || told[0].Sender.GetLogin() != "changegate[bot]" || told[0].Changes.Body.From != "was\r\n" {
		t.Errorf("told %+v", told)
	}
}

// TestReviewers: GitHub asks all or nobody, and not who has reviewed.
func TestReviewers(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	r, install := acme(s)
	s.User("stranger")
	s.Bot("agent[bot]")
	r.Role("agent[bot]", "write")
	r.Public() // everybody reads it, which makes nobody a collaborator
	s.Team("acme/elsewhere", "dev2")
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	c, ctx := client(t, s, install), context.Background()
	ask := func(logins []string, teams ...string) int {
		_, _, err := c.PullRequests.RequestReviewers(ctx, "acme", "agents", 1, github.ReviewersRequest{Reviewers: logins, TeamReviewers: teams})
		return status(err)
	}
	for _, who := range []string{"dev1", "stranger", "nobody", "agent[bot]"} {
		if got := ask([]string{"rev1", who}); got != 422 || len(p.Requested()) != 0 {
			t.Errorf("asking %s: %d, asked are %v", who, got, p.Requested())
		}
	}
	if level, _, err := c.Repositories.GetPermissionLevel(ctx, "acme", "agents", "stranger"); err != nil || level.GetPermission() != "read" {
		t.Errorf("a stranger has %v, %v", level, err)
	}
	if got := ask([]string{"rev1"}, "elsewhere"); got != 422 {
		t.Errorf("asking a team without access: %d", got)
	}
	for range 2 {
		if got := ask([]string{"dev2", "REV1"}, "ai-owners"); got != 0 {
			t.Errorf("asking: %d", got)
		}
	}
	if got := p.Requested(); !slices.Equal(got, []string{"dev2", "rev1", "acme/ai-owners"}) {
		t.Errorf("asked are %v", got)
	}
	p.Review("dev2", "COMMENTED")
	if got := p.Requested(); !slices.Equal(got, []string{"rev1", "acme/ai-owners"}) {
		t.Errorf("asked are %v", got)
	}
	list, _, err := c.PullRequests.ListReviewers(ctx, "acme", "agents", 1, nil)
	if err != nil || len(list.Users) != 1 || len(list.Teams) != 1 {
		t.Errorf("asked are %v, %v", list, err)
	}
	s.Settle()
	if n := len(payloads[any](t, s, "pull_request review_requested")); n != 3 {
		t.Errorf("told %d times, want 3", n)
	}
}
