package githubtest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v62/github"

	"changegate/checks/githubtest"
)

// queueing is a repository with a merge queue and pull requests that each add a file.
func queueing(t *testing.T, how githubtest.Queue, files ...string) (s *githubtest.Server, r *githubtest.Repo, pulls []*githubtest.Pull, gate func(commit, conclusion string)) {
	t.Helper()
	s = start(t, githubtest.Options{})
	listen(t, s)
	r, install := acme(s)
	how.Checks = []string{"gate"}
	r.Queue("main", how)
	for _, name := range files {
		path, content, _ := strings.Cut(name, "=")
		pulls = append(pulls, r.Open("dev1", githubtest.PR{Files: githubtest.Files{path: content}}))
	}
	c := client(t, s, install)
	return s, r, pulls, func(commit, conclusion string) {
		t.Helper()
		opts := github.CreateCheckRunOptions{Name: "gate", HeadSHA: commit, Conclusion: &conclusion}
		if _, _, err := c.Checks.CreateCheckRun(context.Background(), "acme", "agents", opts); err != nil {
			t.Fatal(err)
		}
		s.Settle()
	}
}

// heard are the events about merging since a count of deliveries, in short.
func heard(s *githubtest.Server, from int) (all []string) {
	for _, d := range s.Deliveries()[from:] {
		what := d.Event + " " + d.Action
		for _, tell := range []string{"merge_group", "dequeued", "enqueued", "closed", "auto_merge", "push"} {
			if strings.Contains(what, tell) {
				all = append(all, strings.TrimSpace(strings.TrimPrefix(what, "pull_request ")))
			}
		}
	}
	return all
}

func head(t *testing.T, p *githubtest.Pull) string {
	t.Helper()
	id, ok := p.Group()
	if !ok {
		t.Fatalf("pull request %d is not queued", p.Number)
	}
	return id
}

// TestQueueStacksGroups: each group is built on the one before it, and GitHub's
// payload says so.
func TestQueueStacksGroups(t *testing.T) {
	t.Parallel()
	s, r, pulls, gate := queueing(t, githubtest.Queue{}, "a=1", "b=1")
	begun, main := len(s.Deliveries()), r.Head("main")
	pulls[0].Enqueue("boss")
	pulls[1].Enqueue("dev1")
	first, second := head(t, pulls[0]), head(t, pulls[1])
	type told struct {
		MergeGroup struct {
			HeadSHA    string                   `json:"head_sha"`
			HeadRef    string                   `json:"head_ref"`
			BaseSHA    string                   `json:"base_sha"`
			BaseRef    string                   `json:"base_ref"`
			HeadCommit struct{ Message string } `json:"head_commit"`
		} `json:"merge_group"`
		Sender github.User
	}
	groups := payloads[told](t, s, "merge_group checks_requested")
	if len(groups) != 2 {
		t.Fatalf("%d groups", len(groups))
	}
	for i, want := range []struct{ head, base string }{{first, main}, {second, first}} {
		g := groups[i].MergeGroup
		ref := fmt.Sprintf("refs/heads/gh-readonly-queue/main/pr-%d-%s", i+1, want.base)
		if g.HeadSHA != want.head || g.BaseSHA != want.base || g.HeadRef != ref || g.BaseRef != "refs/heads/main" || r.Head(ref) != want.head ||
			!strings.HasPrefix(g.HeadCommit.Message, "Merge pull request") || groups[i].Sender.GetLogin() != "github-merge-queue[bot]" {
			t.Errorf("group %d: %+v", i, groups[i])
		}
	}
	for _, path := range []string{"a", "b"} {
		if _, ok := r.Read(second, path); !ok {
			t.Errorf("the second group lacks %s", path)
		}
	}
	gate(second, "success") // passes before the first: nothing is merged out of turn
	if pulls[1].Merged() || r.Head("main") != main {
		t.Error("merged out of turn")
	}
	gate(first, "neutral")
	if !pulls[0].Merged() || !pulls[1].Merged() || r.Head("main") != second {
		t.Error("not merged when both passed")
	}
	want := []string{
		"enqueued", "push", "merge_group checks_requested", "enqueued", "push", "merge_group checks_requested",
		"push", "dequeued", "closed", "merge_group destroyed", "push", "dequeued", "closed", "merge_group destroyed", "push",
	}
	if diff := cmp.Diff(want, heard(s, begun)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestQueueDropsWhatFails: what was built on it is built again without it, and
// everything says why.
func TestQueueDropsWhatFails(t *testing.T) {
	t.Parallel()
	type told struct {
		Number int
		Reason string
	}
	for name, tt := range map[string]struct {
		do        func(r *githubtest.Repo, pulls []*githubtest.Pull, gate func(commit, conclusion string))
		reason    string
		destroyed []string
	}{
		"fails":   {func(_ *githubtest.Repo, p []*githubtest.Pull, gate func(_, _ string)) { gate(groupOf(p[0]), "failure") }, "CI_FAILURE", []string{"dequeued", "invalidated"}},
		"by hand": {func(_ *githubtest.Repo, p []*githubtest.Pull, _ func(_, _ string)) { p[0].Dequeue("dev1") }, "MANUAL", []string{"dequeued", "invalidated"}},
		"closed":  {func(_ *githubtest.Repo, p []*githubtest.Pull, _ func(_, _ string)) { p[0].Close("dev1") }, "MANUAL", []string{"dequeued", "invalidated"}},
		"pushed to": {func(_ *githubtest.Repo, p []*githubtest.Pull, _ func(_, _ string)) {
			p[0].Push("dev1", githubtest.Files{"x": "1"})
		}, "UNKNOWN_REMOVAL_REASON", []string{"dequeued", "invalidated"}},
		"conflicts": {func(r *githubtest.Repo, _ []*githubtest.Pull, _ func(_, _ string)) {
			r.Push("boss", "main", githubtest.Files{"a": "2"})
		}, "MERGE_CONFLICT", []string{"invalidated", "invalidated"}},
	} {
		s, r, pulls, gate := queueing(t, githubtest.Queue{Method: "squash"}, "a=1", "b=1")
		pulls[0].Enqueue("dev1")
		pulls[1].Enqueue("dev1")
		was := head(t, pulls[1])
		tt.do(r, pulls, gate)
		if _, ok := pulls[0].Group(); ok {
			t.Errorf("%s: still queued", name)
		}
		now := head(t, pulls[1])
		if _, has := r.Read(now, "a"); now == was || has && name != "conflicts" {
			t.Errorf("%s: the group behind was not built again", name)
		}
		if out := payloads[told](t, s, "pull_request dequeued"); len(out) != 1 || out[0].Number != 1 || out[0].Reason != tt.reason {
			t.Errorf("%s: dequeued %+v", name, out)
		}
		var reasons []string
		for _, d := range payloads[told](t, s, "merge_group destroyed") {
			reasons = append(reasons, d.Reason)
		}
		if !slices.Equal(reasons, tt.destroyed) {
			t.Errorf("%s: destroyed %q", name, reasons)
		}
		gate(now, "success")
		if !pulls[1].Merged() || pulls[0].Merged() {
			t.Errorf("%s: merged %v and %v", name, pulls[0].Merged(), pulls[1].Merged())
		}
	}
}

// TestQueueIsLeftByMerging: by hand, past the queue.
func TestQueueIsLeftByMerging(t *testing.T) {
	t.Parallel()
	s, r, pulls, gate := queueing(t, githubtest.Queue{}, "a=1", "b=1")
	pulls[0].Enqueue("dev1")
	pulls[1].Enqueue("dev1")
	merged := pulls[0].Merge("boss", "merge")
	if _, ok := pulls[0].Group(); ok || r.Head("main") != merged {
		t.Error("still queued")
	}
	type told struct{ Reason string }
	if out := payloads[told](t, s, "pull_request dequeued"); len(out) != 1 || out[0].Reason != "ALREADY_MERGED" {
		t.Errorf("dequeued %+v", out)
	}
	gate(head(t, pulls[1]), "success")
	if _, both := r.Read("main", "a"); !pulls[1].Merged() || !both {
		t.Error("the one behind is not merged on top")
	}
}

func groupOf(p *githubtest.Pull) string {
	id, _ := p.Group()
	return id
}

// TestQueueRules: how many have to be there, and which of them have to pass.
func TestQueueRules(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		how    githubtest.Queue
		report []string // on the group of each pull request, in order
		merged int
	}{
		"one of two, two are wanted":        {githubtest.Queue{Least: 2}, []string{"success", ""}, 0},
		"two of two, two are wanted":        {githubtest.Queue{Least: 2}, []string{"success", "success"}, 2},
		"only the last passes":              {githubtest.Queue{}, []string{"", "success"}, 0},
		"only the last has to":              {githubtest.Queue{HeadGreen: true}, []string{"", "success"}, 2},
		"the first fails, the last may not": {githubtest.Queue{HeadGreen: true}, []string{"failure", "success"}, 2},
		"skipped passes":                    {githubtest.Queue{}, []string{"skipped", ""}, 1},
		"cancelled fails":                   {githubtest.Queue{}, []string{"cancelled", ""}, 0},
	} {
		_, _, pulls, gate := queueing(t, tt.how, "a=1", "b=1")
		for _, p := range pulls {
			p.Enqueue("dev1")
		}
		heads := []string{groupOf(pulls[0]), groupOf(pulls[1])}
		for i, conclusion := range tt.report {
			if conclusion != "" {
				gate(heads[i], conclusion)
			}
		}
		n := 0
		for _, p := range pulls {
			if p.Merged() {
				n++
			}
		}
		if n != tt.merged {
			t.Errorf("%s: %d merged, want %d", name, n, tt.merged)
		}
	}
}

// TestQueueTurns: while another App's check is awaited, ours may turn red.
func TestQueueTurns(t *testing.T) {
	t.Parallel()
	for _, last := range []string{"success", "failure"} {
		_, r, pulls, gate := queueing(t, githubtest.Queue{Also: []string{"test"}}, "a=1")
		pulls[0].Enqueue("dev1")
		group := head(t, pulls[0])
		gate(group, "success")
		if pulls[0].Merged() {
			t.Fatal("merged though another check is awaited")
		}
		gate(group, last)
		r.Report("ci", group, "test", "success")
		if _, queued := pulls[0].Group(); queued || pulls[0].Merged() != (last == "success") {
			t.Errorf("in the end %s: merged %v", last, pulls[0].Merged())
		}
	}
}

// TestAutoMerge: what was left to GitHub is merged by who left it, when it passes and
// not before; or queued.
func TestAutoMerge(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Options{})
	listen(t, s)
	r, install := acme(s)
	p := r.Open("dev1", githubtest.PR{Files: githubtest.Files{"a": "1"}})
	p.AutoMerge("boss", "squash", "gate")
	c, ctx := client(t, s, install), context.Background()
	got, _, err := c.PullRequests.Get(ctx, "acme", "agents", 1)
	if err != nil || got.GetAutoMerge().GetMergeMethod() != "squash" || got.GetAutoMerge().GetEnabledBy().GetLogin() != "boss" {
		t.Errorf("auto-merge %v, %v", got.GetAutoMerge(), err)
	}
	report := func(conclusion string) {
		opts := github.CreateCheckRunOptions{Name: "gate", HeadSHA: p.Head(), Conclusion: &conclusion}
		if _, _, err := c.Checks.CreateCheckRun(ctx, "acme", "agents", opts); err != nil {
			t.Fatal(err)
		}
		s.Settle()
	}
	r.Report("ci", p.Head(), "gate", "success") // of another App
	report("failure")
	if p.Merged() {
		t.Fatal("merged before it passed")
	}
	begun := len(s.Deliveries())
	report("success")
	if got, _, err = c.PullRequests.Get(ctx, "acme", "agents", 1); err != nil || !got.GetMerged() || got.GetMergedBy().GetLogin() != "boss" {
		t.Errorf("merged %v by %v, %v", got.GetMerged(), got.GetMergedBy(), err)
	}
	if diff := cmp.Diff([]string{"push", "closed"}, heard(s, begun)); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	p = r.Open("dev1", githubtest.PR{Files: githubtest.Files{"b": "1"}})
	p.AutoMerge("boss", "squash", "gate")
	p.NoAutoMerge("dev1")
	report("success")
	if p.Merged() {
		t.Error("merged though it was taken back")
	}
	r.Queue("main", githubtest.Queue{Checks: []string{"gate"}})
	p = r.Open("dev1", githubtest.PR{Files: githubtest.Files{"c": "1"}})
	p.AutoMerge("boss", "squash", "gate")
	report("success")
	if _, ok := p.Group(); !ok || p.Merged() {
		t.Error("not queued where there is a queue")
	}
}
