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

// Template text with small edits is no plan; what says anything of this change is one.
func TestBoilerplateEdited(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Revert the merge commit!", "REVERT THE MERGE COMMIT", "Revert the [merge commit](https://github.com/x/y).",
		"Rollback: revert the merge commit.", "Rollback plan: Revert the merge commit.", "## Rollback\nRevert the merge commit.", "Revert the merge commit. Revert the merge commit.", "1. Revert the merge commit.\n2. N/A",
		"We will revert the merge commit.", "Revert the merge commit if needed.", "Revert the merge commit via GitHub.", "Revert the squash commit.", "Revert the merge-commit", "Revert\u200bthe merge commit", "Re\u00advert the merge commit.",
		"Reverting the merge commit.", "Revert this MR.", "Revert via PR", "Revert on GitHub", "Use the Revert button", "- [ ] Revert the merge commit.\n- [ ] Redeploy", "<!-- Revert the merge commit. -->", "Step: Revert the merge commit.",
		"Revert the merge commit and redeploy.", "Ｒevert the merge commit", "R\u0435vert the merge commit", "Please revert the merge commit.", "Simply revert the merge commit.", "git revert -m 1 <merge-sha>", "git revert <sha>", "git revert HEAD",
		"<how>", "Describe how to roll back this change", "How will you roll back this change?", "Steps to roll back this change:", "If something goes wrong, revert the PR.", "\u2060revert", "N/A\n\n- TBD"} {
		if !boilerplate(text) {
			t.Errorf("%q passes for a plan", text)
		}
	}
	for _, text := range []string{"git revert 9f3c2ab", "Revert to 3.4.0", "roll back the database migration first", "Revert, then restart the pods", "revert the merge commit and purge the cache", "Roll back with make undo-release",
		"roll back to the previous deployment", "use the redeploy button of support-agent", "1. Revert the merge commit.\n2. Tell #support", "Revert the [runbook](https://wiki.example.com/rb) steps in order, 3 first", "https://wiki.example.com/runbooks/refunds",
		"How to revert: https://wiki.example.com/rb", "[Steps to revert](https://wiki.example.com/rb)", "see the runbook", "turn the flag refunds off", "Откатить через панель", "undo in LaunchDarkly", "reverting needs a new embedding index: run index.sh", "redeploy support-agent", "mit git revert, danach Cache leeren", "call Ann"} {
		if boilerplate(text) {
			t.Errorf("%q is taken for template text", text)
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
