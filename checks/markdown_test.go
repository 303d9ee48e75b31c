package checks

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"
)

// gfm reads Markdown as GitHub does: tables and bare addresses included. What
// stands before the @ of an address is letters, digits and . + _ - (GitHub Flavored
// Markdown, "Autolinks (extension)"); the library would take a backtick too.
var gfm = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList,
	extension.NewLinkify(extension.WithLinkifyEmailRegexp(regexp.MustCompile(`^[a-zA-Z0-9.+_-]+@[a-zA-Z0-9._-]+\.[a-zA-Z0-9_-]*[a-zA-Z0-9]`)))))

// faults lists everything in a page that may do something: markup of others,
// pictures, links that are not ours, and names that would notify somebody.
func faults(page, link string) []string {
	src := []byte(page)
	var out []string
	_ = ast.Walk(gfm.Parser().Parse(text.NewReader(src)), func(n ast.Node, in bool) (ast.WalkStatus, error) {
		if !in {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.CodeSpan, *ast.FencedCodeBlock:
			return ast.WalkSkipChildren, nil
		case *ast.RawHTML:
			if tag := string(n.Segments.Value(src)); tag != "<sub>" && tag != "</sub>" {
				out = append(out, "html "+tag)
			}
		case *ast.HTMLBlock, *ast.Image, *ast.CodeBlock, *ast.Blockquote, *ast.ThematicBreak:
			out = append(out, n.Kind().String())
		case *ast.AutoLink:
			out = append(out, "link "+string(n.URL(src)))
		case *ast.Link:
			if string(n.Destination) != link {
				out = append(out, "link "+string(n.Destination))
			}
		case *ast.Text:
			if s := string(n.Segment.Value(src)); strings.Contains(s, "@") {
				out = append(out, "mention "+s)
			}
		case *ast.Heading:
			if n.Level != 3 {
				out = append(out, "heading")
			}
		}
		return ast.WalkContinue, nil
	})
	return out
}

// spanText is what the only code span of a one-line text shows.
func spanText(t interface{ Errorf(string, ...any) }, line string) string {
	src := []byte(line)
	doc := gfm.Parser().Parse(text.NewReader(src))
	p := doc.FirstChild()
	if p == nil || p.NextSibling() != nil || p.ChildCount() != 1 || p.FirstChild().Kind() != ast.KindCodeSpan {
		t.Errorf("%q is not one code span", line)
		return ""
	}
	var b strings.Builder
	for c := p.FirstChild().FirstChild(); c != nil; c = c.NextSibling() {
		b.Write(c.(*ast.Text).Segment.Value(src))
	}
	return b.String()
}

func TestCodeShowsExactlyTheText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("ab `|\\*<@[]!\u202e\n\t\u200b~$"))).Draw(t, "s")
		got := spanText(t, code(s))
		want := clipMiddle(strings.ReplaceAll(visible(s), "\t", "U+0009"), codeLimit)
		if strings.TrimSpace(want) != "" && got != want {
			t.Errorf("code(%q) shows %q, want %q", s, got, want)
		}
	})
}

func TestVisible(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain ä 漢":           "plain ä 漢",
		"pay\u202e002":        "payU+202E002",
		"a\u200bb":            "aU+200Bb",
		"a\u00a0b":            "aU+00A0b",
		"a\r":                 "aU+000D",
		"\x00":                "U+0000",
		"\xff\xfe":            "0xFF0xFE",
		"\ufffd":              "\ufffd",
		"⚠\ufe0f":             "⚠\ufe0f",
		"⚠\ufe0f\ufe0f":       "⚠\ufe0fU+FE0F",
		"x\U000e0041":         "xU+E0041",
		"\u2028<!-- x -->":    "U+2028<!-- x -->",
		"tab\tstays":          "tab\tstays",
		"\u3164\u115f\u2800.": "U+3164U+115FU+2800.",
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestProse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0 of 1 approval from `@acme/ai-risk`, now": "0 of 1 approval from `@acme/ai-risk`, now",
		"ask @acme/ai-risk, please":                 "ask `@acme/ai-risk`, please",
		"Files changed > Review changes":            "Files changed > Review changes",
		"write `a`` and <b>":                        "write 'a'' and `<b>`",
		"<img src=x>":                               "`<img` `src=x>`",
		"![x](https://a.example/p.png)":             "`![x](https://a.example/p.png`)",
		"see https://a.example.":                    "see `https://a.example`.",
		"two\n\nlines":                              "two  lines",
		"1. first":                                  "`1.` first",
		"- - -":                                     "`-` - -",
		"# heading":                                 "`#` heading",
		"`a``b`":                                    "```a``b```",
		"@`x`":                                      "`@` `x`",
		"requested_by and **bold**":                 "`requested_by` and `**bold**`",
		"`` `` > quoted":                            "`>` quoted",
		"issue #12 and GH-9":                        "issue `#12` and `GH-9`",
		"":                                          "",
	} {
		if got := prose(in); got != want {
			t.Errorf("prose(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestProseIsInert(t *testing.T) {
	t.Parallel()
	word := rapid.SampledFrom([]string{"`", "``", "```", "@a", "<!--", "-->", "<b>", "](", "[x", "![", "https://x.y", "www.x.y", "\\", "|", "*", "_", "~~~",
		"#", "1.", "-", ">", "word", "\n", "\n\n", " ", "\t", "&lt;", "a@b.cd", "$`", "\u2028", "=", "+", ":", "(", ")"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(word).Draw(t, "words"), rapid.SampledFrom([]string{"", " "}).Draw(t, "sep"))
		got := prose(s)
		if strings.ContainsAny(got, "\n\r") {
			t.Fatalf("prose(%q) has a line end", s)
		}
		for _, page := range []string{got + "\n", "1. " + got + "\n", "**X** " + got + "\n", "| a | b |\n|---|---|\n| " + cell(got) + " | end |\n"} {
			if bad := faults(page, ""); len(bad) > 0 {
				t.Fatalf("prose(%q) = %q is not inert: %q", s, got, bad)
			}
		}
	})
}

func TestCellStaysOneCell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("a|\\`\n "))).Draw(t, "s")
		src := []byte("| a | b |\n|---|---|\n| " + cell(code(s)) + " | end |\n")
		row := gfm.Parser().Parse(text.NewReader(src)).FirstChild().LastChild()
		last := row.LastChild()
		if n := row.ChildCount(); n != 2 || string(last.FirstChild().(*ast.Text).Segment.Value(src)) != "end" {
			t.Fatalf("%q makes %d cells of %q", s, n, src)
		}
	})
}

func TestFenceHoldsItsBody(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"```", "`", "~~~", "a", " ", "\t", "<b>", "@x", "\r", "-"}), 0, 4),
			func(parts []string) string { return strings.Join(parts, "") })
		body := strings.Join(rapid.SliceOfN(line, 0, 6).Draw(t, "lines"), "\n")
		for _, block := range []string{fence("diff", body), "1. x\n\n" + indent(fence("yaml", body))} {
			if bad := faults(block+"\nafter\n", ""); len(bad) > 0 {
				t.Fatalf("fence(%q) lets out %q", body, bad)
			}
			doc := gfm.Parser().Parse(text.NewReader([]byte(block + "\nafter\n")))
			if doc.LastChild().Kind() != ast.KindParagraph || doc.ChildCount() != 2 {
				t.Fatalf("fence(%q) is not one block", body)
			}
		}
	})
}

func TestClipMiddleKeepsBothEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, n := rapid.String().Draw(t, "s"), rapid.IntRange(4, 40).Draw(t, "n")
		got := clipMiddle(s, n)
		if c := utf8.RuneCountInString(got); c > n {
			t.Fatalf("clipMiddle(%q, %d) has %d characters", s, n, c)
		}
		if r := []rune(s); len(r) > n && (!strings.HasPrefix(got, string(r[:2])) || !strings.HasSuffix(got, string(r[len(r)-1:]))) {
			t.Fatalf("clipMiddle(%q, %d) = %q", s, n, got)
		}
	})
}
