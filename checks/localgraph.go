package checks

import (
	"container/heap"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	commitgraph "github.com/go-git/go-git/v5/plumbing/format/commitgraph/v2"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// history is the graph of commits, read once and kept: a backtest asks for a
// merge base per merge, and reading the commits again for each would make it
// quadratic. A single change is answered from what is near it (localnear.go). go-git's MergeBase does that; TestMergeBaseAsGoGit compares them.
type history struct {
	store storer.EncodedObjectStorer
	graph commitgraph.Index      // nil when there is none
	cut   map[plumbing.Hash]bool // commits of a shallow clone whose parents are missing
	nodes map[plumbing.Hash]*node
	links map[plumbing.Hash]*link // of commits without a node
	looks int                     // how often an ancestor was looked for
}

// A node is one commit. Its depth is greater than that of every ancestor, so
// that a walk by falling depth has seen all descendants of what it takes up.
// Clocks of committers would not do: they are wrong and can be forged.
type node struct {
	id      plumbing.Hash
	parents []*node
	depth   int
	when    int64 // committer's clock, in Unix seconds
	cut     bool
}

func newHistory(store storer.EncodedObjectStorer, cut []plumbing.Hash) *history {
	h := &history{store: store, cut: map[plumbing.Hash]bool{}, nodes: map[plumbing.Hash]*node{}, links: map[plumbing.Hash]*link{}}
	for _, c := range cut {
		h.cut[c] = true
	}
	return h
}

// node returns a commit with all its ancestors. It uses a stack of its own:
// histories are deeper than call stacks should be.
func (h *history) node(id plumbing.Hash) (*node, error) {
	open := map[plumbing.Hash]*link{}
	stack := []plumbing.Hash{id}
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		if h.nodes[top] != nil {
			stack = stack[:len(stack)-1]
			continue
		}
		c, second := open[top]
		if !second {
			var err error
			if c, err = h.link(top); err != nil {
				return nil, err
			}
			open[top] = c
			stack = append(stack, c.parents...)
			continue
		}
		h.nodes[top] = h.made(c)
		delete(open, top)
		delete(h.links, top)
	}
	return h.nodes[id], nil
}

// made builds the node of a commit whose parents are built.
func (h *history) made(c *link) *node {
	n := &node{id: c.id, when: c.when, cut: c.cut}
	for _, p := range c.parents {
		parent := h.nodes[p]
		n.parents = append(n.parents, parent)
		n.depth = max(n.depth, parent.depth+1)
	}
	return n
}

// Colours of a walk for merge bases: reached from the one side, from the other,
// and below a merge base already found.
const (
	left = 1 << iota
	right
	below
)

// mergeBases returns the best common ancestors of two commits, the deepest
// first. cut reports that the clone ends before they were certain.
func (h *history) mergeBases(a, b plumbing.Hash) (bases []plumbing.Hash, cut bool, err error) {
	if h.nodes[a] == nil || h.nodes[b] == nil {
		if base, ok, err := h.nearBase(a, b); err != nil || ok {
			return []plumbing.Hash{base}, false, err
		}
	}
	from, err := h.node(a)
	if err != nil {
		return nil, false, err
	}
	to, err := h.node(b)
	if err != nil {
		return nil, false, err
	}
	w := walk{colour: map[*node]int{}}
	w.paint(from, left)
	w.paint(to, right)
	for w.open > 0 {
		n := heap.Pop(&w.queue).(*node)
		c := w.colour[n]
		if c&below == 0 {
			w.open--
		}
		switch {
		case c == left|right:
			bases = append(bases, n.id)
			c |= below
		case c&below == 0 && n.cut:
			cut = true
		}
		for _, p := range n.parents {
			w.paint(p, c)
		}
	}
	return bases, cut, nil
}

// A walk takes commits up by falling depth.
type walk struct {
	colour map[*node]int
	queue  byDepth
	open   int // queued commits that are not below a merge base
}

func (w *walk) paint(n *node, c int) {
	old, queued := w.colour[n]
	now := old | c
	w.colour[n] = now
	switch {
	case !queued:
		heap.Push(&w.queue, n)
		if now&below == 0 {
			w.open++
		}
	case old&below == 0 && now&below != 0:
		w.open--
	}
}

type byDepth []*node

func (q byDepth) Len() int { return len(q) }
func (q byDepth) Less(i, j int) bool {
	if q[i].depth != q[j].depth {
		return q[i].depth > q[j].depth
	}
	return q[i].id.String() < q[j].id.String() // the same order every time
}
func (q byDepth) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push and Pop are for container/heap.
func (q *byDepth) Push(x any) { *q = append(*q, x.(*node)) }

// Pop removes the last node.
func (q *byDepth) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// reaches reports whether commit to is in the history of commit from. cut
// reports that it was not found, but that the clone does not hold all of it.
func (h *history) reaches(from, to plumbing.Hash) (found, cut bool, err error) {
	if h.nodes[from] == nil || h.nodes[to] == nil {
		return h.nearReaches(from, to)
	}
	start, err := h.node(from)
	if err != nil {
		return false, false, err
	}
	goal, err := h.node(to)
	if err != nil {
		return false, false, err
	}
	seen := map[*node]bool{start: true}
	for stack := []*node{start}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if n == goal {
			return true, false, nil
		}
		cut = cut || n.cut
		for _, p := range n.parents {
			if !seen[p] && (p.depth >= goal.depth || len(h.cut) > 0) {
				seen[p] = true
				stack = append(stack, p)
			}
		}
	}
	return false, cut, nil
}

// firstParents lists the first-parent line of a commit, oldest first.
func (h *history) firstParents(tip plumbing.Hash) ([]*node, error) {
	n, err := h.node(tip)
	if err != nil {
		return nil, err
	}
	line := []*node{n}
	for len(n.parents) > 0 {
		n = n.parents[0]
		line = append(line, n)
	}
	slices.Reverse(line)
	return line, nil
}
