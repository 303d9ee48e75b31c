package checks

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/golang-jwt/jwt/v4"
)

// A clock is the machine's, put right by GitHub's where they are apart: dates that pass
// and freezes that begin are facts of the place where the merge happens, and a machine
// that is wrong must turn nothing green early. Every answer of GitHub sets it.
type clock struct {
	machine func() time.Time

	mu   sync.Mutex
	skew time.Duration // what GitHub's clock is ahead; 0 while no answer says otherwise; guarded by mu
	told int           // how often GitHub told its time; guarded by mu
}

// now is ahead of GitHub's clock by no more than GitHub's answers cannot show, a second and
// the way there: later than that, a decision would seem to be made after the merge it led to.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.machine().Add(c.skew)
}

func (c *clock) apart() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew
}

func (c *clock) answers() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.told
}

// learn takes GitHub's time from an answer that took so long, by a clock that nobody
// sets. It was date, or up to a second later, at some instant in that while: GitHub's
// clock is ahead by at least low and at most high. Of what is possible it keeps what
// it has, or takes the least, which releases late rather than early.
func (c *clock) learn(date time.Time, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told++
	now := c.machine().Round(0)
	low, high := date.Sub(now), date.Add(time.Second+took).Sub(now)
	if c.skew < low || c.skew > high {
		c.skew = low
	}
}

// listening has a clock learn from every answer, those to requests for tokens among them.
type listening struct {
	next  http.RoundTripper
	clock *clock
}

func (l listening) RoundTrip(q *http.Request) (*http.Response, error) {
	sent := time.Now()
	r, err := l.next.RoundTrip(q)
	if err == nil {
		// A proxy that answers in GitHub's place has a clock of its own.
		if at := dateOf(r.Header); !at.IsZero() && r.Header.Get("X-GitHub-Request-Id") != "" {
			l.clock.learn(at, time.Since(sent))
		}
	}
	return r, err
}

// signer signs as the App at GitHub's time: GitHub refuses a signature of another one,
// and would give no more tokens to a machine whose clock is wrong.
type signer struct {
	ghinstallation.Signer
	clock *clock
}

// Sign implements ghinstallation.Signer.
func (s signer) Sign(claims jwt.Claims) (string, error) {
	if c, ok := claims.(*jwt.RegisteredClaims); ok && c.IssuedAt != nil && c.ExpiresAt != nil {
		skew := s.clock.apart().Truncate(time.Second) // GitHub refuses fractions
		c.IssuedAt, c.ExpiresAt = jwt.NewNumericDate(c.IssuedAt.Add(skew)), jwt.NewNumericDate(c.ExpiresAt.Add(skew))
	}
	return s.Signer.Sign(claims)
}

// Skew is what GitHub's clock is ahead of the machine's, 0 while no answer of GitHub says
// that it is.
func (c *Client) Skew() time.Duration {
	if c.clock == nil {
		return 0
	}
	return c.clock.apart()
}

// AskTime asks GitHub for anything, so that its clock becomes known. A refusal tells
// the time as well; where a proxy takes it out of every answer, the machine's has to do.
func (c *Client) AskTime(ctx context.Context) error {
	before := c.clock.answers()
	_, _, err := c.app.Apps.Get(ctx, "")
	if err == nil || c.clock.answers() > before {
		return nil
	}
	return fmt.Errorf("ask GitHub for its time: %w", err)
}
