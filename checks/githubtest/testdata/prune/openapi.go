//go:build ignore

// Openapi prunes GitHub's published OpenAPI description to the operations
// listed in a file and the components they reach. Examples, descriptions and
// extensions are dropped; every constraint is kept.
//
//	go run openapi.go -doc api.github.com.json -operations ../openapi/operations.txt >../openapi/api.github.com.json
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"strings"
)

type object = map[string]any

func main() {
	log.SetFlags(0)
	docFile := flag.String("doc", "", "generated/api.github.com.json of @octokit/openapi")
	opsFile := flag.String("operations", "", "list of operations to keep")
	flag.Parse()
	text, err := os.ReadFile(*docFile)
	if err != nil {
		log.Fatal(err)
	}
	list, err := os.ReadFile(*opsFile)
	if err != nil {
		log.Fatal(err)
	}
	var doc object
	if err := json.Unmarshal(text, &doc); err != nil {
		log.Fatalf("read %s: %v", *docFile, err)
	}
	p := pruner{from: doc, components: object{}}
	info := doc["info"].(object)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	err = out.Encode(object{
		"openapi":    doc["openapi"],
		"info":       object{"title": info["title"], "version": info["version"], "license": info["license"]},
		"paths":      p.paths(string(list)),
		"components": p.components,
	})
	if err != nil {
		log.Fatal(err)
	}
}

type pruner struct {
	from, components object
}

func (p *pruner) paths(list string) object {
	paths := object{}
	for line := range strings.Lines(list) {
		method, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || method == "#" {
			continue
		}
		item, _ := p.from["paths"].(object)[path].(object)
		op, _ := item[method].(object)
		if op == nil {
			log.Fatalf("%s: no such operation", line)
		}
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path].(object)[method] = p.clean(op, false)
	}
	return paths
}

// clean copies v without prose and brings along what it refers to. The keys of
// a map of names (properties, components) are never prose.
func (p *pruner) clean(v any, names bool) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for key, value := range v {
			if !names && prose(key) {
				continue
			}
			if ref, ok := value.(string); ok && key == "$ref" {
				p.need(ref)
			}
			out[key] = p.clean(value, !names && (key == "properties" || key == "responses" || key == "content"))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = p.clean(v[i], false)
		}
		return out
	}
	return v
}

func prose(key string) bool {
	switch key {
	case "description", "example", "examples", "externalDocs", "summary", "tags", "title":
		return true
	}
	return strings.HasPrefix(key, "x-")
}

// need copies the component a reference names, once.
func (p *pruner) need(ref string) {
	parts := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
	kind, name := parts[0], parts[1]
	if p.components[kind] == nil {
		p.components[kind] = object{}
	}
	kept := p.components[kind].(object)
	if kept[name] != nil {
		return
	}
	kept[name] = object{} // breaks circles
	kept[name] = p.clean(p.from["components"].(object)[kind].(object)[name], false)
}
