package evidence

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

var (
	rowColumns = []string{"record", "kind", "repo_id", "repo", "branch", "number", "commit", "head", "by", "by_id",
		"at", "recorded_at", "decision", "state", "explained", "governed_files", "why", "planned_at", "ready_at", "exceptions",
		"change", "rollback_of", "reported_at", "restored_in_s", "rolled_back_by"}
	sweepColumns = []string{"record", "repo_id", "repo", "ref", "from", "to", "first_parent_commits",
		"attributed", "unattributed", "governed", "at", "recorded_at"}
)

// firstColumns is how many columns of a row the first format had.
const firstColumns = 17

// A named file is one table of a bundle.
type namedFile struct {
	name string
	data []byte
}

// tables renders what people read: the population, its exceptions, the exceptions
// that were asked for, the ways back, the sweeps.
func (s *selection) tables() ([]namedFile, error) {
	var all, exceptions, sweeps, emergencies [][]string
	var lines bytes.Buffer
	columns := len(rowColumns)
	if !s.format.emergencies {
		columns = firstColumns
	}
	for _, r := range s.population {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("write population row of record %d: %w", r.Record, err)
		}
		lines.Write(append(line, '\n'))
		all = append(all, r.cells()[:columns])
		if !r.Explained {
			exceptions = append(exceptions, r.cells()[:columns])
		}
	}
	for _, w := range s.sweeps {
		if s.picked[w.index] {
			sweeps = append(sweeps, w.cells())
		}
	}
	out := []namedFile{
		{filePopCSV, table(rowColumns[:columns], all)},
		{filePopJSONL, lines.Bytes()},
		{fileExceptions, table(rowColumns[:columns], exceptions)},
	}
	if s.format.emergencies {
		for _, n := range s.listed() {
			emergencies = append(emergencies, s.emergencies[n].cells(s.asOf))
		}
		out = append(out, namedFile{fileEmergencies, table(emergencyColumns, emergencies)}, namedFile{filePlans, table(planColumns, s.plans())})
	}
	return append(out, namedFile{fileCoverage, table(sweepColumns, sweeps)}), nil
}

// table writes RFC 4180 with the byte order mark that spreadsheets need to see
// UTF-8.
func table(columns []string, rows [][]string) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	w.Write(columns)
	for _, cells := range rows {
		safe := make([]string, len(cells))
		for i, c := range cells {
			safe[i] = cell(c)
		}
		w.Write(safe)
	}
	w.Flush() // a bytes.Buffer takes everything
	return b.Bytes()
}

// cell makes text from outside harmless in a spreadsheet. A leading = + - @, in
// ASCII or full width, TAB or CR would start a formula; control and bidirectional
// characters would show something other than what is there.
func cell(s string) string {
	prefix := ""
	if strings.ContainsAny(firstRune(s), "=+-@\t\r\n\x00＝＋－＠") {
		prefix = "'"
	}
	return prefix + visible(s)
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}

// visible writes control and format characters, bidirectional ones among them, as
// \uXXXX.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
