package bot_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"changegate/checks/githubtest"
)

// A remark is a comment the story can come back to.
type remark struct {
	pull *githubtest.Pull
	id   int64
}

// cmdSay comments on the pull request, outside of any review, with one line. The
// comment is the one meant from then on, and later by its NAME.
func cmdSay(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "say BY TEXT [as=NAME]")
	w.say(ts, args[0], args[1], args[2:])
}

// cmdComment is say with the lines of a file.
func cmdComment(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "comment BY FILE [as=NAME]")
	w.say(ts, args[0], w.text(ts, args[1]), args[2:])
}

func (w *world) say(ts *testscript.TestScript, by, body string, more []string) {
	_, named := options(more)
	happens(ts, w, func() {
		said := remark{w.pull, w.pull.Comment(by, body)}
		w.remarks[""], w.remarks[named["as"]] = said, said
	})
}

// text is a file of the story; $LONG in it are 60,000 characters that call everybody.
func (w *world) text(ts *testscript.TestScript, name string) string {
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	ts.Check(err)
	const noise = "@everyone <img src=x> "
	return strings.ReplaceAll(string(data), "$LONG", strings.Repeat(noise, 60_000/len(noise)+1))
}

// remark is the comment an option of=NAME names, or the one last said.
func (w *world) remark(ts *testscript.TestScript, named map[string]string) remark {
	said, ok := w.remarks[named["of"]]
	if !ok {
		ts.Fatalf("nothing was said as %q", named["of"])
	}
	return said
}

// cmdAmend edits a comment afterwards.
func cmdAmend(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "amend BY TEXT [of=NAME]")
	_, named := options(args[2:])
	said := w.remark(ts, named)
	happens(ts, w, func() { said.pull.EditComment(args[0], said.id, args[1]) })
}

// cmdWithdraw deletes a comment.
func cmdWithdraw(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	want(ts, args, 1, "withdraw BY [of=NAME]")
	said := w.remark(ts, named)
	happens(ts, w, func() { said.pull.DeleteComment(args[0], said.id) })
}

// cmdReacted wants exactly these reactions of ours on a comment, in this order.
func cmdReacted(ts *testscript.TestScript, w *world, args []string) {
	args, named := options(args)
	said := w.remark(ts, named)
	var got []string
	for _, c := range said.pull.Comments() {
		for _, v := range c.Reactions {
			if c.ID == said.id && v.By == self {
				got = append(got, v.Content)
			}
		}
	}
	if !slices.Equal(got, args) {
		ts.Fatalf("we reacted by %q, want %q", got, args)
	}
}

// self is who writes when the bot does.
const self = "changegate[bot]"

// ours are our comments on the pull request: those that are kept up to date, and the
// answers. What others copy from us is theirs.
func (w *world) ours() (sticky, answers []githubtest.Comment) {
	for _, c := range w.pull.Comments() {
		switch {
		case c.By != self:
		case strings.HasPrefix(c.Body, "<!-- changegate:sticky"):
			sticky = append(sticky, c)
		default:
			answers = append(answers, c)
		}
	}
	return sticky, answers
}

// cmdAnswer looks at our newest answer; its words may begin a sentence.
func cmdAnswer(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "answer PATTERN")
	_, answers := w.ours()
	if len(answers) == 0 {
		ts.Fatalf("we have not answered")
	}
	if last := answers[len(answers)-1].Body; !match(ts, "(?i)"+args[0], last) {
		ts.Fatalf("the answer does not match %q:\n%s", args[0], last)
	}
}

// cmdUnanswered wants our newest answer to lack something.
func cmdUnanswered(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "unanswered PATTERN")
	if _, answers := w.ours(); len(answers) > 0 && match(ts, args[0], answers[len(answers)-1].Body) {
		ts.Fatalf("the answer matches %q:\n%s", args[0], answers[len(answers)-1].Body)
	}
}

func cmdAnswers(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "answers N")
	if _, answers := w.ours(); fmt.Sprint(len(answers)) != args[0] {
		ts.Fatalf("there are %d answers, want %s: %+v", len(answers), args[0], answers)
	}
}

// cmdSticky wants one comment that is kept up to date, and looks at it.
func cmdSticky(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "sticky PATTERN")
	if got := w.sticky(ts); !match(ts, args[0], got.Body) {
		ts.Fatalf("the sticky comment does not match %q:\n%s", args[0], got.Body)
	}
}

func (w *world) sticky(ts *testscript.TestScript) githubtest.Comment {
	all, _ := w.ours()
	if len(all) != 1 {
		ts.Fatalf("there are %d sticky comments, want 1: %+v", len(all), all)
	}
	return all[0]
}

func cmdNoSticky(ts *testscript.TestScript, w *world, _ []string) {
	if all, _ := w.ours(); len(all) != 0 {
		ts.Fatalf("there are %d sticky comments, want none: %+v", len(all), all)
	}
}

// cmdRemove has somebody who may delete the sticky comment.
func cmdRemove(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "remove BY")
	id := w.sticky(ts).ID
	happens(ts, w, func() { w.pull.DeleteComment(args[0], id) })
}

// cmdPress presses a button the newest check offers.
func cmdPress(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 2, "press BY IDENTIFIER")
	c, _ := w.check()
	if !slices.ContainsFunc(c.Actions, func(a githubtest.Action) bool { return a.Identifier == args[1] }) {
		ts.Fatalf("the check offers no %q: %+v", args[1], c.Actions)
	}
	happens(ts, w, func() { w.repo.Press(args[0], c.ID, args[1]) })
}

// cmdUnoffered wants a button not to be there.
func cmdUnoffered(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "unoffered IDENTIFIER")
	c, _ := w.check()
	if slices.ContainsFunc(c.Actions, func(a githubtest.Action) bool { return a.Identifier == args[0] }) {
		ts.Fatalf("the check offers %q", args[0])
	}
}

// cmdDescribed compares the description with a file, byte for byte.
func cmdDescribed(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "described FILE")
	body, err := w.body(args[0])
	ts.Check(err)
	if got := w.pull.Body(); got != body {
		ts.Fatalf("the description is\n%q\nwant\n%q", got, body)
	}
}

// cmdAsked wants a review to be asked of somebody.
func cmdAsked(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "asked LOGIN|@ORG/TEAM ...")
	for _, who := range args {
		if !slices.Contains(w.pull.Requested(), strings.TrimPrefix(who, "@")) {
			ts.Fatalf("reviews are asked of %v, not of %s", w.pull.Requested(), who)
		}
	}
}

func cmdUnasked(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "unasked LOGIN|@ORG/TEAM ...")
	for _, who := range args {
		if slices.Contains(w.pull.Requested(), strings.TrimPrefix(who, "@")) {
			ts.Fatalf("a review is asked of %s", who)
		}
	}
}

// cmdEmergencies counts the rows of emergencies.csv.
func cmdEmergencies(ts *testscript.TestScript, w *world, args []string) {
	want(ts, args, 1, "emergencies N [PATTERN]")
	csv, err := w.bundled("emergencies.csv")
	ts.Check(err)
	if n := strings.Count(strings.TrimSpace(csv), "\n"); fmt.Sprint(n) != args[0] || len(args) > 1 && !match(ts, args[1], csv) {
		ts.Fatalf("there are %d emergencies, want %v:\n%s", n, args, csv)
	}
}
