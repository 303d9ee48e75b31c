package evidence

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	maxCheckpoint = 4 << 10
	maxProof      = 8 << 10
	proofHeader   = "c2sp.org/tlog-proof@v1\n"
)

// formatCheckpoint is the text of a c2sp.org/tlog-checkpoint.
func formatCheckpoint(origin string, tree tlog.Tree) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, tree.N, tree.Hash)
}

// openCheckpoint checks a signed checkpoint against a verifier key and reads it.
// The origin must be the key's name: a checkpoint of another organisation's log
// is signed with the same secret.
func openCheckpoint(signed []byte, vkey string) (origin string, tree tlog.Tree, err error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return "", tree, fmt.Errorf("read key %.120q: %w", vkey, err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return "", tree, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return "", tree, errors.New("checkpoint is not origin, size and root")
	}
	if lines[0] != v.Name() {
		return "", tree, fmt.Errorf("checkpoint is of log %.120q, the key of %q", lines[0], v.Name())
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || tree.N < 0 {
		return "", tree, fmt.Errorf("checkpoint has size %.40q", lines[1])
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return "", tree, fmt.Errorf("checkpoint root: %w", err)
	}
	if formatCheckpoint(lines[0], tree) != n.Text {
		return "", tree, errors.New("checkpoint is not in canonical form")
	}
	return lines[0], tree, nil
}

// formatProof writes a c2sp.org/tlog-proof@v1 file.
func formatProof(index int64, proof tlog.RecordProof, checkpoint []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%sindex %d\n", proofHeader, index)
	for _, h := range proof {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(checkpoint)
	return b.Bytes()
}

// parseProof reads what formatProof writes, and nothing else.
func parseProof(data []byte) (index int64, proof tlog.RecordProof, checkpoint []byte, err error) {
	rest, ok := bytes.CutPrefix(data, []byte(proofHeader+"index "))
	if !ok {
		return 0, nil, nil, errors.New("not a tlog-proof@v1 file")
	}
	line, rest, _ := bytes.Cut(rest, []byte("\n"))
	if index, err = strconv.ParseInt(string(line), 10, 64); err != nil {
		return 0, nil, nil, fmt.Errorf("index %.40q", line)
	}
	for {
		if line, rest, ok = bytes.Cut(rest, []byte("\n")); !ok {
			return 0, nil, nil, errors.New("proof ends before its checkpoint")
		}
		if len(line) == 0 {
			break
		}
		h, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(h) != tlog.HashSize {
			return 0, nil, nil, fmt.Errorf("hash %.60q is not 32 bytes in base64", line)
		}
		proof = append(proof, tlog.Hash(h))
	}
	if !bytes.Equal(formatProof(index, proof, rest), data) {
		return 0, nil, nil, errors.New("proof is not in canonical form")
	}
	return index, proof, rest, nil
}
