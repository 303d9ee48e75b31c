package evidence_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/evidence/evidencetest"
	"changegate/rules"
)

const org = "42"

var (
	start = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	end   = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	repo  = evidence.Repo{ID: 179876543210987654, Name: "acme/agents"}
	alice = rules.Person{ID: 1, Login: "alice"}
	bob   = rules.Person{ID: 2, Login: "bob"}
)

// zeros is a source of not at all random bytes, so that keys are known.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func keys(t testing.TB) *evidence.Keys {
	t.Helper()
	k, err := evidence.NewKeys("changegate.example", zeros{})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func vkey(t testing.TB, k *evidence.Keys) string {
	t.Helper()
	v, err := k.VKey(org)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// judge is a rule small enough to see through: one approval makes it ready, and
// broken glass does without.
func judge(policy []byte, c *rules.Change, now time.Time) rules.Verdict {
	v := rules.Verdict{State: rules.Waiting, Would: rules.Waiting, Title: "Waiting for 1 approval", Head: c.Head.Commit}
	for _, r := range c.Reviews {
		if r.State == "APPROVED" {
			v.State, v.Would, v.Title = rules.Ready, rules.Ready, "Ready - 1 approval"
			v.Approvals = append(v.Approvals, rules.Approved{Group: "prompts", By: r.By, Commit: r.Commit, At: r.At})
		}
	}
	for _, f := range c.Files {
		v.Governed = append(v.Governed, rules.Governed{Path: f.Path, Groups: []string{"prompts"}})
	}
	v.Findings = []rules.Finding{{Group: "prompts", Rule: rules.RuleApprovals, State: rules.Met, Until: now.Add(time.Hour)}}
	for _, x := range c.Exceptions {
		if v.State == rules.Waiting && x.Head == c.Head.Commit && now.Before(x.Expires) {
			v.State, v.Would, v.Title, v.Findings[0].State = rules.BreakGlass, rules.BreakGlass, "BREAK-GLASS", rules.Waived
			v.Next = x.Expires
		}
	}
	v.Policy = fmt.Sprintf("%x", sha256.Sum256(policy))
	return v
}

// change is pull request n with a head of its own, approved or not.
func change(n int, approved bool) *rules.Change {
	c := &rules.Change{
		Ref:   rules.Ref{RepoID: repo.ID, Repo: repo.Name, Number: n},
		State: "open",
		Base:  rules.Point{Branch: "main", Commit: commitID(1000 + n)},
		Head:  rules.Point{Branch: "topic", Commit: commitID(n)}, DefaultBranch: "main",
		Author:   alice,
		Commits:  []rules.Commit{{ID: commitID(n), Author: alice, Committer: alice}},
		Files:    []rules.File{{Path: "prompts/refund.md", Status: "modified", Old: commitID(1), New: commitID(2)}},
		Requests: []rules.RequestText{{Line: 1, Text: "change:\n  why: because\n  rollback: {to: v1}\n"}},
	}
	if approved {
		c.Reviews = []rules.Review{{ID: int64(n), By: bob, State: "APPROVED", Commit: commitID(n), At: start}}
	}
	return c
}

func commitID(n int) string { return fmt.Sprintf("%040x", n) }

func decided(n int, approved bool, at time.Time) evidence.Decided {
	c := change(n, approved)
	policy := []byte("version: 1\n")
	return evidence.Decided{
		Key: fmt.Sprintf("decision/%d/%t", n, approved), Host: "github.com", Change: c, Policy: policy,
		Source:  rules.PolicyText{Path: ".github/changegate.yml", Commit: commitID(1000), Blob: commitID(7)},
		Verdict: judge(policy, c, at), At: at, Trigger: "pull_request", Engine: "test",
		Contents: map[string][]byte{"prompts/refund.md": []byte("Be kind.\n")},
	}
}

func decision(t testing.TB, d evidence.Decided) evidence.Record {
	t.Helper()
	r, err := evidence.Decision(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// merged is the merge of pull request n, a minute after start+n hours.
func merged(n int, index int64, d *evidence.PolicyEvaluated) evidence.Record {
	m := evidence.ChangeMerged{
		Repo: repo, Number: n, Branch: "main", Commit: commitID(2000 + n), Tip: commitID(n),
		MergedBy: alice, MergedAt: hour(n).Add(time.Minute),
	}
	m.Explain(index, d)
	return evidence.Merged(fmt.Sprint("merge/", n), "github.com", m, []evidence.GovernedFile{{Path: "prompts/refund.md", Blob: commitID(2)}})
}

func hour(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }

func bypass(n int, why string) evidence.Record {
	return evidence.Bypassed(fmt.Sprint("bypass/", n), "github.com", evidence.BypassDetected{
		Repo: repo, Branch: "main", Commit: commitID(3000 + n), PushedBy: bob, At: hour(n), Why: why,
	}, []evidence.GovernedFile{{Path: "prompts/refund.md", Blob: commitID(3)}})
}

func sweep(n, from, to int) evidence.Record {
	return evidence.Swept(fmt.Sprint("sweep/", n), "github.com", evidence.CoverageSweep{
		Repo: repo, Ref: "refs/heads/main", From: commitID(from), To: commitID(to),
		Commits: 3, Attributed: 2, Unattributed: 1, Governed: 3, At: hour(n),
	})
}

// A world is a log and its storage.
type world struct {
	t  testing.TB
	st *evidencetest.Memory
	l  *evidence.Log
}

func newWorld(t testing.TB) *world {
	return &world{t, evidencetest.NewMemory(), evidence.NewLog(keys(t), org).SaltFrom(zeros{})}
}

func (w *world) append(r evidence.Record, now time.Time) int64 {
	w.t.Helper()
	var index int64
	err := w.st.Update(context.Background(), func(tx evidence.Tx) (err error) {
		index, _, err = w.l.Append(context.Background(), tx, r, now)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return index
}

// story fills a log with n changes: decided twice, merged, every third unapproved;
// direct pushes and sweeps in between.
func (w *world) story(n int) *world {
	for i := 1; i <= n; i++ {
		w.append(decision(w.t, decided(i, false, hour(i).Add(-2*time.Minute))), hour(i))
		r := decision(w.t, decided(i, i%3 != 0, hour(i).Add(-time.Minute)))
		r.Key += "/again"
		index := w.append(r, hour(i))
		w.append(merged(i, index, r.Predicate.(*evidence.PolicyEvaluated)), hour(i).Add(2*time.Minute))
		if i%2 == 0 {
			w.append(bypass(i, "=HYPERLINK(\"direct push\")"), hour(i).Add(3*time.Minute))
			w.append(sweep(i, i-2, i), hour(i).Add(4*time.Minute))
		}
	}
	return w
}

func query() evidence.Query {
	return evidence.Query{From: start, To: end, Now: end.Add(time.Hour), Generator: "test 1", Text: "changegate export --from 2026-06-01"}
}

func (w *world) export(q evidence.Query) []byte {
	w.t.Helper()
	var b bytes.Buffer
	s, err := evidence.Export(context.Background(), &b, w.st, w.l, q)
	if err != nil {
		w.t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(b.Bytes())); s.SHA256 != sum || s.Bytes != int64(b.Len()) {
		w.t.Errorf("summary says %d bytes, SHA-256 %s; wrote %d, %s", s.Bytes, s.SHA256, b.Len(), sum)
	}
	return b.Bytes()
}

func verify(bundle []byte, change ...func(*evidence.VerifyOptions)) evidence.Report {
	o := evidence.VerifyOptions{Judge: judge}
	for _, c := range change {
		c(&o)
	}
	return evidence.Verify(bytes.NewReader(bundle), int64(len(bundle)), o)
}

func withKey(k string) func(*evidence.VerifyOptions) {
	return func(o *evidence.VerifyOptions) { o.Key = k }
}

func sinceBundle(b []byte) func(*evidence.VerifyOptions) {
	return func(o *evidence.VerifyOptions) { o.Since, o.SinceSize = bytes.NewReader(b), int64(len(b)) }
}
