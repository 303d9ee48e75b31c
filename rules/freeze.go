package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/adhocore/gronx"
	yaml "go.yaml.in/yaml/v4"
)

// A Freeze is a period in which governed changes do not take effect: dated (From,
// Until) or recurring (Start as a cron line in Zone, for Lasts). Windows are
// half-open: the first instant is frozen, the last is not.
type Freeze struct {
	Name, Reason string
	From, Until  time.Time
	Start        string
	Lasts        time.Duration
	Zone         *time.Location
	Governs      []string // group names; none: all
}

func (r *reader) freezes(n *yaml.Node, p *Policy) {
	own := map[string]bool{ImplicitGroup: true}
	names := []string{ImplicitGroup}
	for _, g := range p.Groups {
		own[g.Name] = true
		names = append(names, g.Name)
	}
	taken := map[string]int{}
	// Fifty: each recurring window costs up to 3 ms to check.
	r.list("freezes", 50, func(where string, n *yaml.Node) {
		f := r.freeze(where, n, p.Zone, func(where string, n *yaml.Node) {
			r.groupRef(where, n, own, names)
		})
		if line, twice := taken[f.Name]; twice && f.Name != "" {
			r.add(n, CodeDuplicate, fmt.Sprintf("freeze %s stands on line %d already", code(f.Name), line), "a name of its own")
		}
		taken[f.Name] = n.Line + r.line
		p.Freezes = append(p.Freezes, f)
	})(n)
}

func (r *reader) freeze(where string, n *yaml.Node, loc *time.Location, group func(string, *yaml.Node)) Freeze {
	f := Freeze{Zone: loc}
	before := len(r.problems)
	seen := r.fields(n, where,
		field{"name", r.text(where+".name", &f.Name)},
		field{"reason", r.text(where+".reason", &f.Reason)},
		field{"from", r.instant(where+".from", &f.From, loc)},
		field{"until", r.instant(where+".until", &f.Until, loc)},
		field{"start", r.text(where+".start", &f.Start)},
		field{"lasts", r.duration(where+".lasts", time.Minute, &f.Lasts)},
		field{"timezone", r.zone(where+".timezone", &f.Zone)},
		field{"governs", r.list(where+".governs", 200, func(where string, n *yaml.Node) {
			group(where, n)
			f.Governs = append(f.Governs, n.Value)
		})},
	)
	if len(r.problems) == before {
		r.freezeShape(n, where, &f, seen)
	}
	return f
}

func (r *reader) groupRef(where string, n *yaml.Node, own map[string]bool, names []string) {
	if n.Kind == yaml.ScalarNode && own[n.Value] {
		return
	}
	fix := "one of " + strings.Join(few(names), ", ")
	if near := Nearest(n.Value, names); near != "" {
		fix = code(near)
	}
	r.add(n, CodeValue, where+" names no group: "+shown(n), fix)
}

func (r *reader) freezeShape(n *yaml.Node, where string, f *Freeze, seen keys) {
	dated, recurring := seen.given("from") || seen.given("until"), seen.given("start") || seen.given("lasts")
	switch {
	case f.Name == "":
		r.add(n, CodeValue, where+".name is missing", "a name people will read in the check")
	case dated == recurring:
		r.add(n, CodeTime, where+" must be either dated or recurring", "from and until, or start and lasts")
	case dated && f.Until.IsZero():
		r.add(n, CodeTime, where+" has no until, so it would never end", "both from and until")
	case dated && f.From.IsZero():
		r.add(n, CodeTime, where+" has no from, so nobody knows when it begins", "both from and until")
	case dated && !f.From.Before(f.Until):
		r.add(n, CodeTime, where+" ends before it begins", "an until after from")
	case recurring && f.Lasts == 0:
		r.add(n, CodeTime, where+".lasts is missing", "a length such as 62h")
	case recurring && f.Start == "":
		r.add(n, CodeTime, where+".start is missing", "five fields, such as `0 18 * * 5` for Friday 18:00")
	case recurring && !fires(f.Start):
		r.add(n, CodeTime, where+".start is "+code(f.Start)+", which is no cron line or never fires", "five fields, such as `0 18 * * 5` for Friday 18:00")
	case recurring && f.endless():
		r.add(n, CodeTime, where+" lasts "+spell(f.Lasts)+" and begins again before it ends, so it would never end", "a shorter lasts")
	case seen["governs"] != nil && empty(seen["governs"]):
		r.add(seen["governs"], CodeEmpty, where+".governs is empty", "at least one group, or leave the key out for all")
	case recurring:
		r.freezeStart(seen["start"], where+".start", f)
	}
}

// freezeStart refuses a start in an hour that a clock change skips or repeats.
func (r *reader) freezeStart(n *yaml.Node, where string, f *Freeze) {
	c := f.clashes()
	if len(c.hours) == 0 {
		return
	}
	what := " does not exist (clocks are set forward)"
	if c.twice {
		what = " happens twice (clocks are set back)"
	}
	fix := "`timezone: UTC` and a start in it"
	if other := f.moved(c); other != "" {
		fix = "`" + other + "`, at hours that every day has once" // not shortened: it is pasted
	}
	r.add(n, CodeTime, where+" is "+code(f.Start)+", and "+code(c.at.Format("2006-01-02 15:04 ")+f.Zone.String())+what, fix)
}

// joined is how many windows may follow each other without a gap. A freeze of
// every night and weekend of December is 31.
const joined = 40

// endless reports whether a recurring freeze runs into itself for ever.
func (f *Freeze) endless() bool {
	start, ok := f.next(lintFrom)
	if !ok {
		return true
	}
	_, open := f.end(start)
	return open
}

// end is the end of the windows that follow each other without a gap, the first
// of which began at start. When more than joined do, open is set and until is the
// beginning of the second, an instant at which to look again.
func (f *Freeze) end(start time.Time) (until time.Time, open bool) {
	until = start.Add(f.Lasts)
	var second time.Time
	for range joined {
		next, ok := f.next(start)
		if !ok || next.After(until) {
			return until, false
		}
		if second.IsZero() {
			second = next
		}
		start, until = next, next.Add(f.Lasts)
	}
	return second, true
}

// A window is one period of a freeze.
type window struct {
	freeze      *Freeze
	from, until time.Time
}

// window returns the freeze's period that covers now, or the next one. ok is
// false when there is neither.
func (f *Freeze) window(now time.Time) (w window, ok bool) {
	if f.Start == "" {
		return window{f, f.From, f.Until}, now.Before(f.Until)
	}
	// A start covers now when it lies in (now-Lasts, now].
	start, certain := f.next(now.Add(-f.Lasts))
	switch {
	case !certain:
		return window{f, now, now.Add(time.Hour)}, true // never open by an error of the search
	case start.After(now):
		return window{f, start, start.Add(f.Lasts)}, true
	}
	until, _ := f.end(start)
	return window{f, start, until}, true
}

// next returns the first start after an instant. The library is asked about wall
// clocks only, in UTC, one stretch between two clock changes after the other: its
// own search through a zone gives up on days that have no midnight.
func (f *Freeze) next(after time.Time) (start time.Time, ok bool) {
	at := after.In(f.Zone)
	for changed := false; ; changed = true {
		_, seconds := at.Zone()
		offset := time.Duration(seconds) * time.Second
		tick, err := gronx.NextTickAfter(f.Start, at.UTC().Add(offset), changed)
		if err != nil {
			return time.Time{}, false
		}
		start = tick.Add(-offset).In(f.Zone)
		change, any := changeIn(at, start)
		if !any {
			return start, true
		}
		at = change
	}
}

func (f *Freeze) covers(group string) bool {
	return len(f.Governs) == 0 || slices.Contains(f.Governs, group)
}

// judgeFreeze checks the freeze windows of a group. A window is half-open, and
// both its ends are instants at which the verdict changes with no event.
func judgeFreeze(j *judgement, g *judged) {
	if g.fast && len(j.Freezes) > 0 {
		j.free(g, RuleFreezeWindow, "a freeze")
		return
	}
	var next window
	frozen := false
	for _, w := range j.windows {
		switch {
		case !w.freeze.covers(g.Name):
		case j.now.Before(w.from):
			j.at(w.from)
			if next.freeze == nil || w.from.Before(next.from) {
				next = w
			}
		default:
			frozen = true
			j.at(w.until)
			j.add(Finding{Group: g.Name, Rule: RuleFreezeWindow, State: Pending, Code: CodeFreeze, Until: w.until,
				Short: w.freeze.Name, Says: w.freeze.title() + " until " + clock(w.until, j.Zone),
				Fix: "nothing to do: the check goes on by itself then"})
		}
	}
	switch {
	case frozen || len(j.Freezes) == 0:
	case next.freeze == nil:
		j.met(g.Name, RuleFreezeWindow, "none ahead")
	default:
		j.met(g.Name, RuleFreezeWindow, "none active; next "+code(next.freeze.Name)+" from "+clock(next.from, j.Zone))
	}
}

func (f *Freeze) title() string {
	if f.Reason == "" {
		return "freeze " + code(f.Name)
	}
	return "freeze " + code(f.Name) + " (" + code(f.Reason) + ")"
}

// frozen finds the window of each freeze once for all groups: a cron line costs
// 30 µs.
func (j *judgement) frozen() {
	for i := range j.Freezes {
		if w, ok := j.Freezes[i].window(j.now); ok {
			j.windows = append(j.windows, w)
		}
	}
}
