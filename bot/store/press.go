package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// A Press is a button of a check run that somebody pressed and nobody has answered.
type Press struct {
	Button string
	By     rules.Person
	At     time.Time
}

// press keeps a button pressed on a check run for every open pull request that the
// run speaks for. A payload says nothing of the pull request that can be trusted but
// the commit: it is looked up here.
func (tx *Tx) press(ctx context.Context, w checks.Wake, at time.Time) error {
	_, err := tx.exec(ctx, `INSERT INTO press (repo_id, number, button, by_id, by_login, by_bot, at)
		SELECT repo_id, number, CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT)
		FROM pull WHERE state = 'open' AND repo_id = $6 AND head = $7
		ON CONFLICT (repo_id, number, button) DO UPDATE SET
			by_id = excluded.by_id, by_login = excluded.by_login, by_bot = excluded.by_bot, at = excluded.at`,
		w.Press, w.By.ID, w.By.Login, bit(w.By.Bot), millis(at), w.RepoID, w.Head)
	if err != nil {
		return fmt.Errorf("keep button pressed on %s: %w", w.Repo, err)
	}
	return nil
}

// Presses returns the buttons pressed on a pull request, by name: of each whoever
// pressed it last.
func (tx *Tx) Presses(ctx context.Context, repoID int64, number int) ([]Press, error) {
	var all []Press
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var p Press
		var bot, at int64
		err := rows.Scan(&p.Button, &p.By.ID, &p.By.Login, &bot, &at)
		p.By.Bot, p.At = bot == 1, instant(at)
		all = append(all, p)
		return err
	}, `SELECT button, by_id, by_login, by_bot, at FROM press WHERE repo_id = $1 AND number = $2 ORDER BY button`, repoID, number)
	if err != nil {
		return nil, fmt.Errorf("read buttons pressed on pull request %d of repository %d: %w", number, repoID, err)
	}
	return all, nil
}

// DropPress forgets a press that was answered. One that came since stays.
func (tx *Tx) DropPress(ctx context.Context, repoID int64, number int, p Press) error {
	_, err := tx.exec(ctx, `DELETE FROM press WHERE repo_id = $1 AND number = $2 AND button = $3 AND by_id = $4 AND at = $5`,
		repoID, number, p.Button, p.By.ID, millis(p.At))
	if err != nil {
		return fmt.Errorf("forget button pressed on pull request %d of repository %d: %w", number, repoID, err)
	}
	return nil
}
