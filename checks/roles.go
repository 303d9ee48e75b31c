package checks

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// An asking is whose memberships and permissions have to be known: people with an
// opinion, for the groups that a change touches.
type asking struct {
	teams       []string // @org/slug
	permissions bool     // maintain or admin is asked; write comes with the review
	voters      []rules.Person
	texts       []string // blobs that ask: in a new version a team's name may mean another
}

// none reports whether there is nothing to ask. Teams are asked for even without
// anybody's opinion, so that a misspelt team is seen before anybody waits for it.
func (a *asking) none() bool { return len(a.teams) == 0 && (!a.permissions || len(a.voters) == 0) }

// digest identifies what is asked, whoever it is asked about.
func (a *asking) digest(repoID int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %t %q %q", repoID, a.permissions, slices.Sorted(slices.Values(a.teams)), a.texts))
	return hex.EncodeToString(sum[:])
}

func (g *gathering) asking() asking {
	s := g.sources()
	a := asking{teams: s.Teams, permissions: s.Permissions}
	if len(s.Teams) > 0 {
		a.texts = []string{g.out.Policy.Blob, g.out.Floor.Blob}
		if o := g.out.Change.Owners; o != nil {
			a.texts = append(a.texts, o.Blob)
		}
	}
	for _, w := range g.out.Change.Reviews {
		if w.By.ID != 0 && !w.By.Bot && (w.State == "APPROVED" || w.State == "CHANGES_REQUESTED") && a.voter(w.By) < 0 {
			a.voters = append(a.voters, w.By)
		}
	}
	return a
}

// voter is the place of somebody among the voters, -1 if they are none.
func (a *asking) voter(p rules.Person) int {
	return slices.IndexFunc(a.voters, func(v rules.Person) bool { return v.ID == p.ID })
}

// sources are the names that the groups touched by the change ask of the outside.
func (g *gathering) sources() rules.Sources {
	if g.pol == nil {
		return rules.Sources{}
	}
	return g.pol.SourcesOf(g.out.Change.Files, g.out.Change.Owners)
}

// wantRoles takes what the last reading was told if that answers everything, and
// asks otherwise.
func (g *gathering) wantRoles(ctx context.Context, q *lookup) (settled bool, err error) {
	if g.ownersAsked > 0 || g.pol == nil {
		return g.pol == nil, nil
	}
	g.out.ask = g.asking()
	if g.out.ask.none() {
		g.out.hold(g.out.ask.nobody(g.c, g.out.Place))
		return true, nil
	}
	if r := g.remembered(); r != nil {
		g.out.hold(r)
		g.out.Remembered = true
		return true, nil
	}
	g.out.ask.add(ctx, q, g.c, g.out)
	return true, nil
}

// nobody is the answer to an asking that asks nothing. It still says whose opinion
// was given: what becomes of their permissions concerns the pull request.
func (a *asking) nobody(c *Client, p Place) *Roles {
	r := &Roles{At: c.Now().UTC(), Asked: a.digest(p.RepoID), Teams: a.teams}
	for _, v := range a.voters {
		r.Holders = append(r.Holders, Holder{ID: v.ID})
	}
	return r
}

// remembered returns the last answers if they are to the same question and about
// everybody with an opinion; nil if not. Whether somebody can write comes fresh
// with every review: an answer that it contradicts is out of date.
func (g *gathering) remembered() *Roles {
	r, a := g.known.Roles, &g.out.ask
	if r == nil || r.Asked == "" || r.Asked != a.digest(g.out.Place.RepoID) {
		return nil
	}
	for n, w := range g.out.Change.Reviews {
		if a.voter(w.By) < 0 {
			continue
		}
		i := r.holder(w.By)
		if i < 0 || a.permissions && writes(r.Holders[i].Permission) != writes(g.out.came[n]) {
			return nil
		}
	}
	return r
}

// holder is the place of what somebody holds, -1 if nothing is known.
func (r *Roles) holder(p rules.Person) int {
	return slices.IndexFunc(r.Holders, func(h Holder) bool { return h.ID == p.ID })
}

func writes(permission string) bool {
	return slices.Contains([]string{"write", "maintain", "admin"}, permission)
}

// Confirm asks the roles that a reading took from memory again, in one call, and
// puts the answers into it: a membership lost since makes no verdict green. There
// is no call when the roles were asked in the reading itself. An error leaves the
// reading as it was.
func (c *Client) Confirm(ctx context.Context, g *Gathered) error {
	if !g.Remembered {
		return nil
	}
	q := &lookup{place: g.Place}
	g.ask.add(ctx, q, c, g)
	if err := q.send(ctx, c); err != nil {
		return fmt.Errorf("confirm roles: %w", err)
	}
	g.Remembered = false
	return nil
}

// add puts the question into a lookup, and the answers into the reading once all
// of them are there.
func (a *asking) add(ctx context.Context, q *lookup, c *Client, g *Gathered) {
	a.ask(ctx, q, c, g, func(r *Roles, gaps []rules.Gap) {
		g.hold(r)
		g.Change.Gaps = append(g.Change.Gaps, gaps...)
	})
}

// ask puts the question into a lookup and hands the answers over once all of them are
// there, with what GitHub did not say.
func (a *asking) ask(ctx context.Context, q *lookup, c *Client, g *Gathered, done func(*Roles, []rules.Gap)) {
	r := a.nobody(c, g.Place)
	var gaps []rules.Gap
	unsure := func(says string) {
		gaps = append(gaps, rules.Gap{What: "roles", Says: says})
		r.Asked = "" // what is not known is no answer to be remembered
	}
	if a.permissions {
		for i, p := range a.voters {
			a.addPermission(ctx, q, c, fmt.Sprintf("voter%d", i), p, &r.Holders[i], unsure)
		}
	}
	for i, team := range a.teams {
		a.addTeam(ctx, q, c, fmt.Sprintf("team%d", i), team, r, func(id int64) (bool, error) { return g.sameTeam(ctx, c, team, id) }, unsure)
	}
	last := &q.parts[len(q.parts)-1]
	take := last.take
	last.take = func(answer partAnswer) error {
		if err := take(answer); err != nil {
			return err
		}
		done(r, gaps)
		return nil
	}
}

// addPermission asks what permission somebody has now.
func (a *asking) addPermission(ctx context.Context, q *lookup, c *Client, alias string, p rules.Person, h *Holder, unsure func(string)) {
	q.parts = append(q.parts, part{
		alias:  alias,
		field:  "collaborators(first: 100, query: %s) { pageInfo { hasNextPage } edges { permission node { databaseId } } }",
		values: []string{p.Login},
		take: func(answer partAnswer) error {
			held, known, err := answer.look(p)
			switch {
			case err != nil:
				return err
			case !known && answer.cut():
				h.Permission, err = c.permission(ctx, q.place, p)
				return err
			case !known || held != nil && held.Permission == "":
				unsure("GitHub does not say what permission " + p.Login + " has")
			case held != nil:
				h.Permission = strings.ToLower(held.Permission)
			}
			return nil
		},
	})
}

// addTeam asks which of the people are in a team, and notes a team that is not
// there.
func (a *asking) addTeam(ctx context.Context, q *lookup, c *Client, alias, team string, r *Roles, same func(id int64) (bool, error), unsure func(string)) {
	org, slug, _ := strings.Cut(strings.TrimPrefix(team, "@"), "/")
	field, values := "organization(login: %s) { team(slug: %s) { databaseId", []string{org, slug}
	for k, p := range a.voters {
		// ALL includes the members of child teams; pending invitations are no members.
		field += fmt.Sprintf(" voter%d: members(first: 100, membership: ALL, query: %%s) { pageInfo { hasNextPage } edges { node { databaseId } } }", k)
		values = append(values, p.Login)
	}
	q.parts = append(q.parts, part{alias: alias, root: true, field: field + " } }", values: values, take: func(answer partAnswer) error {
		var org struct{ Team aliases }
		if _, err := answer.read(&org); err != nil {
			return err
		}
		if org.Team == nil {
			r.Unknown = append(r.Unknown, team)
			return nil
		}
		var id int64
		if err := json.Unmarshal(org.Team["databaseId"], &id); err != nil || id == 0 {
			return fmt.Errorf("GitHub does not say which team %s is", team)
		}
		if is, err := same(id); err != nil || !is {
			r.Replaced = append(r.Replaced, team)
			return err
		}
		for k, p := range a.voters {
			is, known, err := c.within(ctx, q.place, team, p, partAnswer{raw: org.Team[fmt.Sprintf("voter%d", k)]})
			switch {
			case err != nil:
				return err
			case !known:
				unsure("GitHub does not say whether " + p.Login + " is in " + team)
			case is:
				r.Holders[k].Teams = append(r.Holders[k].Teams, team)
			}
		}
		return nil
	}})
}

// within reads whether somebody is in a team from the search for their login, and
// asks about them alone where the search found too many.
func (c *Client) within(ctx context.Context, p Place, team string, who rules.Person, search partAnswer) (is, known bool, err error) {
	member, known, err := search.look(who)
	if err == nil && !known && search.cut() {
		is, err = c.member(ctx, p, team, who)
		return is, err == nil, err
	}
	return member != nil, known, err
}

// hold gives each review the roles of its author, and keeps them for the next
// reading.
func (g *Gathered) hold(r *Roles) {
	g.Known.Roles = r
	for i := range g.Change.Reviews {
		w := &g.Change.Reviews[i]
		w.Permission, w.Teams = g.came[i], nil
		k := r.holder(w.By)
		if k < 0 {
			continue
		}
		w.Teams = slices.Clone(r.Holders[k].Teams)
		if r.Holders[k].Permission != "" {
			w.Permission = r.Holders[k].Permission
		}
	}
	g.Change.Unknown = slices.DeleteFunc(g.Change.Unknown, func(name string) bool { return strings.HasPrefix(name, "@") })
	g.Change.Unknown = append(g.Change.Unknown, r.Unknown...)
	slices.Sort(g.Change.Unknown)
	g.Change.Replaced = slices.Sorted(slices.Values(r.Replaced))
}

// held is that an account is a member of a team, or a collaborator.
type held struct {
	Permission string
	Node       *actorAnswer
}

// look finds an account in the answer to a search for its login, nil if it is not
// among those found. The search is by part of a name, so only the very account
// counts. It is not known when GitHub does not show all of them: then a request for
// changes by somebody who may make it would be overlooked.
func (a partAnswer) look(p rules.Person) (found *held, known bool, err error) {
	var search struct {
		PageInfo *struct{ HasNextPage *bool }
		Edges    []*held
	}
	if _, err := a.read(&search); err != nil {
		return nil, false, err
	}
	known = search.Edges != nil && search.PageInfo != nil && search.PageInfo.HasNextPage != nil && !*search.PageInfo.HasNextPage
	for _, e := range search.Edges {
		if e == nil || e.Node == nil || e.Node.DatabaseID == 0 {
			known = false
		} else if e.Node.DatabaseID == p.ID {
			return e, true, nil
		}
	}
	return nil, known, nil
}
