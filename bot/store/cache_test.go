package store_test

import (
	"bytes"
	"fmt"
	"testing"

	"changegate/bot/store"
)

func TestCache(t *testing.T) {
	t.Parallel()
	c := open(t).Cache()
	c.Put(t.Context(), "a", []byte("1"))
	c.Put(t.Context(), "a", []byte("2")) // what never changes is not written twice
	c.Put(t.Context(), "empty", nil)
	c.Put(t.Context(), "most", make([]byte, store.CacheMost))
	c.Put(t.Context(), "more", make([]byte, store.CacheMost+1))
	for key, want := range map[string]struct {
		size  int
		found bool
	}{"a": {1, true}, "empty": {0, true}, "most": {store.CacheMost, true}, "more": {0, false}, "never": {0, false}} {
		if v, ok := c.Get(t.Context(), key); ok != want.found || len(v) != want.size {
			t.Errorf("get %s: %d bytes, %v; want %d, %v", key, len(v), ok, want.size, want.found)
		}
	}
	if v, _ := c.Get(t.Context(), "a"); !bytes.Equal(v, []byte("1")) {
		t.Errorf("a is %q, want what was put first", v)
	}
}

func TestCacheForgetsTheOldest(t *testing.T) {
	t.Parallel()
	const limit, each, puts = 100_000, 1000, 250
	s := open(t)
	c, err := store.CacheOf(t.Context(), s, limit)
	if err != nil {
		t.Fatal(err)
	}
	for i := range puts {
		c.Put(t.Context(), fmt.Sprint(i), make([]byte, each))
		if i == puts/2 { // the size must be right after a restart, too
			if c, err = store.CacheOf(t.Context(), s, limit); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept, oldest := 0, -1
	for i := range puts {
		if _, ok := c.Get(t.Context(), fmt.Sprint(i)); ok {
			kept++
			if oldest < 0 {
				oldest = i
			}
		}
	}
	if kept*each > limit || kept*each < limit/4 {
		t.Errorf("%d bytes are kept, want less than %d and not much less", kept*each, limit)
	}
	if oldest+kept != puts {
		t.Errorf("%d values from number %d of %d are kept, want the last ones", kept, oldest, puts)
	}
}
