package bot

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"changegate/bot/store"
	"changegate/checks"
)

// maxPayload is the largest webhook body read, in bytes: GitHub's own cap
// (docs.github.com, "Webhook events and payloads").
const maxPayload = 25 << 20

var deliveryID = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// serveWebhook answers POST /webhook. Nothing of a body is looked at before its
// signature is checked, and 202 is sent only after the delivery and its jobs are
// on disk.
func (b *Bot) serveWebhook(w http.ResponseWriter, r *http.Request) {
	status, says := b.receive(w, r)
	b.metrics.deliveries.WithLabelValues(fmt.Sprint(status)).Inc()
	http.Error(w, says, status)
}

func (b *Bot) receive(w http.ResponseWriter, r *http.Request) (status int, says string) {
	body, status, says := b.signedBody(w, r)
	if status != 0 {
		return status, says
	}
	id, event := r.Header.Get("X-GitHub-Delivery"), r.Header.Get("X-GitHub-Event")
	if !deliveryID.MatchString(id) || event == "" {
		return http.StatusBadRequest, "want the headers X-GitHub-Delivery and X-GitHub-Event"
	}
	bell, err := checks.Refs(event, body)
	if err != nil {
		return http.StatusBadRequest, "the payload is not that of a " + plainWord(event) + " event"
	}
	if len(bell.Wakes) == 0 && len(bell.Pushes) == 0 {
		return http.StatusAccepted, "ignored: " + bell.Ignored
	}
	d := store.Delivery{ID: id, Event: event, Action: bell.Action, At: b.Now(), Pushes: bell.Pushes}
	fresh, err := b.Store.Receive(r.Context(), d, bell.Wakes, b.Now())
	if err != nil {
		b.Log.Error("save delivery", "delivery", id, "event", event, "err", err)
		return http.StatusServiceUnavailable, "not saved; send it again"
	}
	if !fresh {
		return http.StatusAccepted, "known already"
	}
	return http.StatusAccepted, "accepted"
}

// signedBody returns the body of a request that GitHub signed, or a status.
func (b *Bot) signedBody(w http.ResponseWriter, r *http.Request) (body []byte, status int, says string) {
	signature, ok := strings.CutPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256=")
	mac, err := hex.DecodeString(signature)
	if !ok || err != nil || len(mac) != sha256.Size {
		return nil, http.StatusUnauthorized, "want a signature in X-Hub-Signature-256"
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, http.StatusBadRequest, "want content type application/json: set it in the App's webhook settings"
	}
	if r.ContentLength > maxPayload {
		return nil, http.StatusRequestEntityTooLarge, "the payload is larger than 25 MB"
	}
	if r.ContentLength < 0 || r.ContentLength > 1<<20 {
		select {
		case b.large <- struct{}{}:
			defer func() { <-b.large }()
		default:
			return nil, http.StatusServiceUnavailable, "several large payloads are being read; send it again"
		}
	}
	// Sized by what is declared, up to a usual payload: reading by doubling leaves
	// three times the payload to the garbage collector.
	buffer := bytes.NewBuffer(make([]byte, 0, min(max(r.ContentLength, 0), 64<<10)+bytes.MinRead))
	_, err = buffer.ReadFrom(http.MaxBytesReader(w, r.Body, maxPayload))
	body = buffer.Bytes()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, http.StatusRequestEntityTooLarge, "the payload is larger than 25 MB"
	case err != nil:
		return nil, http.StatusBadRequest, "the payload did not arrive whole"
	case !b.signed(body, mac):
		return nil, http.StatusUnauthorized, "the signature does not match any current secret"
	}
	return body, 0, ""
}

// signed compares with every current secret, in constant time each.
func (b *Bot) signed(body, mac []byte) bool {
	ok := false
	for _, secret := range b.Secrets {
		h := hmac.New(sha256.New, secret)
		h.Write(body)
		ok = hmac.Equal(h.Sum(nil), mac) || ok
	}
	return ok
}

var notWord = regexp.MustCompile(`[^A-Za-z0-9_]`)

func plainWord(s string) string { return notWord.ReplaceAllString(s[:min(len(s), 40)], "") }
