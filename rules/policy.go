package rules

import (
	"slices"
	"strings"
	"time"
)

// PolicyPath is where a repository keeps its policy (CONTRACT §1).
const PolicyPath = ".github/changegate.yml"

// MaxPolicy is the largest policy file read, in bytes. A policy of two hundred
// groups takes a fifth of it.
const MaxPolicy = 256 << 10

// ImplicitGroup is the group that always governs the policy file.
const ImplicitGroup = "changegate"

// OwnersGroup is the group that governs CODEOWNERS where a rule asks code owners:
// who may write that file unseen would say who approves.
const OwnersGroup = "changegate-owners"

// A Policy is a policy file that loaded without a problem, or two of them joined.
// Only ParsePolicy and With make one, and nothing changes it afterwards.
type Policy struct {
	Mode       string // shadow or enforce
	Zone       *time.Location
	Branches   []string // none: the repository's default branch
	Covers     string   // content or head
	WaitingAs  string   // pending or action_required
	Comment    string   // sticky, on_action or off; empty is off in shadow mode and sticky otherwise
	Groups     []Group
	Freezes    []Freeze
	BreakGlass *Emergency
	// RollbackApprovals is how many approvals each group asks for an exact rollback of an
	// earlier change, where it asks for more otherwise.
	RollbackApprovals int

	branches matcher
	gate     []string // the files that say who approves, folded
	judged   []Group  // Groups, and the policy file's own unless one of them is that
	floor    *Policy  // the organisation's, when With added it
}

// A Group is one entry of governed: the files it covers and what they need.
type Group struct {
	Name        string
	Kind        string
	Paths       []string
	Risk        string
	Approvals   []Approval
	Rollback    bool // required
	EffectiveAt bool // required
	Notice      time.Duration
	Checks      []RequiredCheck
	Line        int // of the policy file

	match matcher
}

// An Approval asks for Count different people, each from one of From.
type Approval struct {
	Count int
	From  []string // @org/team, login, write, maintain, admin or codeowners; teams and logins in lower case
	Line  int
}

// A RequiredCheck must be success on the head commit, from that App.
type RequiredCheck struct {
	Name, App string
}

// An Emergency says who may break the glass, who reviews it afterwards and waives
// freezes, and how long each may take.
type Emergency struct {
	Who, Reviewers        []string
	Expires, ReviewWithin time.Duration
	Line                  int // of the policy file
}

// Comments returns which comments ChangeGate writes on pull requests: sticky (one,
// kept up to date), on_action (only answers and calls for action) or off. In shadow
// mode nobody has to act, so it is quiet there unless the policy says otherwise.
func (p *Policy) Comments() string {
	switch {
	case p.Comment != "":
		return p.Comment
	case p.Mode == "shadow":
		return "off"
	}
	return "sticky"
}

// ready computes what every decision needs: the patterns of the groups, and the
// groups that stand in no policy.
func (p *Policy) ready() {
	p.branches = newMatcher(p.Branches)
	owners := false
	for i := range p.Groups {
		g := &p.Groups[i]
		g.match = newMatcher(g.Paths)
		owners = owners || slices.Contains(sources(g.Approvals), codeOwners)
	}
	p.judged = slices.Clone(p.Groups)
	p.guard(ImplicitGroup, PolicyPath)
	p.gate = []string{fold(PolicyPath)}
	if owners {
		p.guard(OwnersGroup, OwnersPaths()...)
		for _, path := range OwnersPaths() {
			p.gate = append(p.gate, fold(path))
		}
	}
}

// saysWho reports whether a file, its path folded, says who approves.
func (p *Policy) saysWho(path string) bool {
	return slices.Contains(p.gate, path) || p.floor != nil && p.floor.saysWho(path)
}

// guard adds a group for files that say who approves. A path is left out of it only
// when another group names that very path and governs it: a pattern such as ** would
// let whoever may edit everything also set the rules, and a path that is named and
// then excluded would leave the rules to anybody.
func (p *Policy) guard(name string, paths ...string) {
	paths = slices.DeleteFunc(paths, func(path string) bool {
		return slices.ContainsFunc(p.Groups, func(g Group) bool {
			return slices.ContainsFunc(g.Paths, func(named string) bool { return strings.EqualFold(named, path) }) &&
				g.match.governs(strings.ToLower(path))
		})
	})
	if len(paths) > 0 {
		p.judged = append(p.judged, Group{
			Name: name, Kind: "other", Paths: paths, Risk: "high",
			Approvals: []Approval{{Count: 1, From: []string{"maintain"}}},
			match:     newMatcher(paths),
		})
	}
}

// Watches reports whether pull requests into branch are judged.
func (p *Policy) Watches(branch, defaultBranch string) bool {
	if p.floor != nil && p.floor.Watches(branch, defaultBranch) {
		return true
	}
	if len(p.Branches) == 0 {
		return branch == defaultBranch
	}
	return p.branches.governs(fold(branch))
}

// codeOwners is the source of approvals that stands for the owners CODEOWNERS gives
// each changed file.
const codeOwners = "codeowners"

// Impersonal reports whether a source of approvals is a permission or the code owners:
// nothing that GitHub could notify or be asked about by name.
func Impersonal(source string) bool { return rank(source) >= 0 || source == codeOwners }

// permissions in rising order: each includes those before it.
var permissions = []string{"read", "triage", "write", "maintain", "admin"}

// rank orders permissions; -1 is no permission's name.
func rank(permission string) int {
	for i, p := range permissions {
		if p == permission {
			return i
		}
	}
	return -1
}
