package githubtest

import (
	_ "embed" // for the schema
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

//go:embed testdata/graphql/github.graphql
var publishedSchema string

// graphqlSchema is GitHub's schema as far as the server answers it.
var graphqlSchema = sync.OnceValue(func() *ast.Schema {
	return gqlparser.MustLoadSchema(&ast.Source{Name: "github.graphql", Input: publishedSchema})
})

type graphqlRequest struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// operationName is the name of the operation that is asked for; empty if it has
// none or cannot be parsed.
func operationName(q graphqlRequest) string {
	if q.OperationName != "" {
		return q.OperationName
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: q.Query})
	if err != nil || len(doc.Operations) == 0 {
		return ""
	}
	return doc.Operations[0].Name
}

// A node is a GraphQL object: its type, and by name its fields, each a value or
// a func(args) any that makes one. A graphqlError makes the field null.
type node struct {
	kind   string
	fields fields
}

// args are a field's name and arguments, defaults filled in.
type args struct {
	field  string
	values map[string]any
}

func (a args) text(name string) string {
	s, _ := a.values[name].(string)
	return s
}

// A graphqlError is an entry of the answer's errors.
type graphqlError struct {
	Type    string `json:"type,omitempty"`
	Path    []any  `json:"path,omitempty"`
	Message string `json:"message"`
}

func unresolved(what, format string, a ...any) graphqlError {
	return graphqlError{Type: "NOT_FOUND", Message: "Could not resolve to " + what + " with the " + fmt.Sprintf(format, a...) + "."}
}

func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.asInstallation(r)
	if err != nil {
		writeFailure(w, err.(failure))
		return
	}
	var q graphqlRequest
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		writeFailure(w, failure{400, "Problems parsing JSON"})
		return
	}
	data, problems := s.execute(t, q)
	out := fields{}
	if data != nil {
		out["data"] = data
	}
	if len(problems) > 0 {
		out["errors"] = problems
	}
	writeAnswer(w, out)
}

// execute validates and runs one query. Problems come with status 200, as on
// GitHub.
func (s *Server) execute(t *token, q graphqlRequest) (data fields, problems []graphqlError) {
	doc, errs := gqlparser.LoadQueryWithRules(graphqlSchema(), q.Query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, plainErrors(errs)
	}
	op := doc.Operations.ForName(q.OperationName)
	if op == nil || op.Operation != ast.Query {
		return nil, []graphqlError{{Message: "No query named " + q.OperationName}}
	}
	vars, err := validator.VariableValues(graphqlSchema(), op, q.Variables)
	if err != nil {
		return nil, plainErrors(gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
	}
	x := &executor{schema: graphqlSchema(), vars: vars}
	data = x.object(s.queryNode(t), op.SelectionSet, nil)
	return data, x.problems
}

func plainErrors(errs gqlerror.List) []graphqlError {
	var list []graphqlError
	for _, e := range errs {
		list = append(list, graphqlError{Message: e.Message})
	}
	return list
}

// An executor walks one query over nodes.
type executor struct {
	schema   *ast.Schema
	vars     map[string]any
	problems []graphqlError
}

// object selects from one node.
func (x *executor) object(n node, set ast.SelectionSet, path []any) fields {
	out := fields{}
	names, selected := x.collect(n.kind, set)
	for _, name := range names {
		same := selected[name]
		var below ast.SelectionSet
		for _, f := range same {
			below = append(below, f.SelectionSet...)
		}
		out[name] = x.field(n, same[0], below, append(slices.Clone(path), name))
	}
	return out
}

// collect gathers the fields that apply to a type, fragments opened, by the name
// they are answered under.
func (x *executor) collect(kind string, set ast.SelectionSet) (names []string, selected map[string][]*ast.Field) {
	selected = map[string][]*ast.Field{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch sel := selection.(type) {
			case *ast.Field:
				if x.included(sel.Directives) {
					if selected[sel.Alias] == nil {
						names = append(names, sel.Alias)
					}
					selected[sel.Alias] = append(selected[sel.Alias], sel)
				}
			case *ast.InlineFragment:
				if x.included(sel.Directives) && x.applies(sel.TypeCondition, kind) {
					walk(sel.SelectionSet)
				}
			case *ast.FragmentSpread:
				if x.included(sel.Directives) && x.applies(sel.Definition.TypeCondition, kind) {
					walk(sel.Definition.SelectionSet)
				}
			}
		}
	}
	walk(set)
	return names, selected
}

// applies reports whether a type is, or is one of, what a fragment is on.
func (x *executor) applies(condition, kind string) bool {
	if condition == "" || condition == kind {
		return true
	}
	return slices.ContainsFunc(x.schema.PossibleTypes[condition], func(d *ast.Definition) bool { return d.Name == kind })
}

// included obeys @skip and @include.
func (x *executor) included(directives ast.DirectiveList) bool {
	for _, d := range directives {
		on, _ := d.ArgumentMap(x.vars)["if"].(bool)
		if d.Name == "skip" && on || d.Name == "include" && !on {
			return false
		}
	}
	return true
}

func (x *executor) field(n node, f *ast.Field, below ast.SelectionSet, path []any) any {
	if f.Name == "__typename" {
		return n.kind
	}
	value, ok := n.fields[f.Name]
	if !ok {
		value = graphqlError{Message: fmt.Sprintf("githubtest does not answer %s.%s", n.kind, f.Name)}
	}
	if resolve, ok := value.(func(args) any); ok {
		value = resolve(args{f.Name, f.ArgumentMap(x.vars)})
	}
	return x.value(value, below, path)
}

func (x *executor) value(v any, below ast.SelectionSet, path []any) any {
	switch v := v.(type) {
	case graphqlError:
		v.Path = path
		x.problems = append(x.problems, v)
		return nil
	case node:
		return x.object(v, below, path)
	case []node:
		list := make([]any, len(v))
		for i, n := range v {
			list[i] = x.object(n, below, append(slices.Clone(path), i))
		}
		return list
	}
	return v
}
