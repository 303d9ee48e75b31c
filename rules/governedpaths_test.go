package rules

import "testing"

// TestGovernedPaths: what a rollback has to restore is both ends of a rename, each
// once, and only where a group governs it.
func TestGovernedPaths(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"  - {name: all, kind: prompt, paths: ['prompts/**', 'b/**']}\n")
	got := p.GovernedPaths([]File{
		{Path: "prompts/z", Status: "modified"},
		{Path: "b/new", OldPath: "prompts/old", Status: "renamed"},
		{Path: "prompts/in", OldPath: "docs/out", Status: "renamed"},
		{Path: "prompts/copy", OldPath: "prompts/kept", Status: "copied"},
		{Path: "docs/x", Status: "added"},
		{Path: PolicyPath, Status: "modified"},
	})
	same(t, got, []string{PolicyPath, "b/new", "prompts/copy", "prompts/in", "prompts/old", "prompts/z"})
}
