package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/checks"
	"changegate/rules"
)

// onto returns the commit that a merge was made onto. That is the first parent of what it
// left on the branch; but a rebase leaves as many commits there as the pull request had,
// and the parent of the last is its own work. GitHub does not say which it was: where the
// plan brings back what stood there before, that tells. It is empty when a revert finds
// what it restores at neither: git has no commit to take it from then.
func (b *Bot) onto(ctx context.Context, m *merging, plan *rules.Plan) (string, error) {
	copied := m.copied()
	switch {
	case len(m.stood) > 0 && plan.Form == rules.FormRevert:
		return "", nil // what stood there before is that of the merge which made the change first
	case m.Merge.Parent == "" || copied < 2:
		return m.Merge.Parent, nil
	}
	has, err := b.has(ctx, m, m.Merge.Parent, plan)
	if err != nil || has {
		return m.Merge.Parent, err
	}
	from, err := b.GitHub.Back(ctx, m.Place, m.Before, m.Commit, copied)
	if err = ignoreGone(err); err == nil && from != "" {
		has, err = b.has(ctx, m, from, plan)
	}
	switch {
	case err != nil:
		return "", err
	case has:
		return from, nil
	case plan.Form == rules.FormRevert:
		return "", nil
	}
	return m.Merge.Parent, nil
}

// has reports whether a commit has at every path what the plan brings back.
func (b *Bot) has(ctx context.Context, m *merging, commit string, plan *rules.Plan) (bool, error) {
	at, err := b.GitHub.At(ctx, m.Place, commit, plan.Paths())
	if errors.Is(err, checks.ErrGone) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the files of %s at %s: %w", m.Place.Repo, commit, err)
	}
	return !slices.ContainsFunc(plan.Files, func(f rules.Restored) bool { return at[f.Path] != f.Back }), nil
}

// copied is how many commits a rebase makes of the pull request: it leaves merges out.
func (m *merging) copied() (n int) {
	for _, k := range m.Change.Commits {
		if len(k.Parents) < 2 {
			n++
		}
	}
	return n
}
