package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changegate/bot/store"
	"changegate/checks"
)

// sweepEvery is how often everything is looked at without an event. Webhooks are
// lost: GitHub never repeats one by itself, and what happened while no server ran
// was announced to nobody.
const sweepEvery = time.Hour

// sweepAgain is when one that could not begin is tried again. One that failed in part is
// not: its other repositories would be read again each time.
const sweepAgain = 5 * time.Minute

// errNotBegun says that a sweep looked at nothing.
var errNotBegun = errors.New("the sweep did not begin")

// Sweep looks at every installation at once and then every sweepEvery until ctx
// ends: open pull requests are judged again, governed branches are walked, what is
// too old to matter is forgotten, and the logs' checkpoints are kept in dir.
func (b *Bot) Sweep(ctx context.Context, dir string) {
	next := b.Now()
	for {
		if !b.Now().Before(next) {
			next = b.Now().Add(sweepEvery)
			err := b.SweepOnce(ctx)
			if errors.Is(err, errNotBegun) {
				next = b.Now().Add(sweepAgain)
			}
			// How old something is is known by GitHub's clock, which the sweep has asked for.
			if err = errors.Join(err, b.Store.Prune(ctx, b.Now())); err != nil && ctx.Err() == nil {
				b.Log.Warn("sweep", "err", err)
			}
		}
		if err := b.KeepCheckpoints(ctx, dir); err != nil && ctx.Err() == nil {
			b.Log.Warn("keep checkpoints", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Minute):
		}
	}
}

// SweepOnce raises a job for every open pull request GitHub lists, for every one that
// was open when it was last read, for every branch that was walked before, and for every
// merge group that nobody heard of.
//
// It asks for GitHub's time first: a server that starts on a machine whose clock is
// wrong would be refused, and look at nothing for sweepEvery.
func (b *Bot) SweepOnce(ctx context.Context) error {
	if err := b.GitHub.AskTime(ctx); err != nil {
		return fmt.Errorf("%w: %w", errNotBegun, err)
	}
	places, err := b.GitHub.Repos(ctx)
	if err != nil {
		return fmt.Errorf("%w: list repositories: %w", errNotBegun, err)
	}
	var errs []error
	for _, p := range places { // one repository's fault must not hide the others
		if err := b.sweep(ctx, p); err != nil {
			errs = append(errs, fmt.Errorf("sweep %s: %w", p.Repo, err))
		}
	}
	return errors.Join(errs...)
}

func (b *Bot) sweep(ctx context.Context, p checks.Place) error {
	numbers, err := b.GitHub.OpenPulls(ctx, p)
	if err != nil {
		return err
	}
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		for _, n := range numbers {
			if err := tx.Raise(ctx, checks.Wake{Place: p, Number: n}, "sweep", b.Now()); err != nil {
				return err
			}
		}
		// Those that were closed unseen are not listed. They would hold back for ever
		// whom they share a commit with, and leave a green check behind.
		if err := tx.Raise(ctx, checks.Wake{Place: p}, "sweep", b.Now()); err != nil {
			return err
		}
		branches, err := tx.Tips(ctx, p.RepoID)
		for _, branch := range branches {
			w := checks.Wake{Place: p, Branch: branch, Pushed: &checks.Push{}}
			if err := tx.Raise(ctx, w, "sweep", b.Now()); err != nil {
				return err
			}
		}
		return err
	})
	return errors.Join(err, b.sweepQueues(ctx, p))
}

// sweepQueues has the merge groups answered that GitHub asked about and nobody heard of:
// a queue waits an hour for an answer, and merges nothing meanwhile.
func (b *Bot) sweepQueues(ctx context.Context, p checks.Place) error {
	var bases []string
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		bases, err = tx.Bases(ctx, p.RepoID)
		return err
	})
	for _, base := range bases {
		waiting, e := b.GitHub.Waiting(ctx, p, base)
		if err = errors.Join(err, e); len(waiting) == 0 {
			continue
		}
		err = errors.Join(err, b.Store.Write(ctx, func(tx *store.Tx) error { return b.raiseUnheard(ctx, tx, waiting) }))
	}
	return err
}

func (b *Bot) raiseUnheard(ctx context.Context, tx *store.Tx, waiting []checks.Wake) error {
	for _, w := range waiting {
		g, err := tx.GroupAt(ctx, w.RepoID, w.Head)
		if err == nil && g == nil {
			err = tx.Raise(ctx, w, "sweep", b.Now())
		}
		if err != nil {
			return err
		}
	}
	return nil
}
