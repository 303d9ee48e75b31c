package evidence_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"changegate/bot/evidence"
)

func TestVerified(t *testing.T) {
	t.Parallel()
	k := keys(t)
	for _, n := range []int{0, 1, 6, 80} { // 80 changes are more than one tile
		bundle := newWorld(t).story(n).export(query())
		if again := newWorld(t).story(n).export(query()); !bytes.Equal(again, bundle) {
			t.Errorf("%d changes: the same log and query gave two bundles", n)
		}
		rep := verify(bundle, withKey(vkey(t, k)), sinceBundle(newWorld(t).export(query())))
		if !rep.Verified || len(rep.Skipped) > 0 {
			t.Errorf("%d changes: %+v", n, rep.Failed())
		}
		if n == 6 {
			want := evidence.Counts{Population: 9, Exceptions: 5, Decisions: 12, Sweeps: 3, Records: 24}
			if rep.Manifest.Counts != want {
				t.Errorf("counts are %+v, want %+v", rep.Manifest.Counts, want)
			}
		}
	}
}

// Every byte of a bundle matters: whichever is changed, Verify says so and names
// a place.
func TestEveryByte(t *testing.T) {
	t.Parallel()
	bundle := newWorld(t).story(1).export(query())
	t.Logf("%d bytes", len(bundle))
	const shards = 4
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			own := bytes.Clone(bundle)
			for i := shard; i < len(own); i += shards {
				mutated(t, own, i, 1<<(i/shards%8))
			}
		})
	}
}

func TestManyBytesOfALargerBundle(t *testing.T) {
	t.Parallel()
	bundle := newWorld(t).story(30).emergency(31).emergency(32).overdue(31).closed(32, hour(33)).export(query())
	t.Logf("%d bytes", len(bundle))
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		mutated(t, bundle, random.IntN(len(bundle)), byte(1+random.IntN(255)))
	}
}

func mutated(t *testing.T, bundle []byte, i int, x byte) {
	t.Helper()
	was := bundle[i]
	bundle[i] ^= x
	rep := verify(bundle)
	bundle[i] = was
	bad := rep.Failed()
	if rep.Verified || bad == nil || len(bad.Says) < 10 {
		t.Errorf("byte %d of %d changed by %#x: verified %t, says %+v", i, len(bundle), x, rep.Verified, bad)
	}
}

func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	bundle := newWorld(t).story(1).export(query())
	for n := range bundle {
		if rep := verify(bundle[:n]); rep.Verified || rep.Failed().Name != "archive" && !strings.Contains(rep.Failed().Says, "byte") {
			t.Errorf("the first %d of %d bytes: verified %t, %+v", n, len(bundle), rep.Verified, rep.Failed())
		}
	}
}
