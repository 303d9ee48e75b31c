//go:build !windows

package store

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the lock that keeps a second process off the directory: two on
// one SQLite file work, but wait for each other for seconds and would each think
// themselves the only writer. The kernel drops it with the process, however that ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errInUse
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
