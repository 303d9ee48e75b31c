package checks

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pageLimit keeps summary and text under GitHub's 65,535 characters. Above them
// GitHub answers 422 and shows no result at all, so a longer page is cut where a
// block ends and says how much is missing.
const pageLimit = 60_000

// A page is Markdown that grows block by block up to the limit.
type page struct {
	b    strings.Builder
	room int
}

func newPage(reserve int) *page { return &page{room: pageLimit - reserve} }

// add writes a block if it fits whole and reports whether it did.
func (p *page) add(block string) bool {
	if len(block) > p.room {
		return false
	}
	p.room -= len(block)
	p.b.WriteString(block)
	return true
}

// list writes at most limit lines, leaves keep bytes of room for what follows on
// the page, and says how many lines were left out.
func (p *page) list(lines []string, limit, keep int, left func(n int) string) {
	for i, l := range lines {
		if i == limit || len(l) > p.room-keep {
			p.add(left(len(lines) - i))
			return
		}
		p.add(l)
	}
}

// details links the page of this pull request, or only names it when there is no
// address. Nothing in the address can end the link.
func (v View) details() string {
	u, err := url.Parse(v.DetailsURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "details"
	}
	var b strings.Builder
	for _, c := range []byte(v.DetailsURL) {
		if c <= ' ' || c > '~' || strings.IndexByte("()<>\\`", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return "[details](" + b.String() + ")"
}

func (v View) rowsLeft(n int) string {
	return fmt.Sprintf("\n%s not shown, see %s\n", plural(n, "more row"), v.details())
}

func (v View) itemsLeft(n int) string {
	return fmt.Sprintf("- and %d more, see %s\n", n, v.details())
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func shortID(id string) string { return id[:min(7, len(id))] }

// sentence begins with a capital and ends with a stop. A first word that is a
// key, such as rollback.to, stays as it is written.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	first, _, _ := strings.Cut(s, " ")
	if first == "" {
		return s
	}
	if strings.IndexFunc(first, func(r rune) bool { return !unicode.IsLetter(r) && r != ',' && r != ':' }) < 0 {
		r, n := utf8.DecodeRuneInString(s)
		s = string(unicode.ToUpper(r)) + s[n:]
	}
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, ":") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

func ruleName(rule string) string {
	s := strings.ReplaceAll(rule, "-", " ")
	if s == "" {
		return "Change"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func codes(ss []string) []string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = code(s)
	}
	return out
}
