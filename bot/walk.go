package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// settled is how old a commit must be before it is said that no pull request
// explains it: GitHub associates commits with pull requests a little later than
// it announces the push.
const settled = time.Minute

var errUnsettled = errors.New("the newest commits may still be associated with a pull request")

// walk explains a governed branch that moved. The population of changes comes
// from here, from git itself: every first-parent commit since the last walk is
// either that of a merged pull request, which is then recorded, or an exception.
// A branch that was walked once is walked for ever, also while no policy governs
// it, so that the walks on record have no gap between them.
func (b *Bot) walk(ctx context.Context, j *store.Job) error {
	r := &reading{job: j, now: b.Now().UTC().Truncate(time.Millisecond)}
	from, swept, err := b.begin(ctx, r)
	if err != nil {
		return err
	}
	if !swept && b.ungoverned(ctx, r) {
		return b.leave(ctx, r)
	}
	tip, now, err := b.GitHub.Tip(ctx, j.Place, j.Branch)
	switch {
	case errors.Is(err, checks.ErrGone):
		return b.finish(ctx, r, time.Time{}) // deleted; its records stay
	case err == nil && from == tip:
		return b.keepTrue(ctx, r, tip) // nothing new
	case err != nil:
		return fmt.Errorf("read tip of %s of %s: %w", j.Branch, j.Place.Repo, err)
	case from == "" && r.governs(now):
		return b.newBranch(ctx, r, tip, now)
	case from == "":
		return b.leave(ctx, r)
	}
	before, err := b.GitHub.PolicyAt(ctx, j.Place, from)
	switch {
	case errors.Is(err, checks.ErrGone):
		return b.explain(ctx, r, from, tip, now) // the old tip was rewritten away
	case err != nil:
		return fmt.Errorf("read policy at %s: %w", from, err)
	case swept || r.governs(before):
		return b.explain(ctx, r, from, tip, before)
	case r.governs(now):
		return b.arrive(ctx, r, tip)
	}
	return b.leave(ctx, r)
}

// begin reads where a walk begins, whether one has ended there, and the
// organisation's policy.
func (b *Bot) begin(ctx context.Context, r *reading) (from string, swept bool, err error) {
	p := r.job.Place
	err = b.Store.Read(ctx, func(tx *store.Tx) error {
		floor, err := tx.Floor(ctx, p.OrgID)
		if floor.State == checks.PolicyRead {
			r.floor = &floor.PolicyText
		}
		if err != nil {
			return err
		}
		if from, err = tx.Tip(ctx, p.RepoID, r.job.Branch); err == nil {
			swept, err = tx.Swept(ctx, p.RepoID, r.job.Branch)
		}
		return err
	})
	return from, swept, err
}

// governs reports whether a policy watches the branch it was read from. One that
// cannot be read is taken to: what it says is not known.
func (r *reading) governs(p checks.Policy) bool {
	policy, _ := rules.Load(p.Data, r.floor)
	return p.State == checks.PolicyUnreadable || p.State == checks.PolicyRead && (policy == nil || policy.Watches(r.job.Branch, r.job.Base))
}

// ungoverned reports whether the policies seen in the repository so far, and the
// organisation's, watch no branch of this name: a push to a topic branch then costs
// no call.
func (b *Bot) ungoverned(ctx context.Context, r *reading) bool {
	j := r.job
	lists, known := b.patterns(ctx, j.Place)
	if !known {
		return false
	}
	if r.floor != nil {
		if floor, _ := rules.ParsePolicy(r.floor.Data); floor != nil {
			lists = append(lists, floor.BranchLists()...)
		}
	}
	return !slices.ContainsFunc(lists, func(list []string) bool { return rules.Watches(list, j.Branch, j.Base) })
}

// patterns are the branch lists of the policies seen in a repository, each under a
// key of its own: what is cached never changes.
func (b *Bot) patterns(ctx context.Context, p checks.Place) (lists [][]string, known bool) {
	for n := 0; ; n++ {
		var list []string
		data, ok := b.Store.Cache().Get(ctx, fmt.Sprintf("branches/%d/%d", p.RepoID, n))
		if !ok || json.Unmarshal(data, &list) != nil {
			return lists, n > 0
		}
		lists = append(lists, list)
	}
}

// seePolicy adds a policy's branches to what is known of the repository.
func (b *Bot) seePolicy(ctx context.Context, p checks.Place, policy *rules.Policy) {
	if policy == nil {
		return
	}
	lists, _ := b.patterns(ctx, p)
	for _, list := range policy.BranchLists() {
		if slices.ContainsFunc(lists, func(l []string) bool { return slices.Equal(l, list) }) {
			continue
		}
		if data, err := json.Marshal(list); err == nil {
			b.Store.Cache().Put(ctx, fmt.Sprintf("branches/%d/%d", p.RepoID, len(lists)), data)
			lists = append(lists, list)
		}
	}
}

// leave ends a job about a branch that no policy governs. Where its walk would
// begin is forgotten: what lands before it is governed is nobody's business.
func (b *Bot) leave(ctx context.Context, r *reading) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.DropTip(ctx, r.job.Place.RepoID, r.job.Branch); err != nil {
			return err
		}
		return b.end(ctx, tx, r.job, time.Time{})
	})
}

// newBranch begins the walk of a governed branch that was just made: where it left
// the default branch. What it was made with beyond that passed no gate.
func (b *Bot) newBranch(ctx context.Context, r *reading, tip string, now checks.Policy) error {
	j := r.job
	if j.Base == "" || j.Base == j.Branch {
		return b.arrive(ctx, r, tip)
	}
	from, err := b.GitHub.MergeBase(ctx, j.Place, j.Base, tip)
	switch {
	case err != nil && !errors.Is(err, checks.ErrGone):
		return fmt.Errorf("find where %s left %s: %w", j.Branch, j.Base, err)
	case err != nil || from == tip:
		return b.arrive(ctx, r, tip)
	}
	return b.explain(ctx, r, from, tip, now)
}

// arrive notes where the walk along a branch begins.
func (b *Bot) arrive(ctx context.Context, r *reading, tip string) error {
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.SetTip(ctx, r.job.Place.RepoID, r.job.Branch, tip); err != nil {
			return err
		}
		return b.end(ctx, tx, r.job, time.Time{})
	})
}

// explain records what lies between two tips of a branch, by the policy that was
// there before: a push that removes the policy is still held to it.
func (b *Bot) explain(ctx context.Context, r *reading, from, tip string, before checks.Policy) error {
	j := r.job
	s := &sweep{bot: b, reading: r, from: from, tip: tip, off: !r.governs(before)}
	s.policy, _ = rules.Load(before.Data, r.floor)
	b.seePolicy(ctx, j.Place, s.policy)
	walked, err := b.GitHub.Walk(ctx, j.Place, j.Branch, from, tip)
	if errors.Is(err, checks.ErrGone) {
		walked, err = &checks.Walked{Rewritten: true}, nil // the old tip is no longer in the repository
	}
	if err != nil {
		return fmt.Errorf("walk %s of %s: %w", j.Branch, j.Place.Repo, err)
	}
	if s.kept, err = b.someKept(ctx, j); err != nil {
		return err
	}
	switch err := s.sort(ctx, walked); {
	case errors.Is(err, errUnsettled):
		return b.Store.Retry(ctx, j, b.Now().Add(settled), err.Error())
	case err != nil:
		return err
	}
	return s.save(ctx)
}

// sweep is one walk: what it found, to be recorded together.
type sweep struct {
	bot       *Bot
	reading   *reading
	policy    *rules.Policy // before the walk; nil when it does not load: then everything is governed
	off       bool          // no policy governed the branch before the walk
	from, tip string

	rewritten, cut bool     // what is on the branch now is not all known
	joins          bool     // some commit brings other history in
	landed         []string // the commits
	touched        []string // by commits with no pull request
	kept           bool     // some change in effect there has a way back

	commits, governed int
	pulls             []int // merged ones, to be recorded
	bypasses          []evidence.Record
}

// sort tells merged pull requests from everything else.
func (s *sweep) sort(ctx context.Context, w *checks.Walked) error {
	s.commits, s.rewritten, s.cut = len(w.Commits), w.Rewritten, w.Cut
	if (w.Rewritten || w.Cut) && !s.off {
		why := "the branch was rewritten: commits that were on it are gone"
		if w.Cut {
			why = "more commits landed at once than GitHub lists"
		}
		s.bypass(checks.Landed{ID: s.tip, At: s.reading.now}, why, nil)
	}
	for _, k := range w.Commits {
		s.landed, s.joins = append(s.landed, k.ID), s.joins || len(k.Parents) > 1
		if k.Pull != 0 {
			s.pulls = append(s.pulls, k.Pull)
			continue
		}
		if s.off && !s.kept {
			continue
		}
		if s.unsettled(k) {
			return errUnsettled
		}
		if err := s.direct(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// unsettled reports whether a commit is too new to say that no pull request
// explains it. The commit's own clock can say anything, so the time since the
// first look counts as well.
func (s *sweep) unsettled(k checks.Landed) bool {
	first, now := s.reading.job.FirstFailed, s.bot.Now()
	return now.Sub(k.At) < settled && (first.IsZero() || now.Sub(first) < settled)
}

// direct judges a commit that came with no pull request: an exception if it
// touches what the policy governs. Where none does it may touch a way back all the same.
func (s *sweep) direct(ctx context.Context, k checks.Landed) error {
	files, cut, err := s.bot.GitHub.Changed(ctx, s.reading.job.Place, k.ID)
	if err != nil {
		return err
	}
	var governed []evidence.GovernedFile
	s.cut = s.cut || cut
	s.touched = append(s.touched, touched(files)...)
	for _, f := range files {
		if !s.off && (s.policy == nil || len(s.policy.GroupsOf(f)) > 0) {
			governed = append(governed, evidence.GovernedFile{Path: f.Path, Blob: f.New})
		}
	}
	if len(governed) > 0 || cut && !s.off {
		s.governed++
		s.bypass(k, "direct push: no pull request", governed)
	}
	return nil
}

// bypass notes an exception. Its time is that of its detection: the commit's own
// clock can say anything, and a date outside the audited period would hide it.
func (s *sweep) bypass(k checks.Landed, why string, files []evidence.GovernedFile) {
	p := s.reading.job.Place
	s.bypasses = append(s.bypasses, evidence.Bypassed(
		fmt.Sprintf("bypass/%d/%s/%s", p.RepoID, s.reading.job.Branch, k.ID), s.bot.Host,
		evidence.BypassDetected{
			Repo: evidence.Repo{ID: p.RepoID, Name: p.Repo}, Branch: s.reading.job.Branch,
			Commit: k.ID, PushedBy: k.Author, At: s.reading.now, Why: why,
		}, files))
}

// save records the exceptions and the walk, raises the merged pull requests, and
// moves the tip, all together: a walk is never half recorded. It is over when no plan is
// to be verified.
func (s *sweep) save(ctx context.Context) error {
	b, j, p := s.bot, s.reading.job, s.reading.job.Place
	log, plans := b.log(p), false
	err := b.Store.Write(ctx, func(tx *store.Tx) (err error) {
		for _, rec := range s.bypasses {
			if _, _, err := log.Append(ctx, tx, rec, b.Now()); err != nil {
				return err
			}
		}
		for _, n := range s.pulls {
			if err := tx.Raise(ctx, checks.Wake{Place: p, Number: n, Base: j.Branch}, "push", b.Now()); err != nil {
				return err
			}
		}
		rec := evidence.Swept(fmt.Sprintf("sweep/%d/%s/%s/%s", p.RepoID, j.Branch, s.from, s.tip), b.Host, evidence.CoverageSweep{
			Repo: evidence.Repo{ID: p.RepoID, Name: p.Repo}, Ref: "refs/heads/" + j.Branch, From: s.from, To: s.tip,
			Commits: s.commits, Attributed: len(s.pulls), Unattributed: s.commits - len(s.pulls), Governed: s.governed, At: s.reading.now,
		})
		if _, _, err := log.Append(ctx, tx, rec, b.Now()); err != nil {
			return err
		}
		if err := tx.SetTip(ctx, p.RepoID, j.Branch, s.tip); err != nil {
			return err
		}
		if plans, err = s.question(ctx, tx); err != nil || plans {
			return errors.Join(err, b.hold(ctx, tx, j))
		}
		return b.end(ctx, tx, j, time.Time{})
	})
	if err != nil || !plans {
		return err
	}
	return b.keepTrue(ctx, s.reading, s.tip)
}
