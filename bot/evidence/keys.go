package evidence

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The files of LoadKeys.
const (
	evidenceKeyFile = "evidence.key"
	logKeyFile      = "log.key"
)

// Keys sign: the evidence key every record, the log key every checkpoint. They
// are two so that either may move to other hardware without the other.
type Keys struct {
	origin        string
	evidence, log ed25519.PrivateKey
}

// NewKeys makes a fresh pair from a source of random bytes. The origin names this
// server in every checkpoint, for example changegate.example.com.
func NewKeys(origin string, rand io.Reader) (*Keys, error) {
	if err := checkOrigin(origin); err != nil {
		return nil, err
	}
	seed := make([]byte, 2*ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, fmt.Errorf("make keys: %w", err)
	}
	return &Keys{
		origin:   origin,
		evidence: ed25519.NewKeyFromSeed(seed[:ed25519.SeedSize]),
		log:      ed25519.NewKeyFromSeed(seed[ed25519.SeedSize:]),
	}, nil
}

// checkOrigin refuses what a signed note cannot carry as a name.
func checkOrigin(origin string) error {
	if origin == "" || strings.ContainsFunc(origin, func(r rune) bool { return r <= ' ' || r == '+' || r > '~' }) {
		return fmt.Errorf("origin %q: want a host name, as in changegate.example.com", origin)
	}
	return nil
}

// LoadKeys reads the two keys in dir, and makes them when neither is there. A key
// that others can read, or one key without the other, is refused.
func LoadKeys(dir, origin string) (*Keys, error) {
	k, err := NewKeys(origin, rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make key directory: %w", err)
	}
	files := []struct {
		path string
		key  *ed25519.PrivateKey
	}{{filepath.Join(dir, evidenceKeyFile), &k.evidence}, {filepath.Join(dir, logKeyFile), &k.log}}
	missing := 0
	for _, f := range files {
		if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
			missing++
		}
	}
	if missing == 1 {
		return nil, fmt.Errorf("key directory %s holds one of %s and %s: restore the other from the backup; "+
			"only if this server never recorded anything, delete both files and start again", dir, evidenceKeyFile, logKeyFile)
	}
	for _, f := range files {
		if missing == len(files) {
			if err := writeKey(f.path, *f.key); err != nil {
				return nil, fmt.Errorf("write key: %w", err)
			}
		}
		if *f.key, err = readKey(f.path); err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
	}
	return k, nil
}

func readKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o and others can read it: run chmod 600 %s, and replace the key if they did",
			path, info.Mode().Perm(), path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%s holds no PRIVATE KEY block in PEM form", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds a key of type %T, want Ed25519", path, parsed)
	}
	return key, nil
}

// writeKey puts a key in place whole or not at all: file synced before it gets
// its name, directory synced after. A link, unlike a rename, never replaces a key
// that another process put there first; the caller reads back whichever won.
func writeKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// KeyID is the name of the evidence key in every record: the hex SHA-256 of its
// public half in PKIX form.
func (k *Keys) KeyID() string { return keyID(k.public()) }

// PublicPEM is the public half of the evidence key, as openssl and cosign read it.
func (k *Keys) PublicPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix(k.public())})
}

// VKey is what an auditor passes to `changeaudit verify --key`: the public half of
// the log key, under the name of one organisation's log.
func (k *Keys) VKey(org string) (string, error) {
	return note.NewEd25519VerifierKey(logOrigin(k.origin, org), k.log.Public().(ed25519.PublicKey))
}

func (k *Keys) public() ed25519.PublicKey { return k.evidence.Public().(ed25519.PublicKey) }

func logOrigin(origin, org string) string { return origin + "/log/" + org }

func pkix(pub ed25519.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		panic("marshal Ed25519 key: " + err.Error()) // unreachable: the type is supported
	}
	return der
}

func parsePublicPEM(data []byte) (ed25519.PublicKey, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return nil, errors.New("not one PUBLIC KEY block in PEM form")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	pub, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("key of type %T, want Ed25519", parsed)
	}
	return pub, nil
}
