package githubtest

import (
	"fmt"
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
	activity  []activity        // of branches, oldest first
	queues    map[string]*queue // by branch
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
		roles: map[int64]string{}, teamRoles: map[*team]string{}, refs: map[string]string{}, forks: map[int64]*Repo{}, queues: map[string]*queue{},
	}
	s.repos[lower(r.fullName())] = r
	return r
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
		was, had := r.roles[a.id]
		r.roles[a.id] = role
		if had {
			r.s.emitMember("edited", r, a, fields{"old_permission": fields{"from": was}})
		} else {
			r.s.emitMember("added", r, a, fields{"permission": fields{"to": role}})
		}
	})
}

// Unshare takes away the role somebody has of their own; one through a team stays.
func (r *Repo) Unshare(login string) {
	r.s.tell(func() {
		a := r.s.account(login)
		delete(r.roles, a.id)
		r.s.emitMember("removed", r, a, nil)
	})
}

// TeamRole gives everybody in a team, named org/slug, a role, or none.
func (r *Repo) TeamRole(name, role string) {
	checkRole(role)
	r.s.tell(func() {
		t := r.s.team(name)
		had := r.teamRoles[t]
		r.teamRoles[t] = role
		switch {
		case role == "none":
			delete(r.teamRoles, t)
			r.emitTeamRole("removed_from_repository", t, nil)
		case had == "":
			r.emitTeamRole("added_to_repository", t, nil)
		case had != role:
			r.emitTeamRole("edited", t, fields{"repository": fields{"permissions": fields{"from": fields{
				"admin": had == "admin", "pull": true, "push": slices.Index(roles, had) >= slices.Index(roles, "write"),
			}}}})
		}
	})
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
		r.unref(who, ref)
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

// unref takes a branch away.
func (r *Repo) unref(by *account, ref string) {
	r.record(by, ref, r.refs[ref], zeroID, "branch_deletion")
	r.s.emitPush(r, by, ref, r.refs[ref], zeroID, false)
	delete(r.refs, ref)
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
func (r *Repo) DefaultBranch(name string) {
	r.s.tell(func() {
		was := r.main
		r.main = name
		r.s.emit("repository", r.owner, r, r.owner, fields{"action": "edited", "changes": fields{"default_branch": fields{"from": was}}})
	})
}

// Tag makes a lightweight tag on what a revision names: a commit, or another tag, or, as
// <revision>:<path>, a file or folder.
func (r *Repo) Tag(name, at string) {
	r.s.tell(func() {
		id, _ := r.tagged(at)
		r.move(r.owner, "refs/tags/"+name, r.refs["refs/tags/"+name], id, false)
	})
}

// Untag deletes a tag.
func (r *Repo) Untag(name string) {
	r.s.tell(func() { r.unref(r.owner, "refs/tags/"+name) })
}

// AnnotatedTag makes a tag with a message, which is a git object of its own.
func (r *Repo) AnnotatedTag(by, name, at, text string) {
	r.s.tell(func() {
		id, kind := r.tagged(at)
		data := encodeTag(name, id, kind, text, r.s.signature(by, r.s.now()))
		r.move(r.s.account(by), "refs/tags/"+name, r.refs["refs/tags/"+name], r.git.put("tag", data), false)
	})
}

// tagged is the object that a tag is made on.
func (r *Repo) tagged(at string) (id, kind string) {
	rev, path, inside := strings.Cut(at, ":")
	c := r.must(rev)
	if id, _ := r.revision(rev); !inside && r.git.objects[id].kind == "tag" {
		return id, "tag"
	}
	if !inside {
		return c.id, "commit"
	}
	e, ok := r.git.lookup(c, path)
	if !ok {
		panic(fmt.Sprintf("githubtest: %s has no %s", r.fullName(), at))
	}
	return e.id, e.kind()
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
// HEAD, a full ref, a branch, a tag, an unambiguous short id, or one that ends what git
// describe prints.
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
	if i := strings.LastIndex(rev, "-g"); i > 0 {
		return r.abbreviated(rev[i+len("-g"):])
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

// Branches are the names of the branches, sorted.
func (r *Repo) Branches() []string {
	return see(r.s, func() (names []string) {
		for ref := range r.refs {
			if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	})
}
