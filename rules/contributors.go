package rules

import (
	"cmp"
	"slices"
	"strings"
)

// who identifies a person as a key of a map: by id, because logins are renamed and
// reused.
func (p Person) who() Person {
	if p.ID != 0 {
		return Person{ID: p.ID}
	}
	return Person{Login: strings.ToLower(p.Login)}
}

func byWho(a, b Person) int {
	a, b = a.who(), b.who()
	// As unsigned, the id 0 of a login alone comes last.
	return cmp.Or(cmp.Compare(uint64(a.ID-1), uint64(b.ID-1)), strings.Compare(a.Login, b.Login))
}

// same reports whether two people are one. A login alone compares without case.
func (p Person) same(q Person) bool {
	if p.ID != 0 && q.ID != 0 {
		return p.ID == q.ID
	}
	return p.Login != "" && strings.EqualFold(p.Login, q.Login)
}

// human reports whether GitHub could say who it was, and it was no bot.
func (p Person) human() bool { return p.ID != 0 && !p.Bot }

// Contributors returns everybody who had a hand in a change, as far as GitHub
// names them: the author, every author, committer and co-author of every commit
// of base..head, everyone who pushed to it, and the human an agent acted for. None
// of them may approve it (separation of duties, CONTRACT §4). They are ordered by
// id, those without one last. Whoever merged the base branch in is among them:
// only a policy says what must not have changed by that.
func Contributors(c *Change) []Person {
	q, _ := ReadRequest(c.Requests, nil)
	return contributors(c, q, nil)
}

// Contributors is the function of that name, without those who did nothing but
// merge the base branch in by GitHub's own hand (CONTRACT §4): nobody whom Decide
// counts as an approver is among them.
func (p *Policy) Contributors(c *Change) []Person {
	j := &judgement{Policy: p, c: c, files: list(c.Files), revisions: make([]listing, len(c.Revisions))}
	q, _ := ReadRequest(c.Requests, p.Zone)
	return contributors(c, q, j.clean())
}

// contributors leaves out who made the clean merges, given by id with their first
// parents, and who pushed one right onto its first parent.
func contributors(c *Change, q *Request, clean map[string]string) []Person {
	all := make([]Person, 0, 3*len(c.Commits)+len(c.Pushes)+4)
	all = append(all, c.Author)
	for _, k := range c.Commits {
		if _, is := clean[k.ID]; !is {
			all = append(all, k.Author)
		}
		if !k.WebFlow || k.Committer.Login != "web-flow" {
			all = append(all, k.Committer)
		}
		all = append(all, k.CoAuthors...)
	}
	for _, p := range c.Pushes {
		if first, is := clean[p.After]; !is || p.Before != first {
			all = append(all, p.By)
		}
	}
	if c.Author.Bot {
		all = append(all, c.Assignees...)
	}
	all = append(append(all, c.Initiators...), requestedBy(c, q))
	all = slices.DeleteFunc(all, func(p Person) bool { return p.ID == 0 && p.Login == "" })
	slices.SortStableFunc(all, byWho)
	return slices.CompactFunc(all, func(a, b Person) bool { return a.who() == b.who() })
}

// requestedBy is whom the change request names: the account, or the login alone
// where nobody looked it up or GitHub knows none.
func requestedBy(c *Change, q *Request) Person {
	switch {
	case c.Requester != nil && c.Requester.ID != 0:
		return *c.Requester
	case q != nil:
		return Person{Login: q.RequestedBy}
	}
	return Person{}
}

// contributed searches twice: a contributor of whom only the login is known
// compares by that.
func (j *judgement) contributed(p Person) bool {
	_, known := slices.BinarySearchFunc(j.contributors, p, byWho)
	if !known && p.Login != "" {
		_, known = slices.BinarySearchFunc(j.contributors, Person{Login: p.Login}, byWho)
	}
	return known
}

// judgeContributors refuses what nobody can name the origin of: the approver may
// have written it. GitHub's own commits are known by its signature.
func judgeContributors(j *judgement) {
	if j.c.Offline {
		return
	}
	if who := j.unattributed(); len(who) > 0 {
		j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeUnattributed,
			Says: "GitHub cannot name " + and(few(who)), Fix: j.attribute(len(who))})
	}
	j.judgePushes()
	if !j.misnamed() && j.c.Author.Bot && !j.initiated() {
		j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeNoInitiator,
			Says: code(j.c.Author.Login) + " is a bot and " + j.unanswered(),
			Fix:  "assign the person to the pull request, or write `requested_by: login` in the change request"})
	}
}

// attribute is how somebody comes to be named in the place of nobody, who is met n
// times. What is pushed changes nothing about who opened a pull request.
func (j *judgement) attribute(n int) string {
	const amend = "add the commit's e-mail address to a GitHub account, or amend the commit with a known one and push again"
	const reopen = "open the pull request again from an account that exists"
	switch {
	case j.c.Author.ID != 0:
		return amend
	case n == 1:
		return reopen
	}
	return reopen + "; " + amend
}

// judgePushes refuses a head that nobody is known to have pushed: commits name
// whom their maker likes, and only the push was authenticated.
func (j *judgement) judgePushes() {
	const fix = "push the commits to a new branch and open the pull request from there"
	if j.c.UnknownPush != "" {
		j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeUnknownPush,
			Says: "nobody is known to have pushed commit " + code(short(j.c.UnknownPush)), Fix: fix})
	}
	var what []string
	for _, p := range j.c.Pushes {
		if p.By.ID == 0 {
			what = append(what, code(short(p.After)))
		}
	}
	if slices.Sort(what); len(what) > 0 {
		j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeUnattributed,
			Says: "GitHub cannot name who pushed " + and(few(distinct(what))), Fix: fix})
	}
}

// misnamed refuses a requested_by that names nobody: whoever was meant could
// approve their own change.
func (j *judgement) misnamed() bool {
	q := j.request
	if q == nil || q.RequestedBy == "" || j.c.Requester == nil || j.c.Requester.ID != 0 {
		return false
	}
	f := Finding{Rule: RuleApprovals, State: Unmet, Code: CodeNoRequester,
		Says: "`requested_by` names " + code(q.RequestedBy) + ", and GitHub knows nobody by that login",
		Fix:  "write the login of a person in `requested_by`"}
	if q.path != "" {
		f.Path, f.Line = q.path, q.byLine
	}
	j.add(f)
	return true
}

func (j *judgement) unattributed() []string {
	var who []string
	if j.c.Author.ID == 0 {
		who = append(who, "the author of the pull request")
	}
	for _, k := range j.c.Commits {
		switch {
		case k.Author.ID == 0:
			who = append(who, "the author of commit "+code(short(k.ID)))
		case k.Committer.ID == 0 && !k.WebFlow:
			who = append(who, "the committer of commit "+code(short(k.ID)))
		}
	}
	slices.Sort(who)
	return who
}

// initiated reports whether a human answers for an agent's pull request: an
// assignee, a co-author, or whom the change request names (CONTRACT §4).
func (j *judgement) initiated() bool {
	if slices.ContainsFunc(j.c.Assignees, Person.human) || j.named() {
		return true
	}
	return slices.ContainsFunc(j.c.Commits, func(k Commit) bool {
		return slices.ContainsFunc(k.CoAuthors, Person.human)
	})
}

// named reports whether the change request names a human that GitHub knows.
func (j *judgement) named() bool {
	r := j.c.Requester
	return j.request != nil && j.request.RequestedBy != "" && r != nil && r.human()
}

// unanswered says why nobody answers for an agent's pull request.
func (j *judgement) unanswered() string {
	if q := j.request; q != nil && q.RequestedBy != "" && j.c.Requester != nil {
		return "so is " + code(q.RequestedBy) + ", whom `requested_by` names: a human must answer for the change"
	}
	return "nothing says who asked it for this change"
}
