package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
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

// lineBreaks are characters at which YAML begins a new line and GitHub's view of
// the text does not: a key behind one would be read and not be seen.
var lineBreaks = regexp.MustCompile("\r[^\n]|\r$|[\u0085\u2028\u2029]")

// load parses one YAML document no larger than limit bytes. Nothing is decoded
// into Go values: a mapping of 40,000 keys costs seconds in the library's check
// for duplicates, and anybody who can open a pull request can send one.
func (r *reader) load(data []byte, limit int) *yaml.Node {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	switch {
	case len(data) > limit:
		r.add(nil, CodeSyntax, fmt.Sprintf("the text is %d bytes long", len(data)), fmt.Sprintf("at most %d bytes", limit))
		return nil
	case !utf8.Valid(data):
		r.add(nil, CodeSyntax, "the text is not valid UTF-8", "save the file as UTF-8")
		return nil
	case bytes.IndexByte(data, 0) >= 0:
		r.add(nil, CodeSyntax, "the text contains a NUL byte", "plain UTF-8 text")
		return nil
	case lineBreaks.Match(data):
		r.add(nil, CodeSyntax, "the text has a line break that people do not see as one (U+0085, U+2028, U+2029 or a lone carriage return)", "ordinary line breaks")
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
	if !r.plain(doc.Content[0], 0) {
		return nil
	}
	return doc.Content[0]
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
	says := strings.TrimPrefix(e.Message, "yaml: ")
	if says == "no documents in stream" {
		says = "the text is empty"
	}
	r.add(&yaml.Node{Line: max(e.Mark.Line, 1), Column: e.Mark.Column}, CodeSyntax, inline(says), "valid YAML")
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

// A field is one key of a mapping and what reads its value.
type field struct {
	name string
	read func(*yaml.Node)
}

// keys are the values of a mapping's keys as written.
type keys map[string]*yaml.Node

// given reports whether a key has a value: `key:` alone, as a template leaves it,
// is the same as no key.
func (ks keys) given(name string) bool { return ks[name] != nil && !blank(ks[name]) }

func blank(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Tag == "!!null" || strings.TrimSpace(n.Value) == "")
}

// fields reads a mapping: every key once, no key that is not listed.
func (r *reader) fields(n *yaml.Node, where string, fs ...field) keys {
	seen := keys{}
	if n.Kind != yaml.MappingNode {
		r.add(n, CodeValue, where+" is "+kindOf(n), "a mapping with "+names(fs))
		return seen
	}
	for i := 0; i+1 < len(n.Content) && !r.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f := find(fs, key)
		switch {
		case f == nil:
			r.add(key, CodeUnknownKey, shown(key)+" is not a key of "+where, nearest(key.Value, fs))
		case seen[f.name] != nil:
			r.add(key, CodeDuplicate, code(f.name)+" is written twice in "+where, "keep one")
		default:
			seen[f.name] = value
			if !blank(value) {
				f.read(value)
			}
		}
	}
	return seen
}

func find(fs []field, key *yaml.Node) *field {
	for i := range fs {
		if key.Kind == yaml.ScalarNode && fs[i].name == key.Value {
			return &fs[i]
		}
	}
	return nil
}

func names(fs []field) string {
	var out []string
	for _, f := range fs {
		out = append(out, code(f.name))
	}
	return strings.Join(out, ", ")
}

func nearest(word string, fs []field) string {
	var all []string
	for _, f := range fs {
		all = append(all, f.name)
	}
	if best := Nearest(word, all); best != "" {
		return code(best)
	}
	return "one of " + names(fs)
}

// text reads a scalar as the text it was written as: `9e3` is a commit, not a number.
func (r *reader) text(where string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode || blank(n) {
			r.add(n, CodeValue, where+" is "+shown(n), "a single value")
			return
		}
		*to = strings.TrimSpace(n.Value)
	}
}

// oneOf reads a word of a fixed set.
func (r *reader) oneOf(where string, to *string, words ...string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && slices.Contains(words, n.Value) {
			*to = n.Value
			return
		}
		r.add(n, CodeValue, where+" is "+shown(n), "one of "+strings.Join(words, ", "))
	}
}

// number reads a whole number as everybody reads it: 0x10, 010 and 1_0 are refused.
func (r *reader) number(where string, least, most int, to *int) func(*yaml.Node) {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	if least == most {
		want = strconv.Itoa(least)
	}
	return func(n *yaml.Node) {
		v, err := strconv.Atoi(n.Value)
		if n.Tag != "!!int" || err != nil || v < least || v > most || strconv.Itoa(v) != n.Value {
			r.add(n, CodeValue, where+" is "+shown(n), want)
			return
		}
		*to = v
	}
}

// list calls read for every item of a sequence of at most most items.
func (r *reader) list(where string, most int, read func(where string, n *yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		switch {
		case n.Kind != yaml.SequenceNode:
			r.add(n, CodeValue, where+" is "+kindOf(n), "a list")
			return
		case len(n.Content) > most:
			r.add(n, CodeValue, fmt.Sprintf("%s has %d entries", where, len(n.Content)), fmt.Sprintf("at most %d", most))
			return
		}
		for i, item := range n.Content {
			if r.full() {
				return
			}
			read(fmt.Sprintf("%s[%d]", where, i), item)
		}
	}
}

func empty(n *yaml.Node) bool { return n.Kind == yaml.SequenceNode && len(n.Content) == 0 }

// excludesOnly reports whether a list of patterns is there and includes nothing.
func excludesOnly(n *yaml.Node) bool {
	if n == nil || n.Kind != yaml.SequenceNode {
		return false
	}
	for _, c := range n.Content {
		if !strings.HasPrefix(c.Value, "!") {
			return false
		}
	}
	return true
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return shown(n)
}

func shown(n *yaml.Node) string {
	switch {
	case n.Kind != yaml.ScalarNode:
		return kindOf(n)
	case blank(n):
		return "empty"
	}
	return code(n.Value)
}
