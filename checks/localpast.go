package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// A Line is the first-parent history of a branch: each of its commits is one
// past merge, or one commit that went straight or squashed onto the branch.
type Line struct {
	Branch string // or the tip's short id, when no branch was named
	Tip    string
	Steps  []Step // oldest first
	// Cut is the oldest commit of a shallow clone, which cannot be judged because
	// its parent is missing; empty when the history is whole.
	Cut string
}

// A Step is one commit of a Line.
type Step struct {
	Commit string
	At     time.Time // committer's clock, UTC
	Merge  bool

	branch, defaultBranch string
	base, head            plumbing.Hash
}

// Line lists the steps of a branch whose committer's clock lies in
// [since, until); a zero time is no bound. An empty branch is the one checked out.
func (c *Clone) Line(branch string, since, until time.Time) (*Line, error) {
	if branch == "" {
		branch = plumbing.HEAD.String()
	}
	tip, name, err := c.resolve(branch)
	if err != nil {
		return nil, fmt.Errorf("resolve branch %q: %w", branch, err)
	}
	nodes, err := c.past.firstParents(tip)
	if err != nil {
		return nil, err
	}
	def := c.defaultBranch(name)
	l := &Line{Branch: branchOr(name, tip), Tip: tip.String()}
	for _, n := range nodes {
		at := time.Unix(n.when, 0).UTC()
		switch {
		case n.cut:
			l.Cut = n.id.String()
		case !since.IsZero() && at.Before(since) || !until.IsZero() && !at.Before(until):
		default:
			l.Steps = append(l.Steps, step(n, at, name, def))
		}
	}
	return l, nil
}

// step says what the pull request of a commit would have been: into its first
// parent, from its second one. A commit with one parent, or an octopus merge, is
// itself the head.
func step(n *node, at time.Time, branch, def string) Step {
	s := Step{Commit: n.id.String(), At: at, Merge: len(n.parents) > 1, branch: branch, defaultBranch: def, head: n.id}
	if len(n.parents) > 0 {
		s.base = n.parents[0].id
	}
	if len(n.parents) == 2 {
		s.head = n.parents[1].id
	}
	return s
}

// Past reads a step as if its pull request were open. The description is not in
// git; the commit's message stands in for it, because squash merges can carry it.
// Title is the message's first line. A plan is worked out for the files that policy
// governs, or if it is nil the policy of the step's base.
func (c *Clone) Past(ctx context.Context, s Step, policy *rules.Policy) (*Gathered, error) {
	commit, err := object.GetCommit(c.store, plumbing.NewHash(s.Commit))
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", s.Commit, err)
	}
	body := commit.Message
	if len(body) > rules.MaxRequest {
		body = "" // a squash of hundreds of messages; no description is as long
	}
	g, err := c.gather(ctx, span{base: s.base, head: s.head, branch: branchOr(s.branch, s.base), defaultBranch: s.defaultBranch, body: body, policy: policy})
	if err != nil {
		return nil, err
	}
	g.Title, _, _ = strings.Cut(strings.TrimSpace(commit.Message), "\n")
	return g, nil
}

// PolicyAt reads the policy of a commit given by its whole id.
func (c *Clone) PolicyAt(commit string) Policy { return c.policyAt(plumbing.NewHash(commit)) }
