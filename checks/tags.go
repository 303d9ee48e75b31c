package checks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// A tagAnswer is a ref as GitHub found it by the name that it completed itself.
type tagAnswer struct {
	Name, Prefix string
	Target       *treed
}

// mostTags bounds how many tags on one another are followed, to a commit or none: more
// than anybody nests by hand.
const mostTags = 8

// on is what a tag is on; nil when the ref is another one.
func (t *tagAnswer) on(name string) (*treed, error) {
	switch {
	case t == nil:
		return nil, nil
	case t.Prefix == "" || t.Name == "" || t.Target == nil:
		return nil, fmt.Errorf("the answer does not say what tag %s is on", name)
	case t.Prefix != "refs/tags/" || t.Name != name:
		return nil, nil
	}
	return t.Target, t.Target.whole()
}

// peel follows annotated tags to a commit; nil when they lead to none. A tag object never
// changes, so that each is asked for once ever.
func (c *Client) peel(ctx context.Context, p Place, k *treed) (*treed, error) {
	if k == nil || k.Type != "Tag" {
		return commitOnly(k), nil
	}
	key := fmt.Sprintf("tagged/%d/%s", p.RepoID, k.Oid)
	if data, ok := c.Cache.Get(ctx, key); ok {
		k = &treed{Type: "Commit", Oid: string(data)}
	}
	for n := 1; k.Type == "Tag" && n < mostTags; n++ {
		var answer struct{ Object struct{ Type, SHA string } }
		switch _, err := c.get(ctx, p, fmt.Sprintf("repos/%s/git/tags/%s", p.Repo, k.Oid), &answer); {
		case errors.Is(err, ErrGone):
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("read tag %s: %w", k.Oid, err)
		case !objectID.MatchString(answer.Object.SHA) || answer.Object.Type == "":
			return nil, fmt.Errorf("the answer does not say what tag %s is on", k.Oid)
		}
		k = &treed{Type: strings.ToUpper(answer.Object.Type[:1]) + answer.Object.Type[1:], Oid: answer.Object.SHA}
	}
	if k = commitOnly(k); k == nil {
		return nil, nil
	}
	roots, err := c.roots(ctx, p, k.Oid)
	if err != nil {
		return nil, fmt.Errorf("read the tree of %s: %w", k.Oid, err)
	}
	k.Tree.Oid = roots[0].String()
	c.Cache.Put(ctx, key, []byte(k.Oid))
	return k, nil
}

func commitOnly(k *treed) *treed {
	if k == nil || k.Type != "Commit" {
		return nil
	}
	return k
}

// tag asks for a tag by its whole name; nil when there is none.
func (q *lookup) tag(ref string, take func(*tagAnswer) error) {
	q.parts = append(q.parts, part{
		alias: fmt.Sprintf("tag%d", len(q.parts)), field: "ref(qualifiedName: %s) { " + tagFields + " }", values: []string{ref},
		take: func(a partAnswer) error {
			var t *tagAnswer
			if _, err := a.read(&t); err != nil {
				return err
			}
			return take(t)
		},
	})
}
