package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"changegate/checks"
)

// mostAhead is how many other pull requests are named, those first that are due first:
// each is judged again when one comes to them, which costs calls.
const mostAhead = 5

// mostAheadRows bounds the files of them that are read.
const mostAheadRows = 100

// SaveAhead keeps which governed files a pull request changes at its effective date;
// none when it waits for no date.
func (tx *Tx) SaveAhead(ctx context.Context, repoID int64, number int, at time.Time, paths []string) error {
	_, err := tx.exec(ctx, `DELETE FROM ahead WHERE repo_id = $1 AND number = $2`, repoID, number)
	for _, path := range paths {
		if err == nil {
			_, err = tx.exec(ctx, `INSERT INTO ahead (repo_id, number, path, at) VALUES ($1, $2, $3, $4)`, repoID, number, path, millis(at))
		}
	}
	if err != nil {
		return fmt.Errorf("save the effective date of pull request %d of repository %d: %w", number, repoID, err)
	}
	return nil
}

// Ahead returns the open pull requests into a branch that wait for a date after now and
// change a file that the given one, which waits too, changes.
func (tx *Tx) Ahead(ctx context.Context, repoID int64, number int, base string, now time.Time) (all []checks.Scheduled, err error) {
	err = tx.each(ctx, func(rows *sql.Rows) error {
		var s checks.Scheduled
		var at int64
		var path string
		if err := rows.Scan(&s.Number, &at, &path); err != nil {
			return err
		}
		switch last := len(all) - 1; {
		case last >= 0 && all[last].Number == s.Number:
			all[last].Paths = append(all[last].Paths, path)
		case len(all) < mostAhead:
			s.At, s.Paths = instant(at), []string{path}
			all = append(all, s)
		}
		return nil
	}, // CROSS JOIN keeps SQLite from beginning with all open pull requests of the branch.
		`SELECT o.number, o.at, o.path FROM ahead m CROSS JOIN ahead o CROSS JOIN pull p
		WHERE m.repo_id = $1 AND m.number = $2 AND o.repo_id = m.repo_id AND o.path = m.path AND o.number <> m.number
		AND p.repo_id = o.repo_id AND p.number = o.number AND p.state = 'open' AND p.base = $3 AND o.at > $4
		ORDER BY o.at, o.number, o.path LIMIT $5`, repoID, number, base, millis(now), mostAheadRows)
	if err != nil {
		return nil, fmt.Errorf("read who is scheduled beside pull request %d of repository %d: %w", number, repoID, err)
	}
	return all, nil
}
