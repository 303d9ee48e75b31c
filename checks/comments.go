package checks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-github/v62/github"

	"changegate/rules"
)

// longestBody is the most characters of a comment or description that GitHub takes
// ("body is too long", GitHub REST).
const longestBody = 65536

// ErrRefused says that GitHub refuses what was asked, and will again: the App lacks the
// permission, the conversation is locked, or a reviewer is none of the repository's.
var ErrRefused = errors.New("GitHub refuses it")

// ErrChanged says that what was to be changed is not what it was when it was read.
var ErrChanged = errors.New("it was changed meanwhile")

// writeClassed classes the error of a write: what is gone, what is refused for good, and
// what may work the next time, rate limits among it.
func writeClassed(err error) error {
	var e *github.ErrorResponse
	if errors.As(err, &e) && (e.Response.StatusCode == http.StatusForbidden || e.Response.StatusCode == http.StatusUnprocessableEntity) && !putOff(e) {
		return fmt.Errorf("%w: %.200s", ErrRefused, e.Message)
	}
	return classed(err)
}

// putOff reports whether GitHub says that it takes the same later. Not every answer of
// a rate limit has the address by which go-github knows one.
func putOff(e *github.ErrorResponse) bool {
	h := e.Response.Header
	said := fmt.Sprint(e.Message, e.Errors)
	return h.Get("Retry-After") != "" || h.Get("X-RateLimit-Remaining") == "0" || strings.Contains(said, "rate limit") || strings.Contains(said, "submitted too quickly")
}

// change runs requests about a repository that change something.
func (c *Client) change(p Place, do func(g *github.Client, owner, name string) error) error {
	g, err := c.at(p)
	if err != nil {
		return err
	}
	owner, name, _ := strings.Cut(p.Repo, "/")
	return writeClassed(do(g, owner, name))
}

// React puts a reaction, such as "eyes", "+1" or "confused", on a comment. One that is
// there already is not put twice. ErrGone when the comment was deleted.
func (c *Client) React(ctx context.Context, p Place, comment int64, reaction string) error {
	err := c.change(p, func(g *github.Client, owner, name string) error {
		_, _, err := g.Reactions.CreateIssueCommentReaction(ctx, owner, name, comment, reaction)
		return err
	})
	if err != nil {
		return fmt.Errorf("react to comment %d: %w", comment, err)
	}
	return nil
}

// Say writes a new comment, which notifies people, and returns its id. It is cut at
// GitHub's 65,536 characters: a mark that has to be found again stands at the
// beginning. After an error the comment may be there all the same.
func (c *Client) Say(ctx context.Context, p Place, number int, body string) (id int64, err error) {
	err = c.change(p, func(g *github.Client, owner, name string) error {
		said, _, err := g.Issues.CreateComment(ctx, owner, name, number, &github.IssueComment{Body: shortened(body)})
		id = said.GetID()
		return err
	})
	if err == nil && id == 0 {
		err = errors.New("the answer does not say which comment it became")
	}
	if err != nil {
		return 0, fmt.Errorf("comment on %s#%d: %w", p.Repo, number, err)
	}
	return id, nil
}

// Reword replaces what a comment of ours says, which notifies nobody. ErrGone when it
// was deleted.
func (c *Client) Reword(ctx context.Context, p Place, comment int64, body string) error {
	err := c.change(p, func(g *github.Client, owner, name string) error {
		_, _, err := g.Issues.EditComment(ctx, owner, name, comment, &github.IssueComment{Body: shortened(body)})
		return err
	})
	if err != nil {
		return fmt.Errorf("reword comment %d: %w", comment, err)
	}
	return nil
}

// shortened is a body as far as GitHub takes it.
func shortened(body string) *string {
	if len(body) <= longestBody {
		return &body
	}
	if runes := []rune(body); len(runes) > longestBody {
		body = string(runes[:longestBody])
	}
	return &body
}

// Describe replaces the description of a pull request, if it still is what it was.
// GitHub has no conditional edit: it is read right before, in a second call, and what
// somebody else writes between the two is lost. An error wraps ErrChanged when it is
// another by now, ErrRefused when the new one is longer than GitHub takes: cutting it
// would lose what its author wrote.
func (c *Client) Describe(ctx context.Context, p Place, number int, was, body string) error {
	if *shortened(body) != body {
		return fmt.Errorf("describe %s#%d: %w: it would be longer than %d characters", p.Repo, number, ErrRefused, longestBody)
	}
	err := c.change(p, func(g *github.Client, owner, name string) error {
		now, _, err := g.PullRequests.Get(ctx, owner, name, number)
		switch {
		case err != nil:
			return err
		case now.GetBody() != was:
			return ErrChanged
		}
		_, _, err = g.PullRequests.Edit(ctx, owner, name, number, &github.PullRequest{Body: &body})
		return err
	})
	if err != nil {
		return fmt.Errorf("describe %s#%d: %w", p.Repo, number, err)
	}
	return nil
}

// AskReview asks people, and teams as @org/slug, for a review. GitHub takes all of them
// or none: ErrRefused when one is the author, cannot read the repository, or is a team
// without access to it (GitHub REST, "Request reviewers for a pull request").
func (c *Client) AskReview(ctx context.Context, p Place, number int, logins, teams []string) error {
	if len(logins)+len(teams) == 0 {
		return nil
	}
	ask := github.ReviewersRequest{Reviewers: logins}
	for _, team := range teams {
		_, slug, _ := strings.Cut(team, "/")
		ask.TeamReviewers = append(ask.TeamReviewers, slug)
	}
	err := c.change(p, func(g *github.Client, owner, name string) error {
		_, _, err := g.PullRequests.RequestReviewers(ctx, owner, name, number, ask)
		return err
	})
	if err != nil {
		return fmt.Errorf("ask for reviews of %s#%d: %w", p.Repo, number, err)
	}
	return nil
}

// Self is the login under which the App writes: its slug and [bot]. GitHub is asked
// once; an App that is renamed afterwards is known by its new name after a restart.
func (c *Client) Self(ctx context.Context) (login string, err error) {
	c.mu.Lock()
	login = c.self
	c.mu.Unlock()
	if login != "" {
		return login, nil
	}
	app, _, err := c.app.Apps.Get(ctx, "")
	if err == nil && app.GetSlug() == "" {
		err = errors.New("the answer does not name it")
	}
	if err != nil {
		return "", fmt.Errorf("ask which App this is: %w", err)
	}
	login = app.GetSlug() + "[bot]"
	c.mu.Lock()
	c.self = login
	c.mu.Unlock()
	return login, nil
}

// ours reports whether somebody is the App itself. A person may be called what they
// like, but GitHub alone makes bots.
func ours(p rules.Person, self string) bool { return p.Bot && strings.EqualFold(p.Login, self) }
