package rules

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// A listed file has its paths in the case in which patterns match.
type listed struct {
	*File
	path, old string
}

// listing is a list of changed files in order of their paths.
type listing []listed

func list(files []File) listing {
	out := make(listing, len(files))
	for i := range files {
		f := &files[i]
		out[i] = listed{f, fold(f.Path), fold(f.OldPath)}
	}
	byPath := func(a, b listed) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.OldPath, b.OldPath), strings.Compare(a.New, b.New))
	}
	if !slices.IsSortedFunc(out, byPath) {
		slices.SortFunc(out, byPath)
	}
	return out
}

// touches reports whether the group governs either end of a file's change: a
// rename out of a governed folder removes a governed file.
func (g *Group) touches(f *listed) bool {
	return g.match.governs(f.path) || f.old != "" && g.match.governs(f.old)
}

// next is the index of the first file from i on that the group governs.
func (fs listing) next(g *Group, i int) int {
	for i < len(fs) && !g.touches(&fs[i]) {
		i++
	}
	return i
}

// governedBy yields the paths that a group governs: of a rename both ends, as far as
// the group governs them.
func (fs listing) governedBy(g *Group) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range fs {
			f := &fs[i]
			if g.match.governs(f.path) && !yield(f.Path) {
				return
			}
			if f.old != "" && g.match.governs(f.old) && !yield(f.OldPath) {
				return
			}
		}
	}
}

// restored are the paths that a rollback of what the group governs has to restore, in
// order: of a rename both ends. A copy leaves what it was made from as it was, so that
// end is none of the change's.
func (fs listing) restored(g *Group) []string {
	var out []string
	for i := range fs {
		f := &fs[i]
		if g.match.governs(f.path) {
			out = append(out, f.Path)
		}
		if f.old != "" && f.Status != "copied" && g.match.governs(f.old) {
			out = append(out, f.OldPath)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// GovernedPaths returns, in order, every path of the files that a group governs: of a
// rename both ends, as far as groups govern them. A copy leaves what it was made from
// as it was, so that end is none of the change's.
func (p *Policy) GovernedPaths(files []File) []string {
	var out []string
	all := list(uncopied(files))
	for i := range p.judged {
		out = slices.AppendSeq(out, all.governedBy(&p.judged[i]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// uncopied are the files without what copies were made from.
func uncopied(files []File) []File {
	files = slices.Clone(files)
	for i := range files {
		if files[i].Status == "copied" {
			files[i].OldPath = ""
		}
	}
	return files
}

// sameFor reports whether two lists hold the same changes of what a group governs.
func sameFor(g *Group, a, b listing) bool {
	i, k := a.next(g, 0), b.next(g, 0)
	for i < len(a) && k < len(b) && sameFile(a[i].File, b[k].File) {
		i, k = a.next(g, i+1), b.next(g, k+1)
	}
	return i == len(a) && k == len(b)
}

// keptIn reports whether everything that a group governs of one list is in
// another, unchanged.
func keptIn(g *Group, now, then listing) bool {
	k := 0
	for i := now.next(g, 0); i < len(now); i = now.next(g, i+1) {
		for k < len(then) && !sameFile(now[i].File, then[k].File) {
			k++
		}
		if k == len(then) {
			return false
		}
		k++
	}
	return true
}

// sameFile reports whether two changes of a file are one: not by their status,
// which sources name differently, but by their modes, which one source does not
// give: a mode that is not known may have changed. A file that was neither deleted
// nor has content anybody knows is the same as nothing.
func sameFile(a, b *File) bool {
	if a.New == "" && a.Diff == "" && a.Status != "deleted" {
		return false
	}
	return a.Path == b.Path && a.OldPath == b.OldPath && a.Old == b.Old && a.New == b.New &&
		a.OldMode == b.OldMode && a.NewMode == b.NewMode && a.Diff == b.Diff
}

// GroupsOf returns the names of the groups that govern a file, in policy order.
func (p *Policy) GroupsOf(f File) []string {
	all := list([]File{f})
	var out []string
	for i := range p.judged {
		if p.judged[i].touches(&all[0]) {
			out = append(out, p.judged[i].Name)
		}
	}
	return out
}

// mostTries bounds the patterns that Idle tries. A tree has 100,000 paths and a
// policy nearly 20,000 patterns.
const mostTries = 2_000_000

// Idle returns the names of the policy's groups that govern none of the paths, in
// policy order. It is known only when that takes at most mostTries.
func (p *Policy) Idle(paths iter.Seq[string]) (names []string, known bool) {
	left := mostTries
	idle := slices.Clone(p.Groups)
	for path := range paths {
		path = fold(path)
		idle = slices.DeleteFunc(idle, func(g Group) bool {
			left -= g.match.tries()
			return left >= 0 && g.match.governs(path)
		})
		if left < 0 {
			return nil, false
		}
	}
	for i := range idle {
		names = append(names, idle[i].Name)
	}
	return names, true
}

// Tries is how many patterns a decision tries on one path.
func (p *Policy) Tries() int {
	n := 0
	for i := range p.judged {
		n += p.judged[i].match.tries()
	}
	return n
}
