package checks

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"changegate/rules"
)

type gitFile struct{ mode, data string }

// A gitTree is a folder of files.
type gitTree map[string]gitFile

func (f gitTree) entry(path string) rules.Entry {
	file, ok := f[path]
	if !ok {
		return rules.Entry{}
	}
	return rules.Entry{Blob: blobID(40, file.data), Mode: file.mode}
}

func (f gitTree) entries() map[string]rules.Entry {
	out := map[string]rules.Entry{}
	for path := range f {
		out[path] = f.entry(path)
	}
	return out
}

// A gitHistory is a change, from before to landed, and what came after it.
type gitHistory struct {
	number              int
	before, landed, now gitTree
	what                []string // happened in it
	commits             [commitsEach]string

	// What git comes to when it takes the change out of now: a tree, or nothing when it
	// conflicts.
	gitTree    string
	reverted   bool
	revertTree string
	doubtful   map[string]bool // git's merge of trees is clean, git merge-file comes to something else
}

// paths are those of the change.
func (h *gitHistory) paths() []string {
	all := maps.Clone(h.before)
	maps.Copy(all, h.landed)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(path string) bool {
		return h.before.entry(path) == h.landed.entry(path)
	})
}

// allThree are the paths at which there are three different contents.
func (h *gitHistory) allThree() []string {
	return slices.DeleteFunc(h.paths(), func(path string) bool {
		a, b, c := h.landed.entry(path).Blob, h.now.entry(path).Blob, h.before.entry(path).Blob
		return a == "" || b == "" || c == "" || a == b || a == c || b == c
	})
}

func (h *gitHistory) reader() func(string) ([]byte, error) {
	blobs := map[string]string{}
	for _, tree := range []gitTree{h.before, h.landed, h.now} {
		for path, f := range tree {
			blobs[tree.entry(path).Blob] = f.data
		}
	}
	return func(blob string) ([]byte, error) {
		data, ok := blobs[blob]
		if !ok {
			return nil, fmt.Errorf("no such blob")
		}
		return []byte(data), nil
	}
}

// String shows a history in which git and we disagree.
func (h *gitHistory) String() string {
	var b strings.Builder
	for _, t := range []struct {
		name string
		tree gitTree
	}{{"before", h.before}, {"landed", h.landed}, {"now", h.now}} {
		for _, path := range slices.Sorted(maps.Keys(t.tree)) {
			fmt.Fprintf(&b, "\n%s %s %s %q", t.name, path, t.tree[path].mode, t.tree[path].data)
		}
	}
	return b.String()
}

// makeHistories makes always the same ones.
func makeHistories(n int) []gitHistory {
	out := make([]gitHistory, n)
	for i := range out {
		r := rand.New(rand.NewPCG(uint64(i), 5000))
		m := &maker{Rand: r, style: i % 5}
		h := &out[i]
		h.number = i
		h.before = gitTree{}
		for f := range 1 + r.IntN(3) {
			h.before[fmt.Sprintf("f%d.md", f)] = gitFile{"100644", m.text()}
		}
		h.landed = m.change(h.before, 1+r.IntN(2))
		for len(h.paths()) == 0 {
			h.landed = m.change(h.landed, 1)
		}
		h.now = m.change(h.landed, r.IntN(4))
		if path := h.paths()[0]; i%7 == 0 && h.before[path].mode != "" {
			m.say("taken back in part")
			f := h.before[path]
			for range r.IntN(4) {
				f.data = m.edit(f.data)
			}
			h.now[path] = f
		}
		h.what = m.what
	}
	return out
}

// A maker makes texts of one style and changes them.
type maker struct {
	*rand.Rand
	style int
	at    float64 // where in a text the last edit was: many edits are near each other
	what  []string
}

// line makes lines that repeat little, or much.
func (m *maker) line() string {
	switch m.style {
	case 0:
		return fmt.Sprintf("line %d", m.IntN(100000))
	case 1:
		return string(rune('a' + m.IntN(3)))
	case 2:
		return []string{"", "", "{", "}", "  x := 1", fmt.Sprintf("step %d", m.IntN(50))}[m.IntN(6)]
	case 3:
		return fmt.Sprint("- rule ", m.IntN(12))
	}
	return []string{"", "", fmt.Sprintf("word %d", m.IntN(1000)), fmt.Sprintf("word %d", m.IntN(1000))}[m.IntN(4)]
}

func (m *maker) text() string {
	n := m.IntN(40)
	switch m.IntN(12) {
	case 0:
		n = 150 + m.IntN(300)
	case 1, 2, 3, 4: // the fewer lines, the more often two ways of merging differ
		n = 2 + m.IntN(9)
	}
	end := "\n"
	if m.IntN(8) == 0 {
		end = "\r\n"
	}
	var b strings.Builder
	for range n {
		b.WriteString(m.line() + end)
	}
	if m.IntN(10) == 0 {
		return strings.TrimSuffix(b.String(), end)
	}
	return b.String()
}

// change does n things to a tree.
func (m *maker) change(tree gitTree, n int) gitTree {
	out := maps.Clone(tree)
	for range n {
		names := slices.Sorted(maps.Keys(out))
		if len(names) == 0 {
			out["f0.md"] = gitFile{"100644", m.text()}
			continue
		}
		m.one(out, names[m.IntN(len(names))])
	}
	return out
}

// one does one thing to a file.
func (m *maker) one(tree gitTree, path string) {
	f := tree[path]
	switch m.IntN(20) {
	case 0:
		m.say("delete")
		delete(tree, path)
		return
	case 1:
		m.say("rename")
		delete(tree, path)
		path = fmt.Sprintf("g%d.md", m.IntN(4))
		if m.IntN(2) == 0 {
			f.data = m.edit(f.data)
		}
	case 2:
		m.say("add")
		path = fmt.Sprintf("f%d.md", m.IntN(5))
		f = gitFile{"100644", m.text()}
	case 3, 4:
		m.say("mode")
		f.mode = map[string]string{"100644": "100755", "100755": "100644"}[f.mode]
	case 5, 6:
		m.say("line ends")
		f.data = m.lineEnds(f.data)
	default:
		m.say("edit")
		for range 1 + m.IntN(3) {
			f.data = m.edit(f.data)
		}
	}
	tree[path] = f
}

func (m *maker) say(what string) {
	if !slices.Contains(m.what, what) {
		m.what = append(m.what, what)
	}
}

// lineEnds changes how lines end: all of them, or one, or only the last.
func (m *maker) lineEnds(s string) string {
	switch m.IntN(4) {
	case 0:
		if strings.Contains(s, "\r\n") {
			return strings.ReplaceAll(s, "\r\n", "\n")
		}
		return strings.ReplaceAll(s, "\n", "\r\n")
	case 1:
		ls := strings.SplitAfter(s, "\n")
		i := m.IntN(len(ls))
		ls[i] = strings.Replace(ls[i], "\n", "\r\n", 1)
		return strings.Join(ls, "")
	}
	if cut, ok := strings.CutSuffix(s, "\n"); ok {
		return cut
	}
	return s + "\n"
}

// edit changes a few lines, often near the edit before.
func (m *maker) edit(s string) string {
	ls := strings.SplitAfter(s, "\n")
	if m.IntN(2) == 0 {
		m.at = m.Float64()
	}
	i := min(max(int(m.at*float64(len(ls)))+m.IntN(5)-2, 0), len(ls)-1)
	n := min(m.IntN(4), len(ls)-i)
	some := slices.Clone(ls[i : i+n])
	switch m.IntN(7) {
	case 6: // rewrite a block, with few empty lines
		var block []string
		for range 5 + m.IntN(20) {
			block = append(block, []string{"", m.line(), fmt.Sprint("new ", m.IntN(9999)), fmt.Sprint("new ", m.IntN(9999)), fmt.Sprint("new ", m.IntN(9999))}[m.IntN(5)]+"\n")
		}
		ls = slices.Replace(ls, i, i+min(len(block), len(ls)-i), block...)
	case 0: // delete
		ls = slices.Delete(ls, i, i+n)
	case 1: // put twice
		ls = slices.Insert(ls, i, some...)
	case 2: // move
		ls = slices.Delete(ls, i, i+n)
		ls = slices.Insert(ls, m.IntN(len(ls)+1), some...)
	case 3: // insert
		ls = slices.Insert(ls, i, m.line()+"\n")
	default: // replace
		for j := range some {
			some[j] = m.line() + "\n"
		}
		ls = slices.Replace(ls, i, i+n, some...)
	}
	return strings.Join(ls, "")
}
