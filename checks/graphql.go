package checks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

// pullQuery reads what people did to a pull request, the policy of the branch it
// is believed to go into, and the policy file as it would leave it.
const pullQuery = `query Pull($owner: String!, $name: String!, $number: Int!, $base: String!, $policy: String!, $own: String!, $floor: String!, $commits: String, $reviews: String, $opinions: [PullRequestReviewState!], $tag: String!, $tagged: Boolean!) {
  floor: repository(owner: $owner, name: ".github", followRenames: false) {
    databaseId defaultBranchRef { name target { oid } } object(expression: $floor) { ...blob }
  }
  repository(owner: $owner, name: $name) {
    databaseId nameWithOwner
    defaultBranchRef { name }
    base: ref(qualifiedName: $base) { target { oid } }
    basePolicy: object(expression: $policy) { ...blob }
    ownPolicy: object(expression: $own) { ...blob }
    tag: ref(qualifiedName: $tag) @include(if: $tagged) { ` + tagFields + ` }
    pullRequest(number: $number) {
      title body url isDraft state merged mergedAt createdAt lastEditedAt changedFiles
      baseRefName baseRefOid headRefName headRefOid isCrossRepository headRepository { nameWithOwner }
      mergeCommit { oid parents(first: 1) { nodes { oid } } }
      mergedBy { ...actor }
      author { ...actor }
      assignees(first: 20) { totalCount nodes { login databaseId } }
      files(first: 100) { totalCount nodes { path changeType } }
      commits(first: 100, after: $commits) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { commit {
          oid message committedViaWeb
          parents(first: 10) { totalCount nodes { oid } }
          author { user { login databaseId } }
          committer { user { login databaseId } }
          signature { isValid wasSignedByGitHub }
        } }
      }
      reviews(first: 100, after: $reviews, states: $opinions) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { fullDatabaseId state submittedAt authorCanPushToRepository commit { oid } author { ...actor } }
      }
      comments(last: 30)` + commentFields + `
      timelineItems(last: 10, itemTypes: [BASE_REF_CHANGED_EVENT]) { filteredCount nodes { ... on BaseRefChangedEvent { createdAt currentRefName } } }
    }
  }
}
fragment blob on GitObject { __typename oid ... on Blob { text byteSize isBinary isTruncated } }
` + actorFragment

const actorFragment = `fragment actor on Actor { __typename login ... on User { databaseId } ... on Bot { databaseId } }`

type actorAnswer struct {
	Type       string `json:"__typename"`
	Login      string
	DatabaseID int64 `json:"databaseId"`
}

// whole reports whether the answer says what kind of account it is: a bot would look
// like a person.
func (a *actorAnswer) whole() bool { return a.Type != "" && a.Login != "" }

// named reports whether it says which account it is as well.
func (a *actorAnswer) named() bool {
	return a.whole() && (a.DatabaseID != 0 || a.Type != "User" && a.Type != "Bot")
}

// person is nobody when GitHub names nobody: a deleted account.
func (a *actorAnswer) person() rules.Person {
	if a == nil {
		return rules.Person{}
	}
	p := rules.Person{ID: a.DatabaseID, Login: a.Login, Bot: a.Type == "Bot" || strings.HasSuffix(a.Login, "[bot]")}
	if p.Bot && !strings.HasSuffix(p.Login, "[bot]") {
		p.Login += "[bot]" // GraphQL leaves it out, REST and people do not
	}
	return p
}

type pageInfo struct {
	HasNextPage bool
	EndCursor   string
}

// A connection is a page of a list. GitHub may put null for an entry it does not
// show, and for the whole list.
type connection[T any] struct {
	TotalCount *int
	PageInfo   pageInfo
	Nodes      []*T
}

// total is how many entries GitHub says there are, -1 if it does not say.
func (c *connection[T]) total() int {
	if c.TotalCount == nil {
		return -1
	}
	return *c.TotalCount
}

type commitAnswer struct {
	Oid             string
	Message         *string
	CommittedViaWeb bool
	Parents         connection[struct{ Oid string }]
	Author          *gitActor
	Committer       *gitActor
	Signature       *struct{ IsValid, WasSignedByGitHub bool }
}

type gitActor struct{ User *actorAnswer }

func (a *gitActor) person() rules.Person {
	if a == nil {
		return rules.Person{}
	}
	return a.User.person()
}

// whole reports whether the answer has what names a contributor, and all parents. A
// person that is null is an answer: GitHub knows nobody of that address.
func (k *commitAnswer) whole() bool {
	return k.Oid != "" && k.Message != nil && len(k.parents()) == k.Parents.total()
}

func (k *commitAnswer) parents() (ids []string) {
	for _, p := range k.Parents.Nodes {
		if p != nil && p.Oid != "" {
			ids = append(ids, p.Oid)
		}
	}
	return ids
}

// commit tells who made a commit. GitHub's own commits are known by its signature:
// the name alone can be written by anybody.
func (k *commitAnswer) commit() rules.Commit {
	return rules.Commit{
		ID: k.Oid, Parents: k.parents(), Author: k.Author.person(), Committer: k.Committer.person(),
		WebFlow: k.CommittedViaWeb && k.Signature != nil && k.Signature.IsValid && k.Signature.WasSignedByGitHub,
	}
}

type reviewAnswer struct {
	DatabaseID  int64  `json:"databaseId"`     // asked of an Enterprise Server
	FullID      string `json:"fullDatabaseId"` // asked of github.com
	State       string
	SubmittedAt *time.Time
	CanPush     bool `json:"authorCanPushToRepository"`
	Commit      *struct{ Oid string }
	Author      *actorAnswer
}

// whole reports whether the answer says what was said, when and by whom: a refusal
// without one of these would not be counted. An author that is null is an answer,
// that of a deleted account.
func (r *reviewAnswer) whole() bool {
	named := r.Author == nil || r.Author.named()
	said := r.State == "PENDING" || r.SubmittedAt != nil &&
		slices.Contains([]string{"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED"}, r.State)
	return named && said && r.id() != 0
}

func (r *reviewAnswer) id() int64 {
	if id, err := strconv.ParseInt(r.FullID, 10, 64); err == nil {
		return id
	}
	return r.DatabaseID
}

func (r *reviewAnswer) review() rules.Review {
	out := rules.Review{ID: r.id(), By: r.Author.person(), State: strings.ToUpper(r.State)}
	if r.SubmittedAt != nil {
		out.At = *r.SubmittedAt
	}
	if r.Commit != nil {
		out.Commit = r.Commit.Oid
	}
	if r.CanPush {
		out.Permission = "write"
	}
	return out
}

type mergedAnswer struct {
	Oid     string
	Parents struct{ Nodes []struct{ Oid string } }
}

// parent is what stood on the branch before a merge; empty when GitHub does not say.
func (m *mergedAnswer) parent() string {
	if len(m.Parents.Nodes) == 0 {
		return ""
	}
	return m.Parents.Nodes[0].Oid
}

type retargetAnswer struct {
	CreatedAt      time.Time
	CurrentRefName string
}

type refAnswer struct {
	Target struct{ Oid string }
}

type prAnswer struct {
	At               time.Time    `json:"-"` // of GitHub's clock
	Floor            *floorAnswer `json:"-"` // nil when its repository is not shown
	DatabaseID       int64        `json:"databaseId"`
	NameWithOwner    string
	DefaultBranchRef struct{ Name string }
	Base             *refAnswer
	BasePolicy       *blobAnswer
	OwnPolicy        *blobAnswer
	Tag              *tagAnswer
	PullRequest      struct {
		Title, Body, URL, State string
		IsDraft, Merged         bool
		MergedAt, LastEditedAt  *time.Time
		CreatedAt               time.Time
		ChangedFiles            int
		BaseRefName, BaseRefOid string
		HeadRefName, HeadRefOid string
		IsCrossRepository       *bool
		HeadRepository          *struct{ NameWithOwner string } // null when the fork was deleted
		MergeCommit             *mergedAnswer
		MergedBy, Author        *actorAnswer
		Assignees               connection[actorAnswer]
		Files                   connection[struct{ Path, ChangeType string }]
		Commits                 connection[struct{ Commit commitAnswer }]
		Reviews                 connection[reviewAnswer]
		Comments                commentsAnswer
		TimelineItems           struct {
			FilteredCount *int
			Nodes         []*retargetAnswer
		}
	}
}

// lacks names what GitHub's schema promises and the answer does not have; empty if
// nothing. Where it is null something was not read.
func (r *prAnswer) lacks() string {
	p := &r.PullRequest
	for _, f := range []struct {
		name  string
		there bool
	}{
		{"databaseId", r.DatabaseID != 0}, {"nameWithOwner", r.NameWithOwner != ""}, {"defaultBranchRef", r.DefaultBranchRef.Name != ""},
		{"base", r.Base == nil || r.Base.Target.Oid != ""}, {"baseRefName", p.BaseRefName != ""}, {"baseRefOid", p.BaseRefOid != ""}, {"isCrossRepository", p.IsCrossRepository != nil},
		{"createdAt", !p.CreatedAt.IsZero()}, {"author", p.Author == nil || p.Author.whole()}, {"state", p.State != ""}, {"merged", p.Merged == (p.State == "MERGED")},
	} {
		if !f.there {
			return f.name
		}
	}
	return ""
}

// maxPages bounds how many pages of commits or reviews are read. What is beyond
// is a gap.
const maxPages = 20

// mostReviews is how many reviews are read with those that only comment. Every comment
// in a file is a review of its own, and anybody who can read can write thousands, to
// hold a pull request back or to use up the quota. They change nothing (CONTRACT §4).
const mostReviews = 500

// readPull asks for a pull request and for every page of its commits and reviews.
func (c *Client) readPull(ctx context.Context, w Wake, floorBranch, tag string) (*prAnswer, error) {
	account, name, _ := strings.Cut(w.Place.Repo, "/")
	variables := map[string]any{
		"owner": account, "name": name, "number": w.Number, "base": "refs/heads/" + w.Base,
		"policy": "refs/heads/" + w.Base + ":" + PolicyPath,
		"own":    fmt.Sprintf("refs/pull/%d/head:%s", w.Number, PolicyPath),
		"floor":  "refs/heads/" + floorBranch + ":" + PolicyPath,
		"tag":    "refs/tags/" + tag, "tagged": tag != "",
	}
	var first *prAnswer
	for range maxPages {
		page, err := c.readPage(ctx, w, variables)
		if err != nil {
			return nil, err
		}
		if o := owner(page.NameWithOwner); !strings.EqualFold(o, variables["owner"].(string)) {
			// Transferred: the policy of the organisation that it left says nothing.
			variables["owner"], variables["name"] = o, strings.TrimPrefix(page.NameWithOwner, o+"/")
			continue
		}
		if page.PullRequest.Reviews.total() > mostReviews && variables["opinions"] == nil {
			first = nil
			delete(variables, "commits")
			delete(variables, "reviews")
			variables["opinions"] = []string{"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}
			continue
		}
		if first == nil {
			first = page
		} else if err := first.join(page, variables["commits"] != nil, variables["reviews"] != nil); err != nil {
			return nil, err
		}
		if !page.turn(variables) {
			break
		}
	}
	if first == nil {
		return nil, errMoved
	}
	return first, nil
}

// query is a query for this GitHub. The ids of reviews and comments on github.com have
// outgrown GraphQL's Int; those of an Enterprise Server have not, and an older one
// does not know the wider field, which would fail the whole query.
func (c *Client) query(q string) string {
	if c.base == nil {
		return q
	}
	return strings.ReplaceAll(q, "fullDatabaseId", "databaseId")
}

// readPage asks for a pull request once.
func (c *Client) readPage(ctx context.Context, w Wake, variables map[string]any) (*prAnswer, error) {
	var answer struct {
		Repository *prAnswer
		Floor      *floorAnswer
	}
	at, errs, err := c.graphAt(ctx, w.Place, c.query(pullQuery), variables, &answer, "NOT_FOUND")
	if err != nil {
		return nil, err
	}
	hidden, others := floorHidden(errs)
	if others > 0 || answer.Repository == nil || answer.Repository.PullRequest.HeadRefOid == "" {
		return nil, fmt.Errorf("%w: %s#%d", ErrGone, w.Place.Repo, w.Number)
	}
	lacks := answer.Repository.lacks()
	if lacks == "" && (answer.Floor == nil) != hidden || answer.Floor != nil && !answer.Floor.whole() {
		lacks = "floor"
	}
	if lacks != "" {
		return nil, fmt.Errorf("read GraphQL data: it lacks %s", lacks)
	}
	answer.Repository.At, answer.Repository.Floor = at, answer.Floor
	return answer.Repository, nil
}

// owner is the account in a repository's whole name.
func owner(repo string) string {
	account, _, _ := strings.Cut(repo, "/")
	return account
}

// join adds a further page of commits and reviews. Pages of different moments do not
// belong together.
func (r *prAnswer) join(next *prAnswer, commits, reviews bool) error {
	p, n := &r.PullRequest, &next.PullRequest
	if n.HeadRefOid != p.HeadRefOid || n.Commits.total() != p.Commits.total() || n.Reviews.total() != p.Reviews.total() {
		return errMoved
	}
	if commits {
		p.Commits.Nodes = append(p.Commits.Nodes, n.Commits.Nodes...)
	}
	if reviews {
		p.Reviews.Nodes = append(p.Reviews.Nodes, n.Reviews.Nodes...)
	}
	return nil
}

// turn sets the query's variables to the next page and reports whether there is one.
// A list that has ended is asked again for what it ended with, which is nothing.
func (r *prAnswer) turn(variables map[string]any) (more bool) {
	for key, info := range map[string]pageInfo{"commits": r.PullRequest.Commits.PageInfo, "reviews": r.PullRequest.Reviews.PageInfo} {
		if info.EndCursor != "" {
			variables[key] = info.EndCursor
		}
		more = more || info.HasNextPage
	}
	return more
}
