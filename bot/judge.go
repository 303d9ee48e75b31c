package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	policy  *rules.Policy // nil when it does not load
	now     time.Time     // of this judgement: one instant throughout
	verdict rules.Verdict
}

// judge is the life of one job: gather, decide, record, publish, finish.
func (b *Bot) judge(ctx context.Context, j *store.Job) error {
	r, err := b.gather(ctx, j)
	switch {
	case errors.Is(err, checks.ErrGone) && b.goneFor(j) > forgotten:
		return b.finish(ctx, &reading{job: j, now: b.Now().UTC().Truncate(time.Millisecond)}, time.Time{})
	case err != nil:
		return err
	}
	if r.Merge != nil {
		return b.merged(ctx, r)
	}
	if r.Change.State != "open" {
		return b.closed(ctx, r)
	}
	if !r.concerns() {
		return b.finish(ctx, r, time.Time{})
	}
	r.verdict = rules.Evaluate(r.Policy.Data, &r.Change, r.now)
	if err := b.record(ctx, r); err != nil {
		return err
	}
	return b.publish(ctx, r)
}

// closed ends the watch over a pull request. Others with the same head shared its
// check run and are judged again without it, in a run of their own.
func (b *Bot) closed(ctx context.Context, r *reading) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := b.end(ctx, tx, r.job, time.Time{}); err != nil {
			return err
		}
		others, err := tx.Siblings(ctx, r.Place.RepoID, r.Change.Base.Branch, r.Change.Head.Commit, r.job.Number)
		for _, p := range others {
			p.Run, p.RunHash = checks.Written{}, ""
			w := checks.Wake{Place: p.Place, Number: p.Number, Base: p.Base}
			if err := errors.Join(tx.SavePull(ctx, p), tx.Raise(ctx, w, "sibling closed", b.Now())); err != nil {
				return err
			}
		}
		return err
	})
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

// gather reads the pull request and adds what only the store knows: which change
// request was in force when.
func (b *Bot) gather(ctx context.Context, j *store.Job) (*reading, error) {
	w := checks.Wake{Place: j.Place, Number: j.Number, Base: j.Base}
	g, err := b.GitHub.Gather(ctx, w, checks.Known{})
	if err != nil {
		return nil, fmt.Errorf("gather %s#%d: %w", j.Place.Repo, j.Number, err)
	}
	r := &reading{Gathered: g, job: j, now: b.Now().UTC().Truncate(time.Millisecond)}
	if g.Policy.State == checks.PolicyUnreadable {
		g.Change.Gaps = append(g.Change.Gaps, rules.Gap{What: rules.GapPolicy, Says: g.Policy.Why})
	}
	r.policy, _ = rules.ParsePolicy(g.Policy.Data)
	b.seePolicy(ctx, g.Place, r.policy)
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		if r.pull, err = tx.Pull(ctx, g.Place.RepoID, j.Number); err != nil {
			return err
		}
		if r.pull == nil {
			r.pull = &store.Pull{Number: j.Number, Record: -1, MergeRecord: -1}
		}
		if err := b.hold(ctx, tx, j); err != nil {
			return err
		}
		r.remember()
		if err := b.sight(ctx, tx, r); err != nil {
			return err
		}
		return tx.SavePull(ctx, r.pull)
	})
	if err != nil {
		return nil, fmt.Errorf("remember %s#%d: %w", j.Place.Repo, j.Number, err)
	}
	return r, nil
}

// remember copies what the store keeps of a pull request from the reading.
func (r *reading) remember() {
	p, c := r.pull, &r.Change
	if p.Head != c.Head.Commit || p.Base != c.Base.Branch {
		p.VerdictState = "" // the last verdict was of something else
	}
	p.Place, p.Base, p.BaseCommit, p.Head = r.Place, c.Base.Branch, c.Base.Commit, c.Head.Commit
	p.State, p.Title, p.URL = c.State, r.Title, r.URL
}

// sight notes a change request that is new and tells every review which one was
// in force when it was given. An approval of one declaration must not count for
// another, and GitHub does not make a review stale when the description changes.
//
// A description changes at EditedAt, on GitHub's clock like the reviews. A file
// changes with the commit: a review saw it if its commit had the same one, whatever
// the clock says.
func (b *Bot) sight(ctx context.Context, tx *store.Tx, r *reading) error {
	c := &r.Change
	seen, err := tx.Sightings(ctx, r.Place.RepoID, r.job.Number)
	if err != nil {
		return err
	}
	q, _ := rules.ReadRequest(c.Requests, time.UTC)
	digest, inFile := q.Digest(), false
	for _, t := range c.Requests {
		inFile = inFile || t.Path != ""
	}
	if len(seen) == 0 || seen[len(seen)-1].Digest != digest {
		s := store.Sighting{Digest: digest, Since: r.EditedAt}
		if inFile {
			s.Since = r.now
		}
		if err := tx.AddSighting(ctx, r.Place.RepoID, r.job.Number, s); err != nil {
			return err
		}
		seen = append(seen, s)
	}
	c.RequestSince = seen[len(seen)-1].Since
	for i := range c.Reviews {
		w := &c.Reviews[i]
		switch {
		case !inFile:
			w.Request = inForce(seen, w.At)
		case w.Commit == c.Head.Commit || sameRequests(c, w.Commit):
			w.Request = digest
		}
	}
	return nil
}

// sameRequests reports whether the request files of the head were the same at an
// earlier commit.
func sameRequests(c *rules.Change, commit string) bool {
	files := func(all []rules.File) (out []rules.File) {
		for _, f := range all {
			if rules.RequestPath(f.Path) {
				out = append(out, rules.File{Path: f.Path, New: f.New})
			}
		}
		return out
	}
	for _, r := range c.Revisions {
		if r.Commit == commit {
			return slices.Equal(files(r.Files), files(c.Files))
		}
	}
	return false
}

// inForce is the change request in force at an instant. GitHub's times are whole
// seconds: an edit in the second of a review may have come after it, so it counts
// as later. A review in the second of an edit is asked for again.
func inForce(seen []store.Sighting, at time.Time) string {
	digest := ""
	for _, s := range seen {
		if s.Since.Before(at) {
			digest = s.Digest
		}
	}
	return digest
}

// digest identifies what a decision rests on and what it was. The tip of the base
// branch is left out: it moves with every merge and changes no verdict by itself.
func (r *reading) digest() string {
	c := r.Change
	c.Base.Commit = ""
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

// finish is end in a transaction of its own.
func (b *Bot) finish(ctx context.Context, r *reading, next time.Time) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error { return b.end(ctx, tx, r.job, next) })
}
