package checks

import (
	"regexp"
	"slices"
	"strings"

	"changegate/rules"
)

// The comments that ChangeGate writes anew: answers to commands, and calls for action
// (PRODUCT A6, A7). An answer begins with whom it answers, in a code span that notifies
// nobody. What people wrote is inert in them, as in a check run.

// uses says what each command does.
var uses = map[string]string{
	"help":           "lists the commands, and which of them are yours",
	"status":         "repeats what the check says",
	"recheck":        "reads everything again and decides again",
	"schedule":       "changes `effective_at` in the description; approvals then have to be given again",
	"request-review": "asks those whose approval is missing",
	"hold":           "keeps it from merging until it is lifted",
	"unhold":         "lifts a hold",
	"waive":          "lets this commit pass in a freeze; it is reviewed afterwards",
	"break-glass":    "lets this commit pass without approvals, date and freeze; it is reviewed afterwards",
	"ack":            "closes an exception after its review",
	"rollback":       "opens the pull request that takes this change back",
}

// Help answers with the commands there are; may says which the person may give, by
// name (rules.Policy.May).
func Help(to rules.Person, v View, may map[string]bool) string {
	var b strings.Builder
	b.WriteString(personName(to) + ": a command stands at the beginning of a line of a new comment.\n\n| Command | What it does | Yours |\n|---|---|---|\n")
	for _, name := range rules.CommandNames() {
		if !offered(v, name) {
			continue
		}
		yours := "no"
		if may[name] {
			yours = "**yes**"
		}
		b.WriteString("| " + code(strings.TrimSpace("/change "+name+" "+rules.CommandForm(name))) + " | " + uses[name] + " | " + yours + " |\n")
	}
	b.WriteString("\nThere is no command that approves: approvals are given in **Files changed > Review changes > Approve**, because a review carries the commit it looked at.\n")
	return b.String()
}

// Status answers with what the check says, for people who read mail.
func Status(to rules.Person, v View) string {
	foot := footer(v, true)
	p := newPage(len(foot))
	_, title := v.headline()
	p.add(personName(to) + ": " + sentence(prose(title)) + "\n\n" + lead(v) + "\n\n")
	clocks(p, v)
	holds(p, v)
	nextSteps(p, v)
	also(p, v)
	exceptions(p, v)
	ruleTable(p, v)
	reviews(p, v)
	return p.b.String() + foot
}

// Refused answers a command that is not carried out: what is wrong and what to do
// instead.
func Refused(to rules.Person, cmd rules.Command, wrong, fix string) string {
	s := personName(to) + ": "
	if cmd.Wrong == "" {
		s += code("/change "+cmd.Name) + " was not carried out. "
	}
	s += sentence(prose(wrong)) + "\n"
	if fix == "" {
		return s
	}
	if strings.HasPrefix(fix, "`") && !strings.HasPrefix(fix, "```") {
		fix = "write instead: " + fix
	}
	return s + "\n" + unindent(fixStep(fix))
}

// Noted answers a command that is carried out and has something to be told about it.
func Noted(to rules.Person, cmd rules.Command, note string) string {
	return personName(to) + ": " + code("/change "+cmd.Name) + " is done. " + sentence(prose(note)) + "\n"
}

// Opened tells everybody of an exception, and those who review it by name. Mentions
// are teams and logins of the policy (rules.Policy.Reviewers), never of a comment. The
// view may be of the moment before the exception had its number.
func Opened(x rules.Exception, v View, mentions []string) string {
	v = v.opened(x)
	allows := "Merging is allowed without the normal controls."
	if v.Verdict.State.Blocks() {
		allows = "That does not cover everything: " + sentence(prose(v.Verdict.Title))
	}
	return "**" + x.ID() + ": " + kindWords(&x) + ".** " + personName(x.By) + " " + did(&x) + ". " + allows + " This is an exception and will be shown to the auditor.\n\n" +
		exceptionTable(&x, v) + "\n### Still to do\n" + stillToDo(&x, v) + "\n" + mentioned(mentions, "please review it")
}

// opened judges the change with an exception that has just got its number.
func (v View) opened(x rules.Exception) View {
	if v.Policy == nil {
		return v
	}
	c := *v.Change
	c.Exceptions = slices.DeleteFunc(slices.Clone(c.Exceptions), func(old rules.Exception) bool { return old.Number == 0 || old.Number == x.Number })
	c.Exceptions = append(c.Exceptions, x)
	v.Change, v.Verdict = &c, v.Policy.Decide(&c, v.At)
	return v
}

func did(x *rules.Exception) string {
	if x.Kind == rules.KindWaiver {
		return "waived a freeze"
	}
	return "broke the glass"
}

// Reminder tells before it is due that an exception waits for its review.
func Reminder(x rules.Exception, v View, from []string) string {
	return people(from) + ": " + x.ID() + " waits for its review (" + personName(x.By) + " " + did(&x) + " on " + stampUTC(x.At) + ").\n\n" + stillToDo(&x, v)
}

// Overdue tells that an exception was not reviewed in time. An open pull request waits
// for it; the auditor sees it either way.
func Overdue(x rules.Exception, v View, mentions []string) string {
	return "**" + x.ID() + " is overdue.** " + personName(x.By) + " " + did(&x) + " on " + stampUTC(x.At) + ", and nobody reviewed it by " + ShowTime(x.Due, v.Zone) +
		". That is on record. A review still closes it, as a late one.\n\n" + stillToDo(&x, v) + "\n" + mentioned(mentions, "please review it now")
}

// Ejected tells why the merge queue let go of a pull request. Title is that of the
// verdict that did not pass.
func Ejected(to rules.Person, title, detailsURL string) string {
	v := View{DetailsURL: detailsURL}
	return personName(to) + ": the merge queue removed this pull request, because ChangeGate judged it again there and it does not pass any more: " + sentence(prose(title)) +
		"\n\nWhen the check on it is green again, put it into the queue again. See " + v.details() + ".\n"
}

// mentionable is a team or a login as GitHub spells them.
var mentionable = regexp.MustCompile(`^@?[A-Za-z0-9][A-Za-z0-9-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$`)

// mentioned calls teams and logins by name. A permission names nobody: an account may
// well be called maintain.
func mentioned(who []string, please string) string {
	var names []string
	for _, w := range who {
		if mentionable.MatchString(w) && !rules.Impersonal(w) {
			names = append(names, "@"+strings.TrimPrefix(w, "@"))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names[:min(len(names), maxListed)], " ") + " " + please + ".\n"
}

// unindent takes back what made a block part of a numbered item.
func unindent(step string) string { return strings.ReplaceAll(step, "\n   ", "\n") }
