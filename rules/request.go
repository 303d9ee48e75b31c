package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	yaml "go.yaml.in/yaml/v4"
)

// MaxRequest is the largest change request read, in bytes: GitHub's own limit
// of a description.
const MaxRequest = 64 << 10

// A Request is the change request: what the author declares (CONTRACT §3).
type Request struct {
	Source      string // where it stands: a path, or "the description"
	Why         string
	Risk        string // "" when not declared
	OnMerge     bool
	EffectiveAt time.Time // zero when absent or on merge
	Rollback    *Rollback
	Ticket      string
	RequestedBy string // login in lower case

	path               string
	dateLine, planLine int
}

// A Rollback is the declared way back.
type Rollback struct {
	To, How, Owner, Tested string
}

// Digest is the SHA-256 of everything in the request but why and ticket: an edit
// of those two keeps approvals, an edit of anything else makes them stale.
func (q *Request) Digest() string {
	if q == nil {
		return ""
	}
	back := Rollback{}
	if q.Rollback != nil {
		back = *q.Rollback
	}
	at := ""
	if !q.EffectiveAt.IsZero() {
		at = q.EffectiveAt.UTC().Format(time.RFC3339)
	}
	h := sha256.New()
	for _, part := range []string{"changegate request v1", q.Risk, at, fmt.Sprint(q.OnMerge), back.To, back.How, back.Owner, back.Tested, q.RequestedBy} {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// RequestPath reports whether a path is where a change request may stand as a file.
func RequestPath(path string) bool {
	dir, name, ok := strings.Cut(path, "/")
	return ok && dir == ".changes" && !strings.Contains(name, "/") &&
		(strings.HasSuffix(name, ".yml") || strings.HasSuffix(name, ".yaml"))
}

// RequestsIn finds the change requests in a pull request's description: fenced
// yaml blocks with a top-level change key. A Markdown parser finds them, because
// templates hide examples in comments, quotes and longer fences.
func RequestsIn(body string) []RequestText {
	if len(body) > MaxRequest*2 {
		body = strings.ToValidUTF8(body[:MaxRequest*2], "")
	}
	source := []byte(strings.ReplaceAll(body, "\r\n", "\n"))
	var found []RequestText
	doc := goldmark.DefaultParser().Parse(text.NewReader(source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		block, ok := n.(*ast.FencedCodeBlock)
		if !ok || block.Lines().Len() == 0 || !isYAML(block.Language(source)) {
			continue
		}
		content := block.Lines().Value(source)
		if changeKey.Match(content) {
			start := block.Lines().At(0).Start
			found = append(found, RequestText{Line: 1 + bytes.Count(source[:start], []byte("\n")), Text: string(content)})
		}
	}
	return found
}

var changeKey = regexp.MustCompile(`(?m)^["']?change["']?[ \t]*:`)

func isYAML(language []byte) bool {
	l := strings.ToLower(string(language))
	return l == "yaml" || l == "yml"
}

// RollbackTarget returns the revision that rollback.to asks to resolve: the commit
// part of path@commit, and "" when there is nothing to look up.
func RollbackTarget(texts []RequestText) string {
	q, _ := ReadRequest(texts, time.UTC)
	if q == nil || q.Rollback == nil {
		return ""
	}
	return q.Rollback.revision()
}

func (b *Rollback) revision() string {
	if b.To == "revert" {
		return ""
	}
	if i := strings.LastIndexByte(b.To, '@'); i >= 0 {
		return b.To[i+1:]
	}
	return b.To
}

// sourced is problems and the path of the text they are in.
type sourced struct {
	path string
	Problems
}

// ReadRequest reads the change request in force: a file wins over the
// description, and two that differ are an error. It returns nil and no problem
// when there is none. Times without a zone are explained in loc.
func ReadRequest(texts []RequestText, loc *time.Location) (*Request, Problems) {
	q, s := readRequest(texts, loc)
	return q, s.Problems
}

func readRequest(texts []RequestText, loc *time.Location) (*Request, sourced) {
	var chosen *Request
	for _, t := range texts {
		r := &reader{line: t.Line - 1}
		q := r.request(t, loc)
		if len(r.problems) > 0 {
			return nil, sourced{t.Path, r.problems}
		}
		switch {
		case chosen == nil:
			chosen = q
		case chosen.Digest() != q.Digest() || chosen.Why != q.Why || chosen.Ticket != q.Ticket:
			return nil, sourced{t.Path, Problems{{Code: CodeTwoRequests, Line: t.Line,
				Says: q.Source + " and " + chosen.Source + " declare different things", Fix: "keep one of the two"}}}
		case chosen.path == "":
			chosen = q // the same declaration: the file is the one named
		}
	}
	return chosen, sourced{}
}

func (r *reader) request(t RequestText, loc *time.Location) *Request {
	q := &Request{Source: "the description", path: t.Path}
	if t.Path != "" {
		q.Source = code(t.Path)
	}
	root := r.load([]byte(t.Text), MaxRequest)
	if root == nil {
		return q
	}
	seen := r.fields(root, "the change request", field{"change", func(n *yaml.Node) { r.change(n, q, loc) }})
	if root.Kind == yaml.MappingNode && !seen["change"] {
		r.add(root, CodeValue, "the top-level key change is missing", "change:")
	}
	return q
}

func (r *reader) change(n *yaml.Node, q *Request, loc *time.Location) {
	var requestedBy string
	r.fields(n, "change",
		field{"why", r.text("why", &q.Why)},
		field{"risk", r.oneOf("risk", &q.Risk, "low", "medium", "high")},
		field{"effective_at", func(n *yaml.Node) { r.effectiveAt(n, q, loc) }},
		field{"rollback", func(n *yaml.Node) { r.rollback(n, q) }},
		field{"ticket", r.text("ticket", &q.Ticket)},
		field{"requested_by", func(n *yaml.Node) {
			r.text("requested_by", &requestedBy)(n)
			q.RequestedBy = strings.ToLower(strings.TrimPrefix(requestedBy, "@"))
			if !loginName.MatchString(q.RequestedBy) {
				r.add(n, CodeValue, "requested_by is "+shown(n), "one GitHub login")
			}
		}},
	)
}

func (r *reader) effectiveAt(n *yaml.Node, q *Request, loc *time.Location) {
	var s, wrong, fix string
	r.text("effective_at", &s)(n)
	q.dateLine = n.Line + r.line
	if strings.EqualFold(s, OnMerge) {
		q.OnMerge = true
		return
	}
	if n.Kind != yaml.ScalarNode {
		return
	}
	if q.EffectiveAt, wrong, fix = ParseTime(s, loc); wrong != "" {
		r.add(n, CodeTime, "effective_at: "+wrong, fix)
	}
}

// target is what rollback.to may look like. Anything that could be read as an
// option, a range or a path out of the tree by some tool further on is refused here.
var target = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}(@[A-Za-z0-9_][A-Za-z0-9_./+-]{0,99})?$`)

func (r *reader) rollback(n *yaml.Node, q *Request) {
	b := &Rollback{}
	q.planLine = n.Line + r.line
	r.fields(n, "rollback",
		field{"to", func(n *yaml.Node) {
			r.text("rollback.to", &b.To)(n)
			if b.To != "" && (!target.MatchString(b.To) || strings.Contains(b.To, "..")) {
				r.add(n, CodeValue, "rollback.to is "+shown(n), "a commit or tag on the base branch, path@commit, an earlier version, or revert")
			}
		}},
		field{"how", r.text("rollback.how", &b.How)},
		field{"owner", r.text("rollback.owner", &b.Owner)},
		field{"tested", r.text("rollback.tested", &b.Tested)},
	)
	if b.To != "" || b.How != "" {
		q.Rollback = b
	}
}
