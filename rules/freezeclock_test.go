package rules

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	"pgregory.net/rapid"
)

// in reports whether an instant lies in the freeze, and in which window.
func (f *Freeze) in(now time.Time) (w window, frozen bool) {
	w, ok := f.window(now)
	return w, ok && !now.Before(w.from) && now.Before(w.until)
}

// A window is half-open to the nanosecond, its length is one of real time, and its
// start one of the wall: on both days on which clocks change, and where they never do.
func TestFreezesOverClockChanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		zone, start string
		lasts       time.Duration
		from, until string
	}{
		{"Europe/Berlin", "0 18 * * 6", 24 * time.Hour, "2026-03-28T18:00+01:00", "2026-03-29T19:00+02:00"},
		{"Europe/Berlin", "0 18 * * 6", 24 * time.Hour, "2026-10-24T18:00+02:00", "2026-10-25T17:00+01:00"},
		{"Europe/Berlin", "59 1 * * 0", 2 * time.Minute, "2026-03-29T01:59+01:00", "2026-03-29T03:01+02:00"},
		{"Europe/Berlin", "0 3 * * 0", time.Hour, "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"},
		{"Europe/Berlin", "30 1 * * 0", 2 * time.Hour, "2026-10-25T01:30+02:00", "2026-10-25T02:30+01:00"},
		{"Europe/Berlin", "0 0 28 3 *", 24 * time.Hour, "2027-03-28T00:00+01:00", "2027-03-29T01:00+02:00"},
		{"Europe/Berlin", "0 0 31 10 *", 24 * time.Hour, "2027-10-31T00:00+02:00", "2027-10-31T23:00+01:00"},
		{"America/New_York", "0 18 * * 5", 62 * time.Hour, "2026-03-06T18:00-05:00", "2026-03-09T09:00-04:00"},
		{"America/New_York", "0 18 * * 5", 62 * time.Hour, "2026-10-30T18:00-04:00", "2026-11-02T07:00-05:00"},
		{"America/New_York", "0 3 * 3 0", time.Hour, "2027-03-14T03:00-04:00", "2027-03-14T04:00-04:00"},
		{"America/New_York", "59 0 * 11 0", time.Hour, "2027-11-07T00:59-04:00", "2027-11-07T01:59-04:00"},
		{"America/New_York", "59 0 * 11 0", 2 * time.Hour, "2027-11-07T00:59-04:00", "2027-11-07T01:59-05:00"},
		{"Asia/Kolkata", "30 2 29 3 *", 24 * time.Hour, "2026-03-29T02:30+05:30", "2026-03-30T02:30+05:30"},
		{"Asia/Kolkata", "0 18 * * 6", 24 * time.Hour, "2026-10-24T18:00+05:30", "2026-10-25T18:00+05:30"},
		{"Asia/Kolkata", "0 2 14 3 *", 90 * time.Minute, "2027-03-14T02:00+05:30", "2027-03-14T03:30+05:30"},
		{"Australia/Lord_Howe", "0 18 * 4 6", 12 * time.Hour, "2026-04-04T18:00+11:00", "2026-04-05T05:30+10:30"},
		{"Australia/Lord_Howe", "0 18 * 10 6", 12 * time.Hour, "2026-10-03T18:00+10:30", "2026-10-04T06:30+11:00"},
		// Days that have no midnight.
		{"America/Santiago", "0 23 * * 0", 2 * time.Minute, "2026-09-06T23:00-03:00", "2026-09-06T23:02-03:00"},
		{"America/Santiago", "0 6 1 10 *", time.Hour, "2026-10-01T06:00-03:00", "2026-10-01T07:00-03:00"},
		{"Africa/Cairo", "0 18 * * 6", 24 * time.Hour, "2026-04-25T18:00+03:00", "2026-04-26T18:00+03:00"},
		{"Africa/Cairo", "30 22 * * 4", 2 * time.Hour, "2026-04-23T22:30+02:00", "2026-04-24T01:30+03:00"},
	} {
		p := parse(t, recurring(tt.start, fmt.Sprint(int(tt.lasts.Minutes()), "m"), tt.zone))
		f := &p.Freezes[0]
		from, until := parsed(t, tt.from), parsed(t, tt.until)
		for at, frozen := range map[time.Time]bool{from.Add(-1): false, from: true, until.Add(-1): true, until: false} {
			w, got := f.in(at)
			if got != frozen || got && (!w.from.Equal(from) || !w.until.Equal(until)) {
				t.Errorf("%s in %s, at %v: frozen %v (%v to %v)", tt.start, tt.zone, at, got, w.from, w.until)
			}
		}
		for _, before := range []time.Duration{1, 30 * time.Hour, 4 * 24 * time.Hour} {
			if w, _ := f.in(from.Add(-before)); !w.from.Equal(from) {
				t.Errorf("%s in %s, %v before: the next is %v", tt.start, tt.zone, before, w.from)
			}
		}
		for at, frozen := range map[time.Time]bool{from.Add(-1): false, from: true, until.Add(-1): true, until: false} {
			v := p.Decide(change(reviewed(review(rev1)), func(c *Change) { c.RequestSince = from.Add(-time.Hour) }), at)
			if (v.State == Frozen) != frozen || frozen && !v.Next.Equal(until) {
				t.Errorf("%s in %s, at %v: %s, next %v", tt.start, tt.zone, at, v.Title, v.Next)
			}
		}
	}
}

func parsed(t *testing.T, s string) time.Time {
	t.Helper()
	at, wrong, _ := ParseTime(s, nil)
	if wrong != "" {
		t.Fatal(wrong)
	}
	return at
}

// Windows against every minute of days around clock changes: a minute begins one
// when the wall reads as the cron line says, and those that touch are one.
func TestWindowsAreHalfOpen(t *testing.T) {
	t.Parallel()
	frozen := 0
	rapid.Check(t, func(t *rapid.T) {
		loc := rapid.SampledFrom(append(zones, zoneFor("America/Santiago"), zoneFor("Africa/Cairo"), zoneFor("America/Havana"), zoneFor("Asia/Kolkata"))).Draw(t, "zone")
		at := rapid.SampledFrom([]time.Time{noon, time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC),
			time.Date(2027, 11, 7, 6, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), time.Date(2026, 9, 6, 4, 0, 0, 0, time.UTC), time.Date(2026, 4, 23, 22, 0, 0, 0, time.UTC)}).Draw(t, "around")
		f := Freeze{Zone: loc, Lasts: time.Duration(rapid.IntRange(1, 2000).Draw(t, "lasts")) * time.Minute}
		f.Start = fmt.Sprintf("%s %s * * %s", pick(t, "minute", "0", "30", "59"), pick(t, "hour", "0", "1", "3", "4", "18", "22,4", "23"), pick(t, "weekday", "*", "0", "6", "1-5"))
		if rapid.Bool().Draw(t, "dated") {
			from := around(t, "from", at)
			f = Freeze{From: from, Until: from.Add(f.Lasts)}
		} else if f.endless() || len(f.clashes().hours) > 0 {
			f.Start, f.Lasts = "30 12 * * 6,0", min(f.Lasts, 20*time.Hour)
		}
		windows := brutal(&f, at.Add(-10*24*time.Hour), at.Add(10*24*time.Hour))
		check := func(now time.Time) {
			i := slices.IndexFunc(windows, func(w window) bool { return now.Before(w.until) })
			w, got := f.in(now)
			if want := i >= 0 && !now.Before(windows[i].from); got != want || got && !w.until.Equal(windows[i].until) || !got && i >= 0 && !w.from.Equal(windows[i].from) {
				t.Fatalf("%q for %v in %s at %v: %v, %v to %v, of %v", f.Start, f.Lasts, loc, now.In(loc), got, w.from, w.until, windows)
			}
			if got {
				frozen++
			}
		}
		for now := at.Add(-30 * time.Hour); now.Before(at.Add(30 * time.Hour)); now = now.Add(7 * time.Minute) {
			check(now)
		}
		for _, w := range windows {
			if w.from.After(at.Add(-72*time.Hour)) && w.until.Before(at.Add(72*time.Hour)) {
				check(w.from.Add(-1))
				check(w.from)
				check(w.until.Add(-1))
				check(w.until)
			}
		}
	})
	if frozen < 1000 {
		t.Errorf("%d instants were frozen", frozen)
	}
}

// brutal finds the windows of a freeze minute by minute, those that touch as one.
func brutal(f *Freeze, from, until time.Time) (out []window) {
	if f.Start == "" {
		return []window{{f, f.From, f.Until}}
	}
	for now := from; now.Before(until); now = now.Add(time.Minute) {
		wall := now.Add(time.Duration(offsetOf(now, f.Zone)) * time.Second).UTC()
		if on, err := gronx.New().IsDue(f.Start, wall); err != nil || !on {
			continue
		}
		if n := len(out); n > 0 && !now.After(out[n-1].until) {
			out[n-1].until = now.Add(f.Lasts)
			continue
		}
		out = append(out, window{f, now, now.Add(f.Lasts)})
	}
	return out
}
