package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/rules"
)

// A Group is what GitHub is about to merge as one: what a merge group adds to its branch.
type Group struct {
	From    string       // the commit that it is compared with
	Pulls   []int        // whose changes it holds, in the order in which they will land
	Unknown []string     // commits of its first-parent chain that no queued pull request explains
	Files   []rules.File // what differs between From and the group's head
	Whole   bool         // nothing of it was left out
}

// Group says what a merge group of a base branch holds. GitHub builds it for one entry
// of the queue, on the head of the entry before, or on the branch for the first; from,
// the payload's base_sha, is that parent, and head_ref names the entry's pull request
// alone. Where every entry has to pass (ALLGREEN) the entries before are judged by
// their own groups, and the group is from..head. Where it is enough that the last one
// passes (HEADGREEN: "Only merge non-failing pull requests" is off) a green head merges
// everything before it as well, whatever was said of that: the group is all that the
// branch does not have. A strategy that is not told is taken for the latter.
//
// Which pull request a commit is of, the queue itself says: commits that it squashed or
// rebased are associated with none until they are merged, and whoever opens a pull
// request writes its title. A server that does not list the queue explains no more than
// the entry of the group itself: named, the pull request in the name of its branch, which
// is GitHub's own. ErrGone when the head is not there any more.
func (c *Client) Group(ctx context.Context, p Place, base, from, head string, named int) (Group, error) {
	q, err := c.queue(ctx, p, base)
	switch {
	case errors.Is(err, errNoQueue) && named > 0:
		q = &queue{entries: map[string]entry{head: {pull: named, base: from}}}
	case err != nil:
		return Group{}, fmt.Errorf("ask for the merge queue of %s: %w", base, err)
	}
	since := from
	if q.strategy != "ALLGREEN" {
		since = "refs/heads/" + base
	}
	d, err := c.compare(ctx, p, since, head)
	if err == nil && d.Ahead == 0 && since != from {
		d, err = c.compare(ctx, p, from, head) // merged meanwhile
	}
	if err != nil {
		return Group{}, fmt.Errorf("compare %s...%s: %w", since, head, err)
	}
	g := Group{From: d.MergeBase, Files: d.rules(), Whole: true}
	if len(d.Files) >= comparisonFiles {
		if g.Files, g.Whole, err = c.Between(ctx, p, g.From, head); err != nil {
			return Group{}, err
		}
	}
	if len(d.Commits) < d.Ahead {
		if d.Commits, err = c.commitsBetween(ctx, p, g.From, head); err != nil {
			return Group{}, err
		}
	}
	g.Whole = g.Whole && len(d.Commits) == d.Ahead
	g.explain(d.Commits, head, q)
	return g, nil
}

// explain follows the first parents from the head and says which entry each commit is
// of: all from an entry's head down to what it was built on.
func (g *Group) explain(commits []listedCommit, head string, q *queue) {
	parents := make(map[string][]string, len(commits))
	for _, k := range commits {
		parents[k.ID] = k.Parents
	}
	if _, ok := parents[head]; !ok {
		g.Whole = false // what adds nothing is no group
	}
	var in *entry
	for at := head; ; at = parents[at][0] {
		if _, ok := parents[at]; !ok {
			break
		}
		if in != nil && (in.base == "" || in.base == at) {
			in = nil
		}
		if e, ok := q.entries[at]; ok {
			in = &e
			g.Pulls = append(g.Pulls, e.pull)
		}
		if in == nil {
			g.Unknown = append(g.Unknown, at)
		}
		if len(parents[at]) == 0 {
			break
		}
	}
	slices.Reverse(g.Pulls)
	slices.Reverse(g.Unknown)
}
