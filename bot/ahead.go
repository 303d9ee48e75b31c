package bot

import (
	"context"
	"errors"
	"time"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// mostAheadPaths is how many governed files of a scheduled pull request are compared
// with those of others.
const mostAheadPaths = 200

// ahead is the effective date that the change waits for, and which governed files it
// changes then; none when it waits for no date.
func (r *reading) ahead() (at time.Time, paths []string) {
	for _, f := range r.verdict.Findings {
		if f.Code == rules.CodeScheduled && f.State == rules.Pending && f.Until.After(at) {
			at = f.Until
		}
	}
	if at.IsZero() || r.Change.State != "open" {
		return time.Time{}, nil
	}
	for _, g := range r.verdict.Governed[:min(len(r.verdict.Governed), mostAheadPaths)] {
		paths = append(paths, g.Path)
	}
	return at, paths
}

// schedule keeps what the change does at its date, and has those that change the same
// file judged again, so that each names the other: those of before, and those of now.
func (b *Bot) schedule(ctx context.Context, tx *store.Tx, r *reading) error {
	before, err := b.aheadOf(ctx, tx, r)
	if err != nil {
		return err
	}
	at, paths := r.ahead()
	if err := tx.SaveAhead(ctx, r.Place.RepoID, r.job.Number, at, paths); err != nil {
		return err
	}
	after, err := b.aheadOf(ctx, tx, r)
	told := map[int]bool{}
	for _, s := range append(before, after...) {
		if told[s.Number] {
			continue
		}
		told[s.Number] = true
		err = errors.Join(err, tx.Raise(ctx, checks.Wake{Place: r.Place, Number: s.Number, Base: r.Change.Base.Branch}, "scheduled beside it", b.Now()))
	}
	return err
}

func (b *Bot) aheadOf(ctx context.Context, tx *store.Tx, r *reading) ([]checks.Scheduled, error) {
	return tx.Ahead(ctx, r.Place.RepoID, r.job.Number, r.Change.Base.Branch, r.now)
}

// also are the pull requests that wait for a date too and change a file of this one.
func (b *Bot) also(ctx context.Context, r *reading) (all []checks.Scheduled, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = b.aheadOf(ctx, tx, r)
		return err
	})
	return all, err
}
