package githubtest

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// reactionContents are GitHub's reactions.
// https://docs.github.com/en/rest/reactions/reactions#about-reactions
var reactionContents = []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}

// read parses the body of a request.
func (r *request) read(into any) error {
	if json.NewDecoder(r.Body).Decode(into) != nil {
		return failure{400, "Problems parsing JSON"}
	}
	return nil
}

// said is the text of a comment to be written.
func (r *request) said() (string, error) {
	var q struct{ Body *string }
	if err := r.read(&q); err != nil {
		return "", err
	}
	if q.Body == nil || *q.Body == "" {
		return "", failure{422, "body cannot be blank"}
	}
	if why := refuseBody(*q.Body); why != "" {
		return "", failure{422, why}
	}
	return *q.Body, nil
}

// getIssues answers two addresses that net/http could not tell apart:
// issues/{number}/comments and issues/comments/{id}.
func getIssues(r *request) (any, error) {
	switch {
	case r.PathValue("number") == "comments":
		return getComment(r)
	case r.PathValue("id") == "comments":
		return listComments(r)
	}
	return nil, notFound
}

// listComments gives the oldest first; since is about the last change.
func listComments(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	list := p.comments
	if text := r.URL.Query().Get("since"); text != "" {
		since, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, failure{422, "since is no time"}
		}
		list = slices.DeleteFunc(slices.Clone(list), func(c *comment) bool { return cmp.Or(c.edited, c.at).Before(since) })
	}
	return each(page(r, list), func(c *comment) fields { return r.s.renderComment(p, c) }), nil
}

func postComment(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	body, err := r.said()
	if err != nil {
		return nil, err
	}
	return answer{201, r.s.renderComment(p, p.comment(r.s.app.bot, r.s.app, body)), nil}, nil
}

// comment finds a comment, which is addressed without its pull request.
func (r *request) comment() (*Pull, *comment, error) {
	id, err := r.number("id")
	for _, p := range r.repo.pulls {
		for _, c := range p.comments {
			if err == nil && c.id == id {
				return p, c, nil
			}
		}
	}
	return nil, nil, notFound
}

func getComment(r *request) (any, error) {
	p, c, err := r.comment()
	if err != nil {
		return nil, err
	}
	return r.s.renderComment(p, c), nil
}

func patchComment(r *request) (any, error) {
	p, c, err := r.comment()
	if err != nil {
		return nil, err
	}
	body, err := r.said()
	if err != nil {
		return nil, err
	}
	p.editComment(r.s.app.bot, c, body)
	return r.s.renderComment(p, c), nil
}

func deleteComment(r *request) (any, error) {
	p, c, err := r.comment()
	if err != nil {
		return nil, err
	}
	p.deleteComment(r.s.app.bot, c)
	return answer{status: 204}, nil
}

func listReactions(r *request) (any, error) {
	_, c, err := r.comment()
	if err != nil {
		return nil, err
	}
	content := r.URL.Query().Get("content")
	list := slices.DeleteFunc(slices.Clone(c.reactions), func(v *reaction) bool { return content != "" && v.content != content })
	return each(page(r, list), r.s.renderReaction), nil
}

// postReaction answers 200 when the reaction was there already.
func postReaction(r *request) (any, error) {
	_, c, err := r.comment()
	if err != nil {
		return nil, err
	}
	var q struct{ Content string }
	if err := r.read(&q); err != nil {
		return nil, err
	}
	if !slices.Contains(reactionContents, q.Content) {
		return nil, failure{422, q.Content + " is not a reaction"}
	}
	v, made := r.s.react(c, r.s.app.bot, q.Content)
	status := 200
	if made {
		status = 201
	}
	return answer{status, r.s.renderReaction(v), nil}, nil
}

func (s *Server) renderReaction(v *reaction) fields {
	return fields{
		"id": v.id, "node_id": nodeID("Reaction", v.id), "user": s.accountOrNull(v.by), "content": v.content, "created_at": stamp(v.at),
	}
}
