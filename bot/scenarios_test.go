package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"changegate/bot/evidence"
	"changegate/checks/githubtest"
)

// TestScenarios runs every story of testdata/scenarios but those of the command
// line. Each has a make-believe GitHub, the real bot and a clock of its own. After
// every story the log is exported and verified, and no request may have broken
// GitHub's own description of its API.
func TestScenarios(t *testing.T) {
	t.Parallel()
	all, err := filepath.Glob(filepath.Join("..", "testdata", "scenarios", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var stories []string
	for _, path := range all {
		if !strings.HasPrefix(filepath.Base(path), "cli_") {
			stories = append(stories, path)
		}
	}
	if len(stories) < 15 {
		t.Fatalf("%d scenarios, want at least 15", len(stories))
	}
	testscript.Run(t, testscript.Params{
		Files:               stories,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			if err := standard(e.WorkDir); err != nil {
				return err
			}
			limits, err := limits(e.WorkDir)
			if err != nil {
				return err
			}
			w, err := newWorldOf(e.WorkDir, githubtest.Options{Limits: limits})
			if err != nil {
				return err
			}
			e.Values["world"] = w
			e.Defer(w.close)
			return nil
		},
		Cmds: commands(),
	})
}

func of(ts *testscript.TestScript) *world { return ts.Value("world").(*world) }

// standard gives a story the files of testdata/scenarios/standard.txtar whose
// topmost folder it does not bring itself: most stories are about the same
// repository, the same change and the same description.
func standard(dir string) error {
	all, err := txtar.ParseFile(filepath.Join("..", "testdata", "scenarios", "standard.txtar"))
	if err != nil {
		return err
	}
	own := map[string]bool{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		own[e.Name()] = true
	}
	for _, f := range all.Files {
		top, _, _ := strings.Cut(f.Name, "/")
		if own[top] {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o644))
	}
	return err
}

// limits reads the bounds of GitHub's lists from the story's limits.json, for stories
// about lists that are longer. Without one they are GitHub's.
func limits(dir string) (l githubtest.Limits, err error) {
	data, err := os.ReadFile(filepath.Join(dir, "limits.json"))
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	return l, err
}

// commands are the words the stories are told in. Each changes GitHub as a person
// would, lets the bot work until it is idle, or looks at what a reviewer sees.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	type command = func(ts *testscript.TestScript, w *world, args []string)
	plain := map[string]command{
		"repository": cmdRepository, "floor": cmdFloor, "people": cmdPeople, "bot": cmdBot, "account": cmdAccount,
		"team": cmdTeam, "invite": cmdInvite, "child": cmdChild, "leave": cmdLeave, "dissolve": cmdDissolve, "gone": cmdGone, "server": cmdServer,
		"branch": cmdBranch, "join": cmdJoin, "direct": cmdDirect, "rewrite": cmdRewrite,
		"open": cmdOpen, "twin": cmdTwin, "pull": cmdPull, "push": cmdPush, "forcepush": cmdForcePush, "mark": cmdMark, "moveto": cmdMoveTo,
		"mergein": cmdMergeIn, "update": cmdUpdate, "edit": cmdEdit, "paste": cmdPaste, "draft": cmdDraft, "ready": cmdReady, "assign": cmdAssign, "unassign": cmdUnassign,
		"label": cmdLabel, "unlabel": cmdUnlabel, "retarget": cmdRetarget,
		"say": cmdSay, "comment": cmdComment, "amend": cmdAmend, "withdraw": cmdWithdraw, "reacted": cmdReacted, "answer": cmdAnswer,
		"queue": cmdQueue, "enqueue": cmdEnqueue, "dequeue": cmdDequeue, "queued": cmdQueued, "unqueued": cmdUnqueued, "group": cmdGroup,
		"automerge": cmdAutoMerge, "merged": cmdMerged, "unmerged": cmdUnmerged,
		"unanswered": cmdUnanswered, "answers": cmdAnswers, "sticky": cmdSticky, "nosticky": cmdNoSticky, "remove": cmdRemove,
		"press": cmdPress, "unoffered": cmdUnoffered, "described": cmdDescribed, "asked": cmdAsked, "unasked": cmdUnasked,
		"review": cmdReview, "reword": cmdReword, "dismiss": cmdDismiss, "merge": cmdMerge, "close": cmdClose, "reopen": cmdReopen,
		"report": cmdReport, "clock": cmdClock, "clockstep": cmdClockStep, "fault": cmdFault,
		"check": cmdCheck, "summary": cmdSummary, "unsaid": cmdUnsaid, "annotation": cmdAnnotation, "nocheck": cmdNoCheck, "nogreen": cmdNoGreen,
		"nomarkup": cmdNoMarkup, "records": cmdRecords, "exception": cmdException, "exceptions": cmdExceptions, "merges": cmdMerges, "emergencies": cmdEmergencies,
		"grant": cmdGrant, "holds": cmdHolds, "lacks": cmdLacks, "described-as": cmdDescribedAs,
		"calls": cmdCalls, "runs": cmdRuns, "tag": cmdTag, "untag": cmdUntag, "plan": cmdPlan, "page": cmdPage,
	}
	out := map[string]func(*testscript.TestScript, bool, []string){}
	for name, do := range plain {
		out[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if neg {
				ts.Fatalf("! %s is not a sentence", name)
			}
			do(ts, of(ts), args)
		}
	}
	return out
}

// options splits name=value words from the others.
func options(args []string) (plain []string, named map[string]string) {
	named = map[string]string{}
	for _, a := range args {
		if k, v, ok := strings.Cut(a, "="); ok {
			named[k] = v
		} else {
			plain = append(plain, a)
		}
	}
	return plain, named
}

func want(ts *testscript.TestScript, args []string, n int, usage string) {
	if len(args) < n {
		ts.Fatalf("usage: %s", usage)
	}
}

// cmdClock lets time pass for everybody. The server works on what is due, unless it
// is off.
func cmdClock(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "clock +2h | clock 2026-11-30T08:00:00Z")
	if d, ok := strings.CutPrefix(args[0], "+"); ok {
		length, err := time.ParseDuration(d)
		ts.Check(err)
		w.clock.to(w.clock.now().Add(length))
	} else {
		at, err := time.Parse(time.RFC3339, args[0])
		ts.Check(err)
		w.clock.to(at)
	}
	ts.Check(w.idle())
}

// cmdClockStep sets the clock of the machine the server runs on wrong, by so much. The
// time itself, GitHub's and everybody's, goes on.
func cmdClockStep(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "clockstep +1h|-1h|0")
	wrong, err := time.ParseDuration(args[0])
	ts.Check(err)
	w.clock.step(wrong)
	if w.off {
		return
	}
	w.gh.ResetCalls()
	ts.Check(w.bot.NoticeStep(context.Background()))
	ts.Check(w.idle())
}

func cmdCheck(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "check STATE TITLE")
	c, ok := w.check()
	if !ok {
		ts.Fatalf("there is no check run %q on the head", w.checkName())
	}
	state := c.Status
	if state == "completed" {
		state = c.Conclusion
	}
	if state != args[0] || !match(ts, args[1], c.Title) {
		ts.Fatalf("the check is %s %q, want %s %q\n%s", state, c.Title, args[0], args[1], c.Summary)
	}
}

func cmdSummary(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "summary PATTERN")
	c, _ := w.check()
	if !match(ts, args[0], c.Summary) {
		ts.Fatalf("the summary does not match %q:\n%s", args[0], c.Summary)
	}
}

func cmdUnsaid(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "unsaid PATTERN")
	c, _ := w.check()
	if match(ts, args[0], c.Summary) {
		ts.Fatalf("the summary matches %q:\n%s", args[0], c.Summary)
	}
}

func cmdAnnotation(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 3, "annotation PATH LINE PATTERN")
	c, _ := w.check()
	for _, a := range c.Annotations {
		if a.Path == args[0] && strconv.Itoa(a.StartLine) == args[1] && match(ts, args[2], title(a)+" "+a.Message) {
			return
		}
	}
	ts.Fatalf("no annotation on %s:%s matches %q: %+v", args[0], args[1], args[2], c.Annotations)
}

func cmdNoCheck(ts *testscript.TestScript, w *world, _ []string) {
	if n := len(w.pull.Checks()); n != 0 {
		ts.Fatalf("there are %d check runs, want none", n)
	}
}

func cmdNoGreen(ts *testscript.TestScript, w *world, _ []string) {
	if c, ok := w.check(); ok && (c.Conclusion == "success" || c.Conclusion == "neutral" || c.Conclusion == "skipped") {
		ts.Fatalf("the check is %s %q", c.Conclusion, c.Title)
	}
}

var markup = regexp.MustCompile(`(?i)<(img|script|td|a|iframe)\b|!\[|@everyone`)

// cmdNoMarkup looks for hostile text outside code: fences and spans are cut out
// first, because in them nothing is markup.
func cmdNoMarkup(ts *testscript.TestScript, w *world, _ []string) {
	c, _ := w.check()
	all := map[string]string{"title": c.Title, "summary": c.Summary, "text": c.Text}
	sticky, answers := w.ours()
	for _, o := range append(sticky, answers...) {
		all[fmt.Sprint("comment ", o.ID)] = o.Body
	}
	for name, text := range all {
		if name != "title" {
			text = outsideCode(text)
		}
		if found := markup.FindString(text); found != "" && name != "title" {
			ts.Fatalf("the %s has %q as markup:\n%s", name, found, text)
		}
	}
}

var spans = regexp.MustCompile("(?s)(`{3,}|~{3,}).*?(`{3,}|~{3,})|`+[^`]*`+")

func outsideCode(s string) string { return spans.ReplaceAllString(s, "") }

func cmdRecords(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "records N [KIND]")
	kind := evidence.Kind("policy.evaluated")
	if len(args) > 1 {
		kind = evidence.Kind(args[1])
	}
	n, err := w.count(kind)
	ts.Check(err)
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("the log has %d records %s, want %s", n, kind, args[0])
	}
}

func cmdException(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "exception PATTERN")
	csv, err := w.bundled("exceptions.csv")
	ts.Check(err)
	if !match(ts, args[0], csv) {
		ts.Fatalf("no exception matches %q:\n%s", args[0], csv)
	}
}

func cmdExceptions(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "exceptions N")
	csv, err := w.bundled("exceptions.csv")
	ts.Check(err)
	if n := strings.Count(strings.TrimSpace(csv), "\n"); strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d exceptions, want %s:\n%s", n, args[0], csv)
	}
}

func cmdMerges(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "merges N [PATTERN]")
	csv, err := w.bundled("population.csv")
	ts.Check(err)
	if n := strings.Count(strings.TrimSpace(csv), "\n"); strconv.Itoa(n) != args[0] || len(args) > 1 && !match(ts, args[1], csv) {
		ts.Fatalf("the population has %d rows, want %v:\n%s", n, args, csv)
	}
}

func cmdCalls(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "calls N")
	if n := w.calls(); strconv.Itoa(n) != args[0] {
		ts.Fatalf("the last event cost %d calls, want %s:\n%s", n, args[0], w.callList())
	}
}

func cmdRuns(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "runs N")
	if n := len(w.pull.Checks()); strconv.Itoa(n) != args[0] {
		ts.Fatalf("there are %d check runs on the head, want %s", n, args[0])
	}
}

func match(ts *testscript.TestScript, pattern, text string) bool {
	re, err := regexp.Compile("(?s)" + pattern)
	ts.Check(err)
	return re.MatchString(text)
}

func title(a githubtest.Annotation) string {
	if a.Title == nil {
		return ""
	}
	return *a.Title
}
