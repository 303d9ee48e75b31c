package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// Call is one request the server received.
type Call struct {
	Method, Path string // the path as it was asked, without the query
	Query        string // the URL's, or of GraphQL the document
	Operation    string // the name of a GraphQL operation
	Status       int    // as answered; 0 if the connection was closed instead
}

// Fault breaks requests. Kind is one of
//
//	a status         "404", "500", "502": nothing is done, that is answered
//	"late500"        the work is done, then 500 is answered; any status will do
//	"truncate"       the answer stops half way, its length promised whole
//	"close"          the connection is closed without an answer
//	"slow"           the answer waits for Delay, or until the client gives up
type Fault struct {
	Method string // empty means any
	Path   string // regular expression
	Kind   string
	Count  int // how many requests; 0 means all
	Skip   int // how many matching requests pass before
	Delay  time.Duration

	path *regexp.Regexp
}

// Fault arms a fault. The first that matches a request acts on it.
func (s *Server) Fault(f Fault) {
	f.path = regexp.MustCompile(f.Path)
	if f.Count == 0 {
		f.Count = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults disarms all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// faultFor takes the fault that acts on a request; nil if none.
func (s *Server) faultFor(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Count != 0 && (f.Method == "" || f.Method == r.Method) && f.path.MatchString(r.URL.Path) {
			if f.Skip > 0 {
				f.Skip--
				continue
			}
			f.Count--
			return f
		}
	}
	return nil
}

// breakable puts the faults around the API.
func (s *Server) breakable(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := s.faultFor(r)
		if f == nil {
			api.ServeHTTP(w, r)
			return
		}
		switch f.Kind {
		case "close":
			panic(http.ErrAbortHandler)
		case "slow":
			pause(r, f.Delay)
			api.ServeHTTP(w, r)
		case "truncate":
			truncate(w, capture(api, r))
		default:
			fail(w, r, api, f.Kind)
		}
	})
}

func fail(w http.ResponseWriter, r *http.Request, api http.Handler, kind string) {
	digits := kind
	if len(kind) == len("late500") {
		digits = kind[4:]
		capture(api, r)
	}
	status, err := strconv.Atoi(digits)
	if err != nil || status < 400 || status > 599 {
		panic(fmt.Sprintf("githubtest: no fault of kind %q", kind))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":%q}`, http.StatusText(status))
}

func pause(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// truncate promises the whole answer, sends half and cuts the connection.
func truncate(w http.ResponseWriter, whole *captured) {
	for key, values := range whole.header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(whole.body.Len()))
	w.WriteHeader(whole.status)
	w.Write(whole.body.Bytes()[:whole.body.Len()/2])
	panic(http.ErrAbortHandler)
}

// captured is an answer held back.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *captured) Header() http.Header         { return c.header }
func (c *captured) WriteHeader(status int)      { c.status = status }
func (c *captured) Write(p []byte) (int, error) { return c.body.Write(p) }

func capture(h http.Handler, r *http.Request) *captured {
	c := &captured{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(c, r)
	return c
}

func (c *captured) send(w http.ResponseWriter) {
	for key, values := range c.header {
		w.Header()[key] = values
	}
	w.WriteHeader(c.status)
	w.Write(c.body.Bytes())
}

// A recorder remembers the calls, in the order they came.
type recorder struct {
	mu    sync.Mutex
	calls []*Call
}

// wrap notes every request before anything is done about it.
func (rec *recorder) wrap(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		call := &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
		if r.URL.Path == graphqlPath {
			var q graphqlRequest
			if json.Unmarshal(body, &q) == nil {
				call.Query, call.Operation = q.Query, operationName(q)
			}
		}
		rec.mu.Lock()
		rec.calls = append(rec.calls, call)
		rec.mu.Unlock()
		api.ServeHTTP(&statusWriter{w, rec, call}, r)
	})
}

// A statusWriter notes the status before it is sent, so that whoever has the
// answer finds it noted.
type statusWriter struct {
	http.ResponseWriter
	rec  *recorder
	call *Call
}

func (w *statusWriter) WriteHeader(status int) {
	w.rec.mu.Lock()
	w.call.Status = status
	w.rec.mu.Unlock()
	w.ResponseWriter.WriteHeader(status)
}

// Calls are the requests since the start or the last ResetCalls. A call is in
// the list before its answer is sent.
func (s *Server) Calls() []Call {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	var list []Call
	for _, call := range s.recorder.calls {
		list = append(list, *call)
	}
	return list
}

// ResetCalls forgets the calls so far.
func (s *Server) ResetCalls() {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	s.recorder.calls = nil
}
