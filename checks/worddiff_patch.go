package checks

import (
	"regexp"
	"strconv"
	"strings"
)

// A hunk is one piece of a unified diff.
type hunk struct {
	header string
	lines  []hunkLine
}

type hunkLine struct {
	op   byte // ' ', '-' or '+'
	text string
	bare bool // no newline at the end of the file
}

func (l hunkLine) String() string {
	if l.bare {
		return l.text
	}
	return l.text + "\n"
}

var hunkHeader = regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

// parsePatch reads a unified diff without file headers, as GitHub gives it, by
// the counts in its hunk headers: content that looks like a header stays content.
// It reports whether the patch is whole. What comes after a fault is not read.
func parsePatch(patch string) (hunks []hunk, whole bool) {
	lines := strings.Split(strings.TrimSuffix(patch, "\n"), "\n")
	for i := 0; i < len(lines); {
		m := hunkHeader.FindStringSubmatch(lines[i])
		if m == nil {
			return hunks, false
		}
		h := hunk{header: lines[i]}
		n, ok := h.read(lines[i+1:], lineCount(m[1]), lineCount(m[2]))
		hunks = append(hunks, h)
		if !ok {
			return hunks, false
		}
		i += 1 + n
	}
	return hunks, true
}

// lineCount reads a count of a hunk header; none means one.
func lineCount(s string) int {
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1 // too large to be true; read then finds a line too many
	}
	return n
}

// read takes the lines of one hunk and returns how many they are.
func (h *hunk) read(lines []string, old, new int) (n int, ok bool) {
	for _, l := range lines {
		if strings.HasPrefix(l, `\`) && len(h.lines) > 0 {
			h.lines[len(h.lines)-1].bare = true
			n++
			continue
		}
		if old == 0 && new == 0 {
			break
		}
		if l == "" {
			l = " " // an empty line of context whose blank was trimmed on the way
		}
		switch l[0] {
		case ' ':
			old, new = old-1, new-1
		case '-':
			old--
		case '+':
			new--
		default:
			return n, false
		}
		if old < 0 || new < 0 {
			return n, false
		}
		h.lines = append(h.lines, hunkLine{op: l[0], text: l[1:]})
		n++
	}
	return n, old == 0 && new == 0
}

// A fileDiff is the word diff of one file, ready for a diff block.
type fileDiff struct {
	body     string
	ins, del int // words
	whole    bool
}

// file turns a patch into a word diff: lines as in any diff, and within lines
// that were changed in part [-removed-] and {+added+} around the words.
func (d *differ) file(patch string) fileDiff {
	hunks, whole := parsePatch(patch)
	f := fileDiff{whole: whole}
	var b strings.Builder
	for _, h := range hunks {
		b.WriteString(h.header + "\n")
		for i := 0; i < len(h.lines); {
			if l := h.lines[i]; l.op == ' ' {
				put(&b, ' ', []edit{{' ', l.String()}})
				i++
				continue
			}
			n := f.block(d, &b, h.lines[i:])
			i += n
		}
	}
	f.body = b.String()
	return f
}

// block writes the changed lines at the start of lines and returns how many.
func (f *fileDiff) block(d *differ, b *strings.Builder, lines []hunkLine) int {
	var old, new strings.Builder
	n := 0
	for ; n < len(lines) && lines[n].op != ' '; n++ {
		if lines[n].op == '-' {
			old.WriteString(lines[n].String())
		} else {
			new.WriteString(lines[n].String())
		}
	}
	edits := d.words(old.String(), new.String())
	for _, e := range edits {
		switch e.op {
		case '-':
			f.del += countWords(e.text)
		case '+':
			f.ins += countWords(e.text)
		}
	}
	put(b, '-', edits)
	put(b, '+', edits)
	return n
}

// put writes one side of the edits, line by line.
func put(b *strings.Builder, side byte, edits []edit) {
	var line []edit
	for _, e := range edits {
		if e.op != ' ' && e.op != side {
			continue
		}
		for _, t := range strings.SplitAfter(e.text, "\n") {
			whole := strings.HasSuffix(t, "\n")
			line = append(line, edit{e.op, strings.TrimSuffix(t, "\n")})
			if whole {
				b.WriteString(string(side) + marked(line) + "\n")
				line = nil
			}
		}
	}
	if text := marked(line); text != "" {
		b.WriteString(string(side) + text + "\n\\ No newline at end of file\n")
	}
}

// literal keeps text that looks like our marks from being taken for one.
var literal = strings.NewReplacer("[-", `[\-`, "-]", `-\]`, "{+", `{\+`, "+}", `+\}`)

// marked shows one line. A line that holds no unchanged word needs no marks: its
// sign says it all.
func marked(line []edit) string {
	kept := false
	for _, e := range line {
		kept = kept || e.op == ' ' && countWords(e.text) > 0
	}
	var b strings.Builder
	for _, e := range line {
		text := literal.Replace(visible(e.text))
		switch {
		case text == "" || !kept || e.op == ' ':
			b.WriteString(text)
		case e.op == '-':
			b.WriteString("[-" + text + "-]")
		case e.op == '+':
			b.WriteString("{+" + text + "+}")
		}
	}
	return b.String()
}
