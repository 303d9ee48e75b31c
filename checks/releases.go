package checks

import (
	"bytes"
	"slices"

	"changegate/rules"
)

// mostManifests bounds how many files of one change are read to see whether they give
// an agent its version.
const mostManifests = 100

// mostEditions bounds how many changes of one manifest are read, the newest.
const mostEditions = 300

// gapVersions is what a Gap calls versions of agents that could not be read.
const gapVersions = "agent versions"

// An edition is what one commit made of a manifest on the base branch.
type edition struct {
	Commit string
	Blob   string // empty where it deleted the manifest
	// Parent is the commit's first parent, and Was the blob there.
	Parent, Was string
	// Version is empty where the manifest has none of the form MAJOR.MINOR.PATCH.
	Version string
}

// releases are the versions of a manifest by its editions up to a tip, newest first. The
// newest commit that had one is the one before its successor, which may have later fixes
// to other files; where the history is not a line, it is the edition itself.
func releases(tip string, all []edition) (out []rules.Release) {
	at := map[string]int{}
	for i, e := range all {
		if e.Version == "" {
			continue
		}
		if k, ok := at[e.Version]; ok {
			out[k].Since = e.Commit
			continue
		}
		r := rules.Release{Version: e.Version, Commit: e.Commit, Since: e.Commit, Blob: e.Blob}
		switch {
		case i == 0:
			r.Commit = tip
		case all[i-1].Was == e.Blob:
			r.Commit = all[i-1].Parent
		}
		at[e.Version] = len(out)
		out = append(out, r)
	}
	return out
}

// released are the commits that a version stands for, by the manifests of the change.
func released(c *rules.Change, version string) (commits []string) {
	for _, m := range c.Manifests {
		for _, r := range m.Released {
			if r.Version == version {
				commits = append(commits, r.Commit)
			}
		}
	}
	return commits
}

// headOf is the blob that the change leaves at a path, and whether it touches the path.
func headOf(c *rules.Change, path string) (blob string, touched bool) {
	for i := range c.Files {
		f := &c.Files[i]
		if f.Path == path && f.Status != "deleted" {
			return f.New, true
		}
		touched = touched || f.Path == path || f.OldPath == path && f.Status != "copied"
	}
	return "", touched
}

// gone reports whether the change deletes a file, or moves it away.
func gone(c *rules.Change, path string) bool {
	blob, touched := headOf(c, path)
	return touched && blob == ""
}

// manifestText is what the rules read of a file: what is too large for a manifest, or is
// no text, says nothing.
func manifestText(data []byte) []byte {
	if data == nil || len(data) > rules.MaxManifest || bytes.IndexByte(data, 0) >= 0 {
		return []byte{}
	}
	return data
}

// isParsed reports whether a parser reads a file before the change may pass.
func isParsed(c *rules.Change, path string) bool {
	return path == rules.PolicyPath || slices.ContainsFunc(c.Manifests, func(m rules.Manifest) bool { return m.Path == path })
}
