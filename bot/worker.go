package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"changegate/bot/store"
)

// Run works on jobs with the given number of workers until ctx ends. Each worker
// sleeps until a job is raised or the earliest timer is due, idle at most.
func (b *Bot) Run(ctx context.Context, workers int) {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				b.step(ctx)
			}
		})
	}
	all.Go(func() { b.watchClock(ctx) })
	all.Wait()
}

// idle is the longest sleep of a worker: an expired lease, and a clock that was set,
// are found within it. A date that passed is promised to be seen within 60 s.
const idle = 30 * time.Second

func (b *Bot) step(ctx context.Context) {
	worked, err := b.work(ctx)
	if err != nil && ctx.Err() == nil {
		b.Log.Error("claim job", "err", err)
	}
	if worked && err == nil {
		return
	}
	sleep := time.NewTimer(b.untilDue(ctx))
	defer sleep.Stop()
	select {
	case <-ctx.Done():
	case <-b.Store.Wait():
	case <-sleep.C:
	}
}

// untilDue is how long nothing will be due, at most idle.
func (b *Bot) untilDue(ctx context.Context) time.Duration {
	due, err := b.Store.NextDue(ctx)
	if err != nil || due.IsZero() {
		return idle
	}
	return min(max(due.Sub(b.Now()), 10*time.Millisecond), idle)
}

// work does one job if one is due, and reports whether it did.
func (b *Bot) work(ctx context.Context) (bool, error) {
	j, err := b.Store.Claim(ctx, b.Now(), lease)
	if err != nil || j == nil {
		return false, err
	}
	bounded, cancel := context.WithTimeout(ctx, lease)
	defer cancel()
	switch err := b.do(bounded, j); {
	case err == nil:
		b.metrics.jobs.WithLabelValues("done").Inc()
		return true, nil
	case errors.Is(err, errLost):
		b.metrics.jobs.WithLabelValues("lost").Inc()
		return true, nil
	case ctx.Err() != nil: // the server stops: nobody's fault, and the next one goes on
		return true, b.Store.Retry(context.WithoutCancel(ctx), j, b.Now(), "the server stopped")
	default:
		b.metrics.jobs.WithLabelValues("failed").Inc()
		return true, b.failed(context.WithoutCancel(ctx), j, err)
	}
}

// do judges a pull request, walks a branch or answers a merge queue. A panic is this job's failure alone:
// one hostile pull request must not stop the others' judgements.
func (b *Bot) do(ctx context.Context, j *store.Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			b.Log.Error("panic", "repo", j.Place.Repo, "number", j.Number, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %.200v", p)
		}
	}()
	switch {
	case j.OfGroup():
		return b.group(ctx, j)
	case j.Number == 0:
		return b.walk(ctx, j)
	}
	return b.judge(ctx, j)
}

// failed puts a job back with a growing delay and says so on the pull request
// when it must, while it still holds the job. The worker is the only place that
// logs a job's error.
func (b *Bot) failed(ctx context.Context, j *store.Job, cause error) error {
	b.Log.Warn("job", "repo", j.Place.Repo, "number", j.Number, "branch", j.Branch, "attempt", j.Attempts+1, "err", cause)
	delay := min(time.Second<<min(j.Attempts, 10), again)
	if j.Number != 0 {
		if err := errors.Join(b.admit(ctx, j, b.Now().Add(delay)), b.warnGroups(ctx, j)); err != nil {
			b.Log.Warn("say that a judgement is unfinished", "repo", j.Place.Repo, "number", j.Number, "err", err)
		}
	}
	if j.OfGroup() {
		if err := b.giveUp(ctx, j, cause); err != nil {
			b.Log.Warn("say that a merge group is not judged", "repo", j.Place.Repo, "branch", j.Branch, "err", err)
		}
	}
	return b.Store.Retry(ctx, j, b.Now().Add(delay), cause.Error())
}
