package checks

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"changegate/rules"
)

// A search by login finds a hundred accounts at most, and a short login is part of
// many. Whoever is not among them is asked about alone: anybody may review a public
// repository, and must not block it by being called e.

// cut reports whether there are more accounts than a search shows.
func (a partAnswer) cut() bool {
	var search struct{ PageInfo struct{ HasNextPage bool } }
	found, err := a.read(&search)
	return found && err == nil && search.PageInfo.HasNextPage
}

// permission is what an account may do in a repository, as a rule writes it; empty if
// GitHub knows nobody by that login or it is another account (GitHub REST, "Get
// repository permissions for a user").
func (c *Client) permission(ctx context.Context, p Place, who rules.Person) (string, error) {
	var answer struct {
		User struct {
			ID          int64
			Permissions map[string]bool
		}
	}
	_, err := c.get(ctx, p, fmt.Sprintf("repos/%s/collaborators/%s/permission", p.Repo, url.PathEscape(who.Login)), &answer)
	switch {
	case errors.Is(err, ErrGone) || err == nil && answer.User.ID != who.ID:
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read permission of %s: %w", who.Login, err)
	}
	for _, held := range []struct{ name, means string }{{"admin", "admin"}, {"maintain", "maintain"}, {"push", "write"}, {"triage", "triage"}, {"pull", "read"}} {
		if answer.User.Permissions[held.name] {
			return held.means, nil
		}
	}
	return "", nil
}

// member reports whether an account is in a team or one below it; an invitation is
// none (GitHub REST, "Get team membership for a user").
func (c *Client) member(ctx context.Context, p Place, team string, who rules.Person) (bool, error) {
	org, slug, _ := strings.Cut(strings.TrimPrefix(team, "@"), "/")
	var answer struct{ State string }
	_, err := c.get(ctx, p, fmt.Sprintf("orgs/%s/teams/%s/memberships/%s", url.PathEscape(org), url.PathEscape(slug), url.PathEscape(who.Login)), &answer)
	if err != nil && !errors.Is(err, ErrGone) {
		return false, fmt.Errorf("read membership of %s in %s: %w", who.Login, team, err)
	}
	return err == nil && answer.State == "active", nil
}
