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

// publish writes the check run if it would say something new, and finishes the
// job. The lease is asked once more right before the write: a judgement that
// was overtaken while it slept must not be the last to speak.
func (b *Bot) publish(ctx context.Context, r *reading) error {
	siblings, prior, err := b.siblings(ctx, r)
	if err != nil {
		return err
	}
	impact, err := b.impact(ctx, r)
	if err != nil {
		return err
	}
	also, err := b.also(ctx, r)
	if err != nil {
		return err
	}
	view := b.view(r, siblings)
	view.Impact, view.Also = impact, also
	run := checks.Render(view)
	hash := sameness(r, view)
	renew := b.renewAt(prior)
	if hash != r.pull.RunHash || !b.Now().Before(renew) {
		if !b.Now().Before(renew) {
			prior = checks.Written{} // a new run of the same name restarts GitHub's 14 days
		}
		if err := b.speak(ctx, r, run, prior); err != nil {
			return err
		}
		r.pull.RunHash = hash
		renew = b.renewAt(r.pull.Run)
	}
	b.stick(ctx, r, view)
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SavePull(ctx, r.pull); err != nil {
			return err
		}
		next := earliest(r.verdict.Next, renew)
		// The lease is of one pull request, the check run of a commit: another one with
		// this head may have been judged while this verdict was on its way.
		now, _, err := b.readSiblings(ctx, tx, r)
		if err == nil && !slices.Equal(now, siblings) {
			next = b.Now()
		}
		return errors.Join(err, tx.Judged(ctx, r.job, b.Now()), b.end(ctx, tx, r.job, r.soonest(next)))
	})
}

// speak writes the check run, if the job is still this run's.
func (b *Bot) speak(ctx context.Context, r *reading, run checks.Run, prior checks.Written) error {
	if err := b.held(ctx, r.job); err != nil {
		return err
	}
	run.StartedAt = r.now
	written, err := b.GitHub.Publish(ctx, r.Place, run, prior)
	if err != nil {
		return fmt.Errorf("publish %q on %s#%d: %w", run.Name, r.Place.Repo, r.job.Number, err)
	}
	r.pull.Run = written
	return nil
}

// renewAt is when a waiting run has to be made anew; the zero time is far ahead
// for a completed one.
func (b *Bot) renewAt(w checks.Written) time.Time {
	if w.ID == 0 || w.Status == "completed" || w.At.IsZero() {
		return b.Now().Add(renewal)
	}
	return w.At.Add(renewal)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// siblings are the other open pull requests with this head and base: GitHub shows
// one result per commit, so the strictest of them is published for all. The run
// to go on with is the newest that any of them wrote.
func (b *Bot) siblings(ctx context.Context, r *reading) (out []checks.Sibling, newest checks.Written, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		out, newest, err = b.readSiblings(ctx, tx, r)
		return err
	})
	return out, newest, err
}

func (b *Bot) readSiblings(ctx context.Context, tx *store.Tx, r *reading) (out []checks.Sibling, newest checks.Written, err error) {
	newest = r.pull.Run
	pulls, err := tx.Siblings(ctx, r.Place.RepoID, r.Change.Base.Branch, r.Change.Head.Commit, r.job.Number)
	for _, p := range pulls {
		out = append(out, checks.Sibling{Number: p.Number, State: rules.State(p.VerdictState), Title: title(p)})
		if p.Run.ID > newest.ID {
			newest = p.Run
		}
	}
	return out, newest, err
}

func title(p *store.Pull) string {
	var v rules.Verdict
	if json.Unmarshal(p.Verdict, &v) != nil {
		return ""
	}
	return v.Title
}

func (b *Bot) view(r *reading, siblings []checks.Sibling) checks.View {
	v := checks.View{
		Verdict: r.verdict, Change: &r.Change, Patches: r.Patches, At: r.now, Record: r.pull.Record,
		PolicyRef: r.policyRef(), DetailsURL: b.page(r.Place.Repo, r.job.Number), Siblings: siblings,
		Policy: r.policy, Zone: time.UTC, WaitingAs: "pending",
	}
	if r.policy != nil {
		v.Zone, v.WaitingAs, v.Globs = r.policy.Zone, r.policy.WaitingAs, r.policy.Globs()
	}
	return v
}

func (r *reading) policyRef() string {
	commit := r.Policy.Commit
	return fmt.Sprintf("%s@%s", r.Change.Base.Branch, commit[:min(7, len(commit))])
}

// sameness identifies what a check run says, without the time it was said at.
func sameness(r *reading, v checks.View) string {
	h := sha256.New()
	fmt.Fprintln(h, r.Change.Head.Commit, r.Change.Base.Branch, r.pull.Digest)
	for _, s := range v.Siblings {
		fmt.Fprintln(h, s.Number, s.State)
	}
	for _, s := range v.Also {
		fmt.Fprintf(h, "%d %d %q\n", s.Number, s.At.Unix(), s.Paths)
	}
	for _, i := range v.Impact {
		fmt.Fprintf(h, "%d %s %s %q %q\n", i.Number, i.Now, i.Then, i.Title, i.Says)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// admit publishes that a judgement is unfinished. A check that is green now must
// not stay so while nobody can say whether it still holds.
func (b *Bot) admit(ctx context.Context, j *store.Job, retry time.Time) error {
	var p *store.Pull
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		p, err = tx.Pull(ctx, j.Place.RepoID, j.Number)
		return err
	})
	if err != nil || p == nil || p.State != "open" || p.Head == "" || p.Run.ID == 0 {
		return err
	}
	if held, err := b.Store.Holds(ctx, j, b.Now()); err != nil || !held {
		return err
	}
	green := p.Run.Head == p.Head && p.Run.Conclusion != "" && p.Run.Conclusion != "failure" && p.Run.Conclusion != "action_required"
	if !green && j.Attempts < 3 {
		return nil
	}
	final := !j.FirstFailed.IsZero() && b.Now().Sub(j.FirstFailed) > patience
	run := checks.Unfinished(checks.View{
		Change: &rules.Change{Ref: rules.Ref{RepoID: p.RepoID, Repo: p.Repo, Number: p.Number},
			Base: rules.Point{Branch: p.Base, Commit: p.BaseCommit}, Head: rules.Point{Commit: p.Head}},
		At: b.Now(), Record: p.Record, DetailsURL: b.page(p.Repo, p.Number), Zone: time.UTC,
		Shadow: p.VerdictState == string(rules.Shadow),
	}, "GitHub or ChangeGate had a fault", retry, final)
	hash := "unfinished " + run.Status + " " + p.Head
	if p.RunHash == hash {
		return nil
	}
	if p.Run, err = b.GitHub.Publish(ctx, p.Place, run, p.Run); err != nil {
		return err
	}
	p.RunHash = hash
	return b.Store.Write(ctx, func(tx *store.Tx) error { return tx.SavePull(ctx, p) })
}
