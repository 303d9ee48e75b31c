package checks

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// TestAttributesAsGit: a file that git merges as binary, or by a driver, is never taken
// for text; the other way round only where git alone can tell what a pattern means.
func TestAttributesAsGit(t *testing.T) {
	t.Parallel()
	const doubtful = true
	g := newGit(t)
	for i, tt := range []struct {
		root, deep string
		doubtful   bool // git merges it as text, and it is not taken for such
	}{
		{"* text=auto eol=lf\n*.md diff=markdown -text\n", "", false},
		{"* -merge\n", "", false},
		{"prompts/** -merge\n", "", false},
		{"prompts/* -merge\n", "", false},
		{"/prompts/**/a.md merge=union\n", "", false},
		{"*.md binary\n", "", false},
		{"*.MD binary\n", "", doubtful}, // git on a disk that folds case takes it so
		{"a.md merge=text\n", "", false},
		{"a.md merge\n", "", false},
		{"a.md merge=binary\n", "", false},
		{"a.md\tmerge=ours\r\n", "", false},
		{"b.md -merge\nprompts/a.md -merge\nprompts/ -merge\ndeep -merge\n", "", false},
		{"# a.md -merge\n\n", "", false},
		{"[attr]odd -merge\n[attr]even diff\na.md even\n", "", false},
		{"a.md far\n[attr]far odd\n[attr]odd binary\n", "", false},
		{"?.m[cd] -merge\n", "", false},
		{"?.m[ab] -merge\n", "", doubtful},
		{"\"a.md\" -merge\n", "", false},
		{"a.md -merge\na.md merge\n", "", doubtful},
		{"", "a.md -merge\n", false},
		{"", "/a.md -merge\n", false},
		{"", "prompts/deep/a.md -merge\n", false},
		{"", "**/a.md binary\n", false},
	} {
		const file = "prompts/deep/a.md"
		dir := filepath.Join(g.dir, fmt.Sprint(i))
		g.run(nil, "init", "-q", dir)
		write := func(name, text string) {
			must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
		write(attributesFile, tt.root)
		write("prompts/deep/"+attributesFile, tt.deep)
		says := strings.TrimSpace(g.run(nil, "-C", dir, "check-attr", "merge", file))
		text := false
		for _, as := range []string{"unspecified", "set", "text"} {
			text = text || strings.HasSuffix(says, ": merge: "+as)
		}
		got := mergesOddly(file, []attributes{{"", []byte(tt.root)}, {"prompts/deep", []byte(tt.deep)}})
		if got == text != tt.doubtful || !text && !got {
			t.Errorf("%q, %q: %v, and git says %s", tt.root, tt.deep, got, says)
		}
	}
	if !mergesOddly("a", []attributes{{"", nil}}) || !mergesOddly("a", []attributes{{"", []byte("x\x00")}}) {
		t.Error("attributes that were not read are taken for none")
	}
}

// TestPlansByAttributes: what git does not merge by lines is no plan that is verified,
// whichever side says so, before the merge and after it.
func TestPlansByAttributes(t *testing.T) {
	t.Parallel()
	text := func(first, last string) string { return first + "\n" + strings.Repeat("Be kind.\n", 9) + last + "\n" }
	for name, tt := range map[string]struct {
		base, head githubtest.Files
		link       bool
		wrong      string
	}{
		"none":                {nil, nil, false, ""},
		"for the base branch": {githubtest.Files{".gitattributes": "prompts/** -merge\n"}, nil, false, rules.WrongBinary},
		"in its folder":       {githubtest.Files{"prompts/.gitattributes": "*.md merge=ours\n"}, nil, false, rules.WrongBinary},
		"with the change":     {nil, githubtest.Files{"prompts/.gitattributes": "*.md binary\n"}, false, rules.WrongBinary},
		"for other files":     {githubtest.Files{".gitattributes": "*.png binary\n", "prompts/.gitattributes": ""}, nil, false, ""},
		"a link":              {githubtest.Files{".gitattributes": "* -merge\n"}, nil, true, ""},
		"without end":         {githubtest.Files{".gitattributes": "#" + strings.Repeat("x", rules.MaxMerged)}, nil, false, rules.WrongBinary},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t, "maintain")
			base, head := githubtest.Files{"prompts/a.md": text("1", "1")}, githubtest.Files{"prompts/a.md": text("2", "1")}
			how := githubtest.Commit{}
			for name, data := range tt.base {
				base[name] = data
				if tt.link {
					how.Modes = map[string]string{name: "120000"}
				}
			}
			for name, data := range tt.head {
				head[name] = data
			}
			before := s.repo.Push("lead1", "main", base, how)
			p := s.repo.Open("dev1", githubtest.PR{Files: head, Body: restoring("revert")})
			s.repo.Push("lead1", "main", githubtest.Files{"prompts/a.md": text("1", "3")})
			srv := s.reads(t, p).Target
			l, err := Local(t.Context(), LocalOptions{Repo: s.clone(t), Base: "main", Head: p.Head(), Body: restoring("revert")})
			must(t, err)
			if d := cmp.Diff(srv, l.Change.Target); d != "" {
				t.Errorf("target (-server +clone):\n%s", d)
			}
			if got := fileOf(srv, "prompts/a.md").Wrong; got != tt.wrong {
				t.Errorf("wrong is %q, want %q", got, tt.wrong)
			}
			if tt.head != nil {
				return
			}
			// The same change, merged, and another one after it.
			tip := s.repo.Push("lead1", "main", githubtest.Files{"prompts/a.md": text("2", "3")})
			plan := rules.Plan{To: "revert", Form: rules.FormRevert, Commit: before, Files: []rules.Restored{
				{Path: "prompts/a.md", Landed: textFile(text("2", "1")), Back: textFile(text("1", "1"))},
			}}
			kept, err := s.client(t, http.DefaultTransport).Verify(t.Context(), s.place(), plan, tip, false)
			must(t, err)
			if got := fileOf(kept, "prompts/a.md").Wrong; got != tt.wrong {
				t.Errorf("after the merge wrong is %q, want %q", got, tt.wrong)
			}
		})
	}
}

// fileOf is what a target leaves at a path.
func fileOf(t *rules.Target, path string) (r rules.Restored) {
	for _, f := range t.Files {
		if f.Path == path {
			r = f
		}
	}
	return r
}
