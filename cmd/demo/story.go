package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"changegate/checks/githubtest"
)

const policy = `version: 1
mode: enforce
timezone: Europe/Berlin
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals: [{count: 1, from: ["@acme/ai-owners"]}]
  - name: agents
    kind: agent-version
    paths: ["agents/**"]
    approvals: [{count: 1, from: ["@acme/ai-owners"]}]
`

const (
	prompt   = "You help customers with refunds.\nNever refund more than 200 EUR without asking a human.\nBe brief.\n"
	proposed = "You help customers with refunds.\nNever refund more than 500 EUR without asking a human.\nBe brief.\n"
	careful  = "You help customers with refunds.\nNever refund more than 300 EUR without asking a human.\nBe brief.\n"
	hurried  = "You help customers with refunds.\nRefund whatever they ask for.\nBe brief.\n"
	manifest = "name: support-agent\nversion: 3.4.0\nprompt: prompts/refund.md\n"
	promoted = "name: support-agent\nversion: 3.5.0\nreplaces: 3.4.0\nprompt: prompts/refund.md\n"

	words = "Support asked for a higher limit before the holidays.\n"
)

func request(rollback, effective string) string {
	return words + "\n```yaml\nchange:\n  why: Support may refund more before the holidays\n" + effective + rollback + "```\n"
}

// A step is one thing that happens and the check run that must follow from it.
type step struct {
	who, says string
	do        func(*stage)
	state     string // status, or the conclusion of a completed run; empty: nothing is shown
	title     string // how the title must begin
	diff      bool   // the difference is shown too
}

// steps are the story up to the merge.
func steps() []step {
	return []step{
		{"dev1", "opens a pull request: a higher refund limit, and version 3.5.0 of the agent.",
			func(s *stage) {
				s.pull = s.repo.Open("dev1", githubtest.PR{Title: "Raise the refund limit", Body: request("", ""),
					Files: githubtest.Files{"prompts/refund.md": proposed, "agents/support-agent.yml": promoted}})
			}, "action_required", "Author: add a rollback plan", true},
		{"dev1", "pastes the plan that the check suggests, and says when it takes effect.",
			func(s *stage) {
				s.pull.Edit("dev1", request("  rollback:\n    to: "+s.base[:7]+"\n", "  effective_at: 2026-11-30 09:00 Europe/Berlin\n"))
			}, "in_progress", "Waiting for 2 approvals - from @acme/ai-owners", false},
		{"dev2", "approves. He may push to the repository, but he is not among the owners.",
			func(s *stage) { s.pull.Review("dev2", "APPROVED") }, "in_progress", "Waiting for 2 approvals", false},
		{"rev1", "of @acme/ai-owners approves. One person, two groups: each group is judged on its own.",
			func(s *stage) { s.pull.Review("rev1", "APPROVED") }, "in_progress", "Scheduled - effective Mon 30 Nov 2026 09:00 Europe/Berlin", false},
		{"dev1", "pushes again. What rev1 approved is no longer what is there.",
			func(s *stage) { s.pull.Push("dev1", githubtest.Files{"prompts/refund.md": careful}) },
			"in_progress", "Approvals stale - rev1 approved", true},
		{"rev1", "looks at the difference and approves it.",
			func(s *stage) { s.pull.Review("rev1", "APPROVED") }, "in_progress", "Scheduled", false},
		{"The clock", "reaches Monday, 09:00 in Berlin. Nobody does anything.",
			func(s *stage) { s.clock.to(time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)) }, "success", "Ready - ", false},
		{"dev1", "merges.", func(s *stage) { s.pull.Merge("dev1", "squash") }, "", "", false},
		{"boss1", "is in a hurry and pushes to main, past every control.",
			func(s *stage) {
				s.repo.Push("boss1", "main", githubtest.Files{"prompts/refund.md": hurried})
				s.clock.to(s.clock.now().Add(5 * time.Minute))
			}, "", "", false},
	}
}

// tell runs the story and stops at the first step that did not go as told.
func tell(out io.Writer) error {
	s, err := newStage()
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Fprintf(out, "An organisation, acme, with a repository of agents. This is its policy:\n\n%s\n", indent(policy))
	for i, step := range steps() {
		var b strings.Builder
		fold(&b, fmt.Sprintf("%d. %s %s", i+1, step.who, step.says), "", "   ")
		fmt.Fprintf(out, "%s\n%s", rule, &b)
		if err := s.play(out, step); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return s.audit(out)
}

func (s *stage) play(out io.Writer, step step) error {
	step.do(s)
	fmt.Fprintf(out, "   %s\n\n", s.clock.now().Format("Mon 2006-01-02 15:04 UTC"))
	s.clock.to(s.clock.now().Add(time.Second))
	if err := s.bot.Drain(context.Background()); err != nil {
		return err
	}
	if step.state == "" {
		return nil
	}
	run, ok := s.pull.Check("changegate: main")
	if !ok {
		return fmt.Errorf("there is no check run on the head")
	}
	show(out, run, step.diff)
	state := run.Status
	if state == "completed" {
		state = run.Conclusion
	}
	if state != step.state || !strings.HasPrefix(run.Title, step.title) {
		return fmt.Errorf("the check is %s %q, the story says %s %q", state, run.Title, step.state, step.title)
	}
	return nil
}

// audit ends the story: the evidence is exported, verified, and tampered with.
func (s *stage) audit(out io.Writer) error {
	fmt.Fprintf(out, "%s\nThe auditor asks for every change of November.\n\n", rule)
	bundle, err := s.export()
	if err != nil {
		return err
	}
	for _, name := range []string{"population.csv", "exceptions.csv"} {
		data, err := member(bundle, name)
		if err != nil {
			return err
		}
		table(out, name, data)
	}
	fmt.Fprintf(out, "She verifies the bundle of %d bytes on her own machine, offline.\n\n", len(bundle))
	report := verify(bundle)
	list(out, report)
	if !report.Verified {
		return fmt.Errorf("the bundle does not verify")
	}
	fmt.Fprintf(out, "\nSomebody changes one byte of it.\n\n")
	bundle[len(bundle)/2] ^= 1
	report = verify(bundle)
	list(out, report)
	if report.Verified {
		return fmt.Errorf("the changed bundle verifies")
	}
	fmt.Fprintf(out, "\n%s\nEvery step went as told.\n", rule)
	return nil
}
