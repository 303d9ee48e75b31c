package checks

import (
	"context"
	"fmt"
	"slices"

	"changegate/rules"
)

// An opened is a pull request of the App from a branch of a rollback.
type opened struct {
	number    int
	url, head string
}

// findOpen finds the pull request that does the rollback already. Everybody who may push
// may have changed one since: such a one is named, and no more.
func (c *Client) findOpen(ctx context.Context, p Place, x *Restoring) error {
	for _, o := range x.opened {
		same, err := c.asMade(ctx, p, x, o.head)
		if err != nil {
			return fmt.Errorf("read what #%d changes: %w", o.number, err)
		}
		if same {
			x.Open, x.URL = o.number, o.url
			return nil
		}
		x.Notes = append(x.Notes, fmt.Sprintf("Pull request %d was opened for this as well, but its branch was changed since and is no longer what the plan restores: close it.", o.number))
	}
	return nil
}

// asMade reports whether a commit differs from where it left the branch in what the
// rollback does there, and in nothing else.
func (c *Client) asMade(ctx context.Context, p Place, x *Restoring, head string) (bool, error) {
	d, err := c.compare(ctx, p, x.Tip, head)
	if err != nil {
		return false, err
	}
	files, whole, err := c.Between(ctx, p, d.MergeBase, head)
	paths := x.paths()
	outside := func(f rules.File) bool {
		return !slices.Contains(paths, f.Path) || f.OldPath != "" && f.Status != "copied" && !slices.Contains(paths, f.OldPath)
	}
	if err != nil || !whole || slices.ContainsFunc(files, outside) {
		return false, err
	}
	target := x.Target
	if d.MergeBase != x.Tip {
		if target, err = c.Verify(ctx, p, x.Plan, d.MergeBase, false); err != nil {
			return false, err
		}
	}
	at, err := c.At(ctx, p, head, paths)
	if err != nil || target.Unknown != "" {
		return false, err
	}
	return !slices.ContainsFunc(target.Files, func(f rules.Restored) bool { return f.Wrong != "" || at[f.Path] != f.Back }), nil
}
