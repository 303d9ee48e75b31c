package bot_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// look returns the page of the pull request, as the check run links it.
func (w *world) look(t *testing.T) string {
	t.Helper()
	run, ok := w.check()
	if !ok {
		t.Fatal("no check run")
	}
	body, err := w.opened(run.DetailsURL)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// opened is the page at an address that a check run links.
func (w *world) opened(link string) (string, error) {
	_, path, ok := strings.Cut(link, "/r/")
	if !ok {
		return "", fmt.Errorf("no page is at %q", link)
	}
	res, err := http.Get(w.server.URL + "/r/" + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

// Whoever opens the page sees where an exception stands, also when it was reviewed
// after the last verdict; and it was announced with what it covers.
func TestPageShowsWhereAnExceptionStands(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	if got := w.look(t); strings.Contains(got, "Exceptions") {
		t.Errorf("there is none:\n%s", got)
	}
	w.says(t, "lead1", breakGlass)
	w.answered(t, 1, "| Controls skipped | `prompts`: 0 of 1 approval from `@acme/owners` |")
	for _, want := range []string{`<span class="word">OPEN</span>`, "EX-1", "Agent refunds without limit"} {
		if got := w.look(t); !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	w.pull.Merge("dev1", "squash")
	w.works(t)
	w.says(t, "boss1", ackOne)
	if got := w.look(t); !strings.Contains(got, `<span class="word">CLOSED</span>`) || !strings.Contains(got, "the limit is back") {
		t.Errorf("it was reviewed:\n%s", got)
	}
}
