package rules

import (
	"strings"
	"testing"
)

// TestPatternsThatWouldLeaveFilesOut: a pattern that looks as if it covered a folder
// and does not is refused, with a way to write it.
func TestPatternsThatWouldLeaveFilesOut(t *testing.T) {
	t.Parallel()
	for pattern, refused := range map[string]bool{
		"prompts/**.md": true, "prompts**": true, "**.md": true, "prompts/{a,b}**": true, "!prompts/**.md": true,
		"prompts/[[:alpha:]].md": true, "prompts/{}": true, "prompts/[Z-a]*.md": true,
		"prompts/**": false, "**/*.md": false, "prompts/**/*.{md,txt}": false, "prompts/[A-Z]*.md": false,
	} {
		_, problems := ParsePolicy([]byte("version: 1\ngoverned: [{name: p, kind: prompt, paths: [\"a\", \"" + pattern + "\"]}]\n"))
		if got := strings.Contains(problems.Error(), CodeGlob); got != refused {
			t.Errorf("%s: refused %v, want %v: %v", pattern, got, refused, problems)
		}
	}
}
