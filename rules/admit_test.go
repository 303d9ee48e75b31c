package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// commanded is a policy in which everybody's part is somebody else's.
const commanded = `
version: 1
mode: enforce
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals: [{from: ["@acme/owners"]}]
freezes:
  - {name: year-end, from: 2026-11-24T06:00Z, until: 2026-11-25T06:00Z}
break_glass:
  who: ["@acme/commanders", boss]
  reviewers: ["@acme/managers"]
`

var (
	lead = Person{ID: 21, Login: "lead1"}
	boss = Person{ID: 22, Login: "boss"}
)

// speaks is somebody with write access who wrote a comment a minute ago.
func speaks(by Person, teams ...string) Speaker {
	return Speaker{Person: by, Permission: "write", Teams: teams, At: noon.Add(-time.Minute)}
}

func with(permission string, s Speaker) Speaker { s.Permission = permission; return s }

func said(t testing.TB, line string) Command {
	t.Helper()
	all := Commands("/change " + line)
	if len(all) != 1 {
		t.Fatalf("%q has %d commands", line, len(all))
	}
	return all[0]
}

// broke is an exception by lead1, opened a minute ago.
func broke(opts ...func(*Exception)) Exception {
	x := Exception{Number: 17, Kind: KindBreakGlass, By: lead, As: "@acme/commanders", At: noon.Add(-time.Minute), Head: headCommit, Base: "main",
		Reason: "refunds without limit", Incident: "INC-881", Expires: noon.Add(59 * time.Minute), Due: noon.Add(24*time.Hour - time.Minute)}
	for _, opt := range opts {
		opt(&x)
	}
	return x
}

func excepted(xs ...Exception) func(*Change) { return func(c *Change) { c.Exceptions = xs } }

func held(hs ...Hold) func(*Change) { return func(c *Change) { c.Holds = hs } }

var (
	ghost       = Speaker{Person: Person{Login: "ghost"}, Permission: "admin", Teams: []string{"@acme/owners", "@acme/commanders", "@acme/managers"}}
	robot       = Speaker{Person: agent, Permission: "admin", Teams: ghost.Teams}
	contributor = commits(Commit{ID: headCommit, Author: dev2, Committer: dev1})
	// omnipotent adds every role to somebody.
	omnipotent = func(p Person) Speaker { return with("admin", speaks(p, ghost.Teams...)) }
)

// Each command by the author, a contributor, somebody allowed, somebody not, a bot
// and a deleted account. An empty text is a command that is carried out.
func TestWhoMayCommand(t *testing.T) {
	t.Parallel()
	const (
		noBot   = "`agent[bot]` is a bot, and bots give no commands"
		noGhost = "the account that wrote this was deleted"
	)
	ready := func(c *Change) { c.Exceptions = []Exception{broke()}; c.Holds = []Hold{{By: rev3, As: "@acme/owners"}} }
	for line, tt := range map[string]struct {
		allowed                              Speaker
		author, contributor, outsider, fixed string
	}{
		"help":                              {allowed: speaks(rev1)},
		"status":                            {allowed: with("read", speaks(rev1))},
		"recheck":                           {allowed: with("none", speaks(rev1))},
		"schedule 2026-12-01T09:00Z":        {with("maintain", speaks(rev1)), "", "`dev2` may not change the date, which is for `dev1` and whoever has maintain access", "`rev2` may not change the date, which is for `dev1` and whoever has maintain access", "ask one of them"},
		"request-review":                    {speaks(rev1), "", "", "`rev2` may not ask for reviews, which is for `dev1` and whoever has write access", "ask one of them"},
		"hold":                              {speaks(rev1, "@acme/owners"), "`dev1` is the author of this change", "", "`rev2` may not hold this change, which is for `@acme/owners`", "ask one of them who did not contribute, or have the approvals of its groups in `.github/changegate.yml` name more people"},
		"unhold":                            {speaks(rev1, "@acme/owners"), "`dev1` may not lift the hold of `rev3`", "`dev2` may not lift the hold of `rev3`", "`rev2` may not lift the hold of `rev3`", "ask `rev3`, or `@acme/owners` without a hand in the change"},
		"waive freeze reason: x":            {speaks(rev1, "@acme/managers"), "`dev1` is the author of this change", "`dev2` contributed to this change", "`rev2` may not waive this freeze, which is for `@acme/managers`", "or have `break_glass.reviewers` in `.github/changegate.yml` name more people"},
		"break-glass reason: x incident: y": {speaks(lead, "@acme/commanders"), "`dev1` is the author of this change", "`dev2` contributed to this change", "`rev2` may not break the glass, which is for `@acme/commanders`, boss", "or have `break_glass.who` in `.github/changegate.yml` name more people"},
		"ack EX-17 outcome: x":              {speaks(rev1, "@acme/managers"), "`dev1` is the author of this change", "`dev2` contributed to this change", "`rev2` may not review exceptions, which is for `@acme/managers`", "or have `break_glass.reviewers` in `.github/changegate.yml` name more people"},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			p, cmd := parse(t, commanded), said(t, line)
			for who, s := range map[string]struct {
				by   Speaker
				want string
			}{
				"allowed":     {tt.allowed, ""},
				"author":      {omnipotent(dev1), tt.author},
				"contributor": {contributing(cmd.Name, dev2), tt.contributor},
				"outsider":    {with("read", speaks(rev2, "@acme/others")), tt.outsider},
				"bot":         {robot, noBot},
				"deleted":     {ghost, noGhost},
			} {
				c := change(contributor, ready)
				if cmd.Name == "break-glass" || cmd.Name == "waive" {
					c.Exceptions = nil
				}
				got := p.Admit(c, cmd, s.by, noon)
				if got.Wrong != s.want || got.Refused() != (got.Fix != "") {
					t.Errorf("%s: wrong %q, fix %q, want %q", who, got.Wrong, got.Fix, s.want)
				}
				if who == "outsider" && !strings.HasSuffix(got.Fix, tt.fixed) && !strings.HasPrefix(got.Fix, tt.fixed) {
					t.Errorf("fix is %q, want %q", got.Fix, tt.fixed)
				}
				if got.Refused() && (got.Hold != nil || got.Lift != nil || got.Exception != nil || got.Closing != nil || got.Ask != nil || got.EffectiveAt+got.Note != "") {
					t.Errorf("%s: refused, and %+v", who, got)
				}
				if may := p.May(c, s.by, noon)[cmd.Name]; may != !got.Refused() {
					t.Errorf("%s: help says %v", who, may)
				}
			}
		})
	}
}

// contributing has every role, but for the ones that are open to contributors with
// less.
func contributing(command string, p Person) Speaker {
	if command == "schedule" {
		return speaks(p, ghost.Teams...)
	}
	return omnipotent(p)
}

// twoGroups have each their approvers and freezes; who waives them is not said.
const twoGroups = `
version: 1
mode: enforce
governed:
  - {name: prompts, kind: other, paths: ["prompts/**"], approvals: [{from: ["@acme/owners"]}]}
  - {name: tools, kind: other, paths: ["tools/**"], approvals: [{from: ["@acme/tools"]}]}
freezes:
  - {name: all, from: 2026-11-24T06:00Z, until: 2026-11-25T06:00Z}
  - {name: tools, from: 2026-11-24T06:00Z, until: 2026-11-25T10:00Z, governs: [tools]}
  - {name: later, from: 2026-11-24T11:30Z, until: 2026-11-25T11:00Z, governs: [tools]}
break_glass: {who: ["@acme/commanders"]}
`

// An exception counts from when its comment was made; the clock of a reading that was
// read a moment before the comments is no reason to have it begin later.
func TestWhenItWasSaid(t *testing.T) {
	t.Parallel()
	for said, want := range map[time.Time]time.Time{noon.Add(-time.Minute): noon.Add(-time.Minute), noon.Add(time.Second): noon, {}: noon} {
		by := speaks(rev1, "@acme/owners")
		by.At = said
		if got := parse(t, commanded).Admit(change(), Command{Name: "hold"}, by, noon); got.Hold == nil || !got.Hold.At.Equal(want) {
			t.Errorf("said %v, %+v", said, got.Hold)
		}
	}
}

// What each command comes to, and what refuses it whoever gives it.
func TestAdmit(t *testing.T) {
	t.Parallel()
	const glass, waive, ack = "break-glass reason: all down incident: INC-881", "waive freeze reason: a customer waits", "ack EX-17 outcome: it was right"
	commander, manager, owner := speaks(lead, "@acme/commanders"), speaks(rev3, "@acme/managers"), speaks(rev1, "@acme/owners")
	late := func(d time.Duration, s Speaker) Speaker { s.At = noon.Add(-d); return s }
	ready := opt(func(c *Change) { c.Requests = []RequestText{{Line: 4, Text: request}} }, reviewed(review(rev1, team("@acme/owners"))))
	thawed := strings.Replace(commanded, "2026-11-24T06:00Z, until: 2026-11-25", "2026-12-24T06:00Z, until: 2026-12-25", 1)
	for _, tt := range []struct {
		name, policy, line string
		by                 Speaker
		opts               []func(*Change)
		want               string // the beginning of what it comes to
		fix                string
	}{
		{name: "not a command", line: "hodl", by: owner, want: "wrong: `/change hodl` is not a command", fix: "did you mean `/change hold`?"},
		{name: "rollback by an approver", line: "rollback reason: customers INC-1 incident: INC-881", by: owner, opts: opt(in("merged")), want: "done"},
		{name: "rollback by the author", line: "rollback", by: speaks(dev1), opts: opt(in("merged")), want: "done"},
		{name: "rollback by a maintainer", line: "rollback refunds are refused", by: with("maintain", speaks(rev2)), opts: opt(in("merged")), want: "done"},
		{name: "rollback by somebody else", line: "rollback", by: speaks(rev2), opts: opt(in("merged")), want: "wrong: `rev2` may not roll back this change, which is for somebody with maintain access, `@acme/owners`", fix: "ask one of them"},
		{name: "rollback of an open one", line: "rollback", by: owner, want: "wrong: this pull request is open, so there is nothing to take back", fix: "close it"},
		{name: "rollback of a closed one", line: "rollback", by: owner, opts: opt(in("closed")), want: "wrong: this pull request is closed, so there is nothing to take back"},
		{name: "closed", line: "recheck", by: owner, opts: opt(in("closed")), want: "wrong: this pull request is closed, so there is nothing left to decide"},
		{name: "help on a merged one", line: "help", by: owner, opts: opt(in("merged")), want: "done"},
		{name: "break-glass on a merged one", line: glass, by: commander, opts: opt(in("merged")), want: "wrong: this pull request is merged"},

		{name: "on merge", line: "schedule On-Merge", by: speaks(dev1), want: "effective on-merge"},
		{name: "local time", line: "schedule 2026-11-30 09:00 Europe/Berlin", by: speaks(dev1), want: "effective 2026-11-30 09:00 Europe/Berlin"},
		{name: "no zone", line: "schedule 2026-11-30 09:00", by: speaks(dev1), want: "wrong: `2026-11-30 09:00` has no time zone", fix: "`2026-11-30T09:00Z`"},
		{name: "skipped", line: "schedule 2027-03-28 02:30 Europe/Berlin", by: speaks(dev1), want: "wrong: `2027-03-28 02:30 Europe/Berlin` does not exist", fix: "`2027-03-28T03:30+02:00`"},
		{name: "now", line: "schedule 2026-11-24T12:00Z", by: speaks(dev1), want: "wrong: `2026-11-24T12:00Z` lies in the past", fix: "write a later time, or `/change schedule on-merge`"},
		{name: "beyond the calendar", line: "schedule 9999-12-31T00:00Z", by: speaks(dev1), want: "wrong: `9999-12-31T00:00Z` is not between the years 2000 and 2999"},
		{name: "request in a file", line: "schedule on-merge", by: speaks(dev1), opts: opt(func(c *Change) { c.Requests[0].Path = ".changes/a.yml" }), want: "wrong: the change request stands in `.changes/a.yml`, which only a push changes"},
		{name: "assignee of an agent", line: "schedule on-merge", by: speaks(dev2), opts: opt(func(c *Change) { c.Author, c.Assignees = agent, []Person{dev2} }), want: "effective on-merge"},
		{name: "assignee of a person", line: "schedule on-merge", by: speaks(dev2), opts: opt(func(c *Change) { c.Assignees = []Person{dev2} }), want: "wrong: `dev2` may not change the date, which is for `dev1` and whoever has maintain access"},
		{name: "stranger to an agent", line: "schedule on-merge", by: speaks(dev2), opts: opt(func(c *Change) { c.Author = agent }), want: "wrong: `dev2` may not change the date, which is for whoever `agent[bot]` acted for and whoever has maintain access"},
		{name: "notice", policy: strings.Replace(commanded, "kind: prompt", "kind: prompt\n    notice: 72h", 1), line: "schedule 2026-11-30T09:00Z", by: speaks(dev1),
			want: "effective 2026-11-30T09:00Z, note: group `prompts` asks for 72 hours of notice, so the last approval has to be given by Fri 2026-11-27 09:00 UTC"},
		{name: "too short a notice", policy: strings.Replace(commanded, "kind: prompt", "kind: prompt\n    notice: 72h", 1), line: "schedule 2026-11-26T09:00Z", by: speaks(dev1),
			want: "effective 2026-11-26T09:00Z, note: group `prompts` asks for 72 hours of notice, so the last approval has to be given by Mon 2026-11-23 09:00 UTC, which is past; from now the earliest date is Fri 2026-11-27 12:00 UTC"},

		{name: "teams", line: "request-review", by: speaks(dev1), want: "ask @acme/owners"},
		{name: "stale first", line: "request-review", by: speaks(dev1), opts: opt(reviewed(review(rev2, team("@acme/owners"), digest("other")))), want: "ask rev2 @acme/owners"},
		{name: "nobody missing", line: "request-review", by: speaks(dev1), opts: ready, want: "wrong: no approval is missing", fix: "`/change status` says what this change waits for"},
		{name: "nobody to name", policy: prompts, line: "request-review", by: speaks(dev1), want: "wrong: the rules name nobody to ask but write access", fix: "pick somebody under Reviewers on the right"},
		{name: "not who wrote it", policy: prompts + "    approvals: [{from: [dev1, Rev2, write]}]\n", line: "request-review", by: speaks(dev1), want: "ask rev2"},
		{name: "draft", line: "request-review", by: speaks(dev1), opts: opt(draft), want: "wrong: nobody is asked to review a draft"},

		{name: "hold", line: "hold reason: legal reads it", by: owner, want: "hold as @acme/owners: legal reads it"},
		{name: "hold again", line: "hold", by: owner, opts: opt(held(Hold{By: rev1, As: "write"}, Hold{By: rev2, As: "write"})), want: "hold as @acme/owners, lift rev1"},
		{name: "hold of nothing", line: "hold", by: owner, opts: opt(touching(File{Path: "README.md"})), want: "wrong: no governed file is changed"},
		{name: "hold by a code owner", policy: strings.Replace(commanded, "@acme/owners", "codeowners", 1), line: "hold", by: speaks(rev2), opts: opt(func(c *Change) { c.Owners = &PolicyText{Data: []byte("* @rev2\n")} }), want: "hold as codeowners"},
		{name: "own hold", line: "unhold", by: with("read", speaks(rev1)), opts: opt(held(Hold{By: rev1, As: "@acme/owners"})), want: "lift rev1"},
		{name: "own hold of a contributor", line: "unhold", by: speaks(dev2), opts: opt(contributor, held(Hold{By: dev2, As: "@acme/owners"})), want: "lift dev2"},
		{name: "several", line: "unhold", by: owner, opts: opt(held(Hold{By: rev2, As: "@acme/owners"}, Hold{By: rev3, As: "@acme/owners"})), want: "lift rev2 rev3"},
		{name: "some", line: "unhold", by: with("read", speaks(rev1)), opts: opt(held(Hold{By: rev1, As: "write"}, Hold{By: rev3, As: "@acme/owners"})),
			want: "lift rev1, note: held by `rev3` all the same; ask `rev3`, or `@acme/owners` without a hand in the change"},
		{name: "a rule that is gone", line: "unhold", by: owner, opts: opt(held(Hold{By: rev2, As: "@acme/dissolved"})), want: "lift rev2"},
		{name: "no hold", line: "unhold", by: owner, want: "wrong: nothing holds this change"},

		{name: "break-glass", line: glass, by: commander, want: "break-glass as @acme/commanders INC-881 until 12:59 due 2026-11-25 11:59"},
		{name: "by login", line: glass, by: speaks(boss), want: "break-glass as boss"},
		{name: "by a login taken over", line: glass, by: Speaker{Person: boss, Accounts: []Account{{"boss", 66}}}, want: "wrong: `boss` may not break the glass, which is for `@acme/commanders`, boss; the login named another account when the policy was first read"},
		{name: "by a renamed account", line: glass, by: Speaker{Person: Person{ID: 66, Login: "married"}, Accounts: []Account{{"boss", 66}}, At: noon}, want: "break-glass as boss"},
		{name: "already ready", policy: thawed, line: glass, by: commander, opts: ready, want: "wrong: nothing blocks this change", fix: "merge it"},
		{name: "nothing governed", line: glass, by: commander, opts: opt(touching(File{Path: "README.md"})), want: "wrong: no governed file is changed"},
		{name: "open already", line: glass, by: commander, opts: opt(excepted(broke())), want: "wrong: EX-17 waives the same until Tue 2026-11-24 12:59 UTC"},
		{name: "what it cannot waive", policy: thawed, line: glass, by: commander, opts: append(slices.Clone(ready), func(c *Change) { c.Requests = nil; c.Reviews[0].Request = "" }), want: "wrong: what blocks this change cannot be waived: `Author: add a change request (1 of 2 things)`"},
		{name: "part of what blocks", line: glass, by: commander, opts: opt(asks("change: {why: x}")), want: "break-glass as @acme/commanders INC-881 until 12:59 due 2026-11-25 11:59, note: it does not cover everything: `Author: add a rollback plan`"},
		{name: "the policy file", line: glass, by: commander, opts: opt(touching(File{Path: PolicyPath, Status: "modified", New: "2"}), newPolicy(commanded)), want: "wrong: what blocks this change cannot be waived: `Waiting for 1 approval - from maintain access`"},
		{name: "read too late", line: glass, by: late(time.Hour, commander), want: "wrong: this was written Tue 2026-11-24 11:00 UTC, and a break-glass lasts 1 hour", fix: "write it again if it is still needed"},
		{name: "read just in time", line: glass, by: late(time.Hour-time.Second, commander), want: "break-glass as @acme/commanders INC-881 until 12:00"},
		{name: "review on another branch", line: "ack EX-17 outcome: fine", by: speaks(boss), opts: opt(excepted(broke(func(x *Exception) { x.Base = "release" }))), want: "wrong: EX-17 is of base branch `release`, whose policy says who reviews it", fix: "change the base branch back to it first"},
		{name: "twice in a comment", line: glass, by: commander, opts: opt(excepted(broke(func(x *Exception) { x.Number = 0 }))), want: "wrong: this comment breaks the glass already, and once is enough", fix: "merge before it ends"},
		{name: "pushed since", line: glass, by: pushed(noon, commander), want: "wrong: commit `e55a210` was pushed after this was written, so it is not what you looked at"},
		{name: "pushed by nobody known", line: glass, by: commander, opts: opt(func(c *Change) { c.UnknownPush = headCommit }), want: "wrong: nobody is known to have pushed commit `e55a210`, nor whether that was before this was written"},
		{name: "retargeted since", line: glass, by: commander, opts: opt(func(c *Change) { c.Retargeted = noon.Add(-time.Minute) }), want: "wrong: the base branch was changed to `main` after this was written"},
		{name: "retargeted before", line: glass, by: commander, opts: opt(func(c *Change) { c.Retargeted = noon.Add(-2 * time.Minute) }), want: "break-glass"},
		{name: "pushed before", line: glass, by: pushed(noon.Add(-time.Minute), commander), want: "break-glass"},
		{name: "shadow mode", policy: strings.Replace(commanded, "enforce", "shadow", 1), line: glass, by: commander, want: "wrong: in shadow mode this check blocks nothing"},
		{name: "no break_glass", policy: prompts, line: glass, by: commander, want: "wrong: the policy on `main` has no break_glass", fix: "break_glass:\n  who: [maintain]"},
		{name: "draft", line: glass, by: commander, opts: opt(draft), want: "wrong: a draft cannot be merged"},

		{name: "waiver", line: waive, by: manager, want: "waiver as @acme/managers of year-end until 06:00 due 2026-11-25 11:59, note: it does not cover everything: `Waiting for 1 approval - from @acme/owners`"},
		{name: "waiver of approvers", policy: strings.Replace(commanded, "  reviewers: [\"@acme/managers\"]\n", "", 1), line: waive, by: owner, opts: ready, want: "waiver as @acme/owners of year-end until 06:00 due 2026-11-25 11:59"},
		{name: "not by approvers of another group", policy: strings.Replace(commanded, "  reviewers: [\"@acme/managers\"]\n", "", 1), line: waive, by: manager, want: "wrong: `rev3` may not waive this freeze, which is for `@acme/owners`"},
		{name: "waiver of most", policy: twoGroups, line: waive, by: speaks(rev3, "@acme/owners", "@acme/tools"), opts: opt(touching(refund, File{Path: "tools/a", New: "1"})), want: "waiver as @acme/tools of all, tools, later until 11:00"},
		{name: "waiver of those that were active", policy: twoGroups, line: waive, by: late(time.Hour, speaks(rev3, "@acme/owners", "@acme/tools")), opts: opt(touching(refund, File{Path: "tools/a", New: "1"})), want: "waiver as @acme/tools of all, tools until 10:00"},
		{name: "no freeze", policy: thawed, line: waive, by: manager, want: "wrong: no freeze is active for this change"},
		{name: "waived already", line: waive, by: manager, opts: opt(excepted(broke(waiver))), want: "wrong: the freeze is waived already"},
		{name: "frozen since", policy: strings.Replace(commanded, "T06:00Z, until", "T12:00Z, until", 1), line: waive, by: manager, want: "wrong: the freeze began after this was written"},
		{name: "frozen policy file", line: waive, by: manager, opts: opt(touching(File{Path: PolicyPath, Status: "modified", New: "2"}), newPolicy(commanded)), want: "wrong: freeze `year-end` holds a change of the files that say who approves"},
		{name: "waiver in shadow mode", policy: strings.Replace(commanded, "enforce", "shadow", 1), line: waive, by: manager, want: "wrong: in shadow mode this check blocks nothing"},
		{name: "waiver without break_glass", policy: prompts, line: waive, by: manager, want: "wrong: the policy on `main` has no break_glass"},

		{name: "ack", line: ack, by: manager, opts: opt(excepted(broke())), want: "EX-17 reviewed as @acme/managers: it was right"},
		{name: "ack after the merge", line: ack, by: manager, opts: opt(in("merged"), excepted(broke())), want: "EX-17 reviewed"},
		{name: "ack when nothing is governed any more", line: ack, by: manager, opts: opt(touching(), excepted(broke())), want: "EX-17 reviewed"},
		{name: "ack in shadow mode", policy: strings.Replace(commanded, "enforce", "shadow", 1), line: ack, by: manager, opts: opt(excepted(broke())), want: "EX-17 reviewed"},
		{name: "ack by approvers", policy: prompts, line: ack, by: speaks(rev1), opts: opt(excepted(broke())), want: "EX-17 reviewed as write"},
		{name: "ack by approvers of a change that touches nothing", policy: prompts, line: ack, by: speaks(rev1), opts: opt(touching(), excepted(broke())), want: "EX-17 reviewed as write"},
		{name: "by the invoker", line: ack, by: omnipotent(lead), opts: opt(excepted(broke())), want: "wrong: `lead1` opened EX-17, and somebody else has to review it", fix: "ask `@acme/managers`; nobody who contributed counts"},
		{name: "of another pull request", line: "ack EX-9 outcome: x", by: manager, opts: opt(excepted(broke())), want: "wrong: `EX-9` is no exception of this pull request", fix: "waiting for a review here: EX-17"},
		{name: "of none", line: ack, by: manager, want: "wrong: `EX-17` is no exception of this pull request", fix: "none waits for a review here; write it on the pull request that the exception is of"},
		{name: "twice", line: ack, by: manager, opts: opt(excepted(broke(closedBy(rev2, time.Hour)))), want: "wrong: EX-17 was reviewed by `rev2` on Tue 2026-11-24 13:00 UTC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.policy == "" {
				tt.policy = commanded
			}
			got := parse(t, tt.policy).Admit(change(tt.opts...), said(t, tt.line), tt.by, noon)
			begin := strings.TrimSuffix(tt.want, "…")
			if s := spoken(got); !strings.HasPrefix(s, begin) || !strings.Contains(got.Fix, tt.fix) {
				t.Errorf("got  %s, fix %q\nwant %s, fix %q", s, got.Fix, tt.want, tt.fix)
			}
		})
	}
}

func in(state string) func(*Change) { return func(c *Change) { c.State = state } }

func draft(c *Change) { c.Draft = true }

func pushed(at time.Time, s Speaker) Speaker { s.HeadSince = at; return s }

func waiver(x *Exception) {
	x.Kind, x.As, x.By, x.Incident = KindWaiver, "@acme/managers", rev3, ""
	x.Expires, x.Freezes = noon.Add(18*time.Hour), []string{"year-end"}
}

// closedBy reviews an exception some time after noon.
func closedBy(by Person, after time.Duration) func(*Exception) {
	return func(x *Exception) {
		x.Closed = &Closing{By: by, As: "@acme/managers", At: noon.Add(after), Outcome: "right"}
	}
}

// spoken is what was admitted, in a line.
func spoken(a Admitted) string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if a.Refused() {
		return "wrong: " + a.Wrong
	}
	if h := a.Hold; h != nil {
		say("hold as %s%s", h.As, strings.TrimSuffix(": "+h.Reason, ": "))
	}
	if a.Lift != nil {
		who := "lift"
		for _, h := range a.Lift {
			who += " " + h.By.Login
		}
		say("%s", who)
	}
	if x := a.Exception; x != nil {
		what := x.Incident
		if x.Kind == KindWaiver {
			what = "of " + strings.Join(x.Freezes, ", ")
		}
		say("%s as %s %s until %s due %s", x.Kind, x.As, what, x.Expires.Format("15:04"), x.Due.Format("2006-01-02 15:04"))
	}
	if a.Closing != nil {
		say("EX-%d reviewed as %s: %s", a.Number, a.Closing.As, a.Closing.Outcome)
	}
	if a.EffectiveAt != "" {
		say("effective %s", a.EffectiveAt)
	}
	if a.Ask != nil {
		say("ask %s", strings.Join(a.Ask, " "))
	}
	if a.Note != "" {
		say("note: %s", a.Note)
	}
	if out == nil {
		return "done"
	}
	return strings.Join(out, ", ")
}

// The lines offered to a policy without break_glass are ones that load.
func TestEmergencyLines(t *testing.T) {
	t.Parallel()
	e := parse(t, prompts+emergencyLines).BreakGlass
	same(t, *e, Emergency{Who: []string{"maintain"}, Reviewers: []string{"admin"}, Expires: time.Hour, ReviewWithin: 24 * time.Hour, Line: e.Line})
}

func TestReviewers(t *testing.T) {
	t.Parallel()
	same(t, parse(t, commanded).Reviewers(change()), []string{"@acme/managers"})
	same(t, parse(t, prompts).Reviewers(change()), []string{"write"})
	same(t, parse(t, prompts).Reviewers(change(touching())), []string{"write", "maintain"})
}

// Applying puts what was admitted in force and leaves the change it came from alone.
func TestApply(t *testing.T) {
	t.Parallel()
	h1, h2 := Hold{By: rev1, As: "write"}, Hold{By: rev2, As: "write"}
	x := broke()
	before := change(held(h1, h2), excepted(x))
	c := *before
	again := Hold{By: rev1, As: "write", At: noon}
	a := Admitted{Hold: &again, Lift: []Hold{h1}}
	a.Apply(&c)
	same(t, c.Holds, []Hold{h2, again})
	y := broke(func(x *Exception) { x.Number = 18 })
	a = Admitted{Exception: &y}
	a.Apply(&c)
	a = Admitted{Number: 17, Closing: &Closing{By: rev3}}
	a.Apply(&c)
	x.Closed = a.Closing
	same(t, c.Exceptions, []Exception{x, y})
	if len(before.Holds) != 2 || before.Holds[0] != h1 || before.Exceptions[0].Closed != nil {
		t.Errorf("the facts it came from changed: %+v", before)
	}
}
