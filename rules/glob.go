package rules

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/bmatcuk/doublestar/v4"
	yaml "go.yaml.in/yaml/v4"
)

// A pattern is one glob made ready to match: in lower case, with the part before
// its first wildcard, which settles most paths without matching.
type pattern struct {
	body   string
	prefix string
	tree   bool // body is prefix and **: everything below a folder
	out    bool // begins with "!"
	tries  int  // how many patterns without braces it stands for
}

// A matcher is a list of patterns.
type matcher []pattern

// fold makes names that a case-folding disk takes for one the same: lower case is not
// enough, which leaves the long s of promptſ beside prompts.
func fold(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return unicode.ToLower(least)
	}, s)
}

func newMatcher(globs []string) matcher {
	var m matcher
	for _, g := range globs {
		body, out := strings.CutPrefix(fold(g), "!")
		p := pattern{body: body, prefix: body, out: out, tries: choices(body)}
		if i := strings.IndexAny(body, "*?[{"); i >= 0 {
			p.prefix = body[:i]
			p.tree = body[i:] == "**" && strings.HasSuffix(p.prefix, "/")
		}
		m = append(m, p)
	}
	return m
}

// governs reports whether path, in lower case, matches one of the patterns and
// none of those that begin with "!". Case is ignored: on a case-folding disk
// prompts/A.md and Prompts/a.md are one file.
func (m matcher) governs(path string) bool {
	in := false
	for i := range m {
		if p := &m[i]; p.matches(path) {
			if p.out {
				return false
			}
			in = true
		}
	}
	return in
}

// tries is the work of governs on one path.
func (m matcher) tries() int {
	n := 0
	for i := range m {
		n += m[i].tries
	}
	return n
}

func (p *pattern) matches(path string) bool {
	if !strings.HasPrefix(path, p.prefix) {
		// `prompts/**` also matches a file called prompts.
		return p.tree && path == p.prefix[:len(p.prefix)-1]
	}
	if p.tree {
		return true
	}
	ok, err := doublestar.Match(p.body, path)
	return ok && err == nil
}

// glob reads one path pattern and refuses those that can never match, which
// would be rules that silently do not exist.
func (r *reader) glob(to *[]string) func(string, *yaml.Node) {
	return func(where string, n *yaml.Node) {
		var g string
		before := len(r.problems)
		r.text(where, &g)(n)
		if len(r.problems) > before {
			return
		}
		if wrong, fix := badGlob(g); wrong != "" {
			r.add(n, CodeGlob, where+" "+wrong, fix)
			return
		}
		*to = append(*to, g)
	}
}

func badGlob(g string) (wrong, fix string) {
	body, out := strings.CutPrefix(g, "!")
	sign := ""
	if out {
		sign = "!"
	}
	switch {
	case body == "":
		return "is " + code(g) + ", which matches nothing", "a path such as `prompts/**`"
	case len(g) > 256 || choices(g) > mostChoices:
		return fmt.Sprintf("is longer than 256 characters or stands for more than %d patterns", mostChoices), "several shorter patterns"
	case strings.HasPrefix(body, "!"):
		return "is " + code(g) + ", which is excluded twice", code(sign + strings.TrimLeft(body, "!"))
	case rooted(body) != body:
		return code(g) + " never matches: patterns are relative to the repository's root", code(sign + rooted(body))
	case strings.HasSuffix(body, "/"):
		return code(g) + " never matches a file", code(g + "**")
	case strings.Contains(body, "\\"):
		return code(g) + " has a backslash", "forward slashes"
	case strings.Contains("/"+body+"/", "/../") || strings.Contains("/"+body+"/", "/./") || strings.Contains(body, "//"):
		return code(g) + " has a step that no path has (.., . or an empty one)", "the path as the repository lists it"
	case !doublestar.ValidatePattern(body) || !doublestar.ValidatePattern(fold(body)):
		return code(g) + " is not a pattern", "close every [ and {"
	case strings.Contains(body, "[[:") || strings.Contains(body, "{}") || mixedRange.MatchString(body):
		return code(g) + " has a class or an empty choice that does not match as it looks", "the characters or names themselves"
	case gluedStars(body):
		// Joined to other characters, ** stays inside one folder: prompts/**.md would
		// leave prompts/refunds/a.md to anybody.
		return code(g) + " has ** beside other characters, where it crosses no folder", "** as a folder of its own, such as `prompts/**/*.md`"
	}
	return "", ""
}

// mostChoices bounds what the brace groups of one pattern multiply to. All are tried
// on every path: three groups of 41 take 4 to 90 ms a match, and whoever may open a
// pull request may bring a policy full of them.
const mostChoices = 200

// choices is how many patterns without braces a pattern stands for, at most: as many
// as when its alternatives are spread evenly. A brace or comma in a class counts too.
func choices(g string) int {
	groups := strings.Count(g, "{")
	n := 1
	for range groups {
		n = min(n*((strings.Count(g, ",")+2*groups-1)/groups), mostChoices+1)
	}
	return n
}

// mixedRange is a range from a capital to something else: case is ignored, so it
// would be another range than it looks.
var mixedRange = regexp.MustCompile(`\[[^\]]*[A-Z]-[^A-Z\]]`)

// gluedStars reports whether ** is not a whole step of the path.
func gluedStars(body string) bool {
	for step := range strings.SplitSeq(body, "/") {
		if step != "**" && strings.Contains(step, "**") {
			return true
		}
	}
	return false
}

// rooted takes off what people write for "from the root"; .github keeps its dot.
func rooted(body string) string {
	for {
		short := strings.TrimPrefix(strings.TrimPrefix(body, "/"), "./")
		if short == body {
			return body
		}
		body = short
	}
}

// Globs returns every pattern with its group, for people to see a wrong one.
func (p *Policy) Globs() []string {
	var out []string
	for _, g := range p.judged {
		for _, path := range g.Paths {
			out = append(out, path+" ("+g.Name+")")
		}
	}
	return out
}
