package githubtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Delivery is one attempt to deliver a webhook.
type Delivery struct {
	ID         int64
	GUID       string // X-GitHub-Delivery; the same for a redelivery
	Event      string
	Action     string // empty if the event has none
	At         time.Time
	Redelivery bool
	Payload    []byte
	Status     int // the answer's; 0 if there was none
	Answer     []byte
}

type delivery struct {
	Delivery
	install, repo int64 // 0 if none
}

// An outbox sends deliveries one after the other, in the order of happening.
type outbox struct {
	send func(*delivery)

	mu       sync.Mutex
	changed  *sync.Cond
	queue    []*delivery
	pushed   int // deliveries ever queued
	finished int // deliveries ever answered; counts in the same order
	closed   bool
	done     chan struct{}
}

func newOutbox(send func(*delivery)) *outbox {
	o := &outbox{send: send, done: make(chan struct{})}
	o.changed = sync.NewCond(&o.mu)
	go o.run()
	return o
}

func (o *outbox) run() {
	defer close(o.done)
	for {
		d := o.next()
		if d == nil {
			return
		}
		o.send(d)
		o.mu.Lock()
		o.finished++
		o.changed.Broadcast()
		o.mu.Unlock()
	}
}

// next waits for a delivery; nil when the outbox is closed.
func (o *outbox) next() *delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.closed {
		o.changed.Wait()
	}
	if o.closed {
		return nil
	}
	d := o.queue[0]
	o.queue = o.queue[1:]
	return d
}

func (o *outbox) push(d *delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, d)
	o.pushed++
	o.changed.Broadcast()
}

func (o *outbox) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pushed
}

// settle runs step and waits for the deliveries it queued.
func (o *outbox) settle(step func()) {
	before := o.count()
	step()
	if after := o.count(); after > before {
		o.wait(after)
	}
}

func (o *outbox) wait(until int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.finished < until && !o.closed {
		o.changed.Wait()
	}
}

func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.changed.Broadcast()
	o.mu.Unlock()
	<-o.done
}

// Hook sets the address webhooks are delivered to; until then nothing is sent.
func (s *Server) Hook(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app.hook = url
}

// Settle waits until every delivery so far has been answered: also those caused
// by API calls, which are not waited for otherwise.
func (s *Server) Settle() { s.outbox.wait(s.outbox.count()) }

// Send delivers any payload, signed, and waits for the answer.
func (s *Server) Send(event string, payload []byte) Delivery {
	var d *delivery
	s.tell(func() { d = s.queue(event, payload, nil, 0) })
	return see(s, func() Delivery { return d.Delivery })
}

// Ping delivers the event GitHub sends when a hook is made.
func (s *Server) Ping() {
	s.tell(func() {
		s.emit("ping", nil, nil, nil, map[string]any{
			"zen": "Keep it logically awesome.", "hook_id": hookID,
			"hook": map[string]any{"type": "App", "id": hookID, "name": "web", "active": true, "app_id": s.app.id},
		})
	})
}

// Deliveries are all attempts so far, oldest first.
func (s *Server) Deliveries() []Delivery {
	return see(s, func() []Delivery {
		var list []Delivery
		for _, d := range s.deliveries {
			list = append(list, d.Delivery)
		}
		return list
	})
}

// Redeliver delivers once more what was delivered as id, under the same GUID.
func (s *Server) Redeliver(id int64) {
	s.tell(func() {
		if !s.redeliver(id) {
			panic(fmt.Sprintf("githubtest: no delivery %d", id))
		}
	})
}

func (s *Server) redeliver(id int64) bool {
	i := slices.IndexFunc(s.deliveries, func(d *delivery) bool { return d.ID == id })
	if i < 0 {
		return false
	}
	again := *s.deliveries[i]
	again.ID, again.Redelivery, again.Status, again.Answer = s.nextID(), true, 0, nil
	s.outbox.push(&again)
	return true
}

const hookID = 7

// emit queues an event about a repository, or about the organisation if r is
// nil, for the App if it is installed there. A nil org and repository means the
// App itself.
func (s *Server) emit(event string, org *account, r *Repo, by *account, body map[string]any) {
	if s.app.hook == "" {
		return
	}
	if r != nil {
		org = r.owner
		body["repository"] = s.renderRepo(r)
	}
	var in *install
	if org != nil {
		if in = s.installs[lower(org.login)]; in == nil || !in.covers(r) {
			return
		}
		if body["installation"] == nil {
			body["installation"] = map[string]any{"id": in.id, "node_id": nodeID("Installation", in.id)}
		}
		if org.kind == "Organization" {
			body["organization"] = s.renderOrg(org)
		}
	}
	if by != nil {
		body["sender"] = s.renderAccount(by)
	}
	payload, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("githubtest: %s payload: %v", event, err))
	}
	repo := int64(0)
	if r != nil {
		repo = r.id
	}
	s.queue(event, payload, in, repo)
}

func (s *Server) queue(event string, payload []byte, in *install, repo int64) *delivery {
	id := s.nextID()
	d := &delivery{Delivery: Delivery{ID: id, GUID: guid(id), Event: event, At: s.now(), Payload: payload}, repo: repo}
	var head struct{ Action string }
	if json.Unmarshal(payload, &head) == nil {
		d.Action = head.Action
	}
	if in != nil {
		d.install = in.id
	}
	s.outbox.push(d)
	return d
}

// guid has the form of a delivery's name and differs for every one.
func guid(id int64) string {
	sum := sha256.Sum256(fmt.Append(nil, "delivery ", id))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// attempt posts a delivery. GitHub waits ten seconds and never tries again.
func (s *Server) attempt(d *delivery) {
	hook := see(s, func() string { return s.app.hook })
	status, answer := s.post(hook, d)
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Status, d.Answer = status, answer
	s.deliveries = append(s.deliveries, d)
}

func (s *Server) post(hook string, d *delivery) (status int, answer []byte) {
	req, err := http.NewRequest("POST", hook, bytes.NewReader(d.Payload))
	if err != nil {
		return 0, nil
	}
	req.Header = s.hookHeader(d)
	client := http.Client{Timeout: 10 * time.Second}
	if s.options.Receiver != nil {
		client.Transport = within{s.options.Receiver}
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, answer
}

func (s *Server) hookHeader(d *delivery) http.Header {
	h := http.Header{}
	h.Set("Accept", "*/*")
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "GitHub-Hookshot/githubtest")
	h.Set("X-GitHub-Delivery", d.GUID)
	h.Set("X-GitHub-Event", d.Event)
	h.Set("X-GitHub-Hook-ID", fmt.Sprint(hookID))
	h.Set("X-GitHub-Hook-Installation-Target-ID", fmt.Sprint(s.app.id))
	h.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	h.Set("X-Hub-Signature", "sha1="+s.sign(sha1.New, d.Payload))
	h.Set("X-Hub-Signature-256", "sha256="+s.sign(sha256.New, d.Payload))
	return h
}

func (s *Server) sign(of func() hash.Hash, payload []byte) string {
	mac := hmac.New(of, s.secret)
	mac.Write(payload)
	return hex.EncodeToString(mac.Sum(nil))
}
