package rules

import (
	"strings"
	"testing"
)

const prospected = `
version: 1
mode: enforce
rollback_approvals: 1
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals:
      - {count: 2, from: ["@acme/owners"]}
`

// TestProspect: what is promised of a rollback before it is opened is what it is asked
// for when it is.
func TestProspect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		policy, path string
		since        []string
		want         string
		edit         func(*Plan, *bool)
	}{
		"exact":         {prospected, "prompts/a.md", nil, "so 1 approval is enough, by `@acme/owners` without a hand in it; no date, notice or freeze holds it back.", nil},
		"more":          {strings.Replace(prospected, "approvals: 1", "approvals: 9", 1), "prompts/a.md", nil, "so 2 approvals are enough", nil},
		"none":          {strings.Replace(prospected, "approvals: 1", "approvals: 0", 1), "prompts/a.md", nil, "so the policy asks for no approval of it", nil},
		"changed":       {prospected, "prompts/a.md", []string{"prompts/a.md"}, "It is judged like any other change, because `prompts/a.md` was changed on `main` after CHG-12.", nil},
		"the policy":    {prospected, PolicyPath, nil, "It asks for all approvals, because it changes a file that says who approves.", nil},
		"not in effect": {prospected, "prompts/a.md", nil, "It is judged like any other change, because CHG-12 is not what is in effect on `main` any more.", func(_ *Plan, in *bool) { *in = false }},
		"not approved":  {prospected, "prompts/a.md", nil, "because nobody approved the way back of CHG-12.", func(p *Plan, _ *bool) { p.Approved = false }},
		"not governed": {prospected, "prompts/a.md", nil, "because the policy does not govern every file of CHG-12 any more.", func(p *Plan, _ *bool) {
			p.Files = append(p.Files, Restored{Path: "tools/x", Landed: Entry{"a", "100644"}})
		}},
		"hostile name": {prospected, "prompts/a.md", []string{"prompts/`@x`\n"}, "because `prompts/'@x' ` was changed", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, inEffect := Plan{Change: 12, Approved: true, Files: []Restored{{Path: tt.path, Landed: Entry{"a", "100644"}, Back: Entry{"b", "100644"}}}}, true
			if tt.edit != nil {
				tt.edit(&plan, &inEffect)
			}
			got := parse(t, tt.policy).Prospect(&Change{Base: Point{Branch: "main"}, DefaultBranch: "main"}, &plan, tt.since, inEffect)
			if !strings.Contains(got, tt.want) || !tame(got) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestUndoable(t *testing.T) {
	t.Parallel()
	for want, tt := range map[string]struct {
		n, undoneBy int
		plan        *Plan
	}{
		"":                                       {12, 0, &Plan{}},
		"this pull request has no change number": {0, 0, nil},
		"CHG-12 was rolled back already, by CHG-14":               {12, 14, &Plan{}},
		"CHG-12 was merged without a rollback plan that was veri": {12, 0, nil},
	} {
		wrong, fix := Undoable(tt.n, tt.plan, tt.undoneBy)
		if !strings.HasPrefix(wrong, want) || (wrong == "") != (want == "") || (fix == "") != (wrong == "") {
			t.Errorf("%+v: %q, %q, want %q", tt, wrong, fix, want)
		}
	}
}
