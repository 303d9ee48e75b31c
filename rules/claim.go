package rules

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/Masterminds/semver/v3"
	yaml "go.yaml.in/yaml/v4"
)

// MaxManifest is the largest agent manifest read, in bytes: some hold the prompt.
const MaxManifest = 256 << 10

// A claim is what a manifest says of its agent's version.
type claim struct {
	there    bool
	version  string          // as written; empty when it says none
	at       *semver.Version // nil when version is not MAJOR.MINOR.PATCH
	replaces string
	line     int // of version, else the first
	wrong    Problems
	vague    bool // it cannot be read, and may hold a version
}

// Keys of a manifest that are the gate's business; all others are the agent's own.
const (
	keyVersion  = "version"
	keyReplaces = "replaces"
)

// versionLine is what looks like a version at the top level of YAML, and versionKey what
// does anywhere in a text with braces.
var (
	versionLine = regexp.MustCompile(`(?m)^\s{0,4}["']?version["']?\s*:`)
	versionKey  = regexp.MustCompile(`(?m)(?:^|[^\w-])version["']?\s*:`)
)

// directive is a line of which the parser takes no number but its own.
var directive = regexp.MustCompile(`^%YAML 1\.\d+\s*$`)

// readClaim reads a manifest. Anchors, tags and depth are the agent's own business, as
// long as `version` and `replaces` are plain and each is there once at the top level.
func readClaim(data []byte) claim {
	c := claim{there: data != nil, line: 1}
	if !c.there {
		return c
	}
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	braces := bytes.HasPrefix(trimmed, []byte("{")) && !bytes.HasPrefix(trimmed, []byte("{{")) // of a template
	r, said := &reader{}, false
	if braces && len(text) <= MaxManifest && utf8.Valid(text) && json.Valid(text) {
		said = c.readJSON(r, text)
	} else if root := r.parse(undirected(text), MaxManifest); root != nil {
		said = c.readYAML(r, root)
	}
	if c.wrong = r.all(); len(c.wrong) > 0 {
		// A chart or a workflow that this loader does not take is no manifest. One that
		// was made unreadable to hide its version is.
		c.version, c.at, c.replaces = "", nil, ""
		c.vague = said || versionLine.Match(text) || braces && versionKey.Match(text)
	}
	return c
}

// undirected turns the directive of a text into a comment of the same length.
func undirected(text []byte) []byte {
	at := 0
	for line := range bytes.Lines(text) {
		switch trimmed := bytes.TrimSpace(line); {
		case directive.Match(line):
			out := slices.Clone(text)
			out[at] = '#'
			return out
		case len(trimmed) > 0 && trimmed[0] != '#':
			return text
		}
		at += len(line)
	}
	return text
}

// readYAML reads the keys of the root. Said reports that it may have a version.
func (c *claim) readYAML(r *reader, root *yaml.Node) (said bool) {
	if root.Kind == yaml.AliasNode || root.Style&yaml.TaggedStyle != 0 {
		return !r.plain(root, 0)
	}
	if root.Kind != yaml.MappingNode {
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		switch {
		case key.Kind == yaml.AliasNode, key.Kind == yaml.ScalarNode && key.Style&yaml.TaggedStyle != 0:
			said = !r.plain(key, 0) || said // it is another key to each who reads it
		case key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
			said = true
			r.add(key, CodeSyntax, "`<<` at the top level may bring a version of its own", "the keys themselves that it brings")
		case strings.HasPrefix(key.Value, "//"), strings.HasPrefix(key.Value, "/*"):
			r.add(key, CodeSyntax, "JSON has no comments", "JSON without them")
		case key.Value == keyVersion, key.Value == keyReplaces:
			said = true
			if c.once(r, seen, key) && r.plainly(key, value) && value.Kind == yaml.ScalarNode && !blank(value) {
				c.take(key.Value, value.Value, key.Line)
			}
		}
	}
	return said
}

// plainly refuses what another reader may take for something else.
func (r *reader) plainly(key, value *yaml.Node) bool {
	v := *value
	v.Content = nil
	return r.plain(key, 0) && r.plain(&v, 0)
}

// readJSON reads the keys of a text that is an object of JSON.
func (c *claim) readJSON(r *reader, text []byte) (said bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	_, _ = d.Token() // the brace
	seen := map[string]bool{}
	for line, at := 1, 0; d.More() && !r.full(); {
		key, _ := d.Token()
		name, _ := key.(string)
		end := int(d.InputOffset())
		line, at = line+bytes.Count(text[at:end], []byte("\n")), end
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return said
		}
		if name != keyVersion && name != keyReplaces {
			continue
		}
		said = true
		column := end - bytes.LastIndexByte(text[:end], '\n') - len(name) - 2
		if c.once(r, seen, &yaml.Node{Value: name, Line: line, Column: max(column, 1)}) {
			c.take(name, scalarOf(value), line)
		}
	}
	return said
}

// scalarOf is a value of JSON as it is written, without the quotes of a string; empty when
// it is null, an object or an array.
func scalarOf(value json.RawMessage) string {
	var s string
	switch {
	case value[0] == '{' || value[0] == '[' || string(value) == "null":
		return ""
	case json.Unmarshal(value, &s) == nil:
		return s
	}
	return string(value)
}

// once refuses a key that was there before: which of the two is deployed depends on who
// reads the file.
func (c *claim) once(r *reader, seen map[string]bool, key *yaml.Node) bool {
	if seen[key.Value] {
		r.add(key, CodeDuplicate, code(key.Value)+" is written twice", "keep one")
		return false
	}
	seen[key.Value] = true
	return true
}

func (c *claim) take(key, value string, line int) {
	switch {
	case strings.TrimSpace(value) == "":
	case key == keyReplaces:
		c.replaces = value
	default:
		c.version, c.at, c.line = value, released(value), line
	}
}

// mostVersion is the largest number in a version: above it readers of JSON disagree on
// which it is, and one that ends the range has none after it.
const mostVersion = 1 << 53

// released is a version by the strict grammar of semver.org 2.0.0, nil when it is
// none: 1.2, v1.2.3 and 01.2.3 would each be another version to another reader.
func released(version string) *semver.Version {
	v, err := semver.StrictNewVersion(version)
	if err != nil || max(v.Major(), v.Minor(), v.Patch()) > mostVersion {
		return nil
	}
	return v
}
