package checks

import (
	"bytes"
	"container/heap"

	"github.com/go-git/go-git/v5/plumbing"
)

// A link is a commit of which only the neighbours are known: what is near the tips of
// a long history is found without reading the rest of it.
type link struct {
	id      plumbing.Hash
	parents []plumbing.Hash
	when    int64 // committer's clock, in Unix seconds
	cut     bool
	seen    int // the last look for an ancestor that came by
}

func (h *history) link(id plumbing.Hash) (*link, error) {
	if l := h.links[id]; l != nil {
		return l, nil
	}
	c, err := h.outline(id)
	if err != nil {
		return nil, err
	}
	l := &link{id: id, parents: c.parents, when: c.when, cut: h.cut[id]}
	if l.cut {
		l.parents = nil
	}
	h.links[id] = l
	return l, nil
}

// A search takes commits up by falling date. Clocks can be wrong and can be forged, so
// the order is only a guess at what is near: a commit is taken up again whenever more
// is known of it, and no answer rests on a date.
type search struct {
	h      *history
	colour map[*link]int
	queued map[*link]bool
	queue  byDate
	open   int // queued commits that are not below a merge base
}

func (h *history) search() *search {
	return &search{h: h, colour: map[*link]int{}, queued: map[*link]bool{}}
}

func (s *search) paint(id plumbing.Hash, c int) error {
	l, err := s.h.link(id)
	if err != nil {
		return err
	}
	old := s.colour[l]
	now := old | c
	if now == old {
		return nil
	}
	s.colour[l] = now
	if s.queued[l] && old&below == 0 {
		s.open--
	}
	if now&below == 0 {
		s.open++
	}
	if !s.queued[l] {
		s.queued[l] = true
		heap.Push(&s.queue, l)
	}
	return nil
}

func (s *search) pop() (*link, int) {
	l := heap.Pop(&s.queue).(*link)
	s.queued[l] = false
	if s.colour[l]&below == 0 {
		s.open--
	}
	return l, s.colour[l]
}

// nearBase returns the merge base of two commits if it takes no more than what is near
// them. ok is false when there may be another one, or when the clone ends before that is
// certain: then the whole history decides. All that lies between a tip and a best common
// ancestor is in only one of the two histories, so it is never passed over, and a single
// one that was found is the only one.
func (h *history) nearBase(a, b plumbing.Hash) (base plumbing.Hash, ok bool, err error) {
	s := h.search()
	if err := s.paint(a, left); err != nil {
		return base, false, err
	}
	if err := s.paint(b, right); err != nil {
		return base, false, err
	}
	for s.open > 0 {
		l, c := s.pop()
		switch {
		case c&below != 0:
		case c == left|right && !base.IsZero() && base != l.id, l.cut:
			return base, false, nil
		case c == left|right:
			base = l.id
			c |= below
		}
		for _, p := range l.parents {
			if err := s.paint(p, c); err != nil {
				return base, false, err
			}
		}
	}
	return base, !base.IsZero(), nil
}

// nearReaches reports whether a commit is in the history of another, and reads no more
// of it than what is newer, if the clocks are right. Not finding it took all of the
// history; in a shallow clone that is not all there is.
func (h *history) nearReaches(from, to plumbing.Hash) (found, cut bool, err error) {
	h.looks++
	var queue byDate
	for ids := []plumbing.Hash{from}; ; {
		for _, id := range ids {
			l, err := h.link(id)
			if err != nil {
				return false, false, err
			}
			if l.seen != h.looks {
				l.seen = h.looks
				heap.Push(&queue, l)
			}
		}
		if len(queue) == 0 {
			return false, cut, nil
		}
		l := heap.Pop(&queue).(*link)
		if l.id == to {
			return true, false, nil
		}
		cut, ids = cut || l.cut, l.parents
	}
}

type byDate []*link

func (q byDate) Len() int { return len(q) }
func (q byDate) Less(i, j int) bool {
	if q[i].when != q[j].when {
		return q[i].when > q[j].when
	}
	return bytes.Compare(q[i].id[:], q[j].id[:]) < 0 // the same order every time
}
func (q byDate) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push and Pop are for container/heap.
func (q *byDate) Push(x any) { *q = append(*q, x.(*link)) }

// Pop removes the last link.
func (q *byDate) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
