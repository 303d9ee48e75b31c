package rules

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// kindVersion is the kind of a group whose files belong to a version of an agent.
const kindVersion = "agent-version"

// ManifestVersion returns the version that a manifest gives its agent; empty when it
// gives none, or none of the form MAJOR.MINOR.PATCH.
func ManifestVersion(data []byte) string {
	if c := readClaim(data); c.at != nil {
		return c.version
	}
	return ""
}

// IsVersion reports whether rollback.to, so written, can name a version of an agent.
func IsVersion(to string) bool { return released(to) != nil }

// MayVersion reports whether a file may be an agent's manifest: YAML or JSON that a
// group of kind agent-version governs. What npm writes of a package beside package.json
// repeats its version, and follows it.
func (p *Policy) MayVersion(file string) bool {
	switch path.Base(strings.ToLower(file)) {
	case "package-lock.json", "npm-shrinkwrap.json":
		return false
	}
	switch strings.ToLower(path.Ext(file)) {
	case ".yml", ".yaml", ".json":
		return slices.ContainsFunc(p.judged, func(g Group) bool { return g.Kind == kindVersion && g.match.governs(fold(file)) })
	}
	return false
}

// Versioned returns the paths of a change that groups of kind agent-version govern, in
// order: of a rename both ends.
func (p *Policy) Versioned(files []File) []string {
	all := list(uncopied(files))
	var out []string
	for i := range p.judged {
		if g := &p.judged[i]; g.Kind == kindVersion {
			out = slices.AppendSeq(out, all.governedBy(g))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Covering keeps those manifests that give a file of the change its version, by path.
func (p *Policy) Covering(files []File, all []Manifest) []Manifest {
	changed := list(uncopied(files))
	agents := agentFiles(changed, all)
	keep := map[string]bool{}
	for i := range p.judged {
		g := &p.judged[i]
		if g.Kind != kindVersion {
			continue
		}
		for file := range changed.governedBy(g) {
			for _, a := range covering(g, file, agents, changed) {
				keep[a.Path] = true
			}
		}
	}
	out := slices.DeleteFunc(slices.Clone(all), func(m Manifest) bool { return !keep[m.Path] })
	slices.SortFunc(out, func(a, b Manifest) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// An agentFile is a manifest that was read.
type agentFile struct {
	*Manifest
	changed    bool // the manifest is a file of the change
	base, head claim
}

// agentFiles reads manifests, and leaves out the files that are none.
func agentFiles(files listing, all []Manifest) []agentFile {
	changed := map[string]bool{}
	for i := range files {
		changed[files[i].Path], changed[files[i].OldPath] = true, true
	}
	var out []agentFile
	for i := range all {
		a := agentFile{Manifest: &all[i], changed: changed[all[i].Path], base: readClaim(all[i].Base), head: readClaim(all[i].Head)}
		if a.versioned() {
			out = append(out, a)
		}
	}
	return out
}

// versioned tells an agent's manifest from a file whose version is that of its own
// schema: such a one is no MAJOR.MINOR.PATCH, and the change leaves it as it is.
func (a *agentFile) versioned() bool {
	switch {
	case a.base.at != nil, a.changed && a.head.vague:
		return true
	}
	return a.head.version != "" && a.head.version != a.base.version
}

// covering are the manifests that give a file its version: those that did so on the base
// branch, if the file was there, and those that do at the head. A manifest that is new in
// a nearer folder does not take a file out of the version that it was released with.
func covering(g *Group, file string, agents []agentFile, files listing) []*agentFile {
	var out []*agentFile
	if files.had(file) {
		out = closest(g, file, agents, func(a *agentFile) bool { return a.base.at != nil })
	}
	for _, a := range closest(g, file, agents, func(a *agentFile) bool { return a.head.there && (a.head.version != "" || a.head.vague) }) {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// closest are the manifests in effect that give a file its version: a manifest itself, any
// other file those of the group in the nearest folder, upwards, that has one.
func closest(g *Group, file string, agents []agentFile, in func(*agentFile) bool) []*agentFile {
	var out []*agentFile
	near := -1
	for i := range agents {
		a := &agents[i]
		if a.Path == file {
			return []*agentFile{a}
		}
		// All folders that hold the file begin as its path does: a longer one is nearer.
		dir, _ := path.Split(a.Path)
		if len(dir) < near || !strings.HasPrefix(file, dir) || !g.match.governs(fold(a.Path)) || !in(a) {
			continue
		}
		if len(dir) > near {
			near, out = len(dir), nil
		}
		out = append(out, a)
	}
	return out
}

// had reports whether a path of the change was there before it.
func (l listing) had(path string) bool {
	return slices.ContainsFunc(l, func(f listed) bool {
		return f.OldPath == path || f.OldPath == "" && f.Path == path && f.Status != "added" && f.Status != "copied"
	})
}
