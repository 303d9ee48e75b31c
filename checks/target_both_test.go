package checks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// clone is the story's repository on this machine.
func (s *story) clone(t *testing.T) string {
	t.Helper()
	f := newFixture(t, true)
	s.repo.Export(func(kind string, data []byte) {
		as, err := plumbing.ParseObjectType(kind)
		must(t, err)
		f.object(as, func(o plumbing.EncodedObject) error {
			w, err := o.Writer()
			if err != nil {
				return err
			}
			_, err = w.Write(data)
			return err
		})
	}, func(name, id string) { f.ref(name, plumbing.NewHash(id)) })
	return f.dir
}

// manyPrompts is a repository with all that a plan can meet: a file that both sides
// edit, far apart and on the same line, files deleted, added, moved, of other modes,
// binary, large, and the policy; tags, an id that is a tag as well, and a branch.
func manyPrompts(t *testing.T) (s *story, p *githubtest.Pull, first, aside string) {
	t.Helper()
	s = tell(t, "write")
	initial := s.repo.Head("main")
	text := func(first, last string) string { return first + "\n" + strings.Repeat("Be kind.\n", 9) + last + "\n" }
	policy, _ := s.repo.Read("main", PolicyPath)
	link := map[string]string{"prompts/link": "120000"}
	large := strings.Repeat("x", rules.MaxMerged)
	first = s.repo.Push("dev1", "main", githubtest.Files{
		"prompts/edited": "0\n", "prompts/apart": text("0", "0"), "prompts/same": "0\n", "prompts/gone": "0\n", "prompts/link": "edited",
		"prompts/script": "s\n", "prompts/bin": "\x00 0", "prompts/large": "0" + large, "prompts/deep/er": "0\n", PolicyPath: policy + "# 0\n",
	}, githubtest.Commit{Modes: link})
	s.repo.Tag("v1", first)
	s.repo.AnnotatedTag("dev1", "v2", first, "released")
	s.repo.Tag(first[:8], initial)
	s.repo.Tag(first[:9], first)
	s.repo.Push("dev1", "main", githubtest.Files{
		"prompts/edited": "1\n", "prompts/apart": text("1", "1"), "prompts/same": "1\n", "prompts/gone": "1\n", "prompts/link": "text\n",
		"prompts/moved": "a text that is moved\n", "prompts/bin": "\x00 1", "prompts/large": "1" + large, PolicyPath: policy + "# 1\n",
	}, githubtest.Commit{Modes: map[string]string{"prompts/link": "100644"}})
	s.repo.Branch("production", first)
	p = s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{
		"prompts/edited": "2\n", "prompts/apart": text("2", "1"), "prompts/same": "2\n", "prompts/link": "other\n", "prompts/added": "2\n",
		"prompts/script": "s\n", "prompts/bin": "\x00 2", "prompts/large": "2" + large, "prompts/deep/er": "2\n", PolicyPath: policy + "# 2\n",
	}, Commit: githubtest.Commit{Remove: []string{"prompts/gone"}, Move: map[string]string{"prompts/moved": "moved"}, Modes: map[string]string{"prompts/script": "100755"}}})
	aside = p.Head()
	s.repo.Push("dev1", "main", githubtest.Files{
		"prompts/apart": text("1", "3"), "prompts/same": "3\n", "prompts/bin": "\x00 3", "prompts/large": "3" + large, "README.md": "3\n",
	})
	return s, p, first, aside
}

// TestServerAndCloneAgreeOnTargets reads one repository through GitHub's API and as a
// clone, and compares what every kind of plan comes to.
func TestServerAndCloneAgreeOnTargets(t *testing.T) {
	t.Parallel()
	s, p, first, aside := manyPrompts(t)
	dir := s.clone(t)
	c := s.client(t, http.DefaultTransport)
	for to, want := range map[string]struct {
		form  string
		files int
	}{
		first:                                 {rules.FormCommit, 12},
		first[:7]:                             {rules.FormCommit, 12},
		strings.ToUpper(first[:20]):           {rules.FormCommit, 12},
		first[:6]:                             {},
		first[:8]:                             {form: "ambiguous"}, // a tag of another commit
		first[:9]:                             {rules.FormCommit, 12},
		"deadbeef":                            {},
		aside:                                 {form: rules.FormCommit},
		"v1":                                  {rules.FormTag, 12},
		"v2":                                  {rules.FormTag, 12},
		"v3":                                  {},
		"refs/tags/v1":                        {},
		"production":                          {},
		"main":                                {},
		"revert":                              {rules.FormRevert, 12},
		"prompts@v1":                          {rules.FormPath, 11},
		"prompts/@v1":                         {rules.FormPath, 11},
		"prompts/deep@v1":                     {rules.FormPath, 1},
		"prompts/edited@" + first[:12]:        {rules.FormPath, 1},
		"prompts/gone@v2":                     {rules.FormPath, 1},
		"prompts/moved@v1":                    {rules.FormPath, 1},
		"prompts/added@v1":                    {rules.FormPath, 1},
		".github/changegate.yml@" + first[:7]: {rules.FormPath, 1},
		"README.md@v1":                        {form: rules.FormPath},
		"prompts/nothing@v1":                  {form: rules.FormPath},
		"prompts//deep@v1":                    {},
		"./prompts@v1":                        {},
		"prompts/edited@" + aside:             {form: rules.FormPath},
		"prompts/edited@v3":                   {},
	} {
		t.Run(strings.ReplaceAll(to, "/", "_"), func(t *testing.T) {
			body := wayBack(to)
			p.Edit("dev1", body)
			g, err := c.Gather(t.Context(), s.wake(p), Known{})
			must(t, err)
			l, err := Local(t.Context(), LocalOptions{Repo: dir, Base: "main", Head: p.Head(), Body: body})
			must(t, err)
			if d := cmp.Diff(g.Change.Target, l.Change.Target); d != "" {
				t.Errorf("target (-server +clone):\n%s", d)
			}
			got := l.Change.Target
			form := got.Form
			if got.Ambiguous {
				form += "ambiguous"
			}
			if form != want.form || len(got.Files) != want.files || got.Unknown != "" {
				t.Errorf("%q, %d files, unknown %q; want %+v", form, len(got.Files), got.Unknown, want)
			}
		})
	}
}

// TestTargetsOfTextsTooLongTogether: six prompts of half a MiB that both sides changed are
// not merged, on either side, and it is said.
func TestTargetsOfTextsTooLongTogether(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	prompts := func(first, last string) githubtest.Files {
		files := githubtest.Files{}
		for i := range 6 {
			files[fmt.Sprintf("prompts/%d.md", i)] = fmt.Sprintf("%s %d\n%s%s\n", first, i, strings.Repeat(strings.Repeat("x", 10_000)+"\n", 50), last)
		}
		return files
	}
	s.repo.Push("lead1", "main", prompts("1", "1"))
	p := s.repo.Open("dev1", githubtest.PR{Head: "second", Files: prompts("2", "1"), Body: restoring("revert")})
	s.repo.Push("lead1", "main", prompts("1", "3"))
	server := s.reads(t, p).Target
	g, err := Local(t.Context(), LocalOptions{Repo: s.clone(t), Base: "main", Head: "second", Body: restoring("revert")})
	must(t, err)
	for _, got := range []*rules.Target{server, g.Change.Target} {
		if got.Unknown != tooLong || got.Files != nil {
			t.Errorf("%d files, unknown %q, want %q", len(got.Files), got.Unknown, tooLong)
		}
	}
}
