package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// mostNames bounds how many names of a new policy are asked for.
const mostNames = 100

// wantNames asks for the teams and logins of a new policy: one that names somebody
// GitHub does not know blocks everybody once it is merged (CONTRACT §2), and only its
// own pull request can still say so. Nobody is asked for on behalf of a fork: the
// answer tells which secret teams there are, and may not be for its author.
func (g *gathering) wantNames(ctx context.Context, q *lookup) (settled bool, err error) {
	n := g.out.Change.NewPolicy
	if n == nil || n.Deleted || g.out.Fork {
		return true, nil
	}
	if n.Data == nil {
		return false, nil // being asked for
	}
	pol, _ := rules.ParsePolicy(n.Data)
	if pol == nil {
		return true, nil
	}
	asks := pol.Sources()
	key := fmt.Sprintf("names/%d/%s", g.out.Place.RepoID, n.Blob)
	if _, known := g.c.Cache.Get(ctx, key); known || len(asks.Teams)+len(asks.Logins) == 0 {
		return true, nil
	}
	left := 0
	took := func(name string, found bool) {
		if !found {
			n.Unknown = append(n.Unknown, name)
			slices.Sort(n.Unknown)
		}
		if left--; left == 0 && n.Unknown == nil {
			g.c.Cache.Put(ctx, key, []byte{})
		}
	}
	for i, team := range asks.Teams[:min(len(asks.Teams), mostNames)] {
		left++
		q.team(fmt.Sprintf("newteam%d", i), team, func(found bool) { took(team, found) })
	}
	for i, login := range asks.Logins[:min(len(asks.Logins), mostNames)] {
		left++
		q.user(fmt.Sprintf("newuser%d", i), login, func(p rules.Person) error {
			took(login, p.ID != 0)
			return nil
		})
	}
	return true, nil
}

// team asks whether a team, @org/slug, is there.
func (q *lookup) team(alias, team string, take func(found bool)) {
	org, slug, _ := strings.Cut(strings.TrimPrefix(team, "@"), "/")
	q.parts = append(q.parts, part{
		alias: alias, root: true, field: "organization(login: %s) { team(slug: %s) { databaseId } }", values: []string{org, slug},
		take: func(a partAnswer) error {
			var answer struct{ Team *struct{ DatabaseID int64 } }
			if _, err := a.read(&answer); err != nil {
				return err
			}
			take(answer.Team != nil)
			return nil
		},
	})
}
