package rules

import (
	"fmt"
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

func (r *reader) freeze(n *yaml.Node, i int, p *Policy) Freeze {
	where := fmt.Sprintf("freezes[%d]", i)
	f := Freeze{Zone: p.Zone}
	zone := ""
	instant := func(key string, to *time.Time) func(*yaml.Node) {
		return func(n *yaml.Node) {
			var s, wrong, fix string
			r.text(where+"."+key, &s)(n)
			if *to, wrong, fix = ParseTime(s, p.Zone); wrong != "" {
				r.add(n, CodeTime, where+"."+key+": "+wrong, fix)
			}
		}
	}
	before := len(r.problems)
	seen := r.fields(n, where,
		field{"name", r.text(where+".name", &f.Name)},
		field{"reason", r.text(where+".reason", &f.Reason)},
		field{"from", instant("from", &f.From)},
		field{"until", instant("until", &f.Until)},
		field{"start", r.text(where+".start", &f.Start)},
		field{"lasts", r.duration(where+".lasts", &f.Lasts)},
		field{"timezone", func(n *yaml.Node) { r.text(where+".timezone", &zone)(n); f.Zone = r.zone(n, zone) }},
		field{"governs", r.list(where+".governs", func(j int, n *yaml.Node) {
			f.Governs = append(f.Governs, r.groupRef(n, fmt.Sprintf("%s.governs[%d]", where, j), p))
		})},
	)
	if len(r.problems) == before {
		r.freezeShape(n, where, &f, seen)
	}
	return f
}

func (r *reader) groupRef(n *yaml.Node, where string, p *Policy) string {
	var names []string
	for _, g := range p.all() {
		if g.Name == n.Value {
			return g.Name
		}
		names = append(names, g.Name)
	}
	fix := "one of " + strings.Join(names, ", ")
	if near := Nearest(n.Value, names); near != "" {
		fix = code(near)
	}
	r.add(n, CodeValue, where+" names no group: "+shown(n), fix)
	return n.Value
}

func (r *reader) freezeShape(n *yaml.Node, where string, f *Freeze, seen map[string]bool) {
	dated, recurring := seen["from"] || seen["until"], seen["start"] || seen["lasts"]
	switch {
	case f.Name == "":
		r.add(n, CodeValue, where+".name is missing", "a name people will read in the check")
	case dated == recurring:
		r.add(n, CodeTime, where+" must be either dated or recurring", "from and until, or start and lasts")
	case dated && (f.From.IsZero() || f.Until.IsZero()):
		r.add(n, CodeTime, where+" has no "+map[bool]string{true: "from", false: "until"}[f.From.IsZero()]+", so it would never end or never begin", "both from and until")
	case dated && !f.From.Before(f.Until):
		r.add(n, CodeTime, where+" ends before it begins", "an until after from")
	case recurring && f.Lasts <= 0:
		r.add(n, CodeTime, where+".lasts is missing", "a length such as 62h")
	case recurring && !fires(f.Start):
		r.add(n, CodeTime, where+".start is "+code(f.Start)+", which is no cron line or never fires", `five fields, such as "0 18 * * 5" for Friday 18:00`)
	}
}

// fires reports whether a cron line is of five fields and has a next time. Lines
// with seconds or years are refused: the length of a freeze is what matters.
func fires(cron string) bool {
	if len(strings.Fields(cron)) != 5 || !gronx.IsValid(cron) {
		return false
	}
	_, err := gronx.NextTickAfter(cron, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), false)
	return err == nil
}

// window returns the freeze's period that covers now, or the next one. ok is
// false when there is neither.
func (f *Freeze) window(now time.Time) (from, until time.Time, ok bool) {
	if f.Start == "" {
		return f.From, f.Until, now.Before(f.Until)
	}
	local := now.In(f.Zone)
	if start, err := gronx.PrevTickBefore(f.Start, local, true); err == nil && now.Before(start.Add(f.Lasts)) {
		return start, start.Add(f.Lasts), true
	}
	start, err := gronx.NextTickAfter(f.Start, local, false)
	return start, start.Add(f.Lasts), err == nil
}

func (f *Freeze) covers(group string) bool {
	if len(f.Governs) == 0 {
		return true
	}
	for _, g := range f.Governs {
		if g == group {
			return true
		}
	}
	return false
}
