package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changegate/rules"
)

// At returns what a commit, named by its whole id, has at paths: one call for a hundred
// folders, none for what was asked before. A path that is not in the answer is no file
// there. ErrGone when there is no such commit; what GitHub does not give whole is an
// error.
func (c *Client) At(ctx context.Context, p Place, commit string, paths []string) (map[string]rules.Entry, error) {
	l, dirs := c.listings(p), foldersOf(paths)
	for some := range slices.Chunk(dirs, mostFolders) {
		q := &lookup{place: p}
		l.wantPaths(ctx, q, commit, some)
		if err := q.send(ctx, c); err != nil {
			return nil, fmt.Errorf("read folders of %s: %w", commit, err)
		}
	}
	if l.trees[commit] == "" {
		return nil, fmt.Errorf("%w: commit %s", ErrGone, commit)
	}
	out := map[string]rules.Entry{}
	for _, file := range paths {
		e, known := l.at(commit, file)
		if !known {
			return nil, fmt.Errorf(unlisted, file, commit)
		}
		if e != (rules.Entry{}) {
			out[file] = e
		}
	}
	return out, nil
}

// Verify works out what the recorded plan of a change would leave on a branch whose tip
// is tip: of every file, Landed is what stands there now, and Back what the plan makes of
// it. What was approved is restored, wherever its tag points now: Moved says so. forced
// is set when the branch was pushed over since, and has its history asked for Plan.Commit.
// What GitHub does not give whole is in Unknown, or an error that may pass. ErrGone when
// tip is not there.
func (c *Client) Verify(ctx context.Context, p Place, plan rules.Plan, tip string, forced bool) (*rules.Target, error) {
	t := &rules.Target{To: plan.To, Form: plan.Form, Commit: plan.Commit, InBase: true}
	var paths []string
	for _, f := range plan.Files {
		paths = append(paths, f.Path)
	}
	now, err := c.At(ctx, p, tip, paths)
	if err != nil {
		return nil, err
	}
	if forced && plan.Commit != "" {
		if t.InBase, err = c.below(ctx, p, plan.Commit, tip); err != nil {
			return nil, err
		}
	}
	if t.Moved, err = c.moved(ctx, p, &plan); err != nil {
		return nil, err
	}
	return t, c.undo(ctx, p, t, &plan, now)
}

// moved reports whether the tag that a plan names stands for another commit by now, or
// for none.
func (c *Client) moved(ctx context.Context, p Place, plan *rules.Plan) (moved bool, err error) {
	look := rules.LookFor(plan.To)
	ref, ok := tagRef(look.Name)
	byID := look.ID != "" && strings.HasPrefix(plan.Commit, look.ID)
	if !ok || byID || plan.Form != rules.FormTag && plan.Form != rules.FormPath {
		return false, nil
	}
	q, now := &lookup{place: p}, (*treed)(nil)
	q.tag(ref, func(t *tagAnswer) (err error) {
		now, err = t.on(look.Name)
		return err
	})
	if err := q.send(ctx, c); err != nil {
		return false, fmt.Errorf("read tag %s: %w", look.Name, err)
	}
	now, err = c.peel(ctx, p, now)
	return now == nil || now.Oid != plan.Commit, err
}

// undo fills in the files of a plan.
func (c *Client) undo(ctx context.Context, p Place, t *rules.Target, plan *rules.Plan, now map[string]rules.Entry) error {
	var ids []string
	for _, f := range plan.Files {
		if plan.Form == rules.FormRevert {
			ids = append(ids, needs(f.Landed, now[f.Path], f.Back)...)
		}
	}
	if ids = unique(ids); len(ids) > mostMerged {
		t.Unknown = fmt.Sprintf(tooMany, len(ids), mostMerged)
		return nil
	}
	texts := c.contents(p)
	if err := texts.ask(ctx, ids); errors.Is(err, errAnswer) {
		t.Unknown = tooLong
		return nil
	} else if err != nil {
		return fmt.Errorf("read what a rollback merges: %w", err)
	}
	for _, f := range plan.Files {
		r := rules.Restored{Path: f.Path, Landed: now[f.Path], Back: f.Back}
		switch {
		case plan.Form == rules.FormRevert:
			var err error
			if r, err = undoAfter(f.Path, f.Landed, f.Back, now[f.Path], texts.read); errors.Is(err, errUnread) {
				r.Wrong = rules.WrongUnread
			} else if err != nil {
				return err
			}
		case odd(r.Landed, r.Back):
			r.Wrong = rules.WrongKind
		}
		if r.Path == PolicyPath {
			r.Text = r.Data
		}
		t.Files = append(t.Files, r)
	}
	return nil
}
