package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"changegate/bot/evidence"
	"changegate/bot/portal"
	"changegate/bot/store"
	"changegate/checks"
)

// record appends the decision to the organisation's log when it, its facts or its
// policy differ from the pull request's last record, together with what the store
// keeps of the pull request. The key carries the record before it, so that a
// judgement repeated after a crash is the same record and a return to an earlier
// verdict is a new one.
func (b *Bot) record(ctx context.Context, r *reading) error {
	digest := r.digest()
	// Without a state it has been elsewhere since, where it could not be judged.
	if r.pull.Record >= 0 && r.pull.Digest == digest && r.pull.VerdictState != "" {
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
		if r.memory.Green = ""; r.green() {
			r.memory.Green = r.here()
		}
		return errors.Join(r.describe(b.log(r.Place).Origin()), tx.SavePull(ctx, r.pull),
			tx.SaveMemory(ctx, r.job, r.Place.RepoID, r.memory), b.tellSiblings(ctx, tx, r), b.schedule(ctx, tx, r))
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

// decisionAt reads one decision back from the log.
func decisionAt(ctx context.Context, log *evidence.Log, tx *store.Tx, index int64) (evidence.Stored, *evidence.PolicyEvaluated, error) {
	for s, err := range log.Records(ctx, tx, index, index+1) {
		if err != nil {
			return s, nil, fmt.Errorf("read record %d: %w", index, err)
		}
		if d, ok := s.Predicate.(*evidence.PolicyEvaluated); ok {
			return s, d, nil
		}
	}
	return evidence.Stored{}, nil, fmt.Errorf("record %d is no decision", index)
}
