// Package githubtest is a make-believe GitHub spoken over HTTP, as net/http/httptest
// is a make-believe server. Tests, benchmarks and the demo tell it a story
// (somebody pushes, reviews, merges), it sends the webhooks, and answers REST
// and GraphQL from git objects it holds in memory.
//
// It is written from GitHub's documentation and keeps the properties a client
// can be hurt by: page limits, lists that stop, patches that are left out, base
// commits that lag behind the base branch, check runs that stay completed,
// people whom GitHub cannot name. It does not decide anything about merging:
// there are no branch protections.
//
// URLs are those of a GitHub Enterprise Server: REST below /api/v3, GraphQL at
// /api/graphql. The file of each area: objects, graph and diff are git; accounts,
// repos, pulls and checkruns are the story; hooks and auth are what an App sees;
// rest_* and graphql* are the API; faults breaks it; contract compares all of it
// with GitHub's published descriptions.
//
// A story that cannot be true (an unknown login, a merge conflict) panics, as
// regexp.MustCompile does: it is a mistake in the test, not an outcome.
package githubtest

import (
	"cmp"
	"crypto/rsa"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options of a Server. The zero value is GitHub as it is, on the system's clock.
type Options struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// PageSize caps every page of every list, so that small stories have many
	// pages; 0 means GitHub's own limits.
	PageSize int
	// Contract, if set, checks every request and every answer.
	Contract *Contract
	// Keys is the clock by which credentials are good: those who sign read the
	// machine's, whatever the story's is. nil means time.Now.
	Keys func() time.Time
	// Receiver gets the webhooks in place of the address that Hook names; the server
	// then listens nowhere, and is reached through Transport alone.
	Receiver http.Handler
	// TokenLife is how long installation tokens last, on the machine's clock; 0
	// means GitHub's hour.
	TokenLife time.Duration
	// Limits are where lists stop.
	Limits Limits
	// AppSlug names the App under test; empty means changegate.
	AppSlug string
}

// Limits are where GitHub's lists stop. 0 means GitHub's own; a test of what comes
// behind a limit is fast with a lower one.
type Limits struct {
	PullFiles      int // of a pull request in REST: 3,000
	PullCommits    int // of a pull request in REST: 250
	CompareFiles   int // of a comparison: 300
	CompareCommits int // of a comparison without pages, the most recent ones: 250
	TreeEntries    int // of a tree read recursively: 100,000

	// GraphQLFiles and GraphQLCommits are where a pull request's nodes end though
	// they are counted on. GitHub documents no such end and clients read beyond 250
	// commits (https://github.com/dcoapp/app/pull/310): 0 means none. A client that
	// believes the nodes to be all is wrong the day there is one.
	GraphQLFiles, GraphQLCommits int
}

func (l Limits) orGitHubs() Limits {
	return Limits{
		PullFiles: cmp.Or(l.PullFiles, 3000), PullCommits: cmp.Or(l.PullCommits, 250), CompareFiles: cmp.Or(l.CompareFiles, 300),
		CompareCommits: cmp.Or(l.CompareCommits, 250), TreeEntries: cmp.Or(l.TreeEntries, 100_000),
		GraphQLFiles: cmp.Or(l.GraphQLFiles, math.MaxInt), GraphQLCommits: cmp.Or(l.GraphQLCommits, math.MaxInt),
	}
}

// A Server is one GitHub with one App. All methods may be called concurrently.
type Server struct {
	options  Options
	base     string // http://host:port
	http     *http.Server
	key      *rsa.PrivateKey
	secret   []byte
	app      *app
	outbox   *outbox
	recorder recorder

	mu         sync.Mutex // guards all that follows and everything reached from it
	lastID     int64
	accounts   map[string]*account // by login in lower case
	teams      map[string]*team    // by org/slug in lower case
	repos      map[string]*Repo    // by owner/name in lower case
	apps       map[string]*app     // by slug
	installs   map[string]*install // by account in lower case
	tokens     map[string]*token
	deliveries []*delivery
	faults     []*Fault
}

// New starts a server on a free port of the loopback interface. Close it.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	if o.AppSlug == "" {
		o.AppSlug = "changegate"
	}
	o.Limits = o.Limits.orGitHubs()
	if o.Keys == nil {
		o.Keys = time.Now
	}
	s := &Server{
		options:  o,
		base:     "http://github.test",
		key:      newKey(),
		secret:   []byte("webhook secret of the make-believe GitHub"),
		lastID:   1000,
		accounts: map[string]*account{},
		teams:    map[string]*team{},
		repos:    map[string]*Repo{},
		apps:     map[string]*app{},
		installs: map[string]*install{},
		tokens:   map[string]*token{},
	}
	s.app = s.addApp(o.AppSlug)
	s.outbox = newOutbox(s.attempt)
	s.http = &http.Server{Handler: s.handler()}
	if o.Receiver == nil {
		s.listen()
	}
	return s
}

func (s *Server) listen() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("githubtest: listen: %v", err))
	}
	s.base = "http://" + listener.Addr().String()
	go s.http.Serve(listener)
}

// handler is the API with what surrounds it: a request is recorded, then broken
// if a fault says so, and only whole answers are checked against the contract.
func (s *Server) handler() http.Handler {
	var api http.Handler = s.routes()
	if s.options.Contract != nil {
		api = s.options.Contract.wrap(api)
	}
	return s.recorder.wrap(s.dated(s.breakable(api)))
}

// dated puts the story's time on every answer, where net/http would put its own, and
// the number that GitHub gives to each.
func (s *Server) dated(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now().Format(http.TimeFormat))
		w.Header().Set("X-GitHub-Request-Id", "0A1B:2C3D:4E5F:6071:8293A4B5")
		h.ServeHTTP(w, r)
	})
}

// URL is where the server listens, as for changegate's --github-url.
func (s *Server) URL() string { return s.base }

// Close stops the server and its deliveries; those under way are waited for.
func (s *Server) Close() {
	s.outbox.close()
	s.http.Close()
}

// App returns what an administrator gives the App under test: its id, its
// private key in PEM and the webhook secret.
func (s *Server) App() (id int64, key, secret []byte) {
	return s.app.id, encodeKey(s.key), s.secret
}

// now is the clock, in whole seconds as GitHub's API gives times.
func (s *Server) now() time.Time { return s.options.Now().UTC().Truncate(time.Second) }

func (s *Server) nextID() int64 {
	s.lastID++
	return s.lastID
}

// tell makes a step of the story happen and waits until the App's server has
// answered the webhooks of it. It must not be called from a webhook's handler.
func (s *Server) tell(step func()) {
	s.outbox.settle(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		step()
	})
}

// see reads the state.
func see[T any](s *Server, read func() T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return read()
}

func lower(s string) string { return strings.ToLower(s) }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
