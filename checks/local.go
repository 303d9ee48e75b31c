package checks

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"changegate/rules"
)

// LocalOptions says which change of a clone to read, as if a pull request of
// Head into Base were open.
type LocalOptions struct {
	Repo string // a folder in a work tree, or a bare repository
	Base string // a branch, else a tag or commit; those become their own Base.Branch
	Head string // likewise, or HEAD
	Body string // the pull request's description, which git does not hold
	// Floor is the organisation's policy, which a clone of one repository does not
	// hold; nil when it is not known.
	Floor *rules.PolicyText
}

// Local reads a change from a clone instead of from GitHub. Who wrote, reviewed
// and checked it is not known there: Change.Offline is set and no commit is
// listed, because an e-mail address in a commit is a claim, not an identity.
// No git program is run and nothing is written.
func Local(ctx context.Context, o LocalOptions) (*Gathered, error) {
	c, err := OpenClone(o.Repo)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	base, branch, err := c.resolve(o.Base)
	if err != nil {
		return nil, fmt.Errorf("resolve base %q: %w", o.Base, err)
	}
	head, from, err := c.resolve(o.Head)
	if err != nil {
		return nil, fmt.Errorf("resolve head %q: %w", o.Head, err)
	}
	branch = branchOr(branch, base)
	return c.gather(ctx, span{base, head, branch, from, c.defaultBranch(branch), o.Body, nil, o.Floor})
}

// branchOr names a base that was given as a tag or commit: by the first seven
// digits of its id, which no policy lists as a branch.
func branchOr(branch string, base plumbing.Hash) string {
	if branch == "" {
		return base.String()[:7]
	}
	return branch
}

// A span is a change before it was read.
type span struct {
	base, head          plumbing.Hash // base is zero for a first commit
	branch, from        string
	defaultBranch, body string

	policy *rules.Policy     // judges instead of the base branch's; nil for that one
	floor  *rules.PolicyText // is added to the base branch's; nil for none
}

func (c *Clone) gather(ctx context.Context, s span) (*Gathered, error) {
	g, err := c.read(ctx, s)
	if err != nil {
		return nil, c.lacks(err)
	}
	return g, nil
}

func (c *Clone) read(ctx context.Context, s span) (*Gathered, error) {
	g := &Gathered{Place: Place{Repo: c.name}, Body: s.body, Change: rules.Change{
		Edition: rules.Edition,
		Ref:     rules.Ref{Repo: c.name}, State: "open", Offline: true, DefaultBranch: s.defaultBranch, Floor: s.floor,
		Base: rules.Point{Branch: s.branch, Commit: id(s.base)},
		Head: rules.Point{Branch: s.from, Commit: s.head.String()},
	}}
	ch := &g.Change
	fork, err := c.fork(ch, s)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.compare(ch, fork, s.head); err != nil {
		return nil, err
	}
	g.Policy = c.policyAt(s.base)
	if touches(ch.Files, PolicyPath) {
		ch.NewPolicy = c.newPolicy(ch, s.head)
	}
	if ch.Owners, err = c.ownersAt(s.base); err != nil {
		ch.Gaps = append(ch.Gaps, rules.Gap{What: "code owners", Says: err.Error()})
	}
	c.requests(ch, s.body)
	c.manifests(ch, s.judge(g.Policy))
	if to := rules.RollbackTarget(ch.Requests); to != "" {
		ch.Target = c.target(ch, s.judge(g.Policy), to)
	}
	return g, nil
}

// judge is the policy that says which paths of the change are governed; nil when it
// does not load.
func (s *span) judge(base Policy) *rules.Policy {
	if s.policy != nil {
		return s.policy
	}
	p, _ := rules.Load(base.Data, s.floor)
	return p
}

func id(h plumbing.Hash) string {
	if h.IsZero() {
		return ""
	}
	return h.String()
}

// fork finds the commit that the change is compared with. In a shallow clone the
// real one may lie beyond the cut; then everything that differs from the base's
// tip is listed, and a gap keeps the verdict from passing.
func (c *Clone) fork(ch *rules.Change, s span) (plumbing.Hash, error) {
	if s.base.IsZero() {
		return s.base, nil
	}
	bases, cut, err := c.past.mergeBases(s.base, s.head)
	switch {
	case err != nil:
		return plumbing.ZeroHash, fmt.Errorf("find merge base: %w", err)
	case cut:
		ch.Gaps = append(ch.Gaps, rules.Gap{What: "history",
			Says: "the clone is shallow and ends before the merge base; run git fetch --unshallow"})
		return s.base, nil
	case len(bases) == 0:
		return plumbing.ZeroHash, fmt.Errorf("find merge base: %s and %s share no history", id(s.base), id(s.head))
	}
	if len(bases) > 1 {
		ch.Gaps = append(ch.Gaps, rules.Gap{What: rules.GapBases,
			Says: fmt.Sprintf("%d commits are merge bases, and GitHub compares with only one of them", len(bases))})
	}
	ch.MergeBase = bases[0].String()
	return bases[0], nil
}

func (c *Clone) compare(ch *rules.Change, from, to plumbing.Hash) error {
	before, err := c.treeOf(from)
	if err != nil {
		return err
	}
	after, err := c.treeOf(to)
	if err != nil {
		return err
	}
	d := treeDiff{entries: c.entries}
	if err := d.folder("", before, after); err != nil {
		return err
	}
	if d.full {
		ch.Gaps = append(ch.Gaps, rules.Gap{What: "files",
			Says: fmt.Sprintf("more than %d files differ; the rest was not listed", maxFiles)})
	}
	ch.Files = renames(d.files)
	return nil
}

func touches(files []rules.File, path string) bool {
	for _, f := range files {
		if f.Path == path || f.OldPath == path {
			return true
		}
	}
	return false
}

// policyAt reads the policy of a commit, telling the three outcomes apart.
func (c *Clone) policyAt(commit plumbing.Hash) Policy {
	p := Policy{PolicyText: rules.PolicyText{Commit: id(commit), Path: PolicyPath}}
	tree, err := c.treeOf(commit)
	if err != nil {
		return unreadable(p, c.lacks(err))
	}
	e, ok, err := c.find(tree, PolicyPath)
	if err != nil {
		return unreadable(p, c.lacks(err))
	}
	if !ok {
		return p
	}
	p.Blob = e.Hash.String()
	if p.Data, err = c.text(e, rules.MaxPolicy); err != nil {
		return unreadable(p, c.lacks(err))
	}
	p.State = PolicyRead
	return p
}

// ownersAt reads CODEOWNERS of a commit, the first of the places GitHub looks at, nil
// when there is none. Whether a rule asks for it is not known here: a backtest judges
// by another policy than the commit's. Of a symbolic link the path is the text, as
// GitHub's API has it.
func (c *Clone) ownersAt(commit plumbing.Hash) (*rules.PolicyText, error) {
	tree, err := c.treeOf(commit)
	if err != nil {
		return nil, err
	}
	for _, path := range rules.OwnersPaths() {
		e, ok, err := c.find(tree, path)
		if err != nil {
			return nil, err
		}
		if !ok || e.Mode == filemode.Dir || e.Mode == filemode.Submodule {
			continue
		}
		e.Mode = filemode.Regular
		// Twice the limit is read, so that the rules themselves say what the limit is.
		data, err := c.text(e, 2*rules.MaxOwners)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		return &rules.PolicyText{Commit: id(commit), Path: path, Blob: e.Hash.String(), Data: data}, nil
	}
	return nil, nil
}

func unreadable(p Policy, err error) Policy {
	p.State, p.Why = PolicyUnreadable, err.Error()
	return p
}

func (c *Clone) newPolicy(ch *rules.Change, head plumbing.Hash) *rules.PolicyText {
	p := c.policyAt(head)
	if p.State == PolicyUnreadable {
		ch.Gaps = append(ch.Gaps, rules.Gap{What: "new policy", Says: p.Why})
	}
	p.Deleted = p.State == PolicyAbsent
	return &p.PolicyText
}

// requests collects what declares the change: the description, and every file
// under .changes/ that the change brings.
func (c *Clone) requests(ch *rules.Change, body string) {
	ch.Requests = rules.RequestsIn(body)
	for _, f := range ch.Files {
		if !rules.RequestPath(f.Path) || f.Status != "added" && f.Status != "renamed" {
			continue
		}
		text, err := c.text(entryOf(f), rules.MaxRequest)
		if err != nil {
			ch.Gaps = append(ch.Gaps, rules.Gap{What: f.Path, Says: err.Error()})
			continue
		}
		ch.Requests = append(ch.Requests, rules.RequestText{Path: f.Path, Line: 1, Text: string(text)})
	}
}

// hexadecimal reports whether s may be a commit id: git's own least length is 4.
func hexadecimal(s string) bool {
	return len(s) >= 4 && len(s) <= 40 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
