package githubtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An autoMerge is what somebody left GitHub to do once everything has passed.
type autoMerge struct {
	by     *account
	at     time.Time
	method string
	checks []string
}

// AutoMerge leaves the merge to GitHub: by a method, merge, squash or rebase, as soon as
// the named checks of the App under test have passed on the head. On a branch with a
// queue it is added to that instead. What passes already GitHub merges right away, and
// refuses this.
func (p *Pull) AutoMerge(by, method string, checks ...string) {
	p.r.s.tell(func() {
		if p.r.passed(p.head, p.r.s.app, checks) == passing {
			panic(fmt.Sprintf("githubtest: pull request %d is in clean status", p.Number))
		}
		p.auto = &autoMerge{p.r.s.account(by), p.r.s.now(), method, checks}
		p.touch()
		p.emit("auto_merge_enabled", p.auto.by, nil)
	})
}

// NoAutoMerge takes that back.
func (p *Pull) NoAutoMerge(by string) {
	p.r.s.tell(func() { p.noAutoMerge(p.r.s.account(by), "Auto-merge was disabled") })
}

func (p *Pull) noAutoMerge(by *account, why string) {
	if p.auto != nil {
		p.auto = nil
		p.touch()
		p.emit("auto_merge_disabled", by, fields{"reason": why})
	}
}

// Merged reports whether the pull request was merged.
func (p *Pull) Merged() bool { return see(p.r.s, p.isMerged) }

// A verdict is what checks come to on a commit.
type verdict int

const (
	pending verdict = iota // also when a check is not there
	passing
	failing
)

// passed sums up the newest runs of these names, of one App or, without one, of any. A
// conclusion of success, neutral or skipped passes.
// https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-checks
func (r *Repo) passed(head string, by *app, names []string) verdict {
	all := passing
	for _, name := range names {
		switch run := r.newest(head, by, name); {
		case run == nil || run.Status != "completed":
			all = pending
		case !slices.Contains([]string{"success", "neutral", "skipped"}, run.Conclusion):
			return failing
		}
	}
	return all
}

// newest is the last run of a name; nil if there is none.
func (r *Repo) newest(head string, by *app, name string) *checkRun {
	for _, run := range r.runsOn(head) {
		if run.Name == name && (by == nil || run.app == by) {
			return run
		}
	}
	return nil
}

// finished tells of a run that was completed, and does what was waiting for it.
func (r *Repo) finished(run *checkRun) {
	r.s.emitCheckRun("completed", r, run.app.bot, run, nil)
	for _, p := range r.pulls {
		if p.auto != nil && p.state == "open" && p.head == run.Head && r.passed(p.head, r.s.app, p.auto.checks) == passing {
			p.autoMerge()
		}
	}
	for _, q := range r.queues {
		q.advance()
	}
}

// autoMerge merges or queues what has passed, unless it cannot be merged.
func (p *Pull) autoMerge() {
	how := p.auto
	q := p.r.queues[p.base]
	switch {
	case p.draft || !p.mergeable():
	case q != nil:
		p.auto = nil
		q.add(p, how.by)
	default:
		p.mergeBy(how.by, how.method, nil)
	}
}

// renderAutoMerge is null unless the merge is left to GitHub.
func (p *Pull) renderAutoMerge() any {
	if p.auto == nil {
		return nil
	}
	return fields{
		"enabled_by": p.r.s.renderAccount(p.auto.by), "merge_method": p.auto.method, "commit_title": p.title, "commit_message": "",
	}
}

func (s *Server) autoMergeNode(p *Pull) any {
	if p.auto == nil {
		return nil
	}
	return node{"AutoMergeRequest", fields{
		"enabledAt": stamp(p.auto.at), "mergeMethod": strings.ToUpper(p.auto.method), "enabledBy": func(args) any { return s.actor(p.auto.by) },
	}}
}
