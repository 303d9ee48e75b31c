package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on what the machine has installed

	yaml "go.yaml.in/yaml/v4"
)

// OnMerge is the effective date of a change that takes effect when it is merged.
const OnMerge = "on-merge"

var (
	withOffset = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(Z|z|[+-]\d\d:\d\d)$`)
	withZone   = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)? +([A-Za-z0-9_+/-]+)$`)
	noZone     = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?$`)
	bareDate   = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
)

// ParseTime reads an instant as people write it in the two files: RFC 3339 with
// an offset (seconds may be left out), or a local time with an IANA zone. Nothing
// is guessed: what could mean two instants, or none, comes back as wrong and a
// suggestion that is right. Suggestions use loc.
func ParseTime(s string, loc *time.Location) (t time.Time, wrong, fix string) {
	if loc == nil {
		loc = time.UTC
	}
	switch {
	case withOffset.MatchString(s):
		m := withOffset.FindStringSubmatch(s)
		t, err := time.Parse(time.RFC3339, m[1]+"T"+m[2]+seconds(m[3])+strings.ToUpper(m[4]))
		if err != nil {
			return t, code(s) + " is no time of the calendar", "for example " + code("2026-11-30T09:00+01:00")
		}
		return t, "", ""
	case withZone.MatchString(s):
		m := withZone.FindStringSubmatch(s)
		zone, wrong, fix := zoneOf(m[4])
		if wrong != "" {
			return t, wrong, fix
		}
		return local(m[1]+"T"+m[2]+seconds(m[3]), zone)
	case noZone.MatchString(s):
		m := noZone.FindStringSubmatch(s)
		t, wrong, fix := local(m[1]+"T"+m[2]+seconds(m[3]), loc)
		if wrong != "" {
			return t, wrong, fix
		}
		return time.Time{}, code(s) + " has no time zone", code(stamp(t, loc)) + " or add a zone such as " + code(loc.String())
	case bareDate.MatchString(s):
		t, wrong, fix := local(s+"T09:00:00", loc)
		if wrong != "" {
			return t, wrong, fix
		}
		return time.Time{}, code(s) + " has no time of day, and midnight would be a guess", code(stamp(t, loc))
	}
	return t, code(s) + " is not a time", "for example " + code("2026-11-30T09:00+01:00") + ", " + code("2026-11-30 09:00 Europe/Berlin") + " or " + code(OnMerge)
}

func seconds(s string) string {
	if s == "" {
		return ":00"
	}
	return s
}

func stamp(t time.Time, loc *time.Location) string {
	return t.In(loc).Format("2006-01-02T15:04Z07:00")
}

// zoneOf loads an IANA zone by its full name. Abbreviations are refused although
// the database has some: CST is four zones, and CET a file that other systems
// read as a fixed offset.
func zoneOf(name string) (*time.Location, string, string) {
	if name != "UTC" && !strings.Contains(name, "/") {
		return nil, "time zone " + code(name) + " is an abbreviation or unknown", "a full IANA name, for example " + code("Europe/Berlin")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, "time zone " + code(name) + " is unknown", "an IANA name, for example " + code("Europe/Berlin")
	}
	return loc, "", ""
}

// local resolves a wall clock in a zone. A clock change skips some wall clocks
// and repeats others; both are refused with the instants they could mean.
func local(wall string, loc *time.Location) (t time.Time, wrong, fix string) {
	const layout = "2006-01-02T15:04:05"
	naive, err := time.Parse(layout, wall)
	if err != nil {
		return t, code(wall) + " is no time of the calendar", "for example " + code("2026-11-30T09:00")
	}
	var meant []time.Time
	for _, around := range []time.Duration{-26 * time.Hour, 26 * time.Hour} {
		_, offset := naive.Add(around).In(loc).Zone()
		at := naive.Add(-time.Duration(offset) * time.Second)
		if at.In(loc).Format(layout) == wall && (len(meant) == 0 || !meant[0].Equal(at)) {
			meant = append(meant, at)
		}
	}
	shown := strings.TrimSuffix(strings.Replace(wall, "T", " ", 1), ":00") + " " + loc.String()
	switch len(meant) {
	case 1:
		return meant[0], "", ""
	case 2:
		return t, code(shown) + " happens twice (clocks are set back)", code(stamp(meant[0], loc)) + " or " + code(stamp(meant[1], loc))
	}
	_, before := naive.Add(-26 * time.Hour).In(loc).Zone()
	after := naive.Add(-time.Duration(before) * time.Second)
	return t, code(shown) + " does not exist (clocks are set forward)", code(stamp(after, loc))
}

func (r *reader) zone(n *yaml.Node, name string) *time.Location {
	loc, wrong, fix := zoneOf(name)
	if wrong != "" {
		r.add(n, CodeTime, wrong, fix)
		return time.UTC
	}
	return loc
}

var lengths = regexp.MustCompile(`^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?$`)

// duration reads 72h, 90m, 1h30m or 3d. A day is 24 hours.
func (r *reader) duration(where string, to *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		m := lengths.FindStringSubmatch(n.Value)
		if n.Kind != yaml.ScalarNode || m == nil || n.Value == "" {
			r.add(n, CodeTime, where+" is "+shown(n), "a length such as 72h, 90m or 3d")
			return
		}
		var d time.Duration
		for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
			v, _ := strconv.Atoi("0" + m[i+1]) // digits only, by the expression above
			d += time.Duration(v) * unit
		}
		if d > 366*24*time.Hour {
			r.add(n, CodeTime, fmt.Sprintf("%s is %s", where, shown(n)), "at most 366d")
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
