package bot

import (
	"context"
	"maps"
	"slices"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// recallPlan takes the way back of a merge, and which change it rolls back, from the
// facts of the decision in force. Where something else may have landed than was decided
// on, the plan is of what really did, and how it stands is found when the branch is walked.
func (b *Bot) recallPlan(ctx context.Context, m *merging) (err error) {
	if m.plan, err = m.Recall(m.decision, m.facts); err != nil || m.plan == nil {
		return err
	}
	m.plan.Parent = m.Merge.Parent
	if m.Explained {
		return nil
	}
	if m.plan, err = b.reland(ctx, m); err == nil && m.plan != nil {
		m.Plan, err = evidence.Summarize(m.plan)
	}
	return err
}

// reland makes the plan of a merge one of what it left on the branch; nil when that is
// not known, or is of other paths than the plan.
func (b *Bot) reland(_ context.Context, m *merging) (*rules.Plan, error) {
	landed := m.content(m.landed)
	if !m.whole || len(landed) != len(m.plan.Files) {
		return nil, nil
	}
	for i := range m.plan.Files {
		f := &m.plan.Files[i]
		blob, ok := landed[f.Path]
		if !ok || blob != f.Landed.Blob {
			return nil, nil
		}
	}
	return m.plan, nil
}

// change is the merge as a change of the population, which has no number yet.
func (m *merging) change() *store.Change {
	paths := m.content(m.landed)
	if !m.whole {
		maps.Copy(paths, m.content(m.reading.Change.Files))
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

// unsettle has the plans verified again that a change of these paths may have broken,
// by the job that walks the branch.
func (b *Bot) unsettle(ctx context.Context, tx *store.Tx, p checks.Place, branch string, paths []string, by int) error {
	n, err := tx.Unsettle(ctx, p.RepoID, branch, paths, by)
	if err != nil || n == 0 {
		return err
	}
	return tx.RaiseWalk(ctx, p, branch, "plans to verify", b.Now())
}

// released returns what the newest change released through the gate left on the base
// branch of a pull request, of those that touched one of the files it changed when it
// was last read.
func released(ctx context.Context, tx *store.Tx, p *store.Pull, m *store.Memory) (string, error) {
	for _, v := range m.Revisions {
		if v.Commit != p.Head || v.Base != p.Base {
			continue
		}
		var paths []string
		for _, f := range v.Files {
			paths = append(paths, f.Path)
			if f.OldPath != "" {
				paths = append(paths, f.OldPath)
			}
		}
		return tx.ReleasedBefore(ctx, p.RepoID, p.Base, paths)
	}
	return "", nil
}
