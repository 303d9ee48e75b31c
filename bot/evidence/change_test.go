package evidence_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/evidence"
	"changegate/rules"
)

const promptsPolicy = "version: 1\nmode: enforce\ngoverned:\n  - {name: prompts, kind: prompt, paths: [\"prompts/**\"]}\n"

func entry(n int) rules.Entry { return rules.Entry{Blob: commitID(n), Mode: "100644"} }

// planned is pull request n, approved, with a way back that was verified.
func planned(n int) evidence.Decided {
	d := decided(n, true, hour(n).Add(-time.Minute))
	d.Policy = []byte(promptsPolicy)
	d.Change.Target = &rules.Target{To: "v1", Form: rules.FormTag, Commit: commitID(500), InBase: true,
		Files: []rules.Restored{{Path: "prompts/refund.md", Landed: entry(2), Back: entry(1), Text: []byte("version: 1\n")}}}
	d.Verdict = judge(d.Policy, d.Change, d.At)
	return d
}

// land records a decision and the merge of its pull request as change number chg, after
// edit.
func (w *world) land(n, chg int, d evidence.Decided, edit func(*evidence.ChangeMerged)) *rules.Plan {
	w.t.Helper()
	d.Verdict = judge(d.Policy, d.Change, d.At)
	r := decision(w.t, d)
	index := w.append(r, hour(n))
	m := evidence.ChangeMerged{
		Repo: repo, Number: n, Branch: "main", Commit: commitID(2000 + n), Tip: commitID(n),
		MergedBy: alice, MergedAt: hour(n).Add(time.Minute), ChangeNumber: chg,
	}
	p := r.Predicate.(*evidence.PolicyEvaluated)
	m.ReadyAt = p.DecidedAt
	m.Explain(index, p)
	if !m.Explained {
		m.ReadyAt = time.Time{}
	}
	plan, err := m.Recall(p, r.Side, "")
	if err != nil {
		w.t.Fatal(err)
	}
	if edit != nil {
		edit(&m)
	}
	w.append(evidence.Merged(fmt.Sprint("merge/", n), "github.com", m, nil), hour(n).Add(2*time.Minute))
	return plan
}

// replanned says of change chg, pull request n, that its plan stands so since hour at.
func replanned(chg, n, at int, state, code string) evidence.PlanChanged {
	return evidence.PlanChanged{Repo: repo, Branch: "main", Number: n, Change: chg, Tip: commitID(at), State: state, Code: code, Says: "because", At: hour(at)}
}

func (w *world) replan(p evidence.PlanChanged, by ...rules.Restored) {
	w.t.Helper()
	t := &rules.Target{To: "v1", Form: rules.FormTag, Commit: commitID(500), InBase: p.Code != rules.CodeOutsideBase, Moved: p.Code == rules.CodeTagMoved, Files: by}
	r, err := evidence.Replanned("github.com", p, t)
	if err != nil {
		w.t.Fatal(err)
	}
	w.append(r, p.At)
}

// Recall takes from the facts what was verified, and of nothing else.
func TestRecall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(*evidence.Decided)
		want bool
	}{
		"verified":           {func(*evidence.Decided) {}, true},
		"nothing looked up":  {func(d *evidence.Decided) { d.Change.Target = nil }, false},
		"of another request": {func(d *evidence.Decided) { d.Change.Target.To = "v2" }, false},
		"ambiguous":          {func(d *evidence.Decided) { d.Change.Target.Ambiguous = true }, false},
		"outside the base":   {func(d *evidence.Decided) { d.Change.Target.InBase = false }, false},
		"not known whole":    {func(d *evidence.Decided) { d.Change.Target.Unknown = "a shallow clone" }, false},
		"a conflict":         {func(d *evidence.Decided) { d.Change.Target.Files[0].Wrong = rules.WrongConflict }, false},
		"nothing undone":     {func(d *evidence.Decided) { d.Change.Target.Files[0].Back = entry(2) }, false},
		"only the mode undone": {func(d *evidence.Decided) {
			d.Change.Target.Files[0].Back = rules.Entry{Blob: commitID(2), Mode: "100755"}
		}, true},
		"a file removed": {func(d *evidence.Decided) { d.Change.Target.Files[0].Back = rules.Entry{} }, true},
		"a file left out": {func(d *evidence.Decided) {
			d.Change.Files = append(d.Change.Files, rules.File{Path: "prompts/x.md", Status: "added", New: commitID(3)})
		}, false},
		"a file that nobody rules": {func(d *evidence.Decided) {
			d.Change.Files = append(d.Change.Files, rules.File{Path: "README.md", Status: "added", New: commitID(3)})
		}, true},
		"no policy that loads": {func(d *evidence.Decided) { d.Policy = []byte("version: 1\n") }, false},
		"another head":         {func(d *evidence.Decided) { d.Change.Head.Commit = commitID(9) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := newWorld(t), planned(1)
			c.edit(&d)
			var ref *evidence.PlanRef
			plan := w.land(1, 1, d, func(m *evidence.ChangeMerged) { ref = m.Plan })
			if (ref != nil) != c.want || (plan != nil) != c.want {
				t.Errorf("plan is %+v, in the record %+v; want one: %v", plan, ref, c.want)
			}
			if plan != nil && (plan.Commit != commitID(500) || plan.Merge != commitID(2001)) {
				t.Errorf("plan is %+v", plan)
			}
			if rep := verify(w.export(query())); !rep.Verified {
				t.Errorf("verify: %+v", rep.Failed())
			}
		})
	}
}

// plans.csv says of each way back how it stands, population.csv what changes are called.
// A period may begin at any number.
func TestPlansTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append(merged(1, -1, nil), hour(1).Add(2*time.Minute)) // by a version without numbers
	w.land(2, 1, planned(2), nil)
	w.land(3, 2, planned(3), nil)
	w.replan(replanned(2, 3, 4, evidence.PlanVerified, rules.CodeTagMoved))
	w.replan(replanned(2, 3, 5, evidence.PlanBroken, rules.CodeOutsideBase))
	none := planned(6)
	none.Change.Target = nil
	w.land(6, 3, none, nil)
	for _, c := range []struct {
		name    string
		from    time.Time
		plans   []string
		changes []string
	}{
		{"all", start, []string{"CHG-1 verified  ", "CHG-2 broken CG206 because"}, []string{"", "CHG-1", "CHG-2", "CHG-3"}},
		{"from CHG-2 on", hour(3), []string{"CHG-2 broken CG206 because"}, []string{"CHG-2", "CHG-3"}},
		{"from its plan's end on", hour(5), []string{"CHG-2 broken CG206 because"}, []string{"CHG-3"}},
		{"from CHG-3 on", hour(6), nil, []string{"CHG-3"}},
	} {
		q := query()
		q.From = c.from
		bundle := w.export(q)
		if rep := verify(bundle); !rep.Verified {
			t.Errorf("%s: %+v", c.name, rep.Failed())
		}
		f := evidence.TakeApart(t, bundle)
		if diff := cmp.Diff(c.plans, cells(t, f.Files["plans.csv"], "change", "state", "code", "says")); diff != "" {
			t.Errorf("%s: plans.csv (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.changes, cells(t, f.Files["population.csv"], "change")); diff != "" {
			t.Errorf("%s: population.csv (-want +got):\n%s", c.name, diff)
		}
	}
}

// cells are some columns of a table, one line a row.
func cells(t *testing.T, data []byte, columns ...string) (out []string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		var line []string
		for i, name := range rows[0] {
			for _, c := range columns {
				if c == name {
					line = append(line, row[i])
				}
			}
		}
		out = append(out, strings.Join(line, " "))
	}
	return out
}

// What a server says of numbers and ways back that its own log does not give is found.
func TestFalseChanges(t *testing.T) {
	t.Parallel()
	way := func(edit func(*evidence.ChangeMerged)) func(*world) {
		return func(w *world) { w.land(1, 1, planned(1), edit) }
	}
	for _, c := range []struct {
		name  string
		tell  func(*world)
		words string
	}{
		{"the first number is not 1", func(w *world) { w.land(1, 2, planned(1), nil) }, "record 1 is CHG-2, expected CHG-1"},
		{"a gap", func(w *world) { w.land(1, 1, planned(1), nil); w.land(2, 3, planned(2), nil) }, "record 3 is CHG-3, expected CHG-2"},
		{"a double", func(w *world) { w.land(1, 1, planned(1), nil); w.land(2, 1, planned(2), nil) }, "record 3 is CHG-1, expected CHG-2"},
		{"a merge without a number", func(w *world) { w.land(1, 1, planned(1), nil); w.land(2, 0, planned(2), nil) }, "record 3 is CHG-0, expected CHG-2"},
		{"a plan and no number", func(w *world) { w.land(1, 0, planned(1), nil) }, "has no number"},
		{"a plan that restores something else", way(func(m *evidence.ChangeMerged) { m.Plan.Files = strings.Repeat("0", 64) }), "another way back"},
		{"a plan of another commit", way(func(m *evidence.ChangeMerged) { m.Plan.Commit = commitID(501) }), "another way back"},
		{"a plan that was not verified", func(w *world) {
			d := planned(1)
			d.Change.Target.InBase = false
			w.land(1, 1, d, func(m *evidence.ChangeMerged) { m.Plan = &evidence.PlanRef{To: "v1", Form: "tag", Verified: true} })
		}, "another way back"},
		{"a plan that is hidden", way(func(m *evidence.ChangeMerged) { m.Plan = nil }), "another way back"},
		{"a plan that was verified and is not called so", way(func(m *evidence.ChangeMerged) { m.Plan.Verified = false }), "another way back"},
		{"a plan of other content that is called verified", func(w *world) {
			w.land(1, 1, planned(1), func(m *evidence.ChangeMerged) { m.Differs, m.Explained = "other content", false })
		}, "another way back"},
		{"a rollback of nothing", way(func(m *evidence.ChangeMerged) {
			m.RollbackOf = &evidence.RollbackOf{Change: 7, Reported: m.MergedAt, Restored: m.MergedAt}
		}), "rolls back CHG-7"},
		{"a rollback of itself", way(func(m *evidence.ChangeMerged) {
			m.RollbackOf = &evidence.RollbackOf{Change: 1, Reported: m.MergedAt, Restored: m.MergedAt}
		}), "rolls back CHG-1"},
		{"a rollback that was none", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.land(2, 2, planned(2), func(m *evidence.ChangeMerged) {
				m.RollbackOf = &evidence.RollbackOf{Change: 1, Reported: m.MergedAt, Restored: m.MergedAt}
			})
		}, "another way back"},
		{"a rollback restored before it was merged", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.land(2, 2, planned(2), func(m *evidence.ChangeMerged) {
				m.RollbackOf = &evidence.RollbackOf{Change: 1, Reported: hour(1), Restored: hour(1)}
			})
		}, "restored CHG-1"},
		{"a plan of no change", func(w *world) { w.replan(replanned(1, 1, 2, evidence.PlanBroken, rules.CodeOutsideBase)) }, "which no record before it has"},
		{"a plan of another pull request", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 2, 2, evidence.PlanBroken, rules.CodeOutsideBase))
		}, "which no record before it has"},
		{"a plan that stood so before", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 1, 2, evidence.PlanVerified, ""))
		}, "which the record before it says"},
		{"a plan that is neither", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 1, 2, "fine", ""))
		}, `is "fine"`},
		{"a plan that is called broken and works", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 1, 2, evidence.PlanBroken, rules.CodeTagMoved))
		}, `what was found of "v1" gives "verified"`},
		{"a plan that is called working and does not", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 1, 2, evidence.PlanBroken, rules.CodeOutsideBase))
			w.replan(replanned(1, 1, 3, evidence.PlanVerified, rules.CodeOutsideBase))
		}, `gives "broken"`},
		{"one pull request that is two changes", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.append(evidence.Merged("again", "github.com", evidence.ChangeMerged{Repo: repo, Number: 1, Branch: "main", ChangeNumber: 2}, nil), hour(2))
		}, "of pull request 1, which is CHG-1 already"},
		{"a rollback asked for before there was the change", func(w *world) {
			d := undoing(2, *w.land(1, 1, planned(1), nil), 1)
			d.Change.Undoes[0].Reported = hour(-1000)
			w.land(2, 2, d, nil)
		}, "restored CHG-1"},
		{"a broken plan that works again by a look at no file", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 1, 2, evidence.PlanBroken, rules.CodeOutsideBase))
			w.replan(replanned(1, 1, 3, evidence.PlanVerified, ""))
		}, "nothing that it restores was looked at"},
		{"a plan that is broken by a file of something else", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 1, 2, evidence.PlanBroken, rules.CodeConflict), rules.Restored{Path: "other.md", Wrong: rules.WrongConflict})
		}, "by \"other.md\", which it does not restore so"},
		{"a plan that works by other content", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.replan(replanned(1, 1, 2, evidence.PlanVerified, rules.CodeTagMoved), rules.Restored{Path: "prompts/refund.md", Landed: entry(2), Back: entry(3)})
		}, "which it does not restore so"},
		{"a plan that is called approved", way(func(m *evidence.ChangeMerged) { m.Plan.Approved = !m.Plan.Approved }), "another way back"},
		{"a rollback of an earlier period that was none", func(w *world) {
			w.land(1, 1, planned(1), nil)
			w.land(9, 2, planned(9), func(m *evidence.ChangeMerged) {
				m.RollbackOf = &evidence.RollbackOf{Change: 1, Reported: m.MergedAt, Restored: m.MergedAt}
			})
		}, "another way back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.tell(w)
			q := query()
			q.To = hour(8)
			rep := verify(w.export(q))
			for _, k := range rep.Checks {
				if k.Name == "changes" {
					if k.Result != evidence.Fail || !strings.Contains(k.Says, c.words) {
						t.Errorf("changes: %s %s, want it to fail with %q", k.Result, k.Says, c.words)
					}
				}
			}
			if rep.Verified {
				t.Error("verified")
			}
		})
	}
}

// undoing is pull request n, which puts back what a plan restores, asked for at hour n.
func undoing(n int, p rules.Plan, number int) evidence.Decided {
	d := planned(n)
	d.Change.Files = []rules.File{{Path: "prompts/refund.md", Status: "modified", Old: commitID(2), New: commitID(1), OldMode: "100644", NewMode: "100644"}}
	d.Change.Target.Files[0].Landed, d.Change.Target.Files[0].Back = entry(1), entry(2)
	d.Change.Undoes = []rules.Undo{{Plan: p, Number: number, InEffect: true, Reported: hour(n).Add(-30 * time.Minute),
		Head: map[string]rules.Entry{"prompts/refund.md": entry(1)}, Base: map[string]rules.Entry{"prompts/refund.md": entry(2)}}}
	return d
}

// A rollback stands in the record of its merge, with the time it took; and the lists say
// it of both.
func TestRollback(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit  func(*evidence.ChangeMerged)
		words string
	}{
		"true":              {nil, ""},
		"hidden":            {func(m *evidence.ChangeMerged) { m.RollbackOf = nil }, "another way back"},
		"reported later":    {func(m *evidence.ChangeMerged) { m.RollbackOf.Reported = m.MergedAt }, "another way back"},
		"reported too late": {func(m *evidence.ChangeMerged) { m.RollbackOf.Reported = m.MergedAt.Add(1) }, "restored CHG-1"},
		"restored earlier":  {func(m *evidence.ChangeMerged) { m.RollbackOf.Restored = m.RollbackOf.Reported }, "restored CHG-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			plan := w.land(1, 1, planned(1), nil)
			w.land(2, 2, undoing(2, *plan, 1), c.edit)
			bundle := w.export(query())
			rep := verify(bundle)
			if c.edit != nil {
				mustFail(t, rep, "changes", c.words)
				return
			}
			if !rep.Verified {
				t.Errorf("verify: %+v", rep.Failed())
			}
			f := evidence.TakeApart(t, bundle)
			want := []string{"CHG-1    CHG-2", "CHG-2 CHG-1 2026-06-01T01:30:00Z 1860 "}
			if diff := cmp.Diff(want, cells(t, f.Files["population.csv"], "change", "rollback_of", "reported_at", "restored_in_s", "rolled_back_by")); diff != "" {
				t.Errorf("population.csv (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"CHG-1 CHG-2", "CHG-2 "}, cells(t, f.Files["plans.csv"], "change", "rolled_back_by")); diff != "" {
				t.Errorf("plans.csv (-want +got):\n%s", diff)
			}
		})
	}
}

// A rollback that went around the gate restored what it restored: the record says so where
// what landed is what was decided on, and may say it of nothing else.
func TestRollbackAroundTheGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		decided, landed rules.Entry
		said            bool
		words           string
	}{
		"true":                            {entry(1), entry(1), true, ""},
		"hidden":                          {entry(1), entry(1), false, "another way back"},
		"something else":                  {entry(1), entry(3), false, ""},
		"something else, said":            {entry(1), entry(3), true, "another way back"},
		"joined with the lines of others": {entry(3), entry(3), true, "another way back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			d := undoing(2, *w.land(1, 1, planned(1), nil), 1)
			d.Change.Reviews = nil
			target := d.Change.Target
			target.Files[0].Landed = c.decided
			plan := rules.Plan{To: target.To, Form: target.Form, Commit: target.Commit, Files: []rules.Restored{target.Files[0]}}
			plan.Files[0].Landed = c.landed
			w.land(2, 2, d, func(m *evidence.ChangeMerged) {
				if m.Explained || m.Plan != nil || m.RollbackOf != nil {
					t.Fatalf("explained %v, with plan %v, rollback of %v", m.Explained, m.Plan, m.RollbackOf)
				}
				var err error
				if m.Plan, err = evidence.Summarize(&plan); err != nil {
					t.Fatal(err)
				}
				if c.said {
					m.RollbackOf = &evidence.RollbackOf{Change: 1, Reported: d.Change.Undoes[0].Reported.UTC(), Restored: m.MergedAt}
				}
			})
			rep := verify(w.export(query()))
			if c.words != "" {
				mustFail(t, rep, "changes", c.words)
			} else if !rep.Verified {
				t.Errorf("verify: %+v", rep.Failed())
			}
		})
	}
}

// A past that a decision rests on is one that the log knows: an invented plan would let
// its content pass by fewer approvals.
func TestFalsePasts(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*rules.Undo){
		"":                        nil,
		"a change that is none":   func(u *rules.Undo) { u.Change = 2 },
		"of another pull request": func(u *rules.Undo) { u.Number = 2 },
		"of another merge":        func(u *rules.Undo) { u.Merge = commitID(1) },
		"what it restores":        func(u *rules.Undo) { u.Files[0].Back = entry(9) },
		"what it replaced":        func(u *rules.Undo) { u.Files[0].Landed = entry(9) },
		"what it stands for":      func(u *rules.Undo) { u.Commit = commitID(9) },
		"what was asked":          func(u *rules.Undo) { u.To = "v9" },
		"its form":                func(u *rules.Undo) { u.Form = rules.FormCommit },
		"whether it was approved": func(u *rules.Undo) { u.Approved = !u.Approved },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			u := rules.Undo{Plan: *w.land(1, 1, planned(1), nil), Number: 1, Reported: hour(2)}
			d := planned(2)
			if edit != nil {
				edit(&u)
			}
			d.Change.Undoes = []rules.Undo{u}
			w.append(decision(t, d), hour(2))
			rep := verify(w.export(query()))
			if edit == nil {
				if !rep.Verified {
					t.Errorf("a true one: %+v", rep.Failed())
				}
				return
			}
			mustFail(t, rep, "decisions", "which is not what a record before it says")
		})
	}
}

// A change that was rolled back is not in effect, until that is rolled back in turn.
func TestFalseEffect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tell func(w *world, first rules.Plan)
		true bool
	}{
		"rolled back before": {func(w *world, first rules.Plan) {
			w.land(2, 2, undoing(2, first, 1), nil)
			w.land(3, 3, undoing(3, first, 1), nil)
		}, false},
		"a minute before it was read": {func(w *world, first rules.Plan) {
			w.land(2, 2, undoing(2, first, 1), nil)
			d := undoing(3, first, 1)
			d.At = hour(2).Add(2*time.Minute + 30*time.Second)
			d.Verdict = judge(d.Policy, d.Change, d.At)
			w.append(decision(w.t, d), d.At)
		}, true},
		"put back since": {func(w *world, first rules.Plan) {
			second := *w.land(2, 2, undoing(2, first, 1), nil)
			back := undoing(3, second, 2)
			back.Change.Files[0].Old, back.Change.Files[0].New = commitID(1), commitID(2)
			back.Change.Undoes[0].Head = map[string]rules.Entry{"prompts/refund.md": entry(2)}
			back.Change.Undoes[0].Base = map[string]rules.Entry{"prompts/refund.md": entry(1)}
			back.Change.Target.Files[0].Landed, back.Change.Target.Files[0].Back = entry(2), entry(1)
			w.land(3, 3, back, nil)
			w.land(4, 4, undoing(4, first, 1), nil)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.tell(w, *w.land(1, 1, planned(1), nil))
			rep := verify(w.export(query()))
			if c.true {
				if !rep.Verified {
					t.Errorf("a true one: %+v", rep.Failed())
				}
				return
			}
			mustFail(t, rep, "decisions", "as if CHG-1 were in effect, which was rolled back before")
		})
	}
}
