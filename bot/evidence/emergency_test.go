package evidence_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/rules"

	"github.com/google/go-cmp/cmp"
)

// broken is the decision on pull request n while the glass is broken.
func broken(w *world, n int, x ...rules.Exception) evidence.Record {
	d := decided(n, false, hour(n).Add(30*time.Second))
	d.Key += "/broken"
	d.Change.Exceptions = x
	d.Verdict = judge(d.Policy, d.Change, d.At)
	return decision(w.t, d)
}

// emergency tells how the glass was broken for pull request n and it was merged.
func (w *world) emergency(n int) *world {
	w.append(decision(w.t, decided(n, false, hour(n).Add(-time.Minute))), hour(n))
	w.append(evidence.Opened("github.com", repo, n, glass(n)), hour(n))
	r := broken(w, n, glass(n))
	m := merged(n, w.append(r, hour(n).Add(time.Minute)), r.Predicate.(*evidence.PolicyEvaluated))
	m.Predicate.(*evidence.ChangeMerged).ReadyAt = hour(n).Add(30 * time.Second)
	w.append(m, hour(n).Add(2*time.Minute))
	return w
}

// lateMerge tells how pull request 1 was merged 15 seconds after the glass had closed
// again, of which the record says ended.
func (w *world) lateMerge(ended string) *world {
	x := glass(1)
	x.Expires = hour(1).Add(45 * time.Second)
	w.append(evidence.Opened("github.com", repo, 1, x), hour(1))
	r := broken(w, 1, x)
	d := r.Predicate.(*evidence.PolicyEvaluated)
	m := merged(1, w.append(r, hour(1).Add(time.Minute)), d)
	p := m.Predicate.(*evidence.ChangeMerged)
	p.ReadyAt, p.Ended = d.DecidedAt, ended
	p.Explained = ended == ""
	w.append(m, hour(1).Add(2*time.Minute))
	return w
}

func (w *world) overdue(n int) *world {
	w.append(evidence.Overdue("github.com", repo, n, glass(n)), glass(n).Due)
	return w
}

func (w *world) closed(n int, at time.Time) *world {
	w.append(evidence.Closed("github.com", repo, n, reviewed(glass(n), at)), at)
	return w
}

func exportedAt(at time.Time) evidence.Query {
	q := query()
	q.Now = at
	return q
}

// column reads the named column of a table of a bundle.
func column(t *testing.T, bundle []byte, file, name string) (out []string) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(evidence.TakeApart(t, bundle).Files[file], []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range rows[0] {
		if c == name {
			for _, r := range rows[1:] {
				out = append(out, r[i])
			}
			return out
		}
	}
	t.Fatalf("%s has no column %s", file, name)
	return nil
}

// A merge through broken glass is explained once it was reviewed in time, and as
// long as it still may be. What the log knows after the period counts.
func TestBreakGlassIsExplainedByItsReview(t *testing.T) {
	t.Parallel()
	due := glass(1).Due
	for _, c := range []struct {
		name              string
		tell              func(*world)
		at                time.Time
		to                time.Time
		explained, review string
		why, says         string
	}{
		{"reviewed", func(w *world) { w.closed(1, due) }, end, end, "true", "in time", "", "reviewed in time 1, late 0"},
		{"reviewed after the period", func(w *world) { w.closed(1, due) }, end, hour(2), "true", "in time", "", "reviewed in time 1"},
		{"still open", func(*world) {}, due.Add(-1), end, "true", "open",
			"break-glass EX-1: review still open (due 2026-06-02T01:00:00Z)", "open 1, overdue 0"},
		{"due", func(w *world) { w.overdue(1) }, due, end, "false", "overdue",
			"break-glass EX-1 not reviewed in time (due 2026-06-02T01:00:00Z)", "overdue 1"},
		{"due, by what the log holds", func(w *world) { w.overdue(1) }, hour(3), end, "false", "overdue",
			"break-glass EX-1 not reviewed in time (due 2026-06-02T01:00:00Z)", "overdue 1"},
		{"due and nobody noticed", func(*world) {}, due.Add(time.Hour), end, "false", "overdue",
			"break-glass EX-1 not reviewed in time (due 2026-06-02T01:00:00Z)", "no record says so (the server did not notice): EX-1"},
		{"late", func(w *world) { w.overdue(1).closed(1, due.Add(time.Second)) }, end, end, "false", "late",
			"break-glass EX-1 reviewed late (2026-06-02T01:00:01Z, due 2026-06-02T01:00:00Z)", "late 1; open 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).emergency(1)
			c.tell(w)
			q := exportedAt(c.at)
			q.To = c.to
			bundle := w.export(q)
			rep := verify(bundle)
			if !rep.Verified {
				t.Fatalf("verify: %+v", rep.Failed())
			}
			got := []string{}
			for _, name := range []string{"explained", "why", "exceptions", "ready_at"} {
				got = append(got, column(t, bundle, "population.csv", name)...)
			}
			got = append(got, column(t, bundle, "emergencies.csv", "review")...)
			if diff := cmp.Diff([]string{c.explained, c.why, "EX-1", "2026-06-01T01:00:30Z", c.review}, got); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
			exceptions := column(t, bundle, "exceptions.csv", "why")
			if (len(exceptions) == 1) != (c.explained == "false") || rep.Manifest.Counts.Exceptions != len(exceptions) {
				t.Errorf("exceptions are %q, counted %d", exceptions, rep.Manifest.Counts.Exceptions)
			}
			if says := said(rep, "emergencies"); !strings.Contains(says, c.says) {
				t.Errorf("emergencies: %s\nwant %q", says, c.says)
			}
		})
	}
}

func said(rep evidence.Report, name string) string {
	for _, c := range rep.Checks {
		if c.Name == name {
			return c.Says
		}
	}
	return ""
}

func TestEmergenciesTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t).emergency(1).emergency(2).closed(1, glass(1).Due).overdue(2)
	x := glass(3)
	x.Kind, x.Freezes, x.Incident, x.Reason = rules.KindWaiver, []string{"weekend", "year-end"}, "", "=cmd()"
	w.append(evidence.Opened("github.com", repo, 3, x), end)
	bundle := w.export(query())
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(evidence.TakeApart(t, bundle).Files["emergencies.csv"], []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	id, name := "179876543210987654", "acme/agents"
	want := [][]string{
		{"EX-1", "break-glass", id, name, "1", "bob", "2", "'@acme/incident-commanders", "2026-06-01T01:00:00Z",
			"Agent refunds without limit", "INC-881", commitID(1), "", "2026-06-01T02:00:00Z", "2026-06-02T01:00:00Z",
			"in time", "carol", "3", "'@acme/change-managers", "2026-06-02T01:00:00Z", "prompt restored", "2026-06-01T01:01:00Z", "3", "1", "8", ""},
		{"EX-2", "break-glass", id, name, "2", "bob", "2", "'@acme/incident-commanders", "2026-06-01T02:00:00Z",
			"Agent refunds without limit", "INC-881", commitID(2), "", "2026-06-01T03:00:00Z", "2026-06-02T02:00:00Z",
			"overdue", "", "", "", "", "", "2026-06-01T02:01:00Z", "7", "5", "", "9"},
		{"EX-3", "waiver", id, name, "3", "bob", "2", "'@acme/incident-commanders", "2026-06-01T03:00:00Z",
			"'=cmd()", "", commitID(3), "weekend year-end", "2026-06-01T04:00:00Z", "2026-06-02T03:00:00Z", "overdue", "", "", "", "", "", "", "", "10", "", ""},
	}
	if diff := cmp.Diff(want, rows[1:]); diff != "" {
		t.Errorf("emergencies.csv (-want +got):\n%s", diff)
	}
	if rep := verify(bundle); !rep.Verified || rep.Manifest.Counts.Emergencies != 3 {
		t.Errorf("counts %+v, failed %+v", rep.Manifest.Counts, rep.Failed())
	}
}

// A period that knows one record of an exception has them all, and one that knows
// none has none.
func TestEmergenciesOfAPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t).emergency(1).emergency(2).closed(1, hour(10)).closed(2, hour(11))
	for _, c := range []struct {
		from, to time.Time
		want     []string
	}{
		{hour(1), hour(2), []string{"EX-1"}},
		{hour(10), hour(11), []string{"EX-1"}},
		{hour(1).Add(time.Minute), hour(1).Add(2 * time.Minute), []string{"EX-1"}}, // merged then
		{hour(5), hour(6), nil},
		{start, end, []string{"EX-1", "EX-2"}},
	} {
		t.Run(fmt.Sprint(c.from, c.to), func(t *testing.T) {
			t.Parallel()
			q := query()
			q.From, q.To = c.from, c.to
			bundle := w.export(q)
			if diff := cmp.Diff(c.want, column(t, bundle, "emergencies.csv", "exception")); diff != "" {
				t.Errorf("emergencies (-want +got):\n%s", diff)
			}
			if rep := verify(bundle); !rep.Verified {
				t.Errorf("verify: %+v", rep.Failed())
			}
		})
	}
}

// A server that signs what did not happen is found.
func TestFalseEmergencies(t *testing.T) {
	t.Parallel()
	due := glass(1).Due
	record := func(r evidence.Record, edit func(*evidence.ExceptionRecord)) evidence.Record {
		p := r.Predicate.(*evidence.ExceptionRecord)
		if p.Exception.Closed != nil {
			c := *p.Exception.Closed
			p.Exception.Closed = &c
		}
		edit(p)
		return r
	}
	opened := func(edit func(*evidence.ExceptionRecord)) func(*world) {
		return func(w *world) {
			r := record(evidence.Opened("github.com", repo, 1, glass(1)), edit)
			r.Key = "exception.opened/" + r.Predicate.(*evidence.ExceptionRecord).Exception.ID()
			w.append(r, hour(1))
		}
	}
	closed := func(edit func(*evidence.ExceptionRecord)) func(*world) {
		return func(w *world) {
			w.emergency(1).append(record(evidence.Closed("github.com", repo, 1, reviewed(glass(1), due)), edit), due)
		}
	}
	overdue := func(edit func(*evidence.ExceptionRecord)) func(*world) {
		return func(w *world) {
			w.emergency(1).append(record(evidence.Overdue("github.com", repo, 1, glass(1)), edit), due)
		}
	}
	for _, c := range []struct {
		name         string
		tell         func(*world)
		check, words string
	}{
		{"the first is not number 1", opened(func(p *evidence.ExceptionRecord) { p.Exception.Number = 2 }), "emergencies", "record 0 opens EX-2, expected EX-1"},
		{"a gap", func(w *world) { w.emergency(1).emergency(3) }, "emergencies", "record 5 opens EX-3, expected EX-2"},
		{"a merge after the glass was closed again", func(w *world) { w.lateMerge("") }, "merges",
			"record 2: it says \"\" of when the decision on acme/agents#1 ended, its facts give \"merged while waiting: what had been decided held until 2026-06-01T01:00:45Z\""},
		{"a late merge by another word", func(w *world) { w.lateMerge("merged while all was well") }, "merges", "its facts give"},
		{"a double", func(w *world) {
			r := evidence.Opened("github.com", repo, 1, glass(1))
			r.Key += "/again"
			w.emergency(1).append(r, end)
		}, "emergencies", "record 4 opens EX-1, expected EX-2"},
		{"opened by a bot", opened(func(p *evidence.ExceptionRecord) { p.Exception.By.Bot = true }), "emergencies", "no human"},
		{"opened by nobody", opened(func(p *evidence.ExceptionRecord) { p.Exception.By = rules.Person{} }), "emergencies", "no human"},
		{"opened for ever", opened(func(p *evidence.ExceptionRecord) { p.Exception.Expires = time.Time{} }), "emergencies", "that is no exception"},
		{"opened for no commit", opened(func(p *evidence.ExceptionRecord) { p.Exception.Head = "" }), "emergencies", "that is no exception"},
		{"opened with no review", opened(func(p *evidence.ExceptionRecord) { p.Exception.Due = p.Exception.At }), "emergencies", "that is no exception"},
		{"of no kind", opened(func(p *evidence.ExceptionRecord) { p.Exception.Kind = "favour" }), "emergencies", "that is no exception"},
		{"a waiver of no freeze", opened(func(p *evidence.ExceptionRecord) {
			p.Exception.Kind = rules.KindWaiver
		}), "emergencies", "that is no exception"},
		{"opened and closed at once", opened(func(p *evidence.ExceptionRecord) {
			p.Exception = reviewed(p.Exception, hour(2))
		}), "emergencies", "says closed true"},
		{"closed and never opened", func(w *world) { w.closed(1, due) }, "emergencies", "which no record before it opened"},
		{"opened after it was closed", func(w *world) {
			w.closed(1, due).append(evidence.Opened("github.com", repo, 1, glass(1)), due)
		}, "emergencies", "record 0: exception.closed of EX-1, which no record before it opened"},
		{"closed without a review", closed(func(p *evidence.ExceptionRecord) { p.Exception.Closed = nil }), "emergencies", "says closed false"},
		{"closed twice", func(w *world) {
			r := evidence.Closed("github.com", repo, 1, reviewed(glass(1), due))
			r.Key += "/again"
			w.emergency(1).closed(1, due).append(r, end)
		}, "emergencies", "has key"},
		{"late and called in time", closed(func(p *evidence.ExceptionRecord) { p.Exception.Closed.At = due.Add(1) }), "emergencies", "late false"},
		{"in time and called late", closed(func(p *evidence.ExceptionRecord) { p.Late = true }), "emergencies", "late true"},
		{"due moved", closed(func(p *evidence.ExceptionRecord) {
			p.Exception.Due, p.Exception.Closed.At = due.Add(time.Hour), due.Add(time.Hour)
		}), "emergencies", "is not of what record 1 opened"},
		{"the reason made better", closed(func(p *evidence.ExceptionRecord) { p.Exception.Reason = "planned work" }), "emergencies", "is not of what record 1 opened"},
		{"another pull request's", closed(func(p *evidence.ExceptionRecord) { p.Number = 2 }), "emergencies", "is not of what record 1 opened"},
		{"another repository's", closed(func(p *evidence.ExceptionRecord) { p.Repo.ID = 2 }), "emergencies", "is not of what record 1 opened"},
		{"closed by the invoker", closed(func(p *evidence.ExceptionRecord) { p.Exception.Closed.By = bob }), "emergencies", `closed by "bob", who had opened it`},
		{"closed by a contributor", closed(func(p *evidence.ExceptionRecord) { p.Exception.Closed.By = alice }), "emergencies", `closed by "alice", who contributed`},
		{"closed by a bot", closed(func(p *evidence.ExceptionRecord) { p.Exception.Closed.By.Bot = true }), "emergencies", "no human"},
		{"closed before it was opened", closed(func(p *evidence.ExceptionRecord) { p.Exception.Closed.At = hour(0) }), "emergencies", "before it was opened"},
		{"overdue before it was due", overdue(func(p *evidence.ExceptionRecord) { p.Exception.Due = due.Add(time.Hour) }), "emergencies", "is not of what"},
		{"overdue when it was reviewed", func(w *world) { w.emergency(1).closed(1, due).overdue(1) }, "emergencies", "EX-1 was not overdue"},
		{"overdue and reviewed at once", overdue(func(p *evidence.ExceptionRecord) { p.Exception = reviewed(p.Exception, due) }), "emergencies", "says closed true"},
		{"an exception nobody opened", func(w *world) { w.append(broken(w, 1, glass(1)), hour(1)) },
			"decisions", "decided with EX-1, which is not what a record before it opened"},
		{"an exception opened afterwards", func(w *world) {
			w.append(broken(w, 1, glass(1)), hour(1))
			w.append(evidence.Opened("github.com", repo, 1, glass(1)), hour(1))
		}, "decisions", "decided with EX-1"},
		{"an exception of another pull request", func(w *world) {
			w.append(evidence.Opened("github.com", repo, 2, glass(1)), hour(1))
			w.append(broken(w, 1, glass(1)), hour(1))
		}, "decisions", "decided with EX-1"},
		{"an exception that lasts longer", func(w *world) {
			x := glass(1)
			x.Expires = x.Expires.Add(time.Hour)
			w.append(evidence.Opened("github.com", repo, 1, glass(1)), hour(1))
			w.append(broken(w, 1, x), hour(1))
		}, "decisions", "decided with EX-1"},
		{"a review that was not", func(w *world) {
			w.append(evidence.Opened("github.com", repo, 1, glass(1)), hour(1))
			w.append(broken(w, 1, reviewed(glass(1), hour(1))), hour(1))
		}, "decisions", "decided with a review of EX-1"},
		{"a decision that hides its exception", func(w *world) {
			w.append(evidence.Opened("github.com", repo, 1, glass(1)), hour(1))
			r := broken(w, 1, glass(1))
			r.Predicate.(*evidence.PolicyEvaluated).Exceptions = nil
			w.append(r, hour(1))
		}, "decisions", "does not say what its facts give"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.tell(w)
			mustFail(t, verify(w.export(query())), c.check, c.words)
		})
	}
}

// What nobody decided again, because it is outside the period, is not believed
// either: a merge rests on an exception of its own commit, or on none.
func TestMergeOnAnExceptionOfSomethingElse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(*evidence.PolicyEvaluated)
		why  string
	}{
		{"of another commit", func(d *evidence.PolicyEvaluated) { d.Exceptions = []int{2} }, "EX-2 was not on record for this commit"},
		{"that is not there", func(d *evidence.PolicyEvaluated) { d.Exceptions = []int{7} }, "EX-7 was not on record for this commit"},
		{"opened afterwards", func(d *evidence.PolicyEvaluated) { d.Exceptions = []int{3} }, "EX-3 was not on record for this commit"},
		{"of none", func(d *evidence.PolicyEvaluated) { d.Exceptions = nil }, "break-glass with no exception on record"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.append(evidence.Opened("github.com", repo, 1, glass(1)), hour(1))
			w.append(evidence.Opened("github.com", repo, 2, glass(2)), hour(1))
			r := broken(w, 1, glass(1))
			c.edit(r.Predicate.(*evidence.PolicyEvaluated))
			index := w.append(r, hour(1))
			later := glass(1)
			later.Number = 3
			w.append(evidence.Opened("github.com", repo, 1, later), hour(1))
			w.append(merged(1, index, r.Predicate.(*evidence.PolicyEvaluated)), hour(2))
			bundle := w.export(query())
			if why := column(t, bundle, "exceptions.csv", "why"); len(why) != 1 || why[0] != c.why {
				t.Errorf("exceptions are %q, want %q", why, c.why)
			}
			mustFail(t, verify(bundle), "decisions", "record 2")
		})
	}
}

// When a merge was planned and ready is what its decisions say. A record of an
// earlier version says neither.
func TestPlannedAndReady(t *testing.T) {
	t.Parallel()
	planned := end.Add(-time.Hour)
	tell := func(edit func(*evidence.ChangeMerged)) []byte {
		w := newWorld(t)
		var index int64
		var last *evidence.PolicyEvaluated
		for i, approved := range []bool{true, false, true, true} {
			d := decided(1, approved, hour(0).Add(time.Duration(i)*time.Minute))
			d.Key = fmt.Sprint("decision/", i)
			d.Change.Requests[0].Text += "  effective_at: " + planned.Format(time.RFC3339) + "\n"
			r := decision(t, d)
			index, last = w.append(r, hour(1)), r.Predicate.(*evidence.PolicyEvaluated)
		}
		r := merged(1, index, last)
		m := r.Predicate.(*evidence.ChangeMerged)
		m.ReadyAt = hour(0).Add(2 * time.Minute)
		edit(m)
		w.append(r, hour(2))
		return w.export(query())
	}
	bundle := tell(func(*evidence.ChangeMerged) {})
	if rep := verify(bundle); !rep.Verified {
		t.Fatalf("verify: %+v", rep.Failed())
	}
	got := append(column(t, bundle, "population.csv", "planned_at"), column(t, bundle, "population.csv", "ready_at")...)
	if diff := cmp.Diff([]string{"2026-11-30T23:00:00Z", "2026-06-01T00:02:00Z"}, got); diff != "" {
		t.Errorf("planned and ready (-want +got):\n%s", diff)
	}
	if rep := verify(tell(func(m *evidence.ChangeMerged) { m.EffectiveAt, m.ReadyAt = time.Time{}, time.Time{} })); !rep.Verified {
		t.Errorf("a record of an earlier version: %+v", rep.Failed())
	}
	for name, edit := range map[string]func(*evidence.ChangeMerged){
		"planned for another time": func(m *evidence.ChangeMerged) { m.EffectiveAt = planned.Add(1) },
		"planned for none":         func(m *evidence.ChangeMerged) { m.EffectiveAt = time.Time{} },
		"ready over a break":       func(m *evidence.ChangeMerged) { m.ReadyAt = hour(0) },
		"ready at no time":         func(m *evidence.ChangeMerged) { m.ReadyAt = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustFail(t, verify(tell(edit)), "merges", "was planned for")
		})
	}
}
