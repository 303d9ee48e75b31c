package bot_test

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdTag puts a tag on a commit, or moves it there; cmdUntag deletes it.
func cmdTag(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "tag NAME BRANCH|MARK")
	at := w.marks[args[1]]
	if at == "" {
		at = w.repo.Head(args[1])
	}
	happens(ts, w, func() { w.repo.Tag(args[0], at) })
}

func cmdUntag(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "untag NAME")
	happens(ts, w, func() { w.repo.Untag(args[0]) })
}

// cmdPlan looks at the row of a change in plans.csv.
func cmdPlan(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "plan CHG-N PATTERN")
	csv, err := w.bundled("plans.csv")
	ts.Check(err)
	for line := range strings.Lines(csv) {
		if strings.HasPrefix(line, args[0]+",") && match(ts, args[1], line) {
			return
		}
	}
	ts.Fatalf("no plan of %s matches %q:\n%s", args[0], args[1], csv)
}

// cmdPage looks at the page of the pull request.
func cmdPage(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "page PATTERN")
	c, _ := w.check()
	body, err := w.opened(c.DetailsURL)
	ts.Check(err)
	if !match(ts, args[0], body) {
		ts.Fatalf("the page does not match %q:\n%s", args[0], body)
	}
}
