package checks

import (
	"fmt"

	"changegate/rules"
)

// diffText shows what changed in every governed file, word by word. A file that does
// not fit keeps its line with the counts; what fits not even so is counted.
func diffText(v View) string {
	if len(v.Verdict.Governed) == 0 {
		return ""
	}
	d := &differ{pairs: maxPairs}
	p := newPage(200)
	p.add(fmt.Sprintf("Word diff of %s. `[-removed-]` and `{+added+}` are the words that changed within a line; "+
		"characters that cannot be seen are written as `U+202E`.\n\n", plural(len(v.Verdict.Governed), "governed file")))
	files := map[string]rules.File{}
	for _, f := range v.Change.Files {
		files[f.Path] = f
	}
	for i, g := range v.Verdict.Governed {
		whole, short := fileSection(v, d, g.Path, files[g.Path])
		if p.add(whole) || p.add(short) {
			continue
		}
		p.room += 200 // what was kept for this line
		p.add(fmt.Sprintf("%s, see %s\n", plural(len(v.Verdict.Governed)-i, "more file"), v.details()))
		break
	}
	return p.b.String()
}

// fileSection shows one file, whole and, for want of room, in short.
func fileSection(v View, d *differ, path string, f rules.File) (whole, short string) {
	head := "### " + code(path) + " - " + fileStatus(f)
	patch := v.Patches[path]
	if patch == "" {
		head += "\n\nNo word diff: GitHub gives no text for this file (binary, too large, or only its name or mode changed). " + blobNames(f) + "\n\n"
		return head, head
	}
	diff := d.file(patch)
	head += fmt.Sprintf(", +%d -%d words\n\n", diff.ins, diff.del)
	if !diff.whole {
		head += "GitHub gave only part of this difference. " + blobNames(f) + "\n\n"
	}
	return head + fence("diff", diff.body) + "\n", head + "The difference does not fit here, see " + v.details() + "\n\n"
}

// fileStatus says what happened to the file itself. A link or a submodule where a
// text is expected is said aloud: its content is elsewhere.
func fileStatus(f rules.File) string {
	s := "changed"
	switch f.Status {
	case "added", "modified", "deleted", "renamed", "copied":
		s = f.Status
	case "removed":
		s = "deleted"
	}
	if f.OldPath != "" && f.OldPath != f.Path {
		s += " from " + code(f.OldPath)
	}
	if f.OldMode != f.NewMode && f.OldMode != "" && f.NewMode != "" {
		s += ", mode " + shownMode(f.OldMode) + " -> " + shownMode(f.NewMode)
	} else if m := f.NewMode; m == "120000" || m == "160000" {
		s += ", " + shownMode(m)
	}
	return s
}

func shownMode(m string) string {
	names := map[string]string{"120000": " (symbolic link)", "160000": " (submodule)", "100755": " (executable)"}
	return code(m) + names[m]
}

func blobNames(f rules.File) string {
	switch {
	case f.Status == "added":
		return "New blob " + blobName(f.New) + "."
	case f.Status == "deleted" || f.Status == "removed":
		return "Deleted blob " + blobName(f.Old) + "."
	}
	return "Blob " + blobName(f.Old) + " -> " + blobName(f.New) + "."
}

func blobName(id string) string {
	if id == "" {
		return "unknown"
	}
	return code(id)
}
