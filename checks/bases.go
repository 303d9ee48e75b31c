package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/rules"
)

// mostForks bounds how many commits of the base branch are looked at on which a
// pull request builds. Each costs a call, once ever.
const mostForks = 50

// merges reports whether a commit of the pull request has several parents. Without
// one it left the base branch at a single commit.
func (g *gathering) merges() bool {
	return slices.ContainsFunc(g.out.Change.Commits, func(k rules.Commit) bool { return len(k.Parents) > 1 })
}

// bases refuses a comparison from one of several merge bases. GitHub lists what
// changed since one of them, the one whose commit has the latest date, but merges
// from all of them (git, "merge-base"): whoever shapes two branches and dates their
// commits could merge content of which no list shows anything.
func (g *gathering) bases(ctx context.Context) error {
	if g.out.Merge != nil || !g.merges() {
		return nil
	}
	c, forks := &g.out.Change, g.forks()
	if len(forks) > mostForks {
		g.gap(rules.GapBases, fmt.Sprintf("the branch builds on %d commits of %s, at most %d are looked at", len(forks), c.Base.Branch, mostForks))
		return nil
	}
	for i, fork := range forks {
		// The base branch is usually merged in again and again: each fork is below
		// the next one, which stays so when more follow.
		for _, later := range slices.Concat(forks[i+1:min(i+2, len(forks))], []string{c.MergeBase}) {
			below, err := g.c.below(ctx, g.out.Place, fork, later)
			if err != nil {
				return err
			}
			if below {
				break
			}
			if later == c.MergeBase {
				g.gap(rules.GapBases, fmt.Sprintf("the branch left %s at both %.7s and %.7s, and GitHub compares with only one of them", c.Base.Branch, c.MergeBase, fork))
				return nil
			}
		}
	}
	return nil
}

// forks are the other commits of the base branch on which those of the pull request
// build, in GitHub's order. All merge bases are among them.
func (g *gathering) forks() (out []string) {
	inside := map[string]bool{g.out.Change.MergeBase: true}
	for _, k := range g.diff.Commits {
		inside[k.ID] = true
	}
	for _, k := range g.diff.Commits {
		for _, parent := range k.Parents {
			if !inside[parent] {
				inside[parent] = true
				out = append(out, parent)
			}
		}
	}
	return out
}

// below reports whether a commit is in the history of a later one. Two without a
// common ancestor are none of each other's.
func (c *Client) below(ctx context.Context, p Place, commit, later string) (bool, error) {
	d, err := c.compare(ctx, p, later, commit)
	switch {
	case errors.Is(err, ErrGone):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("compare %s...%s: %w", later, commit, err)
	}
	return d.Status == "behind" || d.Status == "identical", nil
}
