package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// OpenReader opens the database in dir for reading beside the server that writes
// it: an export must not need the server stopped. Every write fails. The database
// has to be there and of this program's version.
func OpenReader(ctx context.Context, dir string) (*Store, error) {
	path := filepath.Join(dir, "changegate.db")
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open database for reading: %w", err)
	}
	s := &Store{
		idle:   make(chan *session, readers),
		writes: make(chan *write),
		moved:  make(chan struct{}),
		stop:   make(chan struct{}),
		ended:  make(chan struct{}),
	}
	s.close = sync.OnceValue(s.shut)
	go s.refuseWrites()
	if err := s.openForReading(ctx, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open database in %s for reading: %w", dir, err), s.Close())
	}
	return s, nil
}

func (s *Store) openForReading(ctx context.Context, path string) (err error) {
	if s.readDB, err = sql.Open("sqlite", dsn(path, "_pragma=query_only(1)")); err != nil {
		return err
	}
	if err := upToDate(ctx, s.readDB); err != nil {
		return err
	}
	for range readers {
		r, err := newSession(ctx, s.readDB)
		if err != nil {
			return err
		}
		s.idle <- r
	}
	return s.Read(ctx, func(tx *Tx) error { return tx.verify(ctx) })
}

// refuseWrites answers every write until Close.
func (s *Store) refuseWrites() {
	defer close(s.ended)
	for {
		select {
		case w := <-s.writes:
			w.done <- errReadOnly
		case <-s.stop:
			return
		}
	}
}
