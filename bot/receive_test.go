package bot_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"changegate/bot"
	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
)

var secrets = [][]byte{[]byte("the new secret, 2026-11"), []byte("the old secret, 2026-05")}

// server is a Bot that can receive: its GitHub is never asked.
func server(t testing.TB) (http.Handler, *store.Store) {
	t.Helper()
	st, err := store.Open(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	keys, err := evidence.NewKeys("cg.example", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bot.New(bot.Config{
		GitHub: new(checks.Client), Store: st, Keys: keys, Secrets: secrets, PublicURL: "https://cg.example",
		PageKey: bytes.Repeat([]byte{1}, 32), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Handler(), st
}

func sign(body, secret []byte) string {
	m := hmac.New(sha256.New, secret)
	m.Write(body)
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

func delivery(event, id string, body []byte, signature string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Event", event)
	r.Header.Set("X-GitHub-Delivery", id)
	if signature != "" {
		r.Header.Set("X-Hub-Signature-256", signature)
	}
	return r
}

func answer(h http.Handler, r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

const opened = "pull_request.synchronize.json"

func example(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "checks", "testdata", "webhooks", name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// jobs counts what is due: the trace of a delivery that was stored.
func jobs(t *testing.T, st *store.Store) int {
	t.Helper()
	for n := 0; ; n++ {
		j, err := st.Claim(context.Background(), time.Now().Add(time.Second), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if j == nil {
			return n
		}
	}
}

func TestWebhooksThatAreRefused(t *testing.T) {
	t.Parallel()
	body := example(t, opened)
	tests := map[string]struct {
		change func(*http.Request)
		body   []byte
		want   int
	}{
		"unsigned":                {func(r *http.Request) { r.Header.Del("X-Hub-Signature-256") }, body, 401},
		"signed with another key": {func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", sign(body, []byte("another secret here"))) }, body, 401},
		"signed with no key":      {func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", sign(body, nil)) }, body, 401},
		"SHA-1 only": {func(r *http.Request) {
			r.Header.Del("X-Hub-Signature-256")
			r.Header.Set("X-Hub-Signature", "sha1="+strings.Repeat("0", 40))
		}, body, 401},
		"a short signature":     {func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha256=00") }, body, 401},
		"a changed body":        {func(r *http.Request) { r.Body = io.NopCloser(bytes.NewReader(append([]byte(" "), body...))) }, body, 401},
		"a form":                {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, body, 400},
		"no delivery id":        {func(r *http.Request) { r.Header.Del("X-GitHub-Delivery") }, body, 400},
		"no event":              {func(r *http.Request) { r.Header.Del("X-GitHub-Event") }, body, 400},
		"a hostile delivery id": {func(r *http.Request) { r.Header.Set("X-GitHub-Delivery", "'; DROP TABLE leaf; --") }, body, 400},
		"malformed JSON":        {func(*http.Request) {}, []byte(`{"action":"opened"`), 400},
		"not an object":         {func(*http.Request) {}, []byte(`[1,2]`), 400},
		"nothing":               {func(*http.Request) {}, nil, 400},
		"declared 26 MB":        {func(r *http.Request) { r.ContentLength = 26 << 20 }, body, 413},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, st := server(t)
			r := delivery("pull_request", "11111111-aaaa", tt.body, sign(tt.body, secrets[0]))
			tt.change(r)
			if got, says := answer(h, r); got != tt.want || says == "" {
				t.Errorf("answered %d %q, want %d and a reason", got, says, tt.want)
			}
			if n := jobs(t, st); n != 0 {
				t.Errorf("%d jobs stored, want none", n)
			}
		})
	}
}

// An oversized body whose length is not declared is cut off while it is read.
func TestOversizedChunkedBody(t *testing.T) {
	t.Parallel()
	h, st := server(t)
	r := delivery("pull_request", "11111111-aaaa", nil, sign(nil, secrets[0]))
	r.Body, r.ContentLength = io.NopCloser(io.LimitReader(zeros{}, 26<<20)), -1
	if got, _ := answer(h, r); got != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d, want 413", got)
	}
	if n := jobs(t, st); n != 0 {
		t.Errorf("%d jobs stored, want none", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestEveryCurrentSecretIsAccepted(t *testing.T) {
	t.Parallel()
	body := example(t, opened)
	for i, secret := range secrets {
		h, st := server(t)
		if got, says := answer(h, delivery("pull_request", "11111111-aaaa", body, sign(body, secret))); got != 202 {
			t.Errorf("secret %d: answered %d %q, want 202", i, got, says)
		}
		if n := jobs(t, st); n != 1 {
			t.Errorf("secret %d: %d jobs, want 1", i, n)
		}
	}
}

func TestADeliverySentTwiceIsOneJob(t *testing.T) {
	t.Parallel()
	h, st := server(t)
	body := example(t, opened)
	for i, want := range []string{"accepted", "known already"} {
		if got, says := answer(h, delivery("pull_request", "11111111-aaaa", body, sign(body, secrets[0]))); got != 202 || says != want {
			t.Errorf("time %d: answered %d %q, want 202 %q", i, got, says, want)
		}
	}
	if n := jobs(t, st); n != 1 {
		t.Errorf("%d jobs, want 1", n)
	}
}

// TestEveryPublishedPayload posts every example that GitHub publishes of its
// webhooks, signed. Each is accepted, or ignored for a stated reason; none is a
// server's error.
func TestEveryPublishedPayload(t *testing.T) {
	t.Parallel()
	h, _ := server(t)
	n, accepted := 0, 0
	for _, event := range published(t) {
		for _, body := range event.Examples {
			n++
			code, says := answer(h, delivery(event.Name, fmt.Sprintf("delivery-%08d", n), body, sign(body, secrets[0])))
			reason, ignored := strings.CutPrefix(says, "ignored: ")
			switch {
			case code != http.StatusAccepted:
				t.Errorf("%s: answered %d %q, want 202", event.Name, code, says)
			case ignored && len(reason) < 10:
				t.Errorf("%s: ignored for no stated reason: %q", event.Name, says)
			case !ignored:
				accepted++
			}
		}
	}
	t.Logf("%d payloads: %d raise jobs, %d are ignored with a reason", n, accepted, n-accepted)
	if n < 300 || accepted == 0 || accepted == n {
		t.Errorf("%d of %d payloads raise jobs", accepted, n)
	}
}

type publishedEvent struct {
	Name     string
	Examples []json.RawMessage
}

func published(t *testing.T) (all []publishedEvent) {
	t.Helper()
	packed, err := gzip.NewReader(bytes.NewReader(example(t, "all.json.gz")))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(packed).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRefusesToStartUnsafely(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string][][]byte{"no secret": nil, "an empty secret": {nil}, "a short secret": {[]byte("hunter2")}} {
		if _, err := bot.New(bot.Config{Secrets: bad, GitHub: new(checks.Client), Now: time.Now, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: New says %v, want an error about the secret", name, err)
		}
	}
}
