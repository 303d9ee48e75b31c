package rules

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// undoing makes a change the exact rollback of CHG-n: what it finds is what that
// change left, what it leaves is what its plan restores.
func undoing(n int) func(*Change) {
	return func(c *Change) {
		u := Undo{Plan: Plan{Change: n, To: "v1", Form: FormTag, Commit: oldCommit, Approved: true}, InEffect: true, Head: map[string]Entry{}, Base: map[string]Entry{}}
		put := func(path string, was, is Entry) {
			u.Files = append(u.Files, Restored{Path: path, Landed: was, Back: is})
			u.Base[path], u.Head[path] = was, is
		}
		for _, f := range c.Files {
			was, is := entry644(f.Old), entry644(f.New)
			if f.OldPath != "" {
				put(f.OldPath, was, Entry{})
				was = Entry{}
			}
			put(f.Path, was, is)
		}
		c.Undoes = append(c.Undoes, u)
	}
}

func entry644(blob string) Entry {
	if blob == "" {
		return Entry{}
	}
	return Entry{blob, "100644"}
}

// undo edits the first of the changes that it may be the rollback of.
func undo(edit func(*Undo)) func(*Change) { return func(c *Change) { edit(&c.Undoes[0]) } }

const (
	refundMD  = "prompts/refund.md"
	strict    = prompts + "    approvals: [{count: 2, from: ['@acme/owners']}]\n    notice: 72h\n    effective_at: required\n"
	frozenNow = "freezes:\n  - {name: year-end, from: 2026-11-20T00:00Z, until: 2026-12-25T00:00Z}\n"
)

func TestFastPath(t *testing.T) {
	t.Parallel()
	one := reviewed(review(rev1, team("@acme/owners")))
	ready := "Ready - rollback of CHG-12, 1 approval"
	refused := "Author: add an effective date"
	for _, tt := range []struct {
		name   string
		policy string
		opts   []func(*Change)
		state  State
		title  string
		says   string // in the approvals
	}{
		{"exact", strict + frozenNow, opt(undoing(12), one), Ready, ready, "1 of 1: `rev1` for `e55a210`; rollback of CHG-12: the content is, byte for byte, what was approved with it"},
		{"nobody yet", strict, opt(undoing(12)), Waiting, "Waiting for 1 approval - rollback of CHG-12, from @acme/owners", "0 of 1 approval from `@acme/owners`; rollback of CHG-12…"},
		{"by a contributor", strict, opt(undoing(12), reviewed(review(dev1, team("@acme/owners")))), Waiting, "Waiting for 1 approval…", ""},
		{"by somebody else", strict, opt(undoing(12), reviewed(review(rev1))), Waiting, "Waiting for 1 approval…", ""},
		{"changes requested", strict, opt(undoing(12), one, reviewed(review(rev2, team("@acme/owners"), state(changesRequested)))), Failure, "Changes requested by rev2", ""},
		{"none is asked", strict + "rollback_approvals: 0\n", opt(undoing(12)), Ready, "Ready - rollback of CHG-12, 0 approvals", "0 of 0; rollback of CHG-12…"},
		{"none is asked and changes are requested", strict + "rollback_approvals: 0\n", opt(undoing(12), reviewed(review(rev2, team("@acme/owners"), state(changesRequested)))), Failure, "Changes requested by rev2", ""},
		{"never more than without", prompts + "rollback_approvals: 10\n", opt(undoing(12), reviewed(review(rev1))), Ready, ready, ""},
		{"a later date", strict, opt(undoing(12), asks(request+"  effective_at: 2026-12-24T09:00Z\n"), one), Ready, ready, ""},
		{"a date backdated", strict, opt(undoing(12), asks(request+"  effective_at: 2020-12-24T09:00Z\n"), one), Ready, ready, ""},
		{"no plan of its own", strict, opt(undoing(12), asks("change: {why: x}"), one), Author, "Author: add a rollback plan", ""},
		{"no why", strict, opt(undoing(12), asks("change: {rollback: {to: v1}}"), one), Author, "Author: say why", ""},
		{"held", strict, opt(undoing(12), one, func(c *Change) { c.Holds = []Hold{{By: rev2, As: "@acme/owners", At: noon}} }), Waiting, "Waiting for rev2 to lift the hold", ""},
		{"check missing", strict + "    require_checks: [{name: evals, app: ci}]\n", opt(undoing(12), one), Waiting, "Waiting for required checks", ""},
		{"a gap", strict, opt(undoing(12), one, func(c *Change) { c.Gaps = []Gap{{"files", "not all"}} }), Failure, "ChangeGate could not finish…", ""},
		{"the newest of two", strict, opt(undoing(3), undoing(12), undoing(5), one), Ready, ready, ""},
		{"the exact one of two", strict, opt(undoing(12), undoing(13), one, func(c *Change) { c.Undoes[1].Head[refundMD] = entry644("b2") }), Ready, ready, ""},
		{"deleted and renamed files", strict, opt(touching(
			File{Path: "prompts/a.md", Status: "deleted", Old: "a1"},
			File{Path: "prompts/c.md", OldPath: "prompts/b.md", Status: "renamed", Old: "b1", New: "b1"},
			File{Path: "prompts/d.md", Status: "added", New: "d1"}), undoing(12), one), Ready, ready, ""},
		{"files that nothing governs", strict, opt(undoing(12), one, func(c *Change) {
			c.Files = append(c.Files, File{Path: ".changes/a.yml", Status: "added", New: "1"})
		}), Ready, ready, ""},

		{"one byte more", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Head[refundMD] = entry644("b2") })), Author, refused,
			"1 of 2 approvals from `@acme/owners`; not taken for the rollback of CHG-12: `prompts/refund.md` is not, byte for byte, what was approved with it"},
		{"another mode", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Head[refundMD] = Entry{"b1", "100755"} })), Author, refused, "…is not, byte for byte, what was approved with it"},
		{"the list of files says another blob", strict, opt(undoing(12), one, func(c *Change) { c.Files[0].New = "b2" }), Author, refused, "…is not, byte for byte, what was approved with it"},
		{"the list of files says another mode", strict, opt(undoing(12), one, func(c *Change) { c.Files[0].NewMode = "100755" }), Author, refused, "…is not, byte for byte, what was approved with it"},
		{"a file more", strict, opt(undoing(12), one, func(c *Change) {
			c.Files = append(c.Files, File{Path: "prompts/x.md", Status: "added", New: "1"})
		}), Author, refused, "1 of 2 approvals from `@acme/owners`"},
		{"a file less", strict, opt(touching(File{Path: refundMD, Old: "a1", New: "b1"}, File{Path: "prompts/x.md", Old: "a1", New: "b1"}), undoing(12), one, func(c *Change) { c.Files = c.Files[:1] }), Author, refused, ""},
		{"changed on the base branch since", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Base[refundMD] = entry644("a2") })), Author, refused, "…`prompts/refund.md` was changed on `main` after it"},
		{"from before the change", strict, opt(undoing(12), one, func(c *Change) { c.Files[0].Old = "a0" }), Author, refused, "…this branch does not have `prompts/refund.md` as it left it; merge `main` in"},
		{"from an older merge base with a mode nobody knows", strict, opt(undoing(12), one, func(c *Change) { c.MergeBase = oldCommit }), Author, refused, "…this branch does not have `prompts/refund.md` as it left it; merge `main` in"},
		{"nobody approved its way back", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Approved = false })), Author, refused, "…not taken for the rollback of CHG-12: nobody approved its way back"},
		{"another is in effect", strict, opt(undoing(12), one, undo(func(u *Undo) { u.InEffect = false })), Author, refused, "…it is not what is in effect on `main` any more"},
		{"a deleted file of an older merge base", strict, opt(touching(File{Path: "prompts/a.md", Status: "deleted", Old: "a1"}), undoing(12), one, func(c *Change) {
			c.MergeBase, c.Undoes[0].Fork = oldCommit, map[string]Entry{"prompts/a.md": entry644("a1")}
		}), Ready, ready, ""},
		{"a deleted file that was another there", strict, opt(touching(File{Path: "prompts/a.md", Status: "deleted", Old: "a0"}), undoing(12), one, func(c *Change) {
			c.MergeBase, c.Undoes[0].Fork, c.Undoes[0].Base = oldCommit, map[string]Entry{"prompts/a.md": entry644("a0")}, map[string]Entry{"prompts/a.md": entry644("a1")}
			c.Undoes[0].Files[0].Landed = entry644("a1")
		}), Author, refused, "…this branch does not have `prompts/a.md` as it left it; merge `main` in"},
		{"a deleted file of another mode there", strict, opt(touching(File{Path: "prompts/a.md", Status: "deleted", Old: "a1"}), undoing(12), one, func(c *Change) {
			c.MergeBase, c.Undoes[0].Fork = oldCommit, map[string]Entry{"prompts/a.md": {"a1", "100755"}}
		}), Author, refused, "…this branch does not have `prompts/a.md` as it left it; merge `main` in"},
		{"content of the list not known", strict, opt(undoing(12), one, func(c *Change) { c.Files[0].New = "" }), Author, refused, ""},
		{"content of the list not known, where the plan deletes", strict, opt(touching(File{Path: refundMD, Status: "modified", Old: "a1"}), undoing(12), one), Author, refused, "…is not, byte for byte, what was approved with it"},
		{"head not known", strict, opt(undoing(12), one, undo(func(u *Undo) { delete(u.Head, refundMD) })), Author, refused, "…what it would restore of `prompts/refund.md` is not known"},
		{"deletion not known", strict, opt(touching(File{Path: refundMD, Status: "deleted", Old: "a1"}), undoing(12), one, undo(func(u *Undo) { delete(u.Head, refundMD) })), Author, refused, "…is not known"},
		{"base not known", strict, opt(undoing(12), one, undo(func(u *Undo) { delete(u.Base, refundMD) })), Author, refused, "…is not known"},
		{"plan that cannot be carried out", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Files[0].Wrong = WrongKind })), Author, refused, "…is not known"},
		{"no number", strict, opt(undoing(0), one), Author, refused, ""},
		{"no files", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Files = nil })), Author, refused, ""},
		{"a path twice", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Files = append(u.Files, u.Files[0]) })), Author, refused, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := change(append(opt(asks(request)), tt.opts...)...)
			p := parse(t, tt.policy)
			v := p.Decide(c, noon)
			want(t, v, tt.state, tt.title)
			fast := strings.Contains(v.Title, "rollback of") || finding(v, CodeUndo).State == Met
			if u, is := p.UndoneBy(c); is != fast || is != (v.Undoes != nil) || is && u.ID() != "CHG-12" {
				t.Errorf("undoes %v %v\n%s", u, is, sayings(v))
			}
			if says := approvalSays(v); tt.says != "" && !matches(says, tt.says) {
				t.Errorf("says %q, want %q", says, tt.says)
			}
			if fast && !v.Next.IsZero() {
				t.Errorf("to be looked at again %v", v.Next)
			}
		})
	}
}

// matches compares with a text that may have … at one of its ends.
func matches(got, want string) bool {
	if end, open := strings.CutPrefix(want, "…"); open {
		return strings.HasSuffix(got, end)
	}
	if begin, open := strings.CutSuffix(want, "…"); open {
		return strings.HasPrefix(got, begin)
	}
	return got == want
}

// approvalSays is what the rule says of the first group that it is about.
func approvalSays(v Verdict) string {
	for _, f := range v.Findings {
		if f.Rule == RuleApprovals && f.Group != "" && f.Code != CodeChangesRequested {
			return f.Says
		}
	}
	return ""
}

// The files that say who approves have no fast path: neither alone, nor beside others,
// nor in a group that names them.
func TestNoFastPathForWhoApproves(t *testing.T) {
	t.Parallel()
	owners := prompts + "    approvals: [{count: 2, from: [codeowners, write]}]\n"
	named := prompts + "  - {name: gate, kind: other, paths: [" + PolicyPath + "], approvals: [{count: 2, from: [write]}]}\n"
	for _, tt := range []struct{ name, policy, path, title string }{
		{"policy file", prompts, PolicyPath, "Waiting for 1 approval - rollback of CHG-12, from maintain access"},
		{"policy file in a group of its own", named, PolicyPath, "Waiting for 1 approval - rollback of CHG-12, from write access"},
		{"code owners", owners, ".github/CODEOWNERS", "Waiting for 1 approval - rollback of CHG-12, from maintain access"},
	} {
		for _, beside := range []bool{false, true} {
			c := change(touching(File{Path: tt.path, Status: "deleted", Old: "1"}), reviewed(review(rev1)))
			if beside {
				c.Files = append(c.Files, File{Path: "prompts/a.md", Old: "1", New: "2"})
				restorable(c)
			}
			undoing(12)(c)
			v := parse(t, tt.policy+frozenNow).Decide(c, noon)
			want(t, v, Waiting, tt.title)
			if f := finding(v, CodeFreeze); f.State != Pending {
				t.Errorf("%s: a freeze does not hold it\n%s", tt.name, sayings(v))
			}
			if (finding(v, CodeUndo).Group == "prompts") != beside {
				t.Errorf("%s: prompts\n%s", tt.name, sayings(v))
			}
		}
	}
}

// With code owners an exact rollback asks any of them once, not one of each file.
func TestFastPathOfCodeOwners(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"    approvals: [{from: [codeowners]}]\n")
	c := change(touching(File{Path: "prompts/a.md", Old: "1", New: "2"}, File{Path: "prompts/b.md", Old: "1", New: "2"}), reviewed(review(rev1)))
	c.Owners = &PolicyText{Data: []byte("a.md @rev1\nb.md @rev2\n")}
	want(t, p.Decide(c, noon), Waiting, "Waiting for 1 approval - from rev2")
	undoing(12)(c)
	want(t, p.Decide(c, noon), Ready, "Ready - rollback of CHG-12, 1 approval")
	c.Reviews = nil
	reviewed(review(rev3))(c)
	want(t, p.Decide(c, noon), Waiting, "Waiting for 1 approval - rollback of CHG-12, from rev1, rev2")
}

func TestRollbackApprovals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		repo, org string
		want      int
	}{{"", "-", 1}, {"0", "-", 0}, {"10", "-", 10}, {"0", "", 1}, {"2", "", 2}, {"0", "0", 0}, {"", "0", 1}, {"1", "3", 3}, {"3", "2", 3}} {
		key := func(n string) string {
			if n == "" {
				return prompts
			}
			return prompts + "rollback_approvals: " + n + "\n"
		}
		p := parse(t, key(tt.repo))
		if tt.org != "-" {
			p = p.With(parse(t, key(tt.org)))
		}
		if p.RollbackApprovals != tt.want {
			t.Errorf("repository %q, organisation %q: %d", tt.repo, tt.org, p.RollbackApprovals)
		}
	}
	for _, bad := range []string{"-1", "11", "1.0", "one", "[1]", "01"} {
		if _, problems := ParsePolicy([]byte(prompts + "rollback_approvals: " + bad + "\n")); len(problems) != 1 || problems[0].Code != CodeValue || problems[0].Fix != "a whole number from 0 to 10" {
			t.Errorf("%s: %v", bad, problems)
		}
	}
}

// drawExact draws a policy and a change that is an exact rollback by it.
func drawExact(t *rapid.T) (*Policy, *Change) {
	p, problems := ParsePolicy([]byte(drawPolicy(t)))
	if problems != nil {
		t.Fatal(problems)
	}
	c := drawChange(t)
	c.Files = append(c.Files, File{Path: "prompts/deep/a.md", Status: "renamed", OldPath: "tools/b.md", Old: "3", New: "3"})
	if len(p.GovernedPaths(c.Files)) == 0 {
		c.Files = append(c.Files, File{Path: "prompts/a.md", Status: "modified", Old: "4", New: "5"}, File{Path: "tools/a.md", Status: "deleted", Old: "6"})
	}
	c.Undoes = nil
	undoing(7)(c)
	restorable(c)
	u := &c.Undoes[0]
	governed := p.GovernedPaths(c.Files)
	u.Files = slices.DeleteFunc(u.Files, func(r Restored) bool { return !slices.Contains(governed, r.Path) })
	return p, c
}

// Whatever differs, and be it by one entry, there is no fast path: the verdict is what
// it is without the facts of an undo.
func TestFastPathIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c := drawExact(t)
		if _, is := p.UndoneBy(c); !is {
			t.Fatalf("not exact: %+v\n%+v", c.Files, c.Undoes)
		}
		u := &c.Undoes[0]
		i := rapid.IntRange(0, len(u.Files)-1).Draw(t, "file")
		r := &u.Files[i]
		if rapid.Bool().Draw(t, "by a fact") {
			approved := rapid.Bool().Draw(t, "approved")
			u.Approved, u.InEffect = approved, !approved
			if _, is := p.UndoneBy(c); is {
				t.Fatalf("taken for a rollback: %+v", u)
			}
			u.Approved, u.InEffect = true, true
		}
		change := func(e Entry) Entry {
			return pick(t, "entry", Entry{}, Entry{e.Blob + "0", e.Mode}, Entry{e.Blob, "100755"}, Entry{e.Blob, ""}, Entry{"", e.Mode}, Entry{strings.ToUpper(e.Blob + "x"), e.Mode})
		}
		before := Plan{Files: []Restored{*r}}
		head, base := u.Head[r.Path], u.Base[r.Path]
		switch rapid.IntRange(0, 6).Draw(t, "what") {
		case 0:
			u.Head[r.Path] = change(head)
		case 1:
			u.Base[r.Path] = change(base)
		case 2:
			r.Landed = change(r.Landed)
		case 3:
			r.Back = change(r.Back)
		case 4:
			delete(u.Head, r.Path)
		case 5:
			r.Path += "x"
			u.Head[r.Path], u.Base[r.Path] = head, base
		case 6:
			r.Wrong = WrongUnread
		}
		now, present := u.Head[before.Files[0].Path]
		if r.Landed == before.Files[0].Landed && r.Back == before.Files[0].Back && r.Path == before.Files[0].Path && r.Wrong == "" && present && now == head && u.Base[r.Path] == base {
			return // the draw changed nothing
		}
		if found, is := p.UndoneBy(c); is {
			t.Fatalf("taken for the rollback of %s: %+v", found.ID(), u)
		}
		without := *c
		without.Undoes = nil
		got, want := p.Decide(c, noon), p.Decide(&without, noon)
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Finding{}, "Says")); d != "" {
			t.Fatalf("an inexact rollback changes the verdict:\n%s", d)
		}
	})
}

// An exact rollback asks for no more than without that, but for what a group that says
// who approves asks; and it never passes without as many people as it asks for.
func TestFastPathAsksForLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c := drawExact(t)
		v := p.Decide(c, noon)
		without := *c
		without.Undoes = nil
		if slow := p.Decide(&without, noon); green(slow) && !green(v) && len(c.Exceptions) == 0 {
			t.Fatalf("%q with the fast path, %q without\n%s", v.Title, slow.Title, sayings(v))
		}
		for _, f := range v.Findings {
			if f.Group != "" && f.State != Met && slices.Contains([]string{RuleEffectiveDate, RuleNotice, RuleFreezeWindow}, f.Rule) {
				t.Fatalf("held back by %s: %s", f.Rule, f.Says)
			}
		}
		if v.State != Ready {
			return
		}
		voices := map[string]map[int64]bool{}
		for _, a := range v.Approvals {
			if voices[a.Group] == nil {
				voices[a.Group] = map[int64]bool{}
			}
			voices[a.Group][a.By.ID] = true
		}
		for i := range p.judged {
			g := &p.judged[i]
			if n := min(p.RollbackApprovals, slots(g.Approvals)); list(c.Files).next(g, 0) < len(c.Files) && len(voices[g.Name]) < n {
				t.Fatalf("%s passes with %v of %d", g.Name, slices.Collect(maps.Keys(voices[g.Name])), n)
			}
		}
	})
}

// What a change rolls back on the record is what it restores, by whatever rule it passed.
func TestRollbackOf(t *testing.T) {
	t.Parallel()
	p := parse(t, strict)
	since := undo(func(u *Undo) { u.InEffect, u.Base[refundMD] = false, entry644("a2") })
	from := func(branch string) func(*Change) { return func(c *Change) { c.Head.Branch = branch } }
	for _, tt := range []struct {
		name string
		opts []func(*Change)
		want int
	}{
		{"by the fast path", opt(undoing(12)), 12},
		{"nobody approved its way back", opt(undoing(12), undo(func(u *Undo) { u.Approved = false })), 12},
		{"changed again since, from a branch of its own", opt(undoing(12), since, from("changegate/rollback-chg-12")), 12},
		{"changed again since, from a further branch", opt(undoing(12), since, from("changegate/rollback-chg-12-2")), 12},
		{"changed again since, from the branch of another", opt(undoing(12), since, from("changegate/rollback-chg-1")), 0},
		{"changed again since, from the branch of one more", opt(undoing(1), since, from("changegate/rollback-chg-12")), 0},
		{"changed again since, from any branch", opt(undoing(12), since), 0},
		{"changed by a push since", opt(undoing(12), undo(func(u *Undo) { u.Base[refundMD] = entry644("a2") })), 12},
		{"the newest", opt(undoing(3), undoing(12), undoing(5), each(func(u *Undo) { u.Approved = false })), 12},
		{"rather the one that is in effect", opt(undoing(3), undoing(12), func(c *Change) { c.Undoes[1].InEffect = false }), 3},
		{"rolled back before", opt(undoing(12), since, undo(func(u *Undo) { u.UndoneBy = 13 }), from("changegate/rollback-chg-12")), 0},
		{"rolled back before and in effect again", opt(undoing(12), undo(func(u *Undo) { u.Approved, u.UndoneBy = false, 13 })), 12},
		{"one byte more", opt(undoing(12), undo(func(u *Undo) { u.Head[refundMD] = entry644("b2") })), 0},
		{"a file more", opt(undoing(12), func(c *Change) { c.Files = append(c.Files, File{Path: "prompts/x.md", Status: "added", New: "1"}) }), 0},
		{"nothing", nil, 0},
	} {
		got := 0
		if u, is := p.RollbackOf(change(tt.opts...)); is {
			got = u.Change
		}
		if got != tt.want {
			t.Errorf("%s: CHG-%d, want CHG-%d", tt.name, got, tt.want)
		}
	}
}

func each(edit func(*Undo)) func(*Change) {
	return func(c *Change) {
		for i := range c.Undoes {
			edit(&c.Undoes[i])
		}
	}
}

// A way back is approved by people who approved the change with it. That of a rollback,
// for which fewer are enough, was when it leads to what was there before.
func TestApproved(t *testing.T) {
	t.Parallel()
	owners := team("@acme/owners")
	both := reviewed(review(rev1, owners), review(rev2, owners))
	one := reviewed(review(rev1, owners))
	glass := func(c *Change) {
		c.Exceptions = []Exception{{Number: 1, Kind: KindBreakGlass, Head: c.Head.Commit, Base: c.Base.Branch, By: rev2, As: "@acme/owners", At: noon.Add(-time.Minute), Expires: noon.Add(time.Hour), Due: noon.Add(time.Hour)}}
	}
	leads := func(to Entry) func(*Change) {
		return func(c *Change) { c.Target = &Target{Files: []Restored{{Path: refundMD, Back: to}}} }
	}
	for _, tt := range []struct {
		name   string
		policy string
		opts   []func(*Change)
		want   bool
	}{
		{"by all", strict, opt(both), true},
		{"by all, though it waits for a date", strict + frozenNow, opt(both), true},
		{"by some", strict, opt(one), false},
		{"by nobody", strict, nil, false},
		{"by nobody, in shadow mode", strings.Replace(strict, "enforce", "shadow", 1), nil, false},
		{"by all, in shadow mode", strings.Replace(strict, "enforce", "shadow", 1), opt(both), true},
		{"waived", strict + "break_glass: {who: ['@acme/owners'], reviewers: [maintain]}\n", opt(glass), false},
		{"changes requested", strict, opt(reviewed(review(rev1, owners), review(rev2, owners), review(rev3, owners, state(changesRequested)))), false},
		{"a rollback, to what was there before", strict, opt(undoing(12), one, leads(entry644("a1"))), true},
		{"a rollback that asks nobody, to what was there before", strict + "rollback_approvals: 0\n", opt(undoing(12), leads(entry644("a1"))), true},
		{"a rollback, to something else", strict, opt(undoing(12), one, leads(entry644("zz"))), false},
		{"a rollback, to something else, by all", strict, opt(undoing(12), both, leads(entry644("zz"))), true},
		{"a rollback of whose target no file is known", strict, opt(undoing(12), one, func(c *Change) { c.Target = &Target{} }), false},
		{"a rollback whose target is not known", strict, opt(undoing(12), one, func(c *Change) { c.Target = nil }), false},
		{"a rollback that nobody approved", strict, opt(undoing(12), leads(entry644("a1"))), false},
		{"no rollback, by too few", strict, opt(undoing(12), one, undo(func(u *Undo) { u.Approved = false }), leads(entry644("a1"))), false},
	} {
		if got := parse(t, tt.policy).Approved(change(tt.opts...), noon); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
