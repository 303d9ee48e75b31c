package checks

import (
	"net/http"
	"strings"
	"testing"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// TestCodeOwnersOfTheBaseBranch: GitHub's first place that has the file counts, as it
// is at the tip of the base branch; what a commit holds is asked once.
func TestCodeOwnersOfTheBaseBranch(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("# a comment\n", 50_000) + "* @lead1\n"
	for name, tt := range map[string]struct {
		files githubtest.Files
		want  string // path of the file that counts
		gap   string
	}{
		"none":             {nil, "", ""},
		"the first":        {githubtest.Files{"docs/CODEOWNERS": "a", "CODEOWNERS": "b", ".github/CODEOWNERS": "* @lead1\n"}, ".github/CODEOWNERS", ""},
		"the second":       {githubtest.Files{"docs/CODEOWNERS": "a", "CODEOWNERS": "* @lead1\n"}, "CODEOWNERS", ""},
		"the last":         {githubtest.Files{"docs/CODEOWNERS": "* @lead1\n"}, "docs/CODEOWNERS", ""},
		"a folder":         {githubtest.Files{".github/CODEOWNERS/x": "a", "CODEOWNERS": "* @lead1\n"}, "CODEOWNERS", ""},
		"beyond GraphQL's": {githubtest.Files{"CODEOWNERS": large}, "CODEOWNERS", ""},
		"empty":            {githubtest.Files{"CODEOWNERS": ""}, "CODEOWNERS", ""},
		"beyond GitHub's":  {githubtest.Files{"CODEOWNERS": strings.Repeat(large, 6), "docs/CODEOWNERS": "* @lead1\n"}, "", "CODEOWNERS on main is 3600054 bytes long, GitHub reads at most 3145728"},
		"binary":           {githubtest.Files{"CODEOWNERS": "* @lead1\x00\n"}, "", "CODEOWNERS on main is not text"},
	} {
		s := tell(t, "codeowners")
		if tt.files != nil {
			s.repo.Push("dev1", "main", tt.files)
		}
		c := s.client(t, http.DefaultTransport)
		c.Cache = kept{}
		p := s.open()
		p.Push("dev1", githubtest.Files{".github/CODEOWNERS": "* @dev1\n"}) // no word about itself
		s.gh.ResetCalls()
		for i := range 2 {
			g, n := s.read(t, c, p, Known{})
			got, gaps := "", ""
			if o := g.Change.Owners; o != nil {
				if got = o.Path; o.Commit != s.repo.Head("main") || string(o.Data) != tt.files[o.Path] {
					t.Errorf("%s: at %s, %d bytes", name, o.Commit, len(o.Data))
				}
			}
			for _, gap := range g.Change.Gaps {
				gaps += gap.Says
			}
			if got != tt.want || gaps != tt.gap {
				t.Errorf("%s, reading %d: %q, want %q; gaps %q, want %q", name, i+1, got, tt.want, gaps, tt.gap)
			}
			if i == 1 && n != 0 && tt.gap == "" {
				t.Errorf("%s: %d look-ups, want none: the commit was read before", name, n)
			}
		}
	}
}

// TestCodeOwnersAreAskedAbout like the names in a policy: who they are is a second
// look-up the first time, none afterwards.
func TestCodeOwnersAreAskedAbout(t *testing.T) {
	t.Parallel()
	s := tell(t, "codeowners")
	s.repo.Push("dev1", "main", githubtest.Files{"CODEOWNERS": "* @lead2\n/prompts/ @lead1 @acme/leads @missing @acme/missing\n"})
	c := s.client(t, http.DefaultTransport)
	c.Cache = kept{}
	p := s.open()
	p.Review("lead2", "APPROVED")
	cold, n := s.read(t, c, p, Known{})
	warm, m := s.read(t, c, p, durable(t, cold.Known))
	if n != 2 || m != 0 {
		t.Errorf("%d look-ups cold, %d warm, want 2 and 0", n, m)
	}
	for _, g := range []*Gathered{cold, warm} {
		c := &g.Change
		if len(c.Reviews[0].Teams) != 1 || len(c.Accounts) != 1 || c.Accounts[0] != (rules.Account{Login: "lead1", ID: s.gh.User("lead1")}) || strings.Join(c.Unknown, " ") != "@acme/missing missing" {
			t.Errorf("teams %v, accounts %v, unknown %v", c.Reviews[0].Teams, c.Accounts, c.Unknown)
		}
	}
	s.gh.Rename("lead1", "lead-one")
	s.gh.User("lead1")
	if g, _ := s.read(t, c, p, Known{}); len(g.Change.Accounts) != 1 || g.Change.Accounts[0] != cold.Change.Accounts[0] {
		t.Errorf("an owner's login that is somebody else's: %v", g.Change.Accounts)
	}
}

// TestCodeOwnersNobodyAsksFor are not read.
func TestCodeOwnersNobodyAsksFor(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.repo.Push("dev1", "main", githubtest.Files{"CODEOWNERS": "* @lead1\n"})
	if g, n := s.read(t, s.client(t, http.DefaultTransport), s.open(), Known{}); n != 0 || g.Change.Owners != nil {
		t.Errorf("%d look-ups, owners %v", n, g.Change.Owners)
	}
}
