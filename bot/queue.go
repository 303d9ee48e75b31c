package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// groupPatience is how long a merge group waits for its pull requests to be judged.
// GitHub's queue waits an hour by default, and nobody else is merged meanwhile.
const groupPatience = 3 * time.Minute

// asksGroup is what the decisions say that a merge group asked for.
const asksGroup = "merge_group.checks_requested"

// group answers a merge queue about a group of pull requests. What it says of each is
// what is decided on that pull request by its own job, which is asked to read everything
// anew first; after that every verdict that changes while the group waits raises this
// job again, so a freeze that begins takes the group out of the queue.
func (b *Bot) group(ctx context.Context, j *store.Job) error {
	g, err := b.groupOf(ctx, j)
	switch {
	case err != nil:
		return err
	case g == nil || g.Gone != "":
		return b.rest(ctx, j, time.Time{})
	case g.Asked.IsZero():
		return b.readGroup(ctx, j, g)
	}
	a, err := b.ballot(ctx, j, g)
	switch {
	case err != nil:
		return err
	case a.moot:
		return b.rest(ctx, j, time.Time{})
	case len(a.unread) > 0 && b.Now().Sub(g.Asked) < groupPatience:
		return b.rest(ctx, j, g.Asked.Add(groupPatience))
	}
	return b.reply(ctx, j, g, a)
}

func (b *Bot) groupOf(ctx context.Context, j *store.Job) (g *store.Group, err error) {
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		g, err = tx.Group(ctx, j.Place.RepoID, j.Branch)
		return err
	})
	return g, err
}

// rest gives the job of a group back until something raises it, or until next.
func (b *Bot) rest(ctx context.Context, j *store.Job, next time.Time) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error { return b.end(ctx, tx, j, next) })
}

// readGroup finds out what the group holds, and has its pull requests judged.
func (b *Bot) readGroup(ctx context.Context, j *store.Job, g *store.Group) error {
	policy, err := b.GitHub.PolicyAt(ctx, j.Place, g.From)
	if err != nil {
		return fmt.Errorf("read the policy under %s: %w", g.Branch, err)
	}
	holds, err := b.GitHub.Group(ctx, j.Place, g.Base, g.From, g.Head, named(g.Branch))
	if err != nil {
		return fmt.Errorf("read what %s holds: %w", g.Branch, err)
	}
	g.Asked, g.Policy, g.Unknown, g.Partial = b.Now(), policy.Blob, holds.Unknown, !holds.Whole
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		floor, err := tx.Floor(ctx, j.Place.OrgID)
		if err != nil {
			return err
		}
		g.Governed, g.Enforced = governedBy(policy, floor, holds.Files), enforces(policy, floor)
		g.Pulls = nil
		for _, n := range entries(g.Branch, holds.Pulls) {
			w := checks.Wake{Place: j.Place, Number: n, Base: g.Base}
			gen, err := tx.AskAnew(ctx, w, asksGroup, b.Now())
			if err != nil {
				return err
			}
			g.Pulls = append(g.Pulls, store.QueuedPull{Number: n, Gen: gen})
		}
		return b.keepGroup(ctx, tx, j, g, g.Asked.Add(groupPatience))
	})
}

// keepGroup stores a group and gives its job back, unless it is another group by now.
func (b *Bot) keepGroup(ctx context.Context, tx *store.Tx, j *store.Job, g *store.Group, next time.Time) error {
	same, err := tx.SaveGroup(ctx, j.Place.RepoID, g)
	if err == nil && !same {
		err = errLost
	}
	return errors.Join(err, b.end(ctx, tx, j, next))
}

// loaded is a policy with the organisation's; nil when it does not load.
func loaded(policy, floor checks.Policy) *rules.Policy {
	var above *rules.PolicyText
	if floor.State == checks.PolicyRead {
		above = &floor.PolicyText
	}
	p, _ := rules.Load(policy.Data, above)
	return p
}

// enforces reports whether a policy blocks anything; one that does not load does.
func enforces(policy, floor checks.Policy) bool {
	p := loaded(policy, floor)
	return policy.State != checks.PolicyAbsent && (p == nil || p.Mode != "shadow")
}

// governedBy is what a list of files leaves at each path that a policy governs; one that
// does not load governs all.
func governedBy(policy, floor checks.Policy, files []rules.File) (out []rules.File) {
	p := loaded(policy, floor)
	left := content{}
	left.lay(files)
	for _, path := range slices.Sorted(maps.Keys(left)) {
		if f := (rules.File{Path: path, New: left[path]}); p == nil || len(p.GroupsOf(f)) > 0 {
			out = append(out, f)
		}
	}
	return out
}

// entryOf is how GitHub names the branch of a merge group after its pull request.
var entryOf = regexp.MustCompile(`/pr-([0-9]{1,9})-[0-9a-f]+$`)

// entries are the pull requests of a group, and always the one that its branch names.
func entries(branch string, pulls []int) []int {
	if n := named(branch); n > 0 && !slices.Contains(pulls, n) {
		pulls = append(pulls, n)
	}
	return pulls
}

// named is the pull request that the branch of a merge group names; 0 for none.
func named(branch string) int {
	m := entryOf.FindStringSubmatch(branch)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // nine digits at most
	return n
}

// tooLong reports whether what fails since then holds up a merge queue.
func (b *Bot) tooLong(since time.Time) bool {
	return !since.IsZero() && b.Now().Sub(since) >= groupPatience
}

// warnGroups has the groups answered that wait with a pull request which nobody could
// judge for groupPatience: what passed may not be merged unseen.
func (b *Bot) warnGroups(ctx context.Context, j *store.Job) error {
	if !b.tooLong(j.FirstFailed) {
		return nil
	}
	return b.Store.Write(ctx, func(tx *store.Tx) error { return tx.Unjudged(ctx, j, b.Now()) })
}

// giveUp answers failure when a group could not be judged for groupPatience: an answer
// that never comes holds up everybody behind it. A group that is not there needs none.
func (b *Bot) giveUp(ctx context.Context, j *store.Job, cause error) error {
	if !b.tooLong(j.FirstFailed) {
		return nil
	}
	g, err := b.groupOf(ctx, j)
	if err != nil || g == nil || g.Gone != "" {
		return err
	}
	if errors.Is(cause, checks.ErrGone) {
		w := checks.Wake{Place: j.Place, Head: g.Head, Branch: g.Branch, Base: g.Base, Queued: &checks.Queued{Gone: "not there"}}
		return b.Store.Write(ctx, func(tx *store.Tx) error { return tx.Raise(ctx, w, "given up", b.Now()) })
	}
	if len(g.Pulls) == 0 {
		for _, n := range entries(g.Branch, nil) {
			g.Pulls = append(g.Pulls, store.QueuedPull{Number: n, Gen: math.MaxInt64})
		}
	}
	a, err := b.ballot(ctx, j, g)
	if err != nil || a.moot {
		return err
	}
	a.Why = unfinished
	return b.reply(ctx, j, g, a)
}

// queued notes of a merge that the queue made it: the commit it left on the branch is
// the head of a group.
func (b *Bot) queued(ctx context.Context, m *merging) error {
	return b.Store.Read(ctx, func(tx *store.Tx) error {
		g, err := tx.GroupAt(ctx, m.Place.RepoID, m.Commit)
		if g != nil {
			m.Method = "queue"
		}
		return err
	})
}

// reply records the answer and gives it.
func (b *Bot) reply(ctx context.Context, j *store.Job, g *store.Group, a *ballot) error {
	a.At = b.Now().UTC().Truncate(time.Millisecond)
	rec, err := evidence.GroupAnswered(b.Host, a.GroupJudged)
	if err != nil {
		return err
	}
	if rec.Key == g.Answer {
		return b.rest(ctx, j, time.Time{})
	}
	a.Conclude()
	var index int64
	err = b.Store.Write(ctx, func(tx *store.Tx) (err error) {
		if err := b.hold(ctx, tx, j); err != nil {
			return err
		}
		index, _, err = b.log(j.Place).Append(ctx, tx, rec, b.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("record the answer about %s: %w", g.Branch, err)
	}
	run := checks.RenderGroup(checks.GroupView{
		Base: g.Base, Head: g.Head, Pulls: a.pulls, Why: a.Why, Passed: a.Passed, Shadow: a.Shadow, Removed: g.Passed && !a.Passed,
		At: a.At, Record: index, DetailsURL: b.page(j.Place.Repo, a.last()),
	})
	if shown := run.Conclusion + " " + run.Output.Title; shown != g.Shown {
		if err := b.held(ctx, j); err != nil {
			return err
		}
		if _, err := b.GitHub.Publish(ctx, j.Place, run, checks.Written{}); err != nil {
			return fmt.Errorf("answer about %s of %s: %w", g.Branch, j.Place.Repo, err)
		}
		g.Shown = shown
	}
	g.Answer, g.Passed = rec.Key, a.Passed
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := b.eject(ctx, tx, j, g, a); err != nil {
			return err
		}
		return b.keepGroup(ctx, tx, j, g, time.Time{})
	})
}

// eject has those told whose pull requests keep the group from passing: GitHub only says
// that a check failed.
func (b *Bot) eject(ctx context.Context, tx *store.Tx, j *store.Job, g *store.Group, a *ballot) (err error) {
	if a.Passed || a.Shadow {
		return nil
	}
	for _, s := range a.pulls {
		if a.Why == "" && !s.State.Blocks() {
			continue
		}
		title := s.Title
		if a.Why != "" {
			title = a.Why
		}
		says := checks.Ejected(a.authors[s.Number], title, b.page(j.Place.Repo, s.Number))
		v := store.Saying{Mark: fmt.Sprintf("ejected %.12s", g.Head), Body: says, Since: a.At}
		w := checks.Wake{Place: j.Place, Number: s.Number, Base: g.Base}
		err = errors.Join(err, tx.AddSaying(ctx, j.Place.RepoID, s.Number, v), tx.Raise(ctx, w, "removed from the queue", b.Now()))
	}
	return err
}
