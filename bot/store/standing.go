package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"changegate/rules"
)

// A StalePlan is a change in effect whose plan is to be verified again.
type StalePlan struct {
	Change
	Forced bool  // because the branch was rewritten
	asked  int64 // how often, so that what is asked while it is verified is not lost
}

// inEffect selects the changes that are in effect at a path and have a way back.
const inEffect = `form <> '' AND EXISTS (SELECT 1 FROM change_path p
	WHERE p.org_id = c.org_id AND p.n = c.n AND p.in_effect = 1)`

// Unsettle has the plans verified again that a push to the paths may have broken: of the
// changes in effect that touched one of them. Change except of organisation orgID made
// the push.
func (tx *Tx) Unsettle(ctx context.Context, repoID int64, branch string, paths []string, orgID int64, except int) error {
	for _, path := range paths {
		_, err := tx.exec(ctx, `UPDATE change AS c SET stale = stale + 1 WHERE (org_id <> $1 OR n <> $2) AND (org_id, n) IN
			(SELECT org_id, n FROM change_path WHERE repo_id = $3 AND branch = $4 AND path = $5) AND `+inEffect,
			orgID, except, repoID, branch, path)
		if err != nil {
			return fmt.Errorf("note what a push to %s of repository %d touches: %w", branch, repoID, err)
		}
	}
	return nil
}

// UnsettleAll has all plans of a branch verified again, once they are in effect: what was
// pushed is not all known. forced is set where the branch was rewritten.
func (tx *Tx) UnsettleAll(ctx context.Context, repoID int64, branch string, forced bool) error {
	_, err := tx.exec(ctx, `UPDATE change AS c SET stale = stale + 1, forced = CASE WHEN $1 = 1 THEN 1 ELSE forced END
		WHERE repo_id = $2 AND branch = $3 AND form <> ''`, bit(forced), repoID, branch)
	if err != nil {
		return fmt.Errorf("note that %s of repository %d moved: %w", branch, repoID, err)
	}
	return nil
}

// UnsettleOutside has the plans verified again whose commit was not in the history of a
// branch, and may be in it again: of all such plans, or of those at one of the commits.
func (tx *Tx) UnsettleOutside(ctx context.Context, repoID int64, branch string, all bool, commits []string) error {
	outside, err := tx.changes(ctx, "repo_id = $1 AND branch = $2 AND plan_code = $3 AND "+inEffect, repoID, branch, rules.CodeOutsideBase)
	for _, c := range outside {
		if err != nil {
			break
		}
		if all || slices.Contains(commits, c.Plan.Commit) {
			_, err = tx.exec(ctx, `UPDATE change SET stale = stale + 1 WHERE org_id = $1 AND n = $2`, c.OrgID, c.Number)
		}
	}
	if err != nil {
		return fmt.Errorf("note what came back into the history of %s of repository %d: %w", branch, repoID, err)
	}
	return nil
}

// SomePlan reports whether a change in effect on a branch has a way back.
func (tx *Tx) SomePlan(ctx context.Context, repoID int64, branch string) (some bool, err error) {
	n := 0
	if some, err = tx.one(ctx, []any{&n}, `SELECT 1 FROM change c WHERE repo_id = $1 AND branch = $2 AND `+inEffect+` LIMIT 1`, repoID, branch); err != nil {
		return false, fmt.Errorf("look for a plan on %s of repository %d: %w", branch, repoID, err)
	}
	return some, nil
}

// StalePlans returns the plans of a branch to be verified again, newest first, at most
// so many, and how many more there are. Those of an organisation that the repository has
// left are not its business any more.
func (tx *Tx) StalePlans(ctx context.Context, orgID, repoID int64, branch string, most int) (all []*StalePlan, more int, err error) {
	err = tx.each(ctx, func(rows *sql.Rows) error {
		if len(all) == most {
			more++
			return nil
		}
		s, err := scanStale(rows)
		all = append(all, s)
		return err
	}, staleColumns+` stale > 0 AND `+inEffect+` ORDER BY merged_at DESC, n DESC`, orgID, repoID, branch)
	if err != nil {
		return nil, 0, fmt.Errorf("read plans to be verified on %s of repository %d: %w", branch, repoID, err)
	}
	return all, more, nil
}

// TaggedPlans returns the plans of a branch that name a tag and are in this state, newest
// first. Whoever may push may move a tag at any time.
func (tx *Tx) TaggedPlans(ctx context.Context, orgID, repoID int64, branch, state string) (all []*StalePlan, err error) {
	err = tx.each(ctx, func(rows *sql.Rows) error {
		s, err := scanStale(rows)
		all = append(all, s)
		return err
	}, staleColumns+` form = $4 AND plan_state = $5 AND `+inEffect+` ORDER BY merged_at DESC, n DESC`,
		orgID, repoID, branch, rules.FormTag, state)
	if err != nil {
		return nil, fmt.Errorf("read plans at a tag on %s of repository %d: %w", branch, repoID, err)
	}
	return all, nil
}

// staleColumns select what scanStale reads.
const staleColumns = `SELECT ` + changeColumns + `, c.stale, c.forced FROM change c WHERE org_id = $1 AND repo_id = $2 AND branch = $3 AND`

func scanStale(rows *sql.Rows) (*StalePlan, error) {
	var s StalePlan
	c, err := scanChange(rows, &s.asked, &s.Forced)
	s.Change = *c
	return &s, err
}

// SaveStanding keeps how a plan stands that was verified again. It stays to be verified
// when that was asked for once more meanwhile.
func (tx *Tx) SaveStanding(ctx context.Context, s *StalePlan) error {
	_, err := tx.exec(ctx, `UPDATE change SET plan_state = $1, plan_code = $2, plan_says = $3, plan_tip = $4,
		forced = CASE WHEN stale = $5 THEN 0 ELSE forced END, stale = CASE WHEN stale = $5 THEN 0 ELSE stale END
		WHERE org_id = $6 AND n = $7`, s.State, s.Code, s.Says, s.Tip, s.asked, s.OrgID, s.Number)
	if err != nil {
		return fmt.Errorf("save how the plan of %s of organisation %d stands: %w", s.ID(), s.OrgID, err)
	}
	return nil
}
