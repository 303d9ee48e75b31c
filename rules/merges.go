package rules

import "slices"

// baseMerges returns the commits that may do nothing but take the base branch in:
// GitHub itself made them, of a first parent and a second one that is not of the
// pull request, so on the base branch. A merge made elsewhere may hold anything
// that its author wrote into it.
func baseMerges(c *Change, inside map[string]bool) []Commit {
	var out []Commit
	for _, k := range c.Commits {
		if k.WebFlow && len(k.Parents) == 2 && !inside[k.Parents[1]] {
			out = append(out, k)
		}
	}
	return out
}

func (c *Change) inside() map[string]bool {
	all := make(map[string]bool, len(c.Commits))
	for _, k := range c.Commits {
		all[k.ID] = true
	}
	return all
}

// clean returns the merges of the base branch that changed nothing any group
// governs, each with its first parent: who pressed the button contributed nothing.
// What was there before and after must be known; a conflict edited on the way
// makes a difference.
func (j *judgement) clean() map[string]string {
	clean := map[string]string{}
	inside := j.c.inside()
	for _, k := range baseMerges(j.c, inside) {
		if j.untouched(j.changedAt(k.Parents[0], inside), j.changedAt(k.ID, inside)) {
			clean[k.ID] = k.Parents[0]
		}
	}
	return clean
}

// changedAt returns what the pull request changed at a commit, as often as that was
// recorded. A commit outside of it is on the base branch and changes nothing.
func (j *judgement) changedAt(commit string, inside map[string]bool) []listing {
	if !inside[commit] && commit != j.c.Head.Commit {
		return []listing{nil}
	}
	var out []listing
	if commit == j.c.Head.Commit {
		out = append(out, j.files)
	}
	for i := range j.c.Revisions {
		if r := &j.c.Revisions[i]; r.Commit == commit && r.Base == j.c.Base.Branch {
			out = append(out, j.revision(i))
		}
	}
	return out
}

// revision is the list of a revision, made when it is first needed.
func (j *judgement) revision(i int) listing {
	if j.revisions[i] == nil {
		j.revisions[i] = list(j.c.Revisions[i].Files)
	}
	return j.revisions[i]
}

func (j *judgement) untouched(before, after []listing) bool {
	for _, b := range before {
		for _, a := range after {
			for i := range j.Policy.judged {
				if !sameFor(&j.Policy.judged[i], b, a) {
					return false
				}
			}
		}
	}
	return len(before) > 0 && len(after) > 0
}

// mostUpdates bounds the commits that UpdateMerges asks for: each may cost a call.
const mostUpdates = 6

// UpdateMerges returns the commits whose revisions would show that somebody who
// approved did nothing else than merge the base branch in: those merges and their
// first parents, the head and what Revisions already hold left out. At most six;
// who needs more stays a contributor.
func UpdateMerges(c *Change) []string {
	inside := c.inside()
	merges := baseMerges(c, inside)
	others := &judgement{c: c, contributors: contributorsBeside(c, merges)}
	var out []string
	for _, k := range merges {
		if !others.helped(k) {
			continue
		}
		for _, commit := range []string{k.Parents[0], k.ID} {
			if inside[commit] && commit != c.Head.Commit && !c.recorded(commit) && !slices.Contains(out, commit) {
				out = append(out, commit)
			}
		}
		if len(out) >= mostUpdates {
			return out[:mostUpdates]
		}
	}
	return out
}

// contributorsBeside are the contributors if all these merges were clean.
func contributorsBeside(c *Change, merges []Commit) []Person {
	clean := map[string]string{}
	for _, k := range merges {
		clean[k.ID] = k.Parents[0]
	}
	q, _ := ReadRequest(c.Requests, nil)
	return contributors(c, q, clean)
}

// helped reports whether a merge is all that stands against the approval of who
// made it or pushed it.
func (j *judgement) helped(k Commit) bool {
	by := []Person{k.Author}
	for _, p := range j.c.Pushes {
		if p.After == k.ID {
			by = append(by, p.By)
		}
	}
	return slices.ContainsFunc(j.c.Reviews, func(w Review) bool {
		return w.State == approved && w.By.human() && !j.contributed(w.By) && slices.ContainsFunc(by, w.By.same)
	})
}

func (c *Change) recorded(commit string) bool {
	return slices.ContainsFunc(c.Revisions, func(r Revision) bool { return r.Commit == commit && r.Base == c.Base.Branch })
}
