package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// recallPlan takes the way back of a merge, and which change it rolls back, from the
// facts of the decision in force. Where something else may have landed than was decided
// on, the plan is of what really did, and how it stands is found when the branch is walked.
func (b *Bot) recallPlan(ctx context.Context, m *merging) (err error) {
	if m.plan, err = m.Recall(m.decision, m.facts, ""); err != nil || m.plan == nil {
		return err
	}
	if m.plan.Parent, err = b.onto(ctx, m, m.plan); err != nil || m.Explained {
		return err
	}
	if err := b.reland(ctx, m); err != nil || m.plan == nil {
		return err
	}
	landed, err := evidence.PlanDigest(m.plan.Files)
	if err == nil {
		_, err = m.Recall(m.decision, m.facts, landed)
	}
	return err
}

// reland makes the plan of a merge one of what it left on the branch. There is none when
// that is of other paths, or cannot be read a few times over: a merge is recorded all the
// same.
func (b *Bot) reland(ctx context.Context, m *merging) error {
	paths, plan := slices.Sorted(maps.Keys(m.content(m.landed))), m.plan
	m.plan = nil
	if !m.whole || !slices.Equal(paths, slices.Sorted(slices.Values(plan.Paths()))) {
		return nil
	}
	now, err := b.GitHub.At(ctx, m.Place, m.Commit, paths)
	if err != nil {
		return b.unread(m, fmt.Errorf("read what is at %s: %w", m.Commit, err))
	}
	for i := range plan.Files {
		plan.Files[i].Landed = now[plan.Files[i].Path]
	}
	m.plan = plan
	return nil
}

// change is the merge as a change of the population, which has no number yet.
func (m *merging) change() *store.Change {
	paths := m.content(m.landed)
	if !m.whole {
		maps.Copy(paths, m.content(m.reading.Change.Files))
	}
	for _, path := range m.stood {
		paths[path] = m.approved[path]
	}
	c := &store.Change{
		OrgID: m.Place.OrgID, RepoID: m.Place.RepoID, Branch: m.Branch, Pull: m.job.Number, Merge: m.Commit, MergedAt: m.MergedAt,
		Explained: m.Explained, Paths: slices.Sorted(maps.Keys(paths)), Plan: m.plan,
	}
	if m.Plan != nil && m.Plan.Verified {
		c.PlanStanding = store.PlanStanding{State: evidence.PlanVerified, Tip: m.Commit}
	}
	if m.RollbackOf != nil {
		c.Undoes = m.RollbackOf.Change
	}
	return c
}

// afterMerge brings the sticky comment up to what the change is called and how its way
// back stands, and ends the job. A merge that has no number says nothing more.
func (b *Bot) afterMerge(ctx context.Context, r *reading) error {
	var c *store.Change
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		c, err = tx.ChangeOfPull(ctx, r.Place.RepoID, r.job.Number)
		return err
	})
	if err != nil || c == nil || r.pull.Sticky.At.IsZero() || r.policy != nil && r.policy.Comments() == "off" {
		return errors.Join(err, b.finish(ctx, r, time.Time{}))
	}
	b.stickText(ctx, r, checks.StickyMerged(b.planView(r.Place, c)))
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.SavePull(ctx, r.pull), b.end(ctx, tx, r.job, r.soonest(time.Time{})))
	})
}

// planView is what is shown of the way back of a change.
func (b *Bot) planView(p checks.Place, c *store.Change) checks.PlanView {
	v := checks.PlanView{
		Ref: rules.Ref{RepoID: c.RepoID, Repo: p.Repo, Number: c.Pull}, Change: c.ID(), Branch: c.Branch, Explained: c.Explained, Plan: c.Plan,
		Known: c.State != "", Broken: c.State == evidence.PlanBroken, Tip: c.Tip, Says: c.Says, DetailsURL: b.page(p.Repo, c.Pull),
	}
	if c.Undoes != 0 {
		v.Undoes = rules.ChangeID(c.Undoes)
	}
	if c.UndoneBy != 0 {
		v.UndoneBy = rules.ChangeID(c.UndoneBy)
	}
	return v
}

// unsettle has the plans verified again that what a merge left may have broken, and its
// own where nothing is known of it, by the job that walks the branch. What no policy
// governs any more may be in a plan as well.
func (b *Bot) unsettle(ctx context.Context, tx *store.Tx, m *merging) (err error) {
	if paths, all := m.touches(); all {
		err = tx.Unsettle(ctx, m.Place.RepoID, m.Branch, paths, m.Place.OrgID, m.ChangeNumber)
	} else {
		err = tx.UnsettleAll(ctx, m.Place.RepoID, m.Branch, false)
	}
	if err != nil {
		return err
	}
	if some, _, err := tx.StalePlans(ctx, m.Place.OrgID, m.Place.RepoID, m.Branch, 1); err != nil || len(some) == 0 {
		return err
	}
	return tx.RaiseWalk(ctx, m.Place, m.Branch, "plans to verify", b.Now())
}

// touches are the paths that a merge changed, governed or not, and whether that is all of
// them. What it landed may be only the last of several commits, or more than the pull
// request lists.
func (m *merging) touches() (paths []string, all bool) {
	all = m.whole && !slices.ContainsFunc(m.Change.Gaps, func(g rules.Gap) bool { return g.What == "files" })
	return touched(slices.Concat(m.landed, m.Change.Files)), all
}

// touched are the paths of files, both ends of a rename.
func touched(files []rules.File) (paths []string) {
	for _, f := range files {
		if paths = append(paths, f.Path); f.OldPath != "" {
			paths = append(paths, f.OldPath)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// walkedPast reports whether the branch was walked beyond a merge before that is on
// record, and the tip that it was walked to: what the walk found could not be held against
// a plan that nobody knew of.
func (b *Bot) walkedPast(ctx context.Context, m *merging) (tip string, past bool, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		tip, err = tx.Tip(ctx, m.Place.RepoID, m.Branch)
		return err
	})
	if err != nil || m.plan == nil || tip == "" || tip == m.Merge.Parent || tip == m.Commit {
		return tip, false, err
	}
	before, err := b.GitHub.Within(ctx, m.Place, tip, m.Commit)
	return tip, !before, err
}

// passOver notes a merge that is no member of the population.
func (b *Bot) passOver(ctx context.Context, m *merging) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(b.unsettle(ctx, tx, m), b.hold(ctx, tx, m.job))
	})
}

// released returns, for checks.Known, what the newest change released through the gate
// left on a branch of a repository, of those that touched one of the paths.
func (b *Bot) released(repoID int64) func(context.Context, string, []string) (string, error) {
	return func(ctx context.Context, branch string, paths []string) (commit string, err error) {
		err = b.Store.Read(ctx, func(tx *store.Tx) error {
			commit, err = tx.ReleasedBefore(ctx, repoID, branch, paths)
			return err
		})
		return commit, err
	}
}
