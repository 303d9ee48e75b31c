package store

import "context"

// Short is short, for tests.
var Short = short

// ExecForTest runs any statement.
func (tx *Tx) ExecForTest(ctx context.Context, query string) error {
	_, err := tx.exec(ctx, query)
	return err
}

// CacheOf is a second cache on the same table with another bound.
func CacheOf(ctx context.Context, s *Store, limit int64) (*cache, error) {
	return newCache(ctx, s, limit)
}

// CacheMost is cacheMost, for tests.
const CacheMost = cacheMost
