package checks

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-github/v62/github"

	"changegate/rules"
)

// ErrNotGranted says that the App may not write contents: nobody granted it that
// (app.yml says how, and why it is not asked for).
var ErrNotGranted = errors.New("the App was not granted contents: write")

// ErrNothingToUndo says that the branch has already what a rollback would leave.
var ErrNothingToUndo = errors.New("the branch already has what the rollback restores")

// ErrStuck says that a plan does not work on the branch as it is now.
var ErrStuck = errors.New("the plan does not work on the branch as it is now")

// ErrInTheWay says that every branch which a rollback may have is there already, and holds
// something else.
var ErrInTheWay = errors.New("other branches are in the way")

// A Rollback is a change of the past that somebody wants to take back.
type Rollback struct {
	rules.Undoing
	Plan   rules.Plan
	Branch string // that the change was merged into
	Number int    // the pull request that it was
	// Notes are sentences of ours, in Markdown, that whoever approves it has to know.
	Notes []string
}

// OpenRollback opens the pull request that takes a change back on its branch as it was
// restored, and returns it. One that is open already is returned instead, so that doing
// it again does nothing. An error wraps ErrNotGranted, ErrNothingToUndo, ErrStuck or
// ErrInTheWay where that is why there is none.
func (c *Client) OpenRollback(ctx context.Context, p Place, x *Restoring) (number int, url string, err error) {
	switch {
	case x.Open != 0:
		return x.Open, x.URL, nil
	case x.Broken() != "":
		err = ErrStuck
	case len(x.Differing()) == 0:
		err = ErrNothingToUndo
	default:
		number, url, err = c.writeRollback(ctx, p, x)
	}
	if errors.Is(err, ErrNotGranted) {
		// A token keeps the permissions it was given out with: one of after the grant is
		// asked for once.
		c.leave(p.Installation)
		number, url, err = c.writeRollback(ctx, p, x)
	}
	if err != nil {
		return 0, "", fmt.Errorf("open the rollback of %s in %s: %w", x.Plan.ID(), p.Repo, err)
	}
	return number, url, nil
}

// writeRollback makes what is not there yet: texts that no commit has, one commit, a
// branch on it, and the pull request. A step that was made before a crash is found again
// by what it made.
func (c *Client) writeRollback(ctx context.Context, p Place, x *Restoring) (number int, url string, err error) {
	err = c.change(p, func(g *github.Client, owner, name string) error {
		w := &gitWriter{g.Git, owner, name}
		tree, err := w.tree(ctx, x)
		if err != nil {
			return err
		}
		branch, there := x.branch(tree)
		switch {
		case branch == "":
			return ErrInTheWay
		case !there:
			if err := w.branch(ctx, branch, tree, x); err != nil {
				return err
			}
		}
		subject, body := x.Subject(), x.Description()
		made, _, err := g.PullRequests.Create(ctx, owner, name, &github.NewPullRequest{Title: &subject, Body: &body, Head: &branch, Base: &x.Branch})
		if err == nil && made.GetNumber() == 0 {
			err = errors.New("the answer does not say which pull request it became")
		}
		number, url = made.GetNumber(), made.GetHTMLURL()
		return err
	})
	return number, url, err
}

// A gitWriter writes to the git database of one repository.
type gitWriter struct {
	git         *github.GitService
	owner, name string
}

// tree makes the tree of the branch with the files as the rollback leaves them. The
// entries are by id: no content is sent but what a reverse merge made.
func (w *gitWriter) tree(ctx context.Context, x *Restoring) (id string, err error) {
	var entries []*github.TreeEntry
	for _, f := range x.Differing() {
		if f.Data != nil {
			if err := w.blob(ctx, f); err != nil {
				return "", err
			}
		}
		e := &github.TreeEntry{Path: &f.Path, Mode: &f.Back.Mode, Type: github.String("blob"), SHA: &f.Back.Blob}
		if f.Back.Blob == "" {
			e.Mode, e.SHA = &f.Landed.Mode, nil // which deletes it
		}
		entries = append(entries, e)
	}
	made, _, err := w.git.CreateTree(ctx, w.owner, w.name, x.tree, entries)
	if err != nil {
		return "", granted(err)
	}
	return made.GetSHA(), nil
}

// blob stores a text that a reverse merge made. It is what was verified or nothing.
func (w *gitWriter) blob(ctx context.Context, f rules.Restored) error {
	content, encoding := base64.StdEncoding.EncodeToString(f.Data), "base64"
	made, _, err := w.git.CreateBlob(ctx, w.owner, w.name, &github.Blob{Content: &content, Encoding: &encoding})
	switch {
	case err != nil:
		return granted(err)
	case made.GetSHA() != f.Back.Blob:
		return fmt.Errorf("GitHub stored %s as %q, want %s", f.Path, made.GetSHA(), f.Back.Blob)
	}
	return nil
}

// branch makes the commit and a branch on it. It names neither author nor committer, so
// that GitHub signs it as the App's.
func (w *gitWriter) branch(ctx context.Context, name, tree string, x *Restoring) error {
	message := x.Subject() + "\n\n" + x.summary()
	made, _, err := w.git.CreateCommit(ctx, w.owner, w.name, &github.Commit{
		Message: &message, Tree: &github.Tree{SHA: &tree}, Parents: []*github.Commit{{SHA: &x.Tip}},
	}, nil)
	if err != nil {
		return granted(err)
	}
	ref := "refs/heads/" + name
	_, _, err = w.git.CreateRef(ctx, w.owner, w.name, &github.Reference{Ref: &ref, Object: &github.GitObject{SHA: made.SHA}})
	return granted(err)
}

// granted tells the answer to a write that nobody granted the App from others, which
// GitHub gives in these words.
func granted(err error) error {
	var e *github.ErrorResponse
	if errors.As(err, &e) && e.Response.StatusCode == http.StatusForbidden && strings.EqualFold(e.Message, "Resource not accessible by integration") {
		return ErrNotGranted
	}
	return err
}
