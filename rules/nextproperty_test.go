package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Changes around which the clock does everything: notice, dates, several freezes,
// exceptions that begin, end and fall due, all on minutes around an instant, which is
// now and then that of a clock change.

var hinges = []time.Time{noon, noon, time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC)}

func around(t *rapid.T, label string, at time.Time) time.Time {
	return at.Add(time.Duration(rapid.IntRange(-200, 200).Draw(t, label)) * time.Minute)
}

func drawTimedPolicy(t *rapid.T, at time.Time) string {
	notice := pick(t, "notice", "", "", "    notice: 90m\n", "    notice: 5h\n")
	freezes := some(t, "freezes", 3, func(i int) string {
		shape := ""
		switch pick(t, "shape", "dated", "daily", "hourly") {
		case "dated":
			from := around(t, "from", at)
			shape = fmt.Sprintf("from: %s, until: %s", stamp(from, nil), stamp(from.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes"))*time.Minute), nil))
		case "daily":
			// Hours that no clock change touches in any of the zones.
			shape = fmt.Sprintf("start: '%d %d * * *', lasts: %dm, timezone: %s", rapid.IntRange(0, 59).Draw(t, "minute"), pick(t, "hour", 0, 4, 8, 12, 13, 16, 20), rapid.IntRange(1, 400).Draw(t, "lasts"),
				pick(t, "zone", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"))
		case "hourly":
			shape = fmt.Sprintf("start: '%d */2 * * *', lasts: %dm", rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(1, 100).Draw(t, "lasts"))
		}
		return fmt.Sprintf("- {name: f%d, %s%s}\n", i, shape, pick(t, "governs", "", ", governs: [prompts]", ", governs: [changegate]"))
	})
	out := prompts + notice
	if len(freezes) > 0 {
		out += "freezes:\n" + strings.Join(freezes, "")
	}
	return out + "break_glass: {who: ['@acme/commanders'], reviewers: ['@acme/managers']}\n"
}

func drawTimedChange(t *rapid.T, at time.Time) *Change {
	date := pick(t, "date", "", "on-merge", stamp(around(t, "effective", at), nil), around(t, "effective", at).In(berlin).Format("2006-01-02T15:04Z07:00"))
	c := change(asks(request + "  effective_at: " + date + "\n"))
	c.RequestSince = at.Add(-time.Duration(rapid.IntRange(0, 3000).Draw(t, "declared")) * time.Minute)
	for _, by := range []Person{rev1, rev2} {
		if usually(t, by.Login) {
			reviewed(review(by, on(at.Add(-time.Duration(rapid.IntRange(0, 500).Draw(t, "approved"))*time.Minute))))(c)
		}
	}
	c.Exceptions = some(t, "exceptions", 2, func(i int) Exception {
		x := broke(func(x *Exception) { x.Number = i + 1 })
		if rapid.Bool().Draw(t, "waiver") {
			waiver(&x)
			x.Freezes = []string{"f0", "f1", "f2"}[:rapid.IntRange(1, 3).Draw(t, "waives")]
		}
		x.At = around(t, "opened", at.Add(-time.Hour))
		x.Expires = x.At.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "covers")) * time.Minute)
		x.Due = x.At.Add(time.Duration(rapid.IntRange(1, 500).Draw(t, "review within")) * time.Minute)
		if rapid.IntRange(0, 2).Draw(t, "reviewed") == 0 {
			closedBy(rev3, time.Duration(rapid.IntRange(1, 500).Draw(t, "after"))*time.Minute)(&x)
		}
		return x
	})
	return c
}

// walk judges a change at every minute of hours around an instant. Before the Next of
// a verdict nothing may differ from it; at Next it counts anew.
func walk(t *rapid.T, p *Policy, c *Change, at time.Time, seen map[string]int) {
	from, until := at.Add(-4*time.Hour), at.Add(4*time.Hour)
	v := p.Decide(c, from)
	for now := from; now.Before(until); now = now.Add(time.Minute) {
		got := p.Decide(c, now)
		if !v.Next.IsZero() && !now.Before(v.Next) {
			v = got
		}
		if !reflect.DeepEqual(got, v) {
			t.Fatalf("the verdict at %v differs before %v:\n%s", now, v.Next, cmp.Diff(v, got))
		}
		if !got.Next.IsZero() && !got.Next.After(now) {
			t.Fatalf("next is %v, at %v", got.Next, now)
		}
	}
	for now := from; now.Before(until); now = now.Add(20 * time.Minute) {
		got := p.Decide(c, now)
		seen[string(got.State)]++
		for _, f := range got.Findings {
			seen[f.Code+" "+string(f.State)]++
		}
	}
}

// Next is never later than the first instant at which the verdict differs: brute
// force over minutes.
func TestNextToTheMinute(t *testing.T) {
	t.Parallel()
	seen, want := map[string]int{}, []string{string(Ready), string(Scheduled), string(Frozen), string(Waiting), string(Author), string(BreakGlass),
		CodeScheduled + " waiting", CodeScheduled + " waived", CodeBackdated + " unmet", CodeNotice + " unmet", CodeNoticeWait + " waiting", CodeNoticeWait + " waived",
		CodeFreeze + " waiting", CodeFreeze + " waived", CodeWaiver + " met", CodeBreakGlass + " met", CodeVoid + " met", CodeOverdue + " waiting", CodeLate + " met"}
	const rounds = 5 // one may miss what is rare
	for range rounds {
		rapid.Check(t, func(t *rapid.T) {
			at := rapid.SampledFrom(hinges).Draw(t, "around")
			p, problems := ParsePolicy([]byte(drawTimedPolicy(t, at)))
			if problems != nil {
				t.Fatal(problems)
			}
			walk(t, p, drawTimedChange(t, at), at, seen)
		})
		if !slices.ContainsFunc(want, func(what string) bool { return seen[what] == 0 }) {
			return
		}
	}
	t.Errorf("no draw has all of %q: %v", want, seen)
}
