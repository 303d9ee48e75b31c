package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

// reader collects every problem of one YAML text instead of stopping at the
// first, so that an author fixes a file once.
type reader struct {
	problems Problems
	line     int // added to every line: the text may start inside another file
}

// enough is how many problems of one text are listed. Nobody reads more, and a
// text of nothing but unknown keys would otherwise cost a second in suggestions.
const enough = 50

func (r *reader) full() bool { return len(r.problems) >= enough }

func (r *reader) add(n *yaml.Node, code, says, fix string) {
	if r.full() {
		return
	}
	p := Problem{Code: code, Says: says, Fix: fix}
	if n != nil {
		p.Line, p.Column = n.Line+r.line, n.Column
	}
	r.problems = append(r.problems, p)
}

// all returns the problems in reading order, and says so when there are more.
func (r *reader) all() Problems {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	if r.full() {
		last := r.problems[len(r.problems)-1]
		r.problems = append(r.problems, Problem{Code: last.Code, Line: last.Line,
			Says: fmt.Sprintf("these are the first %d problems; the rest is not listed", enough), Fix: "mend these and look again"})
	}
	return r.problems
}

// falseBreak reports whether a text has a character at which YAML begins a new
// line and GitHub's view of the text does not: a key behind one would be read and
// not be seen.
func falseBreak(data []byte) bool {
	for _, s := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(data, []byte(s)) {
			return true
		}
	}
	return bytes.Count(data, []byte("\r")) != bytes.Count(data, []byte("\r\n"))
}

// maxMarks bounds what the parser has to build: 256 KB of `[],` take it half a
// second. The longest policies and requests have some thousand.
const maxMarks = 20_000

func marks(data []byte) int {
	n := 0
	for _, c := range data {
		switch c {
		case ',', ':', '[', '{', '\n':
			n++
		}
	}
	return n
}

// load parses one YAML document no larger than limit bytes, in which nothing stands for
// something else.
func (r *reader) load(data []byte, limit int) *yaml.Node {
	root := r.parse(data, limit)
	if root == nil || !r.plain(root, 0) {
		return nil
	}
	return root
}

// parse parses one YAML document no larger than limit bytes. Nothing is decoded
// into Go values: a mapping of 40,000 keys costs seconds in the library's check
// for duplicates, and anybody who can open a pull request can send one.
func (r *reader) parse(data []byte, limit int) *yaml.Node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if says, fix := unreadable(data, limit); says != "" {
		r.add(nil, CodeSyntax, says, fix)
		return nil
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc, yaml.WithUniqueKeys(false)); err != nil {
		r.syntax(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		r.add(nil, CodeSyntax, "the text is empty", "a YAML mapping")
		return nil
	}
	return doc.Content[0]
}

// unreadable says what is wrong with a text before it is parsed.
func unreadable(data []byte, limit int) (says, fix string) {
	switch {
	case len(data) > limit:
		return fmt.Sprintf("the text is %d bytes long", len(data)), fmt.Sprintf("at most %d bytes", limit)
	case marks(data) > maxMarks:
		return fmt.Sprintf("the text has more than %d lines, keys and list entries", maxMarks), "a shorter text"
	case !utf8.Valid(data):
		return "the text is not valid UTF-8", "save the file as UTF-8"
	case bytes.IndexByte(data, 0) >= 0:
		return "the text contains a NUL byte", "plain UTF-8 text"
	case falseBreak(data):
		return "the text has a line break that people do not see as one (U+0085, U+2028, U+2029 or a lone carriage return)", "ordinary line breaks"
	}
	return "", ""
}

func (r *reader) syntax(err error) {
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		for _, e := range many.Errors {
			r.syntaxAt(e)
		}
		return
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		r.syntaxAt(one)
		return
	}
	r.add(nil, CodeSyntax, "the text is not YAML", "valid YAML")
}

func (r *reader) syntaxAt(e *yaml.LoadError) {
	says, fix := strings.TrimPrefix(e.Message, "yaml: "), "valid YAML"
	switch says {
	case "no documents in stream":
		says, fix = "the text is empty", "a YAML mapping"
	case "expected single document, found multiple":
		fix = "one document, without --- lines"
	case "found invalid Unicode character escape code":
		fix = "the character itself: YAML has no escapes of half a character"
	}
	r.add(&yaml.Node{Line: max(e.Mark.Line, 1), Column: max(e.Mark.Column, 1)}, CodeSyntax, inline(says), fix)
}

// plain refuses what has no use in these files and makes them hard to review:
// aliases (a bomb expands to gigabytes), anchors, tags, and nesting past 20.
func (r *reader) plain(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.add(n, CodeSyntax, "anchors and aliases are not used here", "the value itself")
		return false
	case n.Style&yaml.TaggedStyle != 0:
		r.add(n, CodeSyntax, "tag "+code(n.Tag)+" is not used here", "the plain value")
		return false
	case depth > 20:
		r.add(n, CodeSyntax, "the text is nested more than 20 deep", "fewer levels")
		return false
	}
	for _, c := range n.Content {
		if !r.plain(c, depth+1) {
			return false
		}
	}
	return true
}
