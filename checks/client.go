package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit"
	"github.com/gofri/go-github-ratelimit/v2/github_ratelimit/github_secondary_ratelimit"
	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-github/v62/github"
)

// ErrGone says that GitHub does not show the App what was asked for: it was
// deleted, or the App was removed from it.
var ErrGone = errors.New("not there, or not shown to the App")

// Limits of every call.
const (
	callTimeout = 20 * time.Second
	// maxAnswer bounds one answer. GitHub's largest, a page of files with their
	// patches, stays below 10 MB.
	maxAnswer = 32 << 20
	// longestSleep is how long a call waits out a secondary rate limit; a longer
	// wait fails and the job comes back.
	longestSleep = 30 * time.Second
)

// Config says which GitHub a Client speaks to, and as which App.
type Config struct {
	URL       string // https://github.com, or a GitHub Enterprise Server's
	AppID     int64
	Key       []byte // the App's private key, PEM
	Transport http.RoundTripper
	Cache     Cache
	// Accounts remembers whom the logins of policies named; nil keeps it in Cache.
	Accounts Accounts
	Now      func() time.Time
	Log      *slog.Logger
}

// A Client speaks to one GitHub as one App. It is safe for concurrent use.
type Client struct {
	Config
	base  *url.URL // of an Enterprise Server; nil for github.com
	app   *github.Client
	calls atomic.Int64
	clock *clock // what Config.Now reads

	mu     sync.Mutex
	places map[int64]*github.Client // by installation; guarded by mu
	self   string                   // the App's own login; empty until asked; guarded by mu
}

// New returns a Client. It makes no call.
func New(c Config) (*Client, error) {
	time := &clock{machine: c.Now}
	c.Now, c.Transport = time.now, listening{c.Transport, time}
	client := &Client{Config: c, clock: time, places: map[int64]*github.Client{}}
	var err error
	if client.base, err = enterprise(c.URL); err != nil {
		return nil, err
	}
	apps, err := client.identity()
	if err != nil {
		return nil, err
	}
	client.app, err = client.dial(apps, func() {})
	return client, err
}

// identity returns what signs as the App. Every installation needs one of its own:
// ghinstallation writes to it whenever a token is fetched.
func (c *Client) identity() (*ghinstallation.AppsTransport, error) {
	key, err := jwt.ParseRSAPrivateKeyFromPEM(c.Key)
	if err != nil {
		return nil, fmt.Errorf("read the App's private key: %w", err)
	}
	sign := signer{ghinstallation.NewRSASigner(jwt.SigningMethodRS256, key), c.clock}
	apps, err := ghinstallation.NewAppsTransportWithOptions(c.Transport, c.AppID, ghinstallation.WithSigner(sign))
	if err != nil {
		return nil, err
	}
	if c.base != nil {
		apps.BaseURL = c.base.JoinPath("api/v3").String()
	}
	return apps, nil
}

// enterprise returns the root of an Enterprise Server, or nil for github.com.
func enterprise(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("GitHub's URL is %q: want one such as https://github.com", raw)
	}
	if strings.EqualFold(u.Host, "github.com") || strings.EqualFold(u.Host, "api.github.com") {
		return nil, nil
	}
	return u, nil
}

// dial builds the chain of a client, outermost first: go-github, the rate limit,
// the rewinding of retried bodies, the bound on answers, authentication. Refused is
// called when GitHub does not know the credentials.
func (c *Client) dial(auth http.RoundTripper, refused func()) (*github.Client, error) {
	limited := github_ratelimit.New(rewind{bounded{auth, &c.calls, refused}},
		github_secondary_ratelimit.WithSingleSleepLimit(longestSleep, nil))
	g := github.NewClient(&http.Client{Transport: limited, Timeout: callTimeout + longestSleep, CheckRedirect: sameHost})
	g.UserAgent = "changegate"
	if c.base == nil {
		return g, nil
	}
	return g.WithEnterpriseURLs(c.base.String(), c.base.String())
}

// sameHost follows redirects as GitHub makes them for a renamed repository. Each
// request gets the token, so one to another host would give it away.
func sameHost(q *http.Request, via []*http.Request) error {
	first := via[0].URL
	if q.URL.Host != first.Host || q.URL.Scheme != first.Scheme || len(via) > 3 {
		return fmt.Errorf("redirected to %s", q.URL.Host)
	}
	return nil
}

// at returns the client of one installation. Each has a rate limit of its own:
// one organisation's limit must not hold up the others.
func (c *Client) at(p Place) (*github.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.places[p.Installation]; g != nil {
		return g, nil
	}
	apps, err := c.identity()
	if err != nil {
		return nil, err
	}
	g, err := c.dial(ghinstallation.NewFromAppsTransport(apps, p.Installation), func() { c.leave(p.Installation) })
	if err == nil {
		c.places[p.Installation] = g
	}
	return g, err
}

// leave drops an installation's token. Whether one is still good is told by the
// machine's clock; where that is wrong GitHub's refusal is what ends it.
func (c *Client) leave(installation int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.places, installation)
}

// Calls returns how many requests were sent, token requests left out.
func (c *Client) Calls() int64 { return c.calls.Load() }

// rewind gives every try of a request a fresh body. The rate limiter repeats the
// same request, whose body the first try has read to its end.
type rewind struct{ next http.RoundTripper }

func (r rewind) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.GetBody == nil {
		return r.next.RoundTrip(q)
	}
	body, err := q.GetBody()
	if err != nil {
		return nil, err
	}
	again := q.Clone(q.Context())
	again.Body = body
	return r.next.RoundTrip(again)
}

// bounded counts requests and cuts answers that are larger than any of GitHub's.
type bounded struct {
	next    http.RoundTripper
	calls   *atomic.Int64
	refused func()
}

func (b bounded) RoundTrip(q *http.Request) (*http.Response, error) {
	b.calls.Add(1)
	r, err := b.next.RoundTrip(q)
	if err == nil {
		r.Body = &cut{r.Body, maxAnswer}
		if r.StatusCode == http.StatusUnauthorized {
			b.refused()
		}
	}
	return r, err
}

// errAnswer says that an answer was cut.
var errAnswer = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)

type cut struct {
	io.ReadCloser
	left int
}

func (c *cut) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errAnswer
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// get asks the REST API for one page and returns the number of the next, 0 if
// this is the last. Decoding is ours: go-github's types refuse some answers.
func (c *Client) get(ctx context.Context, p Place, path string, into any) (next int, err error) {
	g, err := c.at(p)
	if err != nil {
		return 0, err
	}
	q, err := g.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return 0, err
	}
	r, err := g.Do(ctx, q, into)
	if err != nil {
		return 0, classed(err)
	}
	return r.NextPage, nil
}

// classed tells what is gone from what may work the next time. No token because the
// App's own signature is refused is a fault of this server, its clock perhaps.
func classed(err error) error {
	var refused *ghinstallation.HTTPError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < 500 &&
		!slices.Contains([]int{http.StatusUnauthorized, http.StatusTooManyRequests}, refused.Response.StatusCode) {
		return fmt.Errorf("%w: no token for installation %d", ErrGone, refused.InstallationID)
	}
	var e *github.ErrorResponse
	// 401 is how GitHub answers a token of an App that was removed meanwhile.
	if errors.As(err, &e) && slices.Contains([]int{http.StatusNotFound, http.StatusGone, http.StatusUnauthorized}, e.Response.StatusCode) {
		return fmt.Errorf("%w: %s", ErrGone, e.Response.Request.URL.Path)
	}
	return err
}

// A graphError is one entry of a GraphQL answer's errors.
type graphError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
}

func (e graphError) Error() string { return fmt.Sprintf("GraphQL %s: %.200s", e.Type, e.Message) }

// graph asks the GraphQL API. Errors come with status 200 and a part of the data:
// any of them fails the call, because a null that stands for "could not be read"
// looks like one that stands for "is not there". Those of allowed types are
// returned instead.
func (c *Client) graph(ctx context.Context, p Place, query string, variables map[string]any, into any, allowed ...string) ([]graphError, error) {
	_, errs, err := c.graphAt(ctx, p, query, variables, into, allowed...)
	return errs, err
}

// graphAt is graph and when GitHub answered, by its own clock.
func (c *Client) graphAt(ctx context.Context, p Place, query string, variables map[string]any, into any, allowed ...string) (at time.Time, errs []graphError, err error) {
	g, err := c.at(p)
	if err != nil {
		return at, nil, err
	}
	q, err := g.NewRequest(http.MethodPost, "../graphql", map[string]any{"query": query, "variables": variables})
	if err != nil {
		return at, nil, err
	}
	var raw bytes.Buffer
	r, err := g.Do(ctx, q, &raw)
	if err != nil {
		return at, nil, classed(err)
	}
	errs, err = answered(raw.Bytes(), into, allowed)
	return dateOf(r.Header), errs, err
}

// dateOf is when an answer was made (RFC 9110, "Date"), in whole seconds; zero when it
// does not say, or when a cache on the way had it for a while.
func dateOf(h http.Header) time.Time {
	at, err := http.ParseTime(h.Get("Date"))
	if age := h.Get("Age"); err != nil || age != "" && age != "0" {
		return time.Time{}
	}
	return at.UTC()
}

// answered reads a GraphQL answer.
func answered(raw []byte, into any, allowed []string) ([]graphError, error) {
	answer := struct {
		Data   json.RawMessage `json:"data"`
		Errors []graphError    `json:"errors"`
	}{}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, fmt.Errorf("read GraphQL answer: %w", err)
	}
	for _, e := range answer.Errors {
		if !has(allowed, e.Type) {
			return nil, e
		}
	}
	if len(answer.Data) == 0 || string(answer.Data) == "null" {
		return answer.Errors, fmt.Errorf("read GraphQL answer: it has no data")
	}
	if err := json.Unmarshal(answer.Data, into); err != nil {
		return nil, fmt.Errorf("read GraphQL data: %w", err)
	}
	return answer.Errors, nil
}

func has(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}
