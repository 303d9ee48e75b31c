package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"changegate/rules"
)

func readme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var shownFile = regexp.MustCompile("(?s)<!-- (testdata/[a-z/.-]+) -->\n```yaml\n(.*?)```")

// TestREADMEShowsTheFilesThatAreTested compares every example of the README with
// the file it is taken from, and reads that file with the parser that enforces it.
func TestREADMEShowsTheFilesThatAreTested(t *testing.T) {
	t.Parallel()
	shown := shownFile.FindAllStringSubmatch(readme(t), -1)
	if len(shown) < 3 {
		t.Fatalf("README shows %d files, want at least 3", len(shown))
	}
	for _, m := range shown {
		data, err := os.ReadFile(filepath.Join("..", "..", m[1]))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) != m[2] {
			t.Errorf("README shows another %s than the file:\n%s", m[1], m[2])
		}
		if filepath.Base(m[1]) == "change.yml" {
			q, problems := rules.ReadRequest([]rules.RequestText{{Line: 1, Text: string(data)}}, time.UTC)
			if q == nil || len(problems) > 0 {
				t.Errorf("%s does not load: %v", m[1], problems)
			}
			continue
		}
		if _, problems := rules.ParsePolicy(data); len(problems) > 0 {
			t.Errorf("%s does not load:\n%v", m[1], problems)
		}
	}
}

var shownPart = regexp.MustCompile("(?s)<!-- (testdata/[a-z/_.-]+) ([a-z.-]+) -->\n(?:```text\n(.*?)```|````text\n(.*?)````)")

// TestREADMEShowsWhatTheStoriesExpect compares the outputs in the README with those
// the stories of the command line compare the program with.
func TestREADMEShowsWhatTheStoriesExpect(t *testing.T) {
	t.Parallel()
	shown := shownPart.FindAllStringSubmatch(readme(t), -1)
	if len(shown) < 2 {
		t.Fatalf("README shows %d outputs, want at least 2", len(shown))
	}
	for _, m := range shown {
		story, err := txtar.ParseFile(filepath.Join("..", "..", m[1]))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(story.Files, func(f txtar.File) bool { return f.Name == m[2] })
		if i < 0 || string(story.Files[i].Data) != m[3]+m[4] {
			t.Errorf("README shows another %s of %s than the story expects", m[2], m[1])
		}
	}
}

// TestREADMEListsEveryFlag compares the README's table with the program.
func TestREADMEListsEveryFlag(t *testing.T) {
	t.Parallel()
	text := readme(t)
	(&serveFlags{}).flags(env{}).VisitAll(func(f *flag.Flag) {
		if !strings.Contains(text, "| `--"+f.Name+"` |") {
			t.Errorf("README does not list --%s", f.Name)
		}
		if f.DefValue != "" && f.DefValue != "0" && !strings.Contains(text, "| `"+f.DefValue+"` |") {
			t.Errorf("README does not give the default %q of --%s", f.DefValue, f.Name)
		}
	})
}

// TestREADMENamesOnlyCommandsThatExist looks at every `changegate …` in code.
func TestREADMENamesOnlyCommandsThatExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, c := range commands() {
		known[c.name] = true
	}
	for _, m := range regexp.MustCompile("(?m)(?:`|^ *\\$? ?(?:\\./)?)changegate ([a-z]+)").FindAllStringSubmatch(readme(t), -1) {
		if !known[m[1]] {
			t.Errorf("README names `changegate %s`, which does not exist", m[1])
		}
	}
}
