package evidence

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/gowebpki/jcs"
)

const (
	payloadType   = "application/vnd.in-toto+json"
	statementType = "https://in-toto.io/Statement/v1"
	saltedSHA256  = "salted-sha256"
	saltSize      = 32
)

// canonical renders v as RFC 8785 JSON. It refuses what that form would change
// without a word: numbers beyond 2^53-1, and text that is not UTF-8, which
// encoding/json replaces.
func canonical(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := lossless(data); err != nil {
		return nil, err
	}
	return jcs.Transform(data)
}

// lossless looks through the encoder's output for what was or will be changed.
// Bytes that are not UTF-8 were written as the escape \ufffd, where a genuine
// U+FFFD is written as itself.
func lossless(data []byte) error {
	text := false
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case text && bytes.HasPrefix(data[i:], []byte(`\ufffd`)):
			return errors.New("text is not UTF-8")
		case text && c == '\\':
			i += 2
		case c == '"':
			text = !text
			i++
		case !text && (c == '-' || '0' <= c && c <= '9'):
			n := data[i:]
			if end := bytes.IndexAny(n, ",]}"); end >= 0 {
				n = n[:end]
			}
			if v, err := strconv.ParseInt(string(n), 10, 64); err != nil || v > 1<<53-1 || v < -(1<<53-1) {
				return fmt.Errorf("number %s is not an integer within 2^53-1; write it as a string", n)
			}
			i += len(n)
		default:
			i++
		}
	}
	return nil
}

// A Statement is an in-toto Statement v1.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Subject       `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate"`
}

// An envelope is a DSSE envelope with one signature. The fields stand in the
// order of RFC 8785, so json.Marshal gives its only accepted form.
type envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// pae is DSSE's pre-authentication encoding: type and length go under the
// signature, so a payload cannot be passed off as one of another type.
func pae(payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}

// seal signs a payload and returns the envelope's bytes.
func seal(key ed25519.PrivateKey, payload []byte) ([]byte, error) {
	return json.Marshal(envelope{payload, payloadType, []signature{{
		KeyID: keyID(key.Public().(ed25519.PublicKey)),
		Sig:   ed25519.Sign(key, pae(payload)),
	}}})
}

// open checks an envelope's signature and returns its payload. It accepts one
// encoding only: a second one would be a second leaf saying the same.
func open(pub ed25519.PublicKey, data []byte) ([]byte, error) {
	payload, sig, err := decodeEnvelope(data)
	if err != nil {
		return nil, err
	}
	if id := keyID(pub); sig.KeyID != id {
		return nil, fmt.Errorf("signed by key %.64q, expected %s", sig.KeyID, id)
	}
	if !ed25519.Verify(pub, pae(payload), sig.Sig) {
		return nil, errors.New("signature does not match")
	}
	return payload, nil
}

func decodeEnvelope(data []byte) ([]byte, signature, error) {
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, signature{}, fmt.Errorf("read envelope: %w", err)
	}
	if e.PayloadType != payloadType || len(e.Signatures) != 1 {
		return nil, signature{}, fmt.Errorf("envelope is of type %.64q with %d signatures, expected %s with 1",
			e.PayloadType, len(e.Signatures), payloadType)
	}
	if again, err := json.Marshal(e); err != nil || !bytes.Equal(again, data) {
		return nil, signature{}, errors.New("envelope is not in canonical form")
	}
	return e.Payload, e.Signatures[0], nil
}

// keyID names an evidence key: the hex SHA-256 of its PKIX form.
func keyID(pub ed25519.PublicKey) string { return hexSHA256(pkix(pub)) }

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// commit is the salted commitment to side data.
func commit(salt, data []byte) Inputs {
	h := sha256.New()
	h.Write([]byte("ev-commit-v1\x00"))
	h.Write(salt)
	h.Write(data)
	return Inputs{Alg: saltedSHA256, Digest: hex.EncodeToString(h.Sum(nil)), Size: len(data)}
}

// ParseLeaf reads the statement in a leaf without checking its signature.
func ParseLeaf(leaf []byte) (Statement, Predicate, error) {
	payload, _, err := decodeEnvelope(leaf)
	if err != nil {
		return Statement{}, nil, err
	}
	return parseStatement(payload)
}

// parseStatement reads a payload strictly. A payload in any other than its
// canonical form is refused: two readers could take it for two statements.
func parseStatement(payload []byte) (Statement, Predicate, error) {
	var s Statement
	if again, err := jcs.Transform(payload); err != nil || !bytes.Equal(again, payload) {
		return s, nil, errors.New("statement is not canonical JSON")
	}
	if err := strict(payload, &s); err != nil {
		return s, nil, fmt.Errorf("read statement: %w", err)
	}
	if s.Type != statementType {
		return s, nil, fmt.Errorf("statement is of type %.64q, expected %s", s.Type, statementType)
	}
	p, err := newPredicate(s.PredicateType)
	if err != nil {
		return s, nil, err
	}
	if err := strict(s.Predicate, p); err != nil {
		return s, nil, fmt.Errorf("read %s: %w", p.Kind(), err)
	}
	return s, p, nil
}

// strict decodes one JSON value and refuses fields it does not know: a field
// nobody checks must not look checked.
func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}
