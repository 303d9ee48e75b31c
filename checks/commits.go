package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"changegate/rules"
)

// maxCommits bounds how many commits of a pull request are read. GraphQL and a
// comparison without pages stop at 250, a comparison in pages lists all of them
// (GitHub REST, "Compare two commits").
const maxCommits = 1000

// webFlow is the account in whose name GitHub itself makes commits.
const webFlow = "web-flow"

// A restCommit is a commit as REST gives it. Author and committer are null when
// GitHub knows nobody of the address.
type restCommit struct {
	SHA               string
	Parents           []struct{ SHA string }
	Author, Committer *restPerson
	Commit            *struct {
		Message      *string
		Verification *struct{ Verified bool }
	}
}

// whole reports whether the answer has what names a contributor.
func (k *restCommit) whole() bool {
	return k != nil && k.SHA != "" && k.Commit != nil && k.Commit.Message != nil && k.Parents != nil &&
		!slices.ContainsFunc(k.Parents, func(p struct{ SHA string }) bool { return p.SHA == "" })
}

// A listedCommit is a commit without its co-authors, and the end of its message,
// which names them.
type listedCommit struct {
	rules.Commit
	Trailers string
}

// listed says the same as GraphQL's commitAnswer. GitHub's own commits are known by
// its signature, which REST shows as verified and in the name of web-flow.
func (k *restCommit) listed() listedCommit {
	out := rules.Commit{ID: k.SHA, Author: k.Author.person(), Committer: k.Committer.person()}
	for _, p := range k.Parents {
		out.Parents = append(out.Parents, p.SHA)
	}
	out.WebFlow = k.Commit.Verification != nil && k.Commit.Verification.Verified && out.Committer.Login == webFlow
	return listedCommit{out, lastParagraph(*k.Commit.Message)}
}

// commitsOf leaves out what is not whole: it is missed where commits are counted.
func commitsOf(list []*restCommit) []listedCommit {
	var out []listedCommit
	for _, k := range list {
		if k.whole() {
			out = append(out, k.listed())
		}
	}
	return out
}

// commits completes what GraphQL lists: with the people it does not name, and with
// the commits that are missing.
func (g *gathering) commits(ctx context.Context) error {
	c := &g.out.Change
	total := g.pr.PullRequest.Commits.total()
	most := max(total, g.diff.Ahead)
	if len(g.diff.Commits) < g.diff.Ahead {
		all, err := g.c.commitsBetween(ctx, g.out.Place, c.Base.Commit, c.Head.Commit)
		if err != nil {
			return err
		}
		g.diff.Commits = all
	}
	g.join(g.diff.Commits)
	switch {
	case total < 0 || most == 0:
		g.gap("commits", "GitHub does not say how many there are, or lists none")
	case len(c.Commits) < most:
		g.whole("commits", len(c.Commits), most)
	}
	return nil
}

// join adds the commits that are not there yet. Those that are get the names that
// GraphQL leaves out: it names no bots, and not GitHub itself. Nobody is named by an
// address alone.
func (g *gathering) join(list []listedCommit) {
	c := &g.out.Change
	at := make(map[string]int, len(c.Commits))
	for i, k := range c.Commits {
		at[k.ID] = i
	}
	for _, k := range list {
		i, there := at[k.ID]
		if !there {
			at[k.ID] = len(c.Commits)
			g.credit(&k.Commit, k.Trailers)
			c.Commits = append(c.Commits, k.Commit)
			continue
		}
		had := &c.Commits[i]
		if had.Author.ID == 0 {
			had.Author = k.Author
		}
		if had.Committer.ID == 0 {
			had.Committer = k.Committer
		}
	}
}

// commitsBetween reads the pages of a comparison's commits, maxCommits at most.
// Between two commit ids they never change.
func (c *Client) commitsBetween(ctx context.Context, p Place, base, head string) ([]listedCommit, error) {
	key := fmt.Sprintf("commits/%d/%s/%s", p.RepoID, base, head)
	var all []listedCommit
	if data, ok := c.Cache.Get(ctx, key); ok && json.Unmarshal(data, &all) == nil {
		return all, nil
	}
	total := -1
	for page := 1; page != 0 && len(all) < maxCommits; {
		var answer struct {
			TotalCommits *int `json:"total_commits"`
			Commits      []*restCommit
		}
		next, err := c.get(ctx, p, fmt.Sprintf("repos/%s/compare/%s...%s?per_page=100&page=%d", p.Repo, base, head, page), &answer)
		if err != nil {
			return nil, fmt.Errorf("read commits of %s...%s, page %d: %w", base, head, page, err)
		}
		if answer.TotalCommits != nil {
			total = *answer.TotalCommits
		}
		all, page = append(all, commitsOf(answer.Commits)...), next
	}
	if data, err := json.Marshal(all); err == nil && len(all) == total {
		c.Cache.Put(ctx, key, data)
	}
	return all, nil
}
