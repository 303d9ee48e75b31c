package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

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

// fields reads a mapping: every key once, no key that is not listed. A key that is
// misspelt counts as given: that it is also missing would be the same mistake twice.
func (r *reader) fields(n *yaml.Node, where string, fs ...field) keys {
	seen, misspelt := keys{}, []string(nil)
	if n.Kind != yaml.MappingNode {
		r.add(n, CodeValue, where+" is "+kindOf(n), "a mapping with "+keyNames(fs))
		return seen
	}
	for i := 0; i+1 < len(n.Content) && !r.full(); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f := find(fs, key)
		switch {
		case f == nil:
			name := nearest(key.Value, fs)
			misspelt = append(misspelt, name)
			r.add(key, CodeUnknownKey, shown(key)+" is not a key of "+where, meant(name, fs))
		case seen[f.name] != nil:
			r.add(key, CodeDuplicate, code(f.name)+" is written twice in "+where, "keep one")
		default:
			seen[f.name] = value
			if !blank(value) {
				f.read(value)
			}
		}
	}
	for _, name := range misspelt {
		if seen[name] == nil {
			seen[name] = &yaml.Node{Kind: yaml.ScalarNode, Value: name}
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

func keyNames(fs []field) string {
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
	return Nearest(word, all)
}

func meant(name string, fs []field) string {
	if name == "" {
		return "one of " + keyNames(fs)
	}
	return code(name)
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
