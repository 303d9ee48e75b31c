package checks

import "changegate/rules"

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

// noFile reports an entry that a rollback does not restore: what a symbolic link or a
// submodule stands for is not in this repository's files.
func noFile(e rules.Entry) bool { return e.Mode == "120000" || e.Mode == "160000" }
