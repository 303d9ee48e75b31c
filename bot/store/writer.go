package store

import (
	"context"
	"errors"
	"fmt"
)

// batchMost bounds how many functions share a commit, and so how long the first
// of them waits for the last.
const batchMost = 64

var errUnfinished = errors.New("the function did not return")

// A write is a caller waiting for its turn in a transaction.
type write struct {
	ctx context.Context
	// turn is the baton: the writer goroutine sends its session, the caller runs
	// its function with it and sends it back.
	turn  chan *session
	done  chan error // the outcome, after the commit
	moved bool
	err   error // of the function alone
}

// Write runs fn in a transaction and returns nil only after it is on disk. It is
// Update with everything else a transaction may do. fn holds up every other
// write while it runs, so it must not wait for anything. When fn fails, all it
// did is undone and its error is returned as it is.
//
// Once fn has begun Write waits for the outcome, even if ctx ends.
func (s *Store) Write(ctx context.Context, fn func(*Tx) error) error {
	w := &write{ctx: ctx, turn: make(chan *session), done: make(chan error, 1)}
	select {
	case s.writes <- w:
	case <-s.stop:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case on := <-w.turn:
		w.run(on, fn)
		return <-w.done
	case err := <-w.done:
		return err
	}
}

// run calls the function on the caller's own goroutine, so that a panic ends the
// caller and only undoes its part. A statement's error counts even if fn
// swallowed it.
func (w *write) run(on *session, fn func(*Tx) error) {
	tx := &Tx{on: on, write: true}
	w.err = errUnfinished
	defer func() {
		tx.err = errEnded
		w.moved = tx.moved
		w.turn <- on
	}()
	if w.err = fn(tx); w.err == nil {
		w.err = tx.err
	}
}

func (s *Store) writeLoop() {
	defer close(s.ended)
	for {
		select {
		case w := <-s.writes:
			s.serve(s.collect(w))
		case <-s.stop:
			return
		}
	}
}

// collect adds to the first write all that are waiting with it.
func (s *Store) collect(first *write) []*write {
	batch := []*write{first}
	for len(batch) < batchMost {
		select {
		case w := <-s.writes:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// serve performs and commits a batch and answers every write of it.
func (s *Store) serve(batch []*write) {
	lost := s.commit(batch)
	for _, w := range batch {
		if w.err == nil {
			w.err = lost
		}
		if w.err == nil && w.moved {
			s.signal()
		}
		w.done <- w.err
	}
}

func (s *Store) signal() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// commit returns what failed for all writes alike.
func (s *Store) commit(batch []*write) error {
	ctx := context.Background()
	// IMMEDIATE takes the write lock at once; a transaction that began as a
	// reader could be refused it later.
	if _, err := s.writer.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	for _, w := range batch {
		if err := s.perform(ctx, w); err != nil {
			return s.abandon(ctx, err)
		}
	}
	if _, err := s.writer.exec(ctx, "COMMIT"); err != nil {
		return s.abandon(ctx, fmt.Errorf("commit transaction: %w", err))
	}
	return nil
}

// abandon rolls the whole transaction back because of cause. SQLite may have
// done so already, as it does when the disk is full; then the ROLLBACK fails and
// that says nothing new.
func (s *Store) abandon(ctx context.Context, cause error) error {
	_, _ = s.writer.exec(ctx, "ROLLBACK")
	return cause
}

// perform lets one write run between savepoints, so that it can fail alone. It
// returns an error only when the transaction they share is lost.
func (s *Store) perform(ctx context.Context, w *write) error {
	if w.err = w.ctx.Err(); w.err != nil {
		return nil
	}
	if _, err := s.writer.exec(ctx, "SAVEPOINT one"); err != nil {
		return fmt.Errorf("begin savepoint: %w", err)
	}
	w.turn <- s.writer
	<-w.turn
	if w.err != nil {
		if _, err := s.writer.exec(ctx, "ROLLBACK TO SAVEPOINT one"); err != nil {
			return fmt.Errorf("undo one write of several: %w", errors.Join(err, w.err))
		}
	}
	if _, err := s.writer.exec(ctx, "RELEASE SAVEPOINT one"); err != nil {
		return fmt.Errorf("end savepoint: %w", err)
	}
	return nil
}
