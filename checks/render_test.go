package checks

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	head = "e55a2100c7f1d2b3a4958677605f4e3d2c1b0a99"
	old  = "7c1d0fe19f0f7f6e5d4c3b2a1908f7e6d5c4b3a2"
)

var (
	at     = time.Date(2026, 11, 23, 13, 52, 7, 0, time.UTC)
	berlin = func() *time.Location {
		loc, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			panic(err)
		}
		return loc
	}()
)

// view is a pull request by dev1 that edits one prompt, in the state of a finding.
func view(state rules.State, title string, fs ...rules.Finding) View {
	return View{
		Verdict: rules.Verdict{
			State: state, Would: state, Title: title, Findings: fs, Head: head,
			Governed: []rules.Governed{{Path: "prompts/refund.md", Groups: []string{"prompts"}}},
		},
		Change: &rules.Change{
			Ref:  rules.Ref{RepoID: 1, Repo: "acme/support-agents", Number: 482},
			Base: rules.Point{Branch: "main", Commit: "b1f2e90"}, Head: rules.Point{Branch: "refund", Commit: head},
			Author: rules.Person{ID: 1, Login: "dev1"},
			Files:  []rules.File{{Path: "prompts/refund.md", Status: "modified", Old: strings.Repeat("a", 40), New: strings.Repeat("b", 40)}},
		},
		Patches: map[string]string{"prompts/refund.md": "@@ -3,4 +3,5 @@ ## Limits\n You may refund an order.\n" +
			"-Never refund more than 200 EUR without asking a human.\n+Never refund more than 500 EUR without asking.\n+Say sorry first.\n Be brief.\n Close the ticket."},
		Zone: berlin, At: at, Record: 20402, PolicyRef: "main@b1f2e90",
		DetailsURL: "https://changegate.example/acme/support-agents/pull/482",
	}
}

func met(rule, says string) rules.Finding {
	f := rules.Finding{Rule: rule, State: rules.Met, Says: says}
	if rule != rules.RulePolicyFile && rule != rules.RuleChangeRequest {
		f.Group = "prompts"
	}
	return f
}

var (
	declared = met(rules.RuleChangeRequest, "why is given in the description; risk high")
	approved = met(rules.RuleApprovals, "1 of 1: `rev1` for `e55a210`")
	planned  = met(rules.RuleRollbackPlan, "`9f3c2ab` on `main`, verified: restores 1 file")
	onMerge  = met(rules.RuleEffectiveDate, "on merge")
	rev1     = rules.Approved{Group: "prompts", By: rules.Person{ID: 2, Login: "rev1"}, Commit: head, At: at.Add(-12 * time.Minute)}
	askTeam  = rules.Finding{Group: "prompts", Rule: rules.RuleApprovals, State: rules.Pending, Code: rules.CodeApprovals,
		Says: "0 of 1 approval from `@acme/ai-safety`",
		Fix:  "ask `@acme/ai-safety` to approve `e55a210` in Files changed > Review changes; nobody who contributed counts"}
	noPlan = rules.Finding{Group: "prompts", Rule: rules.RuleRollbackPlan, State: rules.Unmet, Code: rules.CodeRollback,
		Path: "prompts/refund.md", Line: 1, Says: "group `prompts` requires a rollback plan and none is declared",
		Fix: "add to the change request, inside `change:`\n```yaml\n  rollback:\n    to: 9f3c2ab\n```"}
)

// situations are the states of CONTRACT §5, one golden file each.
func situations() map[string]Run {
	out := map[string]Run{}

	v := view(rules.Ready, "Ready - 1 approval, rollback to 9f3c2ab, effective on merge", declared, approved, planned, onMerge)
	v.Verdict.Approvals = []rules.Approved{rev1}
	out["ready"] = Render(v)

	v.Siblings = []Sibling{{484, rules.Waiting, "Waiting for 1 approval - from @acme/ai-safety"}, {485, rules.Ready, "Ready - 1 approval"}}
	out["ready-sibling-waits"] = Render(v)

	v = view(rules.Nothing, "No governed files changed - nothing to approve")
	v.Verdict.Governed, v.Globs = nil, []string{"prompts/**", "!prompts/README.md", ".github/changegate.yml"}
	out["nothing"] = Render(v)

	v = view(rules.Waiting, "Waiting for 1 approval - from @acme/ai-safety", declared, askTeam, planned, onMerge)
	v.Verdict.Turned = []rules.Turned{
		{By: rules.Person{ID: 1, Login: "dev1"}, Code: rules.CodeByAuthor, Why: "is the author of the pull request"},
		{By: rules.Person{ID: 9, Login: "build[bot]"}, Code: rules.CodeByBot, Why: "bots never count"},
		{By: rules.Person{ID: 8, Login: "guest1"}, Code: rules.CodeNotAllowed, Why: "is not among @acme/ai-safety of group `prompts`"},
	}
	out["waiting"] = Render(v)

	stale := askTeam
	stale.Code, stale.Says = rules.CodeStale, "1 of 2 approvals from `@acme/ai-safety`; `rev1` approved `7c1d0fe` and has to look again"
	v = view(rules.Waiting, "Approvals stale - rev1 approved 7c1d0fe, head is e55a210", declared, stale, planned, onMerge)
	v.Verdict.Approvals = []rules.Approved{{Group: "prompts", By: rules.Person{ID: 3, Login: "rev3"}, Commit: head, At: at}}
	v.Verdict.Turned = []rules.Turned{{By: rev1.By, Code: rules.CodeOldContent, Why: "approved `7c1d0fe`; governed content changed since"}}
	out["stale"] = Render(v)

	v = view(rules.Author, "Author: add a rollback plan", declared, approved, noPlan, onMerge)
	v.Verdict.Approvals = []rules.Approved{rev1}
	out["author-rollback-missing"] = Render(v)

	v = view(rules.Failure, "Cannot read .github/changegate.yml in this PR - line 14",
		brokenLine(14, "`aprovals` is not a known key of `governed[0]`", "write `approvals`"),
		brokenLine(22, "time zone `CET5` is not known", "write an IANA name, for example `Europe/Berlin`"),
		declared, askTeam)
	v.Verdict.Governed = []rules.Governed{{Path: PolicyPath, Groups: []string{"changegate"}}}
	v.Change.Files = []rules.File{{Path: PolicyPath, Status: "modified", Old: strings.Repeat("a", 40), New: strings.Repeat("b", 40)}}
	out["failure-new-policy"] = Render(v)

	out["policy-impact"] = Render(policyView())

	v = view(rules.Failure, "Cannot read the organisation's policy - line 7", rules.Finding{Rule: rules.RulePolicyFile, State: rules.Unmet, Code: rules.CodeFloorBroken, Line: 7,
		Says: "line 7: `aprovals` is not a key of governed[0]", Fix: "`approvals` (in `.github/changegate.yml` of `acme/.github`)"})
	v.Verdict.Governed = nil
	out["failure-organisation-policy"] = Render(v)

	v = view(rules.Failure, "Changes requested by rev1", declared, planned, onMerge,
		rules.Finding{Group: "prompts", Rule: rules.RuleApprovals, State: rules.Unmet, Code: rules.CodeChangesRequested,
			Says: "`rev1` asked for changes on `e55a210`", Fix: "`rev1` approves, or a maintainer dismisses the review"})
	out["failure-changes-requested"] = Render(v)

	v = view(rules.Shadow, "[Shadow] Would block: Author: add a rollback plan (1 of 2 things)", declared, askTeam, noPlan, onMerge)
	v.Verdict.Would = rules.Author
	out["shadow"] = Render(v)

	for _, more := range []map[string]View{timedSituations(), planSituations(), versionSituations()} {
		for name, v := range more {
			out[name] = Render(v)
		}
	}

	out["unfinished-retrying"] = Unfinished(view("", ""), "GitHub answered 502 five times", at.Add(28*time.Minute), false)
	out["unfinished-final"] = Unfinished(view("", ""), "GitHub answered 502 five times", time.Time{}, true)
	return out
}

// policyView is a pull request that edits the policy: one group of the new version
// governs nothing, and two other pull requests would be judged differently.
func policyView() View {
	ask := askTeam
	ask.Group, ask.Says = "changegate", "0 of 1 approval from maintain access"
	v := view(rules.Waiting, "Waiting for 1 approval - from maintain access",
		met(rules.RulePolicyFile, "the new policy loads; this pull request is judged by the one on `main`"),
		rules.Finding{Rule: rules.RulePolicyFile, State: rules.Met, Code: rules.CodeIdle, Path: PolicyPath, Line: 9, Fix: "correct the paths, unless the files come later",
			Says: "group `secret` governs no file of this repository: `promts/secret/**`; did you mean `prompts/secret/**`?"},
		declared, ask)
	v.Verdict.Governed = []rules.Governed{{Path: PolicyPath, Groups: []string{"changegate"}}}
	v.Change.Files = []rules.File{{Path: PolicyPath, Status: "modified", Old: strings.Repeat("a", 40), New: strings.Repeat("b", 40)}}
	v.Impact = []Impact{
		{12, "Answer in the customer's language", rules.Ready, rules.Waiting, "Waiting for 2 approvals - from @acme/ai-safety"},
		{15, "Spelling", rules.Ready, rules.Ready, "Ready - 1 approval, effective on merge"},
		{17, "Use model 5 | cheaper", rules.Author, rules.Nothing, ""},
	}
	return v
}

func brokenLine(line int, says, fix string) rules.Finding {
	return rules.Finding{Rule: rules.RulePolicyFile, State: rules.Unmet, Code: rules.CodeNewPolicy, Path: PolicyPath, Line: line,
		Says: fmt.Sprintf("line %d: %s", line, says), Fix: fix}
}

// golden writes a run as a file that reads like the page.
func golden(r Run) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nhead: %s\nstatus: %s\nconclusion: %s\nexternal_id: %s\ntitle: %s\n",
		r.Name, r.Head, r.Status, r.Conclusion, r.ExternalID, r.Output.Title)
	for _, a := range r.Actions {
		fmt.Fprintf(&b, "action: %s (%s)\n", a.Label, a.ID)
	}
	for _, a := range r.Output.Annotations {
		fmt.Fprintf(&b, "annotation: %s %s:%d-%d %q %q\n", a.Level, a.Path, a.From, a.To, a.Title, a.Message)
	}
	b.WriteString("\n======== summary\n\n" + r.Output.Summary)
	if r.Output.Text != "" {
		b.WriteString("\n======== text\n\n" + r.Output.Text)
	}
	return b.String()
}

func TestRenderGolden(t *testing.T) {
	t.Parallel()
	for name, run := range situations() {
		file := filepath.Join("testdata", "render", name+".md")
		got := golden(run)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got), rewrite with -update:\n%s", name, diff)
		}
	}
}

// TestLeftIsNeverGreen: what stands in for a green result must not pass anything.
func TestLeftIsNeverGreen(t *testing.T) {
	t.Parallel()
	r := Left(rules.Ref{Number: 1234567}, Written{Name: "changegate: release/`1`", Head: "h", Status: "completed", Conclusion: "success"}, "https://cg.example/r")
	if r.Status != "queued" || r.Conclusion != "" || r.Name != "changegate: release/`1`" || r.Head != "h" || r.DetailsURL != "https://cg.example/r" {
		t.Errorf("got %+v, want a queued run of the same name and head", r)
	}
	if len(r.Output.Title) > maxTitle || !strings.Contains(r.Output.Summary, "`` release/`1` ``") {
		t.Errorf("title %q (%d bytes), summary %q", r.Output.Title, len(r.Output.Title), r.Output.Summary)
	}
}
