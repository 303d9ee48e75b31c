package rules

import (
	"regexp"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// linesOf splits a text as RequestsIn counts its lines: at \n, \r\n and a lone \r.
// Joined they are the text again.
func linesOf(body string) []string {
	var out []string
	for body != "" {
		n := strings.IndexAny(body, "\r\n") + 1
		switch {
		case n == 0:
			n = len(body)
		case body[n-1] == '\r' && n < len(body) && body[n] == '\n':
			n++
		}
		out, body = append(out, body[:n]), body[n:]
	}
	return out
}

func bare(line string) string { return strings.TrimRight(line, "\r\n") }

func ended(line string) bool { return bare(line) != line }

// ending is how the line before number at ends, or else the first one.
func ending(lines []string, at int) string {
	for _, i := range []int{at - 1, 0} {
		if i >= 0 && i < len(lines) && ended(lines[i]) {
			return lines[i][len(bare(lines[i])):]
		}
	}
	return "\n"
}

// line is the number of a node's line among the description's, from 0.
func (e *edit) line(n *yaml.Node) int { return e.text.Line - 1 + n.Line - 1 }

// at finds a node in the description: what stands before it on its line and from it
// on. The block's own indentation is no part of the YAML text. It is not found where
// a tab is half of one and half of the other.
func (e *edit) at(n *yaml.Node) (before, after string, ok bool) {
	content := strings.Split(e.text.Text, "\n")
	if n.Line < 1 || n.Line > len(content) || e.line(n) >= len(e.lines) {
		return "", "", false
	}
	seen, raw := content[n.Line-1], bare(e.lines[e.line(n)])
	runes := []rune(seen) // the parser counts characters
	if !strings.HasSuffix(raw, seen) || n.Column < 1 || n.Column-1 > len(runes) {
		return "", "", false
	}
	after = string(runes[n.Column-1:])
	return strings.TrimSuffix(raw, after), after, true
}

// keyColon is a key of our own words up to its colon.
var keyColon = regexp.MustCompile(`^["']?[a-z_]+["']?[ \t]*:`)

// replace returns the ways to give a key of the change another value; found is
// false when the key is not there. A value over several lines is not replaced.
func (e *edit) replace(key, value string) (tries []string, found bool) {
	k, v := child(e.change, key)
	if k == nil {
		return nil, false
	}
	if before, after, ok := e.at(v); ok && v.Kind == yaml.ScalarNode {
		for _, quote := range []string{`"`, "'", ""} {
			old := quote + v.Value + quote
			if rest, ok := strings.CutPrefix(after, old); ok && old != "" {
				return []string{e.with(e.line(v), before+quote+value+quote+rest)}, true
			}
		}
	}
	if before, after, ok := e.at(k); ok && v.Kind == yaml.ScalarNode && v.Value == "" {
		colon := keyColon.FindString(after)
		return []string{e.with(e.line(k), before+colon+" "+value+after[len(colon):])}, true
	}
	return nil, true
}

// with is the description with another text on one line.
func (e *edit) with(at int, text string) string {
	out := slices.Clone(e.lines)
	out[at] = text + out[at][len(bare(out[at])):]
	return strings.Join(out, "")
}

// add returns the ways to add a key that is not there, the best first. What follows
// its colon is rest.
func (e *edit) add(key, rest string) []string {
	parent, name, nested := strings.Cut(key, ".")
	if !nested {
		return e.under(e.key, e.change, e.end(nil), parent, parent+":"+rest)
	}
	k, v := child(e.change, parent)
	if k == nil {
		return e.under(e.key, e.change, e.end(nil), parent, parent+":", "  "+name+":"+rest)
	}
	return e.under(k, v, e.end(k), key, name+":"+rest)
}

// end is the number of the line behind what belongs to a key of the change, or to
// the change itself.
func (e *edit) end(key *yaml.Node) int {
	if i := slices.Index(e.change.Content, key); key != nil && i+2 < len(e.change.Content) {
		return e.line(e.change.Content[i+2])
	}
	return e.text.Line - 1 + strings.Count(strings.TrimSuffix(e.text.Text, "\n"), "\n") + 1
}

// under returns the ways to add lines to the mapping of a key, which ends before the
// line number end: behind the keys that come before name in a change request.
func (e *edit) under(key, mapping *yaml.Node, end int, name string, lines ...string) []string {
	if blank(mapping) {
		indent, _, ok := e.at(key)
		return e.insert(ok, indent+"  ", lines, e.line(key)+1)
	}
	if mapping.Kind != yaml.MappingNode || mapping.Style&yaml.FlowStyle != 0 || len(mapping.Content) == 0 {
		return nil
	}
	in := name[:strings.LastIndexByte(name, '.')+1]
	for i := len(mapping.Content) - 2; i >= 0 && position(in+mapping.Content[i].Value) > position(name); i -= 2 {
		end = e.line(mapping.Content[i])
	}
	behind := end // the comment above the next key stays with it
	for behind > 1 && apart.MatchString(bare(e.lines[behind-1])) {
		behind--
	}
	indent, _, ok := e.at(mapping.Content[0])
	return e.insert(ok, indent, lines, behind, end, e.line(mapping.Content[0]))
}

// position is where a key stands in a change request; one that is not known comes
// first.
func position(key string) int {
	return slices.IndexFunc(form, func(f struct{ key, hint string }) bool { return f.key == key || strings.HasPrefix(f.key, key+".") })
}

// apart is a line that belongs to no value: empty, or a comment.
var apart = regexp.MustCompile(`^[ \t]*(#.*)?$`)

// insert returns the description with the lines, indented, before each of the line
// numbers.
func (e *edit) insert(ok bool, indent string, lines []string, before ...int) []string {
	if !ok || strings.Trim(indent, " \t") != "" {
		return nil
	}
	var tries []string
	for _, at := range before {
		eol := ending(e.lines, at)
		added := indent + strings.Join(lines, eol+indent)
		if ended(e.lines[at-1]) {
			added += eol
		} else {
			added = eol + added
		}
		tries = append(tries, strings.Join(e.lines[:at], "")+added+strings.Join(e.lines[at:], ""))
	}
	return tries
}
