package evidence_test

import (
	"fmt"
	"testing"

	"changegate/bot/evidence"
	"changegate/rules"
)

// group is a merge group of pull requests from 1 on, in these states.
func group(why string, states ...rules.State) evidence.GroupJudged {
	g := evidence.GroupJudged{
		Repo: repo, Branch: "main", Ref: "refs/heads/gh-readonly-queue/main/pr-1", Base: commitID(1000), Tip: commitID(5000), Why: why, At: hour(1),
	}
	for i, s := range states {
		g.Pulls = append(g.Pulls, evidence.GroupPull{Number: i + 1, Decision: fmt.Sprint(i), State: s})
	}
	return g
}

func answered(t testing.TB, g evidence.GroupJudged) evidence.Record {
	t.Helper()
	r, err := evidence.GroupAnswered("github.com", g)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGroupConcludes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		group          evidence.GroupJudged
		passed, shadow bool
	}{
		{"ready", group("", rules.Ready, rules.Nothing, rules.BreakGlass), true, false},
		{"one is not", group("", rules.Ready, rules.Frozen), false, false},
		{"one was not decided", group("", rules.Ready, ""), false, false},
		{"none", group(""), false, false},
		{"something else", group("commit abc is of no pull request", rules.Ready), false, false},
		{"shadow mode", group("", rules.Shadow, rules.Shadow), false, true},
		{"shadow mode and something else", group("commit abc is of no pull request", rules.Shadow), false, true},
		{"shadow mode for some", group("", rules.Shadow, rules.Ready), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.group.Passed, c.group.Shadow = true, true
			g := answered(t, c.group).Predicate.(*evidence.GroupJudged)
			if g.Passed != c.passed || g.Shadow != c.shadow {
				t.Errorf("passed %t, shadow %t; want %t, %t", g.Passed, g.Shadow, c.passed, c.shadow)
			}
		})
	}
}

// An answer given again is the same record; one that says something else is not.
func TestGroupAnsweredOnce(t *testing.T) {
	t.Parallel()
	first := answered(t, group("", rules.Ready)).Key
	again := group("", rules.Ready)
	again.At, again.Passed = hour(7), true
	if key := answered(t, again).Key; key != first {
		t.Errorf("the same answer has keys %s and %s", first, key)
	}
	later := group("", rules.Ready)
	later.Pulls[0].Decision = "9"
	for _, g := range []evidence.GroupJudged{later, group("", rules.Frozen), group("why", rules.Ready), group("", rules.Ready, rules.Ready)} {
		if answered(t, g).Key == first {
			t.Errorf("another answer has the same key: %+v", g)
		}
	}
}

// An answer to a merge queue follows from decisions that are in the log.
func TestFalseGroups(t *testing.T) {
	t.Parallel()
	tell := func(edit func(*evidence.GroupJudged)) evidence.Report {
		w := newWorld(t)
		w.append(decision(t, decided(1, true, hour(1))), hour(1))
		w.append(decision(t, decided(2, false, hour(1))), hour(1))
		r := answered(t, group("", rules.Ready, rules.Waiting))
		edit(r.Predicate.(*evidence.GroupJudged))
		w.append(r, hour(1))
		w.append(decision(t, decided(2, true, hour(2))), hour(2))
		return verify(w.export(query()))
	}
	if rep := tell(func(*evidence.GroupJudged) {}); !rep.Verified || said(rep, "groups") != "1 answers to merge queues follow from the decisions they name" {
		t.Errorf("%q, %+v", said(rep, "groups"), rep.Failed())
	}
	for _, c := range []struct {
		name  string
		edit  func(*evidence.GroupJudged)
		words string
	}{
		{"passed", func(g *evidence.GroupJudged) { g.Passed = true }, "answers passed true"},
		{"neutral", func(g *evidence.GroupJudged) { g.Shadow = true }, "shadow true"},
		{"another state", func(g *evidence.GroupJudged) { g.Pulls[1].State, g.Passed = rules.Ready, true }, `#2 is "ready"`},
		{"another's decision", func(g *evidence.GroupJudged) {
			g.Pulls[1] = evidence.GroupPull{Number: 2, Decision: "0", State: rules.Ready}
		}, "#2"},
		{"a decision of afterwards", func(g *evidence.GroupJudged) { g.Pulls[1].Decision, g.Pulls[1].State = "3", rules.Ready }, "decision"},
		{"no decision", func(g *evidence.GroupJudged) { g.Pulls[1].Decision = "9" }, "decision"},
		{"a state of no decision", func(g *evidence.GroupJudged) { g.Pulls[1].Decision = "" }, "decision"},
		{"another repository", func(g *evidence.GroupJudged) { g.Repo.ID = 9 }, "decision"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mustFail(t, tell(c.edit), "groups", c.words)
		})
	}
}
