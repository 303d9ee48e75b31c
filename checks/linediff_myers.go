package checks

// guessing is the number of steps after which git's search for the shortest
// difference begins to guess. A merge is given up there rather than guessed.
const guessing = 256

// myers finds the shortest difference, as `git merge-file` does.
func myers(a, b *sideLines, e *effort) {
	lo := 0
	for lo < len(a.lines) && lo < len(b.lines) && a.lines[lo] == b.lines[lo] {
		lo++
	}
	hiA, hiB := len(a.lines), len(b.lines)
	for hiA > lo && hiB > lo && a.lines[hiA-1] == b.lines[hiB-1] {
		hiA, hiB = hiA-1, hiB-1
	}
	inA, inB := counts(a.lines), counts(b.lines)
	s := shortest{
		a: thin(a, lo, hiA, inB, e), b: thin(b, lo, hiB, inA, e), effort: e,
	}
	n := len(s.a.lines) + len(s.b.lines) + 3
	s.forth, s.back = make([]int, n), make([]int, n)
	s.zero = len(s.b.lines) + 1
	s.compare(box{0, len(s.a.lines), 0, len(s.b.lines)})
}

func counts(ls []lineNumber) map[lineNumber]int {
	n := make(map[lineNumber]int, len(ls))
	for _, l := range ls {
		n[l]++
	}
	return n
}

// A thinned text has the lines that are worth a search, and where they stand.
type thinned struct {
	of    *sideLines
	lines []lineNumber
	at    []int
}

// How often the other text has a line.
const (
	absent = iota
	seldom
	often
)

// thin leaves out of a text, between lo and hi, what the other text does not have, and
// what it has so often that it says little, where such lines stand among those it does
// not have. What is left out is marked. common counts the lines of the other text.
func thin(m *sideLines, lo, hi int, common map[lineNumber]int, e *effort) thinned {
	limit := min(roughRoot(len(m.lines)), 1024)
	how := make([]uint8, hi-lo)
	for i := range how {
		switch n := common[m.lines[lo+i]]; {
		case n >= limit:
			how[i] = often
		case n > 0:
			how[i] = seldom
		}
	}
	t := thinned{of: m}
	for i, h := range how {
		if h == absent || h == often && amongMissing(how, i, e) {
			m.out[lo+i] = true
			continue
		}
		t.lines, t.at = append(t.lines, m.lines[lo+i]), append(t.at, lo+i)
	}
	return t
}

// roughRoot is a power of two near the square root, as git takes it.
func roughRoot(n int) int {
	root := 1
	for ; n > 0; n >>= 2 {
		root <<= 1
	}
	return root
}

// amongMissing reports whether the frequent line i stands in a run of frequent and
// missing lines with missing ones on both sides of it, more than three of them for
// each frequent one. A hundred lines either way are looked at.
func amongMissing(how []uint8, i int, e *effort) bool {
	const window = 100
	look := func(step int) (gone, frequent int) {
		for n := 1; n <= window; n++ {
			j := i + n*step
			if j < 0 || j >= len(how) || how[j] == seldom {
				break
			}
			e.spend(1)
			if how[j] == absent {
				gone++
			} else {
				frequent++
			}
		}
		return gone, frequent
	}
	absentUp, frequentUp := look(-1)
	absentDown, frequentDown := look(1)
	if absentUp == 0 || absentDown == 0 {
		return false
	}
	// The line itself counts on both sides, as in git.
	frequent := frequentUp + frequentDown + 2
	return frequent*4 < frequent+absentUp+absentDown
}

// A box is a part of both texts, each from its first number up to its second.
type box struct{ a0, a1, b0, b1 int }

// A shortest search keeps, for each diagonal of a box (a minus b), how far it has come:
// forth from the beginning and back from the end. zero is where diagonal 0 is kept.
type shortest struct {
	a, b        thinned
	forth, back []int
	zero        int
	effort      *effort
}

// compare marks what differs in a box: common ends are no difference; of the rest the
// middle of a shortest way through is found, and each side of it compared likewise.
func (s *shortest) compare(x box) {
	from := x.a0
	for x.a0 < x.a1 && x.b0 < x.b1 && s.a.lines[x.a0] == s.b.lines[x.b0] {
		x.a0, x.b0 = x.a0+1, x.b0+1
	}
	to := x.a1
	for x.a0 < x.a1 && x.b0 < x.b1 && s.a.lines[x.a1-1] == s.b.lines[x.b1-1] {
		x.a1, x.b1 = x.a1-1, x.b1-1
	}
	if !s.effort.spend(x.a0 - from + to - x.a1 + 1) {
		return
	}
	if x.a0 == x.a1 || x.b0 == x.b1 {
		s.a.mark(x.a0, x.a1)
		s.b.mark(x.b0, x.b1)
		return
	}
	a, b, ok := s.middle(x)
	if !ok {
		return
	}
	s.compare(box{x.a0, a, x.b0, b})
	s.compare(box{a, x.a1, b, x.b1})
}

func (t *thinned) mark(from, to int) {
	for i := from; i < to; i++ {
		t.of.out[t.at[i]] = true
	}
}

// A reach is the diagonals that one direction has reached.
type reach struct{ lo, hi int }

// widen takes in the next diagonal on either side, or leaves out the outermost where
// that would leave the box: every second one is looked at in a step.
func (s *reach) widen(lo, hi int, reached []int, zero, unreached int) {
	if s.lo > lo {
		s.lo--
		reached[zero+s.lo-1] = unreached
	} else {
		s.lo++
	}
	if s.hi < hi {
		s.hi++
		reached[zero+s.hi+1] = unreached
	} else {
		s.hi--
	}
}

func (s reach) has(d int) bool { return s.lo <= d && d <= s.hi }

// middle finds where the shortest ways from both corners of the box meet. It is not ok
// when git would guess, or the effort does not suffice.
func (s *shortest) middle(x box) (a, b int, ok bool) {
	lo, hi := x.a0-x.b1, x.a1-x.b0
	first, last := x.a0-x.b0, x.a1-x.b1
	forth, back := reach{first, first}, reach{last, last}
	s.forth[s.zero+first], s.back[s.zero+last] = x.a0, x.a1
	odd := (first-last)%2 != 0
	for step := 1; step <= guessing; step++ {
		forth.widen(lo, hi, s.forth, s.zero, -1)
		for d := forth.hi; d >= forth.lo; d -= 2 {
			a = s.forward(x, d)
			if odd && back.has(d) && s.back[s.zero+d] <= a {
				return a, a - d, s.effort.left >= 0
			}
		}
		back.widen(lo, hi, s.back, s.zero, int(^uint(0)>>1))
		for d := back.hi; d >= back.lo; d -= 2 {
			a = s.backward(x, d)
			if !odd && forth.has(d) && a <= s.forth[s.zero+d] {
				return a, a - d, s.effort.left >= 0
			}
		}
		if s.effort.left < 0 {
			return 0, 0, false
		}
	}
	s.effort.left = -1
	return 0, 0, false
}

// forward goes one step further on diagonal d, and on along equal lines.
func (s *shortest) forward(x box, d int) int {
	k := s.zero + d
	a := s.forth[k+1]
	if s.forth[k-1] >= a {
		a = s.forth[k-1] + 1
	}
	from := a
	for a < x.a1 && a-d < x.b1 && s.a.lines[a] == s.b.lines[a-d] {
		a++
	}
	s.effort.spend(a - from + 1)
	s.forth[k] = a
	return a
}

// backward is forward from the other corner.
func (s *shortest) backward(x box, d int) int {
	k := s.zero + d
	a := s.back[k+1] - 1
	if s.back[k-1] <= a {
		a = s.back[k-1]
	}
	from := a
	for a > x.a0 && a-d > x.b0 && s.a.lines[a-1] == s.b.lines[a-d-1] {
		a--
	}
	s.effort.spend(from - a + 1)
	s.back[k] = a
	return a
}
