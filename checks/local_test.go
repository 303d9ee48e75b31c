package checks

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"changegate/rules"
)

const onePolicy = "version: 1\ngoverned:\n  - {name: prompts, kind: prompt, paths: [\"prompts/**\"]}\n"

// two makes main with base and feature, one commit later, with head.
func two(t testing.TB, base, head files) (f *fixture, main, feature plumbing.Hash) {
	t.Helper()
	f = newFixture(t, false)
	main = f.commit(base)
	feature = f.commit(head, main)
	f.ref("refs/heads/main", main)
	f.ref("refs/heads/feature", feature)
	return f, main, feature
}

func TestLocalListsEveryKindOfChange(t *testing.T) {
	t.Parallel()
	sub := strings.Repeat("ab", 20)
	f, main, feature := two(t,
		files{"same": "1", "edited": "1", "gone": "x", "dir/moved": "long", "script": "s", "note": "text", "lib": "f", "flat": "1"},
		files{"same": "1", "edited": "2", "new/here": "long", "script": "mode 100755 s", "note": "mode 120000 same",
			"lib/a": "deep", "vendor": "mode 160000 " + sub, "flat": "1"})
	g := f.read("")
	blob := func(s string) string { return f.blob(s).String() }
	want := []rules.File{
		{Path: "edited", Status: "modified", Old: blob("1"), New: blob("2"), OldMode: "100644", NewMode: "100644"},
		{Path: "gone", Status: "deleted", Old: blob("x"), OldMode: "100644"},
		{Path: "lib", Status: "deleted", Old: blob("f"), OldMode: "100644"},
		{Path: "lib/a", Status: "added", New: blob("deep"), NewMode: "100644"},
		{Path: "new/here", OldPath: "dir/moved", Status: "renamed", Old: blob("long"), New: blob("long"), OldMode: "100644", NewMode: "100644"},
		{Path: "note", Status: "modified", Old: blob("text"), New: blob("same"), OldMode: "100644", NewMode: "120000"},
		{Path: "script", Status: "changed", Old: blob("s"), New: blob("s"), OldMode: "100644", NewMode: "100755"},
		{Path: "vendor", Status: "added", New: sub, NewMode: "160000"},
	}
	if d := cmp.Diff(want, g.Change.Files); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	c := g.Change
	got := []string{c.Base.Commit, c.Head.Commit, c.MergeBase, c.Base.Branch, c.Head.Branch, c.DefaultBranch}
	if d := cmp.Diff([]string{main.String(), feature.String(), main.String(), "main", "feature", "main"}, got); d != "" {
		t.Errorf("points (-want +got):\n%s", d)
	}
	if !c.Offline || len(c.Gaps) > 0 || len(c.Commits) > 0 {
		t.Errorf("offline %v, gaps %v, commits %v", c.Offline, c.Gaps, c.Commits)
	}
}

// TestDifferenceRebuildsTheNewTree holds the list to its meaning: applied to the
// old tree, it gives the new one, and names no file twice.
func TestDifferenceRebuildsTheNewTree(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	c, err := OpenClone(f.dir)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	content := rapid.MapOfN(rapid.SampledFrom([]string{"a/x", "a/y", "a/b/x", "b", "b.c", "c/x", "z"}), rapid.SampledFrom([]string{"1", "2", "mode 100755 1"}), 0, 6)
	rapid.Check(t, func(rt *rapid.T) {
		old, new := files(content.Draw(rt, "old")), files(content.Draw(rt, "new"))
		d := treeDiff{entries: c.entries}
		must(t, d.folder("", f.tree(old), f.tree(new)))
		now := maps.Clone(old)
		seen := map[string]bool{}
		for _, file := range renames(d.files) {
			if seen[file.Path] {
				rt.Fatalf("%s is listed twice", file.Path)
			}
			seen[file.Path] = true
			delete(now, file.OldPath)
			delete(now, file.Path)
			if file.Status != "deleted" {
				now[file.Path] = new[file.Path]
			}
		}
		if diff := cmp.Diff(new, now, cmpopts.EquateEmpty()); diff != "" {
			rt.Fatalf("applied (-want +got):\n%s", diff)
		}
	})
}

// TestTreeBomb: twenty trees, each naming the one below it sixteen times, spell
// out 16^20 files in a kilobyte.
func TestTreeBomb(t *testing.T) {
	t.Parallel()
	f := newFixture(t, false)
	tree := f.tree(files{"f": "x"})
	for range 20 {
		var es []object.TreeEntry
		for i := range 16 {
			es = append(es, object.TreeEntry{Name: fmt.Sprintf("%02d", i), Mode: filemode.Dir, Hash: tree})
		}
		tree = f.rawTree(es)
	}
	main := f.commit(files{"a": "1"})
	f.ref("refs/heads/main", main)
	f.ref("refs/heads/feature", f.commitTree(tree, "bomb", main))
	g := f.read("")
	if len(g.Change.Files) != maxFiles || len(g.Change.Gaps) != 1 || g.Change.Gaps[0].What != "files" {
		t.Errorf("%d files, gaps %v", len(g.Change.Files), g.Change.Gaps)
	}
}

func TestLocalPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base files
		want PolicyState
		why  string
	}{
		"absent":        {files{"a": "1"}, PolicyAbsent, ""},
		"github a file": {files{".github": "x"}, PolicyAbsent, ""},
		"read":          {files{PolicyPath: onePolicy}, PolicyRead, ""},
		"a link":        {files{PolicyPath: "mode 120000 /etc/passwd"}, PolicyUnreadable, "a symbolic link"},
		"a folder":      {files{PolicyPath + "/x": "1"}, PolicyUnreadable, "a folder"},
		"a submodule":   {files{PolicyPath: "mode 160000 " + strings.Repeat("1", 40)}, PolicyUnreadable, "a submodule"},
		"huge":          {files{PolicyPath: strings.Repeat("#", rules.MaxPolicy+1)}, PolicyUnreadable, fmt.Sprintf("at most %d", rules.MaxPolicy)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, main, _ := two(t, c.base, files{"b": "2"})
			p := f.read("").Policy
			if p.State != c.want || !strings.Contains(p.Why, c.why) || p.Commit != main.String() || p.Path != PolicyPath {
				t.Errorf("policy %+v, want state %d, why %q", p, c.want, c.why)
			}
			if c.want == PolicyRead && string(p.Data) != onePolicy {
				t.Errorf("data %q", p.Data)
			}
		})
	}
}

func TestLocalOwners(t *testing.T) {
	t.Parallel()
	const github, root, docs = ".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"
	for name, c := range map[string]struct {
		base       files
		path, data string
		gaps       int
	}{
		"none":                  {files{"a": "1", "src/CODEOWNERS": "* @x"}, "", "", 0},
		"all three":             {files{github: "* @g", root: "* @r", docs: "* @d"}, github, "* @g", 0},
		"root before docs":      {files{root: "* @r", docs: "* @d"}, root, "* @r", 0},
		"docs":                  {files{docs: "* @d"}, docs, "* @d", 0},
		"empty is there":        {files{github: "", root: "* @r"}, github, "", 0},
		"a folder is not":       {files{github + "/x": "1", root: "* @r"}, root, "* @r", 0},
		"a link is not gone to": {files{github: "mode 120000 ../CODEOWNERS", root: "* @r"}, github, "../CODEOWNERS", 0},
		"huge":                  {files{github: strings.Repeat("#", 2*rules.MaxOwners+1), root: "* @r"}, "", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, main, _ := two(t, c.base, files{"b": "2", github: "* @the-branch's-own"})
			ch := f.read("").Change
			if len(ch.Gaps) != c.gaps {
				t.Errorf("gaps %v", ch.Gaps)
			}
			var want *rules.PolicyText
			if c.path != "" {
				want = &rules.PolicyText{Commit: main.String(), Path: c.path, Blob: f.blob(c.data).String(), Data: []byte(c.data)}
			}
			if d := cmp.Diff(want, ch.Owners, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("code owners (-want +got):\n%s", d)
			}
		})
	}
}

// A file that nobody owns is said before anything is pushed.
func TestLocalOwnersAreJudged(t *testing.T) {
	t.Parallel()
	policy := strings.Replace(onePolicy, "}", ", approvals: [{from: [codeowners]}]}", 1)
	f, _, _ := two(t, files{PolicyPath: policy, "CODEOWNERS": "/prompts/a.md @alice\n"}, files{PolicyPath: policy, "prompts/a.md": "1", "prompts/b.md": "2"})
	v := rules.Evaluate([]byte(policy), &f.read("").Change, time.Unix(0, 0))
	for _, finding := range v.Findings {
		if finding.Code == rules.CodeNoOwner && finding.Path == "prompts/b.md" {
			return
		}
	}
	t.Errorf("nothing said of prompts/b.md: %+v", v.Findings)
}

func TestLocalNewPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		head    files
		data    string
		deleted bool
		gaps    int
	}{
		"edited":      {files{PolicyPath: "version: 2\n"}, "version: 2\n", false, 0},
		"deleted":     {files{"a": "1"}, "", true, 0},
		"moved away":  {files{"a": onePolicy}, "", true, 0},
		"made a link": {files{PolicyPath: "mode 120000 x"}, "", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _, feature := two(t, files{PolicyPath: onePolicy}, c.head)
			g := f.read("")
			n := g.Change.NewPolicy
			if n == nil || string(n.Data) != c.data || n.Deleted != c.deleted || n.Commit != feature.String() || len(g.Change.Gaps) != c.gaps {
				t.Errorf("new policy %+v, gaps %v", n, g.Change.Gaps)
			}
			if string(g.Policy.Data) != onePolicy {
				t.Errorf("judged by %q, want the base branch's", g.Policy.Data)
			}
		})
	}
	f, _, _ := two(t, files{PolicyPath: onePolicy}, files{PolicyPath: onePolicy, "a": "1"})
	if n := f.read("").Change.NewPolicy; n != nil {
		t.Errorf("policy untouched, yet new policy %+v", n)
	}
}

func TestLocalRequests(t *testing.T) {
	t.Parallel()
	body := "Hello\n\n```yaml\nchange:\n  why: because\n```\n"
	f, _, _ := two(t,
		files{".changes/old.yml": "change: {why: old}"},
		files{".changes/old.yml": "change: {why: edited}", ".changes/new.yml": "change: {why: new}",
			".changes/deep/x.yml": "no", ".changes/link.yaml": "mode 120000 new.yml", ".changes/README.md": "no"})
	c := f.read(body).Change
	want := []rules.RequestText{
		{Line: 4, Text: "change:\n  why: because\n"},
		{Path: ".changes/new.yml", Line: 1, Text: "change: {why: new}"},
	}
	if d := cmp.Diff(want, c.Requests); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	if len(c.Gaps) != 1 || c.Gaps[0].What != ".changes/link.yaml" {
		t.Errorf("gaps %v, want one for the symbolic link", c.Gaps)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	f := newFixture(t, false)
	first := f.commit(files{"a": "1"})
	local := f.commit(files{"a": "2"}, first)
	remote := f.commit(files{"a": "3"}, first)
	f.ref("refs/heads/topic", local)
	f.ref("refs/remotes/origin/topic", remote)
	f.ref("refs/remotes/origin/main", remote)
	f.ref("refs/tags/topic", first)
	f.ref("refs/tags/v1", first)
	must(t, f.store.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, "refs/heads/topic")))
	c, err := OpenClone(f.dir)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })

	for name, want := range map[string]struct {
		commit plumbing.Hash
		branch string
	}{
		"topic":              {local, "topic"},
		"main":               {remote, "main"},
		"origin/topic":       {remote, "topic"},
		"HEAD":               {local, "topic"},
		"HEAD~1":             {first, ""},
		"v1":                 {first, ""},
		"refs/tags/topic":    {first, ""},
		remote.String():      {remote, ""},
		remote.String()[:10]: {remote, ""},
	} {
		got, branch, err := c.resolve(name)
		if err != nil || got != want.commit || branch != want.branch {
			t.Errorf("resolve %q: %s %q %v, want %s %q", name, got, branch, err, want.commit, want.branch)
		}
	}
	for _, name := range []string{"", "-x", "--upload-pack=touch", "nowhere", "a..b", "../HEAD", "config"} {
		if got, _, err := c.resolve(name); err == nil {
			t.Errorf("resolve %q: %s, want an error", name, got)
		}
	}
}

func TestOpenCloneFindsTheRepository(t *testing.T) {
	t.Parallel()
	f, main, _ := two(t, files{"a": "1"}, files{"a": "2"})
	f.write("deep/er/x", "")
	f.write(".git/worktrees/wt/HEAD", "ref: refs/heads/feature\n")
	f.write(".git/worktrees/wt/commondir", "../..\n")
	linked := t.TempDir()
	f.write(".git/worktrees/wt/gitdir", linked+"/.git\n")
	(&fixture{t: t, dir: linked}).write(".git", "gitdir: "+filepath.Join(f.dir, ".git/worktrees/wt")+"\n")
	bare := newFixture(t, true)
	bare.ref("refs/heads/main", bare.commit(files{"a": "1"}))

	for name, dir := range map[string]string{
		"top": f.dir, "git folder": f.dir + "/.git", "below": f.dir + "/deep/er", "linked": linked, "bare": bare.dir,
	} {
		c, err := OpenClone(dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, branch, err := c.resolve("main"); err != nil || branch != "main" || name != "bare" && got != main {
			t.Errorf("%s: main is %s on %q: %v", name, got, branch, err)
		}
		if name == "linked" {
			if _, branch, err := c.resolve("HEAD"); branch != "feature" {
				t.Errorf("linked work tree: HEAD is on %q: %v", branch, err)
			}
		}
		must(t, c.Close())
	}
	if _, err := OpenClone(t.TempDir()); err == nil {
		t.Error("an empty folder opened as a repository")
	}
}

func TestNameHoldsNoSecret(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://github.com/acme/agents.git":           "acme/agents",
		"https://dev:hunter2@ghe.example/acme/agents/": "acme/agents",
		"git@github.com:acme/agents.git":               "acme/agents",
		"ssh://git@github.com:22/acme/agents":          "acme/agents",
		"https://dev:hunter2@host/agents":              "",
		"agents":                                       "",
		"":                                             "",
		`C:\repos\acme\agents.git`:                     "acme/agents",
	} {
		if got := ownerAndName(url); got != want || strings.Contains(got, "hunter2") {
			t.Errorf("ownerAndName(%q) = %q, want %q", url, got, want)
		}
	}
}

// TestShallowCloneSaysSo: what lies beyond the cut is a gap, so that it never
// passes, and the file list errs on the long side.
func TestShallowCloneSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t, false)
	missing := plumbing.NewHash(strings.Repeat("12", 20))
	main := f.commit(files{"a": "1", PolicyPath: onePolicy}, missing)
	feature := f.commit(files{"a": "2", PolicyPath: onePolicy}, missing)
	f.ref("refs/heads/main", main)
	f.ref("refs/heads/feature", feature)
	must(t, f.store.SetShallow([]plumbing.Hash{main, feature}))

	g := f.read("```yaml\nchange:\n  rollback: {to: " + missing.String() + "}\n```\n")
	var what []string
	for _, gap := range g.Change.Gaps {
		what = append(what, gap.What)
	}
	if d := cmp.Diff([]string{"history"}, what); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	if len(g.Change.Files) != 1 || g.Change.MergeBase != "" {
		t.Errorf("files %v, merge base %q", g.Change.Files, g.Change.MergeBase)
	}
	v := rules.Evaluate([]byte(onePolicy), &g.Change, time.Unix(0, 0))
	if v.Would != rules.Failure {
		t.Errorf("verdict %s, want %s", v.Would, rules.Failure)
	}
}

func TestLocalErrors(t *testing.T) {
	t.Parallel()
	f, main, _ := two(t, files{"a": "1"}, files{"a": "2"})
	f.ref("refs/heads/alone", f.commit(files{"a": "1"}))
	f.ref("refs/heads/torn", f.commitTree(plumbing.NewHash(strings.Repeat("77", 20)), "torn", main))
	for name, c := range map[string]struct {
		LocalOptions
		want string
	}{
		"no such base":  {LocalOptions{Repo: f.dir, Base: "master", Head: "feature"}, `resolve base "master"`},
		"no such head":  {LocalOptions{Repo: f.dir, Base: "main", Head: "nope"}, `resolve head "nope"`},
		"unrelated":     {LocalOptions{Repo: f.dir, Base: "main", Head: "alone"}, "share no history"},
		"missing tree":  {LocalOptions{Repo: f.dir, Base: "main", Head: "torn"}, "read tree 7777"},
		"no repository": {LocalOptions{Repo: t.TempDir(), Base: "main", Head: "HEAD"}, "open repository"},
	} {
		if _, err := Local(t.Context(), c.LocalOptions); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestLineIsThePastOfABranch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	root := f.commit(files{"a": "0"})
	pr := f.commit(files{"a": "0", "b": "1"}, root)
	direct := f.commit(files{"a": "1"}, root)
	merge := f.commitTree(f.tree(files{"a": "1", "b": "1"}), "Merge pull request #1\n\n```yaml\nchange: {why: x}\n```\n", direct, pr)
	octopus := f.commit(files{"a": "1", "b": "1", "c": "1", "d": "1"}, merge, f.commit(files{"c": "1"}, root), f.commit(files{"d": "1"}, root))
	f.ref("refs/heads/main", octopus)
	c, err := OpenClone(f.dir)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })

	line, err := c.Line("", time.Time{}, time.Time{})
	must(t, err)
	type past struct {
		Commit plumbing.Hash
		Merge  bool
		Title  string
		Files  []string
	}
	var got []past
	for _, s := range line.Steps {
		g, err := c.Past(t.Context(), s, nil)
		must(t, err)
		p := past{Commit: plumbing.NewHash(s.Commit), Merge: s.Merge, Title: g.Title}
		for _, file := range g.Change.Files {
			p.Files = append(p.Files, file.Path)
		}
		got = append(got, p)
		if s.Commit == merge.String() && len(g.Change.Requests) != 1 {
			t.Errorf("the merge's message holds a change request, found %v", g.Change.Requests)
		}
	}
	want := []past{
		{root, false, "a commit", []string{"a"}},
		{direct, false, "a commit", []string{"a"}},
		{merge, true, "Merge pull request #1", []string{"b"}},
		{octopus, true, "a commit", []string{"c", "d"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("past (-want +got):\n%s", d)
	}
	if line.Branch != "main" || line.Tip != octopus.String() || line.Cut != "" {
		t.Errorf("line %+v", line)
	}

	at := line.Steps[1].At
	detached, err := c.Line(merge.String(), time.Time{}, time.Time{})
	must(t, err)
	g, err := c.Past(t.Context(), detached.Steps[2], nil)
	must(t, err)
	if got := g.Change.Base; detached.Branch != merge.String()[:7] || got.Branch != direct.String()[:7] || got.Commit != direct.String() {
		t.Errorf("a line of no branch: %q, into %+v", detached.Branch, got)
	}

	some, err := c.Line("main", at, line.Steps[2].At)
	must(t, err)
	if len(some.Steps) != 1 || some.Steps[0].Commit != direct.String() {
		t.Errorf("since is inclusive and until is not; got %v", some.Steps)
	}
}

// TestLongMessageIsNoDescription: squashing a release branch makes messages of
// 750 KB; taken for a description, they are a change request too long to read.
func TestLongMessageIsNoDescription(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	long := strings.Repeat("* a line\n", rules.MaxRequest/8) + "\n```yaml\nchange: {why: x}\n```\n"
	f.ref("refs/heads/main", f.commitTree(f.tree(files{"a": "1"}), long))
	c, err := OpenClone(f.dir)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	line, err := c.Line("", time.Time{}, time.Time{})
	must(t, err)
	g, err := c.Past(t.Context(), line.Steps[0], nil)
	must(t, err)
	if len(g.Change.Requests) > 0 || g.Title != "* a line" {
		t.Errorf("title %q, requests %d", g.Title, len(g.Change.Requests))
	}
}

func TestLineOfAShallowClone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	edge := f.commit(files{"a": "1"}, plumbing.NewHash(strings.Repeat("12", 20)))
	tip := f.commit(files{"a": "2"}, edge)
	f.ref("refs/heads/main", tip)
	must(t, f.store.SetShallow([]plumbing.Hash{edge}))
	c, err := OpenClone(f.dir)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	line, err := c.Line("main", time.Time{}, time.Time{})
	must(t, err)
	if line.Cut != edge.String() || len(line.Steps) != 1 || line.Steps[0].Commit != tip.String() {
		t.Errorf("line %+v, want it cut at %s", line, edge)
	}
}

func TestDefaultBranch(t *testing.T) {
	t.Parallel()
	f, main, _ := two(t, files{"a": "1"}, files{"a": "2"})
	f.ref("refs/heads/release", main)
	read := func() string {
		g, err := Local(t.Context(), LocalOptions{Repo: f.dir, Base: "release", Head: "feature"})
		must(t, err)
		return g.Change.DefaultBranch
	}
	before := read()
	must(t, f.store.SetReference(plumbing.NewSymbolicReference("refs/remotes/origin/HEAD", "refs/remotes/origin/main")))
	if got := []string{before, read()}; !slices.Equal(got, []string{"release", "main"}) {
		t.Errorf("default branch %v, want the asked one until the remote's is known", got)
	}
}

// TestCloneIsNamedByItsRoot: without a remote the folder has the name, whichever folder
// in it the command is run in.
func TestCloneIsNamedByItsRoot(t *testing.T) {
	t.Parallel()
	f := newFixture(t, false)
	f.write("prompts/deep/a", "1")
	for _, dir := range []string{f.dir, filepath.Join(f.dir, "prompts", "deep")} {
		c, err := OpenClone(dir)
		must(t, err)
		if c.Name() != filepath.Base(f.dir) {
			t.Errorf("opened at %s it is named %q", dir, c.Name())
		}
		must(t, c.Close())
	}
}

// TestCloneOfAClone: the objects of a clone made with --shared or --reference lie in
// another one.
func TestCloneOfAClone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, true)
	f.ref("refs/heads/main", f.commit(files{"x": "1"}))
	for name, args := range map[string][]string{"shared": {"-s"}, "reference": {"--reference", f.dir}} {
		dir := filepath.Join(t.TempDir(), "clone")
		out, err := exec.Command("git", slices.Concat([]string{"clone", "-q"}, args, []string{f.dir, dir})...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		c, err := OpenClone(dir)
		must(t, err)
		commit, _, err := c.resolve("main")
		if err == nil {
			_, err = c.treeOf(commit)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		must(t, c.Close())
	}
}
