package rules

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// OnMerge is the effective date of a change that takes effect when it is merged.
const OnMerge = "on-merge"

const (
	anInstant   = "2026-11-30T09:00+01:00"
	aLocalTime  = "2026-11-30 09:00 Europe/Berlin"
	aZone       = "Europe/Berlin"
	exampleTime = "for example `" + anInstant + "`"
)

// written is a date, then perhaps a time of day, then perhaps an offset or a zone.
var written = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d(?:\.\d{1,9})?)?(?:([Zz]|[+-]\d\d:\d\d)| +([A-Za-z0-9_+/-]+))?)?$`)

// ParseTime reads an instant as people write it in the two files: RFC 3339 with
// an offset (seconds may be left out), or a local time with an IANA zone. Nothing
// is guessed: what could mean two instants, or none, comes back as wrong and a
// suggestion that is right. Suggestions use loc; nil is UTC.
func ParseTime(s string, loc *time.Location) (t time.Time, wrong, fix string) {
	m := written.FindStringSubmatch(s)
	if m == nil {
		return t, code(s) + " is not a time", exampleTime + ", `" + aLocalTime + "` or `" + OnMerge + "`"
	}
	date, clock, offset, zone := m[1], m[2]+seconds(m[3]), strings.ToUpper(m[4]), m[5]
	if loc == nil {
		loc = time.UTC
	}
	switch {
	case m[2] == "":
		if t, wrong, fix = wall(date+"T09:00:00", loc, s); wrong == "" {
			wrong, fix = code(s)+" has no time of day, and midnight would be a guess", code(stamp(t, loc))
		}
		return time.Time{}, wrong, fix
	case offset != "":
		return instantOf(date+"T"+clock+offset, s)
	case zone != "":
		in, wrong, fix := zoneOf(date+" "+m[2]+m[3]+" ", zone)
		if wrong != "" {
			return t, wrong, fix
		}
		return wall(date+"T"+clock, in, s)
	}
	if t, wrong, fix = wall(date+"T"+clock, loc, s); wrong == "" {
		wrong, fix = code(s)+" has no time zone", code(stamp(t, loc))+" or add a zone such as "+code(loc.String())
	}
	return time.Time{}, wrong, fix
}

// isTime reports whether a suggestion is a time: one that is refused when it is
// pasted back is no help.
func isTime(s string) bool {
	_, wrong, _ := ParseTime(s, nil)
	return wrong == ""
}

func seconds(s string) string {
	if s == "" {
		return ":00"
	}
	return s
}

// instantOf parses full RFC 3339. Go reads offsets up to 24:60; the widest on
// earth is 14:00, and anything above is a slip of the hand.
func instantOf(rfc3339, s string) (time.Time, string, string) {
	t, err := time.Parse(time.RFC3339Nano, rfc3339)
	if err != nil {
		return time.Time{}, code(s) + " is no time of the calendar", exampleTime
	}
	minutes := rfc3339[len(rfc3339)-2:]
	if _, offset := t.Zone(); max(offset, -offset) > 14*60*60 || minutes > "59" && !strings.HasSuffix(rfc3339, "Z") {
		return time.Time{}, code(s) + " has an offset that is used nowhere", exampleTime
	}
	return sensible(t, s)
}

// sensible refuses years in which no change is planned: the zero time would read
// as no date at all, and the year 10000 has no form in JSON.
func sensible(t time.Time, s string) (time.Time, string, string) {
	if y := t.UTC().Year(); y < 2000 || y > 2999 {
		return time.Time{}, code(s) + " is not between the years 2000 and 2999", exampleTime
	}
	return t, "", ""
}

// stamp writes an instant in the form ParseTime reads.
func stamp(t time.Time, loc *time.Location) string {
	if t.Second() != 0 || t.Nanosecond() != 0 {
		return local(t, loc).Format(time.RFC3339Nano)
	}
	return local(t, loc).Format("2006-01-02T15:04Z07:00")
}

// wall resolves a wall clock in a zone. A clock change skips some wall clocks
// and repeats others; both are refused with the instants they could mean.
func wall(clock string, loc *time.Location, s string) (t time.Time, wrong, fix string) {
	naive, err := time.Parse("2006-01-02T15:04:05", clock)
	if err != nil {
		return t, code(s) + " is no time of the calendar", exampleTime
	}
	if _, wrong, fix = sensible(naive, s); wrong != "" {
		return t, wrong, fix
	}
	before, after := shifted(naive, loc, -26*time.Hour), shifted(naive, loc, 26*time.Hour)
	first, second := reads(before, naive, loc), reads(after, naive, loc)
	at := clock[:10] + " " + clock[11:16] + " " + loc.String()
	switch {
	case first && second && !before.Equal(after):
		return t, code(at) + " happens twice (clocks are set back)", code(stamp(before, loc)) + " or " + code(stamp(after, loc))
	case first:
		return sensible(before, s)
	case second:
		return sensible(after, s)
	}
	return t, code(at) + " does not exist (clocks are set forward)", code(stamp(before, loc))
}

// shifted is the wall clock as an instant, by the zone's offset some time away.
func shifted(naive time.Time, loc *time.Location, away time.Duration) time.Time {
	_, offset := naive.Add(away).In(loc).Zone()
	return naive.Add(-time.Duration(offset) * time.Second)
}

func reads(t, naive time.Time, loc *time.Location) bool {
	_, offset := t.In(loc).Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(naive)
}

// zone reads the name of a time zone.
func (r *reader) zone(where string, to **time.Location) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			r.add(n, CodeValue, where+" is "+kindOf(n), "an IANA time zone, for example "+code(aZone))
			return
		}
		loc, wrong, fix := zoneOf("", n.Value)
		if wrong != "" {
			r.add(n, CodeTime, where+": "+wrong, fix)
			return
		}
		*to = loc
	}
}

// instant reads an instant; loc serves suggestions.
func (r *reader) instant(where string, to *time.Time, loc *time.Location) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			r.add(n, CodeValue, where+" is "+kindOf(n), exampleTime)
			return
		}
		t, wrong, fix := ParseTime(strings.TrimSpace(n.Value), loc)
		if wrong != "" {
			r.add(n, CodeTime, where+": "+wrong, fix)
			return
		}
		*to = t
	}
}

var lengths = regexp.MustCompile(`^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?$`)

// duration reads 72h, 90m, 1h30m or 3d, from least up to 366 days. A day is 24 hours.
func (r *reader) duration(where string, least time.Duration, to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m := lengths.FindStringSubmatch(n.Value)
		if n.Kind != yaml.ScalarNode || m == nil {
			r.add(n, CodeTime, where+" is "+shown(n), "a length such as 72h, 90m or 3d")
			return
		}
		var d time.Duration
		for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
			v, _ := strconv.Atoi("0" + m[i+1]) // digits only, by the expression above
			d += time.Duration(v) * unit
		}
		if d < least || d > 366*24*time.Hour {
			r.add(n, CodeTime, where+" is "+shown(n), "a length of at most 366d, such as 72h")
			return
		}
		*to = d
	}
}

// spell writes a length as people do: 72 hours, 90 minutes.
func spell(d time.Duration) string {
	if d%time.Hour == 0 {
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/time.Minute), "minute")
}
