package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
	"changegate/rules"
)

// beTheProgram is the variable under which this test binary runs main.
const beTheProgram = "CHANGEGATE_TEST_BE_THE_PROGRAM"

// A process is the built server, run by the operating system.
type process struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
}

// begin starts the server and returns when it listens.
func (p *process) begin() {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(self, append([]string{"serve"}, p.args...)...)
	p.cmd.Env = append(os.Environ(), beTheProgram+"=1")
	p.cmd.Stderr = &testLog{p.t}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, "listens on") {
		p.t.Fatalf("the server says %q, %v", line, err)
	}
}

// kill is kill -9: no handler runs, nothing is flushed.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

type testLog struct{ t *testing.T }

func (l *testLog) Write(p []byte) (int, error) { l.t.Logf("%s", p); return len(p), nil }

// TestKilledAfterThe202 kills the server after it acknowledged a webhook: while it
// reads the pull request, and after the record, while it publishes. After a restart
// the verdict appears, and there is exactly one record of it.
func TestKilledAfterThe202(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"while it reads": "/graphql$", "between record and publish": "/check-runs$"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			killed(t, path)
		})
	}
}

func killed(t *testing.T, path string) {
	github := githubtest.New(githubtest.Options{})
	t.Cleanup(github.Close)
	dir := t.TempDir()
	p := &process{t: t, args: serveArgs(t, github, dir)}
	org := github.Org("acme")
	repo := github.Repo("acme/agents", githubtest.Files{
		".github/changegate.yml": "version: 1\nmode: enforce\ngoverned: [{name: prompts, kind: prompt, paths: [\"prompts/**\"]}]\n",
		"prompts/a.md":           "one\n",
	})
	github.User("dev1")
	repo.Role("dev1", "write")
	github.Install("acme")

	p.begin()
	github.Hook("http://" + p.args[1] + "/webhook")
	github.Fault(githubtest.Fault{Path: path, Kind: "slow", Delay: time.Hour})
	pull := repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/a.md": "two\n"}}) // returns after the 202
	for _, d := range github.Deliveries() {
		if d.Event == "pull_request" && d.Status != http.StatusAccepted {
			t.Fatalf("the webhook was answered %d, want 202", d.Status)
		}
	}
	asked := regexp.MustCompile(path)
	await(t, "the server has come that far", func() bool {
		return slices.ContainsFunc(github.Calls(), func(c githubtest.Call) bool { return asked.MatchString(c.Path) })
	})
	p.kill()
	github.ClearFaults()
	github.ResetCalls()

	p.begin()
	await(t, "the verdict is published after the restart", func() bool {
		return slices.ContainsFunc(github.Calls(), func(c githubtest.Call) bool { return strings.HasSuffix(c.Path, "/check-runs") && c.Status == 201 })
	})
	p.kill()
	if run, _ := pull.Check("changegate: main"); !strings.HasPrefix(run.Title, "Author: ") {
		t.Errorf("the verdict is %q", run.Title)
	}
	if decisions := exported(t, dir, org); decisions != 1 {
		t.Errorf("%d records of the decision, want exactly 1", decisions)
	}
}

func serveArgs(t *testing.T, github *githubtest.Server, dir string) []string {
	t.Helper()
	id, key, secret := github.App()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return []string{"--listen", address, "--data", filepath.Join(dir, "data"), "--github-url", github.URL(),
		"--public-url", "http://" + address, "--app-id", itoa(id),
		"--private-key-file", write("app.pem", key), "--webhook-secret-file", write("secret", secret)}
}

// await looks until something that another process does has happened.
func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !happened() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// exported exports and verifies the evidence and counts its decisions.
func exported(t *testing.T, dir string, org int64) int {
	t.Helper()
	out := filepath.Join(dir, "evidence.zip")
	var stdout, stderr bytes.Buffer
	e := env{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }, now: time.Now()}
	args := []string{"export", "--data", filepath.Join(dir, "data"), "--from", "2020-01-01", "--to", "2100-01-01", "--org", itoa(org), "--out", out}
	if code := dispatch(t.Context(), args, e); code != exitOK {
		t.Fatalf("export exits %d: %s", code, &stderr)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	report := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Judge: rules.Evaluate})
	if failed := report.Failed(); failed != nil {
		t.Fatalf("the bundle does not verify: %s: %s", failed.Name, failed.Says)
	}
	return report.Manifest.Counts.Decisions
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
