package evidence_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"changegate/bot/evidence"

	"filippo.io/torchwood"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/signerverifier"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What other people's code says of a bundle: none of ours is asked.
func TestTorchwood(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 80} {
		f := evidence.TakeApart(t, newWorld(t).story(n).export(query()))
		policy := logPolicy(t, strings.TrimSpace(string(f.Files["keys/log.vkey"])))
		checkpoint, _, err := torchwood.VerifyCheckpoint(f.Files["log/checkpoint"], policy)
		if err != nil {
			t.Fatal(err)
		}
		tiles := fstest.MapFS{}
		for name, data := range f.Files {
			if path, ok := strings.CutPrefix(name, "log/"); ok {
				tiles[path] = &fstest.MapFile{Data: data}
			}
		}
		tr, err := torchwood.NewTileFS(tiles)
		if err != nil {
			t.Fatal(err)
		}
		client, err := torchwood.NewClient(tr)
		if err != nil {
			t.Fatal(err)
		}
		seen := int64(0)
		for i, entry := range client.AllEntries(t.Context(), checkpoint.Tree, 0) {
			if got := f.Files[fmt.Sprintf("records/%d.dsse.json", i)]; string(got) != string(entry) {
				t.Errorf("entry %d is not the record of that number", i)
			}
			proof := f.Files[fmt.Sprintf("records/%d.tlog-proof", i)]
			if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), proof); err != nil {
				t.Errorf("proof of record %d: %v", i, err)
			}
			seen++
		}
		if client.Err() != nil || seen != checkpoint.N || seen == 0 {
			t.Errorf("torchwood read %d of %d entries: %v", seen, checkpoint.N, client.Err())
		}
	}
}

func logPolicy(t *testing.T, vkey string) torchwood.Policy {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(v.Name()), torchwood.SingleVerifierPolicy(v))
}

func TestSignaturesByOthers(t *testing.T) {
	t.Parallel()
	f := evidence.TakeApart(t, newWorld(t).story(1).export(query()))
	block, _ := pem.Decode(f.Files["keys/evidence.pub.pem"])
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	pub := parsed.(ed25519.PublicKey)
	for _, name := range []string{"records/0.dsse.json", "records/2.dsse.json", "MANIFEST.dsse.json"} {
		var e dsse.Envelope
		if err := json.Unmarshal(f.Files[name], &e); err != nil {
			t.Fatal(err)
		}
		byDSSE(t, name, pub, &e)
		payload, err := base64.StdEncoding.DecodeString(e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
		if err != nil {
			t.Fatal(err)
		}
		signed := fmt.Sprintf("DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload)
		if !ed25519.Verify(pub, []byte(signed), sig) {
			t.Errorf("%s: crypto/ed25519 refuses what README.txt says is signed", name)
		}
	}
}

func byDSSE(t *testing.T, name string, pub ed25519.PublicKey, e *dsse.Envelope) {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	sv, err := signerverifier.NewED25519SignerVerifierFromSSLibKey(&signerverifier.SSLibKey{
		KeyType: signerverifier.ED25519KeyType, KeyID: fmt.Sprintf("%x", sha256.Sum256(der)),
		KeyVal: signerverifier.KeyVal{Public: hex.EncodeToString(pub)},
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := dsse.NewEnvelopeVerifier(sv)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := v.Verify(t.Context(), e); err != nil || len(keys) != 1 {
		t.Errorf("%s: dsse accepts %d keys: %v", name, len(keys), err)
	}
	e2 := *e
	e2.Payload = base64.StdEncoding.EncodeToString([]byte("{}"))
	if _, err := v.Verify(t.Context(), &e2); err == nil {
		t.Errorf("%s: dsse accepts another payload", name)
	}
}

// The statement is what cosign reads: the prompt file's own SHA-256 is a subject,
// and no number in it is one that JSON readers round.
func TestStatement(t *testing.T) {
	t.Parallel()
	f := evidence.TakeApart(t, newWorld(t).story(1).export(query()))
	var e struct{ Payload []byte }
	if err := json.Unmarshal(f.Files["records/1.dsse.json"], &e); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Type          string `json:"_type"`
		PredicateType string `json:"predicateType"`
		Subject       []evidence.Subject
		Predicate     struct {
			Repo        struct{ ID string }
			EffectiveAt time.Time
			Rollback    string
		}
	}
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("Be kind.\n")))
	if s.Type != "https://in-toto.io/Statement/v1" || s.PredicateType != "urn:changegate:policy.evaluated:v1" ||
		s.Subject[1].Name != "prompts/refund.md" || s.Subject[1].Digest["sha256"] != sum ||
		s.Subject[0].Name != "git+https://github.com/acme/agents@refs/heads/topic" || s.Subject[0].Digest["gitCommit"] != commitID(1) {
		t.Errorf("statement is %+v", s)
	}
	if s.Predicate.Repo.ID != "179876543210987654" || s.Predicate.Rollback != "v1" {
		t.Errorf("predicate is %+v", s.Predicate)
	}
}
