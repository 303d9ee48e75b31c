package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// mostBranches is how many names of branches a rollback is looked for under.
const mostBranches = 5

// A Restoring is what taking a change back comes to on its branch as it is now.
type Restoring struct {
	Rollback
	Tip    string // of the branch
	Target *rules.Target
	// Open and URL are the pull request that does it already, 0 if none.
	Open int
	URL  string
	// Parent is what stood at the paths of the plan before the merge.
	Parent map[string]rules.Entry

	recordedOnly bool // GitHub was not asked what the branch has

	tree   string   // of Tip
	refs   []branch // of the names a rollback's branch may have, in their order
	opened []opened // from them
}

// A branch is one that may be there.
type branch struct {
	there        bool
	tree, parent string // of the commit on it; no parent unless it has exactly one
}

// Restore works out what taking a change back comes to on the branch as it is now. It
// changes nothing. An error wraps ErrGone when the branch is gone.
func (c *Client) Restore(ctx context.Context, p Place, r Rollback) (*Restoring, error) {
	x := &Restoring{Rollback: r}
	self, err := c.Self(ctx)
	if err == nil {
		err = c.readRefs(ctx, p, x, self)
	}
	if err == nil {
		x.Before = x.Tip
		x.Target, err = c.verifyNow(ctx, p, r.Plan, x.Tip)
	}
	if err == nil {
		err = c.findOpen(ctx, p, x)
	}
	if err == nil && r.Plan.Parent != "" {
		x.Parent, err = c.At(ctx, p, r.Plan.Parent, x.paths())
	}
	if err != nil {
		return nil, fmt.Errorf("work out the rollback of %s in %s: %w", r.Plan.ID(), p.Repo, err)
	}
	return x, nil
}

// verifyNow verifies a plan without anything that was found before.
func (c *Client) verifyNow(ctx context.Context, p Place, plan rules.Plan, tip string) (*rules.Target, error) {
	within, err := c.Within(ctx, p, plan.Commit, tip)
	if err != nil {
		return nil, err
	}
	return c.Verify(ctx, p, plan, tip, within)
}

// Recorded is what taking a change back came to when its plan was last verified, at the
// commit tip of its branch: nobody is asked what the branch has now.
func Recorded(r Rollback, tip string) *Restoring {
	x := &Restoring{Rollback: r, Tip: tip, recordedOnly: true, Target: &rules.Target{
		To: r.Plan.To, Form: r.Plan.Form, Commit: r.Plan.Commit, InBase: true, Files: r.Plan.Files}}
	x.Before, x.Parent = tip, map[string]rules.Entry{}
	for _, f := range r.Plan.Files {
		x.Parent[f.Path] = f.Back // what a revert leaves is what stood there before
	}
	return x
}

// readRefs reads in one call where the branch is, and what is there already of a
// rollback of this change.
func (c *Client) readRefs(ctx context.Context, p Place, x *Restoring, self string) error {
	query, variables := x.refsQuery(p)
	var answer struct{ Repository aliases }
	if _, err := c.graph(ctx, p, query, variables, &answer); err != nil {
		return err
	}
	var tip placeAnswer
	if found, err := (partAnswer{raw: answer.Repository["base"]}).read(&tip); err != nil || !found {
		return orGone(err, "branch "+x.Branch)
	}
	x.Tip, x.tree = tip.Target.Oid, tip.Target.Tree.Oid
	if x.Tip == "" || x.tree == "" {
		return fmt.Errorf("the answer does not say where %s is", x.Branch)
	}
	for n := range mostBranches {
		if err := x.readRef(answer.Repository, n+1, self); err != nil {
			return err
		}
	}
	return nil
}

func orGone(err error, what string) error {
	if err == nil {
		err = fmt.Errorf("%w: %s", ErrGone, what)
	}
	return err
}

// placeAnswer is a branch and the commit on it.
type placeAnswer struct {
	Target struct {
		Oid     string
		Tree    struct{ Oid string }
		Parents struct{ Nodes []struct{ Oid string } }
	}
}

// A rollbackAnswer is a pull request from a branch that is called like ours.
type rollbackAnswer struct {
	Number            int
	URL               string
	HeadRefOid        string
	BaseRefName       string
	IsCrossRepository bool
	Author            *actorAnswer
}

func (x *Restoring) refsQuery(p Place) (string, map[string]any) {
	owner, name, _ := strings.Cut(p.Repo, "/")
	variables := map[string]any{"owner": owner, "name": name, "base": "refs/heads/" + x.Branch}
	var declare, body strings.Builder
	for n := 1; n <= mostBranches; n++ {
		variables[fmt.Sprintf("h%d", n)] = rules.RollbackBranch(x.Plan.Change, n)
		variables[fmt.Sprintf("q%d", n)] = "refs/heads/" + rules.RollbackBranch(x.Plan.Change, n)
		fmt.Fprintf(&declare, ", $h%d: String!, $q%d: String!", n, n)
		fmt.Fprintf(&body, " ref%d: ref(qualifiedName: $q%d) { target { oid ... on Commit { tree { oid } parents(first: 2) { nodes { oid } } } } }", n, n)
		fmt.Fprintf(&body, " pulls%d: pullRequests(headRefName: $h%d, states: [OPEN], first: 20) { nodes { number url headRefOid baseRefName isCrossRepository author { __typename login } } }", n, n)
	}
	return fmt.Sprintf("query Rollback($owner: String!, $name: String!, $base: String!%s) { repository(owner: $owner, name: $name) { base: ref(qualifiedName: $base) { target { oid ... on Commit { tree { oid } } } }%s } }",
		&declare, &body), variables
}

// readRef takes the n-th branch and the pull requests from branches of its name. One
// counts only when the App itself opened it from this repository: everybody may call the
// branch of a fork as they like.
func (x *Restoring) readRef(from aliases, n int, self string) error {
	var ref placeAnswer
	there, err := partAnswer{raw: from[fmt.Sprintf("ref%d", n)]}.read(&ref)
	if err != nil {
		return err
	}
	b := branch{there: there, tree: ref.Target.Tree.Oid}
	if nodes := ref.Target.Parents.Nodes; len(nodes) == 1 {
		b.parent = nodes[0].Oid
	}
	x.refs = append(x.refs, b)
	var pulls struct{ Nodes []rollbackAnswer }
	if _, err := (partAnswer{raw: from[fmt.Sprintf("pulls%d", n)]}).read(&pulls); err != nil {
		return err
	}
	for _, q := range pulls.Nodes {
		if !q.IsCrossRepository && q.BaseRefName == x.Branch && ours(q.Author.person(), self) {
			x.opened = append(x.opened, opened{q.Number, q.URL, q.HeadRefOid})
		}
	}
	return nil
}

// branch is the first name that is free, or whose branch is what would be made: there
// reports which. It is empty when there is none.
func (x *Restoring) branch(tree string) (name string, there bool) {
	for i, b := range x.refs {
		if !b.there || b.tree == tree && b.parent == x.Tip {
			return rules.RollbackBranch(x.Plan.Change, i+1), b.there
		}
	}
	return "", false
}

func (x *Restoring) paths() (all []string) {
	for _, f := range x.Plan.Files {
		all = append(all, f.Path)
	}
	return all
}

// Differing are the files that the rollback changes on the branch as it is now.
func (x *Restoring) Differing() []rules.Restored {
	return slices.DeleteFunc(slices.Clone(x.Target.Files), func(f rules.Restored) bool { return f.Landed == f.Back && f.Wrong == "" })
}

// Stuck are the files that cannot be restored.
func (x *Restoring) Stuck() []rules.Restored {
	return slices.DeleteFunc(slices.Clone(x.Target.Files), func(f rules.Restored) bool { return f.Wrong == "" })
}

// Broken says why the plan does not work on the branch as it is now, as it is said when
// that is found (rules.Target.Standing); empty when it works.
func (x *Restoring) Broken() string {
	if broken, _, says := x.Target.Standing(x.Branch); broken {
		return says
	}
	return ""
}

// Since are the files that were changed again after the change.
func (x *Restoring) Since() (paths []string) {
	left := map[string]rules.Entry{}
	for _, f := range x.Plan.Files {
		left[f.Path] = f.Landed
	}
	for _, f := range x.Target.Files {
		if was, known := left[f.Path]; known && was != f.Landed {
			paths = append(paths, f.Path)
		}
	}
	return paths
}
