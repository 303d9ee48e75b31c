package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// arrows is DESIGN's picture: which of our packages may import which, and which
// outside modules have exactly one door. A package that is not in the table may
// not exist.
var arrows = map[string][]string{
	"rules":                     nil,
	"checks":                    {"rules"},
	"checks/githubtest":         nil,
	"bot/evidence":              {"rules"},
	"bot/evidence/evidencetest": {"bot/evidence", "rules"},
	"bot/store":                 {"bot/evidence", "checks", "rules"},
	"bot/portal":                {"bot/evidence", "rules"},
	"bot":                       {"bot/evidence", "bot/portal", "bot/store", "checks", "rules"},
	"cmd/changeaudit":           {"bot/evidence", "rules"},
	"cmd/changegate":            {"bot", "bot/evidence", "bot/store", "checks", "rules"},
	"cmd/demo":                  {"bot", "bot/evidence", "bot/store", "checks", "checks/githubtest", "rules"},
}

// doors says which package alone may import a module.
var doors = map[string][]string{
	"github.com/google/go-github":             {"checks"},
	"github.com/bradleyfalzon/ghinstallation": {"checks"},
	"github.com/go-git/go-git":                {"checks"},
	"github.com/sergi/go-diff":                {"checks"},
	"modernc.org/sqlite":                      {"bot/store"},
	"github.com/pressly/goose":                {"bot/store"},
	"github.com/vektah/gqlparser":             {"checks/githubtest"},
	"github.com/getkin/kin-openapi":           {"checks/githubtest"},
}

// rulesMay is everything outside the standard library that the pure core imports:
// parsers of text.
var rulesMay = []string{
	"github.com/adhocore/gronx", "github.com/agnivade/levenshtein", "github.com/bmatcuk/doublestar/v4",
	"github.com/yuin/goldmark", "go.yaml.in/yaml/v4", "github.com/Masterminds/semver/v3",
}

type listed struct {
	ImportPath string
	Imports    []string
}

// TestArrows fails the build when an import goes against the picture.
func TestArrows(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "changegate/")
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %s is in no room of DESIGN's picture", name)
		}
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, "changegate/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, against the arrows", name, ours)
			}
			for module, only := range doors {
				if strings.HasPrefix(i, module) && !slices.Contains(only, name) {
					t.Errorf("%s imports %s, whose only door is %v", name, i, only)
				}
			}
			if i == "time/tzdata" {
				t.Errorf("%s imports a second time zone database: rules has the one by which everybody judges", name)
			}
			if name == "rules" && strings.Contains(strings.Split(i, "/")[0], ".") && !slices.ContainsFunc(rulesMay, func(m string) bool { return strings.HasPrefix(i, m) }) {
				t.Errorf("rules imports %s: only parsers of text may", i)
			}
			if (name == "rules" || name == "bot/evidence") && (i == "net/http" || i == "testing" || i == "os/exec") {
				t.Errorf("%s imports %s", name, i)
			}
		}
	}
}

// TestOnlyMainsExit allows os.Exit in the programs alone: anywhere else it would
// skip the deferred release of a lease or a lock.
func TestOnlyMainsExit(t *testing.T) {
	t.Parallel()
	for _, room := range []string{"rules", "checks", "bot"} {
		err := filepath.WalkDir(filepath.Join("..", "..", room), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				return err
			}
			source, err := os.ReadFile(path)
			if bytes.Contains(source, []byte("os.Exit(")) || bytes.Contains(source, []byte("log.Fatal")) {
				t.Errorf("%s ends the process", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "changegate/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		all = append(all, p)
	}
}
