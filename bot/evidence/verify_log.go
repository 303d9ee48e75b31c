package evidence

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// leaves calls fn with every entry of the exported log, in order.
func (v *verifier) leaves(fn func(index int64, leaf []byte) error) error {
	for _, t := range tiles(v.top.N) {
		if t.L != -1 {
			return nil
		}
		data, err := v.read(tileFile(t), maxBundle)
		if err != nil {
			return err
		}
		for i := range int64(t.W) {
			index := t.N*tileWidth + i
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return fmt.Errorf("%s ends within record %d", tileFile(t), index)
			}
			n := 2 + int(binary.BigEndian.Uint16(data))
			if err := fn(index, data[2:n]); err != nil {
				return err
			}
			data = data[n:]
		}
		if len(data) > 0 {
			return fmt.Errorf("%s goes on after its last record", tileFile(t))
		}
	}
	return nil
}

// tree builds the Merkle tree from the entries alone and compares it with the
// exported hash tiles and the signed root.
func (v *verifier) tree() (Result, string, error) {
	if v.top.N > int64(len(v.files))*tileWidth {
		return "", "", fmt.Errorf("checkpoint covers %d records, more than the bundle's files can hold", v.top.N)
	}
	err := v.leaves(func(index int64, leaf []byte) error {
		hashes, err := tlog.StoredHashesForRecordHash(index, tlog.RecordHash(leaf), v.hashReader())
		v.stored = append(v.stored, hashes...)
		return err
	})
	if err != nil {
		return "", "", err
	}
	for _, t := range tiles(v.top.N) {
		if t.L == -1 {
			continue
		}
		if err := v.hashTile(t); err != nil {
			return "", "", err
		}
	}
	root, err := tlog.TreeHash(v.top.N, v.hashReader())
	if err != nil {
		return "", "", err
	}
	if root != v.top.Hash {
		return "", "", fmt.Errorf("the records give root %s, the checkpoint says %s", root, v.top.Hash)
	}
	return Pass, fmt.Sprintf("the Merkle tree of %s records has the signed root", thousands(v.top.N)), nil
}

func (v *verifier) hashTile(t tlog.Tile) error {
	got, err := v.read(tileFile(t), tileWidth*tlog.HashSize)
	if err != nil {
		return err
	}
	want, err := tlog.ReadTileData(t, v.hashReader())
	if err != nil {
		return err
	}
	for i := 0; i+tlog.HashSize <= min(len(got), len(want)); i += tlog.HashSize {
		if g, w := got[i:i+tlog.HashSize], want[i:i+tlog.HashSize]; !bytes.Equal(g, w) {
			// Above level 0 each hash stands for that many records.
			width := int64(1) << (tileHeight * t.L)
			first := (t.N*tileWidth + int64(i/tlog.HashSize)) * width
			return fmt.Errorf("%s: records from %d on hash to %x, the tile says %x; nothing before record %d is affected",
				tileFile(t), first, w, g, first)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%s has %d bytes, expected %d", tileFile(t), len(got), len(want))
	}
	return nil
}

// statements checks every record of the log: its signature, whose it is, that it
// was not recorded twice and that time did not run backwards. It selects what the
// bundle should list.
func (v *verifier) statements() (Result, string, error) {
	m := v.manifest
	v.selected = newSelection(v.format, m.From, m.To, m.Repo)
	keys := map[string]int64{}
	var last time.Time
	err := v.leaves(func(index int64, leaf []byte) error {
		payload, err := open(v.pub, leaf)
		if err != nil {
			return fmt.Errorf("record %d: %w", index, err)
		}
		_, p, err := parseStatement(payload)
		if err != nil {
			return fmt.Errorf("record %d: %w", index, err)
		}
		h := p.Head()
		if h.Schema != 1 || h.Org != m.Org {
			return fmt.Errorf("record %d is of schema %d and organisation %.40q, expected 1 and %.40q", index, h.Schema, h.Org, m.Org)
		}
		if earlier, ok := keys[h.Key]; ok {
			return fmt.Errorf("record %d repeats record %d: both have key %.80q", index, earlier, h.Key)
		}
		if h.RecordedAt.Before(last) {
			return fmt.Errorf("record %d was recorded at %s, before record %d", index, h.RecordedAt, index-1)
		}
		keys[h.Key], last = index, h.RecordedAt
		v.selected.take(index, p)
		return nil
	})
	if err != nil {
		return "", "", err
	}
	v.selected.settle(m.Created)
	return Pass, fmt.Sprintf("%s statements signed by the evidence key, none twice, in order of time", thousands(v.top.N)), nil
}

// contents checks that the bundle holds exactly the files its log and period call
// for, and counts what the manifest counts.
func (v *verifier) contents() (Result, string, error) {
	want := layout(v.top.N, v.selected)
	for i, f := range v.manifest.Files {
		if i >= len(want) {
			return "", "", fmt.Errorf("%s does not belong in this bundle", f.Path)
		}
		if f.Path != want[i] {
			return "", "", fmt.Errorf("found %s where %s should be: the period has records that the bundle leaves out, or others", f.Path, want[i])
		}
	}
	if len(want) > len(v.manifest.Files) {
		return "", "", fmt.Errorf("%s is missing", want[len(v.manifest.Files)])
	}
	if c := v.selected.counts(); c != v.manifest.Counts {
		return "", "", fmt.Errorf("the manifest counts %+v, the log has %+v", v.manifest.Counts, c)
	}
	return Pass, fmt.Sprintf("%s records in the period, all of them and no others", thousands(len(v.selected.picked))), nil
}

// proofs checks each listed record against the log and its own inclusion proof,
// as somebody does who was given just these two files.
func (v *verifier) proofs() (Result, string, error) {
	err := v.leaves(func(index int64, leaf []byte) error {
		if !v.selected.picked[index] {
			return nil
		}
		got, err := v.read(recordFile(index), MaxLeaf)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, leaf) {
			return fmt.Errorf("%s is not record %d of the log", recordFile(index), index)
		}
		data, err := v.read(proofFile(index), maxProof)
		if err != nil {
			return err
		}
		if err := v.proof(index, leaf, data); err != nil {
			return fmt.Errorf("%s: %w", proofFile(index), err)
		}
		return nil
	})
	if err != nil {
		return "", "", err
	}
	return Pass, fmt.Sprintf("%s inclusion proofs lead to the checkpoint", thousands(len(v.selected.picked))), nil
}

func (v *verifier) proof(index int64, leaf, data []byte) error {
	i, proof, signed, err := parseProof(data)
	if err != nil {
		return err
	}
	if i != index || !bytes.Equal(signed, v.signed) {
		return fmt.Errorf("proves record %d of some checkpoint, expected record %d of %s", i, index, fileCheckpoint)
	}
	return tlog.CheckRecord(proof, v.top.N, v.top.Hash, index, tlog.RecordHash(leaf))
}

// facts opens the commitment of every listed record.
func (v *verifier) facts() (Result, string, error) {
	openings, err := v.openings()
	if err != nil {
		return "", "", err
	}
	n := 0
	for _, i := range v.selected.chosen() {
		if !v.selected.facts[i] {
			continue
		}
		salt, ok := openings[i]
		if !ok {
			return "", "", fmt.Errorf("%s has no salt for record %d", fileOpenings, i)
		}
		delete(openings, i)
		data, err := v.read(sideFile(i), MaxSide)
		if err != nil {
			return "", "", err
		}
		p, err := v.record(i)
		if err != nil {
			return "", "", err
		}
		if is, was := commit(salt, data), *p.Head().Inputs; is != was {
			return "", "", fmt.Errorf("%s opens to %s, record %d committed to %.64s", sideFile(i), is.Digest, i, was.Digest)
		}
		n++
	}
	for _, i := range slices.Sorted(maps.Keys(openings)) {
		return "", "", fmt.Errorf("%s has a salt for record %d, which has no facts here", fileOpenings, i)
	}
	return Pass, fmt.Sprintf("%s records carry the facts they committed to", thousands(n)), nil
}

func (v *verifier) openings() (map[int64][]byte, error) {
	data, err := v.read(fileOpenings, maxTable)
	if err != nil {
		return nil, err
	}
	out := map[int64][]byte{}
	for line := range bytes.Lines(data) {
		var o opening
		if err := strict(line, &o); err != nil {
			return nil, fmt.Errorf("%s: %w", fileOpenings, err)
		}
		salt, err := hex.DecodeString(o.Salt)
		if err != nil || len(salt) != saltSize || out[o.Record] != nil {
			return nil, fmt.Errorf("%s: salt of record %d is not one of %d bytes", fileOpenings, o.Record, saltSize)
		}
		out[o.Record] = salt
	}
	return out, nil
}

// record reads a listed record again. proofs compares these files with the log.
func (v *verifier) record(index int64) (Predicate, error) {
	leaf, err := v.read(recordFile(index), MaxLeaf)
	if err != nil {
		return nil, err
	}
	_, p, err := ParseLeaf(leaf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", recordFile(index), err)
	}
	if (p.Head().Inputs != nil) != v.selected.facts[index] {
		return nil, fmt.Errorf("%s is not record %d of the log", recordFile(index), index)
	}
	return p, nil
}

// decisions decides every listed decision again.
func (v *verifier) decisions() (Result, string, error) {
	if v.o.Judge == nil {
		return "", "", errors.New("no rules to decide by")
	}
	n, others, reworded := 0, 0, 0
	for _, i := range v.selected.chosen() {
		if v.selected.decisions[i] == nil {
			continue
		}
		engine, same, err := v.again(i)
		other := engine != v.o.Engine
		switch {
		case err != nil && other:
			return "", "", fmt.Errorf("record %d: %w; it was decided by version %.40q, this is %.40q", i, err, engine, v.o.Engine)
		case err != nil:
			return "", "", fmt.Errorf("record %d: %w", i, err)
		case other:
			others++
		}
		if !same {
			reworded++
		}
		n++
	}
	says := fmt.Sprintf("%s decided again from their facts, each with the recorded verdict", thousands(n))
	if others > 0 {
		says += fmt.Sprintf("; %s of them by other versions than this, %.40q", thousands(others), v.o.Engine)
	}
	if reworded > 0 {
		says += fmt.Sprintf("; the titles of %s would read differently today", thousands(reworded))
	}
	return Pass, says, nil
}

// again decides one decision again. It returns the version that had decided it, and
// whether its title would be the same today.
func (v *verifier) again(index int64) (engine string, same bool, err error) {
	p, err := v.record(index)
	if err != nil {
		return v.o.Engine, false, err
	}
	d, ok := p.(*PolicyEvaluated)
	if !ok || d.Inputs == nil {
		return v.o.Engine, false, errors.New("a decision without facts cannot be decided again")
	}
	facts, err := v.read(sideFile(index), MaxSide)
	if err != nil {
		return d.Engine, false, err
	}
	title, err := Reperform(v.o.Judge, facts, d)
	if err == nil {
		err = errors.Join(v.selected.grounds(index, d, facts), v.selected.pasts(index, d, facts))
	}
	return d.Engine, title == d.Verdict.Title, err
}
