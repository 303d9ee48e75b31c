package rules

import "time"

// satisfied returns how many of the asked approvals can be filled by different
// people, and when the last one needed was given. "Each by different people" is a
// bipartite matching: counting entry by entry would depend on their order and let
// a person who fits two entries block one who fits only one.
func satisfied(as []Approval, voters []Review) (have int, at time.Time) {
	var seats []*Approval
	for i := range as {
		for range as[i].Count {
			seats = append(seats, &as[i])
		}
	}
	taken := make([]int, len(seats)) // voter in each seat, -1 none
	for i := range taken {
		taken[i] = -1
	}
	for v := range voters { // oldest first: the first full assignment gives the time
		if have < len(seats) && seat(v, seats, voters, taken, make([]bool, len(seats))) {
			have++
			at = voters[v].At
		}
	}
	if have < len(seats) {
		at = time.Time{}
	}
	return have, at
}

// seat finds a seat for a voter, moving others along (Kuhn's algorithm).
func seat(v int, seats []*Approval, voters []Review, taken []int, tried []bool) bool {
	for s := range seats {
		if tried[s] || !seats[s].names(voters[v]) {
			continue
		}
		tried[s] = true
		if taken[s] < 0 || seat(taken[s], seats, voters, taken, tried) {
			taken[s] = v
			return true
		}
	}
	return false
}
