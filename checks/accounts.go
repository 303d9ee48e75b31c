package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// pinned is Accounts in a Cache.
type pinned struct{ Cache }

func (p pinned) key(repoID int64, blob, login string) string {
	return fmt.Sprintf("account/%d/%s/%s", repoID, blob, login)
}

func (p pinned) Account(ctx context.Context, repoID int64, blob, login string) (id int64, ok bool, err error) {
	data, ok := p.Get(ctx, p.key(repoID, blob, login))
	if !ok {
		return 0, false, nil
	}
	err = json.Unmarshal(data, &id)
	return id, err == nil, err
}

func (p pinned) SaveAccount(ctx context.Context, repoID int64, blob, login string, id int64) error {
	p.Put(ctx, p.key(repoID, blob, login), fmt.Append(nil, id))
	return nil
}

func (c *Client) accounts() Accounts {
	if c.Accounts != nil {
		return c.Accounts
	}
	return pinned{c.Cache}
}

// wantAccounts finds whom the logins of the policy name, each asked once for every
// version of the text it stands in. A login that nobody had then names nobody for as
// long as that text stands, or whoever registers a misspelt one could approve.
func (g *gathering) wantAccounts(ctx context.Context, q *lookup) (settled bool, err error) {
	if g.ownersAsked > 0 || g.pol == nil {
		return g.pol == nil, nil
	}
	own, floor := logins(g.out.Policy.PolicyText), logins(g.out.Floor.PolicyText)
	for i, login := range g.sources().Logins {
		blob := ""
		switch {
		case slices.Contains(own, login):
			blob = g.out.Policy.Blob
		case slices.Contains(floor, login):
			blob = g.out.Floor.Blob
		case g.out.Change.Owners != nil:
			blob = g.out.Change.Owners.Blob
		}
		id, ok, err := g.c.accounts().Account(ctx, g.out.Place.RepoID, blob, login)
		if err != nil {
			return false, fmt.Errorf("recall the account of %s: %w", login, err)
		}
		if ok {
			g.account(login, id)
			continue
		}
		q.user(fmt.Sprintf("user%d", i), login, func(p rules.Person) error {
			g.account(login, p.ID)
			return g.c.accounts().SaveAccount(ctx, g.out.Place.RepoID, blob, login, p.ID)
		})
	}
	return true, nil
}

// logins are those that a policy names; none if it does not load.
func logins(t rules.PolicyText) []string {
	p, _ := rules.ParsePolicy(t.Data)
	if p == nil {
		return nil
	}
	return p.Sources().Logins
}

// account notes whom a login names. The order must not depend on what was
// remembered.
func (g *gathering) account(login string, id int64) {
	c := &g.out.Change
	if id == 0 {
		c.Unknown = append(c.Unknown, login)
		slices.Sort(c.Unknown)
		return
	}
	c.Accounts = append(c.Accounts, rules.Account{Login: login, ID: id})
	slices.SortFunc(c.Accounts, func(a, b rules.Account) int { return strings.Compare(a.Login, b.Login) })
}

// user asks whose a login is. Only GitHub's word that nobody has it gives a person
// without an id.
func (q *lookup) user(alias, login string, take func(rules.Person) error) {
	q.parts = append(q.parts, part{
		alias: alias, root: true, field: "user(login: %s) { login databaseId }", values: []string{login},
		take: func(a partAnswer) error {
			var user actorAnswer
			found, err := a.read(&user)
			switch {
			case err != nil:
				return err
			case !found && a.missing:
				return take(rules.Person{Login: login})
			case user.DatabaseID == 0:
				return fmt.Errorf("GitHub does not say who %s is", login)
			}
			p := user.person()
			p.Login = login // as it is asked for the next time
			return take(p)
		},
	})
}
