package rules

import (
	"fmt"
	"strings"
	"unicode"
)

// An Undoing is what a pull request says of itself that rolls a change back. What
// others wrote into it stays a value on one line, whatever it holds: it ends no block
// and adds no key.
type Undoing struct {
	Change int    // CHG-n
	Title  string // of the pull request that it was
	Before string // the commit of the base branch that the rollback is made on
	By     string // login of who asked for it, and answers for it; empty when its author does
	Reason string
	// Incident is the number of what happened; empty when nobody said.
	Incident string
}

// Subject is the title of the pull request, and the first line of its commit. What
// GitHub or a workflow would act upon in a title, such as [skip ci], is defused.
func (u *Undoing) Subject() string {
	s := "Roll back " + ChangeID(u.Change)
	if title := strings.TrimSpace(inline(u.Title)); title != "" {
		s += ": " + title
	}
	return s
}

// Block is the change request, as a fenced block of a description.
func (u *Undoing) Block() string {
	why := u.Subject()
	if reason := strings.TrimSpace(u.Reason); reason != "" {
		why = "Roll back " + ChangeID(u.Change) + ": " + reason
	}
	var b strings.Builder
	b.WriteString("```yaml\nchange:\n")
	fmt.Fprintf(&b, "  why: %s\n  effective_at: %s\n  rollback:\n    to: %s\n", scalar(why), OnMerge, scalar(u.Before))
	if incident := strings.TrimSpace(u.Incident); incident != "" {
		fmt.Fprintf(&b, "  ticket: %s\n", scalar(incident))
	}
	if u.By != "" {
		fmt.Fprintf(&b, "  requested_by: %s\n", scalar(u.By))
	}
	b.WriteString("```\n")
	return b.String()
}

// scalar writes a text as a value of YAML, in double quotes on one line. What YAML
// takes no more than a reader's eye does is written as U+XXXX.
func scalar(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range visible(s) {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, "U+%04X", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
