package checks

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"changegate/checks/githubtest"
)

// TestNamesOfANewPolicy: whom a new policy names is looked up before it is in force,
// once when all are there, and never for a fork.
func TestNamesOfANewPolicy(t *testing.T) {
	t.Parallel()
	const policy = "version: 1\nmode: enforce\ngoverned:\n  - {name: prompts, kind: prompt, paths: [\"prompts/**\"], approvals: [{from: [write, FROM]}]}\nbreak_glass: {who: [admin], reviewers: [EMERGENCY]}\n"
	for from, want := range map[string][]string{
		"'@acme/leads', lead1":         nil,
		"'@acme/laeds', laed1":         {"@acme/laeds", "laed1"},
		"'@amce/leads', write":         {"@amce/leads"},
		"lead1 | '@acme/leads', lead1": nil,
		"lead1 | '@acme/laeds', laed1": {"@acme/laeds", "laed1"},
	} {
		from, emergency, _ := strings.Cut(from, " | ")
		text := strings.NewReplacer("FROM", from, "EMERGENCY", cmp.Or(emergency, "admin")).Replace(policy)
		for _, fork := range []bool{false, true} {
			s := tell(t, "maintain")
			p := s.repo.Open("dev1", githubtest.PR{Fork: fork, Files: githubtest.Files{PolicyPath: text, ".changes/p.yml": storyRequest}})
			r := s.reader(t, p)
			for range 2 {
				g, _ := r.read()
				if n := g.Change.NewPolicy; fork && n.Unknown != nil || !fork && !slices.Equal(n.Unknown, want) {
					t.Errorf("%s, fork %t: unknown are %q, want %q", text, fork, n.Unknown, want)
				}
			}
			if asked := slices.Contains(r.asked, "Lookup"); asked != (!fork && want != nil) {
				t.Errorf("%s, fork %t, again: asked %q", text, fork, r.asked)
			}
		}
	}
}
