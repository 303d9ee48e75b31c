package rules

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Both days of both years on which clocks change: the hour that is skipped, the one
// that comes twice, and the minutes beside them. want is the instant, or what is
// refused with which instants instead.
func TestParseTimeOnClockChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone, wall string
		want       []string
	}{
		{"Europe/Berlin", "2026-03-29 01:59", []string{"2026-03-29T00:59:00Z"}},
		{"Europe/Berlin", "2026-03-29 02:00", []string{"skipped", "2026-03-29T01:00:00Z"}},
		{"Europe/Berlin", "2026-03-29 02:59", []string{"skipped", "2026-03-29T01:59:00Z"}},
		{"Europe/Berlin", "2026-03-29 03:00", []string{"2026-03-29T01:00:00Z"}},
		{"Europe/Berlin", "2026-10-25 01:59", []string{"2026-10-24T23:59:00Z"}},
		{"Europe/Berlin", "2026-10-25 02:00", []string{"twice", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"}},
		{"Europe/Berlin", "2026-10-25 02:59", []string{"twice", "2026-10-25T00:59:00Z", "2026-10-25T01:59:00Z"}},
		{"Europe/Berlin", "2026-10-25 03:00", []string{"2026-10-25T02:00:00Z"}},
		{"Europe/Berlin", "2027-03-28 02:30", []string{"skipped", "2027-03-28T01:30:00Z"}},
		{"Europe/Berlin", "2027-03-29 02:30", []string{"2027-03-29T00:30:00Z"}},
		{"Europe/Berlin", "2027-10-31 02:30", []string{"twice", "2027-10-31T00:30:00Z", "2027-10-31T01:30:00Z"}},
		{"America/New_York", "2026-03-08 01:59", []string{"2026-03-08T06:59:00Z"}},
		{"America/New_York", "2026-03-08 02:00", []string{"skipped", "2026-03-08T07:00:00Z"}},
		{"America/New_York", "2026-03-08 03:00", []string{"2026-03-08T07:00:00Z"}},
		{"America/New_York", "2026-11-01 00:59", []string{"2026-11-01T04:59:00Z"}},
		{"America/New_York", "2026-11-01 01:00", []string{"twice", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"}},
		{"America/New_York", "2026-11-01 02:00", []string{"2026-11-01T07:00:00Z"}},
		{"America/New_York", "2027-03-14 02:30", []string{"skipped", "2027-03-14T07:30:00Z"}},
		{"America/New_York", "2027-11-07 01:30", []string{"twice", "2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z"}},
		{"Asia/Kolkata", "2026-03-29 02:30", []string{"2026-03-28T21:00:00Z"}},
		{"Asia/Kolkata", "2026-10-25 02:30", []string{"2026-10-24T21:00:00Z"}},
		{"Asia/Kolkata", "2027-03-14 02:30", []string{"2027-03-13T21:00:00Z"}},
		{"Asia/Kolkata", "2027-11-07 01:30", []string{"2027-11-06T20:00:00Z"}},
		{"Australia/Lord_Howe", "2026-04-05 01:29", []string{"2026-04-04T14:29:00Z"}},
		{"Australia/Lord_Howe", "2026-04-05 01:30", []string{"twice", "2026-04-04T14:30:00Z", "2026-04-04T15:00:00Z"}},
		{"Australia/Lord_Howe", "2026-04-05 02:00", []string{"2026-04-04T15:30:00Z"}},
		{"Australia/Lord_Howe", "2026-10-04 02:00", []string{"skipped", "2026-10-03T15:30:00Z"}},
		{"Australia/Lord_Howe", "2026-10-04 02:29", []string{"skipped", "2026-10-03T15:59:00Z"}},
		{"Australia/Lord_Howe", "2026-10-04 02:30", []string{"2026-10-03T15:30:00Z"}},
		{"Australia/Lord_Howe", "2027-04-04 01:45", []string{"twice", "2027-04-03T14:45:00Z", "2027-04-03T15:15:00Z"}},
		{"Australia/Lord_Howe", "2027-10-03 02:15", []string{"skipped", "2027-10-02T15:45:00Z"}},
	} {
		got, wrong, fix := ParseTime(tt.wall+" "+tt.zone, nil)
		if wrong == "" {
			if len(tt.want) != 1 || got.UTC().Format(time.RFC3339) != tt.want[0] {
				t.Errorf("%s %s is %v, want %v", tt.wall, tt.zone, got, tt.want)
			}
			continue
		}
		means := map[string]string{"skipped": "` does not exist (clocks are set forward)", "twice": "` happens twice (clocks are set back)"}[tt.want[0]]
		if wrong != "`"+tt.wall+" "+tt.zone+means || !got.IsZero() || !slices.Equal(suggested(fix), tt.want[1:]) {
			t.Errorf("%s %s: %s. Fix: %s", tt.wall, tt.zone, wrong, fix)
		}
		for _, m := range span.FindAllStringSubmatch(fix, -1) { // people see their own clock, not another one
			if at, _, _ := ParseTime(m[1], nil); stamp(at, location(tt.zone)) != m[1] {
				t.Errorf("%s is not written as in %s", m[1], tt.zone)
			}
		}
		// Without a zone the policy's holds, and says the same.
		if _, again, same := ParseTime(tt.wall, location(tt.zone)); again != wrong || same != fix {
			t.Errorf("%s without a zone: %s. Fix: %s", tt.wall, again, same)
		}
	}
}

var aSuggestion = regexp.MustCompile("`(\\d{4}-[^`]*)`")

// suggested are the instants that a fix offers; one that is no time is said.
func suggested(fix string) (out []string) {
	for _, m := range aSuggestion.FindAllStringSubmatch(fix, -1) {
		at, wrong, _ := ParseTime(m[1], nil)
		if wrong != "" {
			out = append(out, wrong)
			continue
		}
		out = append(out, at.UTC().Format(time.RFC3339))
	}
	return out
}

// Everything else that people write and that is refused: what is suggested is a time,
// and the one that was most likely meant.
func TestSuggestionsWorkWhenPasted(t *testing.T) {
	t.Parallel()
	const any = "2026-11-30T08:00:00Z" // the example, in one form or in both
	for s, want := range map[string][]string{
		"2026-11-30 09:00":                  {"2026-11-30T08:00:00Z"},
		"2026-11-30T09:00:30":               {"2026-11-30T08:00:30Z"},
		"2026-11-30":                        {"2026-11-30T08:00:00Z"},
		"2026-07-01":                        {"2026-07-01T07:00:00Z"},
		"2026-03-29":                        {"2026-03-29T07:00:00Z"},
		"2026-07-01 09:00 CEST":             {"2026-07-01T07:00:00Z"},
		"2026-11-30 09:00 EST":              {"2026-11-30T08:00:00Z"},
		"2026-11-30 09:00:01 IST":           {"2026-11-30T08:00:01Z"},
		"2026-11-30 09:00 kolkata":          {"2026-11-30T03:30:00Z"},
		"2026-11-30 09:00 America/Newyork":  {"2026-11-30T14:00:00Z"},
		"2026-11-30 09:00 europe/berlin":    {"2026-11-30T08:00:00Z"},
		"2026-11-30T09:00+25:00":            {any},
		"2026-11-30T09:00-24:00":            {any},
		"2026-11-30T09:00+14:30":            {any},
		"2026-12-31T23:59:60Z":              {any},
		"2026-12-31 23:59:60 Europe/Berlin": {any},
		"9999-12-31T23:59Z":                 {any},
		"9999-12-31T23:59:59.999999999Z":    {any},
		"10000-01-01T00:00Z":                {any, any},
		"+10000-01-01T00:00:00Z":            {any, any},
		"99999-01-01":                       {any, any},
		"2026-W48-1":                        {any, any},
		"2026-02-30T09:00Z":                 {any},
		"30.11.2026 09:00":                  {any, any},
		"11/30/2026 9:00 AM":                {any, any},
		"next Monday":                       {any, any},
		"2026-11-30 09:00 UTC+1":            {"2026-11-30T08:00:00Z"},
		"2026-11-30 09:00 GMT":              {"2026-11-30T09:00:00Z"},
	} {
		got, wrong, fix := ParseTime(s, berlin)
		if wrong == "" || !got.IsZero() || !slices.Equal(suggested(fix), want) {
			t.Errorf("%s is %v: %s. Fix: %s (%v)", s, got, wrong, fix, suggested(fix))
		}
	}
	for s, want := range map[string]string{"2026-11-30T08:00:00Z": "2026-11-30T08:00:00Z", "2026-11-30t08:00:00.25z": "2026-11-30T08:00:00.25Z", "2999-12-31T23:59:59Z": "2999-12-31T23:59:59Z", "2000-01-01T00:00+00:00": "2000-01-01T00:00:00Z"} {
		if got, wrong, _ := ParseTime(s, berlin); wrong != "" || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v: %s", s, got, wrong)
		}
	}
}

// parse(format(t)) = t: what is shown to people can be pasted back. The stamp is for
// every instant; the local form is refused only in the hour that comes twice, and
// then offers the instant it was made from.
func TestParseOfFormat(t *testing.T) {
	t.Parallel()
	places := append(slices.Clone(zones), zoneFor("Asia/Kolkata"), zoneFor("America/Santiago"))
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(places).Draw(t, "zone")
		at := time.Unix(rapid.Int64Range(946771200, 32503500000).Draw(t, "at"), rapid.SampledFrom([]int64{0, 0, 1, 123456789, 999999999}).Draw(t, "ns"))
		if rapid.Bool().Draw(t, "near a clock change") {
			for _, back := range setBack(rapid.IntRange(2001, 2100).Draw(t, "year"), loc) {
				at = back.Add(time.Duration(rapid.IntRange(-90, 90).Draw(t, "minutes")) * time.Minute)
			}
		}
		readBack(t, at, loc)
	})
	twice := 0
	for _, loc := range places {
		for _, back := range setBack(2026, loc) {
			for minutes := -90; minutes <= 90; minutes += 15 {
				if readBack(t, back.Add(time.Duration(minutes)*time.Minute), loc) {
					twice++
				}
			}
		}
	}
	if twice == 0 {
		t.Error("no hour comes twice")
	}
}

// setBack are the instants of a year at which the clocks of a zone are set back.
func setBack(year int, loc *time.Location) (all []time.Time) {
	for day := time.Date(year, 1, 0, 0, 0, 0, 0, time.UTC); day.Year() <= year; day = day.AddDate(0, 0, 1) {
		if s, ok := shiftAfter(day, loc); ok && s.back && day.Year() == year {
			all = append(all, s.from.Add(-time.Duration(offsetOf(day, loc))*time.Second))
		}
	}
	return all
}

// readBack shows an instant in both forms, reads it again, and reports whether the local
// one stands for two.
func readBack(t rapid.TB, at time.Time, loc *time.Location) (twice bool) {
	t.Helper()
	if got, wrong, _ := ParseTime(stamp(at, loc), nil); wrong != "" || !got.Equal(at) {
		t.Fatalf("%v is written %s, which is %v %s", at, stamp(at, loc), got, wrong)
	}
	at = at.Truncate(time.Minute)
	shown := strings.TrimPrefix(strings.Split(clock(at, loc), " (")[0], at.In(loc).Format("Mon "))
	got, wrong, fix := ParseTime(shown, nil)
	switch {
	case wrong == "" && got.Equal(at):
		return false
	case strings.HasSuffix(wrong, "happens twice (clocks are set back)") && slices.Contains(suggested(fix), at.UTC().Format(time.RFC3339)):
		return true
	}
	t.Fatalf("%v is shown as %s, which is %v %s", at, shown, got, wrong)
	return false
}
