package evidence_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"changegate/bot/evidence"
	"changegate/rules"

	"golang.org/x/mod/sumdb/tlog"
)

// mustFail checks that a bundle is refused by the named check, and for a reason
// that holds the words.
func mustFail(t *testing.T, rep evidence.Report, check, words string) {
	t.Helper()
	bad := rep.Failed()
	if rep.Verified || bad == nil {
		t.Errorf("verified, want %s to fail with %q", check, words)
		return
	}
	if bad.Name != check || !strings.Contains(bad.Says, words) {
		t.Errorf("%s fails: %s\nwant %s with %q", bad.Name, bad.Says, check, words)
	}
}

const entriesTile = "log/tile/entries/000.p/"

// Somebody who holds the evidence key, and signs every manifest anew, still
// cannot change what the checkpoint covers.
func TestForgedWithTheEvidenceKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t).story(2)
	bundle := w.export(query())
	for _, c := range []struct {
		name         string
		forge        func(*evidence.Forgery) func(*evidence.Manifest)
		check, words string
	}{
		{"a record is removed", editEntries(func(e [][]byte) [][]byte { return append(e[:3:3], e[4:]...) }),
			"log", "record 7"},
		{"two records change places", editEntries(func(e [][]byte) [][]byte { e[1], e[2] = e[2], e[1]; return e }),
			"log", "records from 1 on"},
		{"a record is put in", editEntries(func(e [][]byte) [][]byte { return append([][]byte{e[0]}, e...) }),
			"log", "goes on after its last record"},
		{"the checkpoint covers less", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Files["log/checkpoint"] = bytes.Replace(f.Files["log/checkpoint"], []byte("\n8\n"), []byte("\n7\n"), 1)
			return nil
		}, "checkpoint", "log/checkpoint"},
		{"a row of the population is removed", func(f *evidence.Forgery) func(*evidence.Manifest) {
			lines := bytes.SplitAfter(f.Files["population.csv"], []byte("\n"))
			f.Files["population.csv"] = bytes.Join(append(lines[:2:2], lines[3:]...), nil)
			return nil
		}, "population", "population.csv line 3"},
		{"an exception is hidden", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Files["exceptions.csv"] = bytes.SplitAfter(f.Files["exceptions.csv"], []byte("\n"))[0]
			return nil
		}, "population", "exceptions.csv line 2"},
		{"a record of the period is left out", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Drop("records/2.dsse.json")
			f.Drop("records/2.tlog-proof")
			return nil
		}, "contents", "found records/3.dsse.json where records/2.dsse.json should be"},
		{"facts are left out", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Drop("records/0.side.json")
			return nil
		}, "contents", "records/0.side.json should be"},
		{"a file is put in", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Insert("openings.jsonl", "approval.pdf", []byte("trust me"))
			return nil
		}, "contents", "approval.pdf"},
		{"facts are changed", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Files["records/0.side.json"] = bytes.Replace(f.Files["records/0.side.json"], []byte("because"), []byte("becalse"), 1)
			return nil
		}, "facts", "record 0 committed to"},
		{"facts have another salt", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Files["openings.jsonl"] = bytes.Replace(f.Files["openings.jsonl"], []byte("00"), []byte("01"), 1)
			return nil
		}, "facts", "record 0 committed to"},
		{"a proof is of another record", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Files["records/2.tlog-proof"] = f.Files["records/3.tlog-proof"]
			return nil
		}, "proofs", "records/2.tlog-proof"},
		{"a record file is another", func(f *evidence.Forgery) func(*evidence.Manifest) {
			f.Files["records/2.dsse.json"] = f.Files["records/5.dsse.json"]
			return nil
		}, "proofs", "records/2.dsse.json is not record 2"},
		{"the period is narrowed", func(*evidence.Forgery) func(*evidence.Manifest) {
			return func(m *evidence.Manifest) { m.To = hour(2) }
		}, "contents", "records/"},
		{"the counts are better", func(*evidence.Forgery) func(*evidence.Manifest) {
			return func(m *evidence.Manifest) { m.Counts.Exceptions = 0 }
		}, "contents", "counts"},
		{"a witness is claimed", func(*evidence.Forgery) func(*evidence.Manifest) {
			return func(m *evidence.Manifest) { m.Witness = "witnessed" }
		}, "witness", "cannot check"},
		{"a sweep of the manifest's files", func(*evidence.Forgery) func(*evidence.Manifest) {
			return func(m *evidence.Manifest) { m.Files = m.Files[1:] }
		}, "files", "README.txt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := evidence.TakeApart(t, bundle)
			mustFail(t, verify(f.Seal(t, keys(t), c.forge(f))), c.check, c.words)
		})
	}
}

func editEntries(edit func([][]byte) [][]byte) func(*evidence.Forgery) func(*evidence.Manifest) {
	return func(f *evidence.Forgery) func(*evidence.Manifest) {
		for name, data := range f.Files {
			if strings.HasPrefix(name, entriesTile) {
				f.Files[name] = joinEntries(edit(splitEntries(data)))
			}
		}
		return nil
	}
}

func splitEntries(data []byte) (out [][]byte) {
	for len(data) > 0 {
		n := 2 + int(binary.BigEndian.Uint16(data))
		out, data = append(out, data[2:n]), data[n:]
	}
	return out
}

func joinEntries(entries [][]byte) (out []byte) {
	for _, e := range entries {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(e))), e...)
	}
	return out
}

// A server that records what its own facts do not give is found, although it
// signs everything properly.
func TestFalseRecords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		tell         func(*world)
		check, words string
	}{
		{"ready without an approval", func(w *world) {
			d := decided(1, false, hour(1))
			d.Verdict.State = rules.Ready
			w.append(decision(w.t, d), hour(1))
		}, "decisions", `recorded as "ready"`},
		{"an approval that was not given", func(w *world) {
			d := decided(1, true, hour(1))
			d.Verdict.Approvals = append(d.Verdict.Approvals, d.Verdict.Approvals[0])
			w.append(decision(w.t, d), hour(1))
		}, "decisions", "record 0: recorded as"},
		{"another organisation's policy", func(w *world) {
			d := decided(1, true, hour(1))
			d.Change.Floor = &rules.PolicyText{Path: ".github/changegate.yml", Data: []byte("version: 1\n")}
			r := decision(w.t, d)
			r.Predicate.(*evidence.PolicyEvaluated).Floor = nil
			w.append(r, hour(1))
		}, "decisions", "does not say what its facts give"},
		{"an approver who did not", func(w *world) {
			r := decision(w.t, decided(1, true, hour(1)))
			r.Predicate.(*evidence.PolicyEvaluated).People.Approvers[0].Login = "carol"
			w.append(r, hour(1))
		}, "decisions", "carol"},
		{"a policy that was not", func(w *world) {
			r := decision(w.t, decided(1, true, hour(1)))
			r.Predicate.(*evidence.PolicyEvaluated).Policy.SHA256 = strings.Repeat("0", 64)
			w.append(r, hour(1))
		}, "decisions", "does not say what its facts give"},
		{"a decision without facts", func(w *world) {
			r := decision(w.t, decided(1, true, hour(1)))
			r.Side = nil
			w.append(r, hour(1))
		}, "decisions", "without facts"},
		{"a merge by a decision that was overtaken", func(w *world) {
			good := decision(w.t, decided(1, true, hour(1).Add(-time.Minute)))
			i := w.append(good, hour(1))
			w.append(decision(w.t, decided(1, false, hour(1))), hour(1))
			w.append(merged(1, i, good.Predicate.(*evidence.PolicyEvaluated)), hour(1))
		}, "merges", `decision "0"`},
		{"a merge by a decision that is not there", func(w *world) {
			r := merged(1, -1, nil)
			m := r.Predicate.(*evidence.ChangeMerged)
			m.Decision, m.State, m.Would, m.Explained = "0", "ready", "ready", true
			w.append(r, hour(1))
		}, "merges", `decision "0"`},
		{"a merge that is called explained", func(w *world) {
			d := decision(w.t, decided(1, false, hour(1)))
			r := merged(1, w.append(d, hour(1)), d.Predicate.(*evidence.PolicyEvaluated))
			r.Predicate.(*evidence.ChangeMerged).Explained = true
			w.append(r, hour(1))
		}, "merges", "explained true"},
		{"a merge of other content that is called explained", func(w *world) {
			d := decision(w.t, decided(1, true, hour(1)))
			r := merged(1, w.append(d, hour(1)), d.Predicate.(*evidence.PolicyEvaluated))
			r.Predicate.(*evidence.ChangeMerged).Differs = "merged content differs from what was approved"
			w.append(r, hour(1))
		}, "merges", "explained true"},
		{"a sweep that leaves a gap", func(w *world) {
			w.append(sweep(1, 0, 5), hour(1))
			w.append(sweep(2, 6, 9), hour(2))
		}, "coverage", "record 1 sweeps"},
		{"a sweep that loses a commit", func(w *world) {
			r := sweep(1, 0, 5)
			r.Predicate.(*evidence.CoverageSweep).Commits = 4
			w.append(r, hour(1))
		}, "coverage", "sweeps 4 commits"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.tell(w)
			mustFail(t, verify(w.export(query())), c.check, c.words)
		})
	}
}

func TestWrongKeys(t *testing.T) {
	t.Parallel()
	bundle := newWorld(t).story(1).export(query())
	other, err := evidence.NewKeys("changegate.example", strings.NewReader(strings.Repeat("x", 64)))
	if err != nil {
		t.Fatal(err)
	}
	mustFail(t, verify(bundle, withKey(vkey(t, other))), "key", "expected")
	mustFail(t, verify(bundle, withKey("no key")), "key", "expected")

	// Sealed by somebody else: the manifest is not by the key of the bundle.
	f := evidence.TakeApart(t, bundle)
	mustFail(t, verify(f.Seal(t, other, nil)), "manifest", "signed by key")
	// With that key put in: the records are not by it.
	f.Files["keys/evidence.pub.pem"] = other.PublicPEM()
	mustFail(t, verify(f.Seal(t, other, nil)), "records", "record 0: signed by key")
	// A log key put in: the checkpoint is not by it.
	f = evidence.TakeApart(t, bundle)
	f.Files["keys/log.vkey"] = []byte(vkey(t, other) + "\n")
	mustFail(t, verify(f.Seal(t, keys(t), nil)), "checkpoint", "log/checkpoint")
}

// An operator who holds all keys can write another history, but not one that
// agrees with a bundle somebody kept.
func TestSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t).story(2)
	old := w.export(query())
	w.append(bypass(99, "direct push"), end)
	grown := w.export(query())
	rep := verify(grown, sinceBundle(old))
	if !rep.Verified {
		t.Errorf("a log that grew: %+v", rep.Failed())
	}
	mustFail(t, verify(old, sinceBundle(grown)), "since", "had 9 records in the earlier bundle and has 8")

	fork := newWorld(t).story(1)
	for i := range 8 {
		fork.append(bypass(100+i, "invented"), end)
	}
	mustFail(t, verify(fork.export(query()), sinceBundle(old)), "since", "the first 8 records differ")
	mustFail(t, verify(grown, sinceBundle(old[:100])), "since", "earlier bundle")
}

func TestExtends(t *testing.T) {
	t.Parallel()
	w, fork := newWorld(t).story(2), newWorld(t).story(1)
	var checkpoint []byte
	view(t, w, func(tx evidence.Tx) (err error) {
		checkpoint, err = w.l.Checkpoint(t.Context(), tx)
		return err
	})
	view(t, w, func(tx evidence.Tx) error { return w.l.Extends(t.Context(), tx, checkpoint) })
	restored := func(w *world, words string) {
		t.Helper()
		err := w.st.View(t.Context(), func(tx evidence.Tx) error { return w.l.Extends(t.Context(), tx, checkpoint) })
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("extends: %v, want %q", err, words)
		}
	}
	restored(fork, "restore a newer backup")
	for i := range 8 {
		fork.append(bypass(100+i, "invented"), end)
	}
	restored(fork, "differs from what it was at 8 records")
}

// The database is not believed either: what was changed in it does not leave the
// server under a fresh signature.
func TestExportOfAnAlteredDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t).story(1)
	w.st.Tamper(org, 0, func(e *evidence.Entry) {
		e.Leaf = bytes.Clone(decisionLeaf(t, 77))
	})
	_, err := evidence.Export(t.Context(), io.Discard, w.st, w.l, query())
	if err == nil || !strings.Contains(err.Error(), "record 0 is not the one the log was built from") {
		t.Errorf("export: %v", err)
	}
}

func decisionLeaf(t *testing.T, n int) []byte {
	w := newWorld(t)
	w.append(decision(t, decided(n, true, hour(n))), hour(n))
	var leaf []byte
	view(t, w, func(tx evidence.Tx) error {
		for e, err := range tx.Entries(t.Context(), org, 0, 1) {
			leaf = e.Leaf
			return err
		}
		return nil
	})
	return leaf
}

func view(t *testing.T, w *world, fn func(evidence.Tx) error) {
	t.Helper()
	if err := w.st.View(context.Background(), fn); err != nil {
		t.Error(err)
	}
}

// An export that broke off has no manifest.
func TestBrokenExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t).story(1)
	whole := w.export(query())
	for _, limit := range []int{0, 100, len(whole) / 2, len(whole) - 1} {
		var b bytes.Buffer
		_, err := evidence.Export(t.Context(), &full{&b, limit}, w.st, w.l, query())
		if err == nil {
			t.Errorf("export to a disk with room for %d bytes succeeded", limit)
		}
		mustFail(t, verify(b.Bytes()), "archive", "broke off")
	}
}

// full is a disk with room for so many bytes.
type full struct {
	to   io.Writer
	room int
}

func (f *full) Write(p []byte) (int, error) {
	n := min(f.room, len(p))
	f.to.Write(p[:n])
	if f.room -= n; n < len(p) {
		return n, fmt.Errorf("disk is full")
	}
	return n, nil
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	bundle := newWorld(t).story(1).export(query())
	archive := func(build func(*zip.Writer)) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		build(z)
		z.Close()
		return b.Bytes()
	}
	stored := func(names ...string) []byte {
		return archive(func(z *zip.Writer) {
			for _, n := range names {
				w, err := z.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Store})
				if err != nil {
					t.Fatal(err)
				}
				w.Write([]byte("x"))
			}
		})
	}
	bomb := archive(func(z *zip.Writer) {
		w, _ := z.Create("MANIFEST.json")
		w.Write(make([]byte, 64<<20))
	})
	renamed := bytes.ReplaceAll(bundle, []byte("README.txt"), []byte("../../.ssh"))
	huge := bytes.Clone(bundle)
	binary.LittleEndian.PutUint32(huge[len(huge)-10:], 1<<31) // size of the directory
	overlap := func() []byte {
		b := stored("aa", "bb")
		i := bytes.LastIndex(b, []byte("PK\x01\x02"))
		binary.LittleEndian.PutUint32(b[i+20:], uint32(len(b)))
		binary.LittleEndian.PutUint32(b[i+24:], uint32(len(b)))
		return b
	}()
	for _, c := range []struct {
		name         string
		data         []byte
		check, words string
	}{
		{"nothing", nil, "archive", "broke off"},
		{"no archive", bytes.Repeat([]byte("no"), 500), "archive", "broke off"},
		{"an empty archive", archive(func(*zip.Writer) {}), "manifest", "MANIFEST.json is missing"},
		{"a bomb", bomb, "archive", "MANIFEST.json is compressed"},
		{"a name twice", stored("a", "a"), "archive", "archive has a twice"},
		{"a path that climbs", stored("a/../../b"), "archive", `called "a/../../b"`},
		{"an absolute path", stored("/etc/passwd"), "archive", `called "/etc/passwd"`},
		{"a backslash", stored(`a\b`), "archive", `called`},
		{"a renamed file", renamed, "archive", `called "../../.ssh"`},
		{"files that overlap", overlap, "archive", "overlaps another file"},
		{"a directory larger than the archive", huge, "archive", "limit is"},
		{"bytes before", append([]byte("#!/bin/sh\n"), bundle...), "archive", "directory is at byte"},
		{"bytes after", append(bytes.Clone(bundle), 0), "archive", "something was appended"},
		{"a comment", commented(bundle), "archive", "something was appended"},
		{"a file nobody listed", unlisted(t, bundle), "files", "extra is in the archive and not in the manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mustFail(t, verify(c.data), c.check, c.words)
		})
	}
}

func commented(bundle []byte) []byte {
	b := append(bytes.Clone(bundle), "hi"...)
	binary.LittleEndian.PutUint16(b[len(b)-4:], 2)
	return b
}

func unlisted(t *testing.T, bundle []byte) []byte {
	f := evidence.TakeApart(t, bundle)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range append(f.Names, "extra") {
		w, err := z.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(f.Files[n])
	}
	z.Close()
	return b.Bytes()
}

// A checkpoint that claims more records than there are must cost nothing.
func TestHugeTree(t *testing.T) {
	t.Parallel()
	w := newWorld(t).story(1)
	f := evidence.TakeApart(t, w.export(query()))
	tree := tlog.Tree{N: 1 << 50}
	f.Files["log/checkpoint"] = w.l.Sign(t, tree)
	forged := f.Seal(t, keys(t), func(m *evidence.Manifest) { m.Size, m.Root = tree.N, tree.Hash.String() })
	mustFail(t, verify(forged), "log", "more than the bundle's files can hold")
}

// More files than a plain archive can count make the larger form of directory
// necessary; it is read and compared all the same.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	f := evidence.TakeApart(t, newWorld(t).story(1).export(query()))
	for i := range 1 << 16 {
		name := fmt.Sprint("x/", i)
		f.Names, f.Files[name] = append(f.Names, name), nil
	}
	bundle := f.Seal(t, keys(t), nil)
	rep := verify(bundle)
	mustFail(t, rep, "contents", "x/0 does not belong in this bundle")
	for _, c := range rep.Checks[:4] {
		if c.Result != evidence.Pass {
			t.Errorf("%s: %s", c.Name, c.Says)
		}
	}
	// In the end record, the locator, and the larger record's offset and count.
	for _, back := range []int{1, 30, 44, 60} {
		i, x := len(bundle)-back, byte(1)
		bundle[i] ^= x
		if bad := verify(bundle).Failed(); bad == nil || bad.Name == "contents" {
			t.Errorf("byte %d of %d changed by %#x: %+v", i, len(bundle), x, bad)
		}
		bundle[i] ^= x
	}
}
