package checks

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// isBlob reports whether data is the content that a git object id names.
func isBlob(id, data string) bool {
	return id != "" && blobID(len(id), data) == id
}

// blobID is the git object id of a content, in as many digits as the repository's ids
// have; empty when no git has ids so long.
func blobID(digits int, data string) string {
	var h hash.Hash
	switch digits {
	case 2 * sha1.Size:
		h = sha1.New()
	case 2 * sha256.Size:
		h = sha256.New()
	default:
		return ""
	}
	fmt.Fprintf(h, "blob %d\x00%s", len(data), data)
	return hex.EncodeToString(h.Sum(nil))
}

// exact returns the bytes of a blob of which GraphQL gave the text: the very same
// if they are UTF-8. Otherwise GitHub has converted the text, or put U+FFFD for what
// it could not read, and the bytes are fetched: what is judged and recorded is what
// is in git. A text that is nil stays so.
func (c *Client) exact(ctx context.Context, p Place, id string, text *string) (*string, error) {
	if text == nil || isBlob(id, *text) {
		return text, nil
	}
	var answer struct{ Content, Encoding string }
	if _, err := c.get(ctx, p, fmt.Sprintf("repos/%s/git/blobs/%s", p.Repo, id), &answer); err != nil {
		return nil, fmt.Errorf("read blob %s: %w", id, err)
	}
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(answer.Content, "\n", ""))
	if err != nil || answer.Encoding != "base64" || !isBlob(id, string(data)) {
		return nil, fmt.Errorf("read blob %s: the answer is not its content", id)
	}
	out := string(data)
	return &out, nil
}
