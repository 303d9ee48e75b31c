package checks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// onBoth is what a plan comes to on the server, which has to be the same on a clone.
func (s *story) onBoth(t *testing.T, p *githubtest.Pull, dir, to string) *rules.Target {
	t.Helper()
	p.Edit("dev1", restoring(to))
	got := s.reads(t, p).Target
	l, err := Local(t.Context(), LocalOptions{Repo: dir, Base: "main", Head: p.Head(), Body: restoring(to)})
	must(t, err)
	if d := cmp.Diff(got, l.Change.Target); d != "" {
		t.Errorf("%s (-server +clone):\n%s", to, d)
	}
	return got
}

// TestTagsWithAt: a tag may have an @ in its name, as many tools write it. Where the text
// is path@commit of files of the change, too, it names two things.
func TestTagsWithAt(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	first := s.repo.Push("lead1", "main", githubtest.Files{"prompts/a": "1\n", "prompts/b": "1\n"})
	second := s.repo.Push("lead1", "main", githubtest.Files{"prompts/a": "2\n", "prompts/b": "2\n"})
	s.repo.Tag("support@3.4.0", first)
	s.repo.AnnotatedTag("lead1", "support@3.5.0", second, "released")
	s.repo.Tag("prompts@v1", first)
	s.repo.Tag("prompts@v2", first)
	s.repo.Tag("v1", second)
	s.repo.Tag("docs@v1", first)
	s.repo.Tag("docs@"+second[:7], first)
	s.repo.Tag("prompts/a@"+second[:7], first)
	p := s.repo.Open("dev1", githubtest.PR{Head: "change", Files: githubtest.Files{"prompts/a": "3\n", "prompts/b": "3\n"}})
	dir := s.clone(t)
	for to, want := range map[string]rules.Target{
		"support@3.4.0":           {Form: rules.FormTag, Commit: first},
		"support@3.5.0":           {Form: rules.FormTag, Commit: second},
		"support@3.6.0":           {},
		"prompts@v1":              {Ambiguous: true},
		"prompts@v2":              {Form: rules.FormTag, Commit: first}, // there is no tag v2
		"docs@v1":                 {Form: rules.FormTag, Commit: first}, // the change has nothing in docs
		"docs@" + second[:7]:      {Form: rules.FormTag, Commit: first},
		"prompts/a@v1":            {Form: rules.FormPath, Commit: second},
		"prompts/b@" + first[:7]:  {Form: rules.FormPath, Commit: first},
		"prompts/a@" + second[:7]: {Ambiguous: true},
	} {
		got := s.onBoth(t, p, dir, to)
		files := map[string]int{rules.FormTag: 2, rules.FormPath: 1}[want.Form]
		if got.Form != want.Form || got.Commit != want.Commit || got.Ambiguous != want.Ambiguous || len(got.Files) != files || got.InBase != (want.Commit != "") {
			t.Errorf("%s: %+v, want %+v", to, got, want)
		}
		tag := map[string]string{rules.FormTag: to, rules.FormPath: "v1"}[got.Form]
		if to == "prompts/b@"+first[:7] {
			tag = ""
		}
		if got.Tag() != tag {
			t.Errorf("%s names tag %q, want %q", to, got.Tag(), tag)
		}
	}
}

// TestTagsOnTags: tags on one another are followed as far on a clone as on the server.
func TestTagsOnTags(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	first := s.repo.Head("main")
	s.repo.Push("lead1", "main", githubtest.Files{"prompts/a": "1\n"})
	s.repo.AnnotatedTag("lead1", "t1", first, "x")
	for i := 2; i < 10; i++ {
		s.repo.AnnotatedTag("lead1", fmt.Sprint("t", i), fmt.Sprint("t", i-1), "x")
	}
	p := s.repo.Open("dev1", githubtest.PR{Head: "change", Files: githubtest.Files{"prompts/a": "2\n"}})
	dir := s.clone(t)
	for i := 1; i < 10; i++ {
		if got := s.onBoth(t, p, dir, fmt.Sprint("t", i)); (got.Commit == first) != (i < mostTags) || got.Unknown != "" {
			t.Errorf("%d deep: %+v", i, got)
		}
	}
}

// TestFolderAtTheTarget: where a folder was no file comes back, and the folder does not
// either.
func TestFolderAtTheTarget(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	first := s.repo.Push("lead1", "main", githubtest.Files{"prompts/a/x": "1\n", "prompts/a/y/z": "1\n", "prompts/b": "1\n"})
	s.repo.Push("lead1", "main", githubtest.Files{"prompts/a": "2\n"}, githubtest.Commit{Remove: []string{"prompts/a/x", "prompts/a/y/z"}})
	p := s.repo.Open("dev1", githubtest.PR{Head: "change", Files: githubtest.Files{"prompts/a": "3\n", "prompts/c": "3\n"}})
	dir := s.clone(t)
	for to, want := range map[string]string{first: rules.WrongFolder, "prompts/a@" + first: rules.WrongFolder, "prompts@" + first: rules.WrongFolder, "revert": ""} {
		got := s.onBoth(t, p, dir, to)
		if fileOf(got, "prompts/a").Wrong != want || fileOf(got, "prompts/c").Wrong != "" {
			t.Errorf("%s: %+v", to, got.Files)
		}
	}
	got := s.onBoth(t, p, dir, first)
	if code, says := got.Flaw("main", []string{"prompts/a"}); code != rules.CodeNotRestorable || !strings.HasSuffix(says, "a folder is there") {
		t.Errorf("%s %s", code, says)
	}
}
