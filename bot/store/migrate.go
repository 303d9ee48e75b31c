package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

var errInUse = errors.New("another ChangeGate process has it open; stop that one, or give each its own --data directory")

// migrate brings the tables up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	p, has, knows, err := versions(ctx, db)
	if err != nil {
		return err
	}
	if has > knows {
		return fmt.Errorf("its tables are version %d and this program knows %d; run the newer program", has, knows)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring tables up to date: %w", err)
	}
	return nil
}

// upToDate refuses a database that is not of this program's version: an older
// one lacks tables, and of a newer one this program would misread the rows.
func upToDate(ctx context.Context, db *sql.DB) error {
	_, has, knows, err := versions(ctx, db)
	if err == nil && has != knows {
		err = fmt.Errorf("its tables are version %d and this program reads %d; use the program that serves it", has, knows)
	}
	return err
}

// versions returns the version the tables have and the one this program knows.
func versions(ctx context.Context, db *sql.DB) (p *goose.Provider, has, knows int64, err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, 0, 0, err
	}
	if p, err = goose.NewProvider(goose.DialectSQLite3, db, files); err != nil {
		return nil, 0, 0, fmt.Errorf("read migrations: %w", err)
	}
	if has, knows, err = p.GetVersions(ctx); err != nil {
		return nil, 0, 0, fmt.Errorf("read version of tables: %w", err)
	}
	return p, has, knows, nil
}
