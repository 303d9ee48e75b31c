package githubtest

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// CheckRun is a check run as GitHub has it.
type CheckRun struct {
	ID                   int64
	Name, App, Head      string
	Status, Conclusion   string
	ExternalID           string
	DetailsURL           string
	Title, Summary, Text string
	Annotations          []Annotation
	Actions              []Action
	StartedAt            time.Time
	CompletedAt          time.Time
}

// Annotation is a remark on lines of a file.
type Annotation struct {
	Path        string  `json:"path"`
	StartLine   int     `json:"start_line"`
	EndLine     int     `json:"end_line"`
	StartColumn *int    `json:"start_column"`
	EndColumn   *int    `json:"end_column"`
	Level       string  `json:"annotation_level"`
	Message     string  `json:"message"`
	Title       *string `json:"title"`
	RawDetails  *string `json:"raw_details"`
}

// Action is a button of a check run.
type Action struct {
	Label       string `json:"label"`
	Description string `json:"description"`
	Identifier  string `json:"identifier"`
}

type checkRun struct {
	CheckRun
	app     *app
	suite   *checkSuite
	created time.Time
}

// A checkSuite gathers the runs of one App on one commit.
type checkSuite struct {
	id      int64
	app     *app
	head    string
	created time.Time
}

func (r *Repo) suite(a *app, head string) *checkSuite {
	for _, suite := range r.suites {
		if suite.app == a && suite.head == head {
			return suite
		}
	}
	suite := &checkSuite{r.s.nextID(), a, head, r.s.now()}
	r.suites = append(r.suites, suite)
	return suite
}

// A runRequest is the body of both requests that write a check run; nil fields
// were not given.
type runRequest struct {
	Name        *string
	HeadSHA     *string `json:"head_sha"`
	DetailsURL  *string `json:"details_url"`
	ExternalID  *string `json:"external_id"`
	Status      *string
	StartedAt   *time.Time `json:"started_at"`
	Conclusion  *string
	CompletedAt *time.Time `json:"completed_at"`
	Output      *struct {
		Title, Summary, Text *string
		Annotations          []Annotation
	}
	Actions []Action
}

// GitHub's limits on a check run. https://docs.github.com/en/rest/checks/runs
const (
	maxOutput      = 65_535
	maxAnnotations = 50 // a request
	maxActions     = 3
	maxLabel       = 20
	maxDescription = 40
	maxIdentifier  = 20
)

var (
	runStatuses    = []string{"queued", "in_progress", "completed"}
	runConclusions = []string{"action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"}
)

// refuse says what GitHub finds wrong with a request; empty if nothing.
func (q *runRequest) refuse() string {
	switch {
	case q.Status != nil && !slices.Contains(runStatuses, *q.Status):
		return fmt.Sprintf("%s is not a member of %q.", *q.Status, runStatuses)
	case q.Conclusion != nil && !slices.Contains(runConclusions, *q.Conclusion):
		return fmt.Sprintf("%s is not a member of %q.", *q.Conclusion, runConclusions)
	case q.Conclusion == nil && (q.CompletedAt != nil || q.Status != nil && *q.Status == "completed"):
		return "Missing required key: conclusion."
	case len(q.Actions) > maxActions:
		return fmt.Sprintf("No more than %d items are allowed; %d were supplied.", maxActions, len(q.Actions))
	}
	for _, a := range q.Actions {
		if tooLong(a.Label, maxLabel) || tooLong(a.Description, maxDescription) || tooLong(a.Identifier, maxIdentifier) {
			return fmt.Sprintf("action %q is too long.", a.Identifier)
		}
	}
	return q.refuseOutput()
}

func (q *runRequest) refuseOutput() string {
	if q.Output == nil {
		return ""
	}
	switch o := q.Output; {
	case o.Title == nil || o.Summary == nil:
		return "output needs title and summary."
	case tooLong(*o.Summary, maxOutput):
		return fmt.Sprintf("Only %d characters are allowed; %d were supplied.", maxOutput, utf8.RuneCountInString(*o.Summary))
	case o.Text != nil && tooLong(*o.Text, maxOutput):
		return fmt.Sprintf("Only %d characters are allowed; %d were supplied.", maxOutput, utf8.RuneCountInString(*o.Text))
	case len(o.Annotations) > maxAnnotations:
		return fmt.Sprintf("No more than %d items are allowed; %d were supplied.", maxAnnotations, len(o.Annotations))
	}
	for _, a := range q.Output.Annotations {
		if a.Path == "" || a.StartLine < 1 || a.EndLine < a.StartLine || a.Message == "" ||
			!slices.Contains([]string{"notice", "warning", "failure"}, a.Level) {
			return fmt.Sprintf("annotation on %q is incomplete.", a.Path)
		}
	}
	return ""
}

func tooLong(s string, limit int) bool { return utf8.RuneCountInString(s) > limit }

// startRun makes a run; the request was checked.
func (r *Repo) startRun(a *app, q *runRequest) *checkRun {
	run := &checkRun{app: a, suite: r.suite(a, *q.HeadSHA), created: r.s.now()}
	run.ID, run.Name, run.App, run.Head = r.s.nextID(), *q.Name, a.slug, *q.HeadSHA
	run.Status, run.StartedAt = "queued", r.s.now()
	r.runs = append(r.runs, run)
	run.apply(q, r.s.now())
	r.s.emitCheckRun("created", r, a.bot, run, nil)
	if run.Status == "completed" {
		r.finished(run)
	}
	return run
}

// apply lays a request over the run. A completed run stays completed: GitHub
// takes the rest of the request and ignores the status. Annotations are added.
func (run *checkRun) apply(q *runRequest, now time.Time) {
	set(&run.Name, q.Name)
	set(&run.DetailsURL, q.DetailsURL)
	set(&run.ExternalID, q.ExternalID)
	set(&run.StartedAt, q.StartedAt)
	if run.Status != "completed" {
		set(&run.Status, q.Status)
	}
	if q.Conclusion != nil {
		if run.CompletedAt.IsZero() {
			run.CompletedAt = now
		}
		run.Status, run.Conclusion = "completed", *q.Conclusion
	}
	set(&run.CompletedAt, q.CompletedAt)
	if q.Actions != nil {
		run.Actions = q.Actions
	}
	if o := q.Output; o != nil {
		set(&run.Title, o.Title)
		set(&run.Summary, o.Summary)
		set(&run.Text, o.Text)
		run.Annotations = append(run.Annotations, o.Annotations...)
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// latest reports whether no newer run of the same App and name is on the commit.
func (r *Repo) latest(run *checkRun) bool {
	for _, other := range slices.Backward(r.runs) {
		if other.suite == run.suite && other.Name == run.Name {
			return other == run
		}
	}
	return true
}

// runsOn lists a commit's runs, newest first as GitHub does.
func (r *Repo) runsOn(head string) []*checkRun {
	var list []*checkRun
	for _, run := range slices.Backward(r.runs) {
		if run.Head == head {
			list = append(list, run)
		}
	}
	return list
}

// Report makes another App, made up if need be, complete a check run.
func (r *Repo) Report(appSlug, commit, name, conclusion string) int64 {
	var run *checkRun
	r.s.tell(func() {
		status := "completed"
		q := &runRequest{Name: &name, HeadSHA: &commit, Status: &status, Conclusion: &conclusion}
		if why := q.refuse(); why != "" {
			panic("githubtest: " + why)
		}
		run = r.startRun(r.s.addApp(appSlug), q)
	})
	return run.ID
}

// Rerun presses the re-run button of a check run, Press one of its own buttons.
func (r *Repo) Rerun(by string, id int64) {
	r.s.tell(func() { r.s.emitCheckRun("rerequested", r, r.s.account(by), r.run(id), nil) })
}

// Press presses one of the buttons the check run offers.
func (r *Repo) Press(by string, id int64, identifier string) {
	r.s.tell(func() {
		more := map[string]any{"requested_action": map[string]any{"identifier": identifier}}
		r.s.emitCheckRun("requested_action", r, r.s.account(by), r.run(id), more)
	})
}

func (r *Repo) run(id int64) *checkRun {
	i := slices.IndexFunc(r.runs, func(run *checkRun) bool { return run.ID == id })
	if i < 0 {
		panic(fmt.Sprintf("githubtest: no check run %d", id))
	}
	return r.runs[i]
}

// Checks are all check runs on a commit, oldest first.
func (r *Repo) Checks(commit string) []CheckRun {
	return see(r.s, func() []CheckRun {
		var list []CheckRun
		for _, run := range slices.Backward(r.runsOn(commit)) {
			list = append(list, run.CheckRun)
		}
		return list
	})
}

// Checks are all check runs on the pull request's head, oldest first.
func (p *Pull) Checks() []CheckRun { return p.r.Checks(p.Head()) }

// Check is the newest run of a name on the pull request's head, and whether
// there is one.
func (p *Pull) Check(name string) (run CheckRun, ok bool) {
	for _, run := range slices.Backward(p.Checks()) {
		if run.Name == name {
			return run, true
		}
	}
	return CheckRun{}, false
}
