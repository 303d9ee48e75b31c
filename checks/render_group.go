package checks

import (
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

// A GroupView is what the check run of a merge group is rendered from.
type GroupView struct {
	Base, Head string
	Pulls      []Sibling // in the order in which they are merged
	// Why is what else keeps the group from passing; empty for nothing.
	Why            string
	Passed, Shadow bool
	// Removed is set when the group had passed before.
	Removed    bool
	At         time.Time
	Record     int64 // index in the evidence log
	DetailsURL string
}

// RenderGroup answers a merge queue. It is never in progress: GitHub waits for an answer
// only so long, and merges nothing meanwhile.
func RenderGroup(g GroupView) Run {
	v := View{Change: &rules.Change{Base: rules.Point{Branch: g.Base}, Head: rules.Point{Commit: g.Head}}, DetailsURL: g.DetailsURL, At: g.At}
	r := v.run(g.title())
	r.Status, r.ExternalID = statusCompleted, strconv.FormatInt(g.Record, 10)
	switch {
	case g.Passed:
		r.Conclusion = "success"
	case g.Shadow:
		r.Conclusion = "neutral"
	default:
		r.Conclusion = "failure"
	}
	r.Output.Summary = g.summary(v)
	return r
}

// Title says what the group came to; of several pull requests the strictest is named.
func (g *GroupView) title() string {
	title, n := g.worst()
	switch {
	case g.Passed:
		return "Ready - " + plural(len(g.Pulls), "pull request") + " of the queue"
	case g.Removed:
		title = "Removed from queue - " + title
	}
	if n == 0 {
		return title
	}
	suffix := " (PR " + strconv.Itoa(n) + ")"
	return clipEnd(title, maxTitle-len(suffix)) + suffix
}

// worst is what keeps the group from passing, and of which pull request; 0 for none.
func (g *GroupView) worst() (title string, n int) {
	if g.Why != "" {
		return "Cannot pass: " + g.Why, 0
	}
	s, _ := strictest(g.Pulls)
	return s.Title, s.Number
}

func (g *GroupView) summary(v View) string {
	p := newPage(0)
	switch {
	case g.Passed:
		p.add("**Every pull request of this group may be merged.** It is judged again when that changes.\n\n")
	case g.Shadow:
		p.add("**Shadow mode: this check never blocks.**\n\n")
	case g.Why != "":
		p.add("**This group may not be merged:** " + sentence(prose(g.Why)) + "\n\n")
	default:
		p.add("**This group may not be merged**, because a pull request of it may not. GitHub removes it from the queue. When its own check is green again, queue it again.\n\n")
	}
	var rows []string
	for _, s := range g.Pulls {
		s = s.judged()
		rows = append(rows, "| PR "+strconv.Itoa(s.Number)+" | "+stateWord(s.State)+" | "+cell(code(s.Title))+" |\n")
	}
	p.add("| Pull request | Result | Says |\n|---|---|---|\n")
	p.list(rows, maxImpact, keepForReviews, v.rowsLeft)
	p.add("\n" + strings.TrimSpace("<sub>Merge group `"+g.Head[:min(7, len(g.Head))]+"` - evaluated "+stampUTC(g.At)+" - evidence entry "+strconv.FormatInt(g.Record, 10)+" - "+v.details()+"</sub>") + "\n")
	return p.b.String()
}
