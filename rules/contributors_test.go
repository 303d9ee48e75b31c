package rules

import "testing"

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
		{"agent for a login nobody looked up", opt(func(c *Change) { c.Author = agent }, asks(request+"  requested_by: dev1\n")), Author, []string{CodeNoInitiator}},
		{"pushed", opt(pushes(Push{By: rev1, After: headCommit})), Waiting, []string{CodeApprovals}},
		{"pushed a commit that is gone", opt(pushes(Push{By: rev1, After: oldCommit}, Push{By: dev1, Before: oldCommit, After: headCommit, Forced: true})), Waiting, []string{CodeApprovals}},
		{"pushed under another login", opt(pushes(Push{By: Person{ID: 11, Login: "old-name"}, After: headCommit})), Waiting, []string{CodeApprovals}},
		{"another account of that login pushed", opt(pushes(Push{By: Person{ID: 66, Login: "rev1"}, After: headCommit})), Ready, nil},
		{"pushed by nobody GitHub knows", opt(pushes(Push{By: dev1, After: oldCommit}, Push{After: headCommit})), Author, []string{CodeUnattributed}},
		{"pushed by somebody nobody heard of", opt(func(c *Change) { c.UnknownPush = oldCommit }), Author, []string{CodeUnknownPush}},
		{"the request names the reviewer's account", opt(asks(request+"  requested_by: old-name\n"), requestedFrom(Person{ID: 11, Login: "Old-Name"})), Waiting, []string{CodeApprovals}},
		{"the request names another account", opt(asks(request+"  requested_by: dev2\n"), requestedFrom(dev2)), Ready, nil},
		{"the request names nobody", opt(asks(request+"  requested_by: gone\n"), requestedFrom(Person{Login: "gone"})), Author, []string{CodeNoRequester}},
		{"a human's request names a bot", opt(asks(request+"  requested_by: robot\n"), requestedFrom(Person{ID: 91, Login: "robot", Bot: true})), Ready, nil},
		{"an earlier request named the reviewer", opt(func(c *Change) { c.Initiators = []Person{{ID: 11, Login: "rev1"}} }), Waiting, []string{CodeApprovals}},
		{"agent for an account", opt(func(c *Change) { c.Author = agent }, asks(request+"  requested_by: dev1\n"), requestedFrom(dev1)), Ready, nil},
		{"agent for the reviewer's account", opt(func(c *Change) { c.Author = agent }, asks(request+"  requested_by: rev1\n"), requestedFrom(rev1)), Waiting, []string{CodeApprovals}},
		{"agent for a login of nobody", opt(func(c *Change) { c.Author = agent }, asks(request+"  requested_by: gone\n"), requestedFrom(Person{Login: "gone"})), Author, []string{CodeNoRequester}},
		{"agent for an assignee and a login of nobody", opt(func(c *Change) { c.Author, c.Assignees = agent, []Person{dev1} }, asks(request+"  requested_by: gone\n"), requestedFrom(Person{Login: "gone"})), Author, []string{CodeNoRequester}},
		{"agent for another bot", opt(func(c *Change) { c.Author = agent }, asks(request+"  requested_by: robot\n"), requestedFrom(Person{ID: 91, Login: "robot", Bot: true})), Author, []string{CodeNoInitiator}},
		{"agent for whom an earlier request named", opt(func(c *Change) { c.Author, c.Initiators = agent, []Person{dev1} }), Author, []string{CodeNoInitiator}},
		{"agent for a co-author known by login only", opt(func(c *Change) { c.Author = agent }, commits(Commit{ID: "c", Author: agent, Committer: web, WebFlow: true, CoAuthors: []Person{{Login: "dev1"}}})), Author, []string{CodeNoInitiator}},
		// P13: a forged bot author does not hide who committed.
		{"author forged as a bot, committer unknown", opt(commits(Commit{ID: "c", Author: agent})), Author, []string{CodeUnattributed}},
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

func pushes(ps ...Push) func(*Change) { return func(c *Change) { c.Pushes = ps } }

func requestedFrom(p Person) func(*Change) { return func(c *Change) { c.Requester = &p } }

func TestContributorsSay(t *testing.T) {
	t.Parallel()
	const elsewhere = "push the commits to a new branch and open the pull request from there"
	robot := Person{ID: 91, Login: "robot", Bot: true}
	for _, tt := range []struct {
		name string
		opts []func(*Change)
		want Finding
	}{
		{"unknown push", opt(func(c *Change) { c.UnknownPush = oldCommit }),
			Finding{Code: CodeUnknownPush, Says: "nobody is known to have pushed commit `7c1d0fe`", Fix: elsewhere}},
		{"pushes of nobody", opt(pushes(Push{After: headCommit}, Push{After: oldCommit}, Push{After: headCommit})),
			Finding{Code: CodeUnattributed, Says: "GitHub cannot name who pushed `7c1d0fe` and `e55a210`", Fix: elsewhere}},
		{"author of the pull request unknown", opt(func(c *Change) { c.Author = Person{} }),
			Finding{Code: CodeUnattributed, Says: "GitHub cannot name the author of the pull request", Fix: "open the pull request again from an account that exists"}},
		{"author of both unknown", opt(func(c *Change) { c.Author = Person{} }, commits(Commit{ID: "c0ffee1", Committer: dev1})),
			Finding{Code: CodeUnattributed, Says: "GitHub cannot name the author of commit `c0ffee1` and the author of the pull request",
				Fix: "open the pull request again from an account that exists; add the commit's e-mail address to a GitHub account, or amend the commit with a known one and push again"}},
		{"requester in a file", opt(func(c *Change) {
			c.Requests = []RequestText{{Path: ".changes/a.yml", Line: 1, Text: request + "  requested_by: Gone\n"}}
		}, requestedFrom(Person{Login: "gone"})),
			Finding{Code: CodeNoRequester, Says: "`requested_by` names `gone`, and GitHub knows nobody by that login", Fix: "write the login of a person in `requested_by`", Path: ".changes/a.yml", Line: 5}},
		{"bot for a bot", opt(func(c *Change) { c.Author = agent }, asks(request+"  requested_by: robot\n"), requestedFrom(robot)),
			Finding{Code: CodeNoInitiator, Says: "`agent[bot]` is a bot and so is `robot`, whom `requested_by` names: a human must answer for the change",
				Fix: "assign the person to the pull request, or write `requested_by: login` in the change request"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.Rule, tt.want.State = RuleApprovals, Unmet
			same(t, finding(parse(t, prompts).Decide(change(tt.opts...), noon), tt.want.Code), tt.want)
		})
	}
}
