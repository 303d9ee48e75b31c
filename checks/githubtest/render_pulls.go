package githubtest

import (
	"cmp"
	"fmt"
)

// renderHead leaves a deleted repository out, and a deleted account too.
func (p *Pull) renderHead() fields {
	s := p.r.s
	out := fields{
		"label": p.headOwner.login + ":" + p.headBranch, "ref": p.headBranch, "sha": p.head, "user": s.accountOrNull(p.headOwner), "repo": nil,
	}
	if p.from != nil {
		out["repo"] = s.renderRepo(p.from)
	}
	return out
}

// renderPullSimple is a pull request in a list or in a review's webhook.
func (s *Server) renderPullSimple(p *Pull) fields {
	r, n := p.r, p.Number
	at, issue := s.api("repos", r.fullName(), "pulls", n), s.api("repos", r.fullName(), "issues", n)
	page := s.html(r, "pull", n)
	assignees := []any{}
	for _, a := range p.assignees {
		assignees = append(assignees, s.renderAccount(a))
	}
	var assignee any
	if len(assignees) > 0 {
		assignee = assignees[0]
	}
	return fields{
		"id": p.id, "node_id": nodeID("PullRequest", p.id), "number": n, "state": p.state, "locked": false, "title": p.title, "body": orNull(p.body),
		"user": s.renderAccount(p.author), "draft": p.draft, "labels": each(p.labels, r.renderLabel), "milestone": nil, "active_lock_reason": nil,
		"assignee": assignee, "assignees": assignees, "requested_reviewers": each(p.asked, s.renderAccount), "requested_teams": each(p.askedTeams, s.renderTeam),
		"created_at": stamp(p.created), "updated_at": stamp(p.updated), "closed_at": stampOrNull(p.closed), "merged_at": stampOrNull(p.mergedAt),
		"merge_commit_sha": orNull(p.mergeCommit), "author_association": "MEMBER", "auto_merge": p.renderAutoMerge(),
		"head": p.renderHead(),
		"base": fields{
			"label": r.owner.login + ":" + p.base, "ref": p.base, "sha": p.baseOID, "user": s.renderAccount(r.owner), "repo": s.renderRepo(r),
		},
		"url": at, "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch", "issue_url": issue,
		"commits_url": at + "/commits", "review_comments_url": at + "/comments", "review_comment_url": s.api("repos", r.fullName(), "pulls/comments") + "{/number}",
		"comments_url": issue + "/comments", "statuses_url": s.api("repos", r.fullName(), "statuses", p.head),
		"_links": fields{
			"self": link(at), "html": link(page), "issue": link(issue), "comments": link(issue + "/comments"),
			"review_comments": link(at + "/comments"), "review_comment": link(s.api("repos", r.fullName(), "pulls/comments") + "{/number}"),
			"commits": link(at + "/commits"), "statuses": link(s.api("repos", r.fullName(), "statuses", p.head)),
		},
	}
}

func link(href string) fields { return fields{"href": href} }

func (s *Server) renderPull(p *Pull) fields {
	out := s.renderPullSimple(p)
	out["requested_teams"] = each(p.askedTeams, s.renderTeamSimple)
	files := p.files()
	additions, deletions := 0, 0
	for _, f := range files {
		additions, deletions = additions+f.additions, deletions+f.deletions
	}
	out["additions"], out["deletions"], out["changed_files"], out["commits"] = additions, deletions, len(files), len(p.commits())
	out["comments"], out["review_comments"], out["maintainer_can_modify"] = len(p.comments), 0, p.fork && p.from != nil
	out["merged"], out["merged_by"] = p.isMerged(), s.accountOrNull(p.mergedBy)
	out["mergeable"], out["mergeable_state"], out["rebaseable"] = nil, "unknown", nil
	if p.state == "open" {
		fits := p.mergeable()
		out["mergeable"], out["rebaseable"] = fits, fits
		out["mergeable_state"] = map[bool]string{true: "clean", false: "dirty"}[fits]
	}
	return out
}

func (s *Server) renderReview(p *Pull, v *review) fields {
	page := fmt.Sprintf("%s#pullrequestreview-%d", s.html(p.r, "pull", p.Number), v.id)
	pull := s.api("repos", p.r.fullName(), "pulls", p.Number)
	return fields{
		"id": v.id, "node_id": nodeID("PullRequestReview", v.id), "user": s.accountOrNull(v.by), "body": v.body, "state": v.state,
		"html_url": page, "pull_request_url": pull, "_links": fields{"html": link(page), "pull_request": link(pull)},
		"submitted_at": stamp(v.submitted), "commit_id": v.commit, "author_association": "MEMBER",
	}
}

func (r *Repo) renderLabel(name string) fields {
	return fields{
		"id": r.id, "node_id": nodeID("Label", name), "url": r.s.api("repos", r.fullName(), "labels", name), "name": name,
		"color": "ededed", "default": false, "description": nil,
	}
}

// renderIssue is a pull request as an issue, which is what comments are about.
func (s *Server) renderIssue(p *Pull) fields {
	r, n := p.r, p.Number
	at, page, pull := s.api("repos", r.fullName(), "issues", n), s.html(r, "pull", n), s.api("repos", r.fullName(), "pulls", n)
	out := s.renderPullSimple(p)
	for _, own := range []string{
		"head", "base", "_links", "merged_at", "merge_commit_sha", "requested_reviewers", "requested_teams", "auto_merge", "diff_url", "patch_url",
		"issue_url", "commits_url", "review_comments_url", "review_comment_url", "statuses_url",
	} {
		delete(out, own)
	}
	out["url"], out["html_url"], out["repository_url"] = at, page, s.api("repos", r.fullName())
	out["labels_url"], out["events_url"], out["timeline_url"] = at+"/labels{/name}", at+"/events", at+"/timeline"
	out["comments"], out["reactions"], out["performed_via_github_app"], out["state_reason"] = len(p.comments), reactions(at, nil), nil, nil
	out["pull_request"] = fields{"url": pull, "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch", "merged_at": stampOrNull(p.mergedAt)}
	return out
}

func (s *Server) renderComment(p *Pull, c *comment) fields {
	at := s.api("repos", p.r.fullName(), "issues/comments", c.id)
	return fields{
		"id": c.id, "node_id": nodeID("IssueComment", c.id), "url": at, "issue_url": s.api("repos", p.r.fullName(), "issues", p.Number),
		"html_url": fmt.Sprintf("%s#issuecomment-%d", s.html(p.r, "pull", p.Number), c.id), "user": s.renderAccount(c.by), "body": c.body,
		"created_at": stamp(c.at), "updated_at": stamp(cmp.Or(c.edited, c.at)), "author_association": "MEMBER", "reactions": reactions(at, c.reactions),
		"performed_via_github_app": s.appOrNull(c.app),
	}
}

// reactions counts them by kind.
func reactions(at string, all []*reaction) fields {
	out := fields{"url": at + "/reactions", "total_count": len(all)}
	for _, kind := range reactionContents {
		n := 0
		for _, v := range all {
			if v.content == kind {
				n++
			}
		}
		out[kind] = n
	}
	return out
}
