package rules

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestEffectiveDate(t *testing.T) {
	t.Parallel()
	at := func(text string) func(*Change) { return asks(request + "  effective_at: " + text + "\n") }
	for _, tt := range []struct {
		name, rule string
		ask        func(*Change)
		state      State
		title      string
		code       string
		next       string
	}{
		{"none, optional", "optional", asks(request), Ready, "Ready - 1 approval, rollback to v1, effective on merge", "", ""},
		{"none, required", "required", asks(request), Author, "Author: add an effective date", CodeEffectiveDate, ""},
		{"on merge", "required", at("on-merge"), Ready, "Ready - 1 approval, rollback to v1, effective on merge", "", ""},
		{"ahead", "required", at("2026-11-30 09:00 Europe/Berlin"), Scheduled, "Scheduled - effective Mon 30 Nov 2026 08:00 UTC", CodeScheduled, "2026-11-30T08:00:00Z"},
		{"now", "required", at("2026-11-24T12:00Z"), Ready, "Ready - 1 approval, rollback to v1, effective 2026-11-24 12:00 UTC", "", ""},
		{"past since, declared before", "required", at("2026-11-23T00:00Z"), Ready, "Ready…", "", ""},
		{"past when declared", "required", at("2026-11-22T11:59Z"), Author, "Author: set a later effective date", CodeBackdated, ""},
		{"at the instant it was declared", "required", at("2026-11-22T12:00Z"), Ready, "Ready…", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := parse(t, prompts+"    effective_at: "+tt.rule+"\n").Decide(change(tt.ask, reviewed(review(rev1))), noon)
			want(t, v, tt.state, tt.title)
			if f := ruled(v, RuleEffectiveDate); f.Code != tt.code || (f.Code != "") != (f.Fix != "") {
				t.Errorf("%+v", f)
			}
			if next := written3339(v.Next); next != tt.next {
				t.Errorf("next is %s, want %s", next, tt.next)
			}
		})
	}
}

func written3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func TestNotice(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    notice: 72h\n")
	approvedAt := noon.Add(-24 * time.Hour) // so that the notice ends on the 26th at noon
	for _, tt := range []struct {
		name, at string
		now      time.Time
		state    State
		title    string
		says     string
	}{
		{"on merge, running", "on-merge", noon, Scheduled, "Scheduled - effective Thu 26 Nov 2026 12:00 UTC", "72 hours of notice after the last approval end Thu 2026-11-26 12:00 UTC"},
		{"on merge, over", "on-merge", noon.Add(48 * time.Hour), Ready, "Ready…", "72 hours of notice after the last approval end Thu 2026-11-26 12:00 UTC"},
		{"none declared, running", "", noon, Scheduled, "Scheduled…", "72 hours of notice after the last approval end Thu 2026-11-26 12:00 UTC"},
		{"long enough", "2026-11-26T12:00Z", noon, Scheduled, "Scheduled…", "72 hours of notice after the last approval end Thu 2026-11-26 12:00 UTC"},
		{"too short", "2026-11-26T11:59Z", noon, Author, "Author: set a later effective date", "72 hours of notice after the last approval end Thu 2026-11-26 12:00 UTC, after effective_at Thu 2026-11-26 11:59 UTC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := change(asks(request+"  effective_at: "+tt.at+"\n"), reviewed(review(rev1, on(approvedAt))))
			v := p.Decide(c, tt.now)
			want(t, v, tt.state, tt.title)
			f := ruled(v, RuleNotice)
			same(t, f.Says, tt.says)
			if f.Code == CodeNotice {
				same(t, f.Fix, "write `effective_at: 2026-11-29T12:00Z` or later and have it approved again by Thu 2026-11-26 12:00 UTC; or write `effective_at: on-merge` and have it approved again: the notice then runs from the approval")
			}
		})
	}
	c := change(asks(request + "  effective_at: 2026-11-25T00:00Z\n"))
	if f := ruled(p.Decide(c, noon), RuleNotice); f.Says != "" {
		t.Errorf("speaks while approvals are missing: %s", f.Says)
	}
	// The time runs from the approval that completed the rule, not from a later one.
	two := parse(t, prompts+"    notice: 90m\n    approvals: [{count: 2}]\n")
	c = change(reviewed(review(rev1, on(noon.Add(-3*time.Hour))), review(rev2, on(noon.Add(-time.Hour))), review(rev3, on(noon))))
	if f := ruled(two.Decide(c, noon), RuleNotice); f.Until != noon.Add(30*time.Minute) || !strings.HasPrefix(f.Says, "90 minutes") {
		t.Errorf("%v %s", f.Until, f.Says)
	}
}

// Two groups that wait for two instants are ready at the later one.
func TestScheduledTitle(t *testing.T) {
	t.Parallel()
	p := parse(t, strings.Replace(prompts, "mode: enforce", "mode: enforce\ntimezone: Europe/Berlin", 1)+
		"    notice: 48h\n  - {name: all, kind: other, paths: ['**'], notice: 96h}\n")
	v := p.Decide(change(reviewed(review(rev1, on(noon)))), noon)
	want(t, v, Scheduled, "Scheduled - effective Sat 28 Nov 2026 13:00 Europe/Berlin (12:00 UTC)")
	if v.Next != noon.Add(48*time.Hour) {
		t.Errorf("next is %v", v.Next)
	}
}

// A title has the local time, its zone and UTC in 80 characters, whatever the zone.
func TestScheduledTitleFitsEveryZone(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{
		"Europe/Berlin":                    "Scheduled - effective Wed 30 Dec 2026 23:30 Europe/Berlin (22:30 UTC)",
		"Asia/Kolkata":                     "Scheduled - effective Thu 31 Dec 2026 04:00 Asia/Kolkata (2026-12-30 22:30 UTC)",
		"America/Argentina/ComodRivadavia": "Scheduled - effective Wed 30 Dec 2026 19:30 -03 (22:30 UTC)",
		"Australia/Broken_Hill":            "Scheduled - effective Thu 31 Dec 2026 09:00 ACDT (2026-12-30 22:30 UTC)",
	} {
		p := parse(t, strings.Replace(prompts, "mode: enforce", "mode: enforce\ntimezone: "+zone, 1))
		v := p.Decide(change(asks(request+"  effective_at: 2026-12-30T22:30Z\n"), reviewed(review(rev1))), noon)
		if v.Title != want || utf8.RuneCountInString(v.Title) > 80 {
			t.Errorf("%s: %q, want %q", zone, v.Title, want)
		}
	}
}

var aDate = regexp.MustCompile("`effective_at: ([^`]*)`")

// What a finding about a date tells the author to write works when it is written and
// approved, up to the last instant the finding names and not after it.
func TestDateFixesWorkWhenPasted(t *testing.T) {
	t.Parallel()
	p := parse(t, strings.Replace(prompts, "mode: enforce", "mode: enforce\ntimezone: Europe/Berlin", 1)+"    notice: 72h\n    effective_at: required\n")
	approvedAt := noon.Add(-24*time.Hour + 5*time.Second)
	due := approvedAt.Add(72 * time.Hour)
	for _, tt := range []struct {
		name, at     string
		since, now   time.Time
		code         string
		dates        int
		again        time.Time // when the author's edit is approved
		afterwards   State
		afterwardsOn State // with on-merge
	}{
		{"too short, approved at once", "2026-11-25T00:00Z", noon.Add(-48 * time.Hour), noon, CodeNotice, 2, noon, Scheduled, Scheduled},
		{"too short, approved in the last instant", "2026-11-25T00:00Z", noon.Add(-48 * time.Hour), noon, CodeNotice, 2, due, Scheduled, Scheduled},
		{"too short, approved too late", "2026-11-25T00:00Z", noon.Add(-48 * time.Hour), noon, CodeNotice, 2, due.Add(time.Second), Author, Scheduled},
		{"too short, looked at too late", "2026-11-25T00:00Z", noon.Add(-48 * time.Hour), due, CodeNotice, 1, due.Add(1000 * time.Hour), "", Scheduled},
		{"backdated", "2026-11-20T00:00Z", noon.Add(-48 * time.Hour), noon, CodeBackdated, 1, noon, "", Scheduled},
		{"none", "", noon.Add(-48 * time.Hour), noon, CodeEffectiveDate, 1, noon, "", Scheduled},
	} {
		asked := func(date string) func(*Change) { return asks(request + "  effective_at: " + date + "\n") }
		c := change(asked(tt.at), reviewed(review(rev1, on(approvedAt))), func(c *Change) { c.RequestSince = tt.since })
		v := p.Decide(c, tt.now)
		i := slices.IndexFunc(v.Findings, func(f Finding) bool { return f.Code == tt.code })
		if i < 0 {
			t.Errorf("%s: %s", tt.name, sayings(v))
			continue
		}
		dates := aDate.FindAllStringSubmatch(v.Findings[i].Fix, -1)
		if tt.code == CodeEffectiveDate {
			dates = [][]string{{"", onMergeIn(v.Findings[i].Fix)}}
		}
		if len(dates) != tt.dates {
			t.Errorf("%s: %s", tt.name, v.Findings[i].Fix)
			continue
		}
		for _, d := range dates {
			want := tt.afterwards
			if d[1] == OnMerge {
				want = tt.afterwardsOn
			}
			c := change(asked(d[1]), reviewed(review(rev1, on(tt.again))), func(c *Change) { c.RequestSince = tt.now })
			if got := p.Decide(c, tt.again); got.State != want {
				t.Errorf("%s, %s: %s, not %s", tt.name, d[1], got.Title, want)
			}
		}
	}
}

// onMergeIn is the value in the lines to be added.
func onMergeIn(fix string) string {
	_, rest, _ := strings.Cut(fix, "effective_at: ")
	return strings.Split(rest, "\n")[0]
}
