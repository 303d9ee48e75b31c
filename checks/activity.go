package checks

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"changegate/rules"
)

// maxActivity bounds how many pages of a branch's activity are read. A push beyond
// them is one nobody is known to have made.
const maxActivity = 10

// An activity is one entry of what happened to a branch. Its actor is null when the
// account was deleted.
type activity struct {
	ID            int64
	Ref           string
	Before, After string
	Type          string `json:"activity_type"`
	Actor         *restPerson
}

// Pushers lists the pushes to a branch as GitHub recorded and authenticated them,
// the newest first (GitHub REST, "List repository activities"). It stops as soon as
// enough says so of those read until then, at the end, or after ten pages of 100.
// The repository may be a fork. ErrGone when the App cannot read it.
func (c *Client) Pushers(ctx context.Context, p Place, repo, branch string, enough func([]rules.Push) bool) ([]rules.Push, error) {
	var out []rules.Push
	ref := "refs/heads/" + branch
	after := ""
	for page := 1; page <= maxActivity; page++ {
		q := url.Values{"ref": {ref}, "per_page": {"100"}}
		if after != "" {
			q.Set("after", after)
		}
		var list []activity
		next, err := c.getAfter(ctx, p, "repos/"+repo+"/activity?"+q.Encode(), &list)
		if err != nil {
			return nil, fmt.Errorf("list activity of %s, page %d: %w", ref, page, err)
		}
		for i := range list {
			push, is, err := list[i].push(ref)
			if err != nil {
				return nil, fmt.Errorf("list activity of %s, page %d, entry %d: %w", ref, page, i+1, err)
			}
			if is {
				out = append(out, push)
			}
		}
		if after = next; after == "" || enough(out) {
			break
		}
	}
	return out, nil
}

// push is what an activity did to the branch; is is false if it moved it nowhere.
// A kind that GitHub adds later moves it too, and what it kept of the branch is not
// known: it counts as forced.
func (a *activity) push(ref string) (p rules.Push, is bool, err error) {
	switch {
	case a.Ref != ref || a.Type == "":
		return p, false, fmt.Errorf("it is of %q and of type %q", a.Ref, a.Type)
	case a.Type == "branch_deletion":
		return p, false, nil
	case !objectID.MatchString(a.After), !objectID.MatchString(a.Before) && a.Type != "branch_creation":
		return p, false, fmt.Errorf("the %s from %q to %q names no commits", a.Type, a.Before, a.After)
	}
	p = rules.Push{By: a.Actor.person(), Before: a.Before, After: a.After}
	switch a.Type {
	case "branch_creation":
		p.Before = strings.Repeat("0", len(p.After))
	case "push", "pr_merge", "merge_queue_merge":
	default:
		p.Forced = true
	}
	return p, true, nil
}

// getAfter is get for lists that are paged by a cursor: it returns that of the next
// page, empty if this is the last.
func (c *Client) getAfter(ctx context.Context, p Place, path string, into any) (after string, err error) {
	g, err := c.at(p)
	if err != nil {
		return "", err
	}
	q, err := g.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return "", err
	}
	r, err := g.Do(ctx, q, into)
	if err != nil {
		return "", classed(err)
	}
	return r.After, nil
}
