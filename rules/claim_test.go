package rules

import (
	"strings"
	"testing"
	"time"
)

// What a manifest is written with beside its version is its agent's own business.
func TestClaim(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"JSON with a surrogate pair":      `{"version": "3.4.0", "greeting": "\ud83d\ude00"}`,
		"JSON with half of one":           `{"greeting": "\ud83d", "version": "3.4.0"}`,
		"JSON in one line":                `{"name":"x","version":"3.4.0","a":{"version":"9.9.9"},"b":[{"version":1}]}`,
		"JSON with an escaped key":        `{"name":"x","\u0076ersion":"3.4.0"}`,
		"JSON with a line separator":      "{\"version\": \"3.4.0\", \"a\": \"x\u0085y\u2028z\"}",
		"JSON with a byte order mark":     "\ufeff{\"version\": \"3.4.0\"}",
		"JSON of 100 levels":              `{"version": "3.4.0", "a": ` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}",
		"JSON of 60,000 marks":            `{"version": "3.4.0", "a": [` + strings.Repeat("1,", 60_000) + "1]}",
		"flow YAML":                       "{version: 3.4.0, a: &x 1, b: *x}",
		"anchors":                         "version: 3.4.0\nx: &d {a: 1}\ny: {<<: *d}\nz: *d\n",
		"an anchor at the root":           "&all\nversion: 3.4.0\n",
		"a bomb that nobody expands":      "version: 3.4.0\na: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
		"tags":                            "version: 3.4.0\nsecret: !Ref Foo\nprompt: !include prompt.md\ntools: !!set {a}\n",
		"a directive":                     "%YAML 1.2\n---\nversion: 3.4.0\n",
		"a directive after a comment":     "# 100 %\n\n%YAML 1.1\r\n---\r\nversion: 3.4.0\r\n",
		"60 levels":                       "version: 3.4.0\na: " + strings.Repeat("[", 60) + strings.Repeat("]", 60) + "\n",
		"keys twice elsewhere":            "version: 3.4.0\ntools: {a: 1, a: 2}\nname: x\nname: y\n",
		"a key that is a list":            "? [version, 9.9.9]\n: 1\nversion: 3.4.0\n",
		"another key with an anchor":      "&n name: x\nversion: 3.4.0\n",
		"a quoted key that merges nobody": "\"<<\": {version: 9.9.9}\nversion: 3.4.0\n",
	} {
		if c := readClaim([]byte(text)); c.version != "3.4.0" || c.at == nil || len(c.wrong) > 0 {
			t.Errorf("%s: version %q: %+v", name, c.version, c.wrong)
		}
	}
}

// Where it is not clear which version is meant the manifest is refused, with what to write.
func TestClaimRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, says string
		line       int
	}{
		"twice in one line of JSON":   {`{"name":"x","version":"1.0.0","version":"9.0.0"}`, "`version` is written twice", 1},
		"twice, once escaped":         {"{\"version\": \"1.0.0\",\n \"\\u0076ersion\": \"9.0.0\"}", "`version` is written twice", 2},
		"replaces twice":              {"{\"version\": \"1.0.0\",\n\"replaces\": \"0.9.0\",\n\"replaces\": \"0.8.0\"}", "`replaces` is written twice", 3},
		"JSON with a comment":         {"{\n // c\n \"version\": \"1.0.0\"\n}", "JSON has no comments", 2},
		"and in one line":             {`{"name":"x",/* c */"version":"1.0.0"}`, "", 1},
		"JSON that ends early":        {"{\"name\":\"x\",\n\"version\":\"1.0.0\"\n", "", 3},
		"twice in YAML":               {"version: 1.0.0\n\"version\": 2.0.0\n", "written twice", 2},
		"two documents":               {"version: 1.0.0\n---\nversion: 2.0.0\n", "multiple", 1},
		"an anchor on it":             {"version: &v 1.0.0\n", "anchors and aliases", 1},
		"an alias":                    {"a: &v 1.0.0\nversion: *v\n", "anchors and aliases", 2},
		"a key by an alias":           {"a: &v version\n*v : 1.0.0\n", "anchors and aliases", 2},
		"a tag on it":                 {"version: !!str 1.0.0\n", "tag `!!str`", 1},
		"a tag on the key":            {"!!str version: 1.0.0\n", "tag `!!str`", 1},
		"a tag on the whole":          {"!Agent\nversion: 1.0.0\n", "tag `!Agent`", 1},
		"merged in":                   {"a: &d {version: 2.0.0}\n<<: *d\n", "`<<` at the top level", 2},
		"a surrogate pair in YAML":    {"version: 1.0.0\na: \"\\ud83d\\ude00\"\n", "escape code", 2},
		"a line break nobody sees":    {"a: 1 # \u2028\nversion: 1.0.0\n", "line break", 0},
		"and one more version of its": {"version: 1.0.0\nreplaces: 0.9.0\nreplaces: 0.8.0\n", "`replaces` is written twice", 3},
	} {
		c := readClaim([]byte(tt.text))
		if !c.vague || c.version != "" || c.replaces != "" || len(c.wrong) == 0 {
			t.Errorf("%s: version %q, vague %v: %+v", name, c.version, c.vague, c.wrong)
			continue
		}
		if p := c.wrong[0]; !strings.Contains(p.Says, tt.says) || p.Line != tt.line || p.Fix == "" {
			t.Errorf("%s: line %d: %s (%s)", name, p.Line, p.Says, p.Fix)
		}
	}
}

// A text that nobody can read for a version, and that looks like none, is no manifest.
func TestClaimOfNoManifest(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{{ if .Values.a }}\nlabels:\n      version: 1\n{{ end }}", "{ // tools\n \"api-version\": 1}", "[version]", "apiVersion: &v v1\nkind: x", "!Agent {a: 1}\n---\n", "\"version\"", "null"} {
		if c := readClaim([]byte(text)); c.vague || c.version != "" {
			t.Errorf("%q: %+v", text, c)
		}
	}
}

// A manifest of the largest size is read in a moment, however it is made.
func TestClaimOfMuch(t *testing.T) {
	t.Parallel()
	full := func(head, s, tail string) string {
		return head + strings.Repeat(s, (MaxManifest-len(head)-len(tail))/len(s)) + tail
	}
	for name, text := range map[string]string{
		"versions":  full(`{"a":1`, `,"version":1`, "}"),
		"levels":    full(`{"a":`, "[", ""),
		"keys":      full(`{"version":"1.0.0"`, `,"k":1`, "}"),
		"lines":     full("{\n", "\n", `"version":"1.0.0"}`),
		"backslash": full(`{"a":"`, `\\`, `","version":"1.0.0"}`),
		"directive": full("", "\n", "%YAML 1.2\n--- {}"),
	} {
		at := time.Now()

		readClaim([]byte(text))
		if d := time.Since(at); d > 2*time.Second {
			t.Errorf("%s: %v", name, d)
		}
	}
}
