package store_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"changegate/bot/store"
	"changegate/checks"
)

// A row is the model of one job.
type row struct {
	due   time.Time // zero when idle
	lease time.Time // zero when free
	gen   int64
	token int64
	// raised and began count the events of the test: the last raise, the last claim.
	raised, began int
}

// A queue is the model beside the store that must do the same.
type queue struct {
	t     *testing.T
	s     *store.Store
	repo  checks.Place
	now   time.Time
	step  int
	rows  map[int]*row
	taken []*store.Job // every claim ever made, finished or not
}

// TestQueueLosesNoEvent compares the queue with a model in memory over random
// histories, and at the end of each asks what the product promises: after every
// event there was a run that began later.
func TestQueueLosesNoEvent(t *testing.T) {
	t.Parallel()
	s := open(t)
	repo := acme
	rapid.Check(t, func(r *rapid.T) {
		repo.RepoID++ // idle jobs of earlier histories stay behind
		whole := false
		defer func() {
			if !whole { // what a failed history left must not disturb its shrinking
				s = open(t)
			}
		}()
		q := &queue{t: t, s: s, repo: repo, now: noon, rows: map[int]*row{}}
		r.Repeat(map[string]func(*rapid.T){
			"raise":  q.raise,
			"claim":  q.claim,
			"finish": q.finish,
			"retry":  q.retry,
			"extend": q.extend,
			"wait":   func(r *rapid.T) { q.now = q.now.Add(time.Duration(rapid.IntRange(1, 12).Draw(r, "s")) * time.Second) },
			"":       q.nextDue,
		})
		q.drain(r)
		for n, m := range q.rows {
			if m.began < m.raised {
				r.Errorf("pull request %d was last raised in step %d and last claimed in step %d", n, m.raised, m.began)
			}
		}
		whole = !r.Failed()
	})
}

func (q *queue) raise(r *rapid.T) {
	n := rapid.IntRange(1, 3).Draw(r, "number")
	raise(q.t, q.s, checks.Wake{Place: q.repo, Number: n}, q.now)
	m := q.rows[n]
	if m == nil {
		m = &row{}
		q.rows[n] = m
	}
	q.step++
	m.gen, m.raised = m.gen+1, q.step
	if m.due.IsZero() || q.now.Before(m.due) {
		m.due = q.now
	}
}

// next is the job the model would give out.
func (q *queue) next() (number int) {
	for n, m := range q.rows {
		if m.due.IsZero() || m.due.After(q.now) || m.lease.After(q.now) {
			continue
		}
		if first := q.rows[number]; first == nil || m.due.Before(first.due) || m.due.Equal(first.due) && n < number {
			number = n
		}
	}
	return number
}

func (q *queue) claim(r *rapid.T) {
	want := q.next()
	j := claim(q.t, q.s, q.now)
	if j == nil {
		if want != 0 {
			r.Fatalf("claimed nothing, want pull request %d", want)
		}
		return
	}
	m := q.rows[j.Number]
	if j.Number != want || j.Gen != m.gen || j.Token != m.token+1 {
		r.Fatalf("claimed %d at generation %d with token %d, want %d, %d, %d", j.Number, j.Gen, j.Token, want, m.gen, m.token+1)
	}
	q.step++
	m.token, m.lease, m.began = j.Token, q.now.Add(lease), q.step
	q.taken = append(q.taken, j)
}

// any draws one of the claims ever made and says whether the model still holds it.
func (q *queue) any(r *rapid.T) (*store.Job, *row, bool) {
	if len(q.taken) == 0 {
		r.Skip("nothing was ever claimed")
	}
	j := rapid.SampledFrom(q.taken).Draw(r, "job")
	m := q.rows[j.Number]
	return j, m, m.token == j.Token && !m.lease.IsZero()
}

func (q *queue) finish(r *rapid.T) {
	j, m, want := q.any(r)
	next := rapid.SampledFrom([]time.Time{{}, q.now.Add(-time.Second), q.now.Add(5 * time.Second)}).Draw(r, "next")
	if held := finish(q.t, q.s, j, next, q.now); held != want {
		r.Fatalf("finish of %d with token %d: %v, want %v", j.Number, j.Token, held, want)
	}
	if !want {
		return
	}
	m.lease, m.due = time.Time{}, next
	if m.gen != j.Gen {
		m.due = q.now
	}
}

func (q *queue) retry(r *rapid.T) {
	j, m, ours := q.any(r)
	if err := q.s.Retry(q.t.Context(), j, q.now.Add(3*time.Second), "x"); err != nil {
		r.Fatal(err)
	}
	if ours {
		m.lease, m.due = time.Time{}, q.now.Add(3*time.Second)
	}
}

func (q *queue) extend(r *rapid.T) {
	j, m, want := q.any(r)
	held, err := q.s.Extend(q.t.Context(), j, q.now, lease)
	if held != want || err != nil {
		r.Fatalf("extend of %d with token %d: %v, %v; want %v", j.Number, j.Token, held, err, want)
	}
	if want {
		m.lease = q.now.Add(lease)
	}
	if live, err := q.s.Holds(q.t.Context(), j, q.now); live != want || err != nil {
		r.Fatalf("holds %d with token %d: %v, %v; want %v", j.Number, j.Token, live, err, want)
	}
}

func (q *queue) nextDue(r *rapid.T) {
	var want time.Time
	for _, m := range q.rows {
		at := m.due
		if !m.lease.IsZero() {
			at = m.lease
		}
		if !at.IsZero() && (want.IsZero() || at.Before(want)) {
			want = at
		}
	}
	if due, err := q.s.NextDue(q.t.Context()); !due.Equal(want) || err != nil {
		r.Fatalf("next due %v, %v; want %v", due, err, want)
	}
}

// drain lets time pass until the queue is idle, as a worker that never fails would.
func (q *queue) drain(r *rapid.T) {
	for {
		due, err := q.s.NextDue(q.t.Context())
		if err != nil {
			r.Fatal(err)
		}
		if due.IsZero() {
			return
		}
		if due.After(q.now) {
			q.now = due
		}
		before := len(q.taken)
		q.claim(r)
		if len(q.taken) == before {
			r.Fatalf("nothing to claim at %v, when NextDue said there would be", q.now)
		}
		j := q.taken[before]
		finish(q.t, q.s, j, time.Time{}, q.now)
		q.rows[j.Number].lease, q.rows[j.Number].due = time.Time{}, time.Time{}
	}
}
