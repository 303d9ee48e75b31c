package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// A Group is a merge group that GitHub asked about.
type Group struct {
	Branch string    `json:"-"` // GitHub made for it
	Base   string    `json:"-"` // it goes into
	Head   string    `json:"-"`
	Since  time.Time `json:"-"` // when GitHub asked
	Gone   string    `json:"-"` // why it is no more, empty while it waits

	From string `json:"from"` // commit it is built on
	// Asked is when it was known what the group holds, and its pull requests were raised.
	Asked   time.Time    `json:"asked,omitzero"`
	Pulls   []QueuedPull `json:"pulls,omitempty"`
	Unknown []string     `json:"unknown,omitempty"` // commits of no pull request
	Partial bool         `json:"partial,omitempty"` // there is more than could be read
	// Governed are the files it changes that the policy governs.
	Governed []rules.File `json:"governed,omitempty"`
	Policy   string       `json:"policy,omitempty"`   // blob it was read by
	Enforced bool         `json:"enforced,omitempty"` // that policy is not in shadow mode
	// Answer is the key of the record of what was answered last, Shown what the check
	// run shows; Passed is set when that was success.
	Answer string `json:"answer,omitempty"`
	Shown  string `json:"shown,omitempty"`
	Passed bool   `json:"passed,omitempty"`
}

// A QueuedPull is a pull request of a merge group and the generation of its job that
// has to be judged before the group is answered.
type QueuedPull struct {
	Number int   `json:"number"`
	Gen    int64 `json:"gen,omitempty"`
}

// groupKept is how long a group is remembered that is no more: as long as the merge
// may still have to be recorded.
const groupKept = 7 * 24 * time.Hour

// groups begins the keys of the jobs that answer merge groups.
const groups = "group/"

// OfGroup reports whether j answers the merge group whose branch is j.Branch.
func (j *Job) OfGroup() bool { return strings.HasPrefix(j.Key, groups) }

func groupKey(repoID int64, branch string) string {
	return fmt.Sprintf("%s%d/%s", groups, repoID, branch)
}

// raiseGroup has a merge group answered, or notes that it is no more. A group asked
// about again is a new one.
func (tx *Tx) raiseGroup(ctx context.Context, w checks.Wake, event string, at int64) error {
	if w.Queued.Gone != "" {
		_, err := tx.exec(ctx, `UPDATE merge_group SET gone = $1 WHERE repo_id = $2 AND branch = $3 AND head = $4`,
			w.Queued.Gone, w.RepoID, w.Branch, w.Head)
		return err
	}
	data, err := json.Marshal(Group{From: w.Queued.From})
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO merge_group (repo_id, branch, base, head, since, gone, data) VALUES ($1, $2, $3, $4, $5, '', $6)
		ON CONFLICT (repo_id, branch) DO UPDATE SET base = excluded.base, head = excluded.head, since = excluded.since, gone = '', data = excluded.data`,
		w.RepoID, w.Branch, w.Base, w.Head, at, data)
	if err == nil {
		_, err = tx.raiseJob(ctx, groupKey(w.RepoID, w.Branch), w, event, at)
	}
	return err
}

// Group returns the merge group with this branch; nil if none is known.
func (tx *Tx) Group(ctx context.Context, repoID int64, branch string) (*Group, error) {
	return tx.groupWhere(ctx, "branch", repoID, branch)
}

// GroupAt returns the merge group with this head; nil if none is known.
func (tx *Tx) GroupAt(ctx context.Context, repoID int64, head string) (*Group, error) {
	return tx.groupWhere(ctx, "head", repoID, head)
}

func (tx *Tx) groupWhere(ctx context.Context, column string, repoID int64, value string) (*Group, error) {
	var g Group
	var since int64
	var data []byte
	found, err := tx.one(ctx, []any{&g.Branch, &g.Base, &g.Head, &since, &g.Gone, &data},
		`SELECT branch, base, head, since, gone, data FROM merge_group WHERE repo_id = $1 AND `+column+` = $2`, repoID, value)
	if err == nil && found {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		return nil, fmt.Errorf("read merge group %.120s of repository %d: %w", value, repoID, err)
	}
	if !found {
		return nil, nil
	}
	g.Since = instant(since)
	return &g, nil
}

// SaveGroup keeps what was learned of a merge group. It reports false, and does
// nothing, when GitHub has asked about another one with this branch since.
func (tx *Tx) SaveGroup(ctx context.Context, repoID int64, g *Group) (same bool, err error) {
	data, err := json.Marshal(g)
	var n int64
	if err == nil {
		n, err = tx.exec(ctx, `UPDATE merge_group SET data = $1 WHERE repo_id = $2 AND branch = $3 AND head = $4 AND since = $5`,
			data, repoID, g.Branch, g.Head, millis(g.Since))
	}
	if err != nil {
		return false, fmt.Errorf("save merge group %.120s of repository %d: %w", g.Branch, repoID, err)
	}
	return n == 1, nil
}

// AskAnew has a pull request judged now, on roles that GitHub tells now. It returns the
// generation to wait for.
func (tx *Tx) AskAnew(ctx context.Context, w checks.Wake, event string, now time.Time) (gen int64, err error) {
	err = tx.Raise(ctx, w, event, now)
	if err == nil {
		_, err = tx.exec(ctx, `UPDATE pull SET roles = NULL WHERE repo_id = $1 AND number = $2`, w.RepoID, w.Number)
	}
	if err == nil {
		_, err = tx.one(ctx, []any{&gen}, `SELECT gen FROM job WHERE key = $1`, pullKey(w.RepoID, w.Number))
	}
	if err != nil {
		return 0, fmt.Errorf("ask anew about pull request %d of repository %d: %w", w.Number, w.RepoID, err)
	}
	return gen, nil
}

// Judged notes that the run of j judged its pull request to the end, and has the merge
// groups of the repository answered that may hold it.
func (tx *Tx) Judged(ctx context.Context, j *Job, now time.Time) error {
	_, err := tx.exec(ctx, `UPDATE pull SET judged_gen = $1 WHERE repo_id = $2 AND number = $3`, j.Gen, j.Place.RepoID, j.Number)
	if err == nil {
		err = tx.raiseGroups(ctx, j, millis(now))
	}
	if err != nil {
		return fmt.Errorf("note that %s was judged: %w", j.Key, err)
	}
	return nil
}

// Unjudged has the merge groups of the repository answered that may hold the pull request
// of j, which was not judged although something asks for it.
func (tx *Tx) Unjudged(ctx context.Context, j *Job, now time.Time) error {
	if err := tx.raiseGroups(ctx, j, millis(now)); err != nil {
		return fmt.Errorf("tell the groups of %s: %w", j.Key, err)
	}
	return nil
}

// FailingSince is when the first run on a pull request failed since the last that did
// not; zero if none did.
func (tx *Tx) FailingSince(ctx context.Context, repoID int64, number int) (time.Time, error) {
	var at int64
	if _, err := tx.one(ctx, []any{&at}, `SELECT first_failed FROM job WHERE key = $1`, pullKey(repoID, number)); err != nil {
		return time.Time{}, fmt.Errorf("read how long pull request %d of repository %d was not judged: %w", number, repoID, err)
	}
	return instant(at), nil
}

func (tx *Tx) raiseGroups(ctx context.Context, j *Job, now int64) error {
	var waiting []checks.Wake
	err := tx.each(ctx, func(rows *sql.Rows) error {
		w := checks.Wake{Place: j.Place}
		err := rows.Scan(&w.Branch, &w.Base)
		waiting = append(waiting, w)
		return err
	}, `SELECT branch, base FROM merge_group WHERE repo_id = $1 AND gone = ''`, j.Place.RepoID)
	for _, w := range waiting {
		tx.moved = true
		_, e := tx.raiseJob(ctx, groupKey(w.RepoID, w.Branch), w, "pull request judged", now)
		err = errors.Join(err, e)
	}
	return err
}

// JudgedGen is the generation that was last judged to the end of a pull request; 0 if
// none was.
func (tx *Tx) JudgedGen(ctx context.Context, repoID int64, number int) (gen int64, err error) {
	_, err = tx.one(ctx, []any{&gen}, `SELECT judged_gen FROM pull WHERE repo_id = $1 AND number = $2`, repoID, number)
	if err != nil {
		return 0, fmt.Errorf("read how far pull request %d of repository %d was judged: %w", number, repoID, err)
	}
	return gen, nil
}

// pruneGroups forgets groups that are no more, and their jobs if nobody holds them. A
// destroyed group of which GitHub did not tell is no more either after that long.
func (tx *Tx) pruneGroups(ctx context.Context, now time.Time) error {
	_, err := tx.exec(ctx, `DELETE FROM merge_group WHERE since < $1`, millis(now.Add(-groupKept)))
	if err == nil {
		_, err = tx.exec(ctx, `DELETE FROM job WHERE key LIKE 'group/%' AND lease_until = 0 AND NOT EXISTS (SELECT 1 FROM merge_group
			WHERE merge_group.repo_id = job.repo_id AND merge_group.branch = job.branch)`)
	}
	return err
}
