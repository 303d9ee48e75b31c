package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// A Memory is what one reading of a pull request tells the next.
type Memory struct {
	checks.Known
	// Reviewed is, by review, the digest of the change request that was in force
	// when the review was first seen.
	Reviewed map[int64]string `json:"reviewed,omitempty"`
	// Tagged are the commits that tags named by rollback.to were on when they were first
	// read there, by rollback.to as it was written.
	Tagged map[string]string `json:"tagged,omitempty"`
	// EditedAt is when the description had been edited last at the last reading.
	EditedAt time.Time `json:"edited_at,omitzero"`
	// Holds are those in force, which pushes do not lift.
	Holds []rules.Hold `json:"holds,omitempty"`
	// Looked is when the last reading began. Arrived is when the head was first found
	// where no push since then had told of it; zero if one had.
	Looked  time.Time `json:"looked,omitzero"`
	Arrived time.Time `json:"arrived,omitzero"`
	// Rechecked is when `/change recheck` was last obeyed.
	Rechecked time.Time `json:"rechecked,omitzero"`
	// Requires are the names of the checks that the policy asks for.
	Requires []string `json:"requires,omitempty"`
	// Green names the head and base whose verdict was recorded as green last.
	Green string `json:"green,omitempty"`
	// Asked is the head for which GitHub's list of activity did not name every
	// pusher, and when it was asked.
	Asked Asked `json:"asked,omitzero"`
}

// Asked is a question that had no answer.
type Asked struct {
	Head string    `json:"head"`
	At   time.Time `json:"at"`
}

// Memory returns what is remembered of a pull request; the zero Memory if nothing.
func (tx *Tx) Memory(ctx context.Context, repoID int64, number int) (Memory, error) {
	var m Memory
	var known, roles []byte
	_, err := tx.one(ctx, []any{&known, &roles}, `SELECT known, roles FROM pull WHERE repo_id = $1 AND number = $2`, repoID, number)
	if err == nil && known != nil {
		err = json.Unmarshal(known, &m)
	}
	if err == nil && roles != nil {
		err = json.Unmarshal(roles, &m.Roles)
	}
	if err != nil {
		return Memory{}, fmt.Errorf("read what is known of pull request %d of repository %d: %w", number, repoID, err)
	}
	return m, nil
}

// SaveMemory keeps m in place of what was remembered of the pull request that j
// claims. Its roles are kept only while nothing has raised the job since: an event
// that came in between may have taken them away, and this run does not know.
func (tx *Tx) SaveMemory(ctx context.Context, j *Job, repoID int64, m Memory) error {
	roles, err := rolesOf(m)
	if err != nil {
		return err
	}
	m.Roles = nil
	known, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write what is known of %s: %w", j.Key, err)
	}
	_, err = tx.exec(ctx, `UPDATE pull SET known = $1, roles = $2 WHERE repo_id = $3 AND number = $4`, known, roles, repoID, j.Number)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE pull SET roles = NULL WHERE repo_id = $1 AND number = $2
			AND NOT EXISTS (SELECT 1 FROM job WHERE key = $3 AND gen = $4)`, repoID, j.Number, j.Key, j.Gen)
	}
	if err != nil {
		return fmt.Errorf("save what is known of %s: %w", j.Key, err)
	}
	return nil
}

// rolesOf is nil, and stored as none, when the roles have to be asked again.
func rolesOf(m Memory) ([]byte, error) {
	if m.Roles == nil {
		return nil, nil
	}
	data, err := json.Marshal(m.Roles)
	if err != nil {
		return nil, fmt.Errorf("write roles: %w", err)
	}
	return data, nil
}

// raiseHolders raises the open pull requests of a repository or organisation on
// which an account, or anybody, gave an opinion or whose policy asks for a team, and takes away
// what is remembered of their roles: who holds what has changed.
func (tx *Tx) raiseHolders(ctx context.Context, w checks.Wake, event string, at int64) error {
	where, id := "org_id", w.OrgID
	if w.RepoID != 0 {
		where, id = "repo_id", w.RepoID
	}
	type key struct {
		repo   int64
		number int
	}
	var found []key
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var k key
		var data []byte
		var roles checks.Roles
		if err := rows.Scan(&k.repo, &k.number, &data); err != nil {
			return err
		}
		if err := json.Unmarshal(data, &roles); err != nil {
			return err
		}
		if concerned(&roles, w) {
			found = append(found, k)
		}
		return nil
	}, `SELECT repo_id, number, roles FROM pull WHERE state = 'open' AND roles IS NOT NULL AND `+where+` = $1`, id)
	if err != nil {
		return err
	}
	for _, k := range found {
		if _, err := tx.exec(ctx, `UPDATE pull SET roles = NULL WHERE repo_id = $1 AND number = $2`, k.repo, k.number); err != nil {
			return err
		}
		if err := tx.raiseOpen(ctx, "repo_id = $3 AND number = $4", event, at, k.repo, k.number); err != nil {
			return err
		}
	}
	return tx.raiseRunning(ctx, where, event, at, id)
}

// raiseRequiring raises the open pull requests at a head whose policy requires a
// check of this name, and those that were not read yet.
func (tx *Tx) raiseRequiring(ctx context.Context, w checks.Wake, event string, at int64) error {
	var numbers []int
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var number int
		var known []byte
		var m Memory
		if err := rows.Scan(&number, &known); err != nil {
			return err
		}
		if known != nil {
			if err := json.Unmarshal(known, &m); err != nil {
				return err
			}
		}
		if known == nil || slices.Contains(m.Requires, w.Check) {
			numbers = append(numbers, number)
		}
		return nil
	}, `SELECT number, known FROM pull WHERE state = 'open' AND repo_id = $1 AND head = $2`, w.RepoID, w.Head)
	for _, n := range numbers {
		if err == nil {
			err = tx.raiseOpen(ctx, "repo_id = $3 AND number = $4", event, at, w.RepoID, n)
		}
	}
	if err != nil {
		return err
	}
	return tx.raiseRunning(ctx, "repo_id", event, at, w.RepoID)
}

// concerned reports whether roles that were asked may be others now.
func concerned(roles *checks.Roles, w checks.Wake) bool {
	holds := func(h checks.Holder) bool { return w.Member != 0 && h.ID == w.Member }
	return w.Reviewed && len(roles.Holders) > 0 || slices.ContainsFunc(roles.Holders, holds) || w.Team != "" && (slices.Contains(roles.Teams, w.Team) || slices.Contains(roles.Unknown, w.Team))
}
