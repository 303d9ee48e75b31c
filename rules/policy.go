package rules

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// PolicyPath is where a repository keeps its policy (CONTRACT §1).
const PolicyPath = ".github/changegate.yml"

// MaxPolicy is the largest policy file read, in bytes. A policy of hundreds of
// groups takes a tenth of it.
const MaxPolicy = 256 << 10

// A Policy is a policy file that loaded without a problem. It is not changed
// after ParsePolicy returns it.
type Policy struct {
	Mode       string // shadow or enforce
	Zone       *time.Location
	Branches   []string // none: the repository's default branch
	Covers     string   // content or head
	WaitingAs  string   // pending or action_required
	Groups     []Group
	Freezes    []Freeze
	BreakGlass *Exception
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
}

// An Approval asks for Count different people, each from one of From.
type Approval struct {
	Count int
	From  []string // @org/team, login, write, maintain, admin or codeowners; teams in lower case
	Line  int
}

// A RequiredCheck must be success on the head commit, from that App.
type RequiredCheck struct {
	Name, App string
}

// An Exception says who may break the glass, who reviews it afterwards, and how
// long each may take.
type Exception struct {
	Who, Reviewers        []string
	Expires, ReviewWithin time.Duration
}

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
		return nil, r.problems
	}
	p := r.policy(root)
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return p, nil
}

func (r *reader) policy(root *yaml.Node) *Policy {
	p := &Policy{Mode: "shadow", Zone: time.UTC, Covers: "content", WaitingAs: "pending"}
	version, zone := 0, ""
	var freezes, breakGlass *yaml.Node
	seen := r.fields(root, "the policy",
		field{"version", r.number("version", 1, 1, &version)},
		field{"mode", r.oneOf("mode", &p.Mode, "shadow", "enforce")},
		field{"timezone", func(n *yaml.Node) { r.text("timezone", &zone)(n); p.Zone = r.zone(n, zone) }},
		field{"branches", r.list("branches", func(i int, n *yaml.Node) { p.Branches = append(p.Branches, r.glob(n, fmt.Sprintf("branches[%d]", i))) })},
		field{"approvals_cover", r.oneOf("approvals_cover", &p.Covers, "content", "head")},
		field{"waiting_as", r.oneOf("waiting_as", &p.WaitingAs, "pending", "action_required")},
		field{"governed", r.list("governed", func(i int, n *yaml.Node) { p.Groups = append(p.Groups, r.group(n, i)) })},
		field{"freezes", func(n *yaml.Node) { freezes = n }},
		field{"break_glass", func(n *yaml.Node) { breakGlass = n }},
	)
	if !seen["version"] {
		r.add(root, CodeValue, "version is missing", "version: 1")
	}
	if len(p.Groups) == 0 {
		r.add(root, CodeEmpty, "governed lists no group, so nothing could ever be approved", "at least one group with name, kind and paths")
	}
	r.uniqueNames(p.Groups, root)
	if freezes != nil {
		r.list("freezes", func(i int, n *yaml.Node) { p.Freezes = append(p.Freezes, r.freeze(n, i, p)) })(freezes)
	}
	if breakGlass != nil {
		p.BreakGlass = r.exception(breakGlass)
	}
	return p
}

var groupName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func (r *reader) uniqueNames(gs []Group, root *yaml.Node) {
	first := map[string]int{}
	for _, g := range gs {
		if line, dup := first[g.Name]; dup && g.Name != "" {
			at := &yaml.Node{Line: g.Line - r.line, Column: 1}
			r.add(at, CodeDuplicate, fmt.Sprintf("group %s stands on line %d already", code(g.Name), line), "a name of its own")
		}
		first[g.Name] = g.Line
	}
}

func (r *reader) group(n *yaml.Node, i int) Group {
	where := fmt.Sprintf("governed[%d]", i)
	g := Group{Risk: "medium", Line: n.Line + r.line}
	rollback, effective := "", ""
	seen := r.fields(n, where,
		field{"name", r.text(where+".name", &g.Name)},
		field{"kind", r.oneOf(where+".kind", &g.Kind, kindNames...)},
		field{"paths", r.list(where+".paths", func(j int, n *yaml.Node) { g.Paths = append(g.Paths, r.glob(n, fmt.Sprintf("%s.paths[%d]", where, j))) })},
		field{"risk", r.oneOf(where+".risk", &g.Risk, "low", "medium", "high")},
		field{"approvals", r.list(where+".approvals", func(j int, n *yaml.Node) {
			g.Approvals = append(g.Approvals, r.approval(n, fmt.Sprintf("%s.approvals[%d]", where, j)))
		})},
		field{"rollback", r.oneOf(where+".rollback", &rollback, "required", "optional")},
		field{"effective_at", r.oneOf(where+".effective_at", &effective, "required", "optional")},
		field{"notice", r.duration(where+".notice", &g.Notice)},
		field{"require_checks", r.list(where+".require_checks", func(j int, n *yaml.Node) {
			g.Checks = append(g.Checks, r.requiredCheck(n, fmt.Sprintf("%s.require_checks[%d]", where, j)))
		})},
	)
	if n.Kind != yaml.MappingNode {
		return g
	}
	r.groupNeeds(n, where, &g, seen)
	g.Rollback = rollback == "required" || rollback == "" && kinds[g.Kind].rollback
	g.EffectiveAt = effective == "required" || effective == "" && kinds[g.Kind].effective
	return g
}

func (r *reader) groupNeeds(n *yaml.Node, where string, g *Group, seen map[string]bool) {
	if !groupName.MatchString(g.Name) {
		r.add(n, CodeValue, where+".name is "+code(g.Name), "a name of a-z, 0-9 and -, such as prompts")
	}
	if g.Name == ImplicitGroup {
		r.add(n, CodeValue, where+".name is "+code(g.Name)+", which is the policy file's own group", "another name; name the path "+code(PolicyPath)+" in it to set who approves the policy")
	}
	if !seen["kind"] {
		r.add(n, CodeValue, where+".kind is missing", "kind: one of "+strings.Join(kindNames, ", "))
	}
	if !includes(g.Paths) {
		r.add(n, CodeEmpty, where+".paths includes no file", `paths: ["prompts/**"]`)
	}
	switch {
	case !seen["approvals"]:
		g.Approvals = []Approval{{Count: 1, From: []string{"write"}, Line: g.Line}}
	case len(g.Approvals) == 0:
		r.add(n, CodeEmpty, where+".approvals is empty, so nobody would have to approve", "at least one entry, or leave the key out for 1 from write")
	}
}

func includes(paths []string) bool {
	for _, p := range paths {
		if !strings.HasPrefix(p, "!") {
			return true
		}
	}
	return false
}

func (r *reader) approval(n *yaml.Node, where string) Approval {
	a := Approval{Count: 1, Line: n.Line + r.line}
	seen := r.fields(n, where,
		field{"count", r.number(where+".count", 1, 20, &a.Count)},
		field{"from", r.list(where+".from", func(j int, n *yaml.Node) { a.From = append(a.From, r.source(n, fmt.Sprintf("%s.from[%d]", where, j))) })},
	)
	if n.Kind == yaml.MappingNode && len(a.From) == 0 {
		if seen["from"] {
			r.add(n, CodeEmpty, where+".from is empty, so nobody could approve", "a team, login or permission")
		}
		a.From = []string{"write"}
	}
	return a
}

var (
	teamName  = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	loginName = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,38})$`)
	// permissions in rising order: each includes those before it.
	permissions = []string{"read", "triage", "write", "maintain", "admin"}
)

// source reads who may approve. Names are compared without case, as GitHub does.
func (r *reader) source(n *yaml.Node, where string) string {
	var s string
	r.text(where, &s)(n)
	switch {
	case teamName.MatchString(s):
		return strings.ToLower(s)
	case s == "read" || s == "triage":
		r.add(n, CodeValue, where+" is "+code(s)+", which anybody may hold", "write, maintain or admin")
	case strings.HasPrefix(s, "@") && loginName.MatchString(s[1:]):
		r.add(n, CodeValue, where+" is "+code(s)+", which names no team", "@org/team, or the login without @")
	case loginName.MatchString(s):
		return strings.ToLower(s)
	default:
		r.add(n, CodeValue, where+" is "+shown(n), "@org/team, a login, write, maintain, admin or codeowners")
	}
	return s
}

func (r *reader) requiredCheck(n *yaml.Node, where string) RequiredCheck {
	var c RequiredCheck
	r.fields(n, where,
		field{"name", r.text(where+".name", &c.Name)},
		field{"app", r.text(where+".app", &c.App)},
	)
	if c.Name == "" || c.App == "" {
		r.add(n, CodeValue, where+" needs both name and app: a check of the same name from another App proves nothing", "{name: evals, app: github-actions}")
	}
	return c
}

func (r *reader) exception(n *yaml.Node) *Exception {
	e := &Exception{Expires: time.Hour, ReviewWithin: 24 * time.Hour}
	people := func(where string, to *[]string) func(*yaml.Node) {
		return r.list(where, func(i int, n *yaml.Node) { *to = append(*to, r.source(n, fmt.Sprintf("%s[%d]", where, i))) })
	}
	r.fields(n, "break_glass",
		field{"who", people("break_glass.who", &e.Who)},
		field{"reviewers", people("break_glass.reviewers", &e.Reviewers)},
		field{"expires", r.duration("break_glass.expires", &e.Expires)},
		field{"review_within", r.duration("break_glass.review_within", &e.ReviewWithin)},
	)
	if n.Kind == yaml.MappingNode && len(e.Who) == 0 {
		r.add(n, CodeEmpty, "break_glass.who is empty, so nobody could use it", "a team or login, or leave break_glass out")
	}
	return e
}

// Watches reports whether pull requests into branch are judged.
func (p *Policy) Watches(branch, defaultBranch string) bool {
	if len(p.Branches) == 0 {
		return branch == defaultBranch
	}
	return governs(p.Branches, branch)
}

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
	s := Sources{Permissions: true} // the policy file's own group asks for maintain
	seen := map[string]bool{}
	for _, g := range p.Groups {
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
	return s
}

func (s *Sources) add(from string) {
	switch {
	case from == "codeowners":
		s.CodeOwners = true
	case strings.HasPrefix(from, "@"):
		s.Teams = append(s.Teams, from)
	case rank(from) < 0:
		s.Logins = append(s.Logins, from)
	}
}

// rank orders permissions; -1 is no permission's name.
func rank(permission string) int {
	for i, p := range permissions {
		if p == permission {
			return i
		}
	}
	return -1
}
