package main

import (
	"fmt"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// maxListed is how many governed files the table shows; the count is always said.
const maxListed = 50

// checkText lays a verdict out for a terminal of 80 columns.
func checkText(g *checks.Gathered, v rules.Verdict, colour bool) string {
	var b strings.Builder
	c := &g.Change
	hang(&b, "change   ", fmt.Sprintf("%s: %s -> %s", c.Repo, point(c.Head), c.Base.Branch))
	if v.Policy != "" {
		hang(&b, "policy   ", fmt.Sprintf("%s@%s (%s)", c.Base.Branch, short(g.Policy.Commit), g.Policy.Path))
	}
	b.WriteString("known    files and history of this clone; reviews, roles and checks are not\n")
	if c.Floor == nil {
		b.WriteString("         the organisation's policy is not, unless --floor FILE gives it\n")
	}
	fileTable(&b, c.Files, v)
	if len(v.Findings) > 0 {
		b.WriteByte('\n')
	}
	for _, f := range v.Findings {
		finding(&b, f, colour)
	}
	result(&b, v)
	return b.String()
}

func point(p rules.Point) string {
	if p.Branch == "" {
		return short(p.Commit)
	}
	return p.Branch
}

func short(commit string) string { return commit[:min(7, len(commit))] }

func fileTable(b *strings.Builder, files []rules.File, v rules.Verdict) {
	if len(v.Governed) > 0 {
		fmt.Fprintf(b, "\n  %-46s %-9s %s\n", "FILE", "CHANGE", "GROUPS")
	}
	byPath := map[string]rules.File{}
	for _, f := range files {
		byPath[f.Path] = f
	}
	for i, g := range v.Governed {
		if i == maxListed {
			fmt.Fprintf(b, "  and %s\n", count(len(v.Governed)-i, "more governed file"))
			break
		}
		f := byPath[g.Path]
		hang(b, fmt.Sprintf("  %-46s %-9s ", clipStart(clean(g.Path), 46), f.Status), strings.Join(g.Groups, ", "))
		if f.OldPath != "" {
			fmt.Fprintf(b, "    from %s\n", clipStart(clean(f.OldPath), 41))
		}
	}
	fmt.Fprintf(b, "\n  %s changed, %d governed\n", count(len(files), "file"), len(v.Governed))
}

// The tokens carry the meaning; colour only repeats it.
const (
	pass = "PASS"
	wait = "WAIT"
	act  = "ACT"
	fail = "FAIL"
	skip = "SKIP"
)

var colours = map[string]string{pass: "32", wait: "33", act: "31", fail: "31", skip: "36"}

func token(f rules.Finding) string {
	switch f.State {
	case rules.Met:
		return pass
	case rules.Pending:
		return wait
	case rules.Waived:
		return skip
	}
	if c, ok := rules.Explain(f.Code); ok && c.State == rules.Failure {
		return fail
	}
	return act
}

func finding(b *strings.Builder, f rules.Finding, colour bool) {
	says := f.Says
	if f.Group != "" {
		says = f.Group + ": " + says
	}
	t := token(f)
	var rows strings.Builder
	hang(&rows, fmt.Sprintf("  %-5s %-15s ", t, f.Rule), says)
	text := rows.String()
	if colour {
		text = strings.Replace(text, t, "\x1b["+colours[t]+"m"+t+"\x1b[0m", 1)
	}
	b.WriteString(text)
	if f.State == rules.Met || f.Fix == "" {
		return
	}
	at := strings.Repeat(" ", 8)
	if f.Path != "" {
		hang(b, at+"at:   ", fmt.Sprintf("%s:%d", f.Path, max(f.Line, 1)))
	}
	block(b, at+"fix:  ", f.Fix)
	if f.Code != "" {
		b.WriteString(at + "more: changegate explain " + f.Code + "\n")
	}
}

// outcomes is what each state is called in the result line, and what comes next.
var outcomes = map[rules.State][2]string{
	rules.Nothing:    {"NOTHING TO APPROVE", "push"},
	rules.Ready:      {"READY", "push"},
	rules.Shadow:     {"SHADOW", "push; the policy only watches"},
	rules.BreakGlass: {"BREAK-GLASS", "the review after the fact"},
	rules.Scheduled:  {"SCHEDULED", "nothing to do: it turns green by itself"},
	rules.Frozen:     {"FROZEN", "nothing to do: it goes on by itself"},
	rules.Waiting:    {"WAITING", "open the pull request and ask for a review"},
	rules.Author:     {"AUTHOR MUST ACT", "do what ACT says, then run this again"},
	rules.Failure:    {"BLOCKED", "do what FAIL says, then run this again"},
}

func result(b *strings.Builder, v rules.Verdict) {
	o, code := outcomes[v.State], exitCode(v)
	unmet := 0
	for _, f := range v.Findings {
		if f.State == rules.Unmet || f.State == rules.Pending {
			unmet++
		}
	}
	line := "Result: " + o[0]
	if unmet > 0 {
		line += fmt.Sprintf(" (%d of %s)", unmet, count(len(v.Findings), "finding"))
	}
	fmt.Fprintf(b, "\n%-68s exit %d\n", line, code)
	hang(b, "Title:  ", v.Title)
	hang(b, "Next:   ", o[1])
	if !v.Next.IsZero() {
		fmt.Fprintf(b, "Again:  %s, when the clock alone may change the result\n", v.Next.UTC().Format(time.RFC3339))
	}
}
