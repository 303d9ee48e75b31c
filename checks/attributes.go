package checks

import (
	"bytes"
	"errors"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"changegate/rules"
)

// attributesFile tells git how to merge the files beside and below it (gitattributes,
// "Performing a three-way merge").
const attributesFile = ".gitattributes"

// mostMacros bounds how many names for attributes are followed: a repository has a few.
const mostMacros = 100

// attributes are those of one folder; what is no text was not read.
type attributes struct {
	dir  string
	text []byte
}

// attributesOf are the files that may say how one of these paths is merged.
func attributesOf(paths ...string) (out []string) {
	for _, dir := range foldersOf(paths) {
		out = append(out, path.Join(dir, attributesFile))
	}
	return out
}

// mergesOddly reports whether git may merge a path otherwise than by the lines of a text:
// as binary, or by a driver that only some machine has. What does not show that it is
// about another path counts, and no later line takes it back.
func mergesOddly(file string, all []attributes) bool {
	macros := map[string]bool{"binary": true}
	for grown := true; grown; {
		grown = false
		for _, a := range all {
			if a.text == nil || bytes.IndexByte(a.text, 0) >= 0 {
				return true
			}
			for line := range bytes.Lines(a.text) {
				words := strings.Fields(string(line))
				if len(words) == 0 || !strings.HasPrefix(words[0], "[attr]") || !oddly(words[1:], macros) {
					continue
				}
				name := strings.TrimPrefix(words[0], "[attr]")
				grown = grown || !macros[name]
				macros[name] = true
			}
		}
		if len(macros) > mostMacros {
			return true
		}
	}
	for _, a := range all {
		for line := range bytes.Lines(a.text) {
			words := strings.Fields(string(line))
			if len(words) > 1 && oddly(words[1:], macros) && mayMatch(words[0], a.dir, file) {
				return true
			}
		}
	}
	return false
}

// oddly reports whether attributes make a merge another one.
func oddly(words []string, macros map[string]bool) bool {
	for _, w := range words {
		driver, is := strings.CutPrefix(w, "merge=")
		if w == "-merge" || is && driver != "text" || macros[w] {
			return true
		}
	}
	return false
}

// mayMatch reports whether a pattern of a folder's attributes is about a file. Case is
// ignored, and what only git can tell is taken for a match.
func mayMatch(pattern, dir, file string) bool {
	if strings.ContainsAny(pattern, "[]{}\\\"") {
		return !strings.HasPrefix(pattern, "[attr]")
	}
	if strings.HasPrefix(pattern, "#") || strings.HasPrefix(pattern, "!") {
		return false
	}
	if dir != "" {
		file = strings.TrimPrefix(file, dir+"/")
	}
	if !strings.Contains(pattern, "/") {
		file = path.Base(file)
	}
	ok, err := doublestar.Match(strings.ToLower(strings.TrimPrefix(pattern, "/")), strings.ToLower(file))
	return ok || err != nil
}

// asBinary reads every content as one that is not merged.
func asBinary(string) ([]byte, error) { return []byte{0}, nil }

// ways are the attributes that say how files are merged, by file.
type ways struct {
	ids []string // of the contents that have to be read
	of  map[string][]attributesAt
}

// attributesAt are the attributes of a folder that were not read yet.
type attributesAt struct{ dir, blob string }

// on adds the attributes of one file. At is what stands at a path, on every side.
func (w *ways) on(file string, at func(name string) []rules.Entry) {
	if w.of == nil {
		w.of = map[string][]attributesAt{}
	}
	for _, name := range attributesOf(file) {
		for _, e := range at(name) {
			if e == (rules.Entry{}) || odd(e) {
				continue // git does not follow a link here
			}
			w.ids = append(w.ids, e.Blob)
			w.of[file] = append(w.of[file], attributesAt{folderOf(name), e.Blob})
		}
	}
}

// reader reads what a file is merged from, where git would merge it as text.
func (w *ways) reader(file string, read blobReader) blobReader {
	var all []attributes
	for _, a := range w.of[file] {
		text, err := read(a.blob)
		if err == nil && text == nil {
			text = []byte{}
		}
		all = append(all, attributes{a.dir, text})
	}
	if mergesOddly(file, all) {
		return asBinary
	}
	return read
}

// folderOf is the folder that a file is in, empty for the root.
func folderOf(file string) string {
	dir, _ := path.Split(file)
	return strings.TrimSuffix(dir, "/")
}

// reader reads what a path is merged from, where git would merge it as text.
func (a *aim) reader(path string, s sides) (blobReader, error) {
	if len(s.reads(a.look.Revert)) == 0 {
		return a.mergeable, nil
	}
	w := &walker{c: a.c, parsed: map[plumbing.Hash]map[string]object.TreeEntry{}}
	var all []attributes
	for _, commit := range []string{a.ch.Base.Commit, a.ch.Head.Commit} {
		found, err := w.at(commit, attributesOf(path))
		if err != nil {
			return nil, err
		}
		for name, e := range found {
			if odd(e) {
				continue // git does not follow a link here
			}
			text, err := a.c.text(treeEntry(e), rules.MaxMerged)
			if errors.Is(err, plumbing.ErrObjectNotFound) {
				return nil, err
			}
			all = append(all, attributes{folderOf(name), text})
		}
	}
	if mergesOddly(path, all) {
		return asBinary, nil
	}
	return a.mergeable, nil
}
