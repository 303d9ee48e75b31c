package bot

import (
	"context"
	"errors"
	"slices"

	"changegate/checks"
	"changegate/rules"
)

// stood reports whether a merge differs from what was approved only in that it left some
// files alone, because the branch had there already what was approved: two pull requests
// made the same change. It notes those files. Every other governed file that landed must
// be as approved; and what cannot be read is a difference.
func (b *Bot) stood(ctx context.Context, m *merging) (bool, error) {
	from, landed, err := b.landedFrom(ctx, m)
	if err != nil || from == "" {
		return false, ignoreGone(err)
	}
	left := m.approved.without(m.content(landed))
	if len(left) == 0 {
		return false, nil
	}
	was, err := b.GitHub.At(ctx, m.Place, from, left)
	if err != nil {
		return false, b.unread(m, err)
	}
	// The facts of a decision need not have the modes: the tip that was approved has.
	want, err := b.GitHub.At(ctx, m.Place, m.Tip, left)
	if err != nil {
		return false, b.unread(m, err)
	}
	for _, path := range left {
		if was[path] != want[path] || want[path].Blob != m.approved[path] {
			return false, nil
		}
	}
	m.landed, m.stood = landed, left
	return true, nil
}

// without lists the paths that another content has not; none when it has something that
// is not in c, or is other there.
func (c content) without(other content) (left []string) {
	for path, blob := range other {
		if was, ok := c[path]; !ok || was != blob {
			return nil
		}
	}
	for path := range c {
		if _, ok := other[path]; !ok {
			left = append(left, path)
		}
	}
	slices.Sort(left)
	return left
}

// landedFrom returns a commit that was on the branch before anything of the pull request
// was, and what landed since; no commit when none is known. The parent of the last commit
// of a rebase is not one: between what was before and that, anything may have landed.
func (b *Bot) landedFrom(ctx context.Context, m *merging) (from string, landed []rules.File, err error) {
	copied := m.copied()
	if copied < 2 {
		return m.Merge.Parent, m.landed, nil
	}
	before, err := b.wasBefore(ctx, m)
	if err != nil || before {
		return m.Merge.Parent, m.landed, err
	}
	from, err = b.GitHub.Back(ctx, m.Place, m.Before, m.Commit, copied)
	if err != nil || from == "" {
		return "", nil, err
	}
	landed, whole, err := b.GitHub.Between(ctx, m.Place, from, m.Commit)
	if err != nil || !whole {
		return "", nil, err
	}
	return from, landed, nil
}

// wasBefore reports whether the parent of the merge is known to have been on the branch
// before: that of a merge commit was, and what another pull request's merge left there.
func (b *Bot) wasBefore(ctx context.Context, m *merging) (bool, error) {
	if m.base == "" {
		return false, nil
	}
	w, err := b.GitHub.Walk(ctx, m.Place, m.Branch, m.base, m.Commit)
	if err != nil || w.Cut || w.Rewritten || len(w.Commits) == 0 {
		return false, err
	}
	last := w.Commits[len(w.Commits)-1]
	if last.ID != m.Commit || len(last.Parents) == 0 || last.Parents[0] != m.Merge.Parent {
		return false, nil
	}
	if len(last.Parents) > 1 {
		return true, nil
	}
	i := len(w.Commits) - 2
	return i >= 0 && w.Commits[i].ID == m.Merge.Parent && w.Commits[i].Merged && w.Commits[i].Pull != m.job.Number, nil
}

// unread makes of what GitHub does not tell a reason to ask again, and then none: the
// difference stays, or the merge has no plan.
func (b *Bot) unread(m *merging, err error) error {
	if errors.Is(err, checks.ErrGone) {
		return nil
	}
	if m.job.Attempts < mostAsked {
		return err
	}
	b.Log.Warn("read what a merge found or left", "repo", m.Place.Repo, "number", m.job.Number, "err", err)
	return nil
}
