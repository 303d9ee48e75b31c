package checks

import (
	"sort"
	"strings"

	"changegate/rules"
)

const (
	maxAnnotations = 50  // GitHub takes 50 in one request
	maxMessage     = 600 // characters; GitHub takes 64 KB
)

// annotate points at the lines that findings are about, the most severe first,
// and says how many did not fit. GitHub refuses the whole check run for a path
// that the commit does not have, so only files that the change leaves in place
// are pointed at. The base branch's policy is not pointed at either: its line of
// that number says something else in the version that the change brings. Titles and messages are plain text there.
func annotate(v View) (list []Annotation, more int) {
	here := map[string]bool{}
	for _, f := range v.Change.Files {
		here[f.Path] = f.Status != "deleted" && f.Status != "removed"
	}
	for _, f := range v.Verdict.Findings {
		if f.Path != "" && f.Line > 0 && here[f.Path] && f.Code != rules.CodePolicyBroken {
			list = append(list, annotation(f, v.Verdict.State == rules.Shadow))
		}
	}
	sort.SliceStable(list, func(a, b int) bool { return levels[list[a].Level] > levels[list[b].Level] })
	if len(list) > maxAnnotations {
		more = len(list) - maxAnnotations
		list = list[:maxAnnotations]
	}
	return list, more
}

var levels = map[string]int{"notice": 0, "warning": 1, "failure": 2}

// annotation shows one finding. Nothing that does not block is called a failure,
// and in shadow mode nothing blocks.
func annotation(f rules.Finding, shadow bool) Annotation {
	a := Annotation{Path: f.Path, From: max(1, f.Line), To: max(1, f.Line), Level: "notice"}
	switch {
	case f.State == rules.Unmet && !shadow:
		a.Level = "failure"
	case f.State == rules.Unmet || f.State == rules.Pending || f.Code == rules.CodeIdle:
		a.Level = "warning"
	}
	c, _ := rules.Explain(f.Code)
	a.Title = strings.TrimSpace(f.Code + " " + c.Name)
	if a.Title == "" {
		a.Title = ruleName(f.Rule)
	}
	message := sentence(f.Says) + "\n"
	for _, p := range fixParts(f.Fix) {
		if !p.block {
			p.text = p.sentence()
		}
		message += p.text + "\n"
	}
	a.Message = clipEnd(visibleLines(message), maxMessage)
	return a
}

// visibleLines is visible for text of several lines.
func visibleLines(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		out = append(out, visible(strings.TrimRight(l, "\r")))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}
