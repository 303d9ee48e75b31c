package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/rules"
)

// BenchmarkEvidenceAppend measures one writer that appends decisions one after the
// other: statement, signature, Merkle hashes, and a commit that is on disk
// (synchronous=FULL) before the next begins.
func BenchmarkEvidenceAppend(b *testing.B) {
	st, err := store.Open(context.Background(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	keys, err := evidence.NewKeys("cg.example", rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	log := evidence.NewLog(keys, "1")
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	records := make([]evidence.Record, b.N)
	for i := range records {
		if records[i], err = decision(i, at); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, r := range records {
		err := st.Update(context.Background(), func(tx evidence.Tx) error {
			_, _, err := log.Append(context.Background(), tx, r, at)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// decision is a record of ordinary size: a few files, a review, five findings.
func decision(i int, at time.Time) (evidence.Record, error) {
	policy := []byte("version: 1\nmode: enforce\ngoverned: [{name: prompts, kind: prompt, paths: [\"prompts/**\"]}]\n")
	c := &rules.Change{
		Ref: rules.Ref{RepoID: 7, Repo: "acme/agents", Number: i}, State: "open", DefaultBranch: "main",
		Base: rules.Point{Branch: "main", Commit: fmt.Sprintf("%040x", i)}, Head: rules.Point{Branch: "change", Commit: fmt.Sprintf("%040x", i+1)},
		Author:  rules.Person{ID: 1, Login: "dev1"},
		Commits: []rules.Commit{{ID: fmt.Sprintf("%040x", i+1), Author: rules.Person{ID: 1, Login: "dev1"}, Committer: rules.Person{ID: 1, Login: "dev1"}}},
		Reviews: []rules.Review{{ID: 5, By: rules.Person{ID: 2, Login: "rev1"}, State: "APPROVED", Commit: fmt.Sprintf("%040x", i+1), At: at, Permission: "write"}},
	}
	for k := range 4 {
		c.Files = append(c.Files, rules.File{Path: fmt.Sprintf("prompts/%d.md", k), Status: "modified", New: fmt.Sprintf("%040x", k)})
	}
	return evidence.Decision(evidence.Decided{
		Key: fmt.Sprintf("decision/%d", i), Host: "github.com", Change: c, Policy: policy,
		Source:  rules.PolicyText{Path: rules.PolicyPath, Commit: c.Base.Commit, Blob: c.Base.Commit},
		Verdict: rules.Evaluate(policy, c, at), At: at, Trigger: "bench", Engine: "bench",
	})
}
