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
// What no commit has is said in a comment.
func (x *Restoring) Commands() []string {
	name := rollbackBranch(x.Plan.Change, x.free())
	lines := []string{"git fetch origin", "git switch --no-track -c " + name + " \\\n    " + shellWord("refs/remotes/origin/"+x.Branch)}
	var gone, back, undone, nowhere []string
	for _, f := range x.Differing() {
		switch {
		case f.Wrong != "" && x.Parent[f.Path] == x.recorded(f.Path).Back && x.Plan.Form == rules.FormRevert:
			undone = append(undone, f.Path) // git stops at the conflict, and shows both sides
		case f.Wrong != "":
			nowhere = append(nowhere, f.Path)
		case f.Back.Blob == "":
			gone = append(gone, f.Path)
		case x.Plan.Form != rules.FormRevert, x.Parent[f.Path] == f.Back:
			back = append(back, f.Path)
		case x.Parent[f.Path] == x.recorded(f.Path).Back:
			undone = append(undone, f.Path)
		default:
			nowhere = append(nowhere, f.Path)
		}
	}
	from := x.Plan.Commit
	if x.Plan.Form == rules.FormRevert {
		from = x.Plan.Parent
	}
	if len(gone) > 0 {
		lines = append(lines, onPaths("git", "rm -q", gone)...)
	}
	if len(back) > 0 {
		lines = append(lines, onPaths("git", "checkout "+from, back)...)
	}
	if len(undone) > 0 {
		lines = append(lines, onPaths("git", "diff-tree -p --binary --full-index --no-renames \\\n    "+x.Plan.Merge+" \\\n    "+x.Plan.Parent, undone)...)
		lines[len(lines)-1] += " |\n    git apply --3way --index"
	}
	if len(x.Stuck()) > 0 {
		lines = append(lines, "# git marks the lines that conflict: edit them, git add the files, and go on")
	}
	for _, path := range nowhere {
		lines = append(lines, "# write this file by hand, no commit has it as the plan leaves it:\n#   "+shellWord(path))
	}
	return chained(append(lines, "git commit -m "+shellWord(x.Subject()), "git push origin HEAD:refs/heads/"+name))
}

// chained makes each command run only after the one before it went well. A comment asks
// somebody to do something first, so it begins anew.
func chained(lines []string) []string {
	for i, line := range lines[:len(lines)-1] {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(lines[i+1], "#") {
			lines[i] += " &&"
		}
	}
	return lines
}

// free is the number of the first branch that is not there yet.
func (x *Restoring) free() int {
	return max(0, slices.IndexFunc(x.refs, func(b branch) bool { return !b.there })) + 1
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
func onPaths(git, command string, paths []string) []string {
	if slices.ContainsFunc(paths, func(p string) bool { return strings.ContainsAny(p, `*?[\`) || strings.HasPrefix(p, ":") }) {
		git += " --literal-pathspecs"
	}
	line := git + " " + command + " --"
	for _, p := range paths {
		line += " \\\n    " + shellWord(p)
	}
	return []string{line}
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
