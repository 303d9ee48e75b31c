package githubtest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// TestMergesOfTheBase: on somebody's machine with other content or the parents
// swapped, in GitHub's editor, and by its button.
func TestMergesOfTheBase(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		merge   func(*githubtest.Pull) (before, id string)
		content string // of README.md, which both sides changed, or of both
		web     bool
		swapped bool
	}{
		"evil": {func(p *githubtest.Pull) (before, id string) {
			return p.Head(), p.MergeIn("dev2", "main", githubtest.Files{"README.md": "both\n", "prompts/a.md": "Be cruel.\n"})
		}, "both\n", false, false},
		"swapped": {func(p *githubtest.Pull) (before, id string) {
			return p.Head(), p.MergeIn("dev2", "main", githubtest.Files{"README.md": "ours\n"}, githubtest.Commit{Swap: true})
		}, "ours\n", false, true},
		"in the editor": {func(p *githubtest.Pull) (before, id string) {
			return p.Head(), p.ResolveOnWeb("dev2", githubtest.Files{"README.md": "edited\n"})
		}, "edited\n", true, false},
		"clean": {func(p *githubtest.Pull) (before, id string) {
			p.ForcePush("dev1", githubtest.Files{"other": "1"}) // on the new base
			p.Repo().Push("boss", "main", githubtest.Files{"late": "1"})
			return p.Head(), p.UpdateBranch("dev2")
		}, "theirs\n", true, false},
	} {
		s := start(t, githubtest.Options{})
		r, install := acme(s)
		p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"README.md": "mine\n"}})
		r.Push("boss", "main", githubtest.Files{"README.md": "theirs\n", "late": "0"})
		before, id := tt.merge(p)
		data := query(t, client(t, s, install), fmt.Sprintf(`{ repository(owner: "acme", name: "agents") { object(oid: "%s") { ... on Commit {
			committedViaWeb signature { wasSignedByGitHub } author { user { login } } parents(first: 2) { nodes { oid } } } } } }`, id), nil)
		commit := at(data, "repository", "object")
		var parents []any
		for _, parent := range at(commit, "parents", "nodes").([]any) {
			parents = append(parents, at(parent, "oid"))
		}
		want := []any{before, r.Head("main")}
		if tt.swapped {
			slices.Reverse(want)
		}
		if !cmp.Equal(want, parents) {
			t.Errorf("%s: parents %v, want %v", name, parents, want)
		}
		if at(commit, "committedViaWeb") != tt.web || (at(commit, "signature") != nil) != tt.web || at(commit, "author", "user", "login") != "dev2" {
			t.Errorf("%s: commit %v", name, commit)
		}
		if got, _ := r.Read(id, "README.md"); got != tt.content || p.Head() != id {
			t.Errorf("%s: README.md is %q", name, got)
		}
	}
}

// TestTalkAboutAPull: what is written and stuck on shows where GitHub shows it, and
// is heard of.
func TestTalkAboutAPull(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"c": "1"}, Assignees: []string{"dev2"}})
	id := p.Review("rev1", "APPROVED", "fine")
	p.EditReview("rev1", id, "so fine")
	p.Label("dev2", "urgent")
	p.Comment("dev2", "LGTM")
	p.Unassign("dev1", "dev2")
	c, ctx := client(t, s, install), context.Background()
	pull, _, err := c.PullRequests.Get(ctx, "acme", "agents", 1)
	if err != nil || len(pull.Labels) != 1 || pull.Labels[0].GetName() != "urgent" || pull.GetComments() != 1 || len(pull.Assignees) != 0 {
		t.Errorf("labels %v, %d comments, assignees %v, %v", pull.Labels, pull.GetComments(), pull.Assignees, err)
	}
	reviews, _, err := c.PullRequests.ListReviews(ctx, "acme", "agents", 1, nil)
	if err != nil || len(reviews) != 1 || reviews[0].GetBody() != "so fine" || reviews[0].GetState() != "APPROVED" {
		t.Errorf("reviews %v, %v", reviews, err)
	}
	p.Unlabel("dev2", "urgent")
	type heard struct {
		Review  github.PullRequestReview
		Comment github.IssueComment
		Issue   github.Issue
		Label   github.Label
		Changes struct{ Body struct{ From string } }
	}
	edited := payloads[heard](t, s, "pull_request_review edited")
	if len(edited) != 1 || edited[0].Review.GetID() != id || edited[0].Changes.Body.From != "fine" {
		t.Errorf("edited %v", edited)
	}
	said := payloads[heard](t, s, "issue_comment created")
	if len(said) != 1 || said[0].Comment.GetBody() != "LGTM" || said[0].Issue.GetNumber() != 1 || !said[0].Issue.IsPullRequest() {
		t.Errorf("commented %v", said)
	}
	if off := payloads[heard](t, s, "pull_request unlabeled"); len(off) != 1 || off[0].Label.GetName() != "urgent" {
		t.Errorf("unlabeled %v", off)
	}
}

// TestWhoBelongsToATeam: a child team's members count, the invited do not yet, and
// who leaves the organisation belongs nowhere.
func TestWhoBelongsToATeam(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	r, install := acme(s)
	c, ctx := client(t, s, install), context.Background()
	s.User("kid", "guest")
	s.Team("acme/juniors", "kid")
	s.ChildTeam("acme/ai-owners", "acme/juniors")
	s.Invite("acme/ai-owners", "guest")
	listed := func(argument string) (logins []string) {
		data := query(t, c, fmt.Sprintf(`{ organization(login: "acme") { team(slug: "ai-owners") { members(first: 9%s) { nodes { login } } } } }`, argument), nil)
		for _, n := range at(data, "organization", "team", "members", "nodes").([]any) {
			logins = append(logins, at(n, "login").(string))
		}
		return logins
	}
	state := func(login string) string {
		m, _, err := c.Teams.GetTeamMembershipBySlug(ctx, "acme", "ai-owners", login)
		if err != nil {
			return "none"
		}
		return m.GetState()
	}
	role := func(login string) string {
		level, _, err := c.Repositories.GetPermissionLevel(ctx, "acme", "agents", login)
		if err != nil {
			t.Fatal(err)
		}
		return level.GetUser().GetRoleName()
	}
	rest, _, err := c.Teams.ListTeamMembersBySlug(ctx, "acme", "ai-owners", nil)
	if err != nil || len(rest) != 3 {
		t.Errorf("REST lists %v, %v", rest, err)
	}
	if diff := cmp.Diff([]string{"rev1", "boss", "kid"}, listed("")); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if direct, below := listed(", membership: IMMEDIATE"), listed(", membership: CHILD_TEAM"); len(direct) != 2 || !slices.Equal(below, []string{"kid"}) {
		t.Errorf("members of its own %q, of child teams %q", direct, below)
	}
	if state("guest") != "pending" || state("kid") != "active" || role("kid") != "maintain" || role("guest") != "none" {
		t.Errorf("guest is %s as %s, kid %s as %s", state("guest"), role("guest"), state("kid"), role("kid"))
	}
	s.Team("acme/ai-owners", "guest") // accepts
	joined := payloads[github.MembershipEvent](t, s, "membership added")
	if last := joined[len(joined)-1]; state("guest") != "active" || last.GetMember().GetID() != s.User("guest") || last.GetTeam().GetSlug() != "ai-owners" {
		t.Errorf("guest is %s, heard of %s in %s", state("guest"), last.GetMember().GetLogin(), last.GetTeam().GetSlug())
	}
	r.Role("rev1", "write")
	fork := r.Fork("rev1").ID()
	s.LeaveOrg("acme", "rev1")
	left := payloads[github.OrganizationEvent](t, s, "organization member_removed")
	if len(left) != 1 || left[0].GetMembership().GetUser().GetID() != s.User("rev1") || state("rev1") != "none" || role("rev1") != "none" {
		t.Errorf("rev1 is %s as %s, heard %v", state("rev1"), role("rev1"), left)
	}
	if again := r.Fork("rev1").ID(); again == fork {
		t.Errorf("the private fork %d was not deleted", fork)
	}
}

// TestRolesAreHeardOf: added, edited and removed, each with whose they are.
func TestRolesAreHeardOf(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	listen(t, s)
	s.User("guest")
	r.Role("guest", "write")
	r.Role("guest", "read")
	r.Unshare("guest")
	type member struct {
		Member  github.User
		Changes struct {
			Permission    struct{ To string }
			OldPermission struct{ From string } `json:"old_permission"`
		}
	}
	added, edited, removed := payloads[member](t, s, "member added"), payloads[member](t, s, "member edited"), payloads[member](t, s, "member removed")
	if len(added) != 1 || len(edited) != 1 || len(removed) != 1 {
		t.Fatalf("added %v, edited %v, removed %v", added, edited, removed)
	}
	if added[0].Changes.Permission.To != "write" || edited[0].Changes.OldPermission.From != "write" || removed[0].Member.GetID() != s.User("guest") {
		t.Errorf("added %v, edited %v, removed %v", added, edited, removed)
	}
	level, _, err := client(t, s, install).Repositories.GetPermissionLevel(context.Background(), "acme", "agents", "guest")
	if err != nil || level.GetPermission() != "none" {
		t.Errorf("permission %s, %v", level.GetPermission(), err)
	}
}
