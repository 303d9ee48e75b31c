package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

const enforcedTwice = `version: 1
mode: enforce
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals:
      - {count: 2, from: [write]}
`

// TestImpactOfANewPolicy: the pull request that brings a policy says what it would
// make of the other open ones, at no call.
func TestImpactOfANewPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy string
		says   []string
		not    []string
	}{
		"stricter": {enforcedTwice, []string{"1 open pull request would change", "PR 1 `Change` | ready | `Waiting for 1 approval"}, []string{"PR 2"}},
		"weaker":   {strings.Replace(enforced, "prompts/**", "nothing/**", 1), []string{"2 open pull requests would change", "PR 1 `Change` | ready | `No governed files changed", "PR 2 `Other` | waiting"}, nil},
		"the same": {enforced + "# said better\n", []string{"No open pull request would change"}, []string{"PR 1", "PR 2", "Counted as missing"}},
		"asking for what was not read": {enforced + "    approvals: [{from: [codeowners, '@acme/owners', maintain]}]\n    require_checks: [{name: evals, app: github-actions}]\n",
			[]string{"Counted as missing, because no rule asked for it so far: CODEOWNERS, `@acme/owners`, the permissions of reviewers, the results of checks."}, nil},
		"no longer watching main": {strings.Replace(enforced, "mode: enforce", "mode: enforce\nbranches: [release]", 1),
			[]string{"PR 1 `Change` | ready | `No check: the policy does not govern this branch`"}, nil},
		"broken": {"version: 7\n", nil, []string{"would change"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1")
			w.later()
			w.pull.Review("rev1", "APPROVED")
			w.works(t)
			w.shows(t, "Ready")
			w.repo.Push("dev1", "other", githubtest.Files{"prompts/b.md": "b\n"})
			w.repo.Open("dev1", githubtest.PR{Head: "other", Title: "Other", Body: described(w.first[:7])})
			w.works(t)
			w.repo.Push("dev1", "policy", githubtest.Files{".github/changegate.yml": c.policy})
			w.pull = w.repo.Open("dev1", githubtest.PR{Head: "policy", Title: "Policy", Body: described(w.first[:7])})
			w.gh.ResetCalls()
			w.works(t)
			run, _ := w.check()
			for _, want := range c.says {
				if !strings.Contains(run.Summary, want) {
					t.Errorf("no %q in:\n%s", want, run.Summary)
				}
			}
			for _, bad := range c.not {
				if strings.Contains(run.Summary, bad) {
					t.Errorf("%q in:\n%s", bad, run.Summary)
				}
			}
			most := 6 // one of them the sticky comment, one what its rollback leaves
			if strings.Contains(c.policy, "@acme/owners") {
				most++ // once for a version of the policy that names teams or logins: are they there?
			}
			if n := w.calls(); n > most {
				t.Errorf("it costs %d calls, want at most %d:\n%s", n, most, w.callList())
			}
		})
	}
}

// TestImpactOfAMendedPolicy: a name that GitHub does not know is held against the
// policy that names it, and not against the one that mends it.
func TestImpactOfAMendedPolicy(t *testing.T) {
	t.Parallel()
	w := gated(t, strings.Replace(enforcedByOwners, "@acme/owners", "@acme/onwers", 1), "rev1")
	w.gh.Team("acme/owners", "rev1")
	w.shows(t, "Cannot read the policy - it names somebody GitHub does not know")
	w.repo.Push("dev1", "policy", githubtest.Files{".github/changegate.yml": enforcedByOwners})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "policy", Title: "Policy", Body: described(w.first[:7])})
	w.works(t)
	const want = "| PR 1 `Change` | failed | `Waiting for 2 approvals - from @acme/owners` |"
	if run, _ := w.check(); !strings.Contains(run.Summary, want) {
		t.Errorf("no %q in:\n%s", want, run.Summary)
	}
}

// TestImpactIsBounded: a policy of 16,000 patterns is not tried on thousands of files.
func TestImpactIsBounded(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced)
	files := githubtest.Files{}
	for i := range 150 {
		files[fmt.Sprintf("docs/%d", i)] = "x\n"
	}
	w.pull.Push("dev1", files)
	w.works(t)
	policy := "version: 1\nmode: enforce\ngoverned:\n"
	for i := range 200 {
		policy += fmt.Sprintf("- {name: g%d, kind: other, paths: [%s]}\n", i, strings.Repeat("a/*,", 80))
	}
	w.repo.Push("dev1", "policy", githubtest.Files{".github/changegate.yml": policy})
	w.pull = w.repo.Open("dev1", githubtest.PR{Head: "policy", Title: "Policy", Body: described(w.first[:7])})
	w.works(t)
	if run, _ := w.check(); !strings.Contains(run.Summary, "Not looked at: 1 more.") {
		t.Errorf("%s\n%s", run.Title, run.Summary)
	}
}
