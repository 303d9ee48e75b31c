package bot_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"changegate/checks/githubtest"
)

// cmdQueue gives the base branch a merge queue in which our check has to pass, and
// others if asked.
func cmdQueue(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	if len(args) > 0 {
		ts.Fatalf("usage: queue [also=CHECK] [least=N] [method=METHOD] [headgreen=yes]")
	}
	how := githubtest.Queue{Checks: []string{w.checkName()}, Method: named["method"], HeadGreen: named["headgreen"] != ""}
	if name := named["also"]; name != "" {
		how.Also = []string{name}
	}
	if n := named["least"]; n != "" {
		var err error
		how.Least, err = strconv.Atoi(n)
		ts.Check(err)
	}
	w.repo.Queue(w.pull.Base(), how)
}

func cmdEnqueue(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "enqueue BY")
	happens(ts, w, func() { w.pull.Enqueue(args[0]) })
}

func cmdDequeue(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "dequeue BY")
	happens(ts, w, func() { w.pull.Dequeue(args[0]) })
}

// group is the commit GitHub last asked about for the pull request, which may be
// merged or dropped by now.
func (w *world) group(ts *testscript.TestScript) string {
	prefix := fmt.Sprintf("refs/heads/gh-readonly-queue/%s/pr-%d-", w.pull.Base(), w.pull.Number)
	for _, d := range slices.Backward(w.gh.Deliveries()) {
		var told struct {
			Group struct {
				Head string `json:"head_sha"`
				Ref  string `json:"head_ref"`
			} `json:"merge_group"`
		}
		if d.Event != "merge_group" || d.Action != "checks_requested" {
			continue
		}
		ts.Check(json.Unmarshal(d.Payload, &told))
		if strings.HasPrefix(told.Group.Ref, prefix) {
			return told.Group.Head
		}
	}
	ts.Fatalf("pull request %d was in no merge group", w.pull.Number)
	return ""
}

// cmdGroup looks at our check on the merge group, as check does on the head.
func cmdGroup(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "group STATE TITLE")
	for _, run := range slices.Backward(w.repo.Checks(w.group(ts))) {
		if run.Name == w.checkName() {
			if state := cmp.Or(run.Conclusion, run.Status); state != args[0] || !match(ts, args[1], run.Title) {
				ts.Fatalf("the check of the group is %s %q, want %s %q\n%s", state, run.Title, args[0], args[1], run.Summary)
			}
			return
		}
	}
	ts.Fatalf("there is no check run %q on the group", w.checkName())
}

func cmdQueued(ts *testscript.TestScript, w *world, _ []string) {
	if _, ok := w.pull.Group(); !ok {
		ts.Fatalf("pull request %d is not queued", w.pull.Number)
	}
}

func cmdUnqueued(ts *testscript.TestScript, w *world, _ []string) {
	if _, ok := w.pull.Group(); ok {
		ts.Fatalf("pull request %d is queued", w.pull.Number)
	}
}

// cmdAutoMerge leaves the merge to GitHub, once our check has passed.
func cmdAutoMerge(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "automerge BY [METHOD|off]")
	method := "squash"
	if len(args) > 1 {
		method = args[1]
	}
	happens(ts, w, func() {
		if method == "off" {
			w.pull.NoAutoMerge(args[0])
		} else {
			w.pull.AutoMerge(args[0], method, w.checkName())
		}
	})
}

func cmdMerged(ts *testscript.TestScript, w *world, _ []string) {
	if !w.pull.Merged() {
		ts.Fatalf("pull request %d is not merged", w.pull.Number)
	}
}

func cmdUnmerged(ts *testscript.TestScript, w *world, _ []string) {
	if w.pull.Merged() {
		ts.Fatalf("pull request %d is merged", w.pull.Number)
	}
}
