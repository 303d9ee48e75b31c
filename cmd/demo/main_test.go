package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemo tells the story and compares what it prints with what the README shows.
func TestDemo(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := tell(&out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for i, line := range strings.Split(out.String(), "\n") {
		if n := len([]rune(line)); n > width+40 {
			t.Errorf("line %d is %d characters long: %s", i+1, n, line)
		}
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, ok := strings.Cut(string(readme), "<!-- demo -->\n```text\n")
	shown, _, end := strings.Cut(shown, "```\n")
	if !ok || !end {
		t.Fatal("README shows no part of the demo")
	}
	for line := range strings.Lines(shown) {
		if !strings.Contains(out.String(), strings.TrimSpace(line)) {
			t.Errorf("README shows a line the demo does not print: %s", line)
		}
	}
}
