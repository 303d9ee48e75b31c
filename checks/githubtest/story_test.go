package githubtest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// start serves a GitHub that is checked against GitHub's descriptions: any
// violation fails the test.
func start(t *testing.T, o githubtest.Options) *githubtest.Server {
	t.Helper()
	o.Contract = githubtest.NewContract()
	s := githubtest.New(o)
	t.Cleanup(func() {
		s.Close()
		for _, v := range o.Contract.Violations() {
			t.Errorf("contract: %s", v)
		}
	})
	return s
}

// appClient speaks as the App, client as its installation.
func appClient(t *testing.T, s *githubtest.Server) *github.Client {
	t.Helper()
	id, key, _ := s.App()
	transport, err := ghinstallation.NewAppsTransport(http.DefaultTransport, id, key)
	if err != nil {
		t.Fatal(err)
	}
	transport.BaseURL = s.URL() + "/api/v3"
	return newClient(t, s, transport)
}

func client(t *testing.T, s *githubtest.Server, installation int64) *github.Client {
	t.Helper()
	id, key, _ := s.App()
	transport, err := ghinstallation.New(http.DefaultTransport, id, installation, key)
	if err != nil {
		t.Fatal(err)
	}
	transport.BaseURL = s.URL() + "/api/v3"
	return newClient(t, s, transport)
}

func newClient(t *testing.T, s *githubtest.Server, transport http.RoundTripper) *github.Client {
	t.Helper()
	c, err := github.NewClient(&http.Client{Transport: transport}).WithEnterpriseURLs(s.URL(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func acme(s *githubtest.Server) (*githubtest.Repo, int64) {
	s.Org("acme")
	s.User("dev1", "dev2", "rev1", "boss")
	s.Team("acme/ai-owners", "rev1", "boss")
	install := s.Install("acme")
	r := s.Repo("acme/agents", githubtest.Files{"prompts/a.md": "Be kind.\n", "README.md": "Agents\n"})
	r.Role("dev1", "write")
	r.Role("dev2", "write")
	r.TeamRole("acme/ai-owners", "maintain")
	return r, install
}

// hook collects what is delivered and whether it was signed.
type hook struct {
	mu     sync.Mutex
	secret []byte
	events []string
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	mac := hmac.New(sha256.New, h.secret)
	mac.Write(body)
	event := r.Header.Get("X-GitHub-Event")
	if err != nil || r.Header.Get("X-Hub-Signature-256") != "sha256="+hex.EncodeToString(mac.Sum(nil)) {
		event += " unsigned"
	}
	parsed, err := github.ParseWebHook(r.Header.Get("X-GitHub-Event"), body)
	if a, ok := parsed.(interface{ GetAction() string }); ok && err == nil {
		event += " " + a.GetAction()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, strings.TrimSpace(event))
	w.WriteHeader(http.StatusAccepted)
}

func listen(t *testing.T, s *githubtest.Server) *hook {
	t.Helper()
	_, _, secret := s.App()
	h := &hook{secret: secret}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	s.Hook(server.URL + "/webhook")
	return h
}

func TestWebhooksComeInTheOrderOfHappening(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	h := listen(t, s)
	r, _ := acme(s)
	p := r.Open("dev1", githubtest.PR{Title: "Be kinder", Files: githubtest.Files{"prompts/a.md": "Be kinder.\n"}})
	p.Push("dev2", githubtest.Files{"prompts/b.md": "new\n"})
	id := p.Review("rev1", "APPROVED")
	p.Dismiss("boss", id)
	p.Edit("dev1", "why")
	p.Retarget("dev1", "main")
	p.Merge("boss", "squash")
	want := []string{ // before the installation the App hears nothing
		"installation created", "member added", "member added", "team added_to_repository",
		"push", "pull_request opened", "push", "pull_request synchronize", "pull_request_review submitted",
		"pull_request_review dismissed", "pull_request edited", "pull_request edited", "push", "pull_request closed",
	}
	if diff := cmp.Diff(want, h.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestClientReadsAPullRequest(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	r.Tag("v1", "main")
	r.AnnotatedTag("boss", "v2", "main", "second")
	p := r.Open("dev1", githubtest.PR{
		Title: "Be kinder", Body: "why", Files: githubtest.Files{"prompts/a.md": "Be kinder.\n"},
		Commit: githubtest.Commit{CoAuthors: []string{"dev2", "Ghost <ghost@example.com>"}}, Assignees: []string{"dev2"},
	})
	p.Push("dev1", nil, githubtest.Commit{Author: "Ghost <ghost@example.com>", Move: map[string]string{"README.md": "READ.md"}})
	p.Review("rev1", "CHANGES_REQUESTED", "no")
	c, ctx := client(t, s, install), context.Background()

	pr, _, err := c.PullRequests.Get(ctx, "acme", "agents", p.Number)
	if err != nil {
		t.Fatal(err)
	}
	if pr.GetCommits() != 2 || pr.GetChangedFiles() != 2 || !pr.GetMergeable() || pr.GetHead().GetSHA() != p.Head() {
		t.Errorf("pull request %d commits, %d files, mergeable %t, head %s", pr.GetCommits(), pr.GetChangedFiles(), pr.GetMergeable(), pr.GetHead().GetSHA())
	}
	compare, _, err := c.Repositories.CompareCommits(ctx, "acme", "agents", "main", p.Head()[:7], nil)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range compare.Files {
		files = append(files, f.GetStatus()+" "+f.GetPreviousFilename()+" "+f.GetFilename()+" "+f.GetPatch())
	}
	want := []string{"renamed README.md READ.md ", "modified  prompts/a.md @@ -1 +1 @@\n-Be kind.\n+Be kinder."}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if compare.GetStatus() != "ahead" || compare.GetAheadBy() != 2 || compare.GetMergeBaseCommit().GetSHA() != r.Head("main") {
		t.Errorf("compare %s by %d from %s", compare.GetStatus(), compare.GetAheadBy(), compare.GetMergeBaseCommit().GetSHA())
	}
	if author := compare.Commits[1].Author; author.GetID() != 0 {
		t.Errorf("the author GitHub does not know is %v", author)
	}
	if blob, _, err := c.Git.GetBlobRaw(ctx, "acme", "agents", compare.Files[1].GetSHA()); err != nil || string(blob) != "Be kinder.\n" {
		t.Errorf("blob %q, %v", blob, err)
	}
	readTheRest(ctx, t, c, p)
}

// readTheRest calls every other operation once; the contract checks the answers.
func readTheRest(ctx context.Context, t *testing.T, c *github.Client, p *githubtest.Pull) {
	t.Helper()
	const o, r = "acme", "agents"
	calls := map[string]func() error{
		"repository":   func() error { _, _, err := c.Repositories.Get(ctx, o, r); return err },
		"repositories": func() error { _, _, err := c.Apps.ListRepos(ctx, nil); return err },
		"branch":       func() error { _, _, err := c.Repositories.GetBranch(ctx, o, r, "main", 0); return err },
		"tags":         func() error { _, _, err := c.Repositories.ListTags(ctx, o, r, nil); return err },
		"tag":          func() error { _, _, err := c.Git.GetRef(ctx, o, r, "tags/v2"); return err },
		"blob": func() error {
			_, _, err := c.Git.GetBlob(ctx, o, r, "6b1b585c9943cf9487830aaf780ea853cc0b44d2")
			return err
		},
		"contents": func() error {
			_, _, _, err := c.Repositories.GetContents(ctx, o, r, "prompts/a.md", &github.RepositoryContentGetOptions{Ref: "v2"})
			return err
		},
		"directory": func() error { _, _, _, err := c.Repositories.GetContents(ctx, o, r, "prompts", nil); return err },
		"commit":    func() error { _, _, err := c.Repositories.GetCommit(ctx, o, r, p.Head(), nil); return err },
		"commit pulls": func() error {
			_, _, err := c.PullRequests.ListPullRequestsWithCommit(ctx, o, r, p.Head(), nil)
			return err
		},
		"pulls":        func() error { _, _, err := c.PullRequests.List(ctx, o, r, nil); return err },
		"pull files":   func() error { _, _, err := c.PullRequests.ListFiles(ctx, o, r, p.Number, nil); return err },
		"pull commits": func() error { _, _, err := c.PullRequests.ListCommits(ctx, o, r, p.Number, nil); return err },
		"reviews":      func() error { _, _, err := c.PullRequests.ListReviews(ctx, o, r, p.Number, nil); return err },
		"permission":   func() error { _, _, err := c.Repositories.GetPermissionLevel(ctx, o, r, "rev1"); return err },
		"membership":   func() error { _, _, err := c.Teams.GetTeamMembershipBySlug(ctx, o, "ai-owners", "rev1"); return err },
		"members":      func() error { _, _, err := c.Teams.ListTeamMembersBySlug(ctx, o, "ai-owners", nil); return err },
		"team":         func() error { _, _, err := c.Teams.GetTeamBySlug(ctx, o, "ai-owners"); return err },
		"organisation": func() error { _, _, err := c.Organizations.Get(ctx, o); return err },
		"user":         func() error { _, _, err := c.Users.Get(ctx, "rev1"); return err },
	}
	for name, call := range calls {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
