package bot

import (
	"context"
	"time"
)

// now is the machine's clock put right by GitHub's. Every time in the queue, in a
// verdict and in a record is taken from it: a timer means GitHub's time, whatever the
// machine's clock was when it was armed and is set to meanwhile.
func (b *Bot) now() time.Time { return b.machine().Add(b.GitHub.Skew()) }

const (
	// stepped is how far the machine's clock may get away from the time that passed
	// before GitHub is asked for its own.
	stepped = 2 * time.Second
	// sayAgain is how often a clock that stays wrong is complained of.
	sayAgain = time.Hour
)

// A watch is what the clocks said when they were looked at last.
type watch struct {
	machine time.Time
	passed  time.Time // of the clock that nobody sets
	skew    time.Duration
	doubt   bool // the machine's clock was set, or never compared, and GitHub was not heard since
	said    time.Time
}

// watchClock looks every idle whether somebody set the machine's clock, or it slept,
// until ctx ends. GitHub's next answer would tell, but where nothing happens none comes.
func (b *Bot) watchClock(ctx context.Context) {
	// The first sweep may not reach GitHub, and the next one comes in an hour.
	w := watch{machine: b.machine().Round(0), passed: time.Now(), doubt: true}
	tick := time.NewTicker(idle)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := b.look(ctx, &w); err != nil && ctx.Err() == nil {
				b.Log.Warn("watch the clock", "err", err)
			}
		}
	}
}

func (b *Bot) look(ctx context.Context, w *watch) error {
	machine, passed := b.machine().Round(0), time.Now()
	step := machine.Sub(w.machine) - passed.Sub(w.passed)
	w.machine, w.passed = machine, passed
	was := w.doubt || step.Abs() > stepped
	if w.doubt = was; w.doubt {
		if err := b.GitHub.AskTime(ctx); err != nil {
			return err
		}
		w.doubt = false
	}
	skew := b.GitHub.Skew()
	// GitHub tells whole seconds: what it is ahead becomes known little by little.
	changed := (skew - w.skew).Abs() > 2*stepped
	w.skew = skew
	if changed || skew.Abs() > stepped && passed.Sub(w.said) > sayAgain {
		w.said = passed
		b.Log.Warn("GitHub's clock is taken for this machine's", "ahead_s", skew.Seconds())
	}
	if was || changed {
		// What came while the clock was ahead was put into the queue for a time to come.
		return b.Store.Hasten(ctx, b.Now())
	}
	return nil
}
