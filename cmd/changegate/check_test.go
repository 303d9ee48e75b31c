package main

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"changegate/checks"
	"changegate/rules"
)

// TestVerdictHasTheKeysOfTheContract: CONTRACT §6 fixes the JSON form, and other
// programs read it.
func TestVerdictHasTheKeysOfTheContract(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	e := env{stdout: &out}
	v := rules.Verdict{
		State: rules.Waiting, Title: "Waiting for 1 approval", Findings: []rules.Finding{{Rule: rules.RuleApprovals, State: rules.Pending}},
		Would: rules.Waiting, Governed: []rules.Governed{{Path: "x"}},
	}
	if code := e.printJSON(v, exitWaiting); code != exitWaiting {
		t.Fatalf("code %d", code)
	}
	var got struct {
		top, finding map[string]any
	}
	if err := json.Unmarshal([]byte(out.String()), &got.top); err != nil {
		t.Fatal(err)
	}
	got.finding = got.top["findings"].([]any)[0].(map[string]any)
	want := map[string][]string{
		"verdict": {"findings", "head", "next", "policy", "state", "title"},
		"finding": {"code", "fix", "group", "line", "path", "rule", "says", "state", "until"},
	}
	keys := map[string][]string{"verdict": slices.Sorted(maps.Keys(got.top)), "finding": slices.Sorted(maps.Keys(got.finding))}
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("keys (-contract +got):\n%s", d)
	}
	if got.top["next"] != nil || got.finding["until"] != nil {
		t.Errorf("a time that is not known is not null: %v, %v", got.top["next"], got.finding["until"])
	}
}

func TestExitCodeOfEveryState(t *testing.T) {
	t.Parallel()
	for state, want := range map[rules.State]int{
		rules.Nothing: 0, rules.Ready: 0, rules.Shadow: 0, rules.BreakGlass: 0,
		rules.Scheduled: 3, rules.Frozen: 3, rules.Waiting: 3, rules.Author: 1, rules.Failure: 1, "unheard of": 1,
	} {
		if got := exitCode(rules.Verdict{State: state}); got != want {
			t.Errorf("%s: exit %d, want %d", state, got, want)
		}
		if _, named := outcomes[state]; !named && state != "unheard of" {
			t.Errorf("%s has no result line", state)
		}
	}
	broken := rules.Evaluate([]byte("version: 2"), &rules.Change{}, time.Time{})
	if got := exitCode(broken); got != exitUsage {
		t.Errorf("policy that does not load: exit %d, want %d", got, exitUsage)
	}
}

// TestTextIsSafeAndNarrow: whatever files, groups and texts hold, nothing but
// line ends controls the terminal and no line is wider than it.
func TestTextIsSafeAndNarrow(t *testing.T) {
	t.Parallel()
	hostile := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"\x1b[2J\x1b]0;owned\a", "a\u202eb", strings.Repeat("long", 60), "one\ntwo\r\nthree", "\xff\xfe", "```yaml\n  \x1b[1m" + strings.Repeat("y", 99) + "\n```",
	}))
	rapid.Check(t, func(rt *rapid.T) {
		s := func(what string) string { return hostile.Draw(rt, what) }
		g := &checks.Gathered{}
		g.Change.Repo, g.Change.Base.Branch, g.Change.Head.Branch = s("repo"), s("base"), s("head")
		g.Change.Files = []rules.File{{Path: s("path"), OldPath: s("old"), Status: "renamed"}}
		g.Policy.Commit, g.Policy.Path = strings.Repeat("a", 40), checks.PolicyPath
		v := rules.Verdict{
			State: rules.Author, Title: s("title"), Policy: "x", Next: time.Unix(0, 0),
			Governed: []rules.Governed{{Path: g.Change.Files[0].Path, Groups: []string{s("group"), "prompts"}}},
			Findings: []rules.Finding{{Group: s("group"), Rule: rules.RuleRequiredChecks, State: rules.Unmet, Code: "CG201", Says: s("says"), Fix: s("fix"), Path: s("at")}},
		}
		for _, line := range strings.Split(checkText(g, v, false), "\n") {
			if n := utf8.RuneCountInString(line); n > width || !utf8.ValidString(line) {
				rt.Fatalf("%d wide or not UTF-8: %q", n, line)
			}
			if i := strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }); i >= 0 {
				rt.Fatalf("controls the terminal at %d: %q", i, line)
			}
		}
	})
}

func TestColourOnlyRepeatsTheWord(t *testing.T) {
	t.Parallel()
	f := rules.Finding{Rule: rules.RuleApprovals, State: rules.Pending, Says: "1 approval", Fix: "ask", Code: "CG101"}
	var plain, coloured strings.Builder
	finding(&plain, f, false)
	finding(&coloured, f, true)
	if strings.Contains(plain.String(), "\x1b") {
		t.Errorf("colour without being asked: %q", plain.String())
	}
	stripped := strings.NewReplacer("\x1b[33m", "", "\x1b[0m", "").Replace(coloured.String())
	if stripped != plain.String() || coloured.String() == plain.String() {
		t.Errorf("coloured %q, plain %q", coloured.String(), plain.String())
	}
}

func TestWrapKeepsEveryLetter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text, n := rapid.String().Draw(rt, "text"), rapid.IntRange(1, 90).Draw(rt, "n")
		out := wrap(text, n)
		for _, line := range out {
			if utf8.RuneCountInString(line) > n {
				rt.Fatalf("%q is wider than %d", line, n)
			}
		}
		if got, want := strings.Join(strings.Fields(strings.Join(out, "")), ""), strings.Join(strings.Fields(text), ""); utf8.ValidString(text) && got != want {
			rt.Fatalf("%q became %q", want, got)
		}
	})
}

func TestWrap(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"one two", "three", "fourfiv", "esix x"}, wrap("one two  three fourfivesix\nx", 7)); d != "" {
		t.Errorf("wrap (-want +got):\n%s", d)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestResultThatDidNotArrive: a verdict that nobody could read must not end as ready.
func TestResultThatDidNotArrive(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	e := env{stdout: full{}, stderr: &stderr}
	if code := e.print("READY", exitOK); code != exitUsage || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("code %d, stderr %q", code, stderr.String())
	}
}
