package checks

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func rebuild(edits []edit, side byte) string {
	var b strings.Builder
	for _, e := range edits {
		if e.op == ' ' || e.op == side {
			b.WriteString(e.text)
		}
	}
	return b.String()
}

// checkRebuild fails unless the edits give back both texts byte for byte.
func checkRebuild(t interface{ Fatalf(string, ...any) }, old, new string) {
	d := &differ{pairs: maxPairs}
	edits := d.words(old, new)
	if got := rebuild(edits, '-'); got != old {
		t.Fatalf("old side of %q -> %q is %q", old, new, got)
	}
	if got := rebuild(edits, '+'); got != new {
		t.Fatalf("new side of %q -> %q is %q", old, new, got)
	}
	for _, e := range edits {
		if e.op != ' ' && old == new {
			t.Fatalf("%q differs from itself: %q", old, edits)
		}
	}
}

func FuzzWordDiff(f *testing.F) {
	f.Add("never refund more than 200 EUR", "never refund more than 500 EUR")
	f.Add("\xff\xfe", "\xff\xfd")
	f.Add("", "a\n")
	f.Add("漢字かな", "漢字カナ")
	f.Add("a\u0301 b", "a b")
	f.Fuzz(func(t *testing.T, old, new string) { checkRebuild(t, old, new) })
}

func TestWordDiffRebuildsBothSides(t *testing.T) {
	t.Parallel()
	piece := rapid.OneOf(rapid.StringN(0, 6, -1), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 4), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"a", "b", " ", "\n", ".", "\ufffd", "\xff", "word"}))
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(piece, 0, 30)
		checkRebuild(t, strings.Join(pieces.Draw(t, "old"), ""), strings.Join(pieces.Draw(t, "new"), ""))
	})
}

// The library compares texts as runes, where every broken byte is U+FFFD: a file
// could change and show as unchanged.
func TestWordDiffTellsBrokenBytesApart(t *testing.T) {
	t.Parallel()
	d := &differ{pairs: maxPairs}
	want := []edit{{' ', "a \xff"}, {'-', "\xfe"}, {'+', "\xfd"}}
	if diff := cmp.Diff(want, d.words("a \xff\xfe", "a \xff\xfd"), cmp.AllowUnexported(edit{})); diff != "" {
		t.Error(diff)
	}
}

func TestWordDiffGivesUpOnSizeNotTime(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("a b ", maxTokens)
	for name, c := range map[string]struct {
		pairs    int
		old, new string
	}{
		"too many tokens":   {maxPairs, big, big + "c"},
		"allowance used up": {3, "a b c", "a b d"},
	} {
		d := &differ{pairs: c.pairs}
		want := []edit{{'-', c.old}, {'+', c.new}}
		if diff := cmp.Diff(want, d.words(c.old, c.new), cmp.AllowUnexported(edit{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestInterningSkipsRunesThatDoNotSurvive(t *testing.T) {
	t.Parallel()
	// Enough distinct tokens to cross the surrogates; only a few differ, so that
	// the comparison itself is short.
	var a []string
	for i := range 0xE000 {
		a = append(a, fmt.Sprint(i))
	}
	b := append([]string(nil), a...)
	b[0xD7FF-0x100+1] = "other"
	var old, new strings.Builder
	for _, e := range compare(a, b) {
		if e.op != '+' {
			old.WriteString(e.text)
		}
		if e.op != '-' {
			new.WriteString(e.text)
		}
	}
	if old.String() != strings.Join(a, "") || new.String() != strings.Join(b, "") {
		t.Error("tokens beyond U+D7FF were lost")
	}
}

func TestCountWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"": 0, " .,": 0, "two words": 2, "don't": 2, "漢字": 2, "漢abc": 2, "a_b-c": 2, "\xffa": 1} {
		if got := countWords(in); got != want {
			t.Errorf("countWords(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestFileDiff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patch, body string
		ins, del    int
		part        bool
	}{
		"words": {patch: "@@ -1,3 +1,3 @@\n a\n-Refund up to 200 EUR.\n+Refund up to 500 EUR.\n b",
			body: "@@ -1,3 +1,3 @@\n a\n-Refund up to [-200-] EUR.\n+Refund up to {+500+} EUR.\n b\n", ins: 1, del: 1},
		"one replacement, not two": {patch: "@@ -1 +1 @@\n-keep it short\n+keep that brief",
			body: "@@ -1 +1 @@\n-keep [-it short-]\n+keep {+that brief+}\n", ins: 2, del: 2},
		"added": {patch: "@@ -0,0 +1,2 @@\n+one two\n+three", body: "@@ -0,0 +1,2 @@\n+one two\n+three\n", ins: 3},
		"deleted": {patch: "@@ -1,1 +0,0 @@\n-one two\n\\ No newline at end of file",
			body: "@@ -1,1 +0,0 @@\n-one two\n\\ No newline at end of file\n", del: 2},
		"only the last line end": {patch: "@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+one",
			body: "@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+one\n"},
		"only the carriage return": {patch: "@@ -1 +1 @@\n-one two\n+one two\r",
			body: "@@ -1 +1 @@\n-one two\n+one two{+U+000D+}\n"},
		"hidden character": {patch: "@@ -1 +1 @@\n-be nice\n+be \u202enice",
			body: "@@ -1 +1 @@\n-be nice\n+be {+U+202E+}nice\n"},
		"forged marks": {patch: "@@ -1 +1 @@\n-be [-not-] {+so+}\n+be [-not-] {+so+} nice",
			body: "@@ -1 +1 @@\n-be [\\-not-\\] {\\+so+\\}\n+be [\\-not-\\] {\\+so+\\}{+ nice+}\n", ins: 1},
		"content like a header": {patch: "@@ -1,2 +1,2 @@\n-a\n+@@ -9 +9 @@\n @@ -1 +1 @@", body: "@@ -1,2 +1,2 @@\n-a\n+@@ -9 +9 @@\n @@ -1 +1 @@\n", ins: 2, del: 1},
		"cut short":             {patch: "@@ -1,5 +1,5 @@\n a\n-b", body: "@@ -1,5 +1,5 @@\n a\n-b\n", del: 1, part: true},
		"too long":              {patch: "@@ -1 +1 @@\n-a\n+b\n+c", body: "@@ -1 +1 @@\n-a\n+b\n", ins: 1, del: 1, part: true},
		"no diff":               {patch: "Binary files differ", part: true},
		"huge counts": {patch: "@@ -1,99999999999999999999 +1 @@\n-a", body: "@@ -1,99999999999999999999 +1 @@\n",
			part: true},
	} {
		d := &differ{pairs: maxPairs}
		want := fileDiff{body: c.body, ins: c.ins, del: c.del, whole: !c.part}
		if diff := cmp.Diff(want, d.file(c.patch), cmp.AllowUnexported(fileDiff{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Without its marks the word diff of a patch is the patch.
func TestFileDiffIsThePatchWithMarks(t *testing.T) {
	t.Parallel()
	line := rapid.StringMatching(`([abc]{1,3}[ ,.]){0,6}`)
	marks := strings.NewReplacer("[-", "", "-]", "", "{+", "", "+}", "")
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		old, new := 0, 0
		for range rapid.IntRange(1, 4).Draw(t, "blocks") {
			for _, op := range []string{" ", "-", "+"} {
				for _, l := range rapid.SliceOfN(line, 1, 3).Draw(t, "lines") {
					fmt.Fprintf(&b, "%s%s\n", op, l)
					old, new = old+count(op != "+"), new+count(op != "-")
				}
			}
		}
		patch := fmt.Sprintf("@@ -1,%d +1,%d @@\n%s", old, new, b.String())
		d := &differ{pairs: maxPairs}
		got := d.file(patch)
		if !got.whole || marks.Replace(got.body) != patch {
			t.Fatalf("patch\n%s\nbecame\n%s", patch, got.body)
		}
	})
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A full rewrite at the limit is the worst case of one block.
func BenchmarkWordDiffRewrite(b *testing.B) {
	var old, new strings.Builder
	for i := range maxTokens / 2 {
		fmt.Fprintf(&old, "a%d ", i)
		fmt.Fprintf(&new, "b%d ", i*7)
	}
	for b.Loop() {
		d := &differ{pairs: maxPairs}
		d.words(old.String(), new.String())
	}
}
