package rules

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/adhocore/gronx"
)

// longestCron bounds what one search through a cron line costs: five fields that
// list every value of theirs are shorter.
const longestCron = 400

// cronItem is one entry of a field's list.
var cronItem = regexp.MustCompile(`^(\*|\?|[0-9A-Z#]+(-[0-9A-Z]+)?)(/[0-9]+)?$`)

// wellFormed reports whether a cron line has five fields, each of which the library
// can read. Its own check is not asked: that one starts from the time of the day and
// passes a list whose first entry happens to be due, so that a policy would load at
// some hours and not at others.
func wellFormed(cron string) bool {
	if len(cron) > longestCron || len(strings.Fields(cron)) != 5 {
		return false
	}
	fields, err := gronx.Segments(cron)
	if err != nil {
		return false
	}
	c := &gronx.SegmentChecker{}
	c.SetRef(lintFrom)
	for pos, list := range fields {
		for item := range strings.SplitSeq(list, ",") {
			if _, err := c.CheckDue(item, pos); err != nil || !cronItem.MatchString(item) {
				return false
			}
		}
	}
	return true
}

// fires reports whether a cron line is of five fields and has a next time. Lines
// with seconds or years are refused: the length of a freeze is what matters.
func fires(cron string) bool {
	if !wellFormed(cron) {
		return false
	}
	_, err := gronx.NextTickAfter(cron, lintFrom, false)
	return err == nil
}

// A policy is looked at over these years, not from the day on which somebody looks:
// it loads for ever or never. After 28 of them the weekdays repeat.
var (
	lintFrom  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	lintUntil = lintFrom.AddDate(28, 0, 0)
)

// A clash is a start that a clock change skips or repeats.
type clash struct {
	at    time.Time // the first one, as a wall clock
	twice bool
	hours map[int]bool // those of every one
}

// clashes finds the starts that do not exist in the freeze's zone, or happen twice.
// Systems differ in what they make of such a start, and so would people.
func (f *Freeze) clashes() (c clash) {
	hours, minutes := due(f.Start, 2, 24), due(f.Start, 1, 60)
	c.hours = map[int]bool{}
	for _, s := range shiftsOf(f.Zone) {
		for m := s.from; m.Before(s.until); m = m.Add(time.Minute) {
			if !hours[m.Hour()] || !minutes[m.Minute()] {
				continue
			}
			if on, err := gronx.New().IsDue(f.Start, m); err != nil || !on {
				continue
			}
			if len(c.hours) == 0 {
				c.at, c.twice = m, s.back
			}
			c.hours[m.Hour()] = true
		}
	}
	return c
}

// A shift is the wall clocks, as UTC, that a clock change skips, or repeats when it
// goes back.
type shift struct {
	from, until time.Time
	back        bool
	at          time.Time // the instant of the change
}

// shifts keeps what shiftsOf found: []shift by *time.Location. It takes 2 ms, and a
// policy is read for every pull request.
var shifts sync.Map

// shiftsOf returns the clock changes of a zone in the years that are looked at.
func shiftsOf(loc *time.Location) []shift {
	if known, ok := shifts.Load(loc); ok {
		return known.([]shift)
	}
	var out []shift
	for day := lintFrom; day.Before(lintUntil); day = day.AddDate(0, 0, 1) {
		if s, ok := shiftAfter(day, loc); ok {
			out = append(out, s)
		}
	}
	shifts.Store(loc, out)
	return out
}

// shiftAfter is the clock change in the 24 hours after an instant. Time.ZoneBounds
// would say it, but not on the last day of a leap year.
func shiftAfter(at time.Time, loc *time.Location) (s shift, ok bool) {
	offset := func(t time.Time) int {
		_, seconds := t.In(loc).Zone()
		return seconds
	}
	before, after := offset(at), offset(at.AddDate(0, 0, 1))
	if before == after {
		return shift{}, false
	}
	minutes := sort.Search(24*60, func(m int) bool { return offset(at.Add(time.Duration(m)*time.Minute)) == after })
	change := at.Add(time.Duration(minutes) * time.Minute)
	return shift{change.Add(time.Duration(min(before, after)) * time.Second), change.Add(time.Duration(max(before, after)) * time.Second), after < before, change}, true
}

// changeIn returns the first clock change after an instant and not after another,
// in the zone of both.
func changeIn(after, until time.Time) (change time.Time, ok bool) {
	loc := after.Location()
	for day := after.Truncate(time.Minute); day.Before(until); day = day.Add(24 * time.Hour) {
		if s, ok := shiftAfter(day.UTC(), loc); ok {
			return s.at.In(loc), !s.at.After(until)
		}
	}
	return time.Time{}, false
}

// due says which values of a field a well-formed cron line names: pos 1 is the
// minute, 2 the hour.
func due(cron string, pos, n int) []bool {
	fields, _ := gronx.Segments(cron)
	c, out := &gronx.SegmentChecker{}, make([]bool, n)
	for v := range out {
		clock := [3]int{0, 0, 0}
		clock[pos] = v
		c.SetRef(time.Date(2024, 1, 1, clock[2], clock[1], 0, 0, time.UTC))
		out[v], _ = c.CheckDue(fields[pos], pos)
	}
	return out
}

// moved is the same start at hours that every day has once: without those that
// clash, or else the nearest other one. It is empty when there is none.
func (f *Freeze) moved(c clash) string {
	var keep []int
	first := -1
	for h, on := range due(f.Start, 2, 24) {
		switch {
		case on && !c.hours[h]:
			keep = append(keep, h)
		case on && first < 0:
			first = h
		}
	}
	tries := []string{ranges(keep)}
	for d := 1; len(keep) == 0 && d < 24; d++ {
		tries = append(tries, strconv.Itoa(first+d), strconv.Itoa(first-d))
	}
	for _, hours := range tries {
		line := strings.Fields(f.Start)
		line[1] = hours
		other := *f
		other.Start = strings.Join(line, " ")
		if fires(other.Start) && !other.endless() && len(other.clashes().hours) == 0 {
			return other.Start
		}
	}
	return ""
}

// ranges writes ascending numbers as a field of a cron line.
func ranges(of []int) string {
	var out []string
	for i := 0; i < len(of); {
		k := i
		for k+1 < len(of) && of[k+1] == of[k]+1 {
			k++
		}
		item := strconv.Itoa(of[i])
		if k > i {
			item += "-" + strconv.Itoa(of[k])
		}
		out, i = append(out, item), k+1
	}
	return strings.Join(out, ",")
}
