package evidence

import (
	"archive/zip"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// VerifyOptions say what a bundle is checked against.
type VerifyOptions struct {
	// Key is the log's verifier key from the operator or an earlier audit. Empty:
	// the bundle's own key, which proves only that the bundle is consistent.
	Key string
	// Since is an earlier bundle of the same log, nil for none.
	Since     io.ReaderAt
	SinceSize int64
	// Judge decides recorded decisions again; rules.Evaluate. Engine is its version,
	// for the report to name where a decision was made by another.
	Judge  Judge
	Engine string
}

// A Result is the outcome of one check.
type Result string

// The results. Info is something the auditor should know that proves nothing.
const (
	Pass Result = "PASS"
	Fail Result = "FAIL"
	Info Result = "INFO"
)

// A Check is one step of a verification. Says names, for Fail, the first bad
// item, what was expected and what was found.
type Check struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	Says   string `json:"says"`
}

// A Report is what Verify found, in the order it looked.
type Report struct {
	Verified bool     `json:"verified"`
	Checks   []Check  `json:"checks"`
	Manifest Manifest `json:"-"` // as the bundle says; empty when unreadable
	// Skipped are the checks that could not be made because an earlier one failed.
	Skipped []string `json:"skipped,omitempty"`
}

// Failed is the first check that failed, nil if none did.
func (r Report) Failed() *Check {
	for i := range r.Checks {
		if r.Checks[i].Result == Fail {
			return &r.Checks[i]
		}
	}
	return nil
}

// The checks, in order. After a failure of one that others build on, the rest is
// skipped: what stands on bytes nobody signed is not worth saying.
var checks = []struct {
	name  string
	basis bool
	run   func(*verifier) (Result, string, error)
}{
	{"archive", true, (*verifier).archive},
	{"manifest", true, (*verifier).signedManifest},
	{"files", true, (*verifier).hashes},
	{"bytes", true, (*verifier).bytes},
	{"key", true, (*verifier).keys},
	{"checkpoint", true, (*verifier).head},
	{"log", true, (*verifier).tree},
	{"records", true, (*verifier).statements},
	{"contents", true, (*verifier).contents},
	{"proofs", false, (*verifier).proofs},
	{"facts", false, (*verifier).facts},
	{"decisions", false, (*verifier).decisions},
	{"merges", false, (*verifier).merged},
	{"changes", false, (*verifier).changes},
	{"emergencies", false, (*verifier).emergencies},
	{"groups", false, (*verifier).groups},
	{"population", false, (*verifier).lists},
	{"coverage", false, (*verifier).coverage},
	{"since", false, (*verifier).since},
	{"witness", false, (*verifier).witness},
	{"exceptions", false, (*verifier).exceptions},
}

// A verifier is one verification. Each check leaves behind what later ones use.
type verifier struct {
	o    VerifyOptions
	in   io.ReaderAt
	size int64

	zip      *zip.Reader
	files    map[string]*zip.File
	manifest Manifest
	format   format
	listed   map[string]File
	pub      ed25519.PublicKey
	vkey     string
	signed   []byte      // checkpoint
	top      tlog.Tree   // as the checkpoint signs it
	stored   []tlog.Hash // of the whole tree, 64 bytes a record
	selected *selection
}

// Verify checks a bundle, of which it believes nothing: a changed byte anywhere
// in the archive is found, and so is a record that was altered and signed again.
// It needs memory for the list of files, two hashes a record and one record with
// its facts.
func Verify(r io.ReaderAt, size int64, o VerifyOptions) Report {
	v := &verifier{o: o, in: r, size: size}
	rep := Report{Verified: true}
	for i, c := range checks {
		result, says, err := c.run(v)
		if err != nil {
			result, says = Fail, err.Error()
			rep.Verified = false
		}
		if says != "" {
			rep.Checks = append(rep.Checks, Check{c.name, result, visible(says)})
		}
		if err != nil && c.basis {
			for _, rest := range checks[i+1:] {
				rep.Skipped = append(rep.Skipped, rest.name)
			}
			break
		}
	}
	rep.Manifest = v.manifest
	return rep
}

// keys reads the bundle's public keys and decides which log key to believe.
func (v *verifier) keys() (Result, string, error) {
	own, err := v.read(fileLogKey, maxCheckpoint)
	if err != nil {
		return "", "", err
	}
	v.vkey = string(own[:max(0, len(own)-1)])
	key, err := note.NewVerifier(v.vkey)
	if err != nil || string(own) != v.vkey+"\n" {
		return "", "", fmt.Errorf("%s holds %.120q, which is no verifier key", fileLogKey, own)
	}
	if m := v.manifest; key.Name() != m.Origin || !strings.HasSuffix(m.Origin, logOrigin("", m.Org)) {
		return "", "", fmt.Errorf("%s is of %q, the manifest of %.120q and organisation %.40q", fileLogKey, key.Name(), m.Origin, m.Org)
	}
	if v.o.Key == "" {
		return Info, fmt.Sprintf("%s, from the bundle itself: compare it with the key the operator published, or pass --key", v.vkey), nil
	}
	if v.o.Key != v.vkey {
		return "", "", fmt.Errorf("the bundle is signed for key %s, expected %.200q", v.vkey, v.o.Key)
	}
	return Pass, v.vkey + ", as given", nil
}

// head checks the signature over the log's size and root.
func (v *verifier) head() (Result, string, error) {
	var err error
	if v.signed, err = v.read(fileCheckpoint, maxCheckpoint); err != nil {
		return "", "", err
	}
	if _, v.top, err = openCheckpoint(v.signed, v.vkey); err != nil {
		return "", "", fmt.Errorf("%s: %w", fileCheckpoint, err)
	}
	if v.top.N != v.manifest.Size || v.top.Hash.String() != v.manifest.Root {
		return "", "", fmt.Errorf("checkpoint covers %d records with root %s, the manifest says %d with %.60q",
			v.top.N, v.top.Hash, v.manifest.Size, v.manifest.Root)
	}
	return Pass, fmt.Sprintf("Ed25519 signature over %s records, root %s", thousands(v.top.N), v.top.Hash), nil
}

// since checks that an earlier bundle's log is the beginning of this one.
func (v *verifier) since() (Result, string, error) {
	if v.o.Since == nil {
		return Info, "no earlier bundle given; with --since, records removed or changed after it are found", nil
	}
	old := &verifier{in: v.o.Since, size: v.o.SinceSize}
	if _, _, err := old.archive(); err != nil {
		return "", "", fmt.Errorf("earlier bundle: %w", err)
	}
	signed, err := old.read(fileCheckpoint, maxCheckpoint)
	if err != nil {
		return "", "", fmt.Errorf("earlier bundle: %w", err)
	}
	_, tree, err := openCheckpoint(signed, v.vkey)
	if err != nil {
		return "", "", fmt.Errorf("earlier bundle: %s: %w", fileCheckpoint, err)
	}
	if tree.N > v.top.N {
		return "", "", fmt.Errorf("the log had %d records in the earlier bundle and has %d in this one", tree.N, v.top.N)
	}
	root, err := tlog.TreeHash(tree.N, v.hashReader())
	if err != nil {
		return "", "", err
	}
	if root != tree.Hash {
		return "", "", fmt.Errorf("the first %d records differ from the earlier bundle: root is %s, was %s", tree.N, root, tree.Hash)
	}
	return Pass, fmt.Sprintf("the %s records of the earlier bundle are unchanged, %s follow", thousands(tree.N), thousands(v.top.N-tree.N)), nil
}

func (v *verifier) witness() (Result, string, error) {
	if v.manifest.Witness != unwitnessed {
		return "", "", fmt.Errorf("the manifest says %.80q of witnesses, which this version cannot check", v.manifest.Witness)
	}
	return Info, unwitnessed, nil
}

func (v *verifier) exceptions() (Result, string, error) {
	n, bypass, unreviewed := 0, 0, 0
	for _, r := range v.selected.population {
		if !r.Explained {
			n++
		}
		switch {
		case r.Kind == KindBypass:
			bypass++
		case r.unreviewed:
			unreviewed++
		}
	}
	says := fmt.Sprintf("%d merged without a passing decision, %d without a pull request", n-bypass-unreviewed, bypass)
	if unreviewed > 0 {
		says += fmt.Sprintf(", %d by an exception that was not reviewed in time", unreviewed)
	}
	return Info, fmt.Sprintf("%d (%s), all in %s", n, says, fileExceptions), nil
}

// read returns a file of the bundle, of at most limit bytes.
func (v *verifier) read(name string, limit int64) ([]byte, error) {
	f := v.files[name]
	if f == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	if f.UncompressedSize64 > uint64(limit) {
		return nil, fmt.Errorf("%s has %d bytes, limit is %d", name, f.UncompressedSize64, limit)
	}
	r, err := f.OpenRaw()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	data := make([]byte, f.UncompressedSize64)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

func (v *verifier) hashReader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			if x >= int64(len(v.stored)) {
				return nil, errors.New("hash beyond the end of the log") // unreachable: sizes are checked before
			}
			out[i] = v.stored[x]
		}
		return out, nil
	})
}

// thousands writes 1204 as 1,204.
func thousands[N int | int64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
