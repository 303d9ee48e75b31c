package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/rules"
)

// Standing asks what somebody holds now of what a command may need
// (rules.Policy.CommandSources), in one call: their permission, which of the teams they
// are in, and whom the logins stand for. It is what GitHub says at this moment, never
// what an earlier reading remembered: a command acts at once. A team that is another
// than when the policy was first read, or is not there, has no members. What GitHub
// does not say is an error, and nothing is admitted on it. Bots and deleted accounts
// hold nothing and cost no call. The time of the comment is the caller's to add.
func (c *Client) Standing(ctx context.Context, g *Gathered, who rules.Person, s rules.Sources) (rules.Speaker, error) {
	by := rules.Speaker{Person: who, Permission: "none"}
	if who.ID == 0 || who.Bot {
		return by, nil
	}
	q := &lookup{place: g.Place}
	var unsaid []rules.Gap
	if a := (&asking{teams: s.Teams, permissions: s.Permissions, voters: []rules.Person{who}}); !a.none() {
		a.ask(ctx, q, c, g, func(r *Roles, gaps []rules.Gap) {
			by.Teams, unsaid = r.Holders[0].Teams, gaps
			if r.Holders[0].Permission != "" {
				by.Permission = r.Holders[0].Permission
			}
		})
	}
	for i, n := range g.namings(s.Logins) {
		if !slices.Contains(s.Logins, n.login) {
			continue
		}
		// Nobody, with the id 0, is an answer: whoever registers the login later is not meant.
		_, err := c.pin(ctx, q, fmt.Sprintf("user%d", i), n, func(id int64) {
			by.Accounts = append(by.Accounts, rules.Account{Login: n.login, ID: id})
		})
		if err != nil {
			return rules.Speaker{}, err
		}
	}
	err := q.send(ctx, c)
	if err == nil && len(unsaid) > 0 {
		err = errors.New(unsaid[0].Says)
	}
	if err != nil {
		return rules.Speaker{}, fmt.Errorf("ask what %s may do: %w", who.Login, err)
	}
	return by, nil
}
