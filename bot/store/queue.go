package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"changegate/checks"
)

// never is the due time of an idle job.
const never = math.MaxInt64

// A Delivery is a webhook delivery that was accepted.
type Delivery struct {
	ID     string // GitHub's; the same for a redelivery
	Event  string
	Action string // empty for events that have none
	At     time.Time
	// Pushes are what it told of who moved a branch.
	Pushes []checks.Heard
}

// Receive stores the delivery with the pushes and buttons pressed that it told of and raises the jobs it
// wakes, in one durable transaction: it returns only after the commit, so the caller may answer 202.
// A delivery whose id is stored already is not fresh and does nothing.
func (s *Store) Receive(ctx context.Context, d Delivery, wakes []checks.Wake, now time.Time) (fresh bool, err error) {
	if d.ID == "" {
		return false, errors.New("receive delivery: it has no id")
	}
	err = s.Write(ctx, func(tx *Tx) error {
		fresh = false
		n, err := tx.exec(ctx, `INSERT INTO delivery (id, event, action, received_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO NOTHING`, d.ID, d.Event, d.Action, millis(d.At))
		if err != nil || n == 0 {
			return err
		}
		fresh = true
		if err := tx.Hear(ctx, d.Pushes, d.At); err != nil {
			return err
		}
		for _, w := range wakes {
			if w.Press == checks.PressTemplate {
				if err := tx.press(ctx, w, d.At); err != nil {
					return err
				}
			}
			if err := tx.Raise(ctx, w, d.name(), now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("receive delivery %.64q: %w", d.ID, err)
	}
	return fresh, nil
}

func (d Delivery) name() string {
	if d.Action == "" {
		return d.Event
	}
	return d.Event + "." + d.Action
}

// Raise makes every job that w concerns due at the given time, or leaves it due
// earlier, and raises its generation: a run that began before cannot finish it.
// It never touches a lease. A pull request named by number becomes known, as
// open, with what w says of it. Event is what Job.Event will say.
func (tx *Tx) Raise(ctx context.Context, w checks.Wake, event string, at time.Time) error {
	if err := tx.raise(ctx, w, event, millis(at)); err != nil {
		return fmt.Errorf("raise jobs for %s of %s: %w", event, w.Repo, err)
	}
	return nil
}

func (tx *Tx) raise(ctx context.Context, w checks.Wake, event string, at int64) error {
	tx.moved = true
	switch {
	case w.RepoID == 0 && (w.OrgID == 0 || w.Number != 0 || w.Head != "" || w.Branch != ""):
		return errors.New("the wake does not say which repository")
	case w.Queued != nil:
		return tx.raiseGroup(ctx, w, event, at)
	case w.Number != 0:
		return tx.raisePull(ctx, w, event, at)
	case w.Head != "" && w.Check != "":
		return tx.raiseRequiring(ctx, w, event, at)
	case w.Head != "":
		return tx.raiseKnown(ctx, "repo_id = $3 AND head = $4", event, at, w.RepoID, w.Head)
	case w.Branch != "":
		if w.Pushed != nil {
			if _, err := tx.raiseJob(ctx, branchKey(w.RepoID, w.Branch), w, event, at); err != nil {
				return err
			}
			if err := tx.beginAt(ctx, w); err != nil {
				return err
			}
		}
		return tx.raiseKnown(ctx, "repo_id = $3 AND base = $4", event, at, w.RepoID, w.Branch)
	case w.Member != 0 || w.Team != "" || w.Reviewed:
		return tx.raiseHolders(ctx, w, event, at)
	case w.RepoID != 0:
		return tx.raiseKnown(ctx, "repo_id = $3", event, at, w.RepoID)
	default:
		return tx.raiseKnown(ctx, "org_id = $3", event, at, w.OrgID)
	}
}

// RaiseWalk makes the job of a branch due at the given time, without the pull requests
// into it that a push concerns as well.
func (tx *Tx) RaiseWalk(ctx context.Context, p checks.Place, branch, event string, at time.Time) error {
	tx.moved = true
	if _, err := tx.raiseJob(ctx, branchKey(p.RepoID, branch), checks.Wake{Place: p, Branch: branch}, event, millis(at)); err != nil {
		return fmt.Errorf("raise the walk of %s of %s: %w", branch, p.Repo, err)
	}
	return nil
}

// beginAt notes where the walk of a branch never walked before begins: at the
// tip before the first push that was heard of. Git's zero id, of a branch just
// made, is no commit.
func (tx *Tx) beginAt(ctx context.Context, w checks.Wake) error {
	if strings.Trim(w.Pushed.Before, "0") == "" {
		return nil
	}
	_, err := tx.exec(ctx, `INSERT INTO tip (repo_id, branch, commit_id) VALUES ($1, $2, $3)
		ON CONFLICT (repo_id, branch) DO NOTHING`, w.RepoID, w.Branch, w.Pushed.Before)
	return err
}

func branchKey(repoID int64, branch string) string {
	return fmt.Sprintf("branch/%d/%s", repoID, branch)
}

func pullKey(repoID int64, number int) string { return fmt.Sprintf("pull/%d/%d", repoID, number) }

// raisePull raises one pull request's job and, with its first generation, makes
// the pull request known.
func (tx *Tx) raisePull(ctx context.Context, w checks.Wake, event string, at int64) error {
	w.Branch = ""
	gen, err := tx.raiseJob(ctx, pullKey(w.RepoID, w.Number), w, event, at)
	if err != nil || gen > 1 {
		return err
	}
	_, err = tx.exec(ctx, insertPull+` ON CONFLICT (repo_id, number) DO NOTHING`, pullArgs(&Pull{
		Place: w.Place, Number: w.Number, Base: w.Base, State: "open", Record: -1, MergeRecord: -1,
	})...)
	return err
}

// onRaise is shared by every statement that raises a job.
const onRaise = ` ON CONFLICT (key) DO UPDATE SET gen = job.gen + 1, event = excluded.event,
	due_at = CASE WHEN job.due_at < excluded.due_at THEN job.due_at ELSE excluded.due_at END`

func (tx *Tx) raiseJob(ctx context.Context, key string, w checks.Wake, event string, at int64) (gen int64, err error) {
	_, err = tx.one(ctx, []any{&gen}, `INSERT INTO job (key, installation, org_id, org, repo_id, repo, number, branch,
		base, event, due_at, gen, lease_until, token, attempts, first_failed, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, 0, 0, 0, 0, '')`+onRaise+`,
		installation = excluded.installation, org_id = excluded.org_id, org = excluded.org, repo = excluded.repo,
		base = CASE WHEN excluded.base = '' THEN job.base ELSE excluded.base END
		RETURNING gen`,
		key, w.Installation, w.OrgID, w.Org, w.RepoID, w.Repo, w.Number, w.Branch, w.Base, event, at)
	return gen, err
}

// raiseKnown raises the jobs of the open pull requests that where selects, and
// those that are running.
func (tx *Tx) raiseKnown(ctx context.Context, where, event string, at int64, args ...any) error {
	if err := tx.raiseOpen(ctx, where, event, at, args...); err != nil {
		return err
	}
	column, _, _ := strings.Cut(where, " ")
	return tx.raiseRunning(ctx, column, event, at, args[0])
}

// raiseOpen raises the jobs of the open pull requests that where selects.
func (tx *Tx) raiseOpen(ctx context.Context, where, event string, at int64, args ...any) error {
	_, err := tx.exec(ctx, `INSERT INTO job (event, due_at, key, installation, org_id, org, repo_id, repo, number, branch,
		base, gen, lease_until, token, attempts, first_failed, last_error)
		SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), 'pull/' || CAST(repo_id AS TEXT) || '/' || CAST(number AS TEXT),
			installation, org_id, org, repo_id, repo, number, '', base, 1, 0, 0, 0, 0, ''
		FROM pull WHERE state = 'open' AND `+where+onRaise, append([]any{event, at}, args...)...)
	return err
}

// raiseRunning raises every pull request of a repository or organisation that is
// being judged right now: its row still says what was so before, perhaps another
// head or base, and the facts of the run may be older than this event.
func (tx *Tx) raiseRunning(ctx context.Context, column, event string, at int64, id any) error {
	_, err := tx.exec(ctx, `UPDATE job SET gen = gen + 1, event = $1,
		due_at = CASE WHEN due_at < $2 THEN due_at ELSE $2 END
		WHERE lease_until > 0 AND number > 0 AND `+column+` = $3`, event, at, id)
	return err
}

// A Job is a claim on a pull request, a governed branch or a merge group.
type Job struct {
	Key      string
	Place    checks.Place
	Number   int    // 0 for a branch or a group
	Branch   string // empty for a pull request
	Base     string // what was last said of the base branch: a hint
	Gen      int64
	Token    int64
	Attempts int // runs that failed since the last that did not
	// Event is what raised it last, such as pull_request.opened, or timer.
	Event string
	// Claimed is when this run began, and FirstFailed when the first run did
	// that failed since the last that did not; zero if none failed.
	Claimed     time.Time
	FirstFailed time.Time
}

// Timer is the Event of a job that came due with no new event.
const Timer = "timer"

// Claim takes the job that has been due longest and that nobody holds, for the
// length of lease. It returns nil when there is none. A lease that ends further away
// than two of them was given by a clock that was wrong, and is none.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration) (*Job, error) {
	var job *Job
	err := s.Write(ctx, func(tx *Tx) error {
		j := &Job{Claimed: now}
		var failed int64
		found, err := tx.one(ctx, []any{&j.Key, &j.Place.Installation, &j.Place.OrgID, &j.Place.Org, &j.Place.RepoID,
			&j.Place.Repo, &j.Number, &j.Branch, &j.Base, &j.Gen, &j.Token, &j.Attempts, &j.Event, &failed},
			`UPDATE job SET token = token + 1, lease_until = $1 WHERE key = (SELECT key FROM job
				WHERE due_at <= $2 AND (lease_until <= $2 OR lease_until > $3) ORDER BY due_at, key LIMIT 1)
			RETURNING key, installation, org_id, org, repo_id, repo, number, branch, base, gen, token, attempts, event,
				first_failed`,
			millis(now.Add(lease)), millis(now), millis(now.Add(2*lease)))
		if j.FirstFailed = instant(failed); found {
			job = j
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim a job: %w", err)
	}
	return job, nil
}

// Extend renews the lease of a job to now+lease. It reports false when somebody
// else has claimed the job since, or it was finished: then the run must stop.
func (s *Store) Extend(ctx context.Context, j *Job, now time.Time, lease time.Duration) (held bool, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		n, err := tx.exec(ctx, `UPDATE job SET lease_until = $1 WHERE key = $2 AND token = $3 AND lease_until > 0`,
			millis(now.Add(lease)), j.Key, j.Token)
		held = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("extend lease of %s: %w", j.Key, err)
	}
	return held, nil
}

// Holds reports whether the lease of j is live at now. Ask right before an
// effect outside this database: a process that was paused past its lease finds
// out here that another has taken over.
func (s *Store) Holds(ctx context.Context, j *Job, now time.Time) (held bool, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		held, err = tx.Holds(ctx, j, now)
		return err
	})
	return held, err
}

// Holds is Store.Holds inside a transaction: what a run writes while it holds the
// lease is committed, or none of it.
func (tx *Tx) Holds(ctx context.Context, j *Job, now time.Time) (held bool, err error) {
	var one int
	held, err = tx.one(ctx, []any{&one}, `SELECT 1 FROM job WHERE key = $1 AND token = $2 AND lease_until > $3`,
		j.Key, j.Token, millis(now))
	if err != nil {
		return false, fmt.Errorf("read lease of %s: %w", j.Key, err)
	}
	return held, nil
}

// Finish gives the job back and makes it due at next, or idle if next is zero.
// If it was raised since the claim it is due now instead: what this run gathered
// may be older than the event. It reports false, and does nothing, when the job
// is no longer ours; the caller must then fail the transaction, so that nothing
// of this run stays.
func (tx *Tx) Finish(ctx context.Context, j *Job, next time.Time, now time.Time) (held bool, err error) {
	due := int64(never)
	if !next.IsZero() {
		due = millisUp(next)
	}
	tx.moved = true
	n, err := tx.exec(ctx, `UPDATE job SET lease_until = 0, attempts = 0, first_failed = 0, last_error = '',
		event = CASE WHEN gen = $1 THEN $2 ELSE event END,
		due_at = CASE WHEN gen = $1 THEN CAST($3 AS BIGINT) ELSE CAST($4 AS BIGINT) END
		WHERE key = $5 AND token = $6 AND lease_until > 0`,
		j.Gen, Timer, due, millis(now), j.Key, j.Token)
	if err != nil {
		return false, fmt.Errorf("finish %s: %w", j.Key, err)
	}
	return n == 1, nil
}

// Retry gives a job back after a run that failed, due again at the given time or
// with the next event. The first 500 bytes of cause are kept beside it. It does
// nothing when the job is no longer ours: whoever has it now will judge it.
func (s *Store) Retry(ctx context.Context, j *Job, at time.Time, cause string) error {
	err := s.Write(ctx, func(tx *Tx) error {
		tx.moved = true
		_, err := tx.exec(ctx, `UPDATE job SET lease_until = 0, due_at = $1, attempts = attempts + 1,
			first_failed = CASE WHEN first_failed = 0 THEN CAST($2 AS BIGINT) ELSE first_failed END, last_error = $3
			WHERE key = $4 AND token = $5 AND lease_until > 0`,
			millisUp(at), millis(j.Claimed), short(cause), j.Key, j.Token)
		return err
	})
	if err != nil {
		return fmt.Errorf("put back %s: %w", j.Key, err)
	}
	return nil
}

// Hasten makes due at now what an event raised, or a failure put back, for a later
// time: Raise means at once, so that time came from a clock that was wrong. Timers keep
// theirs.
func (s *Store) Hasten(ctx context.Context, now time.Time) error {
	err := s.Write(ctx, func(tx *Tx) error {
		tx.moved = true
		_, err := tx.exec(ctx, `UPDATE job SET due_at = $1 WHERE due_at > $1 AND due_at < $2 AND (event <> $3 OR attempts > 0)`,
			millis(now), int64(never), Timer)
		return err
	})
	if err != nil {
		return fmt.Errorf("hasten jobs: %w", err)
	}
	return nil
}

// short cuts text to 500 bytes of valid UTF-8.
func short(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), 500)], "")
}

// NextDue returns the earliest instant at which Claim may find a job: when one
// that nobody holds is due, or when a lease ends. It is zero when there is none.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	var due, lease sql.NullInt64
	err := s.Read(ctx, func(tx *Tx) error {
		_, err := tx.one(ctx, []any{&due, &lease}, `SELECT
			(SELECT due_at FROM job WHERE lease_until = 0 ORDER BY due_at LIMIT 1),
			(SELECT MIN(lease_until) FROM job WHERE lease_until > 0)`)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read when the next job is due: %w", err)
	}
	if lease.Valid && (!due.Valid || lease.Int64 < due.Int64) {
		due = lease
	}
	if due.Int64 == never {
		return time.Time{}, nil
	}
	return instant(due.Int64), nil
}
