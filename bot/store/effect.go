package store

import (
	"context"
	"database/sql"
	"fmt"
)

// mostSteps bounds how far back a path is followed: what lies before that is taken to be
// in effect no more.
const mostSteps = 200

// A step is a change of one path.
type step struct {
	org    int64
	n      int
	undoes int // the change of the same organisation that it rolled back, 0 for none
}

// effective returns which changes of a path are in effect, of those that were made there,
// newest first: the newest; and where that rolled another back, what was in effect before
// that one, too, because it is there again.
func effective(all []step) (in []step) {
	for i := 0; i < len(all); {
		in = append(in, all[i])
		undone := all[i].undoes
		if undone == 0 {
			break
		}
		org := all[i].org
		for i++; i < len(all) && (all[i].org != org || all[i].n != undone); i++ {
		}
		i++ // to what came before the one that was rolled back
	}
	return in
}

// settlePath works out what is in effect at a path, and reports whether change c is the
// newest there: merges are not recorded in the order in which they were made.
func (tx *Tx) settlePath(ctx context.Context, c *Change, path string) (newest bool, err error) {
	var all []step
	err = tx.each(ctx, func(rows *sql.Rows) error {
		var s step
		err := rows.Scan(&s.org, &s.n, &s.undoes)
		all = append(all, s)
		return err
	}, `SELECT p.org_id, p.n, c.undoes FROM change_path p CROSS JOIN change c WHERE p.repo_id = $1 AND p.branch = $2 AND p.path = $3
		AND c.org_id = p.org_id AND c.n = p.n ORDER BY p.merged_at DESC, p.n DESC LIMIT $4`, c.RepoID, c.Branch, path, mostSteps)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE change_path SET in_effect = 0 WHERE repo_id = $1 AND branch = $2 AND path = $3 AND in_effect = 1`, c.RepoID, c.Branch, path)
	}
	for _, s := range effective(all) {
		if err == nil {
			_, err = tx.exec(ctx, `UPDATE change_path SET in_effect = 1 WHERE org_id = $1 AND n = $2 AND path = $3`, s.org, s.n, path)
		}
	}
	return len(all) > 0 && all[0].org == c.OrgID && all[0].n == c.Number, err
}

// InEffect reports whether a change is in effect at every path that it changed.
func (tx *Tx) InEffect(ctx context.Context, c *Change) (bool, error) {
	var paths, in int
	_, err := tx.one(ctx, []any{&paths, &in}, `SELECT COUNT(*), COALESCE(SUM(in_effect), 0) FROM change_path WHERE org_id = $1 AND n = $2`, c.OrgID, c.Number)
	if err != nil {
		return false, fmt.Errorf("read whether %s of organisation %d is in effect: %w", c.ID(), c.OrgID, err)
	}
	return paths > 0 && paths == in, nil
}
