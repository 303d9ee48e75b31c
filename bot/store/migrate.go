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

// migrate brings the tables up to date. A database that is ahead of this program
// is refused: an old program would write rows the new one does not expect.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	has, knows, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read version of tables: %w", err)
	}
	if has > knows {
		return fmt.Errorf("its tables are version %d and this program knows %d; run the newer program", has, knows)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring tables up to date: %w", err)
	}
	return nil
}
