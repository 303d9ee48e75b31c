package rules

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// What exceptions and holds make of a change.
func TestExceptions(t *testing.T) {
	t.Parallel()
	thawed := strings.Replace(commanded, "2026-11-24T06:00Z, until: 2026-11-25", "2026-12-24T06:00Z, until: 2026-12-25", 1)
	approvers := strings.Replace(commanded, "  reviewers: [\"@acme/managers\"]\n", "", 1)
	glass := func(opts ...func(*Exception)) func(*Change) { return excepted(broke(opts...)) }
	ready := reviewed(review(rev1, team("@acme/owners")))
	const open = "BREAK-GLASS by lead1 (INC-881) - review due 2026-11-25 11:59 UTC"
	for _, tt := range []struct {
		name, policy string
		opts         []func(*Change)
		state        State
		title        string
		codes        []string // of the findings that are not met, and of the exceptions
	}{
		{"break-glass", "", opt(glass()), BreakGlass, open, []string{"CG101 waived", "CG406 waived", "CG503"}},
		{"of the approvals alone", thawed, opt(glass()), BreakGlass, open, []string{"CG101 waived", "CG503"}},
		{"stale approvals", thawed, opt(reviewed(review(rev1, team("@acme/owners"), digest("old"))), glass()), BreakGlass, open, []string{"CG102 waived", "CG503"}},
		{"a date", thawed, opt(asks(request+"  effective_at: 2026-12-01T09:00Z\n"), ready, glass()), BreakGlass, open, []string{"CG403 waived", "CG503"}},
		{"nothing to waive", thawed, opt(ready, glass()), Ready, "Ready - 1 approval…", []string{"CG503"}},
		{"reviewed before the merge", "", opt(glass(closedBy(rev3, time.Hour))), BreakGlass, "BREAK-GLASS by lead1 (INC-881) - reviewed by rev3", []string{"CG101 waived", "CG406 waived", "CG503"}},
		{"two", "", opt(excepted(broke(), broke(func(x *Exception) { x.Number, x.By, x.As = 18, boss, "boss" }))), BreakGlass, open, []string{"CG101 waived", "CG406 waived", "CG503", "CG503"}},
		{"the first is void", "", opt(excepted(broke(func(x *Exception) { x.Head = oldCommit }), broke(func(x *Exception) { x.Number, x.By, x.As = 18, boss, "boss" }))), BreakGlass, "BREAK-GLASS by boss (INC-881)…", []string{"CG101 waived", "CG406 waived", "CG505", "CG503"}},
		{"long names", "", opt(glass(func(x *Exception) { x.By.Login, x.Incident = strings.Repeat("l", 39), strings.Repeat("é@[", 160) })), BreakGlass, "BREAK-GLASS by lllllllllllllllllllllll… (é''…) - review due 2026-11-25 11:59 UTC", []string{"CG101 waived", "CG406 waived", "CG503"}},

		// What it does not waive.
		{"change request", "", opt(func(c *Change) { c.Requests = nil }, glass()), Author, "Author: add a change request (1 of 2 things)", []string{"CG200", "CG101 waived", "CG201", "CG406 waived", "CG503"}},
		{"rollback plan", "", opt(asks("change: {why: x}"), glass()), Author, "Author: add a rollback plan", []string{"CG101 waived", "CG201", "CG406 waived", "CG503"}},
		{"backdated", "", opt(asks(request+"  effective_at: 2026-01-01T09:00Z\n"), glass()), Author, "Author: set a later effective date", []string{"CG101 waived", "CG404", "CG406 waived", "CG503"}},
		{"commit of unknown origin", "", opt(commits(Commit{ID: headCommit, Author: dev1}), glass()), Author, "Author: name who wrote each commit", []string{"CG104", "CG101 waived", "CG406 waived", "CG503"}},
		{"push of unknown origin", "", opt(func(c *Change) { c.UnknownPush = headCommit }, glass()), Author, "Author: push the commits to a new branch", []string{"CG107", "CG101 waived", "CG406 waived", "CG503"}},
		{"changes requested", "", opt(reviewed(review(rev1, team("@acme/owners"), state(changesRequested))), glass()), Failure, "Changes requested by rev1", []string{"CG103", "CG101 waived", "CG406 waived", "CG503"}},
		{"gap", "", opt(func(c *Change) { c.Gaps = []Gap{{"files", "not all"}} }, glass()), Failure, "ChangeGate could not finish…", []string{"CG901", "CG101 waived", "CG406 waived", "CG503"}},
		{"hold", "", opt(held(Hold{By: rev1, As: "@acme/owners"}), glass()), Waiting, "Waiting for rev1 to lift the hold", []string{"CG101 waived", "CG501", "CG406 waived", "CG503"}},
		{"policy file", "", opt(touching(File{Path: PolicyPath, Status: "modified", New: "2"}), newPolicy(commanded), glass()), Waiting, "Waiting for 1 approval - from maintain access", []string{"CG101", "CG406", "CG503"}},
		{"policy file beside", "", opt(touching(refund, File{Path: PolicyPath, Status: "modified", New: "2"}), newPolicy(commanded), glass()), Waiting, "Waiting for 1 approval - from maintain access", []string{"CG101 waived", "CG101", "CG406 waived", "CG406", "CG503"}},
		{"policy file in a group of its own", strings.Replace(commanded, `"prompts/**"`, `"prompts/**", .github/changegate.yml`, 1), opt(touching(refund, File{Path: PolicyPath, Status: "modified", New: "2"}), newPolicy(commanded), glass()), Waiting, "Waiting for 1 approval - from @acme/owners", []string{"CG101", "CG406", "CG503"}},
		{"policy file moved away", strings.Replace(commanded, `"prompts/**"`, `"prompts/**", .github/changegate.yml`, 1), opt(touching(File{Path: "prompts/x", OldPath: PolicyPath, Status: "renamed", New: "2"}), glass()), Waiting, "Waiting for 1 approval - from @acme/owners", []string{"CG101", "CG406", "CG503"}},
		{"owners", strings.Replace(commanded, "@acme/owners", "codeowners", 1), opt(touching(File{Path: "CODEOWNERS", Status: "modified", New: "2"}), glass()), Waiting, "Waiting for 1 approval - from maintain access", []string{"CG101", "CG406", "CG503"}},

		// When it no longer covers.
		{"pushed since", "", opt(glass(func(x *Exception) { x.Head = oldCommit })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"for another branch", "", opt(glass(func(x *Exception) { x.Base = "release" })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"expired", "", opt(glass(func(x *Exception) { x.Expires = noon })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"a second before", "", opt(glass(func(x *Exception) { x.Expires = noon.Add(time.Second) })), BreakGlass, open, []string{"CG101 waived", "CG406 waived", "CG503"}},
		{"not yet", "", opt(glass(func(x *Exception) { x.At = noon.Add(time.Second) })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"by a contributor", "", opt(commits(Commit{ID: headCommit, Author: lead, Committer: dev1}), glass()), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"by the author", "", opt(glass(func(x *Exception) { x.By = dev1 })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"by a bot", "", opt(glass(func(x *Exception) { x.By = agent })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"by nobody", "", opt(glass(func(x *Exception) { x.By = Person{Login: "lead1"} })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"as what is named no more", "", opt(glass(func(x *Exception) { x.As = "@acme/managers" })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},
		{"policy without break_glass", prompts, opt(glass()), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG505"}},
		{"of another kind", "", opt(glass(func(x *Exception) { x.Kind = "charm" })), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406", "CG505"}},

		// Waivers.
		{"waiver", "", opt(ready, excepted(broke(waiver))), Ready, "Ready - freeze waived (EX-17), 1 approval, rollback to v1, effective on merge", []string{"CG406 waived", "CG502"}},
		{"waiver alone", "", opt(excepted(broke(waiver))), Waiting, "Waiting for 1 approval…", []string{"CG101", "CG406 waived", "CG502"}},
		{"waiver and break-glass", "", opt(excepted(broke(), broke(waiver, func(x *Exception) { x.Number = 18 }))), BreakGlass, open, []string{"CG101 waived", "CG406 waived", "CG502", "CG503"}},
		{"of another freeze", "", opt(ready, excepted(broke(waiver, func(x *Exception) { x.Freezes = []string{"easter"} }))), Frozen, "Frozen until…", []string{"CG406", "CG502"}},
		{"of an earlier window", strings.Replace(commanded, "from: 2026-11-24T06:00Z, until: 2026-11-25T06:00Z", `start: "0 11 * * *", lasts: 3h`, 1), opt(ready, excepted(broke(waiver, func(x *Exception) { x.At = noon.Add(-24 * time.Hour) }))), Frozen, "Frozen until…", []string{"CG406", "CG502"}},
		{"of this window", strings.Replace(commanded, "from: 2026-11-24T06:00Z, until: 2026-11-25T06:00Z", `start: "0 11 * * *", lasts: 3h`, 1), opt(ready, excepted(broke(waiver))), Ready, "Ready - freeze waived…", []string{"CG406 waived", "CG502"}},
		{"by approvers of the group", approvers, opt(ready, excepted(broke(waiver, func(x *Exception) { x.As = "@acme/owners" }))), Ready, "Ready - freeze waived…", []string{"CG406 waived", "CG502"}},
		{"by approvers of one group", twoGroups, opt(touching(refund, File{Path: "tools/a", New: "1"}), excepted(broke(waiver, func(x *Exception) { x.As, x.Freezes = "@acme/owners", []string{"all"} }))), Waiting, "Waiting for 2 approvals…", []string{"CG101", "CG101", "CG406 waived", "CG406", "CG406", "CG406", "CG502"}},
		{"by others", approvers, opt(ready, excepted(broke(waiver))), Frozen, "Frozen until…", []string{"CG406", "CG505"}},

		// The review afterwards.
		{"due", thawed, opt(ready, glass(func(x *Exception) { x.Due = noon })), Waiting, "Waiting for the review of EX-17, which is overdue", []string{"CG503", "CG504"}},
		{"due in a second", thawed, opt(ready, glass(func(x *Exception) { x.Due = noon.Add(time.Second) })), Ready, "Ready…", []string{"CG503"}},
		{"overdue and void", thawed, opt(ready, glass(func(x *Exception) { x.Due, x.Head = noon, oldCommit })), Waiting, "Waiting for the review of EX-17, which is overdue", []string{"CG505", "CG504"}},
		{"overdue twice", thawed, opt(ready, excepted(broke(func(x *Exception) { x.Due = noon }), broke(func(x *Exception) { x.Number, x.Due = 18, noon }))), Waiting, "Waiting for the review of EX-17 and EX-18, which is overdue", []string{"CG503", "CG504", "CG503", "CG504"}},
		{"overdue in force", "", opt(glass(func(x *Exception) { x.Due = noon })), Waiting, "Waiting for the review of EX-17, which is overdue", []string{"CG101 waived", "CG406 waived", "CG503", "CG504"}},
		{"reviewed late", thawed, opt(ready, glass(func(x *Exception) { x.Due = noon.Add(-time.Second) }, closedBy(rev3, 0))), Ready, "Ready…", []string{"CG503", "CG506"}},

		{"two holds", thawed, opt(ready, held(Hold{By: rev3, As: "write", At: noon}, Hold{By: rev1, As: "write", At: noon.Add(-time.Hour)})), Waiting, "Waiting for rev1 and rev3 to lift their holds", []string{"CG501", "CG501"}},
		{"hold of nothing governed", "", opt(touching(File{Path: "README.md"}), held(Hold{By: rev1, As: "write"}), glass()), Nothing, "No governed files changed…", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.policy == "" {
				tt.policy = commanded
			}
			v := parse(t, tt.policy).Decide(change(tt.opts...), noon)
			want(t, v, tt.state, tt.title)
			if n := utf8.RuneCountInString(v.Title); n > 80 {
				t.Errorf("%d characters", n)
			}
			same(t, exceptional(v), tt.codes)
		})
	}
}

// exceptional are the codes of findings that are not met, and of what is said of
// exceptions.
func exceptional(v Verdict) []string {
	var out []string
	for _, f := range v.Findings {
		switch {
		case f.State == Waived:
			out = append(out, f.Code+" waived")
		case f.State != Met || strings.HasPrefix(f.Code, "CG5"):
			out = append(out, f.Code)
		}
	}
	return out
}

// People see why the glass closed, what it waives until when, and who reviews it.
func TestExceptionsAreTold(t *testing.T) {
	t.Parallel()
	p := parse(t, commanded)
	fix := "ask `@acme/managers` to look at it and write `/change ack EX-17 outcome: what the review found`; neither `lead1` nor anybody who contributed counts"
	v := p.Decide(change(excepted(broke())), noon)
	same(t, finding(v, CodeBreakGlass), Finding{Rule: RuleApprovals, State: Met, Code: CodeBreakGlass, Short: "EX-17", Fix: fix,
		Says: "EX-17, a break-glass by `lead1` for `INC-881` waives 2 findings until Tue 2026-11-24 12:59 UTC; its review is due Wed 2026-11-25 11:59 UTC"})
	same(t, finding(v, CodeApprovals).Says, "0 of 1 approval from `@acme/owners`; waived by EX-17 until Tue 2026-11-24 12:59 UTC")
	if !v.Next.Equal(noon.Add(59 * time.Minute)) {
		t.Errorf("next is %v, not when the glass closes", v.Next)
	}
	v = p.Decide(change(excepted(broke(closedBy(rev3, time.Hour), func(x *Exception) { x.Head = oldCommit }))), noon)
	same(t, finding(v, CodeVoid), Finding{Rule: RuleApprovals, State: Met, Code: CodeVoid, Short: "EX-17",
		Says: "EX-17, a break-glass by `lead1` for `INC-881` covers nothing any more: it was for commit `7c1d0fe`, and the head is `e55a210`; reviewed by `rev3` on Tue 2026-11-24 13:00 UTC"})
	v = p.Decide(change(excepted(broke(waiver))), noon)
	same(t, finding(v, CodeFreeze).Says, "freeze `year-end` until Wed 2026-11-25 06:00 UTC; waived by EX-17 until Wed 2026-11-25 06:00 UTC")
	same(t, finding(v, CodeWaiver).Says, "EX-17, a waiver by `rev3` waives 1 finding until Wed 2026-11-25 06:00 UTC; its review is due Wed 2026-11-25 11:59 UTC")
	v = p.Decide(change(held(Hold{By: rev1, As: "@acme/owners", At: noon, Reason: strings.Repeat("<b>`@all\n", 60)})), noon)
	f := finding(v, CodeHold)
	if !strings.HasPrefix(f.Says, "`rev1` holds this change since Tue 2026-11-24 12:00 UTC: `<b>'@all ") || len(f.Says) > 200 || strings.Count(f.Says, "`") != 4 {
		t.Errorf("%q", f.Says)
	}
	same(t, f.Fix, "ask `rev1`, or `@acme/owners`, to write `/change unhold` when it may go on")
}

// What the organisation asks is waived by whom its own policy names, and by nobody
// where it names none.
func TestExceptionsOfTheFloor(t *testing.T) {
	t.Parallel()
	const org = "version: 1\nmode: enforce\ngoverned:\n- {name: safety, kind: other, paths: [\"prompts/**\"], approvals: [{from: [\"@acme/safety\"]}]}\n"
	const freeze = "freezes: [{name: audit, from: 2026-11-24T06:00Z, until: 2026-11-25T06:00Z}]\n"
	const glass = "break_glass: {who: [\"@acme/cios\"]}\n"
	cio := broke(func(x *Exception) { x.As = "@acme/cios" })
	both := reviewed(review(rev1, team("@acme/owners", "@acme/safety")))
	for name, tt := range map[string]struct {
		floor string
		opts  []func(*Change)
		state State
		codes []string
	}{
		"a group":                             {org, opt(excepted(broke())), Waiting, []string{"CG101 waived", "CG101", "CG406 waived", "CG406 waived", "CG503"}},
		"a freeze":                            {org + freeze, opt(both, excepted(broke())), Frozen, []string{"CG406 waived", "CG406", "CG406 waived", "CG406", "CG503"}},
		"a freeze, waived":                    {org + freeze, opt(both, excepted(broke(waiver))), Frozen, []string{"CG406 waived", "CG406", "CG406 waived", "CG406", "CG502"}},
		"by the organisation's":               {org + freeze + glass, opt(excepted(cio)), BreakGlass, []string{"CG101 waived", "CG101 waived", "CG406 waived", "CG406 waived", "CG406 waived", "CG406 waived", "CG503"}},
		"by the repository's when it has one": {org + glass, opt(excepted(broke())), Waiting, []string{"CG101", "CG101", "CG406", "CG406", "CG505"}},
	} {
		v := Evaluate([]byte(commanded), change(append(tt.opts, floored(tt.floor))...), noon)
		if v.State != tt.state {
			t.Errorf("%s: %s %s", name, v.State, v.Title)
		}
		same(t, exceptional(v), tt.codes)
	}
	// Where the organisation asks code owners, their file says who approves.
	owners := strings.Replace(org, "@acme/safety", "codeowners", 1) + glass
	v := Evaluate([]byte(strings.Replace(commanded, `"prompts/**"`, `"prompts/**", CODEOWNERS`, 1)), change(excepted(cio), floored(owners), touching(File{Path: "CODEOWNERS", Status: "modified", New: "2"})), noon)
	same(t, exceptional(v), []string{"CG101", "CG101", "CG406", "CG406", "CG503"})

	p, _ := Load([]byte(commanded), &PolicyText{Data: []byte(org + freeze)})
	got := p.Admit(change(floored(org+freeze), excepted(broke(waiver))), said(t, "waive freeze reason: x"), speaks(rev3, "@acme/managers"), noon)
	same(t, got.Wrong, "freeze `org/audit` is the organisation's, and its policy has no break_glass")
}

// In shadow mode an exception changes nothing but what would be.
func TestExceptionsInShadow(t *testing.T) {
	t.Parallel()
	p := parse(t, strings.Replace(commanded, "enforce", "shadow", 1))
	v := p.Decide(change(excepted(broke())), noon)
	want(t, v, Shadow, "[Shadow] Would pass: BREAK-GLASS by lead1 (INC-881)…")
	want(t, p.Decide(change(held(Hold{By: rev1, As: "write"})), noon), Shadow, "[Shadow] Would block: Waiting for rev1 to lift the hold")
}
