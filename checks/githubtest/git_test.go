package githubtest_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// refusal is the status and message of an answer that is a failure.
func refusal(err error) (int, string) {
	var e *github.ErrorResponse
	if !errors.As(err, &e) {
		return 0, ""
	}
	if len(e.Errors) > 0 {
		return e.Response.StatusCode, e.Errors[0].Message
	}
	return e.Response.StatusCode, e.Message
}

// TestGitIsWrittenOnlyWhereItIsGranted: the App's manifest asks to read contents.
func TestGitIsWrittenOnlyWhereItIsGranted(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c, ctx := client(t, s, install), context.Background()
	tip := r.Head("main")
	calls := map[string]func() error{
		"blob": func() error {
			_, _, err := c.Git.CreateBlob(ctx, "acme", "agents", &github.Blob{Content: ptr("x")})
			return err
		},
		"tree": func() error {
			_, _, err := c.Git.CreateTree(ctx, "acme", "agents", tip, entries("a", "100644", "x"))
			return err
		},
		"commit": func() error { _, err := commitOf(ctx, c, tip, tip); return err },
		"ref":    func() error { return makeRef(ctx, c, "refs/heads/x", tip) },
	}
	for name, call := range calls {
		if status, says := refusal(call()); status != http.StatusForbidden || says != "Resource not accessible by integration" {
			t.Errorf("%s: %d %s", name, status, says)
		}
	}
	s.Grant("acme", "contents", "write")
	if status, _ := refusal(makeRef(ctx, c, "refs/heads/x", tip)); status != http.StatusForbidden {
		t.Errorf("a token of before the grant: %d, want 403", status)
	}
	if err := makeRef(ctx, client(t, s, install), "refs/heads/x", tip); err != nil {
		t.Errorf("a token of after it: %v", err)
	}
}

func ptr(s string) *string { return &s }

// entries is one line of a tree: a file with a content.
func entries(path, mode, content string) []*github.TreeEntry {
	return []*github.TreeEntry{{Path: &path, Mode: &mode, Content: &content}}
}

func commitOf(ctx context.Context, c *github.Client, tree, parent string) (*github.Commit, error) {
	made, _, err := c.Git.CreateCommit(ctx, "acme", "agents", &github.Commit{
		Message: ptr("Put it back"), Tree: &github.Tree{SHA: &tree}, Parents: []*github.Commit{{SHA: &parent}},
	}, nil)
	return made, err
}

func makeRef(ctx context.Context, c *github.Client, ref, id string) error {
	_, _, err := c.Git.CreateRef(ctx, "acme", "agents", &github.Reference{Ref: &ref, Object: &github.GitObject{SHA: &id}})
	return err
}

// TestWriteGit makes a commit and opens a pull request as the App, and looks at what
// GitHub would show of it.
func TestWriteGit(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	h := listen(t, s)
	r, install := acme(s)
	s.Grant("acme", "contents", "write")
	c, ctx := client(t, s, install), context.Background()
	tip := r.Head("main")
	blob, _, err := c.Git.CreateBlob(ctx, "acme", "agents", &github.Blob{Content: ptr("AAE="), Encoding: ptr("base64")})
	if err != nil {
		t.Fatal(err)
	}
	tree, _, err := c.Git.CreateTree(ctx, "acme", "agents", tip, []*github.TreeEntry{
		{Path: ptr("bin/run"), Mode: ptr("100755"), Type: ptr("blob"), SHA: blob.SHA}, {Path: ptr("prompts/a.md"), Mode: ptr("100644"), Type: ptr("blob")},
	})
	if err != nil {
		t.Fatal(err)
	}
	made, err := commitOf(ctx, c, tree.GetSHA(), tip)
	if err != nil {
		t.Fatal(err)
	}
	if by, to := made.GetAuthor().GetName(), made.GetCommitter().GetName(); by != "changegate[bot]" || to != "GitHub" || !made.GetVerification().GetVerified() {
		t.Errorf("by %s, committed by %s, verified %v", by, to, made.GetVerification().GetVerified())
	}
	if err := makeRef(ctx, c, "refs/heads/back/1", made.GetSHA()); err != nil {
		t.Fatal(err)
	}
	open := &github.NewPullRequest{Title: ptr("Back"), Body: ptr("why"), Head: ptr("back/1"), Base: ptr("main")}
	p, _, err := c.PullRequests.Create(ctx, "acme", "agents", open)
	if err != nil || p.GetUser().GetLogin() != "changegate[bot]" || p.GetHead().GetSHA() != made.GetSHA() {
		t.Errorf("pull request by %s at %s, %v", p.GetUser().GetLogin(), p.GetHead().GetSHA(), err)
	}
	if got, ok := r.Read("back/1", "bin/run"); !ok || got != "\x00\x01" {
		t.Errorf("bin/run is %q", got)
	}
	if _, ok := r.Read("back/1", "prompts/a.md"); ok {
		t.Error("prompts/a.md is still there")
	}
	if _, ok := r.Read("back/1", "README.md"); !ok {
		t.Error("README.md is gone")
	}
	s.Settle()
	if got := h.events[len(h.events)-2:]; !slices.Equal(got, []string{"push", "pull_request opened"}) {
		t.Errorf("events %q", got)
	}
	if _, _, err := c.PullRequests.Create(ctx, "acme", "agents", open); refused(err) != "A pull request already exists for acme:back/1." {
		t.Errorf("twice: %v", err)
	}
}

func refused(err error) string {
	_, says := refusal(err)
	return says
}

// TestGitRefuses: what GitHub finds wrong with what is to be written.
func TestGitRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	s.Grant("acme", "contents", "write")
	c, ctx := client(t, s, install), context.Background()
	tip, none := r.Head("main"), "0123456789012345678901234567890123456789"
	tree := func(base string, e ...*github.TreeEntry) error {
		_, _, err := c.Git.CreateTree(ctx, "acme", "agents", base, e)
		return err
	}
	pull := func(head, base string) error {
		_, _, err := c.PullRequests.Create(ctx, "acme", "agents", &github.NewPullRequest{Title: ptr("x"), Head: &head, Base: &base})
		return err
	}
	_, noTree := commitOf(ctx, c, none, tip)
	_, noParent := commitOf(ctx, c, treeOf(ctx, t, c, tip), none)
	got := map[string]string{
		"delete what is not there": refused(tree(tip, &github.TreeEntry{Path: ptr("nowhere"), Mode: ptr("100644"), Type: ptr("blob")})),
		"no such blob":             refused(tree(tip, &github.TreeEntry{Path: ptr("a"), Mode: ptr("100644"), Type: ptr("blob"), SHA: &none})),
		"no such base":             refused(tree(none, entries("a", "100644", "x")...)),
		"out of the tree":          refused(tree(tip, entries("../a", "100644", "x")...)),
		"no such tree":             refused(noTree),
		"no such parent":           refused(noParent),
		"branch there":             refused(makeRef(ctx, c, "refs/heads/main", tip)),
		"no such commit":           refused(makeRef(ctx, c, "refs/heads/x", none)),
		"no name":                  refused(makeRef(ctx, c, "refs/heads/a..b", tip)),
		"nothing to merge":         refused(pull("main", "main")),
		"no head":                  refused(pull("nowhere", "main")),
	}
	want := map[string]string{
		"delete what is not there": "GitRPC::BadObjectState", "no such blob": "tree.sha " + none + " is not a valid blob",
		"no such base": "base_tree is not a valid tree oid", "out of the tree": "tree.path contains a malformed path component",
		"no such tree": "Tree SHA does not exist", "no such parent": "Parent SHA does not exist or is not a commit object",
		"branch there": "Reference already exists", "no such commit": "Object does not exist", "no name": "refs/heads/a..b is not a valid ref name.",
		"nothing to merge": "No commits between main and main", "no head": "head is invalid",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func treeOf(ctx context.Context, t *testing.T, c *github.Client, commit string) string {
	t.Helper()
	k, _, err := c.Repositories.GetCommit(ctx, "acme", "agents", commit, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k.GetCommit().GetTree().GetSHA()
}
