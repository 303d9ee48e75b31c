package githubtest

import (
	"io"
	"net/http"
	"net/http/httptest"
)

// Transport reaches the server without a network, for tests whose time is virtual: in
// a bubble of testing/synctest no time passes while anybody waits for a socket.
func (s *Server) Transport() http.RoundTripper { return within{s.http.Handler} }

// within has a handler answer requests in the goroutine that makes them.
type within struct{ handler http.Handler }

func (w within) RoundTrip(q *http.Request) (r *http.Response, err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler { // as net/http's server
			r, err = nil, io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	if err := q.Context().Err(); err != nil {
		return nil, err
	}
	in := q.Clone(q.Context())
	in.RequestURI, in.Host, in.RemoteAddr = q.URL.RequestURI(), q.URL.Host, "192.0.2.1:1234"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, in)
	r = answer.Result()
	r.Request = q
	return r, nil
}
