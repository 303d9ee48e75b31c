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
		{name: "codeowners", rule: `[{from: [codeowners]}]`, opts: opt(reviewed(review(rev1, role("admin")))), state: Waiting, title: "Waiting for 1 approval - from codeowners (not read by this version)", turned: []string{"rev1 CG114"}},
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

func opt(opts ...func(*Change)) []func(*Change) { return opts }

func revision(commit, base string, files ...File) func(*Change) {
	return func(c *Change) { c.Revisions = append(c.Revisions, Revision{commit, base, files}) }
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
	if f := finding(v, CodeApprovals); f.Group != "tools" || f.Says != "0 of 1 approval from `@acme/sec`" {
		t.Errorf("%+v", f)
	}
}

func TestContributors(t *testing.T) {
	t.Parallel()
	web := Person{ID: 19864447, Login: "web-flow"}
	for _, tt := range []struct {
		name  string
		opts  []func(*Change)
		state State
		codes []string
	}{
		{"wrote a commit of the side branch", opt(commits(Commit{ID: "m", Author: dev1, Committer: dev1}, Commit{ID: "s", Author: rev1, Committer: dev1})), Waiting, []string{CodeApprovals}},
		{"committed", opt(commits(Commit{ID: "c", Author: dev1, Committer: rev1})), Waiting, []string{CodeApprovals}},
		{"co-authored", opt(commits(Commit{ID: "c", Author: dev1, Committer: dev1, CoAuthors: []Person{rev1}})), Waiting, []string{CodeApprovals}},
		{"co-authored, known by login only", opt(commits(Commit{ID: "c", Author: dev1, Committer: dev1, CoAuthors: []Person{{Login: "REV1"}}})), Waiting, []string{CodeApprovals}},
		{"asked for it", opt(asks(request + "  requested_by: '@Rev1'\n")), Waiting, []string{CodeApprovals}},
		{"assigned to a human's change", opt(func(c *Change) { c.Assignees = []Person{rev1} }), Ready, nil},
		{"assigned to an agent's change", opt(func(c *Change) { c.Author, c.Assignees = agent, []Person{rev1} }), Waiting, []string{CodeApprovals}},
		{"agent for nobody", opt(func(c *Change) { c.Author = agent }), Author, []string{CodeNoInitiator}},
		{"agent for itself", opt(func(c *Change) { c.Author, c.Assignees = agent, []Person{agent} }), Author, []string{CodeNoInitiator}},
		{"agent for a co-author", opt(func(c *Change) { c.Author = agent }, commits(Commit{ID: "c", Author: agent, Committer: web, WebFlow: true, CoAuthors: []Person{dev1}})), Ready, nil},
		{"agent for a co-author nobody knows", opt(func(c *Change) { c.Author = agent }, commits(Commit{ID: "c", Author: agent, Committer: web, WebFlow: true, CoAuthors: []Person{{}}})), Author, []string{CodeNoInitiator}},
		{"agent for whom the request names", opt(func(c *Change) { c.Author = agent }, asks(request+"  requested_by: dev1\n")), Ready, nil},
		// P4: the only commit has an e-mail GitHub does not know.
		{"author of a commit unknown", opt(commits(Commit{ID: "c", Committer: dev1})), Author, []string{CodeUnattributed}},
		{"committer of a commit unknown", opt(commits(Commit{ID: "c", Author: dev1})), Author, []string{CodeUnattributed}},
		{"committed by GitHub itself", opt(commits(Commit{ID: "c", Author: dev1, WebFlow: true})), Ready, nil},
		{"committed by GitHub's account", opt(commits(Commit{ID: "c", Author: dev1, Committer: web, WebFlow: true})), Ready, nil},
		{"web-flow does not hide a committer", opt(commits(Commit{ID: "c", Author: dev1, Committer: rev1, WebFlow: true})), Waiting, []string{CodeApprovals}},
		{"author of the pull request unknown", opt(func(c *Change) { c.Author = Person{} }), Author, []string{CodeUnattributed}},
		{"many unknown are one finding", opt(commits(make([]Commit, 300)...)), Author, []string{CodeUnattributed}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := change(append(tt.opts, reviewed(review(rev1)))...)
			v := parse(t, prompts).Decide(c, noon)
			if v.State != tt.state {
				t.Errorf("got %s, want %s\n%s", v.State, tt.state, sayings(v))
			}
			same(t, codesOf(v), tt.codes)
		})
	}
	got := Contributors(change(asks(request+"  requested_by: Dev2\n"), commits(
		Commit{ID: "c", Author: rev2, Committer: web, WebFlow: true, CoAuthors: []Person{rev1, rev2, {Login: "dev2"}}})))
	same(t, got, []Person{dev1, rev1, rev2, {Login: "dev2"}})
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
