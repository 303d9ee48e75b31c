package evidence

import (
	"fmt"
	"slices"
	"time"

	"changegate/rules"
)

// An ExceptionRecord says of an exception that it was opened, that it was reviewed,
// or that it was due and nobody had reviewed it; its kind is which. The words people
// gave as reason and outcome stand in it as they wrote them.
type ExceptionRecord struct {
	Header
	Repo   Repo `json:"repo"`
	Number int  `json:"number"` // of the pull request
	// Exception is as it was opened; only the record of the review has Closed.
	Exception rules.Exception `json:"exception"`
	Late      bool            `json:"late,omitempty"` // reviewed after it was due

	kind Kind
}

// Opened makes the record of an exception of pull request number. It has to be
// appended before the decision that the exception let pass, and once: its key is the
// exception's number.
func Opened(host string, repo Repo, number int, x rules.Exception) Record {
	x.Closed = nil
	return exceptionRecord(KindOpened, host, repo, number, x)
}

// Closed makes the record of an exception's review, which x.Closed says.
func Closed(host string, repo Repo, number int, x rules.Exception) Record {
	return exceptionRecord(KindClosed, host, repo, number, x)
}

// Overdue makes the record of an exception that nobody had reviewed when it was due.
func Overdue(host string, repo Repo, number int, x rules.Exception) Record {
	x.Closed = nil
	return exceptionRecord(KindOverdue, host, repo, number, x)
}

func exceptionRecord(kind Kind, host string, repo Repo, number int, x rules.Exception) Record {
	e := &ExceptionRecord{Repo: repo, Number: number, Exception: inUTC(x), kind: kind}
	e.Late = e.isLate()
	return Record{
		Key:       exceptionKey(kind, &x),
		Subject:   []Subject{commitSubject(host, repo.Name, fmt.Sprintf("refs/pull/%d/head", number), x.Head)},
		Predicate: e,
	}
}

func exceptionKey(kind Kind, x *rules.Exception) string { return string(kind) + "/" + x.ID() }

// inUTC is an exception whose times are written in the one zone of a record.
func inUTC(x rules.Exception) rules.Exception {
	x.At, x.Expires, x.Due, x.Freezes = x.At.UTC(), x.Expires.UTC(), x.Due.UTC(), slices.Clone(x.Freezes)
	if x.Closed != nil {
		c := *x.Closed
		c.At = c.At.UTC()
		x.Closed = &c
	}
	return x
}

func (e *ExceptionRecord) isLate() bool {
	return e.Exception.Closed != nil && e.Exception.Late(e.Exception.Closed.At)
}

// Kind implements Predicate.
func (e *ExceptionRecord) Kind() Kind { return e.kind }

// When implements Predicate: when it was opened, reviewed or due.
func (e *ExceptionRecord) When() time.Time {
	switch {
	case e.kind == KindOverdue:
		return e.Exception.Due
	case e.Exception.Closed != nil:
		return e.Exception.Closed.At
	}
	return e.Exception.At
}

// Where implements Predicate.
func (e *ExceptionRecord) Where() Repo { return e.Repo }
