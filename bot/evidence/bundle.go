package evidence

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// The files of a bundle, in the order they are written. The manifest comes last:
// a download that broke off has none.
const (
	fileReadme      = "README.txt"
	fileLogKey      = "keys/log.vkey"
	fileEvidenceKey = "keys/evidence.pub.pem"
	fileCheckpoint  = "log/checkpoint"
	filePopCSV      = "population.csv"
	filePopJSONL    = "population.jsonl"
	fileExceptions  = "exceptions.csv"
	fileEmergencies = "emergencies.csv"
	filePlans       = "plans.csv"
	fileCoverage    = "coverage.csv"
	fileOpenings    = "openings.jsonl"
	fileManifest    = "MANIFEST.json"
	fileManifestSig = "MANIFEST.dsse.json"
)

const (
	manifestType = "urn:changegate:manifest:v1"
	unwitnessed  = "unwitnessed: nobody outside the operator has cosigned this checkpoint; keep this bundle, and pass it as --since next time"

	// maxFiles and maxDirectory bound what reading a hostile archive costs.
	maxFiles     = 1 << 20
	maxDirectory = 128 << 20
	maxManifest  = 256 << 20
	maxTable     = 1 << 30
	tileHeight   = 8
	tileWidth    = 1 << tileHeight
	maxBundle    = tileWidth * (2 + MaxLeaf) // of entries
)

// A format is a form of bundle, with what its manifest has to say of itself.
type format struct {
	name, period, privacy string
	// emergencies: it lists them, the times that a merge was planned and ready, and the
	// numbers and ways back of changes.
	emergencies bool
}

// formats are those that Verify reads; Export writes the last.
var formats = [...]format{
	{"changegate evidence bundle 1",
		"from <= time < to, UTC; the time is mergedAt for change.merged, at for bypass.detected and coverage.sweep, decidedAt for policy.evaluated",
		"log/tile holds every record of this organisation's log, also those outside the period and the filter: numbers, names, digests and outcomes. Facts (records/*.side.json) are included only for the records listed.",
		false},
	{"changegate evidence bundle 2",
		"from <= time < to, UTC; the time is mergedAt for change.merged, at for bypass.detected, coverage.sweep, group.judged and plan.changed, decidedAt for policy.evaluated; for exception.opened when it was asked for, for exception.closed when it was reviewed, for exception.overdue when it was due",
		"log/tile holds every record of this organisation's log, also those outside the period and the filter: numbers, names, digests, outcomes, and the words in which people gave reasons for exceptions. Facts (records/*.side.json) are included only for the records listed.",
		true},
}

var newestFormat = formats[len(formats)-1]

//go:embed README.txt
var readme []byte

// A Manifest says what a bundle holds and how it was asked for.
type Manifest struct {
	Format    string    `json:"format"`
	Org       string    `json:"org"`
	Origin    string    `json:"origin"` // of the log
	Generator string    `json:"generator"`
	Created   time.Time `json:"created"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Rule      string    `json:"period_rule"`
	Repo      string    `json:"repository"` // number or name; empty: all
	Query     string    `json:"query"`      // as it was asked
	Size      int64     `json:"log_size"`
	Root      string    `json:"log_root"`
	Witness   string    `json:"witness"`
	Privacy   string    `json:"privacy"`
	Counts    Counts    `json:"counts"`
	Files     []File    `json:"files"`
}

// Counts are how many records of each sort a bundle lists.
type Counts struct {
	Population int `json:"population"`
	Exceptions int `json:"exceptions"`
	// Emergencies are the exceptions that somebody asked for, by their numbers.
	Emergencies int `json:"emergencies,omitempty"`
	Decisions   int `json:"decisions"`
	Sweeps      int `json:"sweeps"`
	Records     int `json:"records"`
}

// A File is one file of a bundle.
type File struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// header is the one form of a file in the archive. Files are stored, not
// compressed: an archive that cannot grow is no bomb, and its bytes do not depend
// on the version of a compressor, so Verify can write it again and compare.
func header(name string, crc uint32, size int64) *zip.FileHeader {
	return &zip.FileHeader{
		Name: name, Method: zip.Store,
		CreatorVersion: 3<<8 | 20, ReaderVersion: 20, ExternalAttrs: 0o100644 << 16,
		ModifiedDate: 1<<5 | 1, // 1980-01-01, the first that the format knows
		CRC32:        crc, CompressedSize64: uint64(size), UncompressedSize64: uint64(size),
	}
}

// A packer writes a bundle.
type packer struct {
	zip   *zip.Writer
	files []File
}

func (p *packer) add(name string, data []byte) error {
	if len(p.files) >= maxFiles-2 {
		return fmt.Errorf("a bundle holds at most %d files: ask for a shorter period", maxFiles)
	}
	w, err := p.zip.CreateRaw(header(name, crc32.ChecksumIEEE(data), int64(len(data))))
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	p.files = append(p.files, File{name, hexSHA256(data), int64(len(data))})
	return nil
}

// manifestStatement is what the manifest's signature signs.
func manifestStatement(manifest []byte) ([]byte, error) {
	return canonical(Statement{
		Type:          statementType,
		Subject:       []Subject{{fileManifest, map[string]string{"sha256": hexSHA256(manifest)}}},
		PredicateType: manifestType,
		Predicate:     json.RawMessage("{}"),
	})
}

func recordFile(index int64) string { return fmt.Sprintf("records/%d.dsse.json", index) }
func proofFile(index int64) string  { return fmt.Sprintf("records/%d.tlog-proof", index) }
func sideFile(index int64) string   { return fmt.Sprintf("records/%d.side.json", index) }

// tiles lists the tiles of a whole log of size n: entries first.
func tiles(n int64) []tlog.Tile {
	var out []tlog.Tile
	for at := int64(0); at < n; at += tileWidth {
		out = append(out, tlog.Tile{H: tileHeight, L: -1, N: at / tileWidth, W: int(min(tileWidth, n-at))})
	}
	return append(out, tlog.NewTiles(tileHeight, 0, n)...)
}

// tileFile is where c2sp.org/tlog-tiles has a tile, below log/.
func tileFile(t tlog.Tile) string {
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if t.L == -1 {
		path = "entries/" + strings.TrimPrefix(path, "data/")
	}
	return "log/tile/" + path
}

// An opening reveals the salt of a record's commitment.
type opening struct {
	Record int64  `json:"record,string"`
	Salt   string `json:"salt"` // hex
}

// layout lists the files a bundle must consist of, in order, but for the manifest
// and its signature.
func layout(size int64, s *selection) []string {
	names := []string{fileReadme, fileLogKey, fileEvidenceKey, fileCheckpoint}
	for _, t := range tiles(size) {
		names = append(names, tileFile(t))
	}
	names = append(names, filePopCSV, filePopJSONL, fileExceptions)
	if s.format.emergencies {
		names = append(names, fileEmergencies, filePlans)
	}
	names = append(names, fileCoverage)
	for _, i := range s.chosen() {
		names = append(names, recordFile(i), proofFile(i))
		if s.facts[i] {
			names = append(names, sideFile(i))
		}
	}
	return append(names, fileOpenings)
}

// sameBytes is a writer that compares what is written with what is there.
type sameBytes struct {
	with io.ReaderAt
	at   int64
	buf  []byte
}

func (s *sameBytes) Write(p []byte) (int, error) {
	if len(s.buf) < len(p) {
		s.buf = make([]byte, len(p))
	}
	got := s.buf[:len(p)]
	if n, err := s.with.ReadAt(got, s.at); n < len(p) {
		return 0, fmt.Errorf("archive ends within its structure at byte %d: %w", s.at+int64(n), err)
	}
	if !bytes.Equal(got, p) {
		for i := range p {
			if got[i] != p[i] {
				return 0, fmt.Errorf("byte %d of the archive is %#02x, expected %#02x", s.at+int64(i), got[i], p[i])
			}
		}
	}
	s.at += int64(len(p))
	return len(p), nil
}

// A tally counts and hashes what passes through.
type tally struct {
	to  io.Writer
	sum interface {
		io.Writer
		Sum([]byte) []byte
	}
	n int64
}

func newTally(w io.Writer) *tally { return &tally{to: w, sum: sha256.New()} }

func (t *tally) Write(p []byte) (int, error) {
	n, err := t.to.Write(p)
	t.sum.Write(p[:n])
	t.n += int64(n)
	return n, err
}

func (t *tally) hex() string { return hex.EncodeToString(t.sum.Sum(nil)) }
