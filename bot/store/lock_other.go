//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package store

import (
	"fmt"
	"os"
	"runtime"
)

// lockFile refuses: without a lock two processes could open one directory.
func lockFile(string) (*os.File, error) {
	return nil, fmt.Errorf("%s has no file lock this program knows", runtime.GOOS)
}
