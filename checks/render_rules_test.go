package checks

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"changegate/rules"
)

var allStates = []rules.State{rules.Nothing, rules.Ready, rules.Scheduled, rules.Frozen, rules.Waiting, rules.Author,
	rules.Failure, rules.Shadow, rules.BreakGlass, "", "neutral", "unheard of"}

// The table of CONTRACT §5, as pending and as action_required.
func TestConclusion(t *testing.T) {
	t.Parallel()
	for state, want := range map[rules.State][2]string{
		rules.Nothing:    {"completed/success", "completed/success"},
		rules.Ready:      {"completed/success", "completed/success"},
		rules.Waiting:    {"in_progress/", "completed/action_required"},
		rules.Scheduled:  {"in_progress/", "completed/action_required"},
		rules.Frozen:     {"in_progress/", "completed/action_required"},
		rules.Author:     {"completed/action_required", "completed/action_required"},
		rules.Failure:    {"completed/failure", "completed/failure"},
		rules.Shadow:     {"completed/neutral", "completed/neutral"},
		rules.BreakGlass: {"completed/neutral", "completed/neutral"},
		"unheard of":     {"completed/failure", "completed/failure"},
		"":               {"completed/failure", "completed/failure"},
	} {
		for i, as := range []string{"pending", "action_required"} {
			status, conclusion := Conclusion(state, as)
			if got := status + "/" + conclusion; got != want[i] {
				t.Errorf("Conclusion(%q, %q) = %s, want %s", state, as, got, want[i])
			}
		}
	}
}

// GitHub lets success, neutral and skipped pass a required check.
func TestNoBlockingStateEverPasses(t *testing.T) {
	t.Parallel()
	for _, s := range allStates {
		for _, as := range []string{"", "pending", "action_required", "neutral", "skipped"} {
			_, c := Conclusion(s, as)
			if passes := c == "success" || c == "neutral" || c == "skipped"; passes == s.Blocks() {
				t.Errorf("state %q blocks: %v, conclusion %q", s, s.Blocks(), c)
			}
		}
		for _, final := range []bool{false, true} {
			if r := Unfinished(view(s, ""), "", at, final); r.Conclusion != "" && r.Conclusion != "failure" {
				t.Errorf("unfinished in state %q concludes %q", s, r.Conclusion)
			}
		}
	}
}

func TestStrictestSiblingDecides(t *testing.T) {
	t.Parallel()
	for _, own := range allStates {
		for _, other := range allStates {
			v := view(own, "own title")
			v.Siblings = []Sibling{{Number: 7, State: rules.Ready, Title: "Ready"}, {Number: 8, State: other, Title: strings.Repeat("long ", 30)}}
			r := Render(v)
			worst, title := own, "own title"
			for _, s := range v.Siblings {
				if s = s.judged(); rules.Worse(s.State, worst) {
					worst, title = s.State, fmt.Sprintf("(PR %d)", s.Number)
				}
			}
			status, conclusion := Conclusion(worst, "")
			if r.Status != status || r.Conclusion != conclusion || !strings.HasSuffix(r.Output.Title, title) {
				t.Errorf("%q beside %q: %s/%s %q, want %s/%s with %q", own, other, r.Status, r.Conclusion, r.Output.Title, status, conclusion, title)
			}
			if !strings.Contains(r.Output.Summary, "PR 7") || !strings.Contains(r.Output.Summary, "PR 8") {
				t.Errorf("%q beside %q does not name every pull request", own, other)
			}
		}
	}
}

// checkRun holds any run to GitHub's limits and to ours.
func checkRun(t *testing.T, r Run, link string) {
	t.Helper()
	o := r.Output
	if n := utf8.RuneCountInString(o.Title); n > maxTitle {
		t.Errorf("title has %d characters", n)
	}
	if len(o.Summary) > pageLimit || len(o.Text) > pageLimit {
		t.Errorf("summary has %d bytes, text %d", len(o.Summary), len(o.Text))
	}
	if len(o.Annotations) > maxAnnotations || len(r.Actions) > 3 {
		t.Errorf("%d annotations, %d actions", len(o.Annotations), len(r.Actions))
	}
	for _, a := range r.Actions {
		if len(a.Label) > 20 || len(a.Description) > 40 || len(a.ID) > 20 || r.Status != "completed" {
			t.Errorf("action %+v on a run that is %s", a, r.Status)
		}
	}
	for _, page := range []string{o.Summary, o.Text} {
		if !utf8.ValidString(page) {
			t.Errorf("not UTF-8: %q", page)
		}
		for _, bad := range faults(page, link) {
			t.Errorf("%s in:\n%s", bad, page)
		}
	}
}

func TestEverySituationKeepsTheLimits(t *testing.T) {
	t.Parallel()
	for _, r := range situations() {
		checkRun(t, r, "https://changegate.example/acme/support-agents/pull/482")
	}
}

// hostile is a view in which everything that a pull request can choose is chosen
// by an attacker.
func hostile(state rules.State, s string) View {
	v := view(state, s,
		rules.Finding{Group: s, Rule: rules.RuleApprovals, State: rules.Unmet, Code: rules.CodeNewPolicy, Says: s, Fix: s, Path: s, Line: 3},
		rules.Finding{Group: "b", Rule: rules.RuleRollbackPlan, State: rules.Unmet, Code: rules.CodeRollback, Says: s, Fix: "add\n```yaml\n" + s + "\n```\n" + s, Path: s},
		rules.Finding{Rule: s, State: rules.Pending, Code: s, Says: s, Fix: s},
		rules.Finding{Rule: rules.RuleFreezeWindow, State: rules.Pending, Code: rules.CodeFreeze, Says: s, Fix: s, Short: s, Until: at})
	v.Verdict.Would = rules.Author
	by := rules.Person{Login: s}
	v.Verdict.Turned = []rules.Turned{{By: by, Code: s, Why: s}}
	v.Verdict.Approvals = []rules.Approved{{Group: s, By: by, Commit: s, At: at}}
	v.Verdict.Governed = []rules.Governed{{Path: s, Groups: []string{s, "b"}}, {Path: "no patch"}}
	v.Change.Files = []rules.File{{Path: s, OldPath: s + "x", Status: "renamed", OldMode: s, NewMode: "120000"}, {Path: "no patch", Status: s, Old: s, New: s}}
	v.Change.Author, v.Change.Base.Branch, v.Change.Repo = by, s, s
	line := strings.NewReplacer("\n", " ").Replace(s)
	// A context line keeps its fence: one blank before it does not disarm it.
	v.Patches = map[string]string{s: "@@ -1,3 +1,3 @@ " + line + "\n " + line + "\n ```\n-" + line + "\n+x" + line + "\n"}
	v.Globs, v.PolicyRef, v.DetailsURL = []string{s}, s, "https://changegate.example/?q="+s
	v.Siblings = []Sibling{{Number: 1, State: rules.Scheduled, Title: s}}
	v.Verdict.Findings = append(v.Verdict.Findings, rules.Finding{Rule: rules.RulePolicyFile, State: rules.Met, Code: rules.CodeIdle, Says: s, Fix: s, Path: s, Line: 2})
	v.Policy = hostilePolicy(s)
	v.Also = []Scheduled{{Number: 3, At: at, Paths: []string{s}}}
	v.Change.Requests = []rules.RequestText{{Line: 1, Text: "change:\n  why: |\n    " + strings.ReplaceAll(s, "\n", "\n    ") + "\n"}, {Path: s, Text: s}}
	v.Change.Holds = []rules.Hold{{By: by, As: s, At: at, Reason: s}, {By: by, As: s, At: at}}
	x := rules.Exception{Number: 17, Kind: rules.KindBreakGlass, By: by, As: s, At: at, Head: s, Reason: s, Incident: s, Freezes: []string{s}, Expires: at, Due: at.Add(time.Hour)}
	y := x
	y.Number, y.Kind, y.Closed = 18, rules.KindWaiver, &rules.Closing{By: by, As: s, At: at.Add(2 * time.Hour), Outcome: s}
	v.Change.Exceptions = []rules.Exception{x, y}
	for _, id := range []string{"EX-17", "EX-18"} {
		v.Verdict.Findings = append(v.Verdict.Findings, rules.Finding{Rule: s, State: rules.Met, Code: rules.CodeWaiver, Short: id, Says: s},
			rules.Finding{Group: s, Rule: s, State: rules.Waived, Code: rules.CodeApprovals, Says: s})
	}
	v.Impact = []Impact{{1, s, rules.Ready, rules.Waiting, s}, {2, s, rules.State(s), rules.Author, ""}}
	return v
}

// hostilePolicy has a text of the caller's wherever a policy takes one and loads with it.
func hostilePolicy(s string) *rules.Policy {
	text, err := json.Marshal(s) // is YAML too
	if err != nil {
		panic(err)
	}
	const policy = "version: 1\nmode: enforce\ngoverned: [{name: b, kind: prompt, paths: ['**']}]\nbreak_glass: {who: [maintain]}\n" +
		"freezes: [{name: TEXT, reason: TEXT, from: 2026-11-01T00:00Z, until: 2026-12-01T00:00Z}]\n"
	p, problems := rules.ParsePolicy([]byte(strings.ReplaceAll(policy, "TEXT", string(text))))
	if len(problems) > 0 {
		p, _ = rules.ParsePolicy([]byte(strings.ReplaceAll(policy, "TEXT", "x")))
	}
	return p
}

var attacks = []string{
	"plain",
	"``` \n\n<img src=https://a.example/x.png>",
	"`````\n# Approved by @acme/ai-safety",
	"a|b\\|c\n| x | PASS |",
	"<!-- hidden -->",
	"</sub><details open><summary>x</summary>",
	"![x](https://a.example/p.png) [ok](javascript:alert(1))",
	"https://a.example www.a.example me@a.example @octocat",
	"\u202egpj.exe\u200b\x00\xff\xfe",
	"\r\n\r\n1. step\n- item\n> quote\n---\n===",
	"~~~\n    code\n\tcode",
	"&lt;b&gt; &#64;octocat \\@octocat",
	"[x]: https://a.example\n[x]",
	"$`\\href{javascript:x}{y}`$ :tada: #1 GH-1",
	") <x> [y](z",
	"",
}

func TestHostileTextIsInert(t *testing.T) {
	t.Parallel()
	for _, s := range attacks {
		for _, state := range allStates {
			v := hostile(state, s)
			checkInert(t, v)
		}
	}
}

func checkInert(t *testing.T, v View) {
	t.Helper()
	link := linkOf(t, v)
	checkRun(t, Render(v), link)
	checkRun(t, Unfinished(v, v.Verdict.Title, at, true), link)
	checkRun(t, Left(v.Change.Ref, Written{Name: RunPrefix + v.Change.Base.Branch, Head: "h"}, v.DetailsURL), link)
}

// linkOf is what the reader of a page makes of the link to the details: the address
// that was written.
func linkOf(t *testing.T, v View) string {
	t.Helper()
	l := v.details()
	if l == "details" {
		return ""
	}
	doc := gfm.Parser().Parse(text.NewReader([]byte(l)))
	a, ok := doc.FirstChild().FirstChild().(*ast.Link)
	if !ok || doc.FirstChild().ChildCount() != 1 {
		t.Fatalf("%q is not one link", l)
	}
	return string(a.Destination)
}

func FuzzRender(f *testing.F) {
	for i, s := range attacks {
		f.Add(s, uint8(i))
	}
	f.Fuzz(func(t *testing.T, s string, state uint8) {
		checkInert(t, hostile(allStates[int(state)%len(allStates)], s))
	})
}

func TestRenderIsDeterministic(t *testing.T) {
	t.Parallel()
	for _, s := range attacks {
		if diff := cmp.Diff(Render(hostile(rules.Failure, s)), Render(hostile(rules.Failure, s))); diff != "" {
			t.Fatal(diff)
		}
	}
}

// large is a change that fits no page: every list is counted, none silently short.
func large() View {
	v := view(rules.Failure, "Cannot read")
	v.Verdict.Governed, v.Change.Files = nil, nil
	for i := range 3000 {
		path := fmt.Sprintf("prompts/%04d-%s.md", i, strings.Repeat("x", 60))
		v.Verdict.Governed = append(v.Verdict.Governed, rules.Governed{Path: path})
		v.Change.Files = append(v.Change.Files, rules.File{Path: path, Status: "modified"})
		v.Patches[path] = "@@ -1 +1 @@\n-" + strings.Repeat("old ", 2000) + "\n+" + strings.Repeat("new ", 2000)
		v.Verdict.Findings = append(v.Verdict.Findings,
			rules.Finding{Group: fmt.Sprint(i), Rule: rules.RuleApprovals, State: rules.Pending, Code: rules.CodeApprovals, Says: strings.Repeat("says ", 100), Path: path, Line: 1},
			rules.Finding{Rule: rules.RulePolicyFile, State: rules.Unmet, Code: rules.CodeNewPolicy, Says: strings.Repeat("says ", 100), Path: path, Line: i})
		by := rules.Person{ID: int64(i + 1), Login: fmt.Sprint("rev", i)}
		v.Verdict.Approvals = append(v.Verdict.Approvals, rules.Approved{By: by})
		v.Verdict.Turned = append(v.Verdict.Turned, rules.Turned{By: by, Why: "bots never count"})
		v.Verdict.Findings = append(v.Verdict.Findings, rules.Finding{Rule: rules.RulePolicyFile, State: rules.Met, Code: rules.CodeIdle, Says: fmt.Sprint("group ", i, " governs no file")})
		v.Impact = append(v.Impact, Impact{i + 1, strings.Repeat("title ", 100), rules.Ready, rules.Author, strings.Repeat("says ", 100)})
	}
	return v
}

func TestLargeChangeIsCutAndCounted(t *testing.T) {
	t.Parallel()
	v := large()
	r := Render(v)
	checkRun(t, r, v.DetailsURL)
	for _, want := range []string{"| 20 of `prompts/0020-", "2979 more rows not shown, see [details]", "`0` | Approvals", "more rows not shown", "**Reviews that count**\n\n- `rev0`",
		"**Reviews that do not count, and why**\n\n- `rev0`", "and 2980 more, see [details]", "3000 governed files", "5949 more places not marked in the files", "- Group 19 governs no file.\n- and 2980 more", "3000 open pull requests would change", "PR 19 `title", "\n2980 more rows not shown", "</sub>\n"} {
		if !strings.Contains(r.Output.Summary, want) {
			t.Errorf("the summary does not say %q", want)
		}
	}
	shown := strings.Count(r.Output.Text, "\n### ")
	if want := fmt.Sprintf("%d more files, see [details]", 3000-shown); !strings.Contains(r.Output.Text, want) {
		t.Errorf("the text shows %d files and does not say %q", shown, want)
	}
	for _, a := range r.Output.Annotations {
		if a.Level != "failure" {
			t.Fatalf("a %s is shown while failures are left out", a.Level)
		}
	}
}

// A file too large for the page keeps its place and its counts, and those after
// it are shown.
func TestLargeFileIsNamed(t *testing.T) {
	t.Parallel()
	v := view(rules.Ready, "Ready")
	v.Verdict.Governed = append([]rules.Governed{{Path: "prompts/big.md"}}, v.Verdict.Governed...)
	v.Patches["prompts/big.md"] = "@@ -0,0 +1 @@\n+" + strings.Repeat("word ", 20_000)
	text := Render(v).Output.Text
	for _, want := range []string{"### `prompts/big.md` - changed, +20000 -0 words\n\nThe difference does not fit here", "{+500+} EUR"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestFilesWithoutText(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	for _, c := range []struct {
		file rules.File
		want string
	}{
		{rules.File{Status: "modified", Old: a, New: b}, "`f` - modified\n\nNo word diff"},
		{rules.File{Status: "modified", Old: a, New: b}, "Blob `" + a + "` -> `" + b + "`."},
		{rules.File{Status: "modified", New: b}, "Blob unknown -> `" + b + "`."},
		{rules.File{Status: "added", New: b}, "New blob `" + b + "`."},
		{rules.File{Status: "deleted", Old: a}, "Deleted blob `" + a + "`."},
		{rules.File{Status: "renamed", OldPath: "g", Old: a, New: a}, "`f` - renamed from `g`\n"},
		{rules.File{Status: "modified", OldMode: "100644", NewMode: "120000"}, "mode `100644` -> `120000` (symbolic link)"},
		{rules.File{Status: "added", NewMode: "160000"}, "added, `160000` (submodule)"},
	} {
		v := view(rules.Ready, "Ready")
		c.file.Path = "f"
		v.Change.Files, v.Verdict.Governed = []rules.File{c.file}, []rules.Governed{{Path: "f"}}
		if got := Render(v).Output.Text; !strings.Contains(got, c.want) {
			t.Errorf("no %q in:\n%s", c.want, got)
		}
	}
	v := view(rules.Ready, "Ready")
	v.Patches["prompts/refund.md"] = "@@ -1,9 +1,9 @@\n a"
	if got := Render(v).Output.Text; !strings.Contains(got, "GitHub gave only part of this difference. Blob `aaa") {
		t.Errorf("a patch that is cut is not called so:\n%s", got)
	}
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	find := func(state rules.Outcome, path string, line int) rules.Finding {
		return rules.Finding{State: state, Rule: rules.RuleRollbackPlan, Code: rules.CodeRollback, Says: "no plan", Fix: "add `rollback.to`", Path: path, Line: line}
	}
	v := view(rules.Author, "Author", find(rules.Met, "a", 1), find(rules.Pending, "a", 2), find(rules.Unmet, "a", 3),
		find(rules.Unmet, "a", 0), find(rules.Unmet, "gone", 1), find(rules.Unmet, "elsewhere", 1), find(rules.Unmet, "", 5))
	v.Change.Files = []rules.File{{Path: "a", Status: "modified"}, {Path: "gone", Status: "deleted"}}
	note := func(level string, line int) Annotation {
		return Annotation{Path: "a", From: line, To: line, Level: level, Title: "CG201 rollback plan missing", Message: "No plan.\nAdd `rollback.to`."}
	}
	want := []Annotation{note("failure", 3), note("warning", 2), note("notice", 1)}
	if diff := cmp.Diff(want, Render(v).Output.Annotations); diff != "" {
		t.Error(diff)
	}
	v.Verdict.State = rules.Shadow
	for _, a := range Render(v).Output.Annotations {
		if a.Level == "failure" {
			t.Errorf("shadow mode never blocks, yet line %d is a failure", a.From)
		}
	}
}

func TestUnfinished(t *testing.T) {
	t.Parallel()
	v := view("", "")
	v.WaitingAs = "action_required"
	r := Unfinished(v, "GET https://user:hunter2@ghe.example with Bearer abc and ghs_16C7e42F292c6912E7 or eyJhbGci.x.y token=s3cret", at.Add(time.Hour), false)
	for _, secret := range []string{"hunter2", "abc", "16C7", "hbGci", "s3cret"} {
		if strings.Contains(r.Output.Summary, secret) {
			t.Errorf("%q leaks in:\n%s", secret, r.Output.Summary)
		}
	}
	if r.Status != "in_progress" || r.ExternalID != "" {
		t.Errorf("retrying is %s with external id %q", r.Status, r.ExternalID)
	}
	v.Reference = "job-17"
	if r = Unfinished(v, "", at, true); r.Conclusion != "failure" || !strings.Contains(r.Output.Summary, "Reference: `job-17`") {
		t.Errorf("final is %s:\n%s", r.Conclusion, r.Output.Summary)
	}
	v.Shadow = true
	if r = Unfinished(v, "", at, true); r.Conclusion != "neutral" || !strings.HasPrefix(r.Output.Title, "[Shadow] ChangeGate could not finish") {
		t.Errorf("shadow is %s: %q", r.Conclusion, r.Output.Title)
	}
}

func TestShowTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		at   string
		loc  *time.Location
		want string
	}{
		{"2026-11-30T08:00:00Z", berlin, "Mon 2026-11-30 09:00 Europe/Berlin (08:00 UTC)"},
		{"2026-11-30T23:30:00Z", berlin, "Tue 2026-12-01 00:30 Europe/Berlin (2026-11-30 23:30 UTC)"},
		{"2026-11-30T09:00:00+01:00", time.UTC, "Mon 2026-11-30 08:00 UTC"},
		{"2026-11-30T09:00:00+01:00", nil, "Mon 2026-11-30 08:00 UTC"},
	} {
		when, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := ShowTime(when, c.loc); got != c.want {
			t.Errorf("ShowTime(%s, %v) = %q, want %q", c.at, c.loc, got, c.want)
		}
	}
}

// The core's own words, from a real policy: what to type is in a block to copy,
// and nothing asked twice.
func TestRenderWhatTheRulesSay(t *testing.T) {
	t.Parallel()
	policy := "version: 1\nmode: enforce\ngoverned:\n  - name: prompts\n    kind: prompt\n    paths: [\"prompts/**\"]\n    approvals:\n      - {count: 1, from: [\"@acme/ai-safety\"]}\n"
	v := view("", "")
	v.Change.State, v.Change.DefaultBranch = "open", "main"
	v.Change.Commits = []rules.Commit{{ID: head, Author: v.Change.Author, Committer: v.Change.Author}}
	v.Verdict = rules.Evaluate([]byte(policy), v.Change, at)
	r := Render(v)
	checkRun(t, r, v.DetailsURL)
	var blocks []string
	_ = ast.Walk(gfm.Parser().Parse(text.NewReader([]byte(r.Output.Summary))), func(n ast.Node, in bool) (ast.WalkStatus, error) {
		if b, ok := n.(*ast.FencedCodeBlock); ok && in {
			blocks = append(blocks, string(b.Language([]byte(r.Output.Summary)))+": "+string(b.Lines().Value([]byte(r.Output.Summary))))
		}
		return ast.WalkContinue, nil
	})
	if len(blocks) != 1 || !strings.HasPrefix(blocks[0], "yaml: change:\n  why: ") || !strings.Contains(blocks[0], "\n  rollback:\n    to: b1f2e90\n") {
		t.Errorf("blocks to copy: %q in\n%s", blocks, r.Output.Summary)
	}
	if r.Conclusion != "action_required" || !slices.ContainsFunc(r.Output.Annotations, func(a Annotation) bool { return a.Path == "prompts/refund.md" && a.From == 1 }) {
		t.Errorf("%s, annotations %+v", r.Conclusion, r.Output.Annotations)
	}
}

func BenchmarkRender(b *testing.B) {
	v := situationView()
	for b.Loop() {
		Render(v)
	}
}

// The worst that fits GitHub's own limits on a difference.
func BenchmarkRenderLarge(b *testing.B) {
	v := large()
	for b.Loop() {
		Render(v)
	}
}

func situationView() View {
	v := view(rules.Author, "Author: add a rollback plan", declared, approved, noPlan, onMerge)
	v.Verdict.Approvals = []rules.Approved{rev1}
	return v
}

func TestLeadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		rules.CodeNewPolicy:        "**This PR changes the policy file and the new file does not load.** Other pull requests into `main` are unaffected: they still use `main@b1f2e90`.\n",
		rules.CodePolicyBroken:     "**The policy on `main` does not load, so nothing can be judged by it.** Not caused by this change; a maintainer repairs it on `main`.\n",
		rules.CodeFloorBroken:      "**The organisation's policy does not load, so nothing can be judged.** Not caused by this change; whoever maintains the organisation's `.github` repository repairs it there.\n",
		rules.CodeBadRequest:       "**The change request cannot be read.** `dev1` corrects it as below.\n",
		rules.CodeTwoRequests:      "**There are two change requests and they disagree.** `x` and `y` differ.\n",
		rules.CodeChangesRequested: "**Changes requested.** `x` and `y` differ.\n",
		rules.CodeUnknownName:      "**The policy names somebody GitHub does not know.** `x` and `y` differ.\n",
		rules.CodeGap:              "**Part of this change was not readable, so it is not judged.** `x` and `y` differ.\n",
		"CG999":                    "**This change cannot pass as it is.** `x` and `y` differ.\n",
	} {
		f := rules.Finding{Rule: rules.RulePolicyFile, State: rules.Unmet, Code: code, Says: "`x` and `y` differ", Fix: "make them agree"}
		if got := Render(view(rules.Failure, "x", f)).Output.Summary; !strings.HasPrefix(got, want) || !strings.Contains(got, "\n1. Make them agree.\n") {
			t.Errorf("%s reads:\n%s", code, got)
		}
	}
	if got := Render(view(rules.Failure, "x")).Output.Summary; !strings.HasPrefix(got, "**This change cannot pass as it is.**\n") {
		t.Errorf("without a finding it reads:\n%s", got)
	}
}

// Waiting for people and for the clock at once names both, people first.
func TestWaitingForPeopleAndClock(t *testing.T) {
	t.Parallel()
	frozen := rules.Finding{Group: "prompts", Rule: rules.RuleFreezeWindow, State: rules.Pending, Code: rules.CodeFreeze,
		Until: at.Add(time.Hour), Says: "freeze", Fix: "nothing to do"}
	got := Render(view(rules.Waiting, "Waiting", askTeam, frozen)).Output.Summary
	want := "### What happens next\n1. Ask `@acme/ai-safety` to approve `e55a210` in Files changed > Review changes; nobody who contributed counts.\n" +
		"2. After that it waits for the clock, until Mon 2026-11-23 15:52 Europe/Berlin (14:52 UTC).\n"
	if !strings.Contains(got, want) {
		t.Errorf("no\n%s\nin\n%s", want, got)
	}
}
