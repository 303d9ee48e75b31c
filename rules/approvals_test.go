package rules

import (
	"testing"
	"time"
)

func TestApprovals(t *testing.T) {
	t.Parallel()
	earlier := noon.Add(-30 * time.Hour)
	for _, tt := range []struct {
		name   string
		rule   string // the group's approvals; none: 1 from write
		opts   []func(*Change)
		state  State
		title  string
		turned []string
	}{
		{name: "nobody", state: Waiting, title: "Waiting for 1 approval - from write access"},
		{name: "one who may", opts: opt(reviewed(review(rev1))), state: Ready, title: "Ready - 1 approval, rollback to v1, effective on merge"},
		{name: "maintain is more than write", opts: opt(reviewed(review(rev1, role("maintain")))), state: Ready, title: "Ready…"},
		{name: "author", opts: opt(reviewed(review(dev1))), state: Waiting, title: "Waiting for 1 approval…", turned: []string{"dev1 CG111"}},
		{name: "author by a new login", opts: opt(reviewed(review(Person{ID: 1, Login: "renamed"}))), state: Waiting, title: "Waiting…", turned: []string{"renamed CG111"}},
		{name: "reader", opts: opt(reviewed(review(rev1, role("read")))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG114"}},
		{name: "role not asked", opts: opt(reviewed(review(rev1, role("")))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG114"}},
		{name: "bot", opts: opt(reviewed(review(agent, role("admin")))), state: Waiting, title: "Waiting…", turned: []string{"agent[bot] CG113"}},
		{name: "deleted account", opts: opt(reviewed(review(Person{Login: "ghost"}))), state: Waiting, title: "Waiting…", turned: []string{"ghost CG121"}},
		{name: "comment only", opts: opt(reviewed(review(rev1, state("COMMENTED")))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG119"}},
		{name: "comment after approval", opts: opt(reviewed(review(rev1), review(rev1, state("COMMENTED")))), state: Ready, title: "Ready…"},

		{name: "team", rule: `[{from: ["@acme/owners"]}]`, opts: opt(reviewed(review(rev1, team("@acme/owners")))), state: Ready, title: "Ready…"},
		{name: "team in another case", rule: `[{from: ["@Acme/Owners"]}]`, opts: opt(reviewed(review(rev1, team("@acme/owners")))), state: Ready, title: "Ready…"},
		{name: "other team", rule: `[{from: ["@acme/owners"]}]`, opts: opt(reviewed(review(rev1, team("@acme/other")))), state: Waiting, title: "Waiting for 1 approval - from @acme/owners", turned: []string{"rev1 CG114"}},
		{name: "login in another case", rule: `[{from: [REV1]}]`, opts: opt(reviewed(review(rev1, role("read")))), state: Ready, title: "Ready…"},
		{name: "codeowners or a team", rule: `[{from: [codeowners, "@acme/owners"]}]`, opts: opt(reviewed(review(rev1, team("@acme/owners")))), state: Ready, title: "Ready…"},

		// P1, P9: a disapproval is not outvoted, and only its author takes it back.
		{name: "changes requested", opts: opt(reviewed(review(rev2, state(changesRequested)), review(rev1))), state: Failure, title: "Changes requested by rev2"},
		{name: "changes requested in lower case", opts: opt(reviewed(review(rev1), review(rev2, state("changes_requested")))), state: Failure, title: "Changes requested by rev2"},
		{name: "approved, then changes requested", opts: opt(reviewed(review(rev1), review(rev1, state(changesRequested)))), state: Failure, title: "Changes requested by rev1", turned: []string{"rev1 CG120"}},
		{name: "then approved", opts: opt(reviewed(review(rev1, state(changesRequested)), review(rev1))), state: Ready, title: "Ready…", turned: []string{"rev1 CG120"}},
		{name: "comment takes nothing back", opts: opt(reviewed(review(rev1, state(changesRequested)), review(rev1, state("COMMENTED")))), state: Failure, title: "Changes requested by rev1"},
		{name: "by a contributor who may", opts: opt(commits(Commit{ID: "c1", Author: rev2, Committer: dev1}), reviewed(review(rev1), review(rev2, state(changesRequested)))), state: Failure, title: "Changes requested by rev2"},
		{name: "by one who may not", opts: opt(reviewed(review(rev1), review(rev2, state(changesRequested), role("read")))), state: Ready, title: "Ready…", turned: []string{"rev2 CG114"}},
		{name: "by a bot", opts: opt(reviewed(review(rev1), review(agent, state(changesRequested)))), state: Ready, title: "Ready…", turned: []string{"agent[bot] CG113"}},
		{name: "then dismissed", opts: opt(reviewed(review(rev1), review(rev2, state(dismissed)))), state: Ready, title: "Ready…", turned: []string{"rev2 CG118"}},
		{name: "dismissed revives nothing", opts: opt(reviewed(review(rev1), review(rev1, state(dismissed)))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG120", "rev1 CG118"}},
		{name: "same second, larger id", opts: opt(reviewed(review(rev1, on(earlier)), review(rev1, on(earlier), state(changesRequested)))), state: Failure, title: "Changes requested by rev1", turned: []string{"rev1 CG120"}},
		{name: "same second, the other way round", opts: opt(reviewed(review(rev1, on(earlier), state(changesRequested)), review(rev1, on(earlier)))), state: Ready, title: "Ready…", turned: []string{"rev1 CG120"}},
		{name: "same second, same id", opts: opt(reviewed(review(rev1, on(earlier), state(changesRequested)), review(rev1, on(earlier))), func(c *Change) { c.Reviews[1].ID = c.Reviews[0].ID }), state: Failure, title: "Changes requested by rev1", turned: []string{"rev1 CG120"}},
		{name: "approved again after the dismissal", opts: opt(reviewed(review(rev1), review(rev1, state(dismissed)), review(rev1))), state: Ready, title: "Ready…", turned: []string{"rev1 CG120"}},
		{name: "by a contributor who approved since", opts: opt(commits(Commit{ID: "c1", Author: rev2, Committer: dev1}), reviewed(review(rev1), review(rev2, state(changesRequested)), review(rev2))), state: Ready, title: "Ready…", turned: []string{"rev2 CG120", "rev2 CG112"}},
		{name: "of a commit long gone", opts: opt(reviewed(review(rev2, state(changesRequested), of(oldCommit)), review(rev1))), state: Failure, title: "Changes requested by rev2"},
		{name: "before the retarget", opts: opt(reviewed(review(rev2, state(changesRequested)), review(rev1)), func(c *Change) { c.Retargeted = c.Reviews[0].At }), state: Failure, title: "Changes requested by rev2"},
		{name: "by an account deleted since", opts: opt(reviewed(review(Person{}, state(changesRequested), role("")), review(rev1))), state: Ready, title: "Ready…", turned: []string{" CG121"}},
		{name: "not submitted yet", opts: opt(reviewed(review(rev1), review(rev1, state("PENDING")))), state: Ready, title: "Ready…"},
		{name: "approval without a commit", opts: opt(reviewed(review(rev1, of("")))), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG123"}},
		{name: "approval without a commit, and none at head", opts: opt(reviewed(review(rev1, of(""))), func(c *Change) { c.Head.Commit = "" }), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG123"}},
		{name: "approval without a time", opts: opt(reviewed(review(rev1)), undated(0)), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG123"}},
		{name: "changes requested without a time", opts: opt(reviewed(review(rev1, state(changesRequested)), review(rev1)), undated(0)), state: Failure, title: "Changes requested by rev1", turned: []string{"rev1 CG120"}},
		{name: "dismissed without a time", opts: opt(reviewed(review(rev1, state(dismissed)), review(rev1)), undated(0)), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG120", "rev1 CG118"}},
		{name: "approved without a time, then changes requested", opts: opt(reviewed(review(rev1, state(changesRequested)), review(rev1)), undated(1)), state: Failure, title: "Changes requested by rev1", turned: []string{"rev1 CG120"}},

		// A login of the policy is whose it was when the policy was read.
		{name: "login of a known account", rule: "[{from: [Rev1]}]", opts: opt(reviewed(review(rev1)), known("rev1", 11)), state: Ready, title: "Ready…"},
		{name: "login renamed", rule: "[{from: [rev1]}]", opts: opt(reviewed(review(Person{ID: 11, Login: "married"})), known("rev1", 11)), state: Ready, title: "Ready…"},
		{name: "login taken over", rule: "[{from: [Rev1]}]", opts: opt(reviewed(review(Person{ID: 66, Login: "REV1"})), known("rev1", 11)), state: Waiting, title: "Waiting for 1 approval - from rev1", turned: []string{"REV1 CG122"}},
		{name: "login taken over blocks nothing", rule: "[{from: [rev1, rev2]}]", opts: opt(reviewed(review(Person{ID: 66, Login: "rev1"}, state(changesRequested)), review(rev2)), known("rev1", 11)), state: Ready, title: "Ready…", turned: []string{"rev1 CG122"}},
		{name: "login taken over by somebody of the team", rule: "[{from: [rev1, '@acme/owners']}]", opts: opt(reviewed(review(Person{ID: 66, Login: "rev1"}, team("@acme/owners"))), known("rev1", 11)), state: Ready, title: "Ready…"},
		{name: "both of a login taken over", rule: "[{count: 2, from: [rev1, rev2]}]", opts: opt(reviewed(review(Person{ID: 11, Login: "married"}), review(Person{ID: 66, Login: "rev1"})), known("rev1", 11)), state: Waiting, title: "Waiting for 1 approval - from rev1, rev2", turned: []string{"rev1 CG122"}},
		{name: "login of nobody", rule: "[{from: [rev1]}]", opts: opt(reviewed(review(rev1)), known("rev1", 0)), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG122"}},
		{name: "login of two accounts", rule: "[{from: [rev1]}]", opts: opt(reviewed(review(rev1)), known("rev1", 11), known("rev1", 66), known("rev1", 11)), state: Waiting, title: "Waiting…", turned: []string{"rev1 CG122"}},
		{name: "account of another login", rule: "[{from: [rev1]}]", opts: opt(reviewed(review(rev1)), known("rev2", 12)), state: Ready, title: "Ready…"},

		// P5: different people.
		{name: "one for two", rule: "[{count: 2}]", opts: opt(reviewed(review(rev1), review(rev1))), state: Waiting, title: "Waiting for 1 approval - from write access", turned: []string{"rev1 CG120"}},
		{name: "two for two", rule: "[{count: 2}]", opts: opt(reviewed(review(rev1), review(rev2))), state: Ready, title: "Ready - 2 approvals…"},
		{name: "one fits both entries", rule: `[{from: ["@acme/sec"]}, {from: ["@acme/sec", "@acme/ops"]}]`,
			opts: opt(reviewed(review(rev1, team("@acme/sec", "@acme/ops")))), state: Waiting, title: "Waiting for 1 approval - from @acme/sec, @acme/ops"},
		{name: "order of entries does not matter", rule: `[{from: [write]}, {from: ["@acme/sec"]}]`,
			opts: opt(reviewed(review(rev1, team("@acme/sec")), review(rev2))), state: Ready, title: "Ready - 2 approvals…"},
		{name: "only who is still missing is named", rule: `[{from: ["@acme/owners"]}, {from: ["@acme/sec"]}]`,
			opts: opt(reviewed(review(rev1, team("@acme/owners")))), state: Waiting, title: "Waiting for 1 approval - from @acme/sec"},

		{name: "stale content", opts: opt(reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", File{Path: "prompts/refund.md", Status: "modified", Old: "a1", New: "OLD"})),
			state: Waiting, title: "Approvals stale - rev1 approved 7c1d0fe, head is e55a210", turned: []string{"rev1 CG115"}},
		{name: "unknown content", opts: opt(reviewed(review(rev1, of(oldCommit)))), state: Waiting, title: "Approvals stale - rev1…", turned: []string{"rev1 CG115"}},
		{name: "same content", opts: opt(reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", File{Path: "prompts/refund.md", Status: "changed", Old: "a1", New: "b1"}, File{Path: "README.md", New: "x"})),
			state: Ready, title: "Ready…"},
		{name: "same content for another base", opts: opt(reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "release", File{Path: "prompts/refund.md", Old: "a1", New: "b1"})),
			state: Waiting, title: "Approvals stale…", turned: []string{"rev1 CG115"}},
		{name: "one more governed file", opts: opt(reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main"), revision(oldCommit, "main", File{Path: "prompts/refund.md", Old: "a1", New: "b1"})),
			state: Waiting, title: "Approvals stale…", turned: []string{"rev1 CG115"}},
		{name: "content nobody knows equals nothing", opts: opt(touching(File{Path: "prompts/refund.md", Status: "modified"}), reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", File{Path: "prompts/refund.md", Status: "modified"})),
			state: Waiting, title: "Approvals stale…", turned: []string{"rev1 CG115"}},
		{name: "mode changed", opts: opt(touching(File{Path: "prompts/a", New: "b1", OldMode: "100644", NewMode: "100755"}), reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", File{Path: "prompts/a", New: "b1", OldMode: "100644", NewMode: "100644"})),
			state: Waiting, title: "Approvals stale…", turned: []string{"rev1 CG115"}},
		{name: "mode known at the review only", opts: opt(reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", File{Path: "prompts/refund.md", Old: "a1", New: "b1", OldMode: "100644", NewMode: "100644"})),
			state: Waiting, title: "Approvals stale…", turned: []string{"rev1 CG115"}},
		{name: "mode known at the head only", opts: opt(touching(File{Path: "prompts/a", New: "b1", OldMode: "100644", NewMode: "100644"}), reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", File{Path: "prompts/a", New: "b1"})),
			state: Waiting, title: "Approvals stale…", turned: []string{"rev1 CG115"}},

		// The head as it was approved, by a base branch that has moved since.
		{name: "head as it was", opts: opt(reviewed(review(rev1)), revision(headCommit, "main", refund)), state: Ready, title: "Ready…"},
		{name: "base moved on", opts: opt(reviewed(review(rev1)), revision(headCommit, "main", refund, File{Path: "prompts/a.md", New: "x"}, File{Path: "prompts/z.md", New: "x"})), state: Ready, title: "Ready…"},
		{name: "base moved back", opts: opt(touching(refund, File{Path: "prompts/z.md", New: "x"}), reviewed(review(rev1)), revision(headCommit, "main", refund)),
			state: Waiting, title: "Approvals stale - the base branch moved back after rev1 approved", turned: []string{"rev1 CG115"}},
		{name: "base moved back under what was approved", opts: opt(reviewed(review(rev1)), revision(headCommit, "main", File{Path: "prompts/refund.md", Status: "modified", Old: "a2", New: "b1"})),
			state: Waiting, title: "Approvals stale - the base branch moved back after rev1 approved", turned: []string{"rev1 CG115"}},
		{name: "base moved back where nothing is governed", opts: opt(touching(refund, File{Path: "src/z.go", New: "x"}), reviewed(review(rev1)), revision(headCommit, "main", refund)), state: Ready, title: "Ready…"},
		{name: "head recorded for another base", opts: opt(reviewed(review(rev1)), revision(headCommit, "release")), state: Ready, title: "Ready…"},
		{name: "earlier commit that changed more", opts: opt(reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", refund, File{Path: "prompts/z.md", New: "x"})),
			state: Waiting, title: "Approvals stale…", turned: []string{"rev1 CG115"}},

		{name: "request edited", opts: opt(reviewed(review(rev1, digest("other")))), state: Waiting, title: "Approvals stale - the change request was edited after rev1 approved", turned: []string{"rev1 CG116"}},
		{name: "approved before there was a request", opts: opt(noDigest(reviewed(review(rev1)))), state: Waiting, title: "Approvals stale - the change request was edited…", turned: []string{"rev1 CG116"}},
		{name: "retargeted since", opts: opt(reviewed(review(rev1, on(earlier))), func(c *Change) { c.Retargeted = earlier }), state: Waiting, title: "Approvals stale - the base branch changed after rev1 approved", turned: []string{"rev1 CG117"}},
		{name: "approved after the retarget", opts: opt(reviewed(review(rev1, on(earlier.Add(time.Second)))), func(c *Change) { c.Retargeted = earlier }), state: Ready, title: "Ready…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := prompts
			if tt.rule != "" {
				text += "    approvals: " + tt.rule + "\n"
			}
			v := parse(t, text).Decide(change(tt.opts...), noon)
			want(t, v, tt.state, tt.title)
			same(t, turnedOf(v), tt.turned)
		})
	}
}

var refund = change().Files[0]

func undated(i int) func(*Change) { return func(c *Change) { c.Reviews[i].At = time.Time{} } }

func known(login string, id int64) func(*Change) {
	return func(c *Change) { c.Accounts = append(c.Accounts, Account{login, id}) }
}

func opt(opts ...func(*Change)) []func(*Change) { return opts }

func revision(commit, base string, files ...File) func(*Change) {
	return func(c *Change) { c.Revisions = append(c.Revisions, Revision{Commit: commit, Base: base, Files: files}) }
}

func noDigest(then func(*Change)) func(*Change) {
	return func(c *Change) {
		then(c)
		for i := range c.Reviews {
			c.Reviews[i].Request = ""
		}
	}
}

func TestApprovalsCoverHead(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"approvals_cover: head\n")
	c := change(reviewed(review(rev1, of(oldCommit))), revision(oldCommit, "main", File{Path: "prompts/refund.md", Status: "modified", Old: "a1", New: "b1"}))
	want(t, p.Decide(c, noon), Waiting, "Approvals stale…")
}

// P10, default of CONTRACT §2: no approvals key is one from write, never none.
func TestApprovalsOfSeveralGroups(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+`
    approvals: [{from: ["@acme/owners"]}]
  - {name: tools, kind: tool-access, paths: ["tools/**"], approvals: [{from: ["@acme/sec"]}]}
  - {name: all, kind: other, paths: ["**"], approvals: [{from: [write]}]}
`)
	c := change(
		touching(File{Path: "prompts/a.md", New: "1"}, File{Path: "tools/b.yml", New: "2"}),
		reviewed(review(rev1, team("@acme/owners")), review(rev2, team("@acme/sec"))))
	v := p.Decide(c, noon)
	want(t, v, Ready, "Ready - 2 approvals…")
	same(t, v.Governed, []Governed{{"prompts/a.md", []string{"prompts", "all"}}, {"tools/b.yml", []string{"tools", "all"}}})
	same(t, turnedOf(v), []string(nil)) // one group does not name them, another counts them

	c.Reviews = c.Reviews[:1]
	v = p.Decide(c, noon)
	want(t, v, Waiting, "Waiting for 1 approval - from @acme/sec")
	if f := finding(v, CodeApprovals); f.Group != "tools" || f.Says != "0 of 1 approval from `@acme/sec`; not counted: `rev1` (is not among `@acme/sec` of group `tools`)" {
		t.Errorf("%+v", f)
	}
}

// The finding says who may still approve, and who was turned away and why.
func TestApprovalsSay(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    approvals: [{count: 2, from: ['@acme/owners', maintain]}]\n")
	const fix = "ask `@acme/owners`, somebody with maintain access to approve `e55a210` in Files changed > Review changes; nobody who contributed counts"
	for _, tt := range []struct {
		name string
		opts []func(*Change)
		says string
	}{
		{"nobody", nil, "0 of 2 approvals from `@acme/owners`, maintain access"},
		{"turned away", opt(reviewed(review(dev1), review(agent), review(rev3), review(rev1, role("maintain")))),
			"1 of 2 approvals from `@acme/owners`, maintain access; not counted: `dev1` (is the author of the pull request), " +
				"`agent[bot]` (bots never count) and `rev3` (is not among `@acme/owners`, maintain access of group `prompts`)"},
		{"dismissed, superseded and comments", opt(reviewed(review(rev1, role("maintain")), review(rev1, state(dismissed)), review(rev2, state("COMMENTED")))),
			"0 of 2 approvals from `@acme/owners`, maintain access; not counted: `rev1` (the review was dismissed)"},
		{"stale", opt(reviewed(review(rev1, role("maintain"), of(oldCommit)), review(dev1))),
			"0 of 2 approvals from `@acme/owners`, maintain access; `rev1` approved `7c1d0fe` and has to look again; not counted: `dev1` (is the author of the pull request)"},
		{"many", opt(reviewed(review(dev1), review(agent), review(dev2), review(rev2), review(rev3))),
			"0 of 2 approvals from `@acme/owners`, maintain access; not counted: `dev1` (is the author of the pull request), `agent[bot]` (bots never count), " +
				"`dev2` (is not among `@acme/owners`, maintain access of group `prompts`) and 2 others"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := approvalsOf(p.Decide(change(tt.opts...), noon))
			same(t, []string{f.Says, f.Fix}, []string{tt.says, fix})
		})
	}

	// Approving the same commit again would change nothing.
	f := approvalsOf(p.Decide(change(reviewed(review(rev1, role("maintain"))), revision(headCommit, "main")), noon))
	same(t, []string{f.Says, f.Fix}, []string{"0 of 2 approvals from `@acme/owners`, maintain access; `rev1` approved `e55a210` and has to look again",
		"push a commit, because `e55a210` was seen when it changed something else, then " + fix})
}

func approvalsOf(v Verdict) Finding {
	for _, f := range v.Findings {
		if f.Rule == RuleApprovals && f.Group != "" {
			return f
		}
	}
	return Finding{}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	c := change(func(c *Change) { c.Offline, c.Author, c.Commits = true, Person{}, make([]Commit, 2) })
	v := parse(t, prompts+"    approvals: [{from: ['@acme/owners']}]\n    require_checks: [{name: evals, app: ci}]\n").Decide(c, noon)
	want(t, v, Waiting, "Waiting for 1 approval - from @acme/owners")
	same(t, codesOf(v), []string{CodeOffline, CodeOffline})
	if says := finding(v, CodeOffline).Says; says != "1 approval from `@acme/owners`; reviews are not known locally" {
		t.Error(says)
	}
}
