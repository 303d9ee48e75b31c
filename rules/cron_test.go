package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	"pgregory.net/rapid"
)

// recurring is a policy with one freeze, in the form a problem's fix is pasted into.
func recurring(start, lasts, zone string) string {
	return prompts + fmt.Sprintf("freezes:\n- name: x\n  start: %q\n  lasts: %s\n  timezone: %s\n", start, lasts, zone)
}

func TestStartsInClockChanges(t *testing.T) {
	t.Parallel()
	const forward, back = " does not exist (clocks are set forward)", " happens twice (clocks are set back)"
	for _, tt := range []struct{ start, zone, at, what, fix string }{
		{"30 2 * * *", "Europe/Berlin", "2026-03-29 02:30", forward, "30 3 * * *"},
		{"0 2 * * 0", "Europe/Berlin", "2026-03-29 02:00", forward, "0 3 * * 0"},
		{"0 2 * 10 SUN", "Europe/Berlin", "2026-10-25 02:00", back, "0 3 * 10 SUN"},
		{"59 2 28 3 *", "Europe/Berlin", "2027-03-28 02:59", forward, "59 3 28 3 *"},
		{"0 * * * *", "Europe/Berlin", "2026-03-29 02:00", forward, "0 0-1,3-23 * * *"},
		{"30 1-3 * * *", "America/New_York", "2026-03-08 02:30", forward, "30 3 * * *"},
		{"30 1 1 11 *", "America/New_York", "2026-11-01 01:30", back, "30 2 1 11 *"},
		{"0 1 * * *", "Europe/Dublin", "2026-03-29 01:00", forward, "0 2 * * *"},
		{"45 1 * 4 0", "Australia/Lord_Howe", "2026-04-05 01:45", back, "45 2 * 4 0"},
		{"15 2 * 10 0", "Australia/Lord_Howe", "2026-10-04 02:15", forward, "15 3 * 10 0"},
		{"0 0 * * *", "Africa/Cairo", "2026-04-24 00:00", forward, "0 1 * * *"},
		{"0 23 * * *", "Africa/Cairo", "2026-10-29 23:00", back, "0 22 * * *"},
		{"30 2 * 2,3 *", "Africa/Casablanca", "2026-02-15 02:30", back, "30 3 * 2,3 *"},
		{"0 0 * * 0", "America/Santiago", "2026-09-06 00:00", forward, "0 1 * * 0"},
	} {
		p, problems := ParsePolicy([]byte(recurring(tt.start, "30m", tt.zone)))
		want := "freezes[0].start is `" + tt.start + "`, and `" + tt.at + " " + tt.zone + "`" + tt.what
		if p != nil || len(problems) != 1 || problems[0].Says != want || problems[0].Code != CodeTime || problems[0].Line != 10 {
			t.Errorf("%s in %s:\n got %v\nwant %s", tt.start, tt.zone, problems, want)
			continue
		}
		if !strings.HasPrefix(problems[0].Fix, "`"+tt.fix+"`, ") {
			t.Errorf("%s in %s: %s", tt.start, tt.zone, problems[0].Fix)
		}
		parse(t, recurring(tt.fix, "30m", tt.zone))
		parse(t, recurring(tt.start, "30m", "UTC"))
	}
	for start, zones := range map[string]string{
		"30 2 * * *":   "UTC Etc/GMT+5 Asia/Kolkata Asia/Kathmandu America/Phoenix Africa/Cairo",
		"0 3 * * *":    "Europe/Berlin America/New_York",
		"59 1 * * *":   "Europe/Berlin",
		"0 2 * 5-9 *":  "Europe/Berlin America/New_York",
		"0 2 1-24 3 *": "Europe/Berlin",
		"15 1 * 4 0":   "Australia/Lord_Howe",
		"30 2 * * 1-5": "Europe/Berlin America/New_York",
	} {
		for _, zone := range strings.Fields(zones) {
			parse(t, recurring(start, "30m", zone))
		}
	}
}

// A cron line is read the same at every hour: its entries are looked at one by one.
func TestCronLines(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"0 18 * * 5", "*/15 * 1 1 *", "0 18 * * FRI", "0 18 L * *", "0 18 15W * *", "0 18 * * 5#2", "0 0-6/2,18 * jan-mar 1,3", "0 18 29 2 *", "5/20 18 * * ?"} {
		if !fires(good) {
			t.Errorf("%s is refused", good)
		}
	}
	for _, bad := range []string{"", "* * * *", "0 18 * * 5 2026", "0 0 18 * * 5", "@daily", "60 18 * * *", "0,60 18 * * *", "0 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24 * * *",
		"0 24 * * *", "0 18 0 * *", "0 18 32 * *", "0 18 30 2 *", "0 18 31 4,6,9,11 *", "0 18 * 13 *", "0 18 * * 8", "0 18 * * 5,", "0 18 * * 5-", "0 18 * * 5-1", "0 1-2-3 * * *", "0 0/5/7 * * *", "*/0 * * * *",
		"99/5 18 * * *", "0 18 * * 5\u00a0", "0 18 * * XYZ", "-1 18 * * *", "0 1,1" + strings.Repeat(",1", 300) + " * * *"} {
		if fires(bad) {
			t.Errorf("%s is taken", bad)
		}
	}
}

// What is taken begins at wall clocks that happen once, whatever is refused does not
// on the day that is named, and the start that is suggested instead is taken.
func TestStartsProperties(t *testing.T) {
	t.Parallel()
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(append(zones, zoneFor("America/Santiago"), zoneFor("Asia/Kolkata"))).Draw(t, "zone")
		start := fmt.Sprintf("%s %s %s %s %s", pick(t, "minute", "0", "30", "0,45", "*/20"), pick(t, "hour", "0", "1", "2", "2", "23", "1,2", "22-23", "*", "*/2"),
			pick(t, "day", "*", "25-31", "1-8"), pick(t, "month", "*", "*", "3", "10,11", "4"), pick(t, "weekday", "*", "*", "0"))
		once := func(wall time.Time) bool {
			_, wrong, _ := ParseTime(wall.Format("2006-01-02 15:04 ")+loc.String(), nil)
			return wrong == ""
		}
		begins := func(start string, wall time.Time) bool {
			on, err := gronx.New().IsDue(start, wall)
			return err == nil && on
		}
		p, problems := ParsePolicy([]byte(recurring(start, "10m", loc.String())))
		if p == nil {
			refused++
			says, fix := span.FindAllStringSubmatch(problems[0].Says, -1), span.FindStringSubmatch(problems[0].Fix)
			at, err := time.Parse("2006-01-02 15:04", strings.TrimSuffix(says[1][1], " "+loc.String()))
			if err != nil || !begins(start, at) || once(at) {
				t.Fatalf("%s in %s: %s", start, loc, problems[0].Says)
			}
			start = fix[1]
			if _, problems := ParsePolicy([]byte(recurring(start, "10m", loc.String()))); problems != nil {
				t.Fatalf("%s in %s is suggested: %v", start, loc, problems)
			}
		}
		for day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2029; day = day.AddDate(0, 0, 1) {
			if _, before := day.In(loc).Zone(); before == offsetOf(day.AddDate(0, 0, 1), loc) {
				continue
			}
			for wall := day.Add(-15 * time.Hour); wall.Before(day.Add(39 * time.Hour)); wall = wall.Add(5 * time.Minute) {
				if begins(start, wall) && !once(wall) {
					t.Fatalf("%s in %s is taken, and begins at %v", start, loc, wall)
				}
			}
		}
	})
	if refused < 4 {
		t.Errorf("%d were refused", refused)
	}
}

func offsetOf(t time.Time, loc *time.Location) int {
	_, offset := t.In(loc).Zone()
	return offset
}
