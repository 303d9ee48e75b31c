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

// same reports whether two people are one. A login alone, as in requested_by,
// compares without case.
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
// of base..head, and the human an agent acted for. None of them may approve it
// (separation of duties). They are ordered by id, those without one last.
func Contributors(c *Change) []Person {
	q, _ := ReadRequest(c.Requests, nil)
	return contributors(c, q)
}

func contributors(c *Change, q *Request) []Person {
	all := make([]Person, 0, 3*len(c.Commits)+2)
	all = append(all, c.Author)
	for _, k := range c.Commits {
		all = append(all, k.Author)
		if !k.WebFlow || k.Committer.Login != "web-flow" {
			all = append(all, k.Committer)
		}
		all = append(all, k.CoAuthors...)
	}
	if c.Author.Bot {
		all = append(all, c.Assignees...)
	}
	if q != nil && q.RequestedBy != "" {
		all = append(all, Person{Login: q.RequestedBy})
	}
	all = slices.DeleteFunc(all, func(p Person) bool { return p.ID == 0 && p.Login == "" })
	slices.SortStableFunc(all, byWho)
	return slices.CompactFunc(all, func(a, b Person) bool { return a.who() == b.who() })
}

func (j *judgement) contributed(p Person) bool {
	return slices.ContainsFunc(j.contributors, p.same)
}

// judgeContributors refuses what nobody can name the origin of: the approver may
// have written it. GitHub's own commits are known by its signature.
func judgeContributors(j *judgement) {
	if j.c.Offline {
		return
	}
	if who := j.unattributed(); len(who) > 0 {
		j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeUnattributed,
			Says: "GitHub cannot name " + and(few(who)),
			Fix:  "add the commit's e-mail address to a GitHub account, or amend the commit with a known one and push again"})
	}
	if j.c.Author.Bot && !j.initiated() {
		j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeNoInitiator,
			Says: code(j.c.Author.Login) + " is a bot and nothing says who asked it for this change",
			Fix:  "assign the person to the pull request, or write `requested_by: login` in the change request"})
	}
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

// initiated reports whether anybody answers for an agent's pull request: an
// assignee, a co-author, or whom the change request names (CONTRACT §4).
func (j *judgement) initiated() bool {
	if slices.ContainsFunc(j.c.Assignees, Person.human) || j.request != nil && j.request.RequestedBy != "" {
		return true
	}
	return slices.ContainsFunc(j.c.Commits, func(k Commit) bool {
		return slices.ContainsFunc(k.CoAuthors, Person.human)
	})
}
