package githubtest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// A comment is one below a pull request.
type comment struct {
	id         int64
	by         *account
	at, edited time.Time
	body       string
}

// Comment writes below the pull request, which is no review. Only an App that
// subscribes to issue_comment would hear of it; here it always does.
func (p *Pull) Comment(by, body string) (id int64) {
	p.r.s.tell(func() { id = p.comment(p.r.s.account(by), body).id })
	return id
}

func (p *Pull) comment(by *account, body string) *comment {
	c := &comment{id: p.r.s.nextID(), by: by, at: p.r.s.now(), body: body}
	p.comments = append(p.comments, c)
	p.touch()
	p.emitComment("created", by, c, nil)
	return c
}

// EditComment replaces what a comment says.
func (p *Pull) EditComment(by string, id int64, body string) {
	p.r.s.tell(func() {
		c := p.commentOf(id)
		from := c.body
		c.body, c.edited = body, p.r.s.now()
		p.touch()
		p.emitComment("edited", p.r.s.account(by), c, fields{"changes": fields{"body": fields{"from": from}}})
	})
}

func (p *Pull) commentOf(id int64) *comment {
	i := slices.IndexFunc(p.comments, func(c *comment) bool { return c.id == id })
	if i < 0 {
		panic(fmt.Sprintf("githubtest: no comment %d", id))
	}
	return p.comments[i]
}

func (s *Server) commentNode(p *Pull, c *comment) node {
	return node{"IssueComment", fields{
		"id": nodeID("IssueComment", c.id), "databaseId": c.id, "fullDatabaseId": strconv.FormatInt(c.id, 10),
		"url":    fmt.Sprintf("%s#issuecomment-%d", s.html(p.r, "pull", p.Number), c.id),
		"author": s.actor(c.by), "body": c.body, "createdAt": stamp(c.at),
		"updatedAt": stamp(cmp.Or(c.edited, c.at)), "lastEditedAt": stampOrNull(c.edited),
	}}
}
