package githubtest

import (
	"fmt"
	"slices"
	"strings"
)

// Merge merges one branch into another, as git merge does on somebody's machine.
func (r *Repo) Merge(by, into, from string, how ...Commit) (id string) {
	r.s.tell(func() {
		ref := "refs/heads/" + into
		id = r.mergeInto(r.s.account(by), ref, r.must(from).id, nil, message(how, "Merge branch '"+from+"' into "+into))
		r.move(r.s.account(by), ref, r.refs[ref], id, false)
	})
	return id
}

// MergeIn merges a revision of the base repository into the head branch on
// somebody's machine and pushes it. Files and how are laid over the merged content:
// they resolve conflicts, or smuggle something in.
func (p *Pull) MergeIn(by, from string, files Files, how ...Commit) (id string) {
	p.r.s.tell(func() {
		id = p.mergeIn(by, p.r.must(from).id, files, message(how, fmt.Sprintf("Merge branch '%s' into %s", from, p.headBranch)))
	})
	return id
}

// ResolveOnWeb merges the base branch into the head in GitHub's web editor, where
// somebody wrote files: a commit authored by them and signed by GitHub, whatever
// they wrote.
func (p *Pull) ResolveOnWeb(by string, files Files) (id string) {
	p.r.s.tell(func() { id = p.mergeIn(by, p.r.refs["refs/heads/"+p.base], files, p.webMerge()) })
	return id
}

// UpdateBranch merges the base branch into the head, as GitHub's button does: a
// commit authored by who pressed it and signed by GitHub.
func (p *Pull) UpdateBranch(by string) (id string) { return p.ResolveOnWeb(by, nil) }

func (p *Pull) webMerge() Commit {
	return Commit{Message: fmt.Sprintf("Merge branch '%s' into %s", p.base, p.headBranch), WebFlow: true}
}

func (p *Pull) mergeIn(by, from string, files Files, how Commit) string {
	who := p.r.s.account(by)
	id := p.source().mergeInto(who, p.headRef, from, files, how)
	p.from.move(who, p.headRef, p.head, id, false)
	return id
}

// mergeInto makes the commit that merges another into a branch. What files and how
// write is no conflict.
func (r *Repo) mergeInto(by *account, ref, from string, files Files, how Commit) string {
	merged, conflicts := r.git.mergedInto(r.refs[ref], from)
	conflicts = slices.DeleteFunc(conflicts, func(path string) bool {
		_, written := files[path]
		return written || slices.Contains(how.Remove, path)
	})
	if len(conflicts) > 0 {
		panic("githubtest: merge conflict in " + strings.Join(conflicts, ", "))
	}
	parents := []string{r.refs[ref], from}
	if how.Swap {
		slices.Reverse(parents)
	}
	c := r.s.draft(by, parents, how)
	c.files = merged
	r.lay(c.files, files, how)
	return r.git.putCommit(c).id
}
