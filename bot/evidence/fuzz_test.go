package evidence_test

import (
	"bytes"
	"testing"

	"changegate/bot/evidence"
	"changegate/rules"
)

// FuzzVerify gives Verify what is not a bundle, or not this one: it never
// panics, and never verifies a bundle that differs from the one exported.
func FuzzVerify(f *testing.F) {
	bundle := newWorld(f).story(1).export(query())
	f.Add(bundle)
	f.Add(bundle[:len(bundle)/2])
	f.Add(newWorld(f).export(query()))
	f.Add([]byte("PK\x05\x06"))
	key := vkey(f, keys(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		rep := verify(data, withKey(key))
		if rep.Verified == (rep.Failed() != nil) {
			t.Errorf("verified %t, failed check %+v", rep.Verified, rep.Failed())
		}
		if rep.Verified && !known(t, data, bundle) {
			t.Error("a bundle nobody exported is verified")
		}
	})
}

func known(t *testing.T, data, bundle []byte) bool {
	return bytes.Equal(data, bundle) || bytes.Equal(data, newWorld(t).export(query()))
}

// FuzzParseLeaf reads hostile leaves: what is accepted is the one form of itself.
func FuzzParseLeaf(f *testing.F) {
	w := newWorld(f).story(2).emergency(3).overdue(3).closed(3, end)
	w.append(answered(f, group("", rules.Ready)), end)
	for _, i := range []string{"0", "2", "6", "7", "9", "12", "13", "14"} {
		f.Add(evidence.TakeApart(f, w.export(query())).Files["records/"+i+".dsse.json"])
	}
	f.Fuzz(func(t *testing.T, leaf []byte) {
		s, p, err := evidence.ParseLeaf(leaf)
		if err == nil && (p == nil || s.PredicateType != "urn:changegate:"+string(p.Kind())+":v1") {
			t.Errorf("leaf of type %q is read as %T", s.PredicateType, p)
		}
	})
}
