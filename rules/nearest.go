package rules

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the word of all closest to word, or "" when none is near
// enough to be what was meant.
func Nearest(word string, all []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", len(word)/2+1
	for _, w := range all {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}
