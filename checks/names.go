package checks

import (
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// tagRef is the whole name of the tag that rollback.to names. ok is false for what git
// lets nobody tag (git-check-ref-format, git-tag): revision syntax such as main^ or
// @{-1}, options, and HEAD; and for what begins with refs/, which names another thing
// than people read in it.
func tagRef(name string) (ref string, ok bool) {
	ref = "refs/tags/" + name
	ok = name != "HEAD" && !strings.HasPrefix(name, "refs/") && plumbing.ReferenceName(ref).Validate() == nil
	return ref, ok
}

// treePath is the path of path@commit without the slash that a folder may end in. ok is
// false for what is no path in a repository's tree.
func treePath(at string) (clean string, ok bool) {
	clean = strings.TrimSuffix(at, "/")
	return clean, clean != "" && path.Clean(clean) == clean && clean != "." && clean != ".." &&
		!strings.HasPrefix(clean, "/") && !strings.HasPrefix(clean, "../")
}

// within reports whether path@commit with this path says something of a file: it is
// that file, or a folder above it.
func within(at, file string) bool { return at == file || strings.HasPrefix(file, at+"/") }
