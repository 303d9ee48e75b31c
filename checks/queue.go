package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A queue is a branch's merge queue as GitHub tells of it.
type queue struct {
	strategy string           // ALLGREEN or HEADGREEN; empty if it was not told
	entries  map[string]entry // by the head commit of the group built for each
}

// An entry is a queued pull request and the commit that its group was built on; of
// that, when it is not told, only the head is explained.
type entry struct {
	pull int
	base string
}

// errNoQueue says that the server's GraphQL does not know merge queues: an Enterprise
// Server before 3.12.
var errNoQueue = errors.New("the server does not list merge queues")

// queue asks for the entries of a branch's merge queue. GitHub builds at most 100 at a
// time ("Managing a merge queue", build concurrency), the first ones. What is not whole
// explains nothing. A branch without a queue has no entries.
func (c *Client) queue(ctx context.Context, p Place, branch string) (*queue, error) {
	owner, name, _ := strings.Cut(p.Repo, "/")
	type commit struct{ Oid string }
	var answer struct {
		Repository *struct {
			MergeQueue *struct {
				Configuration *struct{ MergingStrategy string }
				Entries       *connection[struct {
					HeadCommit, BaseCommit *commit
					PullRequest            *struct {
						Number      int
						BaseRefName string
					}
				}]
			}
		}
	}
	query := `query Queue($owner: String!, $name: String!, $branch: String!) { repository(owner: $owner, name: $name) { mergeQueue(branch: $branch) {
		configuration { mergingStrategy }
		entries(first: 100) { nodes { headCommit { oid } baseCommit { oid } pullRequest { number baseRefName } } } } } }`
	if _, err := c.graph(ctx, p, query, map[string]any{"owner": owner, "name": name, "branch": branch}, &answer); err != nil {
		var e graphError
		if errors.As(err, &e) && strings.Contains(e.Message, "mergeQueue") && e.Type == "" {
			err = errNoQueue // no other fault names the field, and has no type
		}
		return nil, err
	}
	if answer.Repository == nil {
		return nil, fmt.Errorf("%w: %s", ErrGone, p.Repo)
	}
	q := &queue{entries: map[string]entry{}}
	m := answer.Repository.MergeQueue
	if m == nil || m.Entries == nil {
		return q, nil
	}
	if m.Configuration != nil {
		q.strategy = m.Configuration.MergingStrategy
	}
	for _, n := range m.Entries.Nodes {
		if n == nil || n.HeadCommit == nil || n.HeadCommit.Oid == "" || n.PullRequest == nil || n.PullRequest.Number <= 0 || n.PullRequest.BaseRefName != branch {
			continue
		}
		e := entry{pull: n.PullRequest.Number}
		if n.BaseCommit != nil {
			e.base = n.BaseCommit.Oid
		}
		q.entries[n.HeadCommit.Oid] = e
	}
	return q, nil
}

// Waiting returns what GitHub asked, or is about to ask, about the groups of a branch's
// merge queue. It asks once, and repeats no webhook that nobody received.
func (c *Client) Waiting(ctx context.Context, p Place, base string) ([]Wake, error) {
	q, err := c.queue(ctx, p, base)
	switch {
	case errors.Is(err, errNoQueue):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("ask for the merge queue of %s: %w", base, err)
	}
	var out []Wake
	for head, e := range q.entries {
		if e.base == "" {
			continue
		}
		branch := fmt.Sprintf("%s%s/pr-%d-%s", queueBranches, base, e.pull, e.base)
		out = append(out, Wake{Place: p, Head: head, Branch: branch, Base: base, Queued: &Queued{From: e.base}})
	}
	slices.SortFunc(out, func(a, b Wake) int { return strings.Compare(a.Branch, b.Branch) })
	return out, nil
}
