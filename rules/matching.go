package rules

import (
	"slices"
	"time"
)

// A matched is who fills which of the asked approvals.
type matched struct {
	want int
	have int
	owed int       // missing from entries that name code owners
	at   time.Time // when the last one needed was given; zero while any is missing
	open []entry   // the entries through which one more person would help
}

// An entry is one entry of a rule as it stands for one change.
type entry struct {
	Approval
	accounts map[string]int64 // whom logins of the policy name, as far as that is known
	owners   []string         // whom codeowners stands for
}

// match fills as many of the asked approvals as different people can. "Each by
// different people" is a bipartite matching: counting entry by entry would depend
// on their order and let a person who fits two entries block one who fits only
// one. Voters come oldest first, so the first full assignment gives the time.
func match(as []entry, voters []*Review) matched {
	m := matching{voters: voters}
	for i := range as {
		for range as[i].Count {
			m.seats = append(m.seats, &as[i])
			m.taken = append(m.taken, -1)
		}
	}
	out := matched{want: len(m.seats)}
	tried := make([]bool, len(m.seats))
	for v := range voters {
		clear(tried)
		if out.have < len(m.seats) && m.seat(v, tried) {
			out.have++
			out.at = voters[v].At
		}
	}
	if out.have < len(m.seats) {
		out.at = time.Time{}
		out.open = m.open()
		for s, a := range m.seats {
			if m.taken[s] < 0 && slices.Contains(a.From, codeOwners) {
				out.owed++
			}
		}
	}
	return out
}

type matching struct {
	seats  []*entry
	voters []*Review
	taken  []int // voter in each seat, -1 none
}

// seat finds a seat for a voter, moving others along (Kuhn's algorithm).
func (m *matching) seat(v int, tried []bool) bool {
	for s := range m.seats {
		if tried[s] || !m.seats[s].names(m.voters[v]) {
			continue
		}
		tried[s] = true
		if m.taken[s] < 0 || m.seat(m.taken[s], tried) {
			m.taken[s] = v
			return true
		}
	}
	return false
}

// open lists the entries that have a free seat, or one whose voter could move to
// a free one: whoever is asked must be able to help.
func (m *matching) open() []entry {
	free := make([]bool, len(m.seats))
	for s := range m.seats {
		free[s] = m.taken[s] < 0
	}
	for again := true; again; {
		again = false
		for s := range m.seats {
			if !free[s] && m.canLeave(s, free) {
				free[s], again = true, true
			}
		}
	}
	var out []entry
	for s := range m.seats {
		if free[s] && (s == 0 || m.seats[s] != m.seats[s-1] || !free[s-1]) {
			out = append(out, *m.seats[s])
		}
	}
	return out
}

func (m *matching) canLeave(s int, free []bool) bool {
	for t := range m.seats {
		if free[t] && m.seats[t].names(m.voters[m.taken[s]]) {
			return true
		}
	}
	return false
}
