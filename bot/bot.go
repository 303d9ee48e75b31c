// Package bot joins the rooms: it receives webhooks, has each pull request
// judged once at a time, records the verdict, publishes it, and asks again when
// the verdict says so. It decides nothing itself (rules), speaks no GitHub
// (checks) and writes no SQL (store).
//
// Two orders hold everything together. Save before 202: GitHub never sends a
// delivery twice by itself, so it is answered only after the commit that holds
// its jobs. Record before publish: a green check whose reasons are not in the
// log would be a claim without evidence. A crash between any two steps leaves
// the job in the queue and the check not passed.
package bot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
)

// Config is what a Bot is made of. Every field is required.
type Config struct {
	GitHub  *checks.Client
	Store   *store.Store
	Keys    *evidence.Keys
	Secrets [][]byte // every current webhook secret: several during a rotation
	// PublicURL is where this server is reached from outside, without a slash
	// at the end: details_url begins with it.
	PublicURL string
	// Host is GitHub's host name, as it stands in records: github.com.
	Host string
	// Version names the program that decided, as it stands in records.
	Version string
	// PageKey makes the addresses of pull-request pages unguessable.
	PageKey []byte
	// Now is the machine's clock. The Bot's own Now is that put right by GitHub's.
	Now func() time.Time
	Log *slog.Logger
}

// Limits of the queue.
const (
	// lease is how long a judgement may take before another replica may take it
	// over: several times the slowest GitHub answer that is waited for.
	lease = 2 * time.Minute
	// renewal is the age at which a waiting check run is made anew. GitHub marks
	// runs that are incomplete for 14 days as stale; CONTRACT §5 says before day 10.
	renewal = 9 * 24 * time.Hour
	// patience is how long an unfinished judgement is shown as in progress
	// before it is shown as failed.
	patience = time.Hour
	// forgotten is how long a pull request must be gone before its job is dropped.
	forgotten = 24 * time.Hour
	// again is how long a repeatedly failing job waits at most.
	again = 5 * time.Minute
)

// A Bot is one ChangeGate server's working part. Create it with New.
type Bot struct {
	Config
	machine func() time.Time
	metrics *metrics
	// large holds a token for every large body that is being read: their signature
	// can only be checked when they are there, so strangers can send them.
	large chan struct{}
}

// New returns a Bot, or an error that names the missing setting. A server that
// would accept unsigned webhooks does not start.
func New(c Config) (*Bot, error) {
	if len(c.Secrets) == 0 {
		return nil, fmt.Errorf("start: no webhook secret: want at least one")
	}
	for i, s := range c.Secrets {
		if len(s) < 16 {
			return nil, fmt.Errorf("start: webhook secret %d has %d bytes: want at least 16", i+1, len(s))
		}
	}
	if c.GitHub == nil || c.Store == nil || c.Keys == nil || len(c.PageKey) < 16 || c.Now == nil || c.Log == nil {
		return nil, fmt.Errorf("start: the configuration is incomplete")
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	b := &Bot{Config: c, machine: c.Now, metrics: newMetrics(c.GitHub), large: make(chan struct{}, 4)}
	b.Now = b.now
	return b, nil
}

// page returns the address of a pull request's page. The token in it is what
// makes it readable: whoever can see the check run can follow its link, and
// nobody else can guess it.
func (b *Bot) page(repo string, number int) string {
	return fmt.Sprintf("%s/r/%s/pull/%d?t=%s", b.PublicURL, repo, number, b.token(repo, number))
}

func (b *Bot) token(repo string, number int) string {
	m := hmac.New(sha256.New, b.PageKey)
	fmt.Fprintf(m, "%s#%d", strings.ToLower(repo), number)
	return hex.EncodeToString(m.Sum(nil)[:16])
}

func (b *Bot) log(p checks.Place) *evidence.Log {
	return evidence.NewLog(b.Keys, fmt.Sprint(p.OrgID))
}

// Drain works on everything that is due until nothing is. Tests and the demo
// call it where a server runs Run.
func (b *Bot) Drain(ctx context.Context) error {
	for {
		worked, err := b.work(ctx)
		if err != nil || !worked {
			return err
		}
	}
}
