package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// A reading is one judgement on its way: what was read, what it came to, and
// what the store knew before.
type reading struct {
	*checks.Gathered
	job     *store.Job
	pull    *store.Pull
	memory  store.Memory
	floor   *rules.PolicyText // the organisation's policy as last read; nil when there is none
	policy  *rules.Policy     // with the organisation's added; nil when it does not load
	free    bool              // nothing governs the base branch
	now     time.Time         // of this judgement: one instant throughout
	verdict rules.Verdict

	orders     []order                 // new comments that give commands
	presses    []store.Press           // buttons pressed
	speakers   map[int64]rules.Speaker // asked about in this reading
	exceptions []store.Exception
	next       time.Time // when something else than the verdict is due; zero if nothing is
}

// judge is the life of one job: gather, decide, record, publish, finish.
func (b *Bot) judge(ctx context.Context, j *store.Job) error {
	r, err := b.gather(ctx, j)
	switch {
	case errors.Is(err, checks.ErrGone) && b.goneFor(j) > forgotten:
		return b.forget(ctx, j)
	case err != nil:
		return err
	}
	if err := b.retract(ctx, r); err != nil {
		return err
	}
	// A command can be about what the merge became, so that is recorded first. One that
	// cannot be recorded keeps nobody's command waiting for ever.
	unrecorded := b.merged(ctx, r)
	if unrecorded != nil && r.job.Attempts < mostAsked {
		return unrecorded
	}
	switch old, err := b.attend(ctx, r); {
	case err != nil || unrecorded != nil:
		return errors.Join(unrecorded, err)
	case old:
		return b.finish(ctx, r, b.Now())
	case r.Merge != nil:
		return b.afterMerge(ctx, r)
	case r.Change.State != "open" || !r.concerns():
		return b.Store.Write(ctx, func(tx *store.Tx) error {
			return errors.Join(tx.Judged(ctx, j, b.Now()), b.end(ctx, tx, j, r.soonest(time.Time{})))
		})
	}
	r.verdict = rules.Evaluate(r.Policy.Data, &r.Change, r.now)
	if err := b.confirm(ctx, r); err != nil {
		return err
	}
	if err := b.record(ctx, r); err != nil {
		return err
	}
	return b.publish(ctx, r)
}

// concerns reports whether the pull request gets a check at all: its
// repository is enrolled, and its base branch is governed. A policy that does not
// load says nothing about branches, so it concerns every one it stands on.
func (r *reading) concerns() bool {
	if r.Policy.State == checks.PolicyAbsent {
		return false
	}
	return r.policy == nil || r.policy.Watches(r.Change.Base.Branch, r.Change.DefaultBranch)
}

// goneFor is how long GitHub has answered that the pull request is not there. A
// 404 may be a fault of an hour: only one that lasts means that it was deleted, or
// the App removed.
func (b *Bot) goneFor(j *store.Job) time.Duration {
	if j.FirstFailed.IsZero() {
		return 0
	}
	return b.Now().Sub(j.FirstFailed)
}

// gather reads the pull request with what is remembered of it, and keeps what the
// reading adds to that before anything is decided on it.
func (b *Bot) gather(ctx context.Context, j *store.Job) (*reading, error) {
	memory, floor, err := b.recall(ctx, j.Place, j.Number)
	if err != nil {
		return nil, err
	}
	w, began := checks.Wake{Place: j.Place, Number: j.Number, Base: j.Base}, b.Now().UTC()
	g, err := b.GitHub.Gather(ctx, w, memory.Known)
	if err != nil {
		return nil, fmt.Errorf("gather %s#%d: %w", j.Place.Repo, j.Number, err)
	}
	memory.Requires = nil
	r := &reading{Gathered: g, job: j, memory: memory, now: b.Now().UTC().Truncate(time.Millisecond)}
	r.memory.Known = g.Known
	if g.Policy.State == checks.PolicyUnreadable {
		g.Change.Gaps = append(g.Change.Gaps, rules.Gap{What: rules.GapPolicy, Says: g.Policy.Why})
	}
	r.policy, _ = rules.Load(g.Policy.Data, g.Change.Floor)
	r.free = !r.concerns() // of a merged one the policy from before may stand in for it later
	if r.policy != nil {
		r.memory.Requires = required(r.policy)
	}
	b.seePolicy(ctx, g.Place, r.policy)
	if err := b.undoes(ctx, r); err != nil {
		return nil, err
	}
	err = b.Store.Write(ctx, func(tx *store.Tx) error { return b.keep(ctx, tx, r, floor, began) })
	if err != nil {
		return nil, fmt.Errorf("remember %s#%d: %w", j.Place.Repo, j.Number, err)
	}
	return r, nil
}

// required names the checks that a policy asks for.
func required(p *rules.Policy) (names []string) {
	for _, g := range p.Groups {
		for _, k := range g.Checks {
			names = append(names, k.Name)
		}
	}
	return names
}

// keep stores what a reading learned.
func (b *Bot) keep(ctx context.Context, tx *store.Tx, r *reading, floor checks.Policy, began time.Time) (err error) {
	if r.pull, err = tx.Pull(ctx, r.Place.RepoID, r.job.Number); err != nil {
		return err
	}
	if r.pull == nil {
		r.pull = &store.Pull{Number: r.job.Number, Record: -1, MergeRecord: -1}
	}
	if err := b.hold(ctx, tx, r.job); err != nil {
		return err
	}
	was := *r.pull
	if err := r.arrive(ctx, tx, was.Head, began); err != nil {
		return err
	}
	if r.remember() {
		if err := b.part(ctx, tx, &was); err != nil {
			return err
		}
	}
	if err := r.ground(ctx, tx, floor); err != nil {
		return err
	}
	if err := b.sight(ctx, tx, r); err != nil {
		return err
	}
	r.tag()
	if err := b.facts(ctx, tx, r); err != nil {
		return err
	}
	if err := b.heed(ctx, tx, r); err != nil {
		return err
	}
	if err := tx.SavePull(ctx, r.pull); err != nil {
		return err
	}
	return tx.SaveMemory(ctx, r.job, r.Place.RepoID, r.memory)
}

// remember copies what the store keeps of a pull request from the reading, and
// reports whether it is elsewhere than it was.
func (r *reading) remember() (moved bool) {
	p, c := r.pull, &r.Change
	moved = p.Head != c.Head.Commit || p.Base != c.Base.Branch || p.State != c.State
	if p.Head != c.Head.Commit || p.Base != c.Base.Branch {
		p.VerdictState = "" // the last verdict was of something else
	}
	p.Place, p.Base, p.BaseCommit, p.Head = r.Place, c.Base.Branch, c.Base.Commit, c.Head.Commit
	p.State, p.Title, p.URL = c.State, r.Title, r.URL
	return moved
}

// digest identifies what a decision rests on and what it was. The tips of the
// branches from which it was read are left out: they move with every merge and change
// no verdict by themselves.
func (r *reading) digest() string {
	c := r.Change
	c.Base.Commit = ""
	for _, text := range []**rules.PolicyText{&c.Floor, &c.Owners} {
		if *text != nil {
			at := **text
			at.Commit = ""
			*text = &at
		}
	}
	data, err := json.Marshal(struct {
		Change  rules.Change
		Policy  string
		Verdict rules.Verdict
		Would   rules.State
	}{c, r.Policy.Blob, r.verdict, r.verdict.Would})
	if err != nil {
		panic("marshal plain data: " + err.Error()) // unreachable: no channel, function or cycle in it
	}
	return sha256Hex(data)
}

func sha256Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// errLost says that another worker has taken the job over: nothing of this run
// may stay.
var errLost = errors.New("the job was taken over")

// hold fails a transaction of a run that no longer holds its job.
func (b *Bot) hold(ctx context.Context, tx *store.Tx, j *store.Job) error {
	held, err := tx.Holds(ctx, j, b.Now())
	if err == nil && !held {
		err = errLost
	}
	return err
}

// end gives the job back inside a transaction: idle until an event, or due again
// at next.
func (b *Bot) end(ctx context.Context, tx *store.Tx, j *store.Job, next time.Time) error {
	held, err := tx.Finish(ctx, j, next, b.Now())
	if err == nil && !held {
		err = errLost
	}
	return err
}

// held fails when the job was taken over. It is asked right before every effect
// outside this database.
func (b *Bot) held(ctx context.Context, j *store.Job) error {
	held, err := b.Store.Holds(ctx, j, b.Now())
	if err == nil && !held {
		err = errLost
	}
	return err
}

// finish is end in a transaction of its own, and not later than something else is due.
func (b *Bot) finish(ctx context.Context, r *reading, next time.Time) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error { return b.end(ctx, tx, r.job, r.soonest(next)) })
}
