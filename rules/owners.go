package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxOwners is the largest CODEOWNERS file that holds, in bytes: GitHub ignores a
// file above 3 MB (GitHub documentation, "About code owners").
const MaxOwners = 3 << 20

// OwnersPaths are the places of a CODEOWNERS file in the order in which GitHub
// looks; the first that is there counts and the others are ignored.
func OwnersPaths() []string {
	return []string{".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"}
}

// Owners is a CODEOWNERS file: who owns which path. Only ParseOwners makes one,
// and nothing changes it afterwards.
type Owners struct {
	good, bad ownerIndex
	owners    map[int][]string // by line of good
	texts     map[int]string   // by line that is skipped
	tooLarge  bool
}

// ParseOwners reads a CODEOWNERS file by GitHub's documented syntax: patterns as in
// gitignore, without !, [ ] and \#, each followed by its owners. A line that GitHub
// would skip, or whose owner is an e-mail address, is a problem and holds for
// nothing; the other lines hold. The first 50 problems are returned.
func ParseOwners(data []byte) (*Owners, Problems) {
	o := &Owners{owners: map[int][]string{}, texts: map[int]string{}}
	if len(data) > MaxOwners {
		o.tooLarge = true
		return o, Problems{{Code: CodeOwnersLine, Says: fmt.Sprintf("the file has %d bytes, and GitHub ignores one above 3 MB", len(data)),
			Fix: "fewer lines, with patterns for whole folders"}}
	}
	var problems Problems
	n := 0
	for text := range strings.SplitSeq(strings.TrimPrefix(string(data), "\ufeff"), "\n") {
		n++
		l, wrong := readOwnerLine(text)
		switch {
		case wrong.Says != "":
			o.texts[n] = text
			o.bad.add(l.pattern, n)
			if wrong.Line = n; len(problems) < enough {
				problems = append(problems, wrong)
			}
		case l.pattern != "":
			o.good.add(l.pattern, n)
			o.owners[n] = l.owners
		}
	}
	if more := len(o.texts) - len(problems); more > 0 {
		problems = append(problems, Problem{Code: CodeOwnersLine, Line: problems[enough-1].Line,
			Says: count(more, "more line") + " with a problem", Fix: "mend the lines above and look again"})
	}
	return o, problems
}

// Of returns who owns a path: @login and @org/team in lower case, by the last line
// that matches, and that line. Owners are nil when no line matches (line 0), when
// the line clears ownership, and when the file has more patterns than can be tried.
func (o *Owners) Of(path string) (owners []string, line int) {
	line, ok := o.good.last(path)
	if !ok {
		return nil, 0
	}
	return o.owners[line], line
}

// problem says again what is wrong with a skipped line: a file may have half a
// million of them, so they are not kept.
func (o *Owners) problem(line int) Problem {
	_, wrong := readOwnerLine(o.texts[line])
	wrong.Line = line
	return wrong
}

// ownerLine is one line of CODEOWNERS. Pattern is empty where the line has none, or
// none that could be read.
type ownerLine struct {
	pattern string
	owners  []string
}

func readOwnerLine(text string) (l ownerLine, wrong Problem) {
	pattern, names := cutOwnerLine(text)
	if pattern == "" {
		return l, wrong
	}
	wrong.Code, wrong.Column = CodeOwnersLine, 1
	if wrong.Says, wrong.Fix = badOwnerPattern(pattern); wrong.Says != "" {
		return l, wrong
	}
	l.pattern = pattern
	if len(names) > maxOwnersOfLine {
		wrong.Says, wrong.Fix = code(pattern)+" has "+count(len(names), "owner")+", more than anybody can ask", "a team"
		return l, wrong
	}
	for _, name := range names {
		if wrong.Says, wrong.Fix = badOwner(name); wrong.Says != "" {
			return l, wrong
		}
		l.owners = append(l.owners, strings.ToLower(name))
	}
	return l, Problem{}
}

// maxOwnersOfLine bounds the work of matching reviewers to the owners of thousands
// of files. A rule of the policy may name as many.
const maxOwnersOfLine = 100

// cutOwnerLine splits a line at white space into the pattern and the owners, up to
// a comment. A backslash keeps the white space after it in the pattern.
func cutOwnerLine(text string) (pattern string, owners []string) {
	text = strings.Trim(text, " \t\r")
	if strings.HasPrefix(text, "#") {
		return "", nil
	}
	end := 0
	for end < len(text) && text[end] != ' ' && text[end] != '\t' {
		if text[end] == '\\' {
			end++
		}
		end++
	}
	end = min(end, len(text))
	for _, name := range strings.FieldsFunc(text[end:], func(r rune) bool { return r == ' ' || r == '\t' }) {
		if strings.HasPrefix(name, "#") {
			break
		}
		owners = append(owners, name)
	}
	return text[:end], owners
}

// maxOwnerPattern bounds what is compared with every path.
const maxOwnerPattern = 1024

func badOwnerPattern(p string) (wrong, fix string) {
	steps := "/" + strings.Trim(p, "/") + "/"
	switch {
	case strings.HasPrefix(p, "!"):
		return code(p) + " begins with !, which CODEOWNERS does not have", "a later line with the pattern alone: it clears the owners"
	case strings.HasPrefix(p, `\#`):
		return code(p) + ` begins with \#, which CODEOWNERS does not have`, "a pattern such as `*` in place of the #"
	case strings.ContainsAny(p, "[]"):
		return code(p) + " has [ or ], which CODEOWNERS does not have", "a line for each of the names"
	case !utf8.ValidString(p) || strings.ContainsFunc(p, unseen):
		return code(p) + " has a character that cannot be seen", "the path in visible characters"
	case strings.Contains(p, "//") || p == "/":
		return code(p) + " has an empty step, so it matches no path", "the path as the repository lists it, or `*` for every file"
	case strings.Contains(steps, "/../") || strings.Contains(steps, "/./"):
		return code(p) + " has a step that no path has, so it matches none", code("/" + rooted(p))
	case (len(p)-len(strings.TrimRight(p, `\`)))%2 == 1 || strings.Contains(p, `\/`):
		return code(p) + " has a backslash with nothing to keep", "forward slashes"
	case len(p) > maxOwnerPattern:
		return code(p) + " is longer than " + count(maxOwnerPattern, "byte"), "a pattern for the folder"
	}
	return "", ""
}

// unseen reports whether a character looks like nothing, or like a space that does
// not end a pattern.
func unseen(r rune) bool {
	return r != '\t' && hidden(r) || r != ' ' && unicode.Is(unicode.Zs, r)
}

func badOwner(name string) (wrong, fix string) {
	login, at := strings.CutPrefix(name, "@")
	switch {
	case teamName.MatchString(name) || at && loginName.MatchString(login):
		return "", ""
	case strings.Contains(login, "@"):
		return code(name) + " is an e-mail address, which names nobody who can be asked", "the login, such as `@octocat`"
	case loginName.MatchString(name) || teamName.MatchString("@"+name):
		return code(name) + " is no owner", code("@" + name)
	}
	return code(name) + " is no owner", "`@login` or `@org/team`"
}
