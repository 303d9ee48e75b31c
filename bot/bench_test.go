package bot_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkWebhook measures a delivery from the first byte to the 202, which is
// sent after the commit that holds its job: 16 clients, 400 pull requests, the
// payload GitHub publishes as an example (some 20 KB).
func BenchmarkWebhook(b *testing.B) {
	h, _ := server(b)
	body := example(b, opened)
	signature := sign(body, secrets[0])
	const clients = 16
	took := make([][]time.Duration, clients)
	var next atomic.Int64
	var all sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for c := range clients {
		all.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				r := delivery("pull_request", fmt.Sprintf("bench-%010d", n), body, signature)
				begin := time.Now()
				if code, says := answer(h, r); code != 202 {
					b.Errorf("answered %d %s", code, says)
					return
				}
				took[c] = append(took[c], time.Since(begin))
			}
		})
	}
	all.Wait()
	b.StopTimer()
	sorted := slices.Concat(took...)
	slices.Sort(sorted)
	b.ReportMetric(float64(sorted[len(sorted)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(sorted[len(sorted)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(sorted))/b.Elapsed().Seconds(), "deliveries/s")
}
