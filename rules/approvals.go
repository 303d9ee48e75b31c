package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// approvals is what the reviews came to for one group.
type approvals struct {
	asked   []entry
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
	g.asked = j.entries(g)
	if g.owned != nil {
		g.asked = owning(g.asked, g.owned.everybody())
	}
	if j.c.Offline {
		g.missing, g.from = seatsOf(g.asked), sourcesOf(g.asked)
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
	if g.owned != nil && !g.fast {
		j.tallyOwned(g, voters)
		return
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

func seatsOf(es []entry) int {
	n := 0
	for _, e := range es {
		n += e.Count
	}
	return n
}

// refuse says why an approval does not count for a group; an empty code means it
// does. Who comes before what: nobody is told to approve again who never could.
func (j *judgement) refuse(g *judged, w *Review) Turned {
	if why := j.unfit(w); why.Code != "" {
		return why
	}
	switch by := w.By; {
	case !g.allows(w) && g.namesake(w):
		return Turned{by, CodeNamesake, "has taken over a login that named another account when the policy was first read"}
	case !g.allows(w) && slices.ContainsFunc(g.asked, func(e entry) bool { return e.owns(w) }):
		return Turned{by, CodeNotAllowed, "is a code owner without write access"}
	case !g.allows(w):
		return Turned{by, CodeNotAllowed, "is not among " + names(sourcesOf(g.asked)) + " of group " + code(g.Name)}
	case j.beforeRetarget(w):
		return Turned{by, CodeOldBase, "approved before the base branch became " + code(j.c.Base.Branch)}
	case !j.sameContent(g, w.Commit) && w.Commit == j.c.Head.Commit:
		return Turned{by, CodeOldContent, "approved " + code(short(w.Commit)) + " when it changed other governed content: the base branch moved back since"}
	case !j.sameContent(g, w.Commit):
		return Turned{by, CodeOldContent, "approved " + code(short(w.Commit)) + "; governed content changed since"}
	case w.Request != j.digest:
		return Turned{by, CodeOldRequest, "approved before the change request was last edited"}
	}
	return Turned{}
}

// unfit says why a review can approve nothing of this change.
func (j *judgement) unfit(w *Review) Turned {
	switch by := w.By; {
	case by.ID == 0:
		return Turned{by, CodeNobody, "the account was deleted"}
	case by.Bot:
		return Turned{by, CodeByBot, "bots never count"}
	case by.same(j.c.Author):
		return Turned{by, CodeByAuthor, "is the author of the pull request"}
	case j.contributed(by):
		return Turned{by, CodeByContributor, "contributed to the change"}
	case w.At.IsZero() || w.Commit == "":
		return Turned{by, CodePartial, "GitHub does not say when the review was given and for which commit; a new review counts"}
	}
	return Turned{}
}

// beforeRetarget reports whether a review was given for another base branch. In
// the second of the change nobody can say which it was.
func (j *judgement) beforeRetarget(w *Review) bool {
	return !j.c.Retargeted.IsZero() && !w.At.After(j.c.Retargeted)
}

// entries is what a group asks for in this change.
func (j *judgement) entries(g *judged) []entry {
	if g.fast {
		return j.fewer(g.Group)
	}
	out := make([]entry, len(g.Approvals))
	for i, a := range g.Approvals {
		out[i] = entry{Approval: a, accounts: j.accounts}
	}
	return out
}

// allows reports whether any entry of the group names the reviewer.
func (g *judged) allows(w *Review) bool {
	return slices.ContainsFunc(g.asked, func(e entry) bool { return e.names(w) })
}

// names reports whether one entry of a rule covers a reviewer, by the roles held
// when the review was read.
func (e *entry) names(w *Review) bool {
	for _, from := range e.From {
		least := rank(from)
		switch {
		case from == codeOwners:
			if e.owned(w) {
				return true
			}
		case strings.HasPrefix(from, "@"):
			if w.in(from) {
				return true
			}
		case least >= 0:
			if rank(w.Permission) >= least {
				return true
			}
		case e.means(from, w.By):
			return true
		}
	}
	return false
}

// in reports whether a reviewer belongs to a team.
func (w *Review) in(team string) bool {
	return slices.ContainsFunc(w.Teams, func(t string) bool { return strings.EqualFold(t, team) })
}

// sameContent reports whether what the group governs is the same at the reviewed
// commit as at the head. A commit whose content is no longer known is not.
func (j *judgement) sameContent(g *judged, commit string) bool {
	if j.Covers == "head" && commit != j.c.Head.Commit {
		return false
	}
	same, seen := g.same[commit]
	if !seen {
		same = j.compare(g, commit)
		g.same[commit] = same
	}
	return same
}

// compare asks of an earlier commit that it changed the same. The head itself may
// have changed more: the base branch moving on takes away from what is left to
// approve. Moving it back adds what nobody was shown.
func (j *judgement) compare(g *judged, commit string) bool {
	head := commit == j.c.Head.Commit
	known := head
	for i := range j.c.Revisions {
		r := &j.c.Revisions[i]
		if r.Commit != commit || r.Base != j.c.Base.Branch {
			continue
		}
		known = true
		if then := j.revision(i); head && !keptIn(g.Group, j.files, then) || !head && !sameFor(g.Group, j.files, then) {
			return false
		}
	}
	return known
}

// tally matches people to the entries and says what is missing.
func (j *judgement) tally(g *judged, voters []*Review) {
	m := match(g.asked, voters)
	g.count(voters)
	g.missing, g.last, g.from = m.want-m.have, m.at, sourcesOf(m.open)
	if g.missing == 0 {
		j.approved(g, fmt.Sprintf("%d of %d", m.want, m.want))
		return
	}
	j.add(j.lacking(g, m, g.asked, ""))
}

// approved meets the approvals of a group.
func (j *judgement) approved(g *judged, says string) {
	f := Finding{Group: g.Name, Rule: RuleApprovals, State: Met, Says: says}
	if g.fast {
		f.Code = CodeUndo
	}
	if len(g.counted) > 0 {
		f.Says += ": " + roll(g.counted)
	}
	f.Says += j.onUndo(g)
	j.add(f)
}

func (g *judged) count(voters []*Review) {
	g.counted = make([]Approved, 0, len(voters))
	for _, w := range voters {
		g.counted = append(g.counted, Approved{g.Name, w.By, w.Commit, w.At})
	}
}

// lacking says what is missing of the entries for some files.
func (j *judgement) lacking(g *judged, m matched, entries []entry, files string) Finding {
	f := Finding{Group: g.Name, Rule: RuleApprovals, State: Pending, Code: CodeApprovals,
		Says: fmt.Sprintf("%d of %s from %s", m.have, count(m.want, "approval"), names(sourcesOf(entries))) + files + j.onUndo(g),
		Fix:  "ask " + whom(sourcesOf(m.open)) + " to approve " + code(short(j.c.Head.Commit)) + " in Files changed > Review changes; nobody who contributed counts"}
	if g.stale != nil {
		f.Code = CodeStale
		f.Says += "; " + code(g.stale.By.Login) + " approved " + code(short(g.stale.Commit)) + " and has to look again"
		if g.because == CodeOldContent && g.stale.Commit == j.c.Head.Commit {
			// A review does not say what its commit was compared with, only which commit.
			f.Fix = "push a commit, because " + code(short(g.stale.Commit)) + " was seen when it changed something else, then " + f.Fix
		}
	}
	if who := j.uncounted(g); len(who) > 0 {
		f.Says += "; not counted: " + and(who)
	}
	return f
}

// mostUncounted bounds the people whom a finding tells why their review does not
// count; the summary lists every one.
const mostUncounted = 3

// uncounted are those whose opinion does not count for the group, and why, but for
// the one that the finding is about.
func (j *judgement) uncounted(g *judged) []string {
	var out []string
	more := 0
	for _, t := range slices.Concat(g.turned, j.turned) {
		switch {
		case t.Code == CodeComment || t.Code == CodeSuperseded || g.stale != nil && t.By.who() == g.stale.By.who():
		case len(out) == mostUncounted:
			more++
		default:
			out = append(out, code(t.By.Login)+" ("+t.Why+")")
		}
	}
	if more > 0 {
		out = append(out, count(more, "other"))
	}
	return out
}

// sources are the names that entries ask, without repetition.
func sources(as []Approval) []string {
	var out []string
	for _, a := range as {
		out = append(out, a.From...)
	}
	return distinct(out)
}

// sourcesOf are those names with the owners in the place of codeowners.
func sourcesOf(es []entry) []string {
	var out []string
	for _, e := range es {
		for _, from := range e.From {
			if from == codeOwners && len(e.owners) > 0 {
				out = append(out, e.owners...)
			} else {
				out = append(out, from)
			}
		}
	}
	return distinct(out)
}

// spelled writes a source as people read it, for a title.
func spelled(from string) string {
	switch {
	case rank(from) >= 0:
		return from + " access"
	case strings.Contains(from, "/"):
		return from
	}
	return strings.TrimPrefix(from, "@") // of a code owner, it would notify
}

// names writes sources for a sentence: a team in a code span, because its @ would
// call the whole team.
func names(from []string) string {
	var out []string
	for _, f := range few(from) {
		if strings.Contains(f, "/") {
			out = append(out, code(f))
		} else {
			out = append(out, spelled(f))
		}
	}
	return strings.Join(out, ", ")
}

// whom writes sources as those to ask: a permission is held by somebody.
func whom(from []string) string {
	asked := slices.Clone(from)
	for i, f := range asked {
		if rank(f) >= 0 {
			asked[i] = "somebody with " + spelled(f)
		}
	}
	return names(asked)
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
