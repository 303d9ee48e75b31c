// Package store is what ChangeGate remembers: deliveries, the queue, pull
// requests and the evidence logs, in one SQL database, because a webhook, its
// job, its verdict and its record must be committed together or not at all.
//
// It knows no GitHub and decides nothing. Time is a parameter of every call that
// depends on it, kept to the millisecond.
//
// Every write goes through one goroutine that commits whatever is waiting in a
// single durable transaction (Write); reads have connections of their own and
// see one snapshot (Read). The queue is a row per pull request: an event raises
// its generation and due time, a claim takes a lease and a fencing token, and
// finishing with an old generation makes it due again (queue.go).
//
// The engine is SQLite. Statements stay in what PostgreSQL also reads: parameters
// numbered in order of appearance, ON CONFLICT, RETURNING, CAST(x AS BIGINT).
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"changegate/bot/evidence"
)

// readers is how many Reads may run at once; more of them wait.
const readers = 8

var errClosed = errors.New("the store is closed")

// A Store is an open database. It is safe for concurrent use. A function given
// to Write, Read, Update or View must not call the store again: it would wait
// for itself.
type Store struct {
	lock   *os.File
	db     *sql.DB // of the writer
	readDB *sql.DB
	writer *session      // owned by the writer goroutine
	idle   chan *session // sessions of the read pool not in use
	writes chan *write
	moved  chan struct{}
	stop   chan struct{} // closed by Close
	ended  chan struct{} // closed when the writer goroutine has returned
	close  func() error
	facts  *cache
}

var _ evidence.Storage = (*Store)(nil)

// Open opens the database in dir, making both when they are not there, and
// brings its tables up to date. It refuses a directory that another process has
// open, a database of a newer program, and one whose evidence log is not whole.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
	}
	s := &Store{
		lock:   lock,
		idle:   make(chan *session, readers),
		writes: make(chan *write),
		moved:  make(chan struct{}, 1),
		stop:   make(chan struct{}),
		ended:  make(chan struct{}),
	}
	s.close = sync.OnceValue(s.shut)
	if err := s.open(ctx, filepath.Join(dir, "changegate.db")); err != nil {
		close(s.ended)
		return nil, errors.Join(fmt.Errorf("open database in %s: %w", dir, err), s.Close())
	}
	go s.writeLoop()
	return s, nil
}

// open connects, migrates and checks. On an error it leaves to shut what it opened.
func (s *Store) open(ctx context.Context, path string) error {
	// Made here so that others cannot read it even in a directory they can
	// enter; SQLite gives its side files the mode of the database.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if s.db, err = sql.Open("sqlite", dsn(path, "_txlock=immediate")); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	if err := migrate(ctx, s.db); err != nil {
		return err
	}
	if s.writer, err = newSession(ctx, s.db); err != nil {
		return err
	}
	// The lock says that nobody else has the directory open, so a lease found in it
	// is of a process that died: its job need not wait for the lease to end.
	if _, err := s.writer.exec(ctx, `UPDATE job SET lease_until = 0 WHERE lease_until > 0`); err != nil {
		return err
	}
	if s.readDB, err = sql.Open("sqlite", dsn(path, "_pragma=query_only(1)")); err != nil {
		return err
	}
	for range readers {
		r, err := newSession(ctx, s.readDB)
		if err != nil {
			return err
		}
		s.idle <- r
	}
	if err := s.Read(ctx, func(tx *Tx) error { return tx.verify(ctx) }); err != nil {
		return err
	}
	s.facts, err = newCache(ctx, s, cacheBytes)
	return err
}

// dsn spells out the settings durability depends on: with synchronous FULL every
// commit reaches the disk before it is acknowledged (NORMAL in WAL mode loses
// the last ones with the power), and fullfsync makes macOS mean it.
func dsn(path, more string) string {
	name := (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
	return "file:" + name + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=fullfsync(1)&_pragma=recursive_triggers(1)&" + more
}

// Close waits for the transactions that are running, then closes the database
// and lets go of the directory. Writes that had not begun fail.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	close(s.stop)
	<-s.ended
	var errs []error
	if s.readDB != nil {
		for range s.readDB.Stats().InUse { // each session keeps one
			errs = append(errs, (<-s.idle).close())
		}
		errs = append(errs, s.readDB.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close()) // last: until here nobody else may open the files
	}
	return errors.Join(errs...)
}

// Wait returns a channel that gets a value after a commit that may have brought
// NextDue forward, so that workers need not poll. Signals coalesce.
func (s *Store) Wait() <-chan struct{} { return s.moved }

// millis is the instant as it is stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// millisUp rounds up, so that a timer never fires before its instant.
func millisUp(t time.Time) int64 { return millis(t.Add(time.Millisecond - time.Nanosecond)) }

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
