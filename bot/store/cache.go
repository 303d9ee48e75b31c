package store

import (
	"context"
	"database/sql"
	"sync"

	"changegate/checks"
)

const (
	// cacheBytes bounds the whole cache.
	cacheBytes = 256 << 20
	// cacheMost bounds one value: a larger one would hold up the webhooks that
	// commit with it.
	cacheMost = 1 << 20
	// cacheOut is how many values make room at once.
	cacheOut = 64
)

// A cache is checks.Cache in a table. What is put first is forgotten first.
type cache struct {
	store *Store
	limit int64

	mu   sync.Mutex
	size int64 // of all values; guarded by mu
}

// Cache returns the facts kept for ever, up to 256 MiB and 1 MiB each.
func (s *Store) Cache() checks.Cache { return s.facts }

func newCache(ctx context.Context, s *Store, limit int64) (*cache, error) {
	c := &cache{store: s, limit: limit}
	err := s.Read(ctx, func(tx *Tx) error {
		_, err := tx.one(ctx, []any{&c.size}, `SELECT COALESCE(SUM(size), 0) FROM cache`)
		return err
	})
	return c, err
}

// Get returns the value put under key, unless it was forgotten.
func (c *cache) Get(ctx context.Context, key string) (value []byte, ok bool) {
	err := c.store.Read(ctx, func(tx *Tx) (err error) {
		ok, err = tx.one(ctx, []any{&value}, `SELECT value FROM cache WHERE key = $1`, key)
		return err
	})
	// A cache that cannot be read only costs the call it would have saved.
	return value, ok && err == nil
}

// Put keeps a value. It may not: the value is then fetched again.
func (c *cache) Put(ctx context.Context, key string, value []byte) {
	if len(value) > cacheMost {
		return
	}
	if value == nil {
		value = []byte{} // nil would be stored as NULL
	}
	var grown int64
	err := c.store.Write(ctx, func(tx *Tx) (err error) {
		grown, err = c.put(ctx, tx, key, value)
		return err
	})
	if err == nil {
		c.mu.Lock()
		c.size += grown
		c.mu.Unlock()
	}
}

// put returns by how much the cache grew; less than nothing if it shrank.
func (c *cache) put(ctx context.Context, tx *Tx, key string, value []byte) (grown int64, err error) {
	n, err := tx.exec(ctx, `INSERT INTO cache (key, seq, value, size)
		VALUES ($1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM cache), $2, $3)
		ON CONFLICT (key) DO NOTHING`, key, value, len(value))
	if err != nil || n == 0 {
		return 0, err
	}
	c.mu.Lock()
	room := c.limit - c.size
	c.mu.Unlock()
	for grown = int64(len(value)); grown > room; {
		freed, err := evict(ctx, tx)
		if err != nil || freed == 0 {
			return grown, err
		}
		grown -= freed
	}
	return grown, nil
}

// evict forgets the oldest values and returns how many bytes they had.
func evict(ctx context.Context, tx *Tx) (freed int64, err error) {
	err = tx.each(ctx, func(rows *sql.Rows) error {
		var size int64
		err := rows.Scan(&size)
		freed += size
		return err
	}, `DELETE FROM cache WHERE seq IN (SELECT seq FROM cache ORDER BY seq LIMIT $1) RETURNING size`, cacheOut)
	return freed, err
}
