package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

// maxCharacters is the longest description GitHub takes.
const maxCharacters = 1 << 16

// form is every key that Complete adds, in the order in which a change request has
// them, and what to write there.
var form = []struct{ key, hint string }{
	{"why", "one sentence: what changes, and for what reason"},
	{"risk", "low, medium or high"},
	{"effective_at", "on-merge, or a time such as " + aLocalTime},
	{"rollback.to", "a commit or tag on the base branch, path@commit, or revert"},
	{"rollback.how", "what whoever is on call does"},
	{"rollback.owner", "a login, or \"@org/team\" in its quotes"},
	{"rollback.tested", "a link to a dry run"},
	{"ticket", "such as SUP-2214"},
	{"requested_by", "the login of whoever an agent acted for"},
}

// SetEffectiveAt writes an effective date, as ParseTime reads it or on-merge, into
// the change request of a description and leaves every other byte alone. What
// cannot be edited without a guess comes back as wrong, with what to do about it.
// It does not see files: the caller looks whether one declares the change.
func SetEffectiveAt(body, value string) (out, wrong, fix string) {
	var want Request
	if want.OnMerge = strings.EqualFold(value, OnMerge); want.OnMerge {
		value = OnMerge
	} else if want.EffectiveAt, wrong, fix = ParseTime(value, nil); wrong != "" {
		return "", wrong, fix
	}
	e, wrong, fix := editOf(body)
	if wrong != "" {
		return "", wrong, fix
	}
	for _, p := range e.problems {
		if p.Line != e.was.dateLine { // one of the date goes away with it
			return "", place(p) + p.Says, p.Fix
		}
	}
	e.was.OnMerge, e.was.EffectiveAt = want.OnMerge, want.EffectiveAt
	tries, found := e.replace("effective_at", value)
	if !found {
		tries = e.add("effective_at", " "+value)
	}
	if out, ok := e.first(tries); ok {
		return out, "", ""
	}
	return "", "`effective_at` cannot be written without changing more of the description", "write `effective_at: " + value + "` there by hand"
}

// Complete adds what a change request lacks of the given keys (why, effective_at,
// rollback.to, ...) as lines to fill in, or a whole change request where there is
// none, and leaves every other byte alone. The lines have no values, so that they
// satisfy no rule until somebody writes one. When nothing lacks, out is body. It
// does not see files: the caller looks whether one declares the change.
func Complete(body string, keys []string) (out, wrong, fix string) {
	if len(keys) > 0 && len(RequestsIn(body)) == 0 {
		if body, wrong, fix = attach(body); wrong != "" {
			return "", wrong, fix
		}
	}
	for _, f := range form {
		if !slices.Contains(keys, f.key) {
			continue
		}
		if body, wrong, fix = complete(body, f.key, f.hint); wrong != "" {
			return "", wrong, fix
		}
	}
	return body, "", ""
}

// complete adds one key.
func complete(body, key, hint string) (out, wrong, fix string) {
	e, wrong, fix := editOf(body)
	switch {
	case wrong != "":
		return "", wrong, fix
	case len(e.problems) > 0:
		return "", place(e.problems[0]) + e.problems[0].Says, e.problems[0].Fix
	case e.has(key):
		return body, "", ""
	}
	if out, ok := e.first(e.add(key, " # "+hint)); ok {
		return out, "", ""
	}
	return "", code(key) + " cannot be added without changing more of the description", "write it there by hand"
}

// attach adds an empty change request at the end, or at the beginning where the end
// is inside something else that was never closed.
func attach(body string) (out, wrong, fix string) {
	all := linesOf(body)
	eol := ending(all, len(all))
	block := "```yaml" + eol + "change:" + eol + "```" + eol
	gap := ""
	if n := len(all); n > 0 {
		gap = eol
		if !ended(all[n-1]) {
			gap = eol + eol
		}
	}
	for _, out := range []string{body + gap + block, block + eol + body} {
		if found := RequestsIn(out); len(found) == 1 && found[0].Text == "change:\n" && taken(out) {
			return out, "", ""
		}
	}
	return "", "a change request cannot be added to this description", "write one there by hand"
}

// taken reports whether GitHub takes a description of that length.
func taken(body string) bool { return utf8.RuneCountInString(body) <= maxCharacters }

// An edit is a description with one change request in it. Whatever an edit makes of
// it is read again before it is given out.
type edit struct {
	lines    []string // of the description, each with its own ending
	text     RequestText
	key      *yaml.Node // the key change
	change   *yaml.Node // its value
	was      Request    // what it has to say afterwards
	problems Problems
}

// editOf opens the change request of a description.
func editOf(body string) (e *edit, wrong, fix string) {
	texts := RequestsIn(body)
	switch len(texts) {
	case 0:
		return nil, "the description has no change request", "add one: a fenced yaml block with `change:`"
	case 1:
	default:
		return nil, fmt.Sprintf("the description has %d change requests", len(texts)), "keep one"
	}
	e = &edit{lines: linesOf(body), text: texts[0]}
	r := &reader{line: e.text.Line - 1}
	e.was = *r.request(e.text, nil)
	e.problems = r.all()
	if root := (&reader{}).load([]byte(e.text.Text), MaxRequest); root != nil {
		e.key, e.change = child(root, "change")
	}
	if e.key == nil {
		return nil, place(e.problems[0]) + e.problems[0].Says, e.problems[0].Fix
	}
	return e, "", ""
}

// first is the first of several ways to write an edit that leaves everything else
// that the change request says as it was.
func (e *edit) first(tries []string) (out string, ok bool) {
	for _, out := range tries {
		if found := RequestsIn(out); len(found) == 1 && taken(out) {
			r := &reader{}
			if q := r.request(found[0], nil); len(r.problems) == 0 && q.says(&e.was) {
				return out, true
			}
		}
	}
	return "", false
}

// says reports whether two requests declare the same, wherever it stands.
func (q *Request) says(other *Request) bool {
	return q.Digest() == other.Digest() && q.Why == other.Why && q.Ticket == other.Ticket
}

// child returns a key of a mapping and its value, nil when there is none.
func child(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if k := n.Content[i]; k.Kind == yaml.ScalarNode && k.Value == name {
				return k, n.Content[i+1]
			}
		}
	}
	return nil, nil
}

// has reports whether a key stands there, with a value or without.
func (e *edit) has(key string) bool {
	parent, name, nested := strings.Cut(key, ".")
	k, v := child(e.change, parent)
	if nested && v != nil {
		k, _ = child(v, name)
	}
	return k != nil
}
