package checks

import (
	"fmt"
	"strings"

	"changegate/rules"
)

// Description is that of the pull request: its change request, what it restores, and
// what whoever approves it has to know.
func (x *Restoring) Description() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Rolls back %s, pull request #%d.\n\n%s\n%s It changes no other file.\n\n", x.Plan.ID(), x.Number, x.Block(), x.summary())
	for i, f := range x.Differing() {
		if i == maxListed {
			fmt.Fprintf(&b, "- and %d more\n", len(x.Differing())-i)
			break
		}
		fmt.Fprintf(&b, "- %s %s\n", code(f.Path), x.becomes(f))
	}
	for _, note := range x.Notes {
		b.WriteString("\n" + note + "\n")
	}
	return *shortened(b.String())
}

// summary says in one sentence what a rollback leaves.
func (x *Restoring) summary() string {
	n := len(x.Differing())
	files := fmt.Sprintf("%d governed files", n)
	if n == 1 {
		files = "1 governed file"
	}
	return fmt.Sprintf("It puts back %s as the plan says that was approved with %s: %s.", files, x.Plan.ID(), x.source())
}

// source is where the content comes from, in words.
func (x *Restoring) source() string {
	switch x.Plan.Form {
	case rules.FormRevert:
		return "without what it changed"
	case rules.FormCommit, rules.FormPath:
		return "as of commit " + shortID(x.Plan.Commit)
	}
	return "as of " + rules.Visible(x.Plan.To) + ", which was commit " + shortID(x.Plan.Commit)
}

// becomes says what a rollback does to a file.
func (x *Restoring) becomes(f rules.Restored) string {
	switch {
	case f.Wrong != "":
		return "cannot be restored"
	case f.Landed == f.Back:
		return "stays as it is"
	case f.Back.Blob == "":
		return "is deleted"
	case f.Landed.Blob == "":
		return "comes back"
	case f.Landed.Blob == f.Back.Blob:
		return "gets its mode back"
	case f.Data != nil:
		return "loses what the change wrote, and keeps what was changed since"
	}
	return "is restored"
}
