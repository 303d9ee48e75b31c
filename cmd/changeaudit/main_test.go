package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"changegate/bot/evidence"
	"changegate/bot/evidence/evidencetest"
	"changegate/rules"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the scripts' golden parts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"changeaudit": main})
}

// The scripts find old.zip, new.zip, forged.zip and VKEY in their directory,
// emergencies.zip and reviewed-by-himself.zip of another log, and format1.zip, which the last version exported that knew of no exceptions.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata", UpdateScripts: *update, Setup: func(e *testscript.Env) error {
		return story(e.WorkDir, e)
	}})
}

const policy = `version: 1
mode: enforce
timezone: Europe/Berlin
governed:
  - name: prompts
    kind: prompt
    paths: ["prompts/**"]
    approvals: [{count: 1, from: [write]}]
freezes:
  - {name: weekend, reason: nobody on call, start: "0 18 * * 5", lasts: 62h}
break_glass: {who: [dave], reviewers: [carol], expires: 1h, review_within: 24h}
`

var day = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

// story writes two bundles of one log and one that tells a lie, all decided by
// the real rules.
func story(dir string, e *testscript.Env) error {
	k, err := evidence.NewKeys("changegate.example", rand.Reader)
	if err != nil {
		return err
	}
	vkey, err := k.VKey("42")
	if err != nil {
		return err
	}
	e.Setenv("VKEY", vkey)
	b := &builder{dir: dir, st: evidencetest.NewMemory(), log: evidence.NewLog(k, "42")}
	b.change(1, true, rules.Evaluate)
	b.export("old.zip")
	b.change(2, false, rules.Evaluate)
	b.export("new.zip")
	b.change(3, false, func(p []byte, c *rules.Change, now time.Time) rules.Verdict {
		v := rules.Evaluate(p, c, now)
		v.State, v.Would = rules.Ready, rules.Ready
		return v
	})
	b.export("forged.zip")
	b.st = evidencetest.NewMemory()
	carol, dave := rules.Person{ID: 2, Login: "carol"}, rules.Person{ID: 3, Login: "dave"}
	b.emergency(1, carol, 20*time.Hour)
	b.emergency(2, carol, 30*time.Hour)
	b.emergency(3, rules.Person{}, 0)
	b.export("emergencies.zip")
	b.emergency(4, dave, time.Hour)
	b.export("reviewed-by-himself.zip")
	first, err := os.ReadFile(filepath.Join("testdata", "format1.zip"))
	b.note(err)
	b.note(os.WriteFile(filepath.Join(dir, "format1.zip"), first, 0o600))
	return b.err
}

type builder struct {
	dir string
	st  *evidencetest.Memory
	log *evidence.Log
	err error // the first
}

func (b *builder) append(r evidence.Record, at time.Time) (index int64) {
	b.note(b.st.Update(context.Background(), func(tx evidence.Tx) (err error) {
		index, _, err = b.log.Append(context.Background(), tx, r, at)
		return err
	}))
	return index
}

func (b *builder) note(err error) {
	if b.err == nil {
		b.err = err
	}
}

// change records a decision on pull request n, and its merge.
func (b *builder) change(n int, approved bool, judge evidence.Judge) {
	c, at := changeOf(n)
	if approved {
		q, _ := rules.ReadRequest(c.Requests, time.UTC)
		carol := rules.Person{ID: 2, Login: "carol"}
		c.Reviews = []rules.Review{{ID: 5, By: carol, State: "APPROVED", Commit: c.Head.Commit, At: at, Permission: "write", Request: q.Digest()}}
	}
	b.merged(c, judge, at)
}

// emergency records that the glass was broken for pull request n, its merge, and the
// review by somebody after a while.
func (b *builder) emergency(n int, by rules.Person, after time.Duration) {
	c, at := changeOf(n)
	place := evidence.Repo{ID: c.RepoID, Name: c.Repo}
	x := rules.Exception{
		Number: n, Kind: rules.KindBreakGlass, By: rules.Person{ID: 3, Login: "dave"}, As: "dave", At: at.Add(-time.Minute), Head: c.Head.Commit, Base: c.Base.Branch,
		Reason: "refunds without limit", Incident: "INC-881", Expires: at.Add(time.Hour), Due: at.Add(24 * time.Hour),
	}
	b.append(evidence.Opened("github.com", place, n, x), at)
	c.Exceptions = []rules.Exception{x}
	b.merged(c, rules.Evaluate, at)
	if by.ID == 0 {
		return
	}
	if after > 24*time.Hour {
		b.append(evidence.Overdue("github.com", place, n, x), x.Due)
	}
	x.Closed = &rules.Closing{By: by, As: by.Login, At: at.Add(after), Outcome: "prompt restored"}
	b.append(evidence.Closed("github.com", place, n, x), x.Closed.At)
}

// changeOf is pull request n, opened on a day of its own.
func changeOf(n int) (*rules.Change, time.Time) {
	alice := rules.Person{ID: 1, Login: "alice"}
	head, at := strings.Repeat("a", 39)+string('0'+rune(n)), day.AddDate(0, 0, 2*n)
	return &rules.Change{
		Ref: rules.Ref{RepoID: 9, Repo: "acme/agents", Number: n}, State: "open", DefaultBranch: "main",
		Base: rules.Point{Branch: "main", Commit: strings.Repeat("b", 40)}, Head: rules.Point{Branch: "topic", Commit: head},
		Author: alice, Commits: []rules.Commit{{ID: head, Author: alice, Committer: alice}},
		Files: []rules.File{{Path: "prompts/refund.md", Status: "modified", Old: strings.Repeat("c", 40), New: strings.Repeat("d", 40)}},
		Requests: []rules.RequestText{{Line: 1, Text: "change:\n  why: refunds go to a human\n" +
			"  effective_at: on-merge\n  rollback: {to: revert}\n"}},
		RequestSince: at.In(time.FixedZone("CEST", 7200)),
	}, at
}

// merged records the decision on a change and that it was merged within the hour.
func (b *builder) merged(c *rules.Change, judge evidence.Judge, at time.Time) {
	head := c.Head.Commit
	r, err := evidence.Decision(evidence.Decided{
		Key: "decision/" + head, Host: "github.com", Change: c, Policy: []byte(policy), At: at, Trigger: "pull_request", Engine: "test",
		Source:  rules.PolicyText{Path: ".github/changegate.yml", Commit: strings.Repeat("b", 40), Blob: strings.Repeat("e", 40)},
		Verdict: judge([]byte(policy), c, at),
	})
	b.note(err)
	if err != nil {
		return
	}
	d := r.Predicate.(*evidence.PolicyEvaluated)
	index := b.append(r, at)
	m := evidence.ChangeMerged{
		Repo: evidence.Repo{ID: 9, Name: "acme/agents"}, Number: c.Number, Branch: "main", Commit: strings.Repeat("f", 40), Tip: head,
		MergedBy: c.Author, MergedAt: at.Add(30 * time.Minute),
	}
	m.Explain(index, d)
	m.ReadyAt = evidence.ReadySince(&m, slices.Values([]*evidence.PolicyEvaluated{d}))
	b.append(evidence.Merged("merge/"+head, "github.com", m, nil), m.MergedAt)
}

func (b *builder) export(name string) {
	var out bytes.Buffer
	_, err := evidence.Export(context.Background(), &out, b.st, b.log, evidence.Query{
		From: day, To: day.AddDate(0, 6, 0), Now: day.AddDate(0, 6, 1), Generator: "changegate test", Text: "export",
	})
	b.note(err)
	b.note(os.WriteFile(filepath.Join(b.dir, name), out.Bytes(), 0o600))
}

// A report fits a terminal, whatever a hostile bundle makes it say.
func TestPage(t *testing.T) {
	t.Parallel()
	rep := evidence.Report{Checks: []evidence.Check{
		{Name: "archive", Result: evidence.Pass, Says: "short"},
		{Name: "files", Result: evidence.Fail, Says: strings.Repeat("0123456789abcdef", 20) + " and " + strings.Repeat("wörds of several ", 20)},
	}, Skipped: []string{"log", "records"}}
	text := string(page(rep))
	for _, l := range strings.Split(text, "\n") {
		if n := utf8.RuneCountInString(l); n > 80 {
			t.Errorf("a line has %d characters: %s", n, l)
		}
	}
	joined := strings.Join(strings.Fields(text), "")
	for _, want := range []string{strings.Repeat("0123456789abcdef", 20)[:58], "notcheckedlog,records", "Result:NOTVERIFIED,firstat:files"} {
		if !strings.Contains(joined, want) {
			t.Errorf("report has no %q:\n%s", want, text)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.zip")
	if err := os.WriteFile(bad, []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"verify", bad}, 1},
		{[]string{"verify", filepath.Join(dir, "none.zip")}, 2},
		{[]string{"verify"}, 2},
		{nil, 2},
		{[]string{"help"}, 0},
	} {
		var out, diag bytes.Buffer
		if got := run(c.args, &out, &diag); got != c.want || (got == exitUsage) != (diag.Len() > 0) {
			t.Errorf("run(%q) = %d, want %d; stdout %q, stderr %q", c.args, got, c.want, out.String(), diag.String())
		}
	}
}
