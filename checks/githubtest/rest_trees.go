package githubtest

import "strings"

// getTree reads a tree by its own id, or a commit's by whatever names the commit.
// Like GitHub it repeats the id the name stood for: for a commit that is not the
// tree's. https://docs.github.com/en/rest/git/trees#get-a-tree
func getTree(r *request) (any, error) {
	id, ok := r.repo.revision(r.PathValue("sha"))
	if !ok {
		return nil, notFound
	}
	tree := id
	if c := r.repo.git.peel(id); c != nil {
		id, tree = c.id, c.tree
	}
	if r.repo.git.objects[tree].kind != "tree" {
		return nil, notFound
	}
	limit := r.s.options.Limits.TreeEntries
	list := r.treeList(nil, tree, "", r.URL.Query().Has("recursive"), limit)
	return fields{
		"sha": id, "url": r.s.api("repos", r.repo.fullName(), "git/trees", id),
		"truncated": len(list) > limit, "tree": list[:min(len(list), limit)],
	}, nil
}

// treeList appends a tree's entries, each directory followed by what is in it if
// wanted, and stops one entry beyond the limit.
func (r *request) treeList(list []fields, tree, dir string, recursive bool, limit int) []fields {
	if list == nil {
		list = []fields{}
	}
	for _, e := range r.repo.git.treeEntries(tree) {
		if len(list) > limit {
			break
		}
		list = append(list, r.renderEntry(e, dir+e.name))
		if recursive && e.kind() == "tree" {
			list = r.treeList(list, e.id, dir+e.name+"/", recursive, limit)
		}
	}
	return list
}

// renderEntry writes the mode in six digits. Of a submodule there is nothing here
// to point at.
func (r *request) renderEntry(e treeEntry, path string) fields {
	out := fields{"path": path, "mode": strings.Repeat("0", 6-len(e.mode)) + e.mode, "type": e.kind(), "sha": e.id}
	switch e.kind() {
	case "blob":
		out["size"], out["url"] = len(r.repo.git.blob(e.id)), r.s.api("repos", r.repo.fullName(), "git/blobs", e.id)
	case "tree":
		out["url"] = r.s.api("repos", r.repo.fullName(), "git/trees", e.id)
	}
	return out
}
