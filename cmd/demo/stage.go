package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"time"

	"changegate/bot"
	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/checks/githubtest"
	"changegate/rules"
)

// clock is the time of the story. GitHub and the bot both read it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) to(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

// stage is what the story happens on: a make-believe GitHub and the real bot.
type stage struct {
	clock  *clock
	dir    string
	github *githubtest.Server
	store  *store.Store
	keys   *evidence.Keys
	bot    *bot.Bot
	server *httptest.Server
	org    int64

	repo *githubtest.Repo
	pull *githubtest.Pull
	base string // the commit in production before the change
}

func newStage() (*stage, error) {
	s := &stage{clock: &clock{at: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}}
	s.github = githubtest.New(githubtest.Options{Now: s.clock.now})
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.people()
	return s, s.bot.Drain(context.Background())
}

// start assembles the bot as `changegate serve` does.
func (s *stage) start() (err error) {
	if s.dir, err = os.MkdirTemp("", "changegate-demo-"); err != nil {
		return err
	}
	if s.store, err = store.Open(context.Background(), s.dir); err != nil {
		return err
	}
	if s.keys, err = evidence.NewKeys("changegate.acme.example", rand.Reader); err != nil {
		return err
	}
	pageKey := make([]byte, 32)
	if _, err = rand.Read(pageKey); err != nil {
		return err
	}
	id, key, secret := s.github.App()
	github, err := url.Parse(s.github.URL())
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	client, err := checks.New(checks.Config{
		URL: s.github.URL(), AppID: id, Key: key, Transport: http.DefaultTransport, Cache: s.store.Cache(), Accounts: s.store, Now: s.clock.now, Log: log,
	})
	if err != nil {
		return err
	}
	s.bot, err = bot.New(bot.Config{
		GitHub: client, Store: s.store, Keys: s.keys, Secrets: [][]byte{secret}, PublicURL: "https://changegate.acme.example",
		Host: github.Host, Version: "demo", PageKey: pageKey, Now: s.clock.now, Log: log,
	})
	if err != nil {
		return err
	}
	s.server = httptest.NewServer(s.bot.Handler())
	s.github.Hook(s.server.URL + "/webhook")
	return nil
}

func (s *stage) people() {
	s.org = s.github.Org("acme")
	s.repo = s.github.Repo("acme/support-agents", githubtest.Files{
		".github/changegate.yml": policy, "prompts/refund.md": prompt, "agents/support-agent.yml": manifest, "README.md": "Our agents.\n",
	})
	s.base = s.repo.Head("main")
	for _, p := range [][2]string{{"dev1", "write"}, {"dev2", "write"}, {"rev1", "write"}, {"boss1", "admin"}} {
		s.github.User(p[0])
		s.repo.Role(p[0], p[1])
	}
	s.github.Team("acme/ai-owners", "rev1")
	s.github.Install("acme")
}

func (s *stage) close() error {
	if s.server != nil {
		s.server.Close()
	}
	s.github.Close()
	var err error
	if s.store != nil {
		err = s.store.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// export writes the evidence of November as `changegate export` does.
func (s *stage) export() ([]byte, error) {
	var out bytes.Buffer
	_, err := evidence.Export(context.Background(), &out, s.store, evidence.NewLog(s.keys, fmt.Sprint(s.org)), evidence.Query{
		From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Now: s.clock.now(),
	})
	return out.Bytes(), err
}

func verify(bundle []byte) evidence.Report {
	return evidence.Verify(bytes.NewReader(bundle), int64(len(bundle)), evidence.VerifyOptions{Judge: rules.Evaluate})
}

// member reads one file of a bundle.
func member(bundle []byte, name string) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		return nil, err
	}
	f, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}
