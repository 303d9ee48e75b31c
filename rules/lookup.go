package rules

import (
	"regexp"
	"strings"
)

// A Lookup is where what rollback.to names is to be looked for. The server and a local
// clone follow the same one, so that they find the same.
type Lookup struct {
	Revert bool   // nothing to look for: the change itself is taken out
	Path   string // of path@commit, where no tag has that name
	// ID is a commit id, short or whole, in lower case; empty when Name cannot be one.
	ID   string
	Name string // a tag's, or an agent's version; of both, and of ID, only one thing may be there
}

// commitID is what may be a commit's id; seven digits are git's shortest. What is all
// digits may be a date that somebody has tagged, so the tag is looked for as well.
var commitID = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// LookFor says what rollback.to asks for. A branch is never looked for: it points
// elsewhere after the merge.
func LookFor(to string) Lookup {
	if to == FormRevert {
		return Lookup{Revert: true}
	}
	l := Lookup{Name: to}
	if i := strings.LastIndexByte(to, '@'); i > 0 {
		l.Path, l.Name = to[:i], to[i+1:]
	}
	if id := strings.ToLower(l.Name); commitID.MatchString(id) {
		l.ID = id
	}
	return l
}
