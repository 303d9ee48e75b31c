package rules

import (
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the word of all closest to word, or "" when none is near
// enough to be what was meant.
func Nearest(word string, all []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", len(word)/2+1
	runes := utf8.RuneCountInString(word)
	for _, w := range all {
		if n := utf8.RuneCountInString(w); n-runes >= least || runes-n >= least {
			continue // that much longer or shorter is as far apart
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}
