package checks

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"

	"changegate/rules"
)

// versions is the search for what gives the agents of a change their versions.
type versions struct {
	paths []string                // of the change, governed by groups of kind agent-version
	asked bool                    // for the folders on the way to them
	texts map[string][]byte       // of blobs
	past  map[string]*manifestLog // by path
}

// wantManifests adds what says which versions a change touches: the files that may be a
// manifest, in the change and in the folders on the way to its files, and the history of
// those that are one. Nothing is asked where no group of kind agent-version governs a
// file.
func (g *gathering) wantManifests(ctx context.Context, q *lookup) (settled bool, err error) {
	c := &g.out.Change
	if g.pol == nil {
		return true, nil
	}
	if g.agents == nil {
		g.agents = &versions{paths: g.pol.Versioned(c.Files), texts: map[string][]byte{}, past: map[string]*manifestLog{}}
	}
	if len(g.agents.paths) == 0 {
		return true, nil
	}
	before := len(q.parts)
	if !g.agents.asked {
		if err := g.wantEarly(ctx, q); err != nil {
			return false, err
		}
	}
	for _, step := range []func(context.Context, *lookup) bool{g.wantCandidates, g.wantCandidateTexts} {
		if !step(ctx, q) {
			return true, nil // a gap says why
		}
		if len(q.parts) > before {
			return false, nil
		}
	}
	if err := g.wantPast(ctx, q); err != nil {
		return false, err
	}
	return len(q.parts) == before, nil
}

// wantCandidates asks for the folders on the base branch, and for what the change itself
// has of manifests.
func (g *gathering) wantCandidates(ctx context.Context, q *lookup) bool {
	c, dirs := &g.out.Change, foldersOf(g.agents.paths)
	if n := len(g.folders.lacks(ctx, c.Base.Commit, dirs)); n > mostFolders {
		g.gap(gapVersions, fmt.Sprintf("the files are in %d folders, at most %d are read", n, mostFolders))
		return false
	}
	if !g.agents.asked { // what GitHub did not give whole it would not give again
		g.folders.wantPaths(ctx, q, c.Base.Commit, dirs)
		g.agents.asked = true
	}
	for i, file := range g.mayVersion() {
		if i < mostManifests && gone(c, file) {
			g.folders.wantPaths(ctx, q, c.Head.Commit, foldersOf([]string{file}))
		}
		if blob, _ := headOf(c, file); blob != "" && i < mostManifests {
			g.wantManifest(ctx, q, Source{c.Head.Commit, file, blob})
		}
	}
	return true
}

// mostEarly is how many files of a change are taken for manifests before that is known: a
// promotion edits one, and its history is asked for with the first query.
const mostEarly = 2

// wantEarly asks for the history of the manifest that a promotion edits.
func (g *gathering) wantEarly(ctx context.Context, q *lookup) error {
	may := g.mayVersion()
	if len(may) > mostEarly {
		return nil
	}
	for _, file := range may {
		if _, err := g.wantEditions(ctx, q, file); err != nil {
			return err
		}
	}
	return nil
}

// mayVersion are the files of the change that may be a manifest.
func (g *gathering) mayVersion() []string {
	return slices.DeleteFunc(slices.Clone(g.agents.paths), func(file string) bool { return !g.pol.MayVersion(file) })
}

// candidates are the files that may be a manifest, with what the base branch has there.
func (g *gathering) candidates() (found map[string]rules.Entry, known bool) {
	base := g.out.Change.Base.Commit
	found = map[string]rules.Entry{}
	for _, file := range g.agents.paths {
		if g.pol.MayVersion(file) {
			found[file] = rules.Entry{}
		}
	}
	for _, dir := range foldersOf(g.agents.paths) {
		list := g.folders.held(folder{base, dir})
		if list == nil {
			// It is not there, unless GitHub did not give it whole.
			if _, known := g.folders.at(base, path.Join(dir, "x")); !known {
				return nil, false
			}
			continue
		}
		for name, e := range list.names {
			if file := path.Join(dir, name); e.file() != (rules.Entry{}) && g.pol.MayVersion(file) {
				found[file] = e.file()
			}
		}
	}
	return found, true
}

// wantCandidateTexts asks for the files that may be a manifest.
func (g *gathering) wantCandidateTexts(ctx context.Context, q *lookup) bool {
	c := &g.out.Change
	found, known := g.candidates()
	switch {
	case !known:
		g.gap(gapVersions, "GitHub did not give whole what the folders of "+g.agents.paths[0]+" hold")
		return false
	case len(found) > mostManifests:
		g.gap(gapVersions, fmt.Sprintf("%d files may give an agent its version, at most %d are read", len(found), mostManifests))
		return false
	}
	for _, file := range slices.Sorted(maps.Keys(found)) {
		if e := found[file]; isFile(e) {
			g.wantManifest(ctx, q, Source{c.Base.Commit, file, e.Blob})
		}
	}
	return true
}

// isFile reports an entry that has content of its own.
func isFile(e rules.Entry) bool { return strings.HasPrefix(e.Mode, "100") }

// wantManifest asks for one text, once ever.
func (g *gathering) wantManifest(ctx context.Context, q *lookup, s Source) {
	texts := g.agents.texts
	if texts[s.Blob] != nil {
		return
	}
	if data, ok := g.c.Cache.Get(ctx, "blob/"+s.Blob); ok {
		texts[s.Blob] = manifestText(data)
		return
	}
	q.text(ctx, g.c, s, func(text *string) {
		texts[s.Blob] = []byte{}
		if text != nil {
			g.c.Cache.Put(ctx, "blob/"+s.Blob, []byte(*text))
			texts[s.Blob] = manifestText([]byte(*text))
		}
	})
}

// wantPast keeps the manifests that cover a file of the change and asks for what they
// were; when that is known they are facts.
func (g *gathering) wantPast(ctx context.Context, q *lookup) error {
	c := &g.out.Change
	found, _ := g.candidates()
	var all []rules.Manifest
	for file, e := range found {
		m := rules.Manifest{Path: file, Base: g.manifestAt(e)}
		m.Head = m.Base
		if blob, touched := headOf(c, file); touched {
			m.Head = g.agents.texts[blob]
		}
		all = append(all, m)
	}
	all = g.pol.Covering(c.Files, all)
	whole := true
	for i := range all {
		past, err := g.wantEditions(ctx, q, all[i].Path)
		if err != nil {
			return err
		}
		all[i].Released, all[i].Cut = releases(c.Base.Commit, past.All), past.Cut
		if gone(c, all[i].Path) {
			stay, known := g.staying(all[i].Path)
			if !known {
				g.gap(gapVersions, "GitHub did not give whole what is left beside "+all[i].Path)
			}
			all[i].Stay = stay
		}
		whole = whole && past.done
	}
	if whole {
		c.Manifests = all
	}
	return nil
}

// staying is what the head has in the folder of a manifest that the change deletes.
func (g *gathering) staying(file string) (stay []string, known bool) {
	f := folder{commit: g.out.Change.Head.Commit, dir: strings.TrimSuffix(path.Dir(file), "/")}
	if f.dir == "." {
		f.dir = ""
	}
	list := g.folders.held(f)
	if list == nil {
		_, known = g.folders.at(f.commit, file)
		return nil, known
	}
	for name, e := range list.names {
		stay = append(stay, standing(name, filemode.FileMode(e.Mode)))
	}
	slices.Sort(stay)
	return stay, true
}

// standing is a name in a folder as Manifest.Stay has it.
func standing(name string, mode filemode.FileMode) string {
	if mode == filemode.Dir {
		name += "/"
	}
	return name
}

func (g *gathering) manifestAt(e rules.Entry) []byte {
	switch {
	case e == (rules.Entry{}):
		return nil
	case !isFile(e):
		return []byte{}
	}
	return g.agents.texts[e.Blob]
}
