package githubtest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Grant gives the installation on an account a permission at a level: what an owner
// does who accepts what an App asks for anew. Tokens that were given out before stay as
// they are.
func (s *Server) Grant(login, permission, level string) {
	s.tell(func() {
		in := s.installs[lower(login)]
		in.permissions = maps.Clone(in.permissions)
		in.permissions[permission] = level
		s.emitInstallation("new_permissions_accepted", in)
	})
}

// mayWrite refuses a token that was not given a permission to write.
func (r *request) mayWrite(permission string) error {
	if r.token.permissions[permission] != "write" {
		return failure{403, "Resource not accessible by integration"}
	}
	return nil
}

// writesGit wraps a handler of GitHub's git database, all of which ask for contents:
// write. https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
func writesGit(h handler) handler {
	return func(r *request) (any, error) {
		if err := r.mayWrite("contents"); err != nil {
			return nil, err
		}
		return h(r)
	}
}

// unprocessable is how the git database refuses: in the message itself, where others
// list errors.
func unprocessable(format string, a ...any) answer {
	return answer{http.StatusUnprocessableEntity, fields{
		"message": fmt.Sprintf(format, a...), "documentation_url": "https://docs.github.com/rest/git",
	}, nil}
}

func postBlob(r *request) (any, error) {
	var q struct{ Content, Encoding string }
	if err := r.read(&q); err != nil {
		return nil, err
	}
	data := []byte(q.Content)
	if q.Encoding == "base64" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(q.Content); err != nil {
			return unprocessable("content is not valid Base64"), nil
		}
	}
	id := r.repo.git.put("blob", data)
	return answer{201, fields{"sha": id, "url": r.s.api("repos", r.repo.fullName(), "git/blobs", id)}, nil}, nil
}

// A newEntry is a line of a tree to be made: without an id the path goes away.
type newEntry struct {
	Path, Mode, Type string
	SHA, Content     *string
}

// postTree lays entries over a tree. https://docs.github.com/en/rest/git/trees#create-a-tree
func postTree(r *request) (any, error) {
	var q struct {
		BaseTree string `json:"base_tree"`
		Tree     []newEntry
	}
	if err := r.read(&q); err != nil {
		return nil, err
	}
	files := snapshot{}
	if q.BaseTree != "" {
		tree := q.BaseTree
		if c := r.repo.git.commits[tree]; c != nil {
			tree = c.tree
		}
		if r.repo.git.objects[tree].kind != "tree" {
			return unprocessable("base_tree is not a valid tree oid"), nil
		}
		files = r.repo.git.flatten(tree, "")
	}
	for _, e := range q.Tree {
		if why := r.repo.git.layEntry(files, e); why != "" {
			return unprocessable("%s", why), nil
		}
	}
	if len(files) == 0 {
		return unprocessable("GitRPC::BadObjectState"), nil
	}
	id := r.repo.git.putTree(files)
	return answer{201, fields{
		"sha": id, "url": r.s.api("repos", r.repo.fullName(), "git/trees", id), "truncated": false,
		"tree": r.treeList(nil, id, "", false, r.s.options.Limits.TreeEntries),
	}, nil}, nil
}

// layEntry changes files by one entry, or says what GitHub finds wrong with it.
func (s *store) layEntry(files snapshot, e newEntry) (why string) {
	_, there := files[e.Path]
	switch {
	case e.Path == "" || strings.HasPrefix(e.Path, "/") || slices.Contains(strings.Split(e.Path, "/"), ".."):
		return "tree.path contains a malformed path component"
	case e.SHA == nil && e.Content == nil && !there:
		return "GitRPC::BadObjectState" // what is not there cannot be deleted
	case e.SHA == nil && e.Content == nil:
		delete(files, e.Path)
		return ""
	case !slices.Contains([]string{"100644", "100755", "120000", "160000"}, e.Mode):
		return "tree.mode must be one of: 100644, 100755, 040000, 160000, 120000"
	case e.Content != nil:
		files[e.Path] = entry{e.Mode, s.put("blob", []byte(*e.Content))}
		return ""
	case e.Mode != "160000" && s.objects[*e.SHA].kind != "blob":
		return "tree.sha " + *e.SHA + " is not a valid blob"
	}
	files[e.Path] = entry{e.Mode, *e.SHA}
	return ""
}

// flatten is every file below a tree.
func (s *store) flatten(tree, dir string) snapshot {
	files := snapshot{}
	for _, e := range s.treeEntries(tree) {
		if e.kind() == "tree" {
			maps.Copy(files, s.flatten(e.id, dir+e.name+"/"))
			continue
		}
		files[dir+e.name] = e.entry
	}
	return files
}

// postCommit makes a commit. Where the App names neither author nor committer GitHub
// signs it: by the App's bot, committed by GitHub.
// https://docs.github.com/en/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots
func postCommit(r *request) (any, error) {
	var q struct {
		Message, Tree     string
		Parents           []string
		Author, Committer *struct{ Name, Email string }
	}
	if err := r.read(&q); err != nil {
		return nil, err
	}
	git := r.repo.git
	if git.objects[q.Tree].kind != "tree" {
		return unprocessable("Tree SHA does not exist"), nil
	}
	for _, parent := range q.Parents {
		if git.commits[parent] == nil {
			return unprocessable("Parent SHA does not exist or is not a commit object"), nil
		}
	}
	how := Commit{Message: q.Message, WebFlow: q.Author == nil && q.Committer == nil}
	if q.Author != nil {
		how.Author = q.Author.Name + " <" + q.Author.Email + ">"
	}
	if q.Committer != nil {
		how.Committer = q.Committer.Name + " <" + q.Committer.Email + ">"
	}
	c := r.s.draft(r.s.app.bot, q.Parents, how)
	c.files = git.flatten(q.Tree, "")
	return answer{201, r.s.renderGitCommit(r.repo, git.putCommit(c)), nil}, nil
}

// renderGitCommit is a commit as the git database gives it: without accounts.
func (s *Server) renderGitCommit(r *Repo, c *commit) fields {
	parents := []any{}
	for _, id := range c.parents {
		parents = append(parents, fields{"sha": id, "url": s.api("repos", r.fullName(), "git/commits", id), "html_url": s.html(r, "commit", id)})
	}
	return fields{
		"sha": c.id, "node_id": nodeID("Commit", c.id), "url": s.api("repos", r.fullName(), "git/commits", c.id), "html_url": s.html(r, "commit", c.id),
		"author": c.author.render(), "committer": c.committer.render(), "message": c.message, "parents": parents, "verification": c.verification(),
		"tree": fields{"sha": c.tree, "url": s.api("repos", r.fullName(), "git/trees", c.tree)},
	}
}

// fullRef is what GitHub takes for the name of a ref to be made.
var fullRef = regexp.MustCompile(`^refs/(heads|tags)/[^/ ~^:?*\[\\]+(/[^/ ~^:?*\[\\]+)*$`)

func postRef(r *request) (any, error) {
	var q struct{ Ref, SHA string }
	if err := r.read(&q); err != nil {
		return nil, err
	}
	_, there := r.repo.refs[q.Ref]
	switch {
	case !fullRef.MatchString(q.Ref) || strings.Contains(q.Ref, ".."):
		return unprocessable("%s is not a valid ref name.", q.Ref), nil
	case there:
		return unprocessable("Reference already exists"), nil
	case r.repo.git.peel(q.SHA) == nil:
		return unprocessable("Object does not exist"), nil
	}
	r.repo.move(r.s.app.bot, q.Ref, "", q.SHA, false)
	return answer{201, r.renderRef(q.Ref), nil}, nil
}
