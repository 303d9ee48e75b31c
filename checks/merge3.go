package checks

import (
	"bytes"
	"strings"

	"changegate/rules"
)

// mergeEffort bounds one merge, in lines compared: below a second. What takes more is
// said to conflict.
const mergeEffort = 60 << 20

// merge3 puts together what two sides made of one text, by lines, as git does: what
// only one side changed is taken from it; the same change on both sides is one; changes
// that touch each other conflict. The result is the same, byte for byte, from `git
// merge-file` and from `git merge` and `git revert`. These two tell texts apart in two
// ways; where they come to two results it is a conflict, and so is what takes too much
// work to be sure: a merge is never clean here that conflicts in git, where no attribute
// has it merge otherwise (mergesOddly). Of a conflict the
// first place is returned: Wrote is base's, Now ours, Before theirs.
func merge3(base, ours, theirs []byte) ([]byte, *rules.Conflict) {
	switch {
	case bytes.Equal(ours, base), bytes.Equal(ours, theirs):
		return theirs, nil
	case bytes.Equal(theirs, base):
		return ours, nil
	}
	m := newMerger(base, ours, theirs)
	first, clash := m.merge(histogram)
	if clash == nil {
		var second []byte
		second, clash = m.merge(myers)
		if clash == nil && !bytes.Equal(first, second) {
			clash = m.whole()
		}
	}
	if clash != nil {
		return nil, m.conflict(*clash)
	}
	return first, nil
}

// A merger merges the lines of three texts.
type merger struct {
	index              lineIndex
	base, ours, theirs []lineNumber
	effort             effort
}

func newMerger(base, ours, theirs []byte) *merger {
	m := &merger{effort: effort{left: mergeEffort}}
	m.base, m.ours, m.theirs = m.index.lines(base), m.index.lines(ours), m.index.lines(theirs)
	return m
}

// Whose lines a region of a merge takes.
type taken int

const (
	nobodys taken = iota // a conflict
	oursTaken
	theirsTaken
)

// A region is a part of all three texts that at least one side changed.
type region struct {
	taken
	base, ours, theirs run
}

// A run is some lines of a text, from one up to another.
type run struct{ from, to int }

func (r run) of(ls []lineNumber) []lineNumber { return ls[r.from:r.to] }

func (r run) len() int { return r.to - r.from }

// merge merges, telling texts apart in one way. The first conflict is returned when
// there is one.
func (m *merger) merge(w way) ([]byte, *region) {
	ours := exchanges(m.base, m.ours, w, &m.effort)
	theirs := exchanges(m.base, m.theirs, w, &m.effort)
	if m.effort.left < 0 {
		return nil, m.whole()
	}
	var out []lineNumber
	at := 0 // in ours
	for _, r := range m.regions(ours, theirs) {
		switch {
		case r.taken == theirsTaken:
			out = append(out, m.ours[at:r.ours.from]...)
			out = append(out, r.theirs.of(m.theirs)...)
			at = r.ours.to
		case r.taken == nobodys && !m.alike(r):
			return nil, &r
		}
	}
	return m.index.join(append(out, m.ours[at:]...)), nil
}

// alike reports whether both sides have come to the same lines on different ways. As in
// git, nothing on both sides is not looked at.
func (m *merger) alike(r region) bool {
	a, b := r.ours.of(m.ours), r.theirs.of(m.theirs)
	if len(a) == 0 || len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// regions walks over the exchanges of both sides in the order of base. Regions that touch
// are one, and a conflict if different sides are taken.
func (m *merger) regions(ours, theirs []exchange) []region {
	var list []region
	oursAhead, theirsAhead := 0, 0 // lines more than base so far
	for len(ours) > 0 || len(theirs) > 0 {
		switch {
		case len(theirs) == 0 || len(ours) > 0 && ours[0].a+ours[0].aLen < theirs[0].a:
			h := ours[0]
			list = appendRegion(list, region{oursTaken, h.base(), h.side(), h.base().plus(theirsAhead)})
			oursAhead, ours = h.ahead(), ours[1:]
		case len(ours) == 0 || theirs[0].a+theirs[0].aLen < ours[0].a:
			h := theirs[0]
			list = appendRegion(list, region{theirsTaken, h.base(), h.base().plus(oursAhead), h.side()})
			theirsAhead, theirs = h.ahead(), theirs[1:]
		default:
			o, t := ours[0], theirs[0]
			if !m.same(o, t) {
				list = appendRegion(list, together(o, t))
			}
			// Of two that overlap, the one that ends first is done with.
			if o.a+o.aLen >= t.a+t.aLen {
				theirsAhead, theirs = t.ahead(), theirs[1:]
			}
			if o.a+o.aLen <= t.a+t.aLen {
				oursAhead, ours = o.ahead(), ours[1:]
			}
		}
	}
	return list
}

func (h exchange) base() run { return run{h.a, h.a + h.aLen} }
func (h exchange) side() run { return run{h.b, h.b + h.bLen} }

// ahead is by how many lines the side is longer than base, up to the end of the exchange.
func (h exchange) ahead() int { return h.b + h.bLen - h.a - h.aLen }

func (r run) plus(n int) run { return run{r.from + n, r.to + n} }

// same reports whether both sides put the same lines in the same place.
func (m *merger) same(o, t exchange) bool {
	if o.base() != t.base() || o.bLen != t.bLen {
		return false
	}
	for i := range o.bLen {
		if m.ours[o.b+i] != m.theirs[t.b+i] {
			return false
		}
	}
	return true
}

// together is the conflict of two exchanges that touch: from where the first begins to
// where the last ends, each side with the lines of base that only the other changed.
func together(o, t exchange) region {
	all := run{min(o.a, t.a), max(o.a+o.aLen, t.a+t.aLen)}
	around := func(h exchange) run {
		return run{h.b - (h.a - all.from), h.b + h.bLen + all.to - (h.a + h.aLen)}
	}
	return region{nobodys, all, around(o), around(t)}
}

// appendRegion appends a region, or joins it to the last one that it touches on either side.
func appendRegion(list []region, r region) []region {
	if len(list) == 0 {
		return append(list, r)
	}
	last := &list[len(list)-1]
	if r.ours.from > last.ours.to && r.theirs.from > last.theirs.to {
		return append(list, r)
	}
	if r.taken != last.taken {
		last.taken = nobodys
	}
	last.base.to, last.ours.to, last.theirs.to = r.base.to, r.ours.to, r.theirs.to
	return list
}

// whole is everything between the common beginning and the common end.
func (m *merger) whole() *region {
	shortest := min(len(m.base), len(m.ours), len(m.theirs))
	from := 0
	for from < shortest && m.ours[from] == m.base[from] && m.theirs[from] == m.base[from] {
		from++
	}
	last := func(ls []lineNumber, n int) lineNumber { return ls[len(ls)-1-n] }
	end := 0
	for end < shortest-from && last(m.ours, end) == last(m.base, end) && last(m.theirs, end) == last(m.base, end) {
		end++
	}
	return &region{
		base: run{from, len(m.base) - end}, ours: run{from, len(m.ours) - end}, theirs: run{from, len(m.theirs) - end},
	}
}

// conflict shows a region.
func (m *merger) conflict(r region) *rules.Conflict {
	return &rules.Conflict{
		Line:   r.ours.from + 1,
		Wrote:  m.show(r.base.of(m.base)),
		Now:    m.show(r.ours.of(m.ours)),
		Before: m.show(r.theirs.of(m.theirs)),
	}
}

// What of a conflict is shown and recorded.
const (
	shownLines = 10
	shownBytes = 2000
)

// show is the beginning of some lines as text: it goes into records, which are UTF-8.
func (m *merger) show(ls []lineNumber) string {
	text := m.index.join(ls[:min(len(ls), shownLines)])
	return strings.ToValidUTF8(string(text[:min(len(text), shownBytes)]), "\uFFFD")
}
