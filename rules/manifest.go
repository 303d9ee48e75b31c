package rules

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	yaml "go.yaml.in/yaml/v4"
)

// MaxManifest is the largest agent manifest read, in bytes: some hold the prompt.
const MaxManifest = 256 << 10

// kindVersion is the kind of a group whose files belong to a version of an agent.
const kindVersion = "agent-version"

// A claim is what a manifest says of its agent's version.
type claim struct {
	there    bool
	version  string          // as written; empty when it says none
	at       *semver.Version // nil when version is not MAJOR.MINOR.PATCH
	replaces string
	line     int // of version, else of replaces, else the first
	wrong    Problems
	vague    bool // it cannot be read, and may hold a version
}

// versionLine is what looks like a version at the top level of YAML or JSON.
var versionLine = regexp.MustCompile(`(?m)^[{\s]{0,4}["']?version["']?\s*:`)

// readClaim reads a manifest with the loader of policies and change requests. JSON is
// YAML. Other keys are the agent's own business.
func readClaim(data []byte) claim {
	c := claim{there: data != nil, line: 1}
	if !c.there {
		return c
	}
	r := &reader{}
	root := r.load(data, MaxManifest)
	if root != nil && root.Kind == yaml.MappingNode {
		c.read(r, root)
	}
	if c.wrong = r.all(); len(c.wrong) > 0 {
		// A chart or a workflow that this loader does not take is no manifest. One that
		// was made unreadable to hide its version is.
		c.version, c.at, c.replaces = "", nil, ""
		c.vague = versionLine.Match(data)
	}
	return c
}

func (c *claim) read(r *reader, root *yaml.Node) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if key.Value != "version" && key.Value != "replaces" {
			continue
		}
		if seen[key.Value] {
			// Which of the two is deployed depends on who reads the file.
			r.add(key, CodeDuplicate, code(key.Value)+" is written twice", "keep one")
		}
		seen[key.Value] = true
		if value.Kind != yaml.ScalarNode || blank(value) {
			continue
		}
		if key.Value == "replaces" {
			c.replaces = value.Value
			continue
		}
		c.version, c.at, c.line = value.Value, released(value.Value), key.Line
	}
}

// mostVersion is the largest number in a version: above it readers of JSON disagree on
// which it is, and one that ends the range has none after it.
const mostVersion = 1 << 53

// released is a version by the strict grammar of semver.org 2.0.0, nil when it is
// none: 1.2, v1.2.3 and 01.2.3 would each be another version to another reader.
func released(version string) *semver.Version {
	v, err := semver.StrictNewVersion(version)
	if err != nil || max(v.Major(), v.Minor(), v.Patch()) > mostVersion {
		return nil
	}
	return v
}

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
// group of kind agent-version governs.
func (p *Policy) MayVersion(file string) bool {
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
