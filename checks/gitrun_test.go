package checks

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A gitUnderTest is a repository of the git that is installed here.
type gitUnderTest struct {
	t   testing.TB
	dir string
}

func newGit(t testing.TB) *gitUnderTest {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatalf("this test compares with git: install it (%v)", err)
	}
	g := &gitUnderTest{t, t.TempDir()}
	g.run(nil, "init", "-q")
	return g
}

// run runs git, with nothing of this machine's configuration.
func (g *gitUnderTest) run(in io.Reader, args ...string) string {
	g.t.Helper()
	out, err := g.try(in, args...)
	if err != nil {
		g.t.Fatalf("git %s: %v\n%s", args[0], err, out)
	}
	return out
}

func (g *gitUnderTest) try(in io.Reader, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = g.dir, in
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	return string(out), err
}

// fastImport returns the commits by mark.
func (g *gitUnderTest) fastImport(b *bytes.Buffer) map[int]string {
	marks := filepath.Join(g.t.TempDir(), "marks")
	g.run(b, "fast-import", "--quiet", "--force", "--export-marks="+marks)
	data, err := os.ReadFile(marks)
	if err != nil {
		g.t.Fatal(err)
	}
	commits := map[int]string{}
	for s := range strings.Lines(string(data)) {
		var mark int
		var id string
		if _, err := fmt.Sscanf(s, ":%d %s", &mark, &id); err != nil {
			g.t.Fatalf("marks: %v", err)
		}
		commits[mark] = id
	}
	return commits
}

// commit writes a commit of a tree for git fast-import.
func (f gitTree) commit(b *bytes.Buffer, mark, parent int) {
	fmt.Fprintf(b, "commit refs/heads/x\nmark :%d\ncommitter a <a@example.com> 1 +0000\ndata 1\nx\n", mark)
	if parent != 0 {
		fmt.Fprintf(b, "from :%d\n", parent)
	}
	b.WriteString("deleteall\n")
	for _, name := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(b, "M %s inline %s\ndata %d\n%s\n", f[name].mode, name, len(f[name].data), f[name].data)
	}
	b.WriteString("\n")
}

// mergeTree merges pairs of commits: each comes to the id of a tree, or to nothing if
// it conflicts.
func (g *gitUnderTest) mergeTree(pairs [][2]string) []string {
	var in bytes.Buffer
	for _, p := range pairs {
		fmt.Fprintf(&in, "%s %s\n", p[0], p[1])
	}
	out := bufio.NewReader(strings.NewReader(g.run(&in, "merge-tree", "--stdin", "--name-only", "--no-messages")))
	word := func() string {
		s, err := out.ReadString(0)
		if err != nil {
			g.t.Fatalf("git merge-tree: %v", err)
		}
		return strings.TrimSuffix(s, "\x00")
	}
	trees := make([]string, len(pairs))
	for i := range pairs {
		clean, tree := word(), word()
		for word() != "" { // the paths that conflict
		}
		if clean == "1" {
			trees[i] = tree
		}
	}
	return trees
}
