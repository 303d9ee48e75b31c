package bot

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"changegate/bot/portal"
	"changegate/bot/store"
	"changegate/rules"
)

// Handler returns the server's routes (CONTRACT §6).
func (b *Bot) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", b.serveWebhook)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("alive\n")) })
	mux.HandleFunc("GET /readyz", b.serveReady)
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.metrics.registry, promhttp.HandlerOpts{}))
	mux.Handle("/", portal.Handler(b.readPage))
	return mux
}

// serveReady answers 200 while the database takes reads, so that a load balancer
// sends webhooks only where they can be saved.
func (b *Bot) serveReady(w http.ResponseWriter, r *http.Request) {
	if _, err := b.Store.NextDue(r.Context()); err != nil {
		b.Log.Error("read the queue", "err", err)
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

// readPage returns what the page of a pull request shows. A wrong token and an
// unknown pull request are the same answer, so that neither can be probed.
func (b *Bot) readPage(ctx context.Context, repo string, number int, token string) (*portal.Page, error) {
	if subtle.ConstantTimeCompare([]byte(token), []byte(b.token(repo, number))) != 1 {
		return nil, portal.ErrNotFound
	}
	var page *portal.Page
	err := b.Store.Read(ctx, func(tx *store.Tx) error {
		p, err := tx.PullNamed(ctx, repo, number)
		if err != nil || p == nil || p.Page == nil {
			return err
		}
		page = &portal.Page{Now: b.Now()}
		all, err := tx.Exceptions(ctx, p.RepoID, p.Number)
		for _, x := range all {
			page.Exceptions = append(page.Exceptions, x.Exception)
		}
		c, e := tx.ChangeOfPull(ctx, p.RepoID, p.Number)
		if c != nil {
			page.Change = shown(c)
		}
		return errors.Join(err, e, json.Unmarshal(p.Page, page))
	})
	if err == nil && page == nil {
		err = portal.ErrNotFound
	}
	return page, err
}

// shown is what the page of its pull request says of a change.
func shown(c *store.Change) *portal.Change {
	out := &portal.Change{
		ID: c.ID(), Merge: c.Merge, MergedAt: c.MergedAt, Explained: c.Explained, Plan: c.Plan,
		State: c.State, Code: c.Code, Says: c.Says, Tip: c.Tip,
	}
	if c.Undoes != 0 {
		out.Undoes = rules.ChangeID(c.Undoes)
	}
	if c.UndoneBy != 0 {
		out.UndoneBy = rules.ChangeID(c.UndoneBy)
	}
	return out
}
