// Package evidencetest holds what tests of evidence need: a log in memory, and
// the contract of evidence.Storage as a test that every implementation runs.
package evidencetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"changegate/bot/evidence"

	"golang.org/x/mod/sumdb/tlog"
)

// Memory is an evidence.Storage that keeps everything in memory.
type Memory struct {
	mu   sync.RWMutex
	logs map[string]*book // guarded by mu
}

var _ evidence.Storage = (*Memory)(nil)

// A book is one log.
type book struct {
	entries []evidence.Entry
	hashes  []tlog.Hash
	keys    map[string]int64
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{logs: map[string]*book{}} }

// Update implements evidence.Storage: one at a time.
func (m *Memory) Update(ctx context.Context, fn func(evidence.Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{m: m, was: map[string][2]int{}}
	if err := fn(tx); err != nil {
		tx.rollback()
		return err
	}
	if err := ctx.Err(); err != nil {
		tx.rollback()
		return err
	}
	return nil
}

// View implements evidence.Storage.
func (m *Memory) View(_ context.Context, fn func(evidence.Tx) error) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return fn(&memoryTx{m: m})
}

// Tamper lets a test change a stored entry as somebody with the database could.
func (m *Memory) Tamper(log string, index int64, change func(*evidence.Entry)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.logs[log].entries[index])
}

type memoryTx struct {
	m   *Memory
	was map[string][2]int // entries and hashes before; nil in a view
}

func (tx *memoryTx) rollback() {
	for log, n := range tx.was {
		b := tx.m.logs[log]
		for _, e := range b.entries[n[0]:] {
			delete(b.keys, e.Key)
		}
		b.entries, b.hashes = b.entries[:n[0]], b.hashes[:n[1]]
	}
}

func (tx *memoryTx) book(log string) *book {
	if b := tx.m.logs[log]; b != nil {
		return b
	}
	return &book{keys: map[string]int64{}}
}

func (tx *memoryTx) Size(_ context.Context, log string) (int64, error) {
	return int64(len(tx.book(log).entries)), nil
}

func (tx *memoryTx) Append(_ context.Context, log string, n int64, e evidence.Entry, hashes []tlog.Hash) (int64, error) {
	if tx.was == nil {
		return 0, errors.New("this transaction only reads")
	}
	b := tx.book(log)
	if i, ok := b.keys[e.Key]; ok {
		return i, evidence.ErrDuplicate
	}
	if n != int64(len(b.entries)) {
		return 0, fmt.Errorf("entry %d of log %s which has %d", n, log, len(b.entries))
	}
	if _, ok := tx.was[log]; !ok {
		tx.was[log] = [2]int{len(b.entries), len(b.hashes)}
	}
	e.Index = n
	e.Leaf, e.Side, e.Salt = slices.Clone(e.Leaf), slices.Clone(e.Side), slices.Clone(e.Salt)
	b.entries, b.hashes, b.keys[e.Key] = append(b.entries, e), append(b.hashes, hashes...), n
	tx.m.logs[log] = b
	return n, nil
}

func (tx *memoryTx) Hashes(_ context.Context, log string, indexes []int64) ([]tlog.Hash, error) {
	b := tx.book(log)
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(b.hashes)) {
			return nil, fmt.Errorf("hash %d of log %s which has %d", x, log, len(b.hashes))
		}
		out[i] = b.hashes[x]
	}
	return out, nil
}

func (tx *memoryTx) Entries(_ context.Context, log string, from, to int64) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		all := tx.book(log).entries
		for i := max(0, from); i < min(to, int64(len(all))); i++ {
			if !yield(all[i], nil) {
				return
			}
		}
	}
}
