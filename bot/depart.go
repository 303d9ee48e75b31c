package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"changegate/bot/store"
	"changegate/checks"
)

// part has those judged again with which a pull request shared a check run, once it
// has left their commit or base branch, was closed, merged or is gone: what it asked
// holds them back no longer. They go on in a run of their own: theirs was completed for
// the strictest of them, or is not the newest. Which it was stays known, so that it is
// taken back when they leave too.
func (b *Bot) part(ctx context.Context, tx *store.Tx, was *store.Pull) error {
	if was.State != "open" || was.Head == "" {
		return nil
	}
	others, err := tx.Siblings(ctx, was.RepoID, was.Base, was.Head, was.Number)
	for _, p := range others {
		p.Run.Status, p.RunHash = "completed", ""
		w := checks.Wake{Place: p.Place, Number: p.Number, Base: p.Base}
		err = errors.Join(err, tx.SavePull(ctx, p), tx.Raise(ctx, w, "sibling left", b.Now()))
	}
	return err
}

// retract takes back a check that passes on a commit and base branch that the pull
// request has left. Somebody could go back there after a reviewer has withdrawn, or
// the policy has changed, and merge on it before this server has seen that. A merged
// pull request keeps its check: it cannot come back. So does the head that a push has
// left in shadow mode, where no reviewer is waited for; one that passed by an exception
// does not, whose end nobody would notice there.
func (b *Bot) retract(ctx context.Context, r *reading) error {
	run, c := r.pull.Run, &r.Change
	base := strings.TrimPrefix(run.Name, checks.RunPrefix)
	into := c.State == "open" && base == c.Base.Branch
	here := into && run.Head == c.Head.Commit
	passes := run.Conclusion == "success" || run.Conclusion == "neutral" && (!into || len(r.exceptions) > 0)
	if run.ID == 0 || here || !passes || r.Merge != nil {
		return nil
	}
	var others []*store.Pull
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if others, err = tx.Siblings(ctx, r.Place.RepoID, base, run.Head, r.job.Number); err != nil {
			return err
		}
		return b.hold(ctx, tx, r.job)
	})
	if err != nil || len(others) > 0 { // theirs now; they are judged again
		return err
	}
	w, err := b.GitHub.Publish(ctx, r.Place, checks.Left(c.Ref, run, b.page(r.Place.Repo, r.job.Number)), run)
	if err != nil && !errors.Is(err, checks.ErrGone) { // of a commit that is no longer there nothing can be merged
		return fmt.Errorf("take back %q on %s#%d: %w", run.Name, r.Place.Repo, r.job.Number, err)
	}
	r.pull.Run, r.pull.RunHash = w, ""
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(b.hold(ctx, tx, r.job), tx.SavePull(ctx, r.pull))
	})
}

// forget drops a pull request that GitHub no longer has. The review of an exception is
// owed all the same: it is looked at again when it is due.
func (b *Bot) forget(ctx context.Context, j *store.Job) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		p, err := tx.Pull(ctx, j.Place.RepoID, j.Number)
		if err == nil && p != nil {
			err = b.part(ctx, tx, p)
			p.State = "gone"
			err = errors.Join(err, tx.SavePull(ctx, p))
		}
		due, e := b.unreviewed(ctx, tx, j)
		return errors.Join(err, e, b.end(ctx, tx, j, due))
	})
}
