package checks

import "changegate/rules"

// sides are what stands at one path: where the change left the base branch, on the
// base branch as it is now, at the head, and at the target of the rollback.
type sides struct {
	fork, tip, head, target rules.Entry
}

// back is what a rollback to the target, or of the change itself, leaves at the path.
// The target's content is not read, and that of the other sides only where the base
// branch has changed the file as well: to tell what the change lands there. Errors are
// those of read, other than errLarge.
func (s sides) back(path string, revert bool, read blobReader) (rules.Restored, error) {
	if revert {
		return undoBefore(path, s.fork, s.tip, s.head, read)
	}
	r := rules.Restored{Path: path, Back: s.target}
	// Content that the change brings, and that is at the target as well, is not undone by
	// it, whatever its mode is there and whatever the merge makes of it. A change of the mode
	// alone brings none.
	r.Same = s.head.Blob != "" && s.target.Blob == s.head.Blob && s.fork.Blob != s.head.Blob
	if err := s.land(&r, read); err != nil {
		return r, err
	}
	if r.Wrong == "" && odd(r.Landed, r.Back) {
		r.Wrong = rules.WrongKind
	}
	return r, nil
}

// reads are the contents that back reads. Where the base branch made the same change, a
// revert shows what it would take out of it.
func (s sides) reads(revert bool) []string {
	fork, tip := s.fork.Blob, s.tip.Blob
	if revert && s.tip == s.head && fork != "" && tip != "" && fork != tip && !odd(s.fork, s.tip) {
		return []string{fork, tip}
	}
	return needs(s.fork, s.tip, s.head)
}

// land works out what the change leaves on the base branch; where that cannot be told,
// Landed is what the head has.
func (s sides) land(r *rules.Restored, read blobReader) error {
	r.Landed = s.head
	switch {
	case s.tip == s.fork, s.tip == s.head:
		return nil
	case odd(s.fork, s.tip, s.head):
		r.Wrong = rules.WrongKind
		return nil
	}
	there, err := mergeEntry(s.fork, s.tip, s.head, read)
	if err != nil {
		return err
	}
	if r.Wrong, r.Conflict = there.wrong, there.conflict; r.Wrong == "" {
		r.Landed = there.Entry
	}
	if c := r.Conflict; c != nil {
		// What the change wrote is on the other side when it is merged.
		c.Wrote, c.Before = c.Before, c.Wrote
	}
	return nil
}
