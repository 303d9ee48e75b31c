package checks

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// mostAsked is how many tags are asked for in one query.
const mostAsked = 50

// Tags returns the commits that tags of these names stand for. One that is not there,
// or leads to no commit, is left out.
func (c *Client) Tags(ctx context.Context, p Place, names []string) (map[string]string, error) {
	on := map[string]*treed{}
	for some := range slices.Chunk(names, mostAsked) {
		q := &lookup{place: p}
		for _, name := range some {
			ref, ok := tagRef(name)
			if !ok {
				continue
			}
			q.tag(ref, func(t *tagAnswer) (err error) {
				on[name], err = t.on(name)
				return err
			})
		}
		if err := q.send(ctx, c); err != nil {
			return nil, fmt.Errorf("ask for %d tags of %s: %w", len(some), p.Repo, err)
		}
	}
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(on)) {
		k, err := c.peel(ctx, p, on[name])
		if err != nil {
			return nil, fmt.Errorf("read tag %s of %s: %w", name, p.Repo, err)
		}
		if k != nil {
			out[name] = k.Oid
		}
	}
	return out, nil
}
