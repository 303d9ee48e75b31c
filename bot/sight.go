package bot

import (
	"context"
	"iter"
	"slices"
	"time"

	"changegate/bot/store"
	"changegate/rules"
)

// sight notes a change request that is new and tells every review which one was
// in force when it was given. An approval of one declaration must not count for
// another, and GitHub does not make a review stale when the description changes.
func (b *Bot) sight(ctx context.Context, tx *store.Tx, r *reading) error {
	c := &r.Change
	seen, err := tx.Sightings(ctx, r.Place.RepoID, r.job.Number)
	if err != nil {
		return err
	}
	q, _ := rules.ReadRequest(c.Requests, time.UTC)
	digest, inFile := q.Digest(), false
	for _, t := range c.Requests {
		inFile = inFile || t.Path != ""
	}
	if len(seen) == 0 || seen[len(seen)-1].Digest != digest {
		s := store.Sighting{Digest: digest, Since: r.EditedAt}
		if inFile {
			s.Since = r.now
		}
		if err := tx.AddSighting(ctx, r.Place.RepoID, r.job.Number, s); err != nil {
			return err
		}
		seen = append(seen, s)
	}
	c.RequestSince = seen[len(seen)-1].Since
	if inFile {
		r.reviewFile(digest)
	} else {
		r.reviewDescription(seen)
	}
	r.memory.EditedAt = r.EditedAt
	return nil
}

// reviewFile ties opinions to a change request in a file, which changes with the
// commit: a review saw it if its commit had the same one, whatever the clock says.
func (r *reading) reviewFile(digest string) {
	for w := range r.opinions() {
		if w.Commit == r.Change.Head.Commit || sameRequests(&r.Change, w.Commit) {
			w.Request = digest
		}
		r.fix(w)
	}
}

// reviewDescription ties opinions to a change request in the description, which
// changes at EditedAt, on GitHub's clock like the reviews. What a review saw is
// settled when it is first read: GitHub keeps no history of a description, so that
// one edited from A to B, approved, and edited back to A while nobody looked shows A
// at both ends. A review that came before an edit nobody looked at in between is
// therefore of an unknown request, and its author is asked again. So it is of one on
// a commit with a file that declared something and is gone.
func (r *reading) reviewDescription(seen []store.Sighting) {
	edited := r.EditedAt.After(r.memory.EditedAt)
	for w := range r.opinions() {
		digest, settled := r.memory.Reviewed[w.ID]
		switch {
		case settled:
			w.Request = digest
		case edited && !w.At.After(r.EditedAt), otherRequests(&r.Change, w.Commit):
			w.Request = ""
		default:
			w.Request = inForce(seen, w.At)
		}
		r.fix(w)
	}
}

// opinions yields the reviews that may count.
func (r *reading) opinions() iter.Seq[*rules.Review] {
	return func(yield func(*rules.Review) bool) {
		for i := range r.Change.Reviews {
			w := &r.Change.Reviews[i]
			if (w.State == "APPROVED" || w.State == "CHANGES_REQUESTED") && !yield(w) {
				return
			}
		}
	}
}

// fix settles what a review saw, if nothing has before.
func (r *reading) fix(w *rules.Review) {
	if r.memory.Reviewed == nil {
		r.memory.Reviewed = map[int64]string{}
	}
	if _, settled := r.memory.Reviewed[w.ID]; !settled {
		r.memory.Reviewed[w.ID] = w.Request
	}
}

// sameRequests reports whether the request files of the head were the same at an
// earlier commit, otherRequests whether they were others. Neither is so when that
// commit is not known any more.
func sameRequests(c *rules.Change, commit string) bool {
	known, same := requestsAt(c, commit)
	return known && same
}

func otherRequests(c *rules.Change, commit string) bool {
	known, same := requestsAt(c, commit)
	return known && !same && commit != c.Head.Commit
}

func requestsAt(c *rules.Change, commit string) (known, same bool) {
	files := func(all []rules.File) (out []rules.File) {
		for _, f := range all {
			if rules.RequestPath(f.Path) {
				out = append(out, rules.File{Path: f.Path, New: f.New})
			}
		}
		return out
	}
	for _, r := range c.Revisions {
		if r.Commit == commit {
			return true, slices.Equal(files(r.Files), files(c.Files))
		}
	}
	return false, false
}

// inForce is the change request in force at an instant. GitHub's times are whole
// seconds: an edit in the second of a review may have come after it, so it counts
// as later. A review in the second of an edit is asked for again.
func inForce(seen []store.Sighting, at time.Time) string {
	digest := ""
	for _, s := range seen {
		if s.Since.Before(at) {
			digest = s.Digest
		}
	}
	return digest
}
