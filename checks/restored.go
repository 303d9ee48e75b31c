package checks

import (
	"strings"

	"changegate/rules"
)

// sides are what stands at one path: where the change left the base branch, on the
// base branch as it is now, at the head, and at the target of the rollback.
type sides struct {
	fork, tip, head, target rules.Entry
}

// landed is what the change leaves once it is merged, as far as that takes no merge of
// contents: whoever alone changed the file has it.
func (s sides) landed() (e rules.Entry, merge bool) {
	switch {
	case s.tip == s.fork:
		return s.head, false
	case s.head == s.fork, s.head == s.tip:
		return s.tip, false
	}
	return rules.Entry{}, true
}

// odd reports an entry that a rollback does not restore: what a symbolic link or a
// submodule stands for is not in this repository's files.
func odd(e rules.Entry) bool { return e.Mode == "120000" || e.Mode == "160000" }

// covered are the paths that path@commit speaks of: the one, or all below a folder.
func covered(paths []string, path string) []string {
	path = strings.TrimSuffix(path, "/")
	var out []string
	for _, p := range paths {
		if p == path || strings.HasPrefix(p, path+"/") {
			out = append(out, p)
		}
	}
	return out
}
