package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/bot/store"
	"changegate/checks"
)

// answer puts into the outbox what is to be said about a comment: a reaction for what
// was done and one for what was refused, and the answers in one comment. What an
// exception is opened with stands in a comment of its own, because it calls people.
func (b *Bot) answer(ctx context.Context, tx *store.Tx, r *reading, t *turn) error {
	var err error
	say := func(v store.Saying) {
		v.Since = r.now
		err = errors.Join(err, tx.AddSaying(ctx, r.Place.RepoID, r.job.Number, v))
	}
	var answers []string
	for _, d := range t.done {
		reaction := "+1"
		switch {
		case d.Refused():
			reaction = "confused"
			no := cmp.Or(d.answer, checks.Refused(t.By, d.command, d.Wrong, d.Fix))
			if !slices.Contains(answers, no) {
				answers = append(answers, no)
			}
		case d.Exception != nil:
			say(store.Saying{Mark: fmt.Sprintf("answer %d.%d", t.ID, d.command.Line), Body: d.answer})
		case d.answer != "" && !slices.Contains(answers, d.answer):
			answers = append(answers, d.answer)
		}
		if d.Note != "" {
			answers = append(answers, checks.Noted(t.By, d.command, d.Note))
		}
		say(store.Saying{Mark: fmt.Sprintf("%s %d", reaction, t.ID), Reaction: reaction, Comment: t.ID})
	}
	if len(answers) > 0 {
		say(store.Saying{Mark: fmt.Sprintf("answer %d", t.ID), Body: strings.Join(answers, "\n")})
	}
	return err
}

// sayFor is how long GitHub is asked to take what there is to say. An answer that is a
// day late helps nobody.
const sayFor = 24 * time.Hour

// say sends what waits to be said, in order. It never fails the judgement for what
// GitHub does not take: a verdict does not wait for a comment.
func (b *Bot) say(ctx context.Context, r *reading) error {
	var all []store.Saying
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Sayings(ctx, r.Place.RepoID, r.job.Number)
		return err
	})
	for _, v := range all {
		if err == nil {
			err = b.sayOne(ctx, r, v)
		}
	}
	return err
}

// sayOne sends one of them and forgets it. What may be taken the next time is tried
// again when it is twice as old, after 10 s at least.
func (b *Bot) sayOne(ctx context.Context, r *reading, v store.Saying) error {
	if err := b.held(ctx, r.job); err != nil {
		return err
	}
	switch err := b.utter(ctx, r, v); {
	case err == nil, errors.Is(err, checks.ErrGone):
	case errors.Is(err, checks.ErrRefused), r.now.Sub(v.Since) > sayFor:
		b.Log.Warn("say for the last time", "repo", r.Place.Repo, "number", r.job.Number, "mark", v.Mark, "err", err)
	default:
		b.Log.Warn("say", "repo", r.Place.Repo, "number", r.job.Number, "mark", v.Mark, "err", err)
		r.wake(r.now.Add(min(max(r.now.Sub(v.Since), 10*time.Second), time.Hour)))
		return nil
	}
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		return tx.DropSaying(ctx, r.Place.RepoID, r.job.Number, v.Mark)
	})
}

// utter sends one saying. A comment that was sent before a crash is found by its mark
// among those we wrote: nobody else's can stand in for one.
func (b *Bot) utter(ctx context.Context, r *reading, v store.Saying) error {
	if v.Reaction != "" {
		return b.GitHub.React(ctx, r.Place, v.Comment, v.Reaction)
	}
	mark := "<!-- changegate:" + v.Mark + " -->"
	for _, c := range r.Own {
		if strings.HasPrefix(c.Body, mark) {
			return nil
		}
	}
	_, err := b.GitHub.Say(ctx, r.Place, r.job.Number, mark+"\n"+v.Body)
	return err
}

// wake has the pull request judged again at an instant, if nothing does so earlier.
func (r *reading) wake(at time.Time) { r.next = earliest(r.next, at) }

// soonest is when the pull request is judged again: at the instant given, or at that
// of wake; zero if never.
func (r *reading) soonest(at time.Time) time.Time {
	if r.next.IsZero() {
		return at
	}
	return earliest(at, r.next)
}
