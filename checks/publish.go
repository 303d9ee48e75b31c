package checks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v62/github"
)

// GitHub's limits of a check run (REST, "Create a check run"); what is above them
// is refused whole. Render stays below; this is the last guard.
const (
	longestTitle = 255
	longestText  = 65535
	mostActions  = 3
)

// Publish writes a check run: it updates the prior one while that is incomplete
// and for the same head and name, and makes a new one otherwise, because a
// completed run does not go back to waiting. A prior run that GitHub has ended by
// itself meanwhile is such a one too. What GitHub then has must be what was meant.
func (c *Client) Publish(ctx context.Context, p Place, r Run, prior Written) (Written, error) {
	w, err := c.writeOrLess(ctx, p, r, prior)
	if r.continues(prior) && (errors.Is(err, ErrGone) || err == nil && !w.shows(&r)) {
		w, err = c.writeOrLess(ctx, p, r, Written{})
	}
	if err != nil {
		return Written{}, err
	}
	if !w.shows(&r) {
		return Written{}, fmt.Errorf("GitHub has check run %q as %s %s, want %s %s", w.Name, w.Status, w.Conclusion, r.Status, r.Conclusion)
	}
	return w, nil
}

// continues reports whether a prior run can take this result.
func (r *Run) continues(prior Written) bool {
	return prior.ID != 0 && prior.Head == r.Head && prior.Name == r.Name && prior.Status != "completed"
}

func (w *Written) shows(r *Run) bool {
	return w.Status == r.Status && w.Conclusion == r.Conclusion && w.Name == r.Name && w.Head == r.Head
}

// writeOrLess writes a run; one that GitHub calls too large or ill-formed is sent
// once more with the title alone: a result is never lost.
func (c *Client) writeOrLess(ctx context.Context, p Place, r Run, prior Written) (Written, error) {
	w, err := c.write(ctx, p, r, prior)
	var e *github.ErrorResponse
	if errors.As(err, &e) && e.Response.StatusCode == http.StatusUnprocessableEntity {
		first, _, _ := strings.Cut(r.Output.Summary, "\n")
		r.Output = Output{Title: r.Output.Title, Summary: first}
		r.Actions = nil
		w, err = c.write(ctx, p, r, prior)
	}
	return w, classed(err)
}

func (c *Client) write(ctx context.Context, p Place, r Run, prior Written) (Written, error) {
	g, err := c.at(p)
	if err != nil {
		return Written{}, err
	}
	owner, name, _ := strings.Cut(p.Repo, "/")
	var run *github.CheckRun
	if r.continues(prior) {
		run, _, err = g.Checks.UpdateCheckRun(ctx, owner, name, prior.ID, r.update())
	} else {
		prior.At = c.Now()
		run, _, err = g.Checks.CreateCheckRun(ctx, owner, name, r.create())
	}
	if err != nil {
		return Written{}, err
	}
	return Written{ID: run.GetID(), Name: run.GetName(), Head: run.GetHeadSHA(), Status: run.GetStatus(), Conclusion: run.GetConclusion(), At: prior.At}, nil
}

func (r *Run) create() github.CreateCheckRunOptions {
	o := github.CreateCheckRunOptions{
		Name: r.Name, HeadSHA: r.Head, Status: &r.Status, Conclusion: given(r.Conclusion), ExternalID: given(r.ExternalID),
		DetailsURL: given(r.DetailsURL), Output: r.output(), Actions: actionsOf(r.Actions),
	}
	if !r.StartedAt.IsZero() {
		o.StartedAt = &github.Timestamp{Time: r.StartedAt}
	}
	return o
}

func (r *Run) update() github.UpdateCheckRunOptions {
	return github.UpdateCheckRunOptions{
		Name: r.Name, Status: &r.Status, Conclusion: given(r.Conclusion), ExternalID: given(r.ExternalID),
		DetailsURL: given(r.DetailsURL), Output: r.output(), Actions: actionsOf(r.Actions),
	}
}

// given is nil for what is empty: an empty conclusion or URL is refused.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// output leaves the annotations for the write that completes the run: those of an
// update are added to the ones already there.
func (r *Run) output() *github.CheckRunOutput {
	o := &r.Output
	title, summary := cutAt(o.Title, longestTitle), cutAt(o.Summary, longestText)
	out := &github.CheckRunOutput{Title: &title, Summary: &summary}
	if o.Text != "" {
		text := cutAt(o.Text, longestText)
		out.Text = &text
	}
	if r.Status != "completed" {
		return out
	}
	for _, a := range o.Annotations[:min(len(o.Annotations), maxAnnotations)] {
		out.Annotations = append(out.Annotations, &github.CheckRunAnnotation{
			Path: &a.Path, StartLine: &a.From, EndLine: &a.To, AnnotationLevel: &a.Level, Title: &a.Title, Message: &a.Message,
		})
	}
	return out
}

func actionsOf(all []Action) []*github.CheckRunAction {
	var out []*github.CheckRunAction
	for _, a := range all[:min(len(all), mostActions)] {
		out = append(out, &github.CheckRunAction{Label: cutAt(a.Label, 20), Description: cutAt(a.Description, 40), Identifier: cutAt(a.ID, 20)})
	}
	return out
}

// cutAt shortens text to at most n bytes, at a character.
func cutAt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
