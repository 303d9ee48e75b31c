package githubtest

import (
	"fmt"
	"slices"
)

// orgRoutes are outside of a repository, for an installation token.
var orgRoutes = map[string]handler{
	"GET /installation/repositories":                      listRepositories,
	"GET /orgs/{org}":                                     getOrg,
	"GET /orgs/{org}/teams/{team}":                        getTeam,
	"GET /orgs/{org}/teams/{team}/members":                listMembers,
	"GET /orgs/{org}/teams/{team}/memberships/{username}": getMembership,
	"GET /users/{username}":                               getUser,
}

func listRepositories(r *request) (any, error) {
	var list []*Repo
	for _, repo := range r.s.covered(r.token.install) {
		if r.token.sees(repo) {
			list = append(list, repo)
		}
	}
	selection := "all"
	if r.token.install.repos != nil {
		selection = "selected"
	}
	return fields{
		"total_count": len(list), "repository_selection": selection, "repositories": each(page(r, list), r.s.renderRepo),
	}, nil
}

func getOrg(r *request) (any, error) {
	a := r.s.accounts[lower(r.PathValue("org"))]
	if a == nil || a.kind != "Organization" {
		return nil, notFound
	}
	return r.s.renderOrgFull(a), nil
}

func (s *Server) renderOrgFull(a *account) fields {
	out := s.renderOrg(a)
	out["type"], out["html_url"] = "Organization", s.base+"/"+a.login
	out["has_organization_projects"], out["has_repository_projects"] = false, false
	for _, count := range []string{"public_repos", "public_gists", "followers", "following"} {
		out[count] = 0
	}
	out["created_at"], out["updated_at"], out["archived_at"] = stamp(a.created), stamp(a.created), nil
	return out
}

// team finds the team; one of another organisation than the token's is hidden.
func (r *request) team() (*team, error) {
	t := r.s.teams[lower(r.PathValue("org")+"/"+r.PathValue("team"))]
	if t == nil || t.org != r.token.install.account {
		return nil, notFound
	}
	return t, nil
}

func getTeam(r *request) (any, error) {
	t, err := r.team()
	if err != nil {
		return nil, err
	}
	out := r.s.renderTeam(t)
	out["organization"] = r.s.renderOrgFull(t.org)
	out["members_count"], out["repos_count"] = len(t.all()), 0
	out["created_at"], out["updated_at"] = stamp(t.org.created), stamp(t.org.created)
	return out, nil
}

func listMembers(r *request) (any, error) {
	t, err := r.team()
	if err != nil {
		return nil, err
	}
	return each(page(r, byID(t.all())), r.s.renderAccount), nil
}

func getMembership(r *request) (any, error) {
	t, err := r.team()
	if err != nil {
		return nil, err
	}
	a := r.s.accounts[lower(r.PathValue("username"))]
	state := "active"
	switch {
	case a == nil || t.all()[a.id] == nil && t.pending[a.id] == nil:
		return nil, notFound
	case t.all()[a.id] == nil:
		state = "pending"
	}
	at := r.s.api("organizations", t.org.id, "team", t.id, "memberships", a.login)
	return fields{"url": at, "role": "member", "state": state}, nil
}

func getUser(r *request) (any, error) {
	a := r.s.accounts[lower(r.PathValue("username"))]
	if a == nil {
		return nil, notFound
	}
	out := r.s.renderAccount(a)
	for _, unknown := range []string{"name", "company", "location", "email", "hireable", "bio"} {
		out[unknown] = nil
	}
	for _, count := range []string{"public_repos", "public_gists", "followers", "following"} {
		out[count] = 0
	}
	out["blog"], out["created_at"], out["updated_at"] = "", stamp(a.created), stamp(a.created)
	out["user_view_type"] = "public"
	return out, nil
}

// getPermission answers for anybody with an account; who is nobody here has none.
func getPermission(r *request) (any, error) {
	a := r.s.accounts[lower(r.PathValue("username"))]
	if a == nil {
		return nil, failure{404, fmt.Sprintf("%s is not a user", r.PathValue("username"))}
	}
	role := r.s.role(r.repo, a)
	user := r.s.renderAccount(a)
	user["role_name"] = role
	at := slices.Index(roles, role)
	user["permissions"] = fields{
		"pull": at >= 1, "triage": at >= 2, "push": at >= 3, "maintain": at >= 4, "admin": at >= 5,
	}
	return fields{"permission": legacyPermission(role), "role_name": role, "user": user}, nil
}
