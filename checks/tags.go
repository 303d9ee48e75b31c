package checks

import (
	"context"
	"fmt"
	"slices"
)

// mostAsked is how many tags are asked for in one query.
const mostAsked = 50

// Tags returns the commits that tags of these names stand for. One that is not there,
// or leads to no commit, is left out.
func (c *Client) Tags(ctx context.Context, p Place, names []string) (map[string]string, error) {
	out := map[string]string{}
	for some := range slices.Chunk(names, mostAsked) {
		q := &lookup{place: p}
		for i, name := range some {
			ref, ok := tagRef(name)
			if !ok {
				continue
			}
			q.parts = append(q.parts, part{
				alias: fmt.Sprint("tag", i), field: "ref(qualifiedName: %s) { " + tagFields + " }", values: []string{ref},
				take: func(a partAnswer) error {
					var t *tagAnswer
					if _, err := a.read(&t); err != nil {
						return err
					}
					k, err := t.commit(name)
					if k != nil {
						out[name] = k.Oid
					}
					return err
				},
			})
		}
		if err := q.send(ctx, c); err != nil {
			return nil, fmt.Errorf("ask for %d tags of %s: %w", len(some), p.Repo, err)
		}
	}
	return out, nil
}
