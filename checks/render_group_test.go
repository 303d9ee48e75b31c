package checks

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"changegate/rules"
)

// TestRenderGroup: a merge queue gets an answer at once, and it passes only when it is
// said to; the strictest pull request is named within what the merge box shows.
func TestRenderGroup(t *testing.T) {
	t.Parallel()
	ready := Sibling{Number: 1, State: rules.Ready, Title: "Ready - 1 approval"}
	frozen := Sibling{Number: 482, State: rules.Frozen, Title: "Frozen until Mon 4 Jan 2027 06:00 CET - " + strings.Repeat("year-end ", 20)}
	hostile := Sibling{Number: 3, State: rules.Waiting, Title: "<img src=x> @everyone \u202e | `a`"}
	for name, c := range map[string]struct {
		view              GroupView
		conclusion, title string // begins so
		end               string
	}{
		"passes":           {GroupView{Pulls: []Sibling{ready, ready}, Passed: true}, "success", "Ready - 2 pull requests of the queue", ""},
		"one does not":     {GroupView{Pulls: []Sibling{ready, frozen}}, "failure", "Frozen until Mon 4 Jan 2027 06:00 CET", " (PR 482)"},
		"no more":          {GroupView{Pulls: []Sibling{frozen}, Removed: true}, "failure", "Removed from queue - Frozen until Mon 4 Jan 2027", " (PR 482)"},
		"not read":         {GroupView{Pulls: []Sibling{{Number: 7}}}, "failure", "Waiting for another PR", " (PR 7)"},
		"for its content":  {GroupView{Pulls: []Sibling{ready}, Why: "something else would be merged"}, "failure", "Cannot pass: something else would be merged", ""},
		"in shadow mode":   {GroupView{Pulls: []Sibling{{Number: 2, State: rules.Shadow, Title: "[Shadow] Would block: x"}}, Shadow: true}, "neutral", "[Shadow] Would block", " (PR 2)"},
		"of hostile words": {GroupView{Pulls: []Sibling{hostile}}, "failure", "<img src=x> @everyone U+202E", " (PR 3)"},
	} {
		v := c.view
		v.Base, v.Head, v.At, v.DetailsURL, v.Record = "main", "0123456789", time.Unix(1_800_000_000, 0), "https://cg.example/r", 5
		r := RenderGroup(v)
		if r.Status != "completed" || r.Conclusion != c.conclusion || r.Name != "changegate: main" || r.Head != v.Head || r.ExternalID != "5" {
			t.Errorf("%s: %s %s %q on %s", name, r.Status, r.Conclusion, r.Name, r.Head)
		}
		if title := r.Output.Title; !strings.HasPrefix(title, c.title) || !strings.HasSuffix(title, c.end) || utf8.RuneCountInString(title) > maxTitle {
			t.Errorf("%s: title %q, want %q…%q", name, title, c.title, c.end)
		}
		if strings.Contains(r.Output.Summary, "\u202e") || strings.Contains(strings.ReplaceAll(r.Output.Summary, "`` <img src=x> @everyone U+202E \\| `a` ``", ""), "<img") {
			t.Errorf("%s: the summary has markup of others:\n%s", name, r.Output.Summary)
		}
	}
}
