package githubtest_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// wholeStory makes everything happen that can be told, once.
func wholeStory(t *testing.T, s *githubtest.Server) *githubtest.Repo {
	t.Helper()
	r, install := acme(s)
	s.Ping()
	s.Bot("agent[bot]")
	p := r.Open("agent[bot]", githubtest.PR{Files: githubtest.Files{"prompts/a.md": "1\n"}, Draft: true})
	p.Ready("dev1")
	p.Draft("dev1")
	p.Assign("dev1", "dev2")
	p.Unassign("dev1", "dev2")
	p.Label("dev1", "urgent")
	p.Unlabel("dev1", "urgent")
	said := p.Comment("dev2", "LGTM")
	p.EditComment("dev2", said, "looks good")
	p.DeleteComment("dev2", said)
	p.AskReview("dev1", "rev1", "acme/ai-owners")
	p.Retitle("dev1", "Another title")
	p.Edit("dev1", "why")
	first := p.Head()
	p.Push("dev2", nil, githubtest.Commit{Remove: []string{"prompts/a.md"}})
	p.ReviewAt("rev1", "COMMENTED", first, "hm")
	id := p.Review("rev1", "APPROVED")
	p.Rewind("dev2", first)
	p.EditReview("rev1", id, "not like this")
	p.Dismiss("boss", id)
	r.Push("boss", "main", githubtest.Files{"b": "1"})
	p.UpdateBranch("dev1")
	c := client(t, s, install)
	run, _, err := c.Checks.CreateCheckRun(context.Background(), "acme", "agents", github.CreateCheckRunOptions{Name: "gate", HeadSHA: p.Head()})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Checks.UpdateCheckRun(context.Background(), "acme", "agents", run.GetID(), github.UpdateCheckRunOptions{Name: "gate", Conclusion: github.String("neutral")})
	if err != nil {
		t.Fatal(err)
	}
	r.Rerun("dev1", run.GetID())
	r.Press("dev1", run.GetID(), "again")
	p.Retarget("dev1", func() string { r.Branch("release", "main"); return "release" }())
	p.Close("dev1")
	p.Reopen("dev1")
	p.Merge("boss", "merge")
	fork := r.Open("rev1", githubtest.PR{Fork: true, Files: githubtest.Files{"c": "1"}})
	fork.Push("rev1", githubtest.Files{"c": "2"})
	r.Queue("main", githubtest.Queue{Checks: []string{"gate"}})
	queued := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"q": "1"}})
	queued.AutoMerge("dev1", "merge", "gate")
	queued.NoAutoMerge("dev1")
	queued.Enqueue("dev1")
	queued.Dequeue("dev1")
	r.Tag("v1", "main")
	r.Open("dev1", githubtest.PR{Head: "doomed", Files: githubtest.Files{"d": "1"}})
	r.DeleteBranch("dev1", "doomed")
	r.Role("dev1", "admin")
	r.Unshare("dev1")
	s.LeaveTeam("acme/ai-owners", "rev1")
	s.Team("acme/ai-owners", "dev2")
	s.LeaveOrg("acme", "dev2")
	s.DeleteTeam("acme/ai-owners")
	s.Uninstall("acme")
	s.Settle()
	return r
}

// TestPayloadsHaveTheKeysOfGitHubsExamples compares every delivery with the
// published examples of its event: no key is made up, none that all examples of
// the event have is missing.
func TestPayloadsHaveTheKeysOfGitHubsExamples(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	wholeStory(t, s)
	met := map[string]bool{}
	for _, d := range s.Deliveries() {
		met[strings.TrimSpace(d.Event+" "+d.Action)] = true
		some, all := exampleKeys(t, d.Event)
		var payload map[string]any
		if err := json.Unmarshal(d.Payload, &payload); err != nil {
			t.Fatal(err)
		}
		got := keySet(payload)
		for key := range got {
			if !some[key] && !particular[d.Event+" "+d.Action+" "+key] {
				t.Errorf("%s %s has %s, which no example has", d.Event, d.Action, key)
			}
		}
		for key := range all {
			if !got[key] {
				t.Errorf("%s %s has no %s, which every example has", d.Event, d.Action, key)
			}
		}
	}
	want := []string{
		"check_run completed", "check_run created", "check_run requested_action", "check_run rerequested", "installation created",
		"installation deleted", "issue_comment created", "issue_comment deleted", "issue_comment edited", "member added", "member edited", "member removed", "membership added", "membership removed",
		"merge_group checks_requested", "merge_group destroyed",
		"organization member_removed", "ping", "pull_request assigned", "pull_request auto_merge_disabled", "pull_request auto_merge_enabled",
		"pull_request closed", "pull_request converted_to_draft", "pull_request dequeued", "pull_request edited", "pull_request enqueued", "pull_request labeled", "pull_request opened", "pull_request ready_for_review", "pull_request reopened",
		"pull_request review_requested",
		"pull_request synchronize", "pull_request unassigned", "pull_request unlabeled", "pull_request_review dismissed",
		"pull_request_review edited", "pull_request_review submitted", "push", "team added_to_repository", "team deleted",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(met))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// particular are keys GitHub documents for an action that the selection of
// examples does not hold.
var particular = map[string]bool{
	"pull_request assigned assignee": true, "pull_request unassigned assignee": true, "pull_request labeled label": true,
	"pull_request review_requested requested_reviewer": true, "pull_request review_requested requested_team": true, "issue_comment edited changes": true,
	"pull_request dequeued reason": true, "pull_request auto_merge_disabled reason": true, "merge_group destroyed reason": true,
	"pull_request unlabeled label": true, "pull_request_review edited changes": true, "member added changes": true, "pull_request edited changes": true, "check_run requested_action requested_action": true,
	"member edited organization": true, "member edited installation": true, "member edited changes": true, "team deleted installation": true,
}

// exampleKeys are the keys that some, and that all, examples of an event have.
// Where the event happened depends on the hook, not on the event.
func exampleKeys(t *testing.T, event string) (some, all map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "webhooks", event+".*json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("examples of %s: %v, %v", event, files, err)
	}
	some = map[string]bool{"installation": true, "organization": true}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var payload map[string]any
		if err := json.Unmarshal(data, &payload); err != nil {
			t.Fatal(err)
		}
		keys := keySet(payload)
		maps.Copy(some, keys)
		if all == nil {
			all = keys
		}
		maps.DeleteFunc(all, func(key string, _ bool) bool {
			return !keys[key] || key == "repository" || key == "organization" || key == "sender"
		})
	}
	return some, all
}

func keySet(payload map[string]any) map[string]bool {
	keys := map[string]bool{}
	for key := range payload {
		keys[key] = true
	}
	return keys
}

// TestStoryInGit: what the story did is what git would hold.
func TestStoryInGit(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r := wholeStory(t, s)
	for _, tt := range []struct{ rev, path, want string }{
		{"release", "prompts/a.md", "1\n"}, {"main", "prompts/a.md", "Be kind.\n"}, {"refs/pull/2/head", "c", "2"}, {"v1", "b", "1"},
	} {
		if got, ok := r.Read(tt.rev, tt.path); got != tt.want || !ok {
			t.Errorf("%s:%s is %q, want %q", tt.rev, tt.path, got, tt.want)
		}
	}
	if _, ok := r.Read("main", "c"); ok {
		t.Error("the fork's file is on main")
	}
}

// TestForks: a fork's pull request is seen, its branch is not, and a check run on
// its head names no pull request.
func TestForks(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	s.User("outsider")
	p := r.Open("outsider", githubtest.PR{Fork: true, Head: "patch", Files: githubtest.Files{"a": "1"}})
	id := r.Report("ci", p.Head(), "test", "success")
	c, ctx := client(t, s, install), context.Background()
	pull, _, err := c.PullRequests.Get(ctx, "acme", "agents", p.Number)
	if err != nil || pull.GetHead().GetRepo().GetFullName() != "outsider/agents" || !pull.GetHead().GetRepo().GetFork() || pull.GetHead().GetRepo().GetID() == r.ID() {
		t.Errorf("head repository %s %d, %v", pull.GetHead().GetRepo().GetFullName(), pull.GetHead().GetRepo().GetID(), err)
	}
	if _, res, _ := c.Repositories.GetBranch(ctx, "acme", "agents", "patch", 0); res.StatusCode != 404 {
		t.Errorf("the fork's branch: status %d", res.StatusCode)
	}
	compare, _, err := c.Repositories.CompareCommits(ctx, "acme", "agents", "main", "outsider:patch", nil)
	if err != nil || len(compare.Files) != 1 {
		t.Errorf("compare with the fork: %v, %v", compare.GetStatus(), err)
	}
	run, _, err := c.Checks.GetCheckRun(ctx, "acme", "agents", id)
	if err != nil || len(run.PullRequests) != 0 {
		t.Errorf("the check run names %d pull requests, %v", len(run.PullRequests), err)
	}
}

// TestPeopleKeepTheirIDs: a renamed account keeps its id, roles and commits, and a
// bot goes by two names.
func TestPeopleKeepTheirIDs(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	id := s.User("dev1")
	commit := r.Push("dev1", "topic", githubtest.Files{"a": "1"})
	s.Rename("dev1", "dev9")
	c, ctx := client(t, s, install), context.Background()
	got, _, err := c.Repositories.GetCommit(ctx, "acme", "agents", commit, nil)
	if err != nil || got.GetAuthor().GetID() != id || got.GetAuthor().GetLogin() != "dev9" {
		t.Errorf("author %d %s, want %d dev9, %v", got.GetAuthor().GetID(), got.GetAuthor().GetLogin(), id, err)
	}
	level, _, err := c.Repositories.GetPermissionLevel(ctx, "acme", "agents", "dev9")
	if err != nil || level.GetPermission() != "write" {
		t.Errorf("permission %s, %v", level.GetPermission(), err)
	}
	level, _, err = c.Repositories.GetPermissionLevel(ctx, "acme", "agents", "boss") // maintain, through the team
	if err != nil || level.GetPermission() != "write" || level.GetUser().GetRoleName() != "maintain" {
		t.Errorf("permission %s, role %s, %v", level.GetPermission(), level.GetUser().GetRoleName(), err)
	}
}

// TestSendSignsAnything posts a payload as it is.
func TestSendSignsAnything(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	h := listen(t, s)
	d := s.Send("star", []byte(`{"action":"created"}`))
	s.Redeliver(d.ID)
	if diff := cmp.Diff([]string{"star created", "star created"}, h.events); diff != "" || d.Status != 202 {
		t.Errorf("status %d, events (-want +got):\n%s", d.Status, diff)
	}
}
