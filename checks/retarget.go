package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// retargeted takes the newest change of the base branch.
func (g *gathering) retargeted(ctx context.Context) {
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
	if since := g.based(ctx, last); since.After(last.CreatedAt) {
		g.out.Change.Retargeted = since
	}
}

// A base is a branch that a pull request was seen to go into, and since when; the
// zero time for the first.
type base struct {
	Branch string
	Since  time.Time
}

// based returns since when the pull request is known to go into its base branch.
// When the branch it went into is merged and deleted, GitHub moves it to the next
// by itself, without the event that a person's change leaves and without a webhook
// (the timeline has automatic_base_change_succeeded instead; to ask for it by name
// would fail the whole query on a server that does not know it). An approval given
// for the first branch would hold for the second.
func (g *gathering) based(ctx context.Context, event *retargetAnswer) time.Time {
	branch, last := g.out.Change.Base.Branch, base{}
	key := func(n int) string { return fmt.Sprintf("base/%d/%d/%d", g.out.Place.RepoID, g.w.Number, n) }
	n := 0
	for ; ; n++ { // what is cached never changes: each base has a key of its own
		data, ok := g.c.Cache.Get(ctx, key(n))
		if !ok || json.Unmarshal(data, &last) != nil {
			break
		}
	}
	if last.Branch == branch {
		return last.Since
	}
	now := base{Branch: branch}
	switch {
	case n == 0: // seen for the first time: only the events can tell
	case event.CurrentRefName == branch && event.CreatedAt.After(last.Since):
		now.Since = event.CreatedAt
	default:
		now.Since = g.c.Now().UTC()
	}
	if data, err := json.Marshal(now); err == nil {
		g.c.Cache.Put(ctx, key(n), data)
	}
	return now.Since
}
