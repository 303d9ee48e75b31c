package rules

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

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

	path                       string
	byLine, dateLine, planLine int
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
		at = q.EffectiveAt.UTC().Format(time.RFC3339Nano)
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

// RollbackTarget returns rollback.to as it is declared; "" when none is. LookFor says
// what it asks for.
func RollbackTarget(texts []RequestText) string {
	q, _ := ReadRequest(texts, time.UTC)
	if q == nil || q.Rollback == nil {
		return ""
	}
	return q.Rollback.To
}

// named is the way back as a title shows it: without the path.
func (b *Rollback) named(edition int) string {
	l := LookFor(b.To)
	switch {
	case !l.Revert:
		return "to " + clip(l.Name, 24)
	case edition < 1:
		return "to revert" // as records of then have it
	}
	return "by revert"
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

// most is how many texts are compared. One is right; a pull request may add files
// without end, each of which costs a millisecond to read.
const most = 10

func readRequest(texts []RequestText, loc *time.Location) (*Request, sourced) {
	texts = slices.Clone(texts) // in the order of their paths: which was found first must not matter
	slices.SortStableFunc(texts, func(a, b RequestText) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	if len(texts) > most {
		return nil, sourced{texts[most].Path, Problems{{Code: CodeTwoRequests, Line: texts[most].Line,
			Says: fmt.Sprintf("%d change requests are too many", len(texts)), Fix: "keep one"}}}
	}
	var chosen *Request
	for _, t := range texts {
		r := &reader{line: t.Line - 1}
		q := r.request(t, loc)
		if len(r.problems) > 0 {
			return nil, sourced{t.Path, r.all()}
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
	if root.Kind == yaml.MappingNode && seen["change"] == nil {
		r.add(root, CodeValue, "the top-level key change is missing", "`change:`")
	}
	return q
}

func (r *reader) change(n *yaml.Node, q *Request, loc *time.Location) {
	r.fields(n, "change",
		field{"why", r.text("why", &q.Why)},
		field{"risk", r.oneOf("risk", &q.Risk, "low", "medium", "high")},
		field{"effective_at", func(n *yaml.Node) { r.effectiveAt(n, q, loc) }},
		field{"rollback", func(n *yaml.Node) { r.rollback(n, q) }},
		field{"ticket", r.text("ticket", &q.Ticket)},
		field{"requested_by", func(n *yaml.Node) {
			q.byLine = n.Line + r.line
			r.matching("requested_by", &q.RequestedBy, requester, "one GitHub login")(n)
		}},
	)
	q.RequestedBy = strings.ToLower(strings.TrimPrefix(q.RequestedBy, "@"))
}

func (r *reader) effectiveAt(n *yaml.Node, q *Request, loc *time.Location) {
	q.dateLine = n.Line + r.line
	if n.Kind == yaml.ScalarNode && strings.EqualFold(strings.TrimSpace(n.Value), OnMerge) {
		q.OnMerge = true
		return
	}
	r.instant("effective_at", &q.EffectiveAt, loc)(n)
}

var (
	requester = regexp.MustCompile(`^@?[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)
	owner     = regexp.MustCompile(`^@?[A-Za-z0-9][A-Za-z0-9_-]{0,38}(/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$`)
	// target is what rollback.to may look like. Anything that could be read as an
	// option, a range or a path out of the tree by some tool further on is refused.
	target = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_./+-]{0,199}(@[A-Za-z0-9_][A-Za-z0-9_./+-]{0,99})?$`)
)

// matching reads a text of a given form.
func (r *reader) matching(where string, to *string, form *regexp.Regexp, fix string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		s := strings.TrimSpace(n.Value)
		if n.Kind != yaml.ScalarNode || !form.MatchString(s) || strings.Contains(s, "..") {
			r.add(n, CodeValue, where+" is "+shown(n), fix)
			return
		}
		*to = s
	}
}

func (r *reader) rollback(n *yaml.Node, q *Request) {
	b := &Rollback{}
	q.planLine = n.Line + r.line
	r.fields(n, "rollback",
		field{"to", r.rollbackTo(&b.To)},
		field{"how", r.text("rollback.how", &b.How)},
		field{"owner", r.matching("rollback.owner", &b.Owner, owner, "a login or `@org/team`")},
		field{"tested", r.text("rollback.tested", &b.Tested)},
	)
	if *b != (Rollback{}) {
		q.Rollback = b
	}
}

// rollbackTo reads a target. What a template left there is told from a slip of the pen.
func (r *reader) rollbackTo(to *string) func(*yaml.Node) {
	const fix = "a commit or tag on the base branch, `path@commit`, an earlier version, or `revert`"
	read := r.matching("rollback.to", to, target, fix)
	return func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && !target.MatchString(strings.TrimSpace(n.Value)) && boilerplate(n.Value) {
			r.add(n, CodeValue, "rollback.to is "+shown(n)+", which is template text and names no version", fix)
			return
		}
		read(n)
	}
}
