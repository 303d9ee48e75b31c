package checks

import (
	"cmp"
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

// mostPinned bounds how many logins of groups that the change does not touch are
// asked about at once.
const mostPinned = 100

// A naming is a login in a text of a repository.
type naming struct {
	repoID      int64
	blob, login string
}

// wantAccounts finds whom the logins of the policies name, each asked once for every
// version of the text it stands in. A login that nobody had then names nobody for as
// long as that text stands, or whoever registers a misspelt one could approve. Groups
// that the change does not touch are no exception: a login could be taken over until
// one is. Nor is the organisation's policy in a repository that is read later.
func (g *gathering) wantAccounts(ctx context.Context, q *lookup) (settled bool, err error) {
	if g.ownersAsked > 0 || g.pol == nil {
		return g.pol == nil, nil
	}
	wanted := g.sources().Logins
	more := 0
	for i, n := range g.out.namings(wanted) {
		is := slices.Contains(wanted, n.login)
		if !is && more == mostPinned {
			continue
		}
		known, err := g.c.pin(ctx, q, fmt.Sprintf("user%d", i), n, func(id int64) {
			if is {
				g.account(n.login, id)
			}
		})
		if err != nil {
			return false, err
		}
		if !is && !known {
			more++
		}
	}
	return true, nil
}

// pin takes whom a login named when its text was first read. If that is not known it
// asks whom it names now, and keeps the answer for ever.
func (c *Client) pin(ctx context.Context, q *lookup, alias string, n naming, take func(id int64)) (known bool, err error) {
	id, known, err := c.accounts().Account(ctx, n.repoID, n.blob, n.login)
	if err != nil {
		return false, fmt.Errorf("recall the account of %s: %w", n.login, err)
	}
	if known {
		take(id)
		return true, nil
	}
	q.user(alias, n.login, func(p rules.Person) error {
		take(p.ID)
		return c.accounts().SaveAccount(ctx, n.repoID, n.blob, n.login, p.ID)
	})
	return false, nil
}

// namings are the logins that are wanted, by the text that names them, and all others
// of the policies.
func (o *Gathered) namings(wanted []string) (all []naming) {
	for _, login := range logins(o.Policy.PolicyText) {
		all = append(all, naming{o.Place.RepoID, o.Policy.Blob, login})
	}
	for _, login := range logins(o.Floor.PolicyText) {
		all = append(all, naming{o.floorID, o.Floor.Blob, login})
	}
	for _, login := range wanted {
		if o.Change.Owners != nil && !slices.ContainsFunc(all, func(n naming) bool { return n.login == login }) {
			all = append(all, naming{o.Place.RepoID, o.Change.Owners.Blob, login})
		}
	}
	return all
}

// logins are those that a policy names; none if it does not load.
func logins(t rules.PolicyText) []string {
	p, _ := rules.ParsePolicy(t.Data)
	if p == nil {
		return nil
	}
	return p.Sources().Logins
}

// sameTeam reports whether a team is the one that the texts asking for it meant when
// each was first read. A slug is free again when its team is deleted or renamed, and
// whoever may create teams could take it and approve. A team that was not there yet
// is pinned when it is: until then the rule that asks for it blocks.
func (g *Gathered) sameTeam(ctx context.Context, c *Client, team string, id int64) (bool, error) {
	same := true
	for _, n := range g.teamNamings(team) {
		was, ok, err := c.accounts().Account(ctx, n.repoID, n.blob, team)
		if err == nil && !ok {
			was, err = id, c.accounts().SaveAccount(ctx, n.repoID, n.blob, team, id)
		}
		if err != nil {
			return false, fmt.Errorf("recall which team %s is: %w", team, err)
		}
		same = same && was == id
	}
	return same, nil
}

// teamNamings are the texts that ask for a team.
func (g *Gathered) teamNamings(team string) (all []naming) {
	for _, n := range []struct {
		repoID int64
		rules.PolicyText
	}{{g.Place.RepoID, g.Policy.PolicyText}, {g.floorID, g.Floor.PolicyText}} {
		if p, _ := rules.ParsePolicy(n.Data); p != nil && slices.Contains(p.Sources().Teams, team) {
			all = append(all, naming{n.repoID, n.Blob, team})
		}
	}
	if len(all) == 0 && g.Change.Owners != nil {
		all = append(all, naming{g.Place.RepoID, g.Change.Owners.Blob, team})
	}
	return all
}

// account notes whom a login names, once if two texts agree. The order must not
// depend on what was remembered.
func (g *gathering) account(login string, id int64) {
	c := &g.out.Change
	if id == 0 && slices.Contains(c.Unknown, login) || slices.Contains(c.Accounts, rules.Account{Login: login, ID: id}) {
		return
	}
	if id == 0 {
		c.Unknown = append(c.Unknown, login)
		slices.Sort(c.Unknown)
		return
	}
	c.Accounts = append(c.Accounts, rules.Account{Login: login, ID: id})
	slices.SortFunc(c.Accounts, func(a, b rules.Account) int {
		return cmp.Or(strings.Compare(a.Login, b.Login), cmp.Compare(a.ID, b.ID))
	})
}

// Person is who has a login now. One without an id is nobody: GitHub says that it has no
// such user.
func (c *Client) Person(ctx context.Context, p Place, login string) (who rules.Person, err error) {
	q := &lookup{place: p}
	q.user("person", login, func(found rules.Person) error {
		who = found
		return nil
	})
	if err := q.send(ctx, c); err != nil {
		return rules.Person{}, fmt.Errorf("ask who %.40q is: %w", login, err)
	}
	return who, nil
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
