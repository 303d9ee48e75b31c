package checks

import "bytes"

// Two texts can differ in more than one way: of three equal lines of which one is
// gone, any may be the one. What a merge comes to hangs on the choice, so the choice
// is made as git makes it: by the longest common subsequence (Myers, An O(ND)
// Difference Algorithm, 1986) in `git merge-file`, by the rarest common lines
// (histogram) in `git merge` and `git revert`, and slid to the same place afterwards.
// Every rule here is compared with git in TestMergeAgreesWithGit.

// A lineNumber is one line of a text with its line feed, as a small number: equal lines
// have equal numbers, and a last line without its line feed is another line.
type lineNumber = int

// A lineIndex numbers the lines of several texts.
type lineIndex struct {
	number map[string]lineNumber
	text   [][]byte // by number
}

// lines cuts a text.
func (x *lineIndex) lines(data []byte) []lineNumber {
	if x.number == nil {
		x.number = map[string]lineNumber{}
	}
	out := make([]lineNumber, 0, bytes.Count(data, []byte("\n"))+1)
	for s := range bytes.Lines(data) {
		n, known := x.number[string(s)]
		if !known {
			n = len(x.text)
			x.number[string(s)] = n
			x.text = append(x.text, s)
		}
		out = append(out, n)
	}
	return out
}

// join puts lines together again.
func (x *lineIndex) join(ls []lineNumber) []byte {
	var out []byte
	for _, n := range ls {
		out = append(out, x.text[n]...)
	}
	return out
}

// An effort is the work that one merge may still do, in lines compared; below zero it
// is given up. It is counted and not timed: a merge that depends on the load of the
// machine proves nothing.
type effort struct{ left int }

// spend takes n from the effort and reports whether there was enough.
func (e *effort) spend(n int) bool {
	e.left -= n
	return e.left >= 0
}

// A sideLines is one of two texts: its lines and which of them the other text does not have.
type sideLines struct {
	lines []lineNumber
	out   []bool
}

func mark(ls []lineNumber) *sideLines { return &sideLines{ls, make([]bool, len(ls))} }

// isOut is out, and false beyond both ends.
func (m *sideLines) isOut(i int) bool { return i >= 0 && i < len(m.out) && m.out[i] }

// A way of telling two texts apart marks in both what the other does not have. When
// the effort does not suffice the marks mean nothing.
type way func(a, b *sideLines, e *effort)

// An exchange is a run of lines of one text, a, and what another has instead of it, b.
// Either may be empty, not both.
type exchange struct {
	a, aLen int
	b, bLen int
}

// exchanges lists where b is another text than a, in order.
func exchanges(a, b []lineNumber, w way, e *effort) []exchange {
	ma, mb := mark(a), mark(b)
	w(ma, mb, e)
	if e.left < 0 {
		return nil
	}
	slide(ma, mb, e)
	slide(mb, ma, e)
	var list []exchange
	for i, j := 0, 0; i < len(a) || j < len(b); i, j = i+1, j+1 {
		h := exchange{a: i, b: j}
		for ; ma.isOut(i); i++ {
			h.aLen++
		}
		for ; mb.isOut(j); j++ {
			h.bLen++
		}
		if h.aLen+h.bLen > 0 {
			list = append(list, h)
		}
	}
	return list
}

// An outRun is a run of marked lines, from start up to end; an empty one stands between
// two lines that both texts have.
type outRun struct {
	m          *sideLines
	start, end int
}

func firstOut(m *sideLines) outRun {
	g := outRun{m: m}
	g.stretch()
	return g
}

func (g *outRun) stretch() {
	for g.m.isOut(g.end) {
		g.end++
	}
}

// next moves to the group behind the next common line.
func (g *outRun) next() bool {
	if g.end >= len(g.m.lines) {
		return false
	}
	g.start, g.end = g.end+1, g.end+1
	g.stretch()
	return true
}

// previous moves to the group before the last common line.
func (g *outRun) previous() {
	g.end = g.start - 1
	g.start = g.end
	for g.m.isOut(g.start - 1) {
		g.start--
	}
}

// up moves the group one line up if it says the same there: the line before it equals
// its last. It takes in a group that it then touches.
func (g *outRun) up() bool {
	if g.start == 0 || g.m.lines[g.start-1] != g.m.lines[g.end-1] {
		return false
	}
	g.start, g.end = g.start-1, g.end-1
	g.m.out[g.start], g.m.out[g.end] = true, false
	for g.m.isOut(g.start - 1) {
		g.start--
	}
	return true
}

// down is up the other way.
func (g *outRun) down() bool {
	if g.end >= len(g.m.lines) || g.m.lines[g.start] != g.m.lines[g.end] {
		return false
	}
	g.m.out[g.start], g.m.out[g.end] = false, true
	g.start, g.end = g.start+1, g.end+1
	g.stretch()
	return true
}

// slide moves each group of m as far down as it goes, or to the last place where the
// other text has a group too, so that both together are one exchange.
func slide(m, other *sideLines, e *effort) {
	g, o := firstOut(m), firstOut(other)
	for more := true; more; more = g.next() && o.next() {
		if g.start == g.end {
			continue
		}
		slideOne(&g, &o, e)
		if e.left < 0 {
			return
		}
	}
}

// slideOne slides g; o is the group of the other text at the same place and moves with
// it. A group that has grown on its way is slid again.
func slideOne(g, o *outRun, e *effort) {
	for {
		size, met := g.end-g.start, false
		for g.up() && e.spend(1) {
			o.previous()
		}
		met = o.start != o.end
		for g.down() && e.spend(1) {
			o.next()
			met = met || o.start != o.end
		}
		if e.left < 0 {
			return
		}
		if g.end-g.start != size {
			continue
		}
		for met && o.start == o.end && g.up() {
			o.previous()
		}
		return
	}
}
