package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"changegate/bot/evidence"
	"changegate/bot/store"
)

// A database restored from a backup would go on from an old state of the log and
// sign a second history. So every log's newest checkpoint is also kept in a file,
// outside the database, and the server does not start on a log that does not
// extend it.

// GuardLogs compares every checkpoint in dir with its log, also one that is no longer
// in the database.
// Call it before the server works.
func (b *Bot) GuardLogs(ctx context.Context, dir string) error {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	return b.Store.Read(ctx, func(tx *store.Tx) error {
		for _, f := range files {
			if strings.HasSuffix(f.Name(), ".new") {
				continue
			}
			last, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err == nil {
				err = evidence.NewLog(b.Keys, f.Name()).Extends(ctx, tx, last)
			}
			if err != nil {
				return fmt.Errorf("compare log %s with its last checkpoint in %s: %w: "+
					"restore the newest database, or move the checkpoint away to go on with a log whose older bundles no longer match", f.Name(), dir, err)
			}
		}
		return nil
	})
}

// KeepCheckpoints writes every log's checkpoint into dir. A crash leaves the old
// file or the new one.
func (b *Bot) KeepCheckpoints(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make checkpoint directory: %w", err)
	}
	return b.eachLog(ctx, func(tx *store.Tx, name string, log *evidence.Log) error {
		checkpoint, err := log.Checkpoint(ctx, tx)
		if err != nil {
			return fmt.Errorf("sign checkpoint of log %s: %w", name, err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".new", checkpoint, 0o600); err != nil {
			return fmt.Errorf("keep checkpoint of log %s: %w", name, err)
		}
		return os.Rename(path+".new", path)
	})
}

func (b *Bot) eachLog(ctx context.Context, do func(*store.Tx, string, *evidence.Log) error) error {
	return b.Store.Read(ctx, func(tx *store.Tx) error {
		names, err := tx.Logs(ctx)
		for _, name := range names {
			err = errors.Join(err, do(tx, name, evidence.NewLog(b.Keys, name)))
		}
		return err
	})
}
