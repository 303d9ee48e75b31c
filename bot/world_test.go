package bot_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"changegate/bot"
	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/checks/githubtest"
	"changegate/rules"
)

// clock is the time of one story. Everybody in it, GitHub included, reads it; the
// server reads the clock of its machine, which may be wrong.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	wrong time.Duration
}

func (c *clock) machine() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at.Add(c.wrong)
}

// keys is the time by which GitHub takes signatures: the App signs by the system's
// clock, which the story takes for the machine's.
func (c *clock) keys() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(-c.wrong)
}

func (c *clock) step(wrong time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = wrong
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) to(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t.UTC()
}

// world is one story: a make-believe GitHub, the real bot and what is looked at.
type world struct {
	dir    string
	data   string // the server's folder
	off    bool   // the server is not running
	clock  *clock
	now    func() time.Time // the machine's clock
	gh     *githubtest.Server
	st     *store.Store
	keys   *evidence.Keys
	bot    *bot.Bot
	server *httptest.Server
	wire   http.RoundTripper // to GitHub, where it is not a plain one

	unwired bool // no network: time is virtual

	repo    *githubtest.Repo
	floor   *githubtest.Repo // the organisation's .github, if the story has one
	pull    *githubtest.Pull // the one the story is at
	pulls   []*githubtest.Pull
	first   string            // the repository's first commit
	before  *githubtest.Pull  // the one before the newest
	reviews map[string]int64  // newest review by login
	marks   map[string]string // commits the story gave a name
	remarks map[string]remark // comments it gave a name; under "" the newest
	rules   *githubtest.Contract
	logs    bytes.Buffer
}

func newWorld(dir string) (*world, error) { return newWorldOf(dir, githubtest.Options{}) }

// newWorldOf makes a world with a GitHub of other bounds: pages and lists.
func newWorldOf(dir string, o githubtest.Options) (*world, error) {
	w := &world{dir: dir, clock: &clock{at: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}}
	w.now, o.Now, o.Keys = w.clock.machine, w.clock.now, w.clock.keys
	return w, w.begin(o)
}

// begin makes the GitHub of the world and starts the bot.
func (w *world) begin(o githubtest.Options) error {
	w.reviews, w.marks, w.remarks = map[string]int64{}, map[string]string{}, map[string]remark{}
	w.rules = githubtest.NewContract()
	o.Contract = w.rules
	w.gh = githubtest.New(o)
	if err := w.start(filepath.Join(w.dir, ".data")); err != nil {
		return errors.Join(err, w.end())
	}
	return nil
}

// start assembles the bot as cmd/changegate does.
func (w *world) start(data string) (err error) {
	w.data = data
	if w.st, err = store.Open(context.Background(), data); err != nil {
		return err
	}
	if w.keys == nil { // one server's, however often it is started
		if w.keys, err = evidence.NewKeys("cg.example", rand.Reader); err != nil {
			return err
		}
	}
	id, key, secret := w.gh.App()
	log := slog.New(slog.NewTextHandler(&w.logs, nil))
	client, err := checks.New(checks.Config{
		URL: w.gh.URL(), AppID: id, Key: key, Transport: w.transport(), Cache: w.st.Cache(), Accounts: w.st, Now: w.now, Log: log,
	})
	if err != nil {
		return err
	}
	w.bot, err = bot.New(bot.Config{
		GitHub: client, Store: w.st, Keys: w.keys, Secrets: [][]byte{secret}, PublicURL: "https://cg.example",
		Host: host(w.gh.URL()), Version: "test", PageKey: bytes.Repeat([]byte{1}, 32), Now: w.now, Log: log,
	})
	if err != nil {
		return err
	}
	if w.unwired {
		w.gh.Hook("http://bot.test/webhook")
		return nil
	}
	w.server = httptest.NewServer(w.bot.Handler())
	w.gh.Hook(w.server.URL + "/webhook")
	return nil
}

// transport gives every story connections of its own, or needs none.
func (w *world) transport() http.RoundTripper {
	switch {
	case w.wire != nil:
		return w.wire
	case w.unwired:
		return w.gh.Transport()
	}
	return newTransport()
}

func newTransport() http.RoundTripper {
	return http.DefaultTransport.(*http.Transport).Clone()
}

// ServeHTTP is where the webhooks of a GitHub without a network arrive.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.bot.Handler().ServeHTTP(rw, r) }

func host(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return rawURL
	}
	return u.Host
}

func (w *world) end() error {
	if w.server != nil {
		w.server.Close()
	}
	w.gh.Close()
	if w.st == nil {
		return nil
	}
	return w.st.Close()
}

// close ends the story: the log must verify, and GitHub must have had nothing to
// complain about.
func (w *world) close() {
	problem := ""
	if report, err := w.verify(); err != nil {
		problem = err.Error()
	} else if failed := report.Failed(); failed != nil {
		problem = fmt.Sprintf("the bundle does not verify: %s: %s", failed.Name, failed.Says)
	}
	if v := w.rules.Violations(); len(v) > 0 {
		problem += "\nGitHub's description was violated:\n" + strings.Join(v, "\n")
	}
	if err := w.end(); err != nil {
		problem += "\n" + err.Error()
	}
	if problem != "" {
		panic(problem + "\n" + w.logs.String())
	}
}

// settle lets a second pass and the bot work until it is idle.
func (w *world) settle() error {
	w.clock.to(w.clock.now().Add(time.Second))
	return w.idle()
}

// idle lets the bot work until it is done, also with what it hears of its own doing.
func (w *world) idle() error {
	if w.off {
		return nil
	}
	for heard := -1; heard < len(w.gh.Deliveries()); {
		heard = len(w.gh.Deliveries())
		if err := w.bot.Drain(context.Background()); err != nil {
			return err
		}
		w.gh.Settle()
	}
	return nil
}

func (w *world) checkName() string { return "changegate: " + w.pull.Base() }

func (w *world) check() (githubtest.CheckRun, bool) { return w.pull.Check(w.checkName()) }

func (w *world) org() string { return fmt.Sprint(w.orgID()) }

func (w *world) orgID() int64 { return w.gh.Org("acme") }

func (w *world) export() ([]byte, error) {
	var out bytes.Buffer
	_, err := evidence.Export(context.Background(), &out, w.st, evidence.NewLog(w.keys, w.org()), evidence.Query{
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC), Now: w.clock.now(),
	})
	return out.Bytes(), err
}

func (w *world) verify() (evidence.Report, error) {
	data, err := w.export()
	if err != nil {
		return evidence.Report{}, err
	}
	return evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Judge: rules.Evaluate}), nil
}

// bundled is one file of a fresh export.
func (w *world) bundled(name string) (string, error) {
	data, err := w.export()
	if err != nil {
		return "", err
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return "", err
	}
	f, err := z.Open(name)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(f)
	return string(content), err
}

// count is how many records of a kind the log holds.
func (w *world) count(kind evidence.Kind) (n int, err error) {
	err = w.st.View(context.Background(), func(tx evidence.Tx) error {
		size, err := tx.Size(context.Background(), w.org())
		if err != nil {
			return err
		}
		for s, err := range evidence.NewLog(w.keys, w.org()).Records(context.Background(), tx, 0, size) {
			if err != nil {
				return err
			}
			if s.Predicate.Kind() == kind {
				n++
			}
		}
		return nil
	})
	return n, err
}

// files reads a folder of the script.
func (w *world) files(folder string) (githubtest.Files, error) {
	out := githubtest.Files{}
	root := filepath.Join(w.dir, folder)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		out[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("folder %s is empty", folder)
	}
	return out, err
}

var suggested = regexp.MustCompile(`rollback\.to: ([0-9a-f]{7,40})`)

// body reads a description; $SUGGESTED in it is what the last check suggested.
func (w *world) body(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	text := string(data)
	if err == nil && strings.Contains(text, "$SUGGESTED") {
		c, _ := w.check()
		m := suggested.FindStringSubmatch(c.Summary)
		if m == nil {
			return "", fmt.Errorf("the check suggests no rollback target:\n%s", c.Summary)
		}
		text = strings.ReplaceAll(text, "$SUGGESTED", m[1])
	}
	return w.commits(text), err
}

// commitOf is replaced by the commit a branch points at.
var commitOf = regexp.MustCompile(`\$COMMIT\(([a-z]+)\)`)

func (w *world) commits(text string) string {
	return commitOf.ReplaceAllStringFunc(text, func(m string) string { return w.repo.Head(commitOf.FindStringSubmatch(m)[1]) })
}

func (w *world) calls() int {
	n := 0
	for _, c := range w.gh.Calls() {
		if !strings.HasSuffix(c.Path, "/access_tokens") {
			n++
		}
	}
	return n
}

func (w *world) callList() string {
	var b strings.Builder
	for _, c := range w.gh.Calls() {
		fmt.Fprintln(&b, c.Method, c.Path, c.Operation, c.Status)
	}
	return b.String()
}
