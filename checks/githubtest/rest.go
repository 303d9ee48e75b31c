package githubtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	restPrefix  = "/api/v3"
	graphqlPath = "/api/graphql"
)

// A failure is an answer other than success, with GitHub's message.
type failure struct {
	status  int
	message string
}

func (f failure) Error() string { return f.message }

var notFound = failure{404, "Not Found"}

// A request is one REST request with what its path named.
type request struct {
	*http.Request
	s     *Server
	token *token // nil if made as the App itself
	repo  *Repo  // nil outside of /repos
	link  string
}

// An answer is a status other than 200 with its body, or bytes other than JSON.
type answer struct {
	status int
	body   any
	raw    []byte
}

type handler func(*request) (any, error)

// routes is every address the server answers.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+graphqlPath, s.serveGraphQL)
	add := func(pattern string, h handler, enter func(*request) error) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+restPrefix+path, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.serve(w, &request{Request: r, s: s}, h, enter)
		})
	}
	for pattern, h := range appRoutes {
		add(pattern, h, (*request).enterApp)
	}
	for pattern, h := range orgRoutes {
		add(pattern, h, (*request).enterInstallation)
	}
	for pattern, h := range repoRoutes {
		method, path, _ := strings.Cut(pattern, " ")
		add(method+" /repos/{owner}/{repo}"+path, h, (*request).enterRepo)
	}
	add("GET /repos/{owner}/{repo}/installation", getRepoInstallation, (*request).enterApp)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { writeFailure(w, notFound) })
	return mux
}

func (s *Server) serve(w http.ResponseWriter, r *request, h handler, enter func(*request) error) {
	err := enter(r)
	var body any
	if err == nil {
		body, err = h(r)
	}
	if err != nil {
		var f failure
		if !errors.As(err, &f) {
			f = failure{500, err.Error()}
		}
		writeFailure(w, f)
		return
	}
	if r.link != "" {
		w.Header().Set("Link", r.link)
	}
	writeAnswer(w, body)
}

func writeAnswer(w http.ResponseWriter, body any) {
	a, ok := body.(answer)
	if !ok {
		a = answer{200, body, nil}
	}
	if a.status == http.StatusNoContent {
		w.WriteHeader(a.status)
		return
	}
	if a.raw != nil {
		w.Header().Set("Content-Type", "application/vnd.github.raw; charset=utf-8")
		w.WriteHeader(a.status)
		w.Write(a.raw)
		return
	}
	data, err := json.Marshal(a.body)
	if err != nil {
		writeFailure(w, failure{500, err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	w.Write(data)
}

func writeFailure(w http.ResponseWriter, f failure) {
	body := fields{"message": f.message, "documentation_url": "https://docs.github.com/rest"}
	if f.status == 422 {
		body["message"], body["errors"] = "Validation Failed", []any{fields{"message": f.message, "code": "custom"}}
	} else {
		body["status"] = strconv.Itoa(f.status)
	}
	writeAnswer(w, answer{f.status, body, nil})
}

func (r *request) enterApp() error { return r.s.asApp(r.Request) }

func (r *request) enterInstallation() (err error) {
	r.token, err = r.s.asInstallation(r.Request)
	return err
}

// enterRepo finds the repository. One the token may not read is not there; what is
// public everybody may read, but not write to.
func (r *request) enterRepo() error {
	if err := r.enterInstallation(); err != nil {
		return err
	}
	r.repo = r.s.repos[lower(r.PathValue("owner")+"/"+r.PathValue("repo"))]
	switch {
	case r.repo == nil || !r.token.reads(r.repo):
		return notFound
	case r.Method != http.MethodGet && !r.token.sees(r.repo):
		return failure{403, "Resource not accessible by integration"}
	}
	return nil
}

// number is a decimal part of the path.
func (r *request) number(name string) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil {
		return 0, notFound
	}
	return n, nil
}

func (r *request) query(name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

// perPage is the size of a page: 30 unless asked, at most 100.
func (r *request) perPage() int {
	n := min(r.query("per_page", 30), 100)
	if limit := r.s.options.PageSize; limit > 0 {
		n = min(n, limit)
	}
	return n
}

// page cuts one page out of a list and says in the Link header where the others
// are.
func page[T any](r *request, all []T) []T {
	size, n := r.perPage(), r.query("page", 1)
	r.linkPages(n, (len(all)+size-1)/size)
	from := min((n-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

func (r *request) linkPages(n, last int) {
	var links []string
	add := func(rel string, to int) {
		links = append(links, fmt.Sprintf(`<%s>; rel="%s"`, r.address("page", strconv.Itoa(to)), rel))
	}
	if n > 1 {
		add("prev", n-1)
	}
	if n < last {
		add("next", n+1)
		add("last", last)
	}
	if n > 1 {
		add("first", 1)
	}
	r.link = strings.Join(links, ", ")
}

// address is the request's own with one query parameter changed.
func (r *request) address(key, value string) string {
	q := r.URL.Query()
	q.Set(key, value)
	return r.s.base + (&url.URL{Path: r.URL.Path, RawQuery: q.Encode()}).String()
}

// each renders every element of a list.
func each[T any](list []T, render func(T) fields) []fields {
	out := make([]fields, 0, len(list))
	for _, v := range list {
		out = append(out, render(v))
	}
	return out
}
