package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// suggested is the policy that a backtest uses on a repository that has none and
// was given none: where prompts and agent definitions commonly stand.
//
//go:embed backtest_suggested.yml
var suggested []byte

// suggestedName labels a report made with it.
const suggestedName = "suggested policy (built in; the repository has none and --policy names none)"

// runBacktest judges every past change of a branch as if it had been a pull
// request: what would have been asked of it.
func runBacktest(ctx context.Context, args []string, e env) int {
	fs := e.flags("backtest", "", "Judges every first-parent commit of a branch as if it had been a pull request.\n"+
		"Policy: --policy, else the one each change met on its base, else a built-in\n"+
		"suggestion. Who approved is not in git: approvals are counted as asked.")
	repo := fs.String("repo", ".", "`directory` of the clone, bare or not")
	branch := fs.String("branch", "", "`branch` to walk (default the one checked out)")
	since := fs.String("since", "", "first `date`, 2026-06-01 (UTC) or a time")
	until := fs.String("until", "", "`date` before which to stop")
	policy := fs.String("policy", "", "`file` of a policy to judge by")
	show := fs.Bool("suggested", false, "print the suggested policy, a start for one's own, and end")
	asJSON := fs.Bool("json", false, "print the report as JSON")
	if _, code, done := e.parse(fs, args, 0); done {
		return code
	}
	if *show {
		return e.print(string(suggested), exitOK)
	}
	t := backtest{env: e, branch: *branch, parsed: map[string]parsed{}}
	err := errors.Join(date("since", *since, &t.since), date("until", *until, &t.until), t.fixedPolicy(*policy))
	if err != nil {
		return e.fail("backtest", err)
	}
	r, err := t.run(ctx, *repo)
	switch {
	case err != nil:
		return e.fail("backtest", err)
	case *asJSON:
		return e.printJSON(r, exitOK)
	}
	return e.print(backtestText(r), exitOK)
}

// date reads a day, which begins at midnight UTC, or a time.
func date(flag, s string, to *time.Time) (err error) {
	if *to, err = time.Parse(time.DateOnly, s); err == nil {
		return nil
	}
	*to, err = parseTime(flag, s)
	return err
}

// parsed is a policy file as it loaded: one of the two.
type parsed struct {
	*rules.Policy
	problems rules.Problems
}

type backtest struct {
	env
	branch       string
	since, until time.Time

	fixed  *rules.Policy     // judges every change; nil: each change's own base does
	named  string            // of fixed, for the report
	parsed map[string]parsed // by blob id
}

func (t *backtest) fixedPolicy(file string) error {
	if file == "" {
		return nil
	}
	data, err := readFile(file, 2*rules.MaxPolicy)
	if err != nil {
		return fmt.Errorf("--policy: %w", err)
	}
	return t.use(data, file)
}

func (t *backtest) use(data []byte, name string) error {
	p, problems := rules.ParsePolicy(data)
	if len(problems) > 0 {
		return fmt.Errorf("--policy %s does not load:\n%w", name, problems)
	}
	t.fixed, t.named = p, name
	return nil
}

func (t *backtest) run(ctx context.Context, dir string) (*report, error) {
	clone, err := checks.OpenClone(dir)
	if err != nil {
		return nil, err
	}
	defer clone.Close()
	start := time.Now()
	line, err := clone.Line(t.branch, t.since, t.until)
	if err != nil {
		return nil, err
	}
	if err := t.choose(clone, line); err != nil {
		return nil, err
	}
	r := newReport(clone.Name(), line, t)
	for i, s := range line.Steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i > 0 && i%1000 == 0 {
			fmt.Fprintf(t.stderr, "%d of %d commits\n", i, len(line.Steps))
		}
		t.step(ctx, clone, s, r)
	}
	r.finish()
	fmt.Fprintf(t.stderr, "%d commits in %.1f s\n", len(line.Steps), time.Since(start).Seconds())
	return r, nil
}

// choose falls back on the suggestion where there is no policy to judge by.
func (t *backtest) choose(clone *checks.Clone, line *checks.Line) error {
	if t.fixed == nil && clone.PolicyAt(line.Tip).State == checks.PolicyAbsent {
		return t.use(suggested, suggestedName)
	}
	return nil
}

// step judges one past change. What cannot be read is listed, not skipped.
func (t *backtest) step(ctx context.Context, clone *checks.Clone, s checks.Step, r *report) {
	r.Commits++
	if s.Merge {
		r.Merges++
	}
	g, err := clone.Past(ctx, s, t.fixed)
	if err != nil {
		r.Unreadable = append(r.Unreadable, clean(fmt.Sprintf("%s: %v", short(s.Commit), err)))
		return
	}
	p, ok := t.policyOf(g)
	switch {
	case !ok && g.Policy.State == checks.PolicyUnreadable:
		r.Unreadable = append(r.Unreadable, clean(fmt.Sprintf("%s: policy: %s", short(s.Commit), g.Policy.Why)))
	case !ok:
		r.NotEnrolled++
	case len(p.problems) > 0:
		r.add(s, g, rules.Evaluate(g.Policy.Data, &g.Change, s.At), nil)
	case t.fixed == nil && !watched(p.Policy, &g.Change):
		r.NotWatched++
	default:
		r.add(s, g, p.Decide(&g.Change, s.At), p.Policy)
	}
}

// policyOf is the policy that judges a change; not ok when its base had none.
func (t *backtest) policyOf(g *checks.Gathered) (parsed, bool) {
	if t.fixed != nil {
		return parsed{Policy: t.fixed}, true
	}
	if g.Policy.State != checks.PolicyRead {
		return parsed{}, false
	}
	p, known := t.parsed[g.Policy.Blob]
	if !known {
		p.Policy, p.problems = rules.ParsePolicy(g.Policy.Data)
		t.parsed[g.Policy.Blob] = p
	}
	return p, true
}

// approvers says whom a group of a policy asks: "1 from write".
func approvers(p *rules.Policy, group string) string {
	for _, g := range p.Groups {
		if g.Name != group {
			continue
		}
		var all []string
		for _, a := range g.Approvals {
			all = append(all, fmt.Sprintf("%d from %s", a.Count, strings.Join(a.From, " or ")))
		}
		return strings.Join(all, " and ")
	}
	return "1 from maintain" // the implicit group of the policy file (CONTRACT §2)
}
