package githubtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Merge merges the pull request into its base branch by one of GitHub's methods,
// merge, squash or rebase, and returns the commit the base branch then is at. With
// more files the merge leaves those there instead of what the pull request has, as
// one made by hand or by a queue can, or GitHub where both sides changed a file in
// other lines.
func (p *Pull) Merge(by, method string, more ...Files) (id string) {
	p.r.s.tell(func() { id = p.mergeBy(p.r.s.account(by), method, more) })
	return id
}

func (p *Pull) mergeBy(who *account, method string, more []Files) string {
	p.dequeue(who, "ALREADY_MERGED")
	ref := "refs/heads/" + p.base
	before := p.r.refs[ref]
	id := p.merged(who, before, method, more)
	for _, files := range more {
		id = p.otherwise(id, files)
	}
	p.landed(who, before, id)
	p.r.moveBy(who, ref, before, id, "pr_merge")
	p.emit("closed", who, nil)
	return id
}

// land says of a pull request that is in its base branch by now that it was merged.
func (p *Pull) land(by *account, before, id string) {
	p.landed(by, before, id)
	p.emit("closed", by, nil)
}

func (p *Pull) landed(by *account, before, id string) {
	p.baseOID = before
	p.state, p.closed, p.mergedAt, p.mergedBy, p.mergeCommit, p.auto = "closed", p.r.s.now(), p.r.s.now(), by, id, nil
	p.touch()
	p.note("MergedEvent", by, "", id)
	p.note("ClosedEvent", by, "", "")
}

func (p *Pull) merged(by *account, base, method string, more []Files) string {
	switch method {
	case "merge":
		text := fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", p.Number, p.headOwner.login, p.headBranch, p.title)
		return p.combine(by, []string{base, p.head}, Commit{Message: text, WebFlow: true}, more)
	case "squash":
		text := fmt.Sprintf("%s (#%d)", p.title, p.Number)
		return p.combine(by, []string{base}, Commit{Message: text, WebFlow: true, Author: p.author.login, CoAuthors: p.otherAuthors()}, more)
	case "rebase":
		return p.rebase(by, base)
	}
	panic(fmt.Sprintf("githubtest: no merge method %q", method))
}

// otherwise copies a commit with other files laid over its own.
func (p *Pull) otherwise(id string, files Files) string {
	c := *p.r.git.commits[id]
	c.files = maps.Clone(c.files)
	for path, content := range files {
		c.files[path] = p.r.entry(content, "")
	}
	return p.r.git.putCommit(&c).id
}

func (p *Pull) combine(by *account, parents []string, how Commit, more []Files) string {
	files, conflicts := p.r.git.mergedInto(parents[0], p.head)
	conflicts = slices.DeleteFunc(conflicts, func(path string) bool {
		return slices.ContainsFunc(more, func(f Files) bool { _, written := f[path]; return written })
	})
	if len(conflicts) > 0 {
		panic("githubtest: merge conflict in " + strings.Join(conflicts, ", "))
	}
	c := p.r.s.draft(by, parents, how)
	c.files = files
	return p.r.git.putCommit(c).id
}

// otherAuthors are the authors of the commits other than the pull request's:
// GitHub credits them in a squashed commit.
func (p *Pull) otherAuthors() []string {
	var list []string
	seen := map[string]bool{lower(p.author.email()): true}
	for _, c := range p.commits() {
		if email := lower(c.author.email); !seen[email] {
			seen[email] = true
			list = append(list, c.author.name+" <"+c.author.email+">")
		}
	}
	return list
}

// rebase copies the commits, merges left out, onto base: the authors stay, the
// committer is who merged, and nothing is signed.
func (p *Pull) rebase(by *account, base string) string {
	for _, c := range p.commits() {
		if len(c.parents) > 1 {
			continue
		}
		files, conflicts := mergeFiles(p.r.git.commits[c.parents[0]].files, p.r.git.commits[base].files, c.files)
		if len(conflicts) > 0 {
			panic("githubtest: merge conflict in " + strings.Join(conflicts, ", "))
		}
		copied := &commit{
			parents: []string{base}, author: c.author, committer: p.r.s.signature(by.login, p.r.s.now()),
			message: c.message, files: files,
		}
		base = p.r.git.putCommit(copied).id
	}
	return base
}

// isMerged reports whether the pull request was merged.
func (p *Pull) isMerged() bool { return !p.mergedAt.IsZero() }

// baseTip is what the pull request is compared with: the base branch now, or as
// it was before the merge.
func (p *Pull) baseTip() string {
	if tip := p.r.refs["refs/heads/"+p.base]; tip != "" && !p.isMerged() {
		return tip
	}
	return p.baseOID
}

// commits are those of base..head.
func (p *Pull) commits() []*commit { return p.r.git.between(p.baseTip(), p.head) }

// files are the changes since the merge base.
func (p *Pull) files() []change {
	var before snapshot
	if base := p.r.git.mergeBase(p.baseTip(), p.head); base != "" {
		before = p.r.git.commits[base].files
	}
	return p.r.git.changes(before, p.r.git.commits[p.head].files)
}

// mergeable reports whether the pull request merges without a conflict.
func (p *Pull) mergeable() bool {
	_, err := p.r.git.merged(p.baseTip(), p.head)
	return err == nil
}
