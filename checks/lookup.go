package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// A lookup is what only some pull requests need: texts of the change itself (a new
// policy, change requests in files) and the roles of those who gave an opinion.
// All of it is one GraphQL query, each part under an alias of its own.
type lookup struct {
	place       Place
	texts       []wantedText
	voters      []rules.Person
	teams       []string // @org/slug
	permissions bool     // maintain or admin is asked
}

// A wantedText is a file of a commit and what takes its content. The content is
// nil when GitHub does not have it as text: binary, above 512,000 bytes, or gone.
type wantedText struct {
	Source
	take func(text *string)
}

// A Source is where the content of a blob is found.
type Source struct {
	Commit, Path, Blob string
}

// lookups asks for what is needed, in no call when that is nothing.
func (g *gathering) lookups(ctx context.Context) error {
	if g.diff == nil {
		return nil
	}
	q := &lookup{place: g.out.Place}
	g.wantTexts(q)
	g.wantRoles(q)
	if len(q.texts) == 0 && len(q.teams) == 0 && (!q.permissions || len(q.voters) == 0) {
		return nil
	}
	answer, err := q.ask(ctx, g.c)
	if err == nil {
		err = errors.Join(q.takeTexts(ctx, g.c, answer), g.takePermissions(q, answer), g.takeTeams(q, answer))
	}
	if err != nil {
		return fmt.Errorf("look up roles and texts: %w", err)
	}
	return nil
}

// wantTexts finds the files of the change whose content the rules read.
func (g *gathering) wantTexts(q *lookup) {
	for i := range g.diff.Files {
		f := &g.diff.Files[i]
		switch {
		case f.Filename == PolicyPath && f.Status != "removed":
			g.wantPolicy(q, f)
		case f.Filename == PolicyPath || f.Previous == PolicyPath:
			g.out.Change.NewPolicy = &rules.PolicyText{Path: PolicyPath, Deleted: true}
		case rules.RequestPath(f.Filename) && f.Status == "added":
			g.wantRequest(q, f)
		}
	}
}

// wantPolicy takes the new policy from the first query if that read the same
// blob: the ref it read by name may have moved since.
func (g *gathering) wantPolicy(q *lookup, f *fileAnswer) {
	n := &rules.PolicyText{Commit: g.out.Change.Head.Commit, Path: f.Filename, Blob: f.SHA}
	g.out.Change.NewPolicy = n
	if own := g.pr.OwnPolicy; own != nil && own.Text != nil && isBlob(f.SHA, *own.Text) {
		n.Data = []byte(*own.Text)
		return
	}
	q.texts = append(q.texts, wantedText{g.source(f), func(text *string) { n.Data = []byte(orUnreadable(text)) }})
}

func (g *gathering) wantRequest(q *lookup, f *fileAnswer) {
	path := f.Filename
	take := func(text string) {
		g.out.Change.Requests = append(g.out.Change.Requests, rules.RequestText{Path: path, Line: 1, Text: text})
	}
	if text, ok := f.added(); ok && isBlob(f.SHA, text) {
		take(text)
		return
	}
	q.texts = append(q.texts, wantedText{g.source(f), func(text *string) { take(orUnreadable(text)) }})
}

func (g *gathering) source(f *fileAnswer) Source {
	return Source{g.out.Change.Head.Commit, f.Filename, f.SHA}
}

// orUnreadable stands a text that no parser accepts in for one that is not there.
func orUnreadable(text *string) string {
	if text == nil {
		return "\x00"
	}
	return *text
}

// wantRoles finds whose memberships and permissions have to be asked: people with
// an opinion, for the groups that this change touches. Teams are asked for even
// without one, so that a misspelt team is seen before anybody waits for it.
func (g *gathering) wantRoles(q *lookup) {
	if g.pol == nil {
		return
	}
	s := g.pol.SourcesOf(g.out.Change.Files, g.out.Change.Owners)
	q.teams, q.permissions = s.Teams, s.Permissions
	for _, w := range g.out.Change.Reviews {
		if w.By.ID != 0 && !w.By.Bot && (w.State == "APPROVED" || w.State == "CHANGES_REQUESTED") && !slices.Contains(q.voters, w.By) {
			q.voters = append(q.voters, w.By)
		}
	}
}

// aliases is one object of an answer, its parts still to be read.
type aliases map[string]json.RawMessage

// ask sends the query. An organisation or team that is not there is an answer; a
// repository or blob that is not there is a fault.
func (q *lookup) ask(ctx context.Context, c *Client) (aliases, error) {
	query, variables := q.compose()
	var answer aliases
	errs, err := c.graph(ctx, q.place, query, variables, &answer, "NOT_FOUND")
	if err != nil {
		return nil, err
	}
	for _, e := range errs {
		if len(e.Path) == 0 || !strings.HasPrefix(fmt.Sprint(e.Path[0]), "team") {
			return nil, fmt.Errorf("GraphQL %s: %.200s", e.Type, e.Message)
		}
	}
	return answer, nil
}

// compose writes the query. Everything from outside goes in as a variable, so
// that no login or team name can become syntax.
func (q *lookup) compose() (query string, variables map[string]any) {
	owner, name, _ := strings.Cut(q.place.Repo, "/")
	variables = map[string]any{"owner": owner, "name": name}
	var declare, repo, orgs strings.Builder
	bind := func(kind, value string) string {
		v := fmt.Sprintf("v%d", len(variables))
		variables[v] = value
		fmt.Fprintf(&declare, ", $%s: %s!", v, kind)
		return "$" + v
	}
	for i, t := range q.texts {
		fmt.Fprintf(&repo, " text%d: object(expression: %s) { oid ... on Blob { text isTruncated } }", i, bind("String", t.Commit+":"+t.Path))
	}
	for i, p := range q.voters {
		if q.permissions {
			fmt.Fprintf(&repo, " voter%d: collaborators(first: 100, query: %s) { pageInfo { hasNextPage } edges { permission node { databaseId } } }", i, bind("String", p.Login))
		}
	}
	for i, team := range q.teams {
		org, slug, _ := strings.Cut(strings.TrimPrefix(team, "@"), "/")
		fmt.Fprintf(&orgs, " team%d: organization(login: %s) { team(slug: %s) { databaseId", i, bind("String", org), bind("String", slug))
		for k, p := range q.voters {
			// ALL includes the members of child teams; pending invitations are no members.
			fmt.Fprintf(&orgs, " voter%d: members(first: 100, membership: ALL, query: %s) { pageInfo { hasNextPage } edges { node { databaseId } } }", k, bind("String", p.Login))
		}
		orgs.WriteString(" } }")
	}
	return fmt.Sprintf("query Lookup($owner: String!, $name: String!%s) { repository(owner: $owner, name: $name) { databaseId%s }%s }",
		&declare, &repo, &orgs), variables
}

// part reads one alias; found is false when it is null or missing.
func (a aliases) part(name string, into any) (found bool, err error) {
	raw, ok := a[name]
	if !ok || string(raw) == "null" {
		return false, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return true, nil
}

func (q *lookup) takeTexts(ctx context.Context, c *Client, answer aliases) error {
	var repo aliases
	if _, err := answer.part("repository", &repo); err != nil {
		return err
	}
	for i, t := range q.texts {
		var blob struct {
			Oid         string
			Text        *string
			IsTruncated bool
		}
		if _, err := repo.part(fmt.Sprintf("text%d", i), &blob); err != nil {
			return err
		}
		if blob.IsTruncated || blob.Oid != t.Blob {
			blob.Text = nil
		}
		text, err := c.exact(ctx, q.place, t.Blob, blob.Text)
		if err != nil {
			return err
		}
		t.take(text)
	}
	return nil
}

// takePermissions gives each voter's reviews the permission held now.
func (g *gathering) takePermissions(q *lookup, answer aliases) error {
	if !q.permissions {
		return nil
	}
	var repo aliases
	if _, err := answer.part("repository", &repo); err != nil {
		return err
	}
	for i, p := range q.voters {
		held, known, err := repo.look(fmt.Sprintf("voter%d", i), p)
		switch {
		case err != nil:
			return err
		case !known || held != nil && held.Permission == "":
			g.gap("roles", "GitHub does not say what permission "+p.Login+" has")
		case held != nil:
			g.reviewsBy(p, func(w *rules.Review) { w.Permission = strings.ToLower(held.Permission) })
		}
	}
	return nil
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
func (a aliases) look(name string, p rules.Person) (found *held, known bool, err error) {
	var search struct {
		PageInfo *pageInfo
		Edges    []*held
	}
	if _, err := a.part(name, &search); err != nil {
		return nil, false, err
	}
	known = search.Edges != nil && search.PageInfo != nil && !search.PageInfo.HasNextPage
	for _, e := range search.Edges {
		if e == nil || e.Node == nil || e.Node.DatabaseID == 0 {
			known = false
		} else if e.Node.DatabaseID == p.ID {
			return e, true, nil
		}
	}
	return nil, known, nil
}

// takeTeams gives each voter's reviews the teams they belong to, and notes the
// teams that are not there.
func (g *gathering) takeTeams(q *lookup, answer aliases) error {
	for i, name := range q.teams {
		var org struct{ Team aliases }
		if _, err := answer.part(fmt.Sprintf("team%d", i), &org); err != nil {
			return err
		}
		if org.Team == nil {
			g.out.Change.Unknown = append(g.out.Change.Unknown, name)
			continue
		}
		for k, p := range q.voters {
			member, known, err := org.Team.look(fmt.Sprintf("voter%d", k), p)
			switch {
			case err != nil:
				return err
			case !known:
				g.gap("roles", "GitHub does not say whether "+p.Login+" is in "+name)
			case member != nil:
				g.reviewsBy(p, func(w *rules.Review) { w.Teams = append(w.Teams, name) })
			}
		}
	}
	return nil
}

func (g *gathering) reviewsBy(p rules.Person, do func(*rules.Review)) {
	for i := range g.out.Change.Reviews {
		if w := &g.out.Change.Reviews[i]; w.By.ID == p.ID {
			do(w)
		}
	}
}

// Contents returns the text of blobs by id, as far as they are text of at most
// 512,000 bytes, GitHub's own limit. Each is asked for once ever.
func (c *Client) Contents(ctx context.Context, p Place, sources []Source) (map[string][]byte, error) {
	out := map[string][]byte{}
	q := &lookup{place: p}
	for _, s := range sources {
		id := s.Blob
		if data, ok := c.Cache.Get(ctx, "blob/"+id); ok {
			out[id] = data
			continue
		}
		q.texts = append(q.texts, wantedText{s, func(text *string) {
			if text != nil {
				out[id] = []byte(*text)
				c.Cache.Put(ctx, "blob/"+id, out[id])
			}
		}})
	}
	const most = 100 // texts a query; GitHub bounds the size of an answer
	for all := q.texts; len(all) > 0; all = all[min(most, len(all)):] {
		q.texts = all[:min(most, len(all))]
		answer, err := q.ask(ctx, c)
		if err != nil {
			return nil, err
		}
		if err := q.takeTexts(ctx, c, answer); err != nil {
			return nil, err
		}
	}
	return out, nil
}
