package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// CONTRACT §5: of several reasons the one that asks most makes the state.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+`    require_checks: [{name: evals, app: ci}]
freezes:
  - {name: year-end, from: 2026-11-20T00:00Z, until: 2026-11-25T00:00Z}
`)
	type step struct {
		state State
		title string
		mend  func(*Change)
	}
	c := change(asks("change: {effective_at: 2026-12-01T09:00Z}"), reviewed(review(rev2, state(changesRequested))))
	for i, s := range []step{
		{Failure, "Changes requested by rev2", func(c *Change) { c.Reviews = nil }},
		{Author, "Author: say why (1 of 2 things)", asks("change: {why: x, effective_at: 2026-12-01T09:00Z}")},
		{Author, "Author: add a rollback plan", asks(request + "  effective_at: 2026-12-01T09:00Z")},
		{Waiting, "Waiting for 1 approval - from write access", func(c *Change) { reviewed(review(rev1))(c) }},
		{Waiting, "Waiting for required checks", func(c *Change) { c.Checks = []Check{{"evals", "ci", "completed", "success"}} }},
		{Frozen, "Frozen until Wed 25 Nov 2026 00:00 UTC - year-end", func(c *Change) { p = parse(t, strings.Split(contractless(p), "freezes:")[0]) }},
		{Scheduled, "Scheduled - effective Tue 1 Dec 2026 09:00 UTC", func(c *Change) { asks(request)(c); c.Reviews = nil; reviewed(review(rev1))(c) }},
		{Ready, "Ready - 1 approval, rollback to v1, effective on merge", func(*Change) {}},
	} {
		v := p.Decide(c, noon)
		want(t, v, s.state, s.title)
		if blocks := s.state != Ready; v.State.Blocks() != blocks {
			t.Errorf("step %d: blocks is %v", i, !blocks)
		}
		s.mend(c)
	}
}

// contractless is the policy of TestPrecedence without its freezes.
func contractless(*Policy) string {
	return prompts + "    require_checks: [{name: evals, app: ci}]\n"
}

func TestWorse(t *testing.T) {
	t.Parallel()
	order := []State{Nothing, Ready, BreakGlass, Shadow, Scheduled, Frozen, Waiting, Author, Failure, "unheard of"}
	for i, a := range order {
		for k, b := range order {
			if Worse(a, b) != (i > k) {
				t.Errorf("%s worse than %s is %v", a, b, !(i > k))
			}
		}
		if a.Blocks() != (i > 3) {
			t.Errorf("%s blocks is %v", a, !(i > 3))
		}
	}
}

func TestShadow(t *testing.T) {
	t.Parallel()
	p := parse(t, strings.Replace(prompts, "enforce", "shadow", 1))
	v := p.Decide(change(), noon)
	want(t, v, Shadow, "[Shadow] Would block: Waiting for 1 approval - from write access")
	if v.Would != Waiting {
		t.Errorf("would is %s", v.Would)
	}
	v = p.Decide(change(reviewed(review(rev1))), noon)
	want(t, v, Shadow, "[Shadow] Would pass: Ready - 1 approval, rollback to v1, effective on merge")
	want(t, p.Decide(change(touching(File{Path: "README.md"})), noon), Shadow, "[Shadow] Would pass: No governed files changed - nothing to approve")
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	want(t, Evaluate([]byte(prompts), change(reviewed(review(rev1))), noon), Ready, "Ready…")

	v := Evaluate([]byte(prompts+"    aprovals: []\n    risk: huge\n"), change(reviewed(review(rev1))), noon)
	want(t, v, Failure, "Cannot read the policy on main - line 8")
	same(t, codesOf(v), []string{CodePolicyBroken, CodePolicyBroken})
	same(t, v.Findings[0], Finding{Rule: RulePolicyFile, State: Unmet, Code: CodePolicyBroken, Path: PolicyPath, Line: 8,
		Says: "line 8: `aprovals` is not a key of governed[0]", Fix: "`approvals` (on `main`)"})

	v = Evaluate([]byte("\xff"), change(), noon)
	want(t, v, Failure, "Cannot read the policy on main")
	v = Evaluate([]byte("\xff"), change(func(c *Change) { c.Base.Branch = strings.Repeat("b\u202e`", 100) }), noon)
	if utf8.RuneCountInString(v.Title) != 80 || strings.ContainsAny(v.Title, "\u202e`") {
		t.Errorf("%q", v.Title)
	}
}

func TestNothingGoverned(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts)
	for name, c := range map[string]*Change{
		"no file":       change(touching()),
		"another file":  change(touching(File{Path: "README.md"})),
		"no request":    change(touching(File{Path: "README.md"}), func(c *Change) { c.Requests = nil }),
		"a bad request": change(touching(File{Path: "README.md"}), asks("[")),
		"unknown names": change(touching(File{Path: "README.md"}), func(c *Change) { c.Unknown = []string{"@acme/x"} }),
	} {
		if v := p.Decide(c, noon); v.State != Nothing || !v.Next.IsZero() || v.Findings == nil {
			t.Errorf("%s: %s %s", name, v.State, v.Title)
		}
	}
	// What could not be read whole is never nothing.
	v := p.Decide(change(touching(), func(c *Change) { c.Gaps = []Gap{{"files", "3,000 listed of 4,000"}} }), noon)
	want(t, v, Failure, "ChangeGate could not finish - part of the change was not readable")
	same(t, codesOf(v), []string{CodeGap})
}

func TestGap(t *testing.T) {
	t.Parallel()
	c := change(reviewed(review(rev1)), func(c *Change) { c.Gaps = []Gap{{"reviews", "100 listed of 104"}} })
	v := parse(t, prompts).Decide(c, noon)
	want(t, v, Failure, "ChangeGate could not finish - part of the change was not readable")
	if f := finding(v, CodeGap); f.Says != "reviews: 100 listed of 104" || f.Fix == "" {
		t.Errorf("%+v", f)
	}
}

func TestPolicyFileRule(t *testing.T) {
	t.Parallel()
	edit := File{Path: PolicyPath, Status: "modified", Old: "1", New: "2"}
	weaker := strings.Replace(prompts, "enforce", "shadow", 1)
	may := reviewed(review(rev1, role("maintain")))
	for _, tt := range []struct {
		name  string
		opts  []func(*Change)
		state State
		title string
		codes []string
	}{
		{"names nobody", opt(newPolicy(weaker), may, func(c *Change) { c.NewPolicy.Unknown = []string{"@acme/onwers"} }), Failure, "Cannot read .github/changegate.yml in this PR", []string{CodeNewPolicy}},
		{"loads", opt(newPolicy(weaker), may), Ready, "Ready…", nil},
		{"judged by the base's", opt(newPolicy(weaker), reviewed(review(rev1))), Waiting, "Waiting for 1 approval - from maintain access", []string{CodeApprovals}},
		{"does not load", opt(newPolicy("version: 1\n\nmodus: shadow\n"), may), Failure, "Cannot read .github/changegate.yml in this PR - line 1", []string{CodeNewPolicy, CodeNewPolicy}},
		{"empty", opt(newPolicy(""), may), Failure, "Cannot read .github/changegate.yml in this PR - line 1", []string{CodeNewPolicy}},
		{"not UTF-8", opt(newPolicy("\xff"), may), Failure, "Cannot read .github/changegate.yml in this PR", []string{CodeNewPolicy}},
		{"was not read", opt(func(c *Change) { c.NewPolicy = nil }, may), Failure, "ChangeGate could not finish…", []string{CodeGap}},
		{"deleted", opt(touching(File{Path: PolicyPath, Status: "deleted", Old: "1"}), func(c *Change) { c.NewPolicy = &PolicyText{Path: PolicyPath, Deleted: true} }, may), Ready, "Ready…", nil},
		{"deleted by one who may not", opt(touching(File{Path: PolicyPath, Status: "deleted", Old: "1"}), func(c *Change) { c.NewPolicy = &PolicyText{Path: PolicyPath, Deleted: true} }), Waiting, "Waiting for 1 approval - from maintain access", []string{CodeApprovals}},
		{"moved away", opt(touching(File{Path: "attic/x.yml", OldPath: PolicyPath, Status: "renamed", New: "1"}), func(c *Change) { c.NewPolicy = &PolicyText{Path: PolicyPath, Deleted: true} }), Waiting, "Waiting for 1 approval - from maintain access", []string{CodeApprovals}},
		{"unknown team", opt(newPolicy(weaker), may, func(c *Change) { c.Unknown = []string{"@acme/ai-saftey"} }), Failure, "Cannot read the policy - it names somebody GitHub does not know", []string{CodeUnknownName}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := parse(t, prompts).Decide(change(append(opt(touching(edit), newPolicy(weaker)), tt.opts...)...), noon)
			want(t, v, tt.state, tt.title)
			same(t, codesOf(v), tt.codes)
		})
	}
}

func newPolicy(text string) func(*Change) {
	return func(c *Change) { c.NewPolicy = &PolicyText{Path: PolicyPath, Data: []byte(text)} }
}

func TestRequestRule(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    effective_at: required\n    risk: medium\n")
	file := func(text string) func(*Change) {
		return func(c *Change) { c.Requests = []RequestText{{Path: ".changes/a.yml", Line: 1, Text: text}} }
	}
	dated := request + "  effective_at: on-merge\n"
	for _, tt := range []struct {
		name  string
		ask   func(*Change)
		state State
		title string
		codes []string
	}{
		{"complete", asks(dated), Ready, "Ready…", nil},
		{"missing", func(c *Change) { c.Requests = nil }, Author, "Author: add a change request (1 of 3 things)", []string{CodeNoRequest, CodeRollback, CodeEffectiveDate}},
		{"no why", asks(strings.Replace(dated, "refunds above 200 EUR go to a human", "", 1)), Author, "Author: say why", []string{CodeWhy}},
		{"unreadable", asks(dated + "  ticked: 1\n  risk: huge\n"), Failure, "Cannot read the change request - line 9", []string{CodeBadRequest, CodeBadRequest}},
		{"unreadable as a whole", asks("\xff"), Failure, "Cannot read the change request", []string{CodeBadRequest}},
		{"unreadable in a file", file("change: ["), Failure, "Cannot read the change request - line 2", []string{CodeBadRequest}},
		{"two", func(c *Change) {
			asks(dated)(c)
			c.Requests = append(c.Requests, RequestText{Path: ".changes/a.yml", Line: 1, Text: request})
		}, Failure, "Cannot read the change request - line 1", []string{CodeTwoRequests}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := p.Decide(change(tt.ask, reviewed(review(rev1))), noon)
			want(t, v, tt.state, tt.title)
			same(t, codesOf(v), tt.codes)
		})
	}
	for risk, says := range map[string]string{"": "medium", "low": "medium", "high": "high"} {
		v := p.Decide(change(asks(dated+"  risk: "+risk)), noon)
		if got := v.Findings[0].Says; got != "why is given in the description; risk "+says {
			t.Errorf("risk %q: %s", risk, got)
		}
	}
}

// The template a finding offers is itself a change request, and pasting it
// without writing why does not pass.
func TestTemplate(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    effective_at: required\n")
	v := p.Decide(change(func(c *Change) { c.Requests = nil }), noon)
	_, template, _ := strings.Cut(finding(v, CodeNoRequest).Fix, "\n")
	c := change(func(c *Change) {
		c.Requests = RequestsIn(template)
		c.Target = &Target{To: RollbackTarget(c.Requests), Commit: mergeBase, InBase: true}
	}, reviewed(review(rev1)))
	want(t, p.Decide(c, noon), Author, "Author: say why")
	c.Requests = RequestsIn(strings.Replace(template, "why: #", "why: x #", 1))
	want(t, p.Decide(c, noon), Ready, "Ready - 1 approval, rollback to 9f3c2ab, effective on merge")
}

// Every code has a place in the reference, and every finding's code a state.
func TestCodes(t *testing.T) {
	t.Parallel()
	last := ""
	for _, c := range Codes() {
		got, ok := Explain(c.ID)
		if !ok || got != c || c.ID <= last {
			t.Errorf("%s is not found or out of order", c.ID)
		}
		if c.Name == "" || len(c.Help) < 20 || strings.Contains(c.Help, "CONTRACT") {
			t.Errorf("%s has no help for users", c.ID)
		}
		if (c.State == Author) != (c.act != "") {
			t.Errorf("%s asks the author for %q", c.ID, c.act)
		}
		last = c.ID
	}
	if _, ok := Explain("CG000"); ok {
		t.Error("CG000 is explained")
	}
	if Codes()[0].ID = "changed"; codes[0].ID == "changed" {
		t.Error("a caller can change the reference")
	}
}

// Every code is used by a rule, and every code a rule uses is explained.
func TestCodesAreUsed(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]bool{"CodeUnfinished": true} // said by bot, when GitHub does not answer
	names, uses := map[string]string{}, map[string]int{}
	files, _ := filepath.Glob("*.go")
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if len(n.Values) != 1 {
					return true
				}
				if value, ok := n.Values[0].(*ast.BasicLit); ok && strings.HasPrefix(value.Value, `"CG`) {
					names[n.Names[0].Name] = strings.Trim(value.Value, `"`)
				}
			case *ast.Ident:
				if file != "codes.go" {
					uses[n.Name]++
				}
			}
			return true
		})
	}
	if len(names) != len(codes) {
		t.Errorf("%d codes, %d of them explained", len(names), len(codes))
	}
	for name, id := range names {
		if _, ok := Explain(id); !ok {
			t.Errorf("%s is not explained", name)
		}
		if (uses[name] == 0) != elsewhere[name] {
			t.Errorf("%s is used %d times", name, uses[name])
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	words := []string{"approvals", "risk", "rollback"}
	for word, want := range map[string]string{"aprovals": "approvals", "APPROVAL": "approvals", "rsk": "risk", "zzz": "", "": "", strings.Repeat("risk", 20): ""} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%q is near %q, want %q", word, got, want)
		}
	}
}
