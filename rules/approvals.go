package rules

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// approvalResult is what the approvals of one group came to.
type approvalResult struct {
	counted []Approved
	turned  []Turned
	missing int
	from    []string // who may still approve
	stale   *Review  // an approval that would count if it were not out of date
	last    time.Time
}

// key identifies a person: by id, because logins are renamed and reused.
func (p Person) key() string {
	if p.ID != 0 {
		return fmt.Sprint(p.ID)
	}
	return "login " + strings.ToLower(p.Login)
}

// same reports whether two people are one. A login alone, as in requested_by,
// compares without case.
func (p Person) same(q Person) bool {
	if p.ID != 0 && q.ID != 0 {
		return p.ID == q.ID
	}
	return p.Login != "" && strings.EqualFold(p.Login, q.Login)
}

// judgeApprovals counts the reviews of one group. Groups are judged one by one:
// merging their requirements would let one team approve another team's file.
func judgeApprovals(j *judgement, g *Group) {
	r := &approvalResult{}
	j.found[g.Name] = r
	if j.c.Offline {
		r.missing, r.from = slots(g.Approvals), j.sources(g)
		j.add(Finding{Group: g.Name, Rule: RuleApprovals, State: Pending, Code: CodeOffline,
			Says: fmt.Sprintf("%s from %s; reviews are not known locally", count(r.missing, "approval"), strings.Join(r.from, ", ")),
			Fix:  "open the pull request and ask for a review"})
		return
	}
	var voters []Review
	for _, w := range j.latest(r) {
		switch {
		case w.State == "CHANGES_REQUESTED" && j.allowed(g, w) && !w.By.Bot:
			j.add(Finding{Group: g.Name, Rule: RuleApprovals, State: Unmet, Code: CodeChangesRequested, Short: w.By.Login,
				Says: code(w.By.Login) + " asked for changes on " + code(short(w.Commit)),
				Fix:  code(w.By.Login) + " approves, or a maintainer dismisses the review"})
		case w.State == "APPROVED":
			if why := j.refuse(g, w); why.Code != "" {
				r.turned = append(r.turned, why)
				if stale(why.Code) && r.stale == nil {
					r.stale = &w
				}
				continue
			}
			voters = append(voters, w)
		}
	}
	j.tally(g, r, voters)
}

func stale(code string) bool {
	return code == CodeOldContent || code == CodeOldRequest || code == CodeOldBase
}

func slots(as []Approval) int {
	n := 0
	for _, a := range as {
		n += a.Count
	}
	return n
}

// latest returns each person's latest opinionated review, oldest first, and lists
// those that are no opinion. A dismissed review stays the latest: it does not
// revive an older one.
func (j *judgement) latest(r *approvalResult) []Review {
	ordered := append([]Review(nil), j.c.Reviews...)
	sort.SliceStable(ordered, func(a, b int) bool {
		if !ordered[a].At.Equal(ordered[b].At) {
			return ordered[a].At.Before(ordered[b].At)
		}
		return ordered[a].ID < ordered[b].ID
	})
	last := map[string]int{}
	for i, w := range ordered {
		if w.State == "APPROVED" || w.State == "CHANGES_REQUESTED" || w.State == "DISMISSED" {
			last[w.By.key()] = i
		}
	}
	var out []Review
	for i, w := range ordered {
		at, has := last[w.By.key()]
		switch {
		case w.State == "COMMENTED" || w.State == "PENDING":
			if !has {
				r.turned = append(r.turned, Turned{w.By, CodeComment, "commented only"})
			}
		case at != i:
			// An older opinion of the same person; the later one is judged.
		case w.State == "DISMISSED":
			r.turned = append(r.turned, Turned{w.By, CodeDismissed, "the review was dismissed"})
		default:
			out = append(out, w)
		}
	}
	return out
}

// refuse says why an approval does not count for a group; an empty code means it
// does. Who comes before what: nobody is told to approve again who never could.
func (j *judgement) refuse(g *Group, w Review) Turned {
	switch by := w.By; {
	case by.ID == 0:
		return Turned{by, CodeNobody, "the account was deleted"}
	case by.Bot:
		return Turned{by, CodeByBot, "bots never count"}
	case by.same(j.c.Author):
		return Turned{by, CodeByAuthor, "is the author of the pull request"}
	case j.contributed(by):
		return Turned{by, CodeByContributor, "contributed to the change"}
	case !j.allowed(g, w):
		return Turned{by, CodeNotAllowed, "is not among " + strings.Join(j.sources(g), ", ") + " of group " + code(g.Name)}
	case !j.c.Retargeted.IsZero() && !w.At.After(j.c.Retargeted):
		return Turned{by, CodeOldBase, "approved before the base branch became " + code(j.c.Base.Branch)}
	case !j.sameContent(g, w.Commit):
		return Turned{by, CodeOldContent, "approved " + code(short(w.Commit)) + "; governed content changed since"}
	case w.Request != j.request.Digest():
		return Turned{by, CodeOldRequest, "approved before the change request was last edited"}
	}
	return Turned{}
}

// allowed reports whether any entry of the group names the reviewer.
func (j *judgement) allowed(g *Group, w Review) bool {
	for _, a := range g.Approvals {
		if a.names(w) {
			return true
		}
	}
	return false
}

// names reports whether one entry of a rule covers a reviewer, by the roles held
// when the review was read. A CODEOWNERS source is not read in this version and
// therefore names nobody.
func (a *Approval) names(w Review) bool {
	for _, from := range a.From {
		least := rank(from)
		switch {
		case strings.HasPrefix(from, "@"):
			for _, team := range w.Teams {
				if strings.EqualFold(team, from) {
					return true
				}
			}
		case least >= 0:
			if rank(w.Permission) >= least {
				return true
			}
		case from != "codeowners" && strings.EqualFold(from, w.By.Login):
			return true
		}
	}
	return false
}

// sameContent reports whether what the group governs is the same at the reviewed
// commit as at the head. A commit whose content is no longer known is not.
func (j *judgement) sameContent(g *Group, commit string) bool {
	if commit == j.c.Head.Commit {
		return true
	}
	if j.Covers == "head" {
		return false
	}
	for _, r := range j.c.Revisions {
		if r.Commit == commit && r.Base == j.c.Base.Branch {
			return fingerprint(g, r.Files) == fingerprint(g, j.c.Files)
		}
	}
	return false
}

// fingerprint is the governed difference of one group as comparable text.
func fingerprint(g *Group, files []File) string {
	var lines []string
	for _, f := range files {
		if g.touches(f) {
			lines = append(lines, fmt.Sprintf("%q %q %s %s %s %s %s", f.Path, f.OldPath, f.Old, f.New, f.OldMode, f.NewMode, f.Diff))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// sources says who may approve for a group.
func (j *judgement) sources(g *Group) []string {
	var out []string
	for _, a := range g.Approvals {
		for _, from := range a.From {
			if rank(from) >= 0 {
				from += " access"
			}
			out = append(out, from)
		}
	}
	return distinct(out)
}

// tally matches people to the entries and says what is missing.
func (j *judgement) tally(g *Group, r *approvalResult, voters []Review) {
	want := slots(g.Approvals)
	have, at := satisfied(g.Approvals, voters)
	for _, w := range voters {
		r.counted = append(r.counted, Approved{g.Name, w.By, w.Commit, w.At})
	}
	r.missing, r.last, r.from = want-have, at, j.sources(g)
	if r.missing == 0 {
		j.met(g.Name, RuleApprovals, fmt.Sprintf("%d of %d: %s", have, want, j.roll(r.counted)))
		return
	}
	f := Finding{Group: g.Name, Rule: RuleApprovals, State: Pending, Code: CodeApprovals,
		Says: fmt.Sprintf("%d of %s from %s", have, count(want, "approval"), strings.Join(quoteTeams(r.from), ", ")),
		Fix:  "ask " + strings.Join(quoteTeams(r.from), " or ") + " to approve " + code(short(j.c.Head.Commit)) + " in Files changed > Review changes; nobody who contributed counts"}
	if r.stale != nil {
		f.Code = CodeStale
		f.Says += "; " + code(r.stale.By.Login) + " approved " + code(short(r.stale.Commit)) + " and has to look again"
	}
	j.add(f)
}

func quoteTeams(from []string) []string {
	var out []string
	for _, f := range from {
		if strings.HasPrefix(f, "@") {
			f = code(f)
		}
		out = append(out, f)
	}
	return out
}

func (j *judgement) roll(as []Approved) string {
	var out []string
	for _, a := range as {
		out = append(out, code(a.By.Login)+" for "+code(short(a.Commit)))
	}
	return and(out)
}
