package rules

import (
	"slices"
	"strings"
)

// ownerIndex finds the last line whose pattern matches a path. Patterns without a
// wildcard, nearly all of a large file, are looked up and not tried: 3 MB hold half
// a million lines, and a change thousands of paths.
type ownerIndex struct {
	literal map[string]int // "/a/b" from the root, "a" anywhere, with a final / only what lies below
	longest int            // key of literal
	wild    []wildOwner    // in order of lines
}

type wildOwner struct {
	steps [][]rune
	line  int
}

// The wildcards of a step, which no character is.
const (
	anyRun  rune = -1 // *
	anyChar rune = -2 // ?
)

// ownerSteps bounds the work for one path, at most a fifth of a millisecond: some
// 2,000 patterns such as *.md on a path of four steps. Without it half a million
// patterns of stars, tried on paths made for them, would take hours.
const ownerSteps = 30_000

// add enters the pattern of a line. Lines come in order. The meaning is that of
// GitHub's documentation: as in gitignore, but `docs/*` does not reach into folders.
func (x *ownerIndex) add(pattern string, line int) {
	body, below := strings.CutSuffix(pattern, "/")
	body, rooted := strings.CutPrefix(body, "/")
	rooted = rooted || strings.Contains(body, "/")
	if name, deep := strings.CutPrefix(body, "**/"); deep && !strings.Contains(name, "/") {
		body, rooted = name, false // **/logs is logs
	}
	var steps [][]rune
	wild := false
	for step := range strings.SplitSeq(body, "/") {
		runes := ownerStep(step)
		steps = append(steps, runes)
		wild = wild || slices.ContainsFunc(runes, func(r rune) bool { return r < 0 })
	}
	if wild {
		x.wild = append(x.wild, wildOwner{reach(steps, rooted, below), line})
		return
	}
	x.enter(steps, rooted, below, line)
}

func (x *ownerIndex) enter(steps [][]rune, rooted, below bool, line int) {
	var key strings.Builder
	for i, step := range steps {
		if i > 0 || rooted {
			key.WriteByte('/')
		}
		key.WriteString(string(step))
	}
	if below {
		key.WriteByte('/')
	}
	if x.literal == nil {
		x.literal = map[string]int{}
	}
	x.literal[key.String()] = line
	x.longest = max(x.longest, key.Len())
}

// ownerStep reads one step of a pattern; a backslash keeps the character after it.
func ownerStep(s string) []rune {
	out := make([]rune, 0, len(s))
	kept := false
	for _, r := range s {
		switch {
		case kept:
			kept = false
		case r == '\\':
			kept = true
			continue
		case r == '*':
			r = anyRun
		case r == '?':
			r = anyChar
		}
		out = append(out, r)
	}
	return out
}

// deep reports whether a step is **, which stands for any number of steps.
func deep(step []rune) bool { return len(step) == 2 && step[0] == anyRun && step[1] == anyRun }

// reach writes out what a pattern says by where its slashes are: a name alone is
// meant in every folder, and whatever names a folder means the files below it.
func reach(steps [][]rune, rooted, below bool) [][]rune {
	deeper, one := []rune{anyRun, anyRun}, []rune{anyRun}
	if !rooted {
		steps = append([][]rune{deeper}, steps...)
	}
	last := steps[len(steps)-1]
	switch {
	case deep(last):
		return append(steps, one)
	case below:
		return append(steps, deeper, one)
	case len(last) == 1 && last[0] == anyRun:
		return steps
	}
	return append(steps, deeper)
}

// last is the line of the last pattern that matches path, 0 if none does. It is not
// known when that would take more than ownerSteps.
func (x *ownerIndex) last(path string) (line int, known bool) {
	line = x.lookUp("/" + path + "/")
	var steps [][]rune
	for step := range strings.SplitSeq(path, "/") {
		steps = append(steps, []rune(step))
	}
	left := ownerSteps
	for i := len(x.wild) - 1; i >= 0 && x.wild[i].line > line; i-- {
		if fits(x.wild[i].steps, steps, deep, func(p, s []rune) bool { return fits(p, s, isRun, sameRune, &left) }, &left) {
			return x.wild[i].line, true
		}
		if left < 0 {
			return 0, false
		}
	}
	return line, true
}

// lookUp finds the last literal pattern that names path or a folder above it.
func (x *ownerIndex) lookUp(path string) (line int) {
	for start := 0; start+1 < len(path); {
		end := start + 1 + strings.IndexByte(path[start+1:], '/')
		file := end == len(path)-1
		for _, from := range []int{0, start + 1} {
			if end-from > x.longest {
				continue
			}
			line = max(line, x.literal[path[from:end]])
			if !file {
				line = max(line, x.literal[path[from:end+1]])
			}
		}
		start = end
	}
	return line
}

func isRun(r rune) bool { return r == anyRun }

func sameRune(p, r rune) bool { return p == r || p == anyChar }

// fits reports whether a text matches a pattern in which a run stands for any
// number of elements. Going back to the last run alone is enough, so the work is at
// most one length times the other; what it takes is taken off left.
func fits[T any](pattern, text []T, run func(T) bool, one func(p, t T) bool, left *int) bool {
	p, t, star, from := 0, 0, -1, 0
	for p < len(pattern) || t < len(text) {
		*left--
		switch {
		case *left < 0:
			return false
		case p < len(pattern) && run(pattern[p]):
			star, from = p, t
			p++
		case p < len(pattern) && t < len(text) && one(pattern[p], text[t]):
			p, t = p+1, t+1
		case star >= 0 && from < len(text):
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return true
}
