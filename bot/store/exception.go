package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"changegate/rules"
)

// An Exception is an exception of a pull request, with what is kept beside it.
type Exception struct {
	rules.Exception
	OrgID  int64 // whose log numbers it
	RepoID int64
	Pull   int // number of the pull request
	// Comment and Line are where it was asked for.
	Comment int64
	Line    int
	Told    int // how many reminders were given
}

// AddException gives x the next number of its organisation and stores it. Numbers
// have no gap: one is used up by the commit alone, together with the record of what it
// numbers. What a line of a comment opened before stays as it is, and x becomes that.
func (tx *Tx) AddException(ctx context.Context, x *Exception) (fresh bool, err error) {
	if fresh, err = tx.addException(ctx, x); err != nil {
		return false, fmt.Errorf("open exception of pull request %d of repository %d: %w", x.Pull, x.RepoID, err)
	}
	return fresh, nil
}

func (tx *Tx) addException(ctx context.Context, x *Exception) (fresh bool, err error) {
	var data []byte
	found, err := tx.one(ctx, []any{&data, &x.Told}, `SELECT data, told FROM exception
		WHERE repo_id = $1 AND number = $2 AND comment = $3 AND line = $4`, x.RepoID, x.Pull, x.Comment, x.Line)
	switch {
	case err != nil:
		return false, err
	case found:
		return false, json.Unmarshal(data, &x.Exception)
	}
	if _, err := tx.one(ctx, []any{&x.Number}, `SELECT COALESCE(MAX(n), 0) + 1 FROM exception WHERE org_id = $1`, x.OrgID); err != nil {
		return false, err
	}
	if data, err = json.Marshal(x.Exception); err != nil {
		return false, err
	}
	_, err = tx.exec(ctx, `INSERT INTO exception (org_id, n, repo_id, number, comment, line, due_at, closed, told, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8)`, x.OrgID, x.Number, x.RepoID, x.Pull, x.Comment, x.Line, millis(x.Due), data)
	return err == nil, err
}

// Exceptions returns those of a pull request, by number.
func (tx *Tx) Exceptions(ctx context.Context, repoID int64, pull int) ([]Exception, error) {
	var all []Exception
	err := tx.each(ctx, func(rows *sql.Rows) error {
		x := Exception{RepoID: repoID, Pull: pull}
		var data []byte
		if err := rows.Scan(&x.OrgID, &x.Comment, &x.Line, &x.Told, &data); err != nil {
			return err
		}
		err := json.Unmarshal(data, &x.Exception)
		all = append(all, x)
		return err
	}, `SELECT org_id, comment, line, told, data FROM exception WHERE repo_id = $1 AND number = $2 ORDER BY org_id, n`, repoID, pull)
	if err != nil {
		return nil, fmt.Errorf("read exceptions of pull request %d of repository %d: %w", pull, repoID, err)
	}
	return all, nil
}

// SaveException keeps what became of an exception: its review, and how many
// reminders were given.
func (tx *Tx) SaveException(ctx context.Context, x *Exception) error {
	data, err := json.Marshal(x.Exception)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE exception SET closed = $1, told = $2, data = $3 WHERE org_id = $4 AND n = $5`,
			bit(x.Closed != nil), x.Told, data, x.OrgID, x.Number)
	}
	if err != nil {
		return fmt.Errorf("save %s of organisation %d: %w", x.ID(), x.OrgID, err)
	}
	return nil
}
