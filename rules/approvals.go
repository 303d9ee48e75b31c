package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// approvals is what the reviews came to for one group.
type approvals struct {
	counted []Approved
	turned  []Turned
	missing int
	from    []string // who may still approve
	stale   *Review  // an approval that would count if it were not out of date
	because string   // the code that says why it is
	last    time.Time
}

// judgeApprovals counts the reviews of one group. Groups are judged one by one:
// merging their requirements would let one team approve another team's file.
func judgeApprovals(j *judgement, g *judged) {
	if j.c.Offline {
		g.missing, g.from = slots(g.Approvals), sources(g.Approvals)
		j.add(Finding{Group: g.Name, Rule: RuleApprovals, State: Pending, Code: CodeOffline,
			Says: count(g.missing, "approval") + " from " + names(g.from) + "; reviews are not known locally",
			Fix:  "open the pull request and ask for a review"})
		return
	}
	var voters []*Review
	for _, w := range j.opinions {
		why := j.refuse(g, w)
		switch {
		case w.State == changesRequested && !w.By.Bot && g.allows(w):
			j.add(Finding{Group: g.Name, Rule: RuleApprovals, State: Unmet, Code: CodeChangesRequested, Short: w.By.Login,
				Says: code(w.By.Login) + " asked for changes on " + code(short(w.Commit)),
				Fix:  "ask " + code(w.By.Login) + " to look again and approve, or a maintainer to dismiss the review"})
		case why.Code != "":
			g.turned = append(g.turned, why)
			if g.stale == nil && stale(why.Code) {
				g.stale, g.because = w, why.Code
			}
		default:
			voters = append(voters, w)
		}
	}
	j.tally(g, voters)
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

// The states of a review that are an opinion.
const (
	approved         = "APPROVED"
	changesRequested = "CHANGES_REQUESTED"
	dismissed        = "DISMISSED"
)

// opine finds each person's latest opinionated review, oldest first, and lists the
// reviews that are none. A dismissed review stays the latest: it does not revive
// an older one.
func (j *judgement) opine() {
	ordered := slices.Clone(j.c.Reviews)
	slices.SortStableFunc(ordered, func(a, b Review) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	last := make(map[Person]int, len(ordered))
	for i := range ordered {
		w := &ordered[i]
		w.State = strings.ToUpper(w.State) // GitHub's two APIs write it in two ways
		if w.State == approved || w.State == changesRequested || w.State == dismissed {
			last[w.By.who()] = i
		}
	}
	for i := range ordered {
		w := &ordered[i]
		switch at, has := last[w.By.who()]; {
		case !has:
			j.turned = append(j.turned, Turned{w.By, CodeComment, "commented only"})
		case at < i || w.State != approved && w.State != changesRequested && w.State != dismissed:
			// A comment of somebody who also has an opinion: that one is judged.
		case at > i:
			j.turned = append(j.turned, Turned{w.By, CodeSuperseded, "reviewed again later"})
		case w.State == dismissed:
			j.turned = append(j.turned, Turned{w.By, CodeDismissed, "the review was dismissed"})
		default:
			j.opinions = append(j.opinions, w)
		}
	}
}

// refuse says why an approval does not count for a group; an empty code means it
// does. Who comes before what: nobody is told to approve again who never could.
func (j *judgement) refuse(g *judged, w *Review) Turned {
	if why := j.unfit(w.By); why.Code != "" {
		return why
	}
	switch by := w.By; {
	case !g.allows(w):
		return Turned{by, CodeNotAllowed, "is not among " + names(sources(g.Approvals)) + " of group " + code(g.Name)}
	case j.beforeRetarget(w):
		return Turned{by, CodeOldBase, "approved before the base branch became " + code(j.c.Base.Branch)}
	case !j.sameContent(g, w.Commit):
		return Turned{by, CodeOldContent, "approved " + code(short(w.Commit)) + "; governed content changed since"}
	case w.Request != j.digest:
		return Turned{by, CodeOldRequest, "approved before the change request was last edited"}
	}
	return Turned{}
}

// unfit says why somebody can approve nothing of this change.
func (j *judgement) unfit(by Person) Turned {
	switch {
	case by.ID == 0:
		return Turned{by, CodeNobody, "the account was deleted"}
	case by.Bot:
		return Turned{by, CodeByBot, "bots never count"}
	case by.same(j.c.Author):
		return Turned{by, CodeByAuthor, "is the author of the pull request"}
	case j.contributed(by):
		return Turned{by, CodeByContributor, "contributed to the change"}
	}
	return Turned{}
}

// beforeRetarget reports whether a review was given for another base branch. In
// the second of the change nobody can say which it was.
func (j *judgement) beforeRetarget(w *Review) bool {
	return !j.c.Retargeted.IsZero() && !w.At.After(j.c.Retargeted)
}

// allows reports whether any entry of the group names the reviewer.
func (g *Group) allows(w *Review) bool {
	for i := range g.Approvals {
		if g.Approvals[i].names(w) {
			return true
		}
	}
	return false
}

// names reports whether one entry of a rule covers a reviewer, by the roles held
// when the review was read.
func (a *Approval) names(w *Review) bool {
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
		case from != codeOwners && strings.EqualFold(from, w.By.Login):
			return true
		}
	}
	return false
}

// sameContent reports whether what the group governs is the same at the reviewed
// commit as at the head. A commit whose content is no longer known is not.
func (j *judgement) sameContent(g *judged, commit string) bool {
	if commit == j.c.Head.Commit {
		return true
	}
	if j.Covers == "head" {
		return false
	}
	same, seen := g.same[commit]
	if !seen {
		same = j.compare(g, commit)
		g.same[commit] = same
	}
	return same
}

func (j *judgement) compare(g *judged, commit string) bool {
	known := false
	for i := range j.c.Revisions {
		r := &j.c.Revisions[i]
		if r.Commit != commit || r.Base != j.c.Base.Branch {
			continue
		}
		known = true
		if j.revisions[i] == nil {
			j.revisions[i] = list(r.Files)
		}
		if !sameFor(g.Group, j.files, j.revisions[i]) {
			return false
		}
	}
	return known
}

// tally matches people to the entries and says what is missing.
func (j *judgement) tally(g *judged, voters []*Review) {
	want := slots(g.Approvals)
	m := match(g.Approvals, voters)
	g.counted = make([]Approved, 0, len(voters))
	for _, w := range voters {
		g.counted = append(g.counted, Approved{g.Name, w.By, w.Commit, w.At})
	}
	g.missing, g.last, g.from = want-m.have, m.at, sources(m.open)
	if g.missing == 0 {
		j.met(g.Name, RuleApprovals, fmt.Sprintf("%d of %d: %s", want, want, roll(g.counted)))
		return
	}
	f := Finding{Group: g.Name, Rule: RuleApprovals, State: Pending, Code: CodeApprovals,
		Says: fmt.Sprintf("%d of %s from %s", m.have, count(want, "approval"), names(sources(g.Approvals))),
		Fix:  "ask " + names(g.from) + " to approve " + code(short(j.c.Head.Commit)) + " in Files changed > Review changes; nobody who contributed counts"}
	if len(g.from) == 1 && g.from[0] == codeOwners {
		f.Fix = "name a team, login or permission beside codeowners in " + code(PolicyPath) + " on " + code(j.c.Base.Branch)
	}
	if g.stale != nil {
		f.Code = CodeStale
		f.Says += "; " + code(g.stale.By.Login) + " approved " + code(short(g.stale.Commit)) + " and has to look again"
	}
	j.add(f)
}

// sources are the names that entries ask, without repetition.
func sources(as []Approval) []string {
	var out []string
	for _, a := range as {
		for _, from := range a.From {
			if !slices.Contains(out, from) {
				out = append(out, from)
			}
		}
	}
	return out
}

// spelled writes a source as people read it, for a title.
func spelled(from string) string {
	switch {
	case rank(from) >= 0:
		return from + " access"
	case from == codeOwners:
		return "codeowners (not read by this version)"
	}
	return from
}

// names writes sources for a sentence: a team in a code span, because its @ would
// call the whole team.
func names(from []string) string {
	var out []string
	for _, f := range few(from) {
		if strings.HasPrefix(f, "@") {
			out = append(out, code(f))
		} else {
			out = append(out, spelled(f))
		}
	}
	return strings.Join(out, ", ")
}

func roll(as []Approved) string {
	var out []string
	for i, a := range as {
		if i == 8 && len(as) > 9 {
			out = append(out, count(len(as)-8, "other"))
			break
		}
		out = append(out, code(a.By.Login)+" for "+code(short(a.Commit)))
	}
	return and(out)
}
