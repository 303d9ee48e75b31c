package githubtest

import (
	"fmt"
	"strings"
	"time"
)

// PR says what a pull request to be opened holds.
type PR struct {
	Head  string // branch; empty means change-<number>; owner:branch is of that owner's fork
	Base  string // empty means the default branch
	Title string
	Body  string
	// Files, and Commit, make one commit on Head. With neither, Head must exist.
	Files  Files
	Commit Commit
	Draft  bool
	// Fork opens it from a fork belonging to whoever opens it.
	Fork      bool
	Assignees []string
}

// A Pull is a pull request of the story.
type Pull struct {
	Number int

	r           *Repo
	id          int64
	author      *account
	assignees   []*account
	title, body string
	state       string // open or closed
	draft       bool
	fork        bool
	headOwner   *account // of the repository the head branch is or was in
	from        *Repo    // that repository; nil once it was deleted
	headBranch  string
	headRef     string // refs/heads/<headBranch> in from
	head        string
	base        string // branch
	// baseOID is the base branch as it was when the pull request was last opened,
	// pushed to or retargeted. As on GitHub it does not follow the branch.
	baseOID     string
	created     time.Time
	updated     time.Time
	edited      time.Time // of the description; zero if never
	closed      time.Time
	mergedAt    time.Time // zero unless merged
	mergedBy    *account
	mergeCommit string
	reviews     []*review
	comments    []*comment
	asked       []*account // for a review, and teams
	askedTeams  []*team
	auto        *autoMerge // nil unless the merge is left to GitHub
	labels      []string
	timeline    []timelineEvent
}

// A timelineEvent is an entry of a pull request's timeline; kind is its GraphQL
// type.
type timelineEvent struct {
	kind     string
	id       int64
	by       *account
	at       time.Time
	from, to string // branches of a retarget, commits of a force push or merge
}

// Open opens a pull request.
func (r *Repo) Open(by string, pr PR) *Pull {
	var p *Pull
	r.s.tell(func() { p = r.open(r.s.account(by), pr) })
	return p
}

func (r *Repo) open(by *account, pr PR) *Pull {
	p := &Pull{r: r, state: "open", title: pr.Title, body: pr.Body, draft: pr.Draft, fork: pr.Fork, base: pr.Base}
	p.id, p.author, p.Number = r.s.nextID(), by, len(r.pulls)+1
	p.created, p.updated = r.s.now(), r.s.now()
	for _, login := range pr.Assignees {
		p.assignees = append(p.assignees, r.s.account(login))
	}
	if p.base == "" {
		p.base = r.main
	}
	if p.title == "" {
		p.title = fmt.Sprintf("Change %d", p.Number)
	}
	p.place(pr)
	p.fill(pr)
	r.pulls = append(r.pulls, p)
	p.r.refs[p.ref()] = p.head
	p.baseOID = r.refs["refs/heads/"+p.base]
	p.emit("opened", p.author, nil)
	return p
}

// place decides where the head branch is kept.
func (p *Pull) place(pr PR) {
	p.headBranch = pr.Head
	if p.headBranch == "" {
		p.headBranch = fmt.Sprintf("change-%d", p.Number)
	}
	p.headRef, p.from = "refs/heads/"+p.headBranch, p.r
	if owner, branch, ok := strings.Cut(pr.Head, ":"); ok {
		p.fork, p.from = true, p.r.fork(p.r.s.account(owner))
		p.headBranch, p.headRef = branch, "refs/heads/"+branch
	} else if p.fork {
		p.from = p.r.fork(p.author)
	}
	p.headOwner = p.from.owner
}

// fill makes the head branch's first commit, unless there is nothing to commit.
func (p *Pull) fill(pr PR) {
	before := p.from.refs[p.headRef]
	p.head = before
	if pr.Files == nil && pr.Commit.Remove == nil && pr.Commit.Move == nil && pr.Commit.Modes == nil {
		if before == "" {
			panic(fmt.Sprintf("githubtest: no branch %q and no files to make it of", p.headBranch))
		}
		return
	}
	parent := before
	if parent == "" {
		parent = p.r.must("refs/heads/" + p.base).id
	}
	c := p.r.commit(p.author, []string{parent}, pr.Files, message([]Commit{pr.Commit}, p.title))
	p.head = c.id
	p.from.move(p.author, p.headRef, before, c.id, false)
}

// source is the repository the head branch is in.
func (p *Pull) source() *Repo {
	if p.from == nil {
		panic(fmt.Sprintf("githubtest: the repository of pull request %d was deleted", p.Number))
	}
	return p.from
}

func (p *Pull) ref() string { return fmt.Sprintf("refs/pull/%d/head", p.Number) }

// Push adds a commit to the head branch and returns its id.
func (p *Pull) Push(by string, files Files, how ...Commit) (id string) {
	p.r.s.tell(func() { id = p.push(by, p.head, files, how, false) })
	return id
}

// ForcePush replaces all commits of the pull request by one on top of the base
// branch, and returns its id.
func (p *Pull) ForcePush(by string, files Files, how ...Commit) (id string) {
	p.r.s.tell(func() { id = p.push(by, p.r.refs["refs/heads/"+p.base], files, how, true) })
	return id
}

// PushAll pushes n commits at once, the files of each made by a function, and
// returns their ids: one push and one webhook, however many there are.
func (p *Pull) PushAll(by string, n int, each func(i int) (Files, Commit)) (ids []string) {
	p.r.s.tell(func() {
		ids = p.r.commits(p.r.s.account(by), p.head, n, each)
		p.source().move(p.r.s.account(by), p.headRef, p.head, ids[n-1], false)
	})
	return ids
}

func (p *Pull) push(by, parent string, files Files, how []Commit, forced bool) string {
	c := p.r.commit(p.r.s.account(by), []string{parent}, files, message(how, "Update files"))
	p.source().move(p.r.s.account(by), p.headRef, p.head, c.id, forced)
	return c.id
}

// Rewind force pushes the head branch back, or to any other revision.
func (p *Pull) Rewind(by, to string) {
	p.r.s.tell(func() { p.source().move(p.r.s.account(by), p.headRef, p.head, p.r.must(to).id, true) })
}

// synchronize follows the head branch.
func (p *Pull) synchronize(by *account, after string, forced bool) {
	p.dequeue(by, "UNKNOWN_REMOVAL_REASON") // GitHub lists no reason for a push
	before := p.head
	p.head = after
	p.r.refs[p.ref()] = after
	p.baseOID = p.r.refs["refs/heads/"+p.base]
	p.touch()
	if forced {
		p.note("HeadRefForcePushedEvent", by, before, after)
	}
	p.emit("synchronize", by, map[string]any{"before": before, "after": after})
}

func (p *Pull) touch() { p.updated = p.r.s.now() }

func (p *Pull) note(kind string, by *account, from, to string) {
	p.timeline = append(p.timeline, timelineEvent{kind, p.r.s.nextID(), by, p.r.s.now(), from, to})
}

// Edit replaces the description.
func (p *Pull) Edit(by, body string) { p.edit(by, "body", &p.body, body) }

// Retitle replaces the title.
func (p *Pull) Retitle(by, title string) { p.edit(by, "title", &p.title, title) }

func (p *Pull) edit(by, what string, field *string, value string) {
	p.r.s.tell(func() { p.change(p.r.s.account(by), what, field, &value) })
}

// change replaces a field, and tells of it unless it says so already.
func (p *Pull) change(by *account, what string, field, value *string) {
	if value == nil || *value == *field {
		return
	}
	from := *field
	*field = *value
	if what == "body" { // GitHub's lastEditedAt is about the description
		p.edited = p.r.s.now()
	}
	p.touch()
	p.emit("edited", by, map[string]any{"changes": map[string]any{what: map[string]any{"from": from}}})
}

// Retarget changes the base branch.
func (p *Pull) Retarget(by, base string) {
	p.r.s.tell(func() {
		from, oid, who := p.base, p.baseOID, p.r.s.account(by)
		p.retarget(who, base, "BaseRefChangedEvent")
		p.emit("edited", who, map[string]any{"changes": map[string]any{
			"base": map[string]any{"ref": map[string]any{"from": from}, "sha": map[string]any{"from": oid}},
		}})
	})
}

func (p *Pull) retarget(by *account, base, event string) {
	p.dequeue(by, "MANUAL")
	p.noAutoMerge(by, "Base branch was changed")
	from := p.base
	p.base, p.baseOID = base, p.r.must("refs/heads/"+base).id
	p.touch()
	p.note(event, by, from, base)
}

// Draft turns the pull request into a draft, Ready back.
func (p *Pull) Draft(by string) { p.setDraft(by, true, "converted_to_draft") }

// Ready says that a draft is ready for review.
func (p *Pull) Ready(by string) { p.setDraft(by, false, "ready_for_review") }

func (p *Pull) setDraft(by string, draft bool, action string) {
	p.r.s.tell(func() {
		p.draft = draft
		p.touch()
		p.emit(action, p.r.s.account(by), nil)
	})
}

// Close closes the pull request unmerged; Reopen opens it again.
func (p *Pull) Close(by string) { p.r.s.tell(func() { p.close(p.r.s.account(by)) }) }

func (p *Pull) close(by *account) {
	p.dequeue(by, "MANUAL")
	p.noAutoMerge(by, "Pull request was closed")
	p.state, p.closed = "closed", p.r.s.now()
	p.touch()
	p.note("ClosedEvent", by, "", "")
	p.emit("closed", by, nil)
}

// Reopen opens a closed pull request again.
func (p *Pull) Reopen(by string) {
	p.r.s.tell(func() {
		p.state, p.closed = "open", time.Time{}
		p.touch()
		p.note("ReopenedEvent", p.r.s.account(by), "", "")
		p.emit("reopened", p.r.s.account(by), nil)
	})
}

// Head is the pull request's newest commit.
func (p *Pull) Head() string { return see(p.r.s, func() string { return p.head }) }

// Body is the description as it stands.
func (p *Pull) Body() string { return see(p.r.s, func() string { return p.body }) }

// Base is the branch the pull request is to be merged into.
func (p *Pull) Base() string { return see(p.r.s, func() string { return p.base }) }

// Repo is the repository the pull request is in.
func (p *Pull) Repo() *Repo { return p.r }

// Pull is a pull request by its number, nil if there is none.
func (r *Repo) Pull(number int) *Pull {
	return see(r.s, func() *Pull {
		if number < 1 || number > len(r.pulls) {
			return nil
		}
		return r.pulls[number-1]
	})
}
