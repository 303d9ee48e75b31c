package githubtest

import "fmt"

// What the App is allowed and told, as GET /app and installations show it.
var (
	appPermissions = fields{
		"checks": "write", "contents": "read", "issues": "read", "members": "read", "merge_queues": "read", "metadata": "read",
		"pull_requests": "write", "statuses": "write",
	}
	appEvents = []string{
		"check_run", "check_suite", "issue_comment", "member", "membership", "merge_group", "organization", "pull_request",
		"pull_request_review", "push", "repository", "team",
	}
)

func (s *Server) renderApp(a *app) fields {
	return fields{
		"id": a.id, "slug": a.slug, "node_id": nodeID("App", a.id), "owner": s.renderAccount(a.owner), "name": a.slug, "description": nil,
		"external_url": s.base + "/about/" + a.slug, "html_url": s.base + "/apps/" + a.slug,
		"created_at": stamp(a.owner.created), "updated_at": stamp(a.owner.created), "permissions": appPermissions, "events": appEvents,
	}
}

func (s *Server) appOrNull(a *app) any {
	if a == nil {
		return nil
	}
	return s.renderApp(a)
}

func (s *Server) renderInstall(in *install) fields {
	selection := "all"
	if in.repos != nil {
		selection = "selected"
	}
	return fields{
		"id": in.id, "account": s.renderAccount(in.account), "app_id": s.app.id, "app_slug": s.app.slug,
		"target_id": in.account.id, "target_type": in.account.kind, "repository_selection": selection,
		"access_tokens_url": s.api("app/installations", in.id, "access_tokens"), "repositories_url": s.api("installation/repositories"),
		"html_url":    fmt.Sprintf("%s/organizations/%s/settings/installations/%d", s.base, in.account.login, in.id),
		"permissions": in.permissions, "events": appEvents, "created_at": stamp(in.created), "updated_at": stamp(in.created),
		"single_file_name": nil, "has_multiple_single_files": false, "single_file_paths": []string{}, "suspended_by": nil, "suspended_at": nil,
	}
}

func (s *Server) renderCheckRun(r *Repo, run *checkRun) fields {
	at := s.api("repos", r.fullName(), "check-runs", run.ID)
	details := run.DetailsURL
	if details == "" {
		details = s.base + "/apps/" + run.app.slug
	}
	return fields{
		"id": run.ID, "node_id": nodeID("CheckRun", run.ID), "name": run.Name, "head_sha": run.Head, "external_id": run.ExternalID,
		"url": at, "html_url": s.html(r, "runs", run.ID), "details_url": details,
		"status": run.Status, "conclusion": orNull(run.Conclusion),
		"started_at": stampOrNull(run.StartedAt), "completed_at": stampOrNull(run.CompletedAt),
		"output": fields{
			"title": orNull(run.Title), "summary": orNull(run.Summary), "text": orNull(run.Text),
			"annotations_count": len(run.Annotations), "annotations_url": at + "/annotations",
		},
		"check_suite": fields{"id": run.suite.id}, "app": s.renderApp(run.app), "pull_requests": s.pullsAt(r, run.Head),
	}
}

// pullsAt lists the open pull requests a commit is the head of. Those from forks
// are left out, as GitHub leaves them out.
func (s *Server) pullsAt(r *Repo, head string) []any {
	list := []any{}
	for _, p := range r.pulls {
		if p.state == "open" && p.head == head && !p.fork {
			repo := fields{"id": r.id, "name": r.name, "url": s.api("repos", r.fullName())}
			list = append(list, fields{
				"id": p.id, "number": p.Number, "url": s.api("repos", r.fullName(), "pulls", p.Number),
				"head": fields{"ref": p.headBranch, "sha": p.head, "repo": repo}, "base": fields{"ref": p.base, "sha": p.baseOID, "repo": repo},
			})
		}
	}
	return list
}

func (s *Server) renderAnnotation(r *Repo, run *checkRun, a Annotation) fields {
	return fields{
		"path": a.Path, "blob_href": s.html(r, "blob", run.Head, a.Path), "start_line": a.StartLine, "end_line": a.EndLine,
		"start_column": a.StartColumn, "end_column": a.EndColumn, "annotation_level": a.Level, "message": a.Message,
		"title": a.Title, "raw_details": a.RawDetails,
	}
}

func (s *Server) renderDelivery(d *delivery) fields {
	return fields{
		"id": d.ID, "guid": d.GUID, "delivered_at": stamp(d.At), "redelivery": d.Redelivery, "duration": 0.01, "event": d.Event,
		"action": orNull(d.Action), "status": deliveryStatus(d.Status), "status_code": d.Status,
		"installation_id": idOrNull(d.install), "repository_id": idOrNull(d.repo), "throttled_at": nil,
	}
}

func deliveryStatus(code int) string {
	switch {
	case code == 0:
		return "failed to connect to host"
	case code < 300:
		return "OK"
	}
	return fmt.Sprintf("Invalid HTTP Response: %d", code)
}

func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
