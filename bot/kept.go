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

// someKept reports whether a change in effect on the branch of a job has a way back.
func (b *Bot) someKept(ctx context.Context, j *store.Job) (some bool, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		some, err = tx.SomePlan(ctx, j.Place.RepoID, j.Branch)
		return err
	})
	return some, err
}

// question notes which plans what the walk found may have broken or mended, and reports
// whether any is to be looked at: it is done once the walk is on record, whatever happens
// in between.
func (s *sweep) question(ctx context.Context, tx *store.Tx) (bool, error) {
	p, branch := s.reading.job.Place, s.reading.job.Branch
	var err error
	if s.rewritten || s.cut {
		err = tx.UnsettleAll(ctx, p.RepoID, branch, s.rewritten)
	} else {
		err = tx.Unsettle(ctx, p.RepoID, branch, s.touched, p.OrgID, 0)
	}
	if err == nil {
		err = tx.UnsettleOutside(ctx, p.RepoID, branch, s.joins || s.cut, s.landed)
	}
	if err != nil {
		return false, err
	}
	some, _, err := tx.StalePlans(ctx, p.OrgID, p.RepoID, branch, 1)
	if err != nil || len(some) > 0 {
		return len(some) > 0, err
	}
	tagged, err := tx.TaggedPlans(ctx, p.OrgID, p.RepoID, branch, evidence.PlanVerified)
	return len(tagged) > 0, err
}

// keepTrue verifies the plans again that are in question, against the tip of the branch,
// looks where the tags of the others are, and ends the walk. What cannot be read of one
// does not keep the others.
func (b *Bot) keepTrue(ctx context.Context, r *reading, tip string) error {
	var stale, tagged []*store.StalePlan
	p, more := r.job.Place, 0
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if stale, more, err = tx.StalePlans(ctx, p.OrgID, p.RepoID, r.job.Branch, mostKept); err == nil {
			tagged, err = tx.TaggedPlans(ctx, p.OrgID, p.RepoID, r.job.Branch, evidence.PlanVerified)
		}
		return err
	})
	if err != nil {
		return err
	}
	tagged = slices.DeleteFunc(tagged, func(t *store.StalePlan) bool {
		return slices.ContainsFunc(stale, func(s *store.StalePlan) bool { return s.Number == t.Number })
	})
	k := &keeping{bot: b, reading: r, tip: tip, within: map[string]bool{}}
	if err := k.askTags(ctx, slices.Concat(stale, tagged)); err != nil {
		return err
	}
	var failed []error
	for _, s := range stale {
		failed = append(failed, k.verify(ctx, s))
	}
	for _, s := range tagged {
		failed = append(failed, k.followTag(ctx, s))
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	next := time.Time{}
	if more > 0 {
		b.Log.Info("plans left for the next walk", "repo", p.Repo, "branch", r.job.Branch, "plans", more)
		next = b.Now().Add(keptAgain)
	}
	return b.finish(ctx, r, next)
}

// keeping is one look at the plans of a branch with this tip.
type keeping struct {
	bot     *Bot
	reading *reading
	tip     string
	tags    map[string]string // the commits that tags stand for
	within  map[string]bool   // of commits that were asked for: in the history of tip
}

// askTags asks for what the tags of plans stand for now, of all at once.
func (k *keeping) askTags(ctx context.Context, plans []*store.StalePlan) (err error) {
	var names []string
	for _, s := range plans {
		if name := s.Plan.Tag(); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > 0 {
		k.tags, err = k.bot.GitHub.Tags(ctx, k.reading.job.Place, names)
	}
	return err
}

// verify finds how a plan stands, and keeps that. Whether its commit is in the history of
// the branch is asked once the branch was rewritten, and as long as the plan is broken: a
// later push of something else does not bring it back.
func (k *keeping) verify(ctx context.Context, s *store.StalePlan) error {
	by, err := k.target(ctx, s)
	if err == nil {
		name := s.Plan.Tag()
		by.Moved = name != "" && k.tags[name] != s.Plan.Commit
		err = k.bot.restand(ctx, k.reading, s, k.tip, by)
	}
	if err != nil {
		return fmt.Errorf("verify the plan of %s of %s again: %w", s.ID(), k.reading.job.Place.Repo, err)
	}
	return nil
}

func (k *keeping) target(ctx context.Context, s *store.StalePlan) (_ *rules.Target, err error) {
	p, commit := k.reading.job.Place, s.Plan.Commit
	within, known := k.within[commit]
	switch {
	case !s.Forced && s.State == evidence.PlanVerified:
		within = true
	case !known:
		if within, err = k.bot.GitHub.Within(ctx, p, commit, k.tip); err != nil {
			return nil, err
		}
		k.within[commit] = within
	}
	return k.bot.GitHub.Verify(ctx, p, *s.Plan, k.tip, within)
}

// followTag notes where the tag of a plan that works is now. One that is elsewhere, or
// gone, says nothing of the commit that is restored, and nothing else is looked at.
func (k *keeping) followTag(ctx context.Context, s *store.StalePlan) error {
	moved := k.tags[s.Plan.Tag()] != s.Plan.Commit
	if moved == (s.Code == rules.CodeTagMoved) {
		return nil
	}
	by := &rules.Target{To: s.Plan.To, Form: s.Plan.Form, Commit: s.Plan.Commit, InBase: true, Moved: moved}
	if err := k.bot.restand(ctx, k.reading, s, k.tip, by); err != nil {
		return fmt.Errorf("follow the tag of %s of %s: %w", s.ID(), k.reading.job.Place.Repo, err)
	}
	return nil
}

// restand keeps how a plan stands. When that is otherwise than before it is recorded,
// and said on the pull request: both with it or not at all.
func (b *Bot) restand(ctx context.Context, r *reading, s *store.StalePlan, tip string, by *rules.Target) error {
	was, now := s.PlanStanding, store.PlanStanding{Tip: tip}
	now.State, now.Code, now.Says = evidence.Stands(s.Branch, by)
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
	index, _, err := b.log(p).Append(ctx, tx, rec, b.Now())
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
