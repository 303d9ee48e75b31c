package checks

import (
	"strings"
	"testing"

	"changegate/rules"
)

// A broken policy on the base branch is none of the lines that this change brings.
func TestBrokenPolicyMarksNoFile(t *testing.T) {
	t.Parallel()
	v := policyView()
	v.Change.State = "open"
	for says, policy := range map[string]string{"4": "version: 1\ngoverned:\n- name: a\n  kid: eval\n", "1": "governd: []\n"} {
		v.Verdict = rules.Evaluate([]byte(policy), v.Change, at)
		r := Render(v)
		if len(r.Output.Annotations) > 0 || !strings.Contains(r.Output.Summary, "| "+says+" | ") || r.Conclusion != "failure" {
			t.Errorf("annotations %+v in:\n%s", r.Output.Annotations, r.Output.Summary)
		}
	}
}

func TestImpact(t *testing.T) {
	t.Parallel()
	const heading, nobody = "**What this policy would change for open pull requests**", "No open pull request would change."
	for name, tt := range map[string]struct {
		impact []Impact
		says   []string
		not    string
	}{
		"no new policy":      {nil, nil, heading},
		"no other":           {[]Impact{}, []string{heading, nobody}, "|---|---|---|\n| PR"},
		"none affected":      {[]Impact{{3, "t", rules.Ready, rules.Ready, "Ready"}}, []string{heading, nobody}, "PR 3"},
		"some not looked at": {[]Impact{{Says: "Not looked at: 7 more."}}, []string{heading, nobody, "Not looked at: 7 more."}, "PR 0"},
		"looser is told":     {[]Impact{{3, "t", rules.Waiting, rules.Nothing, "No governed files changed"}}, []string{"1 open pull request would change:", "| PR 3 `t` | waiting | `No governed files changed` |"}, nobody},
	} {
		v := policyView()
		v.Impact = tt.impact
		got := Render(v).Output.Summary
		for _, want := range tt.says {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in:\n%s", name, want, got)
			}
		}
		if strings.Contains(got, tt.not) {
			t.Errorf("%s: %q in:\n%s", name, tt.not, got)
		}
	}
}

// What has to be done decides what becomes of the approvals given so far.
func TestApproveAgain(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		rules.CodeNoInitiator:  " Assigning the person keeps the approvals given so far; an edited change request makes them stale.",
		rules.CodeNoRequester:  " Approvals cover the change request, so those given so far have to be given again afterwards.",
		rules.CodeUnknownPush:  " Approvals count on the pull request they were given on, so those given so far have to be given again on the new one.",
		rules.CodeNoOwner:      " Approvals given so far stay valid.",
		rules.CodeCheckFailed:  " A push that changes what was approved makes the approvals given so far stale.",
		rules.CodeUnattributed: " A push that changes what was approved makes the approvals given so far stale.",
	} {
		v := view(rules.Author, "Author", rules.Finding{Rule: rules.RuleApprovals, State: rules.Unmet, Code: code, Says: "x", Fix: "y"})
		v.Verdict.Approvals = []rules.Approved{rev1}
		if got := Render(v).Output.Summary; !strings.Contains(got, "missing.**"+want+"\n") {
			t.Errorf("%s reads:\n%s", code, got)
		}
	}
}
