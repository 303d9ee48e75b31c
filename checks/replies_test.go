package checks

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/rules"
)

const timedPolicy = `version: 1
mode: enforce
timezone: Europe/Berlin
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals:
      - {count: 1, from: ["@acme/ai-safety"]}
freezes:
  - {name: year-end, reason: reduced on-call, from: 2026-12-23T18:00+01:00, until: 2027-01-04T06:00+01:00}
break_glass:
  who: ["@acme/incident-commanders"]
  reviewers: ["@acme/change-managers", maintain]
  expires: 1h
  review_within: 24h
`

var (
	lead1 = rules.Person{ID: 4, Login: "lead1"}
	mgr1  = rules.Person{ID: 5, Login: "mgr1"}
	dec24 = time.Date(2026, 12, 24, 15, 30, 0, 0, time.UTC)
)

const effective30 = "effective_at: 2026-11-30T09:00+01:00"

// timed is the pull request of view, judged by a real policy at an instant. The change
// request has one line of the caller's.
func timed(now time.Time, line string, edit func(*rules.Change)) View {
	v := view("", "")
	c := v.Change
	c.State, c.DefaultBranch, c.MergeBase = "open", "main", "b1f2e90"
	c.Commits = []rules.Commit{{ID: head, Author: c.Author, Committer: c.Author}}
	c.Requests = []rules.RequestText{{Line: 1, Text: "change:\n  why: Refunds above 500 EUR go to a human\n  rollback: {to: 9f3c2ab}\n  " + line + "\n"}}
	c.RequestSince = at.Add(-time.Hour)
	c.Target = &rules.Target{To: "9f3c2ab", Commit: "9f3c2ab" + strings.Repeat("0", 33), InBase: true, Form: "commit"}
	c.Edition = rules.Edition
	if edit != nil {
		edit(c)
	}
	restores(c)
	return judgedBy(v, timedPolicy, now)
}

// restores lets the target of a change restore its files.
func restores(c *rules.Change) {
	if c.Target == nil {
		return
	}
	for _, f := range c.Files {
		r := rules.Restored{Path: f.Path, Landed: rules.Entry{Blob: f.New, Mode: "100644"}, Back: rules.Entry{Blob: f.Old, Mode: "100644"}}
		if f.Path == PolicyPath {
			r.Text = []byte(timedPolicy)
		}
		c.Target.Files = append(c.Target.Files, r)
	}
}

func judgedBy(v View, policy string, now time.Time) View {
	p, problems := rules.Load([]byte(policy), v.Change.Floor)
	if p == nil {
		panic(problems)
	}
	v.Policy, v.Verdict, v.At, v.Globs = p, p.Decide(v.Change, now), now, p.Globs()
	return v
}

func withApproval(c *rules.Change) {
	req, _ := rules.ReadRequest(c.Requests, berlin)
	c.Revisions = []rules.Revision{{Commit: head, Base: "main", MergeBase: c.MergeBase, Files: c.Files}}
	c.Reviews = []rules.Review{{ID: 1, By: rev1.By, State: "APPROVED", Commit: head, At: rev1.At, Permission: "write",
		Teams: []string{"@acme/ai-safety"}, Request: req.Digest()}}
}

// broken is the glass broken on the pull request at an instant.
func broken(now time.Time) rules.Exception {
	return rules.Exception{Number: 17, Kind: rules.KindBreakGlass, By: lead1, As: "@acme/incident-commanders", At: now, Head: head, Base: "main",
		Reason: "Agent refunds without limit", Incident: "INC-881", Expires: now.Add(time.Hour), Due: now.Add(24 * time.Hour)}
}

// comments are everything that is written as a comment, one golden file each.
func comments() map[string]string {
	waiting := timed(at, effective30, nil)
	scheduled := timed(at, effective30, withApproval)
	glass := timed(at.Add(time.Minute), effective30, func(c *rules.Change) { c.Exceptions = []rules.Exception{broken(at)} })
	noPlan := timed(at, effective30, func(c *rules.Change) { c.Requests[0].Text = "change:\n  why: x\n"; c.Target = nil })
	x := glass.Change.Exceptions[0]
	schedule := rules.Commands("/change schedule 2026-11-30")[0]
	out := map[string]string{
		"sticky-waiting":     Sticky(waiting),
		"sticky-scheduled":   Sticky(scheduled),
		"sticky-author":      Sticky(noPlan),
		"sticky-break-glass": Sticky(glass),
		"help":               Help(rev1.By, glass, map[string]bool{"help": true, "status": true, "recheck": true, "hold": true}),
		"status":             Status(rev1.By, waiting),
		"refused-misspelt":   refuse("/change aproove"),
		"refused-schedule":   Refused(rev1.By, schedule, "`2026-11-30` has no time of day, and midnight would be a guess", "`2026-11-30T09:00+01:00`"),
		"refused-no-policy":  Refused(lead1, rules.Command{Name: "break-glass"}, "the policy on `main` has no break_glass, so nobody may make an exception", "add there\n```yaml\nbreak_glass:\n  who: [maintain]\n```"),
		"noted":              Noted(rev1.By, schedule, "group `prompts` asks for 72 hours of notice"),
		"opened":             Opened(x, glass, glass.Policy.Reviewers(glass.Change)),
		"reminder":           Reminder(x, glass, glass.Policy.Reviewers(glass.Change)),
		"overdue":            Overdue(x, timed(at.Add(25*time.Hour), effective30, func(c *rules.Change) { c.Exceptions = []rules.Exception{x} }), []string{"@acme/change-managers", "mgr1", "maintain"}),
		"ejected":            Ejected(rules.Person{Login: "dev1"}, "Frozen until Mon 4 Jan 2027 06:00 Europe/Berlin - year-end", scheduled.DetailsURL),
	}
	maps.Copy(out, mergedSituations())
	return out
}

func refuse(line string) string {
	c := rules.Commands(line)[0]
	return Refused(rev1.By, c, c.Wrong, c.Fix)
}

func TestCommentsGolden(t *testing.T) {
	t.Parallel()
	for name, got := range comments() {
		file := filepath.Join("testdata", "comments", name+".md")
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

// Only what has to be seen by a team at once calls it by name, and never a permission,
// which may be somebody's login.
func TestOnlyCallsForActionMention(t *testing.T) {
	t.Parallel()
	for name, body := range comments() {
		got := faults(unmarked(body), "https://changegate.example/acme/support-agents/pull/482")
		var want []string
		switch name {
		case "opened":
			want = []string{"mention @acme/change-managers please review"}
		case "overdue":
			want = []string{"mention @acme/change-managers @mgr1 please review it"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := mentioned([]string{"@acme/x y", "@acme/x\n@evil", "", "@", "codeowners", "admin"}, "please"); got != "" {
		t.Errorf("mentions %q", got)
	}
}

// An exception is announced as it is numbered, by a view from before it was, or from
// before it was opened at all.
func TestOpenedSaysWhatIsCovered(t *testing.T) {
	t.Parallel()
	x, unnumbered := broken(at), broken(at)
	unnumbered.Number = 0
	want := comments()["opened"]
	for name, before := range map[string][]rules.Exception{"unnumbered": {unnumbered}, "not there yet": nil, "there": {x}} {
		v := timed(at.Add(time.Minute), effective30, func(c *rules.Change) { c.Exceptions = before })
		if diff := cmp.Diff(want, Opened(x, v, v.Policy.Reviewers(v.Change))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if len(v.Change.Exceptions) != len(before) || len(before) > 0 && v.Change.Exceptions[0].Number != before[0].Number {
			t.Errorf("%s: the change itself was altered", name)
		}
	}
	v := timed(at, effective30, func(c *rules.Change) { c.Requests[0].Text, c.Target = "change:\n  why: x\n", nil })
	if got := Opened(x, v, nil); !strings.Contains(got, "That does not cover everything: Author: add a rollback plan.") {
		t.Errorf("nothing says what blocks all the same:\n%s", got)
	}
}

var ownHTML = regexp.MustCompile(`(?s)\A<!-- changegate:sticky v1 repo=\d+ pr=\d+ -->\n(?:(.*)\n<details><summary>Commands</summary>\n(.*)\n</details>\n)?`)

// unmarked takes away the HTML that the sticky comment is allowed.
func unmarked(body string) string { return ownHTML.ReplaceAllString(body, "$1\n$2\n") }

// The text of a comment must not depend on when it is written, else every reading
// would write it.
func TestStickySaysTheSameUntilSomethingHappens(t *testing.T) {
	t.Parallel()
	a, b := timed(at, effective30, withApproval), timed(at.Add(25*time.Hour), effective30, withApproval)
	b.Record, b.PolicyRef = a.Record+1, "main@0000000"
	if diff := cmp.Diff(Sticky(a), Sticky(b)); diff != "" {
		t.Errorf("one day later (-before +after):\n%s", diff)
	}
	if c := timed(at.Add(200*time.Hour), effective30, withApproval); Sticky(c) == Sticky(a) {
		t.Error("the same after the effective date has come")
	}
}

func TestStickyIsShort(t *testing.T) {
	t.Parallel()
	worst := hostile(rules.Author, strings.Repeat("`@a|<b> ", 4000))
	worst.DetailsURL = large().DetailsURL
	for _, v := range []View{large(), worst} {
		if s := Sticky(v); len(s) > stickyLimit || !strings.HasSuffix(s, "</sub>\n") || !strings.HasPrefix(s, StickyMarker(1, 482)+"\n### Change control: ") {
			t.Errorf("%d bytes:\n%s", len(s), s)
		}
	}
}

// Help lists what there is, marks what the person may, and offers no door that the
// policy does not have.
func TestHelp(t *testing.T) {
	t.Parallel()
	v := timed(at, effective30, nil)
	got := Help(rev1.By, v, map[string]bool{"hold": true, "rollback": true})
	for _, want := range []string{"`rev1`: ", "| `/change hold` | keeps it from merging until it is lifted | **yes** |", "| `/change unhold` | lifts a hold | no |", "/change waive freeze reason: "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "/change rollback") || strings.Contains(got, "/change ack") {
		t.Errorf("offers what does nothing:\n%s", got)
	}
	v = judgedBy(v, "version: 1\ngoverned: [{name: a, kind: prompt, paths: [\"prompts/**\"]}]\n", at)
	if got := Help(rev1.By, v, nil); strings.Contains(got, "break-glass") || strings.Contains(got, "waive") || strings.Contains(got, "**yes**") {
		t.Errorf("without break_glass:\n%s", got)
	}
	for _, name := range rules.CommandNames() {
		if name != "rollback" && uses[name] == "" {
			t.Errorf("nothing says what %s does", name)
		}
	}
}

// What a command of each form shows as an example is itself a command that parses.
func TestFormsAreCommands(t *testing.T) {
	t.Parallel()
	for _, name := range rules.CommandNames() {
		line := strings.TrimSpace("/change " + name + " " + rules.CommandForm(name))
		cs := rules.Commands(line)
		if len(cs) != 1 || cs[0].Name != name || cs[0].Wrong != "" {
			t.Errorf("%q reads as %+v", line, cs)
		}
	}
	if rules.CommandForm("aproove") != "" {
		t.Error("a form of no command")
	}
}

// hostileView has an address of ours, which nobody makes long.
func hostileView(s string) View {
	v := hostile(rules.Frozen, s)
	if len(s) > 1000 {
		v.DetailsURL = "https://changegate.example/long"
	}
	return v
}

func hostileComments(s string) []string {
	v := hostileView(s)
	x, y := v.Change.Exceptions[0], v.Change.Exceptions[1]
	to, cmd := rules.Person{Login: s}, rules.Command{Name: s, Wrong: s}
	return []string{Sticky(v), Help(to, v, nil), Status(to, v), Refused(to, cmd, s, s), Refused(to, rules.Command{Name: s}, s, "do\n```yaml\n"+s+"\n```"),
		Noted(to, cmd, s), Opened(x, v, nil), Opened(y, v, []string{s}), Reminder(x, v, []string{s}), Overdue(x, v, nil), Ejected(to, s, v.DetailsURL), Render(v).Output.Summary}
}

func TestHostileCommentsAreInert(t *testing.T) {
	t.Parallel()
	for _, s := range append(slices.Clone(attacks), strings.Repeat("@octocat <b> ", 5000)) {
		checkComments(t, s)
	}
}

func checkComments(t *testing.T, s string) {
	t.Helper()
	link := linkOf(t, hostileView(s))
	for i, body := range hostileComments(s) {
		for _, bad := range faults(unmarked(body), link) {
			if bad+"." != "mention "+strings.TrimSpace(mentioned([]string{s}, "please review")) {
				t.Errorf("comment %d: %s in:\n%s", i, bad, body)
			}
		}
		if len(body) > pageLimit {
			t.Errorf("comment %d has %d bytes", i, len(body))
		}
	}
}

func FuzzReplies(f *testing.F) {
	for _, s := range attacks {
		f.Add(s)
	}
	f.Fuzz(checkComments)
}
