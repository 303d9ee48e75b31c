package checks

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"
)

const (
	// maxTokens bounds one word diff: it takes 0.3 s at 5,000 tokens a side and
	// grows with the square.
	maxTokens = 4096
	// maxPairs bounds all word diffs of one check run, in pairs of tokens
	// compared: about a second, counted and not timed, because a diff that
	// depends on the load of the machine is no evidence.
	maxPairs = 64 << 20
)

// An edit is a piece of text that only the old side (-), only the new side (+) or
// both ( ) have. The pieces of a side, joined, are that side byte for byte.
type edit struct {
	op   byte
	text string
}

// differ makes the word diffs of one check run out of one allowance.
type differ struct{ pairs int }

// words compares two texts word by word. Texts that are too large are shown as
// replaced, which is true, only less helpful.
func (d *differ) words(old, new string) []edit {
	if old == new {
		return []edit{{' ', old}}
	}
	a, b := tokens(old), tokens(new)
	cost := len(a) * len(b)
	if len(a) > maxTokens || len(b) > maxTokens || cost > d.pairs {
		return []edit{{'-', old}, {'+', new}}
	}
	d.pairs -= cost
	return tidy(compare(a, b))
}

// tokens cuts text into words, runs of blanks, and single other characters. Each
// byte that is no UTF-8 is a token of its own, so that no two of them are alike.
func tokens(s string) []string {
	var out []string
	start, last := 0, singleToken
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		k := kindOf(r, n)
		if i > start && (k != last || k == singleToken) {
			out = append(out, s[start:i])
			start = i
		}
		last = k
		i += n
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

type tokenKind int

const (
	singleToken tokenKind = iota // a token by itself
	wordToken
	blankToken
)

// kindOf tells how a rune of n bytes joins its neighbours. Scripts that put no
// space between words are compared character by character.
func kindOf(r rune, n int) tokenKind {
	switch {
	case r == utf8.RuneError && n <= 1:
		return singleToken
	case r == ' ' || r == '\t':
		return blankToken
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return singleToken
	case unicode.In(r, unicode.L, unicode.M, unicode.N) || r == '_':
		return wordToken
	}
	return singleToken
}

// compare runs the diff on one rune a token. Runes that a conversion to a string
// would not give back, surrogates and U+FFFD, are left out of the numbering: on
// the text itself the library takes different broken bytes for equal.
func compare(a, b []string) []edit {
	id, token := map[string]rune{}, map[rune]string{}
	next := rune(0x100)
	number := func(ts []string) []rune {
		out := make([]rune, len(ts))
		for i, t := range ts {
			if _, ok := id[t]; !ok {
				if next == 0xD800 {
					next = 0xE000
				}
				id[t], token[next] = next, t
				next++
			}
			out[i] = id[t]
		}
		return out
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the default gives up after a second of the clock
	var out []edit
	for _, d := range dmp.DiffMainRunes(number(a), number(b), false) {
		var text strings.Builder
		for _, r := range d.Text {
			text.WriteString(token[r])
		}
		op := byte(' ')
		switch d.Type {
		case diffmatchpatch.DiffDelete:
			op = '-'
		case diffmatchpatch.DiffInsert:
			op = '+'
		}
		out = append(out, edit{op, text.String()})
	}
	return out
}

// tidy joins replacements that only blanks and punctuation keep apart: "a b" for
// "c d" is one change to a reader, not two. The library's own clean-up is
// quadratic and no limit covers it.
func tidy(in []edit) []edit {
	var out []edit
	var del, ins []byte
	flush := func() {
		if len(del) > 0 {
			out = append(out, edit{'-', string(del)})
		}
		if len(ins) > 0 {
			out = append(out, edit{'+', string(ins)})
		}
		del, ins = nil, nil
	}
	for i, e := range in {
		switch {
		case e.op == '-':
			del = append(del, e.text...)
		case e.op == '+':
			ins = append(ins, e.text...)
		case len(del) > 0 && len(ins) > 0 && i < len(in)-1 && countWords(e.text) == 0 && !strings.Contains(e.text, "\n"):
			del, ins = append(del, e.text...), append(ins, e.text...)
		default:
			flush()
			out = append(out, e)
		}
	}
	flush()
	return out
}

// countWords counts words, and characters of scripts without spaces.
func countWords(s string) int {
	n, last := 0, singleToken
	for _, r := range s {
		k := kindOf(r, utf8.RuneLen(r))
		letter := k == wordToken || unicode.In(r, unicode.L, unicode.N)
		if letter && (k == singleToken || last != wordToken) {
			n++
		}
		last = k
	}
	return n
}
