package checks

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v4"

	"changegate/rules"
)

func exampleFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "webhooks", "*.json"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d example payloads, %v", len(files), err)
	}
	return files
}

// TestRefsOfExamples says, for GitHub's own examples, which are acted upon and what
// they wake.
func TestRefsOfExamples(t *testing.T) {
	t.Parallel()
	want := map[string]Wake{
		"pull_request.synchronize.json":      {Number: 2, Base: "master"},
		"pull_request_review.dismissed.json": {Number: 2, Base: "master"},
		"push.json":                          {Branch: "", Head: ""}, // a tag: ignored
	}
	acted := map[string]bool{}
	for _, path := range exampleFiles(t) {
		name := filepath.Base(path)
		event, _, _ := strings.Cut(name, ".")
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bell, err := Refs(event, body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if (len(bell.Wakes) == 0) == (bell.Ignored == "") {
			t.Errorf("%s: %d wakes and the reason %q: want one or the other", name, len(bell.Wakes), bell.Ignored)
		}
		for _, w := range bell.Wakes {
			acted[event] = true
			if w.Installation == 0 || w.RepoID == 0 && w.OrgID == 0 {
				t.Errorf("%s wakes no place: %+v", name, w)
			}
		}
		if w := want[name]; w.Number != 0 && (len(bell.Wakes) != 1 || bell.Wakes[0].Number != w.Number || bell.Wakes[0].Base != w.Base) {
			t.Errorf("%s wakes %+v, want %+v", name, bell.Wakes, w)
		}
	}
	for _, event := range []string{"pull_request", "pull_request_review", "merge_group"} {
		if !acted[event] {
			t.Errorf("no example of %s is acted upon", event)
		}
	}
}

const place = `"installation":{"id":9},"repository":{"id":7,"full_name":"acme/agents","default_branch":"main","owner":{"id":3,"login":"acme"}}`

const sender = `,"sender":{"id":5,"login":"dev","type":"User"}`

var dev = rules.Person{ID: 5, Login: "dev"}

// comment is a payload about a comment on number 4.
func comment(action, pull, body, by string) string {
	return `{"action":"` + action + `",` + place + `,"sender":{"id":5,"login":"dev","type":"` + by + `"},"issue":{"number":4,"pull_request":` + pull + `},"comment":{"id":8,"body":"` + body + `"}}`
}

// group is a payload about a merge group that holds number 4.
func group(action, reason string) string {
	return `{"action":"` + action + `","reason":"` + reason + `",` + place + `,"merge_group":{"head_sha":"h","base_sha":"b","base_ref":"refs/heads/main","head_ref":"refs/heads/gh-readonly-queue/main/pr-4-b"}}`
}

func TestRefs(t *testing.T) {
	t.Parallel()
	here := Place{Installation: 9, OrgID: 3, Org: "acme", RepoID: 7, Repo: "acme/agents"}
	org := Place{Installation: 9, OrgID: 3, Org: "acme"}
	dotGithub := here
	dotGithub.Repo = "acme/.github"
	tests := []struct {
		event, body string
		want        []Wake
	}{
		{"pull_request", `{"action":"opened",` + place + `,"pull_request":{"number":4,"base":{"ref":"main"}}}`, []Wake{{Place: here, Number: 4, Base: "main"}}},
		{"pull_request", `{"action":"labeled",` + place + `,"pull_request":{"number":4}}`, nil},
		{"pull_request", `{"action":"opened",` + place + `}`, nil},
		{"pull_request_review", `{"action":"dismissed",` + place + `,"pull_request":{"number":4,"base":{"ref":"main"}}}`, []Wake{{Place: here, Number: 4, Base: "main"}}},
		{"pull_request_review", `{"action":"edited",` + place + `,"pull_request":{"number":4}}`, nil},
		{"push", `{` + place + `,"ref":"refs/heads/main","before":"a","after":"b","forced":true}`,
			[]Wake{{Place: here, Branch: "main", Base: "main", Pushed: &Push{"a", "b", true}}, {Place: here, Head: "b"}}},
		{"push", `{` + place + `,"ref":"refs/tags/v1","before":"a","after":"b"}`, nil},
		{"push", `{` + place + `,"ref":"refs/heads/part1","deleted":true}`, []Wake{{Place: here, Branch: "part1", Base: "main"}}},
		{"pull_request", `{"action":"converted_to_draft",` + place + `,"pull_request":{"number":4}}`, []Wake{{Place: here, Number: 4}}},
		{"pull_request", `{"action":"ready_for_review",` + place + `,"pull_request":{"number":4}}`, []Wake{{Place: here, Number: 4}}},
		{"pull_request", `{"action":"unlabeled",` + place + `,"pull_request":{"number":4}}`, nil},
		{"check_run", `{"action":"completed",` + place + `,"check_run":{"name":"evals","conclusion":"success","head_sha":"abc"}}`, []Wake{{Place: here, Head: "abc", Check: "evals"}}},
		{"check_run", `{"action":"completed",` + place + `,"check_run":{"name":"evals","conclusion":"failure","head_sha":"abc"}}`, []Wake{{Place: here, Head: "abc", Check: "evals"}}},
		{"check_run", `{"action":"completed",` + place + `,"check_run":{"name":"changegate: main","head_sha":"abc"}}`, nil},
		{"check_run", `{"action":"rerequested",` + place + `,"check_run":{"name":"changegate: main","head_sha":"abc"}}`, []Wake{{Place: here, Head: "abc"}}},
		{"check_run", `{"action":"requested_action",` + place + sender + `,"check_run":{"name":"changegate: main","head_sha":"abc"},"requested_action":{"identifier":"add-template"}}`,
			[]Wake{{Place: here, Head: "abc", Press: PressTemplate, By: dev}}},
		{"check_run", `{"action":"requested_action",` + place + sender + `,"check_run":{"name":"changegate: main","head_sha":"abc"},"requested_action":{"identifier":"re-evaluate"}}`,
			[]Wake{{Place: here, Head: "abc", Press: PressReevaluate, By: dev}}},
		{"check_run", `{"action":"requested_action",` + place + sender + `,"check_run":{"name":"changegate: main","head_sha":"abc"},"requested_action":{"identifier":"approve"}}`, nil},
		{"check_run", `{"action":"requested_action",` + place + sender + `,"check_run":{"name":"changegate: main","head_sha":"abc"}}`, nil},
		{"check_run", `{"action":"requested_action",` + place + sender + `,"check_run":{"name":"evals","head_sha":"abc"},"requested_action":{"identifier":"re-evaluate"}}`, nil},
		{"check_run", `{"action":"rerequested",` + place + `,"check_run":{"name":"evals","head_sha":"abc"}}`, nil}, // it will be completed
		{"check_run", `{"action":"created",` + place + `,"check_run":{"name":"evals","head_sha":"abc"}}`, nil},
		{"check_suite", `{"action":"rerequested",` + place + `,"check_suite":{"head_sha":"abc"}}`, []Wake{{Place: here, Head: "abc"}}},
		{"push", `{"ref":"refs/heads/main","before":"a","after":"b",` + strings.ReplaceAll(place, "acme/agents", "acme/.github") + `}`,
			[]Wake{{Place: dotGithub, Branch: "main", Base: "main", Pushed: &Push{"a", "b", false}}, {Place: dotGithub, Head: "b"}, {Place: org}}},
		{"push", `{"ref":"refs/heads/topic","before":"a","after":"b",` + strings.ReplaceAll(place, "acme/agents", "acme/.github") + `}`,
			[]Wake{{Place: dotGithub, Branch: "topic", Base: "main", Pushed: &Push{"a", "b", false}}, {Place: dotGithub, Head: "b"}}},
		{"member", `{"action":"removed",` + place + `}`, []Wake{{Place: here}}},
		{"member", `{"action":"removed","member":{"id":5},` + place + `}`, []Wake{{Place: here, Member: 5}}},
		{"membership", `{"action":"removed","installation":{"id":9},"organization":{"id":3,"login":"acme"}}`, []Wake{{Place: org}}},
		{"membership", `{"action":"removed","member":{"id":5},"team":{"slug":"owners"},"installation":{"id":9},"organization":{"id":3,"login":"acme"}}`, []Wake{{Place: org, Member: 5}}},
		{"organization", `{"action":"member_removed","membership":{"user":{"id":5}},"installation":{"id":9},"organization":{"id":3,"login":"acme"}}`, []Wake{{Place: org, Member: 5}}},
		{"team", `{"action":"removed_from_repository",` + place + `,"organization":{"id":3,"login":"acme"}}`, []Wake{{Place: org}}},
		{"team", `{"action":"edited","team":{"slug":"Owners","parent":{"slug":"all"}},"changes":{"name":{"from":"AI Owners"}},` + place + `,"organization":{"id":3,"login":"Acme"}}`,
			[]Wake{{Place: org, Team: "@acme/owners"}, {Place: org, Team: "@acme/all"}, {Place: org, Team: "@acme/ai-owners"}, {Place: here, Reviewed: true}}},
		{"team", `{"action":"edited","team":{"slug":"owners"},"changes":{"description":{"from":"x"}},"installation":{"id":9},"organization":{"id":3,"login":"acme"}}`,
			[]Wake{{Place: org, Team: "@acme/owners"}}},
		{"team", `{"action":"deleted","team":{"slug":"owners"},"installation":{"id":9},"organization":{"id":3,"login":"acme"}}`, []Wake{{Place: org, Team: "@acme/owners"}, {Place: org, Reviewed: true}}},
		{"repository", `{"action":"renamed",` + place + `}`, []Wake{{Place: here}}},
		// The organisation's policy is on that repository's default branch.
		{"repository", `{"action":"edited",` + strings.ReplaceAll(place, "acme/agents", "acme/.github") + `}`, []Wake{{Place: dotGithub}, {Place: org}}},
		{"repository", `{"action":"renamed","changes":{"repository":{"name":{"from":".github"}}},` + place + `}`, []Wake{{Place: here}, {Place: org}}},
		{"repository", `{"action":"deleted",` + place + `}`, nil},
		{"repository", `{"action":"deleted",` + strings.ReplaceAll(place, "acme/agents", "acme/.github") + `}`, []Wake{{Place: org}}},
		{"pull_request", `{"action":"opened","pull_request":{"number":4},"repository":{"id":7}}`, nil}, // no installation
		{"issue_comment", comment("created", `{}`, `/change hold`, "User"), []Wake{{Place: here, Number: 4}}},
		{"issue_comment", comment("created", `{}`, `please\r\n/change hold`, "User"), []Wake{{Place: here, Number: 4}}},
		{"issue_comment", comment("created", `{}`, `please\r/change hold`, "User"), []Wake{{Place: here, Number: 4}}},
		{"issue_comment", comment("created", `{}`, `/changes hold`, "User"), []Wake{{Place: here, Number: 4}}}, // a parser will tell
		{"issue_comment", comment("created", `{}`, `see /change hold`, "User"), nil},
		{"issue_comment", comment("created", `{}`, `> /change hold`, "User"), nil},
		{"issue_comment", comment("created", `{}`, `looks good`, "User"), nil},
		{"issue_comment", comment("created", `{}`, `/change hold`, "Bot"), nil},
		{"issue_comment", comment("created", `null`, `/change hold`, "User"), nil}, // on an issue
		{"issue_comment", comment("edited", `{}`, `/change hold`, "User"), nil},
		{"issue_comment", comment("deleted", `{}`, `/change hold`, "User"), nil},
		{"issue_comment", `{"action":"created",` + place + `,"issue":{"pull_request":{}},"comment":{"body":"/change hold"}}`, nil},
		{"issue_comment", `{"action":"created","installation":{"id":9},"issue":{"number":4,"pull_request":{}},"comment":{"body":"/change hold"}}`, nil},
		{"merge_group", group("checks_requested", ""), []Wake{{Place: here, Head: "h", Branch: "gh-readonly-queue/main/pr-4-b", Base: "main", Queued: &Queued{From: "b"}}}},
		{"merge_group", group("destroyed", "invalidated"), []Wake{{Place: here, Head: "h", Branch: "gh-readonly-queue/main/pr-4-b", Base: "main", Queued: &Queued{From: "b", Gone: "invalidated"}}}},
		{"merge_group", group("destroyed", ""), []Wake{{Place: here, Head: "h", Branch: "gh-readonly-queue/main/pr-4-b", Base: "main", Queued: &Queued{From: "b", Gone: "destroyed"}}}},
		{"merge_group", group("rearranged", ""), nil},
		{"merge_group", `{"action":"checks_requested",` + place + `,"merge_group":{"head_sha":"h"}}`, nil},
		{"push", `{` + place + sender + `,"ref":"refs/heads/gh-readonly-queue/main/pr-4-b","before":"a","after":"h","created":true}`, nil},
		{"push", `{` + place + sender + `,"ref":"refs/heads/gh-readonly-queue/main/pr-4-b","before":"h","deleted":true}`, nil},
		{"no_such_event", `{"action":"created",` + place + `}`, nil},
	}
	for _, tt := range tests {
		bell, err := Refs(tt.event, []byte(tt.body))
		if err != nil || !reflect.DeepEqual(bell.Wakes, tt.want) || len(tt.want) == 0 && bell.Ignored == "" {
			t.Errorf("%s %s\n gives %+v %q %v,\n want %+v", tt.event, tt.body, bell.Wakes, bell.Ignored, err, tt.want)
		}
	}
	for _, bad := range []string{``, `[]`, `"x"`, `{"action":1}`, `{`, `{"repository":{"id":"x"}}`} {
		if _, err := Refs("pull_request", []byte(bad)); err == nil {
			t.Errorf("payload %q is accepted", bad)
		}
	}
}

// TestRefsOfEveryAction: what each action of a pull request can do to a verdict, and
// what of it cannot.
func TestRefsOfEveryAction(t *testing.T) {
	t.Parallel()
	for event, c := range map[string]struct{ wake, ignore []string }{
		"pull_request": {
			[]string{"assigned", "closed", "converted_to_draft", "edited", "opened", "ready_for_review", "reopened", "synchronize", "unassigned"},
			[]string{"auto_merge_disabled", "auto_merge_enabled", "demilestoned", "dequeued", "enqueued", "labeled", "locked", "milestoned", "review_request_removed", "review_requested", "unlabeled", "unlocked"},
		},
		"pull_request_review": {[]string{"dismissed", "submitted"}, []string{"edited"}},
	} {
		for _, action := range slices.Concat(c.wake, c.ignore) {
			bell, err := Refs(event, []byte(`{"action":"`+action+`",`+place+`,"pull_request":{"number":4,"base":{"ref":"main"}}}`))
			if err != nil || (len(bell.Wakes) == 1 && bell.Wakes[0].Number == 4) != slices.Contains(c.wake, action) {
				t.Errorf("%s.%s wakes %+v, %v", event, action, bell.Wakes, err)
			}
		}
	}
	for event, actions := range map[string][]string{"member": {"added", "edited", "removed"}, "membership": {"added", "removed"}, "organization": {"member_added", "member_removed"}} {
		for _, action := range actions {
			bell, err := Refs(event, []byte(`{"action":"`+action+`","member":{"id":5},`+place+`}`))
			if err != nil || len(bell.Wakes) != 1 || bell.Wakes[0].Member != 5 {
				t.Errorf("%s.%s wakes %+v, %v", event, action, bell.Wakes, err)
			}
		}
	}
	for _, action := range []string{"added_to_repository", "deleted", "edited", "removed_from_repository"} {
		bell, err := Refs("team", []byte(`{"action":"`+action+`","team":{"slug":"owners"},`+place+`}`))
		if err != nil || !slices.ContainsFunc(bell.Wakes, func(w Wake) bool { return w.Reviewed }) {
			t.Errorf("team.%s wakes %+v, %v: what a team may do concerns whoever approved through it", action, bell.Wakes, err)
		}
	}
}

// TestPushesHeard says who is heard to have pushed what. Of a fork only the pull
// request's own events tell, and they do not say whether history was rewritten.
func TestPushesHeard(t *testing.T) {
	t.Parallel()
	pr := func(action, repo string) string {
		return `{"action":"` + action + `",` + place + sender + `,"before":"a","after":"b","pull_request":{"number":4,"head":{"sha":"h","repo":` + repo + `}}}`
	}
	for _, c := range []struct {
		event, body string
		want        []Heard
	}{
		{"push", `{` + place + sender + `,"ref":"refs/heads/topic","before":"a","after":"b","forced":true}`,
			[]Heard{{RepoID: 7, Branch: "topic", Push: rules.Push{By: dev, Before: "a", After: "b", Forced: true}}}},
		{"push", `{` + place + `,"sender":{"id":6,"login":"x[bot]","type":"Bot"},"ref":"refs/heads/topic","before":"a","after":"b"}`,
			[]Heard{{RepoID: 7, Branch: "topic", Push: rules.Push{By: rules.Person{ID: 6, Login: "x[bot]", Bot: true}, Before: "a", After: "b"}}}},
		{"push", `{` + place + `,"ref":"refs/heads/topic","before":"a","after":"b"}`, nil}, // by nobody
		{"push", `{` + place + sender + `,"ref":"refs/heads/topic","before":"a","after":"0","deleted":true}`, nil},
		{"push", `{` + place + sender + `,"ref":"refs/tags/v1","before":"a","after":"b"}`, nil},
		{"push", `{` + place + sender + `,"ref":"refs/heads/gh-readonly-queue/main/pr-4-b","before":"a","after":"b"}`, nil},
		{"pull_request", pr("synchronize", `{"id":8}`), []Heard{{RepoID: 7, Number: 4, Push: rules.Push{By: dev, Before: "a", After: "b", Forced: true}}}},
		{"pull_request", pr("synchronize", `null`), []Heard{{RepoID: 7, Number: 4, Push: rules.Push{By: dev, Before: "a", After: "b", Forced: true}}}},
		{"pull_request", pr("opened", `{"id":8}`), []Heard{{RepoID: 7, Number: 4, Push: rules.Push{By: dev, After: "h"}}}},
		{"pull_request", pr("reopened", `{"id":8}`), nil}, // it may be another head
		{"pull_request", pr("opened", `{"id":7}`), nil},   // a push event tells
		{"pull_request", pr("edited", `{"id":8}`), nil},
		{"pull_request_review", pr("submitted", `{"id":8}`), nil},
	} {
		bell, err := Refs(c.event, []byte(c.body))
		if err != nil || !reflect.DeepEqual(bell.Pushes, c.want) {
			t.Errorf("%s %s\n tells of %+v %v,\n want %+v", c.event, c.body, bell.Pushes, err, c.want)
		}
	}
}

// TestAppSubscribesToWhatIsActedUpon keeps app.yml and the code together: an event
// the App does not subscribe to never rings.
func TestAppSubscribesToWhatIsActedUpon(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "app.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var app struct {
		Events      []string          `yaml:"default_events"`
		Permissions map[string]string `yaml:"default_permissions"`
	}
	if err := yaml.Unmarshal(data, &app); err != nil {
		t.Fatal(err)
	}
	slices.Sort(app.Events)
	if got := Events(); !slices.Equal(got, app.Events) {
		t.Errorf("app.yml subscribes to %v, the code acts upon %v", app.Events, got)
	}
	for name, level := range app.Permissions {
		if !strings.Contains(string(data), "\n  "+name+": "+level+" ") || !strings.Contains(line(string(data), name+": "+level), "#") {
			t.Errorf("app.yml gives no reason for %s: %s", name, level)
		}
	}
}

func line(text, with string) string {
	for l := range strings.Lines(text) {
		if strings.Contains(l, with) {
			return l
		}
	}
	return ""
}

// FuzzRefs: any bytes give wakes with a place, a reason, or an error; never both,
// never a panic.
func FuzzRefs(f *testing.F) {
	for _, path := range exampleFiles(f) {
		body, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		event, _, _ := strings.Cut(filepath.Base(path), ".")
		f.Add(event, body)
	}
	f.Add("issue_comment", []byte(comment("created", `{}`, `/change hold`, "User")))
	f.Add("merge_group", []byte(group("destroyed", "dequeued")))
	f.Add("check_run", []byte(`{"action":"requested_action",`+place+sender+`,"check_run":{"name":"changegate: main","head_sha":"abc"},"requested_action":{"identifier":"re-evaluate"}}`))
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		bell, err := Refs(event, body)
		if err != nil {
			return
		}
		if (len(bell.Wakes) == 0) == (bell.Ignored == "") {
			t.Errorf("%d wakes and the reason %q", len(bell.Wakes), bell.Ignored)
		}
		for _, w := range bell.Wakes {
			if w.Installation == 0 || w.RepoID == 0 && (w.OrgID == 0 || w.Number != 0 || w.Head != "" || w.Branch != "") {
				t.Errorf("wake %+v names no place that can be looked up", w)
			}
		}
	})
}
