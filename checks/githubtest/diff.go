package githubtest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A change is one file that differs between two snapshots.
type change struct {
	path, oldPath        string
	status               string // added, removed, modified, renamed
	old, new             entry
	additions, deletions int
	patch                string // empty for binary and oversized files
}

// maxPatchLines and maxPatchBytes are what GitHub shows of one file.
// https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits
const (
	maxPatchLines = 20_000
	maxPatchBytes = 500 << 10
)

// changes compares two snapshots, with renames, sorted by path.
func (s *store) changes(before, after snapshot) []change {
	var list []change
	gone, come := snapshot{}, snapshot{}
	for path, e := range before {
		switch now, kept := after[path]; {
		case !kept:
			gone[path] = e
		case now != e:
			status := "modified"
			if e.mode != now.mode && e.mode[:3] != now.mode[:3] {
				status = "changed" // a file became a link or a submodule, or the reverse
			}
			list = append(list, change{path: path, status: status, old: e, new: now})
		}
	}
	for path, e := range after {
		if _, had := before[path]; !had {
			come[path] = e
		}
	}
	list = append(list, s.renames(gone, come)...)
	for path, e := range gone {
		list = append(list, change{path: path, status: "removed", old: e})
	}
	for path, e := range come {
		list = append(list, change{path: path, status: "added", new: e})
	}
	slices.SortFunc(list, func(a, b change) int { return strings.Compare(a.path, b.path) })
	for i := range list {
		s.describe(&list[i])
	}
	return list
}

// renames pairs removed with added files of at least half the same content, as
// git does by default, and takes the pairs out of both.
func (s *store) renames(gone, come snapshot) []change {
	var list []change
	for _, path := range slices.Sorted(maps.Keys(come)) {
		best, most := "", 50
		for _, old := range slices.Sorted(maps.Keys(gone)) {
			if alike := s.similarity(gone[old], come[path]); alike >= most && (best == "" || alike > most) {
				best, most = old, alike
			}
		}
		if best != "" {
			list = append(list, change{path: path, oldPath: best, status: "renamed", old: gone[best], new: come[path]})
			delete(gone, best)
			delete(come, path)
		}
	}
	return list
}

// similarity is the share of the larger file's bytes found in both, in percent.
func (s *store) similarity(a, b entry) int {
	x, y := s.blob(a.id), s.blob(b.id)
	switch {
	case len(x) == 0 || len(y) == 0 || a.mode == "160000" || b.mode == "160000":
		return 0
	case a.id == b.id:
		return 100
	}
	lines := map[string]int{}
	for line := range bytes.Lines(x) {
		lines[string(line)]++
	}
	shared := 0
	for line := range bytes.Lines(y) {
		if lines[string(line)] > 0 {
			lines[string(line)]--
			shared += len(line)
		}
	}
	return shared * 100 / max(len(x), len(y))
}

// describe counts the lines of a change and renders its patch.
func (s *store) describe(c *change) {
	before, after := s.content(c.old), s.content(c.new)
	if c.old.id == c.new.id || binary(before) || binary(after) {
		return
	}
	var hunks string
	hunks, c.additions, c.deletions = patch(string(before), string(after))
	if c.additions+c.deletions <= maxPatchLines && len(hunks) <= maxPatchBytes {
		c.patch = hunks
	}
}

// content is what a diff shows of an entry: of a submodule, its commit.
func (s *store) content(e entry) []byte {
	if e.mode == "160000" {
		return []byte("Subproject commit " + e.id + "\n")
	}
	return s.blob(e.id)
}

// patch is the unified diff of two texts with three lines of context and no file
// header: what GitHub calls a patch.
func patch(before, after string) (text string, additions, deletions int) {
	const context = 3
	list := edits(before, after)
	show := make([]bool, len(list))
	for i, e := range list {
		switch e.op {
		case '+':
			additions++
		case '-':
			deletions++
		default:
			continue
		}
		for j := max(0, i-context); j <= min(len(list)-1, i+context); j++ {
			show[j] = true
		}
	}
	var out strings.Builder
	oldLine, newLine := 1, 1
	for i := 0; i < len(list); {
		if !show[i] {
			oldLine, newLine, i = oldLine+1, newLine+1, i+1
			continue
		}
		end := i
		for end < len(list) && show[end] {
			end++
		}
		oldLine, newLine = writeHunk(&out, list[i:end], oldLine, newLine)
		i = end
	}
	return strings.TrimSuffix(out.String(), "\n"), additions, deletions
}

// writeHunk writes one hunk and returns the lines that follow it.
func writeHunk(out *strings.Builder, hunk []edit, oldLine, newLine int) (int, int) {
	olds, news := 0, 0
	for _, e := range hunk {
		if e.op != '+' {
			olds++
		}
		if e.op != '-' {
			news++
		}
	}
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(oldLine, olds), span(newLine, news))
	for _, e := range hunk {
		out.WriteByte(e.op)
		out.WriteString(e.line)
		if !strings.HasSuffix(e.line, "\n") {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
	return oldLine + olds, newLine + news
}

// span is a hunk header's range: git leaves out a count of one, and starts an
// empty range at the line before it.
func span(start, count int) string {
	switch count {
	case 0:
		return fmt.Sprintf("%d,0", start-1)
	case 1:
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, count)
}
