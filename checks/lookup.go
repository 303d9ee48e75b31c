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
// policy, change requests in files), CODEOWNERS, whom logins and co-authors name,
// and the roles of those who gave an opinion. All of it is one GraphQL query, each
// part under an alias of its own.
type lookup struct {
	place Place
	parts []part
}

// A part is one field of the query and what takes its answer.
type part struct {
	alias string
	root  bool // a field of GitHub itself, not of the repository
	// Each %s of field stands for one of the values. They go in as variables, so
	// that no login or team name can become syntax.
	field  string
	values []string
	take   func(partAnswer) error
}

// A partAnswer is what GitHub says to one part. It is missing when GitHub says that
// there is no such thing; a null without that was not read.
type partAnswer struct {
	raw     json.RawMessage
	missing bool
}

// read decodes the answer; found is false when it is null.
func (a partAnswer) read(into any) (found bool, err error) {
	if len(a.raw) == 0 || string(a.raw) == "null" {
		return false, nil
	}
	return true, json.Unmarshal(a.raw, into)
}

// A Source is where the content of a blob is found.
type Source struct {
	Commit, Path, Blob string
}

// A want adds what it needs to a lookup. It reports false when it has to be called
// again once the lookup is answered.
type want func(ctx context.Context, q *lookup) (settled bool, err error)

// lookups asks for what is needed, in no call when that is nothing. One call is
// the rule; who may approve is known only when CODEOWNERS is, and whom the change
// request names when its file is, which takes a second one.
func (g *gathering) lookups(ctx context.Context) error {
	if g.diff == nil {
		return nil
	}
	for todo := []want{g.wantTexts, g.wantNames, g.wantOwners, g.wantCoAuthors, g.wantHumans, g.wantRequester, g.wantRoles, g.wantAccounts, g.wantFolders, g.wantTarget, g.wantManifests}; len(todo) > 0; {
		q := &lookup{place: g.out.Place}
		var later []want
		for _, w := range todo {
			settled, err := w(ctx, q)
			if err != nil {
				return err
			}
			if !settled {
				later = append(later, w)
			}
		}
		if err := g.send(ctx, q); err != nil {
			return fmt.Errorf("look up roles and texts: %w", err)
		}
		todo = later
	}
	return nil
}

// send asks, once more without the authors of commits if the server cannot name
// them: what else is asked must not be lost with them.
func (g *gathering) send(ctx context.Context, q *lookup) error {
	err := q.send(ctx, g.c)
	var refused graphError
	if !errors.As(err, &refused) || !strings.Contains(refused.Message, "'authors'") {
		return err
	}
	had := len(q.parts)
	q.parts = slices.DeleteFunc(q.parts, func(p part) bool { return strings.HasPrefix(p.alias, coAuthorsAlias) })
	if len(q.parts) == had {
		return err
	}
	g.gap("commits", "this GitHub server cannot say whose addresses the Co-authored-by trailers name; use the noreply addresses of accounts")
	return q.send(ctx, g.c)
}

// send makes the query, if there is something to ask, and gives every part its
// answer. That an account, organisation or team is not there is an answer; a
// repository or object that is not there is a fault.
func (q *lookup) send(ctx context.Context, c *Client) error {
	if len(q.parts) == 0 {
		return nil
	}
	query, variables := q.compose()
	var answer aliases
	errs, err := c.graph(ctx, q.place, query, variables, &answer, "NOT_FOUND")
	if err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, e := range errs {
		alias := q.root(e.Path)
		if alias == "" {
			return e
		}
		missing[alias] = true
	}
	var repo aliases
	if _, err := (partAnswer{raw: answer["repository"]}).read(&repo); err != nil {
		return fmt.Errorf("read repository: %w", err)
	}
	for _, p := range q.parts {
		from := repo
		if p.root {
			from = answer
		}
		raw, ok := from[p.alias]
		if !ok {
			return fmt.Errorf("read GraphQL data: it lacks %s", p.alias) // of a repository that is null, everything would look absent
		}
		if err := p.take(partAnswer{raw, missing[p.alias]}); err != nil {
			return fmt.Errorf("read %s: %w", p.alias, err)
		}
	}
	return nil
}

// root returns the alias at the root of the query that an error's path begins
// with; empty if there is none.
func (q *lookup) root(path []any) string {
	for _, p := range q.parts {
		if p.root && len(path) > 0 && path[0] == p.alias {
			return p.alias
		}
	}
	return ""
}

// aliases is one object of an answer, its parts still to be read.
type aliases map[string]json.RawMessage

func (q *lookup) compose() (query string, variables map[string]any) {
	owner, name, _ := strings.Cut(q.place.Repo, "/")
	variables = map[string]any{"owner": owner, "name": name}
	var declare, repo, root strings.Builder
	for _, p := range q.parts {
		var names []any
		for _, value := range p.values {
			v := fmt.Sprintf("v%d", len(variables))
			variables[v] = value
			names = append(names, "$"+v)
			fmt.Fprintf(&declare, ", $%s: String!", v)
		}
		to := &repo
		if p.root {
			to = &root
		}
		fmt.Fprintf(to, " %s: "+p.field, append([]any{p.alias}, names...)...)
	}
	return fmt.Sprintf("query Lookup($owner: String!, $name: String!%s) { repository(owner: $owner, name: $name) { databaseId%s }%s }",
		&declare, &repo, &root), variables
}

// text asks for a file of a commit. It is nil when GitHub does not have it as text:
// binary, above 512,000 bytes, or gone.
func (q *lookup) text(ctx context.Context, c *Client, s Source, take func(text *string)) {
	q.parts = append(q.parts, part{
		alias: fmt.Sprintf("text%d", len(q.parts)), field: "object(expression: %s) { oid ... on Blob { text isTruncated } }", values: []string{s.Commit + ":" + s.Path},
		take: func(a partAnswer) error {
			var blob struct {
				Oid         string
				Text        *string
				IsTruncated bool
			}
			if _, err := a.read(&blob); err != nil {
				return err
			}
			if blob.IsTruncated || blob.Oid != s.Blob {
				blob.Text = nil
			}
			text, err := c.exact(ctx, q.place, s.Blob, blob.Text)
			if err == nil {
				take(text)
			}
			return err
		},
	})
}

// wantTexts finds the files of the change whose content the rules read.
func (g *gathering) wantTexts(ctx context.Context, q *lookup) (settled bool, err error) {
	for i := range g.diff.Files {
		f := &g.diff.Files[i]
		switch {
		case f.Filename == PolicyPath && f.Status != "removed":
			g.wantPolicy(ctx, q, f)
		case f.Filename == PolicyPath || f.Previous == PolicyPath:
			g.out.Change.NewPolicy = &rules.PolicyText{Path: PolicyPath, Deleted: true}
		case rules.RequestPath(f.Filename) && (f.Status == "added" || f.Status == "renamed" || f.Status == "copied"):
			g.wantRequest(ctx, q, f)
		}
	}
	return true, nil
}

// wantPolicy takes the new policy from the first query if that read the same
// blob: the ref it read by name may have moved since.
func (g *gathering) wantPolicy(ctx context.Context, q *lookup, f *fileAnswer) {
	n := &rules.PolicyText{Commit: g.out.Change.Head.Commit, Path: f.Filename, Blob: f.SHA}
	g.out.Change.NewPolicy = n
	if own := g.pr.OwnPolicy; own != nil && own.Text != nil && isBlob(f.SHA, *own.Text) {
		n.Data = []byte(*own.Text)
		return
	}
	q.text(ctx, g.c, g.source(f), func(text *string) { n.Data = []byte(orUnreadable(text)) })
}

func (g *gathering) wantRequest(ctx context.Context, q *lookup, f *fileAnswer) {
	path := f.Filename
	take := func(text string) {
		g.out.Change.Requests = append(g.out.Change.Requests, rules.RequestText{Path: path, Line: 1, Text: text})
	}
	if text, ok := f.added(); ok && isBlob(f.SHA, text) {
		take(text)
		return
	}
	g.unread++
	q.text(ctx, g.c, g.source(f), func(text *string) {
		g.unread--
		take(orUnreadable(text))
	})
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

// Contents returns the text of blobs by id, as far as they are text of at most
// 512,000 bytes, GitHub's own limit. Each is asked for once ever.
func (c *Client) Contents(ctx context.Context, p Place, sources []Source) (map[string][]byte, error) {
	out := map[string][]byte{}
	all := &lookup{place: p}
	for _, s := range sources {
		id := s.Blob
		if data, ok := c.Cache.Get(ctx, "blob/"+id); ok {
			out[id] = data
			continue
		}
		all.text(ctx, c, s, func(text *string) {
			if text != nil {
				out[id] = []byte(*text)
				c.Cache.Put(ctx, "blob/"+id, out[id])
			}
		})
	}
	const most = 100 // texts a query; GitHub bounds the size of an answer
	for parts := range slices.Chunk(all.parts, most) {
		if err := (&lookup{p, parts}).send(ctx, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}
