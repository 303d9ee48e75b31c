package evidence_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"changegate/bot/evidence"

	"github.com/google/go-cmp/cmp"
)

func TestCell(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                     "",
		"plain, \"quoted\"":    "plain, \"quoted\"",
		"=HYPERLINK(\"x\")":    "'=HYPERLINK(\"x\")",
		"+1":                   "'+1",
		"-1":                   "'-1",
		"@SUM":                 "'@SUM",
		"＝1":                   "'＝1",
		"\t=1":                 `'\u0009=1`,
		"\r=1":                 `'\u000d=1`,
		"a\nb":                 `a\u000ab`,
		"a\u202egpj.exe":       `a\u202egpj.exe`,
		"a\U000e0041":          `a\U000e0041`,
		"naïve — 変更":           "naïve — 変更",
		"a=b":                  "a=b",
		"\u2066hidden\u2069":   `\u2066hidden\u2069`,
		"null\x00and\x1b[31mA": `null\u0000and\u001b[31mA`,
	} {
		if got := evidence.Cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzCell(f *testing.F) {
	f.Add("=1+1")
	f.Add("\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := evidence.Cell(s)
		if first, _ := utf8.DecodeRuneInString(got); strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) && got != "" {
			t.Errorf("cell(%q) = %q may be a formula", s, got)
		}
		for _, r := range got {
			if unicode.In(r, unicode.Cc, unicode.Cf) {
				t.Errorf("cell(%q) = %q holds %U", s, got, r)
			}
		}
	})
}

func TestTables(t *testing.T) {
	t.Parallel()
	f := evidence.TakeApart(t, newWorld(t).story(2).export(query()))
	text, ok := strings.CutPrefix(string(f.Files["population.csv"]), "\ufeff")
	if !ok || strings.Count(text, "\r\n") != 4 {
		t.Errorf("population.csv has no byte order mark, or not 4 lines that end in CR LF:\n%s", text)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"2", "change.merged", "179876543210987654", "acme/agents", "main", "1", commitID(2001), commitID(1), "alice", "1",
			"2026-06-01T01:01:00Z", "2026-06-01T01:02:00Z", "1", "ready", "true", "1", "", "", "", "", "", "", "", "", ""},
		{"5", "change.merged", "179876543210987654", "acme/agents", "main", "2", commitID(2002), commitID(2), "alice", "1",
			"2026-06-01T02:01:00Z", "2026-06-01T02:02:00Z", "4", "ready", "true", "1", "", "", "", "", "", "", "", "", ""},
		{"6", "bypass.detected", "179876543210987654", "acme/agents", "main", "", commitID(3002), "", "bob", "2",
			"2026-06-01T02:00:00Z", "2026-06-01T02:03:00Z", "", "", "false", "1", `'=HYPERLINK("direct push")`, "", "", "", "", "", "", "", ""},
	}
	if diff := cmp.Diff(want, rows[1:]); diff != "" {
		t.Errorf("population.csv (-want +got):\n%s", diff)
	}
	if got := string(f.Files["population.jsonl"]); !strings.Contains(got, `"why":"=HYPERLINK(\"direct push\")"`) {
		t.Errorf("population.jsonl has no exact text:\n%s", got)
	}
	if got := strings.Count(string(f.Files["exceptions.csv"]), "\r\n"); got != 2 {
		t.Errorf("exceptions.csv has %d lines, want a heading and the push", got)
	}
	if got := string(f.Files["coverage.csv"]); !strings.Contains(got, "refs/heads/main,"+commitID(0)+","+commitID(2)+",3,2,1,3,") {
		t.Errorf("coverage.csv:\n%s", got)
	}
}

// The period is half-open, and a merge brings the decision it rests on, whenever
// that was made.
func TestQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t).story(3)
	elsewhere := bypass(50, "elsewhere")
	elsewhere.Predicate.(*evidence.BypassDetected).Repo = evidence.Repo{ID: 7, Name: "acme/other"}
	w.append(elsewhere, end)
	mergedAt := hour(2).Add(time.Minute)
	for _, c := range []struct {
		name     string
		from, to time.Time
		repo     string
		want     []string
	}{
		{"from is included", mergedAt, mergedAt.Add(1), "", []string{"4", "5"}},
		{"to is not", hour(2).Add(1), mergedAt, "", nil},
		{"in another zone", mergedAt.In(time.FixedZone("", 3600)), mergedAt.Add(1), "", []string{"4", "5"}},
		{"by name, in any case", hour(50), end, "ACME/other", []string{"11"}},
		{"by number", start, end, "7", []string{"11"}},
		{"of no repository", start, end, "acme/none", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			q := query()
			q.From, q.To, q.Repo = c.from, c.to, c.repo
			bundle := w.export(q)
			var got []string
			for _, n := range evidence.TakeApart(t, bundle).Names {
				if i, ok := strings.CutSuffix(n, ".dsse.json"); ok && strings.HasPrefix(i, "records/") {
					got = append(got, strings.TrimPrefix(i, "records/"))
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if rep := verify(bundle); !rep.Verified {
				t.Errorf("verify: %+v", rep.Failed())
			}
		})
	}
}
