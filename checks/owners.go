package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"changegate/rules"
)

// wantOwners reads CODEOWNERS at the tip of the base branch, if a group touched by
// the change asks for it. What a commit holds never changes.
func (g *gathering) wantOwners(ctx context.Context, q *lookup) (settled bool, err error) {
	if g.pol == nil || !g.pol.SourcesOf(g.out.Change.Files, nil).CodeOwners {
		return true, nil
	}
	commit := cmp.Or(g.out.Policy.Commit, g.out.Change.Base.Commit)
	if g.recallOwners(ctx, commit) {
		return true, nil
	}
	paths := rules.OwnersPaths()
	found := make([]*blobAnswer, len(paths))
	for i, path := range paths {
		g.ownersAsked++
		q.parts = append(q.parts, part{
			alias:  fmt.Sprintf("owners%d", i),
			field:  "object(expression: %s) { __typename oid ... on Blob { text byteSize isBinary isTruncated } }",
			values: []string{commit + ":" + path},
			take: func(a partAnswer) error {
				if _, err := a.read(&found[i]); err != nil {
					return err
				}
				if g.ownersAsked--; g.ownersAsked > 0 {
					return nil
				}
				return g.takeOwners(ctx, commit, found)
			},
		})
	}
	return true, nil
}

// recallOwners takes what was read at that commit before.
func (g *gathering) recallOwners(ctx context.Context, commit string) bool {
	data, ok := g.c.Cache.Get(ctx, ownersKey(g.out.Place, commit))
	var at *rules.PolicyText
	if !ok || json.Unmarshal(data, &at) != nil {
		return false
	}
	if at != nil {
		if at.Data, ok = g.c.Cache.Get(ctx, "blob/"+at.Blob); !ok {
			return false
		}
	}
	g.out.Change.Owners = at
	return true
}

func ownersKey(p Place, commit string) string { return fmt.Sprintf("owners/%d/%s", p.RepoID, commit) }

// takeOwners takes the first of the files. One that cannot be read whole is a gap:
// nobody can say who owns what.
func (g *gathering) takeOwners(ctx context.Context, commit string, found []*blobAnswer) error {
	for i, b := range found {
		if b == nil || b.Type == "Tree" {
			continue
		}
		data, why, err := g.ownersText(ctx, b)
		if err != nil {
			return err
		}
		if why != "" {
			g.gap("code owners", rules.OwnersPaths()[i]+" on "+g.out.Change.Base.Branch+" "+why)
			return nil
		}
		at := rules.PolicyText{Commit: commit, Path: rules.OwnersPaths()[i], Blob: b.Oid}
		g.keepOwners(ctx, commit, &at, data)
		at.Data = data
		g.out.Change.Owners = &at
		return nil
	}
	g.keepOwners(ctx, commit, nil, nil)
	return nil
}

// keepOwners remembers which file it is by commit, and the content by blob: the base
// branch moves with every merge, its CODEOWNERS seldom.
func (g *gathering) keepOwners(ctx context.Context, commit string, at *rules.PolicyText, data []byte) {
	if at != nil {
		g.c.Cache.Put(ctx, "blob/"+at.Blob, data)
	}
	if kept, err := json.Marshal(at); err == nil {
		g.c.Cache.Put(ctx, ownersKey(g.out.Place, commit), kept)
	}
}

// ownersText is the file's content, or why there is none. GraphQL cuts a text at
// 512,000 bytes, which is then not the blob's content: REST gives that.
func (g *gathering) ownersText(ctx context.Context, b *blobAnswer) (data []byte, why string, err error) {
	switch {
	case b.Type != "Blob" || b.Oid == "":
		return nil, "is no file", nil
	case b.ByteSize > rules.MaxOwners:
		return nil, fmt.Sprintf("is %d bytes long, GitHub reads at most %d", b.ByteSize, rules.MaxOwners), nil
	case b.Text == nil || b.IsBinary != nil && *b.IsBinary:
		return nil, "is not text", nil
	}
	text, err := g.c.exact(ctx, g.out.Place, b.Oid, b.Text)
	if err != nil {
		return nil, "", err
	}
	return []byte(*text), "", nil
}
