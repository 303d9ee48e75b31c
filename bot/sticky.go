package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"changegate/checks"
	"changegate/rules"
)

// stickyEvery is the least time between two writes of a sticky comment: a burst of
// events ends in one.
const stickyEvery = 10 * time.Second

// refused stands before the digest of what GitHub did not take.
const refused = "refused "

// stick writes the comment that says how the pull request stands, when it would say
// something new. It is secondary: what goes wrong with it leaves the verdict alone.
func (b *Bot) stick(ctx context.Context, r *reading, view checks.View) {
	if !r.sticks() {
		return
	}
	b.stickText(ctx, r, checks.Sticky(view))
}

// stickText is stick for a text.
func (b *Bot) stickText(ctx context.Context, r *reading, text string) {
	hash := sha256Hex([]byte(text))
	at := &r.pull.Sticky
	switch next := at.At.Add(stickyEvery); {
	case at.Hash == hash && !r.forged(text), at.Hash == refused+hash:
		return
	case b.Now().Before(next):
		r.wake(next)
		return
	}
	id, err := b.write(ctx, r, text)
	at.At = b.Now()
	if err != nil {
		b.Log.Warn("write the sticky comment", "repo", r.Place.Repo, "number", r.job.Number, "err", err)
	}
	switch {
	case err == nil:
		at.ID, at.Hash = id, hash
	case errors.Is(err, checks.ErrRefused):
		at.Hash = refused + hash // it will refuse the same again
	default:
		r.wake(b.Now().Add(again))
	}
}

// forged reports whether somebody else has changed what our sticky comment says: whoever
// may push may edit anybody's comment, and it still stands under our name.
func (r *reading) forged(text string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return slices.ContainsFunc(r.Own, func(c checks.Comment) bool { return c.ID == r.pull.Sticky.ID && plain(c.Body) != plain(text) })
}

// sticks reports whether the pull request has a sticky comment, or gets one: never one
// where nothing is governed, and where the policy says so only once somebody has to act.
func (r *reading) sticks() bool {
	if r.policy == nil {
		return r.pull.Sticky.ID != 0
	}
	acts := r.verdict.State == rules.Waiting || r.verdict.State == rules.Author || r.verdict.State == rules.Failure || r.verdict.State == rules.BreakGlass
	switch r.policy.Comments() {
	case "sticky":
		return r.pull.Sticky.ID != 0 || r.verdict.Would != rules.Nothing
	case "on_action":
		return r.pull.Sticky.ID != 0 || acts
	}
	return false
}

// write puts the text into the comment that is there, or a new one. One that a crash
// made us forget is found by its mark, among those we wrote.
func (b *Bot) write(ctx context.Context, r *reading, text string) (id int64, err error) {
	if err := b.held(ctx, r.job); err != nil {
		return 0, err
	}
	mark := checks.StickyMarker(r.Place.RepoID, r.job.Number)
	id = r.pull.Sticky.ID
	for _, c := range r.Own {
		if id == 0 && strings.HasPrefix(c.Body, mark) {
			id = c.ID
		}
	}
	if id != 0 {
		err := b.GitHub.Reword(ctx, r.Place, id, text)
		if !errors.Is(err, checks.ErrGone) {
			return id, err
		}
	}
	return b.GitHub.Say(ctx, r.Place, r.job.Number, text)
}
