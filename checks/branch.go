package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/rules"
)

// Walked is the first-parent chain of a branch between two tips, oldest first.
type Walked struct {
	Commits []Landed
	// Rewritten is set when the old tip is not an ancestor of the new one: the
	// chain then begins where the two parted.
	Rewritten bool
	// Cut is set when GitHub lists fewer commits than there are.
	Cut bool
}

// Landed is one commit of a branch's first-parent chain.
type Landed struct {
	ID      string
	Parents []string
	Author  rules.Person
	At      time.Time // of the committer's clock
	Pull    int       // the merged pull request it belongs to; 0 for none
	Merged  bool      // it is that pull request's merge commit
}

type landedAnswer struct {
	SHA     string
	Parents []struct{ SHA string }
	Author  *restPerson
	Commit  struct {
		Committer struct{ Date time.Time }
	}
}

// Tip returns the commit a branch points at and the policy file there.
func (c *Client) Tip(ctx context.Context, p Place, branch string) (string, Policy, error) {
	blob, ref, err := c.policyBlob(ctx, p, branch)
	if err != nil {
		return "", Policy{}, err
	}
	if ref == nil {
		return "", Policy{}, fmt.Errorf("%w: branch %q", ErrGone, branch)
	}
	policy, err := c.policyOf(ctx, p, blob)
	policy.Commit = ref.Target.Oid
	return ref.Target.Oid, policy, err
}

// PolicyAt reads the policy file of a commit. ErrGone when there is no such commit,
// which is another thing than a commit without a policy.
func (c *Client) PolicyAt(ctx context.Context, p Place, commit string) (Policy, error) {
	owner, name, _ := strings.Cut(p.Repo, "/")
	var answer struct {
		Repository *struct {
			At         *struct{ Oid string }
			BasePolicy *blobAnswer
		}
	}
	query := `query PolicyAt($owner: String!, $name: String!, $commit: String!, $policy: String!) { repository(owner: $owner, name: $name) {
		at: object(expression: $commit) { oid }
		basePolicy: object(expression: $policy) { __typename oid ... on Blob { text byteSize isBinary isTruncated } } } }`
	_, err := c.graph(ctx, p, query, map[string]any{"owner": owner, "name": name, "commit": commit, "policy": commit + ":" + PolicyPath}, &answer)
	if err != nil {
		return Policy{}, err
	}
	if answer.Repository == nil || answer.Repository.At == nil {
		return Policy{}, fmt.Errorf("%w: commit %s", ErrGone, commit)
	}
	out, err := c.policyOf(ctx, p, answer.Repository.BasePolicy)
	out.Commit = answer.Repository.At.Oid
	return out, err
}

// Walk lists what landed on a branch since an earlier tip, and which pull request
// each commit came from.
func (c *Client) Walk(ctx context.Context, p Place, branch, before, after string) (*Walked, error) {
	all, w, err := c.between(ctx, p, before, after)
	if err != nil {
		return nil, err
	}
	for at := after; ; {
		k, ok := all[at]
		if !ok {
			break
		}
		w.Commits = append(w.Commits, k.landed())
		if len(k.Parents) == 0 {
			break
		}
		at = k.Parents[0].SHA
	}
	slices.Reverse(w.Commits)
	if err := c.attribute(ctx, p, branch, w.Commits); err != nil {
		return nil, err
	}
	explained(w.Commits)
	return w, nil
}

// explained takes the pull request from commits that it does not explain: all but
// its merge, and those right before it that were rebased with it. GitHub associates
// every commit that ever lay in a pull request, also one that was squashed there and
// is brought onto the branch later, by hand.
func explained(chain []Landed) {
	merged := 0 // the pull request whose merge comes next, with nothing of another between
	for i := range slices.Backward(chain) {
		k := &chain[i]
		switch {
		case k.Merged:
			merged = k.Pull
		case k.Pull != merged:
			merged, k.Pull = 0, 0
		}
	}
}

func (k *landedAnswer) landed() Landed {
	l := Landed{ID: k.SHA, Author: k.Author.person(), At: k.Commit.Committer.Date}
	for _, parent := range k.Parents {
		l.Parents = append(l.Parents, parent.SHA)
	}
	return l
}

// between reads every page of the commits of before..after.
func (c *Client) between(ctx context.Context, p Place, before, after string) (map[string]*landedAnswer, *Walked, error) {
	all, w := map[string]*landedAnswer{}, &Walked{}
	total := 0
	for page := 1; page != 0; {
		var answer struct {
			Status       string
			TotalCommits int `json:"total_commits"`
			Commits      []*landedAnswer
		}
		next, err := c.get(ctx, p, fmt.Sprintf("repos/%s/compare/%s...%s?per_page=100&page=%d", p.Repo, before, after, page), &answer)
		if err != nil {
			return nil, nil, fmt.Errorf("compare %s...%s, page %d: %w", before, after, page, err)
		}
		if answer.Status == "" {
			return nil, nil, fmt.Errorf("compare %s...%s, page %d: it does not say how the commits relate", before, after, page)
		}
		for _, k := range answer.Commits {
			if k != nil && k.SHA != "" && k.Parents != nil {
				all[k.SHA] = k
			}
		}
		w.Rewritten = answer.Status == "diverged" || answer.Status == "behind"
		total, page = answer.TotalCommits, next
	}
	// A parent that is left out would end the chain early, as if nothing else had
	// landed. Everything that is listed is in the history of the new tip.
	w.Cut = len(all) != total || reached(all, after) != total
	return all, w, nil
}

// reached counts the commits that can be reached from one of them.
func reached(all map[string]*landedAnswer, from string) int {
	seen, open := map[string]bool{}, []string{from}
	for len(open) > 0 {
		id := open[len(open)-1]
		open = open[:len(open)-1]
		if all[id] == nil || seen[id] {
			continue
		}
		seen[id] = true
		for _, parent := range all[id].Parents {
			open = append(open, parent.SHA)
		}
	}
	return len(seen)
}

// attribute asks which merged pull request each commit came from.
func (c *Client) attribute(ctx context.Context, p Place, branch string, commits []Landed) error {
	owner, name, _ := strings.Cut(p.Repo, "/")
	const most = 50 // commits a query
	for len(commits) > 0 {
		part := commits[:min(most, len(commits))]
		commits = commits[len(part):]
		var declare, body strings.Builder
		variables := map[string]any{"owner": owner, "name": name}
		for i, k := range part {
			fmt.Fprintf(&declare, ", $c%d: GitObjectID!", i)
			fmt.Fprintf(&body, " c%d: object(oid: $c%d) { ... on Commit { associatedPullRequests(first: 10) { nodes { number merged baseRefName mergeCommit { oid } } } } }", i, i)
			variables[fmt.Sprintf("c%d", i)] = k.ID
		}
		var answer struct{ Repository aliases }
		query := fmt.Sprintf("query Attribute($owner: String!, $name: String!%s) { repository(owner: $owner, name: $name) {%s } }", &declare, &body)
		if _, err := c.graph(ctx, p, query, variables, &answer); err != nil {
			return fmt.Errorf("ask which pull requests commits came from: %w", err)
		}
		for i := range part {
			if err := part[i].from(answer.Repository, i, branch); err != nil {
				return err
			}
		}
	}
	return nil
}

// from takes the pull request merged into this branch that the commit belongs to.
func (l *Landed) from(repo aliases, i int, branch string) error {
	var commit struct {
		AssociatedPullRequests *struct {
			Nodes []struct {
				Number      int
				Merged      bool
				BaseRefName string
				MergeCommit *struct{ Oid string }
			}
		}
	}
	if _, err := (partAnswer{raw: repo[fmt.Sprintf("c%d", i)]}).read(&commit); err != nil {
		return fmt.Errorf("read where commit %s came from: %w", l.ID, err)
	}
	if commit.AssociatedPullRequests == nil {
		return fmt.Errorf("GitHub does not say which pull requests commit %s came from", l.ID)
	}
	for _, n := range commit.AssociatedPullRequests.Nodes {
		if !n.Merged || n.BaseRefName != branch {
			continue
		}
		merged := n.MergeCommit != nil && n.MergeCommit.Oid == l.ID
		if l.Pull == 0 || merged {
			l.Pull, l.Merged = n.Number, merged
		}
	}
	return nil
}

// MergeBase returns the commit at which a commit left a branch. ErrGone when the
// two have nothing in common or one is not there.
func (c *Client) MergeBase(ctx context.Context, p Place, branch, commit string) (string, error) {
	d, err := c.compare(ctx, p, "refs/heads/"+branch, commit)
	if err != nil {
		return "", err
	}
	return d.MergeBase, nil
}

// Changed lists the files of one commit against its first parent. cut is set when
// GitHub lists fewer than there are.
func (c *Client) Changed(ctx context.Context, p Place, commit string) (files []rules.File, cut bool, err error) {
	d := &comparison{}
	for page := 1; page != 0 && page <= 30; {
		var answer struct {
			SHA   string
			Files []fileAnswer
		}
		next, err := c.get(ctx, p, fmt.Sprintf("repos/%s/commits/%s?per_page=100&page=%d", p.Repo, commit, page), &answer)
		if err != nil {
			return nil, false, fmt.Errorf("read commit %s, page %d: %w", commit, page, err)
		}
		if answer.SHA != commit {
			return nil, false, fmt.Errorf("read commit %s, page %d: the answer is about %q", commit, page, answer.SHA)
		}
		if err := named(answer.Files); err != nil {
			return nil, false, fmt.Errorf("read commit %s, page %d: %w", commit, page, err)
		}
		d.Files, page = append(d.Files, answer.Files...), next
		cut = next != 0
	}
	return d.rules(), cut, nil
}

// OpenPulls returns the numbers of a repository's open pull requests.
func (c *Client) OpenPulls(ctx context.Context, p Place) ([]int, error) {
	var out []int
	for page := 1; page != 0; {
		var pulls []struct{ Number int }
		next, err := c.get(ctx, p, fmt.Sprintf("repos/%s/pulls?state=open&per_page=100&page=%d", p.Repo, page), &pulls)
		if err != nil {
			return nil, fmt.Errorf("list open pull requests, page %d: %w", page, err)
		}
		for _, n := range pulls {
			out = append(out, n.Number)
		}
		page = next
	}
	return out, nil
}

// Repos returns every repository of every installation of the App. One that cannot
// be read is logged and left out, unless none can: it must not hide the others.
func (c *Client) Repos(ctx context.Context) ([]Place, error) {
	var out []Place
	var failed []error
	for page := 1; page != 0; {
		var installs []struct {
			ID          int64
			SuspendedAt *time.Time `json:"suspended_at"`
			Account     struct {
				ID    int64
				Login string
			}
		}
		q, err := c.app.NewRequest("GET", fmt.Sprintf("app/installations?per_page=100&page=%d", page), nil)
		if err != nil {
			return nil, err
		}
		r, err := c.app.Do(ctx, q, &installs)
		if err != nil {
			return nil, fmt.Errorf("list installations: %w", err)
		}
		for _, in := range installs {
			if in.SuspendedAt != nil {
				continue
			}
			repos, err := c.reposOf(ctx, Place{Installation: in.ID, OrgID: in.Account.ID, Org: in.Account.Login})
			if err != nil {
				failed = append(failed, err)
			}
			out = append(out, repos...)
		}
		page = r.NextPage
	}
	if len(out) == 0 {
		return nil, errors.Join(failed...)
	}
	for _, err := range failed {
		c.Log.Warn("left out of the sweep", "err", err)
	}
	return out, nil
}

func (c *Client) reposOf(ctx context.Context, p Place) ([]Place, error) {
	var out []Place
	for page := 1; page != 0; {
		var answer struct {
			Repositories []struct {
				ID       int64
				FullName string `json:"full_name"`
				Archived bool
			}
		}
		next, err := c.get(ctx, p, fmt.Sprintf("installation/repositories?per_page=100&page=%d", page), &answer)
		if err != nil {
			return nil, fmt.Errorf("list repositories of %s: %w", p.Org, err)
		}
		for _, r := range answer.Repositories {
			if !r.Archived {
				p.RepoID, p.Repo = r.ID, r.FullName
				out = append(out, p)
			}
		}
		page = next
	}
	return out, nil
}
