package rules

import (
	"fmt"
	"slices"
	"strings"
)

// A proof is what a rollback target comes to, by path.
type proof struct {
	*Target
	branch string // the base branch
	files  map[string]*Restored
	now    []Manifest // as they are on the base branch
}

// A flaw is why a target does not do.
type flaw struct {
	code, says string
	fix        string // empty where another target is
	path       string // the first file it is about
}

// Flaw says why a target would not take a change of these paths back on a branch: a
// finding code and a sentence, both empty when it would. It is what judges the plan
// before the merge, and what Verify finds after it.
func (t *Target) Flaw(branch string, paths []string) (code, says string) {
	if t == nil {
		return CodeUnverified, "nothing is known of what a rollback would leave"
	}
	if f := newProof(t, branch).flaw(t.To, paths); f != nil {
		return f.code, f.says
	}
	return "", ""
}

func newProof(t *Target, branch string) *proof {
	p := &proof{Target: t, branch: branch}
	if t != nil {
		p.files = make(map[string]*Restored, len(t.Files))
		for i := range t.Files {
			p.files[t.Files[i].Path] = &t.Files[i]
		}
	}
	return p
}

// target is the proof of the target that is declared.
func (j *judgement) target() *proof {
	if j.proof == nil {
		j.proof = j.proofOf(j.c.Target)
	}
	return j.proof
}

func (j *judgement) proofOf(t *Target) *proof {
	p := newProof(t, j.c.Base.Branch)
	p.now = j.c.Manifests
	return p
}

// flaw says why the target, declared as to, is no way back for these paths; nil when it
// is verified. Whatever is not known is a flaw.
func (p *proof) flaw(to string, paths []string) *flaw {
	t, is := p.Target, "rollback.to "+code(to)
	switch {
	case t != nil && t.To == to && t.Unknown != "":
		return &flaw{code: CodeUnverified, says: "whether " + is + " would undo this change is not known: " + inline(t.Unknown),
			fix: "put that right and check again; where it is too much for one plan, split the change"}
	case t != nil && t.To == to && t.Ambiguous:
		return &flaw{code: CodeAmbiguous, says: is + " names more than one thing"}
	case (t == nil || t.To != to || t.Commit == "") && boilerplate(to) && to != FormRevert:
		return &flaw{code: CodeBoilerplate, says: is + " is template text and names no version"}
	case (t == nil || t.To != to || t.Commit == "") && to == p.branch:
		return &flaw{code: CodeNoTarget, says: is + " is a branch, which moves on"}
	case t == nil || t.To != to || t.Commit == "":
		if shortID(to) {
			// GitHub says of both that there is no such thing.
			return &flaw{code: CodeNoTarget, says: is + " names nothing on " + code(p.branch) + ", or more than one commit begins with it"}
		}
		return &flaw{code: CodeNoTarget, says: is + " names nothing on " + code(p.branch)}
	case t.Was != "":
		return &flaw{code: CodeTagWas, says: "the tag of " + is + " was on " + code(short(t.Was)) + " when it was first read here, and is on " + code(short(t.Commit)) + " now: approvals may be for either",
			fix: "write `rollback.to: " + t.moment(t.Was) + "` for what it was, or `rollback.to: " + t.moment(t.Commit) + "` for what it is now"}
	case !t.InBase:
		return &flaw{code: CodeOutsideBase, says: is + " is not in the history of " + code(p.branch)}
	}
	return p.wrong(is, paths)
}

// shortID reports whether a target may be the beginning of commits' ids.
func shortID(to string) bool {
	id := LookFor(to).ID
	return id != "" && len(id) < 40
}

// moment is a target that names a tag, written with a commit's id instead.
func (t *Target) moment(commit string) string {
	if l := LookFor(t.To); t.Form == FormPath {
		return inline(l.Path) + "@" + short(commit)
	}
	return short(commit)
}

// wrong is the flaw that most says of the files that have one.
func (p *proof) wrong(is string, paths []string) *flaw {
	var found [len(faults)][]string
	some := false
	for _, path := range paths {
		if k := p.fault(path); k >= 0 {
			found[k], some = append(found[k], path), true
		}
	}
	if !some {
		return nil
	}
	k := slices.IndexFunc(found[:], func(paths []string) bool { return len(paths) > 0 })
	bad := found[k]
	f := &flaw{code: faults[k].code, path: bad[0], says: fmt.Sprintf(faults[k].says, is, threeOf(bad), code(short(p.Commit)), code(p.branch))}
	switch r := p.files[bad[0]]; {
	case k == faultPart && p.Form != FormPath:
		f.code, f.says = CodeUnverified, "what "+is+" would leave of "+threeOf(bad)+" is not known"
	case k == faultText:
		f.says += ": " + p.unreadable(r)
	case k == faultConflict:
		f.fix = "merge " + code(p.branch) + " into the pull request's branch and resolve what conflicts" + conflictBlock(r, p.branch)
	}
	return f
}

// faults are what may be wrong with single files, the most telling first. Of says the
// arguments are the target, the files, its commit and the base branch.
var faults = [...]struct{ wrong, code, says string }{
	faultPart:      {"", CodePartTarget, "%[1]s leaves out %[2]s of this change"},
	faultElsewhere: {WrongElsewhere, CodeNoTarget, "%[1]s: there is no such path at %[3]s"},
	faultInTheWay:  {WrongInTheWay, CodeNotRestorable, "%[1]s cannot restore %[2]s: on %[4]s something else is in its place"},
	faultFolder:    {WrongFolder, CodeNotRestorable, "%[1]s cannot restore %[2]s: at %[3]s a folder is there"},
	faultKind:      {WrongKind, CodeNotRestorable, "%[1]s cannot restore %[2]s: a submodule or a symbolic link is not restored"},
	faultUnread:    {WrongUnread, CodeNotRestorable, "%[2]s could not be read at %[3]s"},
	faultLarge:     {WrongLarge, CodeNotRestorable, "%[1]s cannot restore %[2]s: %[4]s changed it too, and above 1 MiB nothing is merged"},
	faultBinary:    {WrongBinary, CodeNotRestorable, "%[1]s cannot restore %[2]s: %[4]s changed it too, and it is not text that can be merged"},
	faultConflict:  {WrongConflict, CodeConflict, "%[4]s has changed the same lines of %[2]s, so taking this change out of it conflicts"},
	faultText:      {"", CodeNotRestorable, "%[2]s does not load as it is at %[3]s"},
	faultSame:      {"", CodeSameTarget, "%[1]s leaves %[2]s as this change does, so that it would not undo it"},
}

const (
	faultPart = iota
	faultElsewhere
	faultInTheWay
	faultFolder
	faultKind
	faultUnread
	faultLarge
	faultBinary
	faultConflict
	faultText
	faultSame
)

// fault is the index of what is wrong with a file, -1 when nothing is.
func (p *proof) fault(path string) int {
	r := p.files[path]
	switch {
	case r == nil:
		return faultPart
	case r.Wrong != "":
		for k := range faults {
			if faults[k].wrong == r.Wrong {
				return k
			}
		}
		return faultUnread
	case noFile(r.Landed.Mode) || noFile(r.Back.Mode):
		return faultKind
	case r.Back == r.Landed, r.Same:
		return faultSame
	case path == PolicyPath && r.Back != (Entry{}) && r.Text == nil:
		return faultUnread
	case r.Text != nil && p.unreadable(r) != "":
		return faultText
	}
	return -1
}

// unreadable says why the parser that a new version of the file is held to would not
// take this one; empty when it would. A manifest that is as unreadable on the base branch
// may come back so: nothing is lost, and it could not be mended otherwise.
func (p *proof) unreadable(r *Restored) string {
	var problems Problems
	if r.Path == PolicyPath {
		_, problems = ParsePolicy(r.Text)
	} else if c := readClaim(r.Text); c.vague && !slices.ContainsFunc(p.now, func(m Manifest) bool { return m.Path == r.Path && readClaim(m.Base).vague }) {
		problems = c.wrong
	}
	if len(problems) == 0 {
		return ""
	}
	return place(problems[0]) + problems[0].Says
}

func noFile(mode string) bool { return mode == "120000" || mode == "160000" }

// threeOf names the first three files and counts the others.
func threeOf(paths []string) string {
	names := quoted(paths[:min(len(paths), 3)])
	if more := len(paths) - len(names); more > 0 {
		names = append(names, count(more, "more file"))
	}
	return and(names)
}

// The lines of a conflict that are shown, of each side, and the characters of a line.
const (
	mostLines = 10
	mostWidth = 160
)

// conflictBlock is where a merge conflicts. Its lines are what anybody may have written:
// none begins with what could end the block, and nothing in them is hidden.
func conflictBlock(r *Restored, branch string) string {
	k := r.Conflict
	if k == nil {
		return ""
	}
	at := "in " + visible(r.Path)
	if k.Line > 0 {
		at += fmt.Sprintf(", line %d", k.Line)
	}
	lines := []string{"", "```text", clip(at, mostWidth)}
	for _, side := range []struct{ what, text string }{
		{"this change wrote:", k.Wrote}, {"there is now, on " + visible(branch) + ":", k.Now},
	} {
		lines = append(lines, clip(side.what, mostWidth))
		text := strings.Split(strings.TrimSuffix(side.text, "\n"), "\n")
		for _, line := range text[:min(len(text), mostLines)] {
			lines = append(lines, "  | "+clip(visible(line), mostWidth))
		}
	}
	return strings.Join(append(lines, "```"), "\n")
}
