package store

import (
	"context"
	"fmt"
	"time"

	"changegate/rules"
)

// AskRollback notes that a comment asked for the rollback of CHG-n of an organisation.
// The same comment asks once.
func (tx *Tx) AskRollback(ctx context.Context, orgID int64, n int, comment int64, at time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO rollback_asked (org_id, n, comment, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org_id, n, comment) DO NOTHING`, orgID, n, comment, millis(at))
	if err != nil {
		return fmt.Errorf("note that the rollback of %s of organisation %d was asked for: %w", rules.ChangeID(n), orgID, err)
	}
	return nil
}

// RollbackAsked returns when the rollback of CHG-n was first asked for between two
// instants, both included; zero when it was not.
func (tx *Tx) RollbackAsked(ctx context.Context, orgID int64, n int, from, to time.Time) (time.Time, error) {
	var at int64
	_, err := tx.one(ctx, []any{&at}, `SELECT COALESCE(MIN(at), 0) FROM rollback_asked WHERE org_id = $1 AND n = $2 AND at BETWEEN $3 AND $4`,
		orgID, n, millis(from), millis(to))
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the rollback of %s of organisation %d was asked for: %w", rules.ChangeID(n), orgID, err)
	}
	return instant(at), nil
}

// mostOfPath bounds the changes of one path that are read at once.
const mostOfPath = 50

// ChangesOfPath returns the newest changes of a path of a branch, newest first, and
// whether there are more.
func (tx *Tx) ChangesOfPath(ctx context.Context, repoID int64, branch, path string) (all []*Change, more bool, err error) {
	all, err = tx.changes(ctx, `(org_id, n) IN (SELECT org_id, n FROM change_path WHERE repo_id = $1 AND branch = $2 AND path = $3)
		ORDER BY merged_at DESC, n DESC LIMIT $4`, repoID, branch, path, mostOfPath+1)
	if err != nil {
		return nil, false, fmt.Errorf("read changes of a path of %s of repository %d: %w", branch, repoID, err)
	}
	if more = len(all) > mostOfPath; more {
		all = all[:mostOfPath]
	}
	return all, more, nil
}
