package githubtest

import (
	"maps"
	"strings"
)

// zeroID stands for no commit in a push.
const zeroID = "0000000000000000000000000000000000000000"

// emit tells of a pull request event with what is particular to it.
func (p *Pull) emit(action string, by *account, more map[string]any) {
	body := map[string]any{"action": action, "number": p.Number, "pull_request": p.r.s.renderPull(p)}
	for key, value := range more {
		body[key] = value
	}
	p.r.s.emit("pull_request", nil, p.r, by, body)
}

func (p *Pull) emitReview(action string, by *account, v *review, more fields) {
	rendered := p.r.s.renderReview(p, v)
	rendered["state"] = lower(v.state) // upper case in REST, lower case in webhooks
	body := fields{"action": action, "review": rendered, "pull_request": p.r.s.renderPullSimple(p)}
	maps.Copy(body, more)
	p.r.s.emit("pull_request_review", nil, p.r, by, body)
}

func (p *Pull) emitComment(action string, by *account, c *comment, more fields) {
	body := fields{"action": action, "issue": p.r.s.renderIssue(p), "comment": p.r.s.renderComment(p, c)}
	maps.Copy(body, more)
	p.r.s.emit("issue_comment", nil, p.r, by, body)
}

// emitPush tells of a branch or tag that was made, moved or deleted.
func (s *Server) emitPush(r *Repo, by *account, ref, before, after string, forced bool) {
	if before == "" {
		before = zeroID
	}
	commits, head := []any{}, any(nil)
	if tip := r.git.peel(after); tip != nil {
		head = pushedCommit(s.base, r, tip)
		for _, c := range r.news(ref, before, tip.id) {
			commits = append(commits, pushedCommit(s.base, r, c))
		}
	}
	s.emit("push", nil, r, by, map[string]any{
		"ref": ref, "before": before, "after": after,
		"created": before == zeroID, "deleted": after == zeroID, "forced": forced, "base_ref": nil,
		"compare": s.html(r, "compare", before[:12]+"..."+after[:12]), "commits": commits, "head_commit": head,
		"pusher": map[string]any{"name": by.login, "email": by.email()},
	})
}

// news are the commits a push brought: to a new branch, those the default branch
// does not have; to a tag none.
func (r *Repo) news(ref, before, after string) []*commit {
	switch {
	case strings.HasPrefix(ref, "refs/tags/"):
		return nil
	case before == zeroID:
		before = r.refs["refs/heads/"+r.main]
	}
	return r.git.between(before, after)
}

// pushedCommit is the short form of a commit in a push event.
func pushedCommit(base string, r *Repo, c *commit) map[string]any {
	added, removed, modified := []string{}, []string{}, []string{}
	var before snapshot
	if len(c.parents) > 0 {
		before = r.git.commits[c.parents[0]].files
	}
	for path, e := range c.files {
		switch was, had := before[path]; {
		case !had:
			added = append(added, path)
		case was != e:
			modified = append(modified, path)
		}
	}
	for path := range before {
		if _, kept := c.files[path]; !kept {
			removed = append(removed, path)
		}
	}
	return map[string]any{
		"id": c.id, "tree_id": c.tree, "distinct": true, "message": c.message, "timestamp": stamp(c.committer.when),
		"url":    strings.Join([]string{base, r.owner.login, r.name, "commit", c.id}, "/"),
		"author": map[string]any{"name": c.author.name, "email": c.author.email}, "committer": map[string]any{"name": c.committer.name, "email": c.committer.email},
		"added": added, "removed": removed, "modified": modified,
	}
}

func (s *Server) emitTeam(action string, t *team) {
	s.emit("team", t.org, nil, t.org, map[string]any{"action": action, "team": s.renderTeam(t)})
}

// emitTeamRole tells of what a team may do in a repository.
func (r *Repo) emitTeamRole(action string, t *team, changes fields) {
	body := fields{"action": action, "team": r.s.renderTeam(t)}
	if changes != nil {
		body["changes"] = changes
	}
	r.s.emit("team", t.org, r, t.org, body)
}

func (s *Server) emitMembership(action string, t *team, a *account) {
	s.emit("membership", t.org, nil, t.org, map[string]any{
		"action": action, "scope": "team", "member": s.renderAccount(a), "team": s.renderTeam(t),
	})
}

// emitMember tells of a collaborator who was added, whose role was edited, or who
// was removed, which has no changes.
func (s *Server) emitMember(action string, r *Repo, a *account, changes fields) {
	body := fields{"action": action, "member": s.renderAccount(a)}
	if changes != nil {
		body["changes"] = changes
	}
	s.emit("member", nil, r, r.owner, body)
}

func (s *Server) emitLeft(org, a *account) {
	s.emit("organization", org, nil, org, fields{"action": "member_removed", "membership": fields{
		"url": s.api("orgs", org.login, "memberships", a.login), "state": "active", "role": "unaffiliated",
		"organization_url": s.api("orgs", org.login), "user": s.renderAccount(a),
	}})
}

func (s *Server) emitCheckRun(action string, r *Repo, by *account, run *checkRun, more map[string]any) {
	body := map[string]any{"action": action, "check_run": s.renderCheckRun(r, run)}
	for key, value := range more {
		body[key] = value
	}
	s.emit("check_run", nil, r, by, body)
}

func (s *Server) emitInstallation(action string, in *install) {
	repos := []any{}
	for _, r := range s.covered(in) {
		repos = append(repos, map[string]any{
			"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": r.fullName(), "private": r.isPrivate(),
		})
	}
	body := map[string]any{"action": action, "repositories": repos, "installation": s.renderInstall(in)}
	s.emit("installation", in.account, nil, in.account, body)
}
