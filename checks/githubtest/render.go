package githubtest

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// fields is a JSON object.
type fields = map[string]any

func nodeID(kind string, id any) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%v", kind, id))
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func stampOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return stamp(t)
}

// api is an API address; html one for browsers.
func (s *Server) api(parts ...any) string { return join(s.base+"/api/v3", parts) }

func (s *Server) html(r *Repo, parts ...any) string {
	return join(s.base+"/"+r.fullName(), parts)
}

func join(base string, parts []any) string {
	for _, part := range parts {
		base += "/" + strings.ReplaceAll(url.PathEscape(fmt.Sprint(part)), "%2F", "/")
	}
	return base
}

// ghost is whom REST shows in the place of a deleted account where there has to
// be one.
var ghost = &account{id: 10137, login: "ghost", kind: "User"}

func (s *Server) renderAccount(a *account) fields {
	if a.gone {
		a = ghost
	}
	base := s.api("users", a.login)
	out := fields{
		"login": a.login, "id": a.id, "node_id": nodeID(a.kind, a.id), "gravatar_id": "", "type": a.kind, "site_admin": false,
		"avatar_url": s.base + "/avatars/u/" + fmt.Sprint(a.id), "html_url": s.base + "/" + a.login, "url": base,
		"gists_url": base + "/gists{/gist_id}", "starred_url": base + "/starred{/owner}{/repo}",
		"events_url": base + "/events{/privacy}", "following_url": base + "/following{/other_user}",
		"organizations_url": base + "/orgs",
	}
	for _, list := range []string{"followers", "subscriptions", "repos", "received_events"} {
		out[list+"_url"] = base + "/" + list
	}
	return out
}

func (s *Server) accountOrNull(a *account) any {
	if a == nil || a.gone {
		return nil
	}
	return s.renderAccount(a)
}

func (s *Server) renderOrg(a *account) fields {
	base := s.api("orgs", a.login)
	return fields{
		"login": a.login, "id": a.id, "node_id": nodeID("Organization", a.id), "url": base, "description": nil,
		"avatar_url": s.base + "/avatars/u/" + fmt.Sprint(a.id), "repos_url": base + "/repos", "events_url": base + "/events",
		"hooks_url": base + "/hooks", "issues_url": base + "/issues", "members_url": base + "/members{/member}",
		"public_members_url": base + "/public_members{/member}",
	}
}

// parentOrNull is a parent as it shows in its children: without its own parent.
func (s *Server) parentOrNull(t *team) any {
	if t.parent == nil {
		return nil
	}
	return s.renderTeamSimple(t.parent)
}

func (s *Server) renderTeam(t *team) fields {
	base := s.api("organizations", t.org.id, "team", t.id)
	return fields{
		"id": t.id, "node_id": nodeID("Team", t.id), "name": t.slug, "slug": t.slug, "description": nil, "privacy": "closed",
		"notification_setting": "notifications_enabled", "permission": "pull", "url": base,
		"html_url":    s.base + "/orgs/" + t.org.login + "/teams/" + t.slug,
		"members_url": base + "/members{/member}", "repositories_url": base + "/repos", "parent": s.parentOrNull(t),
		"type": "organization", "organization_id": t.org.id,
	}
}

// renderTeamSimple is a team without what is above it.
func (s *Server) renderTeamSimple(t *team) fields {
	out := s.renderTeam(t)
	delete(out, "parent")
	return out
}

// repoURLs are a repository's addresses that are its own with something added.
var repoURLs = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
	"commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}",
	"contributors_url": "/contributors", "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
	"forks_url": "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
	"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
	"merges_url": "/merges", "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
	"pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}", "url": "",
}

func (s *Server) renderRepo(r *Repo) fields {
	out := fields{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(), "private": r.isPrivate(),
		"owner": s.renderAccount(r.owner), "html_url": s.html(r), "description": nil, "fork": r.parent != nil, "homepage": nil, "language": nil,
		"clone_url": s.html(r) + ".git", "git_url": "git://localhost/" + r.fullName() + ".git", "ssh_url": "git@localhost:" + r.fullName() + ".git",
		"svn_url": s.html(r), "mirror_url": nil, "default_branch": r.main, "visibility": map[bool]string{true: "private", false: "public"}[r.isPrivate()],
		"archived": false, "disabled": false, "license": nil, "size": 1, "topics": []string{}, "is_template": false, "allow_forking": true,
		"has_issues": true, "has_projects": false, "has_wiki": false, "has_pages": false, "has_discussions": false, "has_downloads": false,
		"created_at": stamp(r.created), "updated_at": stamp(r.pushed), "pushed_at": stamp(r.pushed), "web_commit_signoff_required": false,
	}
	for _, count := range []string{"forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "open_issues", "open_issues_count"} {
		out[count] = 0
	}
	for name, path := range repoURLs {
		out[name] = s.api("repos", r.fullName()) + path
	}
	return out
}

func (s *Server) renderCommit(r *Repo, c *commit) fields {
	at, page := s.api("repos", r.fullName(), "commits", c.id), s.html(r, "commit", c.id)
	parents := []any{}
	for _, id := range c.parents {
		parents = append(parents, fields{"sha": id, "url": s.api("repos", r.fullName(), "commits", id), "html_url": s.html(r, "commit", id)})
	}
	return fields{
		"sha": c.id, "node_id": nodeID("Commit", c.id), "url": at, "html_url": page, "comments_url": at + "/comments",
		"author": s.accountOrNull(s.byEmail(c.author.email)), "committer": s.committerOf(c), "parents": parents,
		"commit": fields{
			"url": s.api("repos", r.fullName(), "git/commits", c.id), "message": c.message, "comment_count": 0,
			"author": c.author.render(), "committer": c.committer.render(), "verification": c.verification(),
			"tree": fields{"sha": c.tree, "url": s.api("repos", r.fullName(), "git/trees", c.tree)},
		},
	}
}

// committerOf names the account web-flow for GitHub's own commits, as REST does.
func (s *Server) committerOf(c *commit) any {
	if c.webFlow && c.committer.email == "noreply@github.com" {
		return s.renderAccount(s.webFlow())
	}
	return s.accountOrNull(s.byEmail(c.committer.email))
}

// webFlow is GitHub's account that commits for its web pages.
func (s *Server) webFlow() *account { return s.add("web-flow", "User") }

func (g signature) render() fields {
	return fields{"name": g.name, "email": g.email, "date": stamp(g.when)}
}

func (c *commit) verification() fields {
	if !c.webFlow {
		return fields{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
	}
	plain := c.encodeSigned("")
	return fields{"verified": true, "reason": "valid", "signature": armor(plain), "payload": string(plain), "verified_at": stamp(c.committer.when)}
}

func (s *Server) renderChange(r *Repo, ref string, c change) fields {
	id := c.new.id
	if c.status == "removed" {
		id = c.old.id
	}
	out := fields{
		"sha": id, "filename": c.path, "status": c.status, "additions": c.additions, "deletions": c.deletions, "changes": c.additions + c.deletions,
		"blob_url": s.html(r, "blob", ref, c.path), "raw_url": s.html(r, "raw", ref, c.path),
		"contents_url": s.api("repos", r.fullName(), "contents", c.path) + "?ref=" + ref,
	}
	if c.patch != "" {
		out["patch"] = c.patch
	}
	if c.oldPath != "" {
		out["previous_filename"] = c.oldPath
	}
	return out
}
