package githubtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

type app struct {
	id    int64
	slug  string
	owner *account
	bot   *account // who acts when the App does
	hook  string
}

// An install is the App on one account.
type install struct {
	id      int64
	account *account
	repos   []string // full names in lower case; nil means all
	created time.Time
	// permissions are what the account's owner granted; replaced, never changed.
	permissions fields
}

type token struct {
	install     *install
	repos       []int64 // nil means all of the installation's
	expires     time.Time
	permissions fields // as they were when it was given out
}

// newKey makes the key of the App, one for all servers of the process: making one takes
// longer than most tests do otherwise.
var newKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("githubtest: make key: %v", err))
	}
	return key
})

func encodeKey(key *rsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// addApp registers an App. It belongs to GitHub's own organisation unless
// somebody says otherwise, and acts as <slug>[bot].
func (s *Server) addApp(slug string) *app {
	if a := s.apps[slug]; a != nil {
		return a
	}
	a := &app{id: s.nextID(), slug: slug, owner: s.add("app-owner", "User"), bot: s.add(slug+"[bot]", "Bot")}
	s.apps[slug] = a
	return a
}

// Install installs the App on an account: for all its repositories, or for the
// named ones, given as owner/name. It returns the installation's id.
func (s *Server) Install(login string, repos ...string) int64 {
	var in *install
	s.tell(func() {
		in = &install{id: s.nextID(), account: s.account(login), created: s.now(), permissions: appPermissions}
		for _, name := range repos {
			in.repos = append(in.repos, lower(name))
		}
		s.installs[lower(login)] = in
		s.emitInstallation("created", in)
	})
	return in.id
}

// Uninstall removes the App from an account; its tokens stop working.
func (s *Server) Uninstall(login string) {
	s.tell(func() {
		in := s.installs[lower(login)]
		s.emitInstallation("deleted", in)
		delete(s.installs, lower(login))
		maps.DeleteFunc(s.tokens, func(_ string, t *token) bool { return t.install == in })
	})
}

// RevokeTokens makes every installation token given out so far invalid.
func (s *Server) RevokeTokens() { s.tell(func() { clear(s.tokens) }) }

// covers reports whether the installation includes a repository.
func (in *install) covers(r *Repo) bool {
	return r == nil || r.owner == in.account && (in.repos == nil || slices.Contains(in.repos, lower(r.fullName())))
}

// covered lists the installation's repositories by id.
func (s *Server) covered(in *install) []*Repo {
	var list []*Repo
	for _, r := range s.repos {
		if in.covers(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b *Repo) int { return int(a.id - b.id) })
	return list
}

// asApp checks a request made with the App's own JSON web token.
func (s *Server) asApp(r *http.Request) error {
	signed, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || strings.Count(signed, ".") != 2 {
		return failure{401, "A JSON web token could not be decoded"}
	}
	last := strings.LastIndexByte(signed, '.')
	sig, err := base64.RawURLEncoding.DecodeString(signed[last+1:])
	if err != nil {
		return failure{401, "A JSON web token could not be decoded"}
	}
	sum := sha256.Sum256([]byte(signed[:last]))
	if rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], sig) != nil {
		return failure{401, "A JSON web token could not be decoded"}
	}
	return s.claims(signed[:last])
}

// claims checks the contents of a token whose signature is right. GitHub allows
// it ten minutes.
func (s *Server) claims(signed string) error {
	header, body, _ := strings.Cut(signed, ".")
	var head struct{ Alg string }
	var claims struct {
		Iss any
		Iat float64
		Exp float64
	}
	if decodePart(header, &head) != nil || decodePart(body, &claims) != nil || head.Alg != "RS256" {
		return failure{401, "A JSON web token could not be decoded"}
	}
	now := float64(s.options.Keys().Unix())
	switch {
	case fmt.Sprint(claims.Iss) != fmt.Sprint(s.app.id):
		return failure{401, "Integration not found"}
	case claims.Iat > now+60:
		return failure{401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"}
	case claims.Exp <= now || claims.Exp > now+11*60:
		return failure{401, "'Expiration time' claim ('exp') is too far in the future"}
	}
	return nil
}

func decodePart(part string, into any) error {
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// asInstallation finds whose installation token a request carries.
func (s *Server) asInstallation(r *http.Request) (*token, error) {
	kind, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	t := s.tokens[value]
	if t == nil || !strings.EqualFold(kind, "token") && !strings.EqualFold(kind, "Bearer") || !t.expires.After(s.options.Keys()) {
		return nil, failure{401, "Bad credentials"}
	}
	return t, nil
}

// sees reports whether a token reaches a repository.
func (t *token) sees(r *Repo) bool {
	return t.install.covers(r) && (t.repos == nil || slices.Contains(t.repos, r.id))
}

// reads reports whether a token may read a repository: public ones are everybody's.
func (t *token) reads(r *Repo) bool { return t.sees(r) || !r.isPrivate() }

// newToken answers a request for an installation token.
func (s *Server) newToken(in *install, repos []int64) (value string, t *token) {
	value = fmt.Sprintf("ghs_%s", strings.ReplaceAll(guid(s.nextID()), "-", ""))
	t = &token{install: in, repos: repos, permissions: in.permissions, expires: s.options.Keys().UTC().Add(s.options.TokenLife).Truncate(time.Second)}
	s.tokens[value] = t
	return value, t
}
