package rules

import (
	"slices"
	"strings"
)

// Sources are the names whose memberships a reading has to look up.
type Sources struct {
	Teams       []string // @org/slug in lower case
	Logins      []string // in lower case
	Permissions bool     // maintain or admin is asked; write comes with a review
	Checks      bool     // a required check is asked
	CodeOwners  bool     // the CODEOWNERS file is asked; its owners are among Teams and Logins once it was read
}

// Sources returns what the policy asks of the outside.
func (p *Policy) Sources() Sources {
	return asked(p.judged, p.BreakGlass.names())
}

// CommandSources returns what has to be known of somebody who gives a command about
// the change: whatever its groups and break_glass name, and the permission.
func (p *Policy) CommandSources(c *Change) Sources {
	files := list(c.Files)
	groups := p.touchedBy(files)
	names := p.BreakGlass.names()
	if c.Owners != nil {
		names = append(names, ownersFor(groups, files, c.Owners.Data)...)
	}
	if len(groups) == 0 {
		groups = p.judged // an exception of a change that touches nothing any more is still to be reviewed
	}
	s := asked(groups, names)
	s.Permissions = true
	return s
}

// names are all that break_glass names.
func (e *Emergency) names() []string {
	if e == nil {
		return nil
	}
	return slices.Concat(e.Who, e.Reviewers)
}

func (p *Policy) touchedBy(files listing) []Group {
	return slices.DeleteFunc(slices.Clone(p.judged), func(g Group) bool { return files.next(&g, 0) == len(files) })
}

// SourcesOf returns what the groups that govern some of the files ask of the
// outside, the owners that CODEOWNERS gives those files included.
func (p *Policy) SourcesOf(files []File, owners *PolicyText) Sources {
	all := list(files)
	groups := p.touchedBy(all)
	var names []string
	if owners != nil {
		names = ownersFor(groups, all, owners.Data)
	}
	return asked(groups, names)
}

// ownersFor returns the owners of the files that groups which ask for code owners
// govern.
func ownersFor(groups []Group, files listing, data []byte) []string {
	var names []string
	var o *Owners
	for i := range groups {
		g := &groups[i]
		if !slices.Contains(sources(g.Approvals), codeOwners) {
			continue
		}
		if o == nil {
			o, _ = ParseOwners(data)
		}
		for path := range files.governedBy(g) {
			owners, _ := o.Of(path)
			names = append(names, owners...)
		}
	}
	return names
}

func asked(groups []Group, all []string) Sources {
	var s Sources
	for i := range groups {
		g := &groups[i]
		s.Checks = s.Checks || len(g.Checks) > 0
		all = append(all, sources(g.Approvals)...)
	}
	for _, from := range distinct(all) {
		switch {
		case from == codeOwners:
			s.CodeOwners = true
		case strings.Contains(from, "/"):
			s.Teams = append(s.Teams, from)
		case strings.HasPrefix(from, "@"): // an owner; policies write logins without the at sign
			s.Logins = append(s.Logins, from[1:])
		case rank(from) > rank("write"):
			s.Permissions = true
		case rank(from) < 0:
			s.Logins = append(s.Logins, from)
		}
	}
	s.Logins = distinct(s.Logins)
	// A check of github-actions beside an edited workflow asks for maintain too.
	s.Permissions = s.Permissions || s.Checks
	return s
}

// Names reports whether a team or login is asked for.
func (s *Sources) Names(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(s.Teams, name) || slices.Contains(s.Logins, name)
}

// Beyond says in words what is asked that another asking does not hold. Logins are
// left out: who gave a review is known without asking.
func (s *Sources) Beyond(had Sources) []string {
	var out []string
	for _, team := range s.Teams {
		if !had.Names(team) {
			out = append(out, code(team))
		}
	}
	for what, more := range map[string]bool{
		"the permissions of reviewers": s.Permissions && !had.Permissions,
		"CODEOWNERS":                   s.CodeOwners && !had.CodeOwners,
		"the results of checks":        s.Checks && !had.Checks,
	} {
		if more {
			out = append(out, what)
		}
	}
	slices.Sort(out)
	return out
}

// Watches reports what a policy with these branches would say of a branch.
func Watches(branches []string, branch, defaultBranch string) bool {
	p := Policy{Branches: branches, branches: newMatcher(branches)}
	return p.Watches(branch, defaultBranch)
}
