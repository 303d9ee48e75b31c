package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func floored(text string) func(*Change) {
	return func(c *Change) { c.Floor = &PolicyText{Path: PolicyPath, Data: []byte(text)} }
}

const floor = `
version: 1
mode: enforce
approvals_cover: head
timezone: Asia/Tokyo
waiting_as: action_required
comment: off
branches: ["release/*", "!release/old"]
governed:
  - {name: prompts, kind: other, paths: ["prompts/**"], approvals: [{from: ["@acme/safety"]}]}
freezes:
  - {name: year-end, from: 2026-12-23T18:00Z, until: 2027-01-04T06:00Z, governs: [prompts]}
  - {name: policy, from: 2026-12-23T18:00Z, until: 2027-01-04T06:00Z, governs: [changegate]}
  - {name: all, from: 2026-12-23T18:00Z, until: 2027-01-04T06:00Z}
break_glass: {who: ["@acme/safety"]}
`

// Each key of the organisation's policy, beside a repository's that says otherwise.
func TestFloorMerges(t *testing.T) {
	t.Parallel()
	own := strings.Replace(prompts, "mode: enforce\n", "break_glass: {who: [dev1]}\n", 1)
	p, problems := Load([]byte(own), &PolicyText{Data: []byte(floor)})
	if problems != nil {
		t.Fatal(problems)
	}
	same(t, fmt.Sprintln(p.Mode, p.Zone, p.Covers, p.WaitingAs, p.Comments(), p.BreakGlass.Who), "enforce UTC head pending sticky [@acme/safety]\n")
	same(t, p.Globs(), []string{"prompts/** (prompts)", ".github/changegate.yml (changegate)", "prompts/** (org/prompts)"})
	same(t, p.GroupsOf(File{Path: "prompts/a.md"}), []string{"prompts", "org/prompts"})
	same(t, p.Sources().Teams, []string{"@acme/safety"})
	var freezes []string
	for _, f := range p.Freezes {
		freezes = append(freezes, fmt.Sprint(f.Name, f.Governs))
	}
	same(t, freezes, []string{"org/year-end[org/prompts]", "org/policy[org/changegate changegate]", "org/all[]"})
	for branch, want := range map[string]bool{"main": true, "release/1": true, "release/old": false, "dev": false} {
		listed := slices.ContainsFunc(p.BranchLists(), func(l []string) bool { return Watches(l, branch, "main") })
		if p.Watches(branch, "main") != want || listed != want {
			t.Errorf("%s is watched: %v, by its lists %v", branch, !want, listed)
		}
	}
	if parse(t, own).Mode != "shadow" || len(parse(t, own).Groups) != 1 {
		t.Error("the repository's policy alone changed")
	}
}

// An exclusion of one side is none of the other's.
func TestFloorKeepsItsBranches(t *testing.T) {
	t.Parallel()
	own := parse(t, strings.Replace(prompts, "mode", "branches: ['dev', '!main']\nmode", 1))
	for name, branches := range map[string]string{"default": "", "listed": "branches: [main]\n", "excluding": "branches: ['*', '!dev']\n"} {
		p := own.With(parse(t, branches+prompts))
		for _, branch := range []string{"main", "dev"} {
			if !p.Watches(branch, "main") {
				t.Errorf("%s: %s is not watched", name, branch)
			}
		}
	}
}

// Groups of one name are judged one by one, and whose rule it is can be read.
func TestFloorJudges(t *testing.T) {
	t.Parallel()
	strict := strings.Split(floor, "freezes:")[0]
	c := change(floored(strict), reviewed(review(rev1)))
	want(t, Evaluate([]byte(prompts), c, noon), Waiting, "Waiting for 1 approval - from @acme/safety")
	c = change(floored(strict), reviewed(review(rev1), review(rev2, team("@acme/safety"), role("none"))))
	v := Evaluate([]byte(prompts), c, noon)
	want(t, v, Ready, "Ready - 2 approvals, rollback to v1, effective on merge")
	same(t, v.Governed, []Governed{{"prompts/refund.md", []string{"prompts", "org/prompts"}}})
	c.Reviews[1].Commit = oldCommit // approvals_cover: head is the organisation's
	want(t, Evaluate([]byte(prompts), c, noon), Waiting, "Approvals stale - rev2 approved 7c1d0fe, head is e55a210")
	v = Evaluate([]byte(prompts), change(floored(floor), reviewed(review(rev2, team("@acme/safety")))), noon.AddDate(0, 1, 0))
	want(t, v, Frozen, "Frozen until Mon 4 Jan 2027 06:00 UTC - org/all")
}

// Who may change the policy is not the repository's alone to say.
func TestFloorHoldsThePolicyFile(t *testing.T) {
	t.Parallel()
	lax := prompts + "  - {name: policy, kind: other, paths: [.github/changegate.yml]}\n"
	named := prompts + "  - {name: rules, kind: other, paths: [.github/changegate.yml], approvals: [{from: ['@acme/safety']}]}\n"
	for _, tt := range []struct{ own, floor, groups string }{
		{prompts, prompts, "changegate"},
		{lax, prompts, "policy org/changegate"},
		{prompts, named, "changegate org/rules"},
		{lax, named, "policy org/rules"},
	} {
		p, _ := Load([]byte(tt.own), &PolicyText{Data: []byte(tt.floor + "# another file\n")})
		if got := strings.Join(p.GroupsOf(File{Path: PolicyPath}), " "); got != tt.groups {
			t.Errorf("the policy belongs to %q, want %q", got, tt.groups)
		}
	}
	// The organisation's own repository: one file is both.
	p, _ := Load([]byte(named), &PolicyText{Data: []byte(named)})
	same(t, p.GroupsOf(File{Path: PolicyPath}), []string{"rules"})
}

// CONTRACT §2: absent, unreadable and invalid are three outcomes, for both files,
// and a repository in shadow mode is no exception.
func TestThreeOutcomesOfAPolicy(t *testing.T) {
	t.Parallel()
	shadow := strings.Replace(prompts, "enforce", "shadow", 1)
	gap := func(what string) func(*Change) {
		return func(c *Change) { c.Gaps = []Gap{{what, "is a symbolic link"}} }
	}
	for _, tt := range []struct {
		name, policy string
		mend         func(*Change)
		title        string
		code         string
	}{
		{"no floor", prompts, func(*Change) {}, "Ready…", ""},
		{"policy unreadable", "", gap(GapPolicy), "ChangeGate could not finish - the policy on main was not readable", CodeGap},
		{"floor unreadable", shadow, gap(GapFloor), "ChangeGate could not finish - the organisation's policy was not readable", CodeGap},
		{"policy invalid", "version: 1\ngovernd: []\n", floored(prompts), "Cannot read the policy on main - line 2", CodePolicyBroken},
		{"floor invalid", shadow, floored("version: 1\n\nmodus: x\n"), "Cannot read the organisation's policy - line 1", CodeFloorBroken},
		{"floor empty", shadow, floored(""), "Cannot read the organisation's policy - line 1", CodeFloorBroken},
		{"floor {}", shadow, floored("{}"), "Cannot read the organisation's policy - line 1", CodeFloorBroken},
		{"both invalid", "modus: x", floored("modus: x"), "Cannot read the policy on main - line 1", CodePolicyBroken},
	} {
		v := Evaluate([]byte(tt.policy), change(reviewed(review(rev1)), tt.mend), noon)
		if tt.code == "" {
			want(t, v, Ready, tt.title)
			continue
		}
		want(t, v, Failure, tt.title)
		if v.Would != Failure || !slices.Contains(codesOf(v), tt.code) {
			t.Errorf("%s: would be %s, codes %v", tt.name, v.Would, codesOf(v))
		}
	}
	v := Evaluate([]byte("version: 2"), change(floored("version: 3")), noon)
	same(t, codesOf(v), []string{CodePolicyBroken, CodePolicyBroken, CodeFloorBroken, CodeFloorBroken})
	same(t, finding(v, CodeFloorBroken), Finding{Rule: RulePolicyFile, State: Unmet, Code: CodeFloorBroken, Line: 1,
		Says: "line 1: governed lists no group, so nothing could ever be approved",
		Fix:  "at least one group with name, kind and paths (in `.github/changegate.yml` of `acme/.github`)"})
	_, problems := Load([]byte("version: 2"), &PolicyText{Data: []byte("version: 3")})
	if len(problems) != 4 {
		t.Errorf("%d problems of both files:\n%v", len(problems), problems)
	}
}

// Whatever two policies and a change say: with the organisation's policy the
// verdict asks at least what each of the two would ask alone.
func TestFloorOnlyAdds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { floorAdds(t, drawPolicy(t), drawPolicy(t), drawChange(t)) })
}

// The same over changes that are nearly ready, where one key more or less decides.
func TestFloorOnlyAddsWhenNearlyReady(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func() string {
			return "version: 1\nmode: enforce\napprovals_cover: " + pick(t, "covers", "content", "head") + "\ngoverned:\n" +
				pick(t, "named", "", "- {name: rules, kind: other, paths: [.github/changegate.yml]}\n") +
				"- {name: prompts, kind: prompt, paths: ['prompts/**'], approvals: [{from: [" + pick(t, "from", "write", "maintain", "'@acme/a'") + "]}]}\n" +
				pick(t, "freeze", "", "", "", "freezes: [{name: now, from: 2026-11-24T00:00Z, until: 2026-11-25T00:00Z, governs: ["+pick(t, "governs", "prompts", "changegate")+"]}]\n")
		}
		edit := File{Path: PolicyPath, Status: "modified", Old: "0", New: "1"}
		prompt := File{Path: "prompts/a.md", Status: "modified", Old: "0", New: "1"}
		c := change(touching(pick(t, "files", [][]File{{edit}, {prompt}, {edit, prompt}}...)...))
		c.NewPolicy = &PolicyText{Path: PolicyPath, Data: []byte(prompts)}
		c.Revisions = []Revision{{Commit: oldCommit, Base: "main", Files: c.Files}}
		reviewed(review(rev1, of(pick(t, "of", oldCommit, headCommit)), role(pick(t, "role", "write", "maintain")), team(pick(t, "team", "@acme/a", "@acme/b"))))(c)
		floorAdds(t, draw(), draw(), c)
	})
}

func floorAdds(t *rapid.T, own, org string, c *Change) {
	own = strings.Replace(own, "mode: enforce", pick(t, "mode", "mode: enforce", "mode: enforce", "mode: shadow"), 1)
	now := noon.Add(time.Duration(rapid.IntRange(-100, 100).Draw(t, "now")) * 15 * time.Minute)
	if _, glass, names := strings.Cut(org, "break_glass:"); names {
		// Who makes exceptions is the organisation's to say, and may be more people.
		before, _, _ := strings.Cut(own, "break_glass:")
		own = before + "break_glass:" + glass
	}
	c.Floor = nil
	ofBoth(c, parseWho(t, own).GovernedPaths(c.Files), parseWho(t, org).GovernedPaths(c.Files))
	alone, floorAlone := Evaluate([]byte(own), c, now), Evaluate([]byte(org), c, now)
	c.Floor = &PolicyText{Path: PolicyPath, Data: []byte(org)}
	both := Evaluate([]byte(own), c, now)
	for whose, v := range map[string]Verdict{"the repository's": alone, "the organisation's": floorAlone} {
		if Worse(v.Would, both.Would) && !earlier(v, both) || v.State.Blocks() && !both.State.Blocks() {
			t.Fatalf("%s policy alone says %s %q, both say %s %q", whose, v.State, v.Title, both.State, both.Title)
		}
	}
}

// earlier reports whether both wait for approvals that one policy alone would have had: how
// long before the date they come is not known until then, so that a notice which was too
// short is no finding yet.
func earlier(alone, both Verdict) bool {
	return both.Would == Waiting && alone.Would == Author && !slices.ContainsFunc(alone.Findings, func(f Finding) bool {
		return f.State == Unmet && f.Code != CodeNotice
	})
}

// ofBoth drops the plans that only both policies together know to be of all paths that are
// governed: a policy that governs a part of them takes the change for no rollback. One of
// a part stays, and lifts nothing that the other policy asks.
func ofBoth(c *Change, own, org []string) {
	all := distinct(slices.Concat(own, org))
	slices.Sort(all)
	c.Undoes = slices.DeleteFunc(slices.Clone(c.Undoes), func(u Undo) bool {
		part := func(some []string) bool { return len(some) > 0 && len(some) < len(all) }
		return (part(own) || part(org)) && slices.Equal(slices.Sorted(slices.Values(u.Paths())), all)
	})
}

// The promise above is worth something only if the floor changes verdicts.
func TestFloorIsFelt(t *testing.T) {
	t.Parallel()
	stricter := 0
	draw := rapid.Custom(func(t *rapid.T) bool {
		own, org, c := drawPolicy(t), drawPolicy(t), drawChange(t)
		alone := Evaluate([]byte(own), c, noon)
		c.Floor = &PolicyText{Data: []byte(org)}
		return Worse(Evaluate([]byte(own), c, noon).State, alone.State)
	})
	for seed := range 500 {
		if draw.Example(seed) {
			stricter++
		}
	}
	if stricter < 50 {
		t.Errorf("of 500 organisations' policies %d ask for more", stricter)
	}
}
