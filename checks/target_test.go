package checks

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// restoring is a description that declares a way back.
func restoring(to string) string {
	return fmt.Sprintf("```yaml\nchange:\n  why: a reason\n  rollback:\n    to: %q\n```\n", to)
}

// reads is what Gather makes of a pull request.
func (s *story) reads(t *testing.T, p *githubtest.Pull) *rules.Change {
	t.Helper()
	g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
	if err != nil {
		t.Fatal(err)
	}
	return &g.Change
}

// textFile is a text file of the repository.
func textFile(text string) rules.Entry {
	return rules.Entry{Blob: plumbing.ComputeHash(plumbing.BlobObject, []byte(text)).String(), Mode: "100644"}
}

// TestTargets: every form of rollback.to, with what the change leaves at each governed
// path and what the rollback does.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	first := s.repo.Head("main")
	s.repo.Tag("v1", "main")
	s.repo.AnnotatedTag("lead1", "v1.0", "main", "the first")
	second := s.repo.Push("lead1", "main", githubtest.Files{"prompts/refund.md": "Be firm.\n", "prompts/old/a.md": "a\n", "prompts/old/b.md": "b\n"})
	s.repo.Push("dev1", "elsewhere", githubtest.Files{"prompts/refund.md": "Else.\n"})
	outside := s.repo.Head("elsewhere")
	p := s.repo.Open("dev1", githubtest.PR{Head: "change", Files: githubtest.Files{
		"prompts/refund.md": "Be kind and brief.\n", "prompts/new/c.md": "c\n", "README.md": "y\n"}, Body: restoring("revert"), Title: "Change"})
	p.Push("dev1", nil, githubtest.Commit{Remove: []string{"prompts/old/a.md"}, Move: map[string]string{"prompts/old/b.md": "prompts/new/b.md"}})
	landed := map[string]rules.Entry{"prompts/new/b.md": textFile("b\n"), "prompts/new/c.md": textFile("c\n"), "prompts/refund.md": textFile("Be kind and brief.\n")}
	files := func(back map[string]rules.Entry, paths ...string) (out []rules.Restored) {
		for _, path := range paths {
			out = append(out, rules.Restored{Path: path, Landed: landed[path], Back: back[path]})
		}
		return out
	}
	all := []string{"prompts/new/b.md", "prompts/new/c.md", "prompts/old/a.md", "prompts/old/b.md", "prompts/refund.md"}
	before := map[string]rules.Entry{"prompts/refund.md": textFile("Be kind.\n")}
	base := map[string]rules.Entry{"prompts/refund.md": textFile("Be firm.\n"), "prompts/old/a.md": textFile("a\n"), "prompts/old/b.md": textFile("b\n")}
	for _, want := range []rules.Target{
		{To: first, Form: "commit", Commit: first, InBase: true, Files: files(before, all...)},
		{To: first[:7], Form: "commit", Commit: first, InBase: true, Files: files(before, all...)},
		{To: second[:12], Form: "commit", Commit: second, InBase: true, Files: files(base, all...)},
		{To: "v1", Form: "tag", Commit: first, InBase: true, Files: files(before, all...)},
		{To: "v1.0", Form: "tag", Commit: first, InBase: true, Files: files(before, all...)},
		{To: "revert", Form: "revert", Commit: second, InBase: true, Files: files(base, all...)},
		{To: "prompts/refund.md@v1", Form: "path", Commit: first, InBase: true, Files: files(before, "prompts/refund.md")},
		{To: "prompts/old/@" + second[:7], Form: "path", Commit: second, InBase: true, Files: files(base, "prompts/old/a.md", "prompts/old/b.md")},
		{To: outside, Form: "commit", Commit: outside},
		{To: "main"}, {To: "HEAD"}, {To: "refs/heads/main"}, {To: "refs/tags/v1"}, {To: "prompts//refund.md@" + first}, {To: "elsewhere"}, {To: "none"}, {To: first[:6]},
	} {
		t.Run(want.To, func(t *testing.T) {
			p.Edit("dev1", restoring(want.To))
			if d := cmp.Diff(&want, s.reads(t, p).Target, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("target (-want +got):\n%s", d)
			}
		})
	}
}

// TestHostileNames: what no tag can be called, and what is no path in the tree, is never
// sent to GitHub, which would follow it elsewhere.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "HEAD", "refs/heads/main", "refs/tags/v1", "main^", "main~1", "v1^{}", "@{-1}", "@", "v1@{0}", "v1:prompts", ":/Initial", "a..b", "--upload-pack=x", "-v1",
		"/v1", "v1/", "a//b", ".v1", "v1.lock", "v1.", "a b", "a\x00b", "a\nb", "a?", "a*", "a[b", `a\b`,
	} {
		if ref, ok := tagRef(name); ok {
			t.Errorf("%q is looked for as %q", name, ref)
		}
	}
	for _, at := range []string{"", "/", ".", "..", "../x", "/etc/passwd", "a/../b", "a//b", "./a", "a/.", "a/.."} {
		if p, ok := treePath(at); ok {
			t.Errorf("%q is taken for the path %q", at, p)
		}
	}
}
