package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"changegate/rules"
)

var (
	shownManifest = regexp.MustCompile("(?s)<!-- manifest -->\n```yaml\n(.*?)```")
	shownVersions = regexp.MustCompile(`(?s)<!-- versions -->\n\|.*?\n\|---\|---\|\n(.*?)\n\n`)
)

// TestREADMEVersions has every row of the README's table of versions judged.
func TestREADMEVersions(t *testing.T) {
	t.Parallel()
	text := readme(t)
	if m := shownManifest.FindStringSubmatch(text); m == nil || rules.ManifestVersion([]byte(m[1])) != "3.6.0" {
		t.Errorf("the manifest in the README is of no version: %q", m)
	}
	table := shownVersions.FindStringSubmatch(text)
	if table == nil {
		t.Fatal("README has no table of versions")
	}
	p, problems := rules.ParsePolicy([]byte("version: 1\nmode: enforce\ngoverned: [{name: agents, kind: agent-version, paths: [agent.yaml]}]\n"))
	if problems != nil {
		t.Fatal(problems)
	}
	for row := range strings.SplitSeq(table[1], "\n") {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		has := strings.ReplaceAll(strings.ReplaceAll(cells[0], "`", ""), ", ", "\n")
		v := p.Decide(&rules.Change{
			Edition: rules.Edition,
			Base:    rules.Point{Branch: "main"},
			Files:   []rules.File{{Path: "agent.yaml", Status: "modified"}},
			Manifests: []rules.Manifest{{Path: "agent.yaml", Base: []byte("version: 3.4.0"), Head: []byte(has), Released: []rules.Release{
				{Version: "3.4.0"}, {Version: "3.5.0", Since: "7c1d0fe"}, {Version: "3.3.0", Since: "9f3c2ab"},
			}}},
		}, time.Time{})
		said := ""
		for _, f := range v.Findings {
			switch {
			case f.Rule != rules.RuleAgentContent:
			case f.State == rules.Met:
				said = "passes: " + f.Says
			default:
				said = f.Code + ": " + f.Says
			}
		}
		if said != cells[1] {
			t.Errorf("of %q README says\n%s\nand the check\n%s", has, cells[1], said)
		}
	}
	if n := strings.Count(table[1], "\n"); n != 5 {
		t.Errorf("%d rows, want 6", n+1)
	}
}
