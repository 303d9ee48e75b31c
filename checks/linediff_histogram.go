package checks

// rare is how often a line may be in a text to be a beginning of what is common; with
// nothing rarer the shortest difference is taken.
const rare = 64

// histogram tells texts apart by their rarest common lines, as `git merge` and `git
// revert` do.
func histogram(a, b *sideLines, e *effort) {
	size := 0
	for _, ls := range [][]lineNumber{a.lines, b.lines} {
		for _, l := range ls {
			size = max(size, l+1)
		}
	}
	h := &rarest{
		a: a, b: b, effort: e,
		count: make([]int, size), first: make([]int, size), next: make([]int, len(a.lines)),
	}
	h.compare(box{0, len(a.lines), 0, len(b.lines)})
}

// A rarest search keeps of the box it is in how often a has each line, where it stands
// first, and where again after each place; -1 is nowhere.
type rarest struct {
	a, b               *sideLines
	count, first, next []int
	effort             *effort
}

// compare marks what differs in a box: the best common run is found, and each side of
// it compared likewise.
func (h *rarest) compare(x box) {
	for x.a0 < x.a1 && x.b0 < x.b1 {
		run, frequent := h.best(x)
		if h.effort.left < 0 {
			return
		}
		if frequent {
			h.fallBack(x)
			return
		}
		if run.a0 == run.a1 {
			break
		}
		h.compare(box{x.a0, run.a0, x.b0, run.b0})
		x.a0, x.b0 = run.a1, run.b1
	}
	for i := x.a0; i < x.a1; i++ {
		h.a.out[i] = true
	}
	for i := x.b0; i < x.b1; i++ {
		h.b.out[i] = true
	}
}

// fallBack compares a box as myers does, as if it were all there is.
func (h *rarest) fallBack(x box) {
	a := &sideLines{h.a.lines[x.a0:x.a1], h.a.out[x.a0:x.a1]}
	b := &sideLines{h.b.lines[x.b0:x.b1], h.b.out[x.b0:x.b1]}
	if h.effort.spend(len(a.lines) + len(b.lines)) {
		myers(a, b, h.effort)
	}
}

// best finds the common run to begin with: it is empty when nothing is common. frequent
// is set when something is common and all of it is too frequent to choose from.
func (h *rarest) best(x box) (run box, frequent bool) {
	if !h.effort.spend(2 * (x.a1 - x.a0)) {
		return run, false
	}
	for i := x.a1 - 1; i >= x.a0; i-- {
		l := h.a.lines[i]
		h.next[i] = -1
		if h.count[l] > 0 {
			h.next[i] = h.first[l]
		}
		h.first[l] = i
		h.count[l]++
	}
	limit, common := rare+1, false
	for b := x.b0; b < x.b1 && h.effort.spend(1); {
		n := h.count[h.b.lines[b]]
		common = common || n > 0
		if n == 0 || n > limit {
			b++
			continue
		}
		b = h.tryAt(x, b, &run, &limit)
	}
	for i := x.a0; i < x.a1; i++ {
		h.count[h.a.lines[i]] = 0
	}
	return run, common && limit > rare
}

// tryAt looks at every run that begins with line b of the other text. The best so far
// is replaced by one that is longer, or that has a rarer line. It returns the line of b
// to go on with.
func (h *rarest) tryAt(x box, b int, best *box, limit *int) int {
	on := b + 1
	for a := h.first[h.b.lines[b]]; a >= 0; {
		run, rarity := h.stretch(x, a, b)
		on = max(on, run.b1)
		// A run of one line is no longer than none: git compares last minus first.
		if run.a1-run.a0 > max(best.a1-best.a0, 1) || rarity < *limit {
			*best, *limit = run, rarity
		}
		for a = h.next[a]; a >= 0 && a < run.a1 && h.effort.spend(1); {
			a = h.next[a]
		}
		if h.effort.left < 0 {
			break
		}
	}
	return on
}

// stretch is the common run around a line that both have, and how often a has its
// rarest line.
func (h *rarest) stretch(x box, a, b int) (run box, rarity int) {
	rarity = h.count[h.a.lines[a]]
	run = box{a, a + 1, b, b + 1}
	for run.a0 > x.a0 && run.b0 > x.b0 && h.a.lines[run.a0-1] == h.b.lines[run.b0-1] {
		run.a0, run.b0 = run.a0-1, run.b0-1
		rarity = min(rarity, h.count[h.a.lines[run.a0]])
	}
	for run.a1 < x.a1 && run.b1 < x.b1 && h.a.lines[run.a1] == h.b.lines[run.b1] {
		rarity = min(rarity, h.count[h.a.lines[run.a1]])
		run.a1, run.b1 = run.a1+1, run.b1+1
	}
	h.effort.spend(run.a1 - run.a0)
	return run, rarity
}
