package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/rules"
)

// TestExamplePoliciesLoad: README shows these files, so they must be right.
func TestExamplePoliciesLoad(t *testing.T) {
	t.Parallel()
	groups := map[string][]string{}
	for _, name := range []string{"minimal.yml", "support-agents.yml", "strict.yml", "freezes.yml", "emergencies.yml"} {
		p, problems := rules.ParsePolicy(example(t, name))
		if len(problems) > 0 {
			t.Errorf("%s:\n%v", name, problems)
			continue
		}
		groups[name] = validated(name, p, nil).Groups
	}
	want := map[string][]string{
		"minimal.yml":        {"prompts"},
		"support-agents.yml": {"prompts", "agents", "policy"},
		"strict.yml":         {"prompts", "guardrails"},
		"freezes.yml":        {"prompts", "tools"},
		"emergencies.yml":    {"prompts"},
	}
	if d := cmp.Diff(want, groups); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
}

// TestStrictExampleUsesEveryKey of CONTRACT §2.
func TestStrictExampleUsesEveryKey(t *testing.T) {
	t.Parallel()
	keys := regexp.MustCompile(`[a-z_]+:( |\n)`).FindAllString(string(example(t, "strict.yml")), -1)
	for _, k := range []string{
		"version", "mode", "timezone", "branches", "approvals_cover", "waiting_as", "comment", "governed", "name", "kind", "paths",
		"risk", "approvals", "count", "from", "rollback", "effective_at", "notice", "require_checks", "app", "freezes",
		"reason", "until", "governs", "start", "lasts", "break_glass", "who", "reviewers", "expires", "review_within",
	} {
		if !slices.ContainsFunc(keys, func(s string) bool { return s[:len(s)-2] == k }) {
			t.Errorf("%s is not shown", k)
		}
	}
}

func TestExampleChangeRequestReads(t *testing.T) {
	t.Parallel()
	q, problems := rules.ReadRequest([]rules.RequestText{{Path: ".changes/refund.yml", Line: 1, Text: string(example(t, "change.yml"))}}, time.UTC)
	if len(problems) > 0 || q.Why == "" || q.Rollback == nil || q.EffectiveAt.IsZero() {
		t.Errorf("request %+v, problems %v", q, problems)
	}
}

func TestSuggestedPolicyGovernsTheUsualPlaces(t *testing.T) {
	t.Parallel()
	p, problems := rules.ParsePolicy(suggested)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for path, want := range map[string][]string{
		"prompts/refund.md":                   {"prompts"},
		"services/a/prompts/x.txt":            {"prompts"},
		"data/patterns/summarize/system.md":   {"prompts"},
		".github/prompts/review.prompt.yml":   {"prompts"},
		".claude/agents/reviewer.md":          {"agents"},
		"plugins/x/.claude/skills/y/SKILL.md": {"agents"},
		"AGENTS.md":                           {"agents"},
		"docs/CLAUDE.md":                      {"agents"},
		".cursor/rules/go.mdc":                {"agents"},
		"chatmodes/planner.chatmode.md":       {"agents"},
		".mcp.json":                           {"tools"},
		".vscode/mcp.json":                    {"tools"},
		".claude/settings.json":               {"tools"},
		".github/workflows/triage.md":         {"tools"},
		"policies/agent.rego":                 {"guardrails"},
		".github/changegate.yml":              {rules.ImplicitGroup},
		".github/workflows/build.yml":         nil,
		"README.md":                           nil,
		"src/main.go":                         nil,
	} {
		if d := cmp.Diff(want, p.GroupsOf(rules.File{Path: path})); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "policies", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
