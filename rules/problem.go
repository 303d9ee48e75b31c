package rules

import (
	"fmt"
	"strings"
)

// A Problem is something wrong in a file that a person wrote: where it is, what
// is wrong, and what to write instead.
type Problem struct {
	Code   string `json:"code"`
	Line   int    `json:"line"`   // from 1; 0 when it concerns the whole text
	Column int    `json:"column"` // from 1; 0 when unknown
	Says   string `json:"says"`
	Fix    string `json:"fix"`
}

// Problems are all problems of one text, in reading order. Nil means none.
type Problems []Problem

// Error renders every problem on a line of its own, as line:column: says. Fix.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%d:%d: %s %s. Fix: %s", p.Line, p.Column, p.Code, p.Says, p.Fix)
	}
	return b.String()
}
