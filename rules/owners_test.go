package rules

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// documented is the example of GitHub's documentation, "About code owners", with a
// login where the documentation has an e-mail address.
const documented = `# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs-owner
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/* @docs-owner
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
`

func owners(t testing.TB, text string) *Owners {
	t.Helper()
	o, problems := ParseOwners([]byte(text))
	if problems != nil {
		t.Fatal(problems)
	}
	return o
}

func TestOwnersOfDocumentation(t *testing.T) {
	t.Parallel()
	o := owners(t, strings.Replace(documented, " docs-owner", " @Docs-Owner", 1))
	upTo := func(line int) *Owners { // the example as it stands up to a line, for what later lines take
		return owners(t, strings.Join(strings.SplitAfter(strings.Replace(documented, " docs-owner", " @go", 1), "\n")[:line], ""))
	}
	for _, tt := range []struct {
		o    *Owners
		path string
		line int
		want string
	}{
		{o, "README.md", 2, "@global-owner1 @global-owner2"},
		{o, "src/deep/README.md", 2, "@global-owner1 @global-owner2"},
		{o, "a.js", 3, "@js-owner"},
		{o, "src/deep/a.js", 3, "@js-owner"},
		{o, "src/a.JS", 2, "@global-owner1 @global-owner2"}, // paths are case sensitive
		{o, "a.go", 4, "@docs-owner"},
		{o, "a.txt", 5, "@octo-org/octocats"},
		{upTo(6), "build/logs/a", 6, "@doctocat"},
		{upTo(6), "build/logs/deep/a", 6, "@doctocat"},
		{upTo(6), "src/build/logs/a", 2, "@global-owner1 @global-owner2"},
		{upTo(6), "build/logs", 2, "@global-owner1 @global-owner2"}, // a file of that name
		{upTo(7), "docs/getting-started.md", 7, "@docs-owner"},
		{upTo(7), "docs/build-app/troubleshooting.md", 2, "@global-owner1 @global-owner2"},
		{upTo(7), "src/docs/a.md", 2, "@global-owner1 @global-owner2"},
		{o, "src/apps/deep/a", 8, "@octocat"},
		{o, "docs/build-app/troubleshooting.md", 9, "@doctocat"},
		{o, "scripts/deep/a", 10, "@doctocat @octocat"},
		{o, "build/logs/a", 11, "@octocat"},
		{o, "scripts/logs", 11, "@octocat"},
		{o, "deeply/nested/logs/more/a.js", 11, "@octocat"},
		{o, "apps/a", 12, "@octocat"},
		{o, "apps/github/a", 13, ""},
		{o, "apps/github", 13, ""},
		{o, "apps/githubx", 12, "@octocat"},
	} {
		got, line := tt.o.Of(tt.path)
		if strings.Join(got, " ") != tt.want || line != tt.line || (got == nil) != (tt.want == "") {
			t.Errorf("%s: %q by line %d, want %q by line %d", tt.path, got, line, tt.want, tt.line)
		}
	}
}

func TestOwnersOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, path string
		line       int
	}{
		{"/scripts/* @a", "scripts/x", 1},
		{"/scripts/* @a", "scripts/x/y", 0},
		{"/* @a", "x", 1},
		{"/* @a", "x/y", 0},
		{"* @a", ".github/x/y", 1},
		{"** @a", "x/y", 1},
		{"docs/** @a", "docs/x/y", 1},
		{"docs/** @a", "docs", 0},
		{"docs/**/*.md @a", "docs/x.md", 1},
		{"docs/**/*.md @a", "docs/x/y/z.md", 1},
		{"docs/**/*.md @a", "x/docs/y.md", 0},
		{"**/a/b @a", "x/a/b/c", 1},
		{"/**/a @a", "a", 1},
		{"a/*/c @a", "a/b/c/d", 1},
		{"a/*/c @a", "a/b/b/c", 0},
		{"*/ @a", "x", 0},
		{"*/ @a", "x/y", 1},
		{"a?.md @a", "aé.md", 1},
		{"a?.md @a", "a/.md", 0},
		{"*a*b*.md @a", "xaaxxbx.md", 1},
		{"*a*b*.md @a", "xbxa.md", 0},
		{"{a,b}.md @a", "a.md", 0},
		{"{a,b}.md @a", "{a,b}.md", 1},
		{`my\ prompt.md @a`, "my prompt.md", 1},
		{`a\*b @a`, "a*b", 1},
		{`a\*b @a`, "axb", 0},
		{"a#b @a", "a#b", 1},
		{"\t x \t @a\r", "x", 1},
		{"x @a\nx @b\nx", "x", 3},
		{"x\nx @b\n*.md @c", "x", 2},
		{"x @b\n# x\n\n", "x", 1},
		{"\ufeffx @b", "x", 1},
	} {
		o := owners(t, tt.file)
		if got, line := o.Of(tt.path); line != tt.line || (got == nil) != (line == 0 || line == 3) {
			t.Errorf("%q gives %q to %q by line %d, want line %d", tt.file, tt.path, got, line, tt.line)
		}
	}
}

func TestOwnersProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, says, fix string }{
		{"!x @a", "begins with !", "clears the owners"},
		{`\#x @a`, `begins with \#`, "in place of the #"},
		{"[ab].md @a", "has [ or ]", "a line for each"},
		{"x\u200b @a", "cannot be seen", "visible"},
		{"x\u00a0@a", "cannot be seen", "visible"},
		{"x\xff @a", "cannot be seen", "visible"},
		{"/ @a", "empty step", "`*`"},
		{"a//b @a", "empty step", "as the repository lists it"},
		{"./x @a", "no path has", "`/x`"},
		{"a/../x @a", "no path has", ""},
		{`x\`, "backslash", "forward slashes"},
		{strings.Repeat("x", 1025) + " @a", "longer than 1024 bytes", "folder"},
		{"x docs@example.com", "`docs@example.com` is an e-mail address", "the login"},
		{"x @a docs@example.com", "e-mail", "the login"},
		{"x octocat", "`octocat` is no owner", "`@octocat`"},
		{"x org/team", "is no owner", "`@org/team`"},
		{"x @dependabot[bot]", "is no owner", "`@login` or `@org/team`"},
		{"x @a#comment", "is no owner", "`@login` or `@org/team`"},
		{"x @org/team/child", "is no owner", "`@login` or `@org/team`"},
		{"x" + strings.Repeat(" @a", 101), "has 101 owners", "a team"},
	} {
		o, problems := ParseOwners([]byte("* @before\n" + tt.line + "\n/y @after\n"))
		if len(problems) != 1 || problems[0].Line != 2 || !strings.Contains(problems[0].Says, tt.says) || !strings.Contains(problems[0].Fix, tt.fix) {
			t.Errorf("%q: %v", tt.line, problems)
			continue
		}
		same(t, o.problem(2), problems[0])
		for path, want := range map[string]int{"x": 1, "a.md": 1, "y": 3} {
			if _, line := o.Of(path); line != want {
				t.Errorf("%q: %s is owned by line %d, want %d", tt.line, path, line, want)
			}
		}
	}
}

func TestManyOwnersProblems(t *testing.T) {
	t.Parallel()
	o, problems := ParseOwners([]byte(strings.Repeat("x y\n", 60) + "z @a"))
	if len(problems) != enough+1 || problems[enough].Says != "10 more lines with a problem" {
		t.Errorf("%v", problems)
	}
	if line, _ := o.bad.last("x"); line != 60 {
		t.Errorf("line %d is the last that is skipped", line)
	}
}

// GitHub ignores a file above 3 MB: nobody owns anything then.
func TestOwnersOfThreeMegabytes(t *testing.T) {
	t.Parallel()
	most := []byte("* @a\n" + strings.Repeat("#", MaxOwners-5))
	o, problems := ParseOwners(most)
	if got, line := o.Of("x"); problems != nil || line != 1 || got == nil {
		t.Errorf("3 MB: %q by line %d, %v", got, line, problems)
	}
	o, problems = ParseOwners(append(most, '#'))
	if got, line := o.Of("x"); len(problems) != 1 || problems[0].Line != 0 || line != 0 || got != nil {
		t.Errorf("a byte more: %q by line %d, %v", got, line, problems)
	}
}

// The last line that matches wins, whatever is looked up and whatever is tried: the
// index agrees with each line as a regular expression, tried from the last.
func TestOwnersIndex(t *testing.T) {
	t.Parallel()
	piece := rapid.SampledFrom([]string{"a", "b", "*", "**", "?", "a*", "*b", "*a*b"})
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		for range rapid.IntRange(1, 6).Draw(t, "lines") {
			p := strings.Join(rapid.SliceOfN(piece, 1, 3).Draw(t, "steps"), "/")
			lines = append(lines, pick(t, "begin", "", "/")+p+pick(t, "end", "", "/")+" @x")
		}
		path := strings.Join(rapid.SliceOfN(rapid.StringMatching(`[ab]{1,3}`), 1, 4).Draw(t, "path"), "/")
		o, problems := ParseOwners([]byte(strings.Join(lines, "\n")))
		if problems != nil {
			t.Fatal(problems)
		}
		want := len(lines)
		for want > 0 && !ownerRegexp(strings.TrimSuffix(lines[want-1], " @x")).MatchString(path) {
			want--
		}
		if _, line := o.Of(path); line != want {
			t.Fatalf("%q: %q is line %d, want %d", lines, path, line, want)
		}
	})
}

func ownerRegexp(p string) *regexp.Regexp {
	body := strings.Trim(p, "/")
	begin := "^"
	if !strings.Contains(strings.TrimSuffix(p, "/"), "/") {
		begin = "^(.*/)?"
	}
	end := "(/.*)?$"
	switch {
	case strings.HasSuffix(p, "/"):
		end = "/.+$"
	case body == "*" || strings.HasSuffix(body, "/*"):
		end = "$"
	}
	out := ""
	for i, step := range strings.Split(body, "/") {
		last := i == strings.Count(body, "/")
		switch {
		case step == "**" && last:
			out, end = out+".+", "$"
		case step == "**":
			out += "(.*/)?"
		default:
			out += strings.NewReplacer("*", "[^/]*", "?", "[^/]").Replace(step)
			if !last {
				out += "/"
			}
		}
	}
	return regexp.MustCompile(begin + out + end)
}

func FuzzParseOwners(f *testing.F) {
	for _, s := range []string{documented, "", "x", "\\", "x\\ y @a", "/", "//", "** @a", "*a*a*a*a*a*a*b @a", "\ufeff\x00", "x @a @b/c d@e #f"} {
		f.Add([]byte(s), "docs/a.js")
	}
	f.Fuzz(func(t *testing.T, data []byte, path string) {
		o, problems := ParseOwners(data)
		lines := strings.Split(string(data), "\n")
		placed(t, problems, len(lines))
		got, line := o.Of(path)
		if line < 0 || line > len(lines) || got != nil && line == 0 {
			t.Fatalf("%q by line %d of %d", got, line, len(lines))
		}
		for _, owner := range got {
			if owner != strings.ToLower(owner) || !strings.Contains(strings.ToLower(lines[line-1]), owner) {
				t.Errorf("%q is not on line %d: %q", owner, line, lines[line-1])
			}
		}
		for _, p := range problems {
			if p.Line == line && line > 0 {
				t.Errorf("line %d owns and is skipped", line)
			}
		}
	})
}

// dearOwners are lines of which a hostile file of 3 MB may be made.
var dearOwners = map[string]func(i int) string{
	"folders":    func(i int) string { return fmt.Sprintf("/a/%x @a\n", i) },
	"wildcards":  func(i int) string { return fmt.Sprintf("*%x*z @a\n", i) },
	"long stars": func(int) string { return strings.Repeat("*a", 500) + "b @a\n" },
	"any depth":  func(i int) string { return fmt.Sprintf("**/%x/**/y @a\n", i) },
	"mistakes":   func(int) string { return "a a\n" },
}

func dearFile(size int, line func(int) string) []byte {
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		b.WriteString(line(i))
	}
	return []byte("* @first\n" + b.String())
}

// A path that takes too many patterns to try has no owner, not that of the lines
// which were not tried; one that is looked up has.
func TestOwnersBoundedWork(t *testing.T) {
	t.Parallel()
	for name, line := range dearOwners {
		o, _ := ParseOwners(dearFile(MaxOwners/8, line))
		got, at := o.Of(strings.Repeat("a", 200))
		if want := name == "folders" || name == "mistakes"; (at == 1) != want || (got != nil) != want {
			t.Errorf("%s: %q by line %d", name, got, at)
		}
		if _, line := o.Of("a/fff"); name == "folders" && line != 0x1001 {
			t.Errorf("a/fff is owned by line %d", line)
		}
	}
}

// 3 MB and both ends of 3,000 renames.
func BenchmarkOwners(b *testing.B) {
	for name, line := range dearOwners {
		b.Run(name, func(b *testing.B) {
			data := dearFile(MaxOwners-2048, line)
			b.ReportAllocs()
			for b.Loop() {
				o, _ := ParseOwners(data)
				for i := range 6000 {
					o.Of(strings.Repeat("a/", i%50) + strings.Repeat("a", i%900))
				}
			}
		})
	}
}
