package rules

import (
	"fmt"
	"testing"
	"time"
)

// benched is a busy pull request: 50 files in 3 groups, 10 reviews, some of an
// earlier commit, 20 commits.
func benched() *Change {
	c := change(asks(request + "  effective_at: 2026-11-24T09:00Z\n"))
	c.Files = nil
	for i := range 50 {
		dir := []string{"policies", "prompts", "src/app", "tools"}[i*4/50] // in order, as GitHub and git list them
		c.Files = append(c.Files, File{Path: fmt.Sprintf("%s/agent-%02d/system.md", dir, i), Status: "modified", Old: fmt.Sprintf("%040x", i), New: fmt.Sprintf("%040x", 1000+i)})
	}
	c.Revisions = []Revision{{Commit: oldCommit, Base: "main", Files: c.Files[:49]}, {Commit: "0123456", Base: "main", Files: c.Files}}
	for i := range 20 {
		c.Commits = append(c.Commits, Commit{ID: fmt.Sprintf("%040x", i), Author: dev1, Committer: []Person{dev1, dev2}[i%2]})
	}
	for i := range 10 {
		commit := []string{headCommit, oldCommit, "0123456"}[i%3]
		reviewed(review(Person{ID: int64(20 + i), Login: fmt.Sprint("reviewer-", i)}, of(commit), team("@acme/ai-owners"), on(noon.Add(time.Duration(i-20)*time.Minute))))(c)
	}
	c.Checks = []Check{{"evals", "github-actions", "completed", "success"}}
	restorable(c)
	return c
}

const threeGroups = `version: 1
mode: enforce
governed:
  - {name: prompts, kind: prompt, paths: ["prompts/**", "!prompts/README.md"], approvals: [{count: 2, from: ["@acme/ai-owners"]}], require_checks: [{name: evals, app: github-actions}]}
  - {name: policies, kind: policy, paths: ["policies/**"], approvals: [{from: ["@acme/ai-owners", maintain]}]}
  - {name: tools, kind: tool-access, paths: ["tools/**"]}
`

func BenchmarkDecide(b *testing.B) {
	for name, text := range map[string]string{
		"plain":   threeGroups,
		"freezes": threeGroups + "freezes:\n- {name: weekend, start: '0 18 * * 5', lasts: 62h, timezone: Europe/Berlin}\n- {name: year-end, from: 2026-12-23T18:00+01:00, until: 2027-01-04T06:00+01:00}\n",
	} {
		b.Run(name, func(b *testing.B) {
			p, c := parse(b, text), benched()
			if v := p.Decide(c, noon); v.State != Ready {
				b.Fatal(v.Title, sayings(v))
			}
			b.ReportAllocs()
			for b.Loop() {
				p.Decide(c, noon)
			}
		})
	}
}

func BenchmarkParsePolicy(b *testing.B) {
	data := []byte(contract)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		ParsePolicy(data)
	}
}

func BenchmarkReadRequest(b *testing.B) {
	body := "Refunds were too generous.\n\n```yaml\n" + request + "```\n"
	b.ReportAllocs()
	for b.Loop() {
		ReadRequest(RequestsIn(body), nil)
	}
}

// BenchmarkChain walks a branch that was force-pushed a hundred thousand times, half
// of them to one commit, which anybody with write access can do: quadratic it took
// minutes.
func BenchmarkChain(b *testing.B) {
	heard := make([]Push, 100_000)
	for i := range heard {
		heard[i] = Push{By: dev1, Before: fmt.Sprintf("%040x", i), After: fmt.Sprintf("%040x", min(i+1, 50_000)), Forced: true}
	}
	head := heard[len(heard)-1].After
	for b.Loop() {
		if pushes, _ := Chain(head, nil, heard); len(pushes) != len(heard) {
			b.Fatalf("%d pushes of %d", len(pushes), len(heard))
		}
	}
}
