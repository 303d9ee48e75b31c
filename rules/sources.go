package rules

import "strings"

// SourcesOf returns what the groups that govern some of the files ask of the
// outside: the memberships and permissions that a reading has to look up.
func (p *Policy) SourcesOf(files []File) Sources {
	var s Sources
	seen := map[string]bool{}
	for _, g := range p.all() {
		if !g.governsAny(files) {
			continue
		}
		s.Checks = s.Checks || len(g.Checks) > 0
		for _, a := range g.Approvals {
			for _, from := range a.From {
				if !seen[from] {
					seen[from] = true
					s.add(from)
				}
			}
		}
	}
	// A check of github-actions beside an edited workflow asks for maintain too.
	s.Permissions = s.Permissions || s.Checks
	return s
}

func (g *Group) governsAny(files []File) bool {
	for _, f := range files {
		if g.touches(f) {
			return true
		}
	}
	return false
}

func (s *Sources) add(from string) {
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
