package bot

import (
	"context"
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
func (b *Bot) perform(ctx context.Context, r *reading, t *turn, d *done) {
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
		d.Wrong, d.Fix = "the date is not written by command in this version", "write `effective_at: "+d.EffectiveAt+"` in the description"
	case "request-review":
		b.askReview(ctx, r, d)
	}
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
