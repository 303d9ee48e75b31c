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
		return errors.Join(r.describe(b.log(r.Place).Origin()), tx.SavePull(ctx, r.pull), b.tellSiblings(ctx, tx, r))
	})
	if err != nil {
		return fmt.Errorf("record %s#%d: %w", r.Place.Repo, r.job.Number, err)
	}
	b.metrics.verdicts.WithLabelValues(string(r.verdict.State)).Inc()
	return nil
}

// tellSiblings has the pull requests that share this head's check run judged again.
func (b *Bot) tellSiblings(ctx context.Context, tx *store.Tx, r *reading) error {
	others, err := tx.Siblings(ctx, r.Place.RepoID, r.Change.Base.Branch, r.Change.Head.Commit, r.job.Number)
	for _, p := range others {
		err = errors.Join(err, tx.Raise(ctx, checks.Wake{Place: p.Place, Number: p.Number, Base: p.Base}, "sibling judged", b.Now()))
	}
	return err
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

// merged records a pull request that reached its base branch, with the decision
// that was in force then: the newest recorded before the merge, which is what the
// check said. What GitHub shows afterwards (a check that was run again, a team
// that changed, an edited description) explains nothing and refutes nothing.
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
	files, err := b.governedFiles(ctx, r)
	if err != nil {
		return err
	}
	if len(files) == 0 && len(r.Change.Gaps) == 0 {
		return b.finish(ctx, r, time.Time{}) // no member of the population
	}
	return b.recordMerge(ctx, r, files)
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

func (b *Bot) recordMerge(ctx context.Context, r *reading, files []evidence.GovernedFile) error {
	m := evidence.ChangeMerged{
		Repo: evidence.Repo{ID: r.Place.RepoID, Name: r.Place.Repo}, Number: r.job.Number,
		Branch: r.Change.Base.Branch, Commit: r.Merge.Commit, Tip: r.Change.Head.Commit, Before: r.Change.Base.Commit,
		MergedBy: r.Merge.By, MergedAt: r.Merge.At,
	}
	log := b.log(r.Place)
	return b.Store.Write(ctx, func(tx *store.Tx) error {
		index, d, err := inForceAt(ctx, log, tx, r.pull.Record, &m)
		if err != nil {
			return err
		}
		m.Explain(index, d)
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

// inForceAt returns the newest decision on a pull request that was made before its
// merge, nil when there is none. Each decision's key names the one before it.
func inForceAt(ctx context.Context, log *evidence.Log, tx *store.Tx, index int64, m *evidence.ChangeMerged) (int64, *evidence.PolicyEvaluated, error) {
	for index >= 0 {
		d, err := decisionAt(ctx, log, tx, index)
		if err != nil {
			return -1, nil, err
		}
		if evidence.InForce(d, m) {
			return index, d, nil
		}
		var repo, number int64
		if _, err := fmt.Sscanf(d.Key, "decision/%d/%d/%d/", &repo, &number, &index); err != nil {
			return -1, nil, fmt.Errorf("read key of record %d: %w", index, err)
		}
	}
	return -1, nil, nil
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
	var out []evidence.GovernedFile
	var want []checks.Source
	for _, f := range r.Change.Files {
		if r.policy != nil && len(r.policy.GroupsOf(f)) == 0 {
			continue
		}
		out = append(out, evidence.GovernedFile{Path: f.Path, Blob: f.New})
		if f.New != "" {
			want = append(want, checks.Source{Commit: r.Change.Head.Commit, Path: f.Path, Blob: f.New})
		}
	}
	contents, err := b.GitHub.Contents(ctx, r.Place, want)
	if err != nil {
		return nil, fmt.Errorf("read governed files of %s#%d: %w", r.Place.Repo, r.job.Number, err)
	}
	for i := range out {
		if data, ok := contents[out[i].Blob]; ok {
			out[i].SHA256 = sha256Hex(data)
		}
	}
	return out, nil
}
