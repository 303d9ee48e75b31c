package rules

import (
	"testing"
	"time"
)

// TestFreezeAfterTheClocksGoBack: a window that began before the end of summer time
// holds through it.
func TestFreezeAfterTheClocksGoBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		cron  string
		lasts time.Duration
		now   string
		want  bool
	}{
		{"0 22 * * *", 10 * time.Hour, "2026-10-25T05:00:00+01:00", true},
		{"0 22 * * *", 10 * time.Hour, "2026-10-25T08:00:00+01:00", false},
		{"0 22 * * *", 10 * time.Hour, "2027-10-31T05:00:00+01:00", true},
		{"0 0 * * 0", 24 * time.Hour, "2026-10-25T12:00:00+01:00", true},
		{"0 0 25 10 *", 120 * time.Hour, "2026-10-28T12:00:00+01:00", true},
		{"0 0 * * *", 12 * time.Hour, "2026-10-25T10:00:00+01:00", true},
		{"0 0 * * *", 12 * time.Hour, "2026-10-25T13:00:00+01:00", false},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		f := Freeze{Start: tt.cron, Lasts: tt.lasts, Zone: berlin}
		w, ok := f.window(now)
		if got := ok && !now.Before(w.from) && now.Before(w.until); got != tt.want {
			t.Errorf("%q for %s at %s: frozen %v, want %v (%v to %v)", tt.cron, tt.lasts, tt.now, got, tt.want, w.from, w.until)
		}
	}
}
