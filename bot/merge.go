package bot

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"changegate/bot/evidence"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// Why a merge is an exception though every rule was met.
const (
	otherContent   = "merged content differs from what was approved"
	unknownContent = "merged content could not be compared with what was approved"
)

// merging is a pull request that reached its base branch.
type merging struct {
	*reading
	evidence.ChangeMerged
	index    int64                     // of the decision in force; -1 when there is none
	decision *evidence.PolicyEvaluated // nil when there is none
	facts    []byte                    // that it rests on
	approved content
	base     string       // that the approved content was compared with
	landed   []rules.File // what the merge changed on the branch
	whole    bool         // landed is all of it
	stood    []string     // approved, and so on the branch before the merge
	plan     *rules.Plan  // the way back that was verified with it; nil when none was
}

// content is what a change leaves at each governed path: a blob, or nothing.
type content map[string]string

// merged records a pull request that reached its base branch, with the decision
// that was in force then: the newest recorded before the merge, which is what the
// check said. What GitHub shows afterwards (a check that was run again, a team
// that changed, an edited description) explains nothing and refutes nothing. The
// reading stays as it was: commands are judged by the policy as it is now.
func (b *Bot) merged(ctx context.Context, now *reading) error {
	if now.Merge == nil || now.pull.MergeRecord >= 0 {
		return nil
	}
	before, err := b.GitHub.PolicyAt(ctx, now.Place, now.before())
	if err != nil {
		return fmt.Errorf("read the policy before the merge of %s#%d: %w", now.Place.Repo, now.job.Number, err)
	}
	r := *now
	r.policy, _ = rules.Load(before.Data, r.floor)
	m := &merging{reading: &r, ChangeMerged: evidence.ChangeMerged{
		Repo: evidence.Repo{ID: r.Place.RepoID, Name: r.Place.Repo}, Number: r.job.Number,
		Branch: r.Change.Base.Branch, Commit: r.Merge.Commit, Tip: r.Change.Head.Commit, Before: r.Change.Base.Commit,
		MergedBy: r.Merge.By, MergedAt: r.Merge.At,
	}}
	if before.State == checks.PolicyAbsent || r.policy != nil && !r.policy.Watches(r.Change.Base.Branch, r.Change.DefaultBranch) {
		return b.passOver(ctx, m)
	}
	if err := b.queued(ctx, m); err != nil {
		return err
	}
	if err := b.explainMerge(ctx, m); err != nil {
		return err
	}
	if m.whole && len(m.content(m.landed)) == 0 && len(m.content(r.Change.Files)) == 0 && len(m.approved) == 0 {
		return b.passOver(ctx, m)
	}
	files, err := b.governedFiles(ctx, m)
	if err != nil {
		return err
	}
	if err := b.recallPlan(ctx, m); err != nil {
		return fmt.Errorf("read the way back of %s#%d: %w", m.Place.Repo, m.job.Number, err)
	}
	return b.recordMerge(ctx, m, files)
}

// before is the revision whose policy the merge was held to: what stood on the
// branch just before. That is the first parent of what the merge left there; only
// a pull request that itself changes the policy may have been rebased onto the
// branch commit by commit, so that the parent is its own work: for it, the base
// GitHub compared it with.
func (r *reading) before() string {
	if r.Change.NewPolicy != nil || r.Merge.Parent == "" {
		return r.Change.Base.Commit
	}
	return r.Merge.Parent
}

// explainMerge finds the decision in force and compares what it was about with what
// the merge left on the branch. A merge commit can hold anything, made by hand or by
// a queue, and GitHub calls the pull request merged all the same.
func (b *Bot) explainMerge(ctx context.Context, m *merging) error {
	log := b.log(m.Place)
	err := b.Store.Read(ctx, func(tx *store.Tx) error {
		in, err := inForceAt(ctx, log, tx, m.pull.Record, &m.ChangeMerged)
		if m.index, m.decision = -1, in.PolicyEvaluated; err != nil || m.decision == nil {
			return err
		}
		m.index = in.Index
		facts, err := in.Facts()
		if err != nil {
			return err
		}
		m.approved, m.base, m.facts = m.content(facts.Files), facts.MergeBase, in.Side
		return nil
	})
	if err != nil {
		return err
	}
	m.Explain(m.index, m.decision)
	if m.Explained {
		if m.Ended, err = evidence.Outlived(rules.Evaluate, m.facts, m.MergedAt); err != nil {
			return fmt.Errorf("decide again on %s#%d: %w", m.Place.Repo, m.job.Number, err)
		}
		m.Explain(m.index, m.decision)
	}
	if err := b.land(ctx, m); err != nil {
		return fmt.Errorf("read what the merge of %s#%d left on %s: %w", m.Place.Repo, m.job.Number, m.Branch, err)
	}
	switch {
	case !m.Explained:
	case !m.whole:
		m.Differs = unknownContent
	case !maps.Equal(m.approved, m.content(m.landed)):
		if m.Differs, err = b.differing(ctx, m); err != nil {
			return fmt.Errorf("read what was on %s before the merge of %s#%d: %w", m.Branch, m.Place.Repo, m.job.Number, err)
		}
	}
	m.Explain(m.index, m.decision)
	return nil
}

// mostDiffering bounds the files that an exception names.
const mostDiffering = 3

// differing names the files in which the merge is not what was approved. Where all of
// them had been changed on the branch since, it says so: GitHub then joins the lines of
// both, and nobody has seen the result. It is an exception all the same, one that
// requiring branches to be up to date before merging prevents. It is empty where the
// branch had already what was approved.
func (b *Bot) differing(ctx context.Context, m *merging) (string, error) {
	if stood, err := b.stood(ctx, m); err != nil || stood {
		return "", err
	}
	var paths []string
	landed := m.content(m.landed)
	for path, blob := range landed {
		if was, ok := m.approved[path]; !ok || was != blob {
			paths = append(paths, path)
		}
	}
	for path := range m.approved {
		if _, ok := landed[path]; !ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	says := otherContent + ": " + few(paths)
	if m.base == "" || m.base == m.Merge.Parent {
		return says, nil
	}
	others, whole, err := b.GitHub.Between(ctx, m.Place, m.base, m.Merge.Parent)
	switch {
	case errors.Is(err, checks.ErrGone):
		return says, nil
	case err != nil:
		return "", err
	}
	theirs := m.content(others)
	if !whole || slices.ContainsFunc(paths, func(path string) bool { _, changed := theirs[path]; return !changed }) {
		return says, nil
	}
	return says + " (changed on the branch as well since the pull request left it)", nil
}

// few names the first paths with what cannot be seen escaped, and counts the others.
func few(paths []string) string {
	more := ""
	if n := len(paths) - mostDiffering; n > 0 {
		paths, more = paths[:mostDiffering], fmt.Sprintf(" and %d more", n)
	}
	var out []string
	for _, path := range paths {
		out = append(out, strings.Trim(strconv.Quote(path), `"`))
	}
	return strings.Join(out, ", ") + more
}

// land reads what the merge changed: from the first parent of the commit it left on
// the branch to that commit. Only after a rebase of several commits is the parent the
// pull request's own work, so that more lies before it; looking back that far can
// only add to the difference, never hide one.
func (b *Bot) land(ctx context.Context, m *merging) (err error) {
	if m.Merge.Parent == "" {
		return nil
	}
	m.landed, m.whole, err = b.GitHub.Between(ctx, m.Place, m.Merge.Parent, m.Commit)
	if errors.Is(err, checks.ErrGone) {
		return nil
	}
	copied := m.copied()
	if err != nil || copied < 2 || !m.whole || maps.Equal(m.content(m.landed), m.approved) {
		return err
	}
	from, err := b.GitHub.Back(ctx, m.Place, m.Before, m.Commit, copied)
	if err != nil || from == "" || errors.Is(err, checks.ErrGone) {
		return ignoreGone(err)
	}
	landed, whole, err := b.GitHub.Between(ctx, m.Place, from, m.Commit)
	if err == nil && whole && maps.Equal(m.content(landed), m.approved) {
		m.landed = landed
	}
	return ignoreGone(err)
}

// ignoreGone leaves what was read first to stand when the history before it is gone.
func ignoreGone(err error) error {
	if errors.Is(err, checks.ErrGone) {
		return nil
	}
	return err
}

// governs reports whether the policy before the merge governs a path; one that
// cannot be read governs everything.
func (m *merging) governs(path string) bool {
	return m.policy == nil || len(m.policy.GroupsOf(rules.File{Path: path})) > 0
}

// content keeps of a list of files what is governed. A rename is a file that went
// and one that came: whether GitHub sees one depends on what else changed.
func (m *merging) content(files []rules.File) content {
	out := content{}
	for _, f := range files {
		if f.OldPath != "" && f.Status != "copied" && m.governs(f.OldPath) {
			out[f.OldPath] = ""
		}
		if m.governs(f.Path) {
			out[f.Path] = f.New
		}
	}
	return out
}

// recordMerge numbers the merge and records it, in one transaction: a number that is
// given out stands in the log.
func (b *Bot) recordMerge(ctx context.Context, m *merging, files []evidence.GovernedFile) error {
	tip, past, err := b.walkedPast(ctx, m)
	if err != nil {
		return fmt.Errorf("ask how far %s of %s was walked: %w", m.Branch, m.Place.Repo, err)
	}
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		now, err := tx.Tip(ctx, m.Place.RepoID, m.Branch)
		if err != nil {
			return err
		}
		c := m.change()
		c.Overtaken = past || now != tip
		if _, err := tx.AddChange(ctx, c); err != nil {
			return err
		}
		m.ChangeNumber = c.Number
		rec := evidence.Merged(fmt.Sprintf("merge/%d/%d/%s", m.Place.RepoID, m.job.Number, m.Commit), b.Host, m.ChangeMerged, files)
		if m.pull.MergeRecord, _, err = b.log(m.Place).Append(ctx, tx, rec, b.Now()); err != nil {
			return err
		}
		if err := errors.Join(b.unsettle(ctx, tx, m), b.tellUndone(ctx, tx, m)); err != nil {
			return err
		}
		return errors.Join(tx.SavePull(ctx, m.pull), b.hold(ctx, tx, m.job))
	})
}

// A past is a decision read back from the log.
type past struct {
	evidence.Stored
	*evidence.PolicyEvaluated
}

// decisionsFrom yields the decisions on a pull request from record index back, newest
// first. Each one's key names the one before it.
func decisionsFrom(ctx context.Context, log *evidence.Log, tx *store.Tx, index int64) iter.Seq2[past, error] {
	return func(yield func(past, error) bool) {
		for index >= 0 {
			s, d, err := decisionAt(ctx, log, tx, index)
			if err != nil {
				yield(past{}, err)
				return
			}
			if !yield(past{s, d}, nil) {
				return
			}
			var repo, number int64
			if _, err := fmt.Sscanf(d.Key, "decision/%d/%d/%d/", &repo, &number, &index); err != nil {
				yield(past{}, fmt.Errorf("read key of record %d: %w", s.Index, err))
				return
			}
		}
	}
}

// inForceAt returns the newest decision on a pull request that was made before its
// merge, nil when there is none, and notes since when the merge might be made.
func inForceAt(ctx context.Context, log *evidence.Log, tx *store.Tx, index int64, m *evidence.ChangeMerged) (in past, err error) {
	m.ReadyAt = evidence.ReadySince(m, func(yield func(*evidence.PolicyEvaluated) bool) {
		for d, e := range decisionsFrom(ctx, log, tx, index) {
			if e != nil {
				err = e
				return
			}
			if in.PolicyEvaluated == nil && !evidence.InForce(d.PolicyEvaluated, m) {
				continue // made after the merge
			}
			if in.PolicyEvaluated == nil {
				in = d
			}
			if !yield(d.PolicyEvaluated) {
				return
			}
		}
	})
	return in, err
}

// governedFiles names what the merge put on the branch, or was to put there when
// that cannot be read, with the SHA-256 of each file that is text: other people's
// tools check a prompt file against it.
func (b *Bot) governedFiles(ctx context.Context, m *merging) ([]evidence.GovernedFile, error) {
	var out []evidence.GovernedFile
	var want []checks.Source
	files, commit := m.landed, m.Commit
	if !m.whole {
		files, commit = m.Change.Files, m.Tip
	}
	for _, f := range files {
		if m.policy != nil && len(m.policy.GroupsOf(f)) == 0 {
			continue
		}
		out = append(out, evidence.GovernedFile{Path: f.Path, Blob: f.New})
		if f.New != "" {
			want = append(want, checks.Source{Commit: commit, Path: f.Path, Blob: f.New})
		}
	}
	contents, err := b.GitHub.Contents(ctx, m.Place, want)
	if err != nil {
		return nil, fmt.Errorf("read governed files of %s#%d: %w", m.Place.Repo, m.job.Number, err)
	}
	for i := range out {
		if data, ok := contents[out[i].Blob]; ok {
			out[i].SHA256 = sha256Hex(data)
		}
	}
	return out, nil
}
