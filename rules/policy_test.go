package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// contract is the example of CONTRACT §2.
const contract = `version: 1
mode: enforce
timezone: Europe/Berlin
branches: [main, "release/*"]
approvals_cover: content
waiting_as: pending
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**", "!prompts/README.md"]
    risk: medium
    approvals:
      - count: 1
        from: ["@acme/ai-owners", some-login, maintain]
    rollback: required
    effective_at: optional
    notice: 72h
    require_checks:
      - {name: evals, app: github-actions}
freezes:
  - {name: year-end, reason: reduced on-call, from: 2026-12-23T18:00+01:00, until: 2027-01-04T06:00+01:00, governs: [prompts]}
  - {name: weekend, reason: nobody on call, start: "0 18 * * 5", lasts: 62h, timezone: Europe/Berlin}
break_glass:
  who: ["@acme/incident-commanders"]
  reviewers: ["@acme/change-managers"]
  expires: 1h
  review_within: 24h
`

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	p := parse(t, contract)
	g := p.Groups[0]
	got := fmt.Sprintln(p.Mode, p.Zone, p.Branches, p.Covers, p.WaitingAs) +
		fmt.Sprintln(g.Name, g.Kind, g.Paths, g.Risk, g.Approvals, g.Rollback, g.EffectiveAt, g.Notice, g.Checks, g.Line)
	same(t, got, "enforce Europe/Berlin [main release/*] content pending\n"+
		"prompts prompt [prompts/** !prompts/README.md] medium [{1 [@acme/ai-owners some-login maintain] 13}] true false 72h0m0s [{evals github-actions}] 8\n")
	same(t, *p.BreakGlass, Emergency{[]string{"@acme/incident-commanders"}, []string{"@acme/change-managers"}, time.Hour, 24 * time.Hour, p.BreakGlass.Line})
	if f := p.Freezes[1]; f.Zone.String() != "Europe/Berlin" || f.Lasts != 62*time.Hour || f.Governs != nil {
		t.Errorf("%+v", f)
	}
	same(t, p.Globs(), []string{"prompts/** (prompts)", "!prompts/README.md (prompts)", ".github/changegate.yml (changegate)"})
	same(t, p.Sources(), Sources{Teams: []string{"@acme/incident-commanders", "@acme/change-managers", "@acme/ai-owners"}, Logins: []string{"some-login"}, Permissions: true, Checks: true})
	if !p.Watches("release/1", "main") || p.Watches("release/1/x", "main") || p.Watches("dev", "dev") {
		t.Error("branches are main and release/*")
	}
}

func TestPolicyDefaults(t *testing.T) {
	t.Parallel()
	p := parse(t, "version: 1\nmode:\ntimezone: ~\ngoverned:\n- {name: a, kind: policy, paths: [a], approvals: null, rollback: '', notice: }\n- {name: b, kind: eval, paths: [b], approvals: [{}]}\n")
	a, b := p.Groups[0], p.Groups[1]
	same(t, fmt.Sprintln(p.Mode, p.Zone, p.Covers, p.WaitingAs), "shadow UTC content pending\n")
	same(t, fmt.Sprintln(a.Risk, a.Rollback, a.EffectiveAt, a.Notice, b.Rollback, b.EffectiveAt), "medium true true 0s false false\n")
	same(t, fmt.Sprintln(a.Approvals, b.Approvals), "[{1 [write] 5}] [{1 [write] 6}]\n")
	if !p.Watches("trunk", "trunk") || p.Watches("main", "trunk") {
		t.Error("without branches the default branch is watched")
	}
}

func TestPolicyExamples(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../testdata/policies/*.yml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) == "change.yml" {
			if q, problems := ReadRequest([]RequestText{{Path: ".changes/x.yml", Line: 1, Text: string(data)}}, nil); q == nil {
				t.Errorf("%s: %v", file, problems)
			}
			continue
		}
		parse(t, string(data))
	}
}

// PRODUCT A6: one sticky comment, and quiet in shadow mode.
func TestComments(t *testing.T) {
	t.Parallel()
	shadow := strings.Replace(prompts, "enforce", "shadow", 1)
	for text, want := range map[string]string{
		prompts: "sticky", prompts + "comment: off\n": "off", prompts + "comment: on_action\n": "on_action",
		shadow: "off", shadow + "comment: sticky\n": "sticky", shadow + "comment:\n": "off",
	} {
		if got := parse(t, text).Comments(); got != want {
			t.Errorf("%q of\n%s", got, text)
		}
	}
}

func TestPolicyProblems(t *testing.T) {
	t.Parallel()
	const head = "version: 1\ngoverned:\n- name: a\n  kind: eval\n  paths: [a]\n"
	for _, tt := range []struct{ text, problem string }{
		// P10, P11: nothing that lets everything through loads.
		{"{}", "1:1: CG313 version is missing. Fix: `version: 1`\n1:1: CG315 governed lists no group, so nothing could ever be approved. Fix: at least one group with name, kind and paths"},
		{"", "1:1: CG310 the text is empty. Fix: a YAML mapping"},
		{"# nothing", "1:1: CG310 the text is empty. Fix: a YAML mapping"},
		{"[]", "1:1: CG313 the policy is a list. Fix: a mapping with…"},
		{"version: 1\ngovernd: []", "2:1: CG311 `governd` is not a key of the policy. Fix: `governed`"}, // and nothing about a missing governed
		{"version: 1\ngoverned: []", "1:1: CG315 governed lists no group…"},
		{"version: 1\ngoverned: all", "2:11: CG313 governed is `all`. Fix: a list"},
		{head + "  approvals: []", "6:14: CG315 governed[0].approvals is empty, so nobody would have to approve. Fix: at least one entry, or leave the key out for 1 from write"},
		{head + "  approvals: [{from: []}]", "6:22: CG315 governed[0].approvals[0].from is empty, so nobody could approve. Fix: a team, login or permission"},
		{head + "  approvals: [{count: 0}]", "6:23: CG313 governed[0].approvals[0].count is `0`. Fix: a whole number from 1 to 20"},
		{head + "  approvals: [{count: 0x2}]", "6:23: CG313 governed[0].approvals[0].count is `0x2`…"},
		{head + "  approvals: [{count: 010}]", "6:23: CG313 governed[0].approvals[0].count is `010`…"},
		{head + "  approvals: [{count: 1.0}]", "6:23: CG313 governed[0].approvals[0].count is `1.0`…"},
		{head + "  approvals: [{count: '2'}]", "6:23: CG313 governed[0].approvals[0].count is `2`…"},
		{head + "  approvals: [{count: 2, from: [bob, BOB]}]", "6:15: CG313 governed[0].approvals[0] asks for 2 and names 1 login, so it could never be met. Fix: a lower count, or a team"},
		{head + "  approvals: [1 from write]", "6:15: CG313 governed[0].approvals[0] is `1 from write`. Fix: a mapping with `count`, `from`"},
		{head + "  approvals: [{from: [read]}]", "6:23: CG313 governed[0].approvals[0].from[0] is `read`, which anybody may hold. Fix: write, maintain or admin"},
		{head + "  approvals: [{from: ['@bob']}]", "6:23: CG313 governed[0].approvals[0].from[0] is `@bob`, which names no team. Fix: `@org/team`, or the login without the at sign"},
		{head + "  approvals: [{from: [acme/ops]}]", "6:23: CG313 governed[0].approvals[0].from[0] is `acme/ops`, which is no login. Fix: `@acme/ops`"},
		{head + "  approvals: [{from: ['*']}]", "6:23: CG313 governed[0].approvals[0].from[0] is `*`. Fix: `@org/team`, a login…"},
		{head + "  approvals: [{from: [~]}]", "6:23: CG313 governed[0].approvals[0].from[0] is empty…"},
		{head + "  aprovals: [{count: 2}]", "6:3: CG311 `aprovals` is not a key of governed[0]. Fix: `approvals`"},
		{head + "  <<: {risk: high}", "6:3: CG311 `<<` is not a key of governed[0]…"},
		{head + "  ? [x]\n  : 1", "6:5: CG311 a list is not a key of governed[0]…"},
		{head + "  kind: eval", "6:3: CG312 `kind` is written twice in governed[0]. Fix: keep one"},
		{head + "- {name: a, kind: eval, paths: [b]}", "6:1: CG312 group `a` stands on line 3 already. Fix: a name of its own"},
		{head + "- {kind: eval, paths: [b]}", "6:3: CG313 governed[1].name is missing…"},
		{head + "- {name: A b, kind: eval, paths: [b]}", "6:10: CG313 governed[1].name is `A b`…"},
		{head + "- {name: changegate, kind: eval, paths: [b]}", "6:10: CG313 governed[1].name is `changegate`, which is the policy file's own group…"},
		{head + "- {name: b, paths: [b]}", "6:3: CG313 governed[1].kind is missing…"},
		{head + "- {name: b, kind: prompts, paths: [b]}", "6:19: CG313 governed[1].kind is `prompts`. Fix: one of prompt, policy…"},
		{head + "- {name: b, kind: eval}", "6:3: CG315 governed[1].paths is missing…"},
		{head + "- {name: b, kind: eval, paths: ['!x']}", "6:32: CG315 governed[1].paths includes no file…"},
		{head + "- {name: b, kind: eval, paths: b}", "6:32: CG313 governed[1].paths is `b`. Fix: a list"},
		{head + "- {name: b, kind: eval, paths: [b], notice: 3 days}", "6:45: CG402 governed[1].notice is `3 days`. Fix: a length such as 72h, 90m or 3d"},
		{head + "- {name: b, kind: eval, paths: [b], notice: 9999d}", "6:45: CG402 governed[1].notice is `9999d`. Fix: a length of at most 366d, such as 72h"},
		{head + "- {name: b, kind: eval, paths: [b], require_checks: [{name: evals}]}", "6:54: CG313 governed[1].require_checks[0] needs both name and app…"},
		{head + "branches: ['!dev']", "6:11: CG315 branches includes no branch…"},
		{head + "timezone: CET", "6:11: CG402 timezone: time zone `CET` is an abbreviation or unknown. Fix: a full IANA name, for example `Europe/Berlin`"},
		{head + "timezone: Europe/Berln", "6:11: CG402 timezone: time zone `Europe/Berln` is unknown…"},
		{head + "timezone: [UTC]", "6:11: CG313 timezone is a list…"},
		{head + "break_glass: {}", "6:14: CG315 break_glass.who is empty, so nobody could use it…"},
		{head + "break_glass: {who: [codeowners]}", "6:21: CG313 break_glass.who[0] is `codeowners`, and each of them owns some files only. Fix: `@org/team`, a login…"},
		{head + "break_glass: {who: [bob], reviewers: [CodeOwners]}", "6:39: CG313 break_glass.reviewers[0] is `CodeOwners`…"},
		{head + "comment: always", "6:10: CG313 comment is `always`. Fix: one of sticky, on_action, off"},
		{head + "break_glass: {who: [bob], expires: 0h}", "6:36: CG402 break_glass.expires is `0h`…"},
		{"version: 2\n" + head[11:], "1:10: CG313 version is `2`. Fix: 1"},
		{"version:\n" + head[11:], "1:1: CG313 version is missing. Fix: `version: 1`"},
		{head + "x: &a 1", "6:4: CG310 anchors and aliases are not used here. Fix: the value itself"},
		{head + "x: !!str 1", "6:4: CG310 tag `!!str` is not used here. Fix: the plain value"},
		{head + "---\nx: 1", "1:1: CG310 expected single document, found multiple. Fix: one document, without --- lines"},
		{"a: [", "2:1: CG310 did not find expected node content. Fix: valid YAML"},
		{"\xff", "0:0: CG310 the text is not valid UTF-8. Fix: save the file as UTF-8"},
		{head + "x: \x00", "0:0: CG310 the text contains a NUL byte. Fix: plain UTF-8 text"},
		{head + "# harmless\u2028mode: shadow", "0:0: CG310 the text has a line break that people do not see as one…"},
		{head + "# harmless\rmode: shadow", "0:0: CG310 the text has a line break that people do not see as one…"},
		{strings.Repeat("x", MaxPolicy+1), "0:0: CG310 the text is 262145 bytes long. Fix: at most 262144 bytes"},
	} {
		p, problems := ParsePolicy([]byte(tt.text))
		got := problems.Error()
		begin, open := strings.CutSuffix(tt.problem, "…")
		if p != nil || got != tt.problem && !(open && strings.HasPrefix(got, begin) && !strings.Contains(got, "\n")) {
			t.Errorf("%.200q\n got %s\nwant %s", tt.text, got, tt.problem)
		}
	}
	if p := parse(t, "\ufeff"+strings.ReplaceAll(contract, "\n", "\r\n")); p.Groups[0].Line != 8 {
		t.Error("a byte order mark or CRLF shifts lines")
	}
}

// All problems come at once, in reading order, whoever found them first.
func TestPolicyProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, problems := ParsePolicy([]byte(`version: 1
modus: enforce
freezes: [{name: x, from: 2026-12-24, until: 2026-12-26T00:00Z, governs: [promts]}]
timezone: CET5
governed:
  - name: prompts
    kind: prompt
    paths: ["/prompts/**"]
    aprovals: [{count: 2}]
  - name: prompts
    kind: prompt
    paths: [x]
`))
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%d:%d %s", p.Line, p.Column, p.Code))
	}
	same(t, got, []string{"2:1 CG311", "3:27 CG402", "3:75 CG313", "4:11 CG402", "8:13 CG314", "9:5 CG311", "10:1 CG312"})
}

// within runs f up to three times and fails unless one of them is quick. The
// limit of issue 2 is 100 ms on an idle machine; a busy one with the race detector
// gets twenty times that. What is caught are the texts that took seconds or minutes.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	var took time.Duration
	for range 3 {
		start := time.Now()
		f()
		if took = time.Since(start); took < 2*time.Second {
			t.Log(what, took.Round(100*time.Microsecond))
			return
		}
	}
	t.Errorf("%s took %v", what, took)
}

// Whatever anybody sends is refused at once, and in few words.
func TestHostileText(t *testing.T) {
	t.Parallel()
	n := MaxPolicy
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()[:n]
	}
	group := "version: 1\ngoverned:\n" + strings.Join(strings.Split(many("- {name: g%d, kind: eval, paths: [a]}\n"), "\n")[:190], "\n")
	for name, text := range map[string]string{
		"40,000 keys":    many("k%d: 1\n") + many("l%d: 1\n"),
		"keys":           many("k%d: 1\n"),
		"flow keys":      "{" + many("k%d: 1,")[2:] + "}",
		"near keys":      many("mod%d: 1\n")[:maxMarks*4],
		"one key":        strings.Repeat("version: 1\n", 900),
		"alias bomb":     "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
		"aliases":        "a: &a x\n" + many("b%d: *a\n"),
		"anchors":        many("- &a%d x\n"),
		"open lists":     strings.Repeat("[", n),
		"lists":          "[" + strings.Repeat("[],", n/3-1) + "]",
		"open maps":      strings.Repeat("{", n),
		"dashes":         strings.Repeat("- ", n/2),
		"questions":      strings.Repeat("? ", n/2),
		"deep":           strings.Repeat("[", 900) + strings.Repeat("]", 900),
		"commas":         "[" + strings.Repeat(",", n-1),
		"comments":       strings.Repeat("#\n", n/2),
		"comments and a": "a: 1\n" + strings.Repeat("  #x\n", n/5-1),
		"blank":          strings.Repeat("\n", n),
		"documents":      strings.Repeat("---\n", n/4),
		"quotes":         strings.Repeat("'", n),
		"escapes":        "\"" + strings.Repeat("\\x00", n/4-1),
		"bytes":          strings.Repeat("\xff", n),
		"zeros":          strings.Repeat("\x00", n),
		"unknown groups": group + "\nfreezes:\n- {name: x, start: '0 1 * * *', lasts: 1h, governs: [" + strings.Repeat("gx,", 199) + "]}\n",
		"freezes":        "version: 1\nfreezes:\n" + strings.Repeat("- {name: x, start: '0 18 31 2 *', lasts: 1h}\n", 50),
		"long freezes":   "version: 1\nfreezes:\n" + strings.Repeat("- {name: x, start: '* * * * *', lasts: 1h}\n", 50),
		"many freezes":   "version: 1\nfreezes:\n" + strings.Repeat("- {name: x, start: '0 18 31 2 *', lasts: 1h}\n", 3000),
		"globs":          group + "\n" + strings.Repeat("- {name: x, kind: eval, paths: ['["+strings.Repeat("{a*,", 3)+"']}\n", 200),
		"sources":        "version: 1\ngoverned:\n- approvals:\n" + strings.Repeat("  - from: ["+strings.Repeat("-,", 90)+"]\n", 19),
	} {
		within(t, name, func() {
			if p, problems := ParsePolicy([]byte(text)); p != nil || len(problems) == 0 || len(problems) > enough+1 {
				t.Errorf("%s: %d problems", name, len(problems))
			}
		})
		text := text[:min(len(text), MaxRequest)]
		within(t, name+" as a request", func() {
			if q, problems := ReadRequest([]RequestText{{Line: 1, Text: text}, {Line: 2, Text: text}}, nil); q != nil || len(problems) == 0 {
				t.Errorf("%s: is read as a request", name)
			}
		})
	}
}

// Of whoever gives a command has to be known what break_glass and the groups of the
// change name, and the permission; of a change that touches none, what any names.
func TestCommandSources(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+`    approvals: [{from: [codeowners, rev1]}]
  - {name: tools, kind: other, paths: ["tools/**"], approvals: [{from: ["@acme/tools"]}]}
break_glass: {who: ["@Acme/Commanders", Dev9], reviewers: [admin]}
`)
	owners := &PolicyText{Data: []byte("* @acme/all\n/prompts/ @acme/prompts\n")}
	same(t, p.CommandSources(change(func(c *Change) { c.Owners = owners })),
		Sources{Teams: []string{"@acme/commanders", "@acme/prompts"}, Logins: []string{"dev9", "rev1"}, Permissions: true, CodeOwners: true})
	same(t, p.CommandSources(change(touching(File{Path: "README.md"}))),
		Sources{Teams: []string{"@acme/commanders", "@acme/tools"}, Logins: []string{"dev9", "rev1"}, Permissions: true, CodeOwners: true})
	same(t, parse(t, prompts).CommandSources(change()), Sources{Permissions: true})
}

func TestSourcesOf(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+`    approvals: [{from: ["@Acme/Owners", Bob]}, {from: ["@acme/owners", write]}]
  - {name: tools, kind: eval, paths: ["tools/**"], approvals: [{from: [codeowners]}], require_checks: [{name: evals, app: ci}]}
`)
	for path, want := range map[string]Sources{
		"README.md":    {},
		"prompts/a.md": {Teams: []string{"@acme/owners"}, Logins: []string{"bob"}},
		"tools/a.md":   {CodeOwners: true, Checks: true, Permissions: true},
		PolicyPath:     {Permissions: true},
	} {
		same(t, p.SourcesOf([]File{{Path: path}}, nil), want)
	}
	owners := &PolicyText{Data: []byte("* @Acme/All @bob @Carol\n/tools/b.md @acme/b\n/tools/old.md @dave\n/docs/ @nobody-asks\n")}
	same(t, p.SourcesOf([]File{{Path: "tools/a.md", OldPath: "tools/old.md"}, {Path: "tools/b.md", OldPath: "docs/b.md"}, {Path: "docs/a.md"}}, owners),
		Sources{Teams: []string{"@acme/all", "@acme/b"}, Logins: []string{"bob", "carol", "dave"}, CodeOwners: true, Checks: true, Permissions: true})
	same(t, p.Sources(), Sources{Teams: []string{"@acme/owners"}, Logins: []string{"bob"}, CodeOwners: true, Checks: true, Permissions: true})
}
