//go:build ignore

// Webhooks selects example payloads out of GitHub's published ones: for the
// events (or event.action) named on the command line the smallest example of each
// action, for every other event its smallest example, each in a file
// <event>.<action>.json.
//
//	go run webhooks.go -examples api.github.com/index.json -out ../webhooks push pull_request.opened …
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	log.SetFlags(0)
	examplesFile := flag.String("examples", "", "api.github.com/index.json of @octokit/webhooks-examples")
	out := flag.String("out", "", "directory to write to")
	flag.Parse()
	text, err := os.ReadFile(*examplesFile)
	if err != nil {
		log.Fatal(err)
	}
	var events []struct {
		Name     string
		Examples []map[string]any
	}
	if err := json.Unmarshal(text, &events); err != nil {
		log.Fatalf("read %s: %v", *examplesFile, err)
	}
	for _, event := range events {
		for name, data := range choose(event.Name, event.Examples, flag.Args()) {
			if err := os.WriteFile(filepath.Join(*out, name+".json"), data, 0o644); err != nil {
				log.Fatal(err)
			}
		}
	}
}

// choose returns the smallest example of each action asked for, or the smallest
// of the event when none is.
func choose(event string, examples []map[string]any, asked []string) map[string][]byte {
	chosen := map[string][]byte{}
	smallest, least := "", []byte(nil)
	for _, example := range examples {
		data, err := json.Marshal(example)
		if err != nil {
			log.Fatal(err)
		}
		data = append(data, '\n')
		name := event
		if action, ok := example["action"].(string); ok {
			name += "." + action
		}
		if least == nil || len(data) < len(least) {
			smallest, least = name, data
		}
		old, seen := chosen[name]
		if (slices.Contains(asked, name) || slices.Contains(asked, event)) && (!seen || len(data) < len(old)) {
			chosen[name] = data
		}
	}
	if len(chosen) == 0 {
		chosen[smallest] = least
	}
	return chosen
}
