package rules

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// ownership is what CODEOWNERS makes of one group's files.
type ownership struct {
	sets []share // all files, by who owns them; those without an owner are one set
	bare []share // files without an owner, by the line that says so
	bad  []share // files whose last matching line is skipped, by that line
}

// A share is files of which CODEOWNERS says one thing.
type share struct {
	owners []string
	line   int // 0 when none matches, unknownLine when nobody can say
	files  []string
}

const unknownLine = -1

// own finds the owners for each group that asks for them.
func (j *judgement) own() {
	for i := range j.groups {
		g := &j.groups[i]
		if !slices.Contains(sources(g.Approvals), codeOwners) {
			continue
		}
		if j.owners == nil {
			var data []byte
			if j.c.Owners != nil {
				data = j.c.Owners.Data
			}
			j.owners, j.skipped = ParseOwners(data)
		}
		g.owned = j.owners.divide(j.files.governedBy(g.Group))
	}
}

// divide sorts paths by what the file says of each.
func (o *Owners) divide(paths iter.Seq[string]) *ownership {
	var out ownership
	at := map[string]int{}
	put := func(shares *[]share, key string, s share, path string) {
		i, has := at[key]
		if !has {
			i = len(*shares)
			at[key] = i
			*shares = append(*shares, s)
		}
		(*shares)[i].files = append((*shares)[i].files, path)
	}
	for path := range paths {
		line, known := o.good.last(path)
		if !known {
			line = unknownLine
		}
		owners := o.owners[line]
		who := slices.Compact(slices.Sorted(slices.Values(owners)))
		put(&out.sets, strings.Join(who, " "), share{owners: who}, path)
		if len(owners) == 0 {
			put(&out.bare, fmt.Sprint("bare ", line), share{line: line}, path)
		}
		switch skipped, known := o.bad.last(path); {
		case !known:
			put(&out.bad, "bad", share{line: unknownLine}, path)
		case skipped > line:
			put(&out.bad, fmt.Sprint("bad ", skipped), share{line: skipped}, path)
		}
	}
	return &out
}

func (o *ownership) everybody() []string {
	var all []string
	for _, s := range o.sets {
		all = append(all, s.owners...)
	}
	return distinct(all)
}

// owning are entries with owners for codeowners. A group stands with those of all
// its files, so that each of them may ask for changes; that every file is approved by
// its own is for tallyOwned.
func owning(es []entry, owners []string) []entry {
	es = slices.Clone(es)
	for i := range es {
		es[i].owners = owners
	}
	return es
}

// ownersOnly reports whether an entry has no other source than the code owners.
func (a *Approval) ownersOnly() bool {
	return !slices.ContainsFunc(a.From, func(from string) bool { return from != codeOwners })
}

// owned reports whether a reviewer is one of the code owners. As on GitHub, an
// owner needs write access.
func (e *entry) owned(w *Review) bool {
	return rank(w.Permission) >= rank("write") && e.owns(w)
}

// owns reports whether a reviewer is among the owners, whatever access they have.
func (e *entry) owns(w *Review) bool {
	return slices.ContainsFunc(e.owners, func(owner string) bool {
		if strings.Contains(owner, "/") {
			return w.in(owner)
		}
		return e.means(owner[1:], w.By)
	})
}

// judgeOwners says which files nobody owns and which lines of CODEOWNERS are not
// followed. A line that would decide about a governed file blocks: GitHub skips it,
// and the line before it may name somebody nobody thought of.
func judgeOwners(j *judgement) {
	blocks := map[int]bool{}
	for i := range j.groups {
		g := &j.groups[i]
		if g.owned == nil {
			continue
		}
		j.ownerless(g)
		for k, s := range g.owned.bad {
			blocks[s.line] = true
			j.misread(g, k, s)
		}
		j.strangers(g)
	}
	if j.owners != nil {
		j.listSkipped(blocks)
	}
}

// enoughLines is how many lines of CODEOWNERS get a finding of their own.
const enoughLines = 10

// ownerless refuses files that nobody owns, where nobody else could approve them.
func (j *judgement) ownerless(g *judged) {
	if len(g.owned.bare) == 0 || !slices.ContainsFunc(g.Approvals, func(a Approval) bool { return a.ownersOnly() }) {
		return
	}
	g.missing++ // nothing that waits for the last approval may begin
	var each []string
	for _, s := range g.owned.bare {
		for _, path := range s.files {
			each = append(each, code(path)+" ("+j.whyBare(s.line)+")")
		}
	}
	verb := " has no code owner"
	if len(each) > 1 {
		verb = " have no code owner"
	}
	j.add(Finding{Group: g.Name, Rule: RuleApprovals, State: Unmet, Code: CodeNoOwner, Path: g.owned.bare[0].files[0], Line: 1,
		Says: and(few(each)) + verb,
		Fix:  "add a line with the path and its owner to " + code(j.ownersPath()) + " on " + code(j.c.Base.Branch) + ", or name a team beside codeowners in " + code(PolicyPath) + " there"})
}

func (j *judgement) whyBare(line int) string {
	switch {
	case j.c.Owners == nil:
		return "there is no CODEOWNERS on " + code(j.c.Base.Branch)
	case j.owners.tooLarge:
		return "GitHub ignores a CODEOWNERS above 3 MB"
	case line == unknownLine:
		return "CODEOWNERS has more patterns with wildcards than can be tried"
	case line == 0:
		return "no line of CODEOWNERS matches it"
	}
	return fmt.Sprintf("line %d of CODEOWNERS names nobody", line)
}

// ownersPath is the CODEOWNERS file, or where to put one.
func (j *judgement) ownersPath() string {
	if j.c.Owners == nil || j.c.Owners.Path == "" {
		return OwnersPaths()[0]
	}
	return j.c.Owners.Path
}

// misread blocks on the k-th skipped line that decides about files of a group.
func (j *judgement) misread(g *judged, k int, s share) {
	f := Finding{Group: g.Name, Rule: RuleApprovals, State: Unmet, Code: CodeOwnersLine, Path: s.files[0], Line: 1}
	p := j.owners.problem(s.line)
	switch {
	case k > enoughLines:
		return
	case k == enoughLines:
		f.Says = count(len(g.owned.bad)-k, "more line") + " of CODEOWNERS that would decide about a changed file cannot be followed"
		f.Fix = "mend the lines above and look again"
	case s.line == unknownLine:
		f.Says = "CODEOWNERS has more lines with a mistake than can be tried on " + filed(s.files)
		f.Fix = "mend the lines that GitHub shows as errors in " + code(j.ownersPath())
	default:
		f.Says = fmt.Sprintf("line %d of CODEOWNERS, the last that matches %s, is skipped: %s", s.line, filed(s.files), p.Says)
		f.Fix = fmt.Sprintf("write on line %d of %s on %s: %s", s.line, code(j.ownersPath()), code(j.c.Base.Branch), p.Fix)
	}
	j.add(f)
}

// strangers refuses teams that own a file and that GitHub does not know.
func (j *judgement) strangers(g *judged) {
	for _, name := range j.c.Unknown {
		i := slices.IndexFunc(g.owned.sets, func(s share) bool { return slices.Contains(s.owners, strings.ToLower(name)) })
		if i < 0 || j.names(name) {
			continue
		}
		files := g.owned.sets[i].files
		_, line := j.owners.Of(files[0])
		j.add(Finding{Group: g.Name, Rule: RuleApprovals, State: Unmet, Code: CodeOwnersLine, Path: files[0], Line: 1,
			Says: fmt.Sprintf("line %d of CODEOWNERS gives %s to %s, which GitHub does not know or does not show to ChangeGate", line, filed(files), code(name)),
			Fix:  "correct the name in " + code(j.ownersPath()) + " on " + code(j.c.Base.Branch) + ", or let the App see the team"})
	}
}

// listSkipped lists the other lines that are not followed: they concern no file of
// this change and block nothing.
func (j *judgement) listSkipped(blocks map[int]bool) {
	n := 0
	for _, p := range j.skipped {
		if blocks[p.Line] {
			continue
		}
		if n++; n > enoughLines {
			break
		}
		j.add(Finding{Rule: RuleApprovals, State: Met, Code: CodeOwnersLine, Fix: p.Fix,
			Says: "CODEOWNERS, " + place(p) + "skipped, as on GitHub: " + p.Says})
	}
	if more := len(j.owners.texts) - len(blocks) - enoughLines; more > 0 {
		j.met("", RuleApprovals, "CODEOWNERS: "+count(more, "more line")+" skipped")
	}
}

// tallyOwned counts the approvals once for each set of owners, with these for
// codeowners: the owner of one file says nothing about another's.
func (j *judgement) tallyOwned(g *judged, voters []*Review) {
	g.count(voters)
	lacks, beside, want := 0, 0, 0
	var from []string
	for _, s := range g.owned.sets {
		entries := s.entries(g.asked)
		m := match(entries, voters)
		want = max(want, m.want)
		if m.at.After(g.last) {
			g.last = m.at
		}
		missing := m.want - m.have
		if missing == 0 {
			continue
		}
		if lacks++; lacks <= enoughLines {
			j.add(j.lacking(g, m, entries, " for "+filed(s.files)))
		}
		// What the code owners owe is owed for each set, the rest once for all.
		g.missing += m.owed
		beside = max(beside, missing-m.owed)
		from = append(from, sourcesOf(m.open)...)
	}
	g.missing += beside
	g.from = distinct(from)
	if lacks > enoughLines {
		j.add(Finding{Group: g.Name, Rule: RuleApprovals, State: Pending, Code: CodeApprovals,
			Says: "approvals are missing for " + count(lacks-enoughLines, "more set") + " of code owners", Fix: "ask " + whom(g.from) + " to approve"})
	}
	if g.missing > 0 {
		g.last = time.Time{}
		return
	}
	each := ""
	if n := len(g.owned.sets); n > 1 {
		each = fmt.Sprintf(" for each of %d sets of code owners", n)
	}
	j.approved(g, fmt.Sprintf("%d of %d%s", want, want, each))
}

// entries are a group's entries for one share. One that only asks for code owners
// asks nothing of files without: ownerless has refused them.
func (s *share) entries(asked []entry) []entry {
	out := owning(asked, s.owners)
	if len(s.owners) == 0 {
		out = slices.DeleteFunc(out, func(e entry) bool { return e.ownersOnly() })
	}
	return out
}

// filed names the first file and counts the others.
func filed(files []string) string {
	if len(files) == 1 {
		return code(files[0])
	}
	return code(files[0]) + " and " + count(len(files)-1, "more file")
}
