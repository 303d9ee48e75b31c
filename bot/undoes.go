package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"changegate/bot/store"
	"changegate/rules"
)

// undoes finds the changes of the past that an open pull request may be the rollback of,
// and what stands at their files at its head and on the base branch. It costs calls only
// where the content of every file is what a plan restores, or where the branch is called
// like one of ours: nobody pays for edits of the same files.
func (b *Bot) undoes(ctx context.Context, r *reading) error {
	c := &r.Change
	if c.State != "open" || r.policy == nil || !r.concerns() {
		return nil
	}
	paths := r.policy.GovernedPaths(c.Files)
	if len(paths) == 0 {
		return nil
	}
	err := b.Store.Read(ctx, func(tx *store.Tx) error {
		all, err := tx.ChangesOf(ctx, r.Place.RepoID, c.Base.Branch, paths)
		for _, past := range all {
			if err == nil && r.mayUndo(past) {
				err = b.addUndo(ctx, tx, r, past)
			}
		}
		return err
	})
	if err != nil || len(c.Undoes) == 0 {
		return err
	}
	at := map[string]map[string]rules.Entry{}
	for _, commit := range []string{c.Head.Commit, c.Base.Commit, c.MergeBase} {
		if commit == "" || at[commit] != nil {
			continue
		}
		if at[commit], err = b.GitHub.At(ctx, r.Place, commit, paths); err != nil {
			return fmt.Errorf("read the files of %s#%d at %s: %w", r.Place.Repo, r.job.Number, commit, err)
		}
		for _, path := range paths {
			at[commit][path] = at[commit][path] // no file is known to be none
		}
	}
	for i := range c.Undoes {
		u := &c.Undoes[i]
		u.Head, u.Base, u.Fork = at[c.Head.Commit], at[c.Base.Commit], at[c.MergeBase]
		if err := b.revert(ctx, r, u); err != nil {
			return fmt.Errorf("read what a revert of %s makes: %w", u.ID(), err)
		}
	}
	return nil
}

// revert works out what a plan to revert makes of the base branch as it is now, for a pull
// request that was opened for it after others changed its files.
func (b *Bot) revert(ctx context.Context, r *reading, u *rules.Undo) error {
	moved := func(f rules.Restored) bool { return u.Base[f.Path] != f.Landed }
	if u.Form != rules.FormRevert || !rules.IsRollbackBranch(r.Change.Head.Branch, u.Change) || !slices.ContainsFunc(u.Files, moved) {
		return nil
	}
	t, err := b.GitHub.Verify(ctx, r.Place, u.Plan, r.Change.Base.Commit, true)
	if err != nil {
		return err
	}
	if t.Unknown != "" || slices.ContainsFunc(t.Files, func(f rules.Restored) bool { return f.Wrong != "" }) {
		return nil
	}
	u.Reverted = map[string]rules.Entry{}
	for _, f := range t.Files {
		u.Reverted[f.Path] = f.Back
	}
	return nil
}

// mayUndo reports whether it is worth a call to look closer. A change that was numbered
// while the repository was another organisation's is in that one's log.
func (r *reading) mayUndo(past *store.Change) bool {
	if past.OrgID != r.Place.OrgID {
		return false
	}
	if rules.IsRollbackBranch(r.Change.Head.Branch, past.Number) {
		return true
	}
	left := content{}
	left.lay(r.Change.Files)
	for _, f := range past.Plan.Files {
		if blob, known := left[f.Path]; !known || blob != f.Back.Blob {
			return false
		}
	}
	return true
}

// addUndo adds a change of the past to the facts, with when its rollback was asked for.
func (b *Bot) addUndo(ctx context.Context, tx *store.Tx, r *reading, past *store.Change) error {
	reported, err := reported(ctx, tx, past, r.OpenedAt)
	if err != nil {
		return err
	}
	in, err := tx.InEffect(ctx, past)
	r.Change.Undoes = append(r.Change.Undoes, rules.Undo{Plan: *past.Plan, Number: past.Pull, Reported: reported, InEffect: in, UndoneBy: past.UndoneBy})
	return err
}

// stillAsked is how long before the pull request was opened a command can have been that
// asked for it: what was asked in an incident and done by nobody is not when the next
// one began.
const stillAsked = 24 * time.Hour

// reported is when the rollback of a change was asked for, by command or by opening the
// pull request that makes it. What was asked before a rollback of it was merged has been
// done; and one that was opened before the change was there cannot have meant it.
func reported(ctx context.Context, tx *store.Tx, past *store.Change, opened time.Time) (time.Time, error) {
	since := past.MergedAt
	if past.UndoneBy != 0 {
		by, err := tx.Change(ctx, past.OrgID, past.UndoneBy)
		if err != nil {
			return since, err
		}
		if by != nil && by.MergedAt.After(since) {
			since = by.MergedAt
		}
	}
	if opened.Before(since) {
		return since, nil
	}
	from := opened.Add(-stillAsked)
	if from.Before(since) {
		from = since
	}
	asked, err := tx.RollbackAsked(ctx, past.OrgID, past.Number, from, opened)
	if asked.IsZero() {
		asked = opened
	}
	return asked, err
}
