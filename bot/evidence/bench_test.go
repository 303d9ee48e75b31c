package evidence_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"changegate/bot/evidence"
)

// BenchmarkAppend builds, signs and stores one decision with its facts.
func BenchmarkAppend(b *testing.B) {
	w := newWorld(b)
	d := decided(1, true, hour(1))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Key = fmt.Sprint("decision/", i)
		w.append(decision(b, d), hour(1))
	}
}

func BenchmarkExport(b *testing.B) {
	w := newWorld(b).story(500)
	b.ReportAllocs()
	for b.Loop() {
		s, err := evidence.Export(context.Background(), io.Discard, w.st, w.l, query())
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(s.Bytes)
	}
}

func BenchmarkVerify(b *testing.B) {
	bundle := newWorld(b).story(500).export(query())
	b.SetBytes(int64(len(bundle)))
	b.ReportAllocs()
	for b.Loop() {
		if rep := verify(bundle); !rep.Verified {
			b.Fatal(rep.Failed())
		}
	}
}
