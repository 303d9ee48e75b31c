package githubtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

func (r *request) pull() (*Pull, error) {
	n, err := r.number("number")
	if err != nil || n < 1 || int(n) > len(r.repo.pulls) {
		return nil, notFound
	}
	return r.repo.pulls[n-1], nil
}

func getPull(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	return r.s.renderPull(p), nil
}

// patchPull changes title and description; the App moves and closes nothing.
func patchPull(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	var q struct{ Title, Body, State, Base *string }
	if err := r.read(&q); err != nil {
		return nil, err
	}
	switch {
	case q.State != nil || q.Base != nil:
		return nil, failure{403, "Resource not accessible by integration"}
	case q.Title != nil && *q.Title == "":
		return nil, failure{422, "title cannot be blank"}
	case q.Body != nil && refuseBody(*q.Body) != "":
		return nil, failure{422, refuseBody(*q.Body)}
	}
	p.change(r.s.app.bot, "title", &p.title, q.Title)
	p.change(r.s.app.bot, "body", &p.body, q.Body)
	return r.s.renderPull(p), nil
}

// postPull opens a pull request from a branch of the repository itself. It takes
// pull_requests: write alone. https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
func postPull(r *request) (any, error) {
	if err := r.mayWrite("pull_requests"); err != nil {
		return nil, err
	}
	var q struct{ Title, Body, Head, Base string }
	if err := r.read(&q); err != nil {
		return nil, err
	}
	if why := r.repo.refusePull(q.Head, q.Base); why != "" {
		return nil, failure{422, why}
	}
	if why := refuseBody(q.Body); why != "" {
		return nil, failure{422, why}
	}
	if q.Title == "" || utf8.RuneCountInString(q.Title) > 256 {
		return nil, failure{422, "title is too long (maximum is 256 characters)"}
	}
	return answer{201, r.s.renderPull(r.repo.open(r.s.app.bot, PR{Title: q.Title, Body: q.Body, Head: q.Head, Base: q.Base})), nil}, nil
}

// refusePull says what GitHub finds wrong with a pull request of two branches.
func (r *Repo) refusePull(head, base string) string {
	from, into := r.refs["refs/heads/"+head], r.refs["refs/heads/"+base]
	switch {
	case from == "":
		return "head is invalid"
	case into == "":
		return "base is invalid"
	case len(r.git.between(into, from)) == 0:
		return fmt.Sprintf("No commits between %s and %s", base, head)
	}
	for _, p := range r.pullsFrom("refs/heads/" + head) {
		if p.r == r && p.base == base {
			return fmt.Sprintf("A pull request already exists for %s:%s.", r.owner.login, head)
		}
	}
	return ""
}

// listPulls gives the newest first, the open ones unless asked.
func listPulls(r *request) (any, error) {
	q := r.URL.Query()
	state := q.Get("state")
	if state == "" {
		state = "open"
	}
	var list []*Pull
	for _, p := range slices.Backward(r.repo.pulls) {
		if (state == "all" || p.state == state) && (q.Get("base") == "" || q.Get("base") == p.base) &&
			(q.Get("head") == "" || q.Get("head") == p.headOwner.login+":"+p.headBranch) {
			list = append(list, p)
		}
	}
	if q.Get("direction") == "asc" {
		slices.Reverse(list)
	}
	return each(page(r, list), r.s.renderPullSimple), nil
}

func listPullFiles(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	files := p.files()
	files = files[:min(len(files), r.s.options.Limits.PullFiles)]
	return each(page(r, files), func(f change) fields { return r.s.renderChange(r.repo, p.head, f) }), nil
}

func listPullCommits(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	list := p.commits()
	list = list[:min(len(list), r.s.options.Limits.PullCommits)]
	return each(page(r, list), func(c *commit) fields { return r.s.renderCommit(r.repo, c) }), nil
}

func listReviews(r *request) (any, error) {
	p, err := r.pull()
	if err != nil {
		return nil, err
	}
	return each(page(r, p.reviews), func(v *review) fields { return r.s.renderReview(p, v) }), nil
}

// runRequest reads and checks the body of a request that writes a check run.
func (r *request) runRequest() (*runRequest, error) {
	var q runRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, failure{400, "Problems parsing JSON"}
	}
	if why := q.refuse(); why != "" {
		return nil, failure{422, why}
	}
	return &q, nil
}

func postCheckRun(r *request) (any, error) {
	q, err := r.runRequest()
	switch {
	case err != nil:
		return nil, err
	case q.Name == nil || q.HeadSHA == nil:
		return nil, failure{422, "name and head_sha are required."}
	case r.repo.git.commits[*q.HeadSHA] == nil:
		return nil, failure{422, "No commit found for SHA: " + *q.HeadSHA}
	}
	return answer{201, r.s.renderCheckRun(r.repo, r.repo.startRun(r.s.app, q)), nil}, nil
}

func (r *request) checkRun() (*checkRun, error) {
	id, err := r.number("id")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.repo.runs, func(run *checkRun) bool { return run.ID == id })
	if i < 0 {
		return nil, notFound
	}
	return r.repo.runs[i], nil
}

func getCheckRun(r *request) (any, error) {
	run, err := r.checkRun()
	if err != nil {
		return nil, err
	}
	return r.s.renderCheckRun(r.repo, run), nil
}

// patchCheckRun changes a run of the App's own; others' are out of its reach.
func patchCheckRun(r *request) (any, error) {
	run, err := r.checkRun()
	if err != nil {
		return nil, err
	}
	if run.app != r.s.app {
		return nil, failure{403, "Invalid app_id `" + r.s.app.slug + "` - check run can only be modified by the GitHub App that created it."}
	}
	q, err := r.runRequest()
	if err != nil {
		return nil, err
	}
	was := run.Status
	run.apply(q, r.s.now())
	if was != "completed" && run.Status == "completed" {
		r.repo.finished(run)
	}
	return r.s.renderCheckRun(r.repo, run), nil
}

func listAnnotations(r *request) (any, error) {
	run, err := r.checkRun()
	if err != nil {
		return nil, err
	}
	return each(page(r, run.Annotations), func(a Annotation) fields { return r.s.renderAnnotation(r.repo, run, a) }), nil
}
