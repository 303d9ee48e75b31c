package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
)

// facts puts what was admitted before among the facts of the change: every judgement
// rests on them, whatever made it.
func (b *Bot) facts(ctx context.Context, tx *store.Tx, r *reading) (err error) {
	r.Change.Holds, r.Change.Exceptions = r.memory.Holds, nil
	if r.exceptions, err = tx.Exceptions(ctx, r.Place.RepoID, r.job.Number); err != nil {
		return err
	}
	for _, x := range r.exceptions {
		r.Change.Exceptions = append(r.Change.Exceptions, x.Exception)
	}
	return nil
}

// except opens or closes the exception that a command was about, with its record.
func (b *Bot) except(ctx context.Context, tx *store.Tx, r *reading, t *turn, d *done, view checks.View) error {
	if d.Exception != nil {
		x := store.Exception{Exception: *d.Exception, OrgID: r.Place.OrgID, RepoID: r.Place.RepoID, Pull: r.job.Number, Comment: t.ID, Line: d.command.Line}
		if _, err := tx.AddException(ctx, &x); err != nil {
			return err
		}
		d.answer = checks.Opened(x.Exception, view, r.reviewers())
		_, _, err := b.logOf(&x).Append(ctx, tx, evidence.Opened(b.Host, r.repo(), r.job.Number, x.Exception), b.Now())
		return err
	}
	for _, x := range r.exceptions {
		if d.Closing == nil || x.Number != d.Number || x.Closed != nil {
			continue
		}
		x.Closed = d.Closing
		_, _, err := b.logOf(&x).Append(ctx, tx, evidence.Closed(b.Host, r.repo(), r.job.Number, x.Exception), b.Now())
		return errors.Join(err, tx.SaveException(ctx, &x))
	}
	return nil
}

// logOf is the log that numbers an exception, also once the repository is another
// organisation's.
func (b *Bot) logOf(x *store.Exception) *evidence.Log { return b.log(checks.Place{OrgID: x.OrgID}) }

func (r *reading) repo() evidence.Repo { return evidence.Repo{ID: r.Place.RepoID, Name: r.Place.Repo} }

// reviewers are whom the policy names to review exceptions.
func (r *reading) reviewers() []string {
	if r.policy == nil {
		return nil
	}
	return r.policy.Reviewers(&r.Change)
}

// tellings are when whoever owes the review of an exception is told: after half and
// five sixths of the time there is for it (12 and 20 of 24 hours), and when it is due.
func tellings(x *store.Exception) [3]time.Time {
	within := x.Due.Sub(x.At)
	return [3]time.Time{x.At.Add(within / 2), x.At.Add(within / 6 * 5), x.Due}
}

// remind tells of exceptions that wait for their review, whatever became of the pull
// request, and arms the job for the next time. Of reminders that were missed only the
// newest is given.
func (b *Bot) remind(ctx context.Context, r *reading) error {
	for i := range r.exceptions {
		x := &r.exceptions[i]
		if x.Closed != nil {
			continue
		}
		told := 0
		for _, at := range tellings(x) {
			if !r.now.Before(at) {
				told++
			}
		}
		if told > x.Told {
			if err := b.tell(ctx, r, x, told); err != nil {
				return fmt.Errorf("remind of %s of %s: %w", x.ID(), r.Place.Org, err)
			}
		}
		if told < len(tellings(x)) {
			r.wake(tellings(x)[told])
		}
	}
	return nil
}

// tell gives a reminder, or records that the review is overdue.
func (b *Bot) tell(ctx context.Context, r *reading, x *store.Exception, told int) error {
	x.Told = told
	v := store.Saying{Mark: fmt.Sprintf("exception %d.%d", x.Number, told), Since: r.now}
	overdue := told == len(tellings(x))
	if overdue {
		v.Body = checks.Overdue(x.Exception, b.viewNow(r), r.reviewers())
	} else {
		v.Body = checks.Reminder(x.Exception, b.viewNow(r), r.reviewers())
	}
	return b.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if err := b.hold(ctx, tx, r.job); err != nil {
			return err
		}
		if overdue {
			_, _, err = b.logOf(x).Append(ctx, tx, evidence.Overdue(b.Host, r.repo(), r.job.Number, x.Exception), b.Now())
		}
		return errors.Join(err, tx.SaveException(ctx, x), tx.AddSaying(ctx, r.Place.RepoID, r.job.Number, v))
	})
}

// unreviewed records which exceptions of a pull request that is gone are overdue, and
// returns when the next will be; zero if none.
func (b *Bot) unreviewed(ctx context.Context, tx *store.Tx, j *store.Job) (due time.Time, err error) {
	all, err := tx.Exceptions(ctx, j.Place.RepoID, j.Number)
	for i := range all {
		x := &all[i]
		last := len(tellings(x))
		switch {
		case err != nil, x.Closed != nil, x.Told == last:
		case b.Now().Before(x.Due):
			due = earliest(due, x.Due)
		default:
			x.Told = last
			repo := evidence.Repo{ID: j.Place.RepoID, Name: j.Place.Repo}
			_, _, err = b.logOf(x).Append(ctx, tx, evidence.Overdue(b.Host, repo, j.Number, x.Exception), b.Now())
			err = errors.Join(err, tx.SaveException(ctx, x))
		}
	}
	return due, err
}
