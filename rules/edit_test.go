package rules

import (
	"strings"
	"testing"
)

const (
	monday = "2026-11-30 09:00 Europe/Berlin"
	fenced = "```yaml\nchange:\n  why: x\n```\n"
)

// The key is replaced or added, and nothing else: each pair is before and after.
func TestSetEffectiveAt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ body, want string }{
		"replaced":               {"```yaml\nchange:\n  why: x\n  effective_at: on-merge\n```\n", "```yaml\nchange:\n  why: x\n  effective_at: VALUE\n```\n"},
		"comments and blanks":    {"a  \n```yaml  \nchange:  # c\n  why: x  \n  effective_at:   on-merge   # `on-merge`\t\n```  \nb\t", "a  \n```yaml  \nchange:  # c\n  why: x  \n  effective_at:   VALUE   # `on-merge`\t\n```  \nb\t"},
		"quoted":                 {"```yml\nchange:\n  why: x\n  'effective_at': \"2026-11-29T09:00Z\" # \"\"\n```\n", "```yml\nchange:\n  why: x\n  'effective_at': \"VALUE\" # \"\"\n```\n"},
		"single quotes":          {"```yaml\n'change':\n  effective_at: 'on-merge'\n```\n", "```yaml\n'change':\n  effective_at: 'VALUE'\n```\n"},
		"empty":                  {"```yaml\nchange:\n  effective_at:  # when\n  why: x\n```\n", "```yaml\nchange:\n  effective_at: VALUE  # when\n  why: x\n```\n"},
		"empty, quoted":          {"```yaml\nchange:\n  effective_at: '' # ''\n  why: x\n```\n", "```yaml\nchange:\n  effective_at: 'VALUE' # ''\n  why: x\n```\n"},
		"nothing":                {"```yaml\nchange:\n  effective_at: ~\n  why: x\n```\n", "```yaml\nchange:\n  effective_at: VALUE\n  why: x\n```\n"},
		"on the next line":       {"```yaml\nchange:\n  effective_at:\n    on-merge\n  why: x\n```\n", "```yaml\nchange:\n  effective_at:\n    VALUE\n  why: x\n```\n"},
		"a date that is refused": {"```yaml\nchange:\n  why: x\n  effective_at: 2026-11-30\n```\n", "```yaml\nchange:\n  why: x\n  effective_at: VALUE\n```\n"},
		"in braces":              {"```yaml\nchange: {why: \"ü\", effective_at: on-merge, ticket: 1}\n```\n", "```yaml\nchange: {why: \"ü\", effective_at: VALUE, ticket: 1}\n```\n"},
		"carriage returns":       {"Hi\r\n```yaml\r\nchange:\r\n  why: x\r\n  effective_at: on-merge\r\n```\r\n", "Hi\r\n```yaml\r\nchange:\r\n  why: x\r\n  effective_at: VALUE\r\n```\r\n"},
		"indented fence":         {"  ```yaml\n  change:\n    effective_at: on-merge\n  ```\n", "  ```yaml\n  change:\n    effective_at: VALUE\n  ```\n"},
		"longer fence":           {"````yaml\nchange:\n  why: |\n    ```yaml\n    change:\n      effective_at: on-merge\n    ```\n  effective_at: on-merge\n````\n", "````yaml\nchange:\n  why: |\n    ```yaml\n    change:\n      effective_at: on-merge\n    ```\n  effective_at: VALUE\n````\n"},
		"examples elsewhere":     {"<!--\n```yaml\nchange:\n  effective_at: on-merge\n```\n-->\n> ```yaml\n> change:\n>   effective_at: on-merge\n> ```\n\n" + fenced, "<!--\n```yaml\nchange:\n  effective_at: on-merge\n```\n-->\n> ```yaml\n> change:\n>   effective_at: on-merge\n> ```\n\n```yaml\nchange:\n  why: x\n  effective_at: VALUE\n```\n"},
		"never closed":           {"```yaml\nchange:\n  why: x", "```yaml\nchange:\n  why: x\n  effective_at: VALUE"},

		"added":                    {fenced, "```yaml\nchange:\n  why: x\n  effective_at: VALUE\n```\n"},
		"added, carriage returns":  {"```yaml\r\nchange:\r\n  why: x\r\n```", "```yaml\r\nchange:\r\n  why: x\r\n  effective_at: VALUE\r\n```"},
		"added, lone returns":      {"```yaml\rchange:\r  why: x\r```", "```yaml\rchange:\r  why: x\r  effective_at: VALUE\r```"},
		"added before rollback":    {"```yaml\nchange:\n    why: x\n\n    # the way back\n    rollback:\n        to: revert\n```\n", "```yaml\nchange:\n    why: x\n    effective_at: VALUE\n\n    # the way back\n    rollback:\n        to: revert\n```\n"},
		"added after a text":       {"```yaml\nchange:\n  why: |\n    x\n\n    # no comment\n  ticket: 1\n```\n", "```yaml\nchange:\n  why: |\n    x\n\n    # no comment\n  effective_at: VALUE\n  ticket: 1\n```\n"},
		"added after nested":       {"```yaml\nchange:\n  rollback:\n    to: v1\n  why: x # y\n\n\n```\n", "```yaml\nchange:\n  rollback:\n    to: v1\n  why: x # y\n  effective_at: VALUE\n\n\n```\n"},
		"added at once":            {"```yaml\nchange: # c\n```\n", "```yaml\nchange: # c\n  effective_at: VALUE\n```\n"},
		"added in an indented one": {"   ```yaml\n   change:\n     why: x\n   ```\n", "   ```yaml\n   change:\n     why: x\n     effective_at: VALUE\n   ```\n"},
	} {
		for _, value := range []string{monday, OnMerge, "2026-11-30T09:00:00.5+01:00"} {
			got, wrong, fix := SetEffectiveAt(tt.body, value)
			if want := strings.ReplaceAll(tt.want, "VALUE", value); got != want || wrong != "" || fix != "" {
				t.Errorf("%s: %s (%s)\n got %q\nwant %q", name, wrong, fix, got, want)
			}
			if again, _, _ := SetEffectiveAt(got, value); again != got {
				t.Errorf("%s: once more it is %q", name, again)
			}
		}
	}
}

func TestSetEffectiveAtRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, value, wrong, fix string }{
		{fenced, "2026-11-30 09:00", "`2026-11-30 09:00` has no time zone", "`2026-11-30T09:00Z` or add a zone such as `UTC`"},
		{fenced, "", "(empty) is not a time", "for example `2026-11-30T09:00+01:00`, `2026-11-30 09:00 Europe/Berlin` or `on-merge`"},
		{fenced, monday + "\n  ticket: 2", "`2026-11-30 09:00 Europe/Berlin   ticket: 2` is not a time", "for example `2026-11-30T09:00+01:00`, `2026-11-30 09:00 Europe/Berlin` or `on-merge`"},
		{"", monday, "the description has no change request", "add one: a fenced yaml block with `change:`"},
		{"> " + strings.ReplaceAll(fenced, "\n", "\n> "), monday, "the description has no change request", "add one: a fenced yaml block with `change:`"},
		{fenced + fenced, monday, "the description has 2 change requests", "keep one"},
		{"```yaml\nchange:\n  wy: x\n```\n", monday, "line 3: `wy` is not a key of change", "`why`"},
		{"```yaml\nchange: [\n```\n", monday, "line 3: did not find expected node content", "valid YAML"},
		{"```yaml\nchange: {why: x}\n```\n", monday, "`effective_at` cannot be written without changing more of the description", "write `effective_at: " + monday + "` there by hand"},
		{"```yaml\nchange:\n  effective_at: |\n    on-merge\n```\n", monday, "`effective_at` cannot be written without changing more of the description", "write `effective_at: " + monday + "` there by hand"},
		{"```yaml\nchange:\n  effective_at: 2026-11-30\n    09:00 Europe/Berlin\n```\n", monday, "`effective_at` cannot be written without changing more of the description", "write `effective_at: " + monday + "` there by hand"},
		{"```yaml\nchange: ~\n```\n", monday, "`effective_at` cannot be written without changing more of the description", "write `effective_at: " + monday + "` there by hand"},
		{fenced + strings.Repeat("é", maxCharacters-len(fenced)), monday, "`effective_at` cannot be written without changing more of the description", "write `effective_at: " + monday + "` there by hand"},
	} {
		if out, wrong, fix := SetEffectiveAt(tt.body, tt.value); out != "" || wrong != tt.wrong || fix != tt.fix {
			t.Errorf("%.80q\n got %q: %s. Fix: %s\nwant %s. Fix: %s", tt.body, out, wrong, fix, tt.wrong, tt.fix)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	const (
		why  = "why: # one sentence: what changes, and for what reason"
		date = "effective_at: # on-merge, or a time such as 2026-11-30 09:00 Europe/Berlin"
		to   = "to: # a commit or tag on the base branch, path@commit, or revert"
		how  = "how: # what whoever is on call does"
	)
	for name, tt := range map[string]struct{ body, keys, want string }{
		"nothing asked":        {"text", "", "text"},
		"nothing lacks":        {fenced, "why", fenced},
		"left empty":           {"```yaml\nchange:\n  why:\n```\n", "why", "```yaml\nchange:\n  why:\n```\n"},
		"a whole one":          {"", "why effective_at rollback.to", "```yaml\nchange:\n  " + why + "\n  " + date + "\n  rollback:\n    " + to + "\n```\n"},
		"at the end":           {"Text.", "why", "Text.\n\n```yaml\nchange:\n  " + why + "\n```\n"},
		"behind a line":        {"Text.\r\n", "why", "Text.\r\n\r\n```yaml\r\nchange:\r\n  " + why + "\r\n```\r\n"},
		"end inside a comment": {"Text.\n<!-- never closed", "why", "```yaml\nchange:\n  " + why + "\n```\n\nText.\n<!-- never closed"},
		"end inside a fence":   {"````\nText.\n", "why", "```yaml\nchange:\n  " + why + "\n```\n\n````\nText.\n"},
		"in order":             {"```yaml\nchange:\n  ticket: 1\n```\n", "rollback.to why", "```yaml\nchange:\n  " + why + "\n  rollback:\n    " + to + "\n  ticket: 1\n```\n"},
		"an empty rollback":    {"```yaml\nchange:\n  why: x\n  rollback: # y\n  ticket: 1\n```\n", "rollback.to", "```yaml\nchange:\n  why: x\n  rollback: # y\n    " + to + "\n  ticket: 1\n```\n"},
		"into a rollback":      {"```yaml\nchange:\n  rollback:\n   owner: dev1 # z\n\n  # t\n  ticket: 1\n```\n", "rollback.how rollback.to", "```yaml\nchange:\n  rollback:\n   " + to + "\n   " + how + "\n   owner: dev1 # z\n\n  # t\n  ticket: 1\n```\n"},
		"at its end":           {"```yaml\nchange:\n  rollback:\n   to: v1\n\n  # t\n  ticket: 1\n```\n", "rollback.how", "```yaml\nchange:\n  rollback:\n   to: v1\n   " + how + "\n\n  # t\n  ticket: 1\n```\n"},
	} {
		got, wrong, fix := Complete(tt.body, strings.Fields(tt.keys))
		if got != tt.want || wrong != "" || fix != "" {
			t.Errorf("%s: %s (%s)\n got %q\nwant %q", name, wrong, fix, got, tt.want)
		}
	}
	for name, tt := range map[string]struct{ body, wrong, fix string }{
		"unreadable": {"```yaml\nchange:\n  why: [x]\n```\n", "line 3: why is a list", "a single value"},
		"two":        {fenced + fenced, "the description has 2 change requests", "keep one"},
		"in braces":  {"```yaml\nchange: {why: x}\n```\n", "`ticket` cannot be added without changing more of the description", "write it there by hand"},
		"too long":   {strings.Repeat("x", maxCharacters-5), "a change request cannot be added to this description", "write one there by hand"},
	} {
		if out, wrong, fix := Complete(tt.body, []string{"ticket"}); out != "" || wrong != tt.wrong || fix != tt.fix {
			t.Errorf("%s: %q: %s. Fix: %s", name, out, wrong, fix)
		}
	}
}
