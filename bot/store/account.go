package store

import (
	"context"
	"fmt"

	"changegate/checks"
)

var _ checks.Accounts = (*Store)(nil)

// Account is described at checks.Accounts.
func (s *Store) Account(ctx context.Context, repoID int64, blob, login string) (id int64, ok bool, err error) {
	err = s.Read(ctx, func(tx *Tx) error {
		ok, err = tx.one(ctx, []any{&id}, `SELECT id FROM account WHERE repo_id = $1 AND blob = $2 AND login = $3`, repoID, blob, login)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("read account of %.100s: %w", login, err)
	}
	return id, ok, nil
}

// SaveAccount is described at checks.Accounts.
func (s *Store) SaveAccount(ctx context.Context, repoID int64, blob, login string, id int64) error {
	err := s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(ctx, `INSERT INTO account (repo_id, blob, login, id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (repo_id, blob, login) DO NOTHING`, repoID, blob, login, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep account of %.100s: %w", login, err)
	}
	return nil
}

// SaveFloor keeps an organisation's policy as it was read last.
func (tx *Tx) SaveFloor(ctx context.Context, orgID int64, p checks.Policy) error {
	_, err := tx.exec(ctx, `INSERT INTO floor (org_id, state, commit_id, path, blob, data, why) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (org_id) DO UPDATE SET state = excluded.state, commit_id = excluded.commit_id, path = excluded.path,
			blob = excluded.blob, data = excluded.data, why = excluded.why`,
		orgID, int(p.State), p.Commit, p.Path, p.Blob, p.Data, p.Why)
	if err != nil {
		return fmt.Errorf("save policy of organisation %d: %w", orgID, err)
	}
	return nil
}

// Floor returns an organisation's policy as it was read last; absent if it never
// was.
func (tx *Tx) Floor(ctx context.Context, orgID int64) (checks.Policy, error) {
	var p checks.Policy
	_, err := tx.one(ctx, []any{&p.State, &p.Commit, &p.Path, &p.Blob, &p.Data, &p.Why},
		`SELECT state, commit_id, path, blob, data, why FROM floor WHERE org_id = $1`, orgID)
	if err != nil {
		return checks.Policy{}, fmt.Errorf("read policy of organisation %d: %w", orgID, err)
	}
	return p, nil
}
