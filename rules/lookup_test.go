package rules

import (
	"encoding/json"
	"path"
	"strings"
	"testing"
	"time"
)

// FuzzRollbackTo: whatever stands in rollback.to, what is accepted is no option, leads
// nowhere out of the tree and has no syntax of git's, asks for one thing, and is read back
// as it is.
func FuzzRollbackTo(f *testing.F) {
	for _, to := range []string{"v1", "revert", "Revert", "9f3c2ab", "9F3C2AB3333333333333333333333333333333CC", "3.4.0", "3.4.0-rc.1+b2", "prompts@v1", "prompts/@v1",
		"prompts/refund.md@9f3c2ab", "a@b@c", "@", "@v1", "v1@", "--upload-pack=x", "-n", "-n@v1", "prompts@-n", "../x@abc", "a/../b@abc", "a/..@abc", "..", ".", "./x@v1",
		"/etc/passwd@abc", ".git/config@abc", "//x@v1", "a//b@v1", "main~1", "main^", "v1^{}", "@{-1}", "a..b", "a:b", "$(x)", "`x`", "a\x00b", "a\nb", "a\rb", "\ufeffv1",
		" v1 ", "v1\u202e", "caf\u00e9", "\xff", "n/a", "- [ ] revert", strings.Repeat("a", 300), strings.Repeat("0", 64), "1e5", "0x1f", "on", "~", "null", ""} {
		f.Add(to)
	}
	f.Fuzz(func(t *testing.T, to string) {
		LookFor(to) // whoever calls it with what was not read
		for _, text := range []string{"change:\n  rollback:\n    to: " + to + "\n", "change: {rollback: {to: " + yamlString(to) + "}}\n"} {
			q, problems := ReadRequest([]RequestText{{Line: 1, Text: text}}, time.UTC)
			if (q == nil) == (problems == nil) {
				t.Fatal("request and problems, or neither")
			}
			if q == nil || q.Rollback == nil || q.Rollback.To == "" {
				continue
			}
			pointsInside(t, q.Rollback.To)
			again := RollbackTarget([]RequestText{{Line: 1, Text: "change:\n  rollback:\n    to: " + yamlString(q.Rollback.To) + "\n"}})
			if again != q.Rollback.To {
				t.Errorf("%q is read back as %q", q.Rollback.To, again)
			}
		}
	})
}

// pointsInside holds a target that was accepted to what every reader of it relies on.
func pointsInside(t *testing.T, to string) {
	t.Helper()
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-"
	l := LookFor(to)
	for _, part := range []string{l.Path, l.Name} {
		switch {
		case strings.Trim(part, plain) != "" || strings.Contains(part, "@"):
			t.Errorf("%q: %q has other characters", to, part)
		case strings.HasPrefix(part, "-") || strings.HasPrefix(part, "/") || strings.Contains(part, ".."):
			t.Errorf("%q: %q looks like an option or leads out of the tree", to, part)
		case path.Join("tree", part) != "tree" && !strings.HasPrefix(path.Join("tree", part), "tree/"):
			t.Errorf("%q: %q is %q in a tree", to, part, path.Join("tree", part))
		}
	}
	switch {
	case l.Revert != (to == FormRevert) || l.Revert && l != (Lookup{Revert: true}):
		t.Errorf("%q: %+v", to, l)
	case !l.Revert && l.Name == "", strings.Contains(to, "@") != (l.Path != ""):
		t.Errorf("%q: %+v", to, l)
	case l.ID != "" && (l.ID != strings.ToLower(l.Name) || len(l.ID) < 7 || strings.Trim(l.ID, "0123456789abcdef") != ""):
		t.Errorf("%q: id %q", to, l.ID)
	case len(to) > 301:
		t.Errorf("%d bytes are accepted", len(to))
	}
}

// yamlString is a text as JSON and YAML quote it.
func yamlString(s string) string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(data)
}
