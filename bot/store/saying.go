package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Saying is something that has still to be said on a pull request. It is stored
// with what it answers and deleted when it was sent, so that a crash in between
// neither loses an answer nor carries a command out twice.
type Saying struct {
	// Mark is unique on the pull request. A comment has it in it, hidden, so that one
	// that was sent is known from one that was not.
	Mark string
	// Reaction is the reaction's name, given to Comment; empty for a comment that
	// says Body.
	Reaction string
	Comment  int64
	Body     string
	Since    time.Time
}

// kindComment stands in the column kind for a saying that is no reaction.
const kindComment = "comment"

// AddSaying puts v at the end of what is to be said. One whose mark waits already is
// not added again.
func (tx *Tx) AddSaying(ctx context.Context, repoID int64, number int, v Saying) error {
	kind := v.Reaction
	if kind == "" {
		kind = kindComment
	}
	_, err := tx.exec(ctx, `INSERT INTO saying (repo_id, number, mark, seq, kind, comment, body, since)
		VALUES ($1, $2, $3, (SELECT COALESCE(MAX(seq), 0) + 1 FROM saying WHERE repo_id = $1 AND number = $2), $4, $5, $6, $7)
		ON CONFLICT (repo_id, number, mark) DO NOTHING`,
		repoID, number, v.Mark, kind, v.Comment, v.Body, millis(v.Since))
	if err != nil {
		return fmt.Errorf("keep what to say on pull request %d of repository %d: %w", number, repoID, err)
	}
	return nil
}

// Sayings returns what is to be said on a pull request, in order.
func (tx *Tx) Sayings(ctx context.Context, repoID int64, number int) ([]Saying, error) {
	var all []Saying
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var v Saying
		var since int64
		err := rows.Scan(&v.Mark, &v.Reaction, &v.Comment, &v.Body, &since)
		if v.Since = instant(since); v.Reaction == kindComment {
			v.Reaction = ""
		}
		all = append(all, v)
		return err
	}, `SELECT mark, kind, comment, body, since FROM saying WHERE repo_id = $1 AND number = $2 ORDER BY seq`, repoID, number)
	if err != nil {
		return nil, fmt.Errorf("read what to say on pull request %d of repository %d: %w", number, repoID, err)
	}
	return all, nil
}

// DropSaying forgets what was said, or will not be.
func (tx *Tx) DropSaying(ctx context.Context, repoID int64, number int, mark string) error {
	if _, err := tx.exec(ctx, `DELETE FROM saying WHERE repo_id = $1 AND number = $2 AND mark = $3`, repoID, number, mark); err != nil {
		return fmt.Errorf("forget what was said on pull request %d of repository %d: %w", number, repoID, err)
	}
	return nil
}
