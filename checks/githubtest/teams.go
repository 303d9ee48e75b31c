package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

type team struct {
	id      int64
	org     *account
	slug    string
	parent  *team
	members map[int64]*account // its own
	pending map[int64]*account // invited, not yet members
}

func (t *team) name() string { return t.org.login + "/" + t.slug }

// Team makes sure there is a team, named org/slug, with these members. Members
// join the organisation.
func (s *Server) Team(name string, members ...string) int64 {
	var id int64
	s.tell(func() {
		t := s.teams[lower(name)]
		if t == nil {
			org, slug, ok := strings.Cut(name, "/")
			if !ok {
				panic(fmt.Sprintf("githubtest: team %q, want org/slug", name))
			}
			t = &team{id: s.nextID(), org: s.account(org), slug: slug, members: map[int64]*account{}, pending: map[int64]*account{}}
			s.teams[lower(name)] = t
			s.emitTeam("created", t)
		}
		for _, login := range members {
			s.join(t, s.account(login))
		}
		id = t.id
	})
	return id
}

func (s *Server) join(t *team, a *account) {
	t.org.members[a.id] = a
	delete(t.pending, a.id)
	if t.members[a.id] == nil {
		t.members[a.id] = a
		s.emitMembership("added", t, a)
	}
}

// LeaveTeam takes members out of a team.
func (s *Server) LeaveTeam(name string, members ...string) {
	s.tell(func() {
		t := s.team(name)
		for _, login := range members {
			a := s.account(login)
			delete(t.members, a.id)
			s.emitMembership("removed", t, a)
		}
	})
}

// DeleteTeam dissolves a team and those below it.
func (s *Server) DeleteTeam(name string) { s.tell(func() { s.dissolve(s.team(name)) }) }

func (s *Server) dissolve(t *team) {
	for _, child := range slices.Clone(t.org.teams) {
		if child.parent == t {
			s.dissolve(child)
		}
	}
	t.org.teams = slices.DeleteFunc(t.org.teams, func(c *team) bool { return c == t })
	delete(s.teams, lower(t.name()))
	for _, r := range s.repos {
		delete(r.teamRoles, t)
	}
	s.emitTeam("deleted", t)
}

func (s *Server) team(name string) *team {
	t := s.teams[lower(name)]
	if t == nil {
		panic(fmt.Sprintf("githubtest: no team %q", name))
	}
	return t
}

// Invite asks somebody to join a team, and its organisation. Until Team says that
// they did, their membership is pending: they are not listed and have no role.
func (s *Server) Invite(name, login string) {
	s.tell(func() {
		t, a := s.team(name), s.account(login)
		t.pending[a.id] = a
	})
}

// ChildTeam puts a team below another of its organisation. Its members count as
// members of the parent, and have the parent's roles; joining or leaving the child
// is told of the child alone.
func (s *Server) ChildTeam(parent, child string) {
	s.tell(func() {
		p, c := s.team(parent), s.team(child)
		for above := p; above != nil; above = above.parent {
			if above == c || above.org != c.org {
				panic(fmt.Sprintf("githubtest: team %s cannot be below %s", child, parent))
			}
		}
		c.parent = p
		p.org.teams = append(p.org.teams, c)
	})
}

// all are the members of a team and of the teams below it.
func (t *team) all() map[int64]*account {
	all := maps.Clone(t.members)
	for _, child := range t.org.teams {
		if child.parent == t {
			maps.Copy(all, child.all())
		}
	}
	return all
}

// LeaveOrg takes somebody out of an organisation, and so out of its teams, their
// roles in its repositories and their forks of the private ones. GitHub tells of
// it as one thing.
// https://docs.github.com/en/organizations/managing-membership-in-your-organization/removing-a-member-from-your-organization
func (s *Server) LeaveOrg(login, member string) {
	s.tell(func() {
		org, a := s.account(login), s.account(member)
		delete(org.members, a.id)
		for _, t := range s.teams {
			if t.org == org {
				delete(t.members, a.id)
				delete(t.pending, a.id)
			}
		}
		for _, r := range s.repos {
			if fork := r.forks[a.id]; r.owner == org && fork != nil && r.isPrivate() {
				fork.delete()
			}
			if r.owner == org {
				delete(r.roles, a.id)
			}
		}
		s.emitLeft(org, a)
	})
}
