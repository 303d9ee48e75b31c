package main

import (
	"context"
	"fmt"
	"strings"

	"changegate/checks"
	"changegate/rules"
)

// validation is the JSON form of a validated file.
type validation struct {
	File     string         `json:"file"`
	Groups   []string       `json:"groups"`
	Problems rules.Problems `json:"problems"`
}

// runValidate reads a policy file with the parser that enforces it.
func runValidate(_ context.Context, args []string, e env) int {
	fs := e.flags("validate", "[FILE]", "Reads a policy file (default "+checks.PolicyPath+"), a repository's or the\norganisation's, and lists every problem.\n"+
		"Exit 0 none, 1 problems, 2 the file cannot be read.")
	asJSON := fs.Bool("json", false, "print the result as JSON")
	files, code, done := e.parse(fs, args, 1)
	if done {
		return code
	}
	file := checks.PolicyPath
	if len(files) > 0 {
		file = files[0]
	}
	// Twice the limit is read, so that the parser itself says what the limit is.
	data, err := readFile(file, 2*rules.MaxPolicy)
	if err != nil {
		return e.fail("validate", err)
	}
	p, problems := rules.ParsePolicy(data)
	code = exitOK
	if len(problems) > 0 {
		code = exitBlocked
	}
	if *asJSON {
		return e.printJSON(validated(file, p, problems), code)
	}
	return e.print(validateText(file, p, problems), code)
}

func validated(file string, p *rules.Policy, problems rules.Problems) validation {
	v := validation{File: file, Groups: []string{}, Problems: rules.Problems{}}
	v.Problems = append(v.Problems, problems...)
	if p != nil {
		for _, g := range p.Groups {
			v.Groups = append(v.Groups, g.Name)
		}
	}
	return v
}

func validateText(file string, p *rules.Policy, problems rules.Problems) string {
	var b strings.Builder
	if len(problems) == 0 {
		fmt.Fprintf(&b, "%s: no problem; mode %s, %s\n", clean(file), p.Mode, count(len(p.Groups), "group"))
		for _, glob := range p.Globs() {
			hang(&b, "  ", glob)
		}
		return b.String()
	}
	for _, q := range problems {
		fmt.Fprintf(&b, "%s:%d:%d: %s\n", clean(file), q.Line, q.Column, q.Code)
		hang(&b, "    ", q.Says)
		block(&b, "    fix: ", q.Fix)
	}
	fmt.Fprintf(&b, "%s\n", count(len(problems), "problem"))
	return b.String()
}
