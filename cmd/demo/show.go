package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

// width is that of a plain terminal.
const width = 80

var rule = strings.Repeat("-", width)

// show prints a check run as GitHub shows it: the line in the merge box, then the
// page behind it.
func show(out io.Writer, run githubtest.CheckRun) {
	state := run.Status
	if run.Conclusion != "" {
		state = run.Conclusion
	}
	fmt.Fprintf(out, "   [%s] %s\n   %s\n\n", state, run.Name, run.Title)
	fmt.Fprintln(out, wrap(run.Summary))
	if run.Text != "" {
		fmt.Fprintln(out, wrap(run.Text))
	}
}

// wrap folds prose and indents everything; what is in a code fence stays as it is.
func wrap(markdown string) string {
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(markdown) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced || len(line) <= width-3 {
			b.WriteString(strings.TrimRight("   "+line, " ") + "\n")
			continue
		}
		fold(&b, line)
	}
	return b.String()
}

func fold(b *strings.Builder, line string) {
	at := 0
	for i, word := range strings.Fields(line) {
		if i > 0 && at+1+len(word) > width {
			b.WriteString("\n")
			at = 0
		}
		if at == 0 {
			b.WriteString("   ")
			at = 3
		} else {
			b.WriteString(" ")
			at++
		}
		b.WriteString(word)
		at += len(word)
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
