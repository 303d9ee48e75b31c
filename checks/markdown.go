package checks

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a check run shows is Markdown that GitHub renders beside our name. Text of
// a pull request that reached it raw could close a fence and forge a verdict,
// notify strangers, or load a picture that reports who is reading. So there are
// three ways in and no fourth:
//
//   - code, for a string that somebody else wrote: a code span;
//   - prose, for a sentence of the rules, which quotes such strings in code spans
//     of its own: its spans are written anew by code, and every other word that
//     Markdown or GitHub could act on becomes a code span too;
//   - fence, for blocks.

const (
	codeLimit  = 160  // characters of one code span
	quoteLimit = 500  // characters of a reason or outcome: as many as a command takes
	proseLimit = 600  // characters of one sentence
	blockLimit = 2000 // characters of one block to paste
)

// code shows s as one line in a code span, with everything invisible made
// visible. A long one keeps its end, where paths differ.
func code(s string) string { return spanned(s, codeLimit) }

// quote shows what a person wrote for the record, as a code span that leaves nothing
// out.
func quote(s string) string { return spanned(s, quoteLimit) }

func spanned(s string, limit int) string {
	s = clipMiddle(strings.ReplaceAll(visible(s), "\t", "U+0009"), limit)
	if strings.TrimSpace(s) == "" {
		s = fmt.Sprintf("%q", s) // a code span of nothing but spaces is no code span
	}
	ticks := strings.Repeat("`", longestRun(s)+1)
	if s[0] == '`' || s[len(s)-1] == '`' || s[0] == ' ' && s[len(s)-1] == ' ' {
		s = " " + s + " " // Markdown strips one space from both ends
	}
	return ticks + s + ticks
}

// folded is not strings.Map, which would lose bytes that are no UTF-8.
var folded = strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")

// prose shows a sentence of the rules on one line.
func prose(s string) string {
	s = clipEnd(strings.TrimSpace(visible(folded.Replace(s))), proseLimit)
	var out []byte
	for s != "" {
		text, span, rest := cutSpan(s)
		// What follows an empty span still begins the line.
		out = join(out, plain(text, len(bytes.TrimSpace(out)) == 0))
		if span != "" {
			out = join(out, code(span))
		}
		s = rest
	}
	// Blanks left of an empty span would make it an indented block of code.
	return strings.TrimLeft(string(out), " ")
}

// join keeps two code spans apart: side by side their backticks would become one
// longer run and mean something else.
func join(out []byte, s string) []byte {
	if len(out) > 0 && out[len(out)-1] == '`' && strings.HasPrefix(s, "`") {
		out = append(out, ' ')
	}
	return append(out, s...)
}

// cutSpan splits s around its first code span. A backtick that opens none stays
// in the text.
func cutSpan(s string) (text, span, rest string) {
	for i := 0; i < len(s); {
		open := strings.IndexByte(s[i:], '`')
		if open < 0 {
			break
		}
		i += open
		n := ticksAt(s[i:])
		if end := closing(s[i+n:], n); end > 0 {
			return s[:i], strings.TrimSpace(s[i+n : i+n+end]), s[i+n+end+n:]
		}
		i += n
	}
	return s, "", ""
}

// closing finds the run of exactly n backticks that closes a span.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		if m := ticksAt(s[i:]); m == n {
			return i
		} else if m > 0 {
			i += m
		} else {
			i++
		}
	}
	return -1
}

func ticksAt(s string) int { return len(s) - len(strings.TrimLeft(s, "`")) }

// marker is a first word that would begin a list, a quotation or an underline.
var marker = regexp.MustCompile(`^([-+=]+|>+|[0-9]{1,9}[.)])$`)

// plain is text outside code spans, word by word.
func plain(s string, first bool) string {
	ws := strings.Split(strings.ReplaceAll(s, "`", "'"), " ")
	for i, w := range ws {
		core := strings.TrimRight(strings.TrimLeft(w, "("), ".,;:)")
		switch {
		case w != "" && first && marker.MatchString(w):
			ws[i], core = code(w), ""
		case w == ">" || core == "" || !acts(core):
		default:
			at := strings.Index(w, core)
			ws[i] = w[:at] + code(core) + w[at+len(core):]
		}
		first = first && w == ""
	}
	return strings.Join(ws, " ")
}

// acts reports whether Markdown or GitHub could do something with a word: markup,
// a mention, a reference, an address that becomes a link, a formula.
func acts(w string) bool {
	if strings.ContainsAny(w, "@<>[]\\&|*_~#$^") || strings.Contains(w, "://") {
		return true
	}
	w = strings.ToLower(w)
	return strings.Contains(w, "www.") || strings.HasPrefix(w, "gh-")
}

// cell makes Markdown fit a table cell, where a bar ends the cell even inside a
// code span. A bar after a backslash is escaped differently by different
// renderers and is named instead.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, `\|`, `\U+007C`), "|", `\|`)
}

// fence shows a block whose fence is longer than any inside it.
func fence(lang, body string) string {
	lines := strings.Split(strings.TrimRight(body, "\n"), "\n")
	for i, l := range lines {
		lines[i] = visible(l)
	}
	body = strings.Join(lines, "\n")
	ticks := strings.Repeat("`", max(3, longestRun(body)+1))
	return ticks + lang + "\n" + body + "\n" + ticks + "\n"
}

func longestRun(s string) int {
	longest, n := 0, 0
	for i := 0; i < len(s); i++ {
		if n++; s[i] != '`' {
			n = 0
		}
		longest = max(longest, n)
	}
	return longest
}

// visible writes what cannot be seen as U+202E, and a byte that is no UTF-8 as
// 0xFF: otherwise a reviewer reads one text and the agent another. Tabs stay.
func visible(s string) string {
	var b strings.Builder
	prev := ' '
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, "0x%02X", s[i])
		case r == '\uFE0F' && unicode.Is(unicode.So, prev):
			b.WriteRune(r) // the ordinary way to colour one emoji; a second in a row is shown
		case hidden(r):
			fmt.Fprintf(&b, "U+%04X", r)
		default:
			b.WriteRune(r)
		}
		prev, i = r, i+n
	}
	return b.String()
}

// unseen are the characters that draw nothing and are no controls: fillers,
// joiners, and the variation selectors that can carry a hidden text.
var unseen = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x034F, Hi: 0x034F, Stride: 1}, {Lo: 0x115F, Hi: 0x1160, Stride: 1}, {Lo: 0x17B4, Hi: 0x17B5, Stride: 1},
		{Lo: 0x180B, Hi: 0x180F, Stride: 1}, {Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0x3164, Hi: 0x3164, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1}, {Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0xE0000, Hi: 0xE0FFF, Stride: 1}},
}

func hidden(r rune) bool {
	if r == ' ' || r == '\t' || r == '\u3000' {
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Z, unseen)
}

func clipEnd(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

func clipMiddle(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n/2]) + "…" + string(r[len(r)-n/2+1:])
}
