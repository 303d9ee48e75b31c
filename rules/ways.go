package rules

import (
	"slices"
	"time"
)

// A Window is one period of a freeze, half-open: From is frozen, Until is not.
type Window struct {
	*Freeze
	From, Until time.Time
}

// Frozen returns the freeze windows that cover one of some groups at an instant, in the
// order of the policy.
func (p *Policy) Frozen(groups []string, now time.Time) []Window {
	var out []Window
	for i := range p.Freezes {
		f := &p.Freezes[i]
		if !slices.ContainsFunc(groups, f.covers) {
			continue
		}
		if w, ok := f.window(now); ok && !now.Before(w.from) {
			out = append(out, Window{f, w.from, w.until})
		}
	}
	return out
}

// Ways says which commands would let a change through that is held back now: waive,
// where every freeze in its way may be waived, and break-glass, where everything in its
// way may. Who may give them is Admit's to say.
func (p *Policy) Ways(c *Change, now time.Time) (waive, breakGlass bool) {
	if p.BreakGlass == nil || p.Mode == "shadow" {
		return false, false
	}
	j := p.judge(c, now)
	var freezes, others int
	waive, breakGlass = true, true
	for i := range j.findings {
		f := &j.findings[i]
		if f.state() == Ready {
			continue
		}
		may := j.waivable(f) && slices.Contains(emergency, f.Code)
		breakGlass = breakGlass && may
		if f.Code == CodeFreeze {
			freezes++
			waive = waive && may
		} else {
			others++
		}
	}
	return waive && freezes > 0, breakGlass && freezes+others > 0
}
