package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// An order is a new comment that gives commands.
type order struct {
	checks.Comment
	commands []rules.Command
}

// mostOrders is how many comments of one person are heeded in one reading: each costs
// three calls at least, and the verdict waits for them.
const mostOrders = 10

// orders are the comments that give commands, oldest first; of each person the newest,
// and more when there were others. Bots give none and get no answer, so that no two of
// them talk for ever. Of an account that is gone nobody can say what it may.
func orders(comments []checks.Comment) (all []order, more bool) {
	of := map[int64]int{}
	for _, c := range slices.Backward(comments) {
		if c.By.Bot || c.By.ID == 0 {
			continue
		}
		commands := rules.Commands(c.Body)
		if len(commands) == 0 {
			continue
		}
		if of[c.By.ID]++; of[c.By.ID] > mostOrders {
			more = true
			continue
		}
		all = append(all, order{c, commands})
	}
	slices.Reverse(all)
	return all, more
}

// read notes up to which comment the conversation was read. What the next reading
// starts from is in both places.
func (r *reading) read(upTo int64) {
	r.memory.Comment = max(r.memory.Comment, upTo)
	r.Known.Comment = r.memory.Comment
}

// unread is said where more was written between two readings than is read.
const unread = "More comments were written here at once than are read. A command among the older of them was not carried out; whoever gave it writes it again.\n"

// heeds reports whether commands are obeyed: where the change is judged, for as long as
// the review of an exception is owed, and where what was judged once was merged. That can
// be rolled back, whatever became of the policy and the branch since.
func (r *reading) heeds() bool {
	was := r.Merge != nil && (r.pull.MergeRecord >= 0 || r.pull.Record >= 0)
	return was || r.concerns() || slices.ContainsFunc(r.exceptions, func(x store.Exception) bool { return x.Closed == nil })
}

// heed finds what people ask for: the buttons pressed, and the comments that give
// commands. Of those it must be said when some were not read.
func (b *Bot) heed(ctx context.Context, tx *store.Tx, r *reading) (err error) {
	more := r.Unread
	if r.heeds() {
		var many bool
		r.orders, many = orders(r.Comments)
		more = more || many
	}
	if len(r.orders) == 0 {
		r.read(r.Read)
	}
	if r.presses, err = tx.Presses(ctx, r.Place.RepoID, r.job.Number); err != nil || !r.heeds() {
		return err
	}
	if more {
		v := store.Saying{Mark: fmt.Sprintf("unread %d", r.Read), Body: unread, Since: r.now}
		err = tx.AddSaying(ctx, r.Place.RepoID, r.job.Number, v)
	}
	return err
}

// A turn is the carrying out of one comment's commands.
type turn struct {
	order
	by   rules.Speaker
	done []done
	// rechecked is set when everything is to be read again, roles too; old when this
	// reading is out of date because of what was done.
	rechecked, old bool
}

// done is what became of a command.
type done struct {
	rules.Admitted
	command rules.Command
	answer  string        // in a comment; empty for none. In place of what a refusal says
	asked   *store.Change // whose rollback was asked for, with whatever success
}

// attend does what people ask for in comments and with buttons, reminds them of what
// they owe, and says what there is to say, before the pull request is judged. It
// reports old when the reading is out of date because of that.
func (b *Bot) attend(ctx context.Context, r *reading) (old bool, err error) {
	if r.concerns() && r.Change.State == "open" || len(r.orders) > 0 {
		if err := errors.Join(b.pushed(ctx, r), b.former(ctx, r)); err != nil {
			return false, err
		}
	}
	for i, o := range r.orders {
		upTo := o.ID
		if i == len(r.orders)-1 {
			upTo = max(o.ID, r.Read)
		}
		t := &turn{order: o}
		if err := b.obey(ctx, r, t, upTo); err != nil {
			return false, fmt.Errorf("obey comment %d on %s#%d: %w", o.ID, r.Place.Repo, r.job.Number, err)
		}
		old = old || t.old
	}
	pressed, err := b.press(ctx, r)
	if err != nil {
		return false, err
	}
	if err := b.remind(ctx, r); err != nil {
		return false, err
	}
	return old || pressed, b.say(ctx, r)
}

// former finds who reviews exceptions of a pull request whose branch has no policy any
// more, or is gone, and who rolls it back: whom the policy named that stood there before
// the merge.
func (b *Bot) former(ctx context.Context, r *reading) error {
	if r.Merge == nil || len(r.orders) == 0 || r.Policy.State != checks.PolicyAbsent {
		return nil
	}
	policy, err := b.GitHub.PolicyAt(ctx, r.Place, r.before())
	switch {
	case errors.Is(err, checks.ErrGone):
		return nil
	case err != nil:
		return fmt.Errorf("read the policy before the merge of %s#%d: %w", r.Place.Repo, r.job.Number, err)
	}
	r.Policy = policy
	r.policy, _ = rules.Load(policy.Data, r.floor)
	return nil
}

// obey carries out the commands of one comment. What they do here, the answers and
// how far comments were read are one transaction: a command takes effect once,
// whenever the server dies. What it does on GitHub comes before that, and is the same
// when it is done again.
func (b *Bot) obey(ctx context.Context, r *reading, t *turn, upTo int64) (err error) {
	if t.Edited {
		t.done = []done{{command: t.commands[0], Admitted: rules.Admitted{
			Wrong: "the comment was edited before it was read, and an edit gives no command", Fix: "write it in a new comment"}}}
		return b.settle(ctx, r, t, upTo)
	}
	if err := b.held(ctx, r.job); err != nil {
		return err
	}
	if err := b.GitHub.React(ctx, r.Place, t.ID, "eyes"); err != nil {
		b.Log.Debug("acknowledge", "repo", r.Place.Repo, "number", r.job.Number, "err", err) // nothing depends on it
	}
	if t.by, err = b.speaker(ctx, r, t); err != nil {
		return err
	}
	for _, c := range t.commands {
		d := done{command: c, Admitted: admit(r, t, c)}
		if !d.Refused() {
			if err := b.perform(ctx, r, t, &d); err != nil {
				return err
			}
		}
		if !d.Refused() {
			d.Apply(&r.Change) // the next command of the comment is about what this one left
		}
		t.done = append(t.done, d)
	}
	return b.settle(ctx, r, t, upTo)
}

// mostAsked is how many runs may fail because GitHub does not tell what somebody may.
// After them the command is refused: nobody's comment holds up a verdict for ever.
const mostAsked = 3

// speaker is whoever wrote the comment, with the roles held now if a command needs
// them: GitHub is asked once a reading and person. Roles that it does not tell are
// none.
func (b *Bot) speaker(ctx context.Context, r *reading, t *turn) (rules.Speaker, error) {
	by, known := r.speakers[t.By.ID]
	if !known && r.policy != nil && needRoles(t.commands) {
		var err error
		by, err = b.GitHub.Standing(ctx, r.Gathered, t.By, r.policy.CommandSources(&r.Change))
		switch {
		case err != nil && r.job.Attempts < mostAsked:
			return by, err
		case err != nil:
			b.Log.Warn("nothing is known of who gave a command", "repo", r.Place.Repo, "number", r.job.Number, "err", err)
		}
		if r.speakers == nil {
			r.speakers = map[int64]rules.Speaker{}
		}
		r.speakers[t.By.ID] = by
	}
	by.Person, by.At = t.By, t.At
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		by.HeadSince, err = tx.HeardAt(ctx, r.Place.RepoID, r.branch(), r.job.Number, r.Change.Head.Commit)
		return err
	})
	if by.HeadSince.Before(r.memory.Arrived) {
		by.HeadSince = r.memory.Arrived
	}
	return by, err
}

func needRoles(commands []rules.Command) bool {
	for _, c := range commands {
		if c.Wrong == "" && c.Name != "status" && c.Name != "recheck" {
			return true
		}
	}
	return false
}

// admit is what a command comes to, as far as the rules can tell. Where no policy
// loads there is nobody whom it would allow anything.
func admit(r *reading, t *turn, c rules.Command) rules.Admitted {
	switch {
	case r.policy != nil:
		return r.policy.Admit(&r.Change, c, t.by, r.now)
	case c.Wrong != "":
		return rules.Admitted{Wrong: c.Wrong, Fix: c.Fix}
	case c.Name == "help" || c.Name == "status" || c.Name == "recheck":
		return rules.Admitted{}
	}
	return rules.Admitted{Wrong: "the policy on the base branch does not load, so nobody can tell who may give this command", Fix: "repair it there; `/change status` says what is wrong"}
}

// settle stores in one transaction what a comment's commands did, what there is to say
// about it, and that the comment was read.
func (b *Bot) settle(ctx context.Context, r *reading, t *turn, upTo int64) error {
	view := b.viewNow(r) // made before it: a transaction holds up all others
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := b.hold(ctx, tx, r.job); err != nil {
			return err
		}
		for i := range t.done {
			d := &t.done[i]
			if err := b.except(ctx, tx, r, t, d, view); err != nil {
				return err
			}
			if d.asked == nil {
				continue
			}
			if err := tx.AskRollback(ctx, d.asked.OrgID, d.asked.Number, t.ID, t.At); err != nil {
				return err
			}
		}
		if err := b.answer(ctx, tx, r, t); err != nil {
			return err
		}
		r.read(upTo)
		r.memory.Holds = r.Change.Holds
		if t.rechecked {
			r.memory.Roles = nil
		}
		return errors.Join(b.facts(ctx, tx, r), tx.SaveMemory(ctx, r.job, r.Place.RepoID, r.memory))
	})
}
