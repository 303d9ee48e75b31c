package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Sighting is a change request coming into force, so that a review can be tied
// to the one its author read and a date cannot be backdated unseen.
type Sighting struct {
	Digest   string    // of the change request
	Since    time.Time // when it was first seen
	EditedAt time.Time // when GitHub says its text was written; zero if it does not
}

// Sightings returns the change requests of a pull request in the order in which
// they were added; the last is in force.
func (tx *Tx) Sightings(ctx context.Context, repoID int64, number int) ([]Sighting, error) {
	var all []Sighting
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var v Sighting
		var since, edited int64
		err := rows.Scan(&v.Digest, &since, &edited)
		v.Since, v.EditedAt = instant(since), instant(edited)
		all = append(all, v)
		return err
	}, `SELECT digest, since, edited_at FROM sighting WHERE repo_id = $1 AND number = $2 ORDER BY seq`, repoID, number)
	if err != nil {
		return nil, fmt.Errorf("read change requests of pull request %d of repository %d: %w", number, repoID, err)
	}
	return all, nil
}

// AddSighting adds v as the change request now in force.
func (tx *Tx) AddSighting(ctx context.Context, repoID int64, number int, v Sighting) error {
	_, err := tx.exec(ctx, `INSERT INTO sighting (repo_id, number, seq, digest, since, edited_at)
		VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM sighting WHERE repo_id = $1 AND number = $2), $3, $4, $5)`,
		repoID, number, v.Digest, millis(v.Since), millis(v.EditedAt))
	if err != nil {
		return fmt.Errorf("add change request of pull request %d of repository %d: %w", number, repoID, err)
	}
	return nil
}

// Tip returns the commit up to which a governed branch has been walked, or an
// empty string if it never was.
func (tx *Tx) Tip(ctx context.Context, repoID int64, branch string) (commit string, err error) {
	_, err = tx.one(ctx, []any{&commit}, `SELECT commit_id FROM tip WHERE repo_id = $1 AND branch = $2`, repoID, branch)
	if err != nil {
		return "", fmt.Errorf("read tip of %s of repository %d: %w", branch, repoID, err)
	}
	return commit, nil
}

// SetTip stores how far a governed branch has been walked. From then on every walk
// of it begins where the last one ended.
func (tx *Tx) SetTip(ctx context.Context, repoID int64, branch, commit string) error {
	_, err := tx.exec(ctx, `INSERT INTO tip (repo_id, branch, commit_id, swept) VALUES ($1, $2, $3, 1)
		ON CONFLICT (repo_id, branch) DO UPDATE SET commit_id = excluded.commit_id, swept = 1`, repoID, branch, commit)
	if err != nil {
		return fmt.Errorf("set tip of %s of repository %d: %w", branch, repoID, err)
	}
	return nil
}

// Swept reports whether a walk of the branch has ended at its tip, and has not
// only been told where to begin.
func (tx *Tx) Swept(ctx context.Context, repoID int64, branch string) (swept bool, err error) {
	var n int64
	_, err = tx.one(ctx, []any{&n}, `SELECT swept FROM tip WHERE repo_id = $1 AND branch = $2`, repoID, branch)
	if err != nil {
		return false, fmt.Errorf("read whether %s of repository %d was walked: %w", branch, repoID, err)
	}
	return n == 1, nil
}

// DropTip forgets where the walk of a branch would begin, unless one has ended
// there: walks that are on record have no gap between them.
func (tx *Tx) DropTip(ctx context.Context, repoID int64, branch string) error {
	if _, err := tx.exec(ctx, `DELETE FROM tip WHERE repo_id = $1 AND branch = $2 AND swept = 0`, repoID, branch); err != nil {
		return fmt.Errorf("forget tip of %s of repository %d: %w", branch, repoID, err)
	}
	return nil
}
