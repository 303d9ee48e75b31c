package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"changegate/bot"
	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
)

// serveFlags are the server's settings. Each is also an environment variable
// CHANGEGATE_<NAME>; a secret can instead be given by CHANGEGATE_<NAME>_FILE.
type serveFlags struct {
	listen, data, githubURL, publicURL string
	appID                              int64
	keyFile, secretFile                string
	workers                            int
}

// runServe runs the App's server until ctx ends.
func runServe(ctx context.Context, args []string, e env) int {
	f := &serveFlags{}
	fs := f.flags(e)
	if err := environment(fs, e.getenv); err != nil {
		return e.fail("serve", err)
	}
	if _, code, done := e.parse(fs, args, 0); done {
		return code
	}
	if err := f.check(e.getenv); err != nil {
		return e.fail("serve", err)
	}
	if err := serve(ctx, f, e); err != nil {
		return e.fail("serve", err)
	}
	return exitOK
}

func (f *serveFlags) flags(e env) *flag.FlagSet {
	fs := e.flags("serve", "", "Runs the App's server. Every flag is also an environment variable CHANGEGATE_<NAME>.")
	fs.StringVar(&f.listen, "listen", ":8080", "`address` to listen on")
	fs.StringVar(&f.data, "data", "./changegate-data", "`directory` of the database and keys")
	fs.StringVar(&f.githubURL, "github-url", "https://github.com", "`URL` of GitHub; any other host is a GitHub Enterprise Server")
	fs.StringVar(&f.publicURL, "public-url", "", "`URL` at which this server is reached from outside")
	fs.Int64Var(&f.appID, "app-id", 0, "the App's `id`")
	fs.StringVar(&f.keyFile, "private-key-file", "", "`file` of the App's private key (PEM)")
	fs.StringVar(&f.secretFile, "webhook-secret-file", "", "`file` of the webhook secret; several lines during a rotation")
	fs.IntVar(&f.workers, "workers", 16, "`number` of pull requests judged at once")
	return fs
}

// environment sets every flag from its variable, before the command line does.
func environment(fs *flag.FlagSet, getenv func(string) string) error {
	var err error
	fs.VisitAll(func(f *flag.Flag) {
		name := "CHANGEGATE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := getenv(name); v != "" && err == nil {
			if e := fs.Set(f.Name, v); e != nil {
				err = fmt.Errorf("%s: %w", name, e)
			}
		}
	})
	return err
}

// check refuses to start without what makes the server safe, and names the flag.
func (f *serveFlags) check(getenv func(string) string) error {
	switch {
	case f.appID <= 0:
		return errors.New("--app-id is missing: the number on the App's settings page")
	case f.keyFile == "" && getenv("CHANGEGATE_PRIVATE_KEY") == "":
		return errors.New("--private-key-file is missing: the PEM file from the App's settings page")
	case f.secretFile == "" && getenv("CHANGEGATE_WEBHOOK_SECRET") == "":
		return errors.New("--webhook-secret-file is missing: without a secret anybody could send webhooks")
	case f.publicURL == "":
		return errors.New("--public-url is missing: check runs link to it")
	case f.workers < 1 || f.workers > 64:
		return fmt.Errorf("--workers is %d: want 1 to 64", f.workers)
	}
	for name, u := range map[string]string{"--public-url": f.publicURL, "--github-url": f.githubURL} {
		if p, err := url.Parse(u); err != nil || p.Host == "" || p.Scheme != "https" && p.Scheme != "http" {
			return fmt.Errorf("%s is %q: want a URL such as https://changegate.example", name, u)
		}
	}
	return nil
}

// secret reads a secret from its file, or from its variable when no file is named.
func secret(flag, file, variable string, getenv func(string) string) ([]byte, error) {
	if file == "" {
		return []byte(getenv(variable)), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return data, nil
}

// lines splits the webhook secrets: several lines are a rotation.
func lines(data []byte) [][]byte {
	var out [][]byte
	for line := range strings.Lines(string(data)) {
		if s := strings.TrimSpace(line); s != "" {
			out = append(out, []byte(s))
		}
	}
	return out
}

func serve(ctx context.Context, f *serveFlags, e env) error {
	log := slog.New(slog.NewJSONHandler(e.stderr, nil))
	st, err := store.Open(ctx, f.data)
	if err != nil {
		return err
	}
	defer func() {
		if err := st.Close(); err != nil {
			log.Error("close the store", "err", err)
		}
	}()
	b, err := assemble(f, st, log, e.getenv)
	if err != nil {
		return err
	}
	if err := b.GuardLogs(ctx, f.checkpoints()); err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	fmt.Fprintf(e.stdout, "changegate listens on %s for App %d on %s\n", l.Addr(), f.appID, f.githubURL)
	return run(ctx, b, l, f, log)
}

// assemble wires the rooms together from the settings.
func assemble(f *serveFlags, st *store.Store, log *slog.Logger, getenv func(string) string) (*bot.Bot, error) {
	key, err := secret("--private-key-file", f.keyFile, "CHANGEGATE_PRIVATE_KEY", getenv)
	if err != nil {
		return nil, err
	}
	hooks, err := secret("--webhook-secret-file", f.secretFile, "CHANGEGATE_WEBHOOK_SECRET", getenv)
	if err != nil {
		return nil, err
	}
	public, err := url.Parse(f.publicURL)
	if err != nil {
		return nil, fmt.Errorf("--public-url: %w", err)
	}
	github, err := url.Parse(f.githubURL)
	if err != nil {
		return nil, fmt.Errorf("--github-url: %w", err)
	}
	name, err := origin(f.data, public.Host)
	if err != nil {
		return nil, err
	}
	keys, err := evidence.LoadKeys(filepath.Join(f.data, "keys"), name)
	if err != nil {
		return nil, err
	}
	pages, err := pageKey(f.data)
	if err != nil {
		return nil, err
	}
	gh, err := checks.New(checks.Config{
		URL: f.githubURL, AppID: f.appID, Key: key, Transport: http.DefaultTransport,
		Cache: st.Cache(), Accounts: st, Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("--private-key-file: %w", err)
	}
	return bot.New(bot.Config{
		GitHub: gh, Store: st, Keys: keys, Secrets: lines(hooks), PublicURL: f.publicURL,
		Host: github.Host, Version: evidence.Engine(), PageKey: pages, Now: time.Now, Log: log,
	})
}

// run serves and works until ctx ends, then lets requests and jobs in hand end.
func run(ctx context.Context, b *bot.Bot, l net.Listener, f *serveFlags, log *slog.Logger) error {
	server := &http.Server{
		Handler: b.Handler(),
		// GitHub gives up after 10 s; a client that is slower than that is none.
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	var work sync.WaitGroup
	work.Go(func() { b.Run(ctx, f.workers) })
	work.Go(func() { b.Sweep(ctx, f.checkpoints()) })
	work.Go(func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			log.Error("stop listening", "err", err)
		}
	})
	err := server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	work.Wait()
	return errors.Join(err, b.KeepCheckpoints(context.WithoutCancel(ctx), f.checkpoints()))
}

func (f *serveFlags) checkpoints() string { return filepath.Join(f.data, "checkpoints") }
