package rules

// Standing says how the plan of a merged change stands of which this was found on the
// branch as it is now: whether it would no longer work, and by a finding's code and a sentence
// what there is to say of it, empty for nothing. Where what stands at a path is what the rollback leaves,
// somebody has done it already. A tag that is elsewhere breaks nothing: what is restored
// is the commit that it was on when the plan was approved.
func (t *Target) Standing(branch string) (broken bool, id, says string) {
	var paths []string
	for _, f := range t.Files {
		if f.Wrong != "" || f.Back != f.Landed {
			paths = append(paths, f.Path)
		}
	}
	switch id, says = t.Flaw(branch, paths); {
	case id != "":
		return true, id, says
	case t.Moved:
		return false, CodeTagMoved, "the tag of " + code(t.To) + " is no longer on " + code(short(t.Commit)) + ", where it was when this was approved"
	}
	return false, "", ""
}
