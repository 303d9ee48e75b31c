package bot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"changegate/bot/evidence"
)

// A mortal ends its server with the n-th request: before it is sent, or after GitHub
// has done what it asks and before the answer is read.
type mortal struct {
	next  http.RoundTripper
	after bool
	end   context.CancelFunc

	mu   sync.Mutex
	left int
}

func (m *mortal) RoundTrip(q *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.left--
	left := m.left
	m.mu.Unlock()
	switch {
	case left > 0:
		return m.next.RoundTrip(q)
	case left == 0 && m.after:
		if r, err := m.next.RoundTrip(q); err == nil {
			_ = r.Body.Close()
		}
	}
	m.end()
	return nil, errors.New("the server is gone")
}

// dies lets the server work until its n-th request, and starts another on its data.
// It reports whether there were as many.
func (w *world) dies(t *testing.T, n int, after bool) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := &mortal{next: newTransport(), after: after, end: cancel, left: n}
	w.restart(t, m)
	if err := w.bot.Drain(ctx); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	w.restart(t, nil)
	return m.left <= 0
}

func (w *world) restart(t *testing.T, wire http.RoundTripper) {
	t.Helper()
	w.server.Close()
	if err := w.st.Close(); err != nil {
		t.Fatal(err)
	}
	w.wire = wire
	if err := w.start(w.data); err != nil {
		t.Fatal(err)
	}
}

// TestKilledWhileItObeys: whenever the server dies, at each request before it is made
// and after it took effect, a command has its effect once, and is answered once.
func TestKilledWhileItObeys(t *testing.T) {
	t.Parallel()
	const most = 12 // more than there are requests
	for n := 1; n <= most; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, after %v", n, after), func(t *testing.T) {
				t.Parallel()
				w := emergency(t)
				w.later()
				id := w.pull.Comment("lead1", breakGlass+"\n/change brake-glass\n/change help")
				if !w.dies(t, n, after) && n < 8 {
					t.Errorf("there are fewer requests than %d", n)
				}
				w.works(t)
				w.later()
				w.works(t) // the sticky comment is written at most every 10 s
				w.shows(t, "BREAK-GLASS by lead1")
				w.reacted(t, id, "eyes", "+1", "confused")
				w.answered(t, 2, "Did you mean", "/change hold")
				w.records(t, evidence.KindOpened, 1)
				if x := w.exceptions(t); len(x) != 1 || x[0].Number != 1 {
					t.Errorf("exceptions: %+v", x)
				}
				if sticky, _ := w.ours(); len(sticky) != 1 {
					t.Errorf("%d sticky comments, want 1", len(sticky))
				}
			})
		}
	}
}

// TestKilledWhileItWritesTheDescription: what is done on GitHub before the command is
// known to be carried out is the same when it is done again.
func TestKilledWhileItWritesTheDescription(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 9; n++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("request %d, after %v", n, after), func(t *testing.T) {
				t.Parallel()
				w := emergency(t)
				w.later()
				id := w.pull.Comment("dev1", "/change schedule 2026-12-01T09:00Z")
				w.dies(t, n, after)
				w.works(t)
				w.reacted(t, id, "eyes", "+1")
				w.answered(t, 0)
				if body := w.pull.Body(); strings.Count(body, "effective_at: 2026-12-01T09:00Z") != 1 {
					t.Errorf("the description is\n%s", body)
				}
			})
		}
	}
}
