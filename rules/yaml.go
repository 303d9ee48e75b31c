package rules

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	yaml "go.yaml.in/yaml/v4"
)

// reader collects every problem of one YAML text instead of stopping at the
// first, so that an author fixes a file once.
type reader struct {
	problems Problems
	line     int // added to every line: the text may start inside another file
}

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
	r.problems = append(r.problems, Problem{
		Code: CodeSyntax, Line: e.Mark.Line + r.line, Column: e.Mark.Column,
		Says: inline(says), Fix: "valid YAML",
	})
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

func (r *reader) add(n *yaml.Node, code, says, fix string) {
	p := Problem{Code: code, Says: says, Fix: fix}
	if n != nil {
		p.Line, p.Column = n.Line+r.line, n.Column
	}
	r.problems = append(r.problems, p)
}

// A field is one key of a mapping and what reads its value.
type field struct {
	name string
	read func(*yaml.Node)
}

// fields reads a mapping: every key once, no key that is not listed. It reports
// which keys were there.
func (r *reader) fields(n *yaml.Node, where string, fs ...field) map[string]bool {
	seen := map[string]bool{}
	if n.Kind != yaml.MappingNode {
		r.add(n, CodeValue, where+" is "+kindOf(n), "a mapping with "+names(fs))
		return seen
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f := find(fs, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode || f == nil:
			r.add(key, CodeUnknownKey, code(key.Value)+" is not a key of "+where, nearest(key.Value, fs))
		case seen[key.Value]:
			r.add(key, CodeDuplicate, code(key.Value)+" is written twice in "+where, "keep one")
		case value.Tag == "!!null":
			seen[key.Value] = true // an empty template line is the same as no line
		default:
			seen[key.Value] = true
			f.read(value)
		}
	}
	return seen
}

func find(fs []field, name string) *field {
	for i := range fs {
		if fs[i].name == name {
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

// Nearest returns the word of all closest to word, or "" when none is near
// enough to be what was meant.
func Nearest(word string, all []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", len(word)/2+1
	for _, w := range all {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// text reads a scalar as the text it was written as: `9e3` is a commit, not a number.
func (r *reader) text(where string, to *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			r.add(n, CodeValue, where+" is "+kindOf(n), "a single value")
			return
		}
		*to = strings.TrimSpace(n.Value)
	}
}

// oneOf reads a word of a fixed set.
func (r *reader) oneOf(where string, to *string, words ...string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		for _, w := range words {
			if n.Kind == yaml.ScalarNode && n.Value == w {
				*to = w
				return
			}
		}
		r.add(n, CodeValue, where+" is "+shown(n), "one of "+strings.Join(words, ", "))
	}
}

func (r *reader) number(where string, least, most int, to *int) func(*yaml.Node) {
	return func(n *yaml.Node) {
		v, err := strconv.Atoi(n.Value)
		if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || err != nil || v < least || v > most {
			r.add(n, CodeValue, where+" is "+shown(n), fmt.Sprintf("a whole number from %d to %d", least, most))
			return
		}
		*to = v
	}
}

// list calls read for every item of a sequence.
func (r *reader) list(where string, read func(i int, n *yaml.Node)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.SequenceNode {
			r.add(n, CodeValue, where+" is "+kindOf(n), "a list")
			return
		}
		for i, item := range n.Content {
			read(i, item)
		}
	}
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
	if n.Kind != yaml.ScalarNode {
		return kindOf(n)
	}
	if n.Value == "" {
		return "empty"
	}
	return code(n.Value)
}
