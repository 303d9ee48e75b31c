package checks

import (
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// exceptions shows every exception of the change that covers it or waits for its
// review, and the command that closes it.
func exceptions(p *page, v View) {
	for i := range v.Change.Exceptions {
		x := &v.Change.Exceptions[i]
		if !covering(x, v) && x.Closed != nil {
			continue
		}
		p.add("**" + x.ID() + ", " + kindWords(x) + "**\n\n" + exceptionTable(x, v) + "\n")
		if x.Closed == nil {
			p.add("### Still to do (" + x.ID() + " is open)\n" + stillToDo(x, v) + "\n")
		}
	}
}

// covering reports whether an exception is in force, as the verdict has it.
func covering(x *rules.Exception, v View) bool {
	return slices.ContainsFunc(v.Verdict.Findings, func(f rules.Finding) bool {
		return f.Short == x.ID() && (f.Code == rules.CodeBreakGlass || f.Code == rules.CodeWaiver)
	})
}

// holds shows who holds the change, with the reason whole, and how it is let go.
func holds(p *page, v View) {
	for _, h := range v.Change.Holds {
		reason := "none given"
		if h.Reason != "" {
			reason = quote(h.Reason)
		}
		p.add("| | |\n|---|---|\n| Held by | " + cell(personName(h.By)+" as "+code(h.As)) + " |\n| Since | " + ShowTime(h.At, v.Zone) +
			" |\n| Reason (verbatim) | " + cell(reason) + " |\n| Lifted by | " + code("/change unhold") + cell(", written by "+personName(h.By)+" or "+people([]string{h.As})) + " |\n\n")
	}
}

func kindWords(x *rules.Exception) string {
	if x.Kind == rules.KindWaiver {
		return "a freeze is waived"
	}
	return "the glass is broken"
}

// exceptionTable says who makes the exception, why and from what.
func exceptionTable(x *rules.Exception, v View) string {
	rows := [][2]string{
		{"Invoked by", personName(x.By) + " as " + code(x.As) + ", " + stampUTC(x.At)},
		{"Reason (verbatim)", quote(x.Reason)},
	}
	if x.Incident != "" {
		rows = append(rows, [2]string{"Incident", quote(x.Incident)})
	}
	if len(x.Freezes) > 0 {
		rows = append(rows, [2]string{"Freezes", some(codes(x.Freezes), maxItems)})
	}
	rows = append(rows, [2]string{"Covers", "commit " + code(shortID(x.Head)) + " only; a push ends it"})
	if covering(x, v) {
		rows = append(rows,
			[2]string{"Expires", ShowTime(x.Expires, v.Zone) + ", if not merged by then"},
			[2]string{"Controls skipped", orNone(skipped(v))},
			[2]string{"Controls still enforced", some(enforced(v), maxItems)})
	} else {
		rows = append(rows, [2]string{"Ended", "it covers nothing any more"})
	}
	rows = append(rows, [2]string{"Review afterwards", reviewState(x, v)})
	var b strings.Builder
	b.WriteString("| | |\n|---|---|\n")
	for _, r := range rows {
		b.WriteString("| " + r[0] + " | " + cell(r[1]) + " |\n")
	}
	return b.String()
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "none at the moment"
	}
	return some(all, maxItems)
}

// skipped says what exceptions waive, without which does: the table is about one.
func skipped(v View) []string {
	var out []string
	for _, f := range v.Verdict.Findings {
		if f.State != rules.Waived {
			continue
		}
		says := f.Says
		if i := strings.LastIndex(says, "; waived by EX-"); i >= 0 {
			says = says[:i]
		}
		if f.Group != "" {
			says = code(f.Group) + ": " + prose(says)
		} else {
			says = prose(says)
		}
		if !slices.Contains(out, says) {
			out = append(out, says)
		}
	}
	return out
}

// enforced names the rules of which no finding is waived.
func enforced(v View) []string {
	waived := map[string]bool{}
	for _, f := range v.Verdict.Findings {
		waived[f.Rule] = waived[f.Rule] || f.State == rules.Waived
	}
	var out []string
	for _, f := range v.Verdict.Findings {
		name := strings.ToLower(ruleName(f.Rule))
		if !ofException(f) && !waived[f.Rule] && !slices.Contains(out, prose(name)) {
			out = append(out, prose(name))
		}
	}
	return append(out, "nobody reviews their own exception")
}

// ofException reports whether a finding tells of an exception itself.
func ofException(f rules.Finding) bool {
	switch f.Code {
	case rules.CodeWaiver, rules.CodeBreakGlass, rules.CodeOverdue, rules.CodeVoid, rules.CodeLate:
		return true
	}
	return false
}

// reviewState says how far the review afterwards is.
func reviewState(x *rules.Exception, v View) string {
	switch c := x.Closed; {
	case c == nil && x.Late(v.At):
		return "**overdue** since " + ShowTime(x.Due, v.Zone)
	case c == nil:
		return "due " + ShowTime(x.Due, v.Zone)
	case x.Late(v.At):
		return "by " + personName(c.By) + ", " + stampUTC(c.At) + ", **late**: it was due " + ShowTime(x.Due, v.Zone)
	default:
		return "by " + personName(c.By) + ", " + stampUTC(c.At) + ": " + quote(c.Outcome)
	}
}

// stillToDo asks for the review, with the command to paste.
func stillToDo(x *rules.Exception, v View) string {
	who := "whom the policy allows"
	if v.Policy != nil {
		who = people(v.Policy.Reviewers(v.Change))
	}
	by := "By " + ShowTime(x.Due, v.Zone)
	if x.Late(v.At) {
		by = "Overdue since " + ShowTime(x.Due, v.Zone)
	}
	return fmt.Sprintf("- **%s**: one of %s, other than %s and whoever contributed, looks at it and comments\n\n%s",
		by, who, personName(x.By), indent(fence("text", "/change ack "+x.ID()+" outcome: what the review found")))
}

// people names sources of the policy without notifying them.
func people(from []string) string {
	var names []string
	for _, f := range from {
		switch {
		case f == "codeowners":
			names = append(names, "the code owners")
		case rules.Impersonal(f):
			names = append(names, "those with "+code(f)+" access")
		default:
			names = append(names, code(f))
		}
	}
	if len(names) > maxListed {
		return firstFew(names)
	}
	return strings.Join(names, " or ")
}
