package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets this test binary be the program: by its name in the stories, and
// by a variable for the server that is killed.
func TestMain(m *testing.M) {
	if os.Getenv(beTheProgram) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"changegate": main})
}

var update = flag.Bool("update", false, "rewrite the outputs that the stories expect")

// TestCommandLine runs the stories of the command line. Those of the server are
// run by package bot.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	stories, err := filepath.Glob("../../testdata/scenarios/cli_*.txt")
	if err != nil || len(stories) == 0 {
		t.Fatalf("stories: %d, %v", len(stories), err)
	}
	testscript.Run(t, testscript.Params{
		Files:               stories,
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			e.Values[clockKey{}] = &clock{time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"repo": cmdRepo, "declare": cmdDeclare, "exits": cmdExits, "gate": cmdGate, "rolls": cmdRolls, "narrow": cmdNarrow,
		},
	})
}

// clock dates the commits of a story: one hour apart, so that ids are the same
// on every run.
type clock struct{ now time.Time }

type clockKey struct{}

// cmdExits runs a command that must end with an exact code: exits 3 changegate check.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d", args[1], got, want)
	}
}

// cmdDeclare writes a description, declared.md, with a rollback.to. Its escapes are YAML's.
func cmdDeclare(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: declare TARGET")
	}
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("WORK"), "declared.md"), []byte("```yaml\nchange:\n  why: a reason\n  rollback:\n    to: \""+args[0]+"\"\n```\n"), 0o644))
}

// cmdRepo does to the repository in the current folder what its words say.
func cmdRepo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: repo init | commit MESSAGE | branch NAME | switch NAME | merge NAME MESSAGE | tag NAME | remote NAME | " +
			"write FILE TEXT | submodule NAME MESSAGE | shallow COMMIT")
	}
	dir := ts.MkAbs(".")
	if args[0] == "init" {
		_, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{InitOptions: git.InitOptions{DefaultBranch: "refs/heads/main"}})
		ts.Check(err)
		return
	}
	r, err := git.PlainOpen(dir)
	ts.Check(err)
	w, err := r.Worktree()
	ts.Check(err)
	s := story{ts, r, w}
	verbs := map[string]func(args []string){
		"commit": s.commit, "branch": s.branch, "switch": s.change, "merge": s.merge, "tag": s.tag, "remote": s.remote,
		"write": s.write, "submodule": s.submodule, "shallow": s.shallow,
	}
	verb, ok := verbs[args[0]]
	if !ok || len(args) < 2 {
		ts.Fatalf("repo %v: no such words", args)
	}
	verb(args[1:])
}

type story struct {
	ts *testscript.TestScript
	*git.Repository
	work *git.Worktree
}

func (s story) signed(parents ...plumbing.Hash) *git.CommitOptions {
	c := s.ts.Value(clockKey{}).(*clock)
	c.now = c.now.Add(time.Hour)
	return &git.CommitOptions{
		Author: &object.Signature{Name: "Dev", Email: "dev@example.com", When: c.now}, Parents: parents, AllowEmptyCommits: true,
	}
}

// commit takes the whole work tree.
func (s story) commit(args []string) {
	s.ts.Check(s.work.AddWithOptions(&git.AddOptions{All: true}))
	_, err := s.work.Commit(args[0], s.signed())
	s.ts.Check(err)
}

func (s story) branch(args []string) {
	s.ts.Check(s.work.Checkout(&git.CheckoutOptions{Branch: plumbing.NewBranchReferenceName(args[0]), Create: true}))
}

func (s story) change(args []string) {
	s.ts.Check(s.work.Checkout(&git.CheckoutOptions{Branch: plumbing.NewBranchReferenceName(args[0]), Force: true}))
}

// merge brings a branch that begins at the current commit in, with a merge commit.
func (s story) merge(args []string) {
	ours, err := s.Head()
	s.ts.Check(err)
	theirs, err := s.ResolveRevision(plumbing.Revision(args[0]))
	s.ts.Check(err)
	s.ts.Check(s.work.Reset(&git.ResetOptions{Commit: *theirs, Mode: git.HardReset}))
	_, err = s.work.Commit(args[1], s.signed(ours.Hash(), *theirs))
	s.ts.Check(err)
}

// tag makes an annotated tag of the current commit.
func (s story) tag(args []string) {
	head, err := s.Head()
	s.ts.Check(err)
	_, err = s.CreateTag(args[0], head.Hash(), &git.CreateTagOptions{Message: args[0], Tagger: s.signed().Author})
	s.ts.Check(err)
}

// remote leaves a branch only as the remote's, as after a clone.
func (s story) remote(args []string) {
	r, err := s.Reference(plumbing.NewBranchReferenceName(args[0]), true)
	s.ts.Check(err)
	s.ts.Check(s.Storer.SetReference(plumbing.NewHashReference(plumbing.NewRemoteReferenceName("origin", args[0]), r.Hash())))
	s.ts.Check(s.Storer.RemoveReference(r.Name()))
}

// write makes a file of what a story cannot hold: the text is Go's, without its quotes.
func (s story) write(args []string) {
	text, err := strconv.Unquote(`"` + args[1] + `"`)
	s.ts.Check(err)
	s.ts.Check(os.WriteFile(s.ts.MkAbs(args[0]), []byte(text), 0o644))
}

// submodule commits a submodule at the root, in place of what has that name.
func (s story) submodule(args []string) {
	head, err := s.Head()
	s.ts.Check(err)
	tip, err := s.CommitObject(head.Hash())
	s.ts.Check(err)
	tree, err := tip.Tree()
	s.ts.Check(err)
	tree.Entries = slices.DeleteFunc(tree.Entries, func(e object.TreeEntry) bool { return e.Name == args[0] })
	tree.Entries = append(tree.Entries, object.TreeEntry{Name: args[0], Mode: filemode.Submodule, Hash: head.Hash()})
	sort.Sort(object.TreeEntrySorter(tree.Entries))
	by := *s.signed().Author
	made := &object.Commit{Author: by, Committer: by, Message: args[1], TreeHash: s.keep(tree.Encode), ParentHashes: []plumbing.Hash{head.Hash()}}
	s.ts.Check(s.Storer.SetReference(plumbing.NewHashReference(plumbing.NewBranchReferenceName(head.Name().Short()), s.keep(made.Encode))))
}

func (s story) keep(encode func(plumbing.EncodedObject) error) plumbing.Hash {
	o := s.Storer.NewEncodedObject()
	s.ts.Check(encode(o))
	h, err := s.Storer.SetEncodedObject(o)
	s.ts.Check(err)
	return h
}

// shallow forgets all commits before one, as git fetch --depth leaves a clone.
func (s story) shallow(args []string) {
	cut, err := s.ResolveRevision(plumbing.Revision(args[0]))
	s.ts.Check(err)
	s.ts.Check(s.Storer.SetShallow([]plumbing.Hash{*cut}))
	before, err := s.Log(&git.LogOptions{From: *cut})
	s.ts.Check(err)
	s.ts.Check(before.ForEach(func(c *object.Commit) error {
		if c.Hash == *cut {
			return nil
		}
		id := c.Hash.String()
		return os.Remove(s.ts.MkAbs(filepath.Join(".git", "objects", id[:2], id[2:])))
	}))
}
