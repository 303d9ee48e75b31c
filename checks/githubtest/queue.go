package githubtest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Queue says how a branch's merge queue works. The zero value needs no checks and
// merges every pull request on its own.
// https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
type Queue struct {
	// Checks are the names that have to pass on the head of every group, from the
	// App under test.
	Checks []string
	// Also are further names, from whatever App.
	Also []string
	// Method is merge, squash or rebase; empty means merge.
	Method string
	// Least is how many pull requests are merged at once at least; 0 means 1. GitHub
	// waits for more a while only, the story for ever.
	Least int
	// HeadGreen makes it enough that the last group of those merged passes, which is
	// what GitHub does when it is not told to merge non-failing pull requests only.
	HeadGreen bool
}

type queue struct {
	Queue
	r       *Repo
	branch  string
	entries []*queued
}

// A queued is a pull request in a queue with the group built for it: a branch of its
// own, on the group before it or the base branch.
type queued struct {
	pull       *Pull
	by         *account
	at         time.Time
	ref        string
	base, head string
}

// Queue gives a branch a merge queue, or other rules for the one it has.
func (r *Repo) Queue(branch string, how Queue) {
	r.s.tell(func() {
		how.Method, how.Least = cmp.Or(how.Method, "merge"), cmp.Or(how.Least, 1)
		if q := r.queues[branch]; q != nil {
			q.Queue = how
			return
		}
		r.queues[branch] = &queue{Queue: how, r: r, branch: branch}
	})
}

// Enqueue adds the pull request to the merge queue of its base branch. What GitHub
// asks of it before that is not looked at.
func (p *Pull) Enqueue(by string) { p.r.s.tell(func() { p.queue().add(p, p.r.s.account(by)) }) }

// Dequeue takes it out again.
func (p *Pull) Dequeue(by string) {
	p.r.s.tell(func() {
		if !p.dequeue(p.r.s.account(by), "MANUAL") {
			panic(fmt.Sprintf("githubtest: pull request %d is not queued", p.Number))
		}
	})
}

// Group is the commit the queue would merge for the pull request, and whether it is
// queued.
func (p *Pull) Group() (head string, ok bool) {
	p.r.s.mu.Lock()
	defer p.r.s.mu.Unlock()
	if e := p.entry(); e != nil {
		return e.head, true
	}
	return "", false
}

// queue is the one of the base branch.
func (p *Pull) queue() *queue {
	q := p.r.queues[p.base]
	if q == nil {
		panic(fmt.Sprintf("githubtest: branch %s has no merge queue", p.base))
	}
	return q
}

// entry is nil unless the pull request is queued.
func (p *Pull) entry() *queued {
	if q := p.r.queues[p.base]; q != nil {
		if i := q.find(p); i >= 0 {
			return q.entries[i]
		}
	}
	return nil
}

func (q *queue) find(p *Pull) int {
	return slices.IndexFunc(q.entries, func(e *queued) bool { return e.pull == p })
}

// bot is who moves branches for the queue.
func (q *queue) bot() *account { return q.r.s.add("github-merge-queue[bot]", "Bot") }

func (q *queue) add(p *Pull, by *account) {
	if p.state != "open" || !p.mergeable() || q.find(p) >= 0 {
		panic(fmt.Sprintf("githubtest: pull request %d is closed, in conflict or queued already", p.Number))
	}
	e := &queued{pull: p, by: by, at: q.r.s.now()}
	q.entries = append(q.entries, e)
	p.touch()
	p.emit("enqueued", by, nil)
	q.build(len(q.entries) - 1)
	q.advance()
}

// build makes the groups from an entry on. One that conflicts with what is before it
// falls out.
func (q *queue) build(from int) {
	for i := from; i < len(q.entries); i++ {
		e, on := q.entries[i], q.r.refs["refs/heads/"+q.branch]
		if i > 0 {
			on = q.entries[i-1].head
		}
		if _, err := q.r.git.merged(on, e.pull.head); err != nil {
			q.entries = slices.Delete(q.entries, i, i+1)
			e.pull.emit("dequeued", q.bot(), fields{"reason": "MERGE_CONFLICT"})
			i--
			continue
		}
		e.base, e.head = on, e.pull.merged(e.by, on, q.Method, nil)
		e.ref = fmt.Sprintf("refs/heads/gh-readonly-queue/%s/pr-%d-%s", q.branch, e.pull.Number, on)
		q.r.move(q.bot(), e.ref, "", e.head, false)
		q.emit("checks_requested", e, "")
	}
}

// raze takes the groups from an entry on away.
func (q *queue) raze(from int, reason string) {
	for _, e := range q.entries[from:] {
		q.destroy(e, reason)
		reason = "invalidated" // by what happened to an earlier one
	}
}

func (q *queue) destroy(e *queued, reason string) {
	q.emit("destroyed", e, reason)
	q.r.unref(q.bot(), e.ref)
}

// dequeue takes the pull request out of the queue, if it is in it, and builds the
// groups behind it again.
func (p *Pull) dequeue(by *account, reason string) bool {
	q := p.r.queues[p.base]
	if q == nil || q.find(p) < 0 {
		return false
	}
	i := q.find(p)
	q.raze(i, "dequeued")
	q.entries = slices.Delete(q.entries, i, i+1)
	p.touch()
	p.emit("dequeued", by, fields{"reason": reason})
	q.build(i)
	return true
}

// moved builds everything again when the base branch was pushed to.
func (q *queue) moved() {
	if len(q.entries) > 0 && q.entries[0].base != q.r.refs["refs/heads/"+q.branch] {
		q.raze(0, "invalidated")
		q.build(0)
	}
}

// advance merges what passes and drops what does not.
func (q *queue) advance() {
	for q.drop() || q.land() {
	}
}

// drop takes out the first pull request that fails, unless the group of a later one
// may pass for it.
func (q *queue) drop() bool {
	for i, e := range q.entries {
		if q.verdict(e) == failing && (!q.HeadGreen || i == len(q.entries)-1) {
			return e.pull.dequeue(q.bot(), "CI_FAILURE")
		}
	}
	return false
}

// land merges the first entries that pass, if there are enough: all of them, or the
// last of them, have to.
func (q *queue) land() bool {
	n := 0
	for i, e := range q.entries {
		if q.verdict(e) == passing {
			n = i + 1
		} else if !q.HeadGreen {
			break
		}
	}
	if n < q.Least {
		return false
	}
	landed := q.entries[:n]
	q.entries = slices.Clone(q.entries[n:])
	ref := "refs/heads/" + q.branch
	q.r.moveBy(q.bot(), ref, q.r.refs[ref], landed[n-1].head, "pr_merge")
	for _, e := range landed {
		e.pull.emit("dequeued", q.bot(), fields{"reason": "MERGE"})
		e.pull.land(q.bot(), e.base, e.head)
		q.destroy(e, "merged")
	}
	return true
}

// verdict is what the checks of a group come to.
func (q *queue) verdict(e *queued) verdict {
	ours, others := q.r.passed(e.head, q.r.s.app, q.Checks), q.r.passed(e.head, nil, q.Also)
	switch {
	case ours == failing || others == failing:
		return failing
	case ours == passing && others == passing:
		return passing
	}
	return pending
}

func (q *queue) emit(action string, e *queued, reason string) {
	c := q.r.git.commits[e.head]
	short := pushedCommit(q.r.s.base, q.r, c)
	head := fields{}
	for _, key := range []string{"id", "tree_id", "message", "timestamp", "author", "committer"} {
		head[key] = short[key]
	}
	body := fields{"action": action, "merge_group": fields{
		"head_sha": e.head, "head_ref": e.ref, "base_sha": e.base, "base_ref": "refs/heads/" + q.branch, "head_commit": head,
	}}
	if reason != "" {
		body["reason"] = reason
	}
	q.r.s.emit("merge_group", nil, q.r, q.bot(), body)
}

func (s *Server) queueNode(r *Repo, branch string) any {
	q := r.queues[cmp.Or(branch, r.main)]
	if q == nil {
		return nil
	}
	strategy := "ALLGREEN"
	if q.HeadGreen {
		strategy = "HEADGREEN"
	}
	return node{"MergeQueue", fields{
		"id": nodeID("MergeQueue", q.branch), "url": s.html(r, "queue", q.branch),
		"configuration": node{"MergeQueueConfiguration", fields{"mergingStrategy": strategy}},
		"entries": func(a args) any {
			return connection(s, "MergeQueueEntryConnection", a, q.entries, q.entryNode, nil)
		},
	}}
}

func (q *queue) entryNode(e *queued) node {
	s := q.r.s
	state := map[verdict]string{passing: "MERGEABLE", failing: "UNMERGEABLE", pending: "AWAITING_CHECKS"}[q.verdict(e)]
	return node{"MergeQueueEntry", fields{
		"id": nodeID("MergeQueueEntry", e.pull.id), "position": q.find(e.pull) + 1, "state": state, "jump": false, "solo": false,
		"enqueuedAt": stamp(e.at), "enqueuer": func(args) any { return s.actor(e.by) },
		"pullRequest": func(args) any { return s.pullNode(e.pull) },
		"baseCommit":  func(args) any { return s.commitOrNull(q.r, e.base) },
		"headCommit":  func(args) any { return s.commitOrNull(q.r, e.head) },
	}}
}
