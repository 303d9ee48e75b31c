package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"changegate/rules"
)

// versions is the search for what gives the agents of a change their versions.
type versions struct {
	paths []string                // of the change, governed by groups of kind agent-version
	asked bool                    // for the folders on the way to them
	texts map[string][]byte       // of blobs
	past  map[string]*manifestLog // by path
}

// A manifestLog is what a manifest was on the base branch.
type manifestLog struct {
	All []edition
	Cut bool // older ones were not read

	after string // cursor of the next page; empty when there is none
	done  bool
}

// wantManifests adds what says which versions a change touches: the files that may be a
// manifest, in the change and in the folders on the way to its files, and the history of
// those that are one. Nothing is asked where no group of kind agent-version governs a
// file. The manifest that a promotion edits is known with the first query.
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
	for _, step := range []func(context.Context, *lookup) bool{g.wantCandidates, g.wantCandidateTexts, g.wantPast} {
		if !step(ctx, q) {
			return true, nil // a gap says why
		}
		if len(q.parts) > before {
			return false, nil
		}
	}
	return true, nil
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
	for _, file := range g.agents.paths {
		if !g.pol.MayVersion(file) {
			continue
		}
		if blob, _ := headOf(c, file); blob != "" {
			g.wantManifest(ctx, q, Source{c.Head.Commit, file, blob})
		}
		g.wantEditions(ctx, q, file)
	}
	return true
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
func (g *gathering) wantPast(ctx context.Context, q *lookup) bool {
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
		past := g.wantEditions(ctx, q, all[i].Path)
		all[i].Released, all[i].Cut = releases(c.Base.Commit, past.All), past.Cut
		whole = whole && past.done
	}
	if whole {
		c.Manifests = all
	}
	return true
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

// editionsPage is how many changes of a manifest one query asks for, with their texts.
const editionsPage = 50

// editionFields is one page of the commits that changed a file, and what each left of it.
const editionFields = `object(expression: %%s) { ... on Commit { history(first: %d, path: %%s%s) { pageInfo { hasNextPage endCursor } nodes {
	oid file(path: %%s) { oid mode object { ... on Blob { text } } } parents(first: 1) { nodes { oid file(path: %%s) { oid mode } } }
} } } }`

// An editionAnswer is a commit that changed a manifest.
type editionAnswer struct {
	Oid     string
	File    *fileAt
	Parents struct {
		Nodes []struct {
			Oid  string
			File *fileAt
		}
	}
}

// A fileAt is what a commit has at a path; nil where there is nothing.
type fileAt struct {
	folderEntry
	Object struct{ Text *string }
}

// blob is the content's id; a folder has none.
func (f *fileAt) blob() string {
	if f == nil {
		return ""
	}
	return f.file().Blob
}

// wantEditions asks for the next page of a manifest's history up to the base branch's
// tip. What a commit has behind it never changes.
func (g *gathering) wantEditions(ctx context.Context, q *lookup, file string) *manifestLog {
	base := g.out.Change.Base.Commit
	key := fmt.Sprintf("editions/1/%d/%s/%s", g.out.Place.RepoID, base, file)
	past := g.agents.past[file]
	if past == nil {
		past = &manifestLog{}
		g.agents.past[file] = past
		if data, ok := g.c.Cache.Get(ctx, key); ok && json.Unmarshal(data, past) == nil {
			past.done = true
		}
	}
	if past.done {
		return past
	}
	after, values := "", []string{base, file, file, file}
	if past.after != "" {
		after, values = ", after: %s", []string{base, file, past.after, file, file}
	}
	q.parts = append(q.parts, part{
		alias: fmt.Sprintf("editions%d", len(q.parts)), field: fmt.Sprintf(editionFields, editionsPage, after), values: values,
		take: func(a partAnswer) error {
			var k struct {
				History *struct {
					PageInfo pageInfo
					Nodes    []*editionAnswer
				}
			}
			if _, err := a.read(&k); err != nil || k.History == nil {
				return fmt.Errorf("the history of %s is missing: %w", file, err)
			}
			for _, n := range k.History.Nodes {
				if n == nil || n.Oid == "" {
					return fmt.Errorf("the history of %s has a commit without an id", file)
				}
				past.All = append(past.All, n.edition())
			}
			past.after = k.History.PageInfo.EndCursor
			past.Cut = k.History.PageInfo.HasNextPage && len(past.All) >= mostEditions
			if past.done = !k.History.PageInfo.HasNextPage || past.Cut; !past.done {
				return nil
			}
			data, err := json.Marshal(past)
			if err == nil {
				g.c.Cache.Put(ctx, key, data)
			}
			return err
		},
	})
	return past
}

// edition is what the commit made of the manifest. A text that is not what its id names
// was converted by GitHub, and is none that the rules read.
func (n *editionAnswer) edition() edition {
	e := edition{Commit: n.Oid, Blob: n.File.blob()}
	if len(n.Parents.Nodes) > 0 {
		e.Parent, e.Was = n.Parents.Nodes[0].Oid, n.Parents.Nodes[0].File.blob()
	}
	if n.File == nil || n.File.Object.Text == nil || !isFile(n.File.file()) {
		return e
	}
	for _, text := range []string{*n.File.Object.Text, "\ufeff" + *n.File.Object.Text} {
		if isBlob(e.Blob, text) {
			e.Version = rules.ManifestVersion(manifestText([]byte(text)))
		}
	}
	return e
}
