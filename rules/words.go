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
	return "`" + strings.ReplaceAll(clip(visible(s), 80), "`", "'") + "`"
}

// inline is code without the span, for text of libraries that quotes its input.
func inline(s string) string {
	return clip(strings.Map(func(r rune) rune {
		if r == '`' || r == '<' || r == '@' || r == '[' || r == '|' {
			return '\''
		}
		return r
	}, visible(s)), 200)
}

func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !utf8.ValidString(s[i:min(i+3, len(s))]):
			fmt.Fprintf(&b, "0x%02X", s[i])
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

// clip shortens s to n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
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

// clock shows an instant with weekday, local time and zone, and UTC: people plan
// by the first and records compare by the last.
func clock(t time.Time, loc *time.Location) string {
	if loc == nil || loc == time.UTC {
		return t.UTC().Format("Mon 2006-01-02 15:04 UTC")
	}
	return t.In(loc).Format("Mon 2006-01-02 15:04 ") + loc.String() + t.UTC().Format(" (15:04 UTC)")
}

// brief is clock for titles.
func brief(t time.Time, loc *time.Location) string {
	if loc == nil {
		loc = time.UTC
	}
	return t.In(loc).Format("Mon 2 Jan 2006 15:04 ") + loc.String()
}
