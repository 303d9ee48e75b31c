package checks

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/rules"
)

// A gitDir is a clone with an origin, for commands that real git runs.
type gitDir struct {
	t   *testing.T
	dir string
}

func newGitDir(t *testing.T) *gitDir {
	t.Helper()
	g := &gitDir{t, t.TempDir()}
	origin := filepath.Join(t.TempDir(), "origin.git")
	g.sh("git init -q --bare -b main " + origin + " && git init -q -b main . && git remote add origin " + origin)
	return g
}

// sh runs a script as whoever is on call does, and returns what it prints.
func (g *gitDir) sh(script string) string {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "HOME="+g.dir,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		g.t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return strings.TrimSpace(string(out))
}

// commit replaces all files; a name that begins with + is executable. It is pushed to
// main.
func (g *gitDir) commit(files map[string]string) string {
	g.t.Helper()
	g.sh("git rm -rqf --ignore-unmatch .")
	for name, content := range files {
		path, mode := name, os.FileMode(0o644)
		if p, ok := strings.CutPrefix(name, "+"); ok {
			path, mode = p, 0o755
		}
		path = filepath.Join(g.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			g.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			g.t.Fatal(err)
		}
	}
	g.sh("git add -A && git commit -qm x && git push -q origin HEAD:main")
	return g.sh("git rev-parse HEAD")
}

// tree is every file of a commit.
func (g *gitDir) tree(rev string) map[string]rules.Entry {
	g.t.Helper()
	all := map[string]rules.Entry{}
	for line := range strings.SplitSeq(g.sh("git ls-tree -rz "+rev+" | tr '\\0' '\\1'"), "\x01") {
		if head, path, ok := strings.Cut(line, "\t"); ok {
			f := strings.Fields(head)
			all[path] = rules.Entry{Mode: f[0], Blob: f[2]}
		}
	}
	return all
}

// restoring is the rollback of the change from parent to merge on what main is now.
func (g *gitDir) restoring(form, target, parent, merge string, paths []string, back map[string]rules.Entry) *Restoring {
	landed, now := g.tree(merge), g.tree("origin/main")
	x := &Restoring{Tip: g.sh("git rev-parse origin/main"), Target: &rules.Target{Form: form, InBase: true}, Parent: g.tree(parent), refs: make([]branch, mostBranches)}
	x.Undoing = rules.Undoing{Change: 12, Title: `it's $(touch pwned) "x"`}
	x.Plan, x.Branch = rules.Plan{Change: 12, Form: form, Commit: target, Merge: merge, Parent: parent}, "main"
	was := g.tree(parent)
	for _, p := range paths {
		to := was
		if form != rules.FormRevert {
			to = g.tree(target)
		}
		x.Plan.Files = append(x.Plan.Files, rules.Restored{Path: p, Landed: landed[p], Back: to[p]})
		x.Target.Files = append(x.Target.Files, rules.Restored{Path: p, Landed: now[p], Back: back[p]})
	}
	return x
}

// TestCommandsRestoreThePlan: what is printed, run by git, leaves exactly the files of
// the plan as it says, whatever their names are, and every other file alone.
func TestCommandsRestoreThePlan(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"prompts/a b.md", "prompts/it's.md", "prompts/$(touch pwned).md", "prompts/`touch pwned`.md", "prompts/*.md", ":(top)x", "prompts/line\nbreak.md",
		"prompts/tab\there.md", "prompts/é\u202e.md", "prompts/bad\xff.md", "prompts/[x].md", `prompts/back\slash.md`, "-rf", "prompts/!x", "prompts/```", "prompts/plain.md",
	}
	old, kept := map[string]string{"README.md": "1\n", "prompts/other.md": "1\n"}, map[string]string{}
	for i, name := range hostile {
		if i%3 != 0 {
			old[name] = "old " + name
		}
	}
	maps.Copy(kept, old)
	change := map[string]string{"README.md": "2\n", "prompts/other.md": "2\n"}
	for i, name := range hostile {
		if i%3 != 1 {
			change[name] = "new " + name
		}
	}
	change["+prompts/plain.md"] = change["prompts/plain.md"]
	delete(change, "prompts/plain.md")
	for _, form := range []string{rules.FormCommit, rules.FormRevert} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			g := newGitDir(t)
			target := g.commit(old)
			merge := g.commit(change)
			x := g.restoring(form, target, target, merge, hostile, g.tree(target))
			g.follow(x)
			want := g.tree("origin/main")
			for _, f := range x.Target.Files {
				if delete(want, f.Path); f.Back.Blob != "" {
					want[f.Path] = f.Back
				}
			}
			if diff := cmp.Diff(want, g.tree("origin/changegate/rollback-chg-12")); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, strings.Join(x.Commands(), "\n"))
			}
		})
	}
}

// follow runs the commands. None of them may run a word of a name.
func (g *gitDir) follow(x *Restoring) {
	g.t.Helper()
	g.sh("git checkout -q --detach origin/main")
	g.sh(strings.Join(x.Commands(), "\n") + "\ngit fetch -q origin")
	if _, err := os.Stat(filepath.Join(g.dir, "pwned")); err == nil {
		g.t.Error("a name was run")
	}
}

// TestCommandsStandForOneThing: a tag called like the branch, which anybody who pushes can
// make and the printed fetch brings, does not get its files into the rollback.
func TestCommandsStandForOneThing(t *testing.T) {
	t.Parallel()
	g := newGitDir(t)
	target := g.commit(map[string]string{"prompts/a.md": "old\n"})
	merge := g.commit(map[string]string{"prompts/a.md": "new\n"})
	x := g.restoring(rules.FormCommit, target, target, merge, []string{"prompts/a.md"}, g.tree(target))
	g.sh("git checkout -q --orphan evil && echo evil >deploy.sh && git add -A && git commit -qm evil && git tag origin/main && git tag changegate/rollback-chg-12 && git push -q origin --tags && git checkout -q main")
	g.pasted(x)
	want := map[string]rules.Entry{"prompts/a.md": g.tree(target)["prompts/a.md"]}
	if diff := cmp.Diff(want, g.tree("refs/remotes/origin/changegate/rollback-chg-12")); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, strings.Join(x.Commands(), "\n"))
	}
}

// TestCommandsEndWithOneThatFails: where the branch is there already, nothing is committed
// to what happens to be checked out, and nothing is pushed.
func TestCommandsEndWithOneThatFails(t *testing.T) {
	t.Parallel()
	g := newGitDir(t)
	target := g.commit(map[string]string{"prompts/a.md": "old\n"})
	merge := g.commit(map[string]string{"prompts/a.md": "new\n"})
	x := g.restoring(rules.FormCommit, target, target, merge, []string{"prompts/a.md"}, g.tree(target))
	g.sh("git branch changegate/rollback-chg-12 " + target)
	g.pasted(x)
	if at := g.sh("git rev-parse main"); at != merge {
		t.Errorf("main is at %s, want %s as before", at, merge)
	}
	if refs := g.sh("git ls-remote --heads origin"); strings.Contains(refs, "rollback") {
		t.Errorf("a branch was pushed: %s", refs)
	}
}

// TestCommandsOfWhatWasNotLookedAt: without GitHub nobody knows what the branch has by now.
// A revert keeps what others changed in the file since; where it cannot, git stops, and
// nothing is committed or pushed.
func TestCommandsOfWhatWasNotLookedAt(t *testing.T) {
	t.Parallel()
	const was, change = "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\nTWO\n3\n4\n5\n6\n7\n8\n9\n"
	for _, c := range []struct{ name, now, want string }{
		{"nothing changed since", change, was},
		{"another line", strings.Replace(change, "9", "NINE", 1), strings.Replace(was, "9", "NINE", 1)},
		{"the same line", strings.Replace(change, "TWO", "two", 1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGitDir(t)
			parent := g.commit(map[string]string{"a.md": was})
			merge := g.commit(map[string]string{"a.md": change, "new.md": "x\n"})
			plan := g.restoring(rules.FormRevert, "", parent, merge, []string{"a.md", "new.md"}, g.tree(parent)).Plan
			x := Recorded(Rollback{Undoing: rules.Undoing{Change: 12}, Plan: plan, Branch: "main"}, merge)
			g.commit(map[string]string{"a.md": c.now, "new.md": "x\n", "z": "later"})
			g.pasted(x)
			if c.want == "" {
				if refs := g.sh("git ls-remote --heads origin"); strings.Contains(refs, "rollback") {
					t.Errorf("a branch was pushed: %s", refs)
				}
				return
			}
			if got := g.sh("git show refs/remotes/origin/changegate/rollback-chg-12:a.md") + "\n"; got != c.want {
				t.Errorf("a.md is %q, want %q\n%s", got, c.want, strings.Join(x.Commands(), "\n"))
			}
			if _, there := g.tree("refs/remotes/origin/changegate/rollback-chg-12")["new.md"]; there {
				t.Error("new.md is still there")
			}
		})
	}
}

// TestCommandsOfABranchPushedOver: a clone of what main is now has none of the commits that
// the plan names, and gets them.
func TestCommandsOfABranchPushedOver(t *testing.T) {
	t.Parallel()
	for form, wrong := range map[string]string{rules.FormCommit: "", rules.FormRevert: "", "a revert that was not worked out": "x"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			g := newGitDir(t)
			parent := g.commit(map[string]string{"a.md": "1\n"})
			merge := g.commit(map[string]string{"a.md": "2\n", "new.md": "x\n"})
			if wrong != "" {
				form = rules.FormRevert
			}
			x := g.restoring(form, parent, parent, merge, []string{"a.md", "new.md"}, g.tree(parent))
			x.Target.InBase, x.Target.Unknown = false, wrong
			g.sh("git checkout -q --orphan other && git commit -qm other && git push -qf origin HEAD:main && git checkout -q --detach")
			g.sh("git reflog expire --expire=now --all && git update-ref -d refs/heads/main && git gc -q --prune=now")
			g.sh("if git cat-file -e " + merge + "; then echo the clone has it; exit 1; fi 2>&-")
			g.follow(x)
			if got := g.sh("git show origin/changegate/rollback-chg-12:a.md && git ls-tree --name-only origin/changegate/rollback-chg-12"); got != "1\na.md" {
				t.Errorf("it leaves %q\n%s", got, strings.Join(x.Commands(), "\n"))
			}
		})
	}
}

// TestCommandsWithoutACommit: a file that no commit has as the plan leaves it is written by
// hand, and nothing is committed before.
func TestCommandsWithoutACommit(t *testing.T) {
	t.Parallel()
	g := newGitDir(t)
	parent := g.commit(map[string]string{"a.md": "1\n"})
	merge := g.commit(map[string]string{"a.md": "2\n"})
	x := g.restoring(rules.FormRevert, "", parent, merge, []string{"a.md"}, g.tree(parent))
	x.Plan.Parent, x.Parent = "", nil
	g.pasted(x)
	if refs := g.sh("git ls-remote --heads origin"); strings.Contains(refs, "rollback") {
		t.Errorf("a branch was pushed: %s", refs)
	}
	if script := strings.Join(x.Commands(), "\n"); !strings.Contains(script, "#   a.md\n") {
		t.Errorf("it does not name the file:\n%s", script)
	}
}

// pasted runs the commands as a terminal does: line by line, whatever became of the last.
func (g *gitDir) pasted(x *Restoring) {
	g.t.Helper()
	g.sh("set +e\n" + strings.Join(x.Commands(), "\n") + "\ngit fetch -q origin '+refs/heads/*:refs/remotes/origin/*'")
}

// TestCommandsKeepWhatWasChangedSince: the commands of a revert leave what others wrote
// into the files meanwhile, as the reverse merge does.
func TestCommandsKeepWhatWasChangedSince(t *testing.T) {
	t.Parallel()
	const was, change = "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\nTWO\n3\n4\n5\n6\n7\n8\n9\n"
	g := newGitDir(t)
	parent := g.commit(map[string]string{"prompts/a b.md": was, "README.md": "1\n"})
	merge := g.commit(map[string]string{"prompts/a b.md": change, "prompts/new.md": "x\n", "README.md": "2\n"})
	g.commit(map[string]string{"prompts/a b.md": strings.Replace(change, "9", "NINE", 1), "prompts/new.md": "x\n", "README.md": "3\n"})
	undone := strings.Replace(was, "9", "NINE", 1)
	g.sh("printf '" + strings.ReplaceAll(undone, "\n", `\n`) + "' >undone && git hash-object -w undone")
	back := map[string]rules.Entry{"prompts/a b.md": {Mode: "100644", Blob: g.sh("git hash-object undone")}}
	x := g.restoring(rules.FormRevert, "", parent, merge, []string{"prompts/a b.md", "prompts/new.md"}, back)
	g.follow(x)
	want := map[string]rules.Entry{"prompts/a b.md": back["prompts/a b.md"], "README.md": g.tree("origin/main")["README.md"]}
	if diff := cmp.Diff(want, g.tree("origin/changegate/rollback-chg-12")); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, strings.Join(x.Commands(), "\n"))
	}
}

// TestCommandsFit: commands are read on a terminal of 80 columns at night, and stand in
// a block of Markdown that no name can end.
func TestCommandsFit(t *testing.T) {
	t.Parallel()
	x := &Restoring{Target: &rules.Target{}, refs: []branch{{there: true}, {}}}
	x.Undoing = rules.Undoing{Change: 123456, Title: strings.Repeat("word ", 40)}
	x.Plan, x.Branch = rules.Plan{Change: 123456, Form: rules.FormCommit, Commit: strings.Repeat("a", 40)}, "release/2026.11"
	for _, p := range []string{"prompts/refund.md", "```", "a\n```\nb"} {
		x.Target.Files = append(x.Target.Files, rules.Restored{Path: p, Landed: rules.Entry{Blob: "x"}, Back: rules.Entry{Blob: "y"}})
	}
	lines := strings.Split(strings.Join(x.Commands(), "\n"), "\n")
	for _, line := range lines {
		if len(line) > 80 && !strings.HasPrefix(line, "git commit") || strings.HasPrefix(strings.TrimSpace(line), "```") {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if want := "git switch --no-track -c changegate/rollback-chg-123456-2 \\"; !slices.Contains(lines, want) {
		t.Errorf("no line %q in\n%s", want, strings.Join(lines, "\n"))
	}
}
