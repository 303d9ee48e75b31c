package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// mostImpact bounds how many pull requests a new policy is tried on: each costs
// reading its last decision, whose facts may be large.
const mostImpact = 50

// mostTries bounds the patterns that a new policy is tried with, in all: whoever may
// open a pull request may bring one of nearly 20,000 for others of thousands of files.
const mostTries = 2_000_000

// errTooMuch says that another pull request is too large for the new policy.
var errTooMuch = errors.New("more patterns to try than one reading may")

// impact is what the policy that the pull request brings would make of the other
// open ones into its base branch, where it will stand, by the facts of their last
// decisions: no call is made. It is nil when the pull request brings no policy that
// loads. What is not among those facts, such as the members of a team that nobody
// asked for so far, is judged as missing, and said to be.
func (b *Bot) impact(ctx context.Context, r *reading) ([]checks.Impact, error) {
	text := r.Change.NewPolicy
	if text == nil || text.Deleted {
		return nil, nil
	}
	policy, _ := rules.Load(text.Data, r.Change.Floor)
	if policy == nil {
		return nil, nil
	}
	f := foresight{out: []checks.Impact{}}
	err := b.Store.Read(ctx, func(tx *store.Tx) error {
		pulls, err := tx.OpenPulls(ctx, r.Place.RepoID, r.Change.Base.Branch)
		tried, left := 0, mostTries
		for _, p := range pulls {
			if p.Number == r.job.Number || p.Record < 0 || p.VerdictState == "" {
				continue // not judged as it is now
			}
			if tried++; tried > mostImpact {
				f.more++
				continue
			}
			i, without, err := b.foresee(ctx, tx, r, policy, p, &left)
			switch {
			case errors.Is(err, errTooMuch):
				f.more++
				continue
			case err != nil:
				return err
			}
			f.unread = append(f.unread, without...)
			if i.Then != i.Now || i.Says != title(p) {
				f.out = append(f.out, i)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("try the new policy on open pull requests of %s: %w", r.Place.Repo, err)
	}
	return f.said(), nil
}

// foresight is what a new policy would change, and what that does not rest on.
type foresight struct {
	out    []checks.Impact
	unread []string // asked by the new policy alone
	more   int      // pull requests not looked at
}

func (f *foresight) said() []checks.Impact {
	if len(f.unread) > 0 {
		slices.Sort(f.unread)
		f.out = append(f.out, checks.Impact{Says: "Counted as missing, because no rule asked for it so far: " + strings.Join(slices.Compact(f.unread), ", ") + "."})
	}
	if f.more > 0 {
		f.out = append(f.out, checks.Impact{Says: fmt.Sprintf("Not looked at: %d more.", f.more)})
	}
	return f.out
}

// foresee decides on a pull request as it was recorded last, by another policy. What
// that asks for and was not read is named where it may be what is missing. The tries it
// takes come off left.
func (b *Bot) foresee(ctx context.Context, tx *store.Tx, r *reading, policy *rules.Policy, p *store.Pull, left *int) (i checks.Impact, unread []string, err error) {
	i = checks.Impact{Number: p.Number, Title: p.Title, Now: rules.State(p.VerdictState)}
	s, _, err := decisionAt(ctx, b.log(r.Place), tx, p.Record)
	if err != nil {
		return i, nil, err
	}
	facts, err := s.Facts()
	if err != nil {
		return i, nil, err
	}
	if !policy.Watches(facts.Base.Branch, facts.DefaultBranch) {
		i.Then, i.Says = rules.Nothing, "No check: the policy does not govern this branch"
		return i, nil, nil
	}
	tries := policy.Tries() * len(facts.Files)
	if tries > *left {
		return i, nil, errTooMuch
	}
	*left -= tries
	asks := policy.SourcesOf(facts.Files, facts.Owners)
	facts.Floor, facts.Replaced = r.Change.Floor, nil // a new version names the teams of today
	facts.Unknown = slices.DeleteFunc(facts.Unknown, func(name string) bool { return !asks.Names(name) })
	v := rules.Evaluate(r.Change.NewPolicy.Data, facts, r.now)
	i.Then, i.Says = v.State, v.Title
	if v.Would.Blocks() {
		unread = asks.Beyond(r.asked(facts))
	}
	return i, unread, nil
}

// asked is what the policy in force asks of the outside about another change.
func (r *reading) asked(c *rules.Change) rules.Sources {
	if r.policy == nil {
		return rules.Sources{}
	}
	return r.policy.SourcesOf(c.Files, c.Owners)
}
