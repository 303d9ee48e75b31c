package githubtest

import (
	"slices"
	"strings"
)

// An edit is one line of a diff: ' ', '+' or '-'.
type edit struct {
	op   byte
	line string
}

// edits compares two texts line by line. Where lines were replaced, the old ones
// come before the new ones, as git shows them.
func edits(before, after string) []edit {
	list := diff(nil, slices.Collect(strings.Lines(before)), slices.Collect(strings.Lines(after)))
	for from := 0; from < len(list); {
		to := from + 1
		for list[from].op != ' ' && to < len(list) && list[to].op != ' ' {
			to++
		}
		slices.SortStableFunc(list[from:to], func(a, b edit) int { return int(b.op) - int(a.op) }) // '-' is above '+'
		from = to
	}
	return list
}

// maxTable bounds the longest-common-subsequence table; above it the comparison
// is split at lines that occur once on both sides.
const maxTable = 1 << 20

// diff appends the edits that turn a into b.
func diff(out []edit, a, b []string) []edit {
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	out = mark(out, ' ', a[:head])
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x)*len(y) <= maxTable {
		out = shortest(out, x, y)
	} else if i, j, ok := anchor(x, y); ok {
		out = diff(diff(out, x[:i], y[:j]), x[i:], y[j:])
	} else {
		out = mark(mark(out, '-', x), '+', y)
	}
	return mark(out, ' ', a[len(a)-tail:])
}

func mark(out []edit, op byte, lines []string) []edit {
	for _, line := range lines {
		out = append(out, edit{op, line})
	}
	return out
}

// shortest appends a minimal diff, found in a table of the lengths of the longest
// common subsequences of what remains.
func shortest(out []edit, a, b []string) []edit {
	width := len(b) + 1
	table := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i*width+j] = table[(i+1)*width+j+1] + 1
			} else {
				table[i*width+j] = max(table[(i+1)*width+j], table[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			out = append(out, edit{' ', a[i]})
			i, j = i+1, j+1
		case table[(i+1)*width+j] >= table[i*width+j+1]:
			out = append(out, edit{'-', a[i]})
			i++
		default:
			out = append(out, edit{'+', b[j]})
			j++
		}
	}
	return mark(mark(out, '-', a[i:]), '+', b[j:])
}

// anchor finds the line nearest to the middle of a that occurs once in a and once
// in b, and its place in both.
func anchor(a, b []string) (i, j int, ok bool) {
	timesA, timesB, placeB := map[string]int{}, map[string]int{}, map[string]int{}
	for _, line := range a {
		timesA[line]++
	}
	for k, line := range b {
		timesB[line]++
		placeB[line] = k
	}
	distance := func(k int) int { return max(k-len(a)/2, len(a)/2-k) }
	for k, line := range a {
		if timesA[line] == 1 && timesB[line] == 1 && (!ok || distance(k) < distance(i)) {
			i, j, ok = k, placeB[line], true
		}
	}
	return i, j, ok
}
