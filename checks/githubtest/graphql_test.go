package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
)

// fullStory holds something of every kind the API can answer.
func fullStory(t *testing.T) (*Server, *Contract) {
	t.Helper()
	c := NewContract()
	s := New(Options{Contract: c})
	t.Cleanup(s.Close)
	s.Org("acme")
	s.User("dev1", "rev1", "web-flow")
	s.Bot("agent[bot]")
	s.Team("acme/owners", "rev1")
	s.Install("acme")
	r := s.Repo("acme/agents", Files{"a/b.md": "text\n"})
	r.Role("dev1", "write")
	r.TeamRole("acme/owners", "maintain")
	r.AnnotatedTag("rev1", "v1", "main", "first")
	r.Branch("other", "main")
	p := r.Open("agent[bot]", PR{Files: Files{"a/b.md": "more\n"}, Assignees: []string{"dev1"}})
	p.ForcePush("dev1", Files{"a/b.md": "less\n"})
	p.Retarget("dev1", "other")
	p.Review("rev1", "APPROVED")
	p.Comment("rev1", "looks good")
	p.Close("dev1")
	p.Reopen("dev1")
	r.Report("ci", p.Head(), "test", "success")
	p.Merge("rev1", "squash")
	r.Report("ci", r.Head("other"), "test", "failure")
	r.Push("dev1", "other", Files{"signed": ""}, Commit{WebFlow: true})
	r.Report("ci", r.Head("other"), "test", "failure")
	below := r.Open("dev1", PR{Head: "below", Files: Files{"c": "1"}})
	r.Open("dev1", PR{Base: "below", Files: Files{"d": "1"}})
	below.Merge("rev1", "squash")
	r.Queue("main", Queue{Checks: []string{"gate"}})
	queued := r.Open("dev1", PR{Files: Files{"e": "1"}})
	queued.AutoMerge("dev1", "squash", "gate")
	queued.Enqueue("dev1")
	r.DeleteBranch("dev1", "below")
	return s, c
}

// ask posts a query with a fresh installation token.
func ask(t *testing.T, s *Server, query string) (data map[string]any, errors []string) {
	t.Helper()
	value := see(s, func() string { v, _ := s.newToken(s.installs["acme"], nil); return v })
	body, err := json.Marshal(graphqlRequest{Query: query})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest("POST", s.URL()+graphqlPath, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "bearer "+value)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Data   map[string]any
		Errors []struct{ Type, Message string }
	}
	if text, err := io.ReadAll(res.Body); err != nil || json.Unmarshal(text, &answer) != nil {
		t.Fatalf("answer %d %s, %v", res.StatusCode, text, err)
	}
	for _, e := range answer.Errors {
		errors = append(errors, strings.TrimSpace(e.Type+" "+e.Message))
	}
	return answer.Data, errors
}

// A writer spells out the largest query of a schema: every field of every type,
// once on each way to it.
type writer struct {
	schema *ast.Schema
	out    strings.Builder
	inside []string // types on the way here
}

// arguments are what fields need to lead somewhere.
var arguments = map[string]string{
	"Query.repository": `(owner: "acme", name: "agents")`, "Query.organization": `(login: "acme")`, "Query.user": `(login: "dev1")`,
	"Organization.team": `(slug: "owners")`, "Organization.repository": `(name: "agents")`, "RepositoryOwner.repository": `(name: "agents")`,
	"User.repository": `(name: "agents")`, "Repository.ref": `(qualifiedName: "refs/heads/other")`, "Repository.pullRequest": `(number: 1)`,
	"Repository.object": `(expression: "other:a")`, "Commit.file": `(path: "a/b.md")`,
}

func (w *writer) selection(kind string) {
	def := w.schema.Types[kind]
	if !def.IsCompositeType() {
		return
	}
	w.out.WriteString("{__typename ")
	if !slices.Contains(w.inside, kind) {
		w.inside = append(w.inside, kind)
		for _, possible := range w.schema.GetPossibleTypes(def) {
			fmt.Fprintf(&w.out, "... on %s {", possible.Name)
			w.fields(possible)
			w.out.WriteString("__typename} ")
		}
		w.inside = w.inside[:len(w.inside)-1]
	}
	w.out.WriteString("} ")
}

func (w *writer) fields(def *ast.Definition) {
	if slices.Contains(w.inside[:len(w.inside)-1], def.Name) {
		return
	}
	if w.inside[len(w.inside)-1] != def.Name {
		w.inside = append(w.inside, def.Name)
		defer func() { w.inside = w.inside[:len(w.inside)-1] }()
	}
	for _, f := range def.Fields {
		if strings.HasPrefix(f.Name, "__") || f.Name == "edges" && len(w.inside) > 7 {
			continue
		}
		with := arguments[def.Name+"."+f.Name]
		if f.Arguments.ForName("first") != nil {
			with = "(first: 9)"
		}
		fmt.Fprintf(&w.out, "%s_%s: %s%s ", def.Name, f.Name, f.Name, with)
		w.selection(f.Type.Name())
	}
}

// TestEveryFieldOfTheSchemaIsAnswered asks for everything and wants no error, no
// violation, and every type met but those the server never makes.
func TestEveryFieldOfTheSchemaIsAnswered(t *testing.T) {
	t.Parallel()
	s, contract := fullStory(t)
	w := &writer{schema: graphqlSchema()}
	w.selection("Query")
	data, errors := ask(t, s, w.out.String())
	if len(errors) > 0 || len(contract.Violations()) > 0 {
		t.Fatalf("errors %q\nviolations %q", errors, contract.Violations())
	}
	met := map[string]bool{}
	kinds(data, met)
	for _, source := range []string{
		`{repository(owner: "acme", name: "agents") {object(expression: "v1") {__typename id oid abbreviatedOid ... on Tag {name message target {__typename}}}}}`,
		`{repository(owner: "acme", name: "agents") {object(expression: "other:a/b.md") {__typename id oid ... on Blob {byteSize isBinary isTruncated text}}}}`,
	} {
		more, errors := ask(t, s, source)
		if len(errors) > 0 {
			t.Errorf("errors %q", errors)
		}
		kinds(more, met)
	}
	never := []string{"EnterpriseUserAccount", "Mannequin", "SmimeSignature", "SshSignature", "StatusContext", "UnknownSignature"}
	var missing []string
	for name, def := range graphqlSchema().Types {
		if def.Kind == ast.Object && !strings.HasPrefix(name, "__") && !met[name] {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	if diff := cmp.Diff(append([]string{}, never...), missing); diff != "" {
		t.Errorf("types never met (-known +got):\n%s", diff)
	}
	if v := contract.Violations(); len(v) > 0 {
		t.Errorf("violations %q", v)
	}
}

// kinds gathers the __typename of everything in an answer.
func kinds(value any, met map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		if name, ok := v["__typename"].(string); ok {
			met[name] = true
		}
		for _, field := range v {
			kinds(field, met)
		}
	case []any:
		for _, element := range v {
			kinds(element, met)
		}
	}
}

func TestGraphQLRefusals(t *testing.T) {
	t.Parallel()
	s, contract := fullStory(t)
	tests := map[string]struct{ query, want string }{
		"unknown field":     {`{repository(owner: "acme", name: "agents") {nope}}`, `Cannot query field "nope" on type "Repository". Did you mean "name"?`},
		"no first":          {`{repository(owner: "acme", name: "agents") {collaborators {totalCount}}}`, "MISSING_PAGINATION_BOUNDARIES You must provide a `first` or `last` value to properly paginate the `collaborators` connection."},
		"too many":          {`{repository(owner: "acme", name: "agents") {collaborators(first: 101) {totalCount}}}`, "EXCESSIVE_PAGINATION Requesting 101 records on the `collaborators` connection exceeds the `first` limit of 100 records."},
		"no such repo":      {`{repository(owner: "acme", name: "other") {name}}`, "NOT_FOUND Could not resolve to a Repository with the name 'acme/other'."},
		"no such number":    {`{repository(owner: "acme", name: "agents") {pullRequest(number: 7) {title}}}`, "NOT_FOUND Could not resolve to a PullRequest with the number of 7."},
		"nobody":            {`{user(login: "ghost") {login}}`, "NOT_FOUND Could not resolve to a User with the login of 'ghost'."},
		"no such operation": {`{`, "Expected Name, found <EOF>"},
	}
	for name, tt := range tests {
		if _, errors := ask(t, s, tt.query); len(errors) != 1 || errors[0] != tt.want {
			t.Errorf("%s: errors %q, want %q", name, errors, tt.want)
		}
	}
	var reported []string
	for _, v := range contract.Violations() {
		reported = append(reported, strings.TrimPrefix(v, "POST "+graphqlPath+": query: "))
	}
	slices.Sort(reported)
	if diff := cmp.Diff([]string{tests["unknown field"].want, tests["no such operation"].want}, reported); diff != "" {
		t.Errorf("only what the schema forbids violates it (-want +got):\n%s", diff)
	}
}

// TestGraphQLTellsWhatRESTDoesNot shows the differences a client trips over.
func TestGraphQLTellsWhatRESTDoesNot(t *testing.T) {
	t.Parallel()
	s, _ := fullStory(t)
	data, errors := ask(t, s, `query Differences { repository(owner: "acme", name: "agents") {
		pullRequest(number: 1) { author { __typename login } baseRefName state }
		tip: object(expression: "other") { ... on Commit { committer { name user { login } } author { user { login } } signature { wasSignedByGitHub } } }
		entry: object(expression: "other:a/") { ... on Tree { entries { name mode path } } }
		nothing: object(expression: "other:a/b.md/c") { oid }
	}}`)
	if len(errors) > 0 {
		t.Fatal(errors)
	}
	want := map[string]any{
		"pullRequest": map[string]any{"author": map[string]any{"__typename": "Bot", "login": "agent"}, "baseRefName": "other", "state": "MERGED"},
		"tip": map[string]any{
			"committer": map[string]any{"name": "GitHub", "user": nil}, "author": map[string]any{"user": map[string]any{"login": "dev1"}},
			"signature": map[string]any{"wasSignedByGitHub": true},
		},
		"entry":   map[string]any{"entries": []any{map[string]any{"name": "b.md", "mode": float64(0o100644), "path": "a/b.md"}}},
		"nothing": nil,
	}
	if diff := cmp.Diff(want, data["repository"]); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	var operations []string
	for _, call := range s.Calls() {
		operations = append(operations, call.Operation)
	}
	if !slices.Equal(operations, []string{"Differences"}) {
		t.Errorf("operations %q", operations)
	}
}

// TestViolationsAreSeen breaks answers in ways the contract must name.
func TestViolationsAreSeen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ method, path, request, answer, want string }{
		"unknown path":      {"GET", "/api/v3/nope", "", "{}", "no such operation"},
		"unknown parameter": {"GET", "/api/v3/repos/a/b/pulls?colour=red", "", "[]", "query parameter colour is not described"},
		"wrong parameter":   {"GET", "/api/v3/repos/a/b/pulls?state=ajar", "", "[]", "query parameter state"},
		"page too large":    {"GET", "/api/v3/repos/a/b/pulls?per_page=500", "", "[]", "per_page is 500"},
		"unknown field":     {"POST", "/api/v3/repos/a/b/check-runs", `{"name":"x","head_sha":"y","colour":"red"}`, "", ".colour is not described"},
		"missing field":     {"POST", "/api/v3/repos/a/b/check-runs", `{"name":"x"}`, "", `"head_sha" is missing`},
		"invented answer":   {"GET", "/api/v3/orgs/a/teams/t/memberships/u", "", `{"url":"https://x","role":"member","state":"active","luck":1}`, ".luck is not described"},
		"missing answer":    {"GET", "/api/v3/orgs/a/teams/t/memberships/u", "", `{"url":"https://x","role":"member"}`, `"state" is missing`},
		"graphql null":      {"POST", graphqlPath, `{"query":"{rateLimit{cost}}"}`, `{"data":{"rateLimit":{"cost":null}}}`, "data.rateLimit.cost is null"},
		"graphql type":      {"POST", graphqlPath, `{"query":"{rateLimit{cost}}"}`, `{"data":{"rateLimit":{"cost":"1"}}}`, "data.rateLimit.cost is 1, want Int!"},
		"graphql field":     {"POST", graphqlPath, `{"query":"{rateLimit{cost}}"}`, `{"data":{"rateLimit":{"price":1}}}`, "data.rateLimit has the fields [price]"},
	}
	for name, tt := range tests {
		c := NewContract()
		broken := c.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, tt.answer) }))
		req, err := http.NewRequest(tt.method, tt.path, strings.NewReader(tt.request))
		if err != nil {
			t.Fatal(err)
		}
		capture(broken, req)
		if !slices.ContainsFunc(c.Violations(), func(v string) bool { return strings.Contains(v, tt.want) }) {
			t.Errorf("%s: violations %q, want one about %q", name, c.Violations(), tt.want)
		}
	}
}

// TestEveryOperationIsServed keeps the routes and the description in step.
func TestEveryOperationIsServed(t *testing.T) {
	t.Parallel()
	served := map[string]bool{"GET /repos/{}/{}/installation": true}
	for prefix, routes := range map[string]map[string]handler{"": appRoutes, " ": orgRoutes, "/repos/{owner}/{repo}": repoRoutes} {
		for pattern := range routes {
			method, path, _ := strings.Cut(pattern, " ")
			served[method+" "+anonymous(strings.TrimSpace(prefix)+path)] = true
		}
	}
	delete(served, "GET /repos/{}/{}/commits/{}")   // below it are three operations
	delete(served, "GET /repos/{}/{}/issues/{}/{}") // and here two
	served["GET /repos/{}/{}/issues/{}/comments"], served["GET /repos/{}/{}/issues/comments/{}"] = true, true
	for _, p := range published().paths {
		for method := range p.item.Operations() {
			name := method + " " + anonymous(p.template)
			if !served[name] && !strings.HasPrefix(name, "GET /repos/{}/{}/commits/{}") {
				t.Errorf("%s is described, not served", name)
			}
			delete(served, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(served)) {
		t.Errorf("%s is served, not described", name)
	}
}

// anonymous drops the names of path parameters.
func anonymous(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}
