package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"changegate/bot/evidence"
)

// The columns of the report, 80 in all: name, what was found, result.
const (
	nameWidth   = 14
	saysWidth   = 60
	resultWidth = 6
)

// page lays a report out for a terminal of 80 columns.
func page(rep evidence.Report) []byte {
	var b bytes.Buffer
	if m := rep.Manifest; m.Format != "" {
		line(&b, "bundle", about(m), "")
	}
	for _, c := range rep.Checks {
		line(&b, c.Name, c.Says, string(c.Result))
	}
	if len(rep.Skipped) > 0 {
		line(&b, "not checked", strings.Join(rep.Skipped, ", "), "")
	}
	if bad := rep.Failed(); bad != nil {
		fmt.Fprintf(&b, "Result: NOT VERIFIED, first at: %s\n", bad.Name)
	} else {
		fmt.Fprintln(&b, "Result: VERIFIED")
	}
	return b.Bytes()
}

func about(m evidence.Manifest) string {
	repo := "all repositories"
	if m.Repo != "" {
		repo = fmt.Sprintf("repository %q", m.Repo)
	}
	return fmt.Sprintf("%q, from %s to %s (exclusive), %s, exported %s by %q",
		m.Origin, stamp(m.From), stamp(m.To), repo, stamp(m.Created), m.Generator)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func line(b *bytes.Buffer, name, says, result string) {
	for i, part := range wrap(says, saysWidth) {
		if i > 0 {
			name, result = "", ""
		}
		text := fmt.Sprintf("%-*s%-*s%*s", nameWidth, name, saysWidth, part, resultWidth, result)
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
}

// wrap breaks text into lines of at most width characters, at spaces where there
// are any: a digest may be longer than a line.
func wrap(text string, width int) []string {
	var lines []string
	now := ""
	for _, word := range strings.Fields(text) {
		for {
			room := width - utf8.RuneCountInString(now)
			if now != "" {
				room--
			}
			if utf8.RuneCountInString(word) <= room {
				break
			}
			if now != "" {
				lines, now = append(lines, now), ""
				continue
			}
			cut := []rune(word)
			lines, word = append(lines, string(cut[:width])), string(cut[width:])
		}
		if now != "" {
			now += " "
		}
		now += word
	}
	return append(lines, now)
}
