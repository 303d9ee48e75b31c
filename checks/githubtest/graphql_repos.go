package githubtest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func (s *Server) repoNode(r *Repo) node {
	return node{"Repository", fields{
		"id": nodeID("Repository", r.id), "databaseId": r.id, "name": r.name, "nameWithOwner": r.fullName(), "url": s.html(r),
		"isPrivate": r.isPrivate(), "isArchived": false, "isFork": r.parent != nil,
		"owner":            func(args) any { return s.accountNode(r.owner) },
		"defaultBranchRef": func(args) any { return s.refNode(r, "refs/heads/"+r.main) },
		"ref":              func(a args) any { return s.refNode(r, r.qualified(a.text("qualifiedName"))) },
		"object":           func(a args) any { return s.objectAt(r, a) },
		"collaborators":    func(a args) any { return s.collaborators(r, a) },
		"pullRequest": func(a args) any {
			n := count(a, "number")
			if n < 1 || n > len(r.pulls) {
				return unresolved("a PullRequest", "number of %d", n)
			}
			return s.pullNode(r.pulls[n-1])
		},
		"mergeQueue": func(a args) any { return s.queueNode(r, a.text("branch")) },
		"pullRequests": func(a args) any {
			return connection(s, "PullRequestConnection", a, r.pullsLike(a), s.pullNode, nil)
		},
	}}
}

// pullsLike filters and orders as the pullRequests field is asked to.
func (r *Repo) pullsLike(a args) []*Pull {
	states, _ := a.values["states"].([]any)
	var list []*Pull
	for _, p := range r.pulls {
		if (len(states) == 0 || slices.Contains(states, any(p.graphqlState()))) &&
			(a.text("baseRefName") == "" || a.text("baseRefName") == p.base) &&
			(a.text("headRefName") == "" || a.text("headRefName") == p.headBranch) {
			list = append(list, p)
		}
	}
	order, _ := a.values["orderBy"].(map[string]any)
	if order["field"] == "UPDATED_AT" {
		slices.SortStableFunc(list, func(x, y *Pull) int { return x.updated.Compare(y.updated) })
	}
	if order["direction"] == "DESC" {
		slices.Reverse(list)
	}
	return list
}

// qualified completes a ref's name as GitHub does: a branch before a tag.
func (r *Repo) qualified(name string) string {
	for _, prefix := range []string{"", "refs/", "refs/heads/", "refs/tags/"} {
		if _, ok := r.refs[prefix+name]; ok {
			return prefix + name
		}
	}
	return name
}

func (s *Server) refNode(r *Repo, full string) any {
	id, ok := r.refs[full]
	if !ok {
		return nil
	}
	cut := strings.Index(full[len("refs/"):], "/") + len("refs/") + 1
	return node{"Ref", fields{
		"id": nodeID("Ref", full), "name": full[cut:], "prefix": full[:cut],
		"target": func(args) any { return s.objectNode(r, id, "") },
	}}
}

// objectAt finds what an object id or an expression <rev> or <rev>:<path> names.
func (s *Server) objectAt(r *Repo, a args) any {
	if oid := a.text("oid"); oid != "" {
		return s.objectNode(r, oid, "")
	}
	rev, path, isPath := strings.Cut(a.text("expression"), ":")
	if !isPath {
		id, ok := r.revision(rev)
		if !ok {
			return nil
		}
		return s.objectNode(r, id, "")
	}
	c := r.resolve(rev)
	if c == nil {
		return nil
	}
	e, ok := r.git.lookup(c, path)
	if !ok {
		return nil
	}
	return s.objectNode(r, e.id, strings.Trim(path, "/"))
}

// objectNode is any git object; nil for one the repository does not have, such
// as a submodule's commit.
func (s *Server) objectNode(r *Repo, id, path string) any {
	if c := r.git.commits[id]; c != nil {
		return s.commitNode(r, c)
	}
	o, ok := r.git.objects[id]
	if !ok {
		return nil
	}
	f := fields{"oid": id, "abbreviatedOid": id[:7]}
	switch o.kind {
	case "blob":
		f["id"] = nodeID("Blob", id)
		describeBlob(f, o.data)
		return node{"Blob", f}
	case "tree":
		f["id"] = nodeID("Tree", id)
		f["entries"] = func(args) any { return s.entryNodes(r, id, path) }
		return node{"Tree", f}
	}
	f["id"], f["name"], f["message"] = nodeID("Tag", id), tagName(o.data), r.git.tagMessage(id)
	f["target"] = func(args) any { return s.objectNode(r, r.git.tagTarget(id), "") }
	return node{"Tag", f}
}

func tagName(data []byte) string {
	_, rest, _ := strings.Cut(string(data), "\ntag ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

// maxBlobText is where GraphQL cuts a blob's text.
const maxBlobText = 512_000

// describeBlob fills a blob's fields. Text that is not UTF-8 arrives changed:
// GraphQL can carry nothing else.
func describeBlob(f fields, data []byte) {
	f["byteSize"], f["isBinary"], f["isTruncated"], f["text"] = len(data), binary(data), len(data) > maxBlobText, nil
	if !binary(data) {
		f["text"] = strings.ToValidUTF8(string(data[:min(len(data), maxBlobText)]), "�")
	}
}

func (s *Server) entryNodes(r *Repo, tree, path string) []node {
	var list []node
	for _, e := range r.git.treeEntries(tree) {
		list = append(list, s.entryNode(r, e, strings.TrimPrefix(path+"/"+e.name, "/")))
	}
	return list
}

func (s *Server) entryNode(r *Repo, e treeEntry, at string) node {
	mode, err := strconv.ParseInt(e.mode, 8, 32)
	if err != nil {
		panic("githubtest: mode " + e.mode)
	}
	return node{"TreeEntry", fields{
		"name": e.name, "path": at, "oid": e.id, "type": e.kind(), "mode": mode, "size": len(r.git.blob(e.id)),
		"object": func(args) any { return s.objectNode(r, e.id, at) },
	}}
}

func (s *Server) commitNode(r *Repo, c *commit) node {
	headline, body, _ := strings.Cut(c.message, "\n\n")
	return node{"Commit", fields{
		"id": nodeID("Commit", c.id), "oid": c.id, "abbreviatedOid": c.id[:7], "url": s.html(r, "commit", c.id),
		"message": c.message, "messageHeadline": headline, "messageBody": body,
		"authoredDate": stamp(c.author.when), "committedDate": stamp(c.committer.when), "committedViaWeb": c.webFlow,
		"author":    func(args) any { return s.gitActor(c.author) },
		"committer": func(args) any { return s.gitActor(c.committer) },
		"authors": func(a args) any {
			return connection(s, "GitActorConnection", a, c.authors(), s.gitActor, nil)
		},
		"signature": s.signatureOf(c),
		"tree":      func(args) any { return s.objectNode(r, c.tree, "") },
		"file": func(a args) any {
			path := strings.Trim(a.text("path"), "/")
			if e, ok := r.git.lookup(c, path); ok && path != "" {
				return s.entryNode(r, treeEntry{name: path[strings.LastIndex(path, "/")+1:], entry: e}, path)
			}
			return nil
		},
		"parents": func(a args) any {
			return connection(s, "CommitConnection", a, c.parents, func(id string) node { return s.commitNode(r, r.git.commits[id]) }, nil)
		},
		"history": func(a args) any {
			if a.values["author"] != nil {
				return graphqlError{Message: "githubtest does not answer history by author"}
			}
			return connection(s, "CommitHistoryConnection", a, r.history(c, a), func(c *commit) node { return s.commitNode(r, c) }, nil)
		},
		"associatedPullRequests": func(a args) any {
			return connection(s, "PullRequestConnection", a, r.pullsWith(c), s.pullNode, nil)
		},
		"checkSuites":       func(a args) any { return s.suiteNodes(r, c, a) },
		"statusCheckRollup": func(args) any { return s.rollup(r, c) },
	}}
}

// history is a commit and all before it, newest first; of a path those that git log
// lists for it.
func (r *Repo) history(c *commit, a args) []*commit {
	list := r.git.between("", c.id)
	slices.Reverse(list)
	if path := a.text("path"); path != "" {
		changed := r.git.changing(c, path)
		list = slices.DeleteFunc(list, func(c *commit) bool { return !changed[c.id] })
	}
	since, hasSince := instant(a, "since")
	until, hasUntil := instant(a, "until")
	return slices.DeleteFunc(list, func(c *commit) bool {
		when := c.committer.when
		return hasSince && when.Before(since) || hasUntil && when.After(until)
	})
}

// changing are the commits that changed a path, as git log finds them ("History
// simplification"): from a merge it goes on along the first parent that has the path as
// the merge has it, and along all of them when there is none.
func (s *store) changing(from *commit, path string) map[string]bool {
	changed, seen := map[string]bool{}, map[string]bool{}
	at := func(c *commit) entry { e, _ := s.lookup(c, path); return e }
	for open := []*commit{from}; len(open) > 0; {
		c := open[0]
		if open = open[1:]; seen[c.id] {
			continue
		}
		seen[c.id] = true
		same := slices.IndexFunc(c.parents, func(id string) bool { return at(s.commits[id]) == at(c) })
		if same >= 0 {
			open = append(open, s.commits[c.parents[same]])
			continue
		}
		changed[c.id] = len(c.parents) > 0 || at(c) != entry{}
		for _, id := range c.parents {
			open = append(open, s.commits[id])
		}
	}
	return changed
}

func instant(a args, name string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, a.text(name))
	return t, err == nil
}

// authors are the author and then who is named in Co-authored-by trailers.
func (c *commit) authors() []signature {
	list := []signature{c.author}
	for line := range strings.Lines(c.message) {
		key, person, ok := strings.Cut(strings.TrimSpace(line), ":")
		name, email, addressed := strings.Cut(person, " <")
		if ok && addressed && strings.EqualFold(key, "co-authored-by") {
			list = append(list, signature{strings.TrimSpace(name), strings.TrimSuffix(email, ">"), c.author.when})
		}
	}
	return list
}

// gitActor is an author or committer. GitHub's own name has no user here, though
// REST calls it web-flow.
func (s *Server) gitActor(g signature) node {
	return node{"GitActor", fields{
		"name": g.name, "email": g.email, "date": g.when.Format(time.RFC3339), "user": s.userOrNull(s.byEmail(g.email)),
	}}
}

func (s *Server) signatureOf(c *commit) any {
	if !c.webFlow {
		return nil
	}
	return node{"GpgSignature", fields{"isValid": true, "state": "VALID", "wasSignedByGitHub": true, "signer": nil}}
}
