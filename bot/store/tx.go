package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"changegate/bot/evidence"
)

// A session is one connection with its prepared statements: SQLite spends as
// long parsing most of our statements as running them.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

func (c *session) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := c.stmts[query]; ok {
		return st, nil
	}
	st, err := c.conn.PrepareContext(ctx, query)
	if err == nil {
		c.stmts[query] = st
	}
	return st, err
}

func (c *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	st, err := c.stmt(ctx, query)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *session) close() error {
	var errs []error
	for _, st := range c.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.conn.Close())...)
}

// A Tx is one transaction. It belongs to the function it was given to and is of
// no use after that function returned.
type Tx struct {
	on    *session
	write bool
	moved bool  // a due time was set
	err   error // the first statement that failed, or why the Tx cannot be used
}

var _ evidence.Tx = (*Tx)(nil)

var (
	errReadOnly = errors.New("this transaction only reads")
	errEnded    = errors.New("this transaction has ended")
)

// enter says whether a statement may run, and gives it a context without
// cancellation: SQLite may answer an interrupted write by rolling back the whole
// transaction, which others share. Statements are short, so it is enough to look
// at the context between them.
func (tx *Tx) enter(ctx context.Context) (context.Context, error) {
	if tx.err != nil {
		return nil, tx.err
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// exec runs a statement that writes and returns how many rows it touched. After
// one that failed the transaction can no longer be committed, even if its
// function goes on and returns nil: half an append must never stay.
func (tx *Tx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, err := tx.enter(ctx)
	if err != nil {
		return 0, err
	}
	if !tx.write {
		return 0, errReadOnly
	}
	n, err := tx.on.exec(ctx, query, args...)
	if err != nil {
		tx.err = err
	}
	return n, err
}

// each calls scan for every row of a query.
func (tx *Tx) each(ctx context.Context, scan func(*sql.Rows) error, query string, args ...any) (err error) {
	ctx, err = tx.enter(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && tx.write {
			tx.err = err
		}
	}()
	st, err := tx.on.stmt(ctx, query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the only row of a query into the places given and reports whether
// there was one.
func (tx *Tx) one(ctx context.Context, into []any, query string, args ...any) (found bool, err error) {
	err = tx.each(ctx, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(into...)
	}, query, args...)
	return found && err == nil, err
}

// Read runs fn on one snapshot of the database.
func (s *Store) Read(ctx context.Context, fn func(*Tx) error) (err error) {
	var on *session
	select {
	case on = <-s.idle:
	case <-s.stop:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.idle <- on }()
	clean := context.WithoutCancel(ctx)
	if _, err := on.exec(clean, "BEGIN"); err != nil {
		return fmt.Errorf("begin to read: %w", err)
	}
	tx := &Tx{on: on}
	defer func() {
		tx.err = errEnded
		if _, e := on.exec(clean, "ROLLBACK"); e != nil {
			err = errors.Join(err, fmt.Errorf("end reading: %w", e))
		}
	}()
	return fn(tx)
}

// View is Read as evidence.Storage has it.
func (s *Store) View(ctx context.Context, fn func(evidence.Tx) error) error {
	return s.Read(ctx, func(tx *Tx) error { return fn(tx) })
}

// Update is Write as evidence.Storage has it.
func (s *Store) Update(ctx context.Context, fn func(evidence.Tx) error) error {
	return s.Write(ctx, func(tx *Tx) error { return fn(tx) })
}
