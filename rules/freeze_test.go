package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func frozenBy(t *testing.T, lines ...string) *Policy {
	t.Helper()
	return parse(t, strings.Replace(prompts, "mode: enforce", "mode: enforce\ntimezone: Europe/Berlin", 1)+"freezes:\n  - {"+strings.Join(lines, "}\n  - {")+"}\n")
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	const yearEnd = "name: year-end, reason: reduced on-call, from: 2026-12-23T18:00+01:00, until: 2027-01-04T06:00+01:00"
	const weekend = `name: weekend, start: "0 18 * * 5", lasts: 62h`
	for _, tt := range []struct {
		name    string
		freezes []string
		now     string
		title   string
		says    string
		next    string
	}{
		{"ahead", opts2(yearEnd), "2026-11-24T12:00Z", "Ready…", "none active; next `year-end` from Wed 2026-12-23 18:00 Europe/Berlin (17:00 UTC)", "2026-12-23T17:00:00Z"},
		{"a second before", opts2(yearEnd), "2026-12-23T16:59:59Z", "Ready…", "none active; next `year-end` from Wed 2026-12-23 18:00 Europe/Berlin (17:00 UTC)", "2026-12-23T17:00:00Z"},
		{"its first instant", opts2(yearEnd), "2026-12-23T17:00:00Z", "Frozen until Mon 4 Jan 2027 06:00 Europe/Berlin - year-end", "freeze `year-end` (`reduced on-call`) until Mon 2027-01-04 06:00 Europe/Berlin (05:00 UTC)", "2027-01-04T05:00:00Z"},
		{"its last second", opts2(yearEnd), "2027-01-04T04:59:59Z", "Frozen until Mon 4 Jan 2027 06:00 Europe/Berlin - year-end", "freeze `year-end` (`reduced on-call`) until Mon 2027-01-04 06:00 Europe/Berlin (05:00 UTC)", "2027-01-04T05:00:00Z"},
		{"over", opts2(yearEnd), "2027-01-04T05:00:00Z", "Ready…", "none ahead", ""},
		{"recurring, ahead", opts2(weekend), "2026-11-24T12:00Z", "Ready…", "none active; next `weekend` from Fri 2026-11-27 18:00 Europe/Berlin (17:00 UTC)", "2026-11-27T17:00:00Z"},
		{"recurring, first instant", opts2(weekend), "2026-11-27T17:00Z", "Frozen until Mon 30 Nov 2026 08:00 Europe/Berlin - weekend", "freeze `weekend` until Mon 2026-11-30 08:00 Europe/Berlin (07:00 UTC)", "2026-11-30T07:00:00Z"},
		{"recurring, over", opts2(weekend), "2026-11-30T07:00Z", "Ready…", "none active; next `weekend` from Fri 2026-12-04 18:00 Europe/Berlin (17:00 UTC)", "2026-12-04T17:00:00Z"},
		{"in its own zone", opts2(weekend + ", timezone: America/New_York"), "2026-11-27T22:59Z", "Ready…", "none active; next `weekend` from Sat 2026-11-28 00:00 Europe/Berlin (2026-11-27 23:00 UTC)", "2026-11-27T23:00:00Z"},
		{"other group", opts2(weekend + ", governs: [changegate]"), "2026-11-28T17:00Z", "Ready…", "none ahead", ""},
		{"this group", opts2(weekend + ", governs: [prompts]"), "2026-11-28T17:00Z", "Frozen until Mon 30 Nov…", "freeze `weekend` until Mon 2026-11-30 08:00 Europe/Berlin (07:00 UTC)", "2026-11-30T07:00:00Z"},
		{"two, until the later", opts2(yearEnd, weekend), "2026-12-26T12:00Z", "Frozen until Mon 4 Jan 2027 06:00 Europe/Berlin - year-end", "freeze `year-end` (`reduced on-call`) until Mon 2027-01-04 06:00 Europe/Berlin (05:00 UTC)", "2026-12-28T07:00:00Z"},
		{"every weekday from evening to evening is one", opts2(`name: days, start: "0 18 * * 1-5", lasts: 24h`), "2026-11-24T18:00Z", "Frozen until Sat 28 Nov 2026 18:00 Europe/Berlin - days", "freeze `days` until Sat 2026-11-28 18:00 Europe/Berlin (17:00 UTC)", "2026-11-28T17:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now, _, _ := ParseTime(tt.now, nil)
			v := frozenBy(t, tt.freezes...).Decide(change(reviewed(review(rev1))), now)
			state := Ready
			if strings.HasPrefix(tt.title, "Frozen") {
				state = Frozen
			}
			want(t, v, state, tt.title)
			if f := ruled(v, RuleFreezeWindow); f.Says != tt.says || (f.Code != "") != (f.Fix != "") {
				t.Errorf("%s: %s", f.Says, f.Fix)
			}
			if next := written3339(v.Next); next != tt.next {
				t.Errorf("next is %s, want %s", next, tt.next)
			}
		})
	}
}

func opts2(ss ...string) []string { return ss }

func TestFreezeProblems(t *testing.T) {
	t.Parallel()
	for freeze, problem := range map[string]string{
		"name: x": "CG402 freezes[0] must be either dated or recurring. Fix: from and until, or start and lasts",
		"name: x, from: 2026-12-23T18:00Z, start: '0 18 * * 5'":                                "CG402 freezes[0] must be either dated or recurring…",
		"from: 2026-12-23T18:00Z, until: 2026-12-24T18:00Z":                                    "CG313 freezes[0].name is missing…",
		"name: x, from: 2026-12-23T18:00Z":                                                     "CG402 freezes[0] has no until, so it would never end. Fix: both from and until",
		"name: x, from:, until: 2026-12-23T18:00Z":                                             "CG402 freezes[0] has no from, so nobody knows when it begins. Fix: both from and until",
		"name: x, from: 2026-12-23T18:00Z, until: 2026-12-23T18:00Z":                           "CG402 freezes[0] ends before it begins. Fix: an until after from",
		"name: x, from: 2026-12-23, until: 2026-12-24T18:00Z":                                  "CG402 freezes[0].from: `2026-12-23` has no time of day, and midnight would be a guess. Fix: `2026-12-23T09:00Z`",
		"name: x, start: '0 18 * * 5'":                                                         "CG402 freezes[0].lasts is missing. Fix: a length such as 62h",
		"name: x, lasts: 1h":                                                                   "CG402 freezes[0].start is missing…",
		"name: x, start: '0 18 * * 5', lasts: 0h":                                              "CG402 freezes[0].lasts is `0h`…",
		"name: x, start: '0 18 31 2 *', lasts: 1h":                                             "CG402 freezes[0].start is `0 18 31 2 *`, which is no cron line or never fires…",
		"name: x, start: '61 18 * * *', lasts: 1h":                                             "CG402 freezes[0].start is `61 18 * * *`, which is no cron line or never fires…",
		"name: x, start: '0 0 18 * * 5', lasts: 1h":                                            "CG402 freezes[0].start is `0 0 18 * * 5`…",
		"name: x, start: '@daily', lasts: 1h":                                                  "CG402 freezes[0].start is `@daily`…",
		"name: x, start: '0 18 * * *', lasts: 24h":                                             "CG402 freezes[0] lasts 24 hours and begins again before it ends, so it would never end. Fix: a shorter lasts",
		"name: x, start: '0 18 * * 5', lasts: 1h, timezone: Mars/Base":                         "CG402 freezes[0].timezone: time zone `Mars/Base` is unknown…",
		"name: x, start: '0 18 * * 5', lasts: 1h, governs: [promts]":                           "CG313 freezes[0].governs[0] names no group: `promts`. Fix: `prompts`",
		"name: x, start: '0 18 * * 5', lasts: 1h, governs: [zzzzzz]":                           "CG313 freezes[0].governs[0] names no group: `zzzzzz`. Fix: one of changegate, prompts",
		"name: x, start: '0 18 * * 5', lasts: 1h, governs: []":                                 "CG315 freezes[0].governs is empty. Fix: at least one group, or leave the key out for all",
		"name: x, start: '0 18 * * 5', lasts: 1h}\n- {name: x, start: '0 18 * * 5', lasts: 1h": "CG312 freeze `x` stands on line 9 already. Fix: a name of its own",
	} {
		p, problems := ParsePolicy([]byte(prompts + "freezes:\n- {" + freeze + "}\n"))
		_, got, _ := strings.Cut(problems.Error(), " ")
		begin, open := strings.CutSuffix(problem, "…")
		if p != nil || got != problem && !(open && strings.HasPrefix(got, begin)) || len(problems) != 1 {
			t.Errorf("%s\n got %s\nwant %s", freeze, got, problem)
		}
	}
}

// Windows against a plain reading of the clock on the wall, quarter by
// quarter of an hour, through a whole year with both clock changes.
func TestWindowsOfAYear(t *testing.T) {
	t.Parallel()
	for _, loc := range []*time.Location{time.UTC, berlin, zoneFor("America/New_York"), zoneFor("Australia/Lord_Howe")} {
		for start, fires := range map[string]func(time.Time) bool{
			"0 18 * * 5":  func(w time.Time) bool { return w.Hour() == 18 && w.Minute() == 0 && w.Weekday() == time.Friday },
			"30 9 1 * *":  func(w time.Time) bool { return w.Hour() == 9 && w.Minute() == 30 && w.Day() == 1 },
			"0 0 24 12 *": func(w time.Time) bool { return w.Hour() == 0 && w.Minute() == 0 && w.Day() == 24 && w.Month() == 12 },
			"15 4 * 3 0": func(w time.Time) bool {
				return w.Hour() == 4 && w.Minute() == 15 && w.Month() == 3 && w.Weekday() == time.Sunday
			},
		} {
			f := &Freeze{Start: start, Lasts: 62 * time.Hour, Zone: loc}
			var frozenUntil time.Time
			for now := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC); now.Year() < 2027; now = now.Add(15 * time.Minute) {
				here := now.In(loc)
				if fires(here) {
					frozenUntil = now.Add(f.Lasts)
				}
				if now.Year() == 2025 || !fires(here) && (here.Minute() != 45 || here.Hour()%5 != 0) { // every one would take a minute
					continue
				}
				w, ok := f.window(now)
				in := ok && !now.Before(w.from) && now.Before(w.until)
				if in != now.Before(frozenUntil) || in && !w.until.Equal(frozenUntil) {
					t.Fatalf("%s in %s at %v: %v..%v, want until %v", start, loc, here, w.from, w.until, frozenUntil)
				}
			}
		}
	}
}

// A chain of windows longer than is followed is reported up to the next start.
func TestLongChain(t *testing.T) {
	t.Parallel()
	p := frozenBy(t, `name: winter, start: "0 0 * 1,7,8 *", lasts: 24h, timezone: UTC`)
	now := time.Date(2027, 7, 1, 12, 0, 0, 0, time.UTC)
	for end := time.Date(2027, 9, 1, 0, 0, 0, 0, time.UTC); now.Before(end); {
		v := p.Decide(change(reviewed(review(rev1))), now)
		if v.State != Frozen || !v.Next.After(now) || v.Next.After(end) {
			t.Fatalf("%v: %s, next %v", now, v.Title, v.Next)
		}
		now = v.Next
	}
	if v := p.Decide(change(reviewed(review(rev1))), now); v.State != Ready {
		t.Error(fmt.Sprint(now, v.Title))
	}
}
