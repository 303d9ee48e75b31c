package bot_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"changegate/checks/githubtest"
)

// A post is webhooks on their way: they arrive in any order, late, and twice.
type post struct {
	mu      sync.Mutex
	waiting []githubtest.Delivery
}

func (p *post) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, githubtest.Delivery{Event: r.Header.Get("X-GitHub-Event"), Payload: body})
}

// some takes a part of what is waiting, in any order; a few of them stay, to arrive
// again.
func (p *post) some(rnd *rand.Rand, all bool) (out []githubtest.Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rnd.Shuffle(len(p.waiting), func(i, j int) { p.waiting[i], p.waiting[j] = p.waiting[j], p.waiting[i] })
	n := len(p.waiting)
	if !all {
		n = rnd.IntN(n + 1)
	}
	out = slices.Clone(p.waiting[:n])
	again := min(n, rnd.IntN(3))
	p.waiting = slices.Clone(p.waiting[n-again:])
	return out
}

// delayed has webhooks wait until what it returns is called, which lets a part or all
// of them arrive.
func (w *world) delayed(t *testing.T, rnd *rand.Rand) (arrive func(all bool)) {
	mail := &post{}
	server := httptest.NewServer(mail)
	t.Cleanup(server.Close)
	w.gh.Hook(server.URL)
	return func(all bool) {
		w.gh.Hook(w.server.URL + "/webhook")
		for _, d := range mail.some(rnd, all) {
			w.gh.Send(d.Event, d.Payload)
			if rnd.IntN(2) == 0 {
				w.works(t)
			}
		}
		w.works(t)
		w.gh.Hook(server.URL)
	}
}

// TestEventsInAnyOrder: a webhook says where to look, not what is so. However late
// and in whatever order they come, and however often, the last of them leaves the
// verdict that they leave in order.
func TestEventsInAnyOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fork  bool
		story []func(w *world)
		want  string
	}{
		"approved, dismissed, approved": {want: "Ready", story: []func(w *world){
			func(w *world) { w.reviews["rev1"] = w.pull.Review("rev1", "APPROVED") },
			func(w *world) { w.pull.Dismiss("dev1", w.reviews["rev1"]) },
			func(w *world) { w.pull.Label("dev1", "urgent") },
			func(w *world) { w.pull.Review("rev1", "APPROVED") },
		}},
		"pushed by the approver": {want: "Waiting for 1 approval", story: []func(w *world){
			func(w *world) {
				w.pull.Push("rev1", githubtest.Files{"prompts/a.md": "x\n"}, githubtest.Commit{Author: "dev1", Committer: "dev1"})
			},
			func(w *world) { w.pull.Push("dev1", githubtest.Files{"README.md": "x\n"}) },
			func(w *world) { w.pull.Review("rev1", "APPROVED") },
		}},
		"pushed to a fork by the approver": {fork: true, want: "Waiting for 1 approval", story: []func(w *world){
			func(w *world) {
				w.pull.Push("rev1", githubtest.Files{"prompts/a.md": "x\n"}, githubtest.Commit{Author: "dev1", Committer: "dev1"})
			},
			func(w *world) { w.pull.Push("dev1", githubtest.Files{"README.md": "x\n"}) },
			func(w *world) { w.pull.Review("rev1", "APPROVED") },
		}},
		"away and back": {want: "Approvals stale", story: []func(w *world){
			func(w *world) { w.pull.Review("rev1", "APPROVED") },
			func(w *world) { w.pull.Retarget("dev1", "release") },
			func(w *world) { w.pull.Draft("dev1") },
			func(w *world) { w.pull.Retarget("dev1", "main") },
			func(w *world) { w.pull.Ready("dev1") },
		}},
		"closed and opened again": {want: "Changes requested", story: []func(w *world){
			func(w *world) { w.pull.Review("rev1", "APPROVED") },
			func(w *world) { w.pull.Close("dev1") },
			func(w *world) { w.pull.Reopen("dev1") },
			func(w *world) { w.pull.Review("rev2", "CHANGES_REQUESTED") },
			func(w *world) { w.pull.Edit("dev1", described(w.first[:7])+"\nMore.\n") },
		}},
		"the approver may no longer write": {want: "Waiting for 1 approval", story: []func(w *world){
			func(w *world) { w.pull.Review("rev1", "APPROVED") },
			func(w *world) { w.repo.Role("rev1", "read") },
			func(w *world) { w.pull.Review("rev2", "COMMENTED") },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(4) {
				w := gated(t, enforced, "rev1", "rev2")
				w.repo.Branch("release", "main")
				arrive := w.delayed(t, rand.New(rand.NewPCG(seed, 7)))
				if c.fork {
					w.pull = w.repo.Open("dev1", githubtest.PR{Fork: true, Title: "Fork", Body: described(w.first[:7]), Files: githubtest.Files{"prompts/a.md": "fork\n"}})
				}
				for _, happens := range c.story {
					w.later()
					happens(w)
					arrive(false)
				}
				arrive(true)
				w.shows(t, c.want)
			}
		})
	}
}
