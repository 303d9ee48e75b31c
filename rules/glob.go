package rules

import (
	"fmt"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	yaml "go.yaml.in/yaml/v4"
)

// ImplicitGroup is the group that always governs the policy file.
const ImplicitGroup = "changegate"

// glob reads one path pattern and refuses those that can never match, which
// would be rules that silently do not exist.
func (r *reader) glob(n *yaml.Node, where string) string {
	var g string
	r.text(where, &g)(n)
	body := strings.TrimPrefix(g, "!")
	wrong, fix := "", ""
	switch {
	case n.Kind != yaml.ScalarNode:
		return g
	case body == "":
		wrong, fix = "is empty", "a path such as prompts/**"
	case len(g) > 256 || strings.Count(g, "{") > 3:
		// Every brace group multiplies the work: 14 of them take 16 ms a match.
		wrong, fix = "is longer than 256 characters or has more than 3 brace groups", "several shorter patterns"
	case strings.HasPrefix(body, "/") || strings.HasPrefix(body, "./"):
		wrong, fix = code(g)+" never matches: patterns are relative to the repository's root", code(strings.TrimLeft(body, "./"))
	case strings.HasSuffix(body, "/"):
		wrong, fix = code(g)+" never matches a file", code(g+"**")
	case strings.Contains(body, "\\"):
		wrong, fix = code(g)+" has a backslash", "forward slashes"
	case strings.Contains("/"+body+"/", "/../"):
		wrong, fix = code(g)+" leaves the repository", "a path inside it"
	case !doublestar.ValidatePattern(body):
		wrong, fix = code(g)+" is not a pattern", "close every [ and {"
	default:
		return g
	}
	r.add(n, CodeGlob, where+" "+wrong, fix)
	return g
}

// governs reports whether path matches one of the patterns and none of those
// that begin with "!". Case is ignored: on a case-folding disk prompts/A.md and
// Prompts/a.md are one file.
func governs(patterns []string, path string) bool {
	path, in := strings.ToLower(path), false
	for _, p := range patterns {
		body, out := strings.CutPrefix(p, "!")
		if ok, err := doublestar.Match(strings.ToLower(body), path); err != nil || !ok {
			continue
		}
		if out {
			return false
		}
		in = true
	}
	return in
}

// touches reports whether the group governs either end of a file's change: a
// rename out of a governed folder removes a governed file.
func (g *Group) touches(f File) bool {
	return governs(g.Paths, f.Path) || f.OldPath != "" && governs(g.Paths, f.OldPath)
}

// GroupsOf returns the names of the groups that govern a file, in policy order.
func (p *Policy) GroupsOf(f File) []string {
	var out []string
	for _, g := range p.all() {
		if g.touches(f) {
			out = append(out, g.Name)
		}
	}
	return out
}

// all returns the policy's groups and, unless one names the policy file's path,
// the implicit group that governs it. A pattern such as ** does not count as
// naming it: whoever may edit everything would then also set the rules.
func (p *Policy) all() []Group {
	for _, g := range p.Groups {
		for _, path := range g.Paths {
			if strings.EqualFold(path, PolicyPath) {
				return p.Groups
			}
		}
	}
	own := Group{
		Name: ImplicitGroup, Kind: "other", Paths: []string{PolicyPath}, Risk: "high",
		Approvals: []Approval{{Count: 1, From: []string{"maintain"}}},
	}
	return append(append([]Group(nil), p.Groups...), own)
}

// Globs returns every pattern with its group, for people to see a wrong one.
func (p *Policy) Globs() []string {
	var out []string
	for _, g := range p.all() {
		for _, path := range g.Paths {
			out = append(out, fmt.Sprintf("%s (%s)", path, g.Name))
		}
	}
	return out
}
