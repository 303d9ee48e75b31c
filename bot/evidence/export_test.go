package evidence

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// What tests need of the inside: to do what somebody does who holds the keys.

// A Forgery is a bundle taken apart.
type Forgery struct {
	Names []string
	Files map[string][]byte
}

// TakeApart unpacks a bundle.
func TakeApart(t testing.TB, bundle []byte) *Forgery {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}
	f := &Forgery{Files: map[string][]byte{}}
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f.Names, f.Files[file.Name] = append(f.Names, file.Name), data
	}
	return f
}

// Drop removes a file.
func (f *Forgery) Drop(name string) {
	for i, n := range f.Names {
		if n == name {
			f.Names = append(f.Names[:i:i], f.Names[i+1:]...)
		}
	}
}

// Insert puts a file before another one.
func (f *Forgery) Insert(before, name string, data []byte) {
	var out []string
	for _, n := range f.Names {
		if n == before {
			out = append(out, name)
		}
		out = append(out, n)
	}
	f.Names, f.Files[name] = out, data
}

// Seal packs the files again under a fresh manifest, signed by the keys.
func (f *Forgery) Seal(t testing.TB, k *Keys, edit func(*Manifest)) []byte {
	t.Helper()
	var m Manifest
	if err := json.Unmarshal(f.Files[fileManifest], &m); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	p := packer{zip: zip.NewWriter(&b)}
	add := func(name string, data []byte) {
		if err := p.add(name, data); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range f.Names {
		if n != fileManifest && n != fileManifestSig {
			add(n, f.Files[n])
		}
	}
	m.Files = p.files
	if edit != nil {
		edit(&m)
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := manifestStatement(manifest)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := seal(k.evidence, payload)
	if err != nil {
		t.Fatal(err)
	}
	add(fileManifest, manifest)
	add(fileManifestSig, sig)
	if err := p.zip.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Sign signs a checkpoint of any tree with the log's key.
func (l *Log) Sign(t testing.TB, tree tlog.Tree) []byte {
	t.Helper()
	signed, err := l.sign(tree)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// SaltFrom makes a log's salts known, so that its bytes are.
func (l *Log) SaltFrom(r io.Reader) *Log { l.rand = r; return l }

// Cell is the CSV form of text from outside.
func Cell(s string) string { return cell(s) }

// Canonical is the form of everything signed.
func Canonical(v any) ([]byte, error) { return canonical(v) }
