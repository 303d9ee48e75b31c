package rules

import (
	"bytes"
	"slices"
	"strings"
)

// What a Gap calls a policy that exists and could not be read. Evaluate tells it
// from one that does not load, and from none at all.
const (
	GapPolicy = "policy"
	GapFloor  = "organisation policy"
)

// GapBases is what a Gap calls a comparison from one of several merge bases: another
// one may show other changes, and a merge goes by all of them.
const GapBases = "merge base"

// Load parses a repository's policy and adds the organisation's to it (CONTRACT §1).
// Gathering, deciding and walking all ask it, so that nobody judges by half. It
// returns either a policy or every problem of both texts, the repository's first.
func Load(policy []byte, floor *PolicyText) (*Policy, Problems) {
	p, own, org := load(policy, floor)
	return p, append(own, org...)
}

// load keeps the problems of the two files apart: they are mended by different
// people in different places.
func load(policy []byte, floor *PolicyText) (p *Policy, own, org Problems) {
	p, own = ParsePolicy(policy)
	// In the `.github` repository both are one file, and adding it to itself would
	// show every group twice.
	if floor == nil || bytes.Equal(policy, floor.Data) {
		return p, own, nil
	}
	f, org := ParsePolicy(floor.Data)
	if p == nil || f == nil {
		return nil, own, org
	}
	return p.With(f), nil, nil
}

// orgPrefix keeps an organisation's group apart from the repository's of that name.
const orgPrefix = "org/"

// With returns the policy with the organisation's added to it, which can only ask
// for more: its groups and freezes join the repository's as org/NAME, each group
// judged on its own; every branch that either watches is judged by all of them;
// enforce, and approvals that cover the head, win whoever says so; its break_glass
// replaces the repository's, as a second one would let more people past; of the two
// rollback_approvals, given or not, the higher one holds. Zone,
// WaitingAs and Comment stay the repository's, given or not: they change what people
// read, never what is decided.
//
// The groups of the policy file and of CODEOWNERS are the repository's. The
// organisation's join them, as org/changegate, where the repository names such a
// path itself: it could otherwise let anybody with write change who approves.
func (p *Policy) With(floor *Policy) *Policy {
	out := *p
	if floor.Mode == "enforce" {
		out.Mode = floor.Mode
	}
	if floor.Covers == "head" {
		out.Covers = floor.Covers
	}
	if floor.BreakGlass != nil {
		out.BreakGlass = floor.BreakGlass
	}
	out.RollbackApprovals = max(out.RollbackApprovals, floor.RollbackApprovals)
	out.floor = floor
	out.Groups = append(slices.Clone(p.Groups), ofOrg(floor.Groups)...)
	out.judged = append(slices.Clone(p.judged), ofOrg(floor.judged)...)
	out.judged = slices.DeleteFunc(out.judged, func(g Group) bool {
		return (g.Name == orgPrefix+ImplicitGroup || g.Name == orgPrefix+OwnersGroup) && p.guards(strings.TrimPrefix(g.Name, orgPrefix), g.Paths)
	})
	out.Freezes = slices.Clone(p.Freezes)
	for _, f := range floor.Freezes {
		out.Freezes = append(out.Freezes, f.ofOrg())
	}
	return &out
}

// guards reports whether the policy's own group of that name holds these paths.
func (p *Policy) guards(name string, paths []string) bool {
	return slices.ContainsFunc(p.judged, func(g Group) bool {
		return g.Name == name && !slices.ContainsFunc(paths, func(path string) bool { return !slices.Contains(g.Paths, path) })
	})
}

func ofOrg(groups []Group) []Group {
	out := slices.Clone(groups)
	for i := range out {
		out[i].Name = orgPrefix + out[i].Name
	}
	return out
}

// ofOrg is the freeze among the renamed groups. One of the policy file holds
// whichever of the two groups governs it.
func (f Freeze) ofOrg() Freeze {
	f.Name = orgPrefix + f.Name
	f.Governs = slices.Clone(f.Governs)
	for i, g := range f.Governs {
		f.Governs[i] = orgPrefix + g
		if g == ImplicitGroup {
			f.Governs = append(f.Governs, g)
		}
	}
	return f
}

// BranchLists are the patterns of the branches that are judged: those of the
// repository and those of the organisation, for Watches to be asked of each. They
// are not one list, in which one side's exclusion would hold for the other.
func (p *Policy) BranchLists() [][]string {
	lists := [][]string{p.Branches}
	if p.floor != nil {
		lists = append(lists, p.floor.BranchLists()...)
	}
	return lists
}

// floorHome names the repository that holds the organisation's policy.
func floorHome(c *Change) string {
	org, _, named := strings.Cut(c.Repo, "/")
	if !named {
		return "the organisation's `.github` repository"
	}
	return code(org + "/.github")
}
