package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"changegate/rules"
)

// idle names the groups of a new policy that govern no file of the tree it would
// stand in. It is advice: where GitHub does not list the whole tree, nothing is
// said.
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
	if err != nil {
		return fmt.Errorf("look for what the new policy governs: %w", err)
	}
	if cut {
		return nil
	}
	n.Idle = idleOf(pol, items)
	if data, err := json.Marshal(n.Idle); err == nil {
		g.c.Cache.Put(ctx, key, data)
	}
	return nil
}

func idleOf(pol *rules.Policy, items []treeItem) []string {
	var out []string
	for _, group := range pol.Groups {
		out = append(out, group.Name)
	}
	for _, e := range items {
		if len(out) == 0 {
			break
		}
		if e.Mode == "040000" {
			continue
		}
		names := pol.GroupsOf(rules.File{Path: e.Path})
		out = slices.DeleteFunc(out, func(name string) bool { return slices.Contains(names, name) })
	}
	return out
}
