package checks

import (
	"strings"
	"testing"
	"time"

	"changegate/rules"
)

// timedSituations are those of the clock and of emergencies, judged by a real policy.
func timedSituations() map[string]View {
	const onMerge = "effective_at: on-merge"
	first := Scheduled{479, time.Date(2026, 11, 29, 8, 0, 0, 0, time.UTC), []string{"prompts/refund.md"}}
	glass := func(edit func(*rules.Exception)) func(*rules.Change) {
		return func(c *rules.Change) {
			x := broken(at)
			if edit != nil {
				edit(&x)
			}
			c.Exceptions = []rules.Exception{x}
		}
	}
	waived := func(c *rules.Change) {
		withApproval(c)
		c.Exceptions = []rules.Exception{{Number: 18, Kind: rules.KindWaiver, By: mgr1, As: "@acme/change-managers", At: dec24, Head: head, Base: "main",
			Reason: "The refund prompt answers in the wrong language", Expires: time.Date(2027, 1, 4, 5, 0, 0, 0, time.UTC),
			Due: dec24.Add(24 * time.Hour), Freezes: []string{"year-end"}}}
	}
	held := func(c *rules.Change) {
		withApproval(c)
		c.Holds = []rules.Hold{{By: rev1.By, As: "@acme/ai-safety", At: at.Add(-time.Hour), Reason: "Legal has to see <b>this</b> first, @octocat"}}
	}
	out := map[string]View{
		"scheduled":           timed(at, effective30, withApproval),
		"scheduled-also":      timed(at, effective30, withApproval),
		"scheduled-file":      timed(at, effective30, func(c *rules.Change) { c.Requests[0].Path = ".changes/refund.yml"; withApproval(c) }),
		"scheduled-in-freeze": timed(at, "effective_at: 2026-12-28T09:00+01:00", withApproval),
		"frozen":              timed(dec24, onMerge, withApproval),
		"frozen-waived":       timed(dec24.Add(time.Minute), onMerge, waived),
		"ready-late":          timed(at, "effective_at: 2026-11-23T10:00+01:00", func(c *rules.Change) { c.RequestSince = at.Add(-72 * time.Hour); withApproval(c) }),
		"break-glass":         timed(at.Add(time.Minute), effective30, glass(nil)),
		"break-glass-ended":   timed(at.Add(2*time.Hour), effective30, glass(nil)),
		"break-glass-acked": timed(at.Add(50*time.Minute), effective30, glass(func(x *rules.Exception) {
			x.Closed = &rules.Closing{By: mgr1, As: "@acme/change-managers", At: at.Add(40 * time.Minute), Outcome: "The limit is right again"}
		})),
		"overdue": timed(at.Add(25*time.Hour), effective30, glass(nil)),
		"held":    timed(at, effective30, held),
	}
	v := out["scheduled-also"]
	v.Also = []Scheduled{first, {490, time.Date(2026, 12, 2, 8, 0, 0, 0, time.UTC), []string{"prompts/refund.md"}}}
	out["scheduled-also"] = v
	return out
}

// Only doors that the policy has are shown: a command that will be refused costs
// time in an emergency.
func TestWaysOutAreThoseOfThePolicy(t *testing.T) {
	t.Parallel()
	const glassLess = "break_glass:"
	policy, _, _ := strings.Cut(timedPolicy, glassLess)
	floor := &rules.PolicyText{Path: PolicyPath, Data: []byte("version: 1\ngoverned: [{name: tools, kind: other, paths: [\"tools/**\"]}]\nfreezes:\n  - {name: audit, from: 2026-12-01T00:00Z, until: 2027-01-10T00:00Z}\n")}
	for name, tt := range map[string]struct {
		policy       string
		floor        *rules.PolicyText
		path         string
		waive, glass bool
	}{
		"both":                       {timedPolicy, nil, "prompts/refund.md", true, true},
		"no break_glass":             {policy, nil, "prompts/refund.md", false, false},
		"a freeze of the floor":      {timedPolicy, floor, "prompts/refund.md", false, false},
		"the policy file is changed": {timedPolicy, nil, PolicyPath, false, false},
	} {
		v := timed(dec24, "effective_at: on-merge", func(c *rules.Change) {
			c.Files[0].Path, c.Floor = tt.path, tt.floor
			withApproval(c)
			c.Reviews[0].Permission = "maintain"
			if tt.path == PolicyPath {
				c.NewPolicy = &rules.PolicyText{Path: PolicyPath, Data: []byte(tt.policy)}
			}
		})
		v = judgedBy(v, tt.policy, dec24)
		got := Render(v).Output.Summary
		if v.Verdict.State != rules.Frozen {
			t.Fatalf("%s: %s, %q", name, v.Verdict.State, v.Verdict.Title)
		}
		if strings.Contains(got, "/change waive freeze reason: ") != tt.waive || strings.Contains(got, "/change break-glass reason: ") != tt.glass {
			t.Errorf("%s:\n%s", name, got)
		}
		if got := strings.Contains(Sticky(v), "/change waive"); got != (tt.policy == timedPolicy) {
			t.Errorf("%s: the sticky comment lists waive: %v", name, got)
		}
		if tt.floor != nil && !strings.Contains(got, "| `org/audit` | ") {
			t.Errorf("%s: the freeze is not shown as the organisation's:\n%s", name, got)
		}
	}
}

// A change that is let through by nothing but the clock says when, and that is the
// truth: a minute before it blocks, and then it does not.
func TestOpensWhenItSays(t *testing.T) {
	t.Parallel()
	for _, line := range []string{effective30, "effective_at: 2026-12-28T09:00+01:00", "effective_at: 2027-01-04T06:00+01:00", "effective_at: 2026-12-23T18:00+01:00"} {
		v := timed(at, line, withApproval)
		shown := opens(v)
		_, after, _ := strings.Cut(shown, "itself at **")
		local, _, _ := strings.Cut(after, " Europe/Berlin")
		when, err := time.ParseInLocation("Mon 2006-01-02 15:04", local, berlin)
		if err != nil {
			t.Fatalf("%q: %v", shown, err)
		}
		before, then := timed(when.Add(-time.Minute), line, withApproval), timed(when, line, withApproval)
		if !before.Verdict.State.Blocks() || then.Verdict.State != rules.Ready {
			t.Errorf("%s: %q, but it is %s before and %s then", line, shown, before.Verdict.State, then.Verdict.State)
		}
	}
}

func TestAlsoScheduledSaysWhoGoesFirst(t *testing.T) {
	t.Parallel()
	other := []Scheduled{{479, time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC), []string{"prompts/a.md", "prompts/`b`.md"}}}
	for line, want := range map[string]string{
		"effective_at: 2026-12-02T09:00+01:00": "merge PR 479 first",
		"effective_at: 2026-11-30T09:00+01:00": "merge this one first",
		"effective_at: on-merge":               "merge this one first",
	} {
		v := timed(at, line, withApproval)
		v.Also = other
		if got := Render(v).Output.Summary; !strings.Contains(got, want) || !strings.Contains(got, "PR 479 changes `prompts/a.md`, ``prompts/`b`.md`` too and is effective Tue 2026-12-01 09:00") {
			t.Errorf("%s, want %q in:\n%s", line, want, got)
		}
	}
}

// The button does what the author is asked to do, so it is there when the description
// is where to do it.
func TestAddTemplate(t *testing.T) {
	t.Parallel()
	missing := func(path string) View {
		return timed(at, "ticket: X-1", func(c *rules.Change) {
			c.Requests[0] = rules.RequestText{Path: path, Line: 1, Text: "change:\n  why: x\n"}
		})
	}
	shadow := judgedBy(missing(""), strings.Replace(timedPolicy, "enforce", "shadow", 1), at)
	bare := timed(at, "", func(c *rules.Change) { c.Requests = nil })
	for name, tt := range map[string]struct {
		v    View
		want bool
	}{
		"no rollback plan": {missing(""), true},
		"in a file":        {missing(".changes/x.yml"), false},
		"none at all":      {bare, true},
		"shadow mode":      {shadow, true},
		"nothing missing":  {timed(at, effective30, withApproval), false},
	} {
		got := false
		r := Render(tt.v)
		for _, a := range r.Actions {
			got = got || a.ID == PressTemplate
		}
		if got != tt.want || strings.Contains(r.Output.Summary, "**Add template**") != tt.want {
			t.Errorf("%s: button %v, want %v in %s:\n%s", name, got, tt.want, r.Status, r.Output.Summary)
		}
	}
}

func TestSpell(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 min", 59 * time.Minute: "59 min", time.Hour: "1 h", 3*time.Hour + 12*time.Minute: "3 h 12 min",
		24 * time.Hour: "1 day", 48*time.Hour + 30*time.Minute: "2 days", 6*24*time.Hour + 18*time.Hour: "6 days 18 h",
	} {
		if got := spell(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
