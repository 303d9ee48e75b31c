package githubtest

import (
	"bytes"
	"cmp"
	_ "embed" // for the description
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// A Contract compares every request and every answer with GitHub's published
// descriptions, and collects what differs. It refuses nothing.
type Contract struct {
	api *description

	mu         sync.Mutex
	violations []string
}

// NewContract returns a contract with no violations yet.
func NewContract() *Contract { return &Contract{api: published()} }

// Violations are the differences so far, each naming its request.
func (c *Contract) Violations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.violations)
}

func (c *Contract) report(r *http.Request, format string, a ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.violations = append(c.violations, r.Method+" "+r.URL.Path+": "+fmt.Sprintf(format, a...))
}

// A description is GitHub's OpenAPI document with its paths made searchable.
// kin-openapi's own validation and router both refuse the document.
type description struct {
	paths []describedPath
}

type describedPath struct {
	template string
	match    *regexp.Regexp
	item     *openapi3.PathItem
}

//go:embed testdata/openapi/api.github.com.json
var publishedAPI []byte

// published loads the description once.
var published = sync.OnceValue(func() *description {
	doc, err := openapi3.NewLoader().LoadFromData(publishedAPI)
	if err != nil {
		panic(fmt.Sprintf("githubtest: load GitHub's description: %v", err))
	}
	correct(doc)
	d := &description{}
	for template, item := range doc.Paths.Map() {
		d.paths = append(d.paths, describedPath{template, pathPattern(template), item})
	}
	// The template with most literal text first: a parameter may hold slashes.
	slices.SortFunc(d.paths, func(a, b describedPath) int {
		return cmp.Or(len(parameter.ReplaceAllString(b.template, ""))-len(parameter.ReplaceAllString(a.template, "")), strings.Compare(a.template, b.template))
	})
	return d
})

// correct mends the places known to be wrong. In the list of installations an
// account has to be a user and an enterprise at once, elsewhere it is either. The
// head repository of a pull request is null once it was deleted, and so is its
// owner: https://github.com/github/rest-api-description/issues/1811
func correct(doc *openapi3.T) {
	list := doc.Paths.Find("/app/installations").Get.Responses.Status(http.StatusOK).Value
	list.Content.Get("application/json").Schema.Value.Items = doc.Components.Schemas["installation"]
	for _, name := range []string{"pull-request", "pull-request-simple"} {
		head := doc.Components.Schemas[name].Value.Properties["head"].Value
		for _, field := range []string{"repo", "user"} {
			nullable := *head.Properties[field].Value
			nullable.Nullable = true
			head.Properties[field] = &openapi3.SchemaRef{Value: &nullable}
		}
	}
}

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

func pathPattern(template string) *regexp.Regexp {
	pattern := parameter.ReplaceAllStringFunc(template, func(name string) string {
		switch name {
		case "{path}", "{ref}", "{branch}", "{basehead}", "{tree_sha}":
			return `.+`
		}
		return `[^/]+`
	})
	return regexp.MustCompile("^" + restPrefix + pattern + "$")
}

func (d *description) operation(r *http.Request) *openapi3.Operation {
	for _, p := range d.paths {
		if p.match.MatchString(r.URL.Path) {
			if op := p.item.GetOperation(r.Method); op != nil {
				return op
			}
		}
	}
	return nil
}

// wrap checks what goes in and what comes out.
func (c *Contract) wrap(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		out := capture(api, r)
		if r.URL.Path == graphqlPath {
			c.checkGraphQL(r, body, out)
		} else if op := c.api.operation(r); op == nil {
			c.report(r, "no such operation in the description")
		} else {
			c.checkQuery(r, op)
			c.checkBody(r, op, body, out.status)
			c.checkAnswer(r, op, out)
		}
		out.send(w)
	})
}

// checkQuery wants every query parameter to be described and of its kind.
func (c *Contract) checkQuery(r *http.Request, op *openapi3.Operation) {
	for name, values := range r.URL.Query() {
		p := op.Parameters.GetByInAndName("query", name)
		if p == nil {
			c.report(r, "query parameter %s is not described", name)
			continue
		}
		for _, value := range values {
			if err := p.Schema.Value.VisitJSON(queryValue(p, value)); err != nil {
				c.report(r, "query parameter %s: %s", name, firstLine(err))
			}
		}
	}
	if n := r.URL.Query().Get("per_page"); len(n) > 2 && n != "100" {
		c.report(r, "per_page is %s, at most 100 is given", n)
	}
}

func queryValue(p *openapi3.Parameter, value string) any {
	if p.Schema.Value.Type.Is("integer") {
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			return n
		}
	}
	if p.Schema.Value.Type.Is("boolean") {
		return value == "true"
	}
	return value
}

// checkBody wants a body that is described, in its values and in every name. A
// request that GitHub would refuse, and that was refused, tests the server.
func (c *Contract) checkBody(r *http.Request, op *openapi3.Operation, body []byte, status int) {
	if string(bytes.TrimSpace(body)) == "null" { // how ghinstallation says it has nothing to say
		return
	}
	if len(body) == 0 || status == http.StatusUnprocessableEntity || status == http.StatusBadRequest {
		return
	}
	if op.RequestBody == nil {
		c.report(r, "a body is not described")
		return
	}
	c.visit(r, "request", op.RequestBody.Value.Content.Get("application/json"), body, openapi3.VisitAsRequest())
}

// checkAnswer wants a described answer. GitHub leaves many errors undescribed;
// those must at least carry its message.
func (c *Contract) checkAnswer(r *http.Request, op *openapi3.Operation, out *captured) {
	described := op.Responses.Status(out.status)
	if described == nil {
		var body struct{ Message string }
		if out.status < 400 || json.Unmarshal(out.body.Bytes(), &body) != nil || body.Message == "" {
			c.report(r, "status %d is not described", out.status)
		}
		return
	}
	if strings.Contains(out.header.Get("Content-Type"), "raw") {
		return // raw media types have no schema
	}
	if media := described.Value.Content.Get("application/json"); media != nil {
		c.visit(r, fmt.Sprintf("answer %d", out.status), media, out.body.Bytes(), openapi3.VisitAsResponse())
	}
}

func (c *Contract) visit(r *http.Request, what string, media *openapi3.MediaType, body []byte, as openapi3.SchemaValidationOption) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		c.report(r, "%s is not JSON: %v", what, err)
		return
	}
	if media == nil || media.Schema == nil {
		c.report(r, "%s as JSON is not described", what)
		return
	}
	if err := media.Schema.Value.VisitJSON(value, as, openapi3.MultiErrors()); err != nil {
		for line := range strings.SplitSeq(err.Error(), " | ") {
			c.report(r, "%s: %s", what, firstLine(fmt.Errorf("%s", line)))
		}
	}
	for _, name := range undescribed(media.Schema.Value, value, "") {
		c.report(r, "%s: %s is not described", what, name)
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// undescribed lists the fields of a value that a schema does not name.
func undescribed(schema *openapi3.Schema, value any, at string) []string {
	var list []string
	switch v := value.(type) {
	case []any:
		if schemas := parts(schema, func(s *openapi3.Schema) *openapi3.SchemaRef { return s.Items }); len(schemas) > 0 {
			for i, element := range v {
				list = append(list, undescribed(schemas[0], element, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case map[string]any:
		if open(schema) {
			return nil
		}
		for name, field := range v {
			schemas := parts(schema, func(s *openapi3.Schema) *openapi3.SchemaRef { return s.Properties[name] })
			if len(schemas) == 0 {
				list = append(list, at+"."+name)
				continue
			}
			list = append(list, undescribed(schemas[0], field, at+"."+name)...)
		}
	}
	return list
}

// parts applies pick to a schema and to all it is composed of.
func parts(schema *openapi3.Schema, pick func(*openapi3.Schema) *openapi3.SchemaRef) []*openapi3.Schema {
	var list []*openapi3.Schema
	if ref := pick(schema); ref != nil {
		list = append(list, ref.Value)
	}
	for _, refs := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf, schema.OneOf} {
		for _, ref := range refs {
			list = append(list, parts(ref.Value, pick)...)
		}
	}
	return list
}

// open reports whether a schema names no properties or allows others.
func open(schema *openapi3.Schema) bool {
	named := false
	free := schema.AdditionalProperties.Schema != nil || schema.AdditionalProperties.Has != nil && *schema.AdditionalProperties.Has
	parts(schema, func(s *openapi3.Schema) *openapi3.SchemaRef {
		named = named || len(s.Properties) > 0
		return nil
	})
	return free || !named
}
