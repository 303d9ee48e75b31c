package evidence_test

import (
	"encoding/json"
	"strings"
	"testing"

	"changegate/bot/evidence"

	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   any
		want string // or, beginning with !, words of the error
	}{
		{map[string]any{"b": 1, "a": []int{3, -2}}, `{"a":[3,-2],"b":1}`},
		{"<&>\u2028é", "\"<&>\u2028é\""},
		{`\ufffd`, `"\\ufffd"`},
		{"\ufffd", "\"\ufffd\""},
		{`"-1.5e9, {`, `"\"-1.5e9, {"`},
		{int64(1<<53 - 1), "9007199254740991"},
		{int64(-1<<53 + 1), "-9007199254740991"},
		{int64(1 << 53), "!9007199254740992 is not an integer within 2^53-1"},
		{int64(-1 << 53), "!-9007199254740992 is not"},
		{1.5, "!1.5 is not an integer"},
		{[]any{"x", uint64(1 << 63)}, "!9223372036854775808 is not"},
		{"a\xffb", "!not UTF-8"},
		{map[string]string{"\xff": ""}, "!not UTF-8"},
		{`\` + "\xff", "!not UTF-8"},
	} {
		got, err := evidence.Canonical(c.in)
		if words, bad := strings.CutPrefix(c.want, "!"); bad {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("canonical(%#v) = %s, %v; want %q", c.in, got, err, words)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("canonical(%#v) = %s, %v; want %s", c.in, got, err, c.want)
		}
	}
}

// What is accepted comes back as it went in.
func TestCanonicalKeepsText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SliceOf(rapid.String()).Draw(rt, "texts")
		data, err := evidence.Canonical(in)
		if err != nil {
			rt.Fatal(err)
		}
		var out []string
		if err := json.Unmarshal(data, &out); err != nil {
			rt.Fatal(err)
		}
		if strings.Join(in, "\x00") != strings.Join(out, "\x00") {
			rt.Errorf("%q came back as %q", in, out)
		}
	})
}
