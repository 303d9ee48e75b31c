package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// A rollbackResult is what a rollback came to. State is dry-run, opened, by-hand (the
// App may not write, or branches are in the way: run Commands), stuck, nothing or refused.
type rollbackResult struct {
	Change string `json:"change"`
	Repo   string `json:"repo"`
	Branch string `json:"branch"`
	Pull   int    `json:"pull"`
	Title  string `json:"title"`
	State  string `json:"state"`
	Says   string `json:"says,omitempty"`
	// Number and URL are the pull request that was opened, or is open already.
	Number   int            `json:"number,omitempty"`
	URL      string         `json:"url,omitempty"`
	Plan     *rollbackPlan  `json:"plan,omitempty"`
	Tip      string         `json:"tip,omitempty"` // of the branch, on which it was worked out
	Files    []rollbackFile `json:"files,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
	Commands []string       `json:"commands,omitempty"`
	// Request is the change request for the description of a pull request that is opened
	// by hand.
	Request string `json:"request,omitempty"`

	change   *store.Change
	recorded bool
}

type rollbackPlan struct {
	To     string `json:"to"`
	Form   string `json:"form"`
	Commit string `json:"commit,omitempty"`
	State  string `json:"state,omitempty"` // verified or broken, as it is now or was last found
	Says   string `json:"says,omitempty"`
}

type rollbackFile struct {
	Path     string      `json:"path"`
	Does     string      `json:"does"`
	Wrong    string      `json:"wrong,omitempty"`
	Now      rules.Entry `json:"now,omitzero"`
	Restored rules.Entry `json:"restored,omitzero"`
}

// show takes over what was worked out.
func (r *rollbackResult) show(x *checks.Restoring) {
	c := r.change
	r.Plan = &rollbackPlan{x.Plan.To, x.Plan.Form, x.Plan.Commit, c.State, c.Says}
	switch why := x.Broken(); {
	case r.recorded:
	case why != "":
		r.Plan.State, r.Plan.Says = evidence.PlanBroken, why
	case c.State == evidence.PlanBroken:
		r.Plan.State, r.Plan.Says = evidence.PlanVerified, ""
	}
	r.Tip, r.Number, r.URL, r.Says = x.Tip, x.Open, x.URL, x.Target.Unknown
	for _, f := range x.Target.Files {
		r.Files = append(r.Files, rollbackFile{f.Path, x.Does(f), f.Wrong, f.Landed, f.Back})
	}
	for _, note := range x.Notes {
		r.Notes = append(r.Notes, plain.Replace(note))
	}
	r.Commands, r.Request = x.Commands(), x.Block()
}

// code is how the command ends (CONTRACT §6).
func (r *rollbackResult) code() int {
	if r.State == "dry-run" || r.State == "opened" {
		return exitOK
	}
	return exitBlocked
}

// text lays the result out for a terminal.
func (r *rollbackResult) text() string {
	var b strings.Builder
	hang(&b, "Rollback  ", fmt.Sprintf("%s  %s  %s  pull request #%d", r.Change, r.Repo, r.Branch, r.Pull))
	if r.Title != "" {
		hang(&b, "          ", r.Title)
	}
	if r.Plan != nil {
		hang(&b, "Plan      ", r.Plan.words())
		on := r.Branch + " at " + short(r.Tip)
		if r.recorded {
			on += ", as last verified; GitHub was not asked (--app-id is missing)"
		}
		hang(&b, "On        ", on)
	}
	if len(r.Files) > 0 {
		b.WriteString("\n")
	}
	for _, f := range r.Files {
		f.write(&b)
	}
	for _, note := range r.Notes {
		b.WriteString("\n")
		hang(&b, "", note)
	}
	b.WriteString("\n")
	r.end(&b)
	return b.String()
}

func (p *rollbackPlan) words() string {
	s := p.To
	if p.Commit != "" && p.Form != rules.FormRevert && !strings.HasPrefix(p.Commit, p.To) {
		s += " (commit " + short(p.Commit) + ")"
	}
	if p.State != "" {
		s += ", " + p.State
	}
	if p.Says != "" {
		s += ": " + plain.Replace(p.Says)
	}
	return s
}

// write shows one file; what is said of it stands beside its name if it fits.
func (f *rollbackFile) write(b *strings.Builder) {
	const column = 42
	name := "  " + clean(f.Path)
	if utf8.RuneCountInString(name) >= column {
		b.WriteString("  " + clipStart(clean(f.Path), width-2) + "\n")
		name = ""
	}
	hang(b, name+strings.Repeat(" ", column-utf8.RuneCountInString(name)), plain.Replace(f.Does))
}

// end says what became of it, and what is to be done.
func (r *rollbackResult) end(b *strings.Builder) {
	switch r.State {
	case "opened":
		hang(b, "Result: ", fmt.Sprintf("pull request #%d is open; it is judged like any change, and needs somebody else's approval", r.Number))
		b.WriteString("        " + r.URL + "\n")
		return
	case "nothing":
		hang(b, "Result: ", "the branch already has what the plan restores")
		return
	case "refused":
		hang(b, "Result: ", plain.Replace(r.Says))
		return
	case "by-hand":
		hang(b, "Result: ", "nothing is rolled back yet: "+plain.Replace(r.Says))
	case "stuck":
		what := "the plan does not work on the branch as it is now"
		if r.Says != "" {
			what = "the plan could not be worked out on the branch as it is now; " + plain.Replace(r.Says)
		}
		hang(b, "Result: ", what)
	default:
		if r.Number != 0 {
			hang(b, "Result: ", fmt.Sprintf("dry run; pull request #%d does it already: %s", r.Number, r.URL))
		} else {
			hang(b, "Result: ", "dry run, nothing was changed")
		}
	}
	b.WriteString("\nThe same by hand, in a clone:\n\n" + strings.Join(r.Commands, "\n") + "\n")
	b.WriteString("\nThen a pull request into " + clean(r.Branch) + ", with this in its description:\n\n" + r.Request)
}
