package checks

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"changegate/rules"
)

// At returns what a commit, named by its whole id, has at paths: one call for a hundred
// folders, none for what was asked before. A path that is not in the answer is no file
// there. ErrGone when there is no such commit; what GitHub does not give whole is an
// error.
func (c *Client) At(ctx context.Context, p Place, commit string, paths []string) (map[string]rules.Entry, error) {
	out, _, err := c.read(ctx, p, commit, paths)
	return out, err
}

// read is At, with the folders that the paths are in.
func (c *Client) read(ctx context.Context, p Place, commit string, paths []string) (map[string]rules.Entry, *listings, error) {
	l, dirs := c.listings(p), foldersOf(paths)
	for some := range slices.Chunk(dirs, mostFolders) {
		q := &lookup{place: p}
		l.wantPaths(ctx, q, commit, some)
		if err := q.send(ctx, c); err != nil {
			return nil, nil, fmt.Errorf("read folders of %s: %w", commit, err)
		}
	}
	if l.trees[commit] == "" {
		return nil, nil, fmt.Errorf("%w: commit %s", ErrGone, commit)
	}
	out := map[string]rules.Entry{}
	for _, file := range paths {
		e, known := l.at(commit, file)
		if !known {
			return nil, nil, fmt.Errorf(unlisted, file, commit)
		}
		if e != (rules.Entry{}) {
			out[file] = e
		}
	}
	return out, l, nil
}

// inTheWay reports whether a commit has a folder at a path, or a file where a folder on the
// way to it would be: a file that is put there takes them away.
func (l *listings) inTheWay(commit, file string) bool {
	if l.isFolder(folder{commit, file}) {
		return true
	}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if e, _ := l.at(commit, dir); e != (rules.Entry{}) {
			return true
		}
	}
	return false
}

// Within reports whether a commit is in the history of a later one. One that is gone is
// in none.
func (c *Client) Within(ctx context.Context, p Place, commit, later string) (bool, error) {
	return c.below(ctx, p, commit, later)
}

// Verify works out what the recorded plan of a change would leave on a branch whose tip
// is tip: of every file, Landed is what stands there now, and Back what the plan makes of
// it. What was approved is restored, wherever its tag points now; within says whether
// Plan.Commit is in the history of the branch. What GitHub does not give whole is in
// Unknown, or an error that may pass. ErrGone when tip is not there.
func (c *Client) Verify(ctx context.Context, p Place, plan rules.Plan, tip string, within bool) (*rules.Target, error) {
	t := &rules.Target{To: plan.To, Form: plan.Form, Commit: plan.Commit, InBase: within}
	paths := plan.Paths()
	if plan.Form == rules.FormRevert {
		paths = append(paths, attributesOf(paths...)...)
	}
	now, l, err := c.read(ctx, p, tip, paths)
	if err != nil {
		return nil, err
	}
	if err := c.undo(ctx, p, t, &plan, now); err != nil {
		return nil, err
	}
	for i := range t.Files {
		if f := &t.Files[i]; f.Back.Blob != "" && f.Wrong == "" && l.inTheWay(tip, f.Path) {
			f.Wrong = rules.WrongInTheWay
		}
	}
	reread(&plan, t)
	return t, nil
}

// reread gives what a parser has to take its text: that of the plan, where the same is
// restored, or what the reverse merge made. A manifest that comes back as it was approved
// is not read again: one may be unreadable that was mended by the change.
func reread(p *rules.Plan, t *rules.Target) {
	for i := range t.Files {
		f := &t.Files[i]
		k := slices.IndexFunc(p.Files, func(r rules.Restored) bool { return r.Path == f.Path })
		switch {
		case k < 0 || p.Files[k].Text == nil || f.Text != nil:
		case f.Back == p.Files[k].Back && f.Path != PolicyPath:
		case f.Back == p.Files[k].Back:
			f.Text = p.Files[k].Text
		default:
			f.Text = f.Data
		}
	}
}

// undo fills in the files of a plan.
func (c *Client) undo(ctx context.Context, p Place, t *rules.Target, plan *rules.Plan, now map[string]rules.Entry) error {
	var ids []string
	ways := &ways{}
	for _, f := range plan.Files {
		if plan.Form != rules.FormRevert {
			continue
		}
		need := needs(f.Landed, now[f.Path], f.Back)
		if ids = append(ids, need...); len(need) > 0 {
			ways.on(f.Path, func(name string) []rules.Entry { return []rules.Entry{now[name]} })
		}
	}
	if ids = unique(ids); len(ids) > mostMerged {
		t.Unknown = fmt.Sprintf(tooMany, len(ids), mostMerged)
		return nil
	}
	texts := c.contents(p)
	if err := texts.ask(ctx, unique(append(ids, ways.ids...))); errors.Is(err, errAnswer) {
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
			if r, err = undoAfter(f.Path, f.Landed, f.Back, now[f.Path], ways.reader(f.Path, texts.read)); errors.Is(err, errUnread) {
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
