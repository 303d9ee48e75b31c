package rules

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// code quotes text that somebody else wrote: one line, at most 80 characters,
// in a Markdown code span, with everything invisible made visible. A right-to-left
// override in a path would otherwise show one file and mean another, and an
// @name would notify a stranger.
func code(s string) string {
	if s == "" {
		return "(empty)" // two backticks would open a span that swallows what follows
	}
	return "`" + strings.ReplaceAll(clip(visible(s), 80), "`", "'") + "`"
}

// inline is code without the span, for text of libraries that quotes its input
// and for titles, which GitHub shows as they are.
func inline(s string) string {
	return clip(strings.Map(func(r rune) rune {
		if strings.ContainsRune("`<@[|", r) {
			return '\''
		}
		return r
	}, visible(s)), 200)
}

// visible writes what cannot be seen as U+XXXX, on one line. A byte that is not
// UTF-8 becomes U+FFFD, as JSON makes it: a verdict performed again from its
// record must read the same.
func visible(s string) string {
	if ordinary(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, "U+%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Visible writes what a person wrote as pages show it: on one line, with everything that
// cannot be seen as U+XXXX.
func Visible(s string) string { return visible(s) }

func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// ordinary reports whether s is printable ASCII, as nearly all names are.
func ordinary(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clip shortens s to n characters.
func clip(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// short is a commit id as people read it.
func short(commit string) string {
	if len(commit) > 7 {
		return commit[:7]
	}
	return commit
}

// count writes "1 approval", "2 approvals".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func and(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// distinct drops repetitions and keeps the order.
func distinct(words []string) []string {
	seen := make(map[string]bool, len(words))
	var out []string
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}

// quoted puts every word in a code span.
func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = code(w)
	}
	return out
}

// few keeps the first eight words and counts the others: a message is read.
func few(words []string) []string {
	if len(words) <= 9 {
		return words
	}
	return append(words[:8:8], fmt.Sprintf("%d more", len(words)-8))
}

// clock shows an instant with weekday, local time and zone, and UTC: people plan
// by the first and records compare by the last.
func clock(t time.Time, loc *time.Location) string {
	return local(t, loc).Format("Mon 2006-01-02 15:04 ") + zoneName(loc) + inUTC(t, loc)
}

// brief is clock for titles.
func brief(t time.Time, loc *time.Location) string {
	return local(t, loc).Format("Mon 2 Jan 2006 15:04 ") + zoneName(loc)
}

// inUTC is the same instant in UTC, with its date where that is another one.
func inUTC(t time.Time, loc *time.Location) string {
	switch {
	case zoneName(loc) == "UTC":
		return ""
	case local(t, loc).Format(time.DateOnly) != t.UTC().Format(time.DateOnly):
		return t.UTC().Format(" (2006-01-02 15:04 UTC)")
	}
	return t.UTC().Format(" (15:04 UTC)")
}

func local(t time.Time, loc *time.Location) time.Time {
	if loc == nil {
		return t.UTC()
	}
	return t.In(loc)
}

func zoneName(loc *time.Location) string {
	if loc == nil {
		return "UTC"
	}
	return loc.String()
}
