package store_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"

	"golang.org/x/mod/sumdb/tlog"
)

// BenchmarkReceive measures a delivery from 16 clients until it and its job are
// on disk (synchronous=FULL): 400 pull requests, every delivery new.
func BenchmarkReceive(b *testing.B) {
	s := open(b)
	const clients = 16
	took := make([][]time.Duration, clients)
	var next atomic.Int64
	var all sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for c := range clients {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				d := store.Delivery{ID: fmt.Sprintf("%036d", n), Event: "pull_request", Action: "synchronize", At: noon}
				begin := time.Now()
				if _, err := s.Receive(b.Context(), d, []checks.Wake{pull(int(n % 400))}, noon); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(begin))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	report(b, slices.Concat(took...))
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkAppend measures one writer that appends leaves of 3 KB with 3 KB
// beside them, each on disk before the next: the store's share of an evidence
// append, without statement and signature.
func BenchmarkAppend(b *testing.B) {
	s := open(b)
	leaf, side := make([]byte, 3<<10), make([]byte, 3<<10)
	took := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		begin := time.Now()
		write(b, s, func(tx *store.Tx) error {
			n, err := tx.Size(b.Context(), "1")
			if err != nil {
				return err
			}
			hashes, err := tlog.StoredHashesForRecordHash(n, tlog.RecordHash(leaf), hashReader(b.Context(), tx, "1"))
			if err != nil {
				return err
			}
			_, err = tx.Append(b.Context(), "1", n, evidence.Entry{
				Key: fmt.Sprintf("decision/33/7/%d", n), Leaf: leaf, Side: side, Salt: leaf[:32],
			}, hashes)
			return err
		})
		took = append(took, time.Since(begin))
	}
	b.StopTimer()
	report(b, took)
}

// BenchmarkClaimFinish measures a worker's two writes around a run, with 10,000
// other jobs waiting for their timers.
func BenchmarkClaimFinish(b *testing.B) {
	s := open(b)
	write(b, s, func(tx *store.Tx) error {
		for n := range 10_000 {
			if err := tx.Raise(b.Context(), pull(n+1), "bench", noon.Add(time.Hour)); err != nil {
				return err
			}
		}
		return nil
	})
	raise(b, s, pull(1), noon)
	took := make([]time.Duration, 0, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		begin := time.Now()
		j := mustClaim(b, s, noon)
		if !finish(b, s, j, noon, noon) {
			b.Fatal("the job is not ours")
		}
		took = append(took, time.Since(begin))
	}
	b.StopTimer()
	report(b, took)
}
