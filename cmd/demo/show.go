package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strings"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

// width is that of a plain terminal.
const width = 80

var rule = strings.Repeat("-", width)

// show prints a check run as GitHub shows it: the line in the merge box, then the
// page behind it; the diff only when asked.
func show(out io.Writer, run githubtest.CheckRun, diff bool) {
	state := run.Status
	if run.Conclusion != "" {
		state = run.Conclusion
	}
	fmt.Fprintf(out, "   [%s] %s\n   %s\n\n", state, run.Name, run.Title)
	fmt.Fprintln(out, terminal(run.Summary))
	if diff {
		fmt.Fprintln(out, terminal(run.Text))
	}
}

// links are cut to their words; what is left out of a terminal is an address.
var links = regexp.MustCompile(`\[(\w+)\]\([^)]*\)|</?sub>()`)

// terminal lays Markdown out for a terminal: prose is folded, a row of a table
// becomes a line that begins with its result, a fence stays as it is.
func terminal(markdown string) string {
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(links.ReplaceAllString(markdown, "$1$2")) {
		line = strings.TrimRight(line, "\n")
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			fenced = !fenced
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case fence || fenced || line == "":
			b.WriteString(strings.TrimRight("   "+line, " ") + "\n")
		case strings.HasPrefix(line, "|--"), strings.HasPrefix(line, "| Rule"), strings.HasPrefix(line, "| Group"):
		case strings.HasPrefix(line, "| ") && len(cells) == 3:
			fold(&b, cells[0]+": "+cells[2], fmt.Sprintf("   %-4s  ", cells[1]), "         ")
		case strings.HasPrefix(line, "| ") && len(cells) == 4:
			fold(&b, cells[1]+", "+cells[0]+": "+cells[3], fmt.Sprintf("   %-4s  ", cells[2]), "         ")
		default:
			fold(&b, line, "   ", "   ")
		}
	}
	return b.String()
}

// fold breaks a line between words.
func fold(b *strings.Builder, line, first, rest string) {
	at := 0
	for _, word := range strings.Fields(line) {
		n := len([]rune(word))
		switch {
		case at == 0:
			b.WriteString(first + word)
			at = len(first) + n
		case at+1+n > width:
			b.WriteString("\n" + rest + word)
			at = len(rest) + n
		default:
			b.WriteString(" " + word)
			at += 1 + n
		}
	}
	b.WriteString("\n")
}

func indent(s string) string {
	return "   " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n   ") + "\n"
}

// table prints a CSV file of the bundle as one block a row.
func table(out io.Writer, name string, data []byte) {
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff")))).ReadAll()
	fmt.Fprintf(out, "   %s, %d rows\n", name, max(len(rows)-1, 0))
	if err != nil || len(rows) == 0 {
		return
	}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if cell != "" {
				fmt.Fprintf(out, "     %-14s %s\n", rows[0][i], cell)
			}
		}
		fmt.Fprintln(out)
	}
}

// list prints a report as changeaudit does.
func list(out io.Writer, r evidence.Report) {
	for _, c := range r.Checks {
		fmt.Fprintf(out, "   %-13s %s  %s\n", c.Name, c.Result, clip(c.Says, width-24))
	}
	result := "VERIFIED"
	if !r.Verified {
		result = "NOT VERIFIED"
	}
	fmt.Fprintf(out, "   Result: %s\n", result)
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
