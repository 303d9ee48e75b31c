package checks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// A reader reads one pull request again and again, as the bot does: with what it
// learned before.
type reader struct {
	*testing.T
	*story
	c     *Client
	p     *githubtest.Pull
	known Known
	asked []string // of the last reading, in short
}

func (s *story) reader(t *testing.T, p *githubtest.Pull) *reader {
	r := &reader{T: t, story: s, p: p}
	r.c = s.client(t, r)
	r.c.Cache = kept{}
	return r
}

// RoundTrip notes what is asked: the name of a GraphQL query with the directories in
// it, or the part of a path that tells calls apart.
func (r *reader) RoundTrip(q *http.Request) (*http.Response, error) {
	var asked string
	switch path := q.URL.Path; {
	case strings.HasSuffix(path, "/graphql"):
		body, err := q.GetBody()
		if err != nil {
			return nil, err
		}
		text := make([]byte, q.ContentLength)
		if _, err := body.Read(text); err != nil {
			return nil, err
		}
		_, query, _ := strings.Cut(string(text), `"query":"query `)
		asked = query[:strings.IndexAny(query, "( {")]
		if n := strings.Count(query, "... on Tree"); n > 0 {
			asked += fmt.Sprintf("+%d folders", n)
		}
	case strings.Contains(path, "/compare/"):
		asked = "compare"
	case strings.Contains(path, "/git/trees/"):
		asked = "tree"
	case strings.HasSuffix(path, "/access_tokens"):
	default:
		asked = path[strings.LastIndex(path, "/")+1:]
	}
	if asked != "" {
		r.asked = append(r.asked, asked)
	}
	return http.DefaultTransport.RoundTrip(q)
}

func (r *reader) read() (*Gathered, rules.Verdict) {
	r.Helper()
	r.asked = nil
	g, err := r.c.Gather(r.Context(), r.wake(r.p), r.known)
	if err != nil {
		r.Fatal(err)
	}
	r.known = g.Known
	return g, outcome(g)
}

// push adds a commit with a green check.
func (r *reader) push(files githubtest.Files, how ...githubtest.Commit) {
	r.p.Push("dev1", files, how...)
	r.repo.Report("github-actions", r.p.Head(), "evals", "success")
}

// TestModesMakeApprovalsStale: what a reviewer saw is bytes and what git does with
// them. Comparisons have no modes.
func TestModesMakeApprovalsStale(t *testing.T) {
	t.Parallel()
	const one, two = "1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222"
	for name, tt := range map[string]struct {
		first, then githubtest.Files
		was, is     map[string]string
		want        rules.State
	}{
		"nothing governed":         {nil, githubtest.Files{"README.md": "y\n"}, nil, nil, rules.Ready},
		"another mode, ungoverned": {nil, nil, nil, map[string]string{"README.md": "100755"}, rules.Ready},
		"made executable":          {nil, nil, nil, map[string]string{"prompts/refund.md": "100755"}, rules.Waiting},
		"no longer executable":     {githubtest.Files{"prompts/refund.md": "b\n"}, nil, map[string]string{"prompts/refund.md": "100755"}, map[string]string{"prompts/refund.md": "100644"}, rules.Waiting},
		"made a link":              {githubtest.Files{"prompts/refund.md": "../README.md"}, nil, nil, map[string]string{"prompts/refund.md": "120000"}, rules.Waiting},
		"a link elsewhere":         {githubtest.Files{"prompts/l": "a"}, githubtest.Files{"prompts/l": "b"}, map[string]string{"prompts/l": "120000"}, map[string]string{"prompts/l": "120000"}, rules.Waiting},
		"a submodule moved":        {githubtest.Files{"prompts/s": one}, githubtest.Files{"prompts/s": two}, map[string]string{"prompts/s": "160000"}, map[string]string{"prompts/s": "160000"}, rules.Waiting},
		"a submodule that stays":   {githubtest.Files{"prompts/s": one}, githubtest.Files{"README.md": "y\n"}, map[string]string{"prompts/s": "160000"}, nil, rules.Ready},
		"another case is another":  {githubtest.Files{"prompts/A.md": "a\n"}, githubtest.Files{"prompts/a.md": "a\n"}, nil, nil, rules.Waiting},
		"one of two cases":         {githubtest.Files{"prompts/A.md": "a\n", "prompts/a.md": "a\n"}, githubtest.Files{"prompts/a.md": "b\n"}, nil, nil, rules.Waiting},
	} {
		s := tell(t, "maintain")
		r := s.reader(t, s.open())
		r.push(tt.first, githubtest.Commit{Modes: tt.was})
		r.p.Review("lead1", "APPROVED")
		if _, v := r.read(); v.State != rules.Ready {
			t.Fatalf("%s: approved and %s: %s", name, v.State, v.Title)
		}
		r.push(tt.then, githubtest.Commit{Modes: tt.is})
		for _, known := range []string{"known", "cold"} {
			if _, v := r.read(); v.State != tt.want {
				t.Errorf("%s, %s: %s %s, want %s", name, known, v.State, v.Title, tt.want)
			}
			r.known = Known{}
		}
	}
}

// TestModesAreAskedOnce: and only if there is an opinion to compare.
func TestModesAreAskedOnce(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	r := s.reader(t, s.open())
	step := func(what string, want ...string) {
		t.Helper()
		if r.read(); !slices.Equal(r.asked, want) {
			t.Errorf("%s: asked %q, want %q", what, r.asked, want)
		}
	}
	step("opened", "Pull", "compare", "check-runs")
	r.push(githubtest.Files{"README.md": "y\n"})
	step("pushed", "Pull", "compare", "check-runs")
	r.p.Review("lead1", "APPROVED")
	step("approved", "Pull", "Lookup", "check-runs")
	r.push(githubtest.Files{"README.md": "z\n"})
	step("pushed after an approval", "Pull", "compare", "Lookup+3 folders", "check-runs")
	step("again", "Pull", "check-runs")
	r.push(githubtest.Files{"README.md": "zz\n"})
	step("pushed again", "Pull", "compare", "Lookup+1 folders", "check-runs")
}

// TestKnownRevisions: what an approved commit changed is known when nothing else is,
// and no more of it is kept than six commits.
func TestKnownRevisions(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	r := s.reader(t, s.open())
	for i := range 9 {
		r.p.Review("lead1", "APPROVED")
		r.read()
		r.push(githubtest.Files{"README.md": fmt.Sprint(i)})
		if _, v := r.read(); v.State != rules.Ready {
			t.Errorf("push %d: %s %s", i, v.State, v.Title)
		}
		if n := len(r.known.Revisions); n > mostRevisions+1 || n < min(i+2, mostRevisions+1) {
			t.Errorf("push %d: %d revisions are kept", i, n)
		}
		r.c.Cache = kept{} // evicted
	}
}

// TestFirstSightStays: the base branch takes a part of the pull request in, so that
// the approved commit changes less than the reviewer saw. The rules get both lists.
func TestFirstSightStays(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/one.md": "1\n"}})
	first := p.Head()
	r := s.reader(t, p)
	r.push(githubtest.Files{"prompts/two.md": "2\n", ".changes/brief.yml": storyRequest})
	r.p.Review("lead1", "APPROVED")
	r.read()
	s.repo.Branch("main", first)
	s.repo.Branch("elsewhere", first)
	p.Retarget("dev1", "elsewhere")
	p.Retarget("dev1", "main")
	paths := func(files []rules.File) (out []string) {
		for _, f := range files {
			out = append(out, f.Path+" "+f.NewMode)
		}
		return out
	}
	for range 2 {
		g, _ := r.read()
		if diff := cmp.Diff([]string{".changes/brief.yml ", "prompts/two.md 100644"}, paths(g.Change.Files)); diff != "" {
			t.Errorf("the head changes (-want +got):\n%s", diff)
		}
		if n := len(g.Change.Revisions); n != 1 || g.Change.Revisions[0].Commit != p.Head() {
			t.Fatalf("%d revisions: %+v", n, g.Change.Revisions)
		}
		if diff := cmp.Diff([]string{".changes/brief.yml ", "prompts/one.md 100644", "prompts/two.md 100644"}, paths(g.Change.Revisions[0].Files)); diff != "" {
			t.Errorf("it was seen to change (-want +got):\n%s", diff)
		}
	}
}

// TestFormerContentCounts: a file above GitHub's limits, or binary, has no patch. The
// same new content over another old one is another change.
func TestFormerContentCounts(t *testing.T) {
	t.Parallel()
	const path = "prompts/weights"
	for name, tt := range map[string]struct {
		under string
		want  rules.State
	}{"the same": {"a\x00", rules.Ready}, "another": {"b\x00", rules.Waiting}} {
		s := tell(t, "maintain")
		s.repo.Push("dev1", "main", githubtest.Files{path: "a\x00"})
		p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{path: "new\x00", ".changes/brief.yml": storyRequest}})
		s.repo.Report("github-actions", p.Head(), "evals", "success")
		r := s.reader(t, p)
		p.Review("lead1", "APPROVED")
		if _, v := r.read(); v.State != rules.Ready {
			t.Fatalf("%s: %s", name, v.Title)
		}
		s.repo.Push("dev1", "main", githubtest.Files{path: tt.under, "README.md": "y\n"})
		p.MergeIn("dev1", "main", githubtest.Files{path: "new\x00"})
		s.repo.Report("github-actions", p.Head(), "evals", "success")
		if g, v := r.read(); v.State != tt.want {
			t.Errorf("%s: %s %s: %+v", name, v.State, v.Title, g.Change.Files)
		}
	}
}

// TestUpdateBranchMerges: what the button changed is compared by content.
func TestUpdateBranchMerges(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	p := s.open()
	r := s.reader(t, p)
	before := p.Head()
	s.repo.Push("dev1", "main", githubtest.Files{"README.md": "y\n"})
	p.UpdateBranch("lead1")
	r.push(githubtest.Files{"docs/x": "x\n"})
	p.Review("lead1", "APPROVED")
	g, v := r.read()
	if v.State != rules.Ready {
		t.Errorf("%s %s, revisions %+v", v.State, v.Title, g.Change.Revisions)
	}
	if !slices.ContainsFunc(g.Change.Revisions, func(r rules.Revision) bool { return r.Commit == before }) {
		t.Errorf("the commit before the merge is not among %d revisions", len(g.Change.Revisions))
	}
}

// TestManyOpinionsOfOthers: whoever looks again after every push, a bot above all, does
// not make the approval of somebody who looked once stale.
func TestManyOpinionsOfOthers(t *testing.T) {
	t.Parallel()
	for _, eager := range []string{"dev2", "reviewer[bot]"} {
		s := tell(t, "maintain")
		if eager == "dev2" {
			s.gh.User(eager)
		} else {
			s.gh.Bot(eager)
		}
		s.repo.Role(eager, "write")
		p := s.open()
		r := s.reader(t, p)
		p.Review("lead1", "APPROVED")
		for i := range 2 * mostRevisions {
			r.push(githubtest.Files{"README.md": fmt.Sprint(i)})
			s.later(time.Minute)
			p.Review(eager, []string{"APPROVED", "APPROVED", "CHANGES_REQUESTED"}[i%3])
			if _, v := r.read(); v.State != rules.Ready {
				t.Fatalf("%s, push %d: %s", eager, i, v.Title)
			}
		}
	}
}
