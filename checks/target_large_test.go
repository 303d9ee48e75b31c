package checks

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// fifty is a prompt of 50 MB: its first line, and the same for ever.
func fifty(first string) string {
	return first + "\n" + strings.Repeat("Be kind, and be brief.\n", 50<<20/23)
}

// weighing counts the bytes of the answers.
type weighing struct{ bytes atomic.Int64 }

func (x *weighing) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := http.DefaultTransport.RoundTrip(q)
	if err == nil {
		r.Body = weighed{r.Body, x}
	}
	return r, err
}

type weighed struct {
	io.ReadCloser
	on *weighing
}

func (w weighed) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.on.bytes.Add(int64(n))
	return n, err
}

// TestPromptsOfFiftyMegabytes: what stands at a target is known by its id, whatever its
// size; nobody downloads it. Where it would have to be merged it is said that it is too
// large for that, and no plan is verified.
func TestPromptsOfFiftyMegabytes(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	s.repo.Push("lead1", "main", githubtest.Files{refund: fifty("0")})
	s.repo.Tag("v1", "main")
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{refund: fifty("1")}, Body: restoring("v1")})
	x := &weighing{}
	c := s.client(t, x)
	read := func(to string) *rules.Target {
		t.Helper()
		p.Edit("dev1", restoring(to))
		g, err := c.Gather(t.Context(), s.wake(p), Known{})
		must(t, err)
		return g.Change.Target
	}
	is, was := textFile(fifty("1")), textFile(fifty("0"))
	for _, to := range []string{"v1", "revert"} {
		if d := cmp.Diff([]rules.Restored{{Path: refund, Landed: is, Back: was}}, read(to).Files); d != "" {
			t.Errorf("%s (-want +got):\n%s", to, d)
		}
	}
	s.repo.Push("lead1", "main", githubtest.Files{refund: fifty("2")})
	for to, back := range map[string]rules.Entry{"v1": was, "revert": {}} {
		got := read(to)
		if d := cmp.Diff([]rules.Restored{{Path: refund, Landed: is, Back: back, Wrong: rules.WrongLarge}}, got.Files); d != "" {
			t.Errorf("%s, to be merged (-want +got):\n%s", to, d)
		}
		if code, says := got.Flaw("main", []string{refund}); code != rules.CodeNotRestorable || !strings.Contains(says, "above 1 MiB nothing is merged") {
			t.Errorf("%s: %s %q", to, code, says)
		}
	}
	if n := x.bytes.Load(); n > 8<<20 {
		t.Errorf("%d bytes were downloaded", n)
	}
}

// TestLocalPromptsOfFiftyMegabytes is the same of a clone. It is not parallel: nothing
// else may allocate while it measures.
func TestLocalPromptsOfFiftyMegabytes(t *testing.T) {
	f := newFixture(t, false)
	entry := func(first string) rules.Entry {
		return rules.Entry{Blob: f.blob(fifty(first)).String(), Mode: "100644"}
	}
	was, is := entry("0"), entry("1")
	fork := f.commit(enrolled(files{"prompts/a": fifty("0")}))
	f.ref("refs/tags/v1", fork)
	f.ref("refs/heads/main", fork)
	f.ref("refs/heads/feature", f.commit(enrolled(files{"prompts/a": fifty("1")}), fork))
	moved := f.commit(enrolled(files{"prompts/a": fifty("2")}), fork)
	read := func(to string) *rules.Target {
		t.Helper()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := f.read(wayBack(to)).Change.Target
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
			t.Errorf("%s: %d bytes were allocated", to, n)
		}
		return got
	}
	for _, to := range []string{"v1", "revert"} {
		if d := cmp.Diff([]rules.Restored{{Path: "prompts/a", Landed: is, Back: was}}, read(to).Files); d != "" {
			t.Errorf("%s (-want +got):\n%s", to, d)
		}
	}
	f.ref("refs/heads/main", moved)
	for to, back := range map[string]rules.Entry{"v1": was, "revert": {}} {
		got := read(to)
		if d := cmp.Diff([]rules.Restored{{Path: "prompts/a", Landed: is, Back: back, Wrong: rules.WrongLarge}}, got.Files); d != "" {
			t.Errorf("%s, to be merged (-want +got):\n%s", to, d)
		}
	}
}
