package bot_test

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdGrant has the organisation's owner give the App a permission.
func cmdGrant(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "grant PERMISSION LEVEL")
	happens(ts, w, func() { w.gh.Grant("acme", args[0], args[1]) })
}

// cmdHolds wants a file of the pull request's head to be, byte for byte, one of the
// story.
func cmdHolds(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "holds PATH FILE")
	data, err := os.ReadFile(filepath.Join(w.dir, args[1]))
	ts.Check(err)
	if got, ok := w.repo.Read(w.pull.Head(), args[0]); !ok || got != string(data) {
		ts.Fatalf("%s is %q there, want %q", args[0], got, data)
	}
}

// cmdLacks wants a file not to be at the pull request's head.
func cmdLacks(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "lacks PATH")
	if got, ok := w.repo.Read(w.pull.Head(), args[0]); ok {
		ts.Fatalf("%s is %q there", args[0], got)
	}
}

// cmdDescribedAs looks for words of the description.
func cmdDescribedAs(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "described-as PATTERN")
	if got := w.pull.Body(); !match(ts, args[0], got) {
		ts.Fatalf("the description does not match %q:\n%s", args[0], got)
	}
}
