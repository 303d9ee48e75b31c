package checks

import (
	"strings"

	"changegate/rules"
)

const (
	plansPolicy = "version: 1\nmode: enforce\ngoverned:\n" +
		"  - {name: prompts, kind: prompt, paths: ['prompts/**'], approvals: [{count: 2, from: ['@acme/ai-safety']}]}\n" +
		"  - {name: agents, kind: agent-version, paths: ['agents/**']}\n"
	agentPath = "agents/support/agent.yaml"
)

var (
	forked   = "9f3c2ab" + strings.Repeat("0", 33)
	gated    = "4d5e6f7" + strings.Repeat("0", 33)
	agentWas = "version: 3.4.0\nreplaces: 3.3.0\n"
)

func letter(s string) rules.Entry { return rules.Entry{Blob: strings.Repeat(s, 40), Mode: "100644"} }

// aimedAt is the pull request of view, judged by a real policy, with a way back and what it
// comes to.
func aimedAt(to string, edits ...func(*rules.Change)) View {
	v := view("", "")
	v.Patches = nil
	c := v.Change
	c.Edition, c.State, c.DefaultBranch = rules.Edition, "open", "main"
	c.Base.Commit, c.MergeBase = forked, forked
	c.Commits = []rules.Commit{{ID: head, Author: c.Author, Committer: c.Author}}
	c.Files[0].OldMode, c.Files[0].NewMode = "100644", "100644"
	c.Requests = []rules.RequestText{{Line: 1, Text: "change:\n  why: Refunds above 500 EUR go to a human\n  rollback:\n    to: " + to + "\n"}}
	c.RequestSince = at
	c.Target = &rules.Target{To: to, Form: rules.FormCommit, Commit: forked, InBase: true, Files: []rules.Restored{restored("prompts/refund.md")}}
	for _, edit := range edits {
		edit(c)
	}
	return judgedBy(v, plansPolicy, at)
}

func restored(path string) rules.Restored {
	return rules.Restored{Path: path, Landed: letter("b"), Back: letter("a")}
}

func target(edit func(*rules.Target)) func(*rules.Change) {
	return func(c *rules.Change) { edit(c.Target) }
}

func nothing(t *rules.Target) { t.Form, t.Commit, t.InBase, t.Files = "", "", false, nil }

// planSituations are a way back that is verified, and all that may be wrong with one.
func planSituations() map[string]View {
	two := func(c *rules.Change) {
		c.Files = append(c.Files, rules.File{Path: "prompts/tone.md", Status: "added", New: strings.Repeat("c", 40)})
	}
	lines := &rules.Conflict{Line: 12, Wrote: "Never refund more than 500 EUR without asking.\nSay sorry first.\n", Now: "Never refund more than 300 EUR.\n", Before: "Never refund more than 200 EUR.\n"}
	exact := func(c *rules.Change) {
		c.Undoes = []rules.Undo{{Number: 471, InEffect: true, Plan: rules.Plan{Change: 12, To: "9f3c2ab", Form: rules.FormCommit, Commit: forked, Approved: true,
			Files: []rules.Restored{{Path: "prompts/refund.md", Landed: letter("a"), Back: letter("b")}}},
			Head: map[string]rules.Entry{"prompts/refund.md": letter("b")}, Base: map[string]rules.Entry{"prompts/refund.md": letter("a")}}}
	}
	return map[string]View{
		"rollback-verified": aimedAt("9f3c2ab", two, target(func(t *rules.Target) {
			t.Files = append(t.Files, rules.Restored{Path: "prompts/tone.md", Landed: letter("c")})
		})),
		"rollback-verified-tag":    aimedAt("prompts@v1", target(func(t *rules.Target) { t.Form = rules.FormPath })),
		"rollback-verified-revert": aimedAt("revert", target(func(t *rules.Target) { t.Form = rules.FormRevert })),
		"rollback-unknown":         aimedAt("v9.9.9", target(nothing)),
		"rollback-unknown-file": aimedAt("v9.9.9", target(nothing), func(c *rules.Change) {
			c.Requests[0].Path = ".changes/refund.yml"
			c.Files = append(c.Files, rules.File{Path: ".changes/refund.yml", Status: "added", New: strings.Repeat("d", 40)})
		}),
		"rollback-suggested": aimedAt("v9.9.9", target(nothing), func(c *rules.Change) {
			c.Suggested = &rules.Target{To: gated, Form: rules.FormCommit, Commit: gated, InBase: true, Files: []rules.Restored{restored("prompts/refund.md")}}
		}),
		"rollback-outside":    aimedAt("v2-hotfix", target(func(t *rules.Target) { t.Form, t.Commit, t.InBase, t.Files = rules.FormTag, gated, false, nil })),
		"rollback-tag-was":    aimedAt("prompts@v1", target(func(t *rules.Target) { t.Form, t.Was = rules.FormPath, gated })),
		"rollback-unapproved": aimedAt("9f3c2ab", exact, func(c *rules.Change) { c.Undoes[0].Approved = false }),
		"rollback-ambiguous":  aimedAt("9f3c2ab", target(func(t *rules.Target) { nothing(t); t.Ambiguous = true })),
		"rollback-same":       aimedAt("v3", target(func(t *rules.Target) { t.Form, t.Commit, t.Files[0].Back = rules.FormTag, gated, letter("b") })),
		"rollback-conflict": aimedAt("revert", target(func(t *rules.Target) {
			t.Form, t.Files[0].Wrong, t.Files[0].Conflict = rules.FormRevert, rules.WrongConflict, lines
		})),
		"rollback-link":     aimedAt("v3", target(func(t *rules.Target) { t.Form, t.Commit, t.Files[0].Wrong = rules.FormTag, gated, rules.WrongKind })),
		"rollback-large":    aimedAt("revert", target(func(t *rules.Target) { t.Form, t.Files[0].Wrong = rules.FormRevert, rules.WrongLarge })),
		"rollback-template": aimedAt("n/a", target(nothing)),
		"rollback-how":      aimedAt("9f3c2ab\n    how: Revert the merge commit."),
		"rollback-part":     aimedAt("prompts/refund.md@9f3c2ab", two, target(func(t *rules.Target) { t.Form = rules.FormPath })),
		"rollback-unverified": aimedAt("v1", target(func(t *rules.Target) {
			nothing(t)
			t.Unknown = "GitHub did not give whole what the folder of prompts/refund.md holds at 9f3c2ab"
		})),
		"rollback-exact":      aimedAt("9f3c2ab", exact),
		"rollback-superseded": aimedAt("9f3c2ab", exact, func(c *rules.Change) { c.Undoes[0].InEffect = false }),
		"rollback-nearly":     aimedAt("9f3c2ab", exact, func(c *rules.Change) { c.Undoes[0].Head["prompts/refund.md"] = letter("c") }),
	}
}

// promoted is a pull request that changes an agent's manifest.
func promoted(now string, edits ...func(*rules.Change)) View {
	return aimedAt("3.4.0", append([]func(*rules.Change){func(c *rules.Change) {
		c.Files[0].Path = agentPath
		c.Target.Form, c.Target.Files = rules.FormVersion, []rules.Restored{restored(agentPath)}
		c.Target.Files[0].Text = []byte(agentWas)
		c.Manifests = []rules.Manifest{{Path: agentPath, Base: []byte(agentWas), Head: []byte(now), Released: []rules.Release{
			{Version: "3.4.0", Commit: forked, Since: forked, Blob: strings.Repeat("a", 40)},
			{Version: "3.3.0", Commit: gated, Since: gated, Blob: strings.Repeat("d", 40)},
		}}}
	}}, edits...)...)
}

// versionSituations are a version that rises, and all that may be wrong with one.
func versionSituations() map[string]View {
	prompt := rules.File{Path: "agents/support/prompt.md", Status: "modified", Old: strings.Repeat("e", 40), New: strings.Repeat("f", 40)}
	also := func(c *rules.Change) {
		c.Files = append(c.Files, prompt)
		c.Target.Files = append(c.Target.Files, rules.Restored{Path: prompt.Path, Landed: letter("f"), Back: letter("e")})
	}
	return map[string]View{
		"version-rises":      promoted("version: 3.5.0\nreplaces: 3.4.0\n", also),
		"version-unreadable": promoted("version: 3.5.0\nversion: 3.6.0\n"),
		"version-form":       promoted("version: v3.5\nreplaces: 3.4.0\n"),
		"version-stays":      promoted(agentWas, also, func(c *rules.Change) { c.Files, c.Target.Files = c.Files[1:], c.Target.Files[1:] }),
		"version-used":       promoted("version: 3.3.0\nreplaces: 3.4.0\n"),
		"version-lowered":    promoted("version: 3.3.5\nreplaces: 3.4.0\n"),
		"version-replaces":   promoted("version: 3.5.0\nreplaces: 3.3.0\n"),
		"version-removed":    promoted("model: large\n"),
		"version-way-back": promoted("version: 3.5.0\nreplaces: 3.4.0\n", func(c *rules.Change) {
			c.Requests[0].Text = strings.Replace(c.Requests[0].Text, "3.4.0", "v1", 1)
			c.Target.To, c.Target.Form, c.Target.Files[0].Text = "v1", rules.FormTag, []byte("version: 2.0.0\n")
		}),
	}
}

// mergedSituations are comments on the way back of a change that was merged.
func mergedSituations() map[string]string {
	plan := &rules.Plan{Change: 12, To: "v1", Form: rules.FormTag, Commit: forked, Files: []rules.Restored{restored("prompts/refund.md")}}
	v := PlanView{Ref: rules.Ref{RepoID: 1, Number: 482}, Change: "CHG-12", Branch: "main", Explained: true, Plan: plan, Known: true, Tip: head,
		DetailsURL: "https://changegate.example/acme/support-agents/pull/482"}
	standing := func(t rules.Target) PlanView {
		out := v
		t.To, t.Form, t.Commit = plan.To, plan.Form, plan.Commit
		out.Broken, _, out.Says = t.Standing("main")
		return out
	}
	clash := restored("prompts/refund.md")
	clash.Wrong, clash.Conflict = rules.WrongConflict, &rules.Conflict{Line: 12, Wrote: "500\n", Now: "300\n", Before: "200\n"}
	moved := standing(rules.Target{InBase: true, Moved: true, Files: plan.Files})
	broken := standing(rules.Target{InBase: true, Files: []rules.Restored{clash}})
	return map[string]string{
		"sticky-merged": StickyMerged(v), "sticky-merged-moved": StickyMerged(moved), "sticky-merged-broken": StickyMerged(broken),
		"plan-works": PlanChanged(v), "plan-moved": PlanChanged(moved), "plan-broken": PlanChanged(broken),
	}
}
