package githubtest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

func (p *Pull) graphqlState() string {
	if p.isMerged() {
		return "MERGED"
	}
	return strings.ToUpper(p.state)
}

func (s *Server) pullNode(p *Pull) node {
	r := p.r
	total := func(count func(change) int) func(args) any {
		return func(args) any {
			sum := 0
			for _, f := range p.files() {
				sum += count(f)
			}
			return sum
		}
	}
	return node{"PullRequest", fields{
		"id": nodeID("PullRequest", p.id), "databaseId": p.id, "fullDatabaseId": strconv.FormatInt(p.id, 10), "number": p.Number,
		"title": p.title, "body": p.body, "url": s.html(r, "pull", p.Number), "isDraft": p.draft, "isCrossRepository": p.fork,
		"isInMergeQueue": p.entry() != nil, "autoMergeRequest": func(args) any { return s.autoMergeNode(p) },
		"state": p.graphqlState(), "closed": p.state == "closed", "merged": p.isMerged(),
		"createdAt": stamp(p.created), "updatedAt": stamp(p.updated), "closedAt": stampOrNull(p.closed),
		"mergedAt": stampOrNull(p.mergedAt), "lastEditedAt": stampOrNull(p.edited),
		"baseRefName": p.base, "baseRefOid": p.baseOID, "headRefName": p.headBranch, "headRefOid": p.head,
		"baseRef":        func(args) any { return s.refNode(r, "refs/heads/"+p.base) },
		"headRef":        func(args) any { return s.headRefNode(p) },
		"headRepository": func(args) any { return s.headRepo(p) }, "headRepositoryOwner": func(args) any { return s.headRepoOwner(p) },
		"author": func(args) any { return s.actor(p.author) }, "mergedBy": func(args) any { return s.actor(p.mergedBy) },
		"mergeCommit": func(args) any { return s.commitOrNull(r, p.mergeCommit) },
		"mergeable":   func(args) any { return p.graphqlMergeable() },
		"additions":   total(func(c change) int { return c.additions }), "deletions": total(func(c change) int { return c.deletions }),
		"changedFiles": func(args) any { return len(p.files()) },
		"assignees":    func(a args) any { return connection(s, "UserConnection", a, p.assignees, s.userNode, nil) },
		"files": func(a args) any {
			files := p.files()
			shown := files[:min(len(files), s.options.Limits.GraphQLFiles)]
			return counted(len(files), connection(s, "PullRequestChangedFileConnection", a, shown, changedFileNode, nil))
		},
		"commits": func(a args) any {
			commits := p.commits()
			shown := commits[:min(len(commits), s.options.Limits.GraphQLCommits)]
			return counted(len(commits), connection(s, "PullRequestCommitConnection", a, shown, func(c *commit) node {
				return node{"PullRequestCommit", fields{"id": nodeID("PullRequestCommit", c.id), "commit": s.commitNode(r, c)}}
			}, nil))
		},
		"comments": func(a args) any {
			return connection(s, "IssueCommentConnection", a, p.comments, func(c *comment) node { return s.commentNode(p, c) }, nil)
		},
		"reviews": func(a args) any {
			return connection(s, "PullRequestReviewConnection", a, p.reviewsLike(a), func(v *review) node { return s.reviewNode(p, v) }, nil)
		},
		"timelineItems": func(a args) any {
			return connection(s, "PullRequestTimelineItemsConnection", a, p.timelineLike(a), func(e timelineEvent) node { return s.timelineNode(p, e) }, nil)
		},
	}}
}

func (p *Pull) graphqlMergeable() string {
	switch {
	case p.state == "closed":
		return "UNKNOWN"
	case p.mergeable():
		return "MERGEABLE"
	}
	return "CONFLICTING"
}

// headRepo, and what hangs on it, is null when it was deleted.
func (s *Server) headRepo(p *Pull) any {
	if p.from == nil {
		return nil
	}
	return s.repoNode(p.from)
}

func (s *Server) headRepoOwner(p *Pull) any {
	if p.from == nil {
		return nil
	}
	return s.accountNode(p.headOwner)
}

func (s *Server) headRefNode(p *Pull) any {
	if p.from == nil {
		return nil
	}
	return s.refNode(p.from, p.headRef)
}

func (s *Server) commitOrNull(r *Repo, id string) any {
	if c := r.git.commits[id]; c != nil {
		return s.commitNode(r, c)
	}
	return nil
}

// changeTypes are GraphQL's words for a change's status.
var changeTypes = map[string]string{
	"added": "ADDED", "removed": "DELETED", "modified": "MODIFIED", "renamed": "RENAMED", "changed": "CHANGED",
}

func changedFileNode(c change) node {
	return node{"PullRequestChangedFile", fields{
		"path": c.path, "additions": c.additions, "deletions": c.deletions, "changeType": changeTypes[c.status],
	}}
}

func (p *Pull) reviewsLike(a args) []*review {
	states, _ := a.values["states"].([]any)
	var list []*review
	for _, v := range p.reviews {
		if (len(states) == 0 || slices.Contains(states, any(v.state))) && (a.text("author") == "" || !v.by.gone && lower(a.text("author")) == lower(v.by.login)) {
			list = append(list, v)
		}
	}
	return list
}

func (s *Server) reviewNode(p *Pull, v *review) node {
	when := stamp(v.submitted)
	return node{"PullRequestReview", fields{
		"id": nodeID("PullRequestReview", v.id), "databaseId": v.id, "fullDatabaseId": strconv.FormatInt(v.id, 10),
		"url":    s.html(p.r, "pull", p.Number) + "#pullrequestreview-" + strconv.FormatInt(v.id, 10),
		"author": s.actor(v.by), "state": v.state, "body": v.body, "authorCanPushToRepository": s.canPush(p.r, v.by),
		"createdAt": when, "submittedAt": when, "updatedAt": stamp(cmp.Or(v.edited, v.submitted)), "lastEditedAt": stampOrNull(v.edited),
		"commit": func(args) any { return s.commitOrNull(p.r, v.commit) },
	}}
}

// timelineLike filters the timeline as its field is asked to.
func (p *Pull) timelineLike(a args) []timelineEvent {
	kinds, _ := a.values["itemTypes"].([]any)
	since, hasSince := instant(a, "since")
	var list []timelineEvent
	for _, e := range p.timeline {
		if (len(kinds) == 0 || slices.Contains(kinds, any(screaming(e.kind)))) && !(hasSince && e.at.Before(since)) {
			list = append(list, e)
		}
	}
	return list[min(count(a, "skip"), len(list)):]
}

// screaming turns BaseRefChangedEvent into BASE_REF_CHANGED_EVENT.
func screaming(name string) string {
	var out strings.Builder
	for i, c := range name {
		if i > 0 && unicode.IsUpper(c) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToUpper(c))
	}
	return out.String()
}

func (s *Server) timelineNode(p *Pull, e timelineEvent) node {
	f := fields{"id": nodeID(e.kind, e.id), "createdAt": stamp(e.at), "actor": s.actor(e.by)}
	switch e.kind {
	case "BaseRefChangedEvent":
		f["databaseId"], f["previousRefName"], f["currentRefName"] = e.id, e.from, e.to
	case "AutomaticBaseChangeSucceededEvent":
		f["oldBase"], f["newBase"] = e.from, e.to
	case "HeadRefForcePushedEvent":
		f["beforeCommit"], f["afterCommit"] = s.commitOrNull(p.r, e.from), s.commitOrNull(p.r, e.to)
	case "MergedEvent":
		f["commit"] = s.commitOrNull(p.r, e.to)
	}
	return node{e.kind, f}
}

func (s *Server) suiteNodes(r *Repo, c *commit, a args) any {
	filter, _ := a.values["filterBy"].(map[string]any)
	var list []*checkSuite
	for _, suite := range r.suites {
		if suite.head == c.id && (filter["appId"] == nil || count(args{"", filter}, "appId") == int(suite.app.id)) {
			list = append(list, suite)
		}
	}
	return connection(s, "CheckSuiteConnection", a, list, func(suite *checkSuite) node { return s.suiteNode(r, suite) }, nil)
}

func (s *Server) suiteNode(r *Repo, suite *checkSuite) node {
	status, conclusion := suiteState(r.runsLike(suite, args{}))
	return node{"CheckSuite", fields{
		"id": nodeID("CheckSuite", suite.id), "databaseId": suite.id, "createdAt": stamp(suite.created), "status": status, "conclusion": conclusion,
		"app": node{"App", fields{"id": nodeID("App", suite.app.id), "databaseId": suite.app.id, "slug": suite.app.slug, "name": suite.app.slug}},
		"checkRuns": func(a args) any {
			return connection(s, "CheckRunConnection", a, r.runsLike(suite, a), func(run *checkRun) node { return s.runNode(r, run) }, nil)
		},
	}}
}

// suiteState sums up runs: unfinished while one is, otherwise failed if one is
// neither success, neutral nor skipped.
func suiteState(runs []*checkRun) (status string, conclusion any) {
	conclusion = "SUCCESS"
	for _, run := range runs {
		if run.Status != "completed" {
			return "IN_PROGRESS", nil
		}
		if !slices.Contains([]string{"success", "neutral", "skipped"}, run.Conclusion) {
			conclusion = "FAILURE"
		}
	}
	return "COMPLETED", conclusion
}

// runsLike filters a suite's runs; unless all are asked for, the latest of each
// name.
func (r *Repo) runsLike(suite *checkSuite, a args) []*checkRun {
	filter, _ := a.values["filterBy"].(map[string]any)
	var list []*checkRun
	for _, run := range r.runsOn(suite.head) {
		if run.suite == suite && (filter["checkType"] == "ALL" || r.latest(run)) &&
			(filter["checkName"] == nil || filter["checkName"] == run.Name) &&
			(filter["status"] == nil || filter["status"] == strings.ToUpper(run.Status)) {
			list = append(list, run)
		}
	}
	return list
}

func (s *Server) runNode(r *Repo, run *checkRun) node {
	var conclusion any
	if run.Conclusion != "" {
		conclusion = strings.ToUpper(run.Conclusion)
	}
	return node{"CheckRun", fields{
		"id": nodeID("CheckRun", run.ID), "databaseId": run.ID, "name": run.Name, "url": s.html(r, "runs", run.ID),
		"status": strings.ToUpper(run.Status), "conclusion": conclusion, "startedAt": stampOrNull(run.StartedAt), "completedAt": stampOrNull(run.CompletedAt),
		"detailsUrl": orNull(run.DetailsURL), "externalId": orNull(run.ExternalID),
		"title": orNull(run.Title), "summary": orNull(run.Summary), "text": orNull(run.Text),
		"checkSuite": func(args) any { return s.suiteNode(r, run.suite) },
	}}
}

// rollup sums up a commit's check runs; nil if it has none.
func (s *Server) rollup(r *Repo, c *commit) any {
	runs := slices.DeleteFunc(r.runsOn(c.id), func(run *checkRun) bool { return !r.latest(run) })
	if len(runs) == 0 {
		return nil
	}
	state := "PENDING"
	if _, conclusion := suiteState(runs); conclusion != nil {
		state = conclusion.(string)
	}
	return node{"StatusCheckRollup", fields{
		"id": nodeID("StatusCheckRollup", c.id), "state": state,
		"contexts": func(a args) any {
			return connection(s, "StatusCheckRollupContextConnection", a, runs, func(run *checkRun) node { return s.runNode(r, run) }, nil)
		},
	}}
}
