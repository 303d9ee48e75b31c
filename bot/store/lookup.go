package store

import (
	"context"
	"database/sql"
	"fmt"
)

// PullNamed returns what is known of a pull request by its repository's name, in
// any case, or nil if nothing is. Of two repositories that had one name the one
// with the newer number is meant.
func (tx *Tx) PullNamed(ctx context.Context, repo string, number int) (*Pull, error) {
	all, err := tx.pulls(ctx, "LOWER(repo) = LOWER($1) AND number = $2", repo, number)
	if err != nil {
		return nil, fmt.Errorf("read %.100s#%d: %w", repo, number, err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all[len(all)-1], nil
}

// Tips returns the branches of a repository that have been walked.
func (tx *Tx) Tips(ctx context.Context, repoID int64) ([]string, error) {
	all, err := tx.words(ctx, `SELECT branch FROM tip WHERE repo_id = $1 ORDER BY branch`, repoID)
	if err != nil {
		return nil, fmt.Errorf("read walked branches of repository %d: %w", repoID, err)
	}
	return all, nil
}

// Bases returns the branches of a repository into which judged pull requests are open.
func (tx *Tx) Bases(ctx context.Context, repoID int64) ([]string, error) {
	all, err := tx.words(ctx, `SELECT DISTINCT base FROM pull WHERE repo_id = $1 AND state = 'open' AND verdict_state <> '' ORDER BY base`, repoID)
	if err != nil {
		return nil, fmt.Errorf("read the bases of pull requests of repository %d: %w", repoID, err)
	}
	return all, nil
}

// Logs returns the names of the evidence logs: the organisations' numbers.
func (tx *Tx) Logs(ctx context.Context) ([]string, error) {
	all, err := tx.words(ctx, `SELECT log FROM head ORDER BY log`)
	if err != nil {
		return nil, fmt.Errorf("read names of logs: %w", err)
	}
	return all, nil
}

// OrgNamed returns the number of an organisation by its login, in any case; 0 if
// no pull request of it is known.
func (tx *Tx) OrgNamed(ctx context.Context, login string) (id int64, err error) {
	_, err = tx.one(ctx, []any{&id}, `SELECT org_id FROM pull WHERE LOWER(org) = LOWER($1) ORDER BY org_id DESC LIMIT 1`, login)
	if err != nil {
		return 0, fmt.Errorf("read number of organisation %.100s: %w", login, err)
	}
	return id, nil
}

func (tx *Tx) words(ctx context.Context, query string, args ...any) ([]string, error) {
	var all []string
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var word string
		err := rows.Scan(&word)
		all = append(all, word)
		return err
	}, query, args...)
	return all, err
}
