package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changegate/bot/store"
	"changegate/rules"
)

// press does what the buttons of the check run ask for, and reports whether the
// reading is out of date because of it. Re-evaluate asks for nothing but the judgement
// that is under way.
func (b *Bot) press(ctx context.Context, r *reading) (old bool, err error) {
	for _, p := range r.presses {
		if r.Change.State == "open" && r.policy != nil && r.concerns() {
			if old, err = b.addTemplate(ctx, r, p); err != nil {
				return false, fmt.Errorf("add template to %s#%d: %w", r.Place.Repo, r.job.Number, err)
			}
		}
		err := b.Store.Write(ctx, func(tx *store.Tx) error {
			return errors.Join(b.hold(ctx, tx, r.job), tx.DropPress(ctx, r.Place.RepoID, r.job.Number, p))
		})
		if err != nil {
			return false, err
		}
	}
	return old, nil
}

// addTemplate inserts into the description what the change request lacks. Only the
// author and whoever may write to the repository may have the author's words changed;
// a file is changed by a push alone.
func (b *Bot) addTemplate(ctx context.Context, r *reading, p store.Press) (written bool, err error) {
	keys := lacking(rules.Evaluate(r.Policy.Data, &r.Change, r.now))
	inFile := slices.ContainsFunc(r.Change.Requests, func(t rules.RequestText) bool { return t.Path != "" })
	body, wrong, _ := rules.Complete(r.Body, keys)
	if p.By.ID == 0 || p.By.Bot || inFile || wrong != "" || body == r.Body {
		return false, nil
	}
	if p.By.ID != r.Change.Author.ID {
		by, err := b.GitHub.Standing(ctx, r.Gathered, p.By, rules.Sources{Permissions: true})
		switch {
		case err != nil && r.job.Attempts < mostAsked:
			return false, err
		case err != nil:
			b.Log.Warn("nothing is known of who pressed a button", "repo", r.Place.Repo, "number", r.job.Number, "err", err)
			return false, nil
		case !slices.Contains([]string{"write", "maintain", "admin"}, by.Permission):
			return false, nil
		}
	}
	wrong, _ = b.describe(ctx, r, body)
	return wrong == "", nil
}

// lacking are the keys of the change request that the author has to add.
func lacking(v rules.Verdict) (keys []string) {
	for _, f := range v.Findings {
		key := map[string]string{
			rules.CodeNoRequest: "why", rules.CodeWhy: "why", rules.CodeRollback: "rollback.to", rules.CodeEffectiveDate: "effective_at",
		}[f.Code]
		if f.State == rules.Unmet && key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
