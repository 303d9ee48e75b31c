package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// The kinds of governed files, each with what it requires when the policy does
// not say (CONTRACT §2).
var kinds = map[string]struct{ rollback, effective bool }{
	"prompt": {true, false}, "policy": {true, true}, "agent-version": {true, false},
	"tool-access": {}, "eval": {}, "inventory": {}, "vendor": {}, "runbook": {}, "other": {},
}

var kindNames = []string{"prompt", "policy", "agent-version", "tool-access", "eval", "inventory", "vendor", "runbook", "other"}

// ParsePolicy reads a policy file strictly. It returns either a policy or every
// problem of the text, never both: enforcement, `changegate validate` and the
// check of a pull request that edits the policy all call it, so they cannot
// disagree.
func ParsePolicy(data []byte) (*Policy, Problems) {
	r := &reader{}
	root := r.load(data, MaxPolicy)
	if root == nil {
		return nil, r.all()
	}
	p := r.policy(root)
	if len(r.problems) > 0 {
		return nil, r.all()
	}
	p.ready()
	return p, nil
}

func (r *reader) policy(root *yaml.Node) *Policy {
	p := &Policy{Mode: "shadow", Zone: time.UTC, Covers: "content", WaitingAs: "pending", RollbackApprovals: 1}
	version := 0
	seen := r.fields(root, "the policy",
		field{"version", r.number("version", 1, 1, &version)},
		field{"mode", r.oneOf("mode", &p.Mode, "shadow", "enforce")},
		field{"timezone", r.zone("timezone", &p.Zone)},
		field{"branches", r.list("branches", 100, r.glob(&p.Branches))},
		field{"approvals_cover", r.oneOf("approvals_cover", &p.Covers, "content", "head")},
		field{"waiting_as", r.oneOf("waiting_as", &p.WaitingAs, "pending", "action_required")},
		field{"comment", r.oneOf("comment", &p.Comment, "sticky", "on_action", "off")},
		field{"rollback_approvals", r.number("rollback_approvals", 0, 10, &p.RollbackApprovals)},
		field{"governed", r.list("governed", 200, func(where string, n *yaml.Node) { p.Groups = append(p.Groups, r.group(where, n)) })},
		field{"freezes", func(*yaml.Node) {}}, // read below: they name groups and use the zone
		field{"break_glass", func(n *yaml.Node) { p.BreakGlass = r.emergency(n) }},
	)
	if root.Kind != yaml.MappingNode {
		return p
	}
	if !seen.given("version") {
		r.add(root, CodeValue, "version is missing", "`version: 1`")
	}
	if excludesOnly(seen["branches"]) {
		r.add(seen["branches"], CodeEmpty, "branches includes no branch, so nothing would be judged", "`branches: [main]`, or leave the key out for the default branch")
	}
	if !seen.given("governed") || empty(seen["governed"]) {
		r.add(root, CodeEmpty, "governed lists no group, so nothing could ever be approved", "at least one group with name, kind and paths")
	}
	r.uniqueNames(p.Groups)
	if seen.given("freezes") {
		r.freezes(seen["freezes"], p)
	}
	return p
}

var groupName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func (r *reader) uniqueNames(gs []Group) {
	first := map[string]int{}
	for _, g := range gs {
		line, twice := first[g.Name]
		switch {
		case twice && g.Name != "":
			at := &yaml.Node{Line: g.Line - r.line, Column: 1}
			r.add(at, CodeDuplicate, fmt.Sprintf("group %s stands on line %d already", code(g.Name), line), "a name of its own")
		case !twice:
			first[g.Name] = g.Line
		}
	}
}

func (r *reader) group(where string, n *yaml.Node) Group {
	g := Group{Risk: "medium", Line: n.Line + r.line}
	rollback, effective := "", ""
	seen := r.fields(n, where,
		field{"name", r.text(where+".name", &g.Name)},
		field{"kind", r.oneOf(where+".kind", &g.Kind, kindNames...)},
		field{"paths", r.list(where+".paths", 200, r.glob(&g.Paths))},
		field{"risk", r.oneOf(where+".risk", &g.Risk, "low", "medium", "high")},
		field{"approvals", r.list(where+".approvals", 20, func(where string, n *yaml.Node) {
			g.Approvals = append(g.Approvals, r.approval(where, n))
		})},
		field{"rollback", r.oneOf(where+".rollback", &rollback, "required", "optional")},
		field{"effective_at", r.oneOf(where+".effective_at", &effective, "required", "optional")},
		field{"notice", r.duration(where+".notice", 0, &g.Notice)},
		field{"require_checks", r.list(where+".require_checks", 50, func(where string, n *yaml.Node) {
			g.Checks = append(g.Checks, r.requiredCheck(where, n))
		})},
	)
	if n.Kind == yaml.MappingNode {
		r.groupNeeds(n, where, &g, seen)
	}
	g.Rollback = rollback == "required" || rollback == "" && kinds[g.Kind].rollback
	g.EffectiveAt = effective == "required" || effective == "" && kinds[g.Kind].effective
	return g
}

// groupNeeds refuses a group without which a file would look governed and not be.
func (r *reader) groupNeeds(n *yaml.Node, where string, g *Group, seen keys) {
	switch {
	case !seen.given("name"):
		r.add(n, CodeValue, where+".name is missing", "a name of a-z, 0-9 and -, such as prompts")
	case g.Name == ImplicitGroup:
		r.add(seen["name"], CodeValue, where+".name is "+code(g.Name)+", which is the policy file's own group", "another name; name the path "+code(PolicyPath)+" in it to set who approves the policy")
	case g.Name == OwnersGroup:
		r.add(seen["name"], CodeValue, where+".name is "+code(g.Name)+", which is the group of CODEOWNERS", "another name; name the path of the file in it to set who approves a new version")
	case g.Name != "" && !groupName.MatchString(g.Name):
		r.add(seen["name"], CodeValue, where+".name is "+code(g.Name), "a name of a-z, 0-9 and -, such as prompts")
	}
	if !seen.given("kind") {
		r.add(n, CodeValue, where+".kind is missing", "one of "+strings.Join(kindNames, ", "))
	}
	switch {
	case !seen.given("paths"):
		r.add(n, CodeEmpty, where+".paths is missing", "`paths: [\"prompts/**\"]`")
	case excludesOnly(seen["paths"]):
		r.add(seen["paths"], CodeEmpty, where+".paths includes no file", "`paths: [\"prompts/**\"]`")
	}
	switch {
	case !seen.given("approvals"):
		g.Approvals = []Approval{{Count: 1, From: []string{"write"}, Line: g.Line}}
	case empty(seen["approvals"]):
		r.add(seen["approvals"], CodeEmpty, where+".approvals is empty, so nobody would have to approve", "at least one entry, or leave the key out for 1 from write")
	}
}

func (r *reader) approval(where string, n *yaml.Node) Approval {
	a := Approval{Count: 1, Line: n.Line + r.line}
	seen := r.fields(n, where,
		field{"count", r.number(where+".count", 1, 20, &a.Count)},
		field{"from", r.list(where+".from", 100, r.source(&a.From))},
	)
	switch {
	case !seen.given("from"):
		a.From = []string{"write"}
	case empty(seen["from"]):
		r.add(seen["from"], CodeEmpty, where+".from is empty, so nobody could approve", "a team, login or permission")
	case len(a.From) > 0 && a.tooMany():
		r.add(n, CodeValue, fmt.Sprintf("%s asks for %d and names %s, so it could never be met", where, a.Count, count(len(distinct(a.From)), "login")), "a lower count, or a team")
	}
	return a
}

// tooMany reports whether an entry that names only logins names too few.
func (a *Approval) tooMany() bool {
	for _, from := range a.From {
		if strings.HasPrefix(from, "@") || rank(from) >= 0 || from == codeOwners {
			return false
		}
	}
	return len(distinct(a.From)) < a.Count
}

var (
	teamName  = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	loginName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)
)

// source reads who may approve. Names are compared without case, as GitHub does.
func (r *reader) source(to *[]string) func(string, *yaml.Node) {
	return func(where string, n *yaml.Node) {
		s, fix := n.Value, "`@org/team`, a login, write, maintain, admin or codeowners"
		if n.Kind != yaml.ScalarNode || blank(n) {
			r.add(n, CodeValue, where+" is "+shown(n), fix)
			return
		}
		*to = append(*to, strings.ToLower(s))
		switch {
		case slices.Contains([]string{"read", "triage", "none"}, strings.ToLower(s)):
			r.add(n, CodeValue, where+" is "+code(s)+", which anybody may hold", "write, maintain or admin")
		case teamName.MatchString(s) || loginName.MatchString(s):
		case strings.HasPrefix(s, "@") && loginName.MatchString(s[1:]):
			r.add(n, CodeValue, where+" is "+code(s)+", which names no team", "`@org/team`, or the login without the at sign")
		case teamName.MatchString("@" + s):
			r.add(n, CodeValue, where+" is "+code(s)+", which is no login", code("@"+s))
		default:
			r.add(n, CodeValue, where+" is "+code(s), fix)
		}
	}
}

// role reads who may do something about a change as a whole. Code owners own single
// files of it.
func (r *reader) role(to *[]string) func(string, *yaml.Node) {
	source := r.source(to)
	return func(where string, n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && strings.EqualFold(n.Value, codeOwners) {
			r.add(n, CodeValue, where+" is "+code(n.Value)+", and each of them owns some files only", "`@org/team`, a login, write, maintain or admin")
			return
		}
		source(where, n)
	}
}

func (r *reader) requiredCheck(where string, n *yaml.Node) RequiredCheck {
	var c RequiredCheck
	seen := r.fields(n, where,
		field{"name", r.text(where+".name", &c.Name)},
		field{"app", r.text(where+".app", &c.App)},
	)
	if n.Kind == yaml.MappingNode && (!seen.given("name") || !seen.given("app")) {
		r.add(n, CodeValue, where+" needs both name and app: a check of the same name from another App proves nothing", "`{name: evals, app: github-actions}`")
	}
	return c
}

func (r *reader) emergency(n *yaml.Node) *Emergency {
	e := &Emergency{Expires: time.Hour, ReviewWithin: 24 * time.Hour, Line: n.Line + r.line}
	seen := r.fields(n, "break_glass",
		field{"who", r.list("break_glass.who", 100, r.role(&e.Who))},
		field{"reviewers", r.list("break_glass.reviewers", 100, r.role(&e.Reviewers))},
		field{"expires", r.duration("break_glass.expires", time.Minute, &e.Expires)},
		field{"review_within", r.duration("break_glass.review_within", time.Minute, &e.ReviewWithin)},
	)
	if n.Kind == yaml.MappingNode && (!seen.given("who") || empty(seen["who"])) {
		r.add(n, CodeEmpty, "break_glass.who is empty, so nobody could use it", "a team or login, or leave break_glass out")
	}
	return e
}
