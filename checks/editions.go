package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"changegate/rules"
)

// editionsPage is how many changes of a manifest one answer lists, and one query reads.
const editionsPage = 50

// A manifestLog is what a manifest was on the base branch. It is read in three steps:
// which commits changed it, what each left of it and how it came onto the branch, and what
// the merges left that brought them.
type manifestLog struct {
	All []edition
	Cut bool // older ones were not read

	listed []revision
	merges []revision // that brought some of them, to be read in their place
	done   bool
}

// A revision is a commit that changed a manifest, while it is read.
type revision struct {
	edition
	at    time.Time // committer's clock
	merge *revision // that brought it onto the base branch by a merge commit; nil when nothing did
	is    bool      // edition is read
}

// wantEditions reads a manifest's history up to the base branch's tip, and asks for the
// next part of it. What a commit has behind it never changes.
func (g *gathering) wantEditions(ctx context.Context, q *lookup, file string) (*manifestLog, error) {
	key := fmt.Sprintf("editions/2/%d/%s/%s", g.out.Place.RepoID, g.out.Change.Base.Commit, file)
	past := g.agents.past[file]
	if past == nil {
		past = &manifestLog{}
		g.agents.past[file] = past
		if data, ok := g.c.Cache.Get(ctx, key); ok && json.Unmarshal(data, past) == nil {
			past.done = true
			return past, nil
		}
		if err := g.listEditions(ctx, past, file); err != nil {
			return nil, fmt.Errorf("list what changed %s: %w", file, err)
		}
	}
	if past.done {
		return past, nil
	}
	if some := unread(past.listed); len(some) > 0 {
		g.wantRevisions(q, past, some, file, true)
		return past, nil
	}
	if some := unread(past.merges); len(some) > 0 {
		g.wantRevisions(q, past, some, file, false)
		return past, nil
	}
	past.settle()
	data, err := json.Marshal(past)
	if err == nil {
		g.c.Cache.Put(ctx, key, data)
	}
	return past, err
}

// listEditions lists the commits that changed a file, newest first (GitHub REST, "List
// commits", path), as git log finds them.
func (g *gathering) listEditions(ctx context.Context, past *manifestLog, file string) error {
	for page := 1; page != 0; {
		var answer []struct {
			SHA     string
			Parents []struct{ SHA string }
			Commit  struct{ Committer struct{ Date time.Time } }
		}
		next, err := g.c.get(ctx, g.out.Place, fmt.Sprintf("repos/%s/commits?sha=%s&path=%s&per_page=%d&page=%d",
			g.out.Place.Repo, g.out.Change.Base.Commit, url.QueryEscape(file), editionsPage, page), &answer)
		if err != nil {
			return err
		}
		for _, k := range answer {
			if !objectID.MatchString(k.SHA) || k.Parents == nil {
				return fmt.Errorf("page %d has a commit without an id or parents", page)
			}
			r := revision{edition: edition{Commit: k.SHA}, at: k.Commit.Committer.Date}
			if len(k.Parents) > 0 {
				r.Parent = k.Parents[0].SHA
			}
			past.listed = append(past.listed, r)
		}
		if page = next; len(past.listed) >= mostEditions && next != 0 {
			past.listed, past.Cut, page = past.listed[:mostEditions], true, 0
		}
	}
	return nil
}

// unread are the first of those that are to be read, as many as one query takes.
func unread(all []revision) []*revision {
	var some []*revision
	for i := range all {
		if !all[i].is && len(some) < editionsPage {
			some = append(some, &all[i])
		}
	}
	return some
}

// wantRevisions asks for what commits and their first parents have of a file, and where
// whose is to be known by which pull request each came.
func (g *gathering) wantRevisions(q *lookup, past *manifestLog, some []*revision, file string, whose bool) {
	for _, r := range some {
		q.revision(r.Commit, file, func(b *blobAnswer) error {
			r.is = true
			if b != nil && b.Type == "Blob" {
				r.Blob, r.Version = b.Oid, b.manifestVersion()
			}
			return nil
		})
		if r.Parent != "" {
			q.revision(r.Parent, file, func(b *blobAnswer) error {
				if b != nil && b.Type == "Blob" {
					r.Was = b.Oid
				}
				return nil
			})
		}
		if whose {
			g.wantBringer(q, past, r)
		}
	}
}

// revision asks for what a commit has at a path; nil when there is nothing.
func (q *lookup) revision(commit, file string, take func(*blobAnswer) error) {
	q.parts = append(q.parts, part{
		alias: fmt.Sprintf("revision%d", len(q.parts)), values: []string{commit + ":" + file},
		field: "object(expression: %s) { __typename oid ... on Blob { text byteSize isBinary isTruncated } }",
		take: func(a partAnswer) error {
			var b blobAnswer
			found, err := a.read(&b)
			switch {
			case err != nil:
				return err
			case !found:
				return take(nil)
			case !objectID.MatchString(b.Oid):
				return fmt.Errorf("the answer does not say what %s has", commit)
			}
			return take(&b)
		},
	})
}

// manifestVersion is the version in a text. One that is not what its id names was converted
// by GitHub, and is none that the rules read.
func (b *blobAnswer) manifestVersion() string {
	if b.Text == nil {
		return ""
	}
	for _, text := range []string{*b.Text, "\ufeff" + *b.Text} {
		if isBlob(b.Oid, text) {
			return rules.ManifestVersion(manifestText([]byte(text)))
		}
	}
	return ""
}

// wantBringer asks which merge commit brought a commit onto the base branch. What was on
// the pull request's branch before that never stood on the base branch: what the merge
// left is read in its place.
func (g *gathering) wantBringer(q *lookup, past *manifestLog, r *revision) {
	q.parts = append(q.parts, part{
		alias: fmt.Sprintf("bringer%d", len(q.parts)), values: []string{r.Commit},
		field: "object(expression: %s) { ... on Commit { associatedPullRequests(first: 10) { nodes { merged baseRefName mergeCommit { oid committedDate parents(first: 2) { nodes { oid } } } } } } }",
		take: func(a partAnswer) error {
			var k struct {
				AssociatedPullRequests *struct {
					Nodes []*struct {
						Merged      bool
						BaseRefName string
						MergeCommit *mergeAnswer
					}
				}
			}
			if _, err := a.read(&k); err != nil || k.AssociatedPullRequests == nil {
				return fmt.Errorf("GitHub does not say which pull requests commit %s came from: %w", r.Commit, err)
			}
			for _, n := range k.AssociatedPullRequests.Nodes {
				if n != nil && n.Merged && n.BaseRefName == g.out.Change.Base.Branch && n.MergeCommit.brought(r.Commit) {
					r.merge = past.bring(n.MergeCommit)
				}
			}
			return nil
		},
	})
}

// A mergeAnswer is the commit that a merge left on its branch.
type mergeAnswer struct {
	Oid           string
	CommittedDate time.Time
	Parents       struct{ Nodes []struct{ Oid string } }
}

// brought reports a merge commit other than the commit: a squash or rebase leaves what it
// brings on the branch itself.
func (m *mergeAnswer) brought(commit string) bool {
	return m != nil && m.Oid != commit && len(m.Parents.Nodes) > 1
}

// bring is the merge to be read, once.
func (past *manifestLog) bring(m *mergeAnswer) *revision {
	for _, all := range [][]revision{past.listed, past.merges} {
		if i := slices.IndexFunc(all, func(r revision) bool { return r.Commit == m.Oid }); i >= 0 {
			return &all[i]
		}
	}
	if past.merges == nil {
		past.merges = make([]revision, 0, len(past.listed)) // pointers into it stay
	}
	past.merges = append(past.merges, revision{edition: edition{Commit: m.Oid, Parent: m.Parents.Nodes[0].Oid}, at: m.CommittedDate})
	return &past.merges[len(past.merges)-1]
}

// settle puts the merges in the place of what they brought.
func (past *manifestLog) settle() {
	var all []revision
	for _, r := range past.listed {
		if r.merge == nil {
			all = append(all, r)
		}
	}
	merges := slices.Clone(past.merges)
	slices.Reverse(merges) // oldest first, so that each finds what it replaced
	slices.SortStableFunc(merges, func(a, b revision) int { return a.at.Compare(b.at) })
	for _, m := range merges {
		if m.Blob != m.Was { // else what was changed on the pull request's branch was changed back there
			all = slices.Insert(all, m.place(all), m)
		}
	}
	past.All, past.done = nil, true
	for _, r := range all {
		past.All = append(past.All, r.edition)
	}
}

// place is where a merge comes among changes that are newest first: before the one whose
// content it replaced. Dates alone would not do, some are of the same second.
func (m *revision) place(all []revision) int {
	for _, before := range []func(revision) bool{
		func(r revision) bool { return r.Blob == m.Was && !r.at.After(m.at) },
		func(r revision) bool { return r.at.Before(m.at) },
	} {
		if i := slices.IndexFunc(all, before); i >= 0 {
			return i
		}
	}
	return len(all)
}
