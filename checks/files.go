package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// nothing reports whether GraphQL's own list of files, which has no former names
// and no blobs, already shows that nothing governed can have changed.
func (g *gathering) nothing() bool {
	files := &g.pr.PullRequest.Files
	if g.pol == nil || len(files.Nodes) == 0 || files.total() != len(files.Nodes) || files.total() != g.pr.PullRequest.ChangedFiles {
		return false
	}
	for _, f := range files.Nodes {
		if f == nil || f.Path == "" || !slices.Contains([]string{"ADDED", "CHANGED", "DELETED", "MODIFIED"}, f.ChangeType) ||
			rules.RequestPath(f.Path) || len(g.pol.GroupsOf(rules.File{Path: f.Path})) > 0 {
			return false
		}
	}
	return true
}

// files reads what changed at the head and at every commit that was reviewed.
func (g *gathering) files(ctx context.Context) error {
	c := &g.out.Change
	if g.nothing() {
		for _, f := range g.pr.PullRequest.Files.Nodes {
			c.Files = append(c.Files, rules.File{Path: f.Path, Status: strings.ToLower(f.ChangeType)})
		}
		return nil
	}
	var err error
	if g.diff, err = g.c.compare(ctx, g.out.Place, c.Base.Commit, c.Head.Commit); err != nil {
		return fmt.Errorf("compare %s...%s: %w", c.Base.Commit, c.Head.Commit, err)
	}
	if g.diff.Total != g.pr.PullRequest.ChangedFiles && len(g.diff.Files) < g.pr.PullRequest.ChangedFiles {
		if err := g.manyFiles(ctx); err != nil {
			return err
		}
	}
	c.MergeBase, c.Files, g.out.Patches = g.diff.MergeBase, g.diff.rules(), g.diff.patches()
	g.whole("files", len(c.Files), g.pr.PullRequest.ChangedFiles)
	if bare(c.Files) {
		g.gap("files", "GitHub gives neither the content nor the difference of some")
	}
	g.name()
	g.remember(ctx)
	for _, commit := range g.reviewed() {
		r, err := g.revision(ctx, commit)
		if err != nil {
			return err
		}
		if r != nil {
			c.Revisions = append(c.Revisions, *r)
		}
	}
	return nil
}

// manyFiles reads the list that goes up to 3,000 files, where a comparison stops
// at 300.
func (g *gathering) manyFiles(ctx context.Context) error {
	var all []fileAnswer
	for page := 1; page != 0 && page <= 30; {
		var files []fileAnswer
		next, err := g.c.get(ctx, g.out.Place, fmt.Sprintf("repos/%s/pulls/%d/files?per_page=100&page=%d", g.out.Place.Repo, g.w.Number, page), &files)
		if err != nil {
			return fmt.Errorf("read files, page %d: %w", page, err)
		}
		all, page = append(all, files...), next
	}
	if err := named(all); err != nil {
		return fmt.Errorf("read files: %w", err)
	}
	g.diff.Files = all
	// The list is of whatever the head was while its pages were read.
	var now struct{ Head struct{ SHA string } }
	if _, err := g.c.get(ctx, g.out.Place, fmt.Sprintf("repos/%s/pulls/%d", g.out.Place.Repo, g.w.Number), &now); err != nil {
		return fmt.Errorf("read the head again: %w", err)
	}
	if now.Head.SHA != g.out.Change.Head.Commit {
		return errMoved
	}
	return nil
}
