package store

import (
	"context"
	"database/sql"
	"fmt"

	"changegate/checks"
	"changegate/rules"
)

// Pin returns whom the logins of one version of a policy named when that version
// was first read: what is found now is kept unless the login was found before. A
// login that is renamed and taken by somebody else names the first still. One that
// nobody has is not kept, so that it counts once somebody does.
func (tx *Tx) Pin(ctx context.Context, repoID int64, blob string, found []rules.Account) ([]rules.Account, error) {
	var out []rules.Account
	for _, a := range found {
		if a.ID == 0 {
			continue
		}
		_, err := tx.exec(ctx, `INSERT INTO account (repo_id, blob, login, id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (repo_id, blob, login) DO NOTHING`, repoID, blob, a.Login, a.ID)
		if err != nil {
			return nil, fmt.Errorf("keep account of %.100s: %w", a.Login, err)
		}
	}
	err := tx.each(ctx, func(rows *sql.Rows) error {
		var a rules.Account
		err := rows.Scan(&a.Login, &a.ID)
		out = append(out, a)
		return err
	}, `SELECT login, id FROM account WHERE repo_id = $1 AND blob = $2 ORDER BY login`, repoID, blob)
	if err != nil {
		return nil, fmt.Errorf("read accounts of policy %.40s of repository %d: %w", blob, repoID, err)
	}
	return out, nil
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
