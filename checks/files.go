package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// nothing reports whether GraphQL's own lists, of files without former names and
// blobs and of commits, already show that nothing governed can have changed. Where
// branches were merged, or the base branch moved, they do not say with what they were
// compared.
func (g *gathering) nothing() bool {
	p := &g.pr.PullRequest
	files := &p.Files
	if g.pol == nil || g.merges() || g.out.Change.Base.Commit != p.BaseRefOid || len(files.Nodes) == 0 || files.total() != len(files.Nodes) || files.total() != p.ChangedFiles ||
		p.Commits.total() != len(g.out.Change.Commits) || p.Commits.total() == 0 {
		return false
	}
	for _, f := range files.Nodes {
		if f == nil || f.Path == "" || !slices.Contains([]string{"ADDED", "CHANGED", "DELETED", "MODIFIED"}, f.ChangeType) ||
			rules.RequestPath(f.Path) || g.governed(rules.File{Path: f.Path}) {
			return false
		}
	}
	return true
}

// governed reports whether some group governs either end of a file's change.
func (g *gathering) governed(f rules.File) bool {
	return g.pol != nil && len(g.pol.GroupsOf(f)) > 0
}

// files reads what changed at the head and at every commit that was reviewed, and
// the commits that changed it.
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
	c.MergeBase, c.Files, g.out.Patches = g.diff.MergeBase, g.diff.rules(), g.diff.patches()
	if err := g.commits(ctx); err != nil {
		return err
	}
	if err := g.bases(ctx); err != nil {
		return err
	}
	if n := g.pr.PullRequest.ChangedFiles; len(c.Files) < n || len(c.Files) > n && g.countedBefore() {
		if err := g.manyFiles(ctx); err != nil {
			return err
		}
	} else {
		g.whole("files", len(c.Files), g.pr.PullRequest.ChangedFiles)
	}
	if bare(c.Files) {
		g.gap("files", "GitHub gives neither the content nor the difference of some")
	}
	return g.revisions(ctx)
}

// manyFiles compares the git trees where a comparison stops at 300 files: three
// calls for any number of files, and each answer proves itself. A rename is two
// files there and one in GitHub's count, so the list may be longer than that, never
// shorter. Where GitHub does not give the trees whole, its own list may still be.
func (g *gathering) manyFiles(ctx context.Context) error {
	c, want := &g.out.Change, g.pr.PullRequest.ChangedFiles
	files, err := g.trees.differ(ctx, c.MergeBase, c.Head.Commit)
	gone := errors.Is(err, errNotWhole) || errors.Is(err, ErrGone)
	switch {
	case gone && g.countedBefore():
		g.gap("files", "GitHub counts them against an older base branch, and does not give the trees whole")
		return nil
	case gone:
		return g.listedFiles(ctx)
	case err != nil:
		return err
	case g.countedBefore():
	case len(files) < want && !g.again:
		return errMoved
	case len(files) < want:
		g.whole("files", len(files), want)
	}
	c.Files, g.diff.Files = files, answersOf(files, g.out.Patches)
	return nil
}

// countedBefore reports whether GitHub's count of files is of an older base branch: it
// counts anew when the head is pushed to, not when the base moves. A pull request
// stacked on a merged one would otherwise never be read whole.
func (g *gathering) countedBefore() bool {
	return g.out.Change.Base.Commit != g.pr.PullRequest.BaseRefOid
}

// answersOf are files of git trees in the form of a comparison's.
func answersOf(files []rules.File, patches map[string]string) []fileAnswer {
	out := make([]fileAnswer, 0, len(files))
	for _, f := range files {
		a := fileAnswer{SHA: f.New, Filename: f.Path, Status: f.Status, Patch: patches[f.Path]}
		if f.Status == "deleted" {
			a.SHA, a.Status = f.Old, "removed"
		}
		out = append(out, a)
	}
	return out
}

// listedFiles reads the list of a pull request's files, which stops at 3,000.
func (g *gathering) listedFiles(ctx context.Context) error {
	c := &g.out.Change
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
	// The list is of whatever the head was while its pages were read.
	var now struct{ Head struct{ SHA string } }
	if _, err := g.c.get(ctx, g.out.Place, fmt.Sprintf("repos/%s/pulls/%d", g.out.Place.Repo, g.w.Number), &now); err != nil {
		return fmt.Errorf("read the head again: %w", err)
	}
	if now.Head.SHA != c.Head.Commit {
		return errMoved
	}
	g.diff.Files = all
	c.Files, g.out.Patches = g.diff.rules(), g.diff.patches()
	g.whole("files", len(c.Files), g.pr.PullRequest.ChangedFiles)
	return nil
}

// sortFiles orders files as GitHub does, by path.
func sortFiles(files []rules.File) {
	slices.SortFunc(files, func(a, b rules.File) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.OldPath, b.OldPath))
	})
}
