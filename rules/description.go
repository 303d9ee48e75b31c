package rules

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxBody is the longest description GitHub takes: 65,536 characters of up to
// four bytes.
const maxBody = 4 << 16

// RequestsIn finds the change requests in a pull request's description: fenced
// yaml blocks with a top-level change key. A Markdown parser finds them, because
// templates hide examples in comments, quotes and longer fences. A description
// too long to be GitHub's comes back whole, for ReadRequest to refuse: cut short,
// it could hide a second request.
func RequestsIn(body string) []RequestText {
	if len(body) > maxBody {
		return []RequestText{{Line: 1, Text: body}}
	}
	// GitHub ends a line at a lone carriage return too. Read otherwise, a block
	// that is inside a comment on the page could be outside one here.
	source := []byte(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body))
	var found []RequestText
	doc := markdown().Parse(text.NewReader(source))
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

// markdown is CommonMark's parser of blocks only: what a line looks like inside
// does not matter here, and 64 KB of brackets would cost a third of a second. The
// numbers are the order in which a line is tried, as the library documents it.
func markdown() parser.Parser {
	return parser.NewParser(parser.WithBlockParsers(
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(flat{parser.NewListParser()}, 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(flat{parser.NewBlockquoteParser()}, 800),
		util.Prioritized(parser.NewHTMLBlockParser(), 900),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	))
}

// flat opens lists and quotes at the top level only. A block inside one is never
// a change request, so what is nested deeper may as well be its text; and 65,536
// characters of nested markers would otherwise take the parser a minute.
type flat struct{ parser.BlockParser }

func (f flat) Open(parent ast.Node, r text.Reader, pc parser.Context) (ast.Node, parser.State) {
	if parent.Kind() != ast.KindDocument {
		return nil, parser.NoChildren
	}
	return f.BlockParser.Open(parent, r, pc)
}
