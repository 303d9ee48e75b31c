package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

// noticed is how long after an exception was due a server that runs may take to
// record it.
const noticed = 10 * time.Minute

// mostNamed bounds the exceptions that a line of the report names.
const mostNamed = 5

// emergencies checks every exception of the log, of whatever period: that their
// numbers leave none out, that each was opened before it was closed, and that
// somebody independent closed it.
func (v *verifier) emergencies() (Result, string, error) {
	s, opened := v.selected, 0
	for _, a := range s.asked {
		if a.kind == KindOpened {
			if opened++; a.Exception.Number != opened {
				return "", "", fmt.Errorf("record %d opens %s, expected EX-%d: they are numbered without a gap or a double",
					a.index, a.Exception.ID(), opened)
			}
		}
		if err := s.sound(a); err != nil {
			return "", "", fmt.Errorf("record %d: %w", a.index, err)
		}
	}
	return Pass, s.summary(), nil
}

// sound checks a record of an exception against those before it.
func (s *selection) sound(a *exceptionAt) error {
	x, id := &a.Exception, a.Exception.ID()
	if want := exceptionKey(a.kind, x); a.Key != want {
		return fmt.Errorf("%s of %s has key %.80q, expected %q", a.kind, id, a.Key, want)
	}
	if (x.Closed != nil) != (a.kind == KindClosed) || a.Late != a.isLate() {
		return fmt.Errorf("%s of %s says closed %t, late %t", a.kind, id, x.Closed != nil, a.Late)
	}
	if a.kind == KindOpened {
		return a.opens()
	}
	e := s.emergencies[x.Number]
	if e.opened == nil || e.opened.index > a.index {
		return fmt.Errorf("%s of %s, which no record before it opened", a.kind, id)
	}
	if a.Repo.ID != e.opened.Repo.ID || a.Number != e.opened.Number || !sameException(*x, e.opened.Exception) {
		return fmt.Errorf("%s of %s is not of what record %d opened", a.kind, id, e.opened.index)
	}
	if a.kind == KindClosed {
		return a.independent()
	}
	// When it was recorded is the server's clock, when it was due GitHub's.
	if e.closed != nil && e.closed.index < a.index {
		return fmt.Errorf("%s was not overdue: due %s, closed by record %s", id, stamp(x.Due), place(e.closed))
	}
	return nil
}

// opens checks what an exception says by itself.
func (a *exceptionAt) opens() error {
	x := &a.Exception
	switch {
	case x.By.ID == 0 || x.By.Bot:
		return fmt.Errorf("%s was opened by %.40q, who is no human with an account", x.ID(), x.By.Login)
	case x.Kind != rules.KindBreakGlass && x.Kind != rules.KindWaiver, (x.Kind == rules.KindWaiver) != (len(x.Freezes) > 0),
		x.Head == "", !x.Expires.After(x.At), !x.Due.After(x.At):
		return fmt.Errorf("%s is %.40q of commit %.64q from %s until %s, to be reviewed by %s: that is no exception",
			x.ID(), x.Kind, x.Head, stamp(x.At), stamp(x.Expires), stamp(x.Due))
	}
	return nil
}

// independent checks who reviewed an exception (SOC 2 CC8.1): a human who neither
// asked for it nor wrote the change.
func (a *exceptionAt) independent() error {
	x, c := &a.Exception, a.Exception.Closed
	wrote := slices.ContainsFunc(a.contributors, func(p rules.Person) bool { return p.ID == c.By.ID })
	switch {
	case c.By.ID == 0 || c.By.Bot:
		return fmt.Errorf("%s was closed by %.40q, who is no human with an account", x.ID(), c.By.Login)
	case c.By.ID == x.By.ID:
		return fmt.Errorf("%s was closed by %.40q, who had opened it", x.ID(), c.By.Login)
	case wrote:
		return fmt.Errorf("%s was closed by %.40q, who contributed to the change", x.ID(), c.By.Login)
	case c.At.Before(x.At):
		return fmt.Errorf("%s was closed %s, before it was opened %s", x.ID(), stamp(c.At), stamp(x.At))
	}
	return nil
}

// sameException compares but for the review.
func sameException(a, b rules.Exception) bool {
	a.Closed, b.Closed = nil, nil
	x, errA := canonical(inUTC(a))
	y, errB := canonical(inUTC(b))
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

// summary counts the exceptions of the log by their review. That one was overdue and
// no record says so is no fault of the log: the server did not notice.
func (s *selection) summary() string {
	if len(s.emergencies) == 0 {
		return "no exception was asked for"
	}
	count := map[string]int{}
	var missed []string
	for n := range len(s.emergencies) {
		e := s.emergencies[n+1]
		count[e.review(s.asOf)]++
		due := e.opened.Exception.Due
		if e.overdue == nil && (e.closed == nil || e.closed.Exception.Closed.At.After(due.Add(noticed))) && s.asOf.After(due.Add(noticed)) {
			missed = append(missed, e.opened.Exception.ID())
		}
	}
	says := fmt.Sprintf("%s exceptions, numbered without a gap; reviewed in time %d, late %d; open %d, overdue %d",
		thousands(len(s.emergencies)), count[reviewInTime], count[reviewLate], count[reviewOpen], count[reviewOverdue])
	if n := len(missed); n > 0 {
		says += fmt.Sprintf("; %d became overdue and no record says so (the server did not notice): %s",
			n, strings.Join(missed[:min(n, mostNamed)], ", "))
	}
	return says
}

// grounds checks that the exceptions among a decision's facts are those of the
// records before it: one that nobody opened would let anything pass.
func (s *selection) grounds(index int64, d *PolicyEvaluated, facts []byte) error {
	var f struct {
		Change struct{ Exceptions []rules.Exception }
	}
	if err := json.Unmarshal(facts, &f); err != nil {
		return fmt.Errorf("read exceptions: %w", err)
	}
	for _, x := range f.Change.Exceptions {
		e := s.emergencies[x.Number]
		if e == nil || e.opened == nil || e.opened.index > index || e.opened.Repo.ID != d.Repo.ID || e.opened.Number != d.Number ||
			!sameException(x, e.opened.Exception) {
			return fmt.Errorf("it was decided with %s, which is not what a record before it opened", x.ID())
		}
		if x.Closed == nil {
			continue
		}
		if e.closed == nil || e.closed.index > index || !sameClosing(*x.Closed, *e.closed.Exception.Closed) {
			return fmt.Errorf("it was decided with a review of %s, which is not what a record before it says", x.ID())
		}
	}
	return nil
}

func sameClosing(a, b rules.Closing) bool {
	at := a.At.Equal(b.At)
	a.At = b.At
	return at && a == b
}

// groups checks of every answer to a merge queue that the decisions it names are
// there and say what it says of them, and that the answer follows.
func (v *verifier) groups() (Result, string, error) {
	s := v.selected
	for _, g := range s.groups {
		for _, p := range g.Pulls {
			index, err := strconv.ParseInt(p.Decision, 10, 64)
			d := s.decisions[index]
			if p.Decision == "" && p.State == "" {
				continue
			}
			if err != nil || d == nil || index > g.index || d.Repo.ID != g.Repo.ID || d.Number != p.Number || d.Verdict.State != p.State {
				return "", "", fmt.Errorf("record %d says decision %.20q was that %.100s#%d is %.40q, the log does not",
					g.index, p.Decision, g.Repo.Name, p.Number, p.State)
			}
		}
		want := *g.GroupJudged
		if want.Conclude(); want.Passed != g.Passed || want.Shadow != g.Shadow {
			return "", "", fmt.Errorf("record %d answers passed %t, shadow %t; its pull requests give %t, %t",
				g.index, g.Passed, g.Shadow, want.Passed, want.Shadow)
		}
	}
	if len(s.groups) == 0 {
		return Pass, "no merge queue asked", nil
	}
	return Pass, fmt.Sprintf("%s answers to merge queues follow from the decisions they name", thousands(len(s.groups))), nil
}
