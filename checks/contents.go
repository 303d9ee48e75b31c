package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/rules"
)

// mostMerged bounds how many contents one reading of a rollback merges: of 60 files that
// were changed on both sides.
const mostMerged = 180

// mostMergedBytes bounds how long they are together. Lines that are all alike take seconds
// a MiB to be told apart, and a plan is worked out again whenever the base branch moves.
const mostMergedBytes = 8 << 20

// mostTexts is how many of them one query asks for.
const mostTexts = 60

// mostFetched bounds how many of them are fetched alone, because GraphQL gives only the
// first 512,000 bytes of a text, and none that is not UTF-8.
const mostFetched = 3

// errUnread says that a content was not read, for whatever reason.
var errUnread = errors.New("not read")

// contents are those that merges are made of, by blob id.
type contents struct {
	c       *Client
	place   Place
	fetched int
	had     map[string]rest
}

// rest is a content, or one of the errors that a merge knows.
type rest struct {
	data []byte
	err  error
}

func (c *Client) contents(p Place) *contents {
	return &contents{c: c, place: p, had: map[string]rest{}}
}

// read is what the merges are given.
func (t *contents) read(blob string) ([]byte, error) {
	if got, ok := t.had[blob]; ok {
		return got.data, got.err
	}
	return nil, errUnread
}

// needs are the contents that a three-way merge of one path reads.
func needs(base, ours, theirs rules.Entry) (ids []string) {
	none := rules.Entry{}
	if _, ok := mergeValue(base.Blob, ours.Blob, theirs.Blob); ok || ours == none || theirs == none || odd(base, ours, theirs) {
		return nil
	}
	for _, e := range []rules.Entry{base, ours, theirs} {
		if e != none {
			ids = append(ids, e.Blob)
		}
	}
	return ids
}

// ask reads contents, each once ever.
func (t *contents) ask(ctx context.Context, ids []string) error {
	ids = slices.DeleteFunc(ids, func(id string) bool { return t.recall(ctx, id) })
	for some := range slices.Chunk(ids, mostTexts) {
		q := &lookup{place: t.place}
		for _, id := range some {
			t.want(ctx, q, id)
		}
		if err := q.send(ctx, t.c); err != nil {
			return err
		}
	}
	total := 0
	for _, got := range t.had {
		total += len(got.data)
	}
	if total > mostMergedBytes {
		return errAnswer
	}
	return nil
}

// Under these keys stands what is known of a content that is not in the cache itself.
const oversized, binaries = "oversized/", "binary/"

func (t *contents) recall(ctx context.Context, id string) bool {
	if _, ok := t.had[id]; ok {
		return true
	}
	for key, got := range map[string]rest{oversized: {err: errLarge}, binaries: {data: []byte{0}}} {
		if _, ok := t.c.Cache.Get(ctx, key+id); ok {
			t.had[id] = got
			return true
		}
	}
	data, ok := t.c.Cache.Get(ctx, "blob/"+id)
	if ok {
		t.had[id] = rest{data: data}
	}
	return ok
}

// want adds one content, by its id.
func (t *contents) want(ctx context.Context, q *lookup, id string) {
	q.parts = append(q.parts, part{
		alias: fmt.Sprintf("blob%d", len(q.parts)), values: []string{id},
		field: "object(expression: %s) { __typename oid ... on Blob { text byteSize isBinary isTruncated } }",
		take: func(a partAnswer) error {
			var b blobAnswer
			if _, err := a.read(&b); err != nil || b.Type != "Blob" || b.Oid != id {
				return err
			}
			return t.take(ctx, &b)
		},
	})
}

// take keeps an answer. What GitHub calls binary is no text to a merge, which sees it by
// a NUL (git's buffer_is_binary), whatever else is in it.
func (t *contents) take(ctx context.Context, b *blobAnswer) error {
	switch {
	case b.ByteSize > rules.MaxMerged:
		t.had[b.Oid] = rest{err: errLarge}
		t.c.Cache.Put(ctx, oversized+b.Oid, []byte{1})
	case b.IsBinary != nil && *b.IsBinary:
		t.had[b.Oid] = rest{data: []byte{0}}
		t.c.Cache.Put(ctx, binaries+b.Oid, []byte{1})
	case b.Text == nil:
	default:
		if !isBlob(b.Oid, *b.Text) {
			if t.fetched++; t.fetched > mostFetched {
				return nil
			}
		}
		text, err := t.c.exact(ctx, t.place, b.Oid, b.Text)
		if err != nil {
			return err
		}
		t.had[b.Oid] = rest{data: []byte(*text)}
		t.c.Cache.Put(ctx, "blob/"+b.Oid, []byte(*text))
	}
	return nil
}

// unique is ids without those that stand there twice.
func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}
