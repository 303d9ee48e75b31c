package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"changegate/bot"
	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/checks/githubtest"
	"changegate/rules"
)

// A gate is a server's data in the folder data of a story, and the GitHub that it knows,
// after a few pull requests were merged there.
type gate struct {
	github *githubtest.Server
	repo   *githubtest.Repo
	drain  func()
	at     atomic.Int64
}

const gatePolicy = "version: 1\nmode: enforce\ngoverned: [{name: prompts, kind: prompt, paths: [\"prompts/**\"]}]\n"

// cmdGate makes one: CHG-1 lowers a limit with a plan that names the commit before, and
// CHG-2 changes the same file again with a revert for a plan. CHG-3 went around the gate.
// Where it is crowded every branch that CHG-2 may be rolled back from is there already.
func cmdGate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: gate [granted|crowded|dated|overtaken]")
	}
	g := &gate{}
	g.at.Store(time.Now().Add(-2 * time.Minute).Unix()) // the program of the story signs by the system's clock
	if slices.Contains(args, "dated") {                 // and its commits are the same on every run, where it asks nobody
		g.at.Store(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC).Unix())
	}
	g.github = githubtest.New(githubtest.Options{Now: g.now})
	ts.Defer(g.github.Close)
	g.github.Org("acme")
	g.github.User("dev1", "rev1", "boss1")
	g.repo = g.github.Repo("acme/agents", githubtest.Files{".github/changegate.yml": gatePolicy, "prompts/refund.md": "Up to 500 EUR.\n"})
	g.repo.Role("dev1", "write")
	g.repo.Role("rev1", "write")
	g.repo.Role("boss1", "admin")
	g.github.Install("acme")
	ts.Check(g.serve(ts))
	first := g.repo.Head("main")
	g.merge("Lower the refund limit", first[:7], githubtest.Files{"prompts/refund.md": "Up to 200 EUR.\n", "prompts/escalate.md": "Ask a human.\n"}, true)
	g.merge("Say it politely", "revert", githubtest.Files{"prompts/refund.md": "Up to 200 EUR, please.\n"}, true)
	g.merge("Nobody looked", "", githubtest.Files{"prompts/greeting.md": "Hello.\n"}, false)
	if slices.Contains(args, "overtaken") {
		g.merge("Refund more", "revert", githubtest.Files{"prompts/refund.md": "Up to 900 EUR, please.\n"}, true)
	}
	if slices.Contains(args, "granted") || slices.Contains(args, "crowded") {
		g.github.Grant("acme", "contents", "write")
	}
	for n := 1; n <= 5 && slices.Contains(args, "crowded"); n++ {
		g.repo.Push("dev1", rules.RollbackBranch(2, n), githubtest.Files{"README.md": "in the way\n"})
	}
	id, key, _ := g.github.App()
	ts.Check(os.WriteFile(ts.MkAbs("app.pem"), key, 0o600))
	ts.Setenv("CHANGEGATE_GITHUB_URL", g.github.URL())
	ts.Setenv("APP", itoa(id))
	ts.Setenv("FIRST", first)
}

// serve runs the server of the story, on its clock.
func (g *gate) serve(ts *testscript.TestScript) error {
	id, key, secret := g.github.App()
	st, err := store.Open(context.Background(), ts.MkAbs("data"))
	if err != nil {
		return err
	}
	gh, err := checks.New(checks.Config{
		URL: g.github.URL(), AppID: id, Key: key, Transport: http.DefaultTransport, Cache: st.Cache(), Accounts: st, Now: g.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	keys, err := evidence.NewKeys("changegate.example", rand.Reader)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	b, err := bot.New(bot.Config{
		GitHub: gh, Store: st, Keys: keys, Secrets: [][]byte{secret}, PublicURL: "https://changegate.example", Host: "github.test",
		Version: "test", PageKey: make([]byte, 32), Now: g.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return errors.Join(err, st.Close())
	}
	server := httptest.NewServer(b.Handler())
	ts.Defer(func() {
		server.Close()
		_ = st.Close()
	})
	g.github.Hook(server.URL + "/webhook")
	g.drain = func() {
		g.at.Add(5)
		for heard := -1; heard < len(g.github.Deliveries()); {
			heard = len(g.github.Deliveries())
			ts.Check(b.Drain(context.Background()))
			g.github.Settle()
		}
	}
	return nil
}

func (g *gate) now() time.Time { return time.Unix(g.at.Load(), 0).UTC() }

func (g *gate) merge(title, to string, files githubtest.Files, approved bool) {
	body := "```yaml\nchange:\n  why: " + title + "\n  rollback: {to: " + to + "}\n```\n"
	if to == "" {
		body = "Trust me."
	}
	p := g.repo.Open("dev1", githubtest.PR{Title: title, Body: body, Files: files})
	g.drain()
	if approved {
		p.Review("rev1", "APPROVED")
		g.drain()
	}
	p.Merge("boss1", "squash")
	g.drain()
}

// cmdRolls runs a rollback with the flags of the App in a story.
func cmdRolls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: rolls CODE CHG-n [FLAGS]")
	}
	app := []string{"--data", "data", "--app-id", ts.Getenv("APP"), "--private-key-file", "app.pem"}
	cmdExits(ts, false, append([]string{args[0], "changegate", "rollback"}, append(args[1:], app...)...))
}

// cmdNarrow wants no line of a file to be wider than a terminal, but commands that
// cannot be broken.
func cmdNarrow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: narrow FILE")
	}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if len([]rune(strings.TrimRight(line, "\n"))) > width && !strings.HasPrefix(line, "git commit") && !strings.HasPrefix(line, "  why:") {
			ts.Fatalf("wider than %d: %s", width, line)
		}
	}
}
