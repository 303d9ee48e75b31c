package rules

import (
	"cmp"
	"slices"
	"strings"
)

// The states of a review that are an opinion.
const (
	approved         = "APPROVED"
	changesRequested = "CHANGES_REQUESTED"
	dismissed        = "DISMISSED"
)

// opine finds each person's latest opinionated review, oldest first, and lists the
// reviews that are none. A dismissed review stays the latest: it does not revive
// an older one.
func (j *judgement) opine() {
	ordered := slices.Clone(j.c.Reviews)
	for i := range ordered {
		ordered[i].State = strings.ToUpper(ordered[i].State) // GitHub's two APIs write it in two ways
	}
	slices.SortStableFunc(ordered, inTime)
	last := make(map[Person]int, len(ordered))
	for i := range ordered {
		if w := &ordered[i]; w.State == approved || w.State == changesRequested || w.State == dismissed {
			last[w.By.who()] = i
		}
	}
	for i := range ordered {
		w := &ordered[i]
		switch at, has := last[w.By.who()]; {
		case !has:
			j.turned = append(j.turned, Turned{w.By, CodeComment, "commented only"})
		case at < i || w.State != approved && w.State != changesRequested && w.State != dismissed:
			// A comment of somebody who also has an opinion: that one is judged.
		case at > i:
			j.turned = append(j.turned, Turned{w.By, CodeSuperseded, "reviewed again later"})
		case w.State == dismissed:
			j.turned = append(j.turned, Turned{w.By, CodeDismissed, "the review was dismissed"})
		default:
			j.opinions = append(j.opinions, w)
		}
	}
}

// inTime orders reviews by when they were given, and those of one second by their
// ids, which rise. What takes an approval back is taken to be the later one where
// neither tells: one without a time comes last, and an approval without one first.
func inTime(a, b Review) int {
	last := func(w Review) int {
		if w.At.IsZero() && w.State != approved {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(last(a), last(b)), a.At.Compare(b.At), cmp.Compare(a.ID, b.ID),
		strings.Compare(a.State, b.State), strings.Compare(a.Commit, b.Commit), strings.Compare(a.Request, b.Request))
}
