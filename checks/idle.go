package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"changegate/rules"
)

// idle names the groups of a new policy that govern no file of the tree it would
// stand in. It is advice: where GitHub does not list the whole tree, or the policy is
// made to be slow, nothing is said.
func (g *gathering) idle(ctx context.Context) error {
	n := g.out.Change.NewPolicy
	if n == nil || n.Deleted {
		return nil
	}
	pol, _ := rules.ParsePolicy(n.Data)
	if pol == nil {
		return nil
	}
	key := fmt.Sprintf("idle/%s/%s", n.Commit, n.Blob)
	if data, ok := g.c.Cache.Get(ctx, key); ok && json.Unmarshal(data, &n.Idle) == nil {
		return nil
	}
	items, cut, err := g.trees.list(ctx, n.Commit, "?recursive=1")
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for what the new policy governs: %w", err)
	}
	idle, known := pol.Idle(paths(items))
	if cut || !known {
		return nil
	}
	n.Idle = idle
	if data, err := json.Marshal(n.Idle); err == nil {
		g.c.Cache.Put(ctx, key, data)
	}
	return nil
}

// paths are the files of a tree that was read recursively.
func paths(items []treeItem) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, e := range items {
			if e.Mode != "040000" && !yield(e.Path) {
				return
			}
		}
	}
}
