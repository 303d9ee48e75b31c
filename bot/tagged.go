package bot

// mostTagged bounds the tags that are remembered of one pull request.
const mostTagged = 100

// tag compares where the tag of rollback.to is with where it was when it was first read
// here. A tag is moved by whoever may push, at any time, and neither the change request nor
// the head changes with it: approvals would hold for a way back that nobody looked at. What
// was written before and is written again is known still, as approvals of it count again.
func (r *reading) tag() {
	t := r.Change.Target
	if t == nil || t.Commit == "" || t.Tag() == "" {
		return
	}
	was, known := r.memory.Tagged[t.To]
	switch {
	case known && was != t.Commit:
		t.Was = was
	case known:
	case len(r.memory.Tagged) >= mostTagged:
		t.Unknown = "rollback.to named more tags on this pull request than are remembered; a commit's id needs no memory"
	default:
		if r.memory.Tagged == nil {
			r.memory.Tagged = map[string]string{}
		}
		r.memory.Tagged[t.To] = t.Commit
	}
}
