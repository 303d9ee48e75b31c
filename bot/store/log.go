package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"changegate/bot/evidence"
)

// Size returns the number of leaves of a log, in constant time.
func (tx *Tx) Size(ctx context.Context, log string) (size int64, err error) {
	if _, err := tx.one(ctx, []any{&size}, `SELECT size FROM head WHERE log = $1`, log); err != nil {
		return 0, fmt.Errorf("read size of log %s: %w", log, err)
	}
	return size, nil
}

// Append is described at evidence.Tx. It does not look at e.Index.
func (tx *Tx) Append(ctx context.Context, log string, n int64, e evidence.Entry, hashes []tlog.Hash) (int64, error) {
	if log == "" || e.Key == "" {
		return 0, fmt.Errorf("append leaf %d to log %q: key is %q, want both named", n, log, e.Key)
	}
	if n < 0 || int64(len(hashes)) != tlog.StoredHashCount(n+1)-tlog.StoredHashCount(n) {
		return 0, fmt.Errorf("append leaf %d to log %s: %d hashes do not fit that number", n, log, len(hashes))
	}
	index, err := tx.append(ctx, log, n, e, hashes)
	if err != nil && err != evidence.ErrDuplicate {
		return 0, fmt.Errorf("append leaf %d to log %s: %w", n, log, err)
	}
	return index, err
}

func (tx *Tx) append(ctx context.Context, log string, n int64, e evidence.Entry, hashes []tlog.Hash) (int64, error) {
	if !tx.write {
		return 0, errReadOnly
	}
	var earlier int64
	found, err := tx.one(ctx, []any{&earlier}, `SELECT n FROM leaf WHERE log = $1 AND key = $2`, log, e.Key)
	if err != nil {
		return 0, err
	}
	if found {
		return earlier, evidence.ErrDuplicate
	}
	// First, because it is what refuses a wrong n before anything is stored.
	if err := tx.grow(ctx, log, n); err != nil {
		return 0, err
	}
	if _, err := tx.exec(ctx, `INSERT INTO leaf (log, n, key, leaf, side, salt) VALUES ($1, $2, $3, $4, $5, $6)`,
		log, n, e.Key, e.Leaf, e.Side, e.Salt); err != nil {
		return 0, err
	}
	first := tlog.StoredHashIndex(0, n)
	for i := range hashes {
		if _, err := tx.exec(ctx, `INSERT INTO hash (log, idx, hash) VALUES ($1, $2, $3)`,
			log, first+int64(i), hashes[i][:]); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// grow makes the log's size n+1, if it is n.
func (tx *Tx) grow(ctx context.Context, log string, n int64) error {
	query := `UPDATE head SET size = size + 1 WHERE log = $1 AND size = $2`
	if n == 0 {
		query = `INSERT INTO head (log, size) VALUES ($1, $2 + 1) ON CONFLICT (log) DO NOTHING`
	}
	rows, err := tx.exec(ctx, query, log, n)
	if err == nil && rows == 0 {
		err = errors.New("that is not the size of the log")
	}
	return err
}

// hashesMost bounds the hashes read by one statement.
const hashesMost = 64

// Hashes is described at evidence.Tx.
func (tx *Tx) Hashes(ctx context.Context, log string, indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, 0, len(indexes))
	for len(all) < len(indexes) {
		part := indexes[len(all):min(len(all)+hashesMost, len(indexes))]
		stored, err := tx.hashes(ctx, log, part)
		if err != nil {
			return nil, fmt.Errorf("read hashes of log %s: %w", log, err)
		}
		for _, i := range part {
			h, ok := stored[i]
			if !ok {
				return nil, fmt.Errorf("read hashes of log %s: there is none at index %d", log, i)
			}
			all = append(all, h)
		}
	}
	return all, nil
}

func (tx *Tx) hashes(ctx context.Context, log string, indexes []int64) (map[int64]tlog.Hash, error) {
	// Rounded up to a power of two by repeating the last index, so that a few
	// prepared statements serve every length.
	width := 1
	for width < len(indexes) {
		width *= 2
	}
	args := make([]any, 1, 1+width)
	args[0] = log
	var in strings.Builder
	for i := range width {
		args = append(args, indexes[min(i, len(indexes)-1)])
		in.WriteString(", $" + strconv.Itoa(i+2))
	}
	stored := make(map[int64]tlog.Hash, len(indexes))
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var i int64
		var b sql.RawBytes
		if err := rows.Scan(&i, &b); err != nil {
			return err
		}
		if len(b) != tlog.HashSize {
			return fmt.Errorf("the one at index %d has %d bytes", i, len(b))
		}
		stored[i] = tlog.Hash(b)
		return nil
	}, `SELECT idx, hash FROM hash WHERE log = $1 AND idx IN (`+in.String()[2:]+`)`, args...)
	return stored, err
}

// entriesMost bounds the entries held in memory at a time.
const entriesMost = 32

// Entries is described at evidence.Tx. Numbers beyond the log's ends yield nothing;
// an entry missing between them is an error. It reads ahead by pages, so that the
// loop over it may use the transaction.
func (tx *Tx) Entries(ctx context.Context, log string, from, to int64) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		size, err := tx.Size(ctx, log)
		if err != nil {
			yield(evidence.Entry{}, err)
			return
		}
		from, to := max(from, 0), min(to, size)
		for from < to {
			page, err := tx.entries(ctx, log, from, min(from+entriesMost, to))
			if err != nil {
				yield(evidence.Entry{}, fmt.Errorf("read log %s: %w", log, err))
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			from += int64(len(page))
		}
	}
}

func (tx *Tx) entries(ctx context.Context, log string, from, to int64) ([]evidence.Entry, error) {
	page := make([]evidence.Entry, 0, to-from)
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var e evidence.Entry
		err := rows.Scan(&e.Index, &e.Key, &e.Leaf, &e.Side, &e.Salt)
		if want := from + int64(len(page)); err == nil && e.Index != want {
			err = fmt.Errorf("entry %d is not there", want)
		}
		page = append(page, e)
		return err
	}, `SELECT n, key, leaf, side, salt FROM leaf WHERE log = $1 AND n >= $2 AND n < $3 ORDER BY n`, log, from, to)
	if got := from + int64(len(page)); err == nil && got != to {
		err = fmt.Errorf("entry %d is not there", got)
	}
	return page, err
}

// verify refuses a database whose logs are not whole: a head without its last
// leaf, or leaves and hashes without their head. A file restored in part, or
// edited by hand, would otherwise grow a log that contradicts its checkpoints. A
// whole older copy passes here; the checkpoints catch that.
func (tx *Tx) verify(ctx context.Context) error {
	for _, table := range []string{"head", "leaf", "hash"} {
		for log := ""; ; {
			// Steps from log to log, where a DISTINCT would read every leaf.
			var next sql.NullString
			if _, err := tx.one(ctx, []any{&next}, `SELECT MIN(log) FROM `+table+` WHERE log > $1`, log); err != nil {
				return fmt.Errorf("read names of logs: %w", err)
			}
			if log = next.String; !next.Valid {
				break
			}
			if err := tx.verifyLog(ctx, log); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tx *Tx) verifyLog(ctx context.Context, log string) error {
	size, err := tx.Size(ctx, log)
	if err != nil {
		return err
	}
	var leaves, hashes int64
	_, err = tx.one(ctx, []any{&leaves, &hashes}, `SELECT
		(SELECT COALESCE(MAX(n), -1) + 1 FROM leaf WHERE log = $1),
		(SELECT COALESCE(MAX(idx), -1) + 1 FROM hash WHERE log = $1)`, log)
	if err != nil {
		return fmt.Errorf("read end of log %s: %w", log, err)
	}
	if leaves != size || hashes != tlog.StoredHashCount(size) {
		return fmt.Errorf("evidence log %s says it has %d leaves, but %d leaves and %d hashes are there (want %d): "+
			"the database was truncated or restored in part; restore a whole copy", log, size, leaves, hashes,
			tlog.StoredHashCount(size))
	}
	return nil
}
