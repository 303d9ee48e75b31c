package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// olderComments are asked for, in one call, when the 30 that come with the pull
	// request are all new. Of 65,536 characters each, which take six bytes of JSON at
	// most, they stay below maxAnswer.
	olderComments = 50
	// firstComments is how old a comment may be at the first reading: what was said
	// before the App was there asks it nothing.
	firstComments = 24 * time.Hour
)

// commentFields is what is asked of a list of comments.
const commentFields = ` { pageInfo { hasPreviousPage startCursor } nodes { fullDatabaseId createdAt lastEditedAt body author { ...actor } } }`

type commentsAnswer struct {
	PageInfo *struct {
		HasPreviousPage *bool
		StartCursor     string
	}
	Nodes []*commentAnswer
}

type commentAnswer struct {
	DatabaseID   int64  `json:"databaseId"`     // asked of an Enterprise Server
	FullID       string `json:"fullDatabaseId"` // asked of github.com
	CreatedAt    time.Time
	LastEditedAt json.RawMessage // null: it never was; when it is missing it counts as edited
	Author       *actorAnswer
	Body         *string
}

// whole reports whether the answer says what was said, when and by whom. An author that
// is null is an answer, that of a deleted account.
func (a *commentAnswer) whole() bool {
	return a != nil && a.id() > 0 && a.Body != nil && !a.CreatedAt.IsZero() && (a.Author == nil || a.Author.named())
}

func (a *commentAnswer) id() int64 {
	if id, err := strconv.ParseInt(a.FullID, 10, 64); err == nil {
		return id
	}
	return a.DatabaseID
}

func (a *commentAnswer) comment() Comment {
	return Comment{ID: a.id(), By: a.Author.person(), At: a.CreatedAt, Edited: string(a.LastEditedAt) != "null", Body: *a.Body}
}

// more reports whether there are comments before these. That this is not said means
// there are.
func (a *commentsAnswer) more() bool {
	return a.PageInfo == nil || a.PageInfo.HasPreviousPage == nil || *a.PageInfo.HasPreviousPage
}

// whole are the comments of a page that are. What is not whole gives no command, and
// holds up none of the others.
func (a *commentsAnswer) whole() (all []Comment) {
	for _, n := range a.Nodes {
		if n.whole() {
			all = append(all, n.comment())
		}
	}
	return all
}

// comments takes what was said since the last reading: of the newest comments, which
// came with the pull request, and of one page before them if all of those are new.
// Anybody who can read may write thousands to use up the quota; that there were more
// is told.
func (g *gathering) comments(ctx context.Context) error {
	page := &g.pr.PullRequest.Comments
	all := page.whole()
	if page.more() && !slices.ContainsFunc(all, func(c Comment) bool { return !g.fresh(c) }) {
		before, err := g.c.commentsBefore(ctx, g.out.Place, g.w.Number, page)
		if err != nil {
			return fmt.Errorf("read comments: %w", err)
		}
		g.out.Unread = before.more() && !slices.ContainsFunc(before.whole(), func(c Comment) bool { return !g.fresh(c) })
		all = append(before.whole(), all...)
	}
	return g.sort(ctx, all)
}

// fresh reports whether a comment was made since the last reading.
func (g *gathering) fresh(c Comment) bool {
	if g.known.Comment == 0 {
		return c.At.After(g.out.clock(g.c).Add(-firstComments))
	}
	return c.ID > g.known.Comment
}

// clock is GitHub's, or ours where it does not say.
func (o *Gathered) clock(c *Client) time.Time {
	if o.Now.IsZero() {
		return c.Now()
	}
	return o.Now
}

// sort tells our own comments from the others, of which those not read before are kept.
func (g *gathering) sort(ctx context.Context, all []Comment) error {
	o := g.out
	slices.SortFunc(all, func(a, b Comment) int { return cmp.Compare(a.ID, b.ID) })
	all = slices.CompactFunc(all, func(a, b Comment) bool { return a.ID == b.ID })
	o.Read = max(g.known.Comment, 1) // where there was none yet, what comes is new however late it is read
	for _, c := range all {
		self := ""
		if c.By.Bot {
			var err error
			if self, err = g.c.Self(ctx); err != nil {
				return err
			}
		}
		o.Read = max(o.Read, c.ID)
		switch {
		case ours(c.By, self):
			o.Own = append(o.Own, c)
		case g.fresh(c):
			o.Comments = append(o.Comments, c)
		}
	}
	return nil
}

// commentsBefore asks for the page of comments before another.
func (c *Client) commentsBefore(ctx context.Context, p Place, number int, page *commentsAnswer) (*commentsAnswer, error) {
	owner, name, _ := strings.Cut(p.Repo, "/")
	query := fmt.Sprintf(`query Comments($owner: String!, $name: String!, $number: Int!, $before: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { comments(last: %d, before: $before)%s } }
}
%s`, olderComments, commentFields, actorFragment)
	var answer struct {
		Repository *struct {
			PullRequest *struct{ Comments commentsAnswer }
		}
	}
	variables := map[string]any{"owner": owner, "name": name, "number": number, "before": nil}
	if page.PageInfo != nil && page.PageInfo.StartCursor != "" {
		variables["before"] = page.PageInfo.StartCursor
	}
	if _, err := c.graph(ctx, p, c.query(query), variables, &answer); err != nil {
		return nil, err
	}
	if answer.Repository == nil || answer.Repository.PullRequest == nil {
		return nil, fmt.Errorf("%w: %s#%d", ErrGone, p.Repo, number)
	}
	return &answer.Repository.PullRequest.Comments, nil
}
