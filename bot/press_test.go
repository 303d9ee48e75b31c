package bot_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changegate/bot/evidence"
	"changegate/checks"
	"changegate/checks/githubtest"
)

// prose is what an author wrote around a change request, byte for byte.
const prose = "Hi \t \r\n\r\n* one<!-- /change hold -->\r\n\r\n```yaml\r\nchange: # mine\r\n  ticket: SUP-1\r\n```\r\n\r\nThe end, no newline \u202e"

// Add template inserts what is missing, for the author and whoever may write, and
// leaves every other byte alone.
func TestAddTemplate(t *testing.T) {
	t.Parallel()
	added := strings.Replace(prose, "  ticket: SUP-1\r\n", "  why: # one sentence: what changes, and for what reason\r\n  rollback:\r\n    to: # a commit or tag on the base branch, path@commit, or revert\r\n  ticket: SUP-1\r\n", 1)
	for name, c := range map[string]struct {
		by   string
		body string
		file bool
		want string
	}{
		"the author":            {by: "dev1", body: prose, want: added},
		"somebody who writes":   {by: "rev1", body: prose, want: added},
		"somebody who reads":    {by: "reader", body: prose, want: prose},
		"a bot":                 {by: "build-bot", body: prose, want: prose},
		"nothing is missing":    {by: "dev1", body: described("revert"), want: described("revert")},
		"it stands in a file":   {by: "dev1", body: "Hi", file: true, want: "Hi"},
		"what cannot be edited": {by: "dev1", body: "```yaml\nchange: {why: \"\"}\nchange: {}\n```\n", want: "```yaml\nchange: {why: \"\"}\nchange: {}\n```\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := gated(t, enforced, "rev1")
			w.gh.User("reader")
			w.repo.Role("reader", "read")
			w.gh.Bot("build-bot")
			w.repo.Role("build-bot", "write")
			files := githubtest.Files{"prompts/a.md": "x\n"}
			if c.file {
				files[".changes/a.yml"] = "change:\n  ticket: SUP-1\n"
			}
			w.pull = w.repo.Open("dev1", githubtest.PR{Title: "Another", Body: c.body, Files: files})
			w.works(t)
			w.presses(t, c.by, checks.PressTemplate)
			if diff := cmp.Diff(c.want, w.pull.Body()); diff != "" {
				t.Errorf("description (-want +got):\n%s", diff)
			}
			w.presses(t, c.by, checks.PressTemplate) // the second time there is nothing to add
			if diff := cmp.Diff(c.want, w.pull.Body()); diff != "" {
				t.Errorf("description (-want +got):\n%s", diff)
			}
		})
	}
}

// presses has somebody press a button of the check, whether it is shown or not: a
// payload can say anything.
func (w *world) presses(t *testing.T, by, button string) {
	t.Helper()
	c, ok := w.check()
	if !ok {
		t.Fatal("there is no check")
	}
	w.later()
	w.repo.Press(by, c.ID, button)
	w.works(t)
	w.works(t)
}

// The button is there when the author can use it.
func TestAddTemplateIsOffered(t *testing.T) {
	t.Parallel()
	w := gated(t, enforced, "rev1")
	offered := func(want bool) {
		t.Helper()
		w.works(t)
		c, _ := w.check()
		has := false
		for _, a := range c.Actions {
			has = has || a.Identifier == checks.PressTemplate
		}
		if has != want {
			t.Errorf("offered is %v, want %v: %+v", has, want, c)
		}
	}
	offered(false)
	w.later()
	w.pull.Edit("dev1", prose)
	offered(true)
}

// A description that somebody edits between the reading and the writing stays theirs.
func TestDescriptionEditedMeanwhile(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.later()
	w.restart(t, meddler{newTransport(), func() { w.pull.Edit("dev1", "Mine\n") }})
	id := w.pull.Comment("dev1", "/change schedule 2026-12-01T09:00Z")
	w.works(t)
	w.reacted(t, id, "eyes", "confused")
	w.answered(t, 1, "edited at the same moment")
	if body := w.pull.Body(); body != "Mine\n" {
		t.Errorf("the description is\n%s", body)
	}
}

// schedule writes the date; approvals given before it are stale. The check waits for it
// and opens by itself.
func TestSchedule(t *testing.T) {
	t.Parallel()
	w := emergency(t)
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Ready")
	was := w.pull.Body()
	w.reacted(t, w.says(t, "rev2", "/change schedule 2026-11-25T09:00+01:00"), "eyes", "confused")
	w.reacted(t, w.says(t, "dev1", "/change schedule 2026-11-25T09:00"), "eyes", "confused")
	w.shows(t, "Ready")
	w.reacted(t, w.says(t, "dev1", "/change schedule 2026-11-25T09:00+01:00"), "eyes", "+1")
	want := strings.Replace(was, "  rollback:", "  effective_at: 2026-11-25T09:00+01:00\n  rollback:", 1)
	if diff := cmp.Diff(want, w.pull.Body()); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
	w.shows(t, "Approvals stale")
	w.later()
	w.pull.Review("rev1", "APPROVED")
	w.works(t)
	w.shows(t, "Scheduled")
	w.clock.to(time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC))
	w.works(t)
	w.shows(t, "Ready")
	w.records(t, evidence.KindOpened, 0)
}

// A meddler edits the description right before it is read again to be replaced.
type meddler struct {
	next http.RoundTripper
	edit func()
}

func (m meddler) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.Method == http.MethodGet && strings.HasSuffix(q.URL.Path, "/pulls/1") {
		m.edit()
	}
	return m.next.RoundTrip(q)
}
