package rules

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// orgs are organisations' policies: none, one that asks more, one that says who may
// make exceptions from that as well.
const (
	orgAsks  = "version: 1\ngoverned:\n- {name: g0, kind: other, paths: ['**'], approvals: [{from: [maintain]}]}\nfreezes:\n- {name: f0, from: 2026-11-24T06:00Z, until: 2026-11-24T15:00Z}\n"
	orgNames = "version: 1\ngoverned:\n- {name: g0, kind: other, paths: ['**'], approvals: [{from: [maintain, codeowners]}]}\nbreak_glass: {who: ['@acme/b', '@acme/a'], reviewers: ['@acme/b']}\n"
)

// decideFloored draws a policy, an organisation's beside it, and a change that may
// touch the files which say who approves.
func decideFloored(t *rapid.T) (*Policy, *Change, string) {
	org := pick(t, "organisation", "", "", orgAsks, orgNames)
	var floor *PolicyText
	if org != "" {
		floor = &PolicyText{Data: []byte(org)}
	}
	p, problems := Load([]byte(drawPolicy(t)), floor)
	if problems != nil {
		t.Fatal(problems)
	}
	c := drawChange(t)
	if !usually(t, "no policy file") {
		c.Files = append(c.Files, File{Path: pick(t, "says who", PolicyPath, "CODEOWNERS", ".GitHub/ChangeGate.yml"), Status: "deleted", Old: "0"})
		c.NewPolicy = &PolicyText{Path: PolicyPath, Deleted: true}
	}
	for i := range c.Exceptions {
		if p.BreakGlass != nil && usually(t, "covers") {
			aim(t, p, &c.Exceptions[i])
		}
	}
	return p, c, org
}

// aim makes an exception one that covers the head now, by the policy.
func aim(t *rapid.T, p *Policy, x *Exception) {
	x.By, x.Head, x.At, x.Expires = lead, headCommit, noon.Add(-time.Minute), noon.Add(time.Hour)
	x.As = pick(t, "of break_glass", p.BreakGlass.Who...)
	if x.Kind == KindWaiver {
		x.As, x.Freezes = pick(t, "of reviewers", append(slices.Clone(p.BreakGlass.Reviewers), "write", "@acme/b")...), []string{"f0", "f1", "org/f0"}
	}
}

func unexcepted(c *Change) *Change {
	d := *c
	d.Exceptions = nil
	return &d
}

// ofRules are the findings but for what is said of exceptions.
func ofRules(v Verdict) []Finding {
	return slices.DeleteFunc(slices.Clone(v.Findings), func(f Finding) bool {
		return slices.Contains([]string{CodeWaiver, CodeBreakGlass, CodeOverdue, CodeVoid, CodeLate}, f.Code)
	})
}

// An exception changes no finding but of the kinds that may be waived, of a group that
// does not decide about who approves, and of the organisation's only by whom that
// names. What it changes is that it is waived, and it says by whom.
func TestExceptionsWaiveWhatTheyMay(t *testing.T) {
	t.Parallel()
	may := map[string]bool{CodeApprovals: true, CodeStale: true, CodeWorkflowEdit: true, CodeScheduled: true, CodeNotice: true, CodeNoticeWait: true, CodeFreeze: true, CodeCheckPending: true, CodeCheckFailed: true}
	rapid.Check(t, func(t *rapid.T) {
		p, c, org := decideFloored(t)
		v, without := p.Decide(c, noon), ofRules(p.Decide(unexcepted(c), noon))
		glass := slices.ContainsFunc(c.Exceptions, func(x Exception) bool { return x.Kind == KindBreakGlass })
		for i, f := range ofRules(v) {
			if f.State != Waived {
				if d := cmp.Diff(without[i], f); d != "" {
					t.Fatalf("an exception changes what it does not waive:\n%s", d)
				}
				continue
			}
			if without[i].State != Pending && without[i].State != Unmet || !strings.HasPrefix(f.Says, without[i].Says+"; waived by EX-") {
				t.Fatalf("%+v was %+v", f, without[i])
			}
			if !may[f.Code] || !glass && f.Code != CodeFreeze || len(c.Exceptions) == 0 {
				t.Fatalf("waived: %+v", f)
			}
			if org == orgAsks && strings.HasPrefix(cmpOr(f.Code == CodeFreeze, f.Short, f.Group), "org/") {
				t.Fatalf("waived, and the organisation names nobody who may: %+v", f)
			}
			for _, g := range v.Governed {
				if slices.Contains(g.Groups, f.Group) && (strings.EqualFold(g.Path, PolicyPath) || asksOwners(p) && g.Path == "CODEOWNERS") {
					t.Fatalf("waived for %s: %+v", g.Path, f)
				}
			}
		}
	})
}

func cmpOr(is bool, a, b string) string {
	if is {
		return a
	}
	return b
}

func asksOwners(p *Policy) bool {
	return slices.ContainsFunc(p.judged, func(g Group) bool { return slices.Contains(sources(g.Approvals), codeOwners) })
}

// An exception for another commit or branch, before it was opened, at or after its end, by
// somebody who contributed or is no person, or as what the policy does not name, is as
// good as none: but for a review of it that is overdue.
func TestVoidExceptionsAreNone(t *testing.T) {
	t.Parallel()
	voids := map[string]func(*rapid.T, *Policy, *Change, *Exception){
		"another commit": func(t *rapid.T, _ *Policy, _ *Change, x *Exception) {
			x.Head = pick(t, "other", oldCommit, "", strings.ToUpper(headCommit))
		},
		"another branch": func(t *rapid.T, _ *Policy, _ *Change, x *Exception) { x.Base = pick(t, "other", "release", "", "Main") },
		"not opened":     func(_ *rapid.T, _ *Policy, _ *Change, x *Exception) { x.At = noon.Add(time.Nanosecond) },
		"over": func(t *rapid.T, _ *Policy, _ *Change, x *Exception) {
			x.Expires = pick(t, "end", noon, noon.Add(-time.Hour), time.Time{})
		},
		"by the author": func(_ *rapid.T, _ *Policy, c *Change, x *Exception) { x.By = c.Author },
		"by nobody":     func(_ *rapid.T, _ *Policy, _ *Change, x *Exception) { x.By = Person{Login: "lead1"} },
		"by a bot":      func(_ *rapid.T, _ *Policy, _ *Change, x *Exception) { x.By.Bot = true },
		"by a committer": func(_ *rapid.T, _ *Policy, c *Change, x *Exception) {
			c.Commits = append(slices.Clone(c.Commits), Commit{ID: "new", Author: dev1, Committer: x.By})
		},
		"by a pusher": func(_ *rapid.T, _ *Policy, c *Change, x *Exception) {
			c.Pushes = append(slices.Clone(c.Pushes), Push{By: x.By, After: headCommit})
		},
		"by an initiator": func(_ *rapid.T, _ *Policy, c *Change, x *Exception) { c.Initiators = []Person{x.By} },
		"as nobody":       func(t *rapid.T, _ *Policy, _ *Change, x *Exception) { x.As = pick(t, "as", "", "@acme/gone", "admin") },
		"of no kind":      func(t *rapid.T, _ *Policy, _ *Change, x *Exception) { x.Kind = pick(t, "kind", "", "Break-Glass") },
	}
	for name, void := range voids {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				p, c, _ := decideFloored(t)
				x := drawException(t, 9)
				void(t, p, c, &x)
				c.Exceptions = []Exception{x}
				v, without := p.Decide(c, noon), p.Decide(unexcepted(c), noon)
				overdue := x.Closed == nil && !noon.Before(x.Due)
				if d := cmp.Diff(ofRules(without), ofRules(v)); d != "" {
					t.Fatal(d)
				}
				if v.State != without.State && !overdue {
					t.Fatalf("%q, and %q without it", v.Title, without.Title)
				}
			})
		})
	}
}

// A hold always waits, and what waited goes on waiting.
func TestHoldsWait(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := decide(t)
		d := *c
		d.Holds = append(slices.Clone(c.Holds), Hold{By: pick(t, "who", people...), As: pick(t, "as", "write", "@acme/gone", "")})
		got := p.Decide(&d, noon)
		if Worse(v.State, got.State) || v.State != Nothing && !Worse(got.State, Frozen) {
			t.Fatalf("a hold makes %q of %q", got.Title, v.Title)
		}
	})
}

// A review of an exception lifts that it is overdue, and does nothing else.
func TestClosingLiftsOverdue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, _ := decide(t)
		c.Exceptions = []Exception{drawException(t, 9)}
		c.Exceptions[0].Closed = nil
		in := *c
		in.Exceptions = slices.Clone(c.Exceptions)
		in.Exceptions[0].Due = noon.Add(time.Hour) // as if it were not due
		after := *c
		a := Admitted{Number: 9, Closing: &Closing{By: rev3, At: noon}}
		a.Apply(&after)
		v, got := p.Decide(&in, noon), p.Decide(&after, noon)
		if got.State != v.State || cmp.Diff(ofRules(v), ofRules(got)) != "" {
			t.Fatalf("%q, and %q when it is not due", got.Title, v.Title)
		}
	})
}

var lines = []string{"help", "status", "recheck", "schedule on-merge", "schedule 2026-11-30 09:00 Europe/Berlin", "schedule tomorrow", "request-review", "hold reason: x", "unhold",
	"waive freeze reason: x", "waive freeze reason: y", "waive freeze reason: z", "waive approvals reason: x", "break-glass reason: x incident: y", "break-glass reason: x", "ack EX-1 outcome: x", "ack EX-2 outcome: x", "rollback", "frobnicate"}

func drawSpeaker(t *rapid.T) Speaker {
	return Speaker{
		Person:     pick(t, "speaker", append(slices.Clone(people), lead, lead, lead, boss, boss, rev3, Person{ID: 66, Login: "rev2"}, Person{ID: 67, Login: "helper[bot]", Bot: true})...),
		Permission: pick(t, "permission", "admin", "maintain", "write", "read", "none", ""),
		Teams:      pick(t, "teams", []string{"@acme/a", "@acme/b"}, []string{"@acme/a", "@acme/b"}, []string{"@acme/a"}, nil),
		Accounts:   pick(t, "accounts", nil, []Account{{"rev2", rev2.ID}}, []Account{{"rev2", 0}}),
		At:         noon.Add(time.Duration(rapid.IntRange(-9, 1).Draw(t, "said")) * 15 * time.Minute),
		HeadSince:  pick(t, "head since", time.Time{}, noon.Add(-8*time.Hour), noon.Add(-time.Hour)),
	}
}

// Whatever is commanded: a refusal says why and what to do and changes nothing; no
// bot, no deleted account and nobody who contributed makes or reviews an exception; an
// exception waives something then and there; and deciding who may changes no fact.
func TestAdmitted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, _ := decideFloored(t)
		c.State = pick(t, "state", "open", "open", "open", "merged", "closed")
		by, cmd := drawSpeaker(t), Commands("/change " + pick(t, "line", lines...))[0]
		before, _ := json.Marshal(c)
		got := p.Admit(c, cmd, by, noon)
		if d := cmp.Diff(got, p.Admit(c, cmd, by, noon)); d != "" {
			t.Fatal(d)
		}
		if after, _ := json.Marshal(c); string(after) != string(before) {
			t.Fatal("admitting changes the facts")
		}
		if got.Refused() {
			if d := cmp.Diff(Admitted{Wrong: got.Wrong, Fix: got.Fix}, got); d != "" || got.Fix == "" {
				t.Fatalf("refused, fix %q\n%s", got.Fix, d)
			}
			return
		}
		independent := by.human() && !slices.ContainsFunc(p.Contributors(c), by.same)
		switch x := got.Exception; {
		case !by.human() || cmd.Wrong != "":
			t.Fatalf("admitted: %+v of %+v", cmd, by)
		case c.State != "open" && !slices.Contains([]string{"help", "status", "ack", "rollback"}, cmd.Name), cmd.Name == "rollback" && c.State != "merged":
			t.Fatalf("admitted: %+v of one that is %s", cmd, c.State)
		case x != nil:
			if !independent || by.HeadSince.After(by.At) || x.Head != c.Head.Commit || x.Base != c.Base.Branch || x.By != by.Person || x.At.After(noon) || !noon.Before(x.Expires) {
				t.Fatalf("opened: %+v by %+v", x, by)
			}
			covers(t, p, c, got)
		case got.Closing != nil:
			i := slices.IndexFunc(c.Exceptions, func(x Exception) bool { return x.Number == got.Number })
			if !independent || c.Exceptions[i].Closed != nil || c.Exceptions[i].By.same(by.Person) {
				t.Fatalf("closed: %+v by %+v", c.Exceptions[i], by)
			}
		case got.Hold != nil && by.same(c.Author), cmd.Name == "unhold" && len(got.Lift) == 0:
			t.Fatalf("%+v by %+v", got, by)
		}
	})
}

// The draws above are worth something only if every command is admitted now and then,
// and everything is met that is said of exceptions.
func TestEmergenciesAreDrawn(t *testing.T) {
	t.Parallel()
	draw := rapid.Custom(func(t *rapid.T) []string {
		p, c, _ := decideFloored(t)
		met := exceptional(p.Decide(c, noon))
		if cmd := Commands("/change " + pick(t, "line", lines...))[0]; cmd.Wrong == "" {
			if got := p.Admit(c, cmd, drawSpeaker(t), noon); !got.Refused() {
				met = append(met, cmd.Name)
			}
		}
		return met
	})
	met := map[string]int{}
	for seed := range 3000 {
		for _, what := range draw.Example(seed) {
			met[what]++
		}
	}
	wanted := []string{CodeHold, CodeWaiver, CodeBreakGlass, CodeOverdue, CodeVoid, CodeLate, CodeApprovals + " waived", CodeStale + " waived", CodeFreeze + " waived", CodeScheduled + " waived", CodeCheckFailed + " waived"}
	for _, name := range append(CommandNames(), wanted...) {
		if met[name] < 3 && name != "rollback" {
			t.Errorf("%s is met %d times of 3000", name, met[name])
		}
	}
}

// covers checks that an exception that was admitted waives more than was waived.
func covers(t *rapid.T, p *Policy, c *Change, got Admitted) {
	waived := func(v Verdict) (n int) {
		for _, f := range v.Findings {
			if f.State == Waived {
				n++
			}
		}
		return n
	}
	d := *c
	got.Exception.Number = 99
	got.Apply(&d)
	v := p.Decide(&d, noon)
	if waived(v) <= waived(p.Decide(c, noon)) {
		t.Fatalf("EX-99 waives nothing: %+v", got.Exception)
	}
	if v.State.Blocks() && got.Note == "" && noon.Before(got.Exception.Due) || !v.Next.After(noon) || v.Next.After(got.Exception.Expires) {
		t.Fatalf("note %q, next %v: %s", got.Note, v.Next, v.Title)
	}
}
