package checks

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// A merged is a change on main that can be rolled back: it edits one file, makes one,
// deletes one and sets a mode.
type merged struct {
	*story
	place Place
	c     *Client
	Rollback
}

func tellMerged(t *testing.T) *merged {
	t.Helper()
	s := tell(t, "maintain", githubtest.Options{Contract: contract(t)})
	before := s.repo.Push("dev1", "main", githubtest.Files{"prompts/refund.md": "old\n", "prompts/gone.md": "gone\n", "prompts/run.sh": "x\n"})
	s.repo.Push("dev1", "main", githubtest.Files{"prompts/refund.md": "newer\n"})
	parent := s.repo.Head("main")
	p := s.repo.Open("dev1", githubtest.PR{Title: "Raise the limit", Files: githubtest.Files{"prompts/refund.md": "wrong\n", "prompts/made.md": "made\n"},
		Commit: githubtest.Commit{Remove: []string{"prompts/gone.md"}, Modes: map[string]string{"prompts/run.sh": "100755"}}})
	p.Merge("lead1", "squash")
	m := &merged{story: s, place: s.wake(p).Place, c: s.client(t, http.DefaultTransport)}
	m.Rollback = Rollback{
		Undoing: rules.Undoing{Change: 12, Title: "Raise the limit", By: "lead1", Reason: "refunds were refused", Incident: "INC-881"},
		Plan:    rules.Plan{Change: 12, To: before[:9], Form: rules.FormCommit, Commit: before, Merge: s.repo.Head("main"), Parent: parent},
		Branch:  "main", Number: p.Number, Notes: []string{"One approval is enough."},
	}
	paths := []string{"prompts/gone.md", "prompts/made.md", "prompts/refund.md", "prompts/run.sh"}
	landed, back := m.at(t, "main", paths), m.at(t, before, paths)
	for _, path := range paths {
		m.Plan.Files = append(m.Plan.Files, rules.Restored{Path: path, Landed: landed[path], Back: back[path]})
	}
	return m
}

func contract(t *testing.T) *githubtest.Contract {
	t.Helper()
	c := githubtest.NewContract()
	t.Cleanup(func() {
		for _, v := range c.Violations() {
			t.Errorf("contract: %s", v)
		}
	})
	return c
}

func (m *merged) at(t *testing.T, rev string, paths []string) map[string]rules.Entry {
	t.Helper()
	all, err := m.c.At(t.Context(), m.place, m.repo.Head(rev), paths)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// opened opens the rollback, which must work.
func (m *merged) opened(t *testing.T) int {
	t.Helper()
	n, url, err := m.open(t.Context())
	if err != nil || !strings.HasSuffix(url, "/acme/agents/pull/"+itoa(n)) {
		t.Fatalf("%d, %s, %v", n, url, err)
	}
	return n
}

// open works out the rollback and opens it.
func (m *merged) open(ctx context.Context) (int, string, error) {
	x, err := m.c.Restore(ctx, m.place, m.Rollback)
	if err != nil {
		return 0, "", err
	}
	return m.c.OpenRollback(ctx, m.place, x)
}

func itoa(n int) string { return strings.TrimPrefix(rules.ChangeID(n), "CHG-") }

// TestOpenRollback: the pull request has exactly the files of the plan, as the plan
// leaves them, on the branch as it is now.
func TestOpenRollback(t *testing.T) {
	t.Parallel()
	m := tellMerged(t)
	m.gh.Grant("acme", "contents", "write")
	tip := m.repo.Push("dev1", "main", githubtest.Files{"README.md": "later\n"})
	g, err := m.c.Gather(t.Context(), Wake{Place: m.place, Number: m.opened(t), Base: "main"}, Known{})
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, f := range g.Change.Files {
		changed = append(changed, f.Path)
	}
	if want := []string{"prompts/gone.md", "prompts/made.md", "prompts/refund.md", "prompts/run.sh"}; !slices.Equal(changed, want) {
		t.Errorf("changes %q, want %q", changed, want)
	}
	head := m.at(t, g.Change.Head.Commit, []string{"prompts/gone.md", "prompts/made.md", "prompts/refund.md", "prompts/run.sh"})
	for _, f := range m.Plan.Files {
		if head[f.Path] != f.Back {
			t.Errorf("%s is %v, want %v", f.Path, head[f.Path], f.Back)
		}
	}
	q, problems := rules.ReadRequest(g.Change.Requests, time.UTC)
	if len(problems) > 0 || q == nil || q.Rollback.To != tip || q.RequestedBy != "lead1" || q.Ticket != "INC-881" {
		t.Errorf("change request %+v, %v in\n%s", q, problems, g.Body)
	}
	if got, want := g.Title, "Roll back CHG-12: Raise the limit"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	if k := g.Change.Commits; len(k) != 1 || !k[0].WebFlow || !k[0].Author.Bot || k[0].Parents[0] != tip {
		t.Errorf("commits %+v", k)
	}
	if !g.Change.Author.Bot || !strings.Contains(g.Body, "One approval is enough.") {
		t.Errorf("by %+v:\n%s", g.Change.Author, g.Body)
	}
}

// TestOpenRollbackKeepsWhatWasChangedSince: a revert takes out what the change wrote and
// leaves the rest of the file as it is now, which no commit has; where it cannot, nothing
// is written.
func TestOpenRollbackKeepsWhatWasChangedSince(t *testing.T) {
	t.Parallel()
	const lines = "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
	for name, tt := range map[string]struct{ since, want string }{
		"other lines":   {"1\ntwo\n3\n4\n5\n6\n7\n8\nNINE\n", "1\n2\n3\n4\n5\n6\n7\n8\nNINE\n"},
		"the same line": {"1\nTWO\n3\n4\n5\n6\n7\n8\n9\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := tellMerged(t)
			m.gh.Grant("acme", "contents", "write")
			const path = "prompts/long.md"
			parent := m.repo.Push("dev1", "main", githubtest.Files{path: lines})
			merge := m.repo.Push("dev1", "main", githubtest.Files{path: "1\ntwo\n3\n4\n5\n6\n7\n8\n9\n"})
			m.repo.Push("dev1", "main", githubtest.Files{path: tt.since, "README.md": "later\n"})
			m.Plan = rules.Plan{Change: 12, To: rules.FormRevert, Form: rules.FormRevert, Commit: parent, Merge: merge, Parent: parent, Files: []rules.Restored{
				{Path: path, Landed: m.at(t, merge, []string{path})[path], Back: m.at(t, parent, []string{path})[path]},
			}}
			n, _, err := m.open(t.Context())
			if tt.want == "" {
				if branches := m.repo.Branches(); !errors.Is(err, ErrStuck) || len(branches) != 2 {
					t.Errorf("%v, branches %q", err, branches)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := m.repo.Read(m.repo.Pull(n).Head(), path); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got, _ := m.repo.Read(m.repo.Pull(n).Head(), "README.md"); got != "later\n" {
				t.Errorf("README.md is %q", got)
			}
		})
	}
}

// TestOpenRollbackOnce: doing it again, at whatever step it was broken off, makes one
// pull request.
func TestOpenRollbackOnce(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/git/trees", "/git/commits", "/git/refs", "/pulls"} {
		t.Run(strings.ReplaceAll(path[1:], "/", " "), func(t *testing.T) {
			t.Parallel()
			m := tellMerged(t)
			m.gh.Grant("acme", "contents", "write")
			dying, cancel := context.WithCancel(t.Context())
			m.c = m.client(t, dyingAfter{path, cancel})
			if _, _, err := m.open(dying); err == nil && path != "/pulls" {
				t.Fatal("it was not broken off")
			}
			m.c = m.client(t, http.DefaultTransport)
			first := m.opened(t)
			if again := m.opened(t); again != first || first != m.Number+1 {
				t.Errorf("pull requests %d and %d after %d", first, again, m.Number)
			}
			if names := m.repo.Branches(); slices.Contains(names, "changegate/rollback-chg-12-2") {
				t.Errorf("branches %q", names)
			}
		})
	}
}

// dyingAfter lets nothing through after an answer to a POST of a path.
type dyingAfter struct {
	path   string
	cancel context.CancelFunc
}

func (d dyingAfter) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := http.DefaultTransport.RoundTrip(q)
	if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, d.path) {
		d.cancel()
	}
	return r, err
}

// TestOpenRollbackBesides: branches and pull requests of that name that are somebody
// else's, or that are over, do not stand in for the rollback.
func TestOpenRollbackBesides(t *testing.T) {
	t.Parallel()
	const name = "changegate/rollback-chg-12"
	for what, tt := range map[string]struct {
		before func(m *merged)
		branch string
	}{
		"a fork's": {func(m *merged) {
			m.repo.Open("dev1", githubtest.PR{Fork: true, Head: name, Files: githubtest.Files{"prompts/evil.md": "x\n"}})
		}, name},
		"a person's": {func(m *merged) {
			m.repo.Open("dev1", githubtest.PR{Head: name, Files: githubtest.Files{"prompts/evil.md": "x\n"}})
		}, name + "-2"},
		"closed before main moved": {func(m *merged) {
			n, _, _ := m.open(context.Background())
			m.repo.Pull(n).Close("lead1")
			m.repo.Push("dev1", "main", githubtest.Files{"README.md": "later\n"})
		}, name + "-2"},
		"closed before an empty commit": {func(m *merged) {
			n, _, _ := m.open(context.Background())
			m.repo.Pull(n).Close("lead1")
			m.repo.Push("dev1", "main", nil)
		}, name + "-2"},
		"closed": {func(m *merged) {
			n, _, _ := m.open(context.Background())
			m.repo.Pull(n).Close("lead1")
		}, name},
		"open, and the content was put back again": {func(m *merged) {
			n, _, _ := m.open(context.Background())
			m.repo.Pull(n).Push("dev1", githubtest.Files{"prompts/refund.md": "wrong\n"})
		}, name + "-2"},
		"open, with another mode": {func(m *merged) {
			_, _, _ = m.open(context.Background())
			m.repo.Push("dev1", name, nil, githubtest.Commit{Modes: map[string]string{"prompts/refund.md": "100755"}})
		}, name + "-2"},
		"open, with one file more": {func(m *merged) {
			n, _, _ := m.open(context.Background())
			m.repo.Pull(n).Push("dev1", githubtest.Files{"prompts/evil.md": "x\n"})
		}, name + "-2"},
		"open, and main moved": {func(m *merged) {
			_, _, _ = m.open(context.Background())
			m.repo.Push("dev1", "main", githubtest.Files{"README.md": "later\n", "prompts/refund.md": "wronger\n"})
		}, name},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			m := tellMerged(t)
			m.gh.Grant("acme", "contents", "write")
			tt.before(m)
			p := m.repo.Pull(m.opened(t))
			if _, evil := m.repo.Read(p.Head(), "prompts/evil.md"); evil || m.repo.Head(tt.branch) != p.Head() {
				t.Errorf("head %s, evil %v; %s is at %s", p.Head(), evil, tt.branch, m.repo.Head(tt.branch))
			}
		})
	}
}

// TestOpenRollbackOfOtherLines: a revert that is open is still one when the branch has other
// lines of the file by now, which nobody has to bring into it.
func TestOpenRollbackOfOtherLines(t *testing.T) {
	t.Parallel()
	m := tellMerged(t)
	m.gh.Grant("acme", "contents", "write")
	const path, was = "prompts/long.md", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"
	parent := m.repo.Push("dev1", "main", githubtest.Files{path: was})
	merge := m.repo.Push("dev1", "main", githubtest.Files{path: strings.Replace(was, "2", "two", 1)})
	m.Plan = rules.Plan{Change: 12, To: rules.FormRevert, Form: rules.FormRevert, Commit: parent, Merge: merge, Parent: parent, Files: []rules.Restored{
		{Path: path, Landed: m.at(t, merge, []string{path})[path], Back: m.at(t, parent, []string{path})[path]},
	}}
	n := m.opened(t)
	m.repo.Push("dev1", "main", githubtest.Files{path: strings.NewReplacer("2", "two", "9", "NINE").Replace(was)})
	if again := m.opened(t); again != n {
		t.Errorf("pull request %d was opened beside %d", again, n)
	}
	m.repo.Pull(n).Push("dev1", githubtest.Files{path: was + "10\n"})
	if again := m.opened(t); again == n {
		t.Errorf("pull request %d, which was changed since, stands for the rollback", n)
	}
}

// TestOpenRollbackInTheWay: where every branch is taken by something else it is said, and
// the commands take one that is free.
func TestOpenRollbackInTheWay(t *testing.T) {
	t.Parallel()
	m := tellMerged(t)
	m.gh.Grant("acme", "contents", "write")
	for n := range mostBranches {
		m.repo.Push("dev1", rules.RollbackBranch(12, n+1), githubtest.Files{"x": "x"})
	}
	x, err := m.c.Restore(t.Context(), m.place, m.Rollback)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = m.c.OpenRollback(t.Context(), m.place, x); !errors.Is(err, ErrInTheWay) {
		t.Errorf("%v, want %v", err, ErrInTheWay)
	}
	if all := strings.Join(x.Commands(), "\n"); !strings.Contains(all, "git push origin HEAD:refs/heads/changegate/rollback-chg-12-6") {
		t.Errorf("commands\n%s", all)
	}
}

// TestOpenRollbackRefused: what nobody granted, and what there is no need of.
func TestOpenRollbackRefused(t *testing.T) {
	t.Parallel()
	m := tellMerged(t)
	if _, _, err := m.open(t.Context()); !errors.Is(err, ErrNotGranted) {
		t.Errorf("not granted: %v", err)
	}
	if got := m.repo.Branches(); !slices.Equal(got, []string{"change-1", "main"}) {
		t.Errorf("branches %q", got)
	}
	m.gh.Grant("acme", "contents", "write") // the client still has a token of before it
	m.repo.Pull(m.opened(t)).Merge("lead1", "squash")
	if _, _, err := m.open(t.Context()); !errors.Is(err, ErrNothingToUndo) {
		t.Errorf("nothing to undo: %v", err)
	}
}
