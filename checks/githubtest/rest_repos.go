package githubtest

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// repoRoutes are below /repos/{owner}/{repo}.
var repoRoutes = map[string]handler{
	"GET ":                                     func(r *request) (any, error) { return r.s.renderRepoFull(r.repo), nil },
	"GET /branches/{branch...}":                getBranch,
	"GET /tags":                                listTags,
	"GET /git/ref/{ref...}":                    getRef,
	"GET /git/blobs/{sha}":                     getBlob,
	"GET /git/trees/{sha...}":                  getTree,
	"GET /git/tags/{sha}":                      getTag,
	"POST /git/blobs":                          writesGit(postBlob),
	"POST /git/trees":                          writesGit(postTree),
	"POST /git/commits":                        writesGit(postCommit),
	"POST /git/refs":                           writesGit(postRef),
	"GET /activity":                            listActivity,
	"GET /contents/{path...}":                  getContents,
	"GET /commits":                             listCommits,
	"GET /commits/{rest...}":                   getCommits,
	"GET /compare/{basehead...}":               getComparison,
	"GET /collaborators/{username}/permission": getPermission,
	"GET /pulls":                               listPulls,
	"POST /pulls":                              postPull,
	"GET /pulls/{number}":                      getPull,
	"GET /pulls/{number}/files":                listPullFiles,
	"GET /pulls/{number}/commits":              listPullCommits,
	"GET /pulls/{number}/reviews":              listReviews,
	"PATCH /pulls/{number}":                    patchPull,
	"GET /pulls/{number}/requested_reviewers":  listReviewers,
	"POST /pulls/{number}/requested_reviewers": postReviewers,
	"GET /issues/{number}/{id}":                getIssues,
	"POST /issues/{number}/comments":           postComment,
	"PATCH /issues/comments/{id}":              patchComment,
	"DELETE /issues/comments/{id}":             deleteComment,
	"GET /issues/comments/{id}/reactions":      listReactions,
	"POST /issues/comments/{id}/reactions":     postReaction,
	"POST /check-runs":                         postCheckRun,
	"PATCH /check-runs/{id}":                   patchCheckRun,
	"GET /check-runs/{id}":                     getCheckRun,
	"GET /check-runs/{id}/annotations":         listAnnotations,
}

func (s *Server) renderRepoFull(r *Repo) fields {
	out := s.renderRepo(r)
	out["network_count"], out["subscribers_count"] = 0, 0
	if r.owner.kind == "Organization" {
		out["organization"] = s.renderAccount(r.owner)
	}
	return out
}

func getBranch(r *request) (any, error) {
	name := r.PathValue("branch")
	id, ok := r.repo.refs["refs/heads/"+name]
	if !ok {
		return nil, failure{404, "Branch not found"}
	}
	at := r.s.api("repos", r.repo.fullName(), "branches", name)
	return fields{
		"name": name, "commit": r.s.renderCommit(r.repo, r.repo.git.commits[id]), "protected": false,
		"protection":     fields{"enabled": false, "required_status_checks": fields{"enforcement_level": "off", "contexts": []string{}, "checks": []string{}}},
		"protection_url": at + "/protection", "_links": fields{"self": at, "html": r.s.html(r.repo, "tree", name)},
	}, nil
}

func listTags(r *request) (any, error) {
	var names []string
	for ref := range r.repo.refs {
		if name, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	at := r.s.api("repos", r.repo.fullName())
	return each(page(r, names), func(name string) fields {
		c := r.repo.git.peel(r.repo.refs["refs/tags/"+name])
		return fields{
			"name": name, "node_id": nodeID("Ref", name), "commit": fields{"sha": c.id, "url": at + "/commits/" + c.id},
			"zipball_url": at + "/zipball/refs/tags/" + name, "tarball_url": at + "/tarball/refs/tags/" + name,
		}
	}), nil
}

// getTag gives an annotated tag. https://docs.github.com/en/rest/git/tags#get-a-tag
func getTag(r *request) (any, error) {
	id := r.PathValue("sha")
	if r.repo.git.objects[id].kind != "tag" {
		return nil, notFound
	}
	at, on := r.s.api("repos", r.repo.fullName(), "git"), r.repo.git.tagTarget(id)
	kind := r.repo.git.objects[on].kind
	if r.repo.git.commits[on] != nil {
		kind = "commit"
	}
	return fields{
		"sha": id, "node_id": nodeID("Tag", id), "url": at + "/tags/" + id, "tag": tagName(r.repo.git.objects[id].data),
		"message": r.repo.git.tagMessage(id), "object": fields{"type": kind, "sha": on, "url": at + "/" + kind + "s/" + on},
		"tagger":       fields{"name": "someone", "email": "someone@example.com", "date": stamp(r.repo.created)},
		"verification": fields{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil},
	}, nil
}

// getRef gives a ref as it is: of an annotated tag, the tag object.
func getRef(r *request) (any, error) {
	ref := "refs/" + r.PathValue("ref")
	if _, ok := r.repo.refs[ref]; !ok {
		return nil, notFound
	}
	return r.renderRef(ref), nil
}

func (r *request) renderRef(ref string) fields {
	id := r.repo.refs[ref]
	kind := r.repo.git.objects[id].kind
	if kind == "" {
		kind = "commit"
	}
	at := r.s.api("repos", r.repo.fullName(), "git")
	return fields{
		"ref": ref, "node_id": nodeID("Ref", ref), "url": at + "/" + ref,
		"object": fields{"type": kind, "sha": id, "url": at + "/" + kind + "s/" + id},
	}
}

func (r *request) wantsRaw() bool { return strings.Contains(r.Header.Get("Accept"), "raw") }

func getBlob(r *request) (any, error) {
	id := r.PathValue("sha")
	o, ok := r.repo.git.objects[id]
	if !ok || o.kind != "blob" {
		return nil, notFound
	}
	if r.wantsRaw() {
		return answer{200, nil, append([]byte{}, o.data...)}, nil
	}
	return fields{
		"sha": id, "node_id": nodeID("Blob", id), "size": len(o.data), "url": r.s.api("repos", r.repo.fullName(), "git/blobs", id),
		"content": wrapped(o.data), "encoding": "base64",
	}, nil
}

// wrapped is base64 in lines of 60, as GitHub gives it.
func wrapped(data []byte) string {
	var out strings.Builder
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(data)), 60) {
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.String()
}

// maxContents is the size from which the contents API gives no content.
const maxContents = 1 << 20

func getContents(r *request) (any, error) {
	rev := r.URL.Query().Get("ref")
	if rev == "" {
		rev = "HEAD"
	}
	c := r.repo.resolve(rev)
	if c == nil {
		return nil, failure{404, "No commit found for the ref " + rev}
	}
	path := r.PathValue("path")
	e, ok := r.repo.git.lookup(c, path)
	if !ok {
		return nil, notFound
	}
	if e.kind() == "tree" {
		return r.directory(path, rev, e.id), nil
	}
	out := r.renderContent(path, rev, e)
	data := r.repo.git.blob(e.id)
	switch {
	case e.kind() == "commit":
		out["submodule_git_url"] = nil
	case e.mode == "120000":
		out["target"] = string(data)
	case r.wantsRaw():
		return answer{200, nil, append([]byte{}, data...)}, nil
	case len(data) > maxContents:
		out["content"], out["encoding"] = "", "none"
	default:
		out["content"], out["encoding"] = wrapped(data), "base64"
	}
	return out, nil
}

func (r *request) directory(path, rev, tree string) []fields {
	list := []fields{}
	for _, e := range r.repo.git.treeEntries(tree) {
		list = append(list, r.renderContent(strings.TrimPrefix(path+"/"+e.name, "/"), rev, e.entry))
	}
	return list
}

func (r *request) renderContent(path, rev string, e entry) fields {
	kind := map[string]string{"tree": "dir", "commit": "submodule", "blob": "file"}[e.kind()]
	if e.mode == "120000" {
		kind = "symlink"
	}
	at := r.s.api("repos", r.repo.fullName(), "contents", path) + "?ref=" + rev
	object := r.s.api("repos", r.repo.fullName(), "git", e.kind()+"s", e.id)
	page := r.s.html(r.repo, e.kind(), rev, path)
	return fields{
		"type": kind, "name": path[strings.LastIndexByte(path, '/')+1:], "path": path, "sha": e.id, "size": len(r.repo.git.blob(e.id)),
		"url": at, "git_url": object, "html_url": page, "download_url": r.s.html(r.repo, "raw", rev, path),
		"_links": fields{"self": at, "git": object, "html": page},
	}
}

// listCommits lists the commits up to one, newest first; with path those that changed
// it. https://docs.github.com/en/rest/commits/commits#list-commits
func listCommits(r *request) (any, error) {
	sha := r.URL.Query().Get("sha")
	if sha == "" {
		sha = r.repo.main
	}
	c := r.repo.resolve(sha)
	if c == nil {
		return nil, notFound
	}
	return each(page(r, r.repo.history(c, args{values: map[string]any{"path": r.URL.Query().Get("path")}})), func(c *commit) fields { return r.s.renderCommit(r.repo, c) }), nil
}

// getCommits answers commits/{ref}, and below it pulls and check-runs: a ref may
// hold slashes.
func getCommits(r *request) (any, error) {
	rest := r.PathValue("rest")
	ref, what := rest, ""
	for _, suffix := range []string{"/pulls", "/check-runs"} {
		if before, ok := strings.CutSuffix(rest, suffix); ok {
			ref, what = before, suffix
		}
	}
	c := r.repo.resolve(ref)
	if c == nil {
		return nil, failure{422, "No commit found for SHA: " + ref}
	}
	switch what {
	case "/pulls":
		return each(page(r, r.repo.pullsWith(c)), r.s.renderPullSimple), nil
	case "/check-runs":
		return listCheckRuns(r, c)
	}
	return r.commitWithFiles(c), nil
}

func (r *request) commitWithFiles(c *commit) fields {
	var before snapshot
	if len(c.parents) > 0 {
		before = r.repo.git.commits[c.parents[0]].files
	}
	files := r.repo.git.changes(before, c.files)
	additions, deletions := 0, 0
	for _, f := range files {
		additions, deletions = additions+f.additions, deletions+f.deletions
	}
	out := r.s.renderCommit(r.repo, c)
	out["stats"] = fields{"additions": additions, "deletions": deletions, "total": additions + deletions}
	out["files"] = each(page(r, files), func(f change) fields { return r.s.renderChange(r.repo, c.id, f) })
	return out
}

// pullsWith lists the pull requests a commit belongs to: those that merged it or
// were merged as it, and the open ones that hold it.
func (r *Repo) pullsWith(c *commit) []*Pull {
	var list []*Pull
	for _, p := range r.pulls {
		if p.mergeCommit == c.id || slices.Contains(p.commits(), c) {
			list = append(list, p)
		}
	}
	return list
}

// getComparison compares two revisions from their merge base on. Files come with
// the first page only, and only so many of them.
func getComparison(r *request) (any, error) {
	left, right, ok := strings.Cut(r.PathValue("basehead"), "...")
	base, head := r.compared(left), r.compared(right)
	if !ok || base == nil || head == nil {
		return nil, notFound
	}
	common := r.repo.git.commits[r.repo.git.mergeBase(base.id, head.id)]
	if common == nil {
		return nil, failure{404, "No common ancestor between " + left + " and " + right + "."}
	}
	ahead, behind := r.repo.git.between(base.id, head.id), r.repo.git.between(head.id, base.id)
	out := fields{
		"url": r.s.api("repos", r.repo.fullName(), "compare", left+"..."+right), "html_url": r.s.html(r.repo, "compare", left+"..."+right),
		"permalink_url": r.s.html(r.repo, "compare", base.id+"..."+head.id), "diff_url": r.s.html(r.repo, "compare", left+"..."+right+".diff"),
		"patch_url":   r.s.html(r.repo, "compare", left+"..."+right+".patch"),
		"base_commit": r.s.renderCommit(r.repo, base), "merge_base_commit": r.s.renderCommit(r.repo, common),
		"status": compareStatus(len(ahead), len(behind)), "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
		"commits": each(r.comparedCommits(ahead), func(c *commit) fields { return r.s.renderCommit(r.repo, c) }),
	}
	if r.query("page", 1) == 1 {
		files := r.repo.git.changes(common.files, head.files)
		out["files"] = each(files[:min(len(files), r.s.options.Limits.CompareFiles)], func(f change) fields { return r.s.renderChange(r.repo, head.id, f) })
	}
	return out, nil
}

// compared resolves one side, which may name a fork: owner:branch.
func (r *request) compared(rev string) *commit {
	if owner, branch, ok := strings.Cut(rev, ":"); ok {
		for _, repo := range r.repo.network() {
			if lower(repo.owner.login) == lower(owner) {
				return repo.resolve(branch)
			}
		}
		return nil
	}
	return r.repo.resolve(rev)
}

// comparedCommits are paged if the request asks for pages; otherwise the most
// recent ones come at once.
func (r *request) comparedCommits(list []*commit) []*commit {
	q := r.URL.Query()
	if q.Has("page") || q.Has("per_page") || r.s.options.PageSize > 0 {
		return page(r, list)
	}
	return list[max(0, len(list)-r.s.options.Limits.CompareCommits):]
}

func compareStatus(ahead, behind int) string {
	switch {
	case ahead > 0 && behind > 0:
		return "diverged"
	case ahead > 0:
		return "ahead"
	case behind > 0:
		return "behind"
	}
	return "identical"
}

func listCheckRuns(r *request, c *commit) (any, error) {
	q := r.URL.Query()
	appID, _ := strconv.ParseInt(q.Get("app_id"), 10, 64) // absent: any App
	var list []*checkRun
	for _, run := range r.repo.runsOn(c.id) {
		if (q.Get("check_name") == "" || run.Name == q.Get("check_name")) && (q.Get("status") == "" || run.Status == q.Get("status")) &&
			(appID == 0 || run.app.id == appID) && (q.Get("filter") == "all" || r.repo.latest(run)) {
			list = append(list, run)
		}
	}
	runs := each(page(r, list), func(run *checkRun) fields { return r.s.renderCheckRun(r.repo, run) })
	return fields{"total_count": len(list), "check_runs": runs}, nil
}
