package githubtest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Comment is one below a pull request as GitHub has it.
type Comment struct {
	ID         int64
	By         string // login; ghost if the account was deleted
	At, Edited time.Time
	Body       string
	Reactions  []Reaction // oldest first
}

// Reaction is what somebody put on a comment: +1, -1, laugh, confused, heart, hooray,
// rocket or eyes.
type Reaction struct{ By, Content string }

type comment struct {
	id         int64
	by         *account
	app        *app // by which it was written; nil for people
	at, edited time.Time
	body       string
	reactions  []*reaction
}

type reaction struct {
	id      int64
	by      *account
	at      time.Time
	content string
}

// maxBody is the longest comment or description, in characters.
// https://github.com/orgs/community/discussions/27190
const maxBody = 65_536

// refuseBody says what GitHub finds wrong with a text; empty if nothing.
func refuseBody(body string) string {
	if n := utf8.RuneCountInString(body); n > maxBody {
		return fmt.Sprintf("body is too long (maximum is %d characters)", maxBody)
	}
	return ""
}

// Comment writes below the pull request, which is no review. Only an App that
// subscribes to issue_comment would hear of it; here it always does.
func (p *Pull) Comment(by, body string) (id int64) {
	p.r.s.tell(func() { id = p.comment(p.r.s.account(by), nil, body).id })
	return id
}

func (p *Pull) comment(by *account, through *app, body string) *comment {
	c := &comment{id: p.r.s.nextID(), by: by, app: through, at: p.r.s.now(), body: body}
	p.comments = append(p.comments, c)
	p.touch()
	p.emitComment("created", by, c, nil)
	return c
}

// EditComment replaces what a comment says. Who may write to the repository may edit
// the comments of others.
func (p *Pull) EditComment(by string, id int64, body string) {
	p.r.s.tell(func() { p.editComment(p.r.s.account(by), p.commentOf(id), body) })
}

func (p *Pull) editComment(by *account, c *comment, body string) {
	from := c.body
	if from == body {
		return
	}
	c.body, c.edited = body, p.r.s.now()
	p.touch()
	p.emitComment("edited", by, c, fields{"changes": fields{"body": fields{"from": from}}})
}

// DeleteComment takes a comment away.
func (p *Pull) DeleteComment(by string, id int64) {
	p.r.s.tell(func() { p.deleteComment(p.r.s.account(by), p.commentOf(id)) })
}

func (p *Pull) deleteComment(by *account, c *comment) {
	p.comments = slices.DeleteFunc(p.comments, func(other *comment) bool { return other == c })
	p.touch()
	p.emitComment("deleted", by, c, nil)
}

// React puts a reaction on a comment. GitHub tells nobody of it.
func (p *Pull) React(by string, id int64, content string) {
	p.r.s.tell(func() { p.r.s.react(p.commentOf(id), p.r.s.account(by), content) })
}

// react puts a reaction on a comment once; made is false if it was there already.
func (s *Server) react(c *comment, by *account, content string) (v *reaction, made bool) {
	for _, v := range c.reactions {
		if v.by == by && v.content == content {
			return v, false
		}
	}
	v = &reaction{s.nextID(), by, s.now(), content}
	c.reactions = append(c.reactions, v)
	return v, true
}

func (p *Pull) commentOf(id int64) *comment {
	i := slices.IndexFunc(p.comments, func(c *comment) bool { return c.id == id })
	if i < 0 {
		panic(fmt.Sprintf("githubtest: no comment %d", id))
	}
	return p.comments[i]
}

// Comments are those below the pull request, oldest first.
func (p *Pull) Comments() []Comment {
	return see(p.r.s, func() (list []Comment) {
		for _, c := range p.comments {
			shown := Comment{ID: c.id, By: c.by.shown(), At: c.at, Edited: c.edited, Body: c.body}
			for _, v := range c.reactions {
				shown.Reactions = append(shown.Reactions, Reaction{v.by.shown(), v.content})
			}
			list = append(list, shown)
		}
		return list
	})
}

// shown is the login under which an account is shown.
func (a *account) shown() string {
	if a.gone {
		return ghost.login
	}
	return a.login
}

func (s *Server) commentNode(p *Pull, c *comment) node {
	return node{"IssueComment", fields{
		"id": nodeID("IssueComment", c.id), "databaseId": c.id, "fullDatabaseId": strconv.FormatInt(c.id, 10),
		"url":    fmt.Sprintf("%s#issuecomment-%d", s.html(p.r, "pull", p.Number), c.id),
		"author": s.actor(c.by), "body": c.body, "createdAt": stamp(c.at),
		"updatedAt": stamp(cmp.Or(c.edited, c.at)), "lastEditedAt": stampOrNull(c.edited),
	}}
}
