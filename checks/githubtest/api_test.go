package githubtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// TestPagesOfOne reads lists through pages of one element each.
func TestPagesOfOne(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{PageSize: 1})
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1", "b": "2", "c": "3"}})
	c, ctx := client(t, s, install), context.Background()
	var names []string
	opts := &github.ListOptions{PerPage: 100}
	for pages := 1; ; pages++ {
		files, res, err := c.PullRequests.ListFiles(ctx, "acme", "agents", p.Number, opts)
		if err != nil || len(files) != 1 || pages > 3 {
			t.Fatalf("page %d has %d files, %v", pages, len(files), err)
		}
		names = append(names, files[0].GetFilename())
		if opts.Page = res.NextPage; opts.Page == 0 {
			break
		}
	}
	if !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("files %q", names)
	}
}

// TestListsThatStop shows where GitHub stops listing without a word.
func TestListsThatStop(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	files := githubtest.Files{}
	for i := range 3001 {
		files[fmt.Sprintf("f/%04d", i)] = "x"
	}
	p := r.Open("dev1", githubtest.PR{Files: files})
	c, ctx := client(t, s, install), context.Background()
	compare, _, err := c.Repositories.CompareCommits(ctx, "acme", "agents", "main", p.Head(), nil)
	if err != nil || len(compare.Files) != 300 {
		t.Errorf("compare gives %d files, %v", len(compare.Files), err)
	}
	second, _, err := c.Repositories.CompareCommits(ctx, "acme", "agents", "main", p.Head(), &github.ListOptions{Page: 2})
	if err != nil || len(second.Files) != 0 {
		t.Errorf("the second page of compare gives %d files, %v", len(second.Files), err)
	}
	last, res, err := c.PullRequests.ListFiles(ctx, "acme", "agents", p.Number, &github.ListOptions{Page: 30, PerPage: 100})
	if err != nil || len(last) != 100 || res.NextPage != 0 {
		t.Errorf("page 30 has %d files, next %d, %v", len(last), res.NextPage, err)
	}
	pull, _, err := c.PullRequests.Get(ctx, "acme", "agents", p.Number)
	if err != nil || pull.GetChangedFiles() != 3001 {
		t.Errorf("changed files %d, %v", pull.GetChangedFiles(), err)
	}
}

// TestBaseLagsBehind shows that a pull request's base commit does not follow the
// base branch, until the head is pushed to.
func TestBaseLagsBehind(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	opened := r.Head("main")
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	moved := r.Push("dev2", "main", githubtest.Files{"b": "1"})
	c := client(t, s, install)
	base := func() string {
		pull, _, err := c.PullRequests.Get(context.Background(), "acme", "agents", p.Number)
		if err != nil {
			t.Fatal(err)
		}
		return pull.GetBase().GetSHA()
	}
	if base() != opened {
		t.Errorf("base %s, want %s as it was opened on", base(), opened)
	}
	p.Push("dev1", githubtest.Files{"a": "2"})
	if base() != moved {
		t.Errorf("base %s, want %s after the push", base(), moved)
	}
}

func TestMergeMethods(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]struct {
		parents   int
		committer string
	}{"merge": {2, "GitHub"}, "squash": {1, "GitHub"}, "rebase": {1, "boss"}} {
		s := start(t, githubtest.Options{})
		r, install := acme(s)
		p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
		r.Push("dev2", "main", githubtest.Files{"b": "1"})
		merged := p.Merge("boss", method)
		c, _, err := client(t, s, install).Repositories.GetCommit(context.Background(), "acme", "agents", merged, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Parents) != want.parents || c.GetCommit().GetCommitter().GetName() != want.committer {
			t.Errorf("%s: %d parents, committed by %s", method, len(c.Parents), c.GetCommit().GetCommitter().GetName())
		}
		if r.Head("main") != merged {
			t.Errorf("%s: main is at %s", method, r.Head("main"))
		}
		for _, path := range []string{"a", "b"} {
			if _, ok := r.Read("main", path); !ok {
				t.Errorf("%s: %s is missing", method, path)
			}
		}
	}
}

// TestCheckRunLimits tries each limit of GitHub at its edge and one above.
func TestCheckRunLimits(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c, head := client(t, s, install), r.Head("main")
	annotations := func(n int) []*github.CheckRunAnnotation {
		a := &github.CheckRunAnnotation{Path: github.String("a"), StartLine: github.Int(1), EndLine: github.Int(1),
			AnnotationLevel: github.String("notice"), Message: github.String("m")}
		return slices.Repeat([]*github.CheckRunAnnotation{a}, n)
	}
	output := func(summary, n int) *github.CheckRunOutput {
		return &github.CheckRunOutput{Title: github.String("t"), Summary: github.String(strings.Repeat("é", summary)), Annotations: annotations(n)}
	}
	actions := func(n, label int) []*github.CheckRunAction {
		return slices.Repeat([]*github.CheckRunAction{{Label: strings.Repeat("l", label), Description: "d", Identifier: "i"}}, n)
	}
	done, ok := github.String("completed"), github.String("success")
	tests := map[string]struct {
		run  github.CreateCheckRunOptions
		want int
	}{
		"summary at the limit":     {github.CreateCheckRunOptions{Output: output(65_535, 0)}, 201},
		"summary too long":         {github.CreateCheckRunOptions{Output: output(65_536, 0)}, 422},
		"annotations at the limit": {github.CreateCheckRunOptions{Output: output(1, 50)}, 201},
		"too many annotations":     {github.CreateCheckRunOptions{Output: output(1, 51)}, 422},
		"actions at the limit":     {github.CreateCheckRunOptions{Actions: actions(3, 20)}, 201},
		"too many actions":         {github.CreateCheckRunOptions{Actions: actions(4, 1)}, 422},
		"label too long":           {github.CreateCheckRunOptions{Actions: actions(1, 21)}, 422},
		"no conclusion":            {github.CreateCheckRunOptions{Status: done}, 422},
		"conclusion made up":       {github.CreateCheckRunOptions{Status: done, Conclusion: github.String("fine")}, 422},
		"concluded":                {github.CreateCheckRunOptions{Status: done, Conclusion: ok}, 201},
		"no such commit":           {github.CreateCheckRunOptions{HeadSHA: strings.Repeat("0", 40)}, 422},
	}
	for name, tt := range tests {
		tt.run.Name = name
		if tt.run.HeadSHA == "" {
			tt.run.HeadSHA = head
		}
		if _, res, _ := c.Checks.CreateCheckRun(context.Background(), "acme", "agents", tt.run); res.StatusCode != tt.want {
			t.Errorf("%s: status %d, want %d", name, res.StatusCode, tt.want)
		}
	}
}

// TestCompletedStaysCompleted: a completed run cannot be opened again, and of
// runs with one name the newest is listed.
func TestCompletedStaysCompleted(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	c, ctx := client(t, s, install), context.Background()
	create := func(status string, conclusion *string) *github.CheckRun {
		run, _, err := c.Checks.CreateCheckRun(ctx, "acme", "agents", github.CreateCheckRunOptions{
			Name: "gate", HeadSHA: p.Head(), Status: &status, Conclusion: conclusion,
		})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	first := create("completed", github.String("success"))
	again, _, err := c.Checks.UpdateCheckRun(ctx, "acme", "agents", first.GetID(), github.UpdateCheckRunOptions{
		Name: "gate", Status: github.String("in_progress"), ExternalID: github.String("7"),
	})
	if err != nil || again.GetStatus() != "completed" || again.GetConclusion() != "success" || again.GetExternalID() != "7" {
		t.Errorf("after the update %s/%s, external id %s, %v", again.GetStatus(), again.GetConclusion(), again.GetExternalID(), err)
	}
	second := create("in_progress", nil)
	list, _, err := c.Checks.ListCheckRunsForRef(ctx, "acme", "agents", p.Head(), nil)
	if err != nil || list.GetTotal() != 1 || list.CheckRuns[0].GetID() != second.GetID() {
		t.Errorf("the newest of a name is %v, want %d, %v", list.CheckRuns, second.GetID(), err)
	}
	if run, ok := p.Check("gate"); !ok || run.ID != second.GetID() || len(p.Checks()) != 2 {
		t.Errorf("the story sees %v of %d", run, len(p.Checks()))
	}
	foreign := r.Report("ci", p.Head(), "test", "failure")
	_, res, _ := c.Checks.UpdateCheckRun(ctx, "acme", "agents", foreign, github.UpdateCheckRunOptions{Name: "test"})
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("another App's run: status %d", res.StatusCode)
	}
}

// TestWhoMaySee: wrong signatures, old tokens and repositories out of reach.
func TestWhoMaySee(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	_, install := acme(s)
	s.Org("rival")
	s.Repo("rival/agents", githubtest.Files{"a": "1"})
	ctx, c := context.Background(), client(t, s, install)
	status := func(res *github.Response, _ error) int {
		if res == nil {
			return 0
		}
		return res.StatusCode
	}
	_, res, err := c.Repositories.Get(ctx, "rival", "agents")
	if got := status(res, err); got != 404 {
		t.Errorf("another organisation's repository: %d", got)
	}
	_, res, err = newClient(t, s, http.DefaultTransport).Repositories.Get(ctx, "acme", "agents")
	if got := status(res, err); got != 401 {
		t.Errorf("no token: %d", got)
	}
	_, res, err = newClient(t, s, http.DefaultTransport).WithAuthToken("a.b.c").Apps.Get(ctx, "")
	if got := status(res, err); got != 401 {
		t.Errorf("a made-up JSON web token: %d", got)
	}
	app, _, err := appClient(t, s).Apps.Get(ctx, "")
	if id, _, _ := s.App(); err != nil || app.GetID() != id {
		t.Errorf("app %d, %v", app.GetID(), err)
	}
	if _, _, err := c.Repositories.Get(ctx, "acme", "agents"); err != nil {
		t.Fatal(err)
	}
	s.RevokeTokens()
	_, res, err = c.Repositories.Get(ctx, "acme", "agents")
	if got := status(res, err); got != 401 {
		t.Errorf("a revoked token: %d", got)
	}
}

// TestRedelivery walks the failed deliveries as a sweep does.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{PageSize: 1})
	listen(t, s)
	r, _ := acme(s)
	s.Hook("http://127.0.0.1:1/nobody")
	r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	c, ctx := appClient(t, s), context.Background()
	var failed []int64
	opts := &github.ListCursorOptions{}
	for {
		list, res, err := c.Apps.ListHookDeliveries(ctx, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if d.GetStatusCode() == 0 {
				failed = append(failed, d.GetID())
			}
		}
		if opts.Cursor = res.Cursor; opts.Cursor == "" {
			break
		}
	}
	if len(failed) != 2 {
		t.Fatalf("%d failed deliveries, want the push and the opening", len(failed))
	}
	h := listen(t, s)
	d, _, err := c.Apps.GetHookDelivery(ctx, failed[0])
	if err != nil || d.GetEvent() != "pull_request" || d.GetAction() != "opened" {
		t.Errorf("delivery %s %s, %v", d.GetEvent(), d.GetAction(), err)
	}
	var accepted *github.AcceptedError
	if _, _, err := c.Apps.RedeliverHookDelivery(ctx, failed[0]); !errors.As(err, &accepted) {
		t.Errorf("redeliver: %v", err)
	}
	s.Settle()
	if diff := cmp.Diff([]string{"pull_request opened"}, h.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	all := s.Deliveries()
	again := all[len(all)-1]
	if !again.Redelivery || again.GUID != all[len(all)-2].GUID || again.Status != http.StatusAccepted {
		t.Errorf("redelivery %t of %s, answered %d", again.Redelivery, again.GUID, again.Status)
	}
}

// TestFaults breaks a request in every way, once each.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	r, install := acme(s)
	c, ctx, head := client(t, s, install), context.Background(), r.Head("main")
	report := func(ctx context.Context) (*github.Response, error) {
		_, res, err := c.Checks.CreateCheckRun(ctx, "acme", "agents", github.CreateCheckRunOptions{Name: "gate", HeadSHA: head})
		return res, err
	}
	tests := []struct {
		kind   string
		status int // 0: the answer cannot be used
		done   int // check runs made
	}{{"404", 404, 0}, {"502", 502, 0}, {"late500", 500, 1}, {"truncate", 0, 1}, {"close", 0, 0}, {"slow", 0, 0}}
	for _, tt := range tests {
		s.Fault(githubtest.Fault{Method: "POST", Path: "/check-runs$", Kind: tt.kind, Count: 1, Delay: time.Hour})
		before := len(r.Checks(head))
		limited, cancel := ctx, func() {}
		if tt.kind == "slow" {
			limited, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		}
		res, err := report(limited)
		cancel()
		switch {
		case err == nil:
			t.Errorf("%s: no error", tt.kind)
		case tt.status != 0 && res.StatusCode != tt.status:
			t.Errorf("%s: status %d, want %d", tt.kind, res.StatusCode, tt.status)
		case tt.status == 0 && !cut(err):
			t.Errorf("%s: %v", tt.kind, err)
		}
		if tt.kind != "slow" { // whose work is done once its client is gone
			if made := len(r.Checks(head)) - before; made != tt.done {
				t.Errorf("%s: %d check runs made, want %d", tt.kind, made, tt.done)
			}
		}
		if _, err := report(ctx); err != nil {
			t.Errorf("after %s: %v", tt.kind, err)
		}
	}
}

// cut reports whether the connection, not GitHub, gave the error.
func cut(err error) bool {
	var broken *url.Error
	return errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}
