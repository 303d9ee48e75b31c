package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Repo is a repository of the story.
type Repo struct {
	s         *Server
	id        int64
	owner     *account
	name      string
	private   bool
	main      string // default branch
	created   time.Time
	pushed    time.Time
	roles     map[int64]string
	teamRoles map[*team]string
	git       *store
	refs      map[string]string // by full name
	parent    *Repo             // what it was forked from; nil if it is no fork
	forks     map[int64]*Repo   // by owner
	pulls     []*Pull
	runs      []*checkRun
	suites    []*checkSuite
	activity  []activity // of branches, oldest first
}

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
	// Remove deletes paths; Move renames them, old to new; Modes sets git's octal
	// mode: 100755, 120000 for a link, 160000 for a submodule, whose content is
	// a commit id.
	Remove []string
	Move   map[string]string
	Modes  map[string]string
}

// Repo makes a private repository, named owner/name, whose branch main holds one
// commit with files.
func (s *Server) Repo(name string, files Files, how ...Commit) *Repo {
	owner, short, ok := strings.Cut(name, "/")
	if !ok {
		panic(fmt.Sprintf("githubtest: repository %q, want owner/name", name))
	}
	var r *Repo
	s.tell(func() {
		r = s.newRepo(s.account(owner), short, newStore())
		first := r.commit(r.owner, nil, files, message(how, "Initial commit")).id
		r.record(r.owner, "refs/heads/main", "", first, "push")
		r.refs["refs/heads/main"] = first
	})
	return r
}

func (s *Server) newRepo(owner *account, name string, git *store) *Repo {
	r := &Repo{
		s: s, id: s.nextID(), owner: owner, name: name, private: true, main: "main", created: s.now(), pushed: s.now(), git: git,
		roles: map[int64]string{}, teamRoles: map[*team]string{}, refs: map[string]string{}, forks: map[int64]*Repo{},
	}
	s.repos[lower(r.fullName())] = r
	return r
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

// ID is the repository's numeric id.
func (r *Repo) ID() int64 { return r.id }

// Name is owner/name.
func (r *Repo) Name() string { return see(r.s, r.fullName) }

func (r *Repo) fullName() string { return r.owner.login + "/" + r.name }

// Role gives somebody a role: none, read, triage, write, maintain or admin.
func (r *Repo) Role(login, role string) {
	checkRole(role)
	r.s.tell(func() {
		a := r.s.account(login)
		r.roles[a.id] = role
		r.s.emitMember(r, a)
	})
}

// TeamRole gives everybody in a team, named org/slug, a role.
func (r *Repo) TeamRole(name, role string) {
	checkRole(role)
	r.s.tell(func() { r.teamRoles[r.s.team(name)] = role })
}

func checkRole(role string) {
	if !slices.Contains(roles, role) {
		panic(fmt.Sprintf("githubtest: no role %q, want one of %v", role, roles))
	}
}

// Public lets everybody read the repository, and its forks.
func (r *Repo) Public() { r.s.tell(func() { r.private = false }) }

// Branch makes a branch at a revision, or moves it there.
func (r *Repo) Branch(name, at string) {
	r.s.tell(func() { r.move(r.owner, "refs/heads/"+name, r.refs["refs/heads/"+name], r.must(at).id, false) })
}

// DeleteBranch removes a branch. Open pull requests from it are closed. Those into
// it follow the pull request it was merged by, if any, without a webhook, and are
// closed otherwise.
// https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/proposing-changes-to-your-work-with-pull-requests/about-branches
func (r *Repo) DeleteBranch(by, name string) {
	r.s.tell(func() {
		ref, who := "refs/heads/"+name, r.s.account(by)
		r.record(who, ref, r.refs[ref], zeroID, "branch_deletion")
		r.s.emitPush(r, who, ref, r.refs[ref], zeroID, false)
		delete(r.refs, ref)
		for _, p := range r.pullsFrom(ref) {
			p.close(who)
		}
		into := r.mergedInto(name)
		for _, p := range r.pulls {
			switch {
			case p.state != "open" || p.base != name:
			case into == "":
				p.close(who)
			default:
				p.retarget(who, into, "AutomaticBaseChangeSucceededEvent")
			}
		}
	})
}

// mergedInto is the base of the last merged pull request from a branch of the
// repository; empty if none.
func (r *Repo) mergedInto(branch string) string {
	for _, p := range slices.Backward(r.pulls) {
		if p.isMerged() && p.from == r && p.headBranch == branch {
			return p.base
		}
	}
	return ""
}

// DefaultBranch makes another branch the default one.
func (r *Repo) DefaultBranch(name string) { r.s.tell(func() { r.main = name }) }

// Tag makes a lightweight tag.
func (r *Repo) Tag(name, at string) {
	r.s.tell(func() { r.move(r.owner, "refs/tags/"+name, r.refs["refs/tags/"+name], r.must(at).id, false) })
}

// AnnotatedTag makes a tag with a message, which is a git object of its own.
func (r *Repo) AnnotatedTag(by, name, at, text string) {
	r.s.tell(func() {
		data := encodeTag(name, r.must(at).id, text, r.s.signature(by, r.s.now()))
		r.move(r.s.account(by), "refs/tags/"+name, r.refs["refs/tags/"+name], r.git.put("tag", data), false)
	})
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

// Merge merges one branch into another, as git merge does on somebody's machine.
func (r *Repo) Merge(by, into, from string, how ...Commit) (id string) {
	r.s.tell(func() {
		ref := "refs/heads/" + into
		id = r.mergeInto(r.s.account(by), ref, r.must(from).id, message(how, "Merge branch '"+from+"' into "+into)).id
		r.move(r.s.account(by), ref, r.refs[ref], id, false)
	})
	return id
}

func (r *Repo) mergeInto(by *account, ref, from string, how Commit) *commit {
	files, err := r.git.merged(r.refs[ref], from)
	if err != nil {
		panic("githubtest: " + err.Error())
	}
	c := r.s.draft(by, []string{r.refs[ref], from}, how)
	c.files = files
	return r.git.putCommit(c)
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
}

// Head is the commit a branch, tag or other revision names.
func (r *Repo) Head(rev string) string { return see(r.s, func() string { return r.must(rev).id }) }

// Read returns a file's content at a revision, and whether it is there.
func (r *Repo) Read(rev, path string) (content string, ok bool) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	e, ok := r.must(rev).files[path]
	return string(r.git.blob(e.id)), ok
}

// commit stores a commit with files laid over those of its first parent.
func (r *Repo) commit(by *account, parents []string, files Files, how Commit) *commit {
	c := r.s.draft(by, parents, how)
	c.files = snapshot{}
	if len(parents) > 0 {
		c.files = maps.Clone(r.git.commits[parents[0]].files)
	}
	for _, path := range how.Remove {
		delete(c.files, path)
	}
	for from, to := range how.Move {
		c.files[to] = c.files[from]
		delete(c.files, from)
	}
	for path, content := range files {
		c.files[path] = r.entry(content, how.Modes[path])
	}
	for path, mode := range how.Modes {
		if e, ok := c.files[path]; ok {
			c.files[path] = entry{mode, e.id}
		}
	}
	return r.git.putCommit(c)
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

// must resolves a revision of the story.
func (r *Repo) must(rev string) *commit {
	c := r.resolve(rev)
	if c == nil {
		panic(fmt.Sprintf("githubtest: %s has no revision %q", r.fullName(), rev))
	}
	return c
}

// resolve finds the commit a revision names; nil if none.
func (r *Repo) resolve(rev string) *commit {
	id, ok := r.revision(rev)
	if !ok {
		return nil
	}
	return r.git.peel(id)
}

// revision finds the object a revision names, as git rev-parse does: an id,
// HEAD, a full ref, a branch, a tag, or an unambiguous short id.
func (r *Repo) revision(rev string) (id string, ok bool) {
	if rev == "HEAD" {
		rev = "refs/heads/" + r.main
	}
	if r.git.commits[rev] != nil || r.git.objects[rev].kind != "" {
		return rev, true
	}
	for _, prefix := range []string{"", "refs/", "refs/tags/", "refs/heads/"} {
		full := prefix + rev
		if id, ok := r.refs[full]; ok && strings.HasPrefix(full, "refs/") {
			return id, true
		}
	}
	return r.abbreviated(rev)
}

func (r *Repo) abbreviated(rev string) (id string, ok bool) {
	if len(rev) < 4 || strings.Trim(rev, "0123456789abcdef") != "" {
		return "", false
	}
	for full := range r.git.commits {
		if strings.HasPrefix(full, rev) {
			if id != "" {
				return "", false
			}
			id = full
		}
	}
	return id, id != ""
}
