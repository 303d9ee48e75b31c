package githubtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// checkGraphQL wants a query that GitHub's schema allows and an answer of the
// shape the query asks for.
func (c *Contract) checkGraphQL(r *http.Request, body []byte, out *captured) {
	var q graphqlRequest
	if err := json.Unmarshal(body, &q); err != nil {
		c.report(r, "request is not JSON: %v", err)
		return
	}
	doc, errs := gqlparser.LoadQueryWithRules(graphqlSchema(), q.Query, rules.NewDefaultRules())
	for _, err := range errs {
		c.report(r, "query: %s", err.Message)
	}
	if len(errs) > 0 || out.status != http.StatusOK {
		return
	}
	var answer struct {
		Data   any
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(out.body.Bytes(), &answer); err != nil {
		c.report(r, "answer is not JSON: %v", err)
		return
	}
	op := doc.Operations.ForName(q.OperationName)
	if op == nil || answer.Data == nil {
		if len(answer.Errors) == 0 {
			c.report(r, "answer has neither data nor errors")
		}
		return
	}
	s := shape{x: &executor{schema: graphqlSchema(), vars: q.Variables}, say: func(format string, a ...any) { c.report(r, format, a...) }}
	s.object("Query", op.SelectionSet, answer.Data, "data")
}

// A shape compares an answer with its selection.
type shape struct {
	x   *executor
	say func(format string, a ...any)
}

func (s shape) object(kind string, set ast.SelectionSet, value any, at string) {
	got, ok := value.(map[string]any)
	if !ok {
		s.say("%s is %T, want an object", at, value)
		return
	}
	selected := s.selected(kind, set, got)
	if selected == nil {
		s.say("%s has the fields %v, which no %s would have", at, slices.Sorted(maps.Keys(got)), kind)
		return
	}
	for name, same := range selected {
		if same[0].Name == "__typename" {
			continue
		}
		var below ast.SelectionSet
		for _, f := range same {
			below = append(below, f.SelectionSet...)
		}
		s.value(same[0].Definition.Type, below, got[name], at+"."+name)
	}
}

// selected finds the possible type whose selected fields are those of the value.
func (s shape) selected(kind string, set ast.SelectionSet, got map[string]any) map[string][]*ast.Field {
	for _, possible := range s.x.schema.GetPossibleTypes(s.x.schema.Types[kind]) {
		_, selected := s.x.collect(possible.Name, set)
		if !slices.Equal(slices.Sorted(maps.Keys(selected)), slices.Sorted(maps.Keys(got))) {
			continue
		}
		if name, given := typeName(selected, got); !given || name == possible.Name {
			return selected
		}
	}
	return nil
}

// typeName is what the answer says its type is, if that was asked for.
func typeName(selected map[string][]*ast.Field, got map[string]any) (name string, given bool) {
	for alias, same := range selected {
		if same[0].Name == "__typename" {
			name, given = got[alias].(string)
			return name, given
		}
	}
	return "", false
}

func (s shape) value(t *ast.Type, below ast.SelectionSet, value any, at string) {
	switch {
	case value == nil:
		if t.NonNull {
			s.say("%s is null, want %s", at, t)
		}
	case t.Elem != nil:
		list, ok := value.([]any)
		if !ok {
			s.say("%s is %T, want %s", at, value, t)
		}
		for i, element := range list {
			s.value(t.Elem, below, element, fmt.Sprintf("%s[%d]", at, i))
		}
	case len(below) > 0:
		s.object(t.NamedType, below, value, at)
	case !s.scalar(t.NamedType, value):
		s.say("%s is %v, want %s", at, value, t)
	}
}

func (s shape) scalar(kind string, value any) bool {
	switch kind {
	case "Boolean":
		_, ok := value.(bool)
		return ok
	case "Int":
		n, ok := value.(float64)
		return ok && n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
	}
	text, ok := value.(string)
	def := s.x.schema.Types[kind]
	return ok && (def.Kind != ast.Enum || def.EnumValues.ForName(text) != nil)
}
