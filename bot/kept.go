package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// mostKept is how many plans a walk verifies, newest first: a branch that was rewritten
// has all of them in question, and each may cost a few calls.
const mostKept = 50

// keptAgain is when the plans that were left over are verified.
const keptAgain = time.Minute

// question notes which plans what the walk found may have broken, and reports whether
// any is to be verified: it is done once the walk is on record, whatever happens in
// between. A revert is worked out from what stands at its paths; of the other forms only
// a tag can change without a rewrite.
func (s *sweep) question(ctx context.Context, tx *store.Tx) (bool, error) {
	repo, branch := s.reading.job.Place.RepoID, s.reading.job.Branch
	var err error
	switch {
	case s.rewritten:
		err = tx.UnsettleAll(ctx, repo, branch)
	case s.cut:
		err = tx.UnsettleForm(ctx, repo, branch, rules.FormRevert)
	default:
		err = tx.Unsettle(ctx, repo, branch, s.touched, 0)
	}
	if err != nil {
		return false, err
	}
	if err := tx.UnsettleForm(ctx, repo, branch, rules.FormTag); err != nil {
		return false, err
	}
	some, _, err := tx.StalePlans(ctx, repo, branch, 1)
	return len(some) > 0, err
}

// keepTrue verifies the plans again that are in question, against the tip of the branch,
// and ends the walk. What cannot be read of one does not keep the others.
func (b *Bot) keepTrue(ctx context.Context, r *reading, tip string) error {
	var plans []*store.StalePlan
	more := 0
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		plans, more, err = tx.StalePlans(ctx, r.job.Place.RepoID, r.job.Branch, mostKept)
		return err
	})
	if err != nil {
		return err
	}
	tags, err := b.tagsOf(ctx, r, plans)
	if err != nil {
		return err
	}
	var failed []error
	for _, s := range plans {
		if err := b.verifyPlan(ctx, r, s, tip, tags); err != nil {
			failed = append(failed, fmt.Errorf("verify the plan of %s of %s again: %w", s.ID(), r.job.Place.Repo, err))
		}
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	next := time.Time{}
	if more > 0 {
		b.Log.Info("plans left for the next walk", "repo", r.job.Place.Repo, "branch", r.job.Branch, "plans", more)
		next = b.Now().Add(keptAgain)
	}
	return b.finish(ctx, r, next)
}

// tagsOf asks for what the tags of plans stand for now, of all at once.
func (b *Bot) tagsOf(ctx context.Context, r *reading, plans []*store.StalePlan) (map[string]string, error) {
	var names []string
	for _, s := range plans {
		if name := s.Plan.Tag(); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 0 {
		return nil, nil
	}
	return b.GitHub.Tags(ctx, r.job.Place, names)
}

// verifyPlan finds how a plan stands, and keeps that. A tag that is elsewhere, or gone,
// says nothing of the commit that is restored: as long as the branch was not rewritten,
// that stands as it did.
func (b *Bot) verifyPlan(ctx context.Context, r *reading, s *store.StalePlan, tip string, tags map[string]string) (err error) {
	by := &rules.Target{To: s.Plan.To, Form: s.Plan.Form, Commit: s.Plan.Commit, InBase: true}
	name := s.Plan.Tag()
	if name == "" || s.Forced || s.State != evidence.PlanVerified {
		if by, err = b.GitHub.Verify(ctx, r.job.Place, *s.Plan, tip, s.Forced); err != nil {
			return err
		}
		reread(s.Plan, by)
	}
	by.Moved = name != "" && tags[name] != s.Plan.Commit
	now := store.PlanStanding{Tip: tip}
	now.State, now.Code, now.Says = evidence.Stands(s.Branch, by)
	return b.restand(ctx, r, s, now, by)
}

// reread gives what a parser has to take its text: that of the plan, where the same is
// restored, or what the reverse merge made.
func reread(p *rules.Plan, by *rules.Target) {
	for i := range by.Files {
		f := &by.Files[i]
		k := slices.IndexFunc(p.Files, func(r rules.Restored) bool { return r.Path == f.Path })
		switch {
		case k < 0 || p.Files[k].Text == nil || f.Text != nil:
		case f.Back == p.Files[k].Back:
			f.Text = p.Files[k].Text
		default:
			f.Text = f.Data
		}
	}
}

// restand keeps how a plan stands. When that is otherwise than before it is recorded,
// and said on the pull request: both with it or not at all.
func (b *Bot) restand(ctx context.Context, r *reading, s *store.StalePlan, now store.PlanStanding, by *rules.Target) error {
	was := s.PlanStanding
	s.PlanStanding = now
	changed := was.State != now.State || was.Code != now.Code
	err := b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := b.hold(ctx, tx, r.job); err != nil {
			return err
		}
		if changed {
			if err := b.tellPlan(ctx, tx, r, s, by, was.State == ""); err != nil {
				return err
			}
		}
		return tx.SaveStanding(ctx, s)
	})
	if err == nil && changed {
		b.metrics.plans.WithLabelValues(now.State).Inc()
	}
	return err
}

// tellPlan records that a plan stands otherwise and puts it into the outbox of the
// pull request. That one which is verified for the first time works is no news.
func (b *Bot) tellPlan(ctx context.Context, tx *store.Tx, r *reading, s *store.StalePlan, by *rules.Target, first bool) error {
	p := r.job.Place
	rec, err := evidence.Replanned(b.Host, evidence.PlanChanged{
		Repo: evidence.Repo{ID: p.RepoID, Name: p.Repo}, Branch: s.Branch, Number: s.Pull, Change: s.Number,
		Tip: s.Tip, State: s.State, Code: s.Code, Says: s.Says, At: r.now,
	}, by)
	if err != nil {
		return err
	}
	index, _, err := b.log(checks.Place{OrgID: s.OrgID}).Append(ctx, tx, rec, b.Now())
	if err != nil {
		return err
	}
	v := store.Saying{
		Mark: fmt.Sprintf("plan %d.%d", s.Number, index), Since: r.now,
		Body: checks.PlanChanged(b.planView(p, &s.Change)),
	}
	if !first || s.Code != "" {
		err = tx.AddSaying(ctx, p.RepoID, s.Pull, v)
	}
	w := checks.Wake{Place: p, Number: s.Pull, Base: s.Branch}
	return errors.Join(err, tx.Raise(ctx, w, "plan changed", b.Now()))
}
