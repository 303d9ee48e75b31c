package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// restoring is a description that declares a way back.
func restoring(to string) string {
	return fmt.Sprintf("```yaml\nchange:\n  why: a reason\n  rollback:\n    to: %q\n```\n", to)
}

// reads is what Gather makes of a pull request.
func (s *story) reads(t *testing.T, p *githubtest.Pull) *rules.Change {
	t.Helper()
	g, err := s.client(t, http.DefaultTransport).Gather(t.Context(), s.wake(p), Known{})
	if err != nil {
		t.Fatal(err)
	}
	return &g.Change
}

// textFile is a text file of the repository.
func textFile(text string) rules.Entry {
	return rules.Entry{Blob: plumbing.ComputeHash(plumbing.BlobObject, []byte(text)).String(), Mode: "100644"}
}

// TestTargets: every form of rollback.to, with what the change leaves at each governed
// path and what the rollback does.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	first := s.repo.Head("main")
	s.repo.Tag("v1", "main")
	s.repo.AnnotatedTag("lead1", "v1.0", "main", "the first")
	second := s.repo.Push("lead1", "main", githubtest.Files{"prompts/refund.md": "Be firm.\n", "prompts/old/a.md": "a\n", "prompts/old/b.md": "b\n"})
	s.repo.Push("dev1", "elsewhere", githubtest.Files{"prompts/refund.md": "Else.\n"})
	outside := s.repo.Head("elsewhere")
	p := s.repo.Open("dev1", githubtest.PR{Head: "change", Files: githubtest.Files{
		"prompts/refund.md": "Be kind and brief.\n", "prompts/new/c.md": "c\n", "README.md": "y\n"}, Body: restoring("revert"), Title: "Change"})
	p.Push("dev1", nil, githubtest.Commit{Remove: []string{"prompts/old/a.md"}, Move: map[string]string{"prompts/old/b.md": "prompts/new/b.md"}})
	landed := map[string]rules.Entry{"prompts/new/b.md": textFile("b\n"), "prompts/new/c.md": textFile("c\n"), "prompts/refund.md": textFile("Be kind and brief.\n")}
	files := func(back map[string]rules.Entry, paths ...string) (out []rules.Restored) {
		for _, path := range paths {
			out = append(out, rules.Restored{Path: path, Landed: landed[path], Back: back[path]})
		}
		return out
	}
	all := []string{"prompts/new/b.md", "prompts/new/c.md", "prompts/old/a.md", "prompts/old/b.md", "prompts/refund.md"}
	before := map[string]rules.Entry{"prompts/refund.md": textFile("Be kind.\n")}
	base := map[string]rules.Entry{"prompts/refund.md": textFile("Be firm.\n"), "prompts/old/a.md": textFile("a\n"), "prompts/old/b.md": textFile("b\n")}
	for _, want := range []rules.Target{
		{To: first, Form: "commit", Commit: first, InBase: true, Files: files(before, all...)},
		{To: first[:7], Form: "commit", Commit: first, InBase: true, Files: files(before, all...)},
		{To: second[:12], Form: "commit", Commit: second, InBase: true, Files: files(base, all...)},
		{To: "v1", Form: "tag", Commit: first, InBase: true, Files: files(before, all...)},
		{To: "v1.0", Form: "tag", Commit: first, InBase: true, Files: files(before, all...)},
		{To: "revert", Form: "revert", Commit: second, InBase: true, Files: files(base, all...)},
		{To: "prompts/refund.md@v1", Form: "path", Commit: first, InBase: true, Files: files(before, "prompts/refund.md")},
		{To: "prompts/old/@" + second[:7], Form: "path", Commit: second, InBase: true, Files: files(base, "prompts/old/a.md", "prompts/old/b.md")},
		{To: "prompts/ref@v1", Form: "path", Commit: first, InBase: true}, {To: textFile("Be kind.\n").Blob},
		{To: outside, Form: "commit", Commit: outside},
		{To: "main"}, {To: "HEAD"}, {To: "refs/heads/main"}, {To: "refs/tags/v1"}, {To: "prompts//refund.md@" + first}, {To: "elsewhere"}, {To: "none"}, {To: first[:6]},
	} {
		t.Run(want.To, func(t *testing.T) {
			p.Edit("dev1", restoring(want.To))
			if d := cmp.Diff(&want, s.reads(t, p).Target, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("target (-want +got):\n%s", d)
			}
		})
	}
}

// TestHostileNames: what no tag can be called, and what is no path in the tree, is never
// sent to GitHub, which would follow it elsewhere.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "HEAD", "refs/heads/main", "refs/tags/v1", "main^", "main~1", "v1^{}", "@{-1}", "@", "v1@{0}", "v1:prompts", ":/Initial", "a..b", "--upload-pack=x", "-v1",
		"/v1", "v1/", "a//b", ".v1", "v1.lock", "v1.", "a b", "a\x00b", "a\nb", "a?", "a*", "a[b", `a\b`,
	} {
		if ref, ok := tagRef(name); ok {
			t.Errorf("%q is looked for as %q", name, ref)
		}
	}
	for _, at := range []string{"", "/", ".", "..", "../x", "/etc/passwd", "a/../b", "a//b", "./a", "a/.", "a/.."} {
		if p, ok := treePath(at); ok {
			t.Errorf("%q is taken for the path %q", at, p)
		}
	}
}

// TestNamesThatAreSeveralThings: a commit id and a tag are both looked for. Exactly one
// thing has to be there; a branch is none, and hides none.
func TestNamesThatAreSeveralThings(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	first := s.repo.Head("main")
	second := s.repo.Push("lead1", "main", githubtest.Files{"prompts/refund.md": "Be firm.\n"})
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/refund.md": "Be brief.\n"}, Title: "Change"})
	s.repo.AnnotatedTag("lead1", "v1", first, "the first")
	s.repo.AnnotatedTag("lead1", "of-tag", "v1", "again")
	s.repo.Tag("folder", first+":prompts")
	s.repo.AnnotatedTag("lead1", "blob", first+":README.md", "a file")
	s.repo.Tag(first[:8], second)
	s.repo.Tag(first[:9], first)
	s.repo.Tag("20261124", first)
	s.repo.Tag("main", first)
	s.repo.Branch(first[:10], second)
	s.repo.Branch("refs/tags/only-branch", second)
	for to, want := range map[string]rules.Target{
		"v1":            {Form: "tag", Commit: first},
		"of-tag":        {Form: "tag", Commit: first},
		"20261124":      {Form: "tag", Commit: first},
		"main":          {Form: "tag", Commit: first},
		first[:7]:       {Form: "commit", Commit: first},
		first[:8]:       {Ambiguous: true},
		first[:9]:       {Form: "commit", Commit: first},
		first[:10]:      {Form: "commit", Commit: first},
		first + "0":     {},
		"folder":        {},
		"blob":          {},
		"only-branch":   {},
		"prompts@v1":    {Form: "path", Commit: first},
		"prompts@blob":  {},
		"elsewhere@v1":  {Form: "path", Commit: first},
		"0123456789abc": {},
	} {
		t.Run(to, func(t *testing.T) {
			p.Edit("dev1", restoring(to))
			want.To, want.InBase = to, want.Commit != ""
			got := *s.reads(t, p).Target
			if listed := len(got.Files) == 1; listed != (want.InBase && to != "elsewhere@v1") || got.Unknown != "" {
				t.Errorf("lists %v, unknown %q", got.Files, got.Unknown)
			}
			got.Files = nil
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("target (-want +got):\n%s", d)
			}
		})
	}
}

const refund = "prompts/refund.md"

// TestTargetsWhereTheBaseMoved: what a change lands, and what its revert leaves, is worked
// out against the base branch as it is now.
func TestTargetsWhereTheBaseMoved(t *testing.T) {
	t.Parallel()
	lines := func(first, last string) string { return first + "\n2\n3\n4\n5\n6\n7\n" + last + "\n" }
	binary, large, latin := "\x00"+lines("a", "b"), strings.Repeat("long\n", rules.MaxMerged/5+1), "caf\xe9\n2\n3\n4\n5\n6\n7\nlast\n"
	for name, tt := range map[string]struct {
		was, head, base string
		landed          string // empty: as the head has it
		wrong           string
		line            int // of the conflict
	}{
		"the base did not move":    {lines("1", "8"), lines("one", "8"), lines("1", "8"), "", "", 0},
		"another part of the file": {lines("1", "8"), lines("one", "8"), lines("1", "eight"), lines("one", "eight"), "", 0},
		"the same lines":           {lines("1", "8"), lines("one", "8"), lines("uno", "8"), "", rules.WrongConflict, 1},
		"no UTF-8":                 {latin, strings.Replace(latin, "last", "end", 1), strings.Replace(latin, "caf", "Caf", 1), "Caf\xe9\n2\n3\n4\n5\n6\n7\nend\n", "", 0},
		"binary":                   {binary, binary + "x", binary + "y", "", rules.WrongBinary, 0},
		"large":                    {large, "x" + large, large + "y", "", rules.WrongLarge, 0},
		"large, the base unmoved":  {large, "x" + large, large, "", "", 0},
		"above GraphQL's limit":    {large[:600_000], "x" + large[:600_000], large[:600_000] + "y", "x" + large[:600_000] + "y", "", 0},
	} {
		for _, to := range []string{"revert", "v1"} {
			t.Run(name+", "+to, func(t *testing.T) {
				t.Parallel()
				s := tell(t, "maintain")
				s.repo.Push("lead1", "main", githubtest.Files{refund: tt.was})
				s.repo.Tag("v1", "main")
				p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{refund: tt.head}, Body: restoring(to)})
				if tt.base != tt.was {
					s.repo.Push("lead1", "main", githubtest.Files{refund: tt.base})
				}
				want := rules.Restored{Path: refund, Landed: textFile(tt.head), Back: textFile(tt.was), Wrong: tt.wrong}
				if tt.landed != "" {
					want.Landed = textFile(tt.landed)
				}
				if to == "revert" {
					want.Back = textFile(tt.base)
				}
				if tt.wrong != "" && to == "revert" {
					want.Back = rules.Entry{}
				}
				got := s.reads(t, p).Target
				if len(got.Files) != 1 || got.Unknown != "" {
					t.Fatalf("%+v", got)
				}
				if c := got.Files[0].Conflict; (c != nil) != (tt.line > 0) || c != nil && c.Line != tt.line {
					t.Errorf("conflict %+v", c)
				}
				got.Files[0].Conflict = nil
				if d := cmp.Diff(want, got.Files[0]); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	}
}

// pretending says that every content to be merged has another size.
type pretending struct{ bytes int }

var sizes = regexp.MustCompile(`"byteSize":\d+`)

func (x pretending) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil || r.StatusCode != http.StatusOK || !strings.HasSuffix(q.URL.Path, "/graphql") {
		return r, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if strings.Contains(string(body), `"blob0"`) {
		body = sizes.ReplaceAll(body, fmt.Appendf(nil, `"byteSize":%d`, x.bytes))
	}
	return answerOf(q, r.StatusCode, string(body)), err
}

// TestTargetsOfOddFiles: a file of 50 MB is known by its id, unless it has to be merged;
// a link and a submodule are restored by nobody.
func TestTargetsOfOddFiles(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	sub := strings.Repeat("ab", 20)
	odd := githubtest.Files{"prompts/link": "refund.md", "prompts/module": sub, "prompts/huge": "0\n2\n3\n4\n5\n6\n"}
	s.repo.Push("lead1", "main", odd, githubtest.Commit{Modes: map[string]string{"prompts/link": "120000", "prompts/module": "160000"}})
	s.repo.Tag("v1", "main")
	p := s.repo.Open("dev1", githubtest.PR{Body: restoring("v1"), Files: githubtest.Files{"prompts/link": "text\n", "prompts/module/a": "inside\n", "prompts/huge": "1\n2\n3\n4\n5\n6\n"},
		Commit: githubtest.Commit{Remove: []string{"prompts/module"}, Modes: map[string]string{"prompts/link": "100644", "prompts/huge": "100755"}}})
	const huge = 50 << 20
	read := func() []rules.Restored {
		t.Helper()
		g, err := s.client(t, pretending{huge}).Gather(t.Context(), s.wake(p), Known{})
		if err != nil {
			t.Fatal(err)
		}
		return g.Change.Target.Files
	}
	link, module := rules.Entry{Blob: textFile("refund.md").Blob, Mode: "120000"}, rules.Entry{Blob: sub, Mode: "160000"}
	is := rules.Restored{Path: "prompts/huge", Landed: rules.Entry{Blob: textFile("1\n2\n3\n4\n5\n6\n").Blob, Mode: "100755"}, Back: textFile("0\n2\n3\n4\n5\n6\n")}
	want := []rules.Restored{
		is,
		{Path: "prompts/link", Landed: textFile("text\n"), Back: link, Wrong: rules.WrongKind},
		{Path: "prompts/module", Back: module, Wrong: rules.WrongKind},
		{Path: "prompts/module/a", Landed: textFile("inside\n"), Back: module, Wrong: rules.WrongKind},
	}
	if d := cmp.Diff(want, read()); d != "" {
		t.Errorf("to a tag (-want +got):\n%s", d)
	}
	s.repo.Push("lead1", "main", githubtest.Files{"prompts/huge": "0\n2\n3\n4\n5\nsix\n"})
	if want[0].Wrong = rules.WrongLarge; !cmp.Equal(want, read()) {
		t.Errorf("to be merged:\n%s", cmp.Diff(want, read()))
	}
}

// TestTargetsOfAPolicy: what the rollback leaves of a policy is read, for the parser.
func TestTargetsOfAPolicy(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	broken := "version: 9\n"
	now := fmt.Sprintf(storyPolicy, "maintain")
	s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: broken})
	s.repo.Tag("broken", "main")
	s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: "caf\xe9\n"})
	s.repo.Tag("latin", "main")
	s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: "\x00"})
	s.repo.Tag("binary", "main")
	s.repo.Push("lead1", "main", githubtest.Files{PolicyPath: now})
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{PolicyPath: now + "# more\n"}})
	for to, want := range map[string]rules.Restored{
		"broken": {Back: textFile(broken), Text: []byte(broken)},
		"latin":  {Back: textFile("caf\xe9\n"), Text: []byte("caf\xe9\n")},
		"binary": {Back: textFile("\x00"), Wrong: rules.WrongUnread},
		"revert": {Back: textFile(now), Text: []byte(now)},
	} {
		p.Edit("dev1", restoring(to))
		want.Path, want.Landed = PolicyPath, textFile(now+"# more\n")
		if d := cmp.Diff([]rules.Restored{want}, s.reads(t, p).Target.Files); d != "" {
			t.Errorf("%s (-want +got):\n%s", to, d)
		}
	}
}

// padded makes answers about contents to be merged longer than any is read.
type padded struct{}

func (padded) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil || r.StatusCode != http.StatusOK {
		return r, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if strings.Contains(string(body), `"blob0"`) {
		body = append(bytes.Repeat([]byte(" "), maxAnswer), body...)
	}
	return answerOf(q, r.StatusCode, string(body)), err
}

// TestTargetsOfTooMuchToMerge are not verified, and say so.
func TestTargetsOfTooMuchToMerge(t *testing.T) {
	t.Parallel()
	for n, through := range map[int]http.RoundTripper{mostMerged/3 + 1: http.DefaultTransport, 1: padded{}} {
		s := tell(t, "maintain")
		edits := func(by, text string) githubtest.Files {
			files := githubtest.Files{}
			for i := range n {
				files[fmt.Sprintf("prompts/%d.md", i)] = fmt.Sprintf(text, by, i)
			}
			return files
		}
		s.repo.Push("lead1", "main", edits("", "%s%d\n2\n3\n4\n"))
		p := s.repo.Open("dev1", githubtest.PR{Files: edits("one", "%s%d\n2\n3\n4\n"), Body: restoring("revert")})
		s.repo.Push("lead1", "main", edits("", "%s%d\n2\n3\nfour\n"))
		g, err := s.client(t, through).Gather(t.Context(), s.wake(p), Known{})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Change.Target; got.Unknown == "" || got.Files != nil {
			t.Errorf("%d files: %+v", n, got)
		}
	}
}

// TestTargetsInTooManyFolders are not verified, and say so.
func TestTargetsInTooManyFolders(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	files := githubtest.Files{}
	for i := range mostFolders / 2 {
		files[fmt.Sprintf("prompts/%d/a.md", i)] = "x\n"
	}
	p := s.repo.Open("dev1", githubtest.PR{Files: files, Body: restoring("revert")})
	if got := s.reads(t, p).Target; got.Unknown == "" || got.Files != nil {
		t.Errorf("%+v", got)
	}
}

var noSuch = regexp.MustCompile(`(tag|commit)\d+\]$`)

// TestHolesInATargetAreNoPlan leaves out, nulls and mistypes every place of every answer
// that a target is worked out from: what comes of it is the same target, or none that
// holds. That there is no such tag, or no such commit, is an answer of its own.
func TestHolesInATargetAreNoPlan(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		paths int // that are governed
		tell  func(t *testing.T) (*story, *githubtest.Pull)
	}{
		"files that the rollback deletes and brings back": {2, func(t *testing.T) (*story, *githubtest.Pull) {
			s := tell(t, "maintain")
			s.repo.Push("lead1", "main", githubtest.Files{"prompts/old/a.md": "a\n"})
			return s, s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/new/b.md": "b\n"}, Commit: githubtest.Commit{Remove: []string{"prompts/old/a.md"}},
				Body: restoring(s.repo.Head("main")[:9])})
		}},
		"a target that is what the change leaves": {1, func(t *testing.T) (*story, *githubtest.Pull) {
			s := tell(t, "maintain")
			s.repo.Push("lead1", "main", githubtest.Files{"prompts/new/a.md": "a\n"})
			s.repo.AnnotatedTag("lead1", "v1", "main", "x")
			s.repo.Push("lead1", "main", nil, githubtest.Commit{Remove: []string{"prompts/new/a.md"}})
			return s, s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/new/a.md": "a\n"}, Body: restoring("v1")})
		}},
		"a revert that conflicts": {1, func(t *testing.T) (*story, *githubtest.Pull) {
			s := tell(t, "maintain")
			p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{refund: "Be brief.\n"}, Body: restoring("revert")})
			s.repo.Push("lead1", "main", githubtest.Files{refund: "Be firm.\n"})
			return s, p
		}},
		"a name of two things": {1, func(t *testing.T) (*story, *githubtest.Pull) {
			s := tell(t, "maintain")
			first := s.repo.Head("main")
			s.repo.Tag(first[:7], s.repo.Push("lead1", "main", githubtest.Files{"README.md": "z\n"}))
			return s, s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{refund: "Be brief.\n"}, Body: restoring(first[:7])})
		}},
		"a path that is not there": {1, func(t *testing.T) (*story, *githubtest.Pull) {
			s := tell(t, "maintain")
			s.repo.Tag("v1", "main")
			s.repo.Push("lead1", "main", githubtest.Files{"prompts/more/a.md": "a\n"})
			return s, s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/more/a.md": "b\n"}, Body: restoring("prompts/more@v1")})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := tt.tell(t)
			answers := map[int][]byte{}
			x := &tampering{next: &remembering{had: map[string][]byte{}}, saw: func(n int, body []byte) { answers[n] = body }}
			c := s.client(t, x)
			read := func() (*rules.Change, error) {
				g, err := c.Gather(t.Context(), s.wake(p), Known{})
				if err != nil {
					return nil, err
				}
				return &g.Change, nil
			}
			want, err := read()
			if err != nil || want.Target == nil || len(want.Gaps) > 0 {
				t.Fatalf("%+v, %v", want, err)
			}
			x.saw = nil
			tried := 0
			for n, body := range answers {
				var v any
				if err := json.Unmarshal(body, &v); err != nil {
					t.Fatal(err)
				}
				places(v, nil, func(at []any, less ...any) {
					for _, with := range less {
						if with == nil && noSuch.MatchString(fmt.Sprint(at)) {
							continue
						}
						tried++
						x.seen, x.answer, x.change = 0, n, func(v any) any { return replaced(v, at, with) }
						got, err := read()
						if err != nil || got.Target == nil || len(got.Gaps) > 0 || cmp.Equal(got.Target, want.Target) {
							continue
						}
						if undoesAll(got.Target, make([]string, tt.paths)) {
							t.Errorf("answer %d, %T at %v: %+v", n, with, at, got.Target)
						}
					}
				})
			}
			if tried < 150 {
				t.Errorf("only %d holes tried", tried)
			}
		})
	}
}

// FuzzPointers: whatever people write, what is looked for by it is a tag below refs/tags,
// a commit's id, or a path inside the tree, and never syntax of a revision.
func FuzzPointers(f *testing.F) {
	for _, to := range []string{"v1", "prompts@v1", "9f3c2ab", "../x@v1", "@{-1}", "main^", "refs/heads/main", "--upload-pack", "a@b@c"} {
		f.Add(to)
	}
	f.Fuzz(func(t *testing.T, to string) {
		a := pointAt(to, []string{"prompts/a", "prompts/b/c", "other"})
		if a == nil {
			return
		}
		if ref, ok := tagRef(a.look.Name); ok && (strings.ContainsAny(ref, "^~:?*[\\ ") || strings.Contains(ref, "..") || strings.Contains(ref, "@{") || !strings.HasPrefix(ref, "refs/tags/") || strings.HasPrefix(ref, "refs/tags/-")) {
			t.Errorf("%q is looked for as %q", to, ref)
		}
		if strings.Trim(a.look.ID, "0123456789abcdef") != "" {
			t.Errorf("%q is looked for as commit %q", to, a.look.ID)
		}
		for _, p := range a.paths {
			if a.look.Path != "" && !strings.HasPrefix(p+"/", a.look.Path+"/") {
				t.Errorf("%q says something of %s", to, p)
			}
		}
	})
}
