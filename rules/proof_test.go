package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// five is a change of five files, and what v1 restores of them.
func five(edit func(map[string]*Restored), opts ...func(*Change)) *Change {
	var files []File
	for _, name := range []string{"a", "b", "c", "d"} {
		files = append(files, File{Path: "prompts/" + name, Status: "modified", Old: name + "1", New: name + "2"})
	}
	files = append(files, File{Path: "prompts/f", OldPath: "prompts/e", Status: "renamed", Old: "e1", New: "e1"})
	c := change(append(opt(touching(files...), reviewed(review(rev1))), opts...)...)
	c.Target.Files = nil
	by := map[string]*Restored{}
	for path, s := range map[string][2]string{"a": {"a2", "a1"}, "b": {"b2", "b1"}, "c": {"c2", "c1"}, "d": {"d2", "d1"}, "e": {"", "e1"}, "f": {"e1", ""}} {
		by["prompts/"+path] = &Restored{Path: "prompts/" + path, Landed: entry644(s[0]), Back: entry644(s[1])}
	}
	edit(by)
	for _, r := range by {
		c.Target.Files = append(c.Target.Files, *r)
	}
	return c
}

func TestProof(t *testing.T) {
	t.Parallel()
	wrong := func(why string, paths ...string) func(map[string]*Restored) {
		return func(by map[string]*Restored) {
			for _, path := range paths {
				by["prompts/"+path].Wrong = why
			}
		}
	}
	gone := func(paths ...string) func(map[string]*Restored) {
		return func(by map[string]*Restored) {
			for _, path := range paths {
				delete(by, "prompts/"+path)
			}
		}
	}
	equal := func(paths ...string) func(map[string]*Restored) {
		return func(by map[string]*Restored) {
			for _, path := range paths {
				by["prompts/"+path].Back = by["prompts/"+path].Landed
			}
		}
	}
	byPath := func(c *Change) {
		asks(strings.Replace(request, "v1", "prompts/a@v1", 1))(c)
		c.Target.To, c.Target.Form = "prompts/a@v1", FormPath
	}
	const merge = "merge `main` into the pull request's branch and resolve what conflicts"
	for _, tt := range []struct {
		name string
		c    *Change
		code string
		says string
		fix  string
	}{
		{"verified", five(func(map[string]*Restored) {}), "", "`v1` (`9f3c2ab`) on `main`, verified: restores 5 files, deletes 1", ""},
		{"only the mode", five(func(by map[string]*Restored) { by["prompts/a"].Back = Entry{"a2", "100755"} }), "", "`v1` (`9f3c2ab`) on `main`, verified: restores 5 files, deletes 1", ""},
		{"files of no group beside them", five(func(by map[string]*Restored) { by["x"] = &Restored{Path: "x", Wrong: WrongKind} }), "", "`v1` (`9f3c2ab`) on `main`, verified: restores 5 files, deletes 1", ""},
		{"all as they are", five(equal("a", "b", "c", "d", "e", "f")), CodeSameTarget, "rollback.to `v1` leaves `prompts/a`, `prompts/b`, `prompts/c` and 3 more files as this change does, so that it would not undo it", "…"},
		{"one as it is", five(equal("c")), CodeSameTarget, "rollback.to `v1` leaves `prompts/c` as this change does, so that it would not undo it", "…"},
		{"the end of a rename left out", five(gone("e")), CodeUnverified, "what rollback.to `v1` would leave of `prompts/e` is not known", "…"},
		{"nothing known", five(gone("a", "b", "c", "d", "e", "f")), CodeUnverified, "what rollback.to `v1` would leave of `prompts/a`, `prompts/b`, `prompts/c` and 3 more files is not known", "…"},
		{"a part", five(gone("b", "c", "d", "e", "f"), byPath), CodePartTarget, "rollback.to `prompts/a@v1` leaves out `prompts/b`, `prompts/c`, `prompts/d` and 2 more files of this change", toBase},
		{"no such path", five(wrong(WrongElsewhere, "a"), byPath), CodeNoTarget, "rollback.to `prompts/a@v1`: there is no such path at `9f3c2ab`", toBase},
		{"a link", five(wrong(WrongKind, "a", "d")), CodeNotRestorable, "rollback.to `v1` cannot restore `prompts/a` and `prompts/d`: a submodule or a symbolic link is not restored", "…"},
		{"a link that nobody called wrong", five(func(by map[string]*Restored) { by["prompts/b"].Back.Mode = "120000" }), CodeNotRestorable, "rollback.to `v1` cannot restore `prompts/b`: a submodule or a symbolic link is not restored", "…"},
		{"a submodule that it leaves", five(func(by map[string]*Restored) { by["prompts/b"].Landed.Mode = "160000" }), CodeNotRestorable, "rollback.to `v1` cannot restore `prompts/b`: a submodule or a symbolic link is not restored", "take what cannot be restored out of this change, or name another version: none is known here that would do"},
		{"too large", five(wrong(WrongLarge, "a")), CodeNotRestorable, "rollback.to `v1` cannot restore `prompts/a`: `main` changed it too, and above 1 MiB nothing is merged", "…"},
		{"binary", five(wrong(WrongBinary, "a")), CodeNotRestorable, "rollback.to `v1` cannot restore `prompts/a`: `main` changed it too, and it is not text that can be merged", "…"},
		{"unread", five(wrong(WrongUnread, "a")), CodeNotRestorable, "`prompts/a` could not be read at `9f3c2ab`", "…"},
		{"wrong in a way nobody knows", five(wrong("new", "a")), CodeNotRestorable, "`prompts/a` could not be read at `9f3c2ab`", "…"},
		{"conflicts", five(wrong(WrongConflict, "a", "b")), CodeConflict, "`main` has changed the same lines of `prompts/a` and `prompts/b`, so taking this change out of it conflicts", merge},
		{"a conflict tells more than the same", five(func(by map[string]*Restored) { equal("a")(by); wrong(WrongConflict, "b")(by) }), CodeConflict, "`main` has changed the same lines of `prompts/b`, so taking this change out of it conflicts", merge},
		{"a conflict that is shown", five(func(by map[string]*Restored) {
			wrong(WrongConflict, "a")(by)
			by["prompts/a"].Conflict = &Conflict{Line: 12, Wrote: "up to 500 EUR\n", Now: "up to 300 EUR\nwith a ticket\n", Before: "up to 200 EUR\n"}
		}), CodeConflict, "`main` has changed the same lines of `prompts/a`, so taking this change out of it conflicts",
			merge + "\n```text\nin prompts/a, line 12\nthis change wrote:\n  | up to 500 EUR\nthere is now, on main:\n  | up to 300 EUR\n  | with a ticket\n```"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := parse(t, prompts)
			v := p.Decide(tt.c, noon)
			f := ruled(v, RuleRollbackPlan)
			if f.Code != tt.code || f.Says != tt.says || (f.State == Met) != (tt.code == "") || v.State.Blocks() != (tt.code != "") {
				t.Errorf("%s %s %q, want %s %q", f.State, f.Code, f.Says, tt.code, tt.says)
			}
			if !strings.HasPrefix(tt.fix, "…") && f.Fix != tt.fix || (f.Fix == "") != (tt.fix == "") {
				t.Errorf("fix %q, want %q", f.Fix, tt.fix)
			}
			if code, says := tt.c.Target.Flaw("main", p.GovernedPaths(tt.c.Files)); code != tt.code || code != "" && says != tt.says {
				t.Errorf("the flaw is %s %q", code, says)
			}
		})
	}
	if code, says := (*Target)(nil).Flaw("main", nil); code != CodeUnverified || says == "" {
		t.Errorf("of nothing: %s %q", code, says)
	}
}

// Each group is told of its own files.
func TestProofOfSeveralGroups(t *testing.T) {
	t.Parallel()
	p := parse(t, prompts+"  - {name: tools, kind: tool-access, paths: ['tools/**']}\n  - {name: all, kind: other, paths: ['**']}\n")
	c := change(touching(File{Path: "prompts/a", Old: "1", New: "2"}, File{Path: "tools/a", Old: "1", New: "2"}))
	c.Target.Files[1].Back = c.Target.Files[1].Landed
	got := map[string]string{}
	for _, f := range p.Decide(c, noon).Findings {
		if f.Rule == RuleRollbackPlan {
			got[f.Group] = f.Code + " " + f.Path
		}
	}
	same(t, got, map[string]string{"prompts": " ", "tools": CodeSameTarget + " tools/a", "all": CodeSameTarget + " tools/a"})
}

// A policy that comes back must load: a rollback to one that does not would let nothing
// pass any more. One that was not read may be such a one.
func TestProofReadsWhatIsParsed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		back Restored
		code string
		says string
	}{
		{"loads", Restored{Back: entry644("1"), Text: []byte(prompts)}, "", "`v1` (`9f3c2ab`) on `main`, verified: restores 1 file"},
		{"there was none", Restored{}, "", "`v1` (`9f3c2ab`) on `main`, verified: deletes 1 file"},
		{"does not load", Restored{Back: entry644("1"), Text: []byte("version: 1\nmodus: x\n")}, CodeNotRestorable, "`.github/changegate.yml` does not load as it is at `9f3c2ab`: line 1: governed lists no group, so nothing could ever be approved"},
		{"empty", Restored{Back: entry644("1"), Text: []byte{}}, CodeNotRestorable, "…"},
		{"not read", Restored{Back: entry644("1")}, CodeNotRestorable, "`.github/changegate.yml` could not be read at `9f3c2ab`"},
	} {
		c := change(touching(File{Path: PolicyPath, Status: "modified", Old: "1", New: "2"}), newPolicy(prompts))
		tt.back.Path, tt.back.Landed = PolicyPath, entry644("2")
		c.Target.Files = []Restored{tt.back}
		f := ruled(parse(t, prompts).Decide(c, noon), RuleRollbackPlan)
		if f.Code != tt.code || !matches(f.Says, tt.says) {
			t.Errorf("%s: %s %q", tt.name, f.Code, f.Says)
		}
	}
}

// Whatever is in a conflict, what shows it is one block whose lines are all behind the
// bar, and nothing of it is longer than people read.
func TestConflictBlock(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{"```", "~~~", "\n", "\r", "\u2028", "\u202e", "\x00", "\x1b[2J", " ", "@acme/all", "</details>", "x", strings.Repeat("long", 100), "\xff", "|", "\t```\n"})
		text := rapid.Map(rapid.SliceOfN(piece, 0, 30), func(s []string) string { return strings.Join(s, "") })
		r := &Restored{Path: text.Draw(t, "path"), Conflict: &Conflict{Line: rapid.IntRange(0, 9).Draw(t, "line"), Wrote: text.Draw(t, "wrote"), Now: text.Draw(t, "now")}}
		lines := strings.Split(conflictBlock(r, text.Draw(t, "branch")), "\n")
		if lines[0] != "" || lines[1] != "```text" || lines[len(lines)-1] != "```" || len(lines) > 2*mostLines+7 {
			t.Fatalf("%d lines: %q", len(lines), lines)
		}
		for i, line := range lines[2 : len(lines)-1] {
			if strings.HasPrefix(strings.TrimSpace(line), "```") || len([]rune(line)) > mostWidth+4 || strings.ContainsAny(line, "\r\x00\x1b\u2028\u202e") {
				t.Fatalf("line %d: %q", i, line)
			}
		}
	})
}

// What is verified is known of every governed path, restorable, and not what the change
// leaves; and what is not verified does not pass where a plan is required.
func TestVerifiedIsWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, c, v := decide(t)
		at := map[string]Restored{}
		for _, r := range c.Target.Files {
			at[r.Path] = r
		}
		for i := range p.judged {
			g := &p.judged[i]
			k := slices.IndexFunc(v.Findings, func(f Finding) bool { return f.Group == g.Name && f.Rule == RuleRollbackPlan && f.State == Met })
			if k < 0 || !strings.Contains(v.Findings[k].Says, "verified: ") && !strings.HasPrefix(v.Findings[k].Says, "revert") {
				if k >= 0 && g.Rollback {
					t.Fatalf("%s requires a plan: %s", g.Name, v.Findings[k].Says)
				}
				continue
			}
			if c.Target.Unknown != "" || c.Target.Ambiguous || c.Target.Commit == "" || !c.Target.InBase || c.Target.To != RollbackTarget(c.Requests) {
				t.Fatalf("%s: %+v", v.Findings[k].Says, c.Target)
			}
			for path := range list(c.Files).governedBy(g) {
				r, known := at[path]
				if !known || r.Wrong != "" || r.Back == r.Landed || slices.Contains([]string{"120000", "160000"}, r.Back.Mode) {
					t.Fatalf("%s: %+v", v.Findings[k].Says, r)
				}
			}
		}
	})
}

// Every suggestion, pasted, is read as what it says.
func TestSuggestionsArePasted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, _, v := decide(t)
		for _, f := range v.Findings {
			_, rest, has := strings.Cut(f.Fix, "write `rollback.to: ")
			if f.Rule != RuleRollbackPlan || !has {
				continue
			}
			to, _, _ := strings.Cut(rest, "`")
			if got := RollbackTarget([]RequestText{{Line: 1, Text: fmt.Sprintf("change:\n  rollback:\n    to: %s\n", to)}}); got != to || LookFor(to).ID == "" && to != FormRevert {
				t.Fatalf("%q is read as %q", to, got)
			}
		}
	})
}
