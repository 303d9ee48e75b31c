package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// unfinished says that ChangeGate did not get to an answer.
const unfinished = "ChangeGate could not finish, which is not caused by this change"

// A ballot is what the pull requests of a merge group come to, as they were judged last.
type ballot struct {
	evidence.GroupJudged
	enforced bool // it would be merged under a policy that is not in shadow mode
	pulls    []checks.Sibling
	authors  map[int]rules.Person
	// approved is the content that the decisions are about, by path.
	approved content
	unread   []int // not judged since the group was asked about
	// ungoverned counts those on which nothing was decided.
	ungoverned int
	// moot is set when there is nothing to answer: the repository or the branch is not
	// governed, or the group is merged.
	moot bool
}

func (b *Bot) newBallot(j *store.Job, g *store.Group) *ballot {
	return &ballot{
		GroupJudged: evidence.GroupJudged{
			Repo: evidence.Repo{ID: j.Place.RepoID, Name: j.Place.Repo}, Branch: g.Base, Ref: "refs/heads/" + g.Branch, Base: g.From, Tip: g.Head,
		},
		enforced: g.Enforced, authors: map[int]rules.Person{}, approved: content{},
	}
}

// add counts a pull request and the decision that it is counted by. One made in shadow
// mode says nothing about a branch on which that will have ended.
func (a *ballot) add(s checks.Sibling, decision string) {
	if s.State == rules.Shadow && a.enforced {
		s.State, decision, a.Why = "", "", "shadow mode ends with what is merged before it; queue it again after that"
	}
	a.pulls = append(a.pulls, s)
	a.Pulls = append(a.Pulls, evidence.GroupPull{Number: s.Number, Decision: decision, State: s.State})
}

// last is the pull request that the group is named after, 0 if there is none.
func (a *ballot) last() int {
	if len(a.pulls) == 0 {
		return 0
	}
	return a.pulls[len(a.pulls)-1].Number
}

// ballot reads how the pull requests of a group were judged, and what else keeps it
// from passing. It makes no call.
func (b *Bot) ballot(ctx context.Context, j *store.Job, g *store.Group) (*ballot, error) {
	a := b.newBallot(j, g)
	err := b.Store.Read(ctx, func(tx *store.Tx) error {
		for _, q := range g.Pulls {
			if err := b.count(ctx, tx, j, g, a, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read how the pull requests of %s were judged: %w", g.Branch, err)
	}
	a.moot = a.moot || a.ungoverned == len(g.Pulls)
	a.judge(g)
	return a, nil
}

// count takes what is known of one pull request of the group.
func (b *Bot) count(ctx context.Context, tx *store.Tx, j *store.Job, g *store.Group, a *ballot, q store.QueuedPull) error {
	p, err := tx.Pull(ctx, j.Place.RepoID, q.Number)
	if err != nil {
		return err
	}
	gen, err := tx.JudgedGen(ctx, j.Place.RepoID, q.Number)
	if err != nil {
		return err
	}
	s, decision := checks.Sibling{Number: q.Number}, ""
	if p == nil || p.VerdictState == "" {
		a.ungoverned++
	}
	switch {
	case p != nil && p.State == "merged":
		return b.countMerged(ctx, tx, j, g, a, p)
	case p == nil || gen < q.Gen:
		a.unread = append(a.unread, q.Number)
		if p != nil && p.VerdictState == string(rules.Shadow) { // it blocks nobody, read or not
			s.State, s.Title, decision = rules.Shadow, title(p), fmt.Sprint(p.Record)
		}
	case p.State != "open":
		a.Why = fmt.Sprintf("PR %d is closed", q.Number)
	case p.VerdictState != "":
		failing, err := tx.FailingSince(ctx, j.Place.RepoID, q.Number)
		if b.tooLong(failing) {
			a.unread = append(a.unread, q.Number) // it may be frozen by now, or refused
		}
		return errors.Join(err, b.countDecision(ctx, tx, j, g, a, p))
	}
	a.add(s, decision)
	return nil
}

// countMerged takes a pull request that is on the branch already, so that nothing of it
// is asked for any more. The group is merged with its last one; before that it still
// holds the others, which would be merged unseen by a freeze that begins.
func (b *Bot) countMerged(ctx context.Context, tx *store.Tx, j *store.Job, g *store.Group, a *ballot, p *store.Pull) error {
	if p.Number == g.Pulls[len(g.Pulls)-1].Number {
		a.moot = true
	}
	if a.moot || p.Record < 0 {
		return nil
	}
	_, facts, err := b.decided(ctx, tx, j, p)
	if err == nil {
		a.approved.lay(facts.Files)
	}
	return err
}

// countDecision takes a pull request's decision in force and the content it is about.
func (b *Bot) countDecision(ctx context.Context, tx *store.Tx, j *store.Job, g *store.Group, a *ballot, p *store.Pull) error {
	a.add(checks.Sibling{Number: p.Number, State: rules.State(p.VerdictState), Title: title(p)}, fmt.Sprint(p.Record))
	d, facts, err := b.decided(ctx, tx, j, p)
	if err != nil {
		return err
	}
	a.authors[p.Number] = facts.Author
	a.approved.lay(facts.Files)
	if d.Policy.Blob != g.Policy {
		a.Why = "what is merged before it changes the policy; queue it again after that"
	}
	return nil
}

// decided reads a pull request's last decision and the facts it rests on.
func (b *Bot) decided(ctx context.Context, tx *store.Tx, j *store.Job, p *store.Pull) (*evidence.PolicyEvaluated, *rules.Change, error) {
	s, d, err := decisionAt(ctx, b.log(j.Place), tx, p.Record)
	if err != nil {
		return nil, nil, err
	}
	facts, err := s.Facts()
	return d, facts, err
}

// lay puts the changes of one pull request on top of those before it.
func (c content) lay(files []rules.File) {
	for _, f := range files {
		if f.OldPath != "" && f.Status != "copied" {
			c[f.OldPath] = ""
		}
		c[f.Path] = f.New
	}
}

// judge looks for what no decision is about: the queue joins lines that two pull
// requests changed, and nobody has seen the result; and it merges whatever is among its
// commits.
func (a *ballot) judge(g *store.Group) {
	landed := content{}
	landed.lay(g.Governed)
	var other []string
	for path, blob := range landed {
		if was, ok := a.approved[path]; !ok || was != blob {
			other = append(other, path)
		}
	}
	slices.Sort(other)
	switch {
	case len(a.unread) > 0:
		a.Why = fmt.Sprintf("%s: PR %s was not read in time", unfinished, strings.Trim(fmt.Sprint(a.unread), "[]"))
	case a.Why != "":
	case g.Partial:
		a.Why = "GitHub does not list everything that the group changes"
	case len(other) > 0 && len(g.Unknown) > 0:
		a.Why = fmt.Sprintf("commit %.7s is of no pull request of the queue, and %s is not what was approved", g.Unknown[0], few(other))
	case len(other) > 0:
		a.Why = "something else would be merged than was approved: " + few(other) + " was changed on the branch or by another pull request as well"
	}
}
