package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// rollBack opens the pull request that takes a merged one back, or says what to run
// where the App may not. Doing it again finds the one that is open.
func (b *Bot) rollBack(ctx context.Context, r *reading, t *turn, d *done) error {
	c, err := b.changeOf(ctx, r)
	if err != nil {
		return err
	}
	if d.Wrong, d.Fix = rules.Undoable(c.Number, c.Plan, c.UndoneBy); d.Refused() {
		return nil
	}
	d.asked = c
	u := rules.Undoing{Change: c.Number, Title: r.Title, By: t.By.Login, Reason: d.command.Reason, Incident: d.command.Incident}
	x, err := b.GitHub.Restore(ctx, r.Place, checks.Rollback{Undoing: u, Plan: *c.Plan, Branch: c.Branch, Number: c.Pull})
	if err != nil {
		b.excuse(r, d, err)
		return nil
	}
	var in bool
	err = b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		if in, err = tx.InEffect(ctx, c); err != nil {
			return err
		}
		return Besides(ctx, tx, x, c)
	})
	if err != nil {
		return err
	}
	if r.free {
		x.Notes = append(x.Notes, "No policy governs "+rules.Visible(x.Branch)+" any more, so nothing is asked of it.")
	} else {
		x.Notes = append(x.Notes, r.policy.Prospect(&r.Change, c.Plan, x.Since(), in))
	}
	return b.openRollback(ctx, r, t, d, x)
}

// changeOf is what the pull request became; without a number when it became nothing.
func (b *Bot) changeOf(ctx context.Context, r *reading) (*store.Change, error) {
	c := &store.Change{}
	err := b.Store.Read(ctx, func(tx *store.Tx) error {
		found, err := tx.ChangeOfPull(ctx, r.Place.RepoID, r.job.Number)
		if found != nil {
			c = found
		}
		return err
	})
	return c, err
}

// openRollback opens it and makes the answer.
func (b *Bot) openRollback(ctx context.Context, r *reading, t *turn, d *done, x *checks.Restoring) error {
	if err := b.held(ctx, r.job); err != nil {
		return err
	}
	number, _, err := b.GitHub.OpenRollback(ctx, r.Place, x)
	switch {
	case err == nil:
		d.answer = checks.RollbackOpened(t.By, x, number)
		// It is known here that it is open: whoever waits for its check at night does not
		// wait for a webhook that may be lost.
		w := checks.Wake{Place: r.Place, Number: number, Base: x.Branch}
		return b.Store.Write(ctx, func(tx *store.Tx) error { return tx.Raise(ctx, w, "rollback opened", b.Now()) })
	case errors.Is(err, checks.ErrNotGranted):
		d.Wrong, d.answer = "not granted", checks.RollbackByHand(t.By, x)
	case errors.Is(err, checks.ErrInTheWay):
		d.Wrong, d.answer = "in the way", checks.RollbackInTheWay(t.By, x)
	case errors.Is(err, checks.ErrStuck):
		d.Wrong, d.answer = "stuck", checks.RollbackStuck(t.By, x)
	case errors.Is(err, checks.ErrNothingToUndo):
		d.Wrong = fmt.Sprintf("%s already has what the plan of %s restores, so there is nothing to do", x.Branch, x.Plan.ID())
		d.Fix = "look for the change that did it in the history of its files"
	default:
		b.excuse(r, d, err)
	}
	return nil
}

// excuse makes a refusal of what GitHub did not do: whoever gave the command is there to
// give it again.
func (b *Bot) excuse(r *reading, d *done, err error) {
	b.Log.Warn("roll back", "repo", r.Place.Repo, "number", r.job.Number, "err", err)
	d.Wrong, d.Fix = "GitHub did not do what a rollback takes", "write the command again in a minute"
	if errors.Is(err, checks.ErrGone) {
		d.Wrong, d.Fix = "the branch, or a commit of the plan, is not there any more", "take it back by hand, from what the page of this change lists"
	}
}

// tellUndone has the pull request of a change that was rolled back say so.
func (b *Bot) tellUndone(ctx context.Context, tx *store.Tx, m *merging) error {
	of := m.ChangeMerged.RollbackOf
	if of == nil {
		return nil
	}
	undone, err := tx.Change(ctx, m.Place.OrgID, of.Change)
	if err != nil || undone == nil {
		return err
	}
	v := store.Saying{Mark: fmt.Sprintf("undone %d", m.job.Number), Since: b.Now(),
		Body: checks.RolledBack(of.Change, m.ChangeNumber, m.job.Number, of.Restored.Sub(of.Reported))}
	place := m.Place
	place.RepoID = undone.RepoID
	return errors.Join(tx.AddSaying(ctx, undone.RepoID, undone.Pull, v),
		tx.Raise(ctx, checks.Wake{Place: place, Number: undone.Pull, Base: undone.Branch}, "rolled back", b.Now()))
}

// Besides notes what else a rollback takes back: changes of its files that came after
// the change, or lie between it and what it goes back to. A revert keeps them, but for
// those that had changed a file in the same way before.
func Besides(ctx context.Context, tx *store.Tx, x *checks.Restoring, c *store.Change) error {
	later, between, same := map[int]*store.Change{}, map[int]*store.Change{}, map[int]*store.Change{}
	for _, f := range c.Plan.Files {
		all, _, err := tx.ChangesOfPath(ctx, c.RepoID, c.Branch, f.Path)
		if err != nil {
			return err
		}
		if c.Plan.Form == rules.FormRevert {
			alike(all, c, f, same)
			continue
		}
		split(all, c, f, x.Parent[f.Path], later, between)
	}
	if len(same) > 0 {
		x.Notes = append(x.Notes, "It takes back as well what had changed these files in the same way before "+c.ID()+": "+numbers(same)+".")
	}
	if len(later) > 0 {
		x.Notes = append(x.Notes, "It takes back as well what changed these files after "+c.ID()+": "+numbers(later)+".")
	}
	if len(between) > 0 {
		x.Notes = append(x.Notes, "It goes back further than to the version before "+c.ID()+", so it takes back as well "+numbers(between)+".")
	}
	return nil
}

// split sorts the changes of a file, newest first, into those after c and those that lie
// between c and what its plan restores there.
func split(all []*store.Change, c *store.Change, f rules.Restored, parent rules.Entry, later, between map[int]*store.Change) {
	i := slices.IndexFunc(all, func(other *store.Change) bool { return other.Number == c.Number })
	if i < 0 {
		return
	}
	for _, other := range all[:i] {
		later[other.Number] = other
	}
	if parent == f.Back {
		return
	}
	for _, other := range all[i+1:] {
		if left, known := leftAt(other, f.Path); known && left == f.Back {
			return
		}
		between[other.Number] = other
	}
}

// alike finds, of the changes of a file, newest first, those right before c that left
// there what c did: c itself changed nothing there.
func alike(all []*store.Change, c *store.Change, f rules.Restored, same map[int]*store.Change) {
	i := slices.IndexFunc(all, func(other *store.Change) bool { return other.Number == c.Number })
	for _, other := range all[i+1:] {
		if left, known := leftAt(other, f.Path); i < 0 || !known || left != f.Landed {
			return
		}
		same[other.Number] = other
	}
}

// leftAt is what a change left at a path, as far as its plan says.
func leftAt(c *store.Change, path string) (left rules.Entry, known bool) {
	if c.Plan == nil {
		return left, false
	}
	for _, f := range c.Plan.Files {
		if f.Path == path {
			return f.Landed, true
		}
	}
	return left, false
}

// mostNamed is how many changes a note names.
const mostNamed = 8

// numbers lists changes by number.
func numbers(all map[int]*store.Change) string {
	var words []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		words = append(words, fmt.Sprintf("%s (PR %d)", rules.ChangeID(n), all[n].Pull))
	}
	if more := len(words) - mostNamed; more > 0 {
		words = append(words[:mostNamed], fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
}
