package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"changegate/rules"
)

// Commands are the git commands that do what OpenRollback does, for whoever runs them
// in a clone: a new branch on the branch as it is now, with the governed files of the
// plan as it leaves them and nothing else. Names of files and branches are inert in
// them, whatever characters they hold, and whatever tags are called like a branch. One
// that fails ends it: the next would commit to the branch that happens to be checked out.
// What no commit has is said in comments, and so is what comes after it.
func (x *Restoring) Commands() []string {
	name := rules.RollbackBranch(x.Plan.Change, x.free())
	steps := []string{"git fetch origin", "git switch --no-track -c " + name + " \\\n    " + shellWord("refs/remotes/origin/"+x.Branch)}
	gone, back, undone, nowhere := x.ways()
	from := x.Plan.Commit
	if x.Plan.Form == rules.FormRevert {
		from = x.Plan.Parent
	}
	if ids := x.outside(from, back, undone); len(ids) > 0 {
		steps = slices.Insert(steps, 1, "git fetch origin \\\n    "+strings.Join(ids, " \\\n    "))
	}
	if len(gone) > 0 {
		steps = append(steps, onPaths("git", "rm -q", gone))
	}
	if len(back) > 0 {
		steps = append(steps, onPaths("git", "checkout "+from, back))
	}
	if len(undone) > 0 {
		steps = append(steps, onPaths("git", "diff-tree -p --binary --full-index --no-renames \\\n    "+x.Plan.Merge+" \\\n    "+x.Plan.Parent, undone)+
			" |\n    git apply --3way --index")
	}
	last := []string{"git commit -m " + shellWord(x.Subject()), "git push origin HEAD:refs/heads/" + name}
	switch {
	case len(nowhere) > 0:
		lines := append(chained(steps), "# write by hand what no commit has as the plan leaves it:")
		for _, path := range nowhere {
			lines = append(lines, "#   "+shellWord(path))
		}
		return append(lines, "# then git add it, and", "# "+chained(last)[0], "# "+last[1])
	case len(undone) > 0 && (len(x.Stuck()) > 0 || x.unseen()):
		return append([]string{"# Where git stops and marks lines that conflict: edit them, git add the", "# files, and run the last two commands."}, chained(append(steps, last...))...)
	}
	return chained(append(steps, last...))
}

// ways sorts the files by how git brings them back: to remove, to take from a commit, to
// take the change out of, and those that no commit has. What the branch has now is not
// always known; then taking the change out is what keeps the work of others, or git stops.
func (x *Restoring) ways() (gone, back, undone, nowhere []string) {
	revert := x.Plan.Form == rules.FormRevert
	files := x.Differing()
	if x.unseen() {
		files = x.Plan.Files
	}
	for _, f := range files {
		was, known := x.Parent[f.Path], x.Plan.Parent != "" || !revert
		undoes := revert && known && was == x.recorded(f.Path).Back
		switch {
		case undoes && (x.unseen() || f.Wrong != ""):
			undone = append(undone, f.Path) // git stops at a conflict, and shows both sides
		case f.Wrong != "":
			nowhere = append(nowhere, f.Path)
		case f.Back.Blob == "":
			gone = append(gone, f.Path)
		case !revert, known && was == f.Back:
			back = append(back, f.Path)
		case undoes:
			undone = append(undone, f.Path)
		default:
			nowhere = append(nowhere, f.Path)
		}
	}
	return gone, back, undone, nowhere
}

// unseen reports whether what the branch has now was not looked at, or not all of it.
func (x *Restoring) unseen() bool { return x.recordedOnly || x.Target.Unknown != "" }

// outside are the commits that these files are taken from and that a clone may lack,
// because the branch was pushed over.
func (x *Restoring) outside(from string, back, undone []string) (ids []string) {
	if x.Target.InBase {
		return nil
	}
	if len(back) > 0 {
		ids = append(ids, from)
	}
	if len(undone) > 0 {
		ids = append(ids, x.Plan.Merge, x.Plan.Parent)
	}
	return ids
}

// chained makes each command run only after the one before it went well.
func chained(steps []string) []string {
	for i := range steps[:len(steps)-1] {
		steps[i] += " &&"
	}
	return steps
}

// free is the number of the first branch that is not there yet, which may be one more than
// the App tries.
func (x *Restoring) free() int {
	i := slices.IndexFunc(x.refs, func(b branch) bool { return !b.there })
	if i < 0 {
		i = len(x.refs)
	}
	return i + 1
}

func (x *Restoring) recorded(path string) rules.Restored {
	i := slices.IndexFunc(x.Plan.Files, func(f rules.Restored) bool { return f.Path == path })
	if i < 0 {
		return rules.Restored{}
	}
	return x.Plan.Files[i]
}

// onPaths is a git command about files, each on a line of its own. A name is a pattern
// to git where it holds a sign of one, unless it is told otherwise.
func onPaths(git, command string, paths []string) string {
	if slices.ContainsFunc(paths, func(p string) bool { return strings.ContainsAny(p, `*?[\`) || strings.HasPrefix(p, ":") }) {
		git += " --literal-pathspecs"
	}
	line := git + " " + command + " --"
	for _, p := range paths {
		line += " \\\n    " + shellWord(p)
	}
	return line
}

// plainWord is what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./@%+=:,][A-Za-z0-9_./@%+=:,-]*$`)

// shellWord quotes a text so that a shell takes it as one word, on one line: in single
// quotes, or where it has bytes that cannot be seen in $'...', which bash, ksh, zsh and
// POSIX.1-2024 know.
func shellWord(s string) string {
	seen := func(r rune) bool { return unicode.IsPrint(r) && !hidden(r) && r != unicode.ReplacementChar }
	switch {
	case plainWord.MatchString(s):
		return s
	case strings.IndexFunc(s, func(r rune) bool { return !seen(r) }) < 0:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for i, r := range s {
		switch size := len(string(r)); {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case seen(r):
			b.WriteRune(r)
		case r == unicode.ReplacementChar && !strings.HasPrefix(s[i:], string(r)):
			fmt.Fprintf(&b, `\%03o`, s[i]) // a byte that is no UTF-8
		default:
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
	}
	return "$'" + b.String() + "'"
}
