package checks

import (
	"bytes"
	"errors"
	"fmt"

	"changegate/rules"
)

// errLarge is what a read given to undoBefore or undoAfter may return, wrapped or not,
// for a content of more than rules.MaxMerged bytes that it does not want to fetch.
var errLarge = errors.New("larger than a merge reads")

// A blobReader returns the content of a blob. Contents named by an id are asked for only
// where three of them differ.
type blobReader = func(blob string) ([]byte, error)

// undoBefore works out the plan `revert` for one path of a change that is not merged
// yet. o is what the merge base has there, t the base branch as it is now, h the head;
// a zero Entry is no file, a folder has mode 040000. Landed is what the merge leaves,
// Back what taking the change out of that leaves. Back is always t: git revert of the
// merge leaves that. But the commits may be reverted one by one as well, and so the
// reverse merge (from h, with o) has to come to the same; it does not where the base
// branch made a part of the same change by itself. With Wrong, Back is empty, and Landed
// is h unless the merge itself is clean. Errors are those of read, other than errLarge.
func undoBefore(path string, o, t, h rules.Entry, read blobReader) (rules.Restored, error) {
	r := rules.Restored{Path: path, Landed: h}
	if odd(o, t, h) {
		r.Wrong = rules.WrongKind
		return r, nil
	}
	if t == o {
		r.Back = t
		return r, nil
	}
	there, err := mergeEntry(o, t, h, read)
	if err != nil || there.wrong != "" {
		r.Wrong, r.Conflict = there.wrong, there.conflict
		if c := r.Conflict; c != nil {
			// What the change wrote is on the other side when it is merged.
			c.Wrote, c.Before = c.Before, c.Wrote
		}
		return r, err
	}
	r.Landed = there.Entry
	back, err := mergeEntry(h, there.Entry, o, there.orRead(read))
	if err != nil || back.wrong != "" {
		r.Wrong, r.Conflict = back.wrong, back.conflict
		return r, err
	}
	if back.Entry == t {
		r.Back = t
		return r, nil
	}
	r.Wrong = rules.WrongConflict
	r.Conflict, err = sharedChange(t, back.Entry, back.orRead(there.orRead(read)))
	return r, err
}

// sharedChange shows the first place at which taking a change out takes more out of the
// base branch than the change brings to it: both have written the same there. It is nil
// of anything but two texts.
func sharedChange(now, back rules.Entry, read blobReader) (*rules.Conflict, error) {
	if now.Blob == "" || back.Blob == "" || now.Blob == back.Blob {
		return nil, nil
	}
	var texts [2][]byte
	for i, id := range []string{now.Blob, back.Blob} {
		data, wrong, err := readText(id, read)
		if err != nil || wrong != "" {
			return nil, err
		}
		texts[i] = data
	}
	m := newMerger(texts[0], texts[0], texts[1])
	list := exchanges(m.base, m.theirs, histogram, &m.effort)
	if len(list) == 0 {
		return nil, nil
	}
	x := list[0]
	return m.conflict(region{base: x.base(), ours: x.base(), theirs: x.side()}), nil
}

// undoAfter works out what taking a merged change out of the base branch leaves at one
// path: landed is what the merge left there, before what was there before it, now what
// the tip of the branch has; as of undoBefore. In the result Landed is now. Data is set
// when no commit is known to have what Back holds. Errors are those of read, other than
// errLarge.
func undoAfter(path string, landed, before, now rules.Entry, read blobReader) (rules.Restored, error) {
	r := rules.Restored{Path: path, Landed: now}
	if odd(landed, before, now) {
		r.Wrong = rules.WrongKind
		return r, nil
	}
	back, err := mergeEntry(landed, now, before, read)
	if err != nil {
		return r, err
	}
	r.Back, r.Wrong, r.Conflict, r.Data = back.Entry, back.wrong, back.conflict, back.data
	return r, nil
}

// odd reports whether one of them is neither a file nor nothing: a symbolic link, a
// submodule or a folder.
func odd(entries ...rules.Entry) bool {
	for _, e := range entries {
		if e.Mode != "100644" && e.Mode != "100755" && e != (rules.Entry{}) {
			return true
		}
	}
	return false
}

// A mergedEntry is a file that two sides came to. Data is its content when it is neither
// side's; wrong is one of the Wrong values when they do not come to one.
type mergedEntry struct {
	rules.Entry
	data     []byte
	wrong    string
	conflict *rules.Conflict
}

// orRead reads what was merged, too.
func (m *mergedEntry) orRead(read blobReader) blobReader {
	return func(blob string) ([]byte, error) {
		if m.data != nil && blob == m.Blob {
			return m.data, nil
		}
		return read(blob)
	}
}

// mergeEntry merges a path as git does, except that a file is not followed when a side
// renamed it: that is a conflict here. Therefore it is one, too, when both sides deleted
// the file: which of them only moved it is not known, and to git one that was moved and
// deleted conflicts.
func mergeEntry(base, ours, theirs rules.Entry, read blobReader) (mergedEntry, error) {
	none := rules.Entry{}
	switch {
	case base != none && ours == none && theirs == none:
		return mergedEntry{wrong: rules.WrongConflict}, nil
	case ours == theirs, ours == base:
		return mergedEntry{Entry: theirs}, nil
	case theirs == base:
		return mergedEntry{Entry: ours}, nil
	case ours == none, theirs == none: // and the other side changed it
		return mergedEntry{wrong: rules.WrongConflict}, nil
	}
	mode, ok := mergeValue(base.Mode, ours.Mode, theirs.Mode)
	if !ok {
		return mergedEntry{wrong: rules.WrongConflict}, nil
	}
	if blob, ok := mergeValue(base.Blob, ours.Blob, theirs.Blob); ok {
		return mergedEntry{Entry: rules.Entry{Blob: blob, Mode: mode}}, nil
	}
	m, err := mergeBlobs(base.Blob, ours.Blob, theirs.Blob, read)
	if m.wrong == "" {
		m.Mode = mode
	}
	return m, err
}

// mergeValue takes what only one side changed.
func mergeValue(base, ours, theirs string) (string, bool) {
	switch {
	case ours == theirs, ours == base:
		return theirs, true
	case theirs == base:
		return ours, true
	}
	return "", false
}

// binaryHead is how much of a file git looks at to tell whether it is text.
const binaryHead = 8000

// mergeBlobs merges three contents; an empty id is no content.
func mergeBlobs(base, ours, theirs string, read blobReader) (mergedEntry, error) {
	var texts [3][]byte
	for i, id := range []string{base, ours, theirs} {
		if id == "" {
			continue
		}
		data, wrong, err := readText(id, read)
		if err != nil || wrong != "" {
			return mergedEntry{wrong: wrong}, err
		}
		texts[i] = data
	}
	data, conflict := merge3(texts[0], texts[1], texts[2])
	if conflict != nil {
		return mergedEntry{wrong: rules.WrongConflict, conflict: conflict}, nil
	}
	m := mergedEntry{data: data}
	m.Blob = blobID(len(ours), string(data))
	if m.Blob == ours || m.Blob == theirs || m.Blob == base {
		m.data = nil
	}
	return m, nil
}

// readText reads what can be merged by lines; wrong says why it cannot be.
func readText(blob string, read blobReader) (data []byte, wrong string, err error) {
	data, err = read(blob)
	switch {
	case errors.Is(err, errLarge) || err == nil && len(data) > rules.MaxMerged:
		return nil, rules.WrongLarge, nil
	case err != nil:
		return nil, "", fmt.Errorf("read blob %s: %w", blob, err)
	case bytes.IndexByte(data[:min(len(data), binaryHead)], 0) >= 0:
		return nil, rules.WrongBinary, nil
	}
	return data, "", nil
}
