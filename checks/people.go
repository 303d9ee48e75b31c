package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

var (
	coAuthor = regexp.MustCompile(`(?i)^co-authored-by:[^<]*<([^<>]+)>$`)
	noReply  = regexp.MustCompile(`(?i)^(?:(\d{1,18})\+)?([a-z0-9][a-z0-9_-]{0,99}(?:\[bot\])?)@users\.noreply\.([a-z0-9.-]+)$`)
	blank    = regexp.MustCompile(`\n[ \t]*\n`)
)

// mostCoAuthors is how many co-authors a commit may have; maxTrailer how much of a
// line is read, in bytes: an address has at most 254.
const (
	mostCoAuthors = 20
	maxTrailer    = 1000
)

// trailers are the Co-authored-by lines in the last paragraph of a commit message.
type trailers struct {
	named  []rules.Person // by the address GitHub gives to every account
	others int            // by any other: only GitHub knows whose it is
}

// coAuthors reads the trailers of a message. The address GitHub gives to an account
// says which it is: on github.com, and on an Enterprise Server with its own host. A
// line without an address names nobody.
func (c *Client) coAuthors(message string) (t trailers) {
	host := "github.com"
	if c.base != nil {
		host = c.base.Hostname()
	}
	for line := range strings.Lines(lastParagraph(message)) {
		line = strings.TrimSpace(line)
		m := coAuthor.FindStringSubmatch(line[:min(len(line), maxTrailer)])
		if m == nil {
			continue
		}
		a := noReply.FindStringSubmatch(strings.TrimSpace(m[1]))
		if a == nil || !strings.EqualFold(a[3], "github.com") && !strings.EqualFold(a[3], host) {
			t.others++
			continue
		}
		id, _ := strconv.ParseInt("0"+a[1], 10, 64) // at most 18 digits, by the expression
		t.named = append(t.named, rules.Person{ID: id, Login: a[2], Bot: strings.HasSuffix(a[2], "[bot]")})
	}
	return t
}

// lastParagraph is where a message has its trailers.
func lastParagraph(message string) string {
	paragraphs := blank.Split(strings.TrimSpace(strings.ReplaceAll(message, "\r\n", "\n")), -1)
	return paragraphs[len(paragraphs)-1]
}

// credit gives a commit the co-authors that its message names, and notes it if
// GitHub has to be asked for others.
func (g *gathering) credit(k *rules.Commit, message string) {
	t := g.c.coAuthors(message)
	if len(t.named)+t.others > mostCoAuthors {
		g.gap("commits", fmt.Sprintf("commit %.7s names %d co-authors, at most %d are looked up", k.ID, len(t.named)+t.others, mostCoAuthors))
		return
	}
	k.CoAuthors = t.named
	if t.others > 0 {
		g.shared = append(g.shared, k.ID)
	}
}

const (
	coAuthorsAlias = "coauthors"
	// mostShared is how many commits one query asks the authors of.
	mostShared = 100
)

// wantCoAuthors asks GitHub whom the addresses of co-authors belong to, once ever
// for a commit.
func (g *gathering) wantCoAuthors(ctx context.Context, q *lookup) (settled bool, err error) {
	for n := 0; len(g.shared) > 0; g.shared = g.shared[1:] {
		id := g.shared[0]
		if data, ok := g.c.Cache.Get(ctx, "authors/"+id); ok {
			var people []rules.Person
			if json.Unmarshal(data, &people) == nil {
				g.share(id, people)
				continue
			}
		}
		if n++; n > mostShared {
			return false, nil
		}
		q.parts = append(q.parts, part{
			alias:  fmt.Sprintf("%s%d", coAuthorsAlias, n),
			field:  fmt.Sprintf("object(expression: %%s) { ... on Commit { authors(first: %d) { totalCount nodes { __typename user { login databaseId } } } } }", mostCoAuthors+1),
			values: []string{id},
			take:   func(a partAnswer) error { return g.takeCoAuthors(ctx, id, a) },
		})
	}
	return true, nil
}

// takeCoAuthors takes those who are accounts. An address that belongs to none names
// nobody: a trailer is voluntary, and the one of an AI assistant usually does not.
func (g *gathering) takeCoAuthors(ctx context.Context, id string, a partAnswer) error {
	var commit struct {
		Authors *struct {
			TotalCount *int
			Nodes      []*struct {
				Type string `json:"__typename"`
				gitActor
			}
		}
	}
	if _, err := a.read(&commit); err != nil {
		return err
	}
	if commit.Authors == nil || commit.Authors.TotalCount == nil {
		return fmt.Errorf("GitHub does not say who wrote commit %.7s", id)
	}
	var people []rules.Person
	read := 0
	for _, n := range commit.Authors.Nodes {
		if n == nil || n.Type == "" || n.User != nil && n.User.DatabaseID == 0 {
			continue
		}
		read++
		if p := n.person(); p.ID != 0 {
			people = append(people, p)
		}
	}
	if read != *commit.Authors.TotalCount {
		g.gap("commits", fmt.Sprintf("%d of the %d authors of commit %.7s could be read", read, *commit.Authors.TotalCount, id))
		return nil
	}
	if data, err := json.Marshal(people); err == nil {
		g.c.Cache.Put(ctx, "authors/"+id, data)
	}
	g.share(id, people)
	return nil
}

// share adds to a commit's co-authors those who are not named yet.
func (g *gathering) share(id string, people []rules.Person) {
	i := slices.IndexFunc(g.out.Change.Commits, func(k rules.Commit) bool { return k.ID == id })
	if i < 0 {
		return
	}
	k := &g.out.Change.Commits[i]
	for _, p := range people {
		if p.ID != k.Author.ID && !slices.ContainsFunc(k.CoAuthors, func(q rules.Person) bool { return q.ID == p.ID }) {
			k.CoAuthors = append(k.CoAuthors, p)
		}
	}
}

// mostHumans is how many accounts are asked about; whoever is beyond answers for
// nothing.
const mostHumans = 20

// wantHumans asks whether the assignees and co-authors of an agent's pull request are
// humans, once ever for an account: one of them answers for the change. Anybody
// writes any address into a message, and not every bot's login says what it is. Only
// a human is found as a user by login (GitHub GraphQL, "user").
func (g *gathering) wantHumans(ctx context.Context, q *lookup) (settled bool, err error) {
	if !g.out.Change.Author.Bot {
		return true, nil
	}
	if slices.ContainsFunc(q.parts, func(p part) bool { return strings.HasPrefix(p.alias, coAuthorsAlias) }) {
		return false, nil
	}
	for i, p := range g.answering() {
		key := fmt.Sprintf("human/%d/%s", p.ID, strings.ToLower(p.Login))
		data, known := g.c.Cache.Get(ctx, key)
		switch {
		case known && string(data) == "yes":
		case known || i >= mostHumans:
			g.noHuman(p)
		default:
			q.user(fmt.Sprintf("human%d", i), p.Login, func(found rules.Person) error {
				is := "yes"
				if found.ID != p.ID {
					is = "no"
					g.noHuman(p)
				}
				g.c.Cache.Put(ctx, key, []byte(is))
				return nil
			})
		}
	}
	return true, nil
}

// answering are those who might answer for an agent's pull request, each once.
func (g *gathering) answering() (all []rules.Person) {
	c := &g.out.Change
	people := slices.Clone(c.Assignees)
	for _, k := range c.Commits {
		people = append(people, k.CoAuthors...)
	}
	for _, p := range people {
		if p.ID != 0 && !p.Bot {
			all = with(all, p)
		}
	}
	return all
}

// noHuman notes that somebody is no human as far as GitHub says. They stay
// contributors.
func (g *gathering) noHuman(p rules.Person) {
	c := &g.out.Change
	mark := func(people []rules.Person) []rules.Person {
		people = slices.Clone(people)
		for i := range people {
			people[i].Bot = people[i].Bot || people[i] == p
		}
		return people
	}
	c.Assignees = mark(c.Assignees)
	for i := range c.Commits {
		c.Commits[i].CoAuthors = mark(c.Commits[i].CoAuthors)
	}
}

// attributed takes whom an agent's pull request is assigned to, together with whom
// it was assigned to before: unassigning oneself undoes nothing.
func (g *gathering) attributed() {
	c, k := &g.out.Change, &g.out.Known
	list := &g.pr.PullRequest.Assignees
	var now []rules.Person
	for _, a := range list.Nodes {
		if a != nil && a.DatabaseID != 0 {
			now = append(now, a.person())
		}
	}
	c.Assignees, c.Initiators = now, k.Initiators
	if !c.Author.Bot {
		return
	}
	g.whole("assignees", len(now), list.total())
	for _, p := range now {
		k.Assignees = with(k.Assignees, p)
	}
	c.Assignees = k.Assignees
}

// with is people and p, in a list of its own.
func with(people []rules.Person, p rules.Person) []rules.Person {
	if slices.ContainsFunc(people, func(q rules.Person) bool { return q.ID == p.ID && strings.EqualFold(q.Login, p.Login) }) {
		return people
	}
	return append(slices.Clone(people), p)
}

// wantRequester finds the account that requested_by names. Whom it named once is
// remembered: the login may be somebody else's by now.
func (g *gathering) wantRequester(_ context.Context, q *lookup) (settled bool, err error) {
	if g.unread > 0 {
		return false, nil
	}
	request, _ := rules.ReadRequest(g.out.Change.Requests, time.UTC)
	if request == nil || request.RequestedBy == "" {
		return true, nil
	}
	login := request.RequestedBy
	for _, p := range g.known.Initiators {
		if strings.EqualFold(p.Login, login) {
			g.out.Change.Requester = &p
			return true, nil
		}
	}
	q.user("requester", login, func(p rules.Person) error {
		g.out.Change.Requester = &p
		if p.ID != 0 {
			g.out.Known.Initiators = with(g.out.Known.Initiators, p)
			g.out.Change.Initiators = g.out.Known.Initiators
		}
		return nil
	})
	return true, nil
}
