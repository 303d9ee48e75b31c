package githubtest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// queryNode is where every query starts, for one token.
func (s *Server) queryNode(t *token) node {
	return node{"Query", fields{
		"rateLimit": node{"RateLimit", fields{
			"cost": 1, "limit": 5000, "nodeCount": 0, "remaining": 4999, "used": 1, "resetAt": stamp(s.now().Add(time.Hour)),
		}},
		"repository": func(a args) any {
			name := a.text("owner") + "/" + a.text("name")
			r := s.repos[lower(name)]
			if r == nil || !t.reads(r) {
				return unresolved("a Repository", "name '%s'", name)
			}
			return s.repoNode(r)
		},
		"organization": func(a args) any {
			org := s.accounts[lower(a.text("login"))]
			if org == nil || org.kind != "Organization" {
				return unresolved("an Organization", "login of '%s'", a.text("login"))
			}
			return s.accountNode(org)
		},
		"user": func(a args) any {
			user := s.accounts[lower(a.text("login"))]
			if user == nil || user.kind != "User" {
				return unresolved("a User", "login of '%s'", a.text("login"))
			}
			return s.accountNode(user)
		},
	}}
}

// accountNode is an account as an actor. GraphQL leaves the [bot] off a bot's
// login, which REST and webhooks do not.
func (s *Server) accountNode(a *account) node {
	n := node{a.kind, fields{
		"id": nodeID(a.kind, a.id), "databaseId": a.id, "login": a.login, "name": nil, "url": s.base + "/" + a.login,
	}}
	switch a.kind {
	case "Bot":
		slug := strings.TrimSuffix(a.login, "[bot]")
		n.fields["login"], n.fields["url"] = slug, s.base+"/apps/"+slug
	case "Organization":
		n.fields["team"] = func(in args) any {
			t := s.teams[lower(a.login+"/"+in.text("slug"))]
			if t == nil {
				return nil
			}
			return s.teamNode(t)
		}
	}
	n.fields["repository"] = func(in args) any {
		r := s.repos[lower(a.login+"/"+in.text("name"))]
		if r == nil {
			return nil
		}
		return s.repoNode(r)
	}
	return n
}

func (s *Server) actor(a *account) any {
	if a == nil || a.gone {
		return nil
	}
	return s.accountNode(a)
}

// userNode is an account where the schema only knows users: also a bot appears
// as one there, with its whole login.
func (s *Server) userNode(a *account) node {
	n := s.accountNode(a)
	n.kind, n.fields["login"] = "User", a.login
	return n
}

func (s *Server) userOrNull(a *account) any {
	if a == nil {
		return nil
	}
	return s.userNode(a)
}

func (s *Server) teamNode(t *team) node {
	return node{"Team", fields{
		"id": nodeID("Team", t.id), "databaseId": t.id, "name": t.slug, "slug": t.slug, "combinedSlug": t.org.login + "/" + t.slug,
		"url":          s.base + "/orgs/" + t.org.login + "/teams/" + t.slug,
		"organization": func(args) any { return s.accountNode(t.org) },
		"members": func(a args) any {
			list := matching(byID(t.asked(a)), a.text("query"))
			return connection(s, "TeamMemberConnection", a, list, s.userNode, func(*account) fields { return fields{"role": "MEMBER"} })
		},
	}}
}

// asked are a team's members, those of child teams included unless left out.
func (t *team) asked(a args) map[int64]*account {
	all := t.all()
	switch a.text("membership") {
	case "IMMEDIATE":
		return t.members
	case "CHILD_TEAM":
		maps.DeleteFunc(all, func(id int64, _ *account) bool { return t.members[id] != nil })
	}
	return all
}

// matching keeps the accounts whose login contains a text, as GitHub's query
// arguments do.
func matching(list []*account, query string) []*account {
	return slices.DeleteFunc(list, func(a *account) bool { return !strings.Contains(lower(a.login), lower(query)) })
}

// collaborators are the accounts with a role of their own or through a team.
func (s *Server) collaborators(r *Repo, a args) any {
	found := map[int64]*account{}
	for _, who := range s.accounts {
		if r.roles[who.id] != "" && r.roles[who.id] != "none" {
			found[who.id] = who
		}
	}
	for t := range r.teamRoles {
		for id, who := range t.all() {
			found[id] = who
		}
	}
	list := matching(byID(found), a.text("query"))
	if login := a.text("login"); login != "" {
		list = slices.DeleteFunc(list, func(who *account) bool { return lower(who.login) != lower(login) })
	}
	return connection(s, "RepositoryCollaboratorConnection", a, list, s.userNode, func(who *account) fields {
		return fields{"permission": strings.ToUpper(s.role(r, who))}
	})
}
