package evidence

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// A Summary says what an export wrote.
type Summary struct {
	Counts
	LogSize int64
	Bytes   int64
	SHA256  string // of the bundle
}

// Export writes a bundle: everything somebody needs to check a period without
// this server. It reads one snapshot of the log, and the same log and query give
// the same bytes. What fits in memory at once is one tile, one record with its
// facts, and the tables. An export that broke off has no manifest and no archive
// directory, so nothing takes it for a whole one.
func Export(ctx context.Context, w io.Writer, st Storage, l *Log, q Query) (Summary, error) {
	q.From, q.To, q.Now = q.From.UTC(), q.To.UTC(), q.Now.UTC()
	if !q.From.Before(q.To) {
		return Summary{}, fmt.Errorf("export: the period ends at %s, before it begins", q.To)
	}
	t := newTally(w)
	x := &exporter{l: l, q: q, packer: packer{zip: zip.NewWriter(t)}, selection: newSelection(newestFormat, q.From, q.To, q.Repo)}
	if err := st.View(ctx, func(tx Tx) error { return x.run(ctx, tx) }); err != nil {
		return Summary{}, fmt.Errorf("export log %s: %w", l.org, err)
	}
	return Summary{x.counts(), x.tree.N, t.n, t.hex()}, nil
}

type exporter struct {
	l          *Log
	q          Query
	tree       tlog.Tree
	checkpoint []byte
	packer
	*selection
}

func (x *exporter) run(ctx context.Context, tx Tx) error {
	for _, step := range []func(context.Context, Tx) error{x.head, x.tiles, x.lists, x.records, x.manifest} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return x.zip.Close()
}

// head writes what does not depend on the period.
func (x *exporter) head(ctx context.Context, tx Tx) (err error) {
	if x.tree, err = x.l.tree(ctx, tx); err != nil {
		return err
	}
	if x.checkpoint, err = x.l.sign(x.tree); err != nil {
		return err
	}
	vkey, err := x.l.VKey()
	if err != nil {
		return err
	}
	for _, f := range []namedFile{
		{fileReadme, readme},
		{fileLogKey, []byte(vkey + "\n")},
		{fileEvidenceKey, x.l.keys.PublicPEM()},
		{fileCheckpoint, x.checkpoint},
	} {
		if err := x.add(f.name, f.data); err != nil {
			return err
		}
	}
	return nil
}

// tiles writes the whole log and, in passing, selects from it.
func (x *exporter) tiles(ctx context.Context, tx Tx) error {
	for _, t := range tiles(x.tree.N) {
		data, err := x.tile(ctx, tx, t)
		if err != nil {
			return fmt.Errorf("tile %s: %w", tileFile(t), err)
		}
		if err := x.add(tileFile(t), data); err != nil {
			return err
		}
	}
	x.settle(x.q.Now)
	return nil
}

func (x *exporter) tile(ctx context.Context, tx Tx, t tlog.Tile) ([]byte, error) {
	if t.L >= 0 {
		return tlog.ReadTileData(t, x.l.hashes(ctx, tx))
	}
	from := t.N * tileWidth
	level0 := t
	level0.L = 0
	hashes, err := tlog.ReadTileData(level0, x.l.hashes(ctx, tx))
	if err != nil {
		return nil, err
	}
	var data []byte
	next := from
	for r, err := range x.l.Records(ctx, tx, from, from+int64(t.W)) {
		if err != nil {
			return nil, err
		}
		// A database that was altered must not leave here under a fresh signature.
		at := (next - from) * tlog.HashSize
		if h := tlog.RecordHash(r.Leaf); r.Index != next || !bytes.Equal(h[:], hashes[at:at+tlog.HashSize]) {
			return nil, fmt.Errorf("record %d is not the one the log was built from", next)
		}
		data = append(binary.BigEndian.AppendUint16(data, uint16(len(r.Leaf))), r.Leaf...)
		x.take(next, r.Predicate)
		next++
	}
	if next != from+int64(t.W) {
		return nil, fmt.Errorf("record %d is missing", next)
	}
	return data, nil
}

func (x *exporter) lists(context.Context, Tx) error {
	files, err := x.tables()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := x.add(f.name, f.data); err != nil {
			return err
		}
	}
	return nil
}

// records writes each chosen record with its proof and its facts.
func (x *exporter) records(ctx context.Context, tx Tx) error {
	var openings bytes.Buffer
	for _, i := range x.chosen() {
		for e, err := range tx.Entries(ctx, x.l.org, i, i+1) {
			if err != nil {
				return fmt.Errorf("record %d: %w", i, err)
			}
			if err := x.record(ctx, tx, i, e, &openings); err != nil {
				return fmt.Errorf("record %d: %w", i, err)
			}
		}
	}
	return x.add(fileOpenings, openings.Bytes())
}

func (x *exporter) record(ctx context.Context, tx Tx, i int64, e Entry, openings io.Writer) error {
	proof, err := tlog.ProveRecord(x.tree.N, i, x.l.hashes(ctx, tx))
	if err != nil {
		return err
	}
	if err := x.add(recordFile(i), e.Leaf); err != nil {
		return err
	}
	if err := x.add(proofFile(i), formatProof(i, proof, x.checkpoint)); err != nil {
		return err
	}
	if len(e.Side) == 0 {
		return nil
	}
	if err := x.add(sideFile(i), e.Side); err != nil {
		return err
	}
	return json.NewEncoder(openings).Encode(opening{i, hex.EncodeToString(e.Salt)})
}

// manifest lists and signs everything written so far.
func (x *exporter) manifest(context.Context, Tx) error {
	data, err := json.MarshalIndent(Manifest{
		Format: newestFormat.name, Org: x.l.org, Origin: x.l.Origin(), Generator: x.q.Generator, Created: x.q.Now,
		From: x.q.From, To: x.q.To, Rule: newestFormat.period, Repo: x.q.Repo, Query: x.q.Text,
		Size: x.tree.N, Root: x.tree.Hash.String(), Witness: unwitnessed, Privacy: newestFormat.privacy,
		Counts: x.counts(), Files: x.files,
	}, "", " ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	payload, err := manifestStatement(data)
	if err != nil {
		return err
	}
	sig, err := seal(x.l.keys.evidence, payload)
	if err != nil {
		return err
	}
	if err := x.add(fileManifest, data); err != nil {
		return err
	}
	return x.add(fileManifestSig, sig)
}
