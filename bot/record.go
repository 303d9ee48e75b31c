package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"changegate/bot/evidence"
	"changegate/bot/portal"
	"changegate/bot/store"
	"changegate/checks"
	"changegate/rules"
)

// record appends the decision to the organisation's log when it, its facts or its
// policy differ from the pull request's last record, together with what the store
// keeps of the pull request. The key carries the record before it, so that a
// judgement repeated after a crash is the same record and a return to an earlier
// verdict is a new one.
func (b *Bot) record(ctx context.Context, r *reading) error {
	digest := r.digest()
	if r.pull.Record >= 0 && r.pull.Digest == digest {
		return nil
	}
	rec, err := evidence.Decision(evidence.Decided{
		Key:  fmt.Sprintf("decision/%d/%d/%d/%s", r.Place.RepoID, r.job.Number, r.pull.Record, digest),
		Host: b.Host, Change: &r.Change, Policy: r.Policy.Data, Source: r.Policy.PolicyText,
		Verdict: r.verdict, At: r.now, Trigger: r.job.Event, Engine: b.Version,
	})
	if err != nil {
		return err
	}
	r.pull.Digest = digest
	err = b.Store.Write(ctx, func(tx *store.Tx) error {
		if err := b.hold(ctx, tx, r.job); err != nil {
			return err
		}
		index, _, err := b.log(r.Place).Append(ctx, tx, rec, b.Now())
		if err != nil {
			return err
		}
		r.pull.Record, r.pull.RecordAt, r.pull.VerdictState = index, r.now, string(r.verdict.State)
		return errors.Join(r.describe(b.log(r.Place).Origin()), tx.SavePull(ctx, r.pull))
	})
	if err != nil {
		return fmt.Errorf("record %s#%d: %w", r.Place.Repo, r.job.Number, err)
	}
	b.metrics.verdicts.WithLabelValues(string(r.verdict.State)).Inc()
	return nil
}

// describe keeps the verdict and what the page shows of it.
func (r *reading) describe(origin string) (err error) {
	v := r.verdict
	v.Policy = r.Policy.Commit + ":" + r.Policy.Path
	if r.pull.Verdict, err = json.Marshal(v); err != nil {
		return fmt.Errorf("keep verdict: %w", err)
	}
	r.pull.Page, err = json.Marshal(portal.Page{
		Repo: r.Place.Repo, Number: r.job.Number, Title: r.Title, URL: r.URL, Base: r.Change.Base.Branch,
		Verdict: v, Policy: r.policyRef(), Evaluated: r.now, Record: r.pull.Record, Log: origin,
	})
	return err
}

// merged records a pull request that reached its base branch: first what the
// rules say of it as it was at that instant, then the merge with the decision
// that was in force. Whatever came after the merge (an approval, an edit of the
// description) explains nothing and is left out.
func (b *Bot) merged(ctx context.Context, r *reading) error {
	if r.pull.MergeRecord >= 0 {
		return b.finish(ctx, r, time.Time{})
	}
	before, err := b.GitHub.PolicyAt(ctx, r.Place, r.before())
	if err != nil {
		return fmt.Errorf("read the policy before the merge of %s#%d: %w", r.Place.Repo, r.job.Number, err)
	}
	r.Policy = before
	if r.policy, _ = rules.ParsePolicy(before.Data); before.State == checks.PolicyAbsent ||
		r.policy != nil && !r.policy.Watches(r.Change.Base.Branch, r.Change.DefaultBranch) {
		return b.finish(ctx, r, time.Time{})
	}
	r.asOf(r.Merge.At)
	r.verdict = rules.Evaluate(r.Policy.Data, &r.Change, r.now)
	if len(r.verdict.Governed) == 0 && len(r.Change.Gaps) == 0 && r.policy != nil {
		return b.finish(ctx, r, time.Time{}) // no member of the population
	}
	if err := b.record(ctx, r); err != nil {
		return err
	}
	return b.recordMerge(ctx, r)
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

// asOf takes back everything that a reading after the merge saw too late.
func (r *reading) asOf(merged time.Time) {
	r.now = merged.UTC()
	c := &r.Change
	var reviews []rules.Review
	for _, w := range c.Reviews {
		if !w.At.After(merged) {
			reviews = append(reviews, w)
		}
	}
	c.Reviews = reviews
	if !r.EditedAt.After(merged) {
		return
	}
	var files []rules.RequestText
	for _, t := range c.Requests {
		if t.Path != "" {
			files = append(files, t)
		}
	}
	c.Requests = files
}

func (b *Bot) recordMerge(ctx context.Context, r *reading) error {
	files, err := b.governedFiles(ctx, r)
	if err != nil {
		return err
	}
	m := evidence.ChangeMerged{
		Repo: evidence.Repo{ID: r.Place.RepoID, Name: r.Place.Repo}, Number: r.job.Number,
		Branch: r.Change.Base.Branch, Commit: r.Merge.Commit, Tip: r.Change.Head.Commit, Before: r.Change.Base.Commit,
		MergedBy: r.Merge.By, MergedAt: r.Merge.At,
	}
	log := b.log(r.Place)
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		d, err := decisionAt(ctx, log, tx, r.pull.Record)
		if err != nil {
			return err
		}
		m.Explain(r.pull.Record, d)
		rec := evidence.Merged(fmt.Sprintf("merge/%d/%d/%s", r.Place.RepoID, r.job.Number, r.Merge.Commit), b.Host, m, files)
		if r.pull.MergeRecord, _, err = log.Append(ctx, tx, rec, b.Now()); err != nil {
			return err
		}
		if err := tx.SavePull(ctx, r.pull); err != nil {
			return err
		}
		return b.end(ctx, tx, r.job, time.Time{})
	})
}

// decisionAt reads one decision back from the log.
func decisionAt(ctx context.Context, log *evidence.Log, tx *store.Tx, index int64) (*evidence.PolicyEvaluated, error) {
	for s, err := range log.Records(ctx, tx, index, index+1) {
		if err != nil {
			return nil, fmt.Errorf("read record %d: %w", index, err)
		}
		if d, ok := s.Predicate.(*evidence.PolicyEvaluated); ok {
			return d, nil
		}
	}
	return nil, fmt.Errorf("record %d is no decision", index)
}

// governedFiles names what the merge put on the branch, with the SHA-256 of each
// file that is text: other people's tools check a prompt file against it.
func (b *Bot) governedFiles(ctx context.Context, r *reading) ([]evidence.GovernedFile, error) {
	blobs := map[string]string{}
	var want []checks.Source
	for _, f := range r.Change.Files {
		blobs[f.Path] = f.New
	}
	for _, g := range r.verdict.Governed {
		if blobs[g.Path] != "" {
			want = append(want, checks.Source{Commit: r.Change.Head.Commit, Path: g.Path, Blob: blobs[g.Path]})
		}
	}
	contents, err := b.GitHub.Contents(ctx, r.Place, want)
	if err != nil {
		return nil, fmt.Errorf("read governed files of %s#%d: %w", r.Place.Repo, r.job.Number, err)
	}
	var out []evidence.GovernedFile
	for _, g := range r.verdict.Governed {
		f := evidence.GovernedFile{Path: g.Path, Blob: blobs[g.Path]}
		if data, ok := contents[f.Blob]; ok {
			f.SHA256 = sha256Hex(data)
		}
		out = append(out, f)
	}
	return out, nil
}
