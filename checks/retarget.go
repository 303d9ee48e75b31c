package checks

import (
	"slices"
	"time"
)

// retargeted takes the newest change of the base branch.
func (g *gathering) retargeted() {
	items := &g.pr.PullRequest.TimelineItems
	last := &retargetAnswer{}
	for _, e := range items.Nodes {
		if e == nil || e.CreatedAt.IsZero() {
			g.gap("timeline", "GitHub does not say when the base branch was changed")
		} else if e.CreatedAt.After(last.CreatedAt) {
			last = e
		}
	}
	if items.FilteredCount == nil || *items.FilteredCount > 0 && len(items.Nodes) == 0 {
		g.gap("timeline", "GitHub does not say whether the base branch was changed")
	}
	g.out.Change.Retargeted = last.CreatedAt
	if since := g.based(last); since.After(last.CreatedAt) {
		g.out.Change.Retargeted = since
	}
}

// mostBases bounds how many changes of the base branch are remembered. The last one
// decides.
const mostBases = 10

// based returns since when the pull request is known to go into its base branch.
// When the branch it went into is merged and deleted, GitHub moves it to the next
// by itself, without the event that a person's change leaves and without a webhook
// (the timeline has automatic_base_change_succeeded instead; to ask for it by name
// would fail the whole query on a server that does not know it). An approval given
// for the first branch would hold for the second.
func (g *gathering) based(event *retargetAnswer) time.Time {
	bases := slices.Clone(g.known.Bases)
	now, last := SeenBase{Branch: g.out.Change.Base.Branch}, SeenBase{}
	if n := len(bases); n > 0 {
		last = bases[n-1]
	}
	switch {
	case last.Branch == now.Branch:
		return last.Since
	case last.Branch == "": // seen for the first time: only the events can tell
	case event.CurrentRefName == now.Branch && event.CreatedAt.After(last.Since):
		now.Since = event.CreatedAt
	default:
		now.Since = g.c.Now().UTC()
	}
	bases = append(bases, now)
	g.out.Known.Bases = bases[max(0, len(bases)-mostBases):]
	return now.Since
}
