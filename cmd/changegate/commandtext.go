package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// width is the terminal that every text is laid out for.
const width = 80

// clean makes text of others safe to print on one line: an escape sequence in a
// file name could otherwise repaint the verdict.
func clean(s string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
			fmt.Fprintf(&b, "U+%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// clipEnd shortens a title to n characters.
func clipEnd(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// clipStart shortens a path to n characters; its end tells files apart.
func clipStart(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return "…" + string(r[len(r)-n+1:])
}

// wrap breaks text into lines of at most n characters. A word longer than a line
// is cut: a line that overflows would break every line after it.
func wrap(text string, n int) []string {
	var out []string
	line := ""
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > n {
			if line != "" {
				out, line = append(out, line), ""
			}
			r := []rune(word)
			out, word = append(out, string(r[:n])), string(r[n:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= n:
			line += " " + word
		default:
			out, line = append(out, line), word
		}
	}
	if line != "" || len(out) == 0 {
		out = append(out, line)
	}
	return out
}

// hang writes text behind a label, its further lines under its first.
func hang(b *strings.Builder, label, text string) {
	at := utf8.RuneCountInString(label)
	for i, line := range wrap(clean(text), width-at) {
		if i > 0 {
			label = strings.Repeat(" ", at)
		}
		b.WriteString(strings.TrimRight(label+line, " ") + "\n")
	}
}

// block writes a fix: prose wrapped, and what stands in a fenced block as it is,
// because it is there to be pasted.
func block(b *strings.Builder, label, text string) {
	at := strings.Repeat(" ", utf8.RuneCountInString(label))
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
		case fenced:
			b.WriteString(clipEnd(at+"  "+clean(line), width) + "\n")
		default:
			hang(b, label, line)
			label = at
		}
	}
}

// count writes "1 file", "2 files".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
