package evidence_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/evidence/evidencetest"
	"changegate/rules"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// Known answers: with the keys of the seed of zeros these bytes never change. A
// change here breaks every bundle that was ever handed out.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	k, w := keys(t), newWorld(t)
	if got := vkey(t, k); got != wantVKey {
		t.Errorf("vkey is %s, want %s", got, wantVKey)
	}
	w.append(sweep(1, 0, 5), hour(1))
	w.append(sweep(2, 5, 9), hour(2))
	var checkpoint []byte
	view(t, w, func(tx evidence.Tx) (err error) {
		checkpoint, err = w.l.Checkpoint(t.Context(), tx)
		return err
	})
	if diff := cmp.Diff(wantCheckpoint, string(checkpoint)); diff != "" {
		t.Errorf("checkpoint (-want +got):\n%s", diff)
	}
	f := evidence.TakeApart(t, w.export(query()))
	leaf := fmt.Sprintf(wantLeaf, base64.StdEncoding.EncodeToString([]byte(wantStatement)))
	if diff := cmp.Diff(leaf, string(f.Files["records/0.dsse.json"])); diff != "" {
		t.Errorf("leaf (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantProof+wantCheckpoint, string(f.Files["records/0.tlog-proof"])); diff != "" {
		t.Errorf("proof (-want +got):\n%s", diff)
	}
}

// Root, key hash and both signatures were also computed by hashlib and openssl.
const (
	wantVKey       = "changegate.example/log/42+e8ef1b7f+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
	wantCheckpoint = "changegate.example/log/42\n2\nG79grRD7vu3EBWw4rqW3eTWIMOgN55WUEmV1u9JIvnQ=\n\n" +
		"— changegate.example/log/42 6O8bfwfM9W5fQQfhMPFIyPY5W0OSVjcxRx6z0NUg2H3iBev01AtSg6WzvIndKP0235TR0u9K4hy2kKAz5+a5p3uUhg0=\n"
	wantProof = "c2sp.org/tlog-proof@v1\nindex 0\nxTjNhs0OFJ+gCX7sH/jVhh7x6GZrJP2jgrxmg1abUfI=\n\n"
	wantLeaf  = `{"payload":"%s","payloadType":"application/vnd.in-toto+json","signatures":[` +
		`{"keyid":"339e2ff917630507b6a423b5ce084e285d1fa65d93b3e27a6195d3bbebc9ae23",` +
		`"sig":"fs10pecoTH1htgksCBGsq9VjAzBsk2j0yG2c4r1w+GXVr01RsjybgTDorZQakLMC6J3QXeoRoZMfYppQp5I8CA=="}]}`
	wantStatement = `{"_type":"https://in-toto.io/Statement/v1","predicate":{"at":"2026-06-01T01:00:00Z","attributed":2,` +
		`"firstParentCommits":3,"from":"0000000000000000000000000000000000000000","governed":3,"key":"sweep/1","org":"42",` +
		`"recordedAt":"2026-06-01T01:00:00Z","ref":"refs/heads/main","repo":{"id":"179876543210987654","name":"acme/agents"},` +
		`"schema":1,"to":"0000000000000000000000000000000000000005","unattributed":1},` +
		`"predicateType":"urn:changegate:coverage.sweep:v1","subject":[{"digest":{"gitCommit":` +
		`"0000000000000000000000000000000000000005"},"name":"git+https://github.com/acme/agents@refs/heads/main"}]}`
)

// Whatever is appended, in whatever number and batches: every record is proved in
// every later tree, and every tree contains every earlier one.
func TestProofs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		var leaves []tlog.Hash
		roots := []tlog.Hash{root(t, w, 0)}
		for i := range rapid.IntRange(1, 40).Draw(rt, "records") {
			why := rapid.String().Draw(rt, "why")
			n := w.append(bypass(i, why), hour(i))
			view(t, w, func(tx evidence.Tx) error {
				for e, err := range tx.Entries(t.Context(), org, n, n+1) {
					leaves = append(leaves, tlog.RecordHash(e.Leaf))
					return err
				}
				return nil
			})
			roots = append(roots, root(t, w, n+1))
		}
		size := int64(len(leaves))
		read := reader(t, w)
		for i, h := range leaves {
			p, err := tlog.ProveRecord(size, int64(i), read)
			if err != nil {
				rt.Fatal(err)
			}
			if err := tlog.CheckRecord(p, size, roots[size], int64(i), h); err != nil {
				rt.Errorf("record %d of %d: %v", i, size, err)
			}
		}
		for n := int64(1); n < size; n++ {
			p, err := tlog.ProveTree(size, n, read)
			if err != nil {
				rt.Fatal(err)
			}
			if err := tlog.CheckTree(p, size, roots[size], n, roots[n]); err != nil {
				rt.Errorf("tree of %d in tree of %d: %v", n, size, err)
			}
		}
	})
}

func reader(t *testing.T, w *world) tlog.HashReader {
	return tlog.HashReaderFunc(func(x []int64) (out []tlog.Hash, err error) {
		view(t, w, func(tx evidence.Tx) error {
			out, err = tx.Hashes(t.Context(), org, x)
			return err
		})
		return out, err
	})
}

func root(t *testing.T, w *world, n int64) tlog.Hash {
	t.Helper()
	h, err := tlog.TreeHash(n, reader(t, w))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAppendOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t).story(1)
	err := w.st.Update(t.Context(), func(tx evidence.Tx) error {
		index, dup, err := w.l.Append(t.Context(), tx, merged(1, -1, nil), end)
		if index != 2 || !dup || err != nil {
			t.Errorf("append of a key that is there: %d, %t, %v; want 2, true, nil", index, dup, err)
		}
		index, dup, err = w.l.Append(t.Context(), tx, bypass(5, "x"), end)
		if index != 3 || dup || err != nil {
			t.Errorf("append after it: %d, %t, %v; want 3, false, nil", index, dup, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A clock that steps back does not make time run backwards in the log.
func TestRecordedTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, now := range []time.Time{hour(5), hour(3), hour(4), hour(6), hour(5)} {
		w.append(bypass(i, "x"), now.In(time.FixedZone("", 7200)))
	}
	var got []time.Time
	view(t, w, func(tx evidence.Tx) error {
		for r, err := range w.l.Records(t.Context(), tx, 0, 5) {
			if err != nil {
				return err
			}
			got = append(got, r.Predicate.Head().RecordedAt)
		}
		return nil
	})
	if diff := cmp.Diff([]time.Time{hour(5), hour(5), hour(5), hour(6), hour(6)}, got); diff != "" {
		t.Errorf("recorded times (-want +got):\n%s", diff)
	}
	if rep := verify(w.export(query())); !rep.Verified {
		t.Errorf("verify: %+v", rep.Failed())
	}
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	long := bypass(1, "x")
	for range 2000 {
		long.Subject = append(long.Subject, evidence.Subject{Name: "prompts/one-of-many.md", Digest: map[string]string{"gitBlob": commitID(1)}})
	}
	keyless := bypass(1, "x")
	keyless.Key = ""
	facts := bypass(1, "x")
	facts.Side = make([]byte, evidence.MaxSide+1)
	number := bypass(1, "x")
	number.Predicate.(*evidence.BypassDetected).Governed = 1<<53 + 1
	text := bypass(1, "x")
	text.Predicate.(*evidence.BypassDetected).Branch = "ma\xffin"
	for _, c := range []struct {
		name, words string
		record      evidence.Record
	}{
		{"too long for a leaf", "bytes, limit is 49152", long},
		{"no key", "key has 0 bytes", keyless},
		{"facts too long", "facts have 67108865 bytes", facts},
		{"a number JSON readers round", "9007199254740993 is not an integer within 2^53-1", number},
		{"text that is not UTF-8", "not UTF-8", text},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			err := w.st.Update(t.Context(), func(tx evidence.Tx) error {
				_, _, err := w.l.Append(t.Context(), tx, c.record, end)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("append: %v, want %q", err, c.words)
			}
		})
	}
}

// Logs of two organisations share keys and nothing else: a checkpoint of one is
// no checkpoint of the other.
func TestOrganisationsApart(t *testing.T) {
	t.Parallel()
	k, st := keys(t), evidencetest.NewMemory()
	one := &world{t, st, evidence.NewLog(k, "42")}
	two := &world{t, st, evidence.NewLog(k, "43")}
	one.append(bypass(1, "x"), end)
	if n := two.append(bypass(1, "x"), end); n != 0 {
		t.Errorf("first record of the second log is number %d", n)
	}
	theirs, err := two.l.VKey()
	if err != nil {
		t.Fatal(err)
	}
	mustFail(t, verify(one.export(query()), withKey(theirs)), "key", "log/43")
}

// A hostile pull request must not keep its own decision out of the log.
func TestDecisionOfAnySizeFits(t *testing.T) {
	t.Parallel()
	d := decided(1, true, hour(1))
	d.Change.Files = nil
	for i := range 3000 {
		path := fmt.Sprintf("prompts/%s/%d.md", strings.Repeat("\x01", 200), i)
		d.Change.Files = append(d.Change.Files, rules.File{Path: path, Status: "added", New: commitID(i)})
		d.Change.Commits = append(d.Change.Commits, rules.Commit{ID: commitID(i), Author: rules.Person{ID: int64(i + 10), Login: fmt.Sprint("user-", i)}})
		d.Change.Reviews = append(d.Change.Reviews, rules.Review{State: "APPROVED", By: rules.Person{ID: int64(i + 10), Login: fmt.Sprint("user-", i)}, Commit: commitID(1)})
	}
	d.Change.Requests[0].Text = "change:\n  why: because\n  rollback: {to: " + strings.Repeat("v", 5000) + "}\n"
	d.Verdict = judge(d.Policy, d.Change, d.At)
	for i := range 1000 {
		d.Verdict.Findings = append(d.Verdict.Findings, rules.Finding{Group: fmt.Sprint("group-", i), Rule: rules.RuleApprovals, State: rules.Unmet})
	}
	r := decision(t, d)
	p := r.Predicate.(*evidence.PolicyEvaluated)
	w := newWorld(t)
	w.append(r, end)
	if p.Governed != 3000 || p.Listed == 0 || p.Listed >= 3000 || p.Listed != len(r.Subject)-1 {
		t.Errorf("%d of %d governed files are listed, %d subjects", p.Listed, p.Governed, len(r.Subject))
	}
	if got := len(p.Verdict.Findings) + p.Verdict.Omitted; got != 1001 {
		t.Errorf("%d findings are listed or counted, want 1001", got)
	}
	if got, want := len(p.People.Contributors)+len(p.People.Approvers)+p.People.Omitted, len(rules.Contributors(d.Change))+len(d.Verdict.Approvals); got != want || want < 6000 {
		t.Errorf("%d people are listed or counted, want %d", got, want)
	}
	if len(p.Rollback) > 300 {
		t.Errorf("rollback target takes %d bytes of the leaf", len(p.Rollback))
	}
}

// The facts reach the judge again as they were, whatever zone times were in.
func TestReperform(t *testing.T) {
	t.Parallel()
	d := decided(1, true, hour(1).In(time.FixedZone("CET", 3600)).Add(7*time.Nanosecond))
	d.Change.RequestSince = hour(0).In(time.FixedZone("", -3600))
	r := decision(t, d)
	if _, err := evidence.Reperform(judge, r.Side, r.Predicate.(*evidence.PolicyEvaluated)); err != nil {
		t.Errorf("reperform: %v", err)
	}
	var seen *rules.Change
	spy := func(policy []byte, c *rules.Change, now time.Time) rules.Verdict {
		seen = c
		if !bytes.Equal(policy, d.Policy) || !now.Equal(d.At) {
			t.Errorf("judged by %q at %s, want %q at %s", policy, now, d.Policy, d.At)
		}
		return judge(policy, c, now)
	}
	if _, err := evidence.Reperform(spy, r.Side, r.Predicate.(*evidence.PolicyEvaluated)); err != nil {
		t.Errorf("reperform: %v", err)
	}
	if diff := cmp.Diff(d.Change, seen); diff != "" {
		t.Errorf("facts (-recorded +judged):\n%s", diff)
	}
	d.Change.Author.Login = "ali\xffce"
	if _, err := evidence.Decision(d); err == nil || !strings.Contains(err.Error(), "not UTF-8") {
		t.Errorf("decision on facts that JSON would change: %v", err)
	}
}
