package checks

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
)

// agents gives the story two agents, of which one had four versions: 2.0.0 was rolled
// back, and 1.1.0 came by a merge commit while the base branch went on.
func agents(t *testing.T) *story {
	t.Helper()
	s := tell(t, "maintain")
	s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: agentsOnly,
		"agents/a/agent.yaml": "version: 1.0.0\n", "agents/a/prompt.md": "one\n", "agents/b/agent.json": `{"version": "0.1.0"}`, "agents/b/x.md": "x\n"})
	p := s.repo.Open("dev1", githubtest.PR{Head: "second", Files: githubtest.Files{"agents/a/agent.yaml": "version: 1.1.0\nreplaces: 1.0.0\n", "agents/a/prompt.md": "two\n"}})
	s.repo.Push("lead1", "main", githubtest.Files{"README.md": "y\n", "agents/b/x.md": "y\n"})
	s.repo.Tag("1.0.0", "main")
	merge := p.Merge("lead1", "merge")
	s.repo.Push("lead1", "main", githubtest.Files{"agents/a/agent.yaml": "version: 2.0.0\n", "agents/a/prompt.md": "three\n"})
	s.repo.Tag("2.0.0", merge)
	s.repo.Push("lead1", "main", githubtest.Files{"agents/a/agent.yaml": "version: 1.1.0\nreplaces: 1.0.0\n", "agents/a/prompt.md": "two\n"})
	s.repo.Push("lead1", "main", githubtest.Files{"README.md": "z\n"})
	return s
}

// TestServerAndCloneAgreeOnVersions reads one repository through GitHub's API and as a
// clone: the manifests of a change, what they were, and what a version stands for.
func TestServerAndCloneAgreeOnVersions(t *testing.T) {
	t.Parallel()
	s := agents(t)
	p := s.repo.Open("dev1", githubtest.PR{Head: "third", Files: githubtest.Files{"agents/a/agent.yaml": "version: 2.1.0\n", "agents/a/prompt.md": "four\n", "agents/b/x.md": "z\n", "agents/c/new.yml": "version: 1.0.0\n"}})
	dir := s.clone(t)
	for to, want := range map[string]string{
		"1.1.0": "version", "1.0.0": "version", "2.0.0": "", "0.1.0": "version", "3.0.0": "", "2.1.0": "", "agents/a/prompt.md@1.0.0": "path", "revert": "revert",
	} {
		t.Run(strings.ReplaceAll(to, "/", "_"), func(t *testing.T) {
			p.Edit("dev1", restoring(to))
			server := s.reads(t, p)
			g, err := Local(t.Context(), LocalOptions{Repo: dir, Base: "main", Head: "third", Body: restoring(to)})
			must(t, err)
			if d := cmp.Diff(server.Manifests, g.Change.Manifests); d != "" {
				t.Errorf("manifests (-server +clone):\n%s", d)
			}
			if d := cmp.Diff(server.Target, g.Change.Target); d != "" {
				t.Errorf("target (-server +clone):\n%s", d)
			}
			if len(server.Gaps)+len(g.Change.Gaps) > 0 || len(server.Manifests) != 3 {
				t.Errorf("gaps %v and %v, %d manifests", server.Gaps, g.Change.Gaps, len(server.Manifests))
			}
			got := server.Target
			if got.Form != want || got.Ambiguous != (to == "2.0.0") || got.Unknown != "" || want != "" && len(got.Files) == 0 {
				t.Errorf("%+v, want form %q", got, want)
			}
		})
	}
	p.Edit("dev1", restoring("1.0.0"))
	for _, f := range s.reads(t, p).Target.Files {
		if f.Path == "agents/a/agent.yaml" && string(f.Text) != "version: 1.0.0\n" {
			t.Errorf("the manifest at the target is %q", f.Text)
		}
	}
}

// TestManyVersions: every page of a manifest's history is read, up to a bound.
func TestManyVersions(t *testing.T) {
	t.Parallel()
	for n, cut := range map[int]bool{editionsPage: false, editionsPage + 1: false, mostEditions: false, mostEditions + 1: true} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := tell(t, "maintain")
			s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: agentsOnly})
			s.repo.PushAll("lead1", "main", n, func(i int) (githubtest.Files, githubtest.Commit) {
				return githubtest.Files{"agents/agent.yaml": fmt.Sprintf("version: 1.%d.0\n", i)}, githubtest.Commit{}
			})
			p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"agents/agent.yaml": "version: 2.0.0\n"}})
			server := s.reads(t, p).Manifests
			if m := server[0]; len(m.Released) != min(n, mostEditions) || m.Cut != cut || m.Released[0].Version != fmt.Sprintf("1.%d.0", n-1) {
				t.Errorf("%d released, cut %v", len(m.Released), m.Cut)
			}
			dir := s.clone(t)
			l, err := Local(t.Context(), LocalOptions{Repo: dir, Base: "main", Head: p.Head()})
			must(t, err)
			if d := cmp.Diff(server, l.Change.Manifests); d != "" {
				t.Errorf("manifests (-server +clone):\n%s", d)
			}
		})
	}
}

// A swapped answer has one text in place of another.
type swapped struct{ was, is string }

func (s swapped) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(string(body), s.was, s.is)))
	r.ContentLength = -1
	r.Header.Del("Content-Length")
	return r, err
}

// TestVersionsThatAreNotGiven: what GitHub does not give of a history keeps the change
// from being read, or is a gap; it never looks like an agent without versions.
func TestVersionsThatAreNotGiven(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ was, is, gap string }{
		"no pull requests": {`"associatedPullRequests":{`, `"pulls":{`, ""},
		"no parents":       {`"parents":[`, `"elders":[`, ""},
		"a null commit":    {`[{"author"`, `[null,{"author"`, ""},
		"folder not whole": {`"name":"prompt.md",`, `"name":"",`, gapVersions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := agents(t)
			p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"agents/a/agent.yaml": "version: 2.1.0\n"}})
			g, err := s.client(t, swapped{tt.was, tt.is}).Gather(t.Context(), s.wake(p), Known{})
			switch {
			case tt.gap == "" && err == nil:
				t.Errorf("read, with manifests %+v", g.Change.Manifests)
			case tt.gap != "" && err != nil:
				t.Error(err)
			case tt.gap != "" && (len(g.Change.Gaps) == 0 || g.Change.Gaps[0].What != tt.gap):
				t.Errorf("gaps %+v", g.Change.Gaps)
			}
		})
	}
}

// TestVersionsCostNothingElsewhere: a change that touches no agent asks nothing of them.
func TestVersionsCostNothingElsewhere(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/agent.yaml": "version: 1.0.0\n"}})
	if c := s.reads(t, p); c.Manifests != nil {
		t.Errorf("%+v", c.Manifests)
	}
	for _, call := range s.gh.Calls() {
		if strings.Contains(call.Query, "path=") {
			t.Errorf("%+v", call)
		}
	}
}

// TestOnlyWhatStoodOnTheBranchIsReleased: a number that a pull request had on its way, and
// that was corrected before it was merged, was never released; nor was one that it took
// back.
func TestOnlyWhatStoodOnTheBranchIsReleased(t *testing.T) {
	t.Parallel()
	for method, want := range map[string][]string{
		"merge": {"3.4.0", "3.3.0"}, "squash": {"3.4.0", "3.3.0"}, "rebase": {"3.4.0", "4.0.0", "3.3.0"},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			s := tell(t, "maintain")
			version := func(v string) githubtest.Files {
				return githubtest.Files{"agents/a/agent.yaml": "version: " + v + "\n"}
			}
			s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: agentsOnly, "agents/a/agent.yaml": "version: 3.3.0\n"})
			corrected := s.repo.Open("dev1", githubtest.PR{Head: "corrected", Files: version("4.0.0")})
			corrected.Push("dev1", version("3.4.0"))
			back := s.repo.Open("dev1", githubtest.PR{Head: "back", Files: version("9.0.0")})
			back.Push("dev1", githubtest.Files{"agents/a/agent.yaml": "version: 3.3.0\n", "README.md": "b\n"})
			merge := corrected.Merge("lead1", method)
			if method == "merge" {
				back.Merge("lead1", method)
			}
			p := s.repo.Open("dev1", githubtest.PR{Head: "next", Files: version("3.5.0")})
			server := s.reads(t, p)
			var got []string
			for _, r := range server.Manifests[0].Released {
				got = append(got, r.Version)
			}
			if d := cmp.Diff(want, got); d != "" || server.Manifests[0].Released[0].Since != merge {
				t.Errorf("released since %s (-want +got):\n%s", server.Manifests[0].Released[0].Since, d)
			}
			l, err := Local(t.Context(), LocalOptions{Repo: s.clone(t), Base: "main", Head: p.Head()})
			must(t, err)
			if d := cmp.Diff(server.Manifests, l.Change.Manifests); d != "" {
				t.Errorf("manifests (-server +clone):\n%s", d)
			}
		})
	}
}
