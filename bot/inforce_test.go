package bot

import (
	"testing"
	"time"

	"changegate/bot/store"
)

func TestInForce(t *testing.T) {
	t.Parallel()
	second := func(n int) time.Time { return time.Unix(int64(n), 0) }
	seen := []store.Sighting{{Digest: "a", Since: second(10)}, {Digest: "b", Since: second(20)}, {Digest: "a", Since: second(30)}}
	for at, want := range map[int]string{
		5: "", 10: "", 11: "a",
		20: "a", // edited in the second of the review: the reviewer saw the one before
		21: "b", 30: "b", 31: "a", 99: "a",
	} {
		if got := inForce(seen, second(at)); got != want {
			t.Errorf("at %d: %q, want %q", at, got, want)
		}
	}
}
