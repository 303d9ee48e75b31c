package bot

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// silent answers nothing and counts what was asked.
type silent struct{ asked atomic.Int64 }

func (s *silent) RoundTrip(*http.Request) (*http.Response, error) {
	s.asked.Add(1)
	return nil, errors.New("GitHub must not be asked")
}

// TestAnOvertakenRunSaysNothing: a judgement that slept past its lease, after it was
// recorded, must not publish: whoever took the job over may have spoken already, and
// this verdict is older.
func TestAnOvertakenRunSaysNothing(t *testing.T) {
	t.Parallel()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	wire := &silent{}
	client, err := checks.New(checks.Config{
		URL: "https://github.com", AppID: 1, Transport: wire, Cache: st.Cache(), Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		Key: pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &Bot{Config: Config{GitHub: client, Store: st, PageKey: []byte("page key"), Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}, metrics: newMetrics(nil)}
	place := checks.Place{Installation: 1, OrgID: 2, Org: "acme", RepoID: 3, Repo: "acme/agents"}
	if err := st.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Raise(t.Context(), checks.Wake{Place: place, Number: 4, Base: "main"}, "test", now)
	}); err != nil {
		t.Fatal(err)
	}
	claim := func() *store.Job {
		j, err := st.Claim(t.Context(), now, lease)
		if j == nil || err != nil {
			t.Fatalf("claimed %v, %v", j, err)
		}
		return j
	}
	slow := claim()
	now = now.Add(lease)
	claim() // somebody else's now
	r := &reading{
		Gathered: &checks.Gathered{Place: place, Change: rules.Change{
			Ref: rules.Ref{RepoID: 3, Repo: "acme/agents", Number: 4}, Base: rules.Point{Branch: "main"}, Head: rules.Point{Commit: "h"},
		}},
		job: slow, now: now, pull: &store.Pull{Place: place, Number: 4, Record: -1, MergeRecord: -1},
		verdict: rules.Verdict{State: rules.Ready, Would: rules.Ready, Title: "Ready"},
	}
	if err := b.publish(t.Context(), r); !errors.Is(err, errLost) {
		t.Errorf("published with %v, want errLost", err)
	}
	if n := wire.asked.Load(); n != 0 {
		t.Errorf("GitHub was asked %d times, want 0", n)
	}
}
