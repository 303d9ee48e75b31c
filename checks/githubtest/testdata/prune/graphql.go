//go:build ignore

// Graphql prunes GitHub's published GraphQL schema to the fields listed in a
// file, keeping argument lists, nullability, enums and inputs as they are.
//
//	go run graphql.go -schema schema.graphql -fields ../graphql/fields.txt >../graphql/github.graphql
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"
)

func main() {
	log.SetFlags(0)
	schemaFile := flag.String("schema", "", "schema.graphql of @octokit/graphql-schema")
	fieldsFile := flag.String("fields", "", "list of types and fields to keep")
	flag.Parse()
	text, err := os.ReadFile(*schemaFile)
	if err != nil {
		log.Fatal(err)
	}
	list, err := os.ReadFile(*fieldsFile)
	if err != nil {
		log.Fatal(err)
	}
	// Parsed, not loaded: the published schema defines one field twice.
	doc, err := parser.ParseSchema(&ast.Source{Name: *schemaFile, Input: string(text)})
	if err != nil {
		log.Fatal(err)
	}
	p := pruner{
		from: doc.Definitions,
		keep: parseKeep(string(list)),
		into: map[string]*ast.Definition{},
	}
	for name := range p.keep {
		p.add(name)
	}
	fmt.Println("# GitHub's GraphQL schema, pruned: see README.md. Generated; do not edit.")
	formatter.NewFormatter(os.Stdout, formatter.WithoutDescription(), formatter.WithIndent("  ")).
		FormatSchema(&ast.Schema{Types: p.into, Query: p.into["Query"]})
}

func parseKeep(text string) map[string][]string {
	keep := map[string][]string{}
	for line := range strings.Lines(text) {
		name, fields, ok := strings.Cut(strings.TrimSpace(line), ":")
		if ok && !strings.HasPrefix(name, "#") {
			keep[name] = strings.Fields(fields)
		}
	}
	return keep
}

type pruner struct {
	from ast.DefinitionList
	keep map[string][]string
	into map[string]*ast.Definition
}

// add copies a type with what is kept of it, and the types it needs.
func (p *pruner) add(name string) {
	if p.into[name] != nil {
		return
	}
	switch name {
	case "Boolean", "Float", "ID", "Int", "String":
		return
	}
	def := p.from.ForName(name)
	if def == nil {
		log.Fatalf("%s: no such type", name)
	}
	fields, listed := p.keep[name]
	if !listed && (def.Kind == ast.Object || def.Kind == ast.Interface || def.Kind == ast.Union) {
		log.Fatalf("%s is reached but not listed", name)
	}
	out := *def
	out.Directives = nil
	p.into[name] = &out
	out.Interfaces = slices.DeleteFunc(slices.Clone(def.Interfaces), p.unlisted)
	out.Types = slices.DeleteFunc(slices.Clone(def.Types), p.unlisted)
	out.EnumValues = nil
	for _, v := range def.EnumValues {
		value := *v
		value.Directives = nil
		out.EnumValues = append(out.EnumValues, &value)
	}
	out.Fields = p.fields(def, fields, listed)
}

func (p *pruner) unlisted(name string) bool {
	_, listed := p.keep[name]
	return !listed
}

func (p *pruner) fields(def *ast.Definition, names []string, listed bool) ast.FieldList {
	if listed {
		for _, name := range names {
			if def.Fields.ForName(name) == nil {
				log.Fatalf("%s.%s: no such field", def.Name, name)
			}
		}
	}
	var kept ast.FieldList
	for _, f := range def.Fields {
		if listed && !slices.Contains(names, f.Name) {
			continue
		}
		field := *f
		field.Directives = nil
		field.Arguments = nil
		for _, a := range f.Arguments {
			arg := *a
			arg.Directives = nil
			field.Arguments = append(field.Arguments, &arg)
			p.add(a.Type.Name())
		}
		p.add(f.Type.Name())
		kept = append(kept, &field)
	}
	return kept
}
