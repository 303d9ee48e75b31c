package checks

import (
	"fmt"

	"changegate/rules"
)

// A PlanView is what is shown of the way back of a merged change.
type PlanView struct {
	Ref    rules.Ref
	Change string // CHG-n
	Branch string
	// Explained is set when the change came through the gate.
	Explained bool
	// Plan is nil when no way back was verified with the change.
	Plan *rules.Plan
	// Known is set once it was verified for what the merge left; Broken when it would no
	// longer work on the branch with this tip. Says is what there is to say of it.
	Known, Broken bool
	Tip, Says     string
	Undoes        string // CHG-n that the change rolled back; empty for none
	UndoneBy      string // CHG-n that rolled it back; empty for none
	DetailsURL    string
}

func (v PlanView) details() string { return View{DetailsURL: v.DetailsURL}.details() }

// StickyMerged is what the sticky comment says once the change has its number (PRODUCT
// A1): how it is called, and the way back.
func StickyMerged(v PlanView) string {
	rows := [][2]string{{"Change", v.came()}, {"Rollback", v.way()}}
	if v.Undoes != "" {
		rows = append(rows, [2]string{"Rollback of", v.Undoes})
	}
	if v.UndoneBy != "" {
		rows = append(rows, [2]string{"Rolled back by", v.UndoneBy})
	}
	table := ""
	for _, r := range rows {
		table += "| " + r[0] + " | " + cell(r[1]) + " |\n"
	}
	next := "nothing to do."
	switch {
	case v.Plan == nil || v.UndoneBy != "":
	case v.Broken:
		next = "nothing to do now. Its way back would no longer work: " + code("/change rollback") + " in a comment here says how to take it back by hand."
	default:
		next = "nothing to do. To roll it back: " + code("/change rollback") + " in a comment here, or " + code("changegate rollback "+v.Change) + "."
	}
	return StickyMarker(v.Ref.RepoID, v.Ref.Number) + "\n### Change control: Recorded as " + v.Change + "\n\n**Next:** " + next +
		"\n\n| | |\n|---|---|\n" + table + "\n<sub>This comment is kept up to date - " + v.details() + "</sub>\n"
}

// came says how the change came onto the branch.
func (v PlanView) came() string {
	if v.Explained {
		return "merged into " + code(v.Branch) + " through the gate"
	}
	return "merged into " + code(v.Branch) + " and not explained by a decision: an exception"
}

// way says what brings back what was there before, and whether it would.
func (v PlanView) way() string {
	if v.Plan == nil {
		return "none was verified with this change"
	}
	says := code(v.Plan.To) + ", " + plural(len(v.Plan.Files), "file")
	switch {
	case v.Broken:
		return says + ": WOULD NO LONGER WORK. " + sentence(prose(v.Says))
	case !v.Known:
		return says + ", not verified yet for what was merged"
	case v.Says != "":
		return says + ", verified. " + sentence(prose(v.Says))
	}
	return says + ", verified"
}

// PlanChanged tells on the pull request of a merged change that its way back stands
// otherwise than before. It is told when it is found, not when it is needed.
func PlanChanged(v PlanView) string {
	on := code(v.Branch) + " as it is now (" + code(shortID(v.Tip)) + ")"
	switch {
	case v.Broken:
		return fmt.Sprintf("**The way back of %s would no longer work** on %s: %s\n\n"+
			"Nothing has to be done now. Until it works again, no command rolls %s back: whoever has to take it back opens a pull request that restores the files by hand, and the next change of them declares a way back of its own. %s\n",
			v.Change, on, sentence(prose(v.Says)), v.Change, v.more())
	case v.Says != "":
		return fmt.Sprintf("**The way back of %s still works, and its name leads elsewhere** on %s: %s\n\n"+
			"Nothing has to be done. The rollback restores %s, as it was approved. %s\n",
			v.Change, on, sentence(prose(v.Says)), code(shortID(v.Plan.Commit)), v.more())
	}
	return fmt.Sprintf("The way back of %s works, verified on %s. %s\n", v.Change, on, v.more())
}

func (v PlanView) more() string { return "See " + v.details() + "." }
