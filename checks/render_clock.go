package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/rules"
)

// What is shown of a change that waits for the clock: until when, who set that, and
// every way out that its policy has.

// clocks shows the dates and freezes that are waited for.
func clocks(p *page, v View) {
	switch effective(v) {
	case rules.Scheduled, rules.Frozen:
		p.add(dateTable(v) + freezeTable(v))
	}
}

// dateTable shows an effective date, or the end of a notice, beside when that was
// written: the text stands still while the clock goes on.
func dateTable(v View) string {
	var until time.Time
	name := "Effective date"
	for _, f := range v.Verdict.Findings {
		if (f.Code == rules.CodeScheduled || f.Code == rules.CodeNoticeWait) && f.State == rules.Pending && f.Until.After(until) {
			if until = f.Until; f.Code == rules.CodeNoticeWait {
				name = "End of the notice"
			}
		}
	}
	if until.IsZero() {
		return ""
	}
	return "| | |\n|---|---|\n" +
		"| " + name + " | **" + ShowTime(until, v.Zone) + "** = " + code(until.UTC().Format(time.RFC3339)) + " |\n" +
		"| When this was written | " + stampUTC(v.At) + ", " + spell(until.Sub(v.At)) + " before |\n" +
		"| Re-evaluation | by itself at that instant, within 60 s |\n" +
		"| Merging | with **auto-merge** on, GitHub merges by itself when this turns green; without it, somebody merges from then on. ChangeGate does not read which it is |\n\n"
}

// freezeTable shows the freezes that hold the change, and whose they are.
func freezeTable(v View) string {
	if v.Policy == nil {
		return ""
	}
	var rows string
	for _, w := range v.Policy.Frozen(groups(v), v.At) {
		if !slices.ContainsFunc(v.Verdict.Findings, func(f rules.Finding) bool {
			return f.Code == rules.CodeFreeze && f.State == rules.Pending && f.Short == w.Name
		}) {
			continue
		}
		by, reason := "policy "+code(v.PolicyRef), "none given"
		if strings.HasPrefix(w.Name, "org/") {
			by = "the organisation's policy"
		}
		if w.Reason != "" {
			reason = code(w.Reason)
		}
		for _, cells := range []string{code(w.Name), ShowTime(w.From, v.Zone), ShowTime(w.Until, v.Zone), by, reason} {
			rows += "| " + cell(cells) + " "
		}
		rows += "|\n"
	}
	if rows == "" {
		return ""
	}
	return "| Freeze | From | Until | Set by | Reason |\n|---|---|---|---|---|\n" + rows + "\n"
}

// groups are those that govern a file of the change.
func groups(v View) []string {
	var out []string
	for _, g := range v.Verdict.Governed {
		for _, name := range g.Groups {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// clockSteps are what can be done about a change that waits for the clock, with the
// commands to write.
func clockSteps(v View) []string {
	steps := []string{"Do nothing. " + opens(v) + "\n"}
	codes := pendingCodes(v)
	if codes[rules.CodeScheduled] {
		steps = append(steps, changeDate(v))
	}
	waive, glass := false, false
	if v.Policy != nil {
		waive, glass = v.Policy.Ways(v.Change, v.At)
	}
	if codes[rules.CodeFreeze] && waive {
		steps = append(steps, "It cannot wait for the end of the freeze? One of "+people(v.Policy.Reviewers(v.Change))+" who did not contribute writes\n\n"+
			command("waive")+"   It is an exception, which somebody else reviews afterwards.\n")
	}
	if glass {
		steps = append(steps, "Production is burning? One of "+people(v.Policy.BreakGlass.Who)+" who did not contribute writes\n\n"+
			command("break-glass")+"   It is an exception, which somebody else reviews afterwards.\n")
	}
	return steps
}

func pendingCodes(v View) map[string]bool {
	out := map[string]bool{}
	for _, f := range v.Verdict.Findings {
		out[f.Code] = out[f.Code] || f.State == rules.Pending
	}
	return out
}

// command is a block to paste inside a numbered item.
func command(name string) string {
	return indent(fence("text", "/change "+name+" "+rules.CommandForm(name)))
}

// changeDate says how to set another date. Only the description can be changed by a
// command: a file is changed by a push.
func changeDate(v View) string {
	later := lastUntil(v).Add(24 * time.Hour)
	if v.Zone != nil {
		later = later.In(v.Zone)
	}
	const again = " Approvals then have to be given again."
	for _, r := range v.Change.Requests {
		if r.Path != "" {
			return "Another date? Edit `effective_at` in " + code(r.Path) + " and push; `on-merge` is at once." + again + "\n"
		}
	}
	return "Another date? Edit `effective_at` in the description (`on-merge` is at once), or write\n\n" +
		indent(fence("text", "/change schedule "+later.Format("2006-01-02T15:04Z07:00"))) + "  " + again + "\n"
}

// opens says when the last clock lets go: a date inside a freeze waits for its end too,
// and so does the end of a freeze inside another.
func opens(v View) string {
	until, why := lastUntil(v), ""
	for range maxItems {
		w, ok := freezeAt(v, until)
		if !ok {
			break
		}
		if codes := pendingCodes(v); why == "" && (codes[rules.CodeScheduled] || codes[rules.CodeNoticeWait]) && !codes[rules.CodeFreeze] {
			why = "The date lies in the freeze " + code(w.Name) + ". "
		} else if says := "The freeze " + code(w.Name) + " follows. "; !strings.HasSuffix(why, says) {
			why += says
		}
		until = w.Until
	}
	return why + "This turns green by itself at **" + ShowTime(until, v.Zone) + "** if the approvals still hold then."
}

// freezeAt is the freeze that ends last of those that hold the change at an instant to
// come. One that is waived now is so until its end.
func freezeAt(v View, at time.Time) (last rules.Window, ok bool) {
	if v.Policy == nil {
		return last, false
	}
	for _, w := range v.Policy.Frozen(groups(v), at) {
		waived := slices.ContainsFunc(v.Verdict.Findings, func(f rules.Finding) bool {
			return f.Code == rules.CodeFreeze && f.State == rules.Waived && f.Short == w.Name && f.Until.Equal(w.Until)
		})
		if !waived && (!ok || w.Until.After(last.Until)) {
			last, ok = w, true
		}
	}
	return last, ok
}

// also warns of other pull requests that wait for their date and change the same file:
// GitHub merges whichever comes second only after its conflicts are resolved.
func also(p *page, v View) {
	var mine time.Time
	if q, _ := rules.ReadRequest(v.Change.Requests, v.Zone); q != nil {
		mine = q.EffectiveAt
	}
	var lines []string
	for _, s := range v.Also {
		first := fmt.Sprintf("PR %d", s.Number)
		if !mine.IsZero() && mine.Before(s.At) || mine.IsZero() {
			first = "this one"
		}
		lines = append(lines, fmt.Sprintf("- PR %d changes %s too and is effective %s. Whichever is merged second may conflict, and then needs its approvals again; merge %s first.\n",
			s.Number, firstFew(codes(s.Paths)), ShowTime(s.At, v.Zone), first))
	}
	if len(lines) == 0 {
		return
	}
	p.add("**Also scheduled**\n\n")
	p.list(lines, maxItems, keepForSteps, v.itemsLeft)
	p.add("\n")
}

// late says of a ready change that its date had passed before it was approved.
func late(v View) string {
	q, _ := rules.ReadRequest(v.Change.Requests, v.Zone)
	if effective(v) != rules.Ready || q == nil || q.EffectiveAt.IsZero() {
		return ""
	}
	var last time.Time
	for _, a := range v.Verdict.Approvals {
		if a.At.After(last) {
			last = a.At
		}
	}
	if !last.After(q.EffectiveAt) {
		return ""
	}
	return fmt.Sprintf("Planned for %s; the last approval came %s, %s late. Both times are on record.\n\n",
		ShowTime(q.EffectiveAt, v.Zone), stampUTC(last), spell(last.Sub(q.EffectiveAt)))
}

// spell writes a length as people do, in its two largest units.
func spell(d time.Duration) string {
	minutes := int(d / time.Minute)
	days, hours, minutes := minutes/(24*60), minutes/60%24, minutes%60
	switch {
	case days > 0 && hours > 0:
		return plural(days, "day") + " " + fmt.Sprint(hours) + " h"
	case days > 0:
		return plural(days, "day")
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d min", minutes)
}
