package evidence

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Log is the log of one organisation. It holds no state of its own: whatever
// it knows it reads in the transaction it is given, so any number of processes
// may write one log.
type Log struct {
	keys *Keys
	org  string
	rand io.Reader // of salts
}

// NewLog names the log of an organisation by its account's number, which survives
// renames.
func NewLog(keys *Keys, org string) *Log { return &Log{keys, org, rand.Reader} }

// Origin is the log's name in its checkpoints.
func (l *Log) Origin() string { return logOrigin(l.keys.origin, l.org) }

// VKey is the verifier key of the log's checkpoints.
func (l *Log) VKey() (string, error) { return l.keys.VKey(l.org) }

// Append signs a record and puts it at the end of the log. A record whose key is
// in the log already is not stored again: Append returns the earlier index, dup
// true and no error, and the caller's transaction may go on.
//
// Recorded times never decrease: after a clock stepped back, records carry the
// time of the one before them until the clock has caught up.
func (l *Log) Append(ctx context.Context, tx Tx, r Record, now time.Time) (index int64, dup bool, err error) {
	n, err := tx.Size(ctx, l.org)
	if err != nil {
		return 0, false, fmt.Errorf("read size of log %s: %w", l.org, err)
	}
	last, err := l.lastTime(ctx, tx, n)
	if err != nil {
		return 0, false, fmt.Errorf("read last record of log %s: %w", l.org, err)
	}
	if now = now.UTC(); now.Before(last) {
		now = last
	}
	e, err := l.entry(r, now)
	if err != nil {
		return 0, false, fmt.Errorf("sign %s: %w", r.Predicate.Kind(), err)
	}
	hashes, err := tlog.StoredHashesForRecordHash(n, tlog.RecordHash(e.Leaf), l.hashes(ctx, tx))
	if err != nil {
		return 0, false, fmt.Errorf("hash record %d of log %s: %w", n, l.org, err)
	}
	index, err = tx.Append(ctx, l.org, n, e, hashes)
	if errors.Is(err, ErrDuplicate) {
		return index, true, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("store record %d of log %s: %w", n, l.org, err)
	}
	return index, false, nil
}

// entry builds and signs a leaf.
func (l *Log) entry(r Record, now time.Time) (Entry, error) {
	if r.Key == "" || len(r.Key) > maxKey {
		return Entry{}, fmt.Errorf("key has %d bytes, want 1 to %d", len(r.Key), maxKey)
	}
	if len(r.Side) > MaxSide {
		return Entry{}, fmt.Errorf("facts have %d bytes, limit is %d", len(r.Side), MaxSide)
	}
	e := Entry{Key: r.Key, Side: r.Side}
	h := Header{Schema: 1, Org: l.org, Key: r.Key, RecordedAt: now}
	if len(r.Side) > 0 {
		e.Salt = make([]byte, saltSize)
		if _, err := io.ReadFull(l.rand, e.Salt); err != nil {
			return Entry{}, fmt.Errorf("make salt: %w", err)
		}
		in := commit(e.Salt, r.Side)
		h.Inputs = &in
	}
	*r.Predicate.Head() = h
	payload, err := canonical(struct {
		Type          string    `json:"_type"`
		Subject       []Subject `json:"subject"`
		PredicateType string    `json:"predicateType"`
		Predicate     Predicate `json:"predicate"`
	}{statementType, r.Subject, typePrefix + string(r.Predicate.Kind()) + typeSuffix, r.Predicate})
	if err != nil {
		return Entry{}, err
	}
	if e.Leaf, err = seal(l.keys.evidence, payload); err != nil {
		return Entry{}, err
	}
	if len(e.Leaf) > MaxLeaf {
		return Entry{}, fmt.Errorf("record has %d bytes, limit is %d", len(e.Leaf), MaxLeaf)
	}
	return e, nil
}

func (l *Log) lastTime(ctx context.Context, tx Tx, n int64) (time.Time, error) {
	if n == 0 {
		return time.Time{}, nil
	}
	for e, err := range tx.Entries(ctx, l.org, n-1, n) {
		if err != nil {
			return time.Time{}, err
		}
		return recordedAt(e.Leaf)
	}
	return time.Time{}, fmt.Errorf("log has %d records and number %d is missing", n, n-1)
}

// recordedAt reads one field of a leaf that this process or its predecessor wrote:
// parsing it strictly would be a fifth of an append.
func recordedAt(leaf []byte) (time.Time, error) {
	var e struct{ Payload []byte }
	var s struct {
		Predicate struct{ RecordedAt time.Time }
	}
	if err := json.Unmarshal(leaf, &e); err != nil {
		return time.Time{}, fmt.Errorf("read envelope: %w", err)
	}
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		return time.Time{}, fmt.Errorf("read statement: %w", err)
	}
	if s.Predicate.RecordedAt.IsZero() {
		return time.Time{}, errors.New("it says no time")
	}
	return s.Predicate.RecordedAt, nil
}

func (l *Log) hashes(ctx context.Context, tx Tx) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		if len(indexes) == 0 {
			return nil, nil
		}
		return tx.Hashes(ctx, l.org, indexes)
	})
}

func (l *Log) tree(ctx context.Context, tx Tx) (tlog.Tree, error) {
	n, err := tx.Size(ctx, l.org)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("read size of log %s: %w", l.org, err)
	}
	root, err := tlog.TreeHash(n, l.hashes(ctx, tx))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("hash log %s: %w", l.org, err)
	}
	return tlog.Tree{N: n, Hash: root}, nil
}

// Checkpoint signs the log's size and root as they are in tx. Signatures are
// deterministic and carry no time: one state of the log has one checkpoint.
func (l *Log) Checkpoint(ctx context.Context, tx Tx) ([]byte, error) {
	tree, err := l.tree(ctx, tx)
	if err != nil {
		return nil, err
	}
	return l.sign(tree)
}

func (l *Log) sign(tree tlog.Tree) ([]byte, error) {
	vkey, err := l.VKey()
	if err != nil {
		return nil, fmt.Errorf("name checkpoint key: %w", err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("name checkpoint key: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: formatCheckpoint(l.Origin(), tree)}, noteSigner{v, l.keys.log})
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of log %s: %w", l.org, err)
	}
	return signed, nil
}

// Extends checks that the log still begins with everything an earlier checkpoint
// of it covers. It fails after a database was restored from a backup that is too
// old: signing on would contradict checkpoints that others hold.
func (l *Log) Extends(ctx context.Context, tx Tx, checkpoint []byte) error {
	vkey, err := l.VKey()
	if err != nil {
		return fmt.Errorf("name checkpoint key: %w", err)
	}
	_, old, err := openCheckpoint(checkpoint, vkey)
	if err != nil {
		return fmt.Errorf("read earlier checkpoint: %w", err)
	}
	n, err := tx.Size(ctx, l.org)
	if err != nil {
		return fmt.Errorf("read size of log %s: %w", l.org, err)
	}
	if n < old.N {
		return fmt.Errorf("log %s has %d records and had %d before: restore a newer backup", l.org, n, old.N)
	}
	root, err := tlog.TreeHash(old.N, l.hashes(ctx, tx))
	if err != nil {
		return fmt.Errorf("hash log %s at %d: %w", l.org, old.N, err)
	}
	if root != old.Hash {
		return fmt.Errorf("log %s differs from what it was at %d records: root is %s, was %s", l.org, old.N, root, old.Hash)
	}
	return nil
}

// A Stored is a record as it was read back from a log.
type Stored struct {
	Entry
	Subject   []Subject
	Predicate Predicate
}

// Records yields the records numbered from (inclusive) to (exclusive), in order.
// Signatures are not checked: what the own database holds is for display, what an
// export holds is for Verify.
func (l *Log) Records(ctx context.Context, tx Tx, from, to int64) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		for e, err := range tx.Entries(ctx, l.org, from, to) {
			if err != nil {
				yield(Stored{}, fmt.Errorf("read records of log %s: %w", l.org, err))
				return
			}
			s, p, err := ParseLeaf(e.Leaf)
			if err != nil {
				yield(Stored{}, fmt.Errorf("read record %d of log %s: %w", e.Index, l.org, err))
				return
			}
			if !yield(Stored{e, s.Subject, p}, nil) {
				return
			}
		}
	}
}

// noteSigner signs notes under the name of one organisation's log; the key is
// the same for all of them.
type noteSigner struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }
