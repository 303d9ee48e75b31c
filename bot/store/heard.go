package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// How long what was heard is kept. A redelivery comes within days (GitHub offers
// it for three); a pull request that is older than a year has its pushers asked
// again, and stays without approval if GitHub has forgotten them.
const (
	deliveryKept = 30 * 24 * time.Hour
	heardKept    = 400 * 24 * time.Hour
)

// Hear keeps pushes, each once however often it is told. One that is told both as
// forced and as not is not: a webhook that cannot say takes the worse for granted. One
// that was made again, to there and back, is as late as the last time.
// A push by nobody in particular, or without an end, is not kept.
func (tx *Tx) Hear(ctx context.Context, pushes []checks.Heard, at time.Time) error {
	for _, p := range pushes {
		if p.RepoID == 0 || p.By.ID == 0 || strings.Trim(p.After, "0") == "" {
			continue
		}
		_, err := tx.exec(ctx, `INSERT INTO heard (repo_id, branch, number, before_id, after_id, by_id, by_login, by_bot, forced, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (repo_id, branch, number, before_id, after_id, by_id) DO UPDATE SET
				forced = CASE WHEN excluded.forced < heard.forced THEN excluded.forced ELSE heard.forced END,
				at = CASE WHEN excluded.at > heard.at THEN excluded.at ELSE heard.at END`,
			p.RepoID, p.Branch, p.Number, p.Before, p.After, p.By.ID, p.By.Login, bit(p.By.Bot), bit(p.Forced), millis(at))
		if err != nil {
			return fmt.Errorf("keep push to %s of repository %d: %w", p.Branch, p.RepoID, err)
		}
	}
	return nil
}

// Heard returns the pushes to a branch of a repository and those known by the
// number of a pull request, in the order of their time. Without a branch, as for a
// pull request from a fork, it is the latter alone. A push to the branch itself
// says more than the same told by number, which is left out then.
func (tx *Tx) Heard(ctx context.Context, repoID int64, branch string, number int) ([]rules.Push, error) {
	type ends struct{ before, after string }
	var all []rules.Push
	byBranch, numbered := map[ends]bool{}, map[int]bool{}
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var p rules.Push
		var pull int
		var bot, forced int64
		err := rows.Scan(&pull, &p.Before, &p.After, &p.By.ID, &p.By.Login, &bot, &forced)
		p.By.Bot, p.Forced = bot == 1, forced == 1
		if pull == 0 {
			byBranch[ends{p.Before, p.After}] = true
		}
		numbered[len(all)] = pull != 0
		all = append(all, p)
		return err
	}, `SELECT number, before_id, after_id, by_id, by_login, by_bot, forced FROM heard WHERE repo_id = $1
		AND (branch = $2 AND number = 0 AND branch <> '' OR branch = '' AND number = $3 AND number > 0)
		ORDER BY at, before_id, after_id, by_id`, repoID, branch, number)
	if err != nil {
		return nil, fmt.Errorf("read pushes to %s of repository %d: %w", branch, repoID, err)
	}
	var out []rules.Push
	for i, p := range all {
		if !numbered[i] || !byBranch[ends{p.Before, p.After}] {
			out = append(out, p)
		}
	}
	return out, nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Prune forgets deliveries, pushes and merge groups that are too old to matter.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	err := s.Write(ctx, func(tx *Tx) error {
		if _, err := tx.exec(ctx, `DELETE FROM delivery WHERE received_at < $1`, millis(now.Add(-deliveryKept))); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM heard WHERE at < $1`, millis(now.Add(-heardKept))); err != nil {
			return err
		}
		return tx.pruneGroups(ctx, now)
	})
	if err != nil {
		return fmt.Errorf("forget what is old: %w", err)
	}
	return nil
}

// HeardAt is when the newest push was heard of that made a commit the head of a
// branch, or of a pull request by number; zero if none was.
func (tx *Tx) HeardAt(ctx context.Context, repoID int64, branch string, number int, commit string) (time.Time, error) {
	var at int64
	_, err := tx.one(ctx, []any{&at}, `SELECT COALESCE(MAX(at), 0) FROM heard WHERE repo_id = $1 AND after_id = $2
		AND (branch = $3 AND number = 0 AND branch <> '' OR branch = '' AND number = $4 AND number > 0)`, repoID, commit, branch, number)
	if err != nil {
		return time.Time{}, fmt.Errorf("read when %s of repository %d was pushed: %w", commit, repoID, err)
	}
	return instant(at), nil
}
