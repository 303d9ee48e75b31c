package githubtest

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestKnownIDs are what git itself gives: git hash-object, git write-tree and
// git commit-tree with the dates set.
func TestKnownIDs(t *testing.T) {
	t.Parallel()
	s := newStore()
	hello := s.put("blob", []byte("hello\n"))
	if want := "ce013625030ba8dba906f756967f9e9ca394464a"; hello != want {
		t.Errorf("blob %s, want %s", hello, want)
	}
	if got, want := s.putTree(snapshot{}), "4b825dc642cb6eb9a060e54bf8d69288fbee4904"; got != want {
		t.Errorf("empty tree %s, want %s", got, want)
	}
	ann := signature{"Ann", "ann@example.com", time.Unix(1700000000, 0).In(time.FixedZone("", 3600))}
	c := s.putCommit(&commit{author: ann, committer: ann, message: "first\n", files: snapshot{
		"a.txt": {"100644", hello}, "a/b": {"100755", hello}, "a-c": {"120000", hello},
	}})
	if got, want := c.tree, "093f325b9f936095128c5de5cf4102b37c9f80dc"; got != want {
		t.Errorf("tree %s, want %s", got, want)
	}
	if got, want := c.id, "010b4d7e2af7f3947da20e1df86e10ec163aa40c"; got != want {
		t.Errorf("commit %s, want %s", got, want)
	}
}

// drawHistory makes a few commits, each with up to two earlier parents, and
// returns their ids in order.
func drawHistory(t *rapid.T, s *store) []string {
	var ids []string
	for i := range rapid.IntRange(1, 12).Draw(t, "commits") {
		c := &commit{message: "m", files: snapshot{}, webFlow: rapid.Bool().Draw(t, "signed")}
		when := time.Unix(1700000000+int64(i)*60, 0).UTC()
		c.author, c.committer = signature{"A", "a@example.com", when}, signature{"B", "b@example.com", when}
		for range min(i, rapid.IntRange(0, 2).Draw(t, "parents")) {
			if p := rapid.SampledFrom(ids).Draw(t, "parent"); !slices.Contains(c.parents, p) {
				c.parents = append(c.parents, p)
			}
		}
		for _, path := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "a.b", "d/a", "d/e/f", "d-x"}), rapid.ID).Draw(t, "paths") {
			c.files[path] = entry{"100644", s.put("blob", []byte(rapid.StringN(0, 5, 10).Draw(t, "content")))}
		}
		ids = append(ids, s.putCommit(c).id)
	}
	return ids
}

// inGoGit stores everything in go-git, which names it by its own encoding.
func inGoGit(t *rapid.T, s *store) *memory.Storage {
	git := memory.NewStorage()
	put := func(kind plumbing.ObjectType, data []byte, want string) {
		o := git.NewEncodedObject()
		o.SetType(kind)
		w, err := o.Writer()
		if err == nil {
			_, err = w.Write(data)
		}
		id, err2 := git.SetEncodedObject(o)
		if err != nil || err2 != nil || id.String() != want {
			t.Fatalf("go-git names %s %s (%v, %v)", want, id, err, err2)
		}
	}
	kinds := map[string]plumbing.ObjectType{"blob": plumbing.BlobObject, "tree": plumbing.TreeObject}
	for id, o := range s.objects {
		put(kinds[o.kind], o.data, id)
	}
	for id, c := range s.commits {
		put(plumbing.CommitObject, c.encode(), id)
	}
	return git
}

// TestHistoriesAreGits compares ids, parsed commits, trees, merge bases and ranges
// with go-git's on small random histories.
func TestHistoriesAreGits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newStore()
		ids := drawHistory(t, s)
		git := inGoGit(t, s)
		for _, id := range ids {
			sameCommit(t, s, git, id)
		}
		a, b := rapid.SampledFrom(ids).Draw(t, "a"), rapid.SampledFrom(ids).Draw(t, "b")
		x, y := goGit(t, git, a), goGit(t, git, b)
		bases, err := x.MergeBase(y)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, c := range bases {
			want = append(want, c.Hash.String())
		}
		if got := s.mergeBase(a, b); got != "" && !slices.Contains(want, got) || got == "" && len(want) > 0 {
			t.Errorf("merge base %q, go-git says %v", got, want)
		}
		if diff := cmp.Diff(rangeOf(t, x, y), between(s, a, b)); diff != "" {
			t.Errorf("a..b (-go-git +ours):\n%s", diff)
		}
	})
}

func goGit(t *rapid.T, git *memory.Storage, id string) *gitobject.Commit {
	c, err := gitobject.GetCommit(git, plumbing.NewHash(id))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sameCommit(t *rapid.T, s *store, git *memory.Storage, id string) {
	c, ours := goGit(t, git, id), s.commits[id]
	if c.Message != ours.message || c.Author.When.Unix() != ours.author.when.Unix() || (c.PGPSignature != "") != ours.webFlow {
		t.Errorf("go-git reads commit %v", c)
	}
	got := snapshot{}
	files, err := c.Files()
	if err != nil {
		t.Fatal(err)
	}
	err = files.ForEach(func(f *gitobject.File) error {
		got[f.Name] = entry{strings.TrimPrefix(f.Mode.String(), "0"), f.Hash.String()}
		return nil
	})
	if diff := cmp.Diff(ours.files, got, cmp.AllowUnexported(entry{})); diff != "" || err != nil {
		t.Errorf("files of the tree (%v):\n%s", err, diff)
	}
}

// rangeOf is what y reaches and x does not, by go-git.
func rangeOf(t *rapid.T, x, y *gitobject.Commit) []string {
	set := map[string]bool{}
	walk := func(from *gitobject.Commit, add bool) {
		err := gitobject.NewCommitPreorderIter(from, nil, nil).ForEach(func(c *gitobject.Commit) error {
			set[c.Hash.String()] = add
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	walk(y, true)
	walk(x, false)
	maps.DeleteFunc(set, func(_ string, in bool) bool { return !in })
	return slices.Sorted(maps.Keys(set))
}

// between is our range as a set; it also fails if a child comes before a parent.
func between(s *store, a, b string) []string {
	var ids []string
	for _, c := range s.between(a, b) {
		for _, p := range c.parents {
			if !slices.Contains(ids, p) && !s.ancestors(a)[p] {
				return []string{"child before parent: " + c.id}
			}
		}
		ids = append(ids, c.id)
	}
	slices.Sort(ids)
	return ids
}

// applyPatch does what patch(1) does, trusting nothing but the hunks.
func applyPatch(t *rapid.T, before, hunks string) string {
	old, at := slices.Collect(strings.Lines(before)), 0
	var out []string
	lines := strings.SplitAfter(hunks, "\n")
	for i, line := range lines {
		bare := i+1 < len(lines) && strings.HasPrefix(lines[i+1], `\ `)
		text := line
		if bare {
			text = strings.TrimSuffix(line, "\n")
		} else if line != "" && !strings.HasSuffix(line, "\n") {
			text += "\n"
		}
		switch {
		case line == "" || line[0] == '\\':
		case line[0] == '@':
			start := hunkStart(line)
			out = append(out, old[at:start]...)
			at = start
		case line[0] == '+':
			out = append(out, text[1:])
		default:
			if old[at] != text[1:] {
				t.Fatalf("the patch has %q where the text has %q", text[1:], old[at])
			}
			if line[0] == ' ' {
				out = append(out, old[at])
			}
			at++
		}
	}
	return strings.Join(append(out, old[at:]...), "")
}

// hunkStart is how many old lines come before a hunk.
func hunkStart(header string) int {
	start, empty := 0, false
	for _, c := range strings.TrimPrefix(strings.Fields(header)[1], "-") {
		if c == ',' {
			empty = strings.HasSuffix(strings.Fields(header)[1], ",0")
			break
		}
		start = start*10 + int(c-'0')
	}
	if empty {
		return start
	}
	return start - 1
}

// TestPatchesApply rebuilds the new text from the old one and the patch.
func TestPatchesApply(t *testing.T) {
	t.Parallel()
	text := rapid.Custom(func(t *rapid.T) string {
		lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "", "+x", "-y", "@@"}), 0, 30).Draw(t, "lines")
		return strings.Join(lines, "\n")
	})
	rapid.Check(t, func(t *rapid.T) {
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		hunks, added, removed := patch(before, after)
		if got := applyPatch(t, before, hunks); got != after {
			t.Errorf("%q with %q is %q, want %q", before, hunks, got, after)
		}
		if diff := strings.Count(after, "\n") - strings.Count(before, "\n"); added-removed-diff > 1 || added-removed-diff < -1 {
			t.Errorf("%d added, %d removed, but %d more lines", added, removed, diff)
		}
	})
}

// TestLargeTextsAreComparedInParts keeps the large path as right as the small one.
func TestLargeTextsAreComparedInParts(t *testing.T) {
	t.Parallel()
	var before, after strings.Builder
	for i := range 3000 {
		before.WriteString(strings.Repeat("x", i%7) + string(rune('0'+i%50)) + "\n")
		if i%3 > 0 {
			after.WriteString(strings.Repeat("x", i%7) + string(rune('0'+i%50)) + "\n")
		}
		if i == 1500 {
			before.WriteString("once\n")
			after.WriteString("once\n")
		}
	}
	list := edits(before.String(), after.String())
	var old, now strings.Builder
	for _, e := range list {
		if e.op != '+' {
			old.WriteString(e.line)
		}
		if e.op != '-' {
			now.WriteString(e.line)
		}
	}
	if old.String() != before.String() || now.String() != after.String() {
		t.Error("the edits do not rebuild both texts")
	}
	if !slices.Contains(list, edit{' ', "once\n"}) {
		t.Error("the line that occurs once was not kept")
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	s := newStore()
	file := func(content string) entry { return entry{"100644", s.put("blob", []byte(content))} }
	long := strings.Repeat("one line of a prompt\n", 10)
	before := snapshot{
		"same": file("same"), "edited": file("a\nb\n"), "gone": file("gone\n"), "from": file(long), "link": file("x"), "bin": file("\x00a"),
		"sub": {"160000", strings.Repeat("1", 40)},
	}
	after := snapshot{
		"same": file("same"), "edited": file("a\nc\n"), "come": file("come\n"), "to": file(long + "more\n"), "link": {"120000", before["link"].id},
		"bin": file("\x00b"), "sub": {"160000", strings.Repeat("2", 40)},
	}
	var got []string
	for _, c := range s.changes(before, after) {
		got = append(got, c.status+" "+c.oldPath+">"+c.path+" "+c.patch)
	}
	want := []string{
		"modified >bin ", "added >come @@ -0,0 +1 @@\n+come", "modified >edited @@ -1,2 +1,2 @@\n a\n-b\n+c", "removed >gone @@ -1 +0,0 @@\n-gone",
		"changed >link ", "modified >sub @@ -1 +1 @@\n-Subproject commit " + strings.Repeat("1", 40) + "\n+Subproject commit " + strings.Repeat("2", 40),
		"renamed from>to @@ -8,3 +8,4 @@\n one line of a prompt\n one line of a prompt\n one line of a prompt\n+more",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
