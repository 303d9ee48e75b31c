package rules

import (
	"slices"
	"strings"
)

// schedule admits another effective date. It is written into the description, as if
// the author had: approvals given for the old one are stale then.
func (a *admission) schedule() Admitted {
	const write = "or have it done by hand in the change request"
	switch file := slices.IndexFunc(a.c.Requests, func(r RequestText) bool { return r.Path != "" }); {
	case !a.answers() && !a.has("maintain"):
		return refused(a.login()+" may not change the date, which is for "+a.author()+" and whoever has maintain access", "ask one of them, "+write)
	case file >= 0:
		return refused("the change request stands in "+code(a.c.Requests[file].Path)+", which only a push changes", "write `effective_at` there and push")
	case strings.EqualFold(a.cmd.Time, OnMerge):
		return Admitted{EffectiveAt: OnMerge}
	}
	t, wrong, fix := ParseTime(a.cmd.Time, a.Zone)
	switch {
	case wrong != "":
		return refused(wrong, fix)
	case !t.After(a.now):
		return refused(code(a.cmd.Time)+" lies in the past", "write a later time, or "+code("/change schedule "+OnMerge))
	}
	out := Admitted{EffectiveAt: a.cmd.Time}
	if g := a.longestNotice(); g != nil {
		out.Note = "group " + code(g.Name) + " asks for " + spell(g.Notice) + " of notice, so the last approval has to be given by " + clock(t.Add(-g.Notice), a.Zone)
		if t.Add(-g.Notice).Before(a.now) {
			out.Note += ", which is past; from now the earliest date is " + clock(a.now.Add(g.Notice), a.Zone)
		}
	}
	return out
}

// author names who answers for the change.
func (a *admission) author() string {
	if a.c.Author.Bot {
		return "whoever " + code(a.c.Author.Login) + " acted for"
	}
	return code(a.c.Author.Login)
}

// longestNotice is the group that asks for most notice, nil when none does.
func (j *judgement) longestNotice() (most *Group) {
	for i := range j.groups {
		if g := j.groups[i].Group; g.Notice > 0 && (most == nil || g.Notice > most.Notice) {
			most = g
		}
	}
	return most
}

// requestReview admits asking for the approvals that are missing: first those whose
// own are stale, then the teams and people the rules name.
func (a *admission) requestReview() Admitted {
	switch {
	case !a.answers() && !a.has("write"):
		return refused(a.login()+" may not ask for reviews, which is for "+a.author()+" and whoever has write access", "ask one of them")
	case a.c.Draft:
		return refused("nobody is asked to review a draft", "press Ready for review first")
	}
	var again, from []string
	missing := false
	for i := range a.groups {
		if g := &a.groups[i]; g.missing > 0 {
			missing = true
			if g.stale != nil {
				again = append(again, g.stale.By.Login)
			}
			from = append(from, g.from...)
		}
	}
	if !missing {
		return refused("no approval is missing", code("/change status")+" says what this change waits for")
	}
	if ask := a.invited(append(again, from...)); len(ask) > 0 {
		return Admitted{Ask: ask}
	}
	return refused("the rules name nobody to ask but "+names(distinct(from)), "pick somebody under Reviewers on the right")
}

// invited are the teams and logins among sources, but for those whose review would not
// count.
func (a *admission) invited(from []string) []string {
	var out []string
	for _, f := range from {
		login := strings.TrimPrefix(f, "@")
		switch {
		case strings.Contains(f, "/"):
			out = append(out, f)
		case f == "" || f == codeOwners || rank(f) >= 0:
		case !slices.ContainsFunc(a.contributors, Person{ID: a.meant[strings.ToLower(login)], Login: login}.same):
			out = append(out, login)
		}
	}
	return distinct(out)
}
