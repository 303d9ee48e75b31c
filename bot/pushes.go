package bot

import (
	"context"

	"changegate/bot/store"
	"changegate/rules"
)

// pushed adds who pushed what the pull request holds, as webhooks told.
func (b *Bot) pushed(ctx context.Context, r *reading) error {
	c := &r.Change
	branch := c.Head.Branch
	if r.Fork {
		branch = "" // a branch of that name in this repository is another one
	}
	return b.Store.Read(ctx, func(tx *store.Tx) error {
		heard, err := tx.Heard(ctx, r.Place.RepoID, branch, r.job.Number)
		c.Pushes, c.UnknownPush = rules.Chain(c.Head.Commit, c.Commits, heard)
		return err
	})
}
