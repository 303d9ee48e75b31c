package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// rolesFor is how long a green verdict may rest on roles that were asked before.
// Webhooks tell of most changes at once; this bounds what a lost one can do.
const rolesFor = time.Hour

// green reports whether every rule is met, in shadow mode too: what it records is
// what enforcing would have done.
func (r *reading) green() bool { return r.verdict.Would == rules.Ready }

// here names what a verdict is about: another head or base is another question.
func (r *reading) here() string { return r.Change.Base.Branch + "@" + r.Change.Head.Commit }

// confirm asks for the roles of the approvers, and decides again, before a verdict
// turns green on roles that were only remembered: somebody who has left since must
// not be the one who lets a change pass (CONTRACT §4, "at evaluation time"). One
// that was green here already is not asked about again for rolesFor.
func (b *Bot) confirm(ctx context.Context, r *reading) error {
	if !r.green() || !r.Remembered {
		return nil
	}
	roles := r.Known.Roles
	if roles != nil && r.memory.Green == r.here() && r.now.Sub(roles.At) < rolesFor {
		return nil
	}
	if err := b.GitHub.Confirm(ctx, r.Gathered); err != nil {
		return fmt.Errorf("confirm roles for %s#%d: %w", r.Place.Repo, r.job.Number, err)
	}
	r.memory.Known = r.Known
	r.verdict = rules.Evaluate(r.Policy.Data, &r.Change, r.now)
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := b.hold(ctx, tx, r.job); err != nil {
			return err
		}
		return tx.SaveMemory(ctx, r.job, r.Place.RepoID, r.memory)
	})
}

// recall returns what is remembered of a pull request and its organisation.
func (b *Bot) recall(ctx context.Context, p checks.Place, number int) (m store.Memory, floor checks.Policy, err error) {
	var pull *store.Pull
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		if m, err = tx.Memory(ctx, p.RepoID, number); err != nil {
			return err
		}
		if pull, err = tx.Pull(ctx, p.RepoID, number); err != nil {
			return err
		}
		floor, err = tx.Floor(ctx, p.OrgID)
		return err
	})
	if pull != nil && len(m.Bases) == 0 {
		m.Bases = b.olderBases(ctx, pull)
	}
	// What the organisation's policy was is known of all its pull requests at once:
	// its repository disappearing must be noticed on those not read since, too.
	m.Floored = floor.State == checks.PolicyRead
	m.Released = b.released(p.RepoID)
	return m, floor, err
}

// olderBases are the base branches of a pull request that was last read by the version
// before this one, which kept them in the cache. Without them an approval for a branch
// that GitHub left by itself would count again.
func (b *Bot) olderBases(ctx context.Context, p *store.Pull) (all []checks.SeenBase) {
	for n := 0; ; n++ {
		var base checks.SeenBase
		data, ok := b.Store.Cache().Get(ctx, fmt.Sprintf("base/%d/%d/%d", p.RepoID, p.Number, n))
		if !ok || json.Unmarshal(data, &base) != nil {
			break
		}
		all = append(all, base)
	}
	if len(all) == 0 && p.Base != "" {
		all = append(all, checks.SeenBase{Branch: p.Base})
	}
	return all
}

// ground keeps the organisation's policy as it was read. One that cannot be read
// leaves the last that could: walks are held to that. The repository in which it
// lives has no other policy above its own, and says nothing of the others' here.
func (r *reading) ground(ctx context.Context, tx *store.Tx, before checks.Policy) error {
	if _, name, _ := strings.Cut(r.Place.Repo, "/"); name == ".github" {
		return nil
	}
	now := r.Floor
	if now.State == checks.PolicyUnreadable {
		now = before
	}
	if now.State == checks.PolicyRead {
		r.floor = &now.PolicyText
	}
	if now.State == before.State && now.Blob == before.Blob && now.Commit == before.Commit {
		return nil
	}
	return tx.SaveFloor(ctx, r.Place.OrgID, now)
}
