package rules

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var berlin = zoneFor("Europe/Berlin")

func zoneFor(name string) *time.Location {
	loc, wrong, _ := zoneOf("", name)
	if wrong != "" {
		panic(wrong)
	}
	return loc
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"2026-11-30T09:00+01:00":            "2026-11-30T08:00:00Z",
		"2026-11-30 09:00+01:00":            "2026-11-30T08:00:00Z",
		"2026-11-30T08:00:00Z":              "2026-11-30T08:00:00Z",
		"2026-11-30t08:00z":                 "2026-11-30T08:00:00Z",
		"2026-11-30T08:00:00.000Z":          "2026-11-30T08:00:00Z",
		"2026-11-30T08:00:00.5Z":            "2026-11-30T08:00:00.5Z",
		"2026-11-30T08:00-00:00":            "2026-11-30T08:00:00Z",
		"2026-11-30T08:00+14:00":            "2026-11-29T18:00:00Z",
		"2026-11-30 09:00 Europe/Berlin":    "2026-11-30T08:00:00Z",
		"2026-11-30T09:00:30 Europe/Berlin": "2026-11-30T08:00:30Z",
		"2026-11-30 08:00 UTC":              "2026-11-30T08:00:00Z",
		"2026-07-01 09:00 America/New_York": "2026-07-01T13:00:00Z",
		"2026-07-01 09:00 Etc/GMT+5":        "2026-07-01T14:00:00Z",
		"2028-02-29T00:00Z":                 "2028-02-29T00:00:00Z",
		"2026-10-25T02:30+02:00":            "2026-10-25T00:30:00Z", // an overlap, but with its offset
		"2026-10-25 03:00 Europe/Berlin":    "2026-10-25T02:00:00Z",
		"2026-03-29 03:00 Europe/Berlin":    "2026-03-29T01:00:00Z",
		"2026-03-29 01:59 Europe/Berlin":    "2026-03-29T00:59:00Z",
	} {
		got, wrong, fix := ParseTime(s, berlin)
		if wrong != "" || fix != "" || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v, want %s (%s %s)", s, got, want, wrong, fix)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	t.Parallel()
	const full = "a full IANA name, for example `2026-11-30 09:00 Europe/Berlin`"
	const any = "for example `2026-11-30T09:00+01:00`"
	for _, tt := range []struct{ s, wrong, fix string }{
		{"2026-11-30 09:00", "`2026-11-30 09:00` has no time zone", "`2026-11-30T09:00+01:00` or add a zone such as `Europe/Berlin`"},
		{"2026-11-30T09:00:30", "`2026-11-30T09:00:30` has no time zone", "`2026-11-30T09:00:30+01:00` or add a zone such as `Europe/Berlin`"},
		{"2026-11-30", "`2026-11-30` has no time of day, and midnight would be a guess", "`2026-11-30T09:00+01:00`"},
		{"2026-03-29 02:30 Europe/Berlin", "`2026-03-29 02:30 Europe/Berlin` does not exist (clocks are set forward)", "`2026-03-29T03:30+02:00`"},
		{"2026-03-29 02:30", "`2026-03-29 02:30 Europe/Berlin` does not exist (clocks are set forward)", "`2026-03-29T03:30+02:00`"},
		{"2026-10-25 02:30 Europe/Berlin", "`2026-10-25 02:30 Europe/Berlin` happens twice (clocks are set back)", "`2026-10-25T02:30+02:00` or `2026-10-25T02:30+01:00`"},
		{"2011-12-30 12:00 Pacific/Apia", "`2011-12-30 12:00 Pacific/Apia` does not exist (clocks are set forward)", "`2011-12-31T12:00+14:00`"},
		{"2026-11-30 09:00 CET", "time zone `CET` is an abbreviation or unknown", full},
		{"2026-11-30 09:00 EST5EDT", "time zone `EST5EDT` is an abbreviation or unknown", full},
		{"2026-11-30 09:00 Local", "time zone `Local` is an abbreviation or unknown", full},
		{"2026-11-30 09:00 right/UTC", "time zone `right/UTC` is unknown", "an IANA name, for example `2026-11-30 09:00 Europe/Berlin`"},
		{"2026-11-30 09:00 Europe/Berln", "time zone `Europe/Berln` is unknown", "an IANA name, for example `2026-11-30 09:00 Europe/Berlin`"},
		{"2026-11-30 09:00 new_york", "time zone `new_york` is an abbreviation or unknown", "a full IANA name, for example `2026-11-30 09:00 America/New_York`"},
		{"2026-11-30 09:00:30 America/Newyork", "time zone `America/Newyork` is unknown", "an IANA name, for example `2026-11-30 09:00:30 America/New_York`"},
		{"2026-03-29 02:30 CET", "time zone `CET` is an abbreviation or unknown", "a full IANA name, for example `Europe/Berlin`"},
		{"2026-11-30T09:00+25:00", "`2026-11-30T09:00+25:00` is no time of the calendar", any},
		{"2026-11-30T09:00+24:00", "`2026-11-30T09:00+24:00` has an offset that is used nowhere", any},
		{"2026-11-30T09:00+01:60", "`2026-11-30T09:00+01:60` has an offset that is used nowhere", any},
		{"2026-02-30T09:00Z", "`2026-02-30T09:00Z` is no time of the calendar", any},
		{"2026-02-30", "`2026-02-30` is no time of the calendar", any},
		{"2027-02-29 09:00 UTC", "`2027-02-29 09:00 UTC` is no time of the calendar", any},
		{"2026-11-30T24:00Z", "`2026-11-30T24:00Z` is no time of the calendar", any},
		{"2026-06-30T23:59:60Z", "`2026-06-30T23:59:60Z` is no time of the calendar", any},
		{"0001-01-01T00:00Z", "`0001-01-01T00:00Z` is not between the years 2000 and 2999", any},
		{"1999-12-31", "`1999-12-31` is not between the years 2000 and 2999", any},
		{"2999-12-31T23:59-14:00", "`2999-12-31T23:59-14:00` is not between the years 2000 and 2999", any},
		{"9999-12-31T23:59-14:00", "`9999-12-31T23:59-14:00` is not between the years 2000 and 2999", any},
		{"10000-01-01T00:00Z", "`10000-01-01T00:00Z` is not a time", any + ", `2026-11-30 09:00 Europe/Berlin` or `on-merge`"},
		{"tomorrow", "`tomorrow` is not a time", any + ", `2026-11-30 09:00 Europe/Berlin` or `on-merge`"},
		{"1764493200", "`1764493200` is not a time", any + ", `2026-11-30 09:00 Europe/Berlin` or `on-merge`"},
		{"2026-11-30 09:00 ../../etc/passwd", "`2026-11-30 09:00 ../../etc/passwd` is not a time", any + ", `2026-11-30 09:00 Europe/Berlin` or `on-merge`"},
		{"", "(empty) is not a time", any + ", `2026-11-30 09:00 Europe/Berlin` or `on-merge`"},
	} {
		got, wrong, fix := ParseTime(tt.s, berlin)
		if !got.IsZero() || wrong != tt.wrong || fix != tt.fix {
			t.Errorf("%s\n got %v: %s. Fix: %s\nwant %s. Fix: %s", tt.s, got, wrong, fix, tt.wrong, tt.fix)
		}
	}
}

var zones = []*time.Location{time.UTC, berlin, zoneFor("America/New_York"), zoneFor("Pacific/Apia"), zoneFor("Australia/Lord_Howe"),
	zoneFor("Asia/Kathmandu"), zoneFor("Africa/Casablanca"), zoneFor("America/St_Johns"), zoneFor("Africa/Cairo"), zoneFor("Europe/Dublin")}

var span = regexp.MustCompile("`([^`]*)`")

// Whatever is refused comes with suggestions that are accepted, and a wall clock
// is accepted exactly when it happens once: checked against every minute of the
// two days around it.
func TestParseTimeProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(zones).Draw(t, "zone")
		// Half the draws lie within a day of a clock change of the zone.
		at := time.Unix(rapid.Int64Range(946684800+1e6, 4e9).Draw(t, "at")/60*60, 0)
		if _, end := at.In(loc).ZoneBounds(); rapid.Bool().Draw(t, "near") && !end.IsZero() {
			at = end.Truncate(time.Minute).Add(time.Duration(rapid.IntRange(-1500, 1500).Draw(t, "minutes")) * time.Minute)
		}
		naive := at.UTC().Format("2006-01-02T15:04")
		var happens []time.Time
		for m := at.Add(-27 * time.Hour); m.Before(at.Add(27 * time.Hour)); m = m.Add(time.Minute) {
			if m.In(loc).Format("2006-01-02T15:04") == naive {
				happens = append(happens, m)
			}
		}
		got, wrong, fix := ParseTime(naive+" "+loc.String(), time.UTC)
		if (wrong == "") != (len(happens) == 1) || wrong == "" && !got.Equal(happens[0]) {
			t.Fatalf("%s %s happens at %v; got %v %s", naive, loc, happens, got, wrong)
		}
		accepted(t, fix, happens)

		got, wrong, fix = ParseTime(naive, loc)
		if wrong == "" || !got.IsZero() {
			t.Fatalf("%s without a zone is %v", naive, got)
		}
		accepted(t, fix, happens)

		_, wrong, fix = ParseTime(naive[:10], loc)
		if wrong == "" || span.FindString(fix) == "" {
			t.Fatalf("a bare date is accepted, or refused without a suggestion: %s", fix)
		}
		accepted(t, fix, nil)
	})
}

// accepted checks that every time in a suggestion is one, and one of those meant.
func accepted(t *rapid.T, fix string, meant []time.Time) {
	for _, m := range span.FindAllStringSubmatch(fix, -1) {
		if strings.HasPrefix(m[1], "2") {
			got, wrong, _ := ParseTime(m[1], time.UTC)
			if wrong != "" {
				t.Fatalf("the suggestion %s: %s", m[1], wrong)
			}
			ok := len(meant) == 0
			for _, x := range meant {
				ok = ok || x.Equal(got)
			}
			if !ok {
				t.Fatalf("the suggestion %s is none of %v", m[1], meant)
			}
		}
	}
}

func TestParseTimeOfAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2}| [A-Z][a-z]+/[A-Z][a-z]+)?)?`)).Draw(t, "s")
		loc := rapid.SampledFrom(append(zones, nil)).Draw(t, "zone")
		got, wrong, fix := ParseTime(s, loc)
		if (wrong == "") != (fix == "") || (wrong == "") == got.IsZero() {
			t.Fatalf("%v %q %q", got, wrong, fix)
		}
		if wrong == "" {
			if _, err := got.UTC().MarshalJSON(); err != nil {
				t.Fatal(err)
			}
			if again, wrong, _ := ParseTime(stamp(got, loc), nil); wrong != "" || !again.Equal(got) {
				t.Fatalf("%v is written %s: %s", got, stamp(got, loc), wrong)
			}
		}
		accepted(t, fix, nil)
	})
}

func TestClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		loc  *time.Location
		want string
	}{
		{nil, "Mon 2026-11-30 23:30 UTC"},
		{time.UTC, "Mon 2026-11-30 23:30 UTC"},
		{berlin, "Tue 2026-12-01 00:30 Europe/Berlin (2026-11-30 23:30 UTC)"},
		{zoneFor("America/New_York"), "Mon 2026-11-30 18:30 America/New_York (23:30 UTC)"},
	} {
		if got := clock(at, tt.loc); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
