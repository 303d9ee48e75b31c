package evidence_test

import (
	"slices"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/rules"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	carol  = rules.Person{ID: 3, Login: "carol"}
	berlin = time.FixedZone("CET", 3600)
)

// glass is exception n, opened at hour n on the head of pull request n.
func glass(n int) rules.Exception {
	return rules.Exception{
		Number: n, Kind: rules.KindBreakGlass, By: bob, As: "@acme/incident-commanders", At: hour(n).In(berlin), Head: commitID(n), Base: "main",
		Reason: "Agent refunds without limit", Incident: "INC-881", Expires: hour(n + 1).In(berlin), Due: hour(n + 24).In(berlin),
	}
}

// reviewed is the exception with its review at a time.
func reviewed(x rules.Exception, at time.Time) rules.Exception {
	x.Closed = &rules.Closing{By: carol, As: "@acme/change-managers", At: at.In(berlin), Outcome: "prompt restored"}
	return x
}

// What is read back from the log is what was recorded, in UTC, and a repeat adds
// nothing to it.
func TestExceptionRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := glass(1)
	due := x.Due
	all := []evidence.Record{
		evidence.Opened("github.com", repo, 1, reviewed(x, due)), evidence.Overdue("github.com", repo, 1, reviewed(x, due)),
		evidence.Closed("github.com", repo, 1, reviewed(x, due.Add(1))),
		evidence.Closed("github.com", repo, 2, reviewed(glass(2), glass(2).Due)),
	}
	for range 2 {
		for _, r := range all {
			w.append(r, end)
		}
	}
	type said struct {
		Kind   evidence.Kind
		At     time.Time
		Number int
		Late   bool
		Closed bool
	}
	var got []said
	view(t, w, func(tx evidence.Tx) error {
		for r, err := range w.l.Records(t.Context(), tx, 0, 4) {
			if err != nil {
				return err
			}
			p := r.Predicate.(*evidence.ExceptionRecord)
			got = append(got, said{p.Kind(), p.When(), p.Number, p.Late, p.Exception.Closed != nil})
			if want := glass(p.Number); !cmp.Equal(want, p.Exception, cmpopts.IgnoreFields(want, "Closed")) || p.Exception.Due.Location() != time.UTC {
				t.Errorf("record %d holds %+v", r.Index, p.Exception)
			}
		}
		n, err := tx.Size(t.Context(), org)
		if n != 4 {
			t.Errorf("the log has %d records, want 4", n)
		}
		return err
	})
	want := []said{
		{evidence.KindOpened, x.At, 1, false, false}, {evidence.KindOverdue, due, 1, false, false},
		{evidence.KindClosed, due.Add(1), 1, true, true}, {evidence.KindClosed, glass(2).Due, 2, false, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// A decision names the exceptions that cover its head and that it made use of.
func TestDecisionNamesItsExceptions(t *testing.T) {
	t.Parallel()
	freeze := func(names ...string) rules.Exception {
		x := glass(1)
		x.Kind, x.Freezes = rules.KindWaiver, names
		return x
	}
	at := hour(1).Add(time.Minute)
	frozen := []rules.Finding{{Rule: rules.RuleFreezeWindow, State: rules.Waived, Short: "weekend"}}
	other, later := glass(1), glass(1)
	other.Head, later.At = commitID(9), at.Add(1)
	for _, c := range []struct {
		name     string
		x        rules.Exception
		at       time.Time
		state    rules.State
		findings []rules.Finding
		want     []int
	}{
		{"nothing is waived", glass(1), at, rules.Ready, nil, nil},
		{"break-glass", glass(1), at, rules.BreakGlass, nil, []int{1}},
		{"the last instant", glass(1), hour(2).Add(-1), rules.BreakGlass, nil, []int{1}},
		{"expired", glass(1), hour(2), rules.BreakGlass, nil, nil},
		{"another head", other, at, rules.BreakGlass, nil, nil},
		{"not yet opened", later, at, rules.BreakGlass, nil, nil},
		{"a waiver", freeze("year-end", "weekend"), at, rules.Ready, frozen, []int{1}},
		{"a waiver of another freeze", freeze("year-end"), at, rules.Ready, frozen, nil},
		{"a waiver while no freeze is on", freeze("weekend"), at, rules.Ready, nil, nil},
		{"break-glass beside a waiver that does", glass(1), at, rules.Ready, frozen, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := decided(1, true, c.at)
			d.Change.Exceptions = []rules.Exception{c.x}
			d.Verdict.Would, d.Verdict.Findings = c.state, c.findings
			if got := decision(t, d).Predicate.(*evidence.PolicyEvaluated).Exceptions; !slices.Equal(got, c.want) {
				t.Errorf("rests on %v, want %v", got, c.want)
			}
		})
	}
}
