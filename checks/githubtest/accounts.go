package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

type account struct {
	id      int64
	login   string
	kind    string // User, Bot or Organization
	created time.Time
	members map[int64]*account // of an organisation
	teams   []*team            // of an organisation, those below another
	emails  []string           // further ones GitHub knows the account by
	gone    bool               // deleted
}

// email is the address commits of the account carry, by which GitHub finds it.
func (a *account) email() string {
	return fmt.Sprintf("%d+%s@users.noreply.github.com", a.id, a.login)
}

func (s *Server) add(login, kind string) *account {
	if a := s.accounts[lower(login)]; a != nil {
		if a.kind != kind {
			panic(fmt.Sprintf("githubtest: %s is a %s", login, a.kind))
		}
		return a
	}
	a := &account{id: s.nextID(), login: login, kind: kind, created: s.now(), members: map[int64]*account{}}
	s.accounts[lower(login)] = a
	return a
}

func (s *Server) account(login string) *account {
	a := s.accounts[lower(login)]
	if a == nil {
		panic(fmt.Sprintf("githubtest: nobody is called %q", login))
	}
	return a
}

// Org makes sure there is an organisation and returns its id.
func (s *Server) Org(login string) int64 { return s.make(login, "Organization") }

// User makes sure there are human accounts and returns the id of the first.
func (s *Server) User(login string, more ...string) int64 {
	for _, l := range more {
		s.make(l, "User")
	}
	return s.make(login, "User")
}

// Bot makes sure there is a bot account, by custom called something[bot].
func (s *Server) Bot(login string) int64 { return s.make(login, "Bot") }

func (s *Server) make(login, kind string) int64 {
	return see(s, func() int64 { return s.add(login, kind).id })
}

// Email makes further addresses known to be an account's. Whoever commits under
// one of them is that account to GitHub.
func (s *Server) Email(login string, addresses ...string) {
	s.tell(func() {
		a := s.account(login)
		a.emails = append(a.emails, addresses...)
	})
}

// Rename gives an account another login; its id, commits, repositories and teams
// stay its own. The old login is free for somebody else.
func (s *Server) Rename(login, to string) {
	s.tell(func() {
		a := s.account(login)
		if s.accounts[lower(to)] != nil && lower(to) != lower(login) {
			panic(fmt.Sprintf("githubtest: the login %s is taken", to))
		}
		delete(s.accounts, lower(login))
		a.login = to
		s.accounts[lower(to)] = a
		rekey(s.repos, (*Repo).fullName)
		rekey(s.teams, (*team).name)
		rekey(s.installs, func(in *install) string { return in.account.login })
	})
}

// rekey puts everything where its name now says.
func rekey[T any](all map[string]T, name func(T) string) {
	list := slices.Collect(maps.Values(all))
	clear(all)
	for _, v := range list {
		all[lower(name(v))] = v
	}
}

// DeleteUser deletes an account with the repositories it owns. What it did stays,
// by nobody: GraphQL names no author, REST none or the account ghost.
func (s *Server) DeleteUser(login string) {
	s.tell(func() {
		a := s.account(login)
		a.gone = true
		delete(s.accounts, lower(login))
		for _, t := range s.teams {
			delete(t.members, a.id)
			delete(t.pending, a.id)
		}
		for _, org := range s.accounts {
			delete(org.members, a.id)
		}
		for _, r := range slices.Collect(maps.Values(s.repos)) {
			delete(r.roles, a.id)
			if r.owner == a {
				r.delete()
			}
		}
	})
}

func byID(accounts map[int64]*account) []*account {
	var list []*account
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		list = append(list, accounts[id])
	}
	return list
}

// byEmail finds whom GitHub takes a commit's address for; nil if nobody.
func (s *Server) byEmail(email string) *account {
	for _, a := range s.accounts {
		same := func(known string) bool { return strings.EqualFold(known, email) }
		if same(a.email()) || slices.ContainsFunc(a.emails, same) {
			return a
		}
	}
	// A renamed account keeps its addresses: the id in front decides.
	id, _, _ := strings.Cut(email, "+")
	for _, a := range s.accounts {
		if strings.HasSuffix(email, "@users.noreply.github.com") && id == fmt.Sprint(a.id) {
			return a
		}
	}
	return nil
}

// roles in rising order.
var roles = []string{"none", "read", "triage", "write", "maintain", "admin"}

// role is the strongest role an account holds in a repository; everybody reads one
// that is public.
func (s *Server) role(r *Repo, a *account) string {
	role := r.granted(a)
	if role == "none" && !r.isPrivate() {
		return "read"
	}
	return role
}

// granted is the strongest role somebody was given: who has one is a collaborator.
func (r *Repo) granted(a *account) string {
	if r.owner == a {
		return "admin"
	}
	best := max(0, slices.Index(roles, r.roles[a.id]))
	for t, role := range r.teamRoles {
		if t.all()[a.id] != nil {
			best = max(best, slices.Index(roles, role))
		}
	}
	return roles[best]
}

// canPush reports whether an account has at least the write role.
func (s *Server) canPush(r *Repo, a *account) bool {
	return slices.Index(roles, s.role(r, a)) >= slices.Index(roles, "write")
}

// legacyPermission is the coarse permission REST gives beside the role.
func legacyPermission(role string) string {
	switch role {
	case "triage":
		return "read"
	case "maintain":
		return "write"
	}
	return role
}
