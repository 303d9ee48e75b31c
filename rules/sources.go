package rules

import "strings"

// Sources are the names whose memberships a reading has to look up.
type Sources struct {
	Teams       []string // @org/slug in lower case
	Logins      []string // in lower case
	Permissions bool     // maintain or admin is asked; write comes with a review
	Checks      bool     // a required check is asked
	CodeOwners  bool
}

// Sources returns what the policy asks of the outside.
func (p *Policy) Sources() Sources {
	return asked(p.judged, func(*Group) bool { return true })
}

// SourcesOf returns what the groups that govern some of the files ask of the
// outside, the owners that CODEOWNERS gives those files included.
func (p *Policy) SourcesOf(files []File, owners *PolicyText) Sources {
	all := list(files)
	return asked(p.judged, func(g *Group) bool { return all.next(g, 0) < len(all) })
}

func asked(groups []Group, of func(*Group) bool) Sources {
	var s Sources
	var all []string
	for i := range groups {
		if g := &groups[i]; of(g) {
			s.Checks = s.Checks || len(g.Checks) > 0
			all = append(all, sources(g.Approvals)...)
		}
	}
	for _, from := range distinct(all) {
		switch {
		case from == codeOwners:
			s.CodeOwners = true
		case strings.HasPrefix(from, "@"):
			s.Teams = append(s.Teams, from)
		case rank(from) > rank("write"):
			s.Permissions = true
		case rank(from) < 0:
			s.Logins = append(s.Logins, from)
		}
	}
	// A check of github-actions beside an edited workflow asks for maintain too.
	s.Permissions = s.Permissions || s.Checks
	return s
}

// Watches reports what a policy with these branches would say of a branch.
func Watches(branches []string, branch, defaultBranch string) bool {
	p := Policy{Branches: branches, branches: newMatcher(branches)}
	return p.Watches(branch, defaultBranch)
}
