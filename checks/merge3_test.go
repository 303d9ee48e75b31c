package checks

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"changegate/rules"

	"github.com/google/go-cmp/cmp"
)

// mergeFile is `git merge-file -p`.
func mergeFile(t testing.TB, base, ours, theirs string) (merged string, clean bool) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"merge-file", "-p", "-q"}
	for _, f := range []struct{ name, data string }{{"ours", ours}, {"base", base}, {"theirs", theirs}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, []byte(f.data), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.Command("git", args...).Output()
	var exit *exec.ExitError
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("this test compares with git: install it")
	}
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() > 127) {
		t.Fatalf("git merge-file: %v", err)
	}
	return string(out), err == nil
}

func TestMerge3(t *testing.T) {
	t.Parallel()
	const conflict = "\x00conflict"
	for _, tt := range []struct{ name, base, ours, theirs, want string }{
		{"nothing changed", "a\n", "a\n", "a\n", "a\n"},
		{"all empty", "", "", "", ""},
		{"only ours", "a\n", "b\n", "a\n", "b\n"},
		{"only theirs", "a\n", "a\n", "b\n", "b\n"},
		{"both the same", "a\nb\nc\n", "a\nX\nc\n", "a\nX\nc\n", "a\nX\nc\n"},
		{"far apart", "a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\n", "A\nb\nc\nD\n"},
		{"one line between", "a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"},
		{"next to each other", "a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n", conflict},
		{"the same line", "a\nb\nc\n", "a\n1\nc\n", "a\n2\nc\n", conflict},
		{"the same change and one more", "a\nb\nc\nd\n", "a\nX\nc\nd\n", "a\nX\nc\nD\n", "a\nX\nc\nD\n"},
		{"the same change, one longer", "a\nb\nc\n", "a\nX\nc\n", "a\nX\nY\nc\n", conflict},
		{"deleted beside a change", "a\nb\nc\n", "a\nc\n", "a\nb\nC\n", conflict},
		{"deleted and a line between", "a\nb\nc\nd\n", "b\nc\nd\n", "a\nb\nC\nd\n", "b\nC\nd\n"},
		{"both insert at one place", "a\nb\n", "a\n1\nb\n", "a\n2\nb\n", conflict},
		{"both insert at the end", "a\n", "a\n1\n", "a\n2\n", conflict},
		{"emptied, changed", "a\nb\n", "", "a\nB\n", conflict},
		{"emptied by both", "a\nb\n", "", "", ""},
		{"added by both, differently", "", "a\n", "b\n", conflict},
		{"line feed of the last line taken away", "a\nb\nc\n", "a\nb\nc", "A\nb\nc\n", "A\nb\nc"},
		{"line feed of the last line added", "a\nb\nc", "a\nb\nc\n", "A\nb\nc", "A\nb\nc\n"},
		{"appended where there was no line feed", "a\nb", "a\nb\nc\n", "a\nb\nd\n", conflict},
		{"no line feed on one side, appended on the other", "a\nb\nc\n", "a\nb\nc", "a\nb\nc\nd\n", conflict},
		{"carriage returns are bytes", "a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nC\r\n"},
		{"all line ends changed", "a\nb\nc\n", "a\r\nb\r\nc\r\n", "a\nB\nc\n", conflict},
		{"one line end changed", "a\nb\nc\nd\n", "a\r\nb\nc\nd\n", "a\nb\nc\nD\n", "a\r\nb\nc\nD\n"},
		{"a lone carriage return ends no line", "a\rb\nc\nd\n", "a\rB\nc\nd\n", "a\rb\nc\nD\n", "a\rB\nc\nD\n"},
		{"blank lines", "\n\n\n\n", "\n\n\n", "\n\n\n\n\n", conflict},
		{"one of many equal lines deleted, another text appended", "x\nx\nx\ny\nz\n", "x\nx\ny\nz\n", "x\nx\nx\ny\nZ\n", "x\nx\ny\nZ\n"},
		{"a block doubled", "a\n{\n}\nb\n", "a\n{\n}\n{\n}\nb\n", "a\n{\n}\nB\n", conflict},
		{"a block doubled, far from a change", "a\n{\n}\nb\nc\n", "a\n{\n}\n{\n}\nb\nc\n", "a\n{\n}\nb\nC\n", "a\n{\n}\n{\n}\nb\nC\n"},
		{"moved and changed", "a\nb\nc\nd\ne\n", "b\nc\nd\na\ne\n", "A\nb\nc\nd\ne\n", conflict},
		{"no text", "\xff\xfe\nb\nc\n", "\xff\n\nb\nc\n", "\xff\xfe\nb\nC\n", "\xff\n\nb\nC\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			merged, c := merge3([]byte(tt.base), []byte(tt.ours), []byte(tt.theirs))
			got := string(merged)
			if c != nil {
				got = conflict
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("merge3 (-want +got):\n%s", diff)
			}
			git, clean := mergeFile(t, tt.base, tt.ours, tt.theirs)
			if clean != (c == nil) || clean && git != got {
				t.Errorf("git merge-file: clean %t\n%s\nmerge3: %q", clean, git, got)
			}
		})
	}
}

// Where git merge-file and git revert come to two results, neither is taken.
func TestMerge3WhereGitHasTwoAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, base, ours, theirs, histogram, myers string }{
		{"two results", "b\nc\nc\nc\n", "c\nb\nc\nc\n", "b\nc\nc\n", "c\nb\nc\nc\n", "c\nb\nc\n"},
		{"only git merge-file is clean", "b\nc\nc\n", "c\nb\n", "c\n", "", "c\nb\n"},
		{"only git revert is clean", "c\nc\nb\n", "b\nc\nc\n", "b\n", "b\nc\nc\n", ""},
		{"the same in two ways", "a\nc\nc\nc\n", "a\nc\n", "b\na\na\nc\n", "b\na\na\nc\n", "b\na\na\nc\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if git, clean := mergeFile(t, tt.base, tt.ours, tt.theirs); clean != (tt.myers != "") || clean && git != tt.myers {
				t.Errorf("git merge-file: %q, clean %t", git, clean)
			}
			h := gitHistory{landed: oneFile(tt.base), now: oneFile(tt.ours), before: oneFile(tt.theirs)}
			all, want := []gitHistory{h}, ""
			if tt.histogram != "" {
				want = treeOf(oneFile(tt.histogram).entries())
			}
			g := newGit(t)
			g.load(all)
			if g.mergeTrees(all); all[0].gitTree != want {
				t.Errorf("git merge-tree: %q, want %q", all[0].gitTree, want)
			}
			got, c := merge3([]byte(tt.base), []byte(tt.ours), []byte(tt.theirs))
			if agreed := tt.histogram == tt.myers; agreed != (c == nil) || agreed && string(got) != tt.myers {
				t.Errorf("merge3: %q, %v", got, c)
			}
		})
	}
}

func oneFile(text string) gitTree { return gitTree{"f.md": {"100644", text}} }

// What is shown of a conflict: where it is in our text, and the lines of all three.
func TestMerge3ShowsTheConflict(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y\n", 30)
	for _, tt := range []struct {
		name, base, ours, theirs string
		want                     rules.Conflict
	}{
		{"changed again", "a\nb\nc\nd\n", "new\na\nb\nNOW\nd\n", "a\nb\nBEFORE\nd\n", rules.Conflict{Line: 4, Wrote: "c\n", Now: "NOW\n", Before: "BEFORE\n"}},
		{"deleted since", "a\nb\nc\n", "a\nc\n", "a\nB\nc\n", rules.Conflict{Line: 2, Wrote: "b\n", Before: "B\n"}},
		{"at most ten lines", "a\n", "a\n" + long, "a\nz\n", rules.Conflict{Line: 2, Now: long[:20], Before: "z\n"}},
		{"no UTF-8", "a\n", "\xff\n", "b\n", rules.Conflict{Line: 1, Wrote: "a\n", Now: "\uFFFD\n", Before: "b\n"}},
		{"one endless line", "a", strings.Repeat("o", 5000), "b", rules.Conflict{Line: 1, Wrote: "a", Now: strings.Repeat("o", 2000), Before: "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, got := merge3([]byte(tt.base), []byte(tt.ours), []byte(tt.theirs))
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("conflict (-want +got):\n%s", diff)
			}
		})
	}
}

// slowTexts are texts of the size that a merge still reads, made to take long.
func slowTexts() map[string][3][]byte {
	r := rand.New(rand.NewPCG(5, 1))
	repeat := func(s string) []byte { return bytes.Repeat([]byte(s), rules.MaxMerged/len(s)) }
	random := func(alphabet, width int) []byte {
		var b bytes.Buffer
		for b.Len() < rules.MaxMerged-width-1 {
			for range width {
				b.WriteByte(byte('a' + r.IntN(alphabet)))
			}
			b.WriteByte('\n')
		}
		return b.Bytes()
	}
	shuffled := func(data []byte) []byte {
		ls := bytes.SplitAfter(data, []byte("\n"))
		r.Shuffle(len(ls), func(i, j int) { ls[i], ls[j] = ls[j], ls[i] })
		return bytes.Join(ls, nil)
	}
	all := random(26, 12)
	return map[string][3][]byte{
		"one line repeated":             {repeat("a\n"), append([]byte("b\n"), repeat("a\n")...), append(repeat("a\n"), "b\n"...)},
		"one line repeated, few cut":    {repeat("a\n"), repeat("a\n")[:rules.MaxMerged-100], append([]byte("x\n"), repeat("a\n")[:rules.MaxMerged-2000]...)},
		"empty lines":                   {repeat("\n"), append([]byte("b\n"), repeat("\n\n\n\nb\n")...), repeat("\n\n\n\n\n\n\n\nc\n")},
		"two lines in turn":             {repeat("a\nb\n"), repeat("b\na\n"), repeat("a\nb\nb\n")},
		"two lines at random":           {random(2, 1), random(2, 1), random(2, 1)},
		"ten lines at random":           {random(10, 1), random(10, 1), random(10, 1)},
		"a thousand lines at random":    {random(10, 3), random(10, 3), random(10, 3)},
		"nothing in common":             {random(26, 12), random(26, 12), random(26, 12)},
		"the same lines, shuffled":      {all, shuffled(all), shuffled(all)},
		"the same short ones, shuffled": {shuffled(random(26, 3)), shuffled(random(26, 3)), shuffled(random(26, 3))},
		"one line each":                 {bytes.TrimSpace(repeat("a")), bytes.TrimSpace(repeat("b")), bytes.TrimSpace(repeat("c"))},
	}
}

// A merge comes to an end in about a second, whatever it is given: the work is counted.
// Here the time is, with room for a busy machine.
func TestMerge3IsBounded(t *testing.T) {
	t.Parallel()
	for name, x := range slowTexts() {
		start := time.Now()
		_, c := merge3(x[0], x[1], x[2])
		took := time.Since(start)
		t.Logf("%-32s %4d ms, conflict %t", name, took.Milliseconds(), c != nil)
		if took > 8*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// Merging with a side that changed nothing gives the other; a merge that is clean one
// way round is clean the other, with the same result; and nothing is in the result that
// is on no side.
func FuzzMerge3(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nB\nc\n", "a\nb\nC\n")
	f.Add("a\n\n\nb\n", "a\n\nb\n", "a\n\n\n\nb")
	f.Add("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\nc")
	f.Add("{\n}\n{\n}\n", "{\n}\n", "{\n}\n{\n}\n{\n}\n")
	f.Fuzz(func(t *testing.T, base, ours, theirs string) {
		for _, side := range []string{ours, theirs} {
			for _, x := range [][3]string{{base, side, base}, {base, base, side}, {base, side, side}} {
				if got, c := merge3([]byte(x[0]), []byte(x[1]), []byte(x[2])); c != nil || string(got) != side {
					t.Fatalf("merge3(%q) = %q, %v; want %q", x, got, c, side)
				}
			}
		}
		got, c := merge3([]byte(base), []byte(ours), []byte(theirs))
		back, d := merge3([]byte(base), []byte(theirs), []byte(ours))
		if (c == nil) != (d == nil) || !bytes.Equal(got, back) {
			t.Fatalf("merge3 is %q, %v; the other way round %q, %v", got, c, back, d)
		}
		known := lineIndex{}
		for _, text := range []string{base, ours, theirs} {
			known.lines([]byte(text))
		}
		n := len(known.text)
		if known.lines(got); len(known.text) != n {
			t.Fatalf("merge3 has made up a line: %q", got)
		}
	})
}

func BenchmarkMerge3(b *testing.B) {
	var base bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&base, "step %d\n\n", i%700)
	}
	ours := bytes.Replace(base.Bytes(), []byte("step 3\n"), []byte("step three\n"), 1)
	theirs := bytes.Replace(base.Bytes(), []byte("step 400\n"), nil, 1)
	b.SetBytes(int64(base.Len()))
	for b.Loop() {
		if _, c := merge3(base.Bytes(), ours, theirs); c != nil {
			b.Fatal("conflict")
		}
	}
}
