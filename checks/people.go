package checks

import (
	"regexp"
	"strconv"
	"strings"

	"changegate/rules"
)

var (
	coAuthor = regexp.MustCompile(`(?i)^co-authored-by:[^<]*<(?:(\d{1,18})\+)?([A-Za-z0-9][A-Za-z0-9-]{0,38}(?:\[bot\])?)@users\.noreply\.github\.com>\s*$`)
	blank    = regexp.MustCompile(`\n[ \t]*\n`)
)

// coAuthors returns those that a commit's trailers name by GitHub's own address.
// Other addresses are left out: a trailer is voluntary, so whoever wants to hide
// would not write one, and a commit by an AI assistant usually has one that
// belongs to no account.
func coAuthors(message string) []rules.Person {
	paragraphs := blank.Split(strings.TrimSpace(strings.ReplaceAll(message, "\r\n", "\n")), -1)
	var out []rules.Person
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		m := coAuthor.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		id, _ := strconv.ParseInt("0"+m[1], 10, 64) // at most 18 digits, by the expression
		out = append(out, rules.Person{ID: id, Login: m[2], Bot: strings.HasSuffix(m[2], "[bot]")})
	}
	return out
}
