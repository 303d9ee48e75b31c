package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// storyPolicy wants one approval, by somebody to be filled in, and a check.
const storyPolicy = `version: 1
mode: enforce
branches: [main, "release/*"]
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    rollback: optional
    approvals:
      - count: 1
        from: [%s]
    require_checks:
      - {name: evals, app: github-actions}
`

const storyRequest = "change:\n  why: a reason\n"

// A story is a make-believe GitHub with a repository under that policy.
type story struct {
	at      atomic.Int64 // everybody's clock, in Unix seconds
	gh      *githubtest.Server
	repo    *githubtest.Repo
	floor   *githubtest.Repo // the organisation's, if there is one
	install int64
}

func tell(t testing.TB, from string, o ...githubtest.Options) *story {
	t.Helper()
	s := &story{}
	s.at.Store(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC).Unix())
	options := append(o, githubtest.Options{})[0]
	options.Now = s.now
	s.gh = githubtest.New(options)
	t.Cleanup(s.gh.Close)
	s.gh.Org("acme")
	for _, login := range []string{"dev1", "lead1", "lead2"} {
		s.gh.User(login)
	}
	s.gh.Team("acme/leads", "lead1", "lead2")
	s.repo = s.gh.Repo("acme/agents", githubtest.Files{PolicyPath: fmt.Sprintf(storyPolicy, from), "prompts/refund.md": "Be kind.\n", "README.md": "x\n"})
	s.repo.Role("dev1", "write")
	s.repo.TeamRole("acme/leads", "maintain")
	s.install = s.gh.Install("acme")
	return s
}

// open opens a pull request that meets every rule once a lead approves it.
func (s *story) open() *githubtest.Pull {
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/refund.md": "Be kind and brief.\n", ".changes/brief.yml": storyRequest}})
	s.repo.Report("github-actions", p.Head(), "evals", "success")
	return p
}

func (s *story) now() time.Time { return time.Unix(s.at.Load(), 0).UTC() }

func (s *story) later(d time.Duration) { s.at.Add(int64(d / time.Second)) }

func (s *story) client(t testing.TB, through http.RoundTripper) *Client {
	t.Helper()
	id, key, _ := s.gh.App()
	g, err := New(Config{URL: s.gh.URL(), AppID: id, Key: key, Transport: through, Cache: forgetful{}, Now: s.now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (s *story) wake(p *githubtest.Pull) Wake {
	return Wake{Place: Place{Installation: s.install, Org: "acme", RepoID: s.repo.ID(), Repo: s.repo.Name()}, Number: p.Number, Base: p.Base()}
}

// outcome is what a reading comes to. The request that a review saw is the
// caller's to say; here it is the one of the head.
func outcome(g *Gathered) rules.Verdict {
	c := g.Change
	q, _ := rules.ReadRequest(c.Requests, time.UTC)
	for i := range c.Reviews {
		c.Reviews[i].Request = q.Digest()
	}
	return rules.Evaluate(g.Policy.Data, &c, time.Now())
}

// remembering answers what was asked before as it was answered then.
type remembering struct {
	mu    sync.Mutex
	had   map[string][]byte
	links map[string]string // where the next page of each is
}

func (m *remembering) RoundTrip(q *http.Request) (*http.Response, error) {
	var body []byte
	if q.Body != nil {
		body, _ = io.ReadAll(q.Body)
		q.Body = io.NopCloser(bytes.NewReader(body))
	}
	key := q.Method + " " + q.URL.String() + " " + string(body)
	m.mu.Lock()
	defer m.mu.Unlock()
	if had, ok := m.had[key]; ok {
		r := answerOf(q, http.StatusOK, string(had))
		r.Header.Set("Link", m.links[key])
		return r, nil
	}
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil || r.StatusCode/100 != 2 {
		return r, err
	}
	defer r.Body.Close()
	if body, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	if m.had[key] = body; m.links == nil {
		m.links = map[string]string{}
	}
	m.links[key] = r.Header.Get("Link")
	again := answerOf(q, http.StatusOK, string(body))
	again.Header.Set("Link", m.links[key])
	return again, nil
}

// tampering changes one answer of GitHub. Token answers are left alone.
type tampering struct {
	next   http.RoundTripper
	seen   int
	answer int                      // which answer, from 1; 0 for none
	change func(any) any            // what becomes of it
	saw    func(n int, body []byte) // every answer as it came; may be nil
}

func (x *tampering) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := x.next.RoundTrip(q)
	if err != nil || r.StatusCode/100 != 2 || strings.HasSuffix(q.URL.Path, "/access_tokens") {
		return r, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	x.seen++
	if x.saw != nil {
		x.saw(x.seen, body)
	}
	if x.seen == x.answer {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			return nil, err
		}
		if body, err = json.Marshal(x.change(v)); err != nil {
			return nil, err
		}
	}
	return answerOf(q, http.StatusOK, string(body)), nil
}

// places lists every place of a JSON value, as the steps that lead there, with the
// values that say less than what is there. A key that is left out reads as null.
func places(v any, to []any, visit func(at []any, less ...any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(to, nil, map[string]any{})
		for k, e := range v {
			places(e, append(slices.Clone(to), k), visit)
		}
	case []any:
		visit(to, nil, []any{})
		for i, e := range v {
			visit(append(slices.Clone(to), i), missing{})
			places(e, append(slices.Clone(to), i), visit)
		}
	default:
		visit(to, nil)
	}
}

// missing stands for an element that is left out.
type missing struct{}

// replaced is v with another value at a place.
func replaced(v any, at []any, with any) any {
	if len(at) == 0 {
		return with
	}
	switch v := v.(type) {
	case map[string]any:
		out, key := maps.Clone(v), at[0].(string)
		out[key] = replaced(v[key], at[1:], with)
		return out
	case []any:
		i := at[0].(int)
		if len(at) == 1 && with == (missing{}) {
			return slices.Delete(slices.Clone(v), i, i+1)
		}
		out := slices.Clone(v)
		out[i] = replaced(v[i], at[1:], with)
		return out
	}
	return v
}

// TestNoHoleInAnAnswerTurnsGreen leaves out, nulls and mistypes every single place
// of every answer of GitHub, for pull requests that are blocked for different
// reasons. Whatever is missing then: an error, a gap or the same refusal, never a
// pass and never a panic.
func TestNoHoleInAnAnswerTurnsGreen(t *testing.T) {
	t.Parallel()
	either := `"@acme/leads", maintain`
	for name, tt := range map[string]struct {
		from  string
		block func(*story) *githubtest.Pull
	}{
		"a contributor's approval": {either, func(s *story) *githubtest.Pull {
			p := s.open()
			p.Push("lead1", githubtest.Files{"prompts/refund.md": "Be kind, brief.\n"})
			s.repo.Report("github-actions", p.Head(), "evals", "success")
			p.Review("lead1", "APPROVED")
			return p
		}},
		"refused by a member":     {`"@acme/leads"`, refused},
		"refused by a maintainer": {"maintain", refused},
		"approval before a retarget": {either, func(s *story) *githubtest.Pull {
			s.repo.Branch("release/1", "main")
			p := s.open()
			p.Review("lead1", "APPROVED")
			p.Retarget("dev1", "release/1")
			return p
		}},
		"approval of other content": {either, func(s *story) *githubtest.Pull {
			p := s.open()
			p.Review("lead1", "APPROVED")
			p.Push("dev1", githubtest.Files{"prompts/refund.md": "Be rude.\n"})
			s.repo.Report("github-actions", p.Head(), "evals", "success")
			return p
		}},
		"a check that failed": {either, func(s *story) *githubtest.Pull {
			p := s.open()
			p.Review("lead1", "APPROVED")
			s.repo.Report("github-actions", p.Head(), "evals", "failure")
			return p
		}},
		"approval by the organisation's rule missing": {"write", func(s *story) *githubtest.Pull {
			s.gh.Repo("acme/.github", githubtest.Files{PolicyPath: floorText})
			s.gh.User("dev2")
			s.repo.Role("dev2", "write")
			p := s.open()
			p.Review("dev2", "APPROVED")
			return p
		}},
		"refused by an owner": {`codeowners, "@acme/leads"`, func(s *story) *githubtest.Pull {
			s.repo.Push("dev1", "main", githubtest.Files{"CODEOWNERS": "prompts/ @lead2\n"})
			s.gh.LeaveTeam("acme/leads", "lead2")
			s.repo.Role("lead2", "write")
			return refused(s)
		}},
		"refused by a login": {`lead2, "@acme/leads"`, func(s *story) *githubtest.Pull {
			s.gh.LeaveTeam("acme/leads", "lead2")
			s.repo.Role("lead2", "write")
			return refused(s)
		}},
		"a co-author's approval": {either, func(s *story) *githubtest.Pull {
			s.gh.Email("lead1", "lead.one@acme.example")
			p := s.open()
			p.Push("dev1", githubtest.Files{"prompts/refund.md": "Be kind, brief.\n"}, githubtest.Commit{CoAuthors: []string{"Lead <lead.one@acme.example>"}})
			s.repo.Report("github-actions", p.Head(), "evals", "success")
			p.Review("lead1", "APPROVED")
			return p
		}},
		"the requester's approval": {either, func(s *story) *githubtest.Pull {
			p := s.ofAgent(githubtest.PR{Body: asked("lead1")})
			p.Review("lead1", "APPROVED")
			return p
		}},
		"the assignee's approval": {either, func(s *story) *githubtest.Pull {
			p := s.ofAgent(githubtest.PR{Body: "```yaml\n" + storyRequest + "```\n", Assignees: []string{"lead1"}})
			p.Review("lead1", "APPROVED")
			return p
		}},
		"a policy that is broken": {either, func(s *story) *githubtest.Pull {
			p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{PolicyPath: "version: 2\n", ".changes/p.yml": storyRequest}})
			p.Review("lead1", "APPROVED")
			return p
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, tt.from)
			holes(t, s, s.wake(tt.block(s)))
		})
	}
}

// TestWholeAnswersPass: without a reason to block, the same story is green, so that
// each of those above is blocked by its own reason alone.
func TestWholeAnswersPass(t *testing.T) {
	t.Parallel()
	for _, from := range []string{`"@acme/leads"`, "maintain"} {
		s := tell(t, from)
		p := s.open()
		p.Review("lead1", "APPROVED")
		g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
		if err != nil || len(g.Change.Gaps) > 0 || outcome(g).State != rules.Ready {
			t.Errorf("from %s: %v, %+v", from, err, g)
		}
	}
}

// ofAgent opens a pull request by a bot.
func (s *story) ofAgent(pr githubtest.PR) *githubtest.Pull {
	s.gh.Bot("agent[bot]")
	pr.Files = githubtest.Files{"prompts/refund.md": "Be kind and brief.\n"}
	pr.Commit = githubtest.Commit{Author: "dev1"}
	p := s.repo.Open("agent[bot]", pr)
	s.repo.Report("github-actions", p.Head(), "evals", "success")
	return p
}

func refused(s *story) *githubtest.Pull {
	p := s.open()
	p.Review("lead1", "APPROVED")
	p.Review("lead2", "CHANGES_REQUESTED")
	return p
}

func holes(t *testing.T, s *story, w Wake) {
	answers := map[int][]byte{}
	x := &tampering{next: &remembering{had: map[string][]byte{}}, saw: func(n int, body []byte) { answers[n] = body }}
	c := s.client(t, x)
	g, err := c.Gather(t.Context(), w, Known{})
	if err != nil || len(g.Change.Gaps) > 0 {
		t.Fatalf("read whole: %v, gaps %v", err, g.Change.Gaps)
	}
	if v := outcome(g); !v.State.Blocks() {
		t.Fatalf("the story is %s: %s", v.State, v.Title)
	}
	x.saw = nil
	tried := 0
	for n, body := range answers {
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Fatal(err)
		}
		places(v, nil, func(at []any, less ...any) {
			for _, with := range less {
				if honest(at, with) {
					continue
				}
				tried++
				x.seen, x.answer, x.change = 0, n, func(v any) any { return replaced(v, at, with) }
				if g, err := c.Gather(t.Context(), w, Known{}); err == nil && green(g) {
					t.Errorf("answer %d, %T at %v: green", n, with, at)
				}
			}
		})
	}
	if tried < 150 {
		t.Errorf("only %d holes tried", tried)
	}
}

// The places at which nothing is an answer of its own: no policy, no file of that
// name, a deleted account, an address of nobody; nobody of that name in the team, or
// with access.
var (
	nobody    = regexp.MustCompile(`^data repository (basePolicy|owners\d)$|^data floor object$|(reviews|authors) nodes \d+ (author|user)$`)
	notAmong  = regexp.MustCompile(`voter\d+ edges \d+$`)
	noneFound = regexp.MustCompile(`voter\d+ edges$`)
)

// honest reports whether GitHub may give such an answer and mean something else.
func honest(at []any, with any) bool {
	place := strings.Trim(fmt.Sprint(at), "[]")
	switch with := with.(type) {
	case nil:
		return nobody.MatchString(place)
	case missing:
		return notAmong.MatchString(place)
	case []any:
		return len(with) == 0 && noneFound.MatchString(place)
	}
	return false
}

// green reports whether a reading may lead to a check that passes, or to none: an
// enrolled repository's pull request has one.
func green(g *Gathered) bool {
	if len(g.Change.Gaps) > 0 || g.Policy.State == PolicyUnreadable {
		return false
	}
	return g.Policy.State == PolicyAbsent || !outcome(g).State.Blocks()
}
