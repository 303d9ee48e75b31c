package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// report is what a backtest found. Nothing in it depends on the clock or on the
// order of a map, so the same history gives the same bytes.
type report struct {
	Repo        string    `json:"repo"`
	Branch      string    `json:"branch"`
	Tip         string    `json:"tip"`
	Policy      string    `json:"policy"`
	Commits     int       `json:"commits"` // first-parent commits judged
	Merges      int       `json:"merges"`  // of them, merge commits
	NotEnrolled int       `json:"not_enrolled"`
	NotWatched  int       `json:"not_watched"`
	Governed    int       `json:"governed"` // changes that a rule had something to say of
	Outcomes    []outcome `json:"outcomes"`
	Asked       []ask     `json:"asked"`
	Changes     []judged  `json:"changes"`
	Unreadable  []string  `json:"unreadable"`
	Cut         string    `json:"cut,omitempty"` // oldest commit of a shallow clone, not judged

	states map[rules.State]int
	asks   map[ask]int
}

// outcome is how many changes would have stood in a state.
type outcome struct {
	State   rules.State `json:"state"`
	Changes int         `json:"changes"`
}

// ask is one thing that would have been asked, and of how many changes.
type ask struct {
	Rule    string `json:"rule"`
	Group   string `json:"group"`
	Code    string `json:"code"`
	What    string `json:"what"`
	Changes int    `json:"changes"`
}

// judged is one past change.
type judged struct {
	Commit string      `json:"commit"`
	At     time.Time   `json:"at"`
	Merge  bool        `json:"merge"`
	Title  string      `json:"title"`
	State  rules.State `json:"state"`
	Files  int         `json:"governed_files"`
	Groups []string    `json:"groups"`
	Asked  []string    `json:"asked"` // finding codes
}

func newReport(repo string, line *checks.Line, t *backtest) *report {
	policy := "the one on each change's base"
	if t.fixed != nil {
		policy = t.named
	}
	return &report{
		Repo: repo, Branch: line.Branch, Tip: line.Tip, Policy: policy, Cut: line.Cut,
		Outcomes: []outcome{}, Asked: []ask{}, Changes: []judged{}, Unreadable: []string{},
		states: map[rules.State]int{}, asks: map[ask]int{},
	}
}

// add counts one verdict. Would is used, not State: a shadow policy asks the same.
func (r *report) add(s checks.Step, g *checks.Gathered, v rules.Verdict, p *rules.Policy) {
	if v.Would == rules.Nothing {
		return
	}
	r.Governed++
	r.states[v.Would]++
	j := judged{Commit: s.Commit, At: s.At, Merge: s.Merge, Title: clipEnd(clean(g.Title), 200), State: v.Would, Files: len(v.Governed), Groups: []string{}, Asked: []string{}}
	for _, f := range v.Governed {
		j.Groups = append(j.Groups, f.Groups...)
	}
	slices.Sort(j.Groups)
	j.Groups = slices.Compact(j.Groups)
	once := map[ask]bool{}
	for _, f := range v.Findings {
		if f.State != rules.Unmet && f.State != rules.Pending {
			continue
		}
		j.Asked = append(j.Asked, f.Code)
		if a := asked(f, p); !once[a] {
			once[a] = true
			r.asks[a]++
		}
	}
	slices.Sort(j.Asked)
	j.Asked = slices.Compact(j.Asked)
	r.Changes = append(r.Changes, j)
}

func asked(f rules.Finding, p *rules.Policy) ask {
	c, _ := rules.Explain(f.Code)
	a := ask{Rule: f.Rule, Group: f.Group, Code: f.Code, What: c.Name}
	switch {
	case f.Rule == rules.RuleApprovals && f.Group != "" && p != nil:
		a.What = "approvals: " + approvers(p, f.Group)
	case f.Rule == rules.RuleRequiredChecks:
		a.What = "result of a required check"
	}
	return a
}

var ruleOrder = []string{
	rules.RulePolicyFile, rules.RuleChangeRequest, rules.RuleApprovals, rules.RuleRollbackPlan,
	rules.RuleEffectiveDate, rules.RuleNotice, rules.RuleFreezeWindow, rules.RuleRequiredChecks, rules.RuleAgentContent,
}

// finish turns the counts into sorted lists.
func (r *report) finish() {
	for s, n := range r.states {
		r.Outcomes = append(r.Outcomes, outcome{s, n})
	}
	slices.SortFunc(r.Outcomes, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(b.Changes, a.Changes), cmp.Compare(a.State, b.State))
	})
	for a, n := range r.asks {
		a.Changes = n
		r.Asked = append(r.Asked, a)
	}
	slices.SortFunc(r.Asked, func(a, b ask) int {
		return cmp.Or(
			cmp.Compare(slices.Index(ruleOrder, a.Rule), slices.Index(ruleOrder, b.Rule)),
			cmp.Compare(b.Changes, a.Changes), cmp.Compare(a.Group, b.Group),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.What, b.What))
	})
}

func backtestText(r *report) string {
	var b strings.Builder
	hang(&b, "backtest  ", fmt.Sprintf("%s: %s@%s", r.Repo, r.Branch, short(r.Tip)))
	hang(&b, "policy    ", r.Policy)
	fmt.Fprintf(&b, "walked    %s of the first-parent line, %d of them merges\n", count(r.Commits, "commit"), r.Merges)
	fmt.Fprintf(&b, "governed  %s%s\n", count(r.Governed, "change"), share(r.Governed, r.Commits))
	if r.NotEnrolled+r.NotWatched > 0 {
		fmt.Fprintf(&b, "left      %d before the repository had a policy, %d on a branch not watched\n", r.NotEnrolled, r.NotWatched)
	}
	if r.Cut != "" {
		hang(&b, "cut       ", "the clone is shallow: "+short(r.Cut)+" and what is older was not judged; git fetch --unshallow")
	}
	for _, u := range r.Unreadable {
		hang(&b, "unread    ", u)
	}
	hang(&b, "unknown   ", "who approved, and the pull requests' descriptions: approvals are counted as asked, and a change request only where a commit's message or a file under .changes/ holds it")
	askedTable(&b, r)
	changeTable(&b, r)
	return b.String()
}

func share(n, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.1f %%)", 100*float64(n)/float64(of))
}

func askedTable(b *strings.Builder, r *report) {
	if len(r.Asked) > 0 {
		b.WriteString("\n  CHANGES  CODE   WOULD HAVE BEEN ASKED\n")
	}
	for _, a := range r.Asked {
		what := a.What
		if a.Group != "" {
			what = a.Group + ": " + what
		}
		hang(b, fmt.Sprintf("  %7d  %s  ", a.Changes, a.Code), what)
	}
	if len(r.Outcomes) > 0 {
		b.WriteString("\n  CHANGES  WOULD HAVE BEEN\n")
	}
	for _, o := range r.Outcomes {
		fmt.Fprintf(b, "  %7d  %s\n", o.Changes, strings.ToLower(outcomes[o.State][0]))
	}
}

func changeTable(b *strings.Builder, r *report) {
	if len(r.Changes) > 0 {
		b.WriteString("\n  DATE        COMMIT   HOW     CHANGE\n")
	}
	for _, j := range r.Changes {
		how := "commit"
		if j.Merge {
			how = "merge"
		}
		fmt.Fprintf(b, "  %s  %s  %-6s  %s\n", j.At.Format(time.DateOnly), short(j.Commit), how, clipEnd(j.Title, width-31))
		hang(b, strings.Repeat(" ", 31), fmt.Sprintf("%s in %s; %s", count(j.Files, "file"), strings.Join(j.Groups, ", "), strings.Join(j.Asked, " ")))
	}
}
