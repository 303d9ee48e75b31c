package checks

import (
	"net/http"
	"strings"
	"testing"

	"changegate/checks/githubtest"
	"changegate/rules"
)

// The ids are git's own, of git hash-object.
func TestIsBlob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id, data string
		want     bool
	}{
		{"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", "", true},
		{"ce013625030ba8dba906f756967f9e9ca394464a", "hello\n", true},
		{"2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4", "hello\n", true}, // SHA-256
		{"ce013625030ba8dba906f756967f9e9ca394464a", "hello\r\n", false},
		{"ce013625", "hello\n", false},
		{"", "", false},
	} {
		if got := isBlob(tt.id, tt.data); got != tt.want {
			t.Errorf("%q is %s: %v", tt.data, tt.id, got)
		}
	}
}

// TestContentIsThatOfGit: GraphQL gives UTF-8 whatever the file holds. A policy, a
// change request and evidence that are none are read as they are in git, and
// refused there, not as GitHub shows them.
func TestContentIsThatOfGit(t *testing.T) {
	t.Parallel()
	s := tell(t, "maintain")
	latin := "change:\n  why: caf\xe9\n"
	p := s.repo.Open("dev1", githubtest.PR{Files: githubtest.Files{"prompts/refund.md": "Be brief.\n", ".changes/brief.yml": latin}})
	c := s.client(t, converting{})
	g, err := c.Gather(t.Context(), s.wake(p), Known{})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Change.Requests) != 1 || g.Change.Requests[0].Text != latin {
		t.Errorf("requests %+v", g.Change.Requests)
	}
	if v := outcome(g); v.State != rules.Failure {
		t.Errorf("a change request that is no UTF-8 is %s: %s", v.State, v.Title)
	}
	id := g.Change.Files[0].New
	for _, f := range g.Change.Files {
		if f.Path == ".changes/brief.yml" {
			id = f.New
		}
	}
	texts, err := c.Contents(t.Context(), s.place(), []Source{{Commit: p.Head(), Path: ".changes/brief.yml", Blob: id}})
	if err != nil || string(texts[id]) != latin {
		t.Errorf("contents %q, %v", texts, err)
	}
}

// converting is a GitHub that shows text of another encoding, in GraphQL and in
// patches, as it thinks it is meant.
type converting struct{}

func (converting) RoundTrip(q *http.Request) (*http.Response, error) {
	r, err := http.DefaultTransport.RoundTrip(q)
	if err != nil || strings.Contains(q.URL.Path, "/git/blobs/") {
		return r, err
	}
	x := &tampering{next: same{r}, answer: 1, change: func(v any) any { return shown(v) }}
	return x.RoundTrip(q)
}

// same answers with what it holds.
type same struct{ *http.Response }

func (s same) RoundTrip(*http.Request) (*http.Response, error) { return s.Response, nil }

// shown puts an é wherever U+FFFD stands, and a text where there was none because
// the content is not UTF-8.
func shown(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "\uFFFD", "é")
	case []any:
		for i := range v {
			v[i] = shown(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = shown(v[k])
		}
		if _, ok := v["isTruncated"]; ok && v["text"] == nil {
			v["text"] = "change:\n  why: café\n"
		}
	}
	return v
}
