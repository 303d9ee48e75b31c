package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// recheckEvery is how often a pull request is read again at somebody's word
// (PRODUCT A7): each time costs the quota that everybody's verdicts live on.
const recheckEvery = 30 * time.Second

// perform does what a command does outside this database, or makes its answer. What
// GitHub does not take becomes a refusal: whoever gave the command is there to give it
// again, and the verdict does not wait for it.
func (b *Bot) perform(ctx context.Context, r *reading, t *turn, d *done) error {
	switch d.command.Name {
	case "help":
		may := map[string]bool{"help": true, "status": true, "recheck": true}
		if r.policy != nil {
			may = r.policy.May(&r.Change, t.by, r.now)
		}
		d.answer = checks.Help(t.By, b.viewNow(r), may)
	case "status":
		d.answer = checks.Status(t.By, b.viewNow(r))
	case "ack":
		if r.Change.State != "open" { // where no sticky comment shows it
			d.answer = checks.Noted(t.By, d.command, fmt.Sprintf("EX-%d is closed", d.Number))
		}
	case "recheck":
		recheck(r, t, d)
	case "schedule":
		b.reschedule(ctx, r, t, d)
	case "request-review":
		b.askReview(ctx, r, d)
	case "rollback":
		return b.rollBack(ctx, r, t, d)
	}
	return nil
}

// viewNow shows what is known at this moment.
func (b *Bot) viewNow(r *reading) checks.View {
	now := *r
	now.verdict = rules.Evaluate(r.Policy.Data, &r.Change, r.now)
	return b.view(&now, nil)
}

// recheck has everything read again, the roles of reviewers among it: a webhook that
// was lost is why people ask.
func recheck(r *reading, t *turn, d *done) {
	if next := r.memory.Rechecked.Add(recheckEvery); r.now.Before(next) {
		d.Wrong = fmt.Sprintf("this pull request was rechecked less than %.0f s ago", recheckEvery.Seconds())
		d.Fix = "again from " + next.UTC().Format("15:04:05 UTC")
		return
	}
	r.memory.Rechecked, t.rechecked, t.old = r.now, true, true
}

// reschedule writes effective_at into the description. The approvals are of another
// change request then, and stale.
func (b *Bot) reschedule(ctx context.Context, r *reading, t *turn, d *done) {
	body, wrong, fix := rules.SetEffectiveAt(r.Body, d.EffectiveAt)
	switch {
	case wrong != "":
		d.Wrong, d.Fix = wrong, fix
	case body != r.Body:
		d.Wrong, d.Fix = b.describe(ctx, r, body)
		t.old = t.old || d.Wrong == ""
	}
}

// describe replaces the description as it was read, or says why not.
func (b *Bot) describe(ctx context.Context, r *reading, body string) (wrong, fix string) {
	err := b.GitHub.Describe(ctx, r.Place, r.job.Number, r.Body, body)
	switch {
	case err == nil:
		r.Body = body
		return "", ""
	case errors.Is(err, checks.ErrChanged):
		return "the description was edited at the same moment", "look at it, then write the command again"
	}
	b.Log.Warn("describe", "repo", r.Place.Repo, "number", r.job.Number, "err", err)
	return "GitHub did not take the new description", "write the command again, or edit the description by hand"
}

func (b *Bot) askReview(ctx context.Context, r *reading, d *done) {
	var logins, teams []string
	for _, who := range d.Ask {
		if strings.Contains(who, "/") {
			teams = append(teams, who)
		} else {
			logins = append(logins, who)
		}
	}
	if err := b.GitHub.AskReview(ctx, r.Place, r.job.Number, logins, teams); err != nil {
		b.Log.Warn("ask for reviews", "repo", r.Place.Repo, "number", r.job.Number, "err", err)
		d.Wrong, d.Fix = "GitHub did not take the request", "pick them under Reviewers on the right: `"+strings.Join(append(logins, teams...), "`, `")+"`"
	}
}
