package githubtest

import (
	"fmt"
	"slices"
	"time"
)

type review struct {
	id        int64
	by        *account
	state     string // upper case, as GraphQL and REST give it
	body      string
	commit    string
	submitted time.Time
	edited    time.Time // of the body; zero if never
}

// Review submits a review of the head: APPROVED, CHANGES_REQUESTED or COMMENTED.
// It returns the review's id. GitHub refuses an author's own approval; a story
// may tell of one, so that the client's own rule against it can be tried.
func (p *Pull) Review(by, state string, body ...string) int64 {
	return p.review(by, state, "", body)
}

// ReviewAt submits a review of an earlier commit, as a client that looked at it
// before a push does.
func (p *Pull) ReviewAt(by, state, commit string, body ...string) int64 {
	return p.review(by, state, commit, body)
}

func (p *Pull) review(by, state, commit string, body []string) (id int64) {
	if !slices.Contains([]string{"APPROVED", "CHANGES_REQUESTED", "COMMENTED"}, state) {
		panic(fmt.Sprintf("githubtest: no review state %q", state))
	}
	p.r.s.tell(func() {
		v := &review{id: p.r.s.nextID(), by: p.r.s.account(by), state: state, commit: commit, submitted: p.r.s.now()}
		if len(body) > 0 {
			v.body = body[0]
		}
		if commit == "" {
			v.commit = p.head
		}
		p.reviews = append(p.reviews, v)
		p.reviewed(v.by)
		p.touch()
		p.emitReview("submitted", v.by, v, nil)
		id = v.id
	})
	return id
}

// Dismiss dismisses a review.
func (p *Pull) Dismiss(by string, id int64) {
	p.r.s.tell(func() {
		v := p.reviewOf(id)
		v.state = "DISMISSED"
		p.touch()
		p.emitReview("dismissed", p.r.s.account(by), v, nil)
	})
}

// EditReview replaces the text of a review; what it says of the commit stays.
func (p *Pull) EditReview(by string, id int64, body string) {
	p.r.s.tell(func() {
		v := p.reviewOf(id)
		from := v.body
		v.body, v.edited = body, p.r.s.now()
		p.touch()
		p.emitReview("edited", p.r.s.account(by), v, fields{"changes": fields{"body": fields{"from": from}}})
	})
}

func (p *Pull) reviewOf(id int64) *review {
	i := slices.IndexFunc(p.reviews, func(v *review) bool { return v.id == id })
	if i < 0 {
		panic(fmt.Sprintf("githubtest: no review %d", id))
	}
	return p.reviews[i]
}

// Assign gives the pull request to somebody.
func (p *Pull) Assign(by, login string) {
	p.assign(by, login, "assigned", func(a *account) { p.assignees = append(p.assignees, a) })
}

// Unassign takes it away again.
func (p *Pull) Unassign(by, login string) {
	p.assign(by, login, "unassigned", func(a *account) {
		p.assignees = slices.DeleteFunc(p.assignees, func(b *account) bool { return a == b })
	})
}

func (p *Pull) assign(by, login, action string, do func(*account)) {
	p.r.s.tell(func() {
		a := p.r.s.account(login)
		do(a)
		p.touch()
		p.emit(action, p.r.s.account(by), map[string]any{"assignee": p.r.s.renderAccount(a)})
	})
}

// Label sticks a label on the pull request, made up if the repository has none of
// that name.
func (p *Pull) Label(by, name string) {
	p.label(by, name, "labeled", func() { p.labels = append(p.labels, name) })
}

// Unlabel takes a label off.
func (p *Pull) Unlabel(by, name string) {
	p.label(by, name, "unlabeled", func() {
		p.labels = slices.DeleteFunc(p.labels, func(l string) bool { return l == name })
	})
}

func (p *Pull) label(by, name, action string, do func()) {
	p.r.s.tell(func() {
		do()
		p.touch()
		p.emit(action, p.r.s.account(by), map[string]any{"label": p.r.renderLabel(name)})
	})
}
