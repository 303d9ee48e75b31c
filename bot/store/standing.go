package store

import (
	"context"
	"database/sql"
	"fmt"

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

// Unsettle has the plans verified again that a push to the paths may break: of the
// changes in effect those whose way back is to take out what they did, which it is
// worked out from what stands there. Change except made the push.
func (tx *Tx) Unsettle(ctx context.Context, repoID int64, branch string, paths []string, except int) error {
	for _, path := range paths {
		_, err := tx.exec(ctx, `UPDATE change AS c SET stale = stale + 1 WHERE form = $1 AND n <> $2 AND (org_id, n) IN
			(SELECT org_id, n FROM change_path WHERE repo_id = $3 AND branch = $4 AND path = $5) AND `+inEffect,
			rules.FormRevert, except, repoID, branch, path)
		if err != nil {
			return fmt.Errorf("note what a push to %s of repository %d touches: %w", branch, repoID, err)
		}
	}
	return nil
}

// UnsettleForm has all plans of one form verified again that are in effect on a branch.
func (tx *Tx) UnsettleForm(ctx context.Context, repoID int64, branch, form string) error {
	_, err := tx.exec(ctx, `UPDATE change AS c SET stale = stale + 1 WHERE repo_id = $1 AND branch = $2 AND form = $3 AND `+inEffect,
		repoID, branch, form)
	if err != nil {
		return fmt.Errorf("note that %s of repository %d moved: %w", branch, repoID, err)
	}
	return nil
}

// UnsettleAll has all plans verified again that are in effect on a branch which was
// rewritten.
func (tx *Tx) UnsettleAll(ctx context.Context, repoID int64, branch string) error {
	_, err := tx.exec(ctx, `UPDATE change AS c SET stale = stale + 1, forced = 1 WHERE repo_id = $1 AND branch = $2 AND `+inEffect, repoID, branch)
	if err != nil {
		return fmt.Errorf("note that %s of repository %d was rewritten: %w", branch, repoID, err)
	}
	return nil
}

// StalePlans returns the plans of a branch to be verified again, newest first, at most
// so many, and how many more there are.
func (tx *Tx) StalePlans(ctx context.Context, repoID int64, branch string, most int) (all []*StalePlan, more int, err error) {
	err = tx.each(ctx, func(rows *sql.Rows) error {
		if len(all) == most {
			more++
			return nil
		}
		var s StalePlan
		c, err := scanChange(rows, &s.asked, &s.Forced)
		s.Change = *c
		all = append(all, &s)
		return err
	}, `SELECT `+changeColumns+`, c.stale, c.forced FROM change c WHERE repo_id = $1 AND branch = $2 AND stale > 0 AND `+inEffect+`
		ORDER BY merged_at DESC, n DESC`, repoID, branch)
	if err != nil {
		return nil, 0, fmt.Errorf("read plans to be verified on %s of repository %d: %w", branch, repoID, err)
	}
	return all, more, nil
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
