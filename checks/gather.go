package checks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"changegate/rules"
)

// errMoved says that the pull request changed while it was read.
var errMoved = errors.New("the pull request changed while it was read")

// gathering is one reading on its way.
type gathering struct {
	c     *Client
	w     Wake
	known Known
	pr    *prAnswer
	out   *Gathered
	diff  *comparison
	pol   *rules.Policy // nil when the policy does not load
	again bool          // the pull request changed during the first try

	trees   *forest          // git trees of this reading
	lists   []rules.Revision // of the head, and those to compare it with
	folders *listings        // of their commits, and of those that a rollback is made of

	to       *pointer // where rollback.to points; nil when nothing asks
	released *pointer // the version that may be suggested; nil when there is none

	agents *versions // nil until they are looked for

	shared      []string // commits with co-authors whom only GitHub can name
	unread      int      // change requests in files that are being asked for
	ownersAsked int      // places of CODEOWNERS that are being asked for
}

// Gather reads a pull request: one GraphQL query for what people did, one
// comparison for what changed, and only if the policy or the change request asks, one
// look-up of roles, contents and what a rollback leaves. ErrGone when it is not there;
// every other error may pass by itself.
func (c *Client) Gather(ctx context.Context, w Wake, known Known) (*Gathered, error) {
	for try := 0; ; try++ {
		g := &gathering{c: c, w: w, known: known, again: try > 0, trees: c.forest()}
		err := g.run(ctx)
		if errors.Is(err, errMoved) && try == 0 {
			continue
		}
		if err != nil {
			return nil, err
		}
		return g.out, nil
	}
}

func (g *gathering) run(ctx context.Context) error {
	var err error
	if g.pr, err = g.c.readPull(ctx, g.w, g.floorBranch(), g.known.Tag); err != nil {
		return fmt.Errorf("read pull request: %w", err)
	}
	if g.w.RepoID != 0 && g.pr.DatabaseID != g.w.RepoID {
		return fmt.Errorf("%w: %s is another repository now", ErrGone, g.w.Repo)
	}
	g.out = &Gathered{Known: g.known}
	g.take()
	g.retargeted()
	if err := g.policy(ctx); err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	if g.out.Policy.State == PolicyAbsent && g.out.Merge == nil {
		return nil // not enrolled: nothing else is anybody's business
	}
	if g.pol != nil && !g.pol.Watches(g.out.Change.Base.Branch, g.out.Change.DefaultBranch) && g.out.Merge == nil {
		return nil
	}
	for _, step := range []func(context.Context) error{g.files, g.lookups, g.settle, g.idle, g.checks, g.target, g.comments} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// take copies what the pull request's own answer says.
func (g *gathering) take() {
	r, p := g.pr, &g.pr.PullRequest
	o, c := g.out, &g.out.Change
	o.Place = g.w.Place
	o.Place.RepoID, o.Place.Repo = r.DatabaseID, r.NameWithOwner
	g.trees.place = o.Place
	g.folders = g.c.listings(o.Place)
	o.Now = r.At
	o.Title, o.Body, o.URL, o.EditedAt, o.OpenedAt = p.Title, p.Body, p.URL, p.CreatedAt, p.CreatedAt
	if p.LastEditedAt != nil {
		o.EditedAt = *p.LastEditedAt
	}
	c.Edition = rules.Edition
	c.Ref = rules.Ref{RepoID: r.DatabaseID, Repo: r.NameWithOwner, Number: g.w.Number}
	c.State, c.Draft = strings.ToLower(p.State), p.IsDraft
	c.Base = rules.Point{Branch: p.BaseRefName, Commit: p.BaseRefOid}
	c.Head = rules.Point{Branch: p.HeadRefName, Commit: p.HeadRefOid}
	c.DefaultBranch = r.DefaultBranchRef.Name
	if o.Fork = *p.IsCrossRepository; p.HeadRepository != nil {
		o.HeadRepo = p.HeadRepository.NameWithOwner
	}
	c.Author = p.Author.person()
	g.attributed()
	for _, n := range p.Commits.Nodes {
		if n != nil && n.Commit.whole() {
			k := n.Commit.commit()
			g.credit(&k, *n.Commit.Message)
			c.Commits = append(c.Commits, k)
		}
	}
	for _, n := range p.Reviews.Nodes {
		if n != nil && n.whole() {
			w := n.review()
			c.Reviews, o.came = append(c.Reviews, w), append(o.came, w.Permission)
		}
	}
	c.Requests = rules.RequestsIn(p.Body)
	if p.Merged && p.MergeCommit != nil && p.MergedAt != nil {
		o.Merge = &Merge{Commit: p.MergeCommit.Oid, Parent: p.MergeCommit.parent(), By: p.MergedBy.person(), At: *p.MergedAt}
	}
	g.whole("reviews", len(c.Reviews), p.Reviews.total())
}

func (g *gathering) gap(what, says string) {
	g.out.Change.Gaps = append(g.out.Change.Gaps, rules.Gap{What: what, Says: says})
}

// whole notes a list that is shorter than GitHub says it is.
func (g *gathering) whole(what string, have, want int) {
	switch {
	case want < 0:
		g.gap(what, "GitHub does not say how many there are")
	case have != want:
		g.gap(what, fmt.Sprintf("%d of %d could be read", have, want))
	}
}

// policy reads the policy of the base branch: it came with the pull request if
// the hint of the base branch was right.
func (g *gathering) policy(ctx context.Context) error {
	p := &g.pr.PullRequest
	blob, err := g.pr.BasePolicy, error(nil)
	tip := g.pr.Base
	if g.w.Base != p.BaseRefName {
		if blob, tip, err = g.c.policyBlob(ctx, g.w.Place, p.BaseRefName); err != nil {
			return err
		}
	}
	if tip == nil && g.out.Merge == nil {
		return fmt.Errorf("base branch %q has no tip", p.BaseRefName)
	}
	if g.out.Policy, err = g.c.policyOf(ctx, g.w.Place, blob); err != nil {
		return err
	}
	if tip != nil {
		g.out.Policy.Commit = tip.Target.Oid
		if g.out.Merge == nil {
			// baseRefOid is the branch as it was when the head was last pushed. A pull request
			// that takes back what was merged since would change nothing, compared with that.
			g.out.Change.Base.Commit = tip.Target.Oid
		}
	}
	if err := g.floor(ctx); err != nil {
		return err
	}
	g.pol, _ = rules.Load(g.out.Policy.Data, g.out.Change.Floor)
	return nil
}

// checks reads the newest result of every name and App on the head, if the policy
// requires any.
func (g *gathering) checks(ctx context.Context) error {
	if g.pol == nil || !g.pol.Sources().Checks {
		return nil
	}
	type run struct {
		ID                 int64
		Name               string
		Status, Conclusion string
		App                struct{ Slug string }
	}
	newest := map[rules.RequiredCheck]run{}
	total, seen := 0, 0
	for page := 1; page != 0; {
		var answer struct {
			TotalCount int   `json:"total_count"`
			CheckRuns  []run `json:"check_runs"`
		}
		next, err := g.c.get(ctx, g.out.Place, fmt.Sprintf("repos/%s/commits/%s/check-runs?per_page=100&page=%d", g.out.Place.Repo, g.out.Change.Head.Commit, page), &answer)
		if err != nil {
			return fmt.Errorf("read check runs: %w", err)
		}
		for _, r := range answer.CheckRuns {
			if r.ID == 0 || r.Name == "" {
				continue // missed below: it may be newer than one that is counted
			}
			seen++
			key := rules.RequiredCheck{Name: r.Name, App: r.App.Slug}
			if old, ok := newest[key]; !ok || r.ID > old.ID {
				newest[key] = r
			}
		}
		total, page = answer.TotalCount, next
	}
	g.whole("checks", seen, total)
	for key, r := range newest {
		g.out.Change.Checks = append(g.out.Change.Checks, rules.Check{Name: key.Name, App: key.App, Status: r.Status, Conclusion: r.Conclusion})
	}
	slices.SortFunc(g.out.Change.Checks, func(a, b rules.Check) int { return strings.Compare(a.App+" "+a.Name, b.App+" "+b.Name) })
	return nil
}

// abbreviated is what may be a commit's id; seven digits are git's shortest.
var abbreviated = regexp.MustCompile(`^[0-9a-f]{7,64}$`)
