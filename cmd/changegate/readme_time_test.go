package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"changegate/rules"
)

// rows are the cells of the table that follows a marker in the README, without its head.
func rows(t *testing.T, marker string) [][]string {
	t.Helper()
	_, after, ok := strings.Cut(readme(t), "<!-- "+marker+" -->\n")
	if !ok {
		t.Fatalf("README has no %q", marker)
	}
	table, _, _ := strings.Cut(after, "\n\n")
	var out [][]string
	for _, line := range strings.Split(table, "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), `\|`, "|")
		}
		out = append(out, cells)
	}
	if len(out) < 4 {
		t.Fatalf("%q has %d rows", marker, len(out))
	}
	return out
}

func unquoted(s string) string { return strings.Trim(s, "`") }

const shownHead = "e55a2100c7f1d2b3a4958677605f4e3d2c1b0a99"

var (
	shownNow = time.Date(2026, 11, 24, 15, 10, 0, 0, time.UTC) // a Tuesday
	dev1     = rules.Person{ID: 1, Login: "dev1"}
	owner1   = rules.Person{ID: 2, Login: "owner1"}
	lead1    = rules.Person{ID: 3, Login: "lead1"}
	manager1 = rules.Person{ID: 4, Login: "manager1"}
)

// shownChange is a prompt edited by dev1, approved by owner1 and with its check green:
// ready by every policy that the README shows, but for what edit does to it.
func shownChange(line string, edit func(*rules.Change)) *rules.Change {
	target := "9f3c2ab" + strings.Repeat("0", 33)
	c := &rules.Change{
		Ref: rules.Ref{RepoID: 1, Repo: "acme/agents", Number: 482}, State: "open", DefaultBranch: "main", MergeBase: target,
		Base: rules.Point{Branch: "main", Commit: target}, Head: rules.Point{Branch: "refund", Commit: shownHead}, Author: dev1,
		Commits:      []rules.Commit{{ID: shownHead, Author: dev1, Committer: dev1}},
		Files:        []rules.File{{Path: "prompts/refund.md", Status: "modified", Old: "a1", New: "b1"}},
		Requests:     []rules.RequestText{{Line: 1, Text: "change:\n  why: x\n  rollback: {to: 9f3c2ab}\n" + line}},
		RequestSince: shownNow.Add(-time.Hour),
		Edition:      rules.Edition,
		Target: &rules.Target{To: "9f3c2ab", Commit: target, InBase: true, Form: rules.FormCommit,
			Files: []rules.Restored{{Path: "prompts/refund.md", Landed: shownEntry("b1"), Back: shownEntry("a1")}}},
		Checks: []rules.Check{{Name: "evals", App: "github-actions", Status: "completed", Conclusion: "success"}},
	}
	q, _ := rules.ReadRequest(c.Requests, time.UTC)
	c.Revisions = []rules.Revision{{Commit: shownHead, Base: "main", MergeBase: target, Files: c.Files}}
	c.Reviews = []rules.Review{{ID: 1, By: owner1, State: "APPROVED", Commit: shownHead, At: shownNow.Add(-time.Minute),
		Permission: "write", Teams: []string{"@acme/ai-owners"}, Request: q.Digest()}}
	if edit != nil {
		edit(c)
	}
	return c
}

func loaded(t *testing.T, name string) *rules.Policy {
	t.Helper()
	p, problems := rules.ParsePolicy(example(t, name))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

// TestREADMETimesAreRead decides a change with each effective date that the README
// shows; of those that are refused, the suggestion is accepted.
func TestREADMETimesAreRead(t *testing.T) {
	t.Parallel()
	p := loaded(t, "freezes.yml")
	suggestion := regexp.MustCompile("`(20[^`]*)`")
	for _, row := range rows(t, "times") {
		written, means := unquoted(row[0]), row[1]
		v := p.Decide(shownChange("  effective_at: "+written+"\n", nil), shownNow)
		if _, refused, _ := strings.Cut(means, "refused: "); refused != "" {
			_, wrong, fix := rules.ParseTime(written, p.Zone)
			if wrong == "" || v.State != rules.Failure || !strings.Contains(wrong, strings.TrimSuffix(strings.Split(refused, "; ")[0], ".")) {
				t.Errorf("%s: %s, %q", written, v.State, wrong)
			}
			for _, m := range suggestion.FindAllStringSubmatch(means, -1) {
				if _, again, _ := rules.ParseTime(m[1], p.Zone); again != "" || !strings.Contains(fix, m[1]) {
					t.Errorf("%s: README suggests %s (%s), the program %s", written, m[1], again, fix)
				}
			}
			continue
		}
		if want := strings.Trim(means, "`"); v.Title != want {
			t.Errorf("%s: %q, README says %q", written, v.Title, want)
		}
	}
}

// TestREADMEFreezesAreJudged decides the same approved change at each instant.
func TestREADMEFreezesAreJudged(t *testing.T) {
	t.Parallel()
	p := loaded(t, "freezes.yml")
	for _, row := range rows(t, "freezes") {
		at, wrong, _ := rules.ParseTime(unquoted(row[0]), p.Zone)
		if wrong != "" {
			t.Fatal(wrong)
		}
		v := p.Decide(shownChange("", nil), at)
		if !strings.HasPrefix(v.Title, unquoted(row[1])) {
			t.Errorf("%s: %q, README says %s", row[0], v.Title, row[1])
		}
		told := ""
		for _, f := range v.Findings {
			if f.Rule == rules.RuleFreezeWindow {
				told += f.Says
			}
		}
		if !strings.Contains(told, row[2]) {
			t.Errorf("%s: no %s in %q", row[0], row[2], told)
		}
	}
}

// defects are what the README says of break-glass, each made real.
var defects = map[string]func(*rules.Change){
	"approvals missing, or stale after a push": func(c *rules.Change) { c.Reviews = nil },
	"the effective date, and notice": func(c *rules.Change) {
		*c = *shownChange("  effective_at: 2026-11-30T09:00+01:00\n", nil)
	},
	"a freeze":        nil, // by the time it is judged at
	"required checks": func(c *rules.Change) { c.Checks[0].Conclusion = "failure" },
	"the change request, and the rollback plan": func(c *rules.Change) {
		c.Requests[0].Text = "change:\n  why: x\n"
		c.Target = nil
	},
	"changes requested by a reviewer": func(c *rules.Change) { c.Reviews[0].State = "CHANGES_REQUESTED" },
	"a hold": func(c *rules.Change) {
		c.Holds = []rules.Hold{{By: owner1, As: "@acme/ai-owners", At: shownNow.Add(-time.Minute)}}
	},
	"commits and pushes of unknown origin": func(c *rules.Change) { c.Commits[0].Author = rules.Person{} },
	"the policy file, and CODEOWNERS where a rule asks it": func(c *rules.Change) {
		text := []byte("version: 1\ngoverned: [{name: prompts, kind: prompt, paths: [\"prompts/**\"]}]\n")
		c.Files = append(c.Files, rules.File{Path: rules.PolicyPath, Status: "modified", Old: "a2", New: "b2"})
		c.NewPolicy = &rules.PolicyText{Path: rules.PolicyPath, Data: text}
	},
}

// TestREADMEExceptionsCoverWhatItSays opens the exceptions as their commands do, on a
// change that lacks one thing.
func TestREADMEExceptionsCoverWhatItSays(t *testing.T) {
	t.Parallel()
	p := loaded(t, "emergencies.yml")
	seen := 0
	for _, row := range rows(t, "exceptions") {
		edit, ok := defects[row[0]]
		if !ok {
			t.Errorf("no defect %q", row[0])
			continue
		}
		seen++
		now := shownNow
		if row[0] == "a freeze" {
			now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) // a Saturday
		}
		for i, line := range []string{"/change break-glass reason: x incident: INC-1", "/change waive freeze reason: x"} {
			c := shownChange("", edit)
			by := rules.Speaker{Person: lead1, Permission: "write", Teams: []string{"@acme/incident-commanders", "@acme/change-managers"}, At: now}
			if v := p.Decide(c, now); !v.State.Blocks() {
				t.Errorf("%s: %s without an exception", row[0], v.State)
			}
			a := p.Admit(c, rules.Commands(line)[0], by, now)
			a.Apply(c)
			if got := !p.Decide(c, now).State.Blocks(); got != (row[i+1] == "waived") {
				t.Errorf("%s, %s: passes %v, README says %q (%s)", row[0], line, got, row[i+1], a.Wrong)
			}
		}
	}
	if seen != len(defects) {
		t.Errorf("README lists %d of %d", seen, len(defects))
	}
}

// TestREADMECommandsAreAdmitted gives every command that the README lists, by somebody
// who may and by somebody who may not.
func TestREADMECommandsAreAdmitted(t *testing.T) {
	t.Parallel()
	p := loaded(t, "emergencies.yml")
	saturday := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	who := map[string]rules.Speaker{
		"anybody":                             {Person: rules.Person{ID: 9, Login: "guest"}, Permission: "read"},
		"the author, and who has `maintain`":  {Person: dev1, Permission: "write"},
		"the author, and who has `write`":     {Person: dev1, Permission: "read"},
		"whoever may approve, not the author": {Person: owner1, Permission: "write", Teams: []string{"@acme/ai-owners"}},
		"on a merged one: its author with `write`, who has `maintain`, whoever may approve": {Person: owner1, Permission: "write", Teams: []string{"@acme/ai-owners"}},
		"whoever holds it, or may hold it":                                                  {Person: owner1, Permission: "write", Teams: []string{"@acme/ai-owners"}},
		"`break_glass.who`, no contributor":                                                 {Person: lead1, Permission: "write", Teams: []string{"@acme/incident-commanders"}},
		"`break_glass.reviewers`, no contributor":                                           {Person: manager1, Permission: "write", Teams: []string{"@acme/change-managers"}},
		"`break_glass.reviewers`, no contributor, not who opened it":                        {Person: manager1, Permission: "write", Teams: []string{"@acme/change-managers"}},
	}
	listed := map[string]bool{}
	for _, row := range rows(t, "commands") {
		cs := rules.Commands(unquoted(row[0]))
		if len(cs) != 1 || cs[0].Wrong != "" {
			t.Errorf("%s reads as %+v", row[0], cs)
			continue
		}
		c := shownChange("", func(c *rules.Change) {
			c.Reviews = nil
			if cs[0].Name == "rollback" {
				c.State = "merged"
			}
			if cs[0].Name == "unhold" {
				c.Holds = []rules.Hold{{By: owner1, As: "@acme/ai-owners", At: shownNow}}
			}
			c.Exceptions = []rules.Exception{{Number: 17, Kind: rules.KindBreakGlass, By: lead1, As: "@acme/incident-commanders",
				At: shownNow, Head: shownHead, Base: "main", Expires: shownNow.Add(time.Hour), Due: saturday.Add(time.Hour)}}
		})
		listed[cs[0].Name] = true
		by, ok := who[row[1]]
		if !ok {
			t.Errorf("who is %q?", row[1])
			continue
		}
		by.At = saturday
		if a := p.Admit(c, cs[0], by, saturday); a.Refused() {
			t.Errorf("%s by %s is refused: %s", row[0], by.Login, a.Wrong)
		}
		outsider := rules.Speaker{Person: rules.Person{ID: 8, Login: "outsider"}, Permission: "read", At: saturday}
		if a := p.Admit(c, cs[0], outsider, saturday); a.Refused() != (row[1] != "anybody") {
			t.Errorf("%s by an outsider: refused %v (%s)", row[0], a.Refused(), a.Wrong)
		}
	}
	for _, name := range rules.CommandNames() {
		if !listed[name] {
			t.Errorf("README does not list /change %s", name)
		}
	}
}

// TestREADMEListsEveryPermission compares the README's table with the App's manifest.
func TestREADMEListsEveryPermission(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range rows(t, "permissions") {
		got = append(got, unquoted(row[0]))
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z_]+: (?:read|write)) `).FindAllStringSubmatch(manifest(t), -1) {
		want = append(want, m[1])
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("README lists\n%s\nthe manifest asks for\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func manifest(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "app.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(data), "default_events:")
	return text
}

// TestREADMEBreaksTheGlass writes the command that the README shows, then the one that
// reviews it, and compares what the check says.
func TestREADMEBreaksTheGlass(t *testing.T) {
	t.Parallel()
	p, text := loaded(t, "emergencies.yml"), readme(t)
	var cs []rules.Command
	for _, m := range regexp.MustCompile("(?m)^(/change .*)$").FindAllStringSubmatch(text, -1) {
		cs = append(cs, rules.Commands(m[1])...)
	}
	if len(cs) != 2 || cs[0].Name != "break-glass" || cs[1].Name != "ack" {
		t.Fatalf("README shows %+v", cs)
	}
	c := shownChange("", func(c *rules.Change) { c.Reviews = nil })
	a := p.Admit(c, cs[0], rules.Speaker{Person: lead1, Teams: []string{"@acme/incident-commanders"}, At: shownNow}, shownNow)
	if a.Refused() {
		t.Fatal(a.Wrong)
	}
	a.Exception.Number = 17
	a.Apply(c)
	if v := p.Decide(c, shownNow); v.State != rules.BreakGlass || !strings.Contains(text, "`"+v.Title+"`") {
		t.Errorf("README does not show %q", v.Title)
	}
	later := shownNow.Add(20 * time.Hour)
	if r := p.Admit(c, cs[1], rules.Speaker{Person: lead1, Teams: []string{"@acme/change-managers"}, At: later}, later); !r.Refused() {
		t.Error("who broke the glass reviews it")
	}
	r := p.Admit(c, cs[1], rules.Speaker{Person: manager1, Teams: []string{"@acme/change-managers"}, At: later}, later)
	if r.Apply(c); r.Refused() || c.Exceptions[0].Closed == nil || c.Exceptions[0].Late(later) {
		t.Errorf("%+v, %+v", r, c.Exceptions)
	}
}

// TestREADMEShowsTheComment compares the comment in the README with the one that is
// written.
func TestREADMEShowsTheComment(t *testing.T) {
	t.Parallel()
	const name = "checks/testdata/comments/sticky-waiting.md"
	data, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(readme(t), "<!-- "+name+" -->\n")
	block, _, _ := strings.Cut(after, "\n\n")
	shown := regexp.MustCompile(`(?m)^> ?`).ReplaceAllString(block, "")
	if !ok || len(shown) < 100 || !strings.Contains(string(data), shown) {
		t.Errorf("README shows\n%s\nof\n%s", shown, data)
	}
}
