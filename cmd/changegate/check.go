package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// maxBody is the largest description read, in bytes: GitHub's limit of 65,536
// characters, each of at most four bytes.
const maxBody = 4 * 65536

// runCheck judges the change between two commits of a clone by the rules the
// server uses.
func runCheck(ctx context.Context, args []string, e env) int {
	fs := e.flags("check", "", "Judges the change from --base to --head as the server would, as far as a clone can\n"+
		"know: reviews, roles and check results live on GitHub, so their rules wait.\n"+
		"Exit 0 ready, 1 blocked or the author must act, 2 usage or policy error, 3 waiting.")
	repo := fs.String("repo", ".", "`directory` of the clone, or a folder in it")
	base := fs.String("base", "main", "`branch` the change goes into")
	head := fs.String("head", "HEAD", "`commit` or branch with the change")
	at := fs.String("at", "", "`time` to judge at, such as 2026-11-30T09:00+01:00 (default now)")
	body := fs.String("body-file", "", "`file` with the pull request's description")
	floor := fs.String("floor", "", "`file` with the organisation's policy, to be added")
	asJSON := fs.Bool("json", false, "print the verdict as JSON")
	if _, code, done := e.parse(fs, args, 0); done {
		return code
	}
	now, err := parseTime("at", *at)
	if err != nil {
		return e.fail("check", err)
	}
	if now.IsZero() {
		now = e.now
	}
	description, err := readBody(*body)
	if err != nil {
		return e.fail("check", err)
	}
	org, err := readFloor(*floor)
	if err != nil {
		return e.fail("check", err)
	}
	g, err := checks.Local(ctx, checks.LocalOptions{Repo: *repo, Base: *base, Head: *head, Body: description, Floor: org})
	if err != nil {
		return e.fail("check", err)
	}
	v, err := judge(g, now)
	switch {
	case err != nil:
		return e.fail("check", err)
	case *asJSON:
		return e.printJSON(v, exitCode(v))
	}
	return e.print(checkText(g, v, e.colour), exitCode(v))
}

func readBody(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	data, err := readFile(file, maxBody)
	if err != nil {
		return "", fmt.Errorf("--body-file: %w", err)
	}
	return string(data), nil
}

// readFloor reads the organisation's policy: a clone of one repository does not hold it.
func readFloor(file string) (*rules.PolicyText, error) {
	if file == "" {
		return nil, nil
	}
	// Twice the limit is read, so that the parser itself says what the limit is.
	data, err := readFile(file, 2*rules.MaxPolicy)
	if err != nil {
		return nil, fmt.Errorf("--floor: %w", err)
	}
	return &rules.PolicyText{Path: checks.PolicyPath, Data: data}, nil
}

// readFile reads a file of at most limit bytes. A longer one is refused: half a
// text must not be judged as the whole.
func readFile(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return data, nil
}

// judge decides by the policy on the base branch, and the organisation's if it was
// given. A repository without one of its own is not enrolled, and a branch that
// neither watches gets no check.
func judge(g *checks.Gathered, now time.Time) (rules.Verdict, error) {
	c, p := &g.Change, g.Policy
	nothing := rules.Verdict{State: rules.Nothing, Would: rules.Nothing, Findings: []rules.Finding{}, Head: c.Head.Commit}
	switch p.State {
	case checks.PolicyAbsent:
		nothing.Title = clipEnd("Not enrolled - no "+checks.PolicyPath+" on "+clean(c.Base.Branch), width)
		return nothing, nil
	case checks.PolicyUnreadable:
		return nothing, errors.New("read policy " + c.Base.Branch + ":" + p.Path + ": " + p.Why)
	}
	v := rules.Evaluate(p.Data, c, now)
	if loaded, _ := rules.Load(p.Data, c.Floor); loaded != nil && !watched(loaded, c) {
		v = nothing
		v.Title = clipEnd("Not governed - the policy does not watch "+clean(c.Base.Branch), width)
	}
	v.Policy = p.Commit + ":" + p.Path
	return v, nil
}

// watched reports whether a change into this base is judged. A base that was given
// as a commit belongs to no branch that the policy could leave out, so it is. So is
// every base of a policy that lists no branches: it governs the default branch, and
// which that is a clone only knows as of its last look at the remote's HEAD.
func watched(p *rules.Policy, c *rules.Change) bool {
	unlisted := slices.ContainsFunc(p.BranchLists(), func(branches []string) bool { return len(branches) == 0 })
	return unlisted || strings.HasPrefix(c.Base.Commit, c.Base.Branch) || p.Watches(c.Base.Branch, c.DefaultBranch)
}

// exitCode tells a script what a person reads in the result line.
func exitCode(v rules.Verdict) int {
	for _, f := range v.Findings {
		if f.Code == rules.CodePolicyBroken || f.Code == rules.CodeFloorBroken {
			return exitUsage
		}
	}
	switch v.State {
	case rules.Scheduled, rules.Frozen, rules.Waiting:
		return exitWaiting
	}
	if v.State.Blocks() {
		return exitBlocked
	}
	return exitOK
}
