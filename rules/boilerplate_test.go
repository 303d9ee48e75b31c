package rules

import (
	"strings"
	"testing"
)

func TestBoilerplate(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Revert the merge commit.", "revert", "REVERT!", "- Revert this PR", "* [ ] revert", "1. revert", "2) roll back", "> same as above", "N/A", "n.a.", "n / a", "None.",
		"TBD", "todo…", "-", "--", "...", "?", "_none_", "**N/A**", "`git revert`", "\trevert  the\nmerge   commit", "what whoever is on call does", "a commit or tag on the base branch, path@commit, or revert", "- [x] Revert"} {
		if !boilerplate(text) {
			t.Errorf("%q is taken for a plan", text)
		}
	}
	for _, text := range []string{"", "  ", "redeploy support-agent 3.4.0", "revert, then run `make deploy` and tell #support", "9f3c2ab", "v1", "none of the tools need a restart", "restart the pods", "Wiederherstellen mit make", "恢复", "3"} {
		if boilerplate(text) {
			t.Errorf("%q is taken for template text", text)
		}
	}
	for _, f := range form {
		if !boilerplate(f.hint) {
			t.Errorf("the hint %q is taken for a plan", f.hint)
		}
	}
	for _, words := range boilerplates {
		if plain(words) != words {
			t.Errorf("%q is never met: it is read as %q", words, plain(words))
		}
	}
}

// What cannot be a target is refused as unreadable; template text among it is called so.
func TestTemplateTextAsTarget(t *testing.T) {
	t.Parallel()
	for to, says := range map[string]string{
		"'-'":                      "line 7: rollback.to is `-`, which is template text and names no version",
		"revert the merge commit.": "line 7: rollback.to is `revert the merge commit.`, which is template text and names no version",
		"a commit or tag on the base branch, path@commit, or revert": "line 7: rollback.to is `a commit or tag on the base branch, path@commit, or revert`, which is template text and names no version",
		"'--force'": "line 7: rollback.to is `--force`",
		"../../etc": "line 7: rollback.to is `../../etc`",
		"a b":       "line 7: rollback.to is `a b`",
	} {
		v := parse(t, prompts).Decide(change(asks(strings.Replace(request, "v1", to, 1))), noon)
		if f := finding(v, CodeBadRequest); f.Says != says || f.Fix == "" {
			t.Errorf("%s: %q", to, f.Says)
		}
	}
}
