package checks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// says is what was read, shortly.
func says(all []Comment) (bodies []string) {
	for _, c := range all {
		edited := ""
		if c.Edited {
			edited = " (edited)"
		}
		bodies = append(bodies, fmt.Sprintf("%d %s%s", c.By.ID, c.Body, edited))
	}
	return bodies
}

// TestComments: those since the last reading, oldest first, with who made them and
// whether they were edited; the App's own apart. All of it comes with the pull request.
func TestComments(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	s.gh.Bot("other[bot]")
	s.gh.Bot("changegate[bot]")
	s.gh.User("gone1", "changegate")
	c, p := s.client(t, http.DefaultTransport), s.open()
	p.Comment("lead1", "a day old")
	s.later(24 * time.Hour)
	p.Comment("lead1", "new")
	p.Comment("gone1", "by nobody")
	s.gh.DeleteUser("gone1")
	p.Comment("other[bot]", "by a bot")
	p.Comment("changegate[bot]", "ours")
	p.Comment("changegate", "not ours")
	p.EditComment("lead1", p.Comment("lead1", "was"), "is")
	last := p.Comment("dev1", "last")
	id := func(login string) int64 { return s.gh.User(login) }
	g, _ := s.read(t, c, p, Known{})
	want := []string{
		fmt.Sprintf("%d new", id("lead1")), "0 by nobody", fmt.Sprintf("%d by a bot", s.gh.Bot("other[bot]")),
		fmt.Sprintf("%d not ours", id("changegate")), fmt.Sprintf("%d is (edited)", id("lead1")), fmt.Sprintf("%d last", id("dev1")),
	}
	if diff := cmp.Diff(want, says(g.Comments)); diff != "" {
		t.Errorf("first reading (-want +got):\n%s", diff)
	}
	if !g.Comments[2].By.Bot || len(g.Own) != 1 || g.Own[0].Body != "ours" || g.Unread || g.Read != last || g.Known.Comment != 0 {
		t.Errorf("by a bot: %+v, own %v, unread %v, read %d of %d, known %d", g.Comments[2].By, says(g.Own), g.Unread, g.Read, last, g.Known.Comment)
	}
	if at := s.now(); !g.Comments[5].At.Equal(at) || !g.Now.Equal(at) {
		t.Errorf("made at %v, read at %v, want %v", g.Comments[5].At, g.Now, at)
	}
	s.later(48 * time.Hour)
	p.Comment("lead1", "later")
	s.later(48 * time.Hour)
	s.gh.ResetCalls()
	g, _ = s.read(t, c, p, Known{Comment: last})
	if diff := cmp.Diff([]string{fmt.Sprintf("%d later", id("lead1"))}, says(g.Comments)); diff != "" || len(g.Own) != 1 || g.Read <= last {
		t.Errorf("second reading: own %v (-want +got):\n%s", says(g.Own), diff)
	}
	g, _ = s.read(t, c, p, Known{Comment: g.Read})
	if len(g.Comments) > 0 || g.Known.Comment != g.Read {
		t.Errorf("third reading: %v", says(g.Comments))
	}
}

// TestManyComments: more than come with the pull request cost one call more; when all of
// those are new too, it is told that there may be others. Nothing is read twice.
func TestManyComments(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]struct {
		read, calls int
		unread      bool
	}{0: {0, 0, false}, 29: {29, 0, false}, 30: {30, 1, false}, 79: {79, 1, false}, 80: {80, 1, true}, 300: {80, 1, true}} {
		s := tell(t, "write")
		c, p := s.client(t, http.DefaultTransport), s.open()
		before, _ := s.read(t, c, p, Known{})
		p.Comment("lead1", "read already")
		read, _ := s.read(t, c, p, before.Known)
		for i := range n {
			p.Comment("lead1", fmt.Sprint(i))
		}
		g, _ := s.read(t, c, p, Known{Comment: read.Read})
		calls := 0
		for _, call := range s.gh.Calls() {
			if call.Operation == "Comments" {
				calls++
			}
		}
		if len(g.Comments) != want.read || calls != want.calls || g.Unread != want.unread {
			t.Errorf("%d comments: %d read in %d calls more, unread %v; want %+v", n, len(g.Comments), calls, g.Unread, want)
		}
		for i, k := range g.Comments {
			if k.Body != fmt.Sprint(n-len(g.Comments)+i) {
				t.Errorf("%d comments: number %d is %q", n, i, k.Body)
			}
		}
	}
}

// TestHolesInComments: whatever is missing in GitHub's answer, no edited comment looks
// like a new one, nobody else's looks like theirs, and the others are read all the same.
func TestHolesInComments(t *testing.T) {
	t.Parallel()
	s := tell(t, "write")
	p := s.open()
	p.Comment("lead1", "first")
	p.EditComment("lead2", p.Comment("lead2", "was"), "second")
	p.Comment("lead1", "third")
	x := &tampering{next: http.DefaultTransport}
	var whole any
	x.saw = func(n int, body []byte) {
		if n == 1 {
			json.Unmarshal(body, &whole)
		}
	}
	c := s.client(t, x)
	want, _ := s.read(t, c, p, Known{})
	if len(want.Comments) != 3 {
		t.Fatal(says(want.Comments))
	}
	x.saw = nil
	tried := 0
	places(whole, nil, func(at []any, less ...any) {
		place := strings.Trim(fmt.Sprint(at), "[]")
		if !strings.HasPrefix(place, "data repository pullRequest comments") || strings.HasSuffix(place, "author") {
			return
		}
		for _, with := range less {
			if with == nil && strings.HasSuffix(place, "lastEditedAt") {
				continue // never edited
			}
			tried++
			x.seen, x.answer, x.change = 0, 1, func(v any) any { return replaced(v, at, with) }
			g, err := c.Gather(t.Context(), s.wake(p), Known{})
			if err != nil {
				continue
			}
			if len(g.Comments) < 2 && strings.Contains(place, "nodes ") {
				t.Errorf("%T at %s: only %v are read", with, place, says(g.Comments))
			}
			for _, k := range g.Comments {
				if !slices.ContainsFunc(want.Comments, func(w Comment) bool { return cmp.Equal(w, k) }) {
					t.Errorf("%T at %s: %+v is read", with, place, k)
				}
			}
		}
	})
	if tried < 30 {
		t.Errorf("only %d holes tried", tried)
	}
}

// TestGitHubsClock: the Date of the answer, unless a cache on the way kept it.
func TestGitHubsClock(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		header http.Header
		want   time.Time
	}{
		"fresh":     {http.Header{"Date": {"Tue, 24 Nov 2026 08:00:00 GMT"}}, at},
		"fresh too": {http.Header{"Date": {"Tue, 24 Nov 2026 08:00:00 GMT"}, "Age": {"0"}}, at},
		"cached":    {http.Header{"Date": {"Tue, 24 Nov 2026 08:00:00 GMT"}, "Age": {"60"}}, time.Time{}},
		"none":      {http.Header{}, time.Time{}},
		"broken":    {http.Header{"Date": {"today"}}, time.Time{}},
	} {
		if got := dateOf(tt.header); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestOldCommentsByOurClock: without a Date of GitHub's, what is a day old is so by ours.
func TestOldCommentsByOurClock(t *testing.T) {
	t.Parallel()
	g := &gathering{c: &Client{Config: Config{Now: func() time.Time { return time.Unix(200_000, 0) }}}, out: &Gathered{}}
	for at, want := range map[int64]bool{200_000: true, 200_000 - 86_399: true, 200_000 - 86_400: false} {
		if got := g.fresh(Comment{ID: 1, At: time.Unix(at, 0)}); got != want {
			t.Errorf("made at %d: new %v", at, got)
		}
	}
	g.out.Now = time.Unix(400_000, 0)
	if g.fresh(Comment{ID: 1, At: time.Unix(200_000, 0)}) {
		t.Error("our clock is believed before GitHub's")
	}
}
