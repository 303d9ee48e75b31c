package githubtest

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Commit says how a commit is made. In the zero value whoever pushes it is its
// author and committer, now.
type Commit struct {
	Message string
	// Author and Committer are logins, or "Name <mail>" for people GitHub does
	// not know.
	Author, Committer string
	// CoAuthors become Co-authored-by trailers; same forms.
	CoAuthors []string
	// WebFlow makes it a commit from GitHub's own editor: committed and signed
	// by GitHub.
	WebFlow bool
	Time    time.Time
	// Swap makes the merged commit the first parent of a merge, not the second.
	Swap bool
	// Remove deletes paths; Move renames them, old to new; Modes sets git's octal
	// mode: 100755, 120000 for a link, 160000 for a submodule, whose content is
	// a commit id.
	Remove []string
	Move   map[string]string
	Modes  map[string]string
}

func message(how []Commit, otherwise string) Commit {
	var c Commit
	if len(how) > 0 {
		c = how[0]
	}
	if c.Message == "" {
		c.Message = otherwise
	}
	return c
}

// Push adds a commit to a branch, making the branch off the default one if it is
// new, and returns the commit's id. Paths in files are added or replaced.
func (r *Repo) Push(by, branch string, files Files, how ...Commit) (id string) {
	r.s.tell(func() {
		ref := "refs/heads/" + branch
		before := r.refs[ref]
		parent := before
		if parent == "" {
			parent = r.refs["refs/heads/"+r.main]
		}
		c := r.commit(r.s.account(by), []string{parent}, files, message(how, "Update files"))
		id = c.id
		r.move(r.s.account(by), ref, before, id, false)
	})
	return id
}

// ForcePush makes a branch end in one new commit on top of another revision.
func (r *Repo) ForcePush(by, branch, onto string, files Files, how ...Commit) (id string) {
	r.s.tell(func() {
		ref := "refs/heads/" + branch
		c := r.commit(r.s.account(by), []string{r.must(onto).id}, files, message(how, "Update files"))
		id = c.id
		r.move(r.s.account(by), ref, r.refs[ref], id, true)
	})
	return id
}

// move points a branch or tag at a commit and tells who listens. An App hears of
// pushes to the repositories it is installed on only: seldom of those to a fork.
func (r *Repo) move(by *account, ref, before, after string, forced bool) {
	kind := "push"
	if forced {
		kind = "force_push"
	}
	r.moveBy(by, ref, before, after, kind)
}

func (r *Repo) moveBy(by *account, ref, before, after, kind string) {
	forced := kind == "force_push"
	r.refs[ref] = after
	r.pushed = r.s.now()
	r.record(by, ref, before, after, kind)
	r.s.emitPush(r, by, ref, before, after, forced)
	for _, p := range r.pullsFrom(ref) {
		if p.head != after {
			p.synchronize(by, after, forced)
		}
	}
	if q := r.queues[strings.TrimPrefix(ref, "refs/heads/")]; q != nil {
		q.moved()
	}
}

// PushAll is Push for n commits at once: see Pull.PushAll.
func (r *Repo) PushAll(by, branch string, n int, each func(i int) (Files, Commit)) (ids []string) {
	r.s.tell(func() {
		before := r.refs["refs/heads/"+branch]
		ids = r.commits(r.s.account(by), cmp.Or(before, r.refs["refs/heads/"+r.main]), n, each)
		r.move(r.s.account(by), "refs/heads/"+branch, before, ids[n-1], false)
	})
	return ids
}

// commits makes a chain of n commits on a parent.
func (r *Repo) commits(by *account, parent string, n int, each func(i int) (Files, Commit)) []string {
	ids := make([]string, n)
	for i := range n {
		files, how := each(i)
		parent = r.commit(by, []string{parent}, files, message([]Commit{how}, "Update files")).id
		ids[i] = parent
	}
	return ids
}

// commit stores a commit with files laid over those of its first parent.
func (r *Repo) commit(by *account, parents []string, files Files, how Commit) *commit {
	c := r.s.draft(by, parents, how)
	c.files = snapshot{}
	if len(parents) > 0 {
		c.files = maps.Clone(r.git.commits[parents[0]].files)
	}
	r.lay(c.files, files, how)
	return r.git.putCommit(c)
}

// lay changes a snapshot as a commit says.
func (r *Repo) lay(into snapshot, files Files, how Commit) {
	for _, path := range how.Remove {
		delete(into, path)
	}
	for from, to := range how.Move {
		into[to] = into[from]
		delete(into, from)
	}
	for path, content := range files {
		into[path] = r.entry(content, how.Modes[path])
	}
	for path, mode := range how.Modes {
		if e, ok := into[path]; ok {
			into[path] = entry{mode, e.id}
		}
	}
}

func (r *Repo) entry(content, mode string) entry {
	switch mode {
	case "160000":
		return entry{mode, strings.TrimSpace(content)}
	case "":
		mode = "100644"
	}
	return entry{mode, r.git.put("blob", []byte(content))}
}

// draft is a commit without files.
func (s *Server) draft(by *account, parents []string, how Commit) *commit {
	when := how.Time
	if when.IsZero() {
		when = s.now()
	}
	c := &commit{parents: parents, message: how.Message, webFlow: how.WebFlow}
	c.author, c.committer = s.signature(by.login, when), s.signature(by.login, when)
	if how.Author != "" {
		c.author = s.signature(how.Author, when)
	}
	if how.WebFlow {
		c.committer = signature{"GitHub", "noreply@github.com", when}
	}
	if how.Committer != "" {
		c.committer = s.signature(how.Committer, when)
	}
	for i, person := range how.CoAuthors {
		if i == 0 {
			c.message += "\n"
		}
		sig := s.signature(person, when)
		c.message += fmt.Sprintf("\nCo-authored-by: %s <%s>", sig.name, sig.email)
	}
	return c
}

// signature is a login's, or of "Name <mail>" as it stands.
func (s *Server) signature(person string, when time.Time) signature {
	if name, email, ok := strings.Cut(person, " <"); ok {
		return signature{name, strings.TrimSuffix(email, ">"), when}
	}
	a := s.account(person)
	return signature{a.login, a.email(), when}
}
