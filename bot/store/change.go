package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/rules"
)

// A Change is a pull request that reached a governed branch and changed governed files
// there: a member of the population, with the way back as it was approved.
type Change struct {
	OrgID     int64 // whose log numbers it
	Number    int   // of CHG-n
	RepoID    int64
	Branch    string
	Pull      int    // number of the pull request
	Merge     string // commit that the merge left on the branch
	MergedAt  time.Time
	Explained bool     // it came through the gate
	Paths     []string // governed files that it changed; only AddChange reads it
	Overtaken bool     // the branch moved on before it was recorded; only AddChange reads it
	// Plan is nil when no way back was verified.
	Plan *rules.Plan
	PlanStanding
	Undoes int // the change that this one rolled back, 0 for none
	// UndoneBy is the change that rolled this one back, 0 when none did or when that was
	// itself rolled back.
	UndoneBy int
}

// ID is the change's number as people write it.
func (c *Change) ID() string { return rules.ChangeID(c.Number) }

// A PlanStanding is whether a plan would still work, as last found.
type PlanStanding struct {
	State string // evidence.PlanVerified or PlanBroken; empty while that is not known
	Code  string // of what is to be said of it; empty for nothing
	Says  string
	Tip   string // of the branch, against which that was found
}

// AddChange gives c the next number of its organisation and stores it. Numbers have no
// gap: one is used up by the commit alone, together with the record of the merge. A pull
// request that has a number keeps it, and c becomes what is stored.
func (tx *Tx) AddChange(ctx context.Context, c *Change) (fresh bool, err error) {
	if fresh, err = tx.addChange(ctx, c); err != nil {
		return false, fmt.Errorf("number the merge of pull request %d of repository %d: %w", c.Pull, c.RepoID, err)
	}
	return fresh, nil
}

func (tx *Tx) addChange(ctx context.Context, c *Change) (fresh bool, err error) {
	switch was, err := tx.ChangeOfPull(ctx, c.RepoID, c.Pull); {
	case err != nil:
		return false, err
	case was != nil:
		*c = *was
		return false, nil
	}
	if _, err := tx.one(ctx, []any{&c.Number}, `SELECT COALESCE(MAX(n), 0) + 1 FROM change WHERE org_id = $1`, c.OrgID); err != nil {
		return false, err
	}
	var plan []byte
	form, paths := "", ""
	if c.Plan != nil {
		c.Plan.Change = c.Number
		form, paths = formOf(c.Plan), pathsDigest(c.Plan.Paths())
		if plan, err = json.Marshal(c.Plan); err != nil {
			return false, err
		}
	}
	_, err = tx.exec(ctx, `INSERT INTO change (org_id, n, repo_id, branch, number, merge_commit, merged_at, explained, plan, form, paths,
		plan_state, plan_code, plan_says, plan_tip, stale, forced, undoes, undone_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0, 0, $16, 0)`,
		c.OrgID, c.Number, c.RepoID, c.Branch, c.Pull, c.Merge, millis(c.MergedAt), bit(c.Explained), append([]byte{}, plan...), form, paths,
		c.State, c.Code, c.Says, c.Tip, c.Undoes)
	if err == nil {
		err = tx.undo(ctx, c)
	}
	if err != nil {
		return false, err
	}
	overtaken, err := tx.addPaths(ctx, c)
	// What was verified before the merge holds for what the merge found there.
	if err == nil && c.Plan != nil && (c.State == "" || overtaken || c.Overtaken) {
		_, err = tx.exec(ctx, `UPDATE change SET stale = 1, forced = $1 WHERE org_id = $2 AND n = $3`, bit(c.Overtaken), c.OrgID, c.Number)
	}
	return err == nil, err
}

// undo notes which change c rolled back. If that was a rollback, what it had rolled back
// is so no more.
func (tx *Tx) undo(ctx context.Context, c *Change) error {
	if c.Undoes == 0 {
		return nil
	}
	_, err := tx.exec(ctx, `UPDATE change SET undone_by = $1 WHERE org_id = $2 AND n = $3`, c.Number, c.OrgID, c.Undoes)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE change SET undone_by = 0 WHERE org_id = $1 AND undone_by = $2`, c.OrgID, c.Undoes)
	}
	return err
}

// formOf is the form of a plan as far as it decides when it is verified again: a path at
// a tag is a tag.
func formOf(p *rules.Plan) string {
	if p.Tag() != "" {
		return rules.FormTag
	}
	return p.Form
}

// addPaths notes what c changed, and reports whether a change merged after it, and
// recorded before, changed some of that again.
func (tx *Tx) addPaths(ctx context.Context, c *Change) (overtaken bool, err error) {
	for _, path := range slices.Compact(slices.Sorted(slices.Values(c.Paths))) {
		_, err := tx.exec(ctx, `INSERT INTO change_path (org_id, n, path, repo_id, branch, merged_at, explained, in_effect)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`, c.OrgID, c.Number, path, c.RepoID, c.Branch, millis(c.MergedAt), bit(c.Explained))
		if err != nil {
			return false, err
		}
		newest, err := tx.settlePath(ctx, c, path)
		if err != nil {
			return false, err
		}
		overtaken = overtaken || !newest
	}
	return overtaken, nil
}

// pathsDigest identifies a set of paths. A path of git has no NUL in it.
func pathsDigest(paths []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(paths)))
	sum := sha256.Sum256([]byte(strings.Join(sorted, "\x00")))
	return hex.EncodeToString(sum[:])
}

// changeColumns are in the order of scanChange.
const changeColumns = `c.org_id, c.n, c.repo_id, c.branch, c.number, c.merge_commit, c.merged_at, c.explained, c.plan,
	c.plan_state, c.plan_code, c.plan_says, c.plan_tip, c.undoes, c.undone_by`

func scanChange(rows *sql.Rows, more ...any) (*Change, error) {
	var c Change
	var at int64
	var plan []byte
	err := rows.Scan(append([]any{&c.OrgID, &c.Number, &c.RepoID, &c.Branch, &c.Pull, &c.Merge, &at, &c.Explained, &plan,
		&c.State, &c.Code, &c.Says, &c.Tip, &c.Undoes, &c.UndoneBy}, more...)...)
	c.MergedAt = instant(at)
	if err == nil && len(plan) > 0 {
		err = json.Unmarshal(plan, &c.Plan)
	}
	return &c, err
}

func (tx *Tx) changes(ctx context.Context, where string, args ...any) (all []*Change, err error) {
	err = tx.each(ctx, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		all = append(all, c)
		return err
	}, `SELECT `+changeColumns+` FROM change c WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Change returns CHG-n of an organisation, nil when there is none.
func (tx *Tx) Change(ctx context.Context, orgID int64, n int) (*Change, error) {
	all, err := tx.changes(ctx, "org_id = $1 AND n = $2", orgID, n)
	if err != nil {
		return nil, fmt.Errorf("read %s of organisation %d: %w", rules.ChangeID(n), orgID, err)
	}
	return first(all), nil
}

// ChangeOfPull returns the change that a pull request became, nil when it became none.
func (tx *Tx) ChangeOfPull(ctx context.Context, repoID int64, number int) (*Change, error) {
	all, err := tx.changes(ctx, "repo_id = $1 AND number = $2", repoID, number)
	if err != nil {
		return nil, fmt.Errorf("read change of pull request %d of repository %d: %w", number, repoID, err)
	}
	return first(all), nil
}

func first(all []*Change) *Change {
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// mostUndone bounds the changes that one pull request may be the rollback of.
const mostUndone = 20

// ChangesOf returns the newest changes of a branch whose plan restores exactly these
// paths, newest first: those that a pull request of these paths may be the rollback of.
func (tx *Tx) ChangesOf(ctx context.Context, repoID int64, branch string, paths []string) ([]*Change, error) {
	all, err := tx.changes(ctx, "repo_id = $1 AND branch = $2 AND paths = $3 AND form <> '' ORDER BY merged_at DESC, n DESC LIMIT $4",
		repoID, branch, pathsDigest(paths), mostUndone)
	if err != nil {
		return nil, fmt.Errorf("read changes of %d paths of %s of repository %d: %w", len(paths), branch, repoID, err)
	}
	return all, nil
}

// ReleasedBefore returns the commit that the newest change left on a branch which came
// through the gate and changed one of the paths; empty when there is none.
func (tx *Tx) ReleasedBefore(ctx context.Context, repoID int64, branch string, paths []string) (commit string, err error) {
	type release struct {
		at     int64
		n      int
		commit string
	}
	var newest release
	for _, path := range paths {
		var r release
		_, err := tx.one(ctx, []any{&r.at, &r.n, &r.commit}, `SELECT p.merged_at, p.n, c.merge_commit FROM change_path p
			CROSS JOIN change c WHERE p.repo_id = $1 AND p.branch = $2 AND p.path = $3 AND p.explained = 1
			AND c.org_id = p.org_id AND c.n = p.n ORDER BY p.merged_at DESC, p.n DESC LIMIT 1`, repoID, branch, path)
		if err != nil {
			return "", fmt.Errorf("read the last release on %s of repository %d: %w", branch, repoID, err)
		}
		if cmp.Or(cmp.Compare(newest.at, r.at), cmp.Compare(newest.n, r.n)) < 0 {
			newest = r
		}
	}
	return newest.commit, nil
}
