// Package portal shows people what ChangeGate decided. It reads and never
// changes anything, calls nobody, and works without JavaScript.
//
// In this version it has one page: that of a pull request, to which the check
// run links. Its address carries an unguessable token, so it is readable by
// those who can read the check run; the token is kept from other sites by
// Referrer-Policy and from search engines by X-Robots-Tag.
package portal

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"changegate/rules"
)

// ErrNotFound says that there is no such page for this reader.
var ErrNotFound = errors.New("no such page")

// A Page is what is shown of one pull request.
type Page struct {
	Repo      string        `json:"repo"`
	Number    int           `json:"number"`
	Title     string        `json:"title"`
	URL       string        `json:"url"`
	Base      string        `json:"base"`
	Verdict   rules.Verdict `json:"verdict"`
	Policy    string        `json:"policy"`
	Evaluated time.Time     `json:"evaluated"`
	Record    int64         `json:"record"`
	Log       string        `json:"log"` // origin of the evidence log
	// Exceptions are those of the pull request as they are now, and Now is when that
	// is: they are reviewed after its last verdict.
	Exceptions []rules.Exception `json:"-"`
	Now        time.Time         `json:"-"`
	Change     *Change           `json:"-"` // nil until it was merged
}

// A Change is what a pull request became by its merge, and how its way back stands now.
type Change struct {
	ID        string // CHG-n
	Merge     string // commit
	MergedAt  time.Time
	Explained bool        // it came through the gate
	Plan      *rules.Plan // nil when no way back was verified
	// State is verified or broken, empty while that is not known; Code and Says what
	// there is to say of it, found against Tip.
	State, Code, Says, Tip string
	Undoes, UndoneBy       string // CHG-n; empty for none
}

// A Source returns the page of a pull request for the bearer of a token, or
// ErrNotFound.
type Source func(ctx context.Context, repo string, number int, token string) (*Page, error)

//go:embed pull.html.tmpl
var files embed.FS

var pull = template.Must(template.New("pull.html.tmpl").Funcs(template.FuncMap{
	"word": word, "parts": parts, "utc": utc, "review": review, "standing": standing, "visible": rules.Visible,
}).ParseFS(files, "pull.html.tmpl"))

// Handler serves the portal.
func Handler(source Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /r/{owner}/{repo}/pull/{number}", func(w http.ResponseWriter, r *http.Request) { servePull(w, r, source) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ChangeGate is running. The check run of a pull request links to its page here.\n"))
	})
	return guarded(mux)
}

// guarded sets the headers every answer carries.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Cache-Control", "private, no-store")
		next.ServeHTTP(w, r)
	})
}

// servePull answers with the page, or with the verdict alone in the form of
// `changegate check --json` when JSON is asked for.
func servePull(w http.ResponseWriter, r *http.Request, source Source) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number <= 0 {
		http.NotFound(w, r)
		return
	}
	page, err := source(r.Context(), r.PathValue("owner")+"/"+r.PathValue("repo"), number, r.URL.Query().Get("t"))
	switch {
	case errors.Is(err, ErrNotFound):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, "the page could not be read; try again", http.StatusServiceUnavailable)
	case r.URL.Query().Get("format") == "json":
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(page.Verdict) // the reader has gone: nobody left to tell
	default:
		var out bytes.Buffer
		if err := pull.Execute(&out, page); err != nil {
			http.Error(w, "the page could not be drawn", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = out.WriteTo(w)
	}
}

// word is an outcome as it is shown everywhere: never by colour alone.
func word(f rules.Finding) string {
	switch f.State {
	case rules.Met:
		return "PASS"
	case rules.Pending:
		return "WAIT"
	case rules.Waived:
		return "SKIP"
	}
	if c, ok := rules.Explain(f.Code); ok && c.State == rules.Failure {
		return "FAIL"
	}
	return "ACT"
}

// A part is a stretch of a finding's sentence, in code or not.
type part struct {
	Text  string
	Code  bool
	Block bool
}

// parts splits a sentence of the rules at its code spans and fences, so that the
// template escapes every piece by itself.
func parts(s string) []part {
	var out []part
	for i, block := range strings.Split(s, "```") {
		if i%2 == 1 {
			out = append(out, part{Text: strings.Trim(strings.TrimPrefix(block, "yaml"), "\n"), Block: true})
			continue
		}
		for k, span := range strings.Split(block, "`") {
			if strings.TrimSpace(span) != "" || k%2 == 1 {
				out = append(out, part{Text: span, Code: k%2 == 1})
			}
		}
	}
	return out
}

// standing is how a plan stands, as it is shown.
func standing(c *Change) string {
	switch c.State {
	case "verified":
		return "VERIFIED"
	case "broken":
		return "BROKEN"
	}
	return "NOT VERIFIED"
}

// review says how far the review of an exception is.
func review(x rules.Exception, now time.Time) string {
	switch late := x.Late(now); {
	case x.Closed == nil && late:
		return "OVERDUE"
	case x.Closed == nil:
		return "OPEN"
	case late:
		return "CLOSED LATE"
	}
	return "CLOSED"
}

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
