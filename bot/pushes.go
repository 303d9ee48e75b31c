package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// askAgain is how long a head whose pushers GitHub did not name is not asked about
// again. A branch older than GitHub's list of activity stays unknown for ever, and
// must not cost a call with every event.
const askAgain = time.Hour

// pushed adds who pushed what the pull request holds. Webhooks told most of it; the
// list of activity is asked when they do not lead from the head to where the branch
// left its base, as for one that is older than the App's installation.
func (b *Bot) pushed(ctx context.Context, r *reading) error {
	c := &r.Change
	branch := r.branch()
	var heard []rules.Push
	err := b.Store.Read(ctx, func(tx *store.Tx) (err error) {
		heard, err = tx.Heard(ctx, r.Place.RepoID, branch, r.job.Number)
		return err
	})
	if err != nil {
		return err
	}
	// Whoever opened a pull request from a fork need not have pushed what was there.
	opening := func(p rules.Push) bool { return p.Before == "" }
	firm, asked := slices.DeleteFunc(slices.Clone(heard), opening), r.memory.Asked
	told, err := b.told(ctx, r, firm)
	if own := r.ownFork(); own && errors.Is(err, checks.ErrGone) {
		told = made(heard) // nobody else can say it
	} else if own {
		firm = heard
	}
	if err != nil && !errors.Is(err, checks.ErrGone) {
		return fmt.Errorf("ask who pushed to %s of %s: %w", c.Head.Branch, r.HeadRepo, err)
	}
	c.Pushes, c.UnknownPush = rules.Chain(c.Head.Commit, c.Commits, slices.Concat(firm, told))
	if len(told) == 0 && r.memory.Asked == asked {
		return nil
	}
	return b.hear(ctx, r, branch, told)
}

// branch is under which name pushes to the head are heard; none for a fork, where a
// branch of that name in this repository is another one.
func (r *reading) branch() string {
	if r.Fork {
		return ""
	}
	return r.Change.Head.Branch
}

// arrive notes a head that came without a push being heard of since the last reading:
// a commit that was there before, and went, may be back since any moment between.
func (r *reading) arrive(ctx context.Context, tx *store.Tx, before string, began time.Time) error {
	if before != r.Change.Head.Commit {
		at, err := tx.HeardAt(ctx, r.Place.RepoID, r.branch(), r.job.Number, r.Change.Head.Commit)
		if err != nil {
			return err
		}
		if r.memory.Arrived = r.now; at.After(r.memory.Looked) {
			r.memory.Arrived = time.Time{}
		}
	}
	r.memory.Looked = began
	return nil
}

// ownFork reports whether the head is in a fork of the author's own.
func (r *reading) ownFork() bool {
	owner, _, _ := strings.Cut(r.HeadRepo, "/")
	return r.Fork && r.Change.Author.ID != 0 && strings.EqualFold(owner, r.Change.Author.Login)
}

// made takes whoever opened a pull request for who made its branch as it was then.
func made(heard []rules.Push) (out []rules.Push) {
	for _, p := range heard {
		if p.Before == "" {
			p.Before = strings.Repeat("0", len(p.After))
			out = append(out, p)
		}
	}
	return out
}

// told asks GitHub who pushed, if that is not known and was not asked lately. A fork
// that is gone or closed to the App names nobody: ErrGone.
func (b *Bot) told(ctx context.Context, r *reading, heard []rules.Push) ([]rules.Push, error) {
	c, asked := &r.Change, r.memory.Asked
	unknown := func(told []rules.Push) bool {
		_, commit := rules.Chain(c.Head.Commit, c.Commits, slices.Concat(heard, told))
		return commit != ""
	}
	if !unknown(nil) || r.HeadRepo == "" || asked.Head == c.Head.Commit && r.now.Sub(asked.At) < askAgain {
		return nil, nil
	}
	told, err := b.GitHub.Pushers(ctx, r.Place, r.HeadRepo, c.Head.Branch, func(told []rules.Push) bool { return !unknown(told) })
	r.memory.Asked = store.Asked{}
	if unknown(told) {
		r.memory.Asked = store.Asked{Head: c.Head.Commit, At: r.now}
	}
	return told, err
}

// hear keeps what GitHub told of the pushes that led here: its list forgets.
func (b *Bot) hear(ctx context.Context, r *reading, branch string, told []rules.Push) error {
	var pushes []checks.Heard
	for _, p := range told {
		h := checks.Heard{RepoID: r.Place.RepoID, Branch: branch, Push: p}
		if r.Fork {
			h.Number = r.job.Number
		}
		if slices.Contains(r.Change.Pushes, p) {
			pushes = append(pushes, h)
		}
	}
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := b.hold(ctx, tx, r.job); err != nil {
			return err
		}
		if err := tx.Hear(ctx, pushes, r.now); err != nil {
			return err
		}
		return tx.SaveMemory(ctx, r.job, r.Place.RepoID, r.memory)
	})
}
