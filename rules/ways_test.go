package rules

import (
	"testing"
	"time"
)

const doors = `
freezes:
  - {name: weekly, start: "0 12 * * 2", lasts: 2h, governs: [prompts]}
  - {name: elsewhere, from: 2026-11-01T00:00Z, until: 2026-12-31T00:00Z, governs: [other]}
break_glass: {who: [admin], reviewers: [maintain]}
`

// A window is shown as it is judged: its first instant is frozen, its last is not, and
// what governs another group is not in the way.
func TestFrozenIsHalfOpen(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"  - {name: other, kind: other, paths: ['other/**']}"+doors)
	for at, want := range map[time.Time]int{ // noon is a Tuesday
		noon.Add(-time.Nanosecond): 0, noon: 1, noon.Add(2*time.Hour - time.Nanosecond): 1, noon.Add(2 * time.Hour): 0,
	} {
		got := p.Frozen([]string{"prompts"}, at)
		if len(got) != want || want == 1 && (got[0].Name != "weekly" || !got[0].From.Equal(noon) || !got[0].Until.Equal(noon.Add(2*time.Hour))) {
			t.Errorf("at %s: %+v", at, got)
		}
		if v := p.Decide(change(reviewed(review(rev1))), at); (v.State == Frozen) != (want == 1) {
			t.Errorf("at %s it is %s, and %d windows are shown", at, v.State, want)
		}
	}
}

func TestWays(t *testing.T) {
	t.Parallel()
	base := prompts + "  - {name: other, kind: other, paths: ['other/**']}"
	for name, tt := range map[string]struct {
		policy      string
		at          time.Time
		edit        func(*Change)
		waive, glas bool
	}{
		"frozen":                      {base + doors, noon, reviewed(review(rev1)), true, true},
		"approval missing and frozen": {base + doors, noon, asks(request), true, true},
		"approval missing":            {base + doors, noon.Add(-time.Hour), asks(request), false, true},
		"no plan":                     {base + doors, noon, asks("change:\n  why: x\n"), true, false},
		"nothing in the way":          {base + doors, noon.Add(-time.Hour), reviewed(review(rev1, on(noon.Add(-2*time.Hour)))), false, false},
		"no break_glass":              {base, noon, asks(request), false, false},
	} {
		waive, glass := parse(t, tt.policy).Ways(change(tt.edit), tt.at)
		if waive != tt.waive || glass != tt.glas {
			t.Errorf("%s: waive %v, break-glass %v", name, waive, glass)
		}
	}
}
