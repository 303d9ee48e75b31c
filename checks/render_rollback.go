package checks

import (
	"fmt"
	"strings"
	"time"

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
		fmt.Fprintf(&b, "- %s %s\n", code(f.Path), x.Does(f))
	}
	for _, note := range x.Notes {
		b.WriteString("\n" + sentence(prose(note)) + "\n")
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

// Does says what the rollback does to a file: `prompts/refund.md is restored`.
func (x *Restoring) Does(f rules.Restored) string {
	switch {
	case f.Wrong != "":
		return "cannot be restored: " + wrongWords(f)
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
	case x.Plan.Form == rules.FormRevert:
		return "is as before the change again"
	}
	return "is restored as of " + shortID(x.Plan.Commit)
}

// RollbackOpened answers whoever asked for a rollback with the pull request that is it.
func RollbackOpened(to rules.Person, x *Restoring, number int) string {
	verb := "rolls back"
	if x.Open == number {
		verb = "is open already and rolls back"
	}
	return fmt.Sprintf("%s: #%d %s %s. It needs somebody else's approval.\n\n%s",
		personName(to), number, verb, x.Plan.ID(), x.notes())
}

// RolledBack tells on the pull request of a change that another took it back, and how
// long after it was asked for that was merged.
func RolledBack(change, by, number int, took time.Duration) string {
	return fmt.Sprintf("**%s was rolled back** by %s, #%d, which was merged %s after the rollback was asked for.\n",
		rules.ChangeID(change), rules.ChangeID(by), number, lasted(took))
}

// lasted is a duration as people say it: days, hours and minutes, but not all three.
func lasted(d time.Duration) string {
	switch d = d.Truncate(time.Minute); {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d d %d h", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// RollbackByHand answers with what to run, where the App was not granted to write.
func RollbackByHand(to rules.Person, x *Restoring) string {
	return x.byHand(to, "the App was not granted `contents: write`, so somebody pushes")
}

// RollbackInTheWay answers which branches are in the way, and with what to run instead.
func RollbackInTheWay(to rules.Person, x *Restoring) string {
	return x.byHand(to, x.InTheWay()+". Delete those that no pull request needs and write the command again, or somebody pushes")
}

// InTheWay says which branches are in the way.
func (x *Restoring) InTheWay() string {
	return fmt.Sprintf("%s to %s are there already and hold something else",
		code(rules.RollbackBranch(x.Plan.Change, 1)), code(rules.RollbackBranch(x.Plan.Change, mostBranches)))
}

func (x *Restoring) byHand(to rules.Person, why string) string {
	return fmt.Sprintf("**Nothing is rolled back yet.** %s: %s the branch of the rollback of %s:\n\n%s\n%s", personName(to), why, x.Plan.ID(), x.script(), x.afterwards())
}

// RollbackStuck answers that the plan does not work on the branch as it is now: where,
// and how to go on by hand.
func RollbackStuck(to rules.Person, x *Restoring) string {
	var b strings.Builder
	what := "does not work on " + code(x.Branch) + " as it is now"
	if x.Target.Unknown != "" && len(x.Stuck()) == 0 {
		what = "could not be worked out on " + code(x.Branch) + " as it is now"
	}
	fmt.Fprintf(&b, "**Nothing is rolled back.** %s: the plan of %s %s.\n\n", personName(to), x.Plan.ID(), what)
	if x.Target.Unknown == "" && (len(x.Stuck()) == 0 || !x.Target.InBase) {
		b.WriteString("- " + sentence(prose(x.Broken())) + "\n")
	}
	for i, f := range x.Stuck() {
		if i == maxListed {
			fmt.Fprintf(&b, "- and %d more\n", len(x.Stuck())-i)
			break
		}
		fmt.Fprintf(&b, "- %s: %s\n", code(f.Path), wrongWords(f))
	}
	if x.Target.Unknown != "" {
		b.WriteString("- " + sentence(prose(x.Target.Unknown)) + "\n")
	}
	b.WriteString("\nWhoever knows the files can take it back by hand:\n\n" + x.script() + "\n" + x.afterwards())
	return b.String()
}

// wrongWords says why a file cannot be restored.
func wrongWords(f rules.Restored) string {
	if c := f.Conflict; c != nil {
		lines := func(s string) string { return quote(strings.TrimRight(s, "\r\n")) }
		return fmt.Sprintf("the change wrote %s, line %d is %s now, and before the change it was %s", lines(c.Wrote), c.Line, lines(c.Now), lines(c.Before))
	}
	words := map[string]string{
		rules.WrongConflict: "the same lines were changed since", rules.WrongKind: "it is a submodule or a symbolic link",
		rules.WrongLarge: "it is too large to be merged", rules.WrongBinary: "it is no text, and was changed since",
		rules.WrongUnread: "GitHub did not give its content", rules.WrongFolder: "at that commit a folder is there",
		rules.WrongInTheWay: "something else is in its place now", rules.WrongElsewhere: "it is not there at that commit",
	}
	return words[f.Wrong]
}

// mostScript is the most characters of commands in a comment, which holds 65,536.
const mostScript = 40_000

func (x *Restoring) script() string {
	commands := strings.Join(x.Commands(), "\n")
	if len(commands) > mostScript {
		return fmt.Sprintf("The commands are too long for a comment: `changegate rollback %s --dry-run` prints them on the server.\n", x.Plan.ID())
	}
	return fence("sh", commands)
}

// afterwards is what follows the commands.
func (x *Restoring) afterwards() string {
	return "Then open a pull request from that branch into " + code(x.Branch) + ", with this change request in its description:\n\n" + fence("", x.Block()) + "\n" + x.notes()
}

func (x *Restoring) notes() string {
	var b strings.Builder
	for _, note := range x.Notes {
		b.WriteString(sentence(prose(note)) + "\n\n")
	}
	return b.String()
}
