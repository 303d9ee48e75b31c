package evidence

import (
	"context"
	"errors"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrDuplicate is returned by Tx.Append when a leaf with the same key is
// already in the log; the index is then that of the earlier leaf.
var ErrDuplicate = errors.New("a record with this key is in the log already")

// Storage keeps the logs of all organisations. Implementations are safe for
// concurrent use; evidencetest.TestStorage is the contract as a test.
type Storage interface {
	// Update runs fn in one durable transaction. What fn appended and whatever
	// else the implementation's transaction did are committed together before
	// Update returns nil, or not at all.
	Update(ctx context.Context, fn func(Tx) error) error
	// View runs fn on one consistent snapshot; Append in it is an error.
	View(ctx context.Context, fn func(Tx) error) error
}

// Tx is one log transaction.
type Tx interface {
	// Size returns the number of leaves of a log; 0 for one never written.
	Size(ctx context.Context, log string) (int64, error)
	// Append stores leaf as number n, its side data, and the hashes that
	// tlog.StoredHashesForRecordHash gives for it. It fails unless n is the
	// log's size. A key that is in the log already stores nothing and returns
	// the earlier index and ErrDuplicate.
	Append(ctx context.Context, log string, n int64, e Entry, hashes []tlog.Hash) (int64, error)
	// Hashes returns the stored hashes at the given tlog indexes.
	Hashes(ctx context.Context, log string, indexes []int64) ([]tlog.Hash, error)
	// Entries yields the entries numbered from (inclusive) to (exclusive), in order.
	Entries(ctx context.Context, log string, from, to int64) iter.Seq2[Entry, error]
}

// An Entry is one leaf and what lies beside it.
type Entry struct {
	Index int64
	// Key makes an append happen once: the same key is the same record.
	Key string
	// Leaf is the exact bytes of the DSSE envelope: what the log commits to.
	Leaf []byte
	// Side is the larger data the leaf commits to by salted digest, and Salt
	// the 32 random bytes of that commitment. Both may be deleted later without
	// breaking the log.
	Side []byte
	Salt []byte
}
