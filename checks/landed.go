package checks

import (
	"context"
	"errors"
	"fmt"

	"changegate/rules"
)

// Between returns the files in which a commit differs from an ancestor of it, beyond
// the 300 that a comparison lists from git trees. whole is false when the list may
// have been cut, or from is no ancestor, so that the list is of something else.
// ErrGone when either commit is not there.
func (c *Client) Between(ctx context.Context, p Place, from, to string) (files []rules.File, whole bool, err error) {
	d, err := c.compare(ctx, p, from, to)
	if err != nil {
		return nil, false, fmt.Errorf("compare %s...%s: %w", from, to, err)
	}
	if d.MergeBase != from || len(d.Files) < comparisonFiles {
		return d.rules(), d.MergeBase == from, nil
	}
	trees := c.forest()
	trees.place = p
	switch files, err = trees.differ(ctx, from, to); {
	case errors.Is(err, errNotWhole):
		return d.rules(), false, nil
	case err != nil:
		return nil, false, err
	}
	return files, true, nil
}

// Back returns the commit n steps back from a commit along first parents, n being at
// least 1. It looks at what lies between base and the commit, and is empty when the
// way leads out of that.
func (c *Client) Back(ctx context.Context, p Place, base, commit string, n int) (string, error) {
	all, _, err := c.between(ctx, p, base, commit)
	if err != nil {
		return "", err
	}
	for range n {
		k, ok := all[commit]
		if !ok || len(k.Parents) == 0 {
			return "", nil
		}
		commit = k.Parents[0].SHA
	}
	return commit, nil
}
