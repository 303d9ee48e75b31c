package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"changegate/checks"
)

// A Pull is what the product remembers of a pull request: a copy for looking
// things up and for skipping work, never a source of facts for a verdict.
type Pull struct {
	checks.Place
	Number     int
	Base       string // branch
	BaseCommit string
	Head       string // commit; empty until it was judged
	State      string // open, closed or merged
	Title      string
	URL        string

	Verdict      []byte // JSON
	VerdictState string
	Digest       string    // of facts, policy and verdict as last recorded
	Record       int64     // index of the last decision; -1 if none
	RecordAt     time.Time // when that was recorded
	MergeRecord  int64     // index of the record of the merge; -1 if none

	Run        checks.Written // the check run as last published
	RunHash    string         // of what it showed
	RunCreated time.Time

	Page []byte // what the pull request's page shows, JSON

	Sticky Sticky
}

// A Sticky is the comment that says how the pull request stands, as last written.
type Sticky struct {
	ID   int64  // 0 when there is none
	Hash string // of what it says
	At   time.Time
}

// pullColumns are in the order of pullArgs and pullPlaces.
const pullColumns = `repo_id, number, installation, org_id, org, repo, base, base_commit, head, state, title, url,
	verdict, verdict_state, digest, record, record_at, merge_record,
	run_id, run_name, run_head, run_status, run_conclusion, run_at, run_hash, run_created, page,
	sticky_id, sticky_hash, sticky_at`

const insertPull = `INSERT INTO pull (` + pullColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
	$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)`

func pullArgs(p *Pull) []any {
	return []any{
		p.RepoID, p.Number, p.Installation, p.OrgID, p.Org, p.Repo, p.Base, p.BaseCommit, p.Head, p.State, p.Title, p.URL,
		p.Verdict, p.VerdictState, p.Digest, p.Record, millis(p.RecordAt), p.MergeRecord,
		p.Run.ID, p.Run.Name, p.Run.Head, p.Run.Status, p.Run.Conclusion, millis(p.Run.At), p.RunHash, millis(p.RunCreated), p.Page,
		p.Sticky.ID, p.Sticky.Hash, millis(p.Sticky.At),
	}
}

func scanPull(rows *sql.Rows) (*Pull, error) {
	var p Pull
	var recordAt, runAt, runCreated, stickyAt int64
	err := rows.Scan(
		&p.RepoID, &p.Number, &p.Installation, &p.OrgID, &p.Org, &p.Repo, &p.Base, &p.BaseCommit, &p.Head, &p.State, &p.Title, &p.URL,
		&p.Verdict, &p.VerdictState, &p.Digest, &p.Record, &recordAt, &p.MergeRecord,
		&p.Run.ID, &p.Run.Name, &p.Run.Head, &p.Run.Status, &p.Run.Conclusion, &runAt, &p.RunHash, &runCreated, &p.Page,
		&p.Sticky.ID, &p.Sticky.Hash, &stickyAt,
	)
	p.RecordAt, p.Run.At, p.RunCreated, p.Sticky.At = instant(recordAt), instant(runAt), instant(runCreated), instant(stickyAt)
	return &p, err
}

// The plus signs keep SQLite from walking all of a repository in the order of its key
// where an index finds the few.
func (tx *Tx) pulls(ctx context.Context, where string, args ...any) ([]*Pull, error) {
	var all []*Pull
	err := tx.each(ctx, func(rows *sql.Rows) error {
		p, err := scanPull(rows)
		all = append(all, p)
		return err
	}, `SELECT `+pullColumns+` FROM pull WHERE `+where+` ORDER BY +repo_id, +number`, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Pull returns what is known of a pull request, or nil if nothing is.
func (tx *Tx) Pull(ctx context.Context, repoID int64, number int) (*Pull, error) {
	all, err := tx.pulls(ctx, "repo_id = $1 AND number = $2", repoID, number)
	if err != nil {
		return nil, fmt.Errorf("read pull request %d of repository %d: %w", number, repoID, err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all[0], nil
}

// SavePull stores all of p in place of what was known.
func (tx *Tx) SavePull(ctx context.Context, p *Pull) error {
	_, err := tx.exec(ctx, insertPull+` ON CONFLICT (repo_id, number) DO UPDATE SET
		installation = excluded.installation, org_id = excluded.org_id, org = excluded.org, repo = excluded.repo,
		base = excluded.base, base_commit = excluded.base_commit, head = excluded.head, state = excluded.state,
		title = excluded.title, url = excluded.url, verdict = excluded.verdict, verdict_state = excluded.verdict_state,
		digest = excluded.digest, record = excluded.record, record_at = excluded.record_at,
		merge_record = excluded.merge_record, run_id = excluded.run_id, run_name = excluded.run_name,
		run_head = excluded.run_head, run_status = excluded.run_status, run_conclusion = excluded.run_conclusion,
		run_at = excluded.run_at, run_hash = excluded.run_hash, run_created = excluded.run_created, page = excluded.page,
		sticky_id = excluded.sticky_id, sticky_hash = excluded.sticky_hash, sticky_at = excluded.sticky_at`,
		pullArgs(p)...)
	if err != nil {
		return fmt.Errorf("save %s#%d: %w", p.Repo, p.Number, err)
	}
	return nil
}

// Siblings returns the open pull requests with this base branch and head commit,
// which share one check run, apart from the number given.
func (tx *Tx) Siblings(ctx context.Context, repoID int64, base, head string, except int) ([]*Pull, error) {
	all, err := tx.pulls(ctx, "state = 'open' AND repo_id = $1 AND base = $2 AND head = $3 AND number <> $4",
		repoID, base, head, except)
	if err != nil {
		return nil, fmt.Errorf("read pull requests at %s of repository %d: %w", head, repoID, err)
	}
	return all, nil
}

// OpenPulls returns the open pull requests into a branch, or with an empty
// branch all of the repository, by number.
func (tx *Tx) OpenPulls(ctx context.Context, repoID int64, branch string) (all []*Pull, err error) {
	if branch == "" {
		all, err = tx.pulls(ctx, "state = 'open' AND repo_id = $1", repoID)
	} else {
		all, err = tx.pulls(ctx, "state = 'open' AND repo_id = $1 AND base = $2", repoID, branch)
	}
	if err != nil {
		return nil, fmt.Errorf("read open pull requests of repository %d: %w", repoID, err)
	}
	return all, nil
}
