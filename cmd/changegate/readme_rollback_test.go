package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/checks"
	"changegate/rules"
)

// shownRepo is the repository that the README's targets are of: a prompt and an agent at
// version 3.4.0 when v1 was tagged, both edited since, and a branch for either that edits
// it once more. It returns the id of v1.
func shownRepo(t *testing.T) (dir, v1 string) {
	t.Helper()
	dir = t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{InitOptions: git.InitOptions{DefaultBranch: "refs/heads/main"}})
	must(err)
	w, err := r.Worktree()
	must(err)
	commit := func(files map[string]string) plumbing.Hash {
		for path, text := range files {
			must(os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755))
			must(os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644))
		}
		must(w.AddWithOptions(&git.AddOptions{All: true}))
		h, err := w.Commit("a commit", &git.CommitOptions{Author: &object.Signature{Name: "Dev", Email: "dev@example.com", When: shownNow}})
		must(err)
		return h
	}
	first := commit(map[string]string{
		checks.PolicyPath:   "version: 1\ngoverned:\n  - {name: prompts, kind: prompt, paths: [\"prompts/**\"]}\n  - {name: agents, kind: agent-version, paths: [\"agents/**\"]}\n",
		"prompts/refund.md": "Pay every refund.\n", "agents/support.yml": "version: 3.4.0\n",
	})
	_, err = r.CreateTag("v1", first, nil)
	must(err)
	main := commit(map[string]string{"prompts/refund.md": "Pay refunds up to 200 EUR.\n", "agents/support.yml": "version: 3.5.0\n"})
	for branch, files := range map[string]map[string]string{
		"prompts": {"prompts/refund.md": "Pay refunds up to 500 EUR.\n"},
		"agents":  {"agents/support.yml": "version: 3.6.0\nreplaces: 3.5.0\n"},
	} {
		must(w.Checkout(&git.CheckoutOptions{Hash: main, Branch: plumbing.NewBranchReferenceName(branch), Create: true, Force: true}))
		commit(files)
	}
	return dir, first.String()
}

// TestREADMETargetsAreVerified declares every target that the README shows, on a change
// of what it is about.
func TestREADMETargetsAreVerified(t *testing.T) {
	t.Parallel()
	dir, v1 := shownRepo(t)
	for _, row := range rows(t, "rollback targets") {
		to, head := strings.Replace(unquoted(row[0]), "9f3c2ab", v1[:7], 1), "prompts"
		if rules.IsVersion(to) {
			head = "agents"
		}
		g, err := checks.Local(t.Context(), checks.LocalOptions{Repo: dir, Base: "main", Head: head,
			Body: "```yaml\nchange:\n  why: x\n  rollback: {to: " + to + "}\n```\n"})
		if err != nil {
			t.Fatal(err)
		}
		v := rules.Evaluate(g.Policy.Data, &g.Change, shownNow)
		f := planOf(v)
		if f.State != rules.Met || !strings.Contains(f.Says, "verified") {
			t.Errorf("%s: %s, %s", to, f.Code, f.Says)
		}
	}
}

func planOf(v rules.Verdict) rules.Finding {
	for _, f := range v.Findings {
		if f.Rule == rules.RuleRollbackPlan {
			return f
		}
	}
	return rules.Finding{}
}

// flaws are what the README says may be wrong with a plan, each made real on a change
// whose plan is verified.
var flaws = map[string]func(*rules.Change){
	"no plan is declared, or one without `rollback.to`": func(c *rules.Change) { replan(c, "{how: call bob}", nil) },
	"nothing has that name, or only a branch; or the commit lacks the path of `path@commit`": func(c *rules.Change) {
		replan(c, "{to: prompts/refund.md@v1}", &rules.Target{To: "prompts/refund.md@v1", Form: rules.FormPath, Commit: c.MergeBase, InBase: true,
			Files: []rules.Restored{{Path: "prompts/refund.md", Landed: shownEntry("b1"), Wrong: rules.WrongElsewhere}}})
	},
	"the commit is not in the base branch's history":    func(c *rules.Change) { c.Target.InBase = false },
	"the tag was moved while the pull request was open": func(c *rules.Change) { c.Target.Was = c.Base.Commit },
	"a short id of two commits (where GitHub says no more than that there is none, CG205), or a tag named like another commit's id": func(c *rules.Change) { c.Target = &rules.Target{To: c.Target.To, Ambiguous: true} },
	"a governed file is there what this change leaves": func(c *rules.Change) { c.Target.Files[0].Back = c.Target.Files[0].Landed },
	"the base branch has changed the same lines since": wrong(rules.WrongConflict),
	"a link or submodule; a binary, more than 1 MiB, or a `merge` attribute in `.gitattributes`, where both changed it; a policy that does not load there": wrong(rules.WrongKind),
	"`how` is template text, such as \"Revert the merge commit.\"":                                                                                         func(c *rules.Change) { replan(c, "{to: 9f3c2ab, how: Revert the merge commit.}", c.Target) },
	"`path@commit` leaves out a governed file of the change": func(c *rules.Change) {
		replan(c, "{to: prompts/other.md@v1}", &rules.Target{To: "prompts/other.md@v1", Form: rules.FormPath, Commit: c.MergeBase, InBase: true})
	},
	"something could not be read, such as what a shallow clone lacks": func(c *rules.Change) { c.Target = &rules.Target{To: c.Target.To, Unknown: "the clone is shallow"} },
}

func shownEntry(blob string) rules.Entry { return rules.Entry{Blob: blob, Mode: "100644"} }

func wrong(why string) func(*rules.Change) {
	return func(c *rules.Change) { c.Target.Files[0].Wrong = why }
}

// replan declares another plan, approved as it is.
func replan(c *rules.Change, plan string, t *rules.Target) {
	c.Requests[0].Text, c.Target = "change:\n  why: x\n  rollback: "+plan+"\n", t
	q, _ := rules.ReadRequest(c.Requests, time.UTC)
	c.Reviews[0].Request = q.Digest()
}

// TestREADMEFlawsAreFound decides on each plan and compares title and code.
func TestREADMEFlawsAreFound(t *testing.T) {
	t.Parallel()
	p := loaded(t, "support-agents.yml")
	seen := 0
	for _, row := range rows(t, "rollback findings") {
		edit, ok := flaws[row[0]]
		if !ok {
			t.Errorf("no flaw %q", row[0])
			continue
		}
		seen++
		v := p.Decide(shownChange("", edit), shownNow)
		if f := planOf(v); f.Code != row[2] || v.Title != unquoted(row[1]) {
			t.Errorf("%s: %s %q, README says %s %s", row[0], f.Code, v.Title, row[2], row[1])
		}
	}
	if seen != len(flaws) {
		t.Errorf("README lists %d of %d", seen, len(flaws))
	}
}
