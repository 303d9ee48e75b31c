package rules

import "sort"

// Contributors returns everybody who had a hand in a change, as far as GitHub
// names them: the author, every author, committer and co-author of every commit
// of base..head, and the human an agent acted for. None of them may approve it
// (separation of duties).
func Contributors(c *Change) []Person {
	q, _ := ReadRequest(c.Requests, nil)
	return contributors(c, q)
}

func contributors(c *Change, q *Request) []Person {
	all := []Person{c.Author}
	for _, k := range c.Commits {
		all = append(all, k.Author)
		if !k.WebFlow {
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
	seen := map[string]bool{}
	var out []Person
	for _, p := range all {
		if p != (Person{}) && !seen[p.key()] {
			seen[p.key()] = true
			out = append(out, p)
		}
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].key() < out[b].key() })
	return out
}

func (j *judgement) contributed(p Person) bool {
	for _, c := range contributors(j.c, j.request) {
		if p.same(c) {
			return true
		}
	}
	return false
}

// judgeContributors refuses commits whose origin nobody can name: the approver
// may have written them. GitHub's own commits are known by its signature.
func judgeContributors(j *judgement) {
	if j.c.Offline || len(j.groups) == 0 {
		return
	}
	human := false
	for _, k := range j.c.Commits {
		if k.Author.ID == 0 || k.Committer.ID == 0 && !k.WebFlow {
			who := "author"
			if k.Author.ID != 0 {
				who = "committer"
			}
			j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeUnattributed,
				Says: "GitHub cannot name the " + who + " of commit " + code(short(k.ID)),
				Fix:  "add the commit's e-mail address to a GitHub account, or amend the commit and push again"})
		}
		human = human || k.Author.ID != 0 && !k.Author.Bot
		for _, p := range k.CoAuthors {
			human = human || !p.Bot
		}
	}
	if j.c.Author.Bot && !human && len(j.c.Assignees) == 0 && (j.request == nil || j.request.RequestedBy == "") {
		j.add(Finding{Rule: RuleApprovals, State: Unmet, Code: CodeNoInitiator,
			Says: code(j.c.Author.Login) + " is a bot and nothing says who asked it for this change",
			Fix:  "assign the person, or write `requested_by: login` in the change request"})
	}
}
