package checks

import (
	"context"
	"fmt"
	"strings"

	"changegate/rules"
)

type blobAnswer struct {
	Type        string `json:"__typename"`
	Oid         string
	Text        *string
	ByteSize    int
	IsBinary    *bool
	IsTruncated bool
}

// policy tells the three outcomes apart: nothing there, read, and there but not
// readable.
func (b *blobAnswer) policy() Policy {
	p := Policy{PolicyText: rules.PolicyText{Path: PolicyPath}}
	switch {
	case b == nil:
		return p
	case b.Type != "Blob":
		p.Why = "it is no file"
	case b.ByteSize > rules.MaxPolicy || b.IsTruncated:
		p.Why = fmt.Sprintf("it is %d bytes long, at most %d are read", b.ByteSize, rules.MaxPolicy)
	case b.Text == nil || b.IsBinary != nil && *b.IsBinary:
		p.Why = "it is not text"
	default:
		p.State, p.Blob, p.Data = PolicyRead, b.Oid, []byte(*b.Text)
		return p
	}
	p.State, p.Blob = PolicyUnreadable, b.Oid
	return p
}

// policyOf is policy with the bytes that are in git.
func (c *Client) policyOf(ctx context.Context, p Place, b *blobAnswer) (Policy, error) {
	policy := b.policy()
	if policy.State != PolicyRead {
		return policy, nil
	}
	text, err := c.exact(ctx, p, b.Oid, b.Text)
	if err != nil {
		return Policy{}, err
	}
	policy.Data = []byte(*text)
	return policy, nil
}

const policyQuery = `query Policy($owner: String!, $name: String!, $base: String!, $policy: String!) {
  repository(owner: $owner, name: $name) {
    base: ref(qualifiedName: $base) { target { oid } }
    basePolicy: object(expression: $policy) { __typename oid ... on Blob { text byteSize isBinary isTruncated } }
  }
}`

// policyBlob reads the policy file at the tip of a branch.
func (c *Client) policyBlob(ctx context.Context, p Place, branch string) (*blobAnswer, *refAnswer, error) {
	owner, name, _ := strings.Cut(p.Repo, "/")
	var answer struct {
		Repository *struct {
			Base       *refAnswer
			BasePolicy *blobAnswer
		}
	}
	_, err := c.graph(ctx, p, policyQuery, map[string]any{
		"owner": owner, "name": name, "base": "refs/heads/" + branch, "policy": "refs/heads/" + branch + ":" + PolicyPath,
	}, &answer)
	if err != nil {
		return nil, nil, err
	}
	if answer.Repository == nil {
		return nil, nil, ErrGone
	}
	return answer.Repository.BasePolicy, answer.Repository.Base, nil
}
