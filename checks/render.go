package checks

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

// View is what a check run is rendered from. Rendering is pure: the same view
// gives the same bytes, on any machine and at any time.
type View struct {
	Verdict rules.Verdict
	Change  *rules.Change // never nil; for Unfinished the ref, the base branch and the head commit are enough
	// Globs are the policy's patterns, shown when nothing governed changed, so
	// that a wrong one is noticed.
	Globs []string
	Zone  *time.Location // the policy's, for display; nil is UTC
	// Policy is what it was judged by, joined with the organisation's; nil when it
	// does not load or was not read.
	Policy *rules.Policy
	// Shadow says that the policy in force never blocks. A verdict says so
	// itself; Unfinished has none.
	Shadow bool
	// WaitingAs is the policy's waiting_as; empty means pending.
	WaitingAs string
	// Patches are unified hunks by path, without file headers, as GitHub gives
	// them. A governed file without one is named with its blob ids.
	Patches    map[string]string
	At         time.Time // when it was evaluated
	Record     int64     // index in the evidence log; negative if there is none
	PolicyRef  string    // main@b1f2e90
	DetailsURL string
	// Siblings are the other open pull requests with this head and base.
	Siblings []Sibling
	// Impact is what the policy that this pull request brings would make of the
	// other open ones; nil when it brings none.
	Impact []Impact
	// Also are other open pull requests that are scheduled and change a governed file
	// of this one.
	Also []Scheduled
	// Reference finds an unfinished evaluation in the server's log; empty gives
	// one made of repository, number, head and time.
	Reference string
}

// A Scheduled is an open pull request that waits for its effective date.
type Scheduled struct {
	Number int
	At     time.Time
	Paths  []string // governed ones that both change
}

// A Sibling is another open pull request whose head is the same commit. State is
// empty as long as it was not judged.
type Sibling struct {
	Number int
	State  rules.State
	Title  string
}

const (
	statusCompleted  = "completed"
	statusInProgress = "in_progress"
)

// Conclusion is the only place that maps a state to a check run's status and
// conclusion (CONTRACT §5). GitHub lets neutral and skipped pass a required
// check, so no blocking state may become one; a state it does not know fails.
func Conclusion(s rules.State, waitingAs string) (status, conclusion string) {
	switch s {
	case rules.Nothing, rules.Ready:
		return statusCompleted, "success"
	case rules.Shadow, rules.BreakGlass:
		return statusCompleted, "neutral"
	case rules.Author:
		return statusCompleted, "action_required"
	case rules.Waiting, rules.Scheduled, rules.Frozen:
		if waitingAs == "action_required" {
			return statusCompleted, "action_required"
		}
		return statusInProgress, ""
	}
	return statusCompleted, "failure"
}

// Render writes a verdict as a check run. GitHub shows one result per commit and
// name, so of several pull requests with this head and base the strictest decides
// status and title, and all are named.
func Render(v View) Run {
	state, title := v.headline()
	r := v.run(title)
	r.Status, r.Conclusion = Conclusion(state, v.WaitingAs)
	if v.Record >= 0 {
		r.ExternalID = strconv.FormatInt(v.Record, 10)
	}
	var more int
	r.Output.Annotations, more = annotate(v)
	r.Output.Summary = summary(v, more)
	r.Output.Text = diffText(v)
	r.offer()
	if templated(v) && r.Status == statusCompleted {
		r.Actions = append(r.Actions, Action{Label: "Add template", Description: "Insert the keys that are missing", ID: PressTemplate})
	}
	return r
}

// headline is the state and title that are shown for the commit.
func (v View) headline() (rules.State, string) {
	s, ok := strictest(v.Siblings)
	if !ok || !rules.Worse(s.State, v.Verdict.State) {
		return v.Verdict.State, v.Verdict.Title
	}
	suffix := " (PR " + strconv.Itoa(s.Number) + ")"
	return s.State, clipEnd(s.Title, maxTitle-len(suffix)) + suffix
}

// Left stands in place of a result that passes on a commit that is not, or no longer, the
// head of an open pull request into that base branch. It says what CONTRACT §5 calls
// received: whoever goes back there waits until it was judged.
func Left(was rules.Ref, run Written, detailsURL string) Run {
	n := strconv.Itoa(was.Number)
	base := code(strings.TrimPrefix(run.Name, RunPrefix))
	return Run{
		Name: run.Name, Head: run.Head, Status: "queued", DetailsURL: detailsURL,
		Output: Output{
			Title: "Evaluating when this commit comes back - PR " + n + " has left it",
			Summary: "This check passed for " + base + " while the commit was the head of PR " + n + ", which was closed or has another head or base branch now. " +
				"What was decided then may no longer hold. When an open pull request into " + base + " has this commit as its head again, it is evaluated anew. Nothing is needed from anybody.",
		},
	}
}

// RunPrefix begins the name of every check run; the base branch follows (CONTRACT §1).
const RunPrefix = "changegate: "

// maxTitle is what the merge box shows of a title.
const maxTitle = 80

func (v View) run(title string) Run {
	return Run{
		Name: RunPrefix + v.Change.Base.Branch, Head: v.Change.Head.Commit,
		DetailsURL: v.DetailsURL, StartedAt: v.At,
		Output: Output{Title: clipEnd(visible(title), maxTitle)},
	}
}

// offer adds the buttons. GitHub shows them on completed runs only.
func (r *Run) offer() {
	if r.Status == statusCompleted {
		r.Actions = []Action{{Label: "Re-evaluate", Description: "Read everything again and decide again", ID: PressReevaluate}}
	}
}

// templated reports whether keys are missing in a change request that stands, or
// would stand, in the description: a file is changed by a push only.
func templated(v View) bool {
	if slices.ContainsFunc(v.Change.Requests, func(r rules.RequestText) bool { return r.Path != "" }) || effective(v) != rules.Author {
		return false
	}
	return slices.ContainsFunc(v.Verdict.Findings, func(f rules.Finding) bool {
		switch f.Code {
		case rules.CodeNoRequest, rules.CodeWhy, rules.CodeRollback, rules.CodeEffectiveDate:
			return f.State == rules.Unmet
		}
		return false
	})
}

// strictest returns the sibling whose state asks most. One that was not judged
// yet holds the others until it is: nobody knows what it asks.
func strictest(all []Sibling) (worst Sibling, ok bool) {
	for _, s := range all {
		s = s.judged()
		if !ok || rules.Worse(s.State, worst.State) {
			worst, ok = s, true
		}
	}
	return worst, ok
}

func (s Sibling) judged() Sibling {
	if s.State == "" {
		s.State, s.Title = rules.Waiting, "Waiting for another PR with this commit to be evaluated"
	}
	return s
}

// Unfinished says that an evaluation could not be finished: in progress while it
// is retried, failed when final. The cause is ours, in a few words that name no
// host, no path and no secret; what looks like a secret is blotted out anyway. In
// shadow mode it does not block either.
func Unfinished(v View, cause string, until time.Time, final bool) Run {
	title := "ChangeGate could not finish - "
	if final {
		title += "not caused by this change"
	} else {
		title += "retrying until " + until.UTC().Format("15:04 UTC")
	}
	state := rules.Waiting
	switch {
	case v.Shadow:
		state, title = rules.Shadow, "[Shadow] "+title
	case final:
		state = rules.Failure
	}
	r := v.run(title)
	// A fault is never the author's to act on, so waiting_as does not apply.
	r.Status, r.Conclusion = Conclusion(state, "")
	r.Output.Summary = unfinishedSummary(v, blot(cause), until, final)
	r.offer()
	return r
}

// secretLike matches GitHub tokens, signed tokens, and credentials in addresses
// and headers.
var secretLike = regexp.MustCompile(`(?i)(gh[a-z]_|github_pat_)\w+|eyJ[\w-]+\.[\w.-]+|://[^\s/@]+@|bearer\s+\S+|(token|secret|password|key)=\S+`)

func blot(cause string) string {
	return clipEnd(secretLike.ReplaceAllString(strings.TrimSpace(cause), "(left out)"), 120)
}

// ShowTime shows an instant with its weekday, local time and zone, and UTC, with
// the date there if it is another: people plan by the first and records compare
// by the last. A nil zone is UTC.
func ShowTime(t time.Time, loc *time.Location) string {
	if loc == nil || loc.String() == "UTC" {
		return t.UTC().Format("Mon 2006-01-02 15:04 UTC")
	}
	utc := " (15:04 UTC)"
	if t.In(loc).Format(time.DateOnly) != t.UTC().Format(time.DateOnly) {
		utc = " (2006-01-02 15:04 UTC)"
	}
	return t.In(loc).Format("Mon 2006-01-02 15:04 ") + loc.String() + t.UTC().Format(utc)
}

// stampUTC shows an instant that is past.
func stampUTC(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
