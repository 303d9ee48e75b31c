package bot_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"changegate/checks/githubtest"
)

// A turnout is GitHub's end of a benchmark: it notes when each check run is told to have
// passed, as the request arrives.
type turnout struct {
	next http.RoundTripper
	now  func() time.Time

	mu    sync.Mutex
	calls int
	green map[string]time.Time // by address of the check run
}

func (r *turnout) RoundTrip(q *http.Request) (*http.Response, error) {
	run := ""
	if q.Method == http.MethodPatch && strings.Contains(q.URL.Path, "/check-runs/") {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return nil, err
		}
		if q.Body = io.NopCloser(bytes.NewReader(body)); bytes.Contains(body, []byte(`"conclusion":"success"`)) {
			run = q.URL.Path[strings.LastIndexByte(q.URL.Path, '/')+1:]
		}
	}
	r.mu.Lock()
	if r.calls++; run != "" {
		r.green[run] = r.now()
	}
	r.mu.Unlock()
	return r.next.RoundTrip(q)
}

func (r *turnout) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.green)
}

// BenchmarkTimers has approved pull requests come due and prints how long after its
// instant each check turned green, where the request arrives at GitHub: 10,000 of them
// over two minutes, evenly, and 1,000 at one instant, which tells what is sustained.
// Before that it prints what the server costs while nothing is due: CPU, and how often
// it looks at its clock. GitHub is the make-believe one, in this process and without delay;
// its own work is in the figures, and a real one's 200 ms an answer are not.
func BenchmarkTimers(b *testing.B) {
	for _, c := range []struct {
		pulls int
		over  time.Duration
	}{{1000, 0}, {10_000, 2 * time.Minute}} {
		b.Run(fmt.Sprintf("%d_over_%s", c.pulls, c.over), func(b *testing.B) {
			for range b.N {
				timers(b, c.pulls, c.over)
			}
		})
	}
}

// timerWorkers is how many pull requests are judged at once: serve's --workers.
const timerWorkers = 16

func timers(b *testing.B, pulls int, over time.Duration) {
	w := &world{dir: b.TempDir(), clock: &clock{}, unwired: true, reviews: map[string]int64{}, marks: map[string]string{}}
	var ahead, looks atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w.now = func() time.Time { looks.Add(1); return now() }
	w.gh = githubtest.New(githubtest.Options{Now: now, Receiver: w})
	t := &turnout{next: w.gh.Transport(), now: now, green: map[string]time.Time{}}
	w.wire = t
	if err := w.start(w.dir + "/.data"); err != nil {
		b.Fatal(err)
	}
	first := now().Add(24 * time.Hour).Truncate(time.Second)
	instants := make([]time.Time, pulls)
	for i := range instants { // in whole seconds, as people write them
		instants[i] = first.Add(over * time.Duration(i) / time.Duration(pulls)).Truncate(time.Second)
	}
	all := w.openFor(instants)
	ahead.Add(int64(time.Minute)) // GitHub's times are whole seconds: who approves comes later
	for _, p := range all {
		p.Review("rev1", "APPROVED")
	}

	ctx, cancel := context.WithCancel(b.Context())
	var work sync.WaitGroup
	work.Go(func() { w.bot.Run(ctx, timerWorkers) })
	defer func() {
		cancel()
		work.Wait()
		if err := w.end(); err != nil {
			b.Error(err)
		}
	}()
	if err := w.bot.SweepOnce(ctx); err != nil {
		b.Fatal(err)
	}
	judged := time.Now()
	due := map[string]time.Time{} // by address of the check run
	for i, p := range all {
		c, _ := p.Check("changegate: main")
		for ; !strings.HasPrefix(c.Title, "Scheduled"); c, _ = p.Check("changegate: main") {
			time.Sleep(50 * time.Millisecond)
		}
		due[fmt.Sprint(c.ID)] = instants[i]
	}
	b.Logf("%d judged for the first time in %s", pulls, time.Since(judged))
	time.Sleep(2 * time.Second)
	percent, wakes := idle(&looks)

	before := t.calls
	ahead.Add(int64(first.Add(-10 * time.Second).Sub(now())))
	b.ResetTimer()
	for t.count() < pulls {
		time.Sleep(100 * time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(t.calls-before)/float64(pulls), "calls/pull")
	b.ReportMetric(percent, "idle-CPU-%")
	b.ReportMetric(wakes, "idle-looks/s")
	delays(b, t, due, first)
}

// idle is what the server costs while nothing is due: CPU of one core in percent, and how
// often it looks at its clock.
func idle(looks *atomic.Int64) (percent, wakes float64) {
	const long = 40 * time.Second
	begun, woken := cpu(), looks.Load()
	time.Sleep(long)
	return (cpu() - begun).Seconds() / long.Seconds() * 100, float64(looks.Load()-woken) / long.Seconds()
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// delays prints how long after its instant each check turned green; none may before it.
func delays(b *testing.B, t *turnout, due map[string]time.Time, first time.Time) {
	var all []time.Duration
	last := first
	for run, at := range t.green {
		all = append(all, at.Sub(due[run]))
		if at.After(last) {
			last = at
		}
	}
	slices.Sort(all)
	if all[0] < 0 {
		b.Errorf("a check turned green %s before its instant", -all[0])
	}
	b.ReportMetric(all[len(all)/2].Seconds(), "p50-s")
	b.ReportMetric(all[len(all)*99/100].Seconds(), "p99-s")
	b.ReportMetric(all[len(all)-1].Seconds(), "max-s")
	b.ReportMetric(float64(len(all))/last.Sub(first).Seconds(), "released/s")
}

// openFor opens a pull request for each instant, with nobody looking.
func (w *world) openFor(instants []time.Time) (all []*githubtest.Pull) {
	(&span{world: w}).inhabit(enforced)
	w.gh.Hook("")
	for i, at := range instants {
		all = append(all, w.repo.Open("dev1", githubtest.PR{
			Head: fmt.Sprint("topic", i), Files: githubtest.Files{fmt.Sprintf("prompts/%d.md", i): "two\n"}, Title: "Change",
			Body: strings.Replace(described(w.first[:7]), "\n  rollback:", "\n  effective_at: "+at.UTC().Format(time.RFC3339)+"\n  rollback:", 1),
		}))
	}
	return all
}
