package checks

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

var testKey = sync.OnceValue(func() []byte {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
})

// wire is a GitHub of one function: the token request is answered, everything else
// is passed on and remembered.
type wire struct {
	mu    sync.Mutex
	calls []string
	do    func(n int, q *http.Request, body string) (int, string)
}

func (w *wire) RoundTrip(q *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body := ""
	if q.Body != nil {
		data, err := io.ReadAll(q.Body)
		if err != nil {
			return nil, err
		}
		body = string(data)
	}
	if strings.HasSuffix(q.URL.Path, "/access_tokens") {
		return answerOf(q, 201, fmt.Sprintf(`{"token":"t","expires_at":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339))), nil
	}
	w.calls = append(w.calls, q.Method+" "+q.URL.String()+" "+body)
	status, answer := w.do(len(w.calls), q, body)
	if status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return answerOf(q, status, answer), nil
}

func answerOf(q *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Request: q, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// forgetful is a cache that holds nothing.
type forgetful struct{}

func (forgetful) Get(context.Context, string) ([]byte, bool) { return nil, false }
func (forgetful) Put(context.Context, string, []byte)        {}

func dialled(t *testing.T, url string, w *wire) *Client {
	t.Helper()
	c, err := New(Config{URL: url, AppID: 1, Key: testKey(), Transport: w, Cache: forgetful{},
		Now: func() time.Time { return time.Unix(1, 0) }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// echo answers a check run as GitHub does: with what was asked for.
func echo(id int) func(int, *http.Request, string) (int, string) {
	return func(_ int, _ *http.Request, body string) (int, string) {
		var run map[string]any
		if err := json.Unmarshal([]byte(body), &run); err != nil {
			return 400, `{}`
		}
		run["id"] = id
		if run["head_sha"] == nil {
			run["head_sha"] = "head"
		}
		delete(run, "output")
		data, _ := json.Marshal(run)
		return 201, string(data)
	}
}

var here = Place{Installation: 9, OrgID: 3, Org: "acme", RepoID: 7, Repo: "acme/agents"}

func waitingRun() Run {
	return Run{Name: "changegate: main", Head: "head", Status: "in_progress", Output: Output{Title: "Waiting", Summary: "first line\nsecond"}}
}

func TestPublishCreatesUpdatesAndNeverReopens(t *testing.T) {
	t.Parallel()
	done := waitingRun()
	done.Status, done.Conclusion = "completed", "success"
	tests := map[string]struct {
		run   Run
		prior Written
		want  string // method and end of the path
	}{
		"first":                      {waitingRun(), Written{}, "POST /check-runs"},
		"still waiting":              {waitingRun(), Written{ID: 5, Name: "changegate: main", Head: "head", Status: "in_progress"}, "PATCH /check-runs/5"},
		"waiting becomes done":       {done, Written{ID: 5, Name: "changegate: main", Head: "head", Status: "in_progress"}, "PATCH /check-runs/5"},
		"done becomes waiting again": {waitingRun(), Written{ID: 5, Name: "changegate: main", Head: "head", Status: "completed"}, "POST /check-runs"},
		"another head":               {waitingRun(), Written{ID: 5, Name: "changegate: main", Head: "old", Status: "in_progress"}, "POST /check-runs"},
		"another base":               {waitingRun(), Written{ID: 5, Name: "changegate: release", Head: "head", Status: "in_progress"}, "POST /check-runs"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{do: echo(6)}
			got, err := dialled(t, "https://github.com", w).Publish(t.Context(), here, tt.run, tt.prior)
			if err != nil {
				t.Fatal(err)
			}
			method, path, _ := strings.Cut(tt.want, " ")
			if len(w.calls) != 1 || !strings.HasPrefix(w.calls[0], method+" https://api.github.com/repos/acme/agents"+path+" ") {
				t.Errorf("calls %q, want one %s", w.calls, tt.want)
			}
			if got.Status != tt.run.Status || got.Conclusion != tt.run.Conclusion {
				t.Errorf("written %+v", got)
			}
			if tt.run.Conclusion == "" && strings.Contains(w.calls[0], "conclusion") {
				t.Errorf("a waiting run is sent with a conclusion: %s", w.calls[0])
			}
		})
	}
}

// GitHub ends a run by itself: after 14 days without a result, or when a suite has
// too many. What was written into it is then written into a new one.
func TestPublishGoesOnWhenGitHubEndedTheRun(t *testing.T) {
	t.Parallel()
	prior := Written{ID: 5, Name: "changegate: main", Head: "head", Status: "in_progress", At: time.Unix(0, 0)}
	for name, ended := range map[string]func() (int, string){
		"stale": func() (int, string) {
			return 200, `{"id":5,"name":"changegate: main","head_sha":"head","status":"completed","conclusion":"stale"}`
		},
		"removed": func() (int, string) { return 404, `{"message":"Not Found"}` },
	} {
		w := &wire{}
		w.do = func(n int, q *http.Request, body string) (int, string) {
			if q.Method == http.MethodPatch {
				return ended()
			}
			return echo(6)(n, q, body)
		}
		got, err := dialled(t, "https://github.com", w).Publish(t.Context(), here, waitingRun(), prior)
		if want := (Written{ID: 6, Name: "changegate: main", Head: "head", Status: "in_progress", At: time.Unix(1, 0)}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
		if len(w.calls) != 2 {
			t.Errorf("%s: calls %q", name, w.calls)
		}
	}
}

// Annotations are added to those a run has, so each run gets its own once: when it is
// completed, whether it waited before or not.
func TestPublishAnnotatesOnce(t *testing.T) {
	t.Parallel()
	done := waitingRun()
	done.Status, done.Conclusion = "completed", "action_required"
	prior := Written{ID: 5, Name: "changegate: main", Head: "head", Status: "in_progress"}
	for name, tt := range map[string]struct {
		run   Run
		prior Written
		want  int
	}{
		"first, waiting": {waitingRun(), Written{}, 0}, "still waiting": {waitingRun(), prior, 0},
		"first, done": {done, Written{}, 50}, "waiting, then done": {done, prior, 50},
	} {
		for range 60 {
			tt.run.Output.Annotations = append(tt.run.Output.Annotations, Annotation{Path: "a", From: 1, To: 1, Level: "failure", Message: "m"})
		}
		w := &wire{do: echo(5)}
		if _, err := dialled(t, "https://github.com", w).Publish(t.Context(), here, tt.run, tt.prior); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(w.calls[0], `"annotation_level"`); got != tt.want {
			t.Errorf("%s: %d annotations, want %d", name, got, tt.want)
		}
	}
}

// What is not known is not sent: GitHub refuses a run for an impossible value.
func TestPublishLeavesOutWhatIsEmpty(t *testing.T) {
	t.Parallel()
	w := &wire{do: echo(5)}
	if _, err := dialled(t, "https://github.com", w).Publish(t.Context(), here, waitingRun(), Written{}); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"started_at", "details_url", "external_id", "conclusion", "annotations", "actions"} {
		if strings.Contains(w.calls[0], `"`+field+`"`) {
			t.Errorf("%s is sent: %s", field, w.calls[0])
		}
	}
}

// A result is never lost to a limit: what GitHub calls unprocessable is sent again
// with the title alone.
func TestPublishFallsBackToTheTitle(t *testing.T) {
	t.Parallel()
	w := &wire{}
	w.do = func(n int, q *http.Request, body string) (int, string) {
		if n == 1 {
			return 422, `{"message":"Only 65535 characters are allowed"}`
		}
		return echo(6)(n, q, body)
	}
	if _, err := dialled(t, "https://github.com", w).Publish(t.Context(), here, waitingRun(), Written{}); err != nil {
		t.Fatal(err)
	}
	if len(w.calls) != 2 || strings.Contains(w.calls[1], "second") || !strings.Contains(w.calls[1], "Waiting") {
		t.Errorf("calls %q", w.calls)
	}
}

// What GitHub then has must be what was meant.
func TestPublishReadsBack(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"another conclusion": `{"id":6,"name":"changegate: main","head_sha":"head","status":"completed","conclusion":"neutral"}`,
		"another head":       `{"id":6,"name":"changegate: main","head_sha":"other","status":"in_progress"}`,
		"nothing":            `{}`,
		"half":               `{"id":6,"name":"change`,
	} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return 201, answer }}
		if got, err := dialled(t, "https://github.com", w).Publish(t.Context(), here, waitingRun(), Written{}); err == nil {
			t.Errorf("%s: taken for written: %+v", name, got)
		}
	}
}

// TestEnterpriseServer: REST and GraphQL have other roots there.
func TestEnterpriseServer(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][2]string{
		"https://github.com":         {"https://api.github.com/repos/x", "https://api.github.com/graphql"},
		"https://ghes.example":       {"https://ghes.example/api/v3/repos/x", "https://ghes.example/api/graphql"},
		"https://ghes.example:8443/": {"https://ghes.example:8443/api/v3/repos/x", "https://ghes.example:8443/api/graphql"},
	} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return 200, `{"data":{}}` }}
		c := dialled(t, url, w)
		if _, err := c.get(t.Context(), here, "repos/x", &struct{}{}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.graph(t.Context(), here, "query{}", nil, &struct{}{}); err != nil {
			t.Fatal(err)
		}
		for i, call := range w.calls {
			if fields := strings.Fields(call); fields[1] != want[i] {
				t.Errorf("%s: asks %s, want %s", url, fields[1], want[i])
			}
		}
	}
	if _, err := New(Config{URL: "ghes.example", AppID: 1, Key: testKey()}); err == nil {
		t.Error("a URL without a scheme is accepted")
	}
	if _, err := New(Config{URL: "https://github.com", AppID: 1, Key: []byte("no key"), Transport: &wire{}}); err == nil {
		t.Error("a key that is none is accepted")
	}
}

// GraphQL gives errors with status 200 and part of the data: never taken for an answer.
func TestGraphErrors(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"an error beside data": `{"data":{"repository":null},"errors":[{"type":"FORBIDDEN","message":"no"}]}`,
		"no data":              `{"errors":[]}`,
		"null data":            `{"data":null}`,
		"truncated":            `{"data":{"repository":{"na`,
		"no JSON":              `<html>`,
		"too large":            `{"data":"` + strings.Repeat("x", maxAnswer) + `"}`,
	} {
		w := &wire{do: func(int, *http.Request, string) (int, string) { return 200, answer }}
		if _, err := dialled(t, "https://github.com", w).graph(t.Context(), here, "query{}", nil, &struct{ Repository any }{}, "NOT_FOUND"); err == nil {
			t.Errorf("%s: taken for an answer", name)
		}
	}
}

func TestCutAtKeepsCharactersWhole(t *testing.T) {
	t.Parallel()
	if got := cutAt("aé日本", 4); got != "aé" || !utf8.ValidString(got) {
		t.Errorf("cut to %q", got)
	}
}

func TestAddedFileFromItsPatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file fileAnswer
		want string
		ok   bool
	}{
		"whole":           {fileAnswer{Status: "added", Patch: "@@ -0,0 +1,2 @@\n+change:\n+  why: x"}, "change:\n  why: x\n", true},
		"no last newline": {fileAnswer{Status: "added", Patch: "@@ -0,0 +1 @@\n+change: x\n\\ No newline at end of file"}, "change: x", true},
		"modified":        {fileAnswer{Status: "modified", Patch: "@@ -1 +1 @@\n-a\n+b"}, "", false},
		"no patch":        {fileAnswer{Status: "added"}, "", false},
		"a context line":  {fileAnswer{Status: "added", Patch: "@@ -0,0 +1,2 @@\n+a\n b"}, "", false},
	}
	for name, tt := range tests {
		if got, ok := tt.file.added(); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %q %v, want %q %v", name, got, ok, tt.want, tt.ok)
		}
	}
}
