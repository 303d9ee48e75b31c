package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// docs are n files that nothing governs.
func docs(n int) githubtest.Files {
	files := githubtest.Files{"prompts/refund.md": "Be brief.\n", ".changes/brief.yml": storyRequest}
	for i := range n - len(files) {
		files[fmt.Sprintf("docs/%02d/%04d", i%40, i)] = "x\n"
	}
	return files
}

// TestManyFiles: a comparison stops at 300 files; git trees do not stop. An approval
// holds over what nothing governs and over nothing else.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	for n, cold := range map[int][]string{
		300:  {"Pull", "compare", "check-runs"},
		301:  {"Pull", "compare", "Trees", "tree", "tree", "check-runs"},
		3001: {"Pull", "compare", "Trees", "tree", "tree", "check-runs"},
	} {
		s := tell(t, "maintain")
		p := s.repo.Open("dev1", githubtest.PR{Files: docs(n)})
		s.repo.Report("github-actions", p.Head(), "evals", "success")
		r := s.reader(t, p)
		if g, _ := r.read(); len(g.Change.Gaps) > 0 || len(g.Change.Files) != n || !slices.Equal(r.asked, cold) {
			t.Errorf("%d files: %d read, gaps %v, asked %q", n, len(g.Change.Files), g.Change.Gaps, r.asked)
		}
		if r.read(); !slices.Equal(r.asked, []string{"Pull", "check-runs"}) {
			t.Errorf("%d files, again: asked %q", n, r.asked)
		}
		p.Review("lead1", "APPROVED")
		for _, step := range []struct {
			file string
			want rules.State
		}{{"README.md", rules.Ready}, {"prompts/new.md", rules.Waiting}} {
			r.push(githubtest.Files{step.file: "y\n"})
			for _, from := range []string{"known", "cold"} {
				if g, v := r.read(); v.State != step.want || len(g.Change.Gaps) > 0 {
					t.Errorf("%d files, %s pushed, %s: %s %s, gaps %v", n, step.file, from, v.State, v.Title, g.Change.Gaps)
				}
				r.known, r.c.Cache = Known{}, kept{}
			}
		}
	}
}

// TestRenamesInManyFiles: GitHub counts a rename once, git trees have two files. Both
// ends are governed, and a list of either kind is the same as one of the other.
func TestRenamesInManyFiles(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	files := docs(299)
	delete(files, "prompts/refund.md")
	p := s.repo.Open("dev1", githubtest.PR{Files: files, Commit: githubtest.Commit{Move: map[string]string{"prompts/refund.md": "prompts/old.md"}}})
	s.repo.Report("github-actions", p.Head(), "evals", "success")
	r := s.reader(t, p)
	p.Review("lead1", "APPROVED")
	if g, v := r.read(); v.State != rules.Ready || len(g.Change.Files) != 299 {
		t.Fatalf("%d files: %s", len(g.Change.Files), v.Title)
	}
	r.push(githubtest.Files{"README.md": "y\n", "LICENSE": "y\n"})
	for _, from := range []string{"known", "cold"} {
		if g, v := r.read(); v.State != rules.Ready || len(g.Change.Files) != 302 {
			t.Errorf("%s: %d files: %s", from, len(g.Change.Files), v.Title)
		}
		r.known = Known{}
	}
	r.push(githubtest.Files{"prompts/old.md": "Be rude.\n"})
	if _, v := r.read(); v.State != rules.Waiting {
		t.Errorf("other content after the rename: %s", v.Title)
	}
}

// TestTreesAreWalked: where GitHub cuts a tree, only the folders that differ are read,
// and the list is the same. Where it never gives one whole, the list says so.
func TestTreesAreWalked(t *testing.T) {
	t.Parallel()
	read := func(entries int) (files []rules.File, calls int, gaps []rules.Gap) {
		s := tell(t, "maintain", githubtest.Options{Limits: githubtest.Limits{CompareFiles: 3, TreeEntries: entries, PullFiles: 100}})
		s.repo.Push("dev1", "main", docs(400))
		p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"docs/01/0001": "z\n", "docs/39/0039": "z\n", "prompts/refund.md": "z\n", "new/a/b": "z\n"}})
		r := s.reader(t, p)
		g, _ := r.read()
		return g.Change.Files, len(r.asked), g.Change.Gaps
	}
	want, calls, _ := read(0)
	if len(want) != 4 || calls != 6 {
		t.Fatalf("read whole: %d files in %d calls", len(want), calls)
	}
	got, calls, gaps := read(100)
	if diff := cmp.Diff(want, got); diff != "" || len(gaps) > 0 || calls > 30 {
		t.Errorf("cut at 100 entries: %d calls, gaps %v (-want +got):\n%s", calls, gaps, diff)
	}
	// Not even one folder is whole: GitHub's own list of the files stands in.
	got, calls, gaps = read(1)
	if len(got) != 4 || len(gaps) > 0 || calls > 12 {
		t.Errorf("cut at 1 entry: %d files in %d calls, gaps %v", len(got), calls, gaps)
	}
}

// TestHolesInTreesShortenNothing leaves out every place of the two trees' answers:
// what is read instead is the same list from another source.
func TestHolesInTreesShortenNothing(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain", githubtest.Options{Limits: githubtest.Limits{CompareFiles: 1}})
	w := s.wake(s.open())
	answers := map[int][]byte{}
	x := &tampering{next: &remembering{had: map[string][]byte{}}, saw: func(n int, body []byte) { answers[n] = body }}
	c := s.client(t, x)
	read := func() ([]string, error) {
		g, err := c.Gather(t.Context(), w, Known{})
		if err != nil {
			return nil, err
		}
		var out []string
		for _, f := range g.Change.Files {
			out = append(out, f.Path+" "+f.New)
		}
		if len(g.Change.Gaps) > 0 {
			return nil, fmt.Errorf("gaps %v", g.Change.Gaps)
		}
		return out, nil
	}
	want, err := read()
	if err != nil {
		t.Fatal(err)
	}
	x.saw = nil
	tried := 0
	for n, body := range answers {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(body), `"truncated"`) && !strings.Contains(string(body), `"c0"`) {
			continue
		}
		places(v, nil, func(at []any, less ...any) {
			for _, with := range less {
				tried++
				x.seen, x.answer, x.change = 0, n, func(v any) any { return replaced(v, at, with) }
				if got, err := read(); err == nil && !slices.Equal(got, want) {
					t.Errorf("answer %d, %T at %v: %q", n, with, at, got)
				}
			}
		})
	}
	if tried < 50 {
		t.Errorf("only %d holes tried", tried)
	}
}

// TestMovedWhileRead: the list of files that is read in pages, and every further page
// of commits, are of whatever the head is by then. What does not belong together is
// read again, and then it is an error: never a mixture.
func TestMovedWhileRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		o  githubtest.Options
		at string // the request before which somebody pushes
	}{
		"files":   {githubtest.Options{Limits: githubtest.Limits{CompareFiles: 1, TreeEntries: 1}}, "/files"},
		"commits": {githubtest.Options{PageSize: 1}, "/graphql"},
	} {
		for pushes, read := range map[int]bool{1: true, 9: false} {
			s := tell(t, "maintain", tt.o)
			p := s.open()
			p.Push("dev1", githubtest.Files{"README.md": "y\n"})
			m := &moving{at: tt.at, left: pushes, push: func(n int) {
				p.ForcePush("lead1", githubtest.Files{"prompts/refund.md": fmt.Sprint(n)})
				p.Push("dev1", githubtest.Files{"README.md": "y\n"}) // as many commits as before
			}}
			g, err := s.client(t, m).Gather(t.Context(), s.wake(p), Known{})
			if (err == nil) != read {
				t.Errorf("%s, pushed %d times: %v", name, pushes, err)
				continue
			}
			if err != nil {
				continue
			}
			last := g.Change.Commits[len(g.Change.Commits)-1]
			if g.Change.Head.Commit != p.Head() || last.ID != p.Head() || len(g.Change.Commits) != 2 || len(g.Change.Gaps) > 0 {
				t.Errorf("%s: head %s, %d commits, the last %s, gaps %v", name, g.Change.Head.Commit, len(g.Change.Commits), last.ID, g.Change.Gaps)
			}
		}
	}
}

// moving pushes before some requests: from the second of each kind on.
type moving struct {
	at         string
	seen, left int
	push       func(n int)
}

func (m *moving) RoundTrip(q *http.Request) (*http.Response, error) {
	if strings.HasSuffix(q.URL.Path, m.at) {
		m.seen++
		if (m.at != "/graphql" || m.seen > 1) && m.left > 0 {
			m.left--
			m.push(m.left)
		}
	}
	return http.DefaultTransport.RoundTrip(q)
}

// TestIdleGroups: a group whose path is misspelt governs nothing.
func TestIdleGroups(t *testing.T) {
	t.Parallel()
	policy := "version: 1\nmode: enforce\ngoverned:\n" +
		"  - {name: prompts, kind: prompt, paths: [\"prompts/**\"]}\n" +
		"  - {name: new, kind: prompt, paths: [\"added/**\"]}\n" +
		"  - {name: misspelt, kind: prompt, paths: [\"promts/**\"]}\n"
	for entries, want := range map[int][]string{0: {"misspelt"}, 2: nil} {
		s := tell(t, "maintain", githubtest.Options{Limits: githubtest.Limits{TreeEntries: entries}})
		p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{PolicyPath: policy, "added/a": "x\n", ".changes/p.yml": storyRequest}})
		r := s.reader(t, p)
		g, _ := r.read()
		if g.Change.NewPolicy == nil || !slices.Equal(g.Change.NewPolicy.Idle, want) {
			t.Errorf("trees of %d entries: %+v, want idle %q", entries, g.Change.NewPolicy, want)
		}
		again, _ := r.read()
		if entries == 0 && (slices.Contains(r.asked, "tree") || !slices.Equal(again.Change.NewPolicy.Idle, want)) {
			t.Errorf("again: asked %q, idle %q", r.asked, again.Change.NewPolicy.Idle)
		}
	}
}

// TestIdleGroupsAreAdvice: a tree that is not there is no pull request that is not
// there, which would be forgotten.
func TestIdleGroupsAreAdvice(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{PolicyPath: fmt.Sprintf(storyPolicy, "admin"), ".changes/p.yml": storyRequest}})
	s.gh.Fault(githubtest.Fault{Path: "/git/trees/", Kind: "404", Count: 9})
	if g, v := s.reader(t, p).read(); g.Change.NewPolicy.Idle != nil || v.State != rules.Author && v.State != rules.Waiting {
		t.Errorf("%s %s, idle %q", v.State, v.Title, g.Change.NewPolicy.Idle)
	}
}

// counting answers as GitHub does after the base branch moved: it counts files as of
// the last push to the head.
type counting struct{ was, is string }

func (c counting) RoundTrip(q *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	body = bytes.Replace(body, []byte(c.is), []byte(c.was), 1)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Del("Content-Length")
	return res, err
}

// TestStackedOnAMergedOne: a pull request that builds on one merged since is read
// whole, although GitHub still counts the other's files among its own.
func TestStackedOnAMergedOne(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	below := s.repo.Open("dev1", githubtest.PR{Head: "below", Files: githubtest.Files{"prompts/below.md": "Below.\n"}})
	s.repo.Branch("above", below.Head())
	s.repo.Push("dev1", "above", githubtest.Files{"prompts/above.md": "Above.\n"})
	above := s.repo.Open("dev1", githubtest.PR{Head: "above"})
	below.Merge("dev1", "merge")
	g, err := s.client(t, counting{`"changedFiles":2`, `"changedFiles":1`}).Gather(t.Context(), s.wake(above), Known{})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Change.Gaps) > 0 || len(g.Change.Files) != 1 || g.Change.Files[0].Path != "prompts/above.md" {
		t.Errorf("gaps %v, files %v", g.Change.Gaps, g.Change.Files)
	}
}
